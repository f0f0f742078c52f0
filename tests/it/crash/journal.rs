//! What the clients were told: the only thing that a crash must not take back.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kernel::TypedId;
use serde_json::Value;
use tests::{Answer, Person};
use uuid::Uuid;

/// What a command was for, and with that what its answer claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Job,
    Bid,
    Acceptance,
    Signature,
    Account,
    Deposit,
    Confirmation,
    Release,
}

impl Deed {
    pub(super) const ALL: [Self; 8] = [
        Self::Job,
        Self::Bid,
        Self::Acceptance,
        Self::Signature,
        Self::Account,
        Self::Deposit,
        Self::Confirmation,
        Self::Release,
    ];
}

/// A command under a key that was acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) deed: Deed,
    pub(super) who: Person,
    pub(super) path: String,
    pub(super) key: String,
    pub(super) body: Value,
    pub(super) answer: Answer,
}

impl Entry {
    /// A text of the answer.
    pub(super) fn text(&self, pointer: &str) -> &str {
        let found = self.answer.json.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{pointer} of {}", self.answer.text()))
    }

    /// A number of the answer.
    pub(super) fn number(&self, pointer: &str) -> i64 {
        let found = self.answer.json.pointer(pointer).and_then(Value::as_i64);
        found.unwrap_or_else(|| panic!("{pointer} of {}", self.answer.text()))
    }

    /// An id of the answer, as the database has it.
    pub(super) fn id<T: TypedId>(&self, pointer: &str) -> Uuid {
        match self.text(pointer).parse::<T>() {
            Ok(id) => id.uuid(),
            Err(error) => panic!("{pointer} of {}: {error}", self.answer.text()),
        }
    }
}

/// What all clients wrote down.
#[derive(Debug, Clone, Default)]
pub(super) struct Journal(Arc<Mutex<Pages>>);

#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    /// Commands, in the order in which they were acknowledged.
    pub(super) entries: Vec<Entry>,
    /// Milestones whose approval was acknowledged; it has no key.
    pub(super) approvals: Vec<String>,
    /// How often somebody was left without an answer.
    pub(super) doubts: usize,
    /// The longest that somebody had to wait for an answer.
    pub(super) longest: Duration,
}

impl Journal {
    /// As it stands.
    pub(super) fn read(&self) -> Pages {
        self.open().clone()
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Pages {
    /// The commands of one kind.
    pub(super) fn of(&self, deed: Deed) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.deed == deed)
    }
}
