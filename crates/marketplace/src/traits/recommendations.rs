//! Jobs in an order of merit.

use kernel::{Actor, ContractorActor, Limit};

use crate::error::Error;
use crate::model::{JobId, ScoredJob, TrendingFilter};

/// Which jobs come first, and why. Nothing here depends on other people's bids. These are lists of at most a hundred, and none that goes on: they are in
/// an order that moves.
pub trait RecommendationQueries: Send + Sync {
    /// Open jobs that many look at, then the newest.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn trending_jobs(&self, filter: TrendingFilter, limit: Limit) -> Result<Vec<ScoredJob>, Error>;

    /// Open jobs like one that this viewer may see, most like it first; without the viewer's own.
    ///
    /// # Errors
    /// [`Error::JobNotFound`] when there is none, or it is not for this viewer.
    fn similar_jobs(&self, viewer: Option<&Actor>, id: JobId, limit: Limit) -> Result<Vec<ScoredJob>, Error>;

    /// Open jobs for a contractor, without those dismissed and those bid on.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn recommended_jobs(
        &self,
        contractor: ContractorActor<'_>,
        limit: Limit,
    ) -> Result<Vec<ScoredJob>, Error>;
}

/// What a contractor says to recommendations.
pub trait RecommendationCommands: Send + Sync {
    /// Leaves an open job out of what is recommended to this contractor; it may be left out already.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], or [`Error::JobState`] for one that is open no more.
    fn dismiss_job(&self, contractor: ContractorActor<'_>, id: JobId) -> Result<(), Error>;

    /// Takes that back; it may never have been said.
    ///
    /// # Errors
    /// [`Error::JobNotFound`].
    fn restore_job(&self, contractor: ContractorActor<'_>, id: JobId) -> Result<(), Error>;
}
