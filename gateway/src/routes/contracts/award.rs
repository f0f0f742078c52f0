//! `/api/bids/{bidId}/accept`: it lies among the bids, and what it makes is a contract.

use contracts::{AcceptBid, InspectionDays};
use kernel::Faults;
use marketplace::BidId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::views::ContractView;
use crate::{Context, Homeowner, Operation, OptionalBody, Path, Problem, Reply, Who, error};

/// The acceptance of a bid.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidAcceptance {
    /// The revision of the bid that was read; another one is refused.
    #[schema(minimum = 1, maximum = 2147483647)]
    pub revision: Option<i32>,
    /// For how many times 24 hours a submitted milestone can be inspected before silence approves it; 14 unless said otherwise. The contractor agrees by
    /// signing.
    #[schema(minimum = 1, maximum = 30)]
    pub inspection_days: Option<i64>,
}

/// Accepting a bid.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/bids/{bidId}/accept")
            .summary("Accept a bid")
            .description("Awards the job, declines the other bids and makes the contract with its milestones, all at once. Of two acceptances at the same time one wins.")
            .by(Who::Homeowner)
            .optional_body::<BidAcceptance>(BidAcceptance { revision: Some(1), inspection_days: Some(14) })
            .answers::<ContractView>(201, "The contract, to be signed by both.", ContractView::example())
            .errors(&[
                error(409, "job_state", "The job is no longer open: a bid was accepted, or it was cancelled.").in_state("AWARDED", &[]),
                error(409, "bid_state", "The bid was withdrawn or turned down.").in_state("WITHDRAWN", &[]),
                error(409, "bid_expired", "The time until which the bid stood is over.").in_state("EXPIRED", &[]),
                error(409, "bid_revised", "The bid was revised since it was read."),
                error(409, "bid_unconfirmed", "The job was edited, and the bidder has not confirmed the bid since."),
                error(409, "contractor_unavailable", "The bidder cannot take on work at present."),
                error(409, "acceptance_closed", "The time to accept a bid on this job is over.").in_state("OPEN", &[]),
            ])
            .to(accept_bid),
    ]
}

async fn accept_bid(
    context: Context,
    actor: Homeowner,
    bid: Path<BidId>,
    body: OptionalBody<BidAcceptance>,
) -> Result<Reply, Problem> {
    let command = acceptance(*bid, body.0.unwrap_or_default())?;
    let accept = move |commands: &platform::Commands| commands.contracts.accept_bid(actor.view(), &command);
    context
        .command(accept, |made| {
            let version = made.contract.version;
            Reply::created(format!("/api/contracts/{}", made.contract.id), &ContractView::from(made))
                .version(version)
        })
        .await
}

fn acceptance(bid: BidId, body: BidAcceptance) -> Result<AcceptBid, Faults> {
    let mut faults = Faults::none();
    let inspection_days =
        body.inspection_days.and_then(|days| faults.take("/inspectionDays", InspectionDays::new(days)));
    faults.or(|| AcceptBid { bid, revision: body.revision, inspection_days })
}
