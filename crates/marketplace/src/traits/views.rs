//! Interest in jobs.

use crate::error::Error;
use crate::model::JobLook;

/// Interest in jobs, as it is written down.
pub trait ViewCommands: Send + Sync {
    /// Counts these looks at open jobs: each person once for a job and a day. [`crate::rules::is_interest`] says which looks are to be handed in.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn record_views(&self, looks: &[JobLook]) -> Result<(), Error>;
}
