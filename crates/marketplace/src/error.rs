//! What can go wrong on the marketplace, each with what it means to whoever asked.

use kernel::{Classify, ErrorKind, Faults, WrongRole};

use crate::model::{BidStatus, JobStatus, ReviewStatus};

/// A refusal of the marketplace, or the database's failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Faults in what was sent.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// For accounts of another role.
    #[error(transparent)]
    WrongRole(#[from] WrongRole),
    /// No such job, or not for this viewer.
    #[error("there is no such job")]
    JobNotFound,
    /// No such bid, or not for this viewer.
    #[error("there is no such bid")]
    BidNotFound,
    /// No finished contract of this party by that id.
    #[error("you have no finished contract with this id")]
    ContractNotFound,
    /// Nobody by that id who can be reviewed.
    #[error("there is nobody with this id")]
    SubjectNotFound,
    /// The job's state does not allow it.
    #[error("the job is {state}")]
    JobState {
        /// The state.
        state: JobStatus,
    },
    /// The bid's state does not allow it.
    #[error("the bid is {state}")]
    BidState {
        /// The state.
        state: BidStatus,
    },
    /// The time until which the bid stood is over.
    #[error("the time until which the bid stood is over")]
    BidLapsed,
    /// The bidding deadline has passed.
    #[error("bidding on this job has closed")]
    BiddingClosed,
    /// The time to choose a bid has passed.
    #[error("the time to accept a bid on this job is over")]
    AcceptanceClosed,
    /// The bids are sealed until the deadline.
    #[error("the bids are sealed until the bidding deadline")]
    Sealed {
        /// The job's state.
        state: JobStatus,
    },
    /// The bid was revised since the owner read it.
    #[error("the bid has been revised: it is at revision {current}")]
    BidRevised {
        /// The revision it is at.
        current: i32,
    },
    /// The job was edited since the bidder last said that the bid stands.
    #[error("the job has been edited, and the bidder has not confirmed the bid since")]
    BidUnconfirmed,
    /// There is a live bid of this contractor on this job.
    #[error("you have a bid on this job already")]
    AlreadyBid,
    /// A bid on one's own job.
    #[error("one cannot bid on one's own job")]
    OwnJob,
    /// The contractor has not been verified, or licence or insurance has run out.
    #[error("only verified contractors can bid")]
    NotVerified,
    /// It changed since the caller read it.
    #[error("it has changed since you read it")]
    Stale,
    /// The window for reviews has closed.
    #[error("the time to review this contract is over")]
    ReviewClosed,
    /// This party has reviewed this contract.
    #[error("you have reviewed this contract already")]
    AlreadyReviewed,
    /// No such review, or not for this viewer.
    #[error("there is no such review")]
    ReviewNotFound,
    /// The review's state does not allow it.
    #[error("the review is {state}")]
    ReviewState {
        /// The state.
        state: ReviewStatus,
        /// What this actor could do now.
        allowed: Vec<&'static str>,
    },
    /// Theirs to see, but not theirs to do.
    #[error("only {0} may do this")]
    WrongParty(&'static str),
    /// A report of one's own review.
    #[error("one cannot report one's own review")]
    OwnReview,
    /// The review has its reply.
    #[error("this review has been replied to already")]
    AlreadyReplied,
    /// The time to reply is over.
    #[error("the time to reply to this review is over")]
    ReplyClosed,
    /// This person has reported this review.
    #[error("you have reported this review already")]
    AlreadyReported,
    /// Too many reports by one person.
    #[error("too many reports in a day")]
    TooManyReports {
        /// Seconds until the next is taken.
        retry_after: u32,
    },
    /// There is nothing to decide: the review stands, and nobody has reported it.
    #[error("nobody has reported this review")]
    NotReported,
    /// No such attachment, or not for this viewer.
    #[error("there is no such attachment")]
    AttachmentNotFound,
    /// There are as many attachments as there may be.
    #[error("there can be at most {most} attachments here")]
    TooManyAttachments {
        /// The most.
        most: u16,
    },
    /// What is wrong with a file.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

impl database::TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::File(error) => error.database(),
            _ => None,
        }
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(faults) => faults.kind(),
            Self::WrongRole(wrong) => wrong.kind(),
            Self::JobNotFound
            | Self::BidNotFound
            | Self::AttachmentNotFound
            | Self::ContractNotFound
            | Self::SubjectNotFound
            | Self::ReviewNotFound => ErrorKind::NotFound,
            Self::ReviewState { state, allowed } => {
                ErrorKind::WrongState { state: state.as_str(), allowed: allowed.clone() }
            }
            Self::TooManyReports { retry_after } => ErrorKind::TooMany { retry_after: *retry_after },
            Self::JobState { state } => {
                ErrorKind::WrongState { state: state.as_str(), allowed: state.allowed() }
            }
            Self::BidState { state } => ErrorKind::WrongState { state: state.as_str(), allowed: Vec::new() },
            Self::BidLapsed => {
                ErrorKind::WrongState { state: BidStatus::Expired.as_str(), allowed: Vec::new() }
            }
            Self::Sealed { state } => ErrorKind::WrongState { state: state.as_str(), allowed: Vec::new() },
            Self::BiddingClosed | Self::AcceptanceClosed => {
                ErrorKind::WrongState { state: JobStatus::Open.as_str(), allowed: Vec::new() }
            }
            Self::TooManyAttachments { .. }
            | Self::BidRevised { .. }
            | Self::BidUnconfirmed
            | Self::AlreadyBid
            | Self::ReviewClosed
            | Self::AlreadyReviewed
            | Self::AlreadyReplied
            | Self::ReplyClosed
            | Self::AlreadyReported
            | Self::NotReported => ErrorKind::Conflict,
            Self::OwnJob | Self::NotVerified | Self::WrongParty(_) | Self::OwnReview => ErrorKind::Forbidden,
            Self::Stale => ErrorKind::StalePrecondition,
            Self::File(error) => error.kind(),
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(faults) => faults.code(),
            Self::WrongRole(wrong) => wrong.code(),
            Self::JobNotFound => "job_not_found",
            Self::BidNotFound => "bid_not_found",
            Self::ContractNotFound => "contract_not_found",
            Self::SubjectNotFound => "user_not_found",
            Self::JobState { .. } => "job_state",
            Self::BidState { .. } => "bid_state",
            Self::BidLapsed => "bid_expired",
            Self::BiddingClosed => "bidding_closed",
            Self::AcceptanceClosed => "acceptance_closed",
            Self::Sealed { .. } => "sealed",
            Self::BidRevised { .. } => "bid_revised",
            Self::BidUnconfirmed => "bid_unconfirmed",
            Self::AlreadyBid => "already_bid",
            Self::OwnJob => "own_job",
            Self::NotVerified => "contractor_not_verified",
            Self::Stale => "stale_precondition",
            Self::ReviewClosed => "review_closed",
            Self::AlreadyReviewed => "already_reviewed",
            Self::ReviewNotFound => "review_not_found",
            Self::ReviewState { .. } => "review_state",
            Self::WrongParty(_) => "wrong_party",
            Self::OwnReview => "own_review",
            Self::AlreadyReplied => "already_replied",
            Self::ReplyClosed => "reply_closed",
            Self::AlreadyReported => "already_reported",
            Self::TooManyReports { .. } => "too_many_reports",
            Self::NotReported => "not_reported",
            Self::AttachmentNotFound => "attachment_not_found",
            Self::TooManyAttachments { .. } => "too_many_attachments",
            Self::File(error) => error.code(),
            Self::Database(error) => error.code(),
        }
    }
}
