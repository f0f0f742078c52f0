//! The end of the work.

use kernel::HomeownerActor;
use marketplace::{JobDetail, JobId};

use crate::error::Error;

/// What a homeowner does at the end of the work.
pub trait CompletionCommands: Send + Sync {
    /// Says that a job is done. The last milestone completes it anyway; then, and a second time, nothing changes.
    ///
    /// # Errors
    /// [`Error::MilestonesUnfinished`] with each that is in the way; [`Error::Marketplace`] when there is no such job of this homeowner, or it
    /// is in the wrong state.
    fn complete_job(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<JobDetail, Error>;
}
