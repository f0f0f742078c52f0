//! The SQL of this crate: plain functions over a connection, guarded by the state that each step starts from.

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{Instant, PartyId};

use crate::model::{ContentType, File, FileId, FileState, NewFile, Received};
use crate::schema::files;

// In the text: what is bound, a plan for all values cannot know to be in the index of those that go.
const RECEIVING: &str = "files.state = 'RECEIVING'";
const REMOVED: &str = "files.state = 'REMOVED'";

#[derive(Queryable, Selectable)]
#[diesel(table_name = files, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: FileId,
    owner_id: PartyId,
    name: String,
    storage_key: String,
    content_type: Option<String>,
    size_bytes: Option<i64>,
    sha256: Option<Vec<u8>>,
    stored_at: Option<Instant>,
}

impl TryFrom<Row> for File {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let corrupt = || Error::Corrupt(format!("file {} lacks what a stored one has", row.id));
        Ok(Self {
            id: row.id,
            owner: row.owner_id,
            name: row.name,
            content_type: row.content_type.as_deref().and_then(ContentType::parse).ok_or_else(corrupt)?,
            size: row.size_bytes.and_then(|size| u64::try_from(size).ok()).ok_or_else(corrupt)?,
            sha256: row.sha256.and_then(|hash| hash.try_into().ok()).ok_or_else(corrupt)?,
            stored_at: row.stored_at.ok_or_else(corrupt)?,
            storage_key: row.storage_key,
        })
    }
}

pub(crate) fn insert(
    conn: &mut PgConnection,
    id: FileId,
    new: &NewFile,
    key: &str,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(files::table)
        .values((
            files::id.eq(id),
            files::owner_id.eq(new.owner),
            files::purpose.eq(new.purpose),
            files::name.eq(new.name.as_str()),
            files::storage_key.eq(key),
            files::state.eq(FileState::Receiving.as_str()),
            files::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// RECEIVING → STORED.
pub(crate) fn keep(
    conn: &mut PgConnection,
    received: &Received,
    now: Instant,
) -> Result<Option<File>, Error> {
    let size = i64::try_from(received.size).map_err(|error| Error::Corrupt(error.to_string()))?;
    diesel::update(
        files::table
            .find(received.id)
            .filter(files::state.eq(FileState::Receiving.as_str()))
            .filter(files::owner_id.eq(received.owner)),
    )
    .set((
        files::state.eq(FileState::Stored.as_str()),
        files::content_type.eq(received.content_type.as_str()),
        files::size_bytes.eq(size),
        files::sha256.eq(received.sha256.as_slice()),
        files::stored_at.eq(now),
    ))
    .returning(Row::as_returning())
    .get_result(conn)
    .optional()?
    .map(File::try_from)
    .transpose()
}

/// Where the bytes are of a file that was received and that nobody keeps yet.
pub(crate) fn find_received(conn: &mut PgConnection, id: FileId) -> Result<Option<String>, Error> {
    let received = files::table.find(id).filter(files::state.eq(FileState::Receiving.as_str()));
    Ok(received.select(files::storage_key).get_result(conn).optional()?)
}

pub(crate) fn find_all(conn: &mut PgConnection, ids: &[FileId]) -> Result<HashMap<FileId, File>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> = files::table
        .filter(files::id.eq_any(ids))
        .filter(files::state.eq(FileState::Stored.as_str()))
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| File::try_from(row).map(|file| (file.id, file))).collect()
}

/// STORED → REMOVED; nobody asks for its name any more.
pub(crate) fn remove(conn: &mut PgConnection, id: FileId) -> Result<bool, Error> {
    let changed = diesel::update(files::table.find(id).filter(files::state.eq(FileState::Stored.as_str())))
        .set((files::state.eq(FileState::Removed.as_str()), files::name.eq("")))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Takes the names off a party's files that are not stored: what is coming is swept up as abandoned, or goes already.
pub(crate) fn unname(conn: &mut PgConnection, owner: PartyId) -> Result<(), Error> {
    let fleeting = files::owner_id.eq(owner).and(files::state.ne(FileState::Stored.as_str()));
    diesel::update(files::table.filter(fleeting)).set(files::name.eq("")).execute(conn)?;
    Ok(())
}

/// RECEIVING → REMOVED of one that is not wanted; gives where its bytes are.
pub(crate) fn condemn(conn: &mut PgConnection, id: FileId) -> Result<Option<String>, Error> {
    Ok(diesel::update(files::table.find(id).filter(files::state.eq(FileState::Receiving.as_str())))
        .set(files::state.eq(FileState::Removed.as_str()))
        .returning(files::storage_key)
        .get_result(conn)
        .optional()?)
}

/// RECEIVING → REMOVED of those that were begun before this instant.
pub(crate) fn condemn_abandoned(
    conn: &mut PgConnection,
    before: Instant,
    limit: i64,
) -> Result<usize, Error> {
    let ids: Vec<FileId> = files::table
        .filter(sql::<Bool>(RECEIVING))
        .filter(files::created_at.lt(before))
        .order(files::created_at)
        .limit(limit)
        .select(files::id)
        .for_update()
        .skip_locked()
        .load(conn)?;
    Ok(diesel::update(
        files::table.filter(files::id.eq_any(ids)).filter(files::state.eq(FileState::Receiving.as_str())),
    )
    .set(files::state.eq(FileState::Removed.as_str()))
    .execute(conn)?)
}

/// Files whose bytes are to go, with where these are.
pub(crate) fn list_removed(conn: &mut PgConnection, limit: i64) -> Result<Vec<(FileId, String)>, Error> {
    Ok(files::table
        .filter(sql::<Bool>(REMOVED))
        .order(files::created_at)
        .limit(limit)
        .select((files::id, files::storage_key))
        .load(conn)?)
}

/// Removes the row of a file whose bytes are gone.
pub(crate) fn forget(conn: &mut PgConnection, id: FileId) -> Result<(), Error> {
    diesel::delete(files::table.find(id).filter(files::state.eq(FileState::Removed.as_str())))
        .execute(conn)?;
    Ok(())
}
