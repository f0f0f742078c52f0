//! The batched reader: many single look-ups by key become one query.
//!
//! One pinned thread takes whatever waits in its queue, at most [`BATCH_MAX`] keys, and has them loaded by one statement with
//! `= ANY($1)`. Under load that is the fastest way there is; without load a look-up costs what it always costs. For
//! projections that do not depend on who looks.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use kernel::{Classify, ErrorKind};
use tokio::sync::oneshot;

use super::answer::{Answer, Rejected};
use super::lane::LaneMetrics;
use crate::db::Db;
use crate::error::Error;

/// The most keys in one query.
const BATCH_MAX: usize = 64;

/// A batched reader's name and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSettings {
    /// Its name in thread names and metrics.
    pub name: &'static str,
    /// How many look-ups may wait.
    pub queue: u16,
    /// What a caller who is turned away is told to wait.
    pub retry_after: Duration,
}

impl BatchSettings {
    /// A queue of 4,096, and a second to wait.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, queue: 4_096, retry_after: Duration::from_secs(1) }
    }
}

/// The failure of a query, shared by all whose keys were in it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Batched<E: std::error::Error>(Arc<E>);

impl<E: std::error::Error> Clone for Batched<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E: std::error::Error> Batched<E> {
    /// The failure itself.
    #[must_use]
    pub fn inner(&self) -> &E {
        &self.0
    }
}

impl<E: Classify> Classify for Batched<E> {
    fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    fn code(&self) -> &'static str {
        self.0.code()
    }
}

/// Looks single things up by key, many at a time. Cheap to clone; its thread ends with the last clone.
pub struct BatchReader<K, V, E: std::error::Error> {
    sender: Sender<Lookup<K, V, E>>,
    retry_after: Duration,
    metrics: LaneMetrics,
}

type Found<V, E> = Result<Option<V>, Batched<E>>;

struct Lookup<K, V, E: std::error::Error> {
    key: K,
    deadline: Instant,
    queued: Instant,
    answer: oneshot::Sender<Result<Found<V, E>, Rejected>>,
}

impl<K, V, E: std::error::Error> Clone for BatchReader<K, V, E> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), retry_after: self.retry_after, metrics: self.metrics.clone() }
    }
}

impl<K, V, E: std::error::Error> std::fmt::Debug for BatchReader<K, V, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchReader").finish_non_exhaustive()
    }
}

impl<K, V, E> BatchReader<K, V, E>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    /// Starts the thread, which takes its connection before this returns. `load` gets the keys, each once, and answers with
    /// what is there of them; it reads through a service over the same `db`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is no connection, or no thread.
    pub fn start(
        db: &Db,
        settings: &BatchSettings,
        load: impl FnMut(&[K]) -> Result<HashMap<K, V>, E> + Send + 'static,
    ) -> Result<Self, Error> {
        Self::spawn(Some(db.clone()), settings, load)
    }

    /// Starts the thread for what is not in Postgres: it holds no connection.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is no thread.
    pub fn start_elsewhere(
        settings: &BatchSettings,
        load: impl FnMut(&[K]) -> Result<HashMap<K, V>, E> + Send + 'static,
    ) -> Result<Self, Error> {
        Self::spawn(None, settings, load)
    }

    fn spawn(
        db: Option<Db>,
        settings: &BatchSettings,
        mut load: impl FnMut(&[K]) -> Result<HashMap<K, V>, E> + Send + 'static,
    ) -> Result<Self, Error> {
        let (sender, receiver) = crossbeam_channel::bounded(settings.queue.into());
        let (ready, started) = crossbeam_channel::bounded(1);
        let metrics = LaneMetrics::new(settings.name);
        let retry_after = settings.retry_after;
        let of_thread = metrics.clone();
        std::thread::Builder::new()
            .name(settings.name.to_owned())
            .spawn(move || {
                let held = db.as_ref().map_or(Ok(()), Db::hold);
                let go = held.is_ok();
                let told = ready.send(held).is_ok();
                drop(ready);
                if told && go {
                    serve(db.as_ref(), &receiver, &of_thread, retry_after, &mut load);
                }
                if let Some(db) = &db {
                    db.release_held();
                }
            })
            .map_err(|error| Error::Unavailable(format!("no thread: {error}")))?;
        for held in started {
            held?;
        }
        Ok(Self { sender, retry_after, metrics })
    }

    /// What is there under that key.
    pub fn get(&self, deadline: Instant, key: K) -> Answer<Found<V, E>> {
        let (answer, receiver) = oneshot::channel();
        match self.sender.try_send(Lookup { key, deadline, queued: Instant::now(), answer }) {
            Ok(()) => Answer::waiting(receiver),
            Err(TrySendError::Full(_)) => {
                self.metrics.full.increment(1);
                Answer::rejected(Rejected::Full { retry_after: self.retry_after })
            }
            Err(TrySendError::Disconnected(_)) => Answer::rejected(Rejected::Stopping),
        }
    }
}

/// The thread's life.
fn serve<K, V, E>(
    db: Option<&Db>,
    receiver: &Receiver<Lookup<K, V, E>>,
    metrics: &LaneMetrics,
    retry_after: Duration,
    load: &mut impl FnMut(&[K]) -> Result<HashMap<K, V>, E>,
) where
    K: Eq + Hash + Clone,
    V: Clone,
    E: std::error::Error,
{
    while let Ok(first) = receiver.recv() {
        let now = Instant::now();
        metrics.set_depth(receiver.len());
        let mut lookups = Vec::with_capacity(BATCH_MAX);
        for lookup in std::iter::once(first).chain(receiver.try_iter()).take(BATCH_MAX) {
            metrics.wait.record(now.saturating_duration_since(lookup.queued).as_secs_f64());
            if now > lookup.deadline {
                metrics.late.increment(1);
                let _ = lookup.answer.send(Err(Rejected::Late { retry_after }));
            } else {
                lookups.push(lookup);
            }
        }
        let keys: Vec<K> =
            lookups.iter().map(|lookup| &lookup.key).collect::<HashSet<_>>().into_iter().cloned().collect();
        if keys.is_empty() {
            continue;
        }
        let loaded = catch_unwind(AssertUnwindSafe(|| load(&keys)));
        if let Some(db) = db {
            db.settle_thread();
        }
        let mut loaded = match loaded {
            Ok(result) => result.map_err(|error| Batched(Arc::new(error))),
            Err(_) => {
                metrics.panics.increment(1);
                for lookup in lookups {
                    let _ = lookup.answer.send(Err(Rejected::Panicked));
                }
                continue;
            }
        };
        let each_once = keys.len() == lookups.len();
        for lookup in lookups {
            let found = match &mut loaded {
                Ok(values) if each_once => Ok(values.remove(&lookup.key)),
                Ok(values) => Ok(values.get(&lookup.key).cloned()),
                Err(error) => Err(error.clone()),
            };
            let _ = lookup.answer.send(Ok(found));
        }
    }
}
