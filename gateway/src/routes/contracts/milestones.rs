//! `/api/contracts/{contractId}/milestones`: what a contract's work and price are divided into, and how each part comes along.

use contracts::{ContractId, MilestoneId, MilestoneRef};
use platform::Commands;
use serde_json::json;

use super::requests::{
    MilestoneChange, MilestoneDecision, MilestoneNew, MilestoneOutcome, MilestonePatch, MilestoneVerdict,
};
use super::views::{MilestoneView, version};
use crate::{
    Body, Context, Homeowner, Operation, OptionalBody, Paging, Path, PathPair, Problem, Reply, SignedIn, Who,
    error,
};

/// The milestones of a contract.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let wrong_party =
        error(403, "wrong_party", "The caller sees the contract, and this is another party's to do.");
    let signing_over =
        error(409, "signing_period_over", "Seven days have passed; the contract is about to end.");
    vec![
        Operation::get("/api/contracts/{contractId}/milestones")
            .summary("List the milestones of a contract")
            .description("In their order. Their amounts always sum to the contract's price.")
            .by(Who::SignedIn)
            .lists::<MilestoneView>("Milestones, in their order.", MilestoneView::example())
            .to(list_milestones),
        Operation::post("/api/contracts/{contractId}/milestones")
            .summary("Add a milestone")
            .description("Only while signatures are missing. Its amount is carved from another milestone, by default the last, which must keep more than nothing: the sum stays the contract's price. Signatures that were given are voided, for the text changes. `If-Match` takes the `ETag` of the contract.")
            .by(Who::SignedIn)
            .body::<MilestoneNew>(MilestoneNew::example())
            .if_match()
            .answers::<MilestoneView>(201, "The milestone.", MilestoneView::example())
            .errors(&[
                wrong_party.clone(),
                signing_over.clone(),
                error(409, "contract_state", "Both have signed, or the contract has ended.").in_state("ACTIVE", &[]),
                error(409, "too_many_milestones", "The contract has as many milestones as one may have."),
            ])
            .to(add_milestone),
        Operation::patch("/api/contracts/{contractId}/milestones/{milestoneId}")
            .summary("Change, start or submit a milestone")
            .description("While signatures are missing either party may change what a milestone says; that changes the text and voids the signatures given. Later the contractor says with `action` that work on it starts, or that it is done: submitting starts the inspection. `If-Match` takes the `ETag` of an earlier answer about this milestone, or `\"<version>.\"` with its `version`.")
            .by(Who::SignedIn)
            .body::<MilestonePatch>(json!({ "title": "Roof and gutters", "dueDate": "2027-04-15" }))
            .if_match()
            .answers::<MilestoneView>(200, "The milestone as it is now.", MilestoneView::example())
            .errors(&[
                wrong_party,
                signing_over,
                error(409, "milestone_state", "Its state does not allow this.").in_state("FUNDED", &["start"]),
            ])
            .to(change_milestone),
        Operation::patch("/api/contracts/{contractId}/milestones/{milestoneId}/complete")
            .summary("Approve a milestone, or ask for changes")
            .description("Without a body it approves. Approving moves no money: either party may release an approved milestone, and 24 hours later the service does. A request for changes stops the inspection; a new submission starts another.")
            .by(Who::Homeowner)
            .optional_body::<MilestoneDecision>(MilestoneDecision {
                action: MilestoneVerdict::RequestChanges,
                reason: Some("The gutter leaks.".to_owned()),
            })
            .if_match()
            .answers::<MilestoneView>(200, "The milestone as it is now.", MilestoneView::example())
            .errors(&[
                error(409, "milestone_state", "It is not submitted.").in_state("IN_PROGRESS", &[]),
                error(409, "inspection_over", "Changes were asked for when silence had approved it."),
            ])
            .to(complete_milestone),
    ]
}

async fn list_milestones(
    context: Context,
    actor: SignedIn,
    contract: Path<ContractId>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let page = context
        .read(move |queries| queries.contracts.list_milestones(&actor, *contract, limit, after))
        .await?;
    Ok(paging.reply(page, MilestoneView::from))
}

async fn add_milestone(
    context: Context,
    actor: SignedIn,
    contract: Path<ContractId>,
    body: Body<MilestoneNew>,
) -> Result<Reply, Problem> {
    let command = body.into_inner().command(*contract, version(context.expected_version()?))?;
    context
        .command(
            move |commands| commands.contracts.add_milestone(&actor, &command),
            |added| {
                let milestone = &added.milestone;
                let location =
                    format!("/api/contracts/{}/milestones/{}", milestone.contract_id, milestone.id);
                let version = milestone.version;
                Reply::created(location, &MilestoneView::from(added)).version(version)
            },
        )
        .await
}

async fn change_milestone(
    context: Context,
    actor: SignedIn,
    ids: PathPair<ContractId, MilestoneId>,
    body: Body<MilestonePatch>,
) -> Result<Reply, Problem> {
    let change = body.into_inner().change(named(&context, ids)?)?;
    let work = move |commands: &Commands| match &change {
        MilestoneChange::Edit(edit) => commands.contracts.edit_milestone(&actor, edit),
        MilestoneChange::Start(at) => commands.contracts.start_milestone(actor.contractor()?, at),
        MilestoneChange::Submit(at) => commands.contracts.submit_milestone(actor.contractor()?, at),
    };
    context.command(work, changed).await
}

async fn complete_milestone(
    context: Context,
    actor: Homeowner,
    ids: PathPair<ContractId, MilestoneId>,
    body: OptionalBody<MilestoneDecision>,
) -> Result<Reply, Problem> {
    let outcome = body.0.unwrap_or_default().outcome(named(&context, ids)?)?;
    let work = move |commands: &Commands| match &outcome {
        MilestoneOutcome::Approve(at) => commands.contracts.approve_milestone(actor.view(), at),
        MilestoneOutcome::RequestChanges(request) => {
            commands.contracts.request_changes(actor.view(), request)
        }
    };
    context.command(work, changed).await
}

fn named(context: &Context, ids: PathPair<ContractId, MilestoneId>) -> Result<MilestoneRef, Problem> {
    let if_version = version(context.expected_version()?);
    Ok(MilestoneRef { contract: ids.0, milestone: ids.1, if_version })
}

fn changed(milestone: contracts::MilestoneView) -> Reply {
    let version = milestone.milestone.version;
    Reply::ok(&MilestoneView::from(milestone)).version(version)
}
