use contracts::{
    AcceptBid, ContractStatus, ContractsCommands, ContractsQueries, InspectionDays, MilestoneStatus, Reason,
    RequestChanges,
};
use kernel::{Classify, ErrorKind};

use crate::stage::{Stage, at};

fn reason() -> Reason {
    Reason::new("The gutter leaks.").unwrap()
}

#[test]
fn the_main_road_from_funding_to_completion() {
    let stage = Stage::new();
    let id = stage.signed(&[600, 400]);
    stage.fund(id);
    let (homeowner, contractor) =
        (stage.homeowner.homeowner().unwrap(), stage.contractor.contractor().unwrap());
    for place in 0..2 {
        let milestone = stage.milestone(id, place).id;
        let started = stage.contracts.start_milestone(contractor, &at(id, milestone)).unwrap();
        assert_eq!(
            (started.milestone.status, started.allowed_actions),
            (MilestoneStatus::InProgress, vec!["submit"])
        );
        assert_eq!(stage.database.count("marketplace.jobs WHERE status = 'IN_PROGRESS'"), 1);
        let submitted = stage.contracts.submit_milestone(contractor, &at(id, milestone)).unwrap().milestone;
        assert_eq!(submitted.inspection_ends_at.unwrap() - submitted.updated_at, chrono::Duration::days(14));
        let approved = stage.contracts.approve_milestone(homeowner, &at(id, milestone)).unwrap();
        assert_eq!(
            (approved.milestone.status, approved.allowed_actions),
            (MilestoneStatus::Approved, vec!["release"])
        );
        stage.release(id, milestone).unwrap();
        let again = stage.release(id, milestone).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::WrongState { state: "RELEASED", allowed: vec![] });
    }
    let contract = stage.contracts.get_contract(&stage.homeowner, id).unwrap().contract;
    assert_eq!(contract.status, ContractStatus::Completed);
    assert!(contract.completed_at.is_some());
    assert_eq!(stage.database.count("marketplace.jobs WHERE status = 'COMPLETED'"), 1);
    for (event, times) in [
        ("milestone.started", 2),
        ("milestone.submitted", 2),
        ("milestone.approved", 2),
        ("contract.completed", 1),
    ] {
        assert_eq!(stage.told(event), times, "{event}");
    }
}

#[test]
fn of_two_last_releases_at_the_same_time_one_completes_the_contract() {
    for _ in 0..10 {
        let stage = Stage::new();
        let (id, first) = stage.submitted(&[600, 400]);
        let (homeowner, contractor) =
            (stage.homeowner.homeowner().unwrap(), stage.contractor.contractor().unwrap());
        let second = at(id, stage.milestone(id, 1).id);
        stage.contracts.start_milestone(contractor, &second).unwrap();
        stage.contracts.submit_milestone(contractor, &second).unwrap();
        for both in [first, second] {
            stage.contracts.approve_milestone(homeowner, &both).unwrap();
        }
        std::thread::scope(|scope| {
            for one in [first, second] {
                let stage = &stage;
                // Whoever finds the milestones locked tries again, as a client would.
                scope.spawn(move || {
                    while stage.release(id, one.milestone).is_err_and(|error| error.kind() == ErrorKind::Busy)
                    {
                    }
                });
            }
        });
        assert_eq!(
            stage.contracts.get_contract(&stage.homeowner, id).unwrap().contract.status,
            ContractStatus::Completed
        );
        assert_eq!(stage.told("contract.completed"), 1);
    }
}

#[test]
fn silence_approves_after_reminders_on_days_five_and_twelve_and_a_day_before() {
    let stage = Stage::new();
    let (id, _) = stage.submitted(&[600]);
    let mut told = 0;
    let mut reminded = Vec::new();
    for day in 1..=14 {
        stage.after_hours(24);
        if stage.told("milestone.inspection_reminder") > told {
            told += 1;
            reminded.push(day);
        }
    }
    assert_eq!(reminded, [5, 12, 13]);
    assert_eq!(stage.milestone(id, 0).status, MilestoneStatus::Approved);
    assert_eq!(
        stage
            .database
            .count("outbox.events WHERE name = 'milestone.approved' AND data @> '{\"bySilence\": true}'"),
        1
    );
    assert_eq!(stage.database.count("contracts.submissions WHERE outcome = 'APPROVED_BY_SILENCE'"), 1);
    // Approval moves no money.
    assert_eq!(stage.told("milestone.released"), 0);
}

#[test]
fn a_word_in_time_stops_the_clock_and_a_new_submission_starts_another() {
    let stage = Stage::new();
    let (id, at) = stage.submitted(&[600]);
    let (homeowner, contractor) =
        (stage.homeowner.homeowner().unwrap(), stage.contractor.contractor().unwrap());
    stage.after_hours(4 * 24);
    let sent_back = stage
        .contracts
        .request_changes(homeowner, &RequestChanges { milestone: at, reason: reason() })
        .unwrap();
    assert_eq!(sent_back.milestone.status, MilestoneStatus::ChangesRequested);
    assert_eq!(sent_back.milestone.inspection_ends_at, None);
    assert_eq!(
        sent_back.changes_requested.map(|request| request.reason),
        Some("The gutter leaks.".to_owned())
    );

    stage.after_hours(6 * 24);
    assert_eq!(stage.told("milestone.inspection_reminder"), 0, "nothing is under inspection");
    stage.contracts.submit_milestone(contractor, &at).unwrap();

    // Past the first submission's deadline, and not the second's.
    stage.after_hours(5 * 24);
    let milestone = stage.milestone(id, 0);
    assert_eq!((milestone.status, milestone.submission), (MilestoneStatus::Submitted, 2));
    assert_eq!(stage.told("milestone.inspection_reminder"), 1);
    stage.after_hours(9 * 24);
    assert_eq!(stage.milestone(id, 0).status, MilestoneStatus::Approved);
    assert_eq!(stage.told("milestone.approved"), 1);
}

#[test]
fn the_clock_counts_even_while_its_task_is_late() {
    let stage = Stage::new();
    let (_, at) = stage.submitted(&[600]);
    let homeowner = stage.homeowner.homeowner().unwrap();
    stage.database.clock.advance(std::time::Duration::from_secs(14 * 24 * 3600));
    let error = stage
        .contracts
        .request_changes(homeowner, &RequestChanges { milestone: at, reason: reason() })
        .unwrap_err();
    assert_eq!((error.code(), error.kind()), ("inspection_over", ErrorKind::Conflict));
    // Late reminders are none.
    stage.run_due();
    assert_eq!(stage.told("milestone.inspection_reminder"), 0);
    assert_eq!(stage.told("milestone.approved"), 1);
}

#[test]
fn an_inspection_takes_as_long_as_the_contract_says() {
    let stage = Stage::new();
    let bid = stage.bid(&stage.contractor, stage.job(), &[600]);
    let command = AcceptBid { bid, revision: None, inspection_days: Some(InspectionDays::new(1).unwrap()) };
    let id = stage.contracts.accept_bid(stage.homeowner.homeowner().unwrap(), &command).unwrap().contract.id;
    stage.sign(&stage.homeowner, id).unwrap();
    stage.sign(&stage.contractor, id).unwrap();
    stage.fund(id);
    let at = at(id, stage.milestone(id, 0).id);
    let contractor = stage.contractor.contractor().unwrap();
    stage.contracts.start_milestone(contractor, &at).unwrap();
    stage.contracts.submit_milestone(contractor, &at).unwrap();
    stage.after_hours(23);
    assert_eq!(stage.milestone(id, 0).status, MilestoneStatus::Submitted);
    stage.after_hours(1);
    assert_eq!(stage.milestone(id, 0).status, MilestoneStatus::Approved);
    assert_eq!(stage.told("milestone.inspection_reminder"), 0, "it would have come with the submission");
}

#[test]
fn each_step_names_the_state_that_it_found_and_what_could_be_done() {
    let stage = Stage::new();
    let id = stage.signed(&[600]);
    let at = at(id, stage.milestone(id, 0).id);
    let (homeowner, contractor) =
        (stage.homeowner.homeowner().unwrap(), stage.contractor.contractor().unwrap());
    let kind = |error: contracts::Error| error.kind();
    let wrong = |state, allowed: &[&'static str]| ErrorKind::WrongState { state, allowed: allowed.to_vec() };
    assert_eq!(kind(stage.contracts.start_milestone(contractor, &at).unwrap_err()), wrong("PENDING", &[]));
    assert_eq!(
        kind(stage.contracts.approve_milestone(homeowner, &at).unwrap_err()),
        wrong("PENDING", &["fund"])
    );
    stage.fund(id);
    assert_eq!(
        kind(stage.contracts.submit_milestone(contractor, &at).unwrap_err()),
        wrong("FUNDED", &["start"])
    );
    stage.contracts.start_milestone(contractor, &at).unwrap();
    assert_eq!(
        kind(stage.contracts.start_milestone(contractor, &at).unwrap_err()),
        wrong("IN_PROGRESS", &["submit"])
    );
    stage.contracts.submit_milestone(contractor, &at).unwrap();
    assert_eq!(kind(stage.contracts.submit_milestone(contractor, &at).unwrap_err()), wrong("SUBMITTED", &[]));
    assert_eq!(kind(stage.release(id, at.milestone).unwrap_err()), wrong("SUBMITTED", &[]));
    stage.contracts.approve_milestone(homeowner, &at).unwrap();
    let again = RequestChanges { milestone: at, reason: reason() };
    assert_eq!(
        kind(stage.contracts.request_changes(homeowner, &again).unwrap_err()),
        wrong("APPROVED", &["release"])
    );
}
