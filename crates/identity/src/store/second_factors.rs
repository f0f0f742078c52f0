//! Second factors, recovery codes, the questions for them, and step-ups.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PersonId, SessionId};

use crate::schema::{people, recovery_codes, second_factors, sessions, sign_in_challenges};

/// How many stale questions each new one sweeps away.
const SWEEP_ROWS: i64 = 20;

/// A secret as it is kept, and the newest time step that a code was taken of.
#[derive(Queryable)]
pub(crate) struct SecondFactorRow {
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) last_step: i64,
}

/// What was set up, waiting for its first code or in use. Codes are judged one at a time: lock the person first.
pub(crate) fn find_second_factor(
    conn: &mut PgConnection,
    person: PersonId,
) -> Result<Option<SecondFactorRow>, Error> {
    Ok(second_factors::table
        .find(person)
        .select((second_factors::sealed_secret, second_factors::last_step))
        .first(conn)
        .optional()?)
}

/// Keeps a secret, in place of one that still waits.
pub(crate) fn put_second_factor(
    conn: &mut PgConnection,
    person: PersonId,
    sealed: &[u8],
    now: Instant,
) -> Result<(), Error> {
    let fresh = (
        second_factors::sealed_secret.eq(sealed),
        second_factors::created_at.eq(now),
        second_factors::last_step.eq(0),
    );
    diesel::insert_into(second_factors::table)
        .values((second_factors::person_id.eq(person), fresh))
        .on_conflict(second_factors::person_id)
        .do_update()
        .set(fresh)
        .execute(conn)?;
    Ok(())
}

pub(crate) fn set_last_step(conn: &mut PgConnection, person: PersonId, step: i64) -> Result<(), Error> {
    diesel::update(second_factors::table.find(person))
        .set(second_factors::last_step.eq(step))
        .execute(conn)?;
    Ok(())
}

/// Forgets the secret, and the recovery codes with it.
pub(crate) fn delete_second_factor(conn: &mut PgConnection, person: PersonId) -> Result<(), Error> {
    diesel::delete(second_factors::table.find(person)).execute(conn)?;
    Ok(())
}

/// Since when signing in asks this person for a second factor; none from now on.
pub(crate) fn set_second_factor_since(
    conn: &mut PgConnection,
    person: PersonId,
    since: Option<Instant>,
) -> Result<(), Error> {
    diesel::update(people::table.find(person)).set(people::second_factor_at.eq(since)).execute(conn)?;
    Ok(())
}

pub(crate) fn insert_recovery_codes(
    conn: &mut PgConnection,
    person: PersonId,
    hashes: &[Vec<u8>],
) -> Result<(), Error> {
    let rows: Vec<_> = hashes
        .iter()
        .map(|hash| (recovery_codes::person_id.eq(person), recovery_codes::code_hash.eq(hash)))
        .collect();
    diesel::insert_into(recovery_codes::table).values(rows).execute(conn)?;
    Ok(())
}

/// Uses a recovery code up; whether it was there, unused.
pub(crate) fn use_recovery_code(
    conn: &mut PgConnection,
    person: PersonId,
    hash: &[u8],
    now: Instant,
) -> Result<bool, Error> {
    let unused = recovery_codes::table.find((person.uuid(), hash)).filter(recovery_codes::used_at.is_null());
    Ok(diesel::update(unused).set(recovery_codes::used_at.eq(now)).execute(conn)? == 1)
}

pub(crate) fn count_recovery_codes(conn: &mut PgConnection, person: PersonId) -> Result<u32, Error> {
    let unused: i64 = recovery_codes::table
        .filter(recovery_codes::person_id.eq(person).and(recovery_codes::used_at.is_null()))
        .count()
        .get_result(conn)?;
    Ok(u32::try_from(unused).unwrap_or(u32::MAX))
}

/// Keeps a question, and forgets some that nobody answered in time.
pub(crate) fn insert_challenge(
    conn: &mut PgConnection,
    hash: &[u8],
    person: PersonId,
    now: Instant,
    expires_at: Instant,
) -> Result<(), Error> {
    let stale: Vec<Vec<u8>> = sign_in_challenges::table
        .filter(sign_in_challenges::expires_at.lt(now))
        .order(sign_in_challenges::expires_at)
        .limit(SWEEP_ROWS)
        .for_update()
        .skip_locked()
        .select(sign_in_challenges::token_hash)
        .load(conn)?;
    if !stale.is_empty() {
        diesel::delete(sign_in_challenges::table.filter(sign_in_challenges::token_hash.eq_any(stale)))
            .execute(conn)?;
    }
    diesel::insert_into(sign_in_challenges::table)
        .values((
            sign_in_challenges::token_hash.eq(hash),
            sign_in_challenges::person_id.eq(person),
            sign_in_challenges::created_at.eq(now),
            sign_in_challenges::expires_at.eq(expires_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Who a question was put to, in time or not.
pub(crate) fn find_challenged(conn: &mut PgConnection, hash: &[u8]) -> Result<Option<PersonId>, Error> {
    Ok(sign_in_challenges::table.find(hash).select(sign_in_challenges::person_id).first(conn).optional()?)
}

/// Whether a question may still be answered. Asked after its person was locked.
pub(crate) fn is_open_challenge(conn: &mut PgConnection, hash: &[u8], now: Instant) -> Result<bool, Error> {
    let open = sign_in_challenges::table.find(hash).filter(sign_in_challenges::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(conn)?)
}

/// Takes a question away: it was answered.
pub(crate) fn delete_challenge(conn: &mut PgConnection, hash: &[u8]) -> Result<(), Error> {
    diesel::delete(sign_in_challenges::table.find(hash)).execute(conn)?;
    Ok(())
}

/// Takes every question to a person away: what went before them counts no longer.
pub(crate) fn delete_challenges_to(conn: &mut PgConnection, person: PersonId) -> Result<(), Error> {
    diesel::delete(sign_in_challenges::table.filter(sign_in_challenges::person_id.eq(person)))
        .execute(conn)?;
    Ok(())
}

/// Notes that a session's person proved again who they are; whether the session lives.
pub(crate) fn step_up_session(
    conn: &mut PgConnection,
    session: SessionId,
    person: PersonId,
    until: Instant,
    now: Instant,
) -> Result<bool, Error> {
    let living = sessions::table
        .find(session)
        .filter(sessions::person_id.eq(person))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now));
    Ok(diesel::update(living).set(sessions::stepped_up_until.eq(until)).execute(conn)? == 1)
}

/// Until when a person's session is stepped up, past or to come.
pub(crate) fn find_step_up(
    conn: &mut PgConnection,
    session: SessionId,
    person: PersonId,
) -> Result<Option<Instant>, Error> {
    let until: Option<Option<Instant>> = sessions::table
        .find(session)
        .filter(sessions::person_id.eq(person))
        .filter(sessions::ended_at.is_null())
        .select(sessions::stepped_up_until)
        .first(conn)
        .optional()?;
    Ok(until.flatten())
}
