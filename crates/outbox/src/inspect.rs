//! Looking at tasks and events, and putting a person's hand to them: what `fairtrade tasks list | retry | park` stands on.

use database::{Db, Error, PgConnection, TransactionError};
use kernel::{Classify, ErrorKind, Instant, Limit, Page, Position};

use crate::model::{Event, EventId, TaskId, TaskState};
use crate::{bell, store};

/// Which tasks to list; what is none is all.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only those in this state.
    pub state: Option<TaskState>,
    /// Only those of this kind.
    pub kind: Option<String>,
}

/// A task as an operator sees it; what it is about stays in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// Its id.
    pub id: TaskId,
    /// Its kind.
    pub kind: String,
    /// How it stands.
    pub state: TaskState,
    /// What makes another task the same work.
    pub key: Option<String>,
    /// The lane it runs in.
    pub lane: Option<String>,
    /// How often it was tried.
    pub attempts: u16,
    /// How often it may be.
    pub max_attempts: u16,
    /// Why the last try failed, or why it is parked.
    pub reason: Option<String>,
    /// What it was begun for.
    pub trace_id: String,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it is due, or was.
    pub due_at: Instant,
    /// When it was done or parked.
    pub finished_at: Option<Instant>,
}

/// Why a task cannot be retried or parked.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is no such task.
    #[error("there is no such task")]
    NotFound,
    /// A task in this state cannot be touched in this way.
    #[error("the task is {}", state.as_str())]
    WrongState {
        /// The state it is in.
        state: TaskState,
    },
    /// The same work waits already, under the same key.
    #[error("the same work is waiting already, as another task")]
    AlreadyQueued,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
}

impl Classify for InspectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::WrongState { state } => {
                ErrorKind::WrongState { state: state.as_str(), allowed: allowed(*state) }
            }
            Self::AlreadyQueued => ErrorKind::Conflict,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::WrongState { .. } => "wrong_state",
            Self::AlreadyQueued => "already_queued",
            Self::Database(error) => error.code(),
        }
    }
}

impl TransactionError for InspectError {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

fn allowed(state: TaskState) -> Vec<&'static str> {
    match state {
        TaskState::Queued => vec!["retry", "park"],
        TaskState::Parked => vec!["retry"],
        TaskState::Running | TaskState::Done => Vec::new(),
    }
}

/// Tasks, newest first.
///
/// # Errors
/// [`Error`] when the database fails.
pub fn list_tasks(
    conn: &mut PgConnection,
    filter: &TaskFilter,
    limit: Limit,
    after: Option<Position>,
) -> Result<Page<TaskView>, Error> {
    let rows = store::list(conn, filter, limit, after)?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(views, limit, |task| Position { key: task.created_at, id: task.id.uuid() }))
}

/// How many tasks are due and wait.
///
/// # Errors
/// [`Error`] when the database fails.
pub fn waiting(conn: &mut PgConnection) -> Result<i64, Error> {
    store::waiting(conn)
}

/// How many tasks were given up and wait for a person.
///
/// # Errors
/// [`Error`] when the database fails.
pub fn parked(conn: &mut PgConnection) -> Result<i64, Error> {
    store::parked(conn)
}

/// One task.
///
/// # Errors
/// [`Error`] when the database fails.
pub fn find_task(conn: &mut PgConnection, id: TaskId) -> Result<Option<TaskView>, Error> {
    store::find(conn, id)?.map(view).transpose()
}

/// Has a parked task, or one that waits for its next try, tried now, with all its tries before it.
///
/// # Errors
/// [`InspectError`] when it is not there, runs, is done, or the same work waits already.
pub fn retry_task(db: &Db, id: TaskId) -> Result<(), InspectError> {
    db.transaction(|tx| match store::requeue(tx.conn(), id) {
        Ok(true) => {
            tx.after_commit(|| bell::TASKS.ring());
            Ok(())
        }
        Ok(false) => Err(refusal(tx.conn(), id)?),
        Err(error) if error.is_unique("tasks_one_waiting") => Err(InspectError::AlreadyQueued),
        Err(error) => Err(error.into()),
    })
}

/// Takes a waiting task out of the queue; [`retry_task`] puts it back.
///
/// # Errors
/// [`InspectError`] when it is not there or does not wait.
pub fn park_task(db: &Db, id: TaskId, reason: &str) -> Result<(), InspectError> {
    db.transaction(
        |tx| {
            if store::park(tx.conn(), id, reason)? { Ok(()) } else { Err(refusal(tx.conn(), id)?) }
        },
    )
}

/// An event that has its number.
///
/// # Errors
/// [`Error`] when the database fails.
pub fn find_event(conn: &mut PgConnection, id: EventId) -> Result<Option<Event>, Error> {
    store::find_event(conn, id)
}

fn refusal(conn: &mut PgConnection, id: TaskId) -> Result<InspectError, Error> {
    Ok(find_task(conn, id)?
        .map_or(InspectError::NotFound, |task| InspectError::WrongState { state: task.state }))
}

fn view(row: store::TaskRow) -> Result<TaskView, Error> {
    let state =
        TaskState::parse(&row.state).ok_or_else(|| Error::Corrupt(format!("task state {}", row.state)))?;
    let (attempts, max_attempts) = row.attempts;
    Ok(TaskView {
        id: TaskId::from(row.id),
        kind: row.kind,
        state,
        key: row.names.0,
        lane: row.names.1,
        attempts: attempts.unsigned_abs(),
        max_attempts: max_attempts.unsigned_abs(),
        reason: row.reason,
        trace_id: row.trace_id,
        created_at: row.times.0,
        due_at: row.times.1,
        finished_at: row.times.2,
    })
}
