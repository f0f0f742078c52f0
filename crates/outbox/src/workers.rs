//! The threads that run tasks, and the one that numbers events, takes back what dead workers left, and keeps house.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use database::{Db, Error};

use crate::bell::Bell;
use crate::registry::Registry;
use crate::{WorkerSettings, bell, run, store};

/// Between two looks at the metrics, at lost leases and at what comes back.
const KEEPING_PERIOD: Duration = Duration::from_secs(5);
/// Between two removals of old finished tasks.
const PURGE_PERIOD: Duration = Duration::from_secs(600);
/// How many rows one purge removes.
const PURGE_BATCH: i64 = 10_000;
/// The least time between two numberings.
const NUMBERING_PAUSE: Duration = Duration::from_millis(20);
/// The pause after the database failed, so that an outage is not answered with a storm.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// Running workers. Dropping them tells them to stop and does not wait; [`Workers::stop`] does.
#[derive(Debug)]
pub struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    db: Db,
    registry: Arc<Registry>,
    kinds: Vec<String>,
    settings: WorkerSettings,
    stopping: AtomicBool,
}

impl Workers {
    /// Starts the threads. The services in the registry have to stand on this same [`Db`], so that what an event's handler
    /// does joins the transaction that notes it.
    ///
    /// # Errors
    /// [`Error`] when the database cannot be reached or a thread cannot be made.
    pub fn start(
        db: Db,
        registry: impl Into<Arc<Registry>>,
        settings: WorkerSettings,
    ) -> Result<Self, Error> {
        let registry = registry.into();
        run::prepare(&db, &registry)?;
        let kinds = registry.kinds();
        let runners = settings.threads.max(1);
        let shared = Arc::new(Shared { db, registry, kinds, settings, stopping: AtomicBool::new(false) });
        let mut workers = Self { shared, threads: Vec::new() };
        workers.spawn("outbox-keeper".to_owned(), keep)?;
        for n in 1..=runners {
            workers.spawn(format!("outbox-worker-{n}"), work)?;
        }
        Ok(workers)
    }

    fn spawn(&mut self, name: String, body: fn(&Shared)) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name(name).spawn(move || body(&shared));
        self.threads.push(thread.map_err(|error| Error::Unavailable(error.to_string()))?);
        Ok(())
    }

    /// Takes no new task, waits for those that run to finish, and says whether all did within `patience`. One that did not
    /// is run again by somebody once its lease has run out.
    #[must_use]
    pub fn stop(mut self, patience: Duration) -> bool {
        self.shared.halt();
        let until = Instant::now() + patience;
        let threads = std::mem::take(&mut self.threads);
        while threads.iter().any(|thread| !thread.is_finished()) {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        threads.into_iter().for_each(|thread| drop(thread.join()));
        true
    }

    /// Stops, then runs what is still due on this thread. Returns how many tasks that were.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    pub fn drain(self, patience: Duration) -> Result<usize, Error> {
        let (db, registry) = (self.shared.db.clone(), Arc::clone(&self.shared.registry));
        if !self.stop(patience) {
            tracing::warn!("some tasks still run; they are left to their leases");
        }
        run::run_due(&db, &registry)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.halt();
    }
}

impl Shared {
    fn halt(&self) {
        self.stopping.store(true, Ordering::Release);
        bell::EVENTS.ring_all();
        bell::TASKS.ring_all();
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits for the bell, for the next poll, or after a failure for as long as an outage asks for.
    fn rest(&self, bell: &Bell, seen: u64, outcome: Result<bool, Error>) {
        match outcome {
            Ok(true) => {}
            Ok(false) => bell.wait(seen, self.settings.poll()),
            Err(error) => {
                tracing::error!(%error, "the workers cannot reach the database");
                metrics::counter!("outbox_worker_failures_total").increment(1);
                self.pause(OUTAGE_PAUSE);
            }
        }
    }

    /// Sleeps, unless told to stop.
    fn pause(&self, length: Duration) {
        let until = Instant::now() + length;
        while !self.stopping() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20).min(length));
        }
    }
}

/// One worker's life: the next task that is due, and a rest when there is none.
fn work(shared: &Shared) {
    while !shared.stopping() {
        let seen = bell::TASKS.count();
        let outcome = run::run_next(&shared.db, &shared.registry, &shared.kinds, &shared.settings);
        shared.rest(&bell::TASKS, seen, outcome.map(|ran| ran.is_some()));
    }
}

/// The keeper's life: numbers what was committed, and every few seconds keeps house.
fn keep(shared: &Shared) {
    let mut kept: Option<Instant> = None;
    let mut purged: Option<Instant> = None;
    while !shared.stopping() {
        let seen = bell::EVENTS.count();
        let mut outcome = run::number(&shared.db, &shared.settings).map(|numbered| numbered > 0);
        if matches!(outcome, Ok(true)) {
            bell::TASKS.ring();
            // Under a stream of commits, numbering them by the batch costs the database far less than one by one.
            shared.pause(NUMBERING_PAUSE);
        }
        if outcome.is_ok() && is_over(kept, KEEPING_PERIOD) {
            kept = Some(Instant::now());
            outcome = outcome.and_then(|numbered| house(shared).map(|()| numbered));
        }
        if outcome.is_ok() && is_over(purged, PURGE_PERIOD) {
            purged = Some(Instant::now());
            outcome = outcome.and_then(|numbered| purge(shared).map(|()| numbered));
        }
        shared.rest(&bell::EVENTS, seen, outcome);
    }
}

fn is_over(since: Option<Instant>, period: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= period)
}

/// Takes back what dead workers left, enqueues what comes back, and shows how the queue stands.
fn house(shared: &Shared) -> Result<(), Error> {
    let mut reclaimed = false;
    while shared.db.transaction(|tx| store::reclaim_one(tx.conn()))? {
        reclaimed = true;
        metrics::counter!("outbox_leases_expired_total").increment(1);
    }
    run::schedule(&shared.db, &shared.registry)?;
    show(&shared.db)?;
    if reclaimed {
        bell::TASKS.ring();
    }
    Ok(())
}

fn purge(shared: &Shared) -> Result<(), Error> {
    let removed =
        shared.db.transaction(|tx| store::purge(tx.conn(), shared.settings.done_kept_days, PURGE_BATCH))?;
    if removed > 0 {
        tracing::info!(removed, "removed finished tasks");
    }
    Ok(())
}

/// Puts the queue's figures into the metrics.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "gauges are floats; counts of rows fit them"
)]
fn show(db: &Db) -> Result<(), Error> {
    let figures = db.read(store::figures)?;
    for (state, count) in [
        ("due", figures.due),
        ("scheduled", figures.scheduled),
        ("running", figures.running),
        ("parked", figures.parked),
    ] {
        metrics::gauge!("outbox_tasks", "state" => state).set(count as f64);
    }
    metrics::gauge!("outbox_oldest_task_age_seconds").set(figures.oldest_seconds);
    metrics::gauge!("outbox_sequencer_lag_events").set(figures.unnumbered as f64);
    metrics::gauge!("outbox_sequencer_lag_seconds").set(figures.unnumbered_seconds);
    Ok(())
}
