//! Events, tasks and their states. How they are stored or run does not belong here.

use kernel::{Instant, TypedId};
use uuid::Uuid;

use crate::TaskError;

kernel::id!(
    /// An event.
    EventId,
    "evt"
);

kernel::id!(
    /// A task: one piece of background work.
    TaskId,
    "tsk"
);

/// The thing that an event is about; its events have an order of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate {
    /// What it is: `job`, `contract`, `escrow` …
    pub kind: &'static str,
    /// Which one.
    pub id: Uuid,
}

impl Aggregate {
    /// The aggregate that a typed id names; its kind is given in words.
    #[must_use]
    pub fn of(kind: &'static str, id: impl TypedId) -> Self {
        Self { kind, id: id.uuid() }
    }
}

/// A fact to be told, as its domain publishes it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// `thing.happened`, in the past tense.
    pub name: &'static str,
    /// The version of what `data` holds; goes up when a field changes its meaning.
    pub version: i16,
    /// What it is about.
    pub aggregate: Aggregate,
    /// The request that brought it about.
    pub request_id: String,
    /// Typed ids, states and amounts; never a name, a text, an address or a secret, for events are kept for ever.
    pub data: serde_json::Value,
}

/// An event as its consumers get it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Its number among all events: without gaps, and visible in this order.
    pub position: i64,
    /// `thing.happened`.
    pub name: String,
    /// The version of what `data` holds.
    pub version: i16,
    /// What kind of thing it is about.
    pub aggregate_kind: String,
    /// Which one.
    pub aggregate_id: Uuid,
    /// Its number among the events of that thing, from 1.
    pub aggregate_sequence: i64,
    /// The request that brought it about.
    pub request_id: String,
    /// What all that one request led to has in common.
    pub trace_id: String,
    /// Ids, states and amounts.
    pub data: serde_json::Value,
    /// When it happened, by the database's clock.
    pub occurred_at: Instant,
}

impl Event {
    /// The typed id under a key of the data.
    ///
    /// # Errors
    /// [`TaskError::Park`] when it is missing or malformed: trying again would not mend it.
    pub fn id<T: TypedId>(&self, key: &str) -> Result<T, TaskError> {
        self.find_id(key).ok_or_else(|| self.lacks(key))
    }

    /// The typed id under a key of the data, if there is one.
    #[must_use]
    pub fn find_id<T: TypedId>(&self, key: &str) -> Option<T> {
        self.data.get(key)?.as_str()?.parse().ok()
    }

    /// The whole number under a key of the data.
    ///
    /// # Errors
    /// As [`Event::id`].
    pub fn number(&self, key: &str) -> Result<i64, TaskError> {
        self.data.get(key).and_then(serde_json::Value::as_i64).ok_or_else(|| self.lacks(key))
    }

    /// The word under a key of the data.
    ///
    /// # Errors
    /// As [`Event::id`].
    pub fn word(&self, key: &str) -> Result<&str, TaskError> {
        self.data.get(key).and_then(serde_json::Value::as_str).ok_or_else(|| self.lacks(key))
    }

    /// Whether the data says `true` under this key.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.data.get(key).and_then(serde_json::Value::as_bool).unwrap_or_default()
    }

    fn lacks(&self, key: &str) -> TaskError {
        TaskError::Park(format!("event {} has no usable `{key}`", self.name))
    }
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Waits for its time, or for the next try.
    Queued,
    /// A worker has it under a lease.
    Running,
    /// Finished.
    Done,
    /// Given up; a person has to look.
    Parked,
}

impl TaskState {
    /// Every state, in the order of a task's life.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Parked];

    /// As the database and the command have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Parked => "PARKED",
        }
    }

    /// Reads what [`TaskState::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
