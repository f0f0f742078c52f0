//! What the audit trail is told of contracts and milestones: states, versions and amounts.

use audit::Object;
use database::Tx;
use serde_json::{Value, json};

use crate::model::{Contract, ContractId, ContractStatus, Milestone, MilestoneId, MilestoneStatus};

/// A contract that was just made.
pub(super) fn made(tx: &mut Tx<'_>, contract: &Contract) {
    let is = json!({
        "status": contract.status.as_str(),
        "version": contract.version,
        "jobId": contract.job_id,
        "amount": contract.price.minor(),
        "currency": contract.price.currency().code(),
    });
    audit::changed(tx, Object::new("contract", contract.id), Value::Null, is);
}

/// A contract went from one state to another, or was signed and stayed.
pub(crate) fn contract(tx: &mut Tx<'_>, id: ContractId, before: ContractStatus, after: Value) {
    audit::changed(tx, Object::new("contract", id), json!({ "status": before.as_str() }), after);
}

/// A milestone went from one state to another.
pub(crate) fn milestone(tx: &mut Tx<'_>, id: MilestoneId, before: MilestoneStatus, after: MilestoneStatus) {
    let state = |status: MilestoneStatus| json!({ "status": status.as_str() });
    audit::changed(tx, Object::new("milestone", id), state(before), state(after));
}

/// A milestone's words, days or amount are others now; none before for one that is new.
pub(super) fn edited(tx: &mut Tx<'_>, before: Option<&Milestone>, after: &Milestone) {
    let state = |milestone: &Milestone| json!({ "version": milestone.version, "amount": milestone.amount });
    let was = before.map_or(Value::Null, state);
    audit::changed(tx, Object::new("milestone", after.id), was, state(after));
}
