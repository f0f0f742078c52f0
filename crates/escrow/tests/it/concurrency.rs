//! Many at once: money moves once, and never more than there is.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use escrow::provider::SimulatedSettings;
use escrow::{AccountKind, Error, EscrowCommands, Release};
use kernel::{Classify, ErrorKind};
use testing::TestDatabase;

use crate::stage::{Stage, VISA};

/// Runs the same thing on many threads that start together.
fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|number| {
                let (work, barrier) = (&work, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    work(number)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn two_hundred_simultaneous_releases_of_one_milestone_move_its_money_once() {
    let stage = Stage::over(TestDatabase::with_connections(32), SimulatedSettings::default());
    let account = stage.approved(&[50_000, 50_000]);
    let outcomes = at_once(200, |number| {
        let who = if number % 2 == 0 { &stage.homeowner } else { &stage.contractor };
        let command = Release::new(account.id, account.milestones[0], None).unwrap();
        stage.escrow.release_milestone(who, command)
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for error in outcomes.into_iter().filter_map(Result::err) {
        let expected = matches!(error.kind(), ErrorKind::Busy)
            || matches!(error, Error::WrongState { state: "RELEASED", .. });
        assert!(expected, "{error:?}");
    }
    assert_eq!(stage.database.count("escrow.transactions WHERE kind = 'RELEASE'"), 1);
    assert_eq!(stage.escrow(&account).figures.held, 50_000);
    stage.run_due();
    stage.assert_books_are_right();
}

#[test]
fn parts_that_race_never_release_more_than_is_held() {
    let stage = Stage::new();
    for round in 0_i64..5 {
        let account = stage.approved(&[10_000 + round, 1]);
        at_once(12, |number| {
            let amount = 1_000 + i64::try_from(number).unwrap() * 7 * (round + 1);
            for _ in 0..5 {
                let command = Release::new(account.id, account.milestones[0], Some(amount)).unwrap();
                match stage.escrow.release_milestone(&stage.homeowner, command) {
                    Err(error) if matches!(error.kind(), ErrorKind::Busy) => {}
                    _ => break,
                }
            }
        });
        let figures = stage.escrow(&account).figures;
        assert!(figures.held >= 1, "{figures:?}");
        stage.run_due();
        let rest = stage.release(&account, 0, None).map(|outcome| outcome.remaining);
        assert!(matches!(rest, Ok(0) | Err(Error::WrongState { .. })), "{rest:?}");
        let figures = stage.escrow(&account).figures;
        assert_eq!(figures.released, 10_000 + round);
        assert_eq!(figures.fees, ((10_000 + round) * 290 + 5_000) / 10_000);
        stage.assert_books_are_right();
    }
}

#[test]
fn releases_for_one_contractor_under_many_contracts_all_go_through() {
    let stage = Stage::over(TestDatabase::with_connections(32), SimulatedSettings::default());
    let accounts: Vec<_> = (0..12).map(|_| stage.approved(&[10_000])).collect();
    let released = AtomicUsize::new(0);
    at_once(12, |number| {
        stage.release(&accounts[number], 0, None).unwrap();
        released.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(released.load(Ordering::Relaxed), 12);
    assert_eq!(stage.balance(AccountKind::ContractorPayable), 12 * 9_710);
    stage.run_due();
    assert_eq!(stage.balance(AccountKind::ContractorPayable), 0);
    stage.assert_books_are_right();
}

#[test]
fn deposits_for_one_milestone_that_race_pay_once() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let outcomes = at_once(12, |_| stage.deposit(&account, Some(VISA)));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(stage.escrow(&account).figures.held, 50_000);
    assert_eq!(stage.database.count("simulated_provider.balance_movements"), 1);
    stage.assert_books_are_right();
}

#[test]
fn webhooks_and_confirmations_that_race_fund_once() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let payment = stage.deposit(&account, None).unwrap().payment;
    at_once(8, |_| {
        // Busy is an answer here: somebody else is at it.
        let _ = stage.confirm(&payment, Some(VISA));
    });
    stage.deliver_webhooks();
    stage.run_due();
    assert_eq!(stage.escrow(&account).figures.held, 50_000);
    assert_eq!(stage.told("payment.succeeded"), 1);
    stage.assert_books_are_right();
}
