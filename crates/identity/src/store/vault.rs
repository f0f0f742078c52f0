//! Data keys, wrapped.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::Instant;
use uuid::Uuid;

use crate::schema::data_keys;

/// A subject's key as it is kept.
#[derive(Queryable, Selectable)]
#[diesel(table_name = data_keys, check_for_backend(diesel::pg::Pg))]
pub(crate) struct DataKeyRow {
    /// None when it was destroyed.
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) master_key_id: String,
}

pub(crate) fn find_data_key(
    conn: &mut PgConnection,
    kind: &str,
    id: Uuid,
) -> Result<Option<DataKeyRow>, Error> {
    Ok(data_keys::table.find((kind, id)).select(DataKeyRow::as_select()).first(conn).optional()?)
}

/// Stores a new key unless the subject has one already.
pub(crate) fn insert_data_key(
    conn: &mut PgConnection,
    kind: &str,
    id: Uuid,
    wrapped: &[u8],
    master_key_id: &str,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(data_keys::table)
        .values((
            data_keys::subject_kind.eq(kind),
            data_keys::subject_id.eq(id),
            data_keys::wrapped_key.eq(Some(wrapped)),
            data_keys::master_key_id.eq(master_key_id),
            data_keys::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Empties a subject's key, or marks a subject that never had one, so that it never gets one.
pub(crate) fn destroy_data_key(
    conn: &mut PgConnection,
    kind: &str,
    id: Uuid,
    master_key_id: &str,
    now: Instant,
) -> Result<(), Error> {
    let gone = (data_keys::wrapped_key.eq(None::<Vec<u8>>), data_keys::destroyed_at.eq(Some(now)));
    diesel::insert_into(data_keys::table)
        .values((
            data_keys::subject_kind.eq(kind),
            data_keys::subject_id.eq(id),
            data_keys::master_key_id.eq(master_key_id),
            data_keys::created_at.eq(now),
            data_keys::destroyed_at.eq(Some(now)),
        ))
        .on_conflict((data_keys::subject_kind, data_keys::subject_id))
        .do_update()
        .set(gone)
        .execute(conn)?;
    Ok(())
}
