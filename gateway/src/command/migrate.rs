//! `fairtrade migrate`: the schema, up to date or taken back.

use serde_json::json;

use super::access::Access;
use super::args::Migrate;
use super::failure::Failure;
use super::output::Voice;
use super::trail;
use crate::config::Loaded;

/// Does it and says what was done.
///
/// # Errors
/// [`Failure`] when the database refuses.
pub(super) fn run(asked: &Migrate, voice: Voice, loaded: &Loaded) -> Result<(), Failure> {
    let access = Access::open(loaded)?;
    let done = match asked.down {
        Some(steps) => access.take_back(usize::try_from(steps).unwrap_or(usize::MAX)),
        None => access.migrate(),
    };
    if let Ok(done) = &done {
        trail::migrated(&access, "fairtrade migrate", done, asked.down.is_some());
    }
    let closed = access.close();
    let done = done?;
    closed?;
    let key = if asked.down.is_some() { "takenBack" } else { "applied" };
    voice.tell(&json!({ key: done }), || match (done.is_empty(), asked.down) {
        (true, None) => "The schema is up to date.".to_owned(),
        (true, Some(_)) => "There was nothing to take back.".to_owned(),
        (false, None) => format!("Applied:\n  {}", done.join("\n  ")),
        (false, Some(_)) => format!("Taken back:\n  {}", done.join("\n  ")),
    })
}
