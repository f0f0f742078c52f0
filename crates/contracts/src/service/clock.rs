//! Work on a milestone and its inspection: start, submit, approve, send back; and what silence does.

use database::Tx;
use kernel::{Actor, ContractorActor, HomeownerActor, Instant};
use serde_json::json;

use super::signing::Lapse;
use super::{suspension, tell, trail, views, visible};
use crate::error::Error;
use crate::model::{
    Contract, Milestone, MilestoneRef, MilestoneStatus, MilestoneStep, MilestoneView, RequestChanges, Side,
    SubmissionOutcome,
};
use crate::rules::{self, ReminderPlan};
use crate::store::{self, Advance};
use crate::tasks::{InspectionLapse, InspectionReminder};

pub(super) fn start(
    tx: &mut Tx<'_>,
    contractor: &ContractorActor<'_>,
    at: &MilestoneRef,
) -> Result<MilestoneView, Error> {
    let (contract, milestone) = ready(tx, contractor, at, Side::Contractor, MilestoneStep::Start)?;
    let now = tx.now()?;
    let started = advanced(tx, &contract, &milestone, &Advance::Start, now)?;
    if store::mark_work_started(tx.conn(), contract.id, now)? {
        marketplace::record_work_started(tx, contract.job_id)?;
    }
    tell(tx, &contract, "milestone.started", &contractor.request_id, json!({ "milestoneId": milestone.id }));
    views::milestone(tx.conn(), &contract, started, contractor.party)
}

pub(super) fn submit(
    tx: &mut Tx<'_>,
    plan: &ReminderPlan,
    contractor: &ContractorActor<'_>,
    at: &MilestoneRef,
) -> Result<MilestoneView, Error> {
    let (contract, milestone) = ready(tx, contractor, at, Side::Contractor, MilestoneStep::Submit)?;
    let now = tx.now()?;
    let number = milestone.submission.saturating_add(1);
    let ends_at = rules::inspection_ends_at(now, &contract.terms);
    // The clock of somebody who cannot look does not begin to run.
    let paused = suspension::homeowner_suspended_since(tx, &contract)?.is_some();
    let step = Advance::Submit { number, inspection_ends_at: ends_at, paused };
    let submitted = advanced(tx, &contract, &milestone, &step, now)?;
    store::insert_submission(tx.conn(), milestone.id, number, now, ends_at)?;
    suspension::schedule(tx, plan, &contract, &submitted, ends_at, now);
    let data = json!({
        "milestoneId": milestone.id,
        "submission": number,
        "inspectionEndsAt": ends_at,
        "dueDate": milestone.due_date,
    });
    tell(tx, &contract, "milestone.submitted", &contractor.request_id, data);
    views::milestone(tx.conn(), &contract, submitted, contractor.party)
}

pub(super) fn approve(
    tx: &mut Tx<'_>,
    homeowner: &HomeownerActor<'_>,
    at: &MilestoneRef,
) -> Result<MilestoneView, Error> {
    let (contract, milestone) = ready(tx, homeowner, at, Side::Homeowner, MilestoneStep::Approve)?;
    let now = tx.now()?;
    let approved =
        approved(tx, &contract, &milestone, SubmissionOutcome::Approved, &homeowner.request_id, now)?;
    views::milestone(tx.conn(), &contract, approved, homeowner.party)
}

pub(super) fn request_changes(
    tx: &mut Tx<'_>,
    homeowner: &HomeownerActor<'_>,
    command: &RequestChanges,
) -> Result<MilestoneView, Error> {
    let (contract, milestone) =
        ready(tx, homeowner, &command.milestone, Side::Homeowner, MilestoneStep::RequestChanges)?;
    let now = tx.now()?;
    // The task that approves may be late; what the clock says counts.
    let running = milestone.inspection_ends_at.filter(|_| milestone.inspection_paused_at.is_none());
    if running.is_some_and(|ends_at| now >= ends_at) {
        return Err(Error::InspectionOver);
    }
    let sent_back = advanced(tx, &contract, &milestone, &Advance::RequestChanges, now)?;
    let outcome = SubmissionOutcome::ChangesRequested;
    let reason = command.reason.as_str();
    store::record_outcome(tx.conn(), milestone.id, milestone.submission, outcome, Some(reason), now)?;
    let data = json!({ "milestoneId": milestone.id, "submission": milestone.submission });
    tell(tx, &contract, "milestone.changes_requested", &homeowner.request_id, data);
    views::milestone(tx.conn(), &contract, sent_back, homeowner.party)
}

/// Approves a submission that the homeowner said nothing about in time. Does nothing when it was decided, or when there is a newer
/// one: that has a clock of its own. While the homeowner is suspended the clock stands still; when it goes on another task is set.
pub(crate) fn approve_by_silence(
    tx: &mut Tx<'_>,
    task: &InspectionLapse,
    request_id: &str,
) -> Result<Lapse, Error> {
    let contract = store::find_contract_by_id(tx.conn(), task.contract_id)?.ok_or(Error::ContractNotFound)?;
    let milestone = store::lock_milestone(tx.conn(), task.contract_id, task.milestone_id)?
        .ok_or(Error::MilestoneNotFound)?;
    let Some(ends_at) = under_inspection(&milestone, task.submission) else {
        return Ok(Lapse::Settled);
    };
    let now = tx.now()?;
    if now < ends_at {
        return Ok(Lapse::NotBefore(ends_at));
    }
    // The suspension may be so new that nobody has heard of it here.
    if let Some(since) =
        suspension::homeowner_suspended_since(tx, &contract)?.filter(|since| *since < ends_at)
    {
        suspension::pause(tx, &contract, &milestone, since)?;
        return Ok(Lapse::Settled);
    }
    approved(tx, &contract, &milestone, SubmissionOutcome::ApprovedBySilence, request_id, now)?;
    Ok(Lapse::Settled)
}

/// Reminds the homeowner of a submission, unless it was decided, there is a newer one, or its clock stands still.
pub(crate) fn remind(
    tx: &mut Tx<'_>,
    plan: &ReminderPlan,
    task: &InspectionReminder,
    request_id: &str,
) -> Result<(), Error> {
    let contract = store::find_contract_by_id(tx.conn(), task.contract_id)?.ok_or(Error::ContractNotFound)?;
    let milestone = store::lock_milestone(tx.conn(), task.contract_id, task.milestone_id)?
        .ok_or(Error::MilestoneNotFound)?;
    let now = tx.now()?;
    // A reminder that comes so late that the inspection is over would be wrong, and so would one from before the end was moved.
    let due = |ends_at: &Instant| {
        now < *ends_at && rules::is_reminder(task.remind_at, *ends_at, &contract.terms, plan)
    };
    if let Some(ends_at) = under_inspection(&milestone, task.submission).filter(due) {
        let data = json!({
            "milestoneId": milestone.id,
            "submission": milestone.submission,
            "inspectionEndsAt": ends_at,
        });
        tell(tx, &contract, "milestone.inspection_reminder", request_id, data);
    }
    Ok(())
}

/// When the clock of this submission ends, if it is running.
fn under_inspection(milestone: &Milestone, submission: i32) -> Option<Instant> {
    let current = milestone.status == MilestoneStatus::Submitted && milestone.submission == submission;
    milestone.inspection_ends_at.filter(|_| current && milestone.inspection_paused_at.is_none())
}

fn approved(
    tx: &mut Tx<'_>,
    contract: &Contract,
    milestone: &Milestone,
    outcome: SubmissionOutcome,
    request_id: &str,
    now: Instant,
) -> Result<Milestone, Error> {
    let approved = advanced(tx, contract, milestone, &Advance::Approve, now)?;
    store::record_outcome(tx.conn(), milestone.id, milestone.submission, outcome, None, now)?;
    let data = json!({
        "milestoneId": milestone.id,
        "submission": milestone.submission,
        "bySilence": outcome == SubmissionOutcome::ApprovedBySilence,
        "amount": milestone.amount,
        "currency": contract.price.currency().code(),
    });
    tell(tx, contract, "milestone.approved", request_id, data);
    Ok(approved)
}

/// The contract and its locked milestone, if this actor stands on the right side of it and the step can be taken. Only the milestone
/// is locked: the states from which these steps start exist in active contracts only.
fn ready(
    tx: &mut Tx<'_>,
    actor: &Actor,
    at: &MilestoneRef,
    side: Side,
    step: MilestoneStep,
) -> Result<(Contract, Milestone), Error> {
    let contract = visible(tx.conn(), actor, at.contract)?;
    if contract.side(actor.party) != side {
        return Err(Error::WrongParty(match side {
            Side::Homeowner => "the homeowner",
            Side::Contractor => "the contractor",
            Side::Observer => "an administrator",
        }));
    }
    let milestone =
        store::lock_milestone(tx.conn(), contract.id, at.milestone)?.ok_or(Error::MilestoneNotFound)?;
    if at.if_version.is_some_and(|version| version != milestone.version) {
        return Err(Error::Stale);
    }
    if milestone.status.after(step).is_none() {
        return Err(wrong_state(&contract, &milestone, side));
    }
    Ok((contract, milestone))
}

fn advanced(
    tx: &mut Tx<'_>,
    contract: &Contract,
    milestone: &Milestone,
    step: &Advance,
    now: Instant,
) -> Result<Milestone, Error> {
    let taken = store::advance(tx.conn(), contract.id, milestone.id, step, now)?;
    let taken = taken.ok_or_else(|| wrong_state(contract, milestone, Side::Observer))?;
    trail::milestone(tx, milestone.id, milestone.status, taken.status);
    Ok(taken)
}

fn wrong_state(contract: &Contract, milestone: &Milestone, side: Side) -> Error {
    let allowed = rules::milestone_actions(contract.status, milestone.status, side);
    Error::MilestoneState { state: milestone.status.as_str(), allowed }
}
