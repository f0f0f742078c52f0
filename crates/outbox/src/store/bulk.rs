//! Tasks by COPY.

use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use kernel::Instant;
use serde_json::Value;
use uuid::Uuid;

use crate::schema::tasks;

/// A task as COPY takes it.
#[derive(Insertable)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
pub(crate) struct BulkTask {
    pub(crate) id: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) lane: Option<String>,
    pub(crate) payload: Value,
    pub(crate) state: &'static str,
    pub(crate) due_at: Instant,
    pub(crate) attempts: i16,
    pub(crate) max_attempts: i16,
    pub(crate) trace_id: String,
    pub(crate) created_at: Instant,
}

/// Writes all of them; one whose key waits already fails.
pub(crate) fn copy(conn: &mut PgConnection, rows: Vec<BulkTask>) -> Result<usize, Error> {
    Ok(diesel::copy_from(tasks::table).from_insertable(rows).execute(conn)?)
}
