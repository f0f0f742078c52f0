//! `/api/bids`: handing in, reading, revising, taking back and turning down bids. Accepting one makes a contract, and is beside those.

use marketplace::{BidChange, BidDetail, BidId, JobId, PageRequest};

use super::bid_forms::{BidListQuery, BidNew, BidRejection, BidRevision};
use super::bid_views::BidView;
use super::expected_version;
use crate::{
    Body, Context, Contractor, ErrorDoc, Homeowner, Operation, OptionalBody, Paging, Path, Problem, Query,
    Reply, SignedIn, Who, error,
};

const BID_STATE: ErrorDoc = error(409, "bid_state", "The bid was decided already.").in_state("ACCEPTED", &[]);
const JOB_STATE: ErrorDoc =
    error(409, "job_state", "The job takes no bids any more.").in_state("AWARDED", &[]);
const BIDDING_CLOSED: ErrorDoc =
    error(409, "bidding_closed", "The bidding deadline has passed.").in_state("OPEN", &[]);
const NOT_VERIFIED: ErrorDoc = error(
    403,
    "contractor_not_verified",
    "The contractor's licence and insurance have not been verified, or have run out.",
);

/// The operations on bids.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/api/bids")
            .summary("Hand in a bid")
            .description(
                "One live bid for each contractor and job. No other contractor learns of it while the job is open; under `at_close` the owner \
                 neither. `receipt` fixes what it says.",
            )
            .by(Who::Contractor)
            .body::<BidNew>(BidNew::example())
            .answers::<BidView>(201, "The bid.", BidView::example())
            .errors(&[
                NOT_VERIFIED,
                error(404, "job_not_found", "There is no such job, or it is not open to strangers any more."),
                error(409, "already_bid", "The contractor has a live bid on this job."),
                JOB_STATE,
                BIDDING_CLOSED,
            ])
            .to(create_bid),
        Operation::get("/api/bids/mine")
            .summary("List one's own bids")
            .description("Once its job has left OPEN, each tells won or lost, the number of bids, and from five bids up its third.")
            .by(Who::Contractor)
            .query::<BidListQuery>()
            .lists::<BidView>("A page of the contractor's bids, newest first.", BidView::example())
            .to(list_own_bids),
        Operation::get("/api/bids/{id}")
            .summary("List the bids of a job")
            .description(
                "`id` is a job's. The owner sees all bids, under `at_close` from the deadline on; a contractor sees its own, if it has any. Bids taken back, turned down and \
                 run out stay in it, with their state, and `formerRevisions` says what a bid said before it was revised.",
            )
            .by(Who::SignedIn)
            .lists::<BidView>("A page of bids, in the order they came.", BidView::example())
            .errors(&[error(409, "sealed", "The bids are sealed until the deadline.").in_state("OPEN", &[])])
            .to(list_job_bids),
        Operation::patch("/api/bids/{id}")
            .summary("Revise a bid")
            .description("`id` is a bid's. Every revision is kept, with a receipt of its own. A bid whose time has run out needs another `validUntil`; once it is EXPIRED, hand in another bid.")
            .by(Who::Contractor)
            .if_match()
            .body::<BidRevision>(BidRevision::example())
            .answers::<BidView>(200, "The bid as it is now.", BidView::example())
            .errors(&[NOT_VERIFIED, BID_STATE, BIDDING_CLOSED])
            .to(revise_bid),
        Operation::post("/api/bids/{bidId}/reject")
            .summary("Turn a bid down")
            .description("Its bidder is told, with the reason, and may hand in another. Before the reveal there is no such bid.")
            .by(Who::Homeowner)
            .if_match()
            .optional_body::<BidRejection>(BidRejection { reason: Some("Starts too late".to_owned()) })
            .answers::<BidView>(200, "The bid, turned down.", BidView::example())
            .errors(&[BID_STATE])
            .to(reject_bid),
        Operation::post("/api/bids/{bidId}/withdraw")
            .summary("Take a bid back")
            .description("While it waits for a decision, after the deadline too. The contractor may hand in another until then.")
            .by(Who::Contractor)
            .if_match()
            .answers::<BidView>(200, "The bid, taken back.", BidView::example())
            .errors(&[BID_STATE])
            .to(withdraw_bid),
    ]
}

async fn create_bid(context: Context, contractor: Contractor, body: Body<BidNew>) -> Result<Reply, Problem> {
    let command = body.command()?;
    context
        .command(
            move |commands| commands.marketplace.submit_bid(contractor.view(), command.clone()),
            |bid| {
                let version = bid.version;
                Reply::created(format!("/api/bids/{}", bid.job_id), &BidView::from(bid)).version(version)
            },
        )
        .await
}

async fn list_own_bids(
    context: Context,
    contractor: Contractor,
    query: Query<BidListQuery>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let status = query.status.map(|word| word.0);
    let page = PageRequest { after: paging.position()?, limit: paging.limit() };
    let found = context
        .read(move |queries| queries.marketplace.list_own_bids(contractor.view(), status, page))
        .await?;
    Ok(paging.reply(found, BidView::from))
}

async fn list_job_bids(
    context: Context,
    viewer: SignedIn,
    job: Path<JobId>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let page = PageRequest { after: paging.position()?, limit: paging.limit() };
    let found =
        context.read(move |queries| queries.marketplace.list_bids_of_job(&viewer, *job, page)).await?;
    Ok(paging.reply(found, BidView::from))
}

async fn revise_bid(
    context: Context,
    contractor: Contractor,
    bid: Path<BidId>,
    body: Body<BidRevision>,
) -> Result<Reply, Problem> {
    let change = BidChange { bid_id: *bid, if_version: expected_version(&context)?, change: body.command()? };
    context
        .command(move |commands| commands.marketplace.revise_bid(contractor.view(), change.clone()), tagged)
        .await
}

async fn reject_bid(
    context: Context,
    homeowner: Homeowner,
    bid: Path<BidId>,
    body: OptionalBody<BidRejection>,
) -> Result<Reply, Problem> {
    let rejection = body.0.unwrap_or_default().command()?;
    let change = BidChange { bid_id: *bid, if_version: expected_version(&context)?, change: rejection };
    context
        .command(
            move |commands| commands.marketplace.reject_bid(homeowner.view(), change.clone()),
            |rejected| {
                let version = rejected.bid.version;
                Reply::ok(&BidView::from(rejected)).version(version)
            },
        )
        .await
}

async fn withdraw_bid(context: Context, contractor: Contractor, bid: Path<BidId>) -> Result<Reply, Problem> {
    let change = BidChange { bid_id: *bid, if_version: expected_version(&context)?, change: () };
    context
        .command(move |commands| commands.marketplace.withdraw_bid(contractor.view(), change.clone()), tagged)
        .await
}

fn tagged(bid: BidDetail) -> Reply {
    let version = bid.version;
    Reply::ok(&BidView::from(bid)).version(version)
}
