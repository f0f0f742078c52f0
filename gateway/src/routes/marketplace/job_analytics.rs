//! `/api/jobs/analytics`: what one's own jobs, or a contractor's own bids, come to.

use marketplace::{AgreedPrices, JobAnalytics, JobStatus, OwnBids, OwnJobs};
use serde::Serialize;
use utoipa::ToSchema;

use super::words::{JobStatusWord, Word};
use crate::{Context, Operation, Problem, Reply, SignedIn, Who};

/// What one's own jobs and bids come to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobAnalyticsView {
    /// For homeowners: their newest 1,000 jobs.
    pub jobs: Option<JobAnalyticsOfJobs>,
    /// For contractors: their newest 1,000 bids.
    pub bids: Option<JobAnalyticsOfBids>,
}

/// What an owner's jobs come to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobAnalyticsOfJobs {
    /// Each state with how many jobs stand there.
    pub by_status: Vec<JobAnalyticsCount>,
    /// How many were published.
    pub posted: i64,
    /// For how many of those a bid was accepted.
    pub awarded: i64,
    /// How many of those were completed.
    pub completed: i64,
    /// `awarded` of `posted`, from 0 to 1; null without any.
    pub awarded_share: Option<f64>,
    /// `completed` of `awarded`, from 0 to 1; null without any.
    pub completed_share: Option<f64>,
    /// Of how many jobs the first bid is counted: only of those whose bids the owner may see.
    pub first_bids: i64,
    /// The median of the seconds from publication to the first bid; null without any.
    pub first_bid_seconds: Option<i64>,
    /// What was agreed, by trade and currency.
    pub prices: Vec<JobAnalyticsPrices>,
    /// How often the jobs were looked at, each person once a day and job.
    pub views: i64,
}

/// How many jobs stand in a state.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobAnalyticsCount {
    /// The state.
    pub status: JobStatusWord,
    /// How many.
    pub jobs: i64,
}

/// The accepted amounts of a trade, in minor units.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobAnalyticsPrices {
    /// The trade.
    pub category: &'static str,
    /// The currency.
    pub currency: &'static str,
    /// Of how many jobs.
    pub jobs: i64,
    /// Half were lower, half higher.
    pub median: i64,
    /// The lowest.
    pub min: i64,
    /// The highest.
    pub max: i64,
}

/// What a contractor's bids come to, by the jobs that they were for.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobAnalyticsOfBids {
    /// How many bids were handed in.
    pub sent: i64,
    /// For how many jobs.
    pub jobs: i64,
    /// Jobs that are open still: nothing is won or lost of them.
    pub open: i64,
    /// Jobs that were won.
    pub won: i64,
    /// Jobs that somebody else won.
    pub lost: i64,
    /// Jobs that ended without an award.
    pub no_award: i64,
    /// Jobs that have left `OPEN`, from which every bid had been withdrawn.
    pub withdrawn: i64,
    /// `won` of `won` and `lost`, from 0 to 1; null without either.
    pub win_rate: Option<f64>,
}

impl From<OwnJobs> for JobAnalyticsOfJobs {
    fn from(own: OwnJobs) -> Self {
        let count = |(status, jobs)| JobAnalyticsCount { status: Word(status), jobs };
        Self {
            by_status: own.counts.into_iter().map(count).collect(),
            posted: own.posted,
            awarded: own.awarded,
            completed: own.completed,
            awarded_share: own.awarded_share,
            completed_share: own.completed_share,
            first_bids: own.first_bid.jobs,
            first_bid_seconds: own.first_bid.median_seconds,
            prices: own.prices.into_iter().map(JobAnalyticsPrices::from).collect(),
            views: own.views,
        }
    }
}

impl From<AgreedPrices> for JobAnalyticsPrices {
    fn from(prices: AgreedPrices) -> Self {
        Self {
            category: prices.category.as_str(),
            currency: prices.currency.code(),
            jobs: prices.jobs,
            median: prices.median,
            min: prices.min,
            max: prices.max,
        }
    }
}

impl From<OwnBids> for JobAnalyticsOfBids {
    fn from(own: OwnBids) -> Self {
        Self {
            sent: own.sent,
            jobs: own.jobs,
            open: own.open,
            won: own.won,
            lost: own.lost,
            no_award: own.no_award,
            withdrawn: own.withdrawn,
            win_rate: own.win_rate,
        }
    }
}

impl From<JobAnalytics> for JobAnalyticsView {
    fn from(found: JobAnalytics) -> Self {
        Self {
            jobs: found.jobs.map(JobAnalyticsOfJobs::from),
            bids: found.bids.map(JobAnalyticsOfBids::from),
        }
    }
}

impl JobAnalyticsView {
    fn example() -> Self {
        let jobs = JobAnalyticsOfJobs {
            by_status: vec![JobAnalyticsCount { status: Word(JobStatus::Completed), jobs: 3 }],
            posted: 4,
            awarded: 3,
            completed: 3,
            awarded_share: Some(0.75),
            completed_share: Some(1.0),
            first_bids: 4,
            first_bid_seconds: Some(5_400),
            prices: vec![JobAnalyticsPrices {
                category: "tiling",
                currency: "USD",
                jobs: 3,
                median: 180_000,
                min: 95_000,
                max: 240_000,
            }],
            views: 61,
        };
        Self { jobs: Some(jobs), bids: None }
    }
}

/// What one's own jobs and bids come to.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/jobs/analytics")
            .summary("Get figures of one's own jobs, or bids")
            .description(
                "Homeowners: how many jobs stand where, how many were awarded and completed, how long the first bids took and what was agreed. Sealed bids count from \
                 the deadline on. Contractors: bids sent, won and lost; a bid counts once its job has left `OPEN`. Nobody else's figures are in it.",
            )
            .by(Who::SignedIn)
            .answers::<JobAnalyticsView>(200, "The figures.", JobAnalyticsView::example())
            .to(get_job_analytics),
    ]
}

async fn get_job_analytics(context: Context, actor: SignedIn) -> Result<Reply, Problem> {
    let found = context.read(move |queries| queries.marketplace.job_analytics(&actor)).await?;
    Ok(Reply::ok(&JobAnalyticsView::from(found)).tagged())
}
