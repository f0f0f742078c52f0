//! What somebody's own jobs and bids come to.

use kernel::Actor;

use crate::error::Error;
use crate::model::JobAnalytics;

/// Figures of one's own, for nobody else.
pub trait AnalyticsQueries: Send + Sync {
    /// What the caller's own jobs come to, or a contractor's own bids. Of bids that the caller may not see nothing is in it.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn job_analytics(&self, actor: &Actor) -> Result<JobAnalytics, Error>;
}
