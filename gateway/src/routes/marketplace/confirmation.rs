//! `/api/bids/{bidId}/confirm`: standing by a bid whose job was edited.

use marketplace::{BidChange, BidId};

use super::bid_views::BidView;
use super::expected_version;
use crate::{Context, Contractor, Operation, Path, Problem, Reply, Who, error};

/// Confirming a bid.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/bids/{bidId}/confirm")
            .summary("Confirm a bid")
            .description(
                "When the owner changes what bids depend on (description, trade, skills, place, budget, urgency or wanted start), each bid has to be \
                 confirmed, revised or withdrawn before it can be accepted: `needsConfirmation` says so, and its bidder is told. After the deadline too. When \
                 nothing was asked, nothing changes.",
            )
            .by(Who::Contractor)
            .if_match()
            .answers::<BidView>(200, "The bid, confirmed.", BidView::example())
            .errors(&[
                error(
                    403,
                    "contractor_not_verified",
                    "The contractor's licence and insurance have not been verified, or have run out.",
                ),
                error(409, "bid_state", "The bid was decided already.").in_state("ACCEPTED", &[]),
                error(409, "bid_expired", "The time until which the bid stood is over.").in_state("EXPIRED", &[]),
            ])
            .to(confirm_bid),
    ]
}

async fn confirm_bid(context: Context, contractor: Contractor, bid: Path<BidId>) -> Result<Reply, Problem> {
    let change = BidChange { bid_id: *bid, if_version: expected_version(&context)?, change: () };
    context
        .command(
            move |commands| commands.marketplace.confirm_bid(contractor.view(), change.clone()),
            |bid| {
                let version = bid.version;
                Reply::ok(&BidView::from(bid)).version(version)
            },
        )
        .await
}
