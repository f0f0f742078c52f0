//! Running one task that was claimed, and all that are due.

use std::panic::{AssertUnwindSafe, catch_unwind};

use database::{Db, Error, TransactionError};
use serde::Deserialize;

use crate::model::{EventId, TaskId};
use crate::registry::{EVENT_KIND_PREFIX, EventRun, Registry, TaskError, TaskRun};
use crate::store::{self, Again, Claimed};
use crate::{WorkerSettings, bell, rules, trace};

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Retried,
    Parked,
    /// Another worker took the task over; what this one did was not noted.
    Fenced,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::Parked => "parked",
            Self::Fenced => "fenced",
        }
    }
}

/// The payload of a task that hands an event to a consumer.
#[derive(Deserialize)]
struct Handing {
    event: uuid::Uuid,
}

/// How an event's transaction can end.
enum EventFailure {
    Database(Error),
    Task(TaskError),
    Fenced,
}

impl From<Error> for EventFailure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl TransactionError for EventFailure {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Task(_) | Self::Fenced => None,
        }
    }
}

/// Numbers events and runs everything that is due, on this thread, until nothing is left; for tests and for draining.
/// Returns how many tasks it ran.
///
/// # Errors
/// [`Error`] when the database fails; a failing task is not an error.
pub fn run_due(db: &Db, registry: &Registry) -> Result<usize, Error> {
    let settings = WorkerSettings::default();
    prepare(db, registry)?;
    let kinds = registry.kinds();
    let mut ran = 0;
    loop {
        let numbered = number(db, &settings)?;
        let mut any = false;
        while run_next(db, registry, &kinds, &settings)?.is_some() {
            any = true;
            ran += 1;
        }
        if !any && numbered == 0 {
            return Ok(ran);
        }
    }
}

/// Stores who hears of what, and enqueues the next run of what comes back.
pub(crate) fn prepare(db: &Db, registry: &Registry) -> Result<(), Error> {
    let wanted: Vec<_> = registry.subscriptions().collect();
    db.transaction(|tx| store::subscribe(tx.conn(), &wanted))?;
    schedule(db, registry)
}

/// Enqueues the next run of each piece of recurring work; where one waits already, its key keeps the second out.
pub(crate) fn schedule(db: &Db, registry: &Registry) -> Result<(), Error> {
    if registry.recurring().is_empty() {
        return Ok(());
    }
    db.transaction(|tx| {
        let now = tx.now()?;
        for work in registry.recurring() {
            match rules::next_full_period(now, work.period) {
                Some(due) => (work.enqueue)(tx, due),
                None => tracing::error!(kind = work.kind, "the period of recurring work is out of range"),
            }
        }
        Ok(())
    })
}

/// Numbers what has been committed; 0 when there is nothing, or another process is at it.
pub(crate) fn number(db: &Db, settings: &WorkerSettings) -> Result<usize, Error> {
    let mut total = 0;
    loop {
        let numbered = db.read(|conn| store::sequence(conn, settings.sequencer_batch))?;
        match numbered {
            None | Some(0) => return Ok(total),
            Some(some) => total += some,
        }
    }
}

/// Claims one task and runs it; none when nothing is due.
pub(crate) fn run_next(
    db: &Db,
    registry: &Registry,
    kinds: &[String],
    settings: &WorkerSettings,
) -> Result<Option<Outcome>, Error> {
    // Of the functions below that change one row, each is one statement and so its own transaction: no BEGIN, no COMMIT.
    let Some(task) = db.read(|conn| store::claim(conn, kinds, settings.lease_seconds))? else {
        return Ok(None);
    };
    // Where one task was due there may be more: wakes a second worker, which does the same.
    bell::TASKS.ring();
    run_claimed(db, registry, &task, settings).map(Some)
}

/// Runs a claimed task to its outcome.
pub(crate) fn run_claimed(
    db: &Db,
    registry: &Registry,
    task: &Claimed,
    settings: &WorkerSettings,
) -> Result<Outcome, Error> {
    let started = std::time::Instant::now();
    let outcome =
        trace::within_task(&task.trace_id, &task.kind, || match task.kind.strip_prefix(EVENT_KIND_PREFIX) {
            Some(consumer) => hand_event(db, registry, consumer, task, settings),
            None => run_task(db, registry, task, settings),
        })?;
    metrics::counter!("outbox_task_runs_total", "kind" => task.kind.clone(), "outcome" => outcome.as_str())
        .increment(1);
    metrics::histogram!("outbox_task_run_seconds", "kind" => task.kind.clone()).record(started.elapsed());
    Ok(outcome)
}

fn run_task(
    db: &Db,
    registry: &Registry,
    task: &Claimed,
    settings: &WorkerSettings,
) -> Result<Outcome, Error> {
    let Some(handler) = registry.task_handler(&task.kind) else {
        return settle(db, task, &TaskError::Park("no handler for this kind".to_owned()), settings);
    };
    let run = TaskRun {
        db: db.clone(),
        id: TaskId::from(task.id),
        token: task.lease_token,
        attempt: task.attempts.unsigned_abs(),
        max_attempts: task.max_attempts.unsigned_abs(),
        trace_id: task.trace_id.clone(),
        lease_seconds: settings.lease_seconds,
    };
    // A handler that panics must not take the worker with it; what it held was given back on the way.
    let result = catch_unwind(AssertUnwindSafe(|| handler(&run, task.payload.clone())))
        .unwrap_or_else(|_| Err(TaskError::Retry("panicked".to_owned())));
    match result {
        Ok(()) => {
            let finished = db.read(|conn| store::finish(conn, run.id, run.token))?;
            Ok(if finished { Outcome::Done } else { fenced(task) })
        }
        Err(error) => settle(db, task, &error, settings),
    }
}

/// Runs a consumer's handler in one transaction with the note that it has dealt with the event and with the end of the task:
/// either all of it happens or none, so the event takes effect once.
fn hand_event(
    db: &Db,
    registry: &Registry,
    consumer: &str,
    task: &Claimed,
    settings: &WorkerSettings,
) -> Result<Outcome, Error> {
    let outcome = catch_unwind(AssertUnwindSafe(|| db.unit(|| consume(db, registry, consumer, task))))
        .unwrap_or_else(|_| Err(EventFailure::Task(TaskError::Retry("panicked".to_owned()))));
    match outcome {
        Ok(()) => Ok(Outcome::Done),
        Err(EventFailure::Fenced) => Ok(fenced(task)),
        Err(EventFailure::Task(error)) => settle(db, task, &error, settings),
        Err(EventFailure::Database(error)) => settle(db, task, &TaskError::from(error), settings),
    }
}

fn consume(db: &Db, registry: &Registry, consumer: &str, task: &Claimed) -> Result<(), EventFailure> {
    let id = Handing::deserialize(&task.payload)
        .map(|handing| EventId::from(handing.event))
        .map_err(|error| EventFailure::Task(TaskError::Park(format!("cannot be read: {error}"))))?;
    let event = db.read(|conn| store::find_event(conn, id))?;
    let Some(event) = event else {
        return Err(EventFailure::Task(TaskError::Park("the event is not there".to_owned())));
    };
    let fresh = db.read(|conn| store::consume(conn, id, consumer))?;
    // A consumer that stopped listening for this event between its numbering and now has nothing to do.
    if fresh && let Some((consumer, handler)) = registry.event_handler(consumer, &event.name) {
        let run = EventRun { db: db.clone(), event: id, consumer, attempt: task.attempts.unsigned_abs() };
        handler(&run, &event).map_err(EventFailure::Task)?;
    }
    let finished = db.read(|conn| store::finish(conn, TaskId::from(task.id), task.lease_token))?;
    if finished { Ok(()) } else { Err(EventFailure::Fenced) }
}

/// Puts a failed task back or parks it.
fn settle(db: &Db, task: &Claimed, error: &TaskError, settings: &WorkerSettings) -> Result<Outcome, Error> {
    let id = TaskId::from(task.id);
    let last = task.attempts >= task.max_attempts;
    let again = match error {
        TaskError::Park(_) => None,
        _ if last => None,
        TaskError::Retry(_) => {
            let pause = rules::pause(task.attempts.unsigned_abs(), rand::random_range(0..1_000), settings);
            Some(Again::After(pause))
        }
        TaskError::RetryAt(at, _) => Some(Again::At(*at)),
    };
    let (kind, reason) = (task.kind.as_str(), error.reason());
    let (noted, outcome) = match again {
        Some(again) => {
            tracing::info!(%id, kind, reason, attempt = task.attempts, "task will be tried again");
            (requeue(db, id, task.lease_token, again, reason)?, Outcome::Retried)
        }
        None => {
            tracing::error!(%id, kind, reason, attempt = task.attempts, "task parked");
            (db.read(|conn| store::give_up(conn, id, task.lease_token, reason))?, Outcome::Parked)
        }
    };
    Ok(if noted { outcome } else { fenced(task) })
}

/// Puts a task back; tried twice, because the same work may be enqueued between looking for it and writing.
fn requeue(db: &Db, id: TaskId, token: i64, again: Again, reason: &str) -> Result<bool, Error> {
    let put_back = || db.read(|conn| store::put_back(conn, id, token, again, reason));
    match put_back() {
        Err(error) if error.is_unique("tasks_one_waiting") => put_back(),
        other => other,
    }
}

fn fenced(task: &Claimed) -> Outcome {
    tracing::warn!(id = %TaskId::from(task.id), kind = task.kind, "another worker took this task over");
    Outcome::Fenced
}
