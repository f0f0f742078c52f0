//! `/api/admin/audit`: who did what to which thing, from where.

use audit::{ActorKind, Change, Entry, EntryFilter, EntryId, Object, Outcome};
use chrono::{DateTime, Utc};
use kernel::{PartyId, PersonId, Role, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::routes::identity::views::{PersonRef, SessionRef};
use crate::{Admin, Context, Id, Operation, Paging, Problem, Query, Reply, Who};

/// How much of an address's hash is shown: enough to tell networks apart.
const ADDRESS_KEY_BYTES: usize = 8;

/// Which rows are wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AuditFilter {
    /// Only what this person did.
    pub actor: Option<PersonRef>,
    /// Only what was about the thing with this id, of whichever kind.
    #[schema(min_length = 26, max_length = 64)]
    pub object: Option<String>,
    /// Only this action: an operation's id, such as `acceptBid`; a kind of task; the words of a command.
    #[schema(min_length = 1, max_length = 120)]
    pub action: Option<String>,
    /// Only calls of this outcome.
    pub outcome: Option<AuditOutcome>,
    /// Only from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Only before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// A row of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryView {
    /// The row.
    pub id: Id<EntryId>,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Who.
    pub actor: AuditActorView,
    /// What: an operation's id, a kind of task, or the words of a command.
    pub action: String,
    /// What became of it.
    pub outcome: AuditOutcome,
    /// The code of the refusal.
    pub refusal: Option<String>,
    /// For how many calls the row stands: more than one only where refused calls of one caller were counted.
    pub times: u32,
    /// What it was about.
    pub objects: Vec<AuditObjectView>,
    /// What it changed.
    pub changes: Vec<AuditChangeView>,
    /// The same for calls from the same network; nobody finds the network by it.
    pub address_key: Option<String>,
    /// The request, or what a task was begun for.
    pub request_id: String,
}

/// Who acted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditActorView {
    /// `PERSON`, `ANYONE`, `PROVIDER`, `OPERATOR`, `SYSTEM` or `PROGRAM`.
    pub kind: &'static str,
    /// What the person was at that time.
    pub role: Option<&'static str>,
    /// The person.
    pub person_id: Option<PersonRef>,
    /// As whom: a person's own party has the person's id.
    pub party_id: Option<Id<PartyId>>,
    /// The session.
    pub session_id: Option<SessionRef>,
}

/// A thing that a call was about.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditObjectView {
    /// What it is.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What a call changed about one thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditChangeView {
    /// What it is.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// As it was; null for what is new.
    pub before: Value,
    /// As it is; null for what is gone.
    pub after: Value,
}

/// The audit trail.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/admin/audit")
            .summary("Read the audit trail")
            .description(
                "Newest first. Every call that changed something has a row, and so has every refused call that needed a right. Rows hold ids, \
                 states and amounts; a bid that is sealed is told only when it may be known. That no row was changed or is missing is \
                 proved by `fairtrade audit verify`.",
            )
            .by(Who::Admin)
            .query::<AuditFilter>()
            .lists::<AuditEntryView>("Rows, newest first.", AuditEntryView::example())
            .to(list_audit_entries),
    ]
}

async fn list_audit_entries(
    context: Context,
    actor: Admin,
    filter: Query<AuditFilter>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let filter = wanted(filter.0)?;
    let list =
        move |queries: &platform::Queries| queries.audit.list_entries(actor.view(), &filter, limit, after);
    let page = context.read(list).await?;
    Ok(paging.reply(page, AuditEntryView::from))
}

fn wanted(filter: AuditFilter) -> Result<EntryFilter, Problem> {
    let object = filter.object.as_deref().map(|text| {
        kernel::id::parse_any(text).map_err(|_| Problem::bad_request("bad_id", "`object` is not an id"))
    });
    Ok(EntryFilter {
        actor: filter.actor.map(|person| PartyId::from(*person)),
        object: object.transpose()?,
        action: filter.action,
        outcome: filter.outcome.map(Outcome::from),
        from: filter.from,
        until: filter.until,
    })
}

impl From<AuditOutcome> for Outcome {
    fn from(outcome: AuditOutcome) -> Self {
        match outcome {
            AuditOutcome::Done => Self::Done,
            AuditOutcome::Refused => Self::Refused,
        }
    }
}

impl From<Outcome> for AuditOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Refused => Self::Refused,
        }
    }
}

impl From<Entry> for AuditEntryView {
    fn from(entry: Entry) -> Self {
        let shown =
            |key: Vec<u8>| key.iter().take(ADDRESS_KEY_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Self {
            id: entry.id.into(),
            occurred_at: entry.occurred_at,
            actor: AuditActorView {
                kind: entry.who.kind.as_str(),
                role: entry.who.role.map(Role::as_str),
                person_id: entry.who.person.map(PersonRef::from),
                party_id: entry.who.party.map(Id),
                session_id: entry.who.session.map(SessionRef::from),
            },
            action: entry.action,
            outcome: entry.outcome.into(),
            refusal: entry.refusal,
            times: entry.times,
            objects: entry.objects.into_iter().map(AuditObjectView::from).collect(),
            changes: entry.changes.into_iter().map(AuditChangeView::from).collect(),
            address_key: entry.address_key.map(shown),
            request_id: entry.request_id,
        }
    }
}

impl From<Object> for AuditObjectView {
    fn from(object: Object) -> Self {
        Self { kind: object.kind, id: object.id }
    }
}

impl From<Change> for AuditChangeView {
    fn from(change: Change) -> Self {
        let Change { object, before, after } = change;
        Self { kind: object.kind, id: object.id, before, after }
    }
}

impl AuditEntryView {
    fn example() -> Self {
        let person = PersonId::from(Uuid::nil());
        let job = format!("job_{}", kernel::id::encode_suffix(Uuid::nil()));
        Self {
            id: EntryId::from(Uuid::nil()).into(),
            occurred_at: DateTime::UNIX_EPOCH,
            actor: AuditActorView {
                kind: ActorKind::Person.as_str(),
                role: Some(Role::Homeowner.as_str()),
                person_id: Some(person.into()),
                party_id: Some(Id(person.into())),
                session_id: Some(SessionId::from(Uuid::nil()).into()),
            },
            action: "publishJob".to_owned(),
            outcome: AuditOutcome::Done,
            refusal: None,
            times: 1,
            objects: vec![AuditObjectView { kind: "job".to_owned(), id: job.clone() }],
            changes: vec![AuditChangeView {
                kind: "job".to_owned(),
                id: job,
                before: json!({ "status": "DRAFT", "version": 1 }),
                after: json!({ "status": "OPEN", "version": 2 }),
            }],
            address_key: Some("9f86d081884c7d65".to_owned()),
            request_id: "01939c8e-7b1e-7cc0-8000-3f6d9b2a7c11".to_owned(),
        }
    }
}
