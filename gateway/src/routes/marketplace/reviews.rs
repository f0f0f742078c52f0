//! `/api/reviews` and the reviews of a person: written by both sides, hidden until both are in or the window has closed, then replied to and
//! reported. What administrators do is in [`admin_reviews`](super::admin_reviews).

use std::str::FromStr;

use chrono::{DateTime, Utc};
use contracts::ContractId;
use kernel::{IdError, PartyId, PersonId, Role, TypedId};
use marketplace::{
    JobId, PageRequest, RatingSummary, Removal, Reply as ReviewReply, Report, ReportReason, Review,
    ReviewChange, ReviewId, ReviewReportId, ReviewStatus,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::expected_version;
use super::review_forms::{ReviewEdit, ReviewNew, ReviewReplyNew, ReviewReportNew};
use super::words::{
    ContractRef, JobRef, PartyRef, ReviewRef, ReviewReportReasonWord, ReviewReportRef, ReviewStatusWord, Word,
};
use crate::{
    Body, Context, ErrorDoc, MaybeSignedIn, Operation, Paging, Path, Problem, Reply, SignedIn, Who, error,
};

const NOT_FOUND: ErrorDoc =
    error(404, "review_not_found", "There is no such review, or it is not for the caller.");

/// A review, as its author or, once published, everybody sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewView {
    /// The review.
    pub id: ReviewRef,
    /// The contract.
    pub contract_id: ContractRef,
    /// The job.
    pub job_id: JobRef,
    /// Who wrote it.
    pub author_id: PartyRef,
    /// The author's name; of a homeowner the first name and an initial.
    pub author_name: String,
    /// What the author was in the contract: `HOMEOWNER` or `CONTRACTOR`.
    pub author_role: &'static str,
    /// Whom it is about.
    pub subject_id: PartyRef,
    /// Overall, 1 to 5.
    pub rating: i16,
    /// The work itself.
    pub quality: i16,
    /// Keeping to what was agreed.
    pub timeliness: i16,
    /// Being there to talk to.
    pub communication: i16,
    /// In words.
    pub text: Option<String>,
    /// Whether others can read it.
    pub status: ReviewStatusWord,
    /// Counts edits, publication, the reply and decisions; never a report.
    pub version: i32,
    /// When it was handed in.
    pub created_at: DateTime<Utc>,
    /// When its author last changed it.
    pub edited_at: Option<DateTime<Utc>>,
    /// When everybody could read it.
    pub published_at: Option<DateTime<Utc>>,
    /// What whom it is about replied.
    pub reply: Option<ReviewReplyView>,
    /// Why and when an administrator removed it; for its author and administrators.
    pub removal: Option<ReviewRemovalView>,
}

/// What whom a review is about replied.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewReplyView {
    /// In words; none when whoever replied has had the account erased.
    pub text: Option<String>,
    /// Who replied; of a homeowner the first name and an initial.
    pub author_name: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl From<ReviewReply> for ReviewReplyView {
    fn from(reply: ReviewReply) -> Self {
        Self { text: reply.text, author_name: reply.author_name, created_at: reply.at }
    }
}

/// That an administrator removed a review.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewRemovalView {
    /// Why.
    pub reason: String,
    /// When.
    pub removed_at: DateTime<Utc>,
}

impl From<Removal> for ReviewRemovalView {
    fn from(removal: Removal) -> Self {
        Self { reason: removal.reason, removed_at: removal.at }
    }
}

/// A report, as whoever made it sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewReportView {
    /// The report.
    pub id: ReviewReportRef,
    /// The review.
    pub review_id: ReviewRef,
    /// Who made it.
    pub reporter_id: PartyRef,
    /// Of what kind it is.
    pub reason: ReviewReportReasonWord,
    /// In words.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<Report> for ReviewReportView {
    fn from(report: Report) -> Self {
        Self {
            id: report.id.into(),
            review_id: report.review_id.into(),
            reporter_id: report.reporter.into(),
            reason: Word(report.reason),
            note: report.note,
            created_at: report.created_at,
        }
    }
}

impl ReviewReportView {
    pub(super) fn example() -> Self {
        Self {
            id: ReviewReportId::from_uuid(Uuid::nil()).into(),
            review_id: ReviewId::from_uuid(Uuid::nil()).into(),
            reporter_id: PartyId::from_uuid(Uuid::nil()).into(),
            reason: Word(ReportReason::Private),
            note: Some("It names our street.".to_owned()),
            created_at: DateTime::UNIX_EPOCH,
        }
    }
}

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        Self {
            id: review.id.into(),
            contract_id: ContractId::from_uuid(review.contract_id).into(),
            job_id: review.job_id.into(),
            author_id: review.author.into(),
            author_name: review.author_name,
            author_role: review.author_role.as_str(),
            subject_id: review.subject.into(),
            rating: review.rating,
            quality: review.quality,
            timeliness: review.timeliness,
            communication: review.communication,
            text: review.text,
            status: Word(review.status),
            version: review.version,
            created_at: review.created_at,
            edited_at: review.edited_at,
            published_at: review.published_at,
            reply: review.reply.map(ReviewReplyView::from),
            removal: review.removal.map(ReviewRemovalView::from),
        }
    }
}

impl ReviewView {
    pub(super) fn example() -> Self {
        Self {
            id: ReviewId::from_uuid(Uuid::nil()).into(),
            contract_id: ContractId::from_uuid(Uuid::nil()).into(),
            job_id: JobId::from_uuid(Uuid::nil()).into(),
            author_id: PartyId::from_uuid(Uuid::nil()).into(),
            author_name: "Ada L.".to_owned(),
            author_role: Role::Homeowner.as_str(),
            subject_id: PartyId::from_uuid(Uuid::nil()).into(),
            rating: 5,
            quality: 5,
            timeliness: 4,
            communication: 5,
            text: Some("Clean work, and on time.".to_owned()),
            status: Word(ReviewStatus::Published),
            version: 2,
            created_at: DateTime::UNIX_EPOCH,
            edited_at: None,
            published_at: Some(DateTime::UNIX_EPOCH),
            reply: None,
            removal: None,
        }
    }
}

/// What the published reviews of somebody come to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewRating {
    /// How many reviews.
    pub count: i32,
    /// The mean of their ratings; none without reviews.
    pub mean: Option<f64>,
    /// The mean pulled towards what is usual, the more so the fewer reviews there are: what to rank by.
    pub bayesian_mean: f64,
    /// The mean for quality.
    pub quality: Option<f64>,
    /// The mean for timeliness.
    pub timeliness: Option<f64>,
    /// The mean for communication.
    pub communication: Option<f64>,
}

impl From<RatingSummary> for ReviewRating {
    fn from(rating: RatingSummary) -> Self {
        Self {
            count: rating.count,
            mean: rating.mean,
            bayesian_mean: rating.bayesian_mean,
            quality: rating.quality,
            timeliness: rating.timeliness,
            communication: rating.communication,
        }
    }
}

/// A page of somebody's reviews, beside what all of them come to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewList {
    /// What all of them come to.
    pub summary: ReviewRating,
    /// Those on this page, newest first.
    pub data: Vec<ReviewView>,
    /// Where the next page goes on; none at the end.
    pub next_cursor: Option<String>,
}

impl ReviewList {
    fn example() -> Self {
        let summary = ReviewRating {
            count: 1,
            mean: Some(5.0),
            bayesian_mean: 4.17,
            quality: Some(5.0),
            timeliness: Some(4.0),
            communication: Some(5.0),
        };
        Self { summary, data: vec![ReviewView::example()], next_cursor: None }
    }
}

/// Whom reviews are about, by either id: a person's party has the person's UUID.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject(pub(super) PartyId);

impl FromStr for Subject {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let party = text.parse::<PartyId>().or_else(|_| text.parse::<PersonId>().map(PartyId::from))?;
        Ok(Self(party))
    }
}

/// The operations on reviews.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [on_one(), of_somebody()].into_iter().flatten().collect()
}

fn on_one() -> Vec<Operation> {
    vec![
        Operation::post("/api/reviews")
            .summary("Review the other side of a finished contract")
            .description("Hidden until both sides' reviews are in, or 14 days after the contract's end.")
            .by(Who::SignedIn)
            .body::<ReviewNew>(ReviewNew::example())
            .answers::<ReviewView>(201, "The review.", ReviewView::example())
            .errors(&[
                error(404, "contract_not_found", "The caller has no finished contract of this id."),
                error(409, "already_reviewed", "The caller has reviewed this contract."),
                error(409, "review_closed", "The time to review this contract is over."),
            ])
            .to(create_review),
        Operation::get("/api/reviews/{reviewId}")
            .summary("Get a review")
            .description("Its author's until it is published, then everybody's. A removed one is its author's and administrators'.")
            .answers::<ReviewView>(200, "The review.", ReviewView::example())
            .errors(&[NOT_FOUND])
            .to(get_review),
        Operation::patch("/api/reviews/{reviewId}")
            .summary("Edit a review")
            .description("Its author may until it is published.")
            .by(Who::SignedIn)
            .if_match()
            .body::<ReviewEdit>(ReviewEdit::example())
            .answers::<ReviewView>(200, "The review as it is now.", ReviewView::example())
            .errors(&[
                NOT_FOUND,
                error(403, "wrong_party", "The caller did not write the review."),
                error(409, "review_state", "The review is published.").in_state("PUBLISHED", &[]),
                error(409, "review_closed", "The time for reviews is over: it is being published."),
            ])
            .to(edit_review),
        Operation::post("/api/reviews/{reviewId}/reply")
            .summary("Reply to a review")
            .description("Whom the review is about may, once, within 28 days of its publication. The reply stands below the review; its author is told.")
            .by(Who::SignedIn)
            .if_match()
            .body::<ReviewReplyNew>(ReviewReplyNew::example())
            .answers::<ReviewView>(201, "The review with the reply.", ReviewView::example())
            .errors(&[
                NOT_FOUND,
                error(403, "wrong_party", "The review is not about the caller."),
                error(409, "already_replied", "The review has its reply."),
                error(409, "reply_closed", "The time to reply is over."),
                error(409, "review_state", "The review was removed.").in_state("REMOVED", &[]),
            ])
            .to(reply_to_review),
        Operation::post("/api/reviews/{reviewId}/report")
            .summary("Report a review")
            .description("Whoever can read a review may tell administrators what is wrong with it, once, and is told what they decide. Nobody else learns who reported it.")
            .by(Who::SignedIn)
            .body::<ReviewReportNew>(ReviewReportNew::example())
            .answers::<ReviewReportView>(201, "The report.", ReviewReportView::example())
            .errors(&[
                NOT_FOUND,
                error(403, "own_review", "The caller wrote the review."),
                error(409, "already_reported", "The caller has reported this review."),
                error(409, "review_state", "The review was removed already.").in_state("REMOVED", &[]),
                error(429, "too_many_reports", "The caller has reported too many reviews within a day."),
            ])
            .to(report_review),
    ]
}

fn of_somebody() -> Vec<Operation> {
    let unknown = error(404, "user_not_found", "There is nobody of this id.");
    vec![
        Operation::get("/api/contractors/{contractorId}/reviews")
            .summary("List the reviews of a contractor")
            .description("Takes the id of the party or of the person. Hidden reviews are neither shown nor counted.")
            .paged()
            .answers::<ReviewList>(
                200,
                "Published reviews, newest first, and what they come to.",
                ReviewList::example(),
            )
            .errors(std::slice::from_ref(&unknown))
            .to(list_contractor_reviews),
        Operation::get("/api/users/{userId}/reviews")
            .summary("List the reviews of a person")
            .description("Of homeowners as of contractors. Takes the id of the person or of the party. Hidden reviews are neither shown nor counted.")
            .paged()
            .answers::<ReviewList>(
                200,
                "Published reviews, newest first, and what they come to.",
                ReviewList::example(),
            )
            .errors(&[unknown])
            .to(list_user_reviews),
    ]
}

async fn create_review(context: Context, author: SignedIn, body: Body<ReviewNew>) -> Result<Reply, Problem> {
    let command = body.command()?;
    context
        .command(
            move |commands| commands.marketplace.submit_review(&author, command.clone()),
            |review| {
                let of = PersonId::from_uuid(review.subject.uuid());
                Reply::created(format!("/api/users/{of}/reviews"), &ReviewView::from(review))
            },
        )
        .await
}

async fn get_review(context: Context, viewer: MaybeSignedIn, id: Path<ReviewId>) -> Result<Reply, Problem> {
    let review = context.read(move |queries| queries.marketplace.review(viewer.actor(), *id)).await?;
    Ok(tagged(review))
}

async fn edit_review(
    context: Context,
    author: SignedIn,
    id: Path<ReviewId>,
    body: Body<ReviewEdit>,
) -> Result<Reply, Problem> {
    let change =
        ReviewChange { review_id: *id, if_version: expected_version(&context)?, change: body.command()? };
    context.command(move |commands| commands.marketplace.edit_review(&author, change.clone()), tagged).await
}

async fn reply_to_review(
    context: Context,
    subject: SignedIn,
    id: Path<ReviewId>,
    body: Body<ReviewReplyNew>,
) -> Result<Reply, Problem> {
    let change =
        ReviewChange { review_id: *id, if_version: expected_version(&context)?, change: body.command()? };
    context
        .command(
            move |commands| commands.marketplace.reply_to_review(&subject, change.clone()),
            |review| {
                let version = review.version;
                Reply::created(format!("/api/reviews/{}", review.id), &ReviewView::from(review))
                    .version(version)
            },
        )
        .await
}

async fn report_review(
    context: Context,
    reporter: SignedIn,
    id: Path<ReviewId>,
    body: Body<ReviewReportNew>,
) -> Result<Reply, Problem> {
    let change = ReviewChange { review_id: *id, if_version: None, change: body.command()? };
    context
        .command(
            move |commands| commands.marketplace.report_review(&reporter, change.clone()),
            |report| {
                Reply::created(format!("/api/reviews/{}", report.review_id), &ReviewReportView::from(report))
            },
        )
        .await
}

fn tagged(review: Review) -> Reply {
    let version = review.version;
    Reply::ok(&ReviewView::from(review)).version(version)
}

async fn list_contractor_reviews(
    context: Context,
    contractor: Path<Subject>,
    paging: Paging,
) -> Result<Reply, Problem> {
    list(context, contractor.0, Some(Role::Contractor), paging).await
}

async fn list_user_reviews(context: Context, user: Path<Subject>, paging: Paging) -> Result<Reply, Problem> {
    list(context, user.0, None, paging).await
}

async fn list(context: Context, of: Subject, role: Option<Role>, paging: Paging) -> Result<Reply, Problem> {
    let page = PageRequest { after: paging.position()?, limit: paging.limit() };
    let found = context.read(move |queries| queries.marketplace.list_reviews(of.0, role, page)).await?;
    Ok(Reply::ok(&ReviewList {
        summary: found.summary.into(),
        next_cursor: paging.next_cursor(found.next.as_ref()),
        data: found.items.into_iter().map(ReviewView::from).collect(),
    }))
}
