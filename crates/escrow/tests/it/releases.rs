//! Money on its way from the escrow account to the contractor and the platform.

use escrow::provider::SimulatedSettings;
use escrow::{AccountKind, Error, EscrowCommands, EscrowQueries, EscrowStatus, Release, ScheduleStatus};
use kernel::{Limit, Role};
use testing::{TestDatabase, assert_cached};

use crate::stage::{Account, HOUR, Stage};

#[test]
fn a_whole_release_moves_share_and_fee_in_one_transaction() {
    let stage = Stage::new();
    let account = stage.approved(&[180_000, 20_000]);
    let outcome = stage.release(&account, 0, None).unwrap();
    assert_eq!((outcome.part, outcome.amount, outcome.fee, outcome.share), (1, 180_000, 5_220, 174_780));
    assert_eq!((outcome.remaining, outcome.netted), (0, 0));
    assert_eq!(stage.state(&account, 0), "RELEASED");
    let escrow = stage.escrow(&account);
    assert_eq!((escrow.figures.held, escrow.figures.released, escrow.figures.fees), (20_000, 180_000, 5_220));
    assert_eq!(
        (escrow.schedule[0].status, escrow.schedule[1].status),
        (ScheduleStatus::Released, ScheduleStatus::Pending)
    );
    assert_eq!(stage.balance(AccountKind::ContractorPayable), 174_780);
    assert_eq!(stage.balance(AccountKind::PlatformFee), 5_220);
    assert_eq!(stage.told("milestone.released"), 1);
    stage.assert_books_are_right();
}

#[test]
fn a_milestone_is_released_once() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000, 50_000]);
    stage.release(&account, 0, None).unwrap();
    let again = stage.release(&account, 0, None).unwrap_err();
    assert!(matches!(again, Error::WrongState { state: "RELEASED", .. }), "{again:?}");
    assert_eq!(stage.escrow(&account).figures.held, 50_000);
}

#[test]
fn the_last_release_closes_the_account_and_completes_the_contract() {
    let stage = Stage::new();
    let account = stage.approved(&[30_000, 20_000]);
    stage.release(&account, 1, None).unwrap();
    assert_eq!(stage.escrow(&account).status, EscrowStatus::Active);
    stage.release(&account, 0, None).unwrap();
    let escrow = stage.escrow(&account);
    assert_eq!((escrow.status, escrow.figures.held), (EscrowStatus::Closed, 0));
    assert!(escrow.closed_at.is_some());
    assert_eq!(stage.told("contract.completed"), 1);
    stage.assert_books_are_right();
}

#[test]
fn parts_carry_the_fee_of_the_whole() {
    let stage = Stage::new();
    let account = stage.approved(&[10_001]);
    let mut fees = 0;
    for (part, amount) in [17, 1, 333, 4_999].into_iter().enumerate() {
        let outcome = stage.release(&account, 0, Some(amount)).unwrap();
        assert_eq!(usize::from(outcome.part.unsigned_abs()), part + 1);
        assert_eq!(stage.state(&account, 0), "APPROVED");
        fees += outcome.fee;
        stage.assert_books_are_right();
    }
    let over = stage.release(&account, 0, Some(4_652)).unwrap_err();
    assert!(matches!(over, Error::AmountMismatch { right: 4_651 }), "{over:?}");
    let last = stage.release(&account, 0, None).unwrap();
    assert_eq!((last.amount, last.remaining), (4_651, 0));
    assert_eq!(fees + last.fee, 290);
    assert_eq!(stage.state(&account, 0), "RELEASED");
    stage.run_due();
    stage.assert_books_are_right();
}

#[test]
fn only_what_was_approved_is_released() {
    let stage = Stage::new();
    let account = stage.funded(&[50_000]);
    let refused = stage.release(&account, 0, None).unwrap_err();
    assert!(matches!(refused, Error::WrongState { state: "FUNDED", .. }), "{refused:?}");
    let unknown = Release::new(account.id, contracts::MilestoneId::new(), None).unwrap();
    let refused = stage.escrow.release_milestone(&stage.homeowner, unknown).unwrap_err();
    assert!(matches!(refused, Error::UnknownMilestone { .. }), "{refused:?}");
}

#[test]
fn either_party_may_release_and_nobody_else() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000, 50_000]);
    let command = |place: usize| Release::new(account.id, account.milestones[place], None).unwrap();
    for role in [Role::Homeowner, Role::Contractor] {
        let stranger = stage.person(role);
        let refused = stage.escrow.release_milestone(&stranger, command(0)).unwrap_err();
        assert!(matches!(refused, Error::NotFound(_)), "{refused:?}");
    }
    let refused = stage.escrow.release_milestone(&stage.person(Role::Admin), command(0)).unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    stage.escrow.release_milestone(&stage.contractor, command(0)).unwrap();
    stage.escrow.release_milestone(&stage.homeowner, command(1)).unwrap();
}

#[test]
fn the_service_releases_by_itself_when_the_hours_are_over() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000]);
    stage.run_due();
    stage.after(23 * HOUR);
    assert_eq!(stage.state(&account, 0), "APPROVED");
    stage.after(2 * HOUR);
    assert_eq!(stage.state(&account, 0), "RELEASED");
    assert_eq!(stage.told("payout.paid"), 1);
    stage.assert_books_are_right();
}

#[test]
fn the_service_releases_the_rest_of_what_was_released_in_part() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000, 50_000]);
    stage.run_due();
    stage.release(&account, 0, Some(20_000)).unwrap();
    stage.release(&account, 1, None).unwrap();
    stage.after(25 * HOUR);
    assert_eq!((stage.state(&account, 0), stage.parked()), ("RELEASED", 0));
    assert_eq!(stage.told("milestone.released"), 3);
    assert_eq!(stage.balance(AccountKind::PlatformFee), 2_900);
    stage.assert_books_are_right();
}

#[test]
fn what_a_contractor_owes_is_kept_back() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000]);
    stage.owe(4_000);
    let outcome = stage.release(&account, 0, None).unwrap();
    assert_eq!((outcome.fee, outcome.netted, outcome.share), (1_450, 4_000, 44_550));
    assert_eq!(stage.balance(AccountKind::ContractorDebt), 0);
}

#[test]
fn the_history_shows_every_movement_with_the_balance_after_it() {
    let stage = Stage::new();
    let account = stage.approved(&[30_000, 20_000]);
    stage.release(&account, 0, Some(10_000)).unwrap();
    stage.release(&account, 1, None).unwrap();
    let limit = Limit::new(3).unwrap();
    let first = stage.escrow.history(&stage.contractor, account.id, None, limit).unwrap();
    let rest = stage.escrow.history(&stage.contractor, account.id, first.next, limit).unwrap();
    let lines: Vec<(&str, i64, i64, i64)> = first
        .items
        .iter()
        .chain(&rest.items)
        .map(|line| (line.kind.as_str(), line.amount, line.fee, line.balance))
        .collect();
    let mut deposited: Vec<i64> = lines[..2].iter().map(|line| line.1).collect();
    deposited.sort_unstable();
    assert_eq!(deposited, [20_000, 30_000]);
    assert_eq!(lines[1].3, 50_000);
    assert_eq!(lines[2..], [("RELEASE", -10_000, 290, 40_000), ("RELEASE", -20_000, 580, 20_000)]);
    assert_eq!(rest.next, None);
}

/// A release is the hottest command there is: its locks are held for as long as its statements take. The last one of a contract also
/// completes that and its job, which happens once and is not meant here.
#[test]
fn a_release_runs_cached_statements_only() {
    let stage = Stage::over(TestDatabase::logged(), SimulatedSettings::default());
    let accounts = [(), ()].map(|()| stage.approved(&[60_000, 40_000]));
    stage.database.db.hold().unwrap();
    let run = |account: &Account| {
        stage.release(account, 0, Some(10_000)).unwrap();
        stage.release(account, 0, None).unwrap();
    };
    run(&accounts[0]);
    let ((), statements) = stage.database.statements(|| run(&accounts[1]));
    assert_cached(&statements);
    let posted = statements.iter().filter(|one| one.text.contains("escrow.post(")).count();
    assert_eq!(posted, 2, "each release posts by one call");
    stage.database.db.release_held();
}
