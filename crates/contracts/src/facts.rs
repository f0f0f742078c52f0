//! What the crates above ask of contracts and write into them, within their own transaction. The caller has authorised; the
//! invariants are checked here.

use std::collections::HashMap;

use database::{PgConnection, Tx};
use marketplace::JobId;

use crate::error::Error;
use crate::model::{
    Contract, ContractFacts, ContractId, ContractStatus, MilestoneFacts, MilestoneId, MilestoneStatus,
    ReleasedHow, Side,
};
use crate::service::trail;
use crate::{rules, service, store};

/// A contract's facts.
///
/// # Errors
/// [`database::Error`].
pub fn facts(conn: &mut PgConnection, id: ContractId) -> Result<Option<ContractFacts>, database::Error> {
    Ok(store::find_contract_by_id(conn, id)?.as_ref().map(of))
}

/// The facts of the contract that a job was awarded under.
///
/// # Errors
/// [`database::Error`].
pub fn facts_of_job(conn: &mut PgConnection, job: JobId) -> Result<Option<ContractFacts>, database::Error> {
    Ok(store::find_contract_of_job(conn, job)?.as_ref().map(of))
}

/// The facts of several contracts; those that are not there are left out.
///
/// # Errors
/// [`database::Error`].
pub fn facts_of_all(
    conn: &mut PgConnection,
    ids: &[ContractId],
) -> Result<HashMap<ContractId, ContractFacts>, database::Error> {
    Ok(store::find_contracts_by_id(conn, ids)?.iter().map(|contract| (contract.id, of(contract))).collect())
}

/// The milestones of several contracts, those of each in their order.
///
/// # Errors
/// [`database::Error`].
pub fn milestones_of_all(
    conn: &mut PgConnection,
    ids: &[ContractId],
) -> Result<HashMap<ContractId, Vec<MilestoneFacts>>, database::Error> {
    let mut found: HashMap<ContractId, Vec<MilestoneFacts>> = HashMap::new();
    for milestone in store::list_milestones_of(conn, ids)? {
        found.entry(milestone.contract_id).or_default().push(milestone.facts());
    }
    Ok(found)
}

fn of(contract: &Contract) -> ContractFacts {
    ContractFacts {
        id: contract.id,
        job_id: contract.job_id,
        homeowner: contract.homeowner,
        contractor: contract.contractor,
        price: contract.price,
        status: contract.status,
        terms: contract.terms,
    }
}

/// Locks all milestones of a contract, in the order of their ids and without waiting.
///
/// # Errors
/// [`database::Error::LockNotAvailable`] when somebody else holds one of them.
pub fn lock_milestones(
    tx: &mut Tx<'_>,
    contract: ContractId,
) -> Result<Vec<MilestoneFacts>, database::Error> {
    store::lock_all(tx.conn(), contract)
}

/// Notes that these milestones' amounts are held.
///
/// # Errors
/// [`Error::MilestoneState`] unless every one of them is a PENDING milestone of this contract, [`Error::ContractState`] unless the
/// contract is ACTIVE.
pub fn record_funded(tx: &mut Tx<'_>, contract: ContractId, milestones: &[MilestoneId]) -> Result<(), Error> {
    let found = store::find_contract_by_id(tx.conn(), contract)?.ok_or(Error::ContractNotFound)?;
    if found.status != ContractStatus::Active {
        return Err(Error::ContractState { state: found.status.as_str(), allowed: Vec::new() });
    }
    let now = tx.now()?;
    let funded = store::fund(tx.conn(), contract, milestones, now)?;
    for id in &funded {
        trail::milestone(tx, *id, MilestoneStatus::Pending, MilestoneStatus::Funded);
    }
    match milestones.iter().find(|id| !funded.contains(id)) {
        None => Ok(()),
        Some(other) => Err(refused(tx, &found, *other, Side::Homeowner)),
    }
}

/// Notes that all of a milestone's money went to the contractor. The last one completes the contract and the job and opens
/// the reviews. The caller holds the locks of [`lock_milestones`], so that of two last ones one sees the other.
///
/// # Errors
/// [`Error::MilestoneState`] unless it is APPROVED, [`Error::MilestoneNotFound`] unless it is one of this contract.
pub fn record_released(
    tx: &mut Tx<'_>,
    contract: ContractId,
    milestone: MilestoneId,
    how: ReleasedHow,
    request_id: &str,
) -> Result<(), Error> {
    let by = match how {
        ReleasedHow::ByParty(party) => Some(party),
        ReleasedHow::ByService => None,
    };
    let released = store::release(tx.conn(), contract, milestone, by)?;
    if !released.done {
        let found = store::find_contract_by_id(tx.conn(), contract)?.ok_or(Error::ContractNotFound)?;
        return Err(refused(tx, &found, milestone, Side::Observer));
    }
    trail::milestone(tx, milestone, MilestoneStatus::Approved, MilestoneStatus::Released);
    if released.unfinished > 0 {
        return Ok(());
    }
    let finished = store::lock_contract_by_id(tx.conn(), contract)?.ok_or(Error::ContractNotFound)?;
    service::completion::finish(tx, &finished, request_id)
}

/// Why a step of this milestone was refused.
fn refused(tx: &mut Tx<'_>, contract: &Contract, id: MilestoneId, side: Side) -> Error {
    match store::find_milestone(tx.conn(), contract.id, id) {
        Ok(Some(milestone)) => Error::MilestoneState {
            state: milestone.status.as_str(),
            allowed: rules::milestone_actions(contract.status, milestone.status, side),
        },
        Ok(None) => Error::MilestoneNotFound,
        Err(error) => error.into(),
    }
}
