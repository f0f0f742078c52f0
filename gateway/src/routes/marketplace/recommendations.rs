//! Jobs in an order of merit, each with why: what trends, what is like another, what fits a contractor.

use kernel::Limit;
use marketplace::{JobId, ScoredJob, TrendingFilter, rules};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job_views::JobCardView;
use super::refused_parameters;
use crate::{Context, Contractor, MaybeSignedIn, Operation, Path, Problem, Query, Reply, Who, error};

/// How many are wanted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct JobRankingQuery {
    /// How many at most; 20 when it is not said.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
}

/// Which jobs that many look at are wanted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct JobTrendingQuery {
    /// Only jobs of this trade.
    #[schema(min_length = 1, max_length = 50)]
    pub category: Option<String>,
    /// Where, degrees north; goes with `lng`. What has no point on the map is not found by place.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: Option<f64>,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    pub lng: Option<f64>,
    /// How far around that place, in kilometres; 50 without it. Distances are to the job's point on the grid of about 1 km.
    #[schema(minimum = 1, maximum = 500)]
    pub radius: Option<i64>,
    /// How many at most; 20 when it is not said.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
}

/// One reason for a score.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobReason {
    /// For programs.
    pub code: String,
    /// For people.
    pub text: String,
}

/// A job with its score.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobScored {
    /// The job.
    pub job: JobCardView,
    /// The more, the better, within one list; 100 is the most.
    pub score: i32,
    /// Why.
    pub reasons: Vec<JobReason>,
    /// How far it is, in kilometres between points of a grid of about 1 km; null where a place plays no part or is not known.
    pub distance_km: Option<f64>,
}

/// Jobs in an order of merit, the best first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobRanking {
    /// The jobs.
    pub data: Vec<JobScored>,
}

/// The operations of this file.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/jobs/trending")
            .summary("List jobs that many look at")
            .description(
                "Open jobs by the interest of distinct people, each counted once a day; a look is worth half as much after two days. Bids play no \
                 part. Kept every few minutes. Where nobody has looked, the newest. Of one trade, around a place, or both. One list of at most 100, without \
                 further pages.",
            )
            .query::<JobTrendingQuery>()
            .answers::<JobRanking>(200, "The jobs, the most looked at first.", JobRanking::example("interest", "Looked at lately"))
            .to(list_trending_jobs),
        Operation::get("/api/jobs/{jobId}/similar")
            .summary("List jobs like this one")
            .description(
                "For whoever may see the job: open ones like it by trade, words, skills, place and budget, most like it first, without the \
                 caller's own. One list of at most 100, without further pages.",
            )
            .query::<JobRankingQuery>()
            .answers::<JobRanking>(200, "The jobs, most like it first.", JobRanking::example("trade", "The same trade"))
            .to(list_similar_jobs),
        Operation::get("/api/jobs/recommendations/contractor")
            .summary("List jobs that fit me")
            .description(
                "Open jobs by trade, licence, skills, distance within the area served, budget against what the caller usually wins at, jobs like it \
                 finished, how new it is and when bidding ends; without those dismissed and those bid on. Who cannot bid yet is told so in each. \
                 One list of at most 100, without further pages.",
            )
            .by(Who::Contractor)
            .query::<JobRankingQuery>()
            .answers::<JobRanking>(200, "The jobs, the best first.", JobRanking::example("distance", "4 km away"))
            .to(list_recommended_jobs),
        Operation::post("/api/jobs/{jobId}/dismiss")
            .summary("Leave a job out of my recommendations")
            .description("Nobody else learns of it. Saying it again changes nothing; a job that is open no more is recommended to nobody anyway.")
            .by(Who::Contractor)
            .answers_empty(204, "It is left out, now or since before.")
            .errors(&[error(409, "job_state", "The job is open no more.").in_state("AWARDED", &[])])
            .to(dismiss_job),
        Operation::delete("/api/jobs/{jobId}/dismiss")
            .summary("Have a job recommended again")
            .description("Takes a dismissal back.")
            .by(Who::Contractor)
            .answers_empty(204, "It is left out no more, or never was.")
            .to(restore_job),
    ]
}

async fn list_trending_jobs(context: Context, query: Query<JobTrendingQuery>) -> Result<Reply, Problem> {
    let limit = limit(query.limit)?;
    let JobTrendingQuery { category, lat, lng, radius, .. } = query.0;
    let filter = TrendingFilter::new(category.as_deref(), (lat, lng, radius)).map_err(refused_parameters)?;
    let jobs = context.read(move |queries| queries.marketplace.trending_jobs(filter, limit)).await?;
    Ok(Reply::ok(&JobRanking::from(jobs)))
}

async fn list_similar_jobs(
    context: Context,
    viewer: MaybeSignedIn,
    id: Path<JobId>,
    query: Query<JobRankingQuery>,
) -> Result<Reply, Problem> {
    let limit = limit(query.limit)?;
    let jobs =
        context.read(move |queries| queries.marketplace.similar_jobs(viewer.actor(), *id, limit)).await?;
    Ok(Reply::ok(&JobRanking::from(jobs)))
}

async fn list_recommended_jobs(
    context: Context,
    contractor: Contractor,
    query: Query<JobRankingQuery>,
) -> Result<Reply, Problem> {
    let limit = limit(query.limit)?;
    let jobs =
        context.read(move |queries| queries.marketplace.recommended_jobs(contractor.view(), limit)).await?;
    Ok(Reply::ok(&JobRanking::from(jobs)))
}

async fn dismiss_job(context: Context, contractor: Contractor, id: Path<JobId>) -> Result<Reply, Problem> {
    context
        .command(
            move |commands| commands.marketplace.dismiss_job(contractor.view(), *id),
            |()| Reply::no_content(),
        )
        .await
}

async fn restore_job(context: Context, contractor: Contractor, id: Path<JobId>) -> Result<Reply, Problem> {
    context
        .command(
            move |commands| commands.marketplace.restore_job(contractor.view(), *id),
            |()| Reply::no_content(),
        )
        .await
}

/// The document's bounds have been checked before.
fn limit(asked: Option<i64>) -> Result<Limit, Problem> {
    let limit = asked.map(Limit::new).transpose();
    let refused = |_| Problem::bad_request("invalid_query", "limit is from 1 to 100");
    limit.map(Option::unwrap_or_default).map_err(refused)
}

impl From<Vec<ScoredJob>> for JobRanking {
    fn from(jobs: Vec<ScoredJob>) -> Self {
        Self { data: jobs.into_iter().map(JobScored::from).collect() }
    }
}

impl From<ScoredJob> for JobScored {
    fn from(ScoredJob { job, km, score }: ScoredJob) -> Self {
        Self {
            job: job.into(),
            score: score.points,
            reasons: score.reasons.into_iter().map(JobReason::from).collect(),
            // A hundred metres more or less say nothing of points that are about 1 km from the places.
            distance_km: km.map(|km| (km * 10.0).round() / 10.0),
        }
    }
}

impl From<rules::reasons::Reason> for JobReason {
    fn from(reason: rules::reasons::Reason) -> Self {
        Self { code: reason.code.to_owned(), text: reason.text }
    }
}

impl JobRanking {
    fn example(code: &str, text: &str) -> Self {
        let reason = JobReason { code: code.to_owned(), text: text.to_owned() };
        Self {
            data: vec![JobScored {
                job: JobCardView::example(),
                score: 20,
                reasons: vec![reason],
                distance_km: Some(4.2),
            }],
        }
    }
}
