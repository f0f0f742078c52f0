//! Putting events and tasks beside the fact: they gather in the transaction's buffer and go to Postgres in one call, just
//! before COMMIT, because every further round trip makes each command slower.

use database::{Error, Tx};
use kernel::Instant;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::model::{EventId, NewEvent, TaskId};
use crate::registry::Task;
use crate::{bell, store, trace};

/// What one transaction has to tell and to have done.
#[derive(Default)]
struct Outgoing {
    events: Vec<EventRow>,
    tasks: Vec<TaskRow>,
    /// The first thing that could not be written as JSON; the transaction fails on it.
    fault: Option<String>,
}

/// An event as `outbox.close` reads it.
#[derive(Serialize)]
struct EventRow {
    id: Uuid,
    name: &'static str,
    version: i16,
    kind: &'static str,
    aggregate: Uuid,
    request: String,
    data: Value,
}

/// A task as `outbox.close` reads it.
#[derive(Serialize)]
struct TaskRow {
    id: Uuid,
    kind: &'static str,
    key: Option<String>,
    lane: Option<String>,
    payload: Value,
    due: Option<Instant>,
    attempts: u16,
}

/// Tells that something happened. It is told if, and only if, the transaction commits.
pub fn publish(tx: &mut Tx<'_>, event: NewEvent) {
    let NewEvent { name, version, aggregate, request_id, data } = event;
    tx.buffer(flush).events.push(EventRow {
        id: EventId::new().uuid(),
        name,
        version,
        kind: aggregate.kind,
        aggregate: aggregate.id,
        request: request_id,
        data,
    });
}

/// Has a task done as soon as the transaction has committed.
pub fn enqueue<T: Task>(tx: &mut Tx<'_>, task: &T) {
    add(tx, task, None);
}

/// Has a task done at an instant of the database's clock.
pub fn enqueue_at<T: Task>(tx: &mut Tx<'_>, task: &T, run_at: Instant) {
    add(tx, task, Some(run_at));
}

fn add<T: Task>(tx: &mut Tx<'_>, task: &T, due: Option<Instant>) {
    let outgoing = tx.buffer(flush);
    match serde_json::to_value(task) {
        Ok(payload) => outgoing.tasks.push(TaskRow {
            id: TaskId::new().uuid(),
            kind: T::KIND,
            key: task.key(),
            lane: task.lane(),
            payload,
            due,
            attempts: T::MAX_ATTEMPTS,
        }),
        Err(error) => {
            outgoing.fault.get_or_insert_with(|| format!("task {} is not JSON: {error}", T::KIND));
        }
    }
}

fn flush(tx: &mut Tx<'_>, outgoing: Outgoing) -> Result<(), Error> {
    if let Some(fault) = outgoing.fault {
        return Err(Error::Corrupt(fault));
    }
    let trace = trace::current()
        .or_else(|| outgoing.events.first().map(|event| event.request.clone()))
        .unwrap_or_else(|| EventId::new().to_string());
    let events = serde_json::to_value(&outgoing.events).map_err(|error| Error::Corrupt(error.to_string()))?;
    let tasks = serde_json::to_value(&outgoing.tasks).map_err(|error| Error::Corrupt(error.to_string()))?;
    store::close(tx.conn(), &events, &tasks, &trace)?;
    tx.after_commit(|| bell::COMMITS.ring_all());
    if !outgoing.events.is_empty() {
        tx.after_commit(|| bell::EVENTS.ring());
    }
    if outgoing.tasks.iter().any(|task| task.due.is_none()) {
        tx.after_commit(|| bell::TASKS.ring());
    }
    Ok(())
}
