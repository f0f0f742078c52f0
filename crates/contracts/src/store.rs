//! The only SQL of this crate: plain functions over a connection, without decisions. Finders for people are scoped to the
//! party that asks; updates are guarded by the states they may start from.

mod contracts;
mod documents;
mod milestones;
pub(crate) mod personal;
mod release;
mod submissions;

pub(crate) use contracts::{
    NewContract, activate, complete, count_by_status, find_contract, find_contract_by_id,
    find_contract_of_job, find_contracts_by_id, find_particulars, flag_running, insert_contract, list_all_of,
    list_contracts, lock_contract, lock_contract_by_id, mark_work_started, open_contracts_of, replace_text,
    terminate, touch_contract,
};
pub(crate) use documents::{
    NewDocument, NewSignature, find_document, find_document_hash, insert_document, insert_signature,
    live_signatures, void_signatures,
};
pub(crate) use milestones::{
    Advance, Changes, NewMilestone, advance, cancel_pending, edit_milestone, find_milestone, fund,
    insert_milestones, list_milestones, list_milestones_of, lock_all, lock_in_state, lock_milestone,
    page_of_milestones, pause_inspection, resume_inspection, set_amount,
};
pub(crate) use release::release;
pub(crate) use submissions::{change_requests, insert_submission, record_outcome};

use kernel::{PartyId, Role};

/// Whose contracts a finder may see.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// Those of one party.
    Party(PartyId),
    /// All: for administrators and the service itself.
    All,
}

impl Scope {
    /// What this actor may see.
    pub(crate) fn of(actor: &kernel::Actor) -> Self {
        match actor.role {
            Role::Admin => Self::All,
            Role::Homeowner | Role::Contractor => Self::Party(actor.party),
        }
    }
}
