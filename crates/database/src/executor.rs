//! The executor: what stands between an asynchronous front and the synchronous services.
//!
//! Pinned threads, each holding one connection for life, behind bounded queues. Readers and writers are apart, so that writes
//! waiting for locks do not hold up reads; `heavy` is for work that takes long (asking another system), holds no connection and takes one
//! only when it uses the database; `hashing` is the same for passwords alone, which anybody may have hashed: a flood of sign-ins fills its
//! short queue and nobody else's, and half of the cores at most. A full queue answers at once. What waited in a queue past its deadline is
//! not started: whoever asked has gone.
//!
//! What a unit of work does does not belong here.

mod answer;
mod batch;
mod lane;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::db::Db;
use crate::error::Error;
pub use answer::{Answer, Rejected};
pub use batch::{BatchReader, BatchSettings, Batched};
use lane::{Lane, LaneSpec};

/// How many threads, and how long their queues.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutorSettings {
    /// Threads that read, each with a connection; by default two a core.
    pub readers: Option<u16>,
    /// Threads that write, each with a connection; by default eight a core: most wait for the disk at COMMIT.
    pub writers: Option<u16>,
    /// Threads for what takes long, such as asking a payment provider; by default one a core.
    pub heavy: Option<u16>,
    /// Threads that hash passwords; by default one for two cores, so that a flood of sign-ins leaves the others to everybody else.
    pub hashing: Option<u16>,
    /// How many reads may wait.
    pub reader_queue: u16,
    /// How many writes may wait.
    pub writer_queue: u16,
    /// How many heavy units may wait.
    pub heavy_queue: u16,
    /// How many passwords may wait to be hashed. At a quarter of a second each, more would only wait past their deadline.
    pub hashing_queue: u16,
    /// What a caller who is turned away is told to wait, in seconds.
    pub retry_after_seconds: u16,
}

impl Default for ExecutorSettings {
    fn default() -> Self {
        Self {
            readers: None,
            writers: None,
            heavy: None,
            hashing: None,
            reader_queue: 512,
            writer_queue: 512,
            heavy_queue: 64,
            hashing_queue: 32,
            retry_after_seconds: 1,
        }
    }
}

impl ExecutorSettings {
    /// Threads that read.
    #[must_use]
    pub fn reader_threads(&self) -> u16 {
        self.readers.unwrap_or_else(|| cores().saturating_mul(2)).max(1)
    }

    /// Threads that write.
    #[must_use]
    pub fn writer_threads(&self) -> u16 {
        self.writers.unwrap_or_else(|| cores().saturating_mul(8)).max(1)
    }

    /// Threads for heavy work.
    #[must_use]
    pub fn heavy_threads(&self) -> u16 {
        self.heavy.unwrap_or_else(cores).max(1)
    }

    /// Threads that hash passwords.
    #[must_use]
    pub fn hashing_threads(&self) -> u16 {
        self.hashing.unwrap_or_else(|| cores() / 2).max(1)
    }

    /// Connections that an executor with these settings may have at once. Batched readers need one more each.
    #[must_use]
    pub fn connections(&self) -> u32 {
        [self.reader_threads(), self.writer_threads(), self.heavy_threads(), self.hashing_threads()]
            .into_iter()
            .map(u32::from)
            .sum()
    }
}

fn cores() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    u16::try_from(cores).unwrap_or(u16::MAX)
}

/// Runs units of work for a front. `Q` is what reads are lent, `C` what writes are. Cheap to clone; all clones are one
/// executor.
pub struct Executor<Q, C>(Arc<Shared<Q, C>>);

struct Shared<Q, C> {
    queries: Arc<Q>,
    commands: Arc<C>,
    readers: Lane,
    writers: Lane,
    heavy: Lane,
    hashing: Lane,
}

impl<Q, C> Clone for Executor<Q, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, C> std::fmt::Debug for Executor<Q, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl<Q: Send + Sync + 'static, C: Send + Sync + 'static> Executor<Q, C> {
    /// Starts the threads; each takes its connection before this returns. Install the metrics recorder before.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there are not enough connections, or threads.
    pub fn start(
        db: &Db,
        settings: &ExecutorSettings,
        queries: Arc<Q>,
        commands: Arc<C>,
    ) -> Result<Self, Error> {
        let (needed, most) = (settings.connections(), db.max_connections());
        if needed > most {
            return Err(Error::Unavailable(format!(
                "the executor needs {needed} connections and the pool opens at most {most}: raise database.max_connections, \
                 or lower the executor's readers and writers"
            )));
        }
        let retry_after = Duration::from_secs(settings.retry_after_seconds.into());
        let lane = |name, threads, queue, pinned| {
            Lane::start(db, LaneSpec { name, threads, queue, pinned, retry_after })
        };
        Ok(Self(Arc::new(Shared {
            queries,
            commands,
            readers: lane("read", settings.reader_threads(), settings.reader_queue, true)?,
            writers: lane("write", settings.writer_threads(), settings.writer_queue, true)?,
            heavy: lane("heavy", settings.heavy_threads(), settings.heavy_queue, false)?,
            hashing: lane("hashing", settings.hashing_threads(), settings.hashing_queue, false)?,
        })))
    }

    /// Runs a unit of work that only reads, on a thread with a connection.
    pub fn read<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&Q) -> T + Send + 'static,
    ) -> Answer<T> {
        let queries = Arc::clone(&self.0.queries);
        self.0.readers.submit(deadline, move || work(&queries))
    }

    /// Runs a unit of work that may write, on a thread with a connection.
    pub fn write<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&C) -> T + Send + 'static,
    ) -> Answer<T> {
        let commands = Arc::clone(&self.0.commands);
        self.0.writers.submit(deadline, move || work(&commands))
    }

    /// Runs a unit of work that takes long, on a thread that holds no connection.
    pub fn heavy<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&C) -> T + Send + 'static,
    ) -> Answer<T> {
        let commands = Arc::clone(&self.0.commands);
        self.0.heavy.submit(deadline, move || work(&commands))
    }

    /// Runs a unit of work that hashes a password, on a thread that holds no connection.
    pub fn hashing<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&C) -> T + Send + 'static,
    ) -> Answer<T> {
        let commands = Arc::clone(&self.0.commands);
        self.0.hashing.submit(deadline, move || work(&commands))
    }

    /// Takes nothing new, lets what is queued finish, ends the threads. Says whether all of them ended in time.
    #[must_use]
    pub fn drain(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let lanes = [&self.0.readers, &self.0.writers, &self.0.heavy, &self.0.hashing];
        for lane in lanes {
            lane.close();
        }
        lanes.into_iter().all(|lane| lane.join(deadline))
    }
}
