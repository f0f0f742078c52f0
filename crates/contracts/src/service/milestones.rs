//! Changing milestones while nobody is bound by them yet. Each change makes another text, and voids what was signed.

use chrono::NaiveDate;
use database::Tx;
use kernel::{Actor, Fault, Faults};
use serde_json::Value;

use super::signing::{open_for_changes, unchanged};
use super::{ContractsService, locked, text, trail, views};
use crate::error::Error;
use crate::model::{
    AddMilestone, Contract, Deliverables, Description, EditMilestone, Milestone, MilestoneId, MilestonePatch,
    MilestoneView, Title, WorkDays,
};
use crate::rules::{self, CarveRefused};
use crate::store::{self, Changes, NewMilestone};

pub(super) fn add(
    tx: &mut Tx<'_>,
    service: &ContractsService,
    actor: &Actor,
    command: &AddMilestone,
) -> Result<MilestoneView, Error> {
    let contract = locked(tx, actor, command.contract)?;
    let now = open_for_changes(tx, &contract, actor)?;
    unchanged(&contract, command.if_version)?;
    let existing: Vec<_> =
        store::list_milestones(tx.conn(), contract.id)?.iter().map(Milestone::facts).collect();
    let most = service.settings.milestones_max;
    if existing.len() >= usize::from(most) {
        return Err(Error::TooManyMilestones(most));
    }
    let carved = rules::carve(&existing, command.from, command.amount.minor()).map_err(refused)?;
    store::set_amount(tx.conn(), carved.from, carved.keeps, now)?;
    let new = NewMilestone {
        id: MilestoneId::new(),
        contract: contract.id,
        ordinal: carved.ordinal,
        title: command.title.as_str().to_owned(),
        description: command.description.as_ref().map(|text| text.as_str().to_owned()),
        deliverables: command.deliverables.as_slice().to_vec(),
        amount: command.amount.minor(),
        start_date: command.days.start(),
        due_date: command.days.due(),
        created_at: now,
    };
    let added = store::insert_milestones(tx.conn(), &[new])?.pop().ok_or(Error::MilestoneNotFound)?;
    trail::edited(tx, None, &added);
    let contract = text::rewrite(tx, &service.vault, &contract, now)?;
    views::milestone(tx.conn(), &contract, added, actor.party)
}

fn refused(why: CarveRefused) -> Error {
    let mut faults = Faults::none();
    match why {
        CarveRefused::NoSuchMilestone => {
            faults.push("/fromMilestoneId", "not_found", "the contract has no such milestone");
        }
        CarveRefused::NothingLeft { most } => {
            let message =
                format!("must leave something of the milestone that it is taken from: at most {most}");
            faults.push("/targetAmount", "out_of_range", message);
        }
    }
    Error::Invalid(faults)
}

pub(super) fn edit(
    tx: &mut Tx<'_>,
    service: &ContractsService,
    actor: &Actor,
    command: &EditMilestone,
) -> Result<MilestoneView, Error> {
    let contract = locked(tx, actor, command.milestone.contract)?;
    let milestone = store::find_milestone(tx.conn(), contract.id, command.milestone.milestone)?
        .ok_or(Error::MilestoneNotFound)?;
    let now = open_for_milestone(tx, &contract, &milestone, actor)?;
    if command.milestone.if_version.is_some_and(|version| version != milestone.version) {
        return Err(Error::Stale);
    }
    let changes = changes(&milestone, &command.patch)?;
    // What would leave every word as it was leaves the signatures alone, too.
    let Some(changes) = changes else {
        return views::milestone(tx.conn(), &contract, milestone, actor.party);
    };
    let edited = store::edit_milestone(tx.conn(), milestone.id, &changes, now)?;
    trail::edited(tx, Some(&milestone), &edited);
    let contract = text::rewrite(tx, &service.vault, &contract, now)?;
    views::milestone(tx.conn(), &contract, edited, actor.party)
}

/// As [`open_for_changes`], but what is in the wrong state is the milestone that somebody wants to edit.
fn open_for_milestone(
    tx: &mut Tx<'_>,
    contract: &Contract,
    milestone: &Milestone,
    actor: &Actor,
) -> Result<kernel::Instant, Error> {
    open_for_changes(tx, contract, actor).map_err(|error| match error {
        Error::ContractState { .. } => Error::MilestoneState {
            state: milestone.status.as_str(),
            allowed: rules::milestone_actions(contract.status, milestone.status, contract.side(actor.party)),
        },
        other => other,
    })
}

/// Each day was found plausible by itself; whether they are in order shows here. The fault lies with the day that was sent.
fn in_order(patch: &MilestonePatch, start: Option<NaiveDate>, due: NaiveDate) -> Result<(), Faults> {
    match WorkDays::new(start, due) {
        Err(_) if patch.start_date.is_none() => {
            let message = "must not lie before the day on which work starts";
            Err(Fault::new("/dueDate", "before_start_date", message).into())
        }
        other => other.map(|_| ()),
    }
}

/// What of a patch differs from what is there; none when nothing does.
fn changes(milestone: &Milestone, patch: &MilestonePatch) -> Result<Option<Changes>, Error> {
    let title = patch.title.as_ref().map(Title::as_str).unwrap_or(&milestone.title);
    let description = match &patch.description {
        Some(given) => given.as_ref().map(Description::as_str),
        None => milestone.description.as_deref(),
    };
    let deliverables =
        patch.deliverables.as_ref().map(Deliverables::as_slice).unwrap_or(milestone.deliverables.as_slice());
    let start_date = patch.start_date.unwrap_or(milestone.start_date);
    let due_date = patch.due_date.unwrap_or(milestone.due_date);
    in_order(patch, start_date, due_date)?;
    let same = title == milestone.title
        && description == milestone.description.as_deref()
        && deliverables == milestone.deliverables
        && start_date == milestone.start_date
        && due_date == milestone.due_date;
    Ok((!same).then(|| Changes {
        title: Some(title.to_owned()),
        description: Some(description.map(str::to_owned)),
        deliverables: Some(Value::from(deliverables.to_vec())),
        start_date: Some(start_date),
        due_date: Some(due_date),
    }))
}
