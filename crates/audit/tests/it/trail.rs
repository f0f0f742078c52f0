//! A trail to look at, and what tests read of it.

use audit::{ActorKind, AuditService, Context, Keys, Object, Settings, Who};
use database::Error;
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz};
use kernel::{Instant, PersonId, Role, SessionId};
use secrecy::SecretString;
use serde_json::{Value, json};
use testing::TestDatabase;

pub(crate) fn keys() -> Keys {
    Keys::derive(&SecretString::from("s".repeat(32)), &[])
}

pub(crate) fn service(database: &TestDatabase) -> AuditService {
    AuditService::new(database.db.clone(), keys(), Settings::default())
}

/// Ada publishes a job.
pub(crate) fn publishing() -> Context {
    let ada = Who::person(PersonId::new(), Role::Homeowner, SessionId::new());
    Context::new(ada, "publishJob", "request-1").from(keys().address(&[10, 0, 0, 1]))
}

pub(crate) fn by_operator(action: &'static str) -> Context {
    Context::new(Who::of(ActorKind::Operator), action, "request-2")
}

/// One transaction with one change.
pub(crate) fn change(database: &TestDatabase, context: Context, object: Object) {
    audit::command(&database.db, context, || {
        database.db.transaction(|tx| {
            audit::changed(tx, object.clone(), json!({ "state": "DRAFT" }), json!({ "state": "OPEN" }));
            Ok::<_, Error>(())
        })
    })
    .unwrap();
}

/// A write that no audit line tells of.
pub(crate) fn write(database: &TestDatabase) -> Result<(), Error> {
    database.db.transaction(|tx| {
        diesel::sql_query(
            "INSERT INTO outbox.subscriptions (event, consumer) VALUES (gen_random_uuid()::text, 'test')",
        )
        .execute(tx.conn())?;
        Ok(())
    })
}

#[derive(Debug, QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = Text)]
    pub(crate) actor_kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) actor: Option<String>,
    #[diesel(sql_type = Text)]
    pub(crate) action: String,
    #[diesel(sql_type = Text)]
    pub(crate) outcome: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) refusal: Option<String>,
    #[diesel(sql_type = Text)]
    pub(crate) request_id: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) changes: Value,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) sealed_until: Option<Instant>,
}

pub(crate) fn rows(database: &TestDatabase) -> Vec<Row> {
    let sql = "SELECT actor_kind, actor_party::text AS actor, action, outcome, refusal, request_id, changes, sealed_until
               FROM audit.entries ORDER BY id";
    database.owner.read(|conn| Ok::<_, Error>(diesel::sql_query(sql).load(conn)?)).unwrap()
}
