//! The end of the work: when nothing will happen to any milestone any more, contract and job are completed.

use database::Tx;
use kernel::HomeownerActor;
use marketplace::{JobDetail, JobId, JobStatus, OpenReview};
use serde_json::json;

use super::{ContractsService, tell, trail};
use crate::CompletionCommands;
use crate::error::Error;
use crate::model::{Contract, ContractStatus};
use crate::{rules, store};

impl CompletionCommands for ContractsService {
    fn complete_job(&self, homeowner: HomeownerActor<'_>, job: JobId) -> Result<JobDetail, Error> {
        self.db.transaction(|tx| {
            complete(tx, &homeowner, job)?;
            Ok(marketplace::owned_job(tx, job, homeowner.party)?)
        })
    }
}

fn complete(tx: &mut Tx<'_>, homeowner: &HomeownerActor<'_>, id: JobId) -> Result<(), Error> {
    let job = marketplace::owned_job(tx, id, homeowner.party)?.job;
    // The last milestone completed it: saying so again is no mistake.
    if job.status == JobStatus::Completed {
        return Ok(());
    }
    let wrong_state = marketplace::Error::JobState { state: job.status };
    let Some(found) = store::find_contract_of_job(tx.conn(), id)? else { return Err(wrong_state.into()) };
    let contract = store::lock_contract_by_id(tx.conn(), found.id)?.ok_or(Error::ContractNotFound)?;
    match contract.status {
        // Completed while this waited for the lock.
        ContractStatus::Completed => return Ok(()),
        ContractStatus::Active => {}
        ContractStatus::PendingSignatures | ContractStatus::Terminated => return Err(wrong_state.into()),
    }
    let milestones = store::list_milestones(tx.conn(), contract.id)?;
    let unfinished = rules::unfinished(milestones.iter().map(|milestone| (milestone.id, milestone.status)));
    if !unfinished.is_empty() {
        return Err(Error::MilestonesUnfinished { state: job.status.as_str(), milestones: unfinished });
    }
    finish(tx, &contract, &homeowner.request_id)
}

/// Completes a contract of which every milestone is finished, and its job, and opens the reviews. The caller holds the contract's lock.
pub(crate) fn finish(tx: &mut Tx<'_>, contract: &Contract, request_id: &str) -> Result<(), Error> {
    let now = tx.now()?;
    if !store::complete(tx.conn(), contract.id, now)? {
        return Err(Error::ContractState { state: contract.status.as_str(), allowed: Vec::new() });
    }
    let completed = json!({ "status": ContractStatus::Completed.as_str() });
    trail::contract(tx, contract.id, contract.status, completed);
    marketplace::record_completion(tx, contract.job_id)?;
    marketplace::open_review(
        tx,
        OpenReview {
            contract_id: contract.id.uuid(),
            job_id: contract.job_id,
            homeowner: contract.homeowner,
            contractor: contract.contractor,
            ended_at: now,
        },
    )?;
    tell(tx, contract, "contract.completed", request_id, json!({}));
    Ok(())
}
