//! Bids beside each other.

use kernel::{HomeownerActor, Page};

use crate::PageRequest;
use crate::error::Error;
use crate::model::{BidAnalytics, BidRecommendations, Comparison, JobId, JobWithBestBids};

/// What a job's owner can ask about its bids all together. While the job is open they are those that can be chosen now; afterwards those that
/// stood when it left OPEN.
pub trait ComparisonQueries: Send + Sync {
    /// The bids of a job side by side, at most a hundred, the lowest first.
    ///
    /// # Errors
    /// [`Error::Sealed`] before the reveal; [`Error::JobNotFound`] for anyone but the owner.
    fn compare_bids(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<Comparison, Error>;

    /// How the prices of a job's bids lie.
    ///
    /// # Errors
    /// As [`ComparisonQueries::compare_bids`].
    fn analyse_bids(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<BidAnalytics, Error>;

    /// The bids of a job in the order in which they are recommended; none once it has left OPEN.
    ///
    /// # Errors
    /// As [`ComparisonQueries::compare_bids`].
    fn recommend_bids(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<BidRecommendations, Error>;

    /// An owner's open jobs that bids wait for, newest first, each with the best three; at most twenty on a page. A job whose bids are sealed is left out.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn list_recommended_bids(
        &self,
        homeowner: HomeownerActor<'_>,
        page: PageRequest,
    ) -> Result<Page<JobWithBestBids>, Error>;
}
