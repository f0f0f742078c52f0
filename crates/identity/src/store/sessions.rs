//! Sessions, refresh tokens and failed sign-ins.

use database::{Error, PgConnection, Tx};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use kernel::{Instant, Limit, PersonId, Position, SessionId};
use uuid::Uuid;

use crate::model::{LiveSession, OwnSession};
use crate::schema::{known_addresses, people, refresh_tokens, sessions, sign_in_failures};

/// How many stale rows each new one sweeps away: more than one, so that they never pile up, and few, so that nobody waits.
const SWEEP_ROWS: i64 = 20;

/// A session to be.
#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub(crate) struct NewSession<'a> {
    pub(crate) id: SessionId,
    pub(crate) person_id: PersonId,
    pub(crate) created_at: Instant,
    pub(crate) last_used_at: Instant,
    pub(crate) expires_at: Instant,
    pub(crate) device: Option<String>,
    pub(crate) network: Option<&'a str>,
}

pub(crate) fn insert_session(conn: &mut PgConnection, new: &NewSession<'_>) -> Result<(), Error> {
    diesel::insert_into(sessions::table).values(new).execute(conn)?;
    Ok(())
}

/// Forgets some sessions that expired before `before`, with their tokens.
pub(crate) fn sweep_sessions(conn: &mut PgConnection, before: Instant) -> Result<(), Error> {
    let stale: Vec<SessionId> = sessions::table
        .filter(sessions::expires_at.lt(before))
        .order(sessions::expires_at)
        .limit(SWEEP_ROWS)
        .for_update()
        .skip_locked()
        .select(sessions::id)
        .load(conn)?;
    if !stale.is_empty() {
        diesel::delete(sessions::table.filter(sessions::id.eq_any(stale))).execute(conn)?;
    }
    Ok(())
}

pub(crate) fn insert_refresh_token(
    conn: &mut PgConnection,
    hash: &[u8],
    session: SessionId,
    counter: i32,
) -> Result<(), Error> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(hash),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::counter.eq(counter),
        ))
        .execute(conn)?;
    Ok(())
}

/// A session with everything that decides whether it may go on.
#[derive(Queryable)]
pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    pub(crate) person: PersonId,
    pub(crate) expires_at: Instant,
    pub(crate) ended_at: Option<Instant>,
}

pub(crate) fn find_session(conn: &mut PgConnection, id: SessionId) -> Result<Option<SessionRow>, Error> {
    Ok(sessions::table
        .find(id)
        .select((sessions::id, sessions::person_id, sessions::expires_at, sessions::ended_at))
        .first(conn)
        .optional()?)
}

/// The family that a refresh token belongs to.
pub(crate) fn find_family(conn: &mut PgConnection, hash: &[u8]) -> Result<Option<SessionId>, Error> {
    Ok(refresh_tokens::table.find(hash).select(refresh_tokens::session_id).first(conn).optional()?)
}

/// The session, kept from changing until the transaction ends: its tokens are spent one at a time.
pub(crate) fn lock_session(conn: &mut PgConnection, id: SessionId) -> Result<Option<SessionRow>, Error> {
    Ok(sessions::table
        .find(id)
        .select((sessions::id, sessions::person_id, sessions::expires_at, sessions::ended_at))
        .for_no_key_update()
        .first(conn)
        .optional()?)
}

/// A token's place in its family, and when it was spent. Read after the family was locked.
pub(crate) fn find_refresh_token(
    conn: &mut PgConnection,
    hash: &[u8],
) -> Result<Option<(i32, Option<Instant>)>, Error> {
    Ok(refresh_tokens::table
        .find(hash)
        .select((refresh_tokens::counter, refresh_tokens::spent_at))
        .first(conn)
        .optional()?)
}

pub(crate) fn find_refresh_hash(
    conn: &mut PgConnection,
    session: SessionId,
    counter: i32,
) -> Result<Option<Vec<u8>>, Error> {
    Ok(refresh_tokens::table
        .filter(refresh_tokens::session_id.eq(session).and(refresh_tokens::counter.eq(counter)))
        .select(refresh_tokens::token_hash)
        .first(conn)
        .optional()?)
}

pub(crate) fn spend_refresh_token(conn: &mut PgConnection, hash: &[u8], now: Instant) -> Result<(), Error> {
    diesel::update(refresh_tokens::table.find(hash).filter(refresh_tokens::spent_at.is_null()))
        .set(refresh_tokens::spent_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Notes that a session was refreshed, from where, and until when it lives now.
pub(crate) fn extend_session(
    conn: &mut PgConnection,
    id: SessionId,
    network: &str,
    now: Instant,
    expires_at: Instant,
) -> Result<(), Error> {
    diesel::update(sessions::table.find(id))
        .set((
            sessions::expires_at.eq(expires_at),
            sessions::last_used_at.eq(now),
            sessions::network.eq(network),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes that sessions were used, those of which nothing was noted since an instant.
pub(crate) fn touch_sessions(
    conn: &mut PgConnection,
    ids: &[SessionId],
    since: Instant,
    now: Instant,
) -> Result<(), Error> {
    diesel::update(sessions::table.filter(sessions::id.eq_any(ids)))
        .filter(sessions::last_used_at.lt(since).and(sessions::ended_at.is_null()))
        .set(sessions::last_used_at.eq(now))
        .execute(conn)?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
struct OwnSessionRow {
    id: SessionId,
    device: Option<String>,
    network: Option<String>,
    created_at: Instant,
    last_used_at: Instant,
    expires_at: Instant,
}

impl From<OwnSessionRow> for OwnSession {
    fn from(row: OwnSessionRow) -> Self {
        let OwnSessionRow { id, device, network, created_at, last_used_at, expires_at } = row;
        Self { id, device, network, created_at, last_used_at, expires_at }
    }
}

/// A person's sessions that live, the newest first.
pub(crate) fn list_sessions(
    conn: &mut PgConnection,
    person: PersonId,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<OwnSession>, Error> {
    let mut query = sessions::table
        .filter(sessions::person_id.eq(person).and(sessions::ended_at.is_null()))
        .filter(sessions::expires_at.gt(super::app_clock()))
        .select(OwnSessionRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(
            sessions::created_at
                .lt(after.key)
                .or(sessions::created_at.eq(after.key).and(sessions::id.lt(after.id))),
        );
    }
    let newest = (sessions::created_at.desc(), sessions::id.desc());
    let rows: Vec<OwnSessionRow> = query.order(newest).limit(limit.plus_one()).load(conn)?;
    Ok(rows.into_iter().map(OwnSession::from).collect())
}

/// Ends a session of this person unless it has ended; zero rows when there is none to end.
pub(crate) fn end_own_session(
    conn: &mut PgConnection,
    person: PersonId,
    id: SessionId,
    reason: EndReason,
    now: Instant,
) -> Result<usize, Error> {
    let living = sessions::table
        .find(id)
        .filter(sessions::person_id.eq(person).and(sessions::ended_at.is_null()))
        .filter(sessions::expires_at.gt(now));
    Ok(diesel::update(living)
        .set((sessions::ended_at.eq(now), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?)
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EndReason {
    Logout,
    TokenReuse,
    Revoked,
    PasswordChanged,
    PasswordReset,
    Suspended,
}

impl EndReason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "LOGOUT",
            Self::TokenReuse => "TOKEN_REUSE",
            Self::Revoked => "REVOKED",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::PasswordReset => "PASSWORD_RESET",
            Self::Suspended => "SUSPENDED",
        }
    }
}

/// Ends a session unless it has ended; zero rows when it had.
pub(crate) fn end_session(
    conn: &mut PgConnection,
    id: SessionId,
    reason: EndReason,
    now: Instant,
) -> Result<usize, Error> {
    Ok(diesel::update(sessions::table.find(id).filter(sessions::ended_at.is_null()))
        .set((sessions::ended_at.eq(now), sessions::end_reason.eq(reason.as_str())))
        .execute(conn)?)
}

/// Ends every session of a person that has not ended, but for one that is to stay; how many that were. Sign-ins that wait for their
/// second factor end with them.
pub(crate) fn end_sessions_of(
    tx: &mut Tx<'_>,
    person: PersonId,
    stays: Option<SessionId>,
    reason: EndReason,
) -> Result<usize, Error> {
    let now = tx.now()?;
    super::delete_challenges_to(tx.conn(), person)?;
    let living = sessions::table
        .filter(sessions::person_id.eq(person).and(sessions::ended_at.is_null()))
        // Nobody's id when none is to stay.
        .filter(sessions::id.ne(stays.unwrap_or(SessionId::from(Uuid::nil()))));
    Ok(diesel::update(living)
        .set((sessions::ended_at.eq(now), sessions::end_reason.eq(reason.as_str())))
        .execute(tx.conn())?)
}

/// Those of these sessions that have not ended or expired and whose person is not suspended.
pub(crate) fn live_sessions(conn: &mut PgConnection, ids: &[SessionId]) -> Result<Vec<LiveSession>, Error> {
    type Columns = (SessionId, PersonId, Instant, Instant, String, Option<Instant>, Option<Instant>);
    let ids = database::hot::for_any(ids);
    let rows: Vec<Columns> = sessions::table
        .inner_join(people::table.on(people::id.eq(sessions::person_id)))
        .filter(sessions::id.eq_any(ids))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(super::app_clock()))
        .filter(people::suspended_at.is_null())
        .select((
            sessions::id,
            sessions::person_id,
            sessions::expires_at,
            sessions::last_used_at,
            people::role,
            people::email_verified_at,
            people::second_factor_at,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(session, person, expires_at, last_used_at, text, verified_at, factor_at)| {
            Ok(LiveSession {
                session,
                person,
                role: super::role(&text)?,
                email_verified: verified_at.is_some(),
                second_factor: factor_at.is_some(),
                expires_at,
                last_used_at,
            })
        })
        .collect()
}

/// Whose failed sign-ins are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bucket<'a> {
    Account(&'a [u8]),
    Address(&'a [u8]),
}

/// The times of the newest failures of a bucket since an instant, newest first.
pub(crate) fn newest_failures(
    conn: &mut PgConnection,
    bucket: Bucket<'_>,
    since: Instant,
    most: i64,
) -> Result<Vec<Instant>, Error> {
    let recent = sign_in_failures::table.filter(sign_in_failures::failed_at.gt(since)).into_boxed();
    let mine = match bucket {
        Bucket::Account(key) => recent.filter(sign_in_failures::account_key.eq(key.to_vec())),
        Bucket::Address(key) => recent.filter(sign_in_failures::address_key.eq(key.to_vec())),
    };
    Ok(mine
        .order(sign_in_failures::failed_at.desc())
        .limit(most)
        .select(sign_in_failures::failed_at)
        .load(conn)?)
}

/// Failures of one bucket are counted one at a time, so that the limit is exact.
pub(crate) fn lock_buckets(conn: &mut PgConnection, keys: &[&[u8]]) -> Result<(), Error> {
    let mut numbers: Vec<i64> = keys
        .iter()
        .filter_map(|key| key.first_chunk::<8>())
        .map(|first| i64::from_be_bytes(*first))
        .collect();
    // Always in the same order: two that need the same two locks do not wait for each other.
    numbers.sort_unstable();
    for number in numbers {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(number).execute(conn)?;
    }
    Ok(())
}

pub(crate) fn insert_failure(
    conn: &mut PgConnection,
    account: &[u8],
    address: &[u8],
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(sign_in_failures::table)
        .values((
            sign_in_failures::id.eq(Uuid::now_v7()),
            sign_in_failures::account_key.eq(account),
            sign_in_failures::address_key.eq(address),
            sign_in_failures::failed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets some failures from before `before`.
pub(crate) fn sweep_failures(conn: &mut PgConnection, before: Instant) -> Result<(), Error> {
    let stale: Vec<Uuid> = sign_in_failures::table
        .filter(sign_in_failures::failed_at.lt(before))
        .order(sign_in_failures::failed_at)
        .limit(SWEEP_ROWS)
        .for_update()
        .skip_locked()
        .select(sign_in_failures::id)
        .load(conn)?;
    if !stale.is_empty() {
        diesel::delete(sign_in_failures::table.filter(sign_in_failures::id.eq_any(stale))).execute(conn)?;
    }
    Ok(())
}

/// Whether the person signed in from there since an instant.
pub(crate) fn is_known_address(
    conn: &mut PgConnection,
    person: PersonId,
    address: &[u8],
    since: Instant,
) -> Result<bool, Error> {
    let known =
        known_addresses::table.find((person.uuid(), address)).filter(known_addresses::signed_in_at.gt(since));
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(conn)?)
}

/// Forgets everywhere that somebody signed in.
pub(crate) fn forget_addresses(conn: &mut PgConnection, person: PersonId) -> Result<(), Error> {
    diesel::delete(known_addresses::table.filter(known_addresses::person_id.eq(person))).execute(conn)?;
    Ok(())
}

/// Remembers where somebody signed in, and forgets where they did so before `stale` only.
pub(crate) fn remember_address(
    conn: &mut PgConnection,
    person: PersonId,
    address: &[u8],
    now: Instant,
    stale: Instant,
) -> Result<(), Error> {
    diesel::delete(known_addresses::table)
        .filter(known_addresses::person_id.eq(person).and(known_addresses::signed_in_at.lt(stale)))
        .execute(conn)?;
    diesel::insert_into(known_addresses::table)
        .values((
            known_addresses::person_id.eq(person),
            known_addresses::address_key.eq(address),
            known_addresses::signed_in_at.eq(now),
        ))
        .on_conflict((known_addresses::person_id, known_addresses::address_key))
        .do_update()
        .set(known_addresses::signed_in_at.eq(now))
        .execute(conn)?;
    Ok(())
}
