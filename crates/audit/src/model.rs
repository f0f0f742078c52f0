//! The trail's rows and checkpoints, as they are added and as they are shown.

use kernel::{Actor, Instant, PartyId, PersonId, Role, SessionId, TypedId, Via};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

kernel::id!(
    /// A row of the audit trail.
    EntryId,
    "aud"
);

/// What kind of actor it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person who was signed in.
    Person,
    /// Somebody who had not signed in.
    Anyone,
    /// Another system, known by its signature.
    Provider,
    /// Whoever has the server's command line.
    Operator,
    /// The product itself: a task, an event handler.
    System,
    /// A program that uses the crates and did not say who is acting.
    Program,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Person, Self::Anyone, Self::Provider, Self::Operator, Self::System, Self::Program];

    /// As the database and JSON have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::Anyone => "ANYONE",
            Self::Provider => "PROVIDER",
            Self::Operator => "OPERATOR",
            Self::System => "SYSTEM",
            Self::Program => "PROGRAM",
        }
    }

    /// Reads what [`ActorKind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Who acted: ids only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// What kind of actor.
    pub kind: ActorKind,
    /// What the person was at that time.
    pub role: Option<Role>,
    /// Whose things they are.
    pub party: Option<PartyId>,
    /// The person behind it.
    pub person: Option<PersonId>,
    /// The session.
    pub session: Option<SessionId>,
}

impl Who {
    /// Somebody without a name.
    #[must_use]
    pub const fn of(kind: ActorKind) -> Self {
        Self { kind, role: None, party: None, person: None, session: None }
    }

    /// A person who is signed in.
    #[must_use]
    pub fn person(person: PersonId, role: Role, session: SessionId) -> Self {
        Self {
            kind: ActorKind::Person,
            role: Some(role),
            party: Some(person.into()),
            person: Some(person),
            session: Some(session),
        }
    }
}

impl From<&Actor> for Who {
    fn from(actor: &Actor) -> Self {
        let session = match &actor.via {
            Via::Session(session) => Some(*session),
            Via::System => return Self::of(ActorKind::System),
            Via::AdminFor(_) => None,
        };
        Self {
            kind: ActorKind::Person,
            role: Some(actor.role),
            party: Some(actor.party),
            person: actor.person,
            session,
        }
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done; the row is of the same transaction.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Done, Self::Refused];

    /// As the database and JSON have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::Refused => "REFUSED",
        }
    }

    /// Reads what [`Outcome::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// A thing that a call was about: its kind, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What it is: `job`, `bid`, `person`.
    pub kind: String,
    /// Its id as people are shown it: `job_01h4…`.
    pub id: String,
    #[serde(skip)]
    pub(crate) uuid: Uuid,
}

impl Object {
    /// `Object::new("job", job.id)`.
    #[must_use]
    pub fn new<I: TypedId>(kind: &'static str, id: I) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string(), uuid: id.uuid() }
    }

    /// Something whose id has no type of its own: `shown` is the id as it was written.
    #[must_use]
    pub fn named(kind: impl Into<String>, shown: impl Into<String>, uuid: Uuid) -> Self {
        Self { kind: kind.into(), id: shown.into(), uuid }
    }

    /// As one text, `kind/id`, which the trail keeps.
    pub(crate) fn as_text(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }

    /// Reads what [`Object::as_text`] wrote.
    pub(crate) fn from_text(text: &str, uuid: Uuid) -> Self {
        let (kind, id) = text.split_once('/').unwrap_or(("", text));
        Self::named(kind, id, uuid)
    }
}

/// What a transaction changed about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The thing.
    #[serde(flatten)]
    pub object: Object,
    /// As it was; null for what is new.
    pub before: Value,
    /// As it is now; null for what is gone.
    pub after: Value,
}

/// A row of the trail, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// When.
    pub occurred_at: Instant,
    /// Who.
    pub who: Who,
    /// What: the operation, the kind of task, or the words of a command.
    pub action: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was refused.
    pub refusal: Option<String>,
    /// For how many calls the row stands.
    pub times: u32,
    /// What it was about.
    pub objects: Vec<Object>,
    /// What it changed.
    pub changes: Vec<Change>,
    /// What stands for the network that it came from.
    pub address_key: Option<Vec<u8>>,
    /// The request, or what a task was begun for.
    pub request_id: String,
}

/// Which rows to list; what is none is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// By this party.
    pub actor: Option<PartyId>,
    /// About the thing with this id.
    pub object: Option<Uuid>,
    /// Of this action.
    pub action: Option<String>,
    /// Of this outcome.
    pub outcome: Option<Outcome>,
    /// At this instant or later.
    pub from: Option<Instant>,
    /// Before this instant.
    pub until: Option<Instant>,
}

/// The heads of all chains at one moment, signed. Kept outside the database it shows that no row before it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
    /// They are counted from 1.
    pub number: i64,
    /// When it was taken.
    pub taken_at: Instant,
    /// By chain, from 0 on.
    pub heads: Vec<CheckpointHead>,
    /// The signature of the checkpoint before, in hex.
    pub previous: String,
    /// Which key signed.
    pub key_id: String,
    /// In hex.
    pub signature: String,
}

/// One chain's newest row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointHead {
    /// Its number in its chain; 0 for none.
    pub sequence: i64,
    /// Its hash, in hex.
    pub hash: String,
}
