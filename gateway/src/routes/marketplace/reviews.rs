//! `/api/reviews` and the reviews of a person: written by both sides, hidden until both are in or the window has closed.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use contracts::ContractId;
use kernel::{Faults, IdError, PartyId, PersonId, Role, TypedId};
use marketplace::{
    JobId, NewReview, PageRequest, RatingSummary, Review, ReviewId, ReviewStatus, ReviewText, Stars,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::words::{ContractRef, JobRef, PartyRef, ReviewRef, ReviewStatusWord, Word};
use crate::{Body, Context, Operation, Paging, Path, Problem, Reply, SignedIn, Who, error};

/// A review to hand in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewNew {
    /// The finished contract.
    pub contract_id: ContractRef,
    /// Overall, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// The work itself, or for a homeowner how well it was asked for.
    #[schema(minimum = 1, maximum = 5)]
    pub quality: i64,
    /// Keeping to what was agreed.
    #[schema(minimum = 1, maximum = 5)]
    pub timeliness: i64,
    /// Being there to talk to.
    #[schema(minimum = 1, maximum = 5)]
    pub communication: i64,
    /// In words.
    #[schema(min_length = 1, max_length = 4_000)]
    pub text: Option<String>,
}

impl ReviewNew {
    fn example() -> Self {
        Self {
            contract_id: ContractId::from_uuid(Uuid::nil()).into(),
            rating: 5,
            quality: 5,
            timeliness: 4,
            communication: 5,
            text: Some("Clean work, and on time.".to_owned()),
        }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    fn command(&self) -> Result<NewReview, Faults> {
        let mut faults = Faults::none();
        let rating = faults.take("/rating", Stars::new(self.rating));
        let quality = faults.take("/quality", Stars::new(self.quality));
        let timeliness = faults.take("/timeliness", Stars::new(self.timeliness));
        let communication = faults.take("/communication", Stars::new(self.communication));
        let text = self.text.as_deref().and_then(|text| faults.take("/text", ReviewText::new(text)));
        match (rating, quality, timeliness, communication, faults.is_empty()) {
            (Some(rating), Some(quality), Some(timeliness), Some(communication), true) => {
                let contract_id = self.contract_id.uuid();
                Ok(NewReview { contract_id, rating, quality, timeliness, communication, text })
            }
            _ => Err(faults),
        }
    }
}

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
    /// When it was handed in.
    pub created_at: DateTime<Utc>,
    /// When everybody could read it.
    pub published_at: Option<DateTime<Utc>>,
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
            created_at: review.created_at,
            published_at: review.published_at,
        }
    }
}

impl ReviewView {
    fn example() -> Self {
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
            created_at: DateTime::UNIX_EPOCH,
            published_at: Some(DateTime::UNIX_EPOCH),
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
struct Subject(PartyId);

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
    let unknown = error(404, "user_not_found", "There is nobody of this id.");
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
