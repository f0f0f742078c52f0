//! Reviews: written by both sides of a finished contract, hidden until both are in or the window has closed; then read by
//! everybody, answered once, and reported and decided on where they break the rules.

use kernel::{Fault, Faults, Instant, PartyId, Position, Role};
use uuid::Uuid;

use super::JobId;
use super::text::{DecisionReason, ReplyText, ReportNote, ReviewText};

kernel::id!(
    /// What one side of a contract says about the other.
    ReviewId,
    "rev"
);

kernel::id!(
    /// What somebody says is wrong with a review.
    ReviewReportId,
    "rpt"
);

kernel::id!(
    /// What an administrator decided about a review.
    ReviewDecisionId,
    "rvd"
);

super::words! {
    /// Whether others can read a review.
    ReviewStatus {
        /// Waiting for the other side, or for the window's end.
        Hidden = "HIDDEN",
        /// For everybody to read.
        Published = "PUBLISHED",
        /// An administrator took it away: for its author and administrators only, and not counted.
        Removed = "REMOVED",
    }
}

super::words! {
    /// What is wrong with a review.
    ReportReason {
        /// It insults, threatens or hates.
        Abusive = "ABUSIVE",
        /// It says what did not happen.
        Untrue = "UNTRUE",
        /// It names an address, a number, or somebody else.
        Private = "PRIVATE",
        /// It advertises, or is about something else.
        Spam = "SPAM",
        /// Anything else; the note says what.
        Other = "OTHER",
    }
}

super::words! {
    /// What an administrator decided about a review.
    DecisionOutcome {
        /// It stays as it is, and its reports are answered.
        Kept = "KEPT",
        /// Nobody reads it any more, and it does not count.
        Removed = "REMOVED",
        /// It was removed, and is read and counted again.
        Restored = "RESTORED",
    }
}

super::words! {
    /// What an administrator wants of a review.
    Decision {
        /// That it stays, or comes back.
        Keep = "keep",
        /// That it goes.
        Remove = "remove",
    }
}

super::words! {
    /// Which reviews an administrator looks through.
    ReviewQueue {
        /// Those with reports that wait for a decision, the longest waiting first.
        Reported = "REPORTED",
        /// Those that were removed, the latest first.
        Removed = "REMOVED",
    }
}

/// What happens to a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewAction {
    /// Its author changes it.
    Edit,
    /// Both are in, or the window has closed.
    Publish,
    /// Whom it is about answers.
    Reply,
    /// Somebody says what is wrong with it.
    Report,
    /// An administrator takes it away.
    Remove,
    /// An administrator puts it back.
    Restore,
}

impl ReviewAction {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Edit, Self::Publish, Self::Reply, Self::Report, Self::Remove, Self::Restore];
}

impl ReviewStatus {
    /// The state after an action; none when the action is not possible in this state.
    #[must_use]
    pub const fn after(self, action: ReviewAction) -> Option<Self> {
        match (self, action) {
            (Self::Hidden, ReviewAction::Edit) => Some(Self::Hidden),
            (Self::Hidden, ReviewAction::Publish)
            | (Self::Published, ReviewAction::Reply | ReviewAction::Report)
            | (Self::Removed, ReviewAction::Restore) => Some(Self::Published),
            (Self::Published, ReviewAction::Remove) => Some(Self::Removed),
            (
                Self::Hidden,
                ReviewAction::Reply | ReviewAction::Report | ReviewAction::Remove | ReviewAction::Restore,
            )
            | (Self::Published, ReviewAction::Edit | ReviewAction::Publish | ReviewAction::Restore)
            | (
                Self::Removed,
                ReviewAction::Edit
                | ReviewAction::Publish
                | ReviewAction::Reply
                | ReviewAction::Report
                | ReviewAction::Remove,
            ) => None,
        }
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

/// What to change in a review; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct ReviewPatch {
    /// Overall.
    pub rating: Option<Stars>,
    /// The work itself.
    pub quality: Option<Stars>,
    /// Keeping to what was agreed.
    pub timeliness: Option<Stars>,
    /// Being there to talk to.
    pub communication: Option<Stars>,
    /// In words; the inner none takes them away.
    pub text: Option<Option<ReviewText>>,
}

impl ReviewPatch {
    /// The review as it would be then.
    #[must_use]
    pub fn applied(&self, review: Review) -> Review {
        let stars = |wanted: Option<Stars>, current: i16| wanted.map_or(current, Stars::get);
        Review {
            rating: stars(self.rating, review.rating),
            quality: stars(self.quality, review.quality),
            timeliness: stars(self.timeliness, review.timeliness),
            communication: stars(self.communication, review.communication),
            text: match &self.text {
                Some(text) => text.as_ref().map(|text| text.as_str().to_owned()),
                None => review.text,
            },
            ..review
        }
    }
}

/// A change of one review by its id.
#[derive(Debug, Clone)]
pub struct ReviewChange<T> {
    /// Which.
    pub review_id: ReviewId,
    /// The version that the caller read, when it said so.
    pub if_version: Option<i32>,
    /// What to do.
    pub change: T,
}

/// The answer to a review.
#[derive(Debug, Clone)]
pub struct NewReply {
    /// In words.
    pub text: ReplyText,
}

/// What is wrong with a review.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// Of what kind it is.
    pub reason: ReportReason,
    /// In words.
    pub note: Option<ReportNote>,
}

/// What an administrator decides about a review.
#[derive(Debug, Clone)]
pub struct ReviewVerdict {
    /// Whether it stays.
    pub decision: Decision,
    /// Why. Of a removed review its author reads it.
    pub reason: DecisionReason,
}

/// The answer of whom a review is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// In words; none when whoever wrote them is forgotten.
    pub text: Option<String>,
    /// Who answered, as others may see the name.
    pub author_name: String,
    /// When.
    pub at: Instant,
}

/// That an administrator took a review away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Why.
    pub reason: String,
    /// When.
    pub at: Instant,
}

/// A report as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub id: ReviewReportId,
    /// What it is about.
    pub review_id: ReviewId,
    /// Who made it.
    pub reporter: PartyId,
    /// Of what kind it is.
    pub reason: ReportReason,
    /// In words.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When an administrator had decided.
    pub decided_at: Option<Instant>,
}

/// A decision as it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Its id.
    pub id: ReviewDecisionId,
    /// What it is about.
    pub review_id: ReviewId,
    /// Who took it.
    pub by: PartyId,
    /// What became of the review.
    pub outcome: DecisionOutcome,
    /// Why.
    pub reason: String,
    /// How many reports waited for it.
    pub reports: i32,
    /// When.
    pub at: Instant,
}

/// A review as administrators see it who decide about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewCase {
    /// The review.
    pub review: Review,
    /// How many reports wait for a decision.
    pub open_reports: i32,
    /// Since when the first of them has.
    pub reported_at: Option<Instant>,
    /// The first of those that wait, oldest first.
    pub reports: Vec<Report>,
    /// The last decisions, newest first.
    pub decisions: Vec<Decided>,
}

/// A review as its author, or once published everybody, sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Counts edits, publication, the reply and decisions; never a report.
    pub version: i32,
    /// When it was handed in.
    pub created_at: Instant,
    /// When its author last changed it.
    pub edited_at: Option<Instant>,
    /// When everybody could read it.
    pub published_at: Option<Instant>,
    /// What whom it is about answered.
    pub reply: Option<Reply>,
    /// When it was removed and why, for its author and administrators.
    pub removal: Option<Removal>,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The state machine as a table.
    #[test]
    fn a_review_is_edited_before_it_is_published_and_answered_and_judged_afterwards() {
        let possible = [
            ("HIDDEN", ReviewAction::Edit, "HIDDEN"),
            ("HIDDEN", ReviewAction::Publish, "PUBLISHED"),
            ("PUBLISHED", ReviewAction::Reply, "PUBLISHED"),
            ("PUBLISHED", ReviewAction::Report, "PUBLISHED"),
            ("PUBLISHED", ReviewAction::Remove, "REMOVED"),
            ("REMOVED", ReviewAction::Restore, "PUBLISHED"),
        ];
        for status in ReviewStatus::ALL {
            for action in ReviewAction::ALL {
                let expected = possible
                    .iter()
                    .find(|(from, by, _)| (*from, *by) == (status.as_str(), action))
                    .map(|(.., to)| *to);
                assert_eq!(status.after(action).map(ReviewStatus::as_str), expected, "{status} {action:?}");
            }
        }
    }
}
