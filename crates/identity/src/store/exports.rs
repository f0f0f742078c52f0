//! Exports of personal data. The archives themselves are files.

use database::{Error, PgConnection};
use diesel::prelude::*;
use files::{File, FileId};
use kernel::{Instant, PersonId};

use super::unknown;
use crate::model::{ExportId, ExportState};
use crate::schema::exports;

/// An export as it is kept.
#[derive(Queryable, Selectable)]
#[diesel(table_name = exports, check_for_backend(diesel::pg::Pg))]
struct ExportRow {
    id: ExportId,
    person_id: PersonId,
    state: String,
    requested_at: Instant,
    finished_at: Option<Instant>,
    expires_at: Option<Instant>,
    file_id: Option<FileId>,
}

/// An export with its archive.
pub(crate) struct StoredExport {
    pub(crate) id: ExportId,
    pub(crate) person: PersonId,
    pub(crate) state: ExportState,
    pub(crate) requested_at: Instant,
    pub(crate) finished_at: Option<Instant>,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) archive: Option<File>,
}

fn complete(conn: &mut PgConnection, row: Option<ExportRow>) -> Result<Option<StoredExport>, Error> {
    let Some(row) = row else { return Ok(None) };
    let archive = match row.file_id {
        Some(file) => files::find_all(conn, &[file])?.remove(&file),
        None => None,
    };
    Ok(Some(StoredExport {
        id: row.id,
        person: row.person_id,
        state: ExportState::parse(&row.state).ok_or_else(|| unknown("export state", &row.state))?,
        requested_at: row.requested_at,
        finished_at: row.finished_at,
        expires_at: row.expires_at,
        archive,
    }))
}

/// Of whomever.
pub(crate) fn find_export(conn: &mut PgConnection, id: ExportId) -> Result<Option<StoredExport>, Error> {
    let row = exports::table.find(id).select(ExportRow::as_select()).first(conn).optional()?;
    complete(conn, row)
}

/// The same, kept from changing until the transaction ends.
pub(crate) fn lock_export(conn: &mut PgConnection, id: ExportId) -> Result<Option<StoredExport>, Error> {
    let row =
        exports::table.find(id).select(ExportRow::as_select()).for_no_key_update().first(conn).optional()?;
    complete(conn, row)
}

/// The one that is being made for the person.
pub(crate) fn find_waiting_export(
    conn: &mut PgConnection,
    person: PersonId,
) -> Result<Option<StoredExport>, Error> {
    let row = exports::table
        .filter(exports::person_id.eq(person).and(exports::state.eq(ExportState::Queued.as_str())))
        .select(ExportRow::as_select())
        .first(conn)
        .optional()?;
    complete(conn, row)
}

/// When the person asked for exports since an instant, newest first.
pub(crate) fn newest_exports(
    conn: &mut PgConnection,
    person: PersonId,
    since: Instant,
    most: i64,
) -> Result<Vec<Instant>, Error> {
    Ok(exports::table
        .filter(exports::person_id.eq(person).and(exports::requested_at.gt(since)))
        .order(exports::requested_at.desc())
        .limit(most)
        .select(exports::requested_at)
        .load(conn)?)
}

pub(crate) fn insert_export(
    conn: &mut PgConnection,
    id: ExportId,
    person: PersonId,
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(exports::table)
        .values((
            exports::id.eq(id),
            exports::person_id.eq(person),
            exports::state.eq(ExportState::Queued.as_str()),
            exports::requested_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets the person's exports that came to their end and were asked for before an instant.
pub(crate) fn sweep_exports(conn: &mut PgConnection, person: PersonId, before: Instant) -> Result<(), Error> {
    let over = [ExportState::Expired.as_str(), ExportState::Failed.as_str()];
    diesel::delete(exports::table)
        .filter(exports::person_id.eq(person).and(exports::requested_at.lt(before)))
        .filter(exports::state.eq_any(over))
        .execute(conn)?;
    Ok(())
}

/// QUEUED → READY.
pub(crate) fn finish_export(
    conn: &mut PgConnection,
    id: ExportId,
    archive: FileId,
    now: Instant,
    expires_at: Instant,
) -> Result<bool, Error> {
    let waiting = exports::table.find(id).filter(exports::state.eq(ExportState::Queued.as_str()));
    let changed = diesel::update(waiting)
        .set((
            exports::state.eq(ExportState::Ready.as_str()),
            exports::finished_at.eq(now),
            exports::expires_at.eq(expires_at),
            exports::file_id.eq(archive),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// QUEUED → FAILED.
pub(crate) fn fail_export(conn: &mut PgConnection, id: ExportId, now: Instant) -> Result<bool, Error> {
    let waiting = exports::table.find(id).filter(exports::state.eq(ExportState::Queued.as_str()));
    let failed = (exports::state.eq(ExportState::Failed.as_str()), exports::finished_at.eq(now));
    Ok(diesel::update(waiting).set(failed).execute(conn)? == 1)
}

/// READY → EXPIRED; the archive is let go of.
pub(crate) fn expire_export(conn: &mut PgConnection, id: ExportId) -> Result<bool, Error> {
    let ready = exports::table.find(id).filter(exports::state.eq(ExportState::Ready.as_str()));
    let changed = diesel::update(ready)
        .set((exports::state.eq(ExportState::Expired.as_str()), exports::file_id.eq(None::<FileId>)))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Forgets all of a person's; the archives that are to be removed.
pub(crate) fn delete_exports(conn: &mut PgConnection, person: PersonId) -> Result<Vec<FileId>, Error> {
    let archives: Vec<Option<FileId>> = diesel::delete(exports::table.filter(exports::person_id.eq(person)))
        .returning(exports::file_id)
        .get_results(conn)?;
    Ok(archives.into_iter().flatten().collect())
}
