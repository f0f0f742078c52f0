//! Signing keys, wrapped.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::Instant;

use crate::schema::signing_keys;

/// The number of the lock under which keys are changed one at a time.
const LOCK: i64 = 0x7369_676e_6b65_7973;

/// A key as it is kept.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SigningKeyRow {
    pub(crate) kid: String,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) master_key_id: String,
    pub(crate) created_at: Instant,
    pub(crate) signs_from: Instant,
    pub(crate) refused_from: Option<Instant>,
}

/// All of them: there are two or three.
pub(crate) fn list_signing_keys(conn: &mut PgConnection) -> Result<Vec<SigningKeyRow>, Error> {
    Ok(signing_keys::table
        .order(signing_keys::signs_from.desc())
        .select(SigningKeyRow::as_select())
        .load(conn)?)
}

/// Stores a key unless another process was there first.
pub(crate) fn insert_signing_key(conn: &mut PgConnection, row: &SigningKeyRow) -> Result<(), Error> {
    diesel::insert_into(signing_keys::table).values(row).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

/// Waits until nobody else is changing the keys.
pub(crate) fn lock_signing_keys(conn: &mut PgConnection) -> Result<(), Error> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(conn)?;
    Ok(())
}

/// Ends every key that would go on for longer.
pub(crate) fn retire_signing_keys(conn: &mut PgConnection, refused_from: Instant) -> Result<(), Error> {
    diesel::update(signing_keys::table)
        .filter(signing_keys::refused_from.is_null().or(signing_keys::refused_from.gt(refused_from)))
        .set(signing_keys::refused_from.eq(refused_from))
        .execute(conn)?;
    Ok(())
}

/// Forgets the keys that are refused already.
pub(crate) fn forget_refused_keys(conn: &mut PgConnection, now: Instant) -> Result<(), Error> {
    diesel::delete(signing_keys::table.filter(signing_keys::refused_from.lt(now))).execute(conn)?;
    Ok(())
}
