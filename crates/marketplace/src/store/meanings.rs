//! What jobs are of, decided anew when the taxonomy has changed.

use database::{Error, PgConnection};
use diesel::prelude::*;
use uuid::Uuid;

use crate::rules::meaning;
use crate::schema::{jobs, meanings};

/// Jobs that are decided by one task.
pub(crate) const DECIDED: i64 = 500;

/// The taxonomy by which the meanings of all jobs are decided; none until they are.
pub(crate) fn fingerprint(conn: &mut PgConnection) -> Result<Option<String>, Error> {
    Ok(meanings::table.select(meanings::fingerprint).first(conn).optional()?)
}

/// Keeps that they are all decided by this one.
pub(crate) fn keep_fingerprint(conn: &mut PgConnection, fingerprint: &str) -> Result<(), Error> {
    diesel::insert_into(meanings::table)
        .values(meanings::fingerprint.eq(fingerprint))
        .on_conflict(meanings::only_row)
        .do_update()
        .set(meanings::fingerprint.eq(fingerprint))
        .execute(conn)?;
    Ok(())
}

/// The same where there is no job yet: whatever is written from now on is decided by it.
pub(crate) fn keep_if_first(conn: &mut PgConnection, fingerprint: &str) -> Result<(), Error> {
    let is_first: bool = diesel::select(diesel::dsl::not(diesel::dsl::exists(jobs::table.select(jobs::id))))
        .get_result(conn)?;
    if is_first { keep_fingerprint(conn, fingerprint) } else { Ok(()) }
}

/// Decides the meanings of the next jobs after this one; the last of them, none when there is none.
pub(crate) fn decide(conn: &mut PgConnection, after: Option<Uuid>) -> Result<Option<Uuid>, Error> {
    type Row = (Uuid, String, Vec<String>, String, String, Vec<String>);
    let rows: Vec<Row> = jobs::table
        .filter(jobs::id.gt(after.unwrap_or_default()))
        .order(jobs::id)
        .limit(DECIDED)
        .select((jobs::id, jobs::category, jobs::skills, jobs::title, jobs::description, jobs::meanings))
        // Nobody edits them meanwhile.
        .for_no_key_update()
        .load(conn)?;
    for (id, category, skills, title, description, before) in &rows {
        let now = meaning::meanings(category, skills, title, description);
        if now != *before {
            diesel::update(jobs::table.find(id)).set(jobs::meanings.eq(now)).execute(conn)?;
        }
    }
    Ok(rows.last().map(|(id, ..)| *id))
}
