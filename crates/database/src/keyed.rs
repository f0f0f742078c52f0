//! Keyed commands: what came with an `Idempotency-Key` happens once, and is answered with the same bytes ever after.
//!
//! A command that needs nothing but the database is one unit: [`Db::once`]. One that calls another system in between goes in
//! three steps: [`Db::claim`] commits a lease, together with what the command intends; the call is made with no connection
//! held; [`Db::complete`] commits the answer together with the result. Whoever comes after the lease ran out goes on at the second
//! step, with the same [`Ticket::reference`].
//!
//! What is in an answer, and who may see it, does not belong here: answers are bytes, sealed by the caller.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Bytea, Int4, Nullable, Text, Uuid as SqlUuid};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::Db;
use crate::error::{Error, TransactionError};
use crate::hot::{Binds, Hot, Statement};
use crate::tx::Tx;

/// How long a stored answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// For good: money.
    Forever,
    /// So many days by the database's clock.
    Days(u16),
}

/// A command with the key that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedCommand {
    /// Whose key it is, and for which operation on which thing; see [`KeyedCommand::hash`].
    pub scope: [u8; 32],
    /// The key, 1 to 255 characters.
    pub key: String,
    /// SHA-256 of what was asked, so that one key is not used for two things.
    pub fingerprint: [u8; 32],
    /// How long the answer is kept.
    pub keep: Keep,
}

/// What became of a keyed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// It was done now; this is the answer.
    Done(Vec<u8>),
    /// It was done before; this is the answer of then.
    Replayed(Vec<u8>),
    /// Another request with this key is at it.
    InProgress,
    /// The key was used for something else.
    KeyReused,
}

/// What became of an attempt to claim a keyed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is ours until the lease runs out.
    Granted(Ticket),
    /// It was done before; this is the answer of then.
    Replayed(Vec<u8>),
    /// Another is at it, within its lease.
    InProgress,
    /// The key was used for something else.
    KeyReused,
}

/// The right to go on with a claimed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    scope: [u8; 32],
    key: String,
    fence: Uuid,
    /// An id that stays the same for all who take the command over: what the first of them makes is made under it, and so
    /// found again by the next.
    pub reference: Uuid,
    /// Whether somebody else claimed it before and did not finish.
    pub resumed: bool,
}

impl KeyedCommand {
    /// A hash of several parts that no other parts have: `KeyedCommand::hash(&[caller, method, path])`.
    #[must_use]
    pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// One lock a key; two keys that share a number by chance wait for each other, no worse.
    fn lock_number(&self) -> i64 {
        let hash = Self::hash(&[&self.scope, self.key.as_bytes()]);
        let [a, b, c, d, e, f, g, h, ..] = hash;
        i64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    fn keep_days(&self) -> Option<i32> {
        match self.keep {
            Keep::Forever => None,
            Keep::Days(days) => Some(i32::from(days)),
        }
    }
}

impl Db {
    /// Runs `work` unless it ran under this key before, and stores its answer, all in one transaction that `work`'s own
    /// join. When `work` fails nothing is stored and the key is free.
    ///
    /// # Errors
    /// That of `work`, or [`Error`].
    pub fn once<E: TransactionError>(
        &self,
        command: &KeyedCommand,
        mut work: impl FnMut() -> Result<Vec<u8>, E>,
    ) -> Result<Once, E> {
        self.unit(|| {
            let found = self.transaction(|tx| open(tx, command))?;
            match found.into_seen_by(command) {
                Seen::Free => {}
                Seen::Done(answer) => return Ok(Once::Replayed(answer)),
                Seen::Busy | Seen::Abandoned(_) => return Ok(Once::InProgress),
                Seen::Reused => return Ok(Once::KeyReused),
            }
            let answer = work()?;
            self.transaction(|tx| store_answer(tx, command, &answer))?;
            Ok(Once::Done(answer))
        })
    }

    /// What became of a command, which is not done here: for asking before something dear is made ready that a replay does not need. None while it is
    /// still to be done; who does it then asks again, with [`Db::once`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn seen(&self, command: &KeyedCommand) -> Result<Option<Once>, Error> {
        self.transaction(|tx| {
            Ok(match open(tx, command)?.into_seen_by(command) {
                Seen::Free => None,
                Seen::Done(answer) => Some(Once::Replayed(answer)),
                Seen::Busy | Seen::Abandoned(_) => Some(Once::InProgress),
                Seen::Reused => Some(Once::KeyReused),
            })
        })
    }

    /// Claims a command that will be completed in a later transaction. Joins the transaction under way, so that the claim is
    /// committed together with what the command intends. The lease counts real time.
    ///
    /// # Errors
    /// [`Error`].
    pub fn claim(&self, command: &KeyedCommand, lease: Duration) -> Result<Claim, Error> {
        self.transaction(|tx| {
            let found = open(tx, command)?;
            match found.into_seen_by(command) {
                Seen::Free => insert_claim(tx, command, lease).map(Claim::Granted),
                Seen::Abandoned(reference) => renew_claim(tx, command, reference, lease).map(Claim::Granted),
                Seen::Done(answer) => Ok(Claim::Replayed(answer)),
                Seen::Busy => Ok(Claim::InProgress),
                Seen::Reused => Ok(Claim::KeyReused),
            }
        })
    }

    /// Stores the answer of a claimed command. Joins the transaction under way, which commits the result with it.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another took the command over: the transaction must not be committed, and is not.
    pub fn complete(&self, ticket: &Ticket, answer: &[u8]) -> Result<(), Error> {
        self.transaction(|tx| {
            let updated = diesel::sql_query(
                "UPDATE app.idempotency_keys SET state = 'DONE', answer = $4, fence = NULL, lease_until = NULL
                 WHERE scope = $1 AND key = $2 AND fence = $3",
            )
            .bind::<Bytea, _>(ticket.scope.as_slice())
            .bind::<Text, _>(&ticket.key)
            .bind::<SqlUuid, _>(ticket.fence)
            .bind::<Bytea, _>(answer)
            .execute(tx.conn())?;
            if updated == 0 { Err(Error::LeaseLost) } else { Ok(()) }
        })
    }

    /// Frees the key of a claimed command that failed. Does nothing when another took it over.
    ///
    /// # Errors
    /// [`Error`]; the lease then runs out by itself.
    pub fn release(&self, ticket: &Ticket) -> Result<(), Error> {
        self.transaction(|tx| {
            diesel::sql_query(
                "DELETE FROM app.idempotency_keys WHERE scope = $1 AND key = $2 AND fence = $3",
            )
            .bind::<Bytea, _>(ticket.scope.as_slice())
            .bind::<Text, _>(&ticket.key)
            .bind::<SqlUuid, _>(ticket.fence)
            .execute(tx.conn())?;
            Ok(())
        })
    }

    /// Gives a claim up without freeing its key: nobody knows what came of the command, so whoever comes next goes on with it at
    /// once, under the same reference. Does nothing when another took it over.
    ///
    /// # Errors
    /// [`Error`]; the lease then runs out by itself.
    pub fn give_up(&self, ticket: &Ticket) -> Result<(), Error> {
        self.transaction(|tx| {
            diesel::sql_query(
                "UPDATE app.idempotency_keys SET lease_until = clock_timestamp()
                 WHERE scope = $1 AND key = $2 AND fence = $3",
            )
            .bind::<Bytea, _>(ticket.scope.as_slice())
            .bind::<Text, _>(&ticket.key)
            .bind::<SqlUuid, _>(ticket.fence)
            .execute(tx.conn())?;
            Ok(())
        })
    }

    /// Removes at most `most` keys whose time is over, and says how many there were. For a background task.
    ///
    /// # Errors
    /// [`Error`].
    pub fn purge_keys(&self, most: u32) -> Result<usize, Error> {
        self.transaction(|tx| {
            let removed = diesel::sql_query(
                "DELETE FROM app.idempotency_keys WHERE (scope, key) IN (
                     SELECT scope, key FROM app.idempotency_keys WHERE expires_at <= app.clock()
                     ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
            )
            .bind::<BigInt, _>(i64::from(most))
            .execute(tx.conn())?;
            Ok(removed)
        })
    }
}

/// What the key's row says to one who comes with a command.
enum Seen {
    Free,
    Done(Vec<u8>),
    Busy,
    Abandoned(Uuid),
    Reused,
}

/// The row of a key, if the lock on it was got.
#[derive(Queryable)]
struct Found {
    locked: bool,
    fingerprint: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
    reference: Option<Uuid>,
    leased: bool,
}

impl Found {
    fn into_seen_by(self, command: &KeyedCommand) -> Seen {
        match (self.locked, self.fingerprint, self.answer, self.reference) {
            (false, ..) => Seen::Busy,
            (true, None, ..) => Seen::Free,
            (true, Some(fingerprint), ..) if fingerprint != command.fingerprint => Seen::Reused,
            (true, Some(_), Some(answer), _) => Seen::Done(answer),
            (true, Some(_), None, Some(reference)) if !self.leased => Seen::Abandoned(reference),
            (true, Some(_), None, _) => Seen::Busy,
        }
    }
}

/// Tries the key's lock and reads its row, in one round trip: a SQL function, since its second statement has to see what was
/// committed before the first one got the lock.
fn open(tx: &mut Tx<'_>, command: &KeyedCommand) -> Result<Found, Error> {
    let open = Open { lock: command.lock_number(), scope: command.scope, key: command.key.clone() };
    Ok(Hot(open).get_result(tx.conn())?)
}

struct Open {
    lock: i64,
    scope: [u8; 32],
    key: String,
}

impl Statement for Open {
    const SQL: &'static str =
        "SELECT locked, fingerprint, answer, reference, leased FROM app.open_keyed_command($1, $2, $3)";
    type Columns = (Bool, Nullable<Bytea>, Nullable<Bytea>, Nullable<SqlUuid>, Bool);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<BigInt, _>(&self.lock)?;
        binds.push::<Bytea, _>(&self.scope)?;
        binds.push::<Text, _>(&self.key)
    }
}

struct StoreAnswer {
    scope: [u8; 32],
    key: String,
    fingerprint: [u8; 32],
    reference: Uuid,
    answer: Vec<u8>,
    keep_days: Option<i32>,
}

impl Statement for StoreAnswer {
    const SQL: &'static str = "INSERT INTO app.idempotency_keys (scope, key, fingerprint, reference, answer, state, expires_at) \
         VALUES ($1, $2, $3, $4, $5, 'DONE', app.clock() + $6 * interval '1 day')";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Bytea, _>(&self.scope)?;
        binds.push::<Text, _>(&self.key)?;
        binds.push::<Bytea, _>(&self.fingerprint)?;
        binds.push::<SqlUuid, _>(&self.reference)?;
        binds.push::<Bytea, _>(&self.answer)?;
        binds.push::<Nullable<Int4>, _>(&self.keep_days)
    }
}

fn store_answer(tx: &mut Tx<'_>, command: &KeyedCommand, answer: &[u8]) -> Result<(), Error> {
    let store = StoreAnswer {
        scope: command.scope,
        key: command.key.clone(),
        fingerprint: command.fingerprint,
        reference: Uuid::now_v7(),
        answer: answer.to_owned(),
        keep_days: command.keep_days(),
    };
    Hot(store).execute(tx.conn())?;
    Ok(())
}

fn insert_claim(tx: &mut Tx<'_>, command: &KeyedCommand, lease: Duration) -> Result<Ticket, Error> {
    let ticket = ticket(command, Uuid::now_v7(), false);
    diesel::sql_query(
        "INSERT INTO app.idempotency_keys (scope, key, fingerprint, reference, state, fence, lease_until, expires_at)
         VALUES ($1, $2, $3, $4, 'CLAIMED', $5, clock_timestamp() + $6 * interval '1 millisecond',
                 app.clock() + $7 * interval '1 day')",
    )
    .bind::<Bytea, _>(command.scope.as_slice())
    .bind::<Text, _>(&command.key)
    .bind::<Bytea, _>(command.fingerprint.as_slice())
    .bind::<SqlUuid, _>(ticket.reference)
    .bind::<SqlUuid, _>(ticket.fence)
    .bind::<BigInt, _>(millis(lease))
    .bind::<Nullable<Int4>, _>(command.keep_days())
    .execute(tx.conn())?;
    Ok(ticket)
}

fn renew_claim(
    tx: &mut Tx<'_>,
    command: &KeyedCommand,
    reference: Uuid,
    lease: Duration,
) -> Result<Ticket, Error> {
    let ticket = ticket(command, reference, true);
    diesel::sql_query(
        "UPDATE app.idempotency_keys SET fence = $3, lease_until = clock_timestamp() + $4 * interval '1 millisecond'
         WHERE scope = $1 AND key = $2",
    )
    .bind::<Bytea, _>(command.scope.as_slice())
    .bind::<Text, _>(&command.key)
    .bind::<SqlUuid, _>(ticket.fence)
    .bind::<BigInt, _>(millis(lease))
    .execute(tx.conn())?;
    Ok(ticket)
}

fn ticket(command: &KeyedCommand, reference: Uuid, resumed: bool) -> Ticket {
    Ticket { scope: command.scope, key: command.key.clone(), fence: Uuid::now_v7(), reference, resumed }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
