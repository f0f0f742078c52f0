//! The contractor's share on its way out.

use escrow::provider::SimulatedSettings;
use escrow::{AccountKind, EscrowQueries, PayoutStatus};

use crate::stage::{HOUR, MINUTE, Stage};

fn payout(stage: &Stage, account: &crate::stage::Account) -> escrow::Payout {
    let summary = stage.escrow.contract_summary(&stage.contractor, account.contract).unwrap();
    summary.payouts.into_iter().next().unwrap()
}

#[test]
fn after_a_release_the_share_is_moved_at_the_provider_once() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000]);
    stage.release(&account, 0, None).unwrap();
    assert_eq!(payout(&stage, &account).status, PayoutStatus::Pending);
    stage.run_due();
    let paid = payout(&stage, &account);
    assert_eq!((paid.status, paid.amount, paid.part), (PayoutStatus::Paid, 48_550, 1));
    // The task comes again, as after a worker that died before noting its end.
    stage.database.execute(
        "UPDATE outbox.tasks SET state = 'QUEUED', due_at = app.clock(), finished_at = NULL
         WHERE kind = 'escrow.send_payout'",
    );
    stage.run_due();
    assert_eq!(stage.database.count("simulated_provider.balance_movements WHERE kind = 'transfer'"), 1);
    assert_eq!(stage.database.count("escrow.transactions WHERE kind = 'PAYOUT'"), 1);
    assert_eq!((stage.told("payout.paid"), stage.balance(AccountKind::ContractorPayable)), (1, 0));
    let summary = stage.escrow.contract_summary(&stage.homeowner, account.contract).unwrap();
    assert_eq!(summary.paid_out, 48_550);
    stage.assert_books_are_right();
}

#[test]
fn a_transfer_that_was_made_and_not_noted_is_not_made_again() {
    let stage = Stage::new();
    let account = stage.approved(&[50_000]);
    stage.release(&account, 0, None).unwrap();
    stage.run_due();
    // As if we had died between the provider's answer and our note of it: the books of before, the provider of after.
    let made = stage.database.count("simulated_provider.balance_movements");
    let other = stage.approved(&[30_000]);
    stage.release(&other, 0, None).unwrap();
    stage.transfer_behind_our_back(&payout(&stage, &other));
    assert_eq!(stage.database.count("simulated_provider.balance_movements"), made + 2);
    assert_eq!(stage.escrow.verify_provider().unwrap(), [], "what is in flight is not wrong");
    stage.run_due();
    assert_eq!(stage.database.count("simulated_provider.balance_movements"), made + 2);
    assert_eq!(payout(&stage, &other).status, PayoutStatus::Paid);
    stage.assert_books_are_right();
}

#[test]
fn without_an_account_the_payout_waits_for_one() {
    let stage = Stage::with(SimulatedSettings { accounts_on_demand: false, ..Default::default() });
    let account = stage.approved(&[50_000]);
    stage.release(&account, 0, None).unwrap();
    stage.run_due();
    assert_eq!(payout(&stage, &account).status, PayoutStatus::WaitingAccount);
    stage.after(2 * HOUR);
    assert_eq!(payout(&stage, &account).status, PayoutStatus::WaitingAccount);
    assert_eq!((stage.told("payout.waiting_account"), stage.parked()), (1, 0));
    stage.assert_books_are_right();
    stage.provider.open_account(stage.contractor.party, true).unwrap();
    stage.after(2 * HOUR);
    assert_eq!(payout(&stage, &account).status, PayoutStatus::Paid);
    stage.assert_books_are_right();
}

#[test]
fn a_balance_that_does_not_suffice_is_waited_for() {
    // The provider keeps more than the platform's fee, so the share is not there before others have paid in.
    let stage = Stage::with(SimulatedSettings { fee_basis_points: 1_000, ..Default::default() });
    let account = stage.approved(&[50_000]);
    stage.release(&account, 0, None).unwrap();
    stage.run_due();
    assert_eq!(payout(&stage, &account).status, PayoutStatus::Pending);
    stage.assert_books_are_right();
    stage.funded(&[90_000]);
    stage.after(30 * MINUTE);
    assert_eq!(payout(&stage, &account).status, PayoutStatus::Paid);
    stage.assert_books_are_right();
}
