//! What the audit trail is told of people and their papers: states and versions, never a name, an address or a number of a paper.

use audit::Object;
use database::Tx;
use kernel::PersonId;
use serde_json::{Value, json};

use crate::model::{Person, VerificationId, VerificationState};

/// An account was made.
pub(super) fn registered(tx: &mut Tx<'_>, person: &Person) {
    let is = json!({ "role": person.role.as_str(), "emailVerified": person.email_verified_at.is_some() });
    audit::changed(tx, Object::new("person", person.id), Value::Null, is);
}

/// Something about an account that is no secret: `after` names it.
pub(super) fn person(tx: &mut Tx<'_>, id: PersonId, before: Value, after: Value) {
    audit::changed(tx, Object::new("person", id), before, after);
}

/// A verification went from one state to another; none before for one that was handed in.
pub(super) fn verification(
    tx: &mut Tx<'_>,
    id: VerificationId,
    before: Option<VerificationState>,
    after: VerificationState,
) {
    let state = |state: VerificationState| json!({ "state": state.as_str() });
    audit::changed(tx, Object::new("verification", id), before.map_or(Value::Null, state), state(after));
}
