//! The audit trail over HTTP: which calls leave a row, and who may read them.

mod refusals;
mod rows;
mod trail;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text};
use serde_json::Value;
use tests::TestApp;

pub(crate) const TRAIL: &str = "/api/admin/audit";

/// A row, as the database has it.
#[derive(Debug, QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = Text)]
    pub(crate) actor_kind: String,
    #[diesel(sql_type = Text)]
    pub(crate) action: String,
    #[diesel(sql_type = Text)]
    pub(crate) outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) refusal: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub(crate) times: i64,
    #[diesel(sql_type = Text)]
    pub(crate) objects: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) changes: Value,
}

/// The rows of which this holds, oldest first.
pub(crate) fn rows(app: &TestApp, condition: &str) -> Vec<Row> {
    let sql = format!(
        "SELECT actor_kind, action, outcome, refusal, times::bigint AS times,
                array_to_string(objects, ' ') AS objects, changes
         FROM audit.entries WHERE {condition} ORDER BY id"
    );
    let found = app.database.owner.read(|conn| Ok::<_, database::Error>(diesel::sql_query(&sql).load(conn)?));
    found.unwrap()
}

/// As [`rows`], once there are so many: refused calls are written after their answers.
pub(crate) async fn rows_in_time(app: &TestApp, condition: &str, many: usize) -> Vec<Row> {
    for _ in 0..400 {
        let found = rows(app, condition);
        if found.len() >= many {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    rows(app, condition)
}
