//! `/api/admin/reviews`: administrators look through reported reviews and decide.

use chrono::{DateTime, Utc};
use kernel::{PartyId, TypedId};
use marketplace::{Decided, DecisionOutcome, ReviewCase, ReviewChange, ReviewDecisionId, ReviewId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::expected_version;
use super::review_forms::{ReviewCaseQuery, ReviewDecisionNew};
use super::reviews::{ReviewReportView, ReviewView};
use super::words::{PartyRef, ReviewDecisionRef, ReviewOutcomeWord, Word};
use crate::{Admin, Body, Context, Operation, Paging, Path, Problem, Query, Reply, Who, error};

/// A review, as administrators see it who decide about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewCaseView {
    /// The review.
    pub review: ReviewView,
    /// How many reports wait for a decision.
    pub open_reports: i32,
    /// Since when the first of them has.
    pub reported_at: Option<DateTime<Utc>>,
    /// The first 20 of those that wait, oldest first.
    pub reports: Vec<ReviewReportView>,
    /// The last 20 decisions, newest first.
    pub decisions: Vec<ReviewDecisionView>,
}

impl From<ReviewCase> for ReviewCaseView {
    fn from(case: ReviewCase) -> Self {
        Self {
            review: case.review.into(),
            open_reports: case.open_reports,
            reported_at: case.reported_at,
            reports: case.reports.into_iter().map(ReviewReportView::from).collect(),
            decisions: case.decisions.into_iter().map(ReviewDecisionView::from).collect(),
        }
    }
}

impl ReviewCaseView {
    fn example() -> Self {
        Self {
            review: ReviewView::example(),
            open_reports: 1,
            reported_at: Some(DateTime::UNIX_EPOCH),
            reports: vec![ReviewReportView::example()],
            decisions: vec![ReviewDecisionView::example()],
        }
    }
}

/// What an administrator decided about a review.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewDecisionView {
    /// The decision.
    pub id: ReviewDecisionRef,
    /// Who took it.
    pub decided_by: PartyRef,
    /// What became of the review.
    pub outcome: ReviewOutcomeWord,
    /// Why.
    pub reason: String,
    /// How many reports waited for it.
    pub reports: i32,
    /// When.
    pub decided_at: DateTime<Utc>,
}

impl From<Decided> for ReviewDecisionView {
    fn from(decided: Decided) -> Self {
        Self {
            id: decided.id.into(),
            decided_by: decided.by.into(),
            outcome: Word(decided.outcome),
            reason: decided.reason,
            reports: decided.reports,
            decided_at: decided.at,
        }
    }
}

impl ReviewDecisionView {
    fn example() -> Self {
        Self {
            id: ReviewDecisionId::from_uuid(Uuid::nil()).into(),
            decided_by: PartyId::from_uuid(Uuid::nil()).into(),
            outcome: Word(DecisionOutcome::Kept),
            reason: "It is hard, and about the work.".to_owned(),
            reports: 2,
            decided_at: DateTime::UNIX_EPOCH,
        }
    }
}

/// Administrators look through reported reviews and decide.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/admin/reviews")
            .summary("List reported or removed reviews")
            .description("Reported ones with what was said against them, the longest waiting first; removed ones with why, the latest first.")
            .by(Who::Admin)
            .query::<ReviewCaseQuery>()
            .lists::<ReviewCaseView>("A page of reviews.", ReviewCaseView::example())
            .to(list_review_cases),
        Operation::post("/api/admin/reviews/{reviewId}/decide")
            .summary("Decide about a review")
            .description(
                "`keep` answers its reports, and puts a removed one back; `remove` takes it away from everybody but its author, who is told, with or \
                 without a report. What reviews come to follows at once. Whoever reported it is told that it stays, or is gone.",
            )
            .by(Who::Admin)
            .if_match()
            .body::<ReviewDecisionNew>(ReviewDecisionNew::example())
            .answers::<ReviewCaseView>(200, "The review as it is now.", ReviewCaseView::example())
            .errors(&[
                error(404, "review_not_found", "There is no such review."),
                error(409, "not_reported", "The review stands, and no report of it waits."),
                error(409, "review_state", "The review was removed already, or is not published yet.")
                    .in_state("REMOVED", &["keep"]),
            ])
            .to(decide_review),
    ]
}

async fn list_review_cases(
    context: Context,
    admin: Admin,
    query: Query<ReviewCaseQuery>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (queue, after, limit) = (query.queue(), paging.position()?, paging.limit());
    let list = move |queries: &platform::Queries| {
        queries.marketplace.list_review_cases(admin.view(), queue, after, limit)
    };
    let page = context.read(list).await?;
    Ok(paging.reply(page, ReviewCaseView::from))
}

async fn decide_review(
    context: Context,
    admin: Admin,
    id: Path<ReviewId>,
    body: Body<ReviewDecisionNew>,
) -> Result<Reply, Problem> {
    let change =
        ReviewChange { review_id: *id, if_version: expected_version(&context)?, change: body.command()? };
    context
        .command(
            move |commands| commands.marketplace.decide_review(admin.view(), change.clone()),
            |case| {
                let version = case.review.version;
                Reply::ok(&ReviewCaseView::from(case)).version(version)
            },
        )
        .await
}
