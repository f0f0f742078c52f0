//! Reviews: written by both sides of a finished contract, hidden until both are in or the window has closed.

use kernel::{Fault, Faults, Instant, PartyId, Position, Role};
use uuid::Uuid;

use super::JobId;
use super::text::ReviewText;

kernel::id!(
    /// What one side of a contract says about the other.
    ReviewId,
    "rev"
);

super::words! {
    /// Whether others can read a review.
    ReviewStatus {
        /// Waiting for the other side, or for the window's end.
        Hidden = "HIDDEN",
        /// For everybody to read.
        Published = "PUBLISHED",
    }
}

/// One to five stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stars(i16);

impl Stars {
    /// # Errors
    /// A fault for anything but 1 to 5.
    pub fn new(stars: i64) -> Result<Self, Faults> {
        match i16::try_from(stars) {
            Ok(stars @ 1..=5) => Ok(Self(stars)),
            _ => Err(Fault::new("", "out_of_range", "has to be from 1 to 5").into()),
        }
    }

    /// The number of stars.
    #[must_use]
    pub fn get(self) -> i16 {
        self.0
    }
}

/// The end of a contract, from which on both may review each other for a while.
#[derive(Debug, Clone, Copy)]
pub struct OpenReview {
    /// The contract, by its UUID: contracts stand above the marketplace.
    pub contract_id: Uuid,
    /// The job it was for.
    pub job_id: JobId,
    /// Who had the work done.
    pub homeowner: PartyId,
    /// Who did it.
    pub contractor: PartyId,
    /// When the contract ended; the window runs from here.
    pub ended_at: Instant,
}

/// A review to hand in.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// The finished contract.
    pub contract_id: Uuid,
    /// Overall.
    pub rating: Stars,
    /// The work itself, or for a homeowner how well it was asked for.
    pub quality: Stars,
    /// Keeping to what was agreed.
    pub timeliness: Stars,
    /// Being there to talk to.
    pub communication: Stars,
    /// In words.
    pub text: Option<ReviewText>,
}

/// A review as its author, or once published everybody, sees it.
#[derive(Debug, Clone)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// The contract.
    pub contract_id: Uuid,
    /// The job.
    pub job_id: JobId,
    /// Who wrote it.
    pub author: PartyId,
    /// What the author was in the contract.
    pub author_role: Role,
    /// The author's name as others may see it: of a homeowner the first name and an initial.
    pub author_name: String,
    /// Whom it is about.
    pub subject: PartyId,
    /// Overall.
    pub rating: i16,
    /// The work.
    pub quality: i16,
    /// Keeping to what was agreed.
    pub timeliness: i16,
    /// Being there to talk to.
    pub communication: i16,
    /// In words.
    pub text: Option<String>,
    /// Whether others can read it.
    pub status: ReviewStatus,
    /// When it was handed in.
    pub created_at: Instant,
    /// When everybody could read it.
    pub published_at: Option<Instant>,
}

/// What the published reviews of one party come to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RatingSummary {
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

/// A page of somebody's published reviews, newest first, beside what they all come to.
#[derive(Debug, Clone)]
pub struct ReviewPage {
    /// What all of them come to.
    pub summary: RatingSummary,
    /// Those on this page.
    pub items: Vec<Review>,
    /// Where the next page goes on.
    pub next: Option<Position>,
}
