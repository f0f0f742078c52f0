//! `/api/jobs/{jobId}/bids/…` and `/api/bids/recommended`: bids beside each other, for the owner of their job.

use marketplace::JobId;
use marketplace::PageRequest;

use super::comparison_views::{BidAnalyticsView, BidComparisonView, BidRecommendationsView, JobBestBidsView};
use crate::{Context, ErrorDoc, Homeowner, Operation, Paging, Path, Problem, Reply, Who, error};

const SEALED: ErrorDoc =
    error(409, "sealed", "The bids are sealed until the deadline.").in_state("OPEN", &[]);

/// The operations on bids beside each other.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/jobs/{jobId}/bids/compare")
            .summary("Compare the bids of a job")
            .description(
                "Side by side, the lowest price first, at most a hundred: while the job is open those that wait for a decision, afterwards those that \
                 were decided on or stood when it left OPEN; what had run out is never among them. Bids that their bidders have to confirm after an \
                 edit of the job come last, and nothing stands out of them: they cannot be accepted before. `rows` says of each thing that bids are compared by whether they differ in it, and what stands out.",
            )
            .by(Who::Homeowner)
            .answers::<BidComparisonView>(200, "The bids.", BidComparisonView::example())
            .errors(&[SEALED])
            .to(compare_job_bids),
        Operation::get("/api/jobs/{jobId}/bids/analytics")
            .summary("Analyse the prices of a job's bids")
            .description(
                "Of the same bids; what needs to be confirmed counts, for its price is known, and `unconfirmed` says how many do. A percentile lies between two prices in proportion. From five bids on `outliers` names what lies outside \
                 Tukey's inner fences: 1.5 times the distance of the quartiles below the lower or above the upper one.",
            )
            .by(Who::Homeowner)
            .answers::<BidAnalyticsView>(200, "How the prices lie.", BidAnalyticsView::example())
            .errors(&[SEALED])
            .to(analyse_job_bids),
        Operation::get("/api/jobs/{jobId}/bids/recommendations")
            .summary("Rank the bids of a job")
            .description(
                "Those that can be accepted now, with the points of each, of 100, what they are for, and why. `weights` says how many points there \
                 are for what; nothing else counts. Nobody pays for a place here. What has to be confirmed first is apart in `unconfirmed`. Empty once the job has left OPEN.",
            )
            .by(Who::Homeowner)
            .answers::<BidRecommendationsView>(200, "The bids, the best first.", BidRecommendationsView::example())
            .errors(&[SEALED])
            .to(recommend_job_bids),
        Operation::get("/api/bids/recommended")
            .summary("List the best bids over one's open jobs")
            .description(
                "One's open jobs that bids wait for, newest first, at most twenty on a page, each with the best three bids that can be accepted, ranked as for one job. A \
                 job whose bids are sealed is left out until its deadline.",
            )
            .by(Who::Homeowner)
            .lists::<JobBestBidsView>("A page of jobs with their best bids.", JobBestBidsView::example())
            .to(list_recommended_bids),
    ]
}

async fn compare_job_bids(
    context: Context,
    homeowner: Homeowner,
    job: Path<JobId>,
) -> Result<Reply, Problem> {
    let compared =
        context.read(move |queries| queries.marketplace.compare_bids(homeowner.view(), *job)).await?;
    Ok(Reply::ok(&BidComparisonView::from(compared)).tagged())
}

async fn analyse_job_bids(
    context: Context,
    homeowner: Homeowner,
    job: Path<JobId>,
) -> Result<Reply, Problem> {
    let analysed =
        context.read(move |queries| queries.marketplace.analyse_bids(homeowner.view(), *job)).await?;
    Ok(Reply::ok(&BidAnalyticsView::from(analysed)).tagged())
}

async fn recommend_job_bids(
    context: Context,
    homeowner: Homeowner,
    job: Path<JobId>,
) -> Result<Reply, Problem> {
    let ranked =
        context.read(move |queries| queries.marketplace.recommend_bids(homeowner.view(), *job)).await?;
    Ok(Reply::ok(&BidRecommendationsView::from(ranked)).tagged())
}

async fn list_recommended_bids(
    context: Context,
    homeowner: Homeowner,
    paging: Paging,
) -> Result<Reply, Problem> {
    let page = PageRequest { after: paging.position()?, limit: paging.limit() };
    let found = context
        .read(move |queries| queries.marketplace.list_recommended_bids(homeowner.view(), page))
        .await?;
    Ok(paging.reply(found, JobBestBidsView::from))
}
