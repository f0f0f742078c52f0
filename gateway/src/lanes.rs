//! The way from the server's async threads to the services, which block: reads, commands, heavy work and the hashing of passwords
//! apart, each on the executor's own threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::{Answer, Db, Error, Executor, PgConnection, Rejected};
use identity::Vault;
use platform::{Commands, Platform, Queries};

use tokio::sync::Semaphore;

use crate::http::Problem;
use crate::settings::ServerConfig;

/// How many may be asking other systems at once. Each has a thread, and a connection while it writes down what it heard.
const OUTSIDE_MAX: usize = 16;
/// How many pictures are drawn anew at once: each may take a few hundred megabytes of memory.
const DRAWN_AT_ONCE: usize = 1;
/// How long a picture waits for its turn. Its bytes are on the disk by then, and a client that sends ten sees the last one wait for nine.
const DRAWING_PATIENCE: Duration = Duration::from_secs(30);
/// How long somebody waits to hear that there is no place to hash a password. Waiting costs the server nothing; answered at once, whoever does not
/// heed `Retry-After` would ask again at once, and a few hundred of those would take the processors that everybody else needs.
const REFUSED_HASHING_PAUSE: Duration = Duration::from_secs(1);

/// What reads are lent.
pub(crate) struct Reading {
    pub(crate) queries: Queries,
    pub(crate) db: Db,
}

/// What commands are lent.
pub(crate) struct Writing {
    pub(crate) commands: Commands,
    pub(crate) db: Db,
    pub(crate) vault: Vault,
}

/// Runs work where it may block.
pub(crate) struct Lanes {
    executor: Executor<Reading, Writing>,
    lent: Arc<Writing>,
    outside: Arc<Semaphore>,
    drawing: Arc<Semaphore>,
    /// How long work may wait for its turn.
    patience: Duration,
}

impl Lanes {
    /// # Errors
    /// When there are not enough connections or threads.
    pub(crate) fn start(platform: &Platform, config: &ServerConfig) -> Result<Self, Error> {
        let db = platform.db();
        let reading = Reading { queries: platform.queries().clone(), db: db.clone() };
        let writing = Writing {
            commands: platform.commands().clone(),
            db: db.clone(),
            vault: platform.vault().clone(),
        };
        let lent = Arc::new(writing);
        let executor = Executor::start(db, &config.executor, Arc::new(reading), Arc::clone(&lent))?;
        let outside = Arc::new(Semaphore::new(OUTSIDE_MAX));
        let drawing = Arc::new(Semaphore::new(DRAWN_AT_ONCE));
        let patience = Duration::from_millis(config.http.queue_milliseconds);
        Ok(Self { executor, lent, outside, drawing, patience })
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Queries) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        answered(self.executor.read(self.deadline(), here(move |lent: &Reading| work(&lent.queries)))).await
    }

    /// Reads with no service in between: for looking at the database itself.
    pub(crate) async fn database<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut PgConnection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        answered(self.executor.read(self.deadline(), here(move |lent: &Reading| lent.db.read(work)))).await
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writing) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        answered(self.executor.write(self.deadline(), here(work))).await
    }

    pub(crate) async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writing) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        answered(self.executor.heavy(self.deadline(), here(work))).await
    }

    /// Drawing a picture anew: heavy work, and so much memory that pictures wait for each other. They do so without a thread.
    pub(crate) async fn drawing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writing) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(DRAWING_PATIENCE, Arc::clone(&self.drawing).acquire_owned()).await;
        let Ok(Ok(place)) = turn else {
            return Err(Problem::unavailable("too many pictures are waiting to be drawn"));
        };
        self.heavy(move |lent| {
            // Until it is done, whether somebody still waits for it or not.
            let _place = place;
            work(lent)
        })
        .await
    }

    /// Work that waits for another system: on threads of its own, so that neither readers, writers nor passwords wait with it.
    pub(crate) async fn outside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writing) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(place) = Arc::clone(&self.outside).try_acquire_owned() else {
            return Err(Problem::unavailable("too many are waiting for other systems"));
        };
        let (lent, work) = (Arc::clone(&self.lent), here(work));
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&lent)
        });
        done.await
            .unwrap_or_else(|error| Err(Problem::internal(format!("work outside ended early: {error}"))))
    }

    pub(crate) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Writing) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let answer = self.executor.hashing(self.deadline(), here(work));
        match answer.await {
            Ok(result) => result,
            Err(rejected) => {
                tokio::time::sleep(REFUSED_HASHING_PAUSE).await;
                Err(refused(rejected))
            }
        }
    }

    /// By when work has to have begun.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// Lets what is under way end; says whether it did in time.
    pub(crate) fn drain(&self, within: Duration) -> bool {
        self.executor.drain(within)
    }
}

/// The work, inside the request's span: what it logs carries the request's id.
fn here<L, T>(work: impl FnOnce(&L) -> T + Send + 'static) -> impl FnOnce(&L) -> T + Send + 'static {
    let span = tracing::Span::current();
    move |lent| span.in_scope(|| work(lent))
}

/// What came back from the executor's threads, or why nothing did.
pub(crate) async fn answered<T, E: Into<Problem>>(answer: Answer<Result<T, E>>) -> Result<T, Problem> {
    match answer.await {
        Ok(result) => result.map_err(Into::into),
        Err(rejected) => Err(refused(rejected)),
    }
}

fn refused(rejected: Rejected) -> Problem {
    let problem = Problem::from(rejected);
    match rejected.retry_after() {
        Some(wait) => problem.retry_after(u32::try_from(wait.as_secs().max(1)).unwrap_or(u32::MAX)),
        None => problem,
    }
}
