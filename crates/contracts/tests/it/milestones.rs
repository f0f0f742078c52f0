use contracts::{
    AddMilestone, ContractsCommands, ContractsQueries, Deliverables, Description, EditMilestone, Error,
    MilestonePatch, MilestoneRef, Title,
};
use kernel::{Classify, ErrorKind, Limit, Role};

use crate::stage::{Stage, add, at};

fn title(text: &str) -> Title {
    Title::new(text).unwrap()
}

#[test]
fn a_new_milestone_is_carved_from_the_last_or_from_the_one_that_is_named() {
    let stage = Stage::new();
    let id = stage.unsigned(&[600, 400]).contract.id;
    let first = stage.milestone(id, 0);
    let command = add(id, "Gutters", 150, first.due_date);
    let added = stage.contracts.add_milestone(&stage.homeowner, &command).unwrap();
    assert_eq!((added.milestone.ordinal, added.milestone.amount), (3, 150));

    let command = AddMilestone { from: Some(first.id), ..add(id, "Scaffold", 599, first.due_date) };
    stage.contracts.add_milestone(&stage.contractor, &command).unwrap();

    let amounts: Vec<i64> = stage.milestones(id).iter().map(|milestone| milestone.amount).collect();
    assert_eq!(amounts, [1, 250, 150, 599]);
}

#[test]
fn what_is_left_must_be_more_than_nothing() {
    let stage = Stage::new();
    let id = stage.unsigned(&[600, 400]).contract.id;
    let due = stage.milestone(id, 0).due_date;
    let command = add(id, "Gutters", 400, due);
    let error = stage.contracts.add_milestone(&stage.homeowner, &command).unwrap_err();
    let ErrorKind::Invalid(faults) = error.kind() else { panic!("{error:?}") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/targetAmount", "out_of_range"));
    assert!(faults[0].message.contains("399"), "{}", faults[0].message);

    let elsewhere = stage.milestone(stage.unsigned(&[900]).contract.id, 0).id;
    let command = AddMilestone { from: Some(elsewhere), ..add(id, "Gutters", 1, due) };
    let error = stage.contracts.add_milestone(&stage.homeowner, &command).unwrap_err();
    let ErrorKind::Invalid(faults) = error.kind() else { panic!("{error:?}") };
    assert_eq!(faults[0].pointer, "/fromMilestoneId");
}

#[test]
fn an_edit_makes_another_text_and_voids_what_was_signed() {
    let stage = Stage::new();
    let id = stage.unsigned(&[600, 400]).contract.id;
    let milestone = stage.milestone(id, 1);
    stage.sign(&stage.homeowner, id).unwrap();
    let before = stage.contracts.get_document(&stage.homeowner, id).unwrap();

    let patch = MilestonePatch {
        title: Some(title("Tiles")),
        description: Some(Some(Description::new("Slate.").unwrap())),
        deliverables: Some(Deliverables::new(&["a tight roof".to_owned()]).unwrap()),
        ..MilestonePatch::default()
    };
    let command = EditMilestone::new(at(id, milestone.id), patch.clone()).unwrap();
    let edited = stage.contracts.edit_milestone(&stage.contractor, &command).unwrap().milestone;
    assert_eq!((edited.title.as_str(), edited.description.as_deref()), ("Tiles", Some("Slate.")));
    assert_eq!(edited.version, milestone.version + 1);

    let after = stage.contracts.get_document(&stage.homeowner, id).unwrap();
    assert_eq!((before.version, after.version), (1, 2));
    assert!(after.text.contains("    Tiles\n"));
    assert!(stage.contracts.get_contract(&stage.homeowner, id).unwrap().signatures.is_empty());

    // The same words again change nothing, and void nothing.
    stage.sign(&stage.homeowner, id).unwrap();
    stage.contracts.edit_milestone(&stage.contractor, &command).unwrap();
    assert_eq!(stage.contracts.get_contract(&stage.homeowner, id).unwrap().signatures.len(), 1);

    let stale = MilestoneRef { if_version: Some(milestone.version), ..at(id, milestone.id) };
    let error = stage
        .contracts
        .edit_milestone(&stage.contractor, &EditMilestone::new(stale, patch).unwrap())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StalePrecondition);
}

#[test]
fn days_must_be_in_order_whichever_of_them_is_given() {
    let stage = Stage::new();
    let id = stage.unsigned(&[600]).contract.id;
    let milestone = stage.milestone(id, 0);
    let patch =
        MilestonePatch { start_date: Some(milestone.due_date.succ_opt()), ..MilestonePatch::default() };
    let command = EditMilestone::new(at(id, milestone.id), patch).unwrap();
    let error = stage.contracts.edit_milestone(&stage.homeowner, &command).unwrap_err();
    let ErrorKind::Invalid(faults) = error.kind() else { panic!("{error:?}") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/startDate", "after_due_date"));

    let starts = MilestonePatch { start_date: Some(Some(milestone.due_date)), ..MilestonePatch::default() };
    let command = EditMilestone::new(at(id, milestone.id), starts).unwrap();
    stage.contracts.edit_milestone(&stage.homeowner, &command).unwrap();
    let sooner = MilestonePatch { due_date: milestone.due_date.pred_opt(), ..MilestonePatch::default() };
    let command = EditMilestone::new(at(id, milestone.id), sooner).unwrap();
    let error = stage.contracts.edit_milestone(&stage.homeowner, &command).unwrap_err();
    let ErrorKind::Invalid(faults) = error.kind() else { panic!("{error:?}") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/dueDate", "before_start_date"));
}

#[test]
fn what_both_signed_is_fixed() {
    let stage = Stage::new();
    let id = stage.signed(&[600]);
    let milestone = stage.milestone(id, 0);
    let command = add(id, "Gutters", 1, milestone.due_date);
    let error = stage.contracts.add_milestone(&stage.homeowner, &command).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongState { state: "ACTIVE", allowed: vec![] });
    let patch = MilestonePatch { title: Some(title("Tiles")), ..MilestonePatch::default() };
    let edit = EditMilestone::new(at(id, milestone.id), patch).unwrap();
    let error = stage.contracts.edit_milestone(&stage.homeowner, &edit).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongState { state: "PENDING", allowed: vec!["fund"] });
}

#[test]
fn a_contract_holds_so_many_milestones_and_no_more() {
    let stage = Stage::new();
    let id = stage.unsigned(&[100]).contract.id;
    let whole = stage.milestone(id, 0);
    let command = AddMilestone { from: Some(whole.id), ..add(id, "Part", 1, whole.due_date) };
    for _ in 1..50 {
        stage.contracts.add_milestone(&stage.homeowner, &command).unwrap();
    }
    let error = stage.contracts.add_milestone(&stage.homeowner, &command).unwrap_err();
    assert!(matches!(error, Error::TooManyMilestones(50)));

    let limit = Limit::new(30).unwrap();
    let first = stage.contracts.list_milestones(&stage.contractor, id, limit, None).unwrap();
    let rest = stage.contracts.list_milestones(&stage.contractor, id, limit, first.next).unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next), (30, 20, None));
}

#[test]
fn a_stranger_finds_no_milestone_and_the_wrong_party_may_not_touch_one() {
    let stage = Stage::new();
    let (id, at) = stage.submitted(&[600]);
    let stranger = stage.person(Role::Contractor, "Mallory");
    let error = stage.contracts.submit_milestone(stranger.contractor().unwrap(), &at).unwrap_err();
    assert!(matches!(error, Error::ContractNotFound));
    let other = stage.milestone(stage.unsigned(&[900]).contract.id, 0).id;
    let elsewhere = crate::stage::at(id, other);
    let error =
        stage.contracts.approve_milestone(stage.homeowner.homeowner().unwrap(), &elsewhere).unwrap_err();
    assert!(matches!(error, Error::MilestoneNotFound));
    assert!(stage.contractor.homeowner().is_err(), "a contractor cannot even ask to approve");
}
