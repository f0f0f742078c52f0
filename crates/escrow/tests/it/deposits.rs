//! Money on its way in.

use std::time::Duration;

use contracts::MilestoneId;
use escrow::provider::PaymentMethod;
use escrow::{AccountKind, Error, EscrowCommands, PaymentProvider, PaymentStatus};
use kernel::Role;
use secrecy::ExposeSecret;

use crate::stage::{MINUTE, Stage, VISA};

#[test]
fn a_deposit_by_card_is_held_once_it_was_read_back() {
    let stage = Stage::new();
    let account = stage.account(&[60_000, 40_000]);
    let outcome = stage.deposit(&account, Some(VISA)).unwrap();
    assert_eq!(outcome.payment.status, PaymentStatus::Succeeded);
    assert_eq!((outcome.payment.amount.minor(), outcome.payment.funded_amount), (100_000, 100_000));
    assert!(outcome.client_secret.is_none());
    let escrow = stage.escrow(&account);
    assert_eq!((escrow.total, escrow.figures.held), (100_000, 100_000));
    assert_eq!((stage.state(&account, 0), stage.state(&account, 1)), ("FUNDED", "FUNDED"));
    assert_eq!(stage.balance(AccountKind::ProcessorFee), -1_000);
    assert_eq!(stage.balance(AccountKind::CardClearing), -99_000);
    assert_eq!((stage.told("payment.succeeded"), stage.told("milestone.funded")), (1, 2));
    stage.assert_books_are_right();
}

#[test]
fn a_deposit_without_a_card_is_confirmed_by_the_payer() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let outcome = stage.deposit(&account, None).unwrap();
    assert_eq!(outcome.payment.status, PaymentStatus::RequiresConfirmation);
    let secret = outcome.client_secret.unwrap();
    assert_eq!(stage.escrow(&account).figures.held, 0);
    // The payer's word alone does nothing.
    assert_eq!(
        stage.confirm(&outcome.payment, None).unwrap().payment.status,
        PaymentStatus::RequiresConfirmation
    );
    assert_eq!(stage.escrow(&account).figures.held, 0);
    stage.provider.confirm_as_payer(secret.expose_secret(), &PaymentMethod::new(VISA).unwrap()).unwrap();
    assert_eq!(stage.confirm(&outcome.payment, None).unwrap().payment.status, PaymentStatus::Succeeded);
    assert_eq!(stage.escrow(&account).figures.held, 50_000);
    // Asking again changes nothing.
    assert_eq!(stage.confirm(&outcome.payment, Some(VISA)).unwrap().payment.status, PaymentStatus::Succeeded);
    stage.assert_books_are_right();
}

#[test]
fn the_server_confirms_when_a_card_is_given_later() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let outcome = stage.deposit(&account, None).unwrap();
    let outcome = stage.confirm(&outcome.payment, Some(VISA)).unwrap();
    assert_eq!(outcome.payment.status, PaymentStatus::Succeeded);
    stage.assert_books_are_right();
}

#[test]
fn a_deposit_is_for_exactly_what_it_names() {
    let stage = Stage::new();
    let account = stage.account(&[60_000, 40_000]);
    let second = vec![account.milestones[1]];
    let wrong = stage.deposit_for(&account, Some(second.clone()), Some(40_001), Some(VISA)).unwrap_err();
    assert!(matches!(wrong, Error::AmountMismatch { right: 40_000 }), "{wrong:?}");
    let unknown = stage.deposit_for(&account, Some(vec![MilestoneId::new()]), None, Some(VISA)).unwrap_err();
    assert!(matches!(unknown, Error::UnknownMilestone { .. }), "{unknown:?}");
    stage.deposit_for(&account, Some(second.clone()), Some(40_000), Some(VISA)).unwrap();
    assert_eq!((stage.state(&account, 0), stage.state(&account, 1)), ("PENDING", "FUNDED"));
    let again = stage.deposit_for(&account, Some(second), None, Some(VISA)).unwrap_err();
    assert!(matches!(again, Error::WrongState { state: "FUNDED", .. }), "{again:?}");
    // The rest by default, and then nothing is left.
    assert_eq!(stage.deposit(&account, Some(VISA)).unwrap().payment.amount.minor(), 60_000);
    assert!(matches!(stage.deposit(&account, Some(VISA)).unwrap_err(), Error::NothingToFund));
    stage.assert_books_are_right();
}

#[test]
fn a_milestone_has_one_open_payment() {
    let stage = Stage::new();
    let account = stage.account(&[60_000, 40_000]);
    let first = vec![account.milestones[0]];
    stage.deposit_for(&account, Some(first.clone()), None, None).unwrap();
    assert!(matches!(stage.deposit(&account, Some(VISA)).unwrap_err(), Error::DepositOpen));
    // Another milestone is not concerned.
    stage.deposit_for(&account, Some(vec![account.milestones[1]]), None, Some(VISA)).unwrap();
    // After the lapse the first is free again.
    stage.after(16 * MINUTE);
    assert_eq!(stage.told("payment.lapsed"), 1);
    stage.deposit_for(&account, Some(first), None, Some(VISA)).unwrap();
    assert_eq!(stage.escrow(&account).figures.held, 100_000);
    stage.assert_books_are_right();
}

#[test]
fn declined_cards_fail_and_another_deposit_can_be_made() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    for (card, code) in [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_of_nobody", "payment_method_unknown"),
    ] {
        let outcome = stage.deposit(&account, Some(card)).unwrap();
        assert_eq!(outcome.payment.status, PaymentStatus::Failed, "{card}");
        assert_eq!(outcome.payment.failure_code.as_deref(), Some(code));
        let after = stage.confirm(&outcome.payment, Some(VISA)).unwrap_err();
        assert!(matches!(after, Error::WrongState { state: "FAILED", .. }), "{after:?}");
    }
    assert_eq!((stage.told("payment.failed"), stage.escrow(&account).figures.held), (4, 0));
    stage.deposit(&account, Some(VISA)).unwrap();
    stage.deliver_webhooks();
    stage.run_due();
    assert_eq!(stage.escrow(&account).figures.held, 50_000);
    stage.assert_books_are_right();
}

#[test]
fn certain_amounts_are_declined_whatever_the_card() {
    let stage = Stage::new();
    let account = stage.account(&[99_909_995]);
    let outcome = stage.deposit(&account, Some(VISA)).unwrap();
    assert_eq!(outcome.payment.failure_code.as_deref(), Some("insufficient_funds"));
}

#[test]
fn a_slow_card_is_processing_until_the_bank_answers() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let outcome = stage.deposit(&account, Some("pm_card_processing")).unwrap();
    assert_eq!(outcome.payment.status, PaymentStatus::Processing);
    stage.run_due();
    assert_eq!(stage.payment(&account).status, PaymentStatus::Processing);
    // No webhook comes; the service looks by itself.
    stage.after(2 * MINUTE);
    assert_eq!(stage.payment(&account).status, PaymentStatus::Succeeded);
    stage.assert_books_are_right();

    let other = stage.account(&[50_000]);
    stage.deposit(&other, Some("pm_card_processingDeclined")).unwrap();
    stage.after(2 * MINUTE);
    assert_eq!(stage.payment(&other).status, PaymentStatus::Failed);
    stage.assert_books_are_right();
}

#[test]
fn what_is_being_processed_does_not_lapse() {
    let stage =
        Stage::with(escrow::provider::SimulatedSettings { processing_seconds: 3_600, ..Default::default() });
    let account = stage.account(&[50_000]);
    stage.deposit(&account, Some("pm_card_processing")).unwrap();
    for _ in 0..20 {
        stage.after(2 * MINUTE);
    }
    assert_eq!(stage.payment(&account).status, PaymentStatus::Processing);
    stage.after(25 * MINUTE);
    assert_eq!(stage.payment(&account).status, PaymentStatus::Succeeded);
    assert_eq!(stage.parked(), 0);
    stage.assert_books_are_right();
}

#[test]
fn an_answer_that_was_lost_is_read_back() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let lost = stage.deposit(&account, Some("pm_card_answerLost")).unwrap_err();
    assert!(matches!(lost, Error::Provider(_)), "{lost:?}");
    assert_eq!(stage.payment(&account).status, PaymentStatus::RequiresConfirmation);
    // The provider has the money and our books do not say so yet: in flight, not wrong.
    stage.assert_books_are_right();
    stage.after(2 * MINUTE);
    assert_eq!(stage.payment(&account).status, PaymentStatus::Succeeded);
    stage.assert_books_are_right();
}

#[test]
fn going_on_with_the_same_payment_pays_once() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let id = escrow::PaymentId::new();
    let method = PaymentMethod::new("pm_card_answerLost").unwrap();
    let command = || escrow::Deposit::new(id, account.id, None, None, Some(method.clone())).unwrap();
    let homeowner = || stage.homeowner.homeowner().unwrap();
    stage.escrow.deposit(homeowner(), command()).unwrap_err();
    let outcome = stage.escrow.deposit(homeowner(), command()).unwrap();
    assert_eq!((outcome.payment.id, outcome.payment.status), (id, PaymentStatus::Succeeded));
    assert_eq!(stage.database.count("simulated_provider.balance_movements WHERE kind = 'charge'"), 1);
    stage.assert_books_are_right();
}

#[test]
fn a_lapse_cancels_at_the_provider_first() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let outcome = stage.deposit(&account, None).unwrap();
    stage.after(14 * MINUTE);
    assert_eq!(stage.payment(&account).status, PaymentStatus::RequiresConfirmation);
    stage.after(2 * MINUTE);
    assert_eq!(stage.payment(&account).status, PaymentStatus::Lapsed);
    let refused = stage
        .provider
        .confirm_as_payer(outcome.client_secret.unwrap().expose_secret(), &PaymentMethod::new(VISA).unwrap());
    assert!(refused.is_err());
    let after = stage.confirm(&outcome.payment, Some(VISA)).unwrap_err();
    assert!(matches!(after, Error::WrongState { state: "LAPSED", .. }), "{after:?}");
    stage.deliver_webhooks();
    stage.run_due();
    assert_eq!((stage.told("payment.lapsed"), stage.told("payment.failed")), (1, 0));
    stage.assert_books_are_right();
}

#[test]
fn confirming_too_late_lapses_without_waiting_for_the_task() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let outcome = stage.deposit(&account, None).unwrap();
    stage.database.clock.advance(15 * MINUTE);
    let late = stage.confirm(&outcome.payment, Some(VISA)).unwrap_err();
    assert!(matches!(late, Error::WrongState { state: "LAPSED", .. }), "{late:?}");
    stage.assert_books_are_right();
}

#[test]
fn a_success_after_the_lapse_funds_what_is_unfunded_and_gives_back_the_rest() {
    let stage = Stage::new();
    let account = stage.account(&[60_000, 40_000]);
    let outcome = stage.deposit(&account, None).unwrap();
    stage.after(16 * MINUTE);
    // Meanwhile one of the two was paid again.
    stage.deposit_for(&account, Some(vec![account.milestones[0]]), None, Some(VISA)).unwrap();
    let intent = stage.database_intent(&outcome.payment);
    stage.provider.succeed_late(&intent).unwrap();
    stage.deliver_webhooks();
    stage.run_due();
    let summary = {
        use escrow::EscrowQueries;
        stage.escrow.contract_summary(&stage.homeowner, account.contract).unwrap()
    };
    let late = summary.payments.iter().find(|payment| payment.id == outcome.payment.id).unwrap();
    assert_eq!((late.status, late.funded_amount), (PaymentStatus::Succeeded, 40_000));
    assert_eq!(stage.escrow(&account).figures.held, 100_000);
    assert_eq!((stage.state(&account, 0), stage.state(&account, 1)), ("FUNDED", "FUNDED"));
    assert_eq!(stage.database.count("escrow.refunds WHERE status = 'DONE' AND amount = 60000"), 1);
    assert_eq!(stage.balance(AccountKind::RefundClearing), 0);
    stage.assert_books_are_right();
}

#[test]
fn only_the_homeowner_of_the_contract_pays() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let stranger = stage.person(Role::Homeowner);
    let deposit = || escrow::Deposit::new(escrow::PaymentId::new(), account.id, None, None, None).unwrap();
    let refused = stage.escrow.deposit(stranger.homeowner().unwrap(), deposit()).unwrap_err();
    assert!(matches!(refused, Error::NotFound(_)), "{refused:?}");
    let mut unverified = stage.homeowner.clone();
    unverified.email_verified = false;
    let refused = stage.escrow.deposit(unverified.homeowner().unwrap(), deposit()).unwrap_err();
    assert!(matches!(refused, Error::EmailNotVerified), "{refused:?}");
    let outcome = stage.deposit(&account, None).unwrap();
    let confirm = escrow::Confirm { payment_id: outcome.payment.id, payment_method: None };
    let refused = stage.escrow.confirm_payment(stranger.homeowner().unwrap(), confirm).unwrap_err();
    assert!(matches!(refused, Error::NotFound(_)), "{refused:?}");
}

#[test]
fn the_provider_is_never_called_inside_a_transaction() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let outcome: Result<(), Error> = stage.database.db.unit(|| stage.deposit(&account, Some(VISA)).map(drop));
    assert!(matches!(outcome, Err(Error::InTransaction)), "{outcome:?}");
    assert_eq!(stage.database.count("escrow.payments"), 0);
}

#[test]
fn a_payment_is_found_again_by_its_own_key_at_the_provider() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let payment = stage.deposit(&account, None).unwrap().payment;
    // As if we had died between the provider's answer and our note of it.
    stage.database.execute("UPDATE escrow.payments SET provider_intent_id = NULL");
    stage.confirm(&payment, Some(VISA)).unwrap();
    assert_eq!(stage.database.count("simulated_provider.intents"), 1);
    assert_eq!(stage.payment(&account).status, PaymentStatus::Succeeded);
    assert_eq!(stage.provider.balance(kernel::Currency::USD).unwrap(), 49_500);
    let pause = Duration::from_secs(3_600);
    stage.after(pause);
    stage.assert_books_are_right();
}
