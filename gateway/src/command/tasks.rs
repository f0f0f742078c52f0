//! `fairtrade tasks`: looking at background work, and putting a person's hand to it.

use database::Db;
use kernel::Limit;
use outbox::{InspectError, TaskFilter, TaskId, TaskState, TaskView};
use platform::Platform;
use serde_json::{Value, json};

use super::args::{State, Tasks};
use super::failure::Failure;
use super::output::{Voice, table};
use super::trail;

/// Does what was asked.
///
/// # Errors
/// [`Failure`] when there is no such task, it is in another state, or the database fails.
pub(super) fn run(asked: &Tasks, voice: Voice, platform: &Platform) -> Result<(), Failure> {
    let db = platform.db();
    match asked {
        Tasks::List { state, limit } => list(*state, *limit, voice, db),
        Tasks::Retry { id } => {
            let id = parse(id)?;
            trail::acting(platform, "fairtrade tasks retry", || {
                touch(db, id, TaskState::Queued, || outbox::retry_task(db, id))
            })?;
            voice.tell(&json!({ "id": id.to_string(), "state": TaskState::Queued.as_str() }), || {
                format!("{id} is queued again and runs as soon as a worker is free.")
            })
        }
        Tasks::Park { id, reason } => {
            let id = parse(id)?;
            trail::acting(platform, "fairtrade tasks park", || {
                touch(db, id, TaskState::Parked, || outbox::park_task(db, id, reason))
            })?;
            voice.tell(&json!({ "id": id.to_string(), "state": TaskState::Parked.as_str() }), || {
                format!("{id} is parked until `fairtrade tasks retry {id}`.")
            })
        }
    }
}

/// Moves a task to another state, and says so in the audit trail.
fn touch(
    db: &Db,
    id: TaskId,
    state: TaskState,
    mut work: impl FnMut() -> Result<(), InspectError>,
) -> Result<(), Failure> {
    let moved = db.unit(|| {
        let before =
            db.read(|conn| outbox::find_task(conn, id))?.map(|task| json!({ "state": task.state.as_str() }));
        work()?;
        db.transaction(|tx| {
            let after = json!({ "state": state.as_str() });
            audit::changed(tx, audit::Object::new("task", id), before.clone().unwrap_or_default(), after);
            Ok::<_, InspectError>(())
        })
    });
    moved.map_err(refused)
}

fn list(state: Option<State>, limit: i64, voice: Voice, db: &Db) -> Result<(), Failure> {
    let filter = TaskFilter { state: state.map(known), ..TaskFilter::default() };
    let limit =
        Limit::new(limit).map_err(|limit| Failure::Refused(format!("a limit of {limit} is out of range")))?;
    let page = db.read(|conn| outbox::list_tasks(conn, &filter, limit, None));
    let tasks = page.map_err(|error| Failure::Database(error.to_string()))?.items;
    voice.tell(&tasks.iter().map(for_programs).collect::<Vec<_>>(), || {
        if tasks.is_empty() {
            return "No tasks.".to_owned();
        }
        let heading = ["TASK", "KIND", "STATE", "TRIES", "DUE", "WHY"].map(str::to_owned).to_vec();
        let rows = tasks.iter().map(for_people);
        table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>(), &[3])
    })
}

fn for_people(task: &TaskView) -> Vec<String> {
    vec![
        task.id.to_string(),
        task.kind.clone(),
        task.state.as_str().to_owned(),
        format!("{}/{}", task.attempts, task.max_attempts),
        task.due_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        task.reason.clone().unwrap_or_default(),
    ]
}

fn for_programs(task: &TaskView) -> Value {
    json!({
        "id": task.id.to_string(),
        "kind": task.kind,
        "state": task.state.as_str(),
        "key": task.key,
        "lane": task.lane,
        "attempts": task.attempts,
        "maxAttempts": task.max_attempts,
        "reason": task.reason,
        "traceId": task.trace_id,
        "createdAt": task.created_at,
        "dueAt": task.due_at,
        "finishedAt": task.finished_at,
    })
}

const fn known(state: State) -> TaskState {
    match state {
        State::Queued => TaskState::Queued,
        State::Running => TaskState::Running,
        State::Done => TaskState::Done,
        State::Parked => TaskState::Parked,
    }
}

fn parse(id: &str) -> Result<TaskId, Failure> {
    id.parse().map_err(|error| Failure::Refused(format!("`{id}` names no task: {error}")))
}

fn refused(error: InspectError) -> Failure {
    match error {
        InspectError::Database(error) => Failure::Database(error.to_string()),
        InspectError::WrongState { state } => Failure::Refused(format!(
            "the task is {}: only one that waits or is parked can be retried or parked",
            state.as_str()
        )),
        other => Failure::Refused(other.to_string()),
    }
}
