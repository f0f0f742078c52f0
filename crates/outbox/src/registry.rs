//! What workers can do: each kind of task with its handler, and who wants to hear of which event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use database::{Db, TransactionError, Tx};
use kernel::{Classify, ErrorKind, Instant};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{Event, EventId, TaskId};
use crate::{publish, store};

/// One kind of background work: a small serialisable struct that holds ids, never texts or secrets.
pub trait Task: Serialize + DeserializeOwned + Send + 'static {
    /// `domain.verb_thing`; stored with each task.
    const KIND: &'static str;

    /// How often it is tried before it is parked.
    const MAX_ATTEMPTS: u16 = 20;

    /// What makes two tasks of this kind the same work. While one waits, a second is dropped (and the first one comes
    /// forward if the second was due earlier). One that already runs does not count: it may have looked before the
    /// reason for the second arose, so a task may enqueue its own successor.
    fn key(&self) -> Option<String> {
        None
    }

    /// Tasks of one lane run one after another, in the order they were enqueued; a parked one steps aside.
    fn lane(&self) -> Option<String> {
        None
    }
}

/// Why a task did not get done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskError {
    /// Try again after a pause. The reason is a code or a sentence without anything personal: it is stored.
    Retry(String),
    /// Try again at this instant of the database's clock.
    RetryAt(Instant, String),
    /// Trying again would not help: a person has to look.
    Park(String),
}

impl TaskError {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry(reason) | Self::RetryAt(_, reason) | Self::Park(reason) => reason,
        }
    }
}

impl std::fmt::Display for TaskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason())
    }
}

/// Any domain error can end a task. Faults in what was asked will not mend themselves; everything else may.
impl<E: Classify> From<E> for TaskError {
    fn from(error: E) -> Self {
        // The sentence may quote what people wrote: it goes to the log, the stored reason is the code.
        let code = error.code();
        match error.kind() {
            // Two workers met at one row: the next try is a moment away, and nobody has to know.
            ErrorKind::Busy => tracing::debug!(code, %error, "a task waits for its turn"),
            _ => tracing::warn!(code, %error, "a task failed"),
        }
        match error.kind() {
            ErrorKind::Invalid(_) => Self::Park(code.to_owned()),
            _ => Self::Retry(code.to_owned()),
        }
    }
}

/// A handler may end its own transactions with this. What the database failed with is not in it any more, so they are not
/// tried again at once; the task is, after its pause.
impl TransactionError for TaskError {
    fn database(&self) -> Option<&database::Error> {
        None
    }
}

/// What a task's handler knows about this run.
#[derive(Debug, Clone)]
pub struct TaskRun {
    pub(crate) db: Db,
    pub(crate) id: TaskId,
    pub(crate) token: i64,
    pub(crate) attempt: u16,
    pub(crate) max_attempts: u16,
    pub(crate) trace_id: String,
    pub(crate) lease_seconds: u32,
}

impl TaskRun {
    /// The database that the workers work on.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Which task.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Which try this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u16 {
        self.attempt
    }

    /// Whether a failure now parks the task.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }

    /// What the work was begun for; fit for `Actor::system`.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.trace_id
    }

    /// Makes this transaction fail unless the lease is still ours, and keeps others from taking the task until it
    /// ends: what it writes is then written by one worker only.
    ///
    /// # Errors
    /// [`TaskError::Retry`] when another worker has taken the task over.
    pub fn fence(&self, tx: &mut Tx<'_>) -> Result<(), TaskError> {
        if store::still_leased(tx.conn(), self.id, self.token)? {
            Ok(())
        } else {
            Err(TaskError::Retry("lease_lost".to_owned()))
        }
    }

    /// Starts the lease anew, for work that takes long.
    ///
    /// # Errors
    /// [`TaskError::Retry`] when another worker has taken the task over.
    pub fn renew(&self) -> Result<(), TaskError> {
        let renewed = self.db.read(|conn| store::renew(conn, self.id, self.token, self.lease_seconds))?;
        if renewed { Ok(()) } else { Err(TaskError::Retry("lease_lost".to_owned())) }
    }
}

/// What an event's handler knows about this run. The handler runs inside one transaction, which also notes that this consumer
/// has dealt with this event: what it does through services over the same [`Db`] takes effect once. So it must not talk to the
/// outside world; for that it enqueues a task.
#[derive(Debug, Clone)]
pub struct EventRun {
    pub(crate) db: Db,
    pub(crate) event: EventId,
    pub(crate) consumer: &'static str,
    pub(crate) attempt: u16,
}

impl EventRun {
    /// The database that the workers work on.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Which event.
    #[must_use]
    pub fn event(&self) -> EventId {
        self.event
    }

    /// Who is hearing it.
    #[must_use]
    pub fn consumer(&self) -> &'static str {
        self.consumer
    }

    /// Which try this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u16 {
        self.attempt
    }
}

type TaskHandler = Arc<dyn Fn(&TaskRun, Value) -> Result<(), TaskError> + Send + Sync>;
type EventHandler = Arc<dyn Fn(&EventRun, &Event) -> Result<(), TaskError> + Send + Sync>;
type Enqueue = Arc<dyn Fn(&mut Tx<'_>, Instant) + Send + Sync>;

/// Work that comes back at every full period.
#[derive(Clone)]
pub(crate) struct Recurring {
    pub(crate) kind: &'static str,
    pub(crate) period: Duration,
    pub(crate) enqueue: Enqueue,
}

/// Every kind of task and every consumer of events that a process can serve.
#[derive(Default, Clone)]
pub struct Registry {
    tasks: BTreeMap<&'static str, TaskHandler>,
    consumers: BTreeMap<&'static str, BTreeMap<&'static str, EventHandler>>,
    recurring: Vec<Recurring>,
}

/// The kind under which a consumer's tasks are stored.
pub(crate) const EVENT_KIND_PREFIX: &str = "event:";

impl Registry {
    /// Nothing registered yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how tasks of a kind are done. A handler may talk to the outside world, holds no connection while it does, and
    /// must bear being run again: a worker may die after the deed and before noting it.
    pub fn task<T: Task>(
        &mut self,
        handler: impl Fn(&TaskRun, T) -> Result<(), TaskError> + Send + Sync + 'static,
    ) {
        let read_and_run = move |run: &TaskRun, payload: Value| match serde_json::from_value::<T>(payload) {
            Ok(task) => handler(run, task),
            Err(error) => Err(TaskError::Park(format!("cannot be read as {}: {error}", T::KIND))),
        };
        self.tasks.insert(T::KIND, Arc::new(read_and_run));
    }

    /// Has a consumer hear of an event: of every one from its first start on, each once, those of one aggregate in order.
    pub fn on(
        &mut self,
        event: &'static str,
        consumer: &'static str,
        handler: impl Fn(&EventRun, &Event) -> Result<(), TaskError> + Send + Sync + 'static,
    ) {
        self.consumers.entry(consumer).or_default().insert(event, Arc::new(handler));
    }

    /// Has a task come back at every full period of the database's clock, once for all processes. It must have a
    /// [`Task::key`].
    pub fn every<T: Task + Clone + Sync>(&mut self, period: Duration, task: T) {
        debug_assert!(task.key().is_some(), "{} comes back and has no key", T::KIND);
        let enqueue: Enqueue = Arc::new(move |tx, due| publish::enqueue_at(tx, &task, due));
        self.recurring.push(Recurring { kind: T::KIND, period, enqueue });
    }

    /// The kinds of task that are registered, consumers of events included.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        let tasks = self.tasks.keys().map(|kind| (*kind).to_owned());
        tasks.chain(self.consumers.keys().map(|consumer| format!("{EVENT_KIND_PREFIX}{consumer}"))).collect()
    }

    /// Who hears of what, as (event, consumer).
    pub fn subscriptions(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.consumers.iter().flat_map(|(consumer, events)| events.keys().map(|event| (*event, *consumer)))
    }

    pub(crate) fn task_handler(&self, kind: &str) -> Option<&TaskHandler> {
        self.tasks.get(kind)
    }

    pub(crate) fn event_handler(&self, consumer: &str, event: &str) -> Option<(&'static str, &EventHandler)> {
        let (consumer, events) = self.consumers.get_key_value(consumer)?;
        events.get(event).map(|handler| (*consumer, handler))
    }

    pub(crate) fn recurring(&self) -> &[Recurring] {
        &self.recurring
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("kinds", &self.kinds()).finish_non_exhaustive()
    }
}
