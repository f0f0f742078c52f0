//! Jobs by their ids, for all requests that wait at once: the hottest read there is. It does not depend on who looks; what does is asked
//! of the service afterwards.

use database::{BatchReader, BatchSettings, Error};
use marketplace::{JobId, PublicJob};
use platform::Platform;

use crate::app::App;
use crate::http::Problem;
use crate::lanes::answered;

/// Reads jobs, many at a time.
pub(crate) struct Jobs(BatchReader<JobId, PublicJob, Error>);

impl Jobs {
    /// # Errors
    /// When there is no connection or thread for it.
    pub(crate) fn start(platform: &Platform) -> Result<Self, Error> {
        let db = platform.db().clone();
        let load = move |ids: &[JobId]| db.read(|conn| marketplace::public_jobs(conn, ids));
        BatchReader::start(platform.db(), &BatchSettings::new("jobs"), load).map(Self)
    }

    /// # Errors
    /// 503 when the database is away or too much is waiting.
    pub(crate) async fn find(&self, app: &App, id: JobId) -> Result<Option<PublicJob>, Problem> {
        answered(self.0.get(app.lanes().deadline(), id)).await
    }
}
