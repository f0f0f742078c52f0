//! Writing into the trail: what one transaction did gathers in its buffer and becomes one row, as the last statement before COMMIT.

use std::rc::Rc;

use database::{Db, Error, Tx};
use kernel::{Instant, PersonId, Role, SessionId};
use serde_json::Value;

use crate::ambient::{self, Context};
use crate::model::{Change, Object, Outcome, Who};
use crate::store::{self, NewEntry};

/// What one transaction has to say for itself.
#[derive(Default)]
struct Pending {
    changes: Vec<Change>,
    /// Who it turned out to be.
    who: Option<Who>,
    sealed_until: Option<Instant>,
    /// There has to be a row, whatever was written.
    wanted: bool,
    /// What was written is no deed of the caller.
    withheld: bool,
}

/// Says what became of a thing: ids, states, versions and amounts; never secrets, and nothing by which a person can be told, because
/// the row stays for ever. `before` is null for what is new, `after` for what is gone.
pub fn changed(tx: &mut Tx<'_>, object: Object, before: Value, after: Value) {
    pending(tx).changes.push(Change { object, before, after });
}

/// Has this transaction leave a row, also when nothing that is kept elsewhere was written.
pub fn record(tx: &mut Tx<'_>) {
    pending(tx).wanted = true;
}

/// Says who the caller turned out to be, for calls that begin without a session and end with one.
pub fn identified(tx: &mut Tx<'_>, person: PersonId, role: Role, session: SessionId) {
    pending(tx).who = Some(Who::person(person, role, session));
}

/// Shows this transaction's row to nobody before that instant: whoever must not know of a fact yet must not read it here.
pub fn seal_until(tx: &mut Tx<'_>, instant: Instant) {
    let sealed = &mut pending(tx).sealed_until;
    *sealed = (*sealed).max(Some(instant));
}

/// Says that this transaction is no deed of the caller although it writes, such as the counting of a failed attempt: it leaves a row
/// only when something was [`changed`].
pub fn withhold(tx: &mut Tx<'_>) {
    pending(tx).withheld = true;
}

/// Writes down that a call was refused, in a transaction of its own. `times` is for how many refusals the row stands.
///
/// # Errors
/// [`Error`] when the database fails.
pub fn refuse(db: &Db, context: &Context, refusal: &str, times: u32) -> Result<(), Error> {
    let who = context.who;
    let entry = entry(context, who, Outcome::Refused, &[]);
    let entry = NewEntry { refusal: Some(refusal.to_owned()), times, ..entry };
    // One statement is its own transaction.
    db.read(|conn| store::append(conn, entry.clone()))?;
    Ok(())
}

/// What each transaction of a command begins with.
pub(crate) fn enrol(tx: &mut Tx<'_>) {
    pending(tx);
}

fn pending<'a>(tx: &'a mut Tx<'_>) -> &'a mut Pending {
    tx.closing_buffer(flush)
}

fn flush(tx: &mut Tx<'_>, pending: Pending) -> Result<(), Error> {
    let ambient = ambient::current();
    let told = pending.wanted || !pending.changes.is_empty();
    if !told && (pending.withheld || ambient.written.get()) {
        return Ok(());
    }
    let context = &ambient.context;
    let who = pending.who.unwrap_or(context.who);
    let entry = NewEntry {
        sealed_until: pending.sealed_until,
        only_if_written: !told,
        ..entry(context, who, Outcome::Done, &pending.changes)
    };
    if store::append(tx.conn(), entry)? {
        let ambient = Rc::clone(&ambient);
        tx.after_commit(move || ambient.written.set(true));
    }
    Ok(())
}

fn entry(context: &Context, who: Who, outcome: Outcome, changes: &[Change]) -> NewEntry {
    let mut objects: Vec<&Object> = Vec::new();
    for object in context.about.iter().chain(changes.iter().map(|change| &change.object)) {
        if !objects.iter().any(|known| known.uuid == object.uuid && known.kind == object.kind) {
            objects.push(object);
        }
    }
    NewEntry {
        who,
        action: context.action.clone().into_owned(),
        outcome,
        refusal: None,
        times: 1,
        objects: objects.iter().map(|object| object.as_text()).collect(),
        object_ids: objects.iter().map(|object| object.uuid).collect(),
        changes: serde_json::to_value(changes).unwrap_or(Value::Array(Vec::new())),
        address_key: context.address.map(|key| key.0.to_vec()),
        request_id: context.request_id.clone(),
        sealed_until: None,
        only_if_written: false,
    }
}
