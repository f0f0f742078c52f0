//! What can be read and done of reviews.

use kernel::{Actor, AdminActor, Limit, Page, PartyId, Position, Role};

use crate::PageRequest;
use crate::error::Error;
use crate::model::{
    NewReply, NewReport, NewReview, Report, Review, ReviewCase, ReviewChange, ReviewId, ReviewPage,
    ReviewPatch, ReviewQueue, ReviewVerdict,
};

/// What can be read of reviews.
pub trait ReviewQueries: Send + Sync {
    /// One review: everybody's once it is published, before that its author's. A removed one is its author's and administrators'.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`] when there is none, or it is not for this viewer.
    fn review(&self, viewer: Option<&Actor>, id: ReviewId) -> Result<Review, Error>;

    /// Somebody's published reviews, newest first. With a role, only of a person of that role.
    ///
    /// # Errors
    /// [`Error::SubjectNotFound`] when there is nobody of that id and role.
    fn list_reviews(
        &self,
        subject: PartyId,
        role: Option<Role>,
        page: PageRequest,
    ) -> Result<ReviewPage, Error>;

    /// The reviews that wait for an administrator, or that were removed.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn list_review_cases(
        &self,
        admin: AdminActor<'_>,
        queue: ReviewQueue,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<ReviewCase>, Error>;
}

/// What can be done with reviews.
pub trait ReviewCommands: ReviewQueries {
    /// Reviews the other side of a finished contract.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`], [`Error::ReviewClosed`] or [`Error::AlreadyReviewed`].
    fn submit_review(&self, author: &Actor, review: NewReview) -> Result<Review, Error>;

    /// Changes what one's own review says, until it is published.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::WrongParty`] for somebody else's, [`Error::ReviewState`] once it is published,
    /// [`Error::ReviewClosed`] once it is about to be, [`Error::Stale`].
    fn edit_review(&self, author: &Actor, change: ReviewChange<ReviewPatch>) -> Result<Review, Error>;

    /// Answers a review of oneself, once.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::WrongParty`] for a review of somebody else, [`Error::ReviewState`] for a removed one,
    /// [`Error::AlreadyReplied`], [`Error::ReplyClosed`], [`Error::Stale`].
    fn reply_to_review(&self, subject: &Actor, change: ReviewChange<NewReply>) -> Result<Review, Error>;

    /// Tells administrators what is wrong with a review, once.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::OwnReview`], [`Error::ReviewState`] for a removed one, [`Error::AlreadyReported`],
    /// [`Error::TooManyReports`].
    fn report_review(&self, reporter: &Actor, change: ReviewChange<NewReport>) -> Result<Report, Error>;

    /// Keeps a reported review, removes one, or puts a removed one back; what its subject's come to follows at once. All reports of it
    /// are answered by that.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::ReviewState`], [`Error::NotReported`], [`Error::Stale`].
    fn decide_review(
        &self,
        admin: AdminActor<'_>,
        change: ReviewChange<ReviewVerdict>,
    ) -> Result<ReviewCase, Error>;
}
