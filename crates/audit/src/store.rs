//! The only SQL of this crate.

use database::Error;
use database::hot::{Binds, Hot, Statement};
use diesel::dsl::sql;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Bytea, Int4, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use kernel::{Instant, Limit, PartyId, PersonId, Position, Role, SessionId};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::model::{
    ActorKind, Change, Checkpoint, CheckpointHead, Entry, EntryFilter, EntryId, Object, Outcome, Who,
};
use crate::rules::{self, CHAINS, Link, NOTHING};
use crate::schema::entries;

/// Rows that a check reads at once.
const BATCH: i64 = 2_000;

diesel::define_sql_function! {
    /// The database's clock.
    #[sql_name = "app.clock"]
    fn app_clock() -> Timestamptz;
}

/// A row to be appended.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    pub(crate) who: Who,
    pub(crate) action: String,
    pub(crate) outcome: Outcome,
    pub(crate) refusal: Option<String>,
    pub(crate) times: u32,
    pub(crate) objects: Vec<String>,
    pub(crate) object_ids: Vec<Uuid>,
    pub(crate) changes: Value,
    pub(crate) address_key: Option<Vec<u8>>,
    pub(crate) request_id: String,
    pub(crate) sealed_until: Option<Instant>,
    /// No row for a transaction that has written nothing.
    pub(crate) only_if_written: bool,
}

struct Append {
    entry: NewEntry,
    kind: &'static str,
    role: Option<&'static str>,
    party: Option<Uuid>,
    person: Option<Uuid>,
    session: Option<Uuid>,
    outcome: &'static str,
    times: i32,
}

impl Statement for Append {
    const SQL: &'static str =
        "SELECT audit.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    type Columns = (Nullable<SqlUuid>,);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        let entry = &self.entry;
        binds.push::<Text, _>(self.kind)?;
        binds.push::<Nullable<Text>, _>(&self.role)?;
        binds.push::<Nullable<SqlUuid>, _>(&self.party)?;
        binds.push::<Nullable<SqlUuid>, _>(&self.person)?;
        binds.push::<Nullable<SqlUuid>, _>(&self.session)?;
        binds.push::<Text, _>(&entry.action)?;
        binds.push::<Text, _>(self.outcome)?;
        binds.push::<Nullable<Text>, _>(&entry.refusal)?;
        binds.push::<Int4, _>(&self.times)?;
        binds.push::<Array<Text>, _>(&entry.objects)?;
        binds.push::<Array<SqlUuid>, _>(&entry.object_ids)?;
        binds.push::<Jsonb, _>(&entry.changes)?;
        binds.push::<Nullable<Bytea>, _>(&entry.address_key)?;
        binds.push::<Text, _>(&entry.request_id)?;
        binds.push::<Nullable<Timestamptz>, _>(&entry.sealed_until)?;
        binds.push::<Bool, _>(&entry.only_if_written)
    }
}

/// Appends a row; false when there was nothing to tell of.
pub(crate) fn append(conn: &mut PgConnection, entry: NewEntry) -> Result<bool, Error> {
    let who = entry.who;
    let append = Append {
        kind: who.kind.as_str(),
        role: who.role.map(Role::as_str),
        party: who.party.map(PartyId::uuid),
        person: who.person.map(PersonId::uuid),
        session: who.session.map(SessionId::uuid),
        outcome: entry.outcome.as_str(),
        times: i32::try_from(entry.times).unwrap_or(i32::MAX),
        entry,
    };
    let (id,): (Option<Uuid>,) = Hot(append).get_result(conn)?;
    Ok(id.is_some())
}

type Row = (
    (Uuid, Instant),
    (String, Option<String>, Option<Uuid>, Option<Uuid>, Option<Uuid>),
    (String, String, Option<String>, i32),
    (Vec<String>, Vec<Uuid>, Value),
    (Option<Vec<u8>>, String),
);

/// Rows that are not sealed, the newest first. The order of ids is the order of time.
pub(crate) fn list(
    conn: &mut PgConnection,
    filter: &EntryFilter,
    limit: Limit,
    after: Option<Position>,
) -> Result<Vec<Entry>, Error> {
    let mut query = entries::table
        .filter(entries::sealed_until.is_null().or(entries::sealed_until.le(app_clock().nullable())))
        .select((
            (entries::id, entries::occurred_at),
            (
                entries::actor_kind,
                entries::actor_role,
                entries::actor_party,
                entries::actor_person,
                entries::actor_session,
            ),
            (entries::action, entries::outcome, entries::refusal, entries::times),
            (entries::objects, entries::object_ids, entries::changes),
            (entries::address_key, entries::request_id),
        ))
        .into_boxed();
    if let Some(actor) = filter.actor {
        query = query.filter(entries::actor_party.eq(actor.uuid()));
    }
    if let Some(object) = filter.object {
        query = query.filter(entries::object_ids.contains(vec![object]));
    }
    if let Some(action) = &filter.action {
        query = query.filter(entries::action.eq(action));
    }
    if let Some(outcome) = filter.outcome {
        query = match outcome {
            // In the text: what is bound, a plan for all values cannot know to be in the index of refusals.
            Outcome::Refused => query.filter(sql::<Bool>("entries.outcome = 'REFUSED'")),
            Outcome::Done => query.filter(sql::<Bool>("entries.outcome = 'DONE'")),
        };
    }
    if let Some(from) = filter.from {
        query = query.filter(entries::id.ge(rules::first_id_at(from)).and(entries::occurred_at.ge(from)));
    }
    if let Some(until) = filter.until {
        let beyond = rules::first_id_at(until + chrono::TimeDelta::milliseconds(1));
        query = query.filter(entries::id.lt(beyond).and(entries::occurred_at.lt(until)));
    }
    if let Some(after) = after {
        query = query.filter(entries::id.lt(after.id));
    }
    let rows: Vec<Row> = query.order(entries::id.desc()).limit(limit.plus_one()).load(conn)?;
    rows.into_iter().map(entry).collect()
}

fn entry(row: Row) -> Result<Entry, Error> {
    let ((id, occurred_at), who, (action, outcome, refusal, times), told, (address_key, request_id)) = row;
    let (kind, role, party, person, session) = who;
    let (objects, object_ids, changes) = told;
    let corrupt = |what: &str| Error::Corrupt(format!("audit.entries {id}: {what}"));
    let who = Who {
        kind: ActorKind::parse(&kind).ok_or_else(|| corrupt("actor_kind"))?,
        role: role.as_deref().and_then(Role::parse),
        party: party.map(PartyId::from),
        person: person.map(PersonId::from),
        session: session.map(SessionId::from),
    };
    let changes: Vec<Change> = serde_json::from_value(changes).map_err(|_| corrupt("changes"))?;
    Ok(Entry {
        id: EntryId::from(id),
        occurred_at,
        who,
        action,
        outcome: Outcome::parse(&outcome).ok_or_else(|| corrupt("outcome"))?,
        refusal,
        times: times.unsigned_abs(),
        objects: objects.iter().zip(object_ids).map(|(text, id)| Object::from_text(text, id)).collect(),
        changes,
        address_key,
        request_id,
    })
}

/// Has this transaction see one state of the database throughout. Before its first other statement.
pub(crate) fn freeze(conn: &mut PgConnection) -> Result<(), Error> {
    diesel::sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(conn)?;
    Ok(())
}

/// The head of a chain.
#[derive(Debug, QueryableByName)]
pub(crate) struct Head {
    #[diesel(sql_type = SmallInt)]
    pub(crate) chain: i16,
    #[diesel(sql_type = BigInt)]
    pub(crate) sequence: i64,
    #[diesel(sql_type = Bytea)]
    pub(crate) hash: Vec<u8>,
}

/// The heads of all chains, as they are at one moment.
pub(crate) fn heads(conn: &mut PgConnection) -> Result<Vec<Head>, Error> {
    Ok(diesel::sql_query("SELECT chain, sequence, hash FROM audit.heads ORDER BY chain").load(conn)?)
}

/// A row as the check reads it.
#[derive(Debug, QueryableByName)]
pub(crate) struct Linked {
    #[diesel(sql_type = SmallInt)]
    pub(crate) chain: i16,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = Nullable<Bytea>)]
    prev_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Bytea>)]
    hash: Option<Vec<u8>>,
    #[diesel(sql_type = Bytea)]
    content: Vec<u8>,
}

impl Linked {
    /// Where the next batch goes on.
    pub(crate) fn place(&self) -> (i16, i64, Uuid) {
        (self.chain, self.sequence, self.id)
    }

    /// With the hash of what is in it, computed here.
    pub(crate) fn link(&self) -> Link {
        Link {
            sequence: self.sequence,
            prev_hash: self.prev_hash.clone().unwrap_or_default(),
            hash: self.hash.clone().unwrap_or_default(),
            recomputed: Sha256::digest(&self.content).into(),
        }
    }
}

/// Rows along the chains. What is in a row comes as the bytes that were hashed, made by Postgres's own functions and not by
/// one of ours that somebody could have replaced: `audit.append` has the same list.
pub(crate) fn linked(conn: &mut PgConnection, after: Option<(i16, i64, Uuid)>) -> Result<Vec<Linked>, Error> {
    let (chain, sequence, id) = after.unwrap_or((i16::MIN, i64::MIN, Uuid::nil()));
    Ok(diesel::sql_query(
        "SELECT chain, sequence, id, prev_hash, hash, record_send(ROW(
            prev_hash, chain, sequence, id, occurred_at,
            convert_to(actor_kind, 'UTF8'), convert_to(actor_role, 'UTF8'), actor_party, actor_person, actor_session,
            convert_to(action, 'UTF8'), convert_to(outcome, 'UTF8'), convert_to(refusal, 'UTF8'), times,
            convert_to(objects::text, 'UTF8'), convert_to(object_ids::text, 'UTF8'), convert_to(changes::text, 'UTF8'),
            address_key, convert_to(request_id, 'UTF8'), sealed_until)) AS content
         FROM audit.entries WHERE (chain, sequence, id) > ($1, $2, $3)
         ORDER BY chain, sequence, id LIMIT $4",
    )
    .bind::<SmallInt, _>(chain)
    .bind::<BigInt, _>(sequence)
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(BATCH)
    .load(conn)?)
}

#[derive(QueryableByName)]
struct Stray {
    #[diesel(sql_type = Text)]
    named: String,
}

/// A row that no walk along the chains can meet. Only somebody who took the table's constraints away can make one.
pub(crate) fn stray(conn: &mut PgConnection) -> Result<Option<String>, Error> {
    let stray: Option<Stray> = diesel::sql_query(
        "SELECT coalesce(id::text, 'without an id') AS named FROM audit.entries
         WHERE chain IS NULL OR sequence IS NULL OR id IS NULL LIMIT 1",
    )
    .get_result(conn)
    .optional()?;
    Ok(stray.map(|stray| stray.named))
}

/// What a checkpoint knows of a place in a chain.
#[derive(Debug, Queryable)]
pub(crate) struct Mark {
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
}

/// All that the stored checkpoints know of one chain, in its order.
pub(crate) fn marks(conn: &mut PgConnection, chain: i16) -> Result<Vec<Mark>, Error> {
    Ok(Hot(Marks { chain: i32::from(chain) }).load(conn)?)
}

struct Marks {
    chain: i32,
}

impl Statement for Marks {
    const SQL: &'static str = "SELECT DISTINCT c.sequences[m.chain + 1], substring(c.hashes FROM m.chain * 32 + 1 FOR 32)
        FROM audit.checkpoints c, (SELECT $1 AS chain) m WHERE c.sequences[m.chain + 1] IS NOT NULL ORDER BY 1, 2";
    type Columns = (BigInt, Bytea);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Int4, _>(&self.chain)
    }
}

#[derive(QueryableByName)]
struct CheckpointRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Timestamptz)]
    taken_at: Instant,
    #[diesel(sql_type = Array<Nullable<BigInt>>)]
    sequences: Vec<Option<i64>>,
    #[diesel(sql_type = Bytea)]
    hashes: Vec<u8>,
    #[diesel(sql_type = Bytea)]
    previous: Vec<u8>,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Bytea)]
    signature: Vec<u8>,
}

impl From<CheckpointRow> for Checkpoint {
    fn from(row: CheckpointRow) -> Self {
        let hashes = row.hashes.chunks(NOTHING.len());
        // More of one than of the other is no checkpoint: it is shown as long as it is, and nobody signed that.
        let extra = row.hashes.len() != row.sequences.len() * NOTHING.len();
        let heads = row.sequences.iter().zip(hashes).map(|(sequence, hash)| CheckpointHead {
            sequence: sequence.unwrap_or(-1),
            hash: hex::encode(hash),
        });
        Self {
            number: row.number,
            taken_at: row.taken_at,
            heads: if extra { Vec::new() } else { heads.collect() },
            previous: hex::encode(row.previous),
            key_id: row.key_id,
            signature: hex::encode(row.signature),
        }
    }
}

const CHECKPOINTS: &str =
    "SELECT number, taken_at, sequences, hashes, previous, key_id, signature FROM audit.checkpoints";

/// Checkpoints in their order.
pub(crate) fn checkpoints(conn: &mut PgConnection, after: i64) -> Result<Vec<Checkpoint>, Error> {
    let rows: Vec<CheckpointRow> =
        diesel::sql_query(format!("{CHECKPOINTS} WHERE number > $1 ORDER BY number LIMIT $2"))
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(BATCH)
            .load(conn)?;
    Ok(rows.into_iter().map(Checkpoint::from).collect())
}

/// The newest one.
pub(crate) fn newest_checkpoint(conn: &mut PgConnection) -> Result<Option<Checkpoint>, Error> {
    let row: Option<CheckpointRow> = diesel::sql_query(format!("{CHECKPOINTS} ORDER BY number DESC LIMIT 1"))
        .get_result(conn)
        .optional()?;
    Ok(row.map(Checkpoint::from))
}

/// Keeps a checkpoint. Refused when another was kept since the one that it follows.
pub(crate) fn add_checkpoint(conn: &mut PgConnection, checkpoint: &Checkpoint) -> Result<(), Error> {
    let decoded = |text: &str| rules::hash_from_hex(text).unwrap_or(NOTHING);
    let sequences: Vec<i64> = checkpoint.heads.iter().map(|head| head.sequence).collect();
    let mut hashes = Vec::with_capacity(CHAINS * NOTHING.len());
    for head in &checkpoint.heads {
        hashes.extend(decoded(&head.hash));
    }
    diesel::sql_query("SELECT audit.add_checkpoint($1, $2, $3, $4, $5, $6, $7)")
        .bind::<BigInt, _>(checkpoint.number)
        .bind::<Timestamptz, _>(checkpoint.taken_at)
        .bind::<Array<BigInt>, _>(sequences)
        .bind::<Bytea, _>(hashes)
        .bind::<Bytea, _>(decoded(&checkpoint.previous).to_vec())
        .bind::<Text, _>(&checkpoint.key_id)
        .bind::<Bytea, _>(decoded(&checkpoint.signature).to_vec())
        .execute(conn)?;
    Ok(())
}
