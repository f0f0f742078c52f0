//! Jobs that somebody looks for.

use kernel::{Actor, Limit, Position};

use crate::error::Error;
use crate::model::{JobFacets, JobSearch, JobsFound, SearchKey};

/// What can be asked of jobs: one language, by words, what was ticked, place and time, in any order. Whoever asks finds everybody's open jobs, or the own
/// ones; the public point is all that is known of a place.
pub trait SearchQueries: Send + Sync {
    /// A page of the jobs that match.
    ///
    /// # Errors
    /// [`Error::WrongRole`] for an order by bids of who is no homeowner, or nobody.
    fn search_jobs(
        &self,
        viewer: Option<&Actor>,
        search: &JobSearch,
        after: Option<Position<SearchKey>>,
        limit: Limit,
    ) -> Result<JobsFound, Error>;

    /// The same with what was looked for marked in the texts.
    ///
    /// # Errors
    /// As [`SearchQueries::search_jobs`].
    fn search_texts(
        &self,
        viewer: Option<&Actor>,
        search: &JobSearch,
        after: Option<Position<SearchKey>>,
        limit: Limit,
    ) -> Result<JobsFound, Error>;

    /// How many jobs match, and how they are spread over trades, urgencies, budgets and regions: each as if it were not filtered by, over the newest
    /// thousand.
    ///
    /// # Errors
    /// [`Error::Database`] only.
    fn job_facets(&self, viewer: Option<&Actor>, search: &JobSearch) -> Result<JobFacets, Error>;
}
