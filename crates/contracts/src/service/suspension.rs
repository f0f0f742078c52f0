//! What becomes of contracts while one of their parties is suspended: the other one is told, and a homeowner's inspection clock stands
//! still. Work and money go on.

use database::Tx;
use kernel::{Instant, PartyId, PersonId};
use serde_json::json;

use super::tell;
use crate::error::Error;
use crate::model::{Contract, Milestone, MilestoneStatus};
use crate::rules::{self, ReminderPlan};
use crate::store;
use crate::tasks::{InspectionLapse, InspectionReminder};

/// Hears that a party was suspended at this instant.
pub(super) fn began(tx: &mut Tx<'_>, party: PartyId, since: Instant, request_id: &str) -> Result<(), Error> {
    for contract in store::open_contracts_of(tx.conn(), party)? {
        tell(tx, &contract, "contract.party_suspended", request_id, json!({ "partyId": party }));
        if contract.homeowner == party {
            for milestone in inspected(tx, &contract)? {
                pause(tx, &contract, &milestone, since)?;
            }
        }
    }
    Ok(())
}

/// Hears that a party was reinstated at this instant.
pub(super) fn ended(
    tx: &mut Tx<'_>,
    plan: &ReminderPlan,
    party: PartyId,
    at: Instant,
    request_id: &str,
) -> Result<(), Error> {
    for contract in store::open_contracts_of(tx.conn(), party)? {
        tell(tx, &contract, "contract.party_reinstated", request_id, json!({ "partyId": party }));
        if contract.homeowner == party {
            for milestone in inspected(tx, &contract)? {
                resume(tx, plan, &contract, &milestone, at)?;
            }
        }
    }
    Ok(())
}

/// Stops the clock of a submission at the instant at which the homeowner was suspended, or with which it began after that. Does nothing
/// when it stands still or is over.
pub(super) fn pause(
    tx: &mut Tx<'_>,
    contract: &Contract,
    milestone: &Milestone,
    since: Instant,
) -> Result<(), Error> {
    let Some(ends_at) = milestone.inspection_ends_at else { return Ok(()) };
    if milestone.inspection_paused_at.is_none() && since < ends_at {
        let paused_at = since.max(rules::inspection_began_at(ends_at, &contract.terms));
        let now = tx.now()?;
        store::pause_inspection(tx.conn(), milestone.id, paused_at, now)?;
    }
    Ok(())
}

/// Since when this contract's homeowner is suspended.
pub(super) fn homeowner_suspended_since(
    tx: &mut Tx<'_>,
    contract: &Contract,
) -> Result<Option<Instant>, Error> {
    Ok(identity::suspended_since(tx.conn(), PersonId::from(contract.homeowner.uuid()))?)
}

/// The clock goes on with the time that was left, and reminds anew.
fn resume(
    tx: &mut Tx<'_>,
    plan: &ReminderPlan,
    contract: &Contract,
    milestone: &Milestone,
    at: Instant,
) -> Result<(), Error> {
    let (Some(ended_at), Some(paused_at)) = (milestone.inspection_ends_at, milestone.inspection_paused_at)
    else {
        return Ok(());
    };
    let ends_at = rules::resumed_inspection_ends_at(ended_at, paused_at, at);
    let now = tx.now()?;
    store::resume_inspection(tx.conn(), milestone, ends_at, now)?;
    schedule(tx, plan, contract, milestone, ends_at, now);
    Ok(())
}

/// Has the submission approved at its end unless it is decided before, and the homeowner reminded until then.
pub(super) fn schedule(
    tx: &mut Tx<'_>,
    plan: &ReminderPlan,
    contract: &Contract,
    milestone: &Milestone,
    ends_at: Instant,
    now: Instant,
) {
    let submission = milestone.submission;
    let lapse = InspectionLapse { contract_id: contract.id, milestone_id: milestone.id, submission };
    outbox::enqueue_at(tx, &lapse, ends_at);
    let began_at = rules::inspection_began_at(ends_at, &contract.terms);
    for remind_at in rules::reminders(began_at, ends_at, plan) {
        if remind_at > now {
            let reminder = InspectionReminder {
                contract_id: contract.id,
                milestone_id: milestone.id,
                submission,
                remind_at,
            };
            outbox::enqueue_at(tx, &reminder, remind_at);
        }
    }
}

fn inspected(tx: &mut Tx<'_>, contract: &Contract) -> Result<Vec<Milestone>, Error> {
    let milestones = store::lock_in_state(tx.conn(), contract.id, MilestoneStatus::Submitted)?;
    Ok(milestones)
}
