//! Under whose name the audit trail has what a command does: the operator's.

use audit::{ActorKind, Context, Object, Who};
use database::Db;
use platform::Platform;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::Access;
use super::admin::operator;
use super::failure::Failure;

/// Does something as the operator, under the words of the command.
///
/// # Errors
/// Those of the work.
pub(super) fn acting<T>(
    platform: &Platform,
    words: &'static str,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    acting_on(platform.db(), words, work)
}

/// The same on a database of which no more is needed.
///
/// # Errors
/// Those of the work.
pub(super) fn acting_on<T>(
    db: &Db,
    words: &'static str,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    audit::command(db, context(words), work)
}

/// Writes down which migrations were run. Where the trail itself was taken back there is nowhere to write: no reason to fail.
pub(super) fn migrated(access: &Access, words: &'static str, names: &[String], taken_back: bool) {
    if names.is_empty() {
        return;
    }
    let written = access.connect(1).and_then(|db| {
        let told = audit::context(context(words), || {
            db.transaction(|tx| {
                let (before, after) =
                    if taken_back { (json!(names), Value::Null) } else { (Value::Null, json!(names)) };
                audit::changed(tx, Object::named("schema", "migrations", Uuid::nil()), before, after);
                Ok::<_, database::Error>(())
            })
        });
        told.map_err(|error| Failure::Database(error.to_string()))
    });
    if let Err(error) = written {
        tracing::warn!(%error, "the migrations could not be written into the audit trail");
    }
}

fn context(words: &'static str) -> Context {
    Context::new(Who::of(ActorKind::Operator), words, operator().request_id)
}
