//! What the provider tells us, late, twice, in the wrong order and forged.

use chrono::Duration;
use escrow::provider::{PaymentMethod, SignatureSecret, WebhookError, sign};
use escrow::{Error, EscrowCommands, PaymentStatus};
use kernel::Clock;
use secrecy::ExposeSecret;

use crate::stage::{MINUTE, Stage, VISA};

#[test]
fn a_webhook_makes_held_money_of_what_the_payer_confirmed() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let secret = stage.deposit(&account, None).unwrap().client_secret.unwrap();
    stage.provider.confirm_as_payer(secret.expose_secret(), &PaymentMethod::new(VISA).unwrap()).unwrap();
    assert!(stage.deliver_webhooks() > 0);
    assert_eq!(stage.escrow(&account).figures.held, 0, "recorded first, handled by a task");
    stage.run_due();
    assert_eq!(stage.escrow(&account).figures.held, 50_000);
    assert_eq!(stage.database.count("escrow.provider_events WHERE handled_at IS NULL"), 0);
    stage.assert_books_are_right();
}

#[test]
fn twice_or_in_reverse_it_is_the_same() {
    for card in ["pm_card_webhookTwice", "pm_card_webhookReversed"] {
        let stage = Stage::new();
        let account = stage.account(&[50_000]);
        let secret = stage.deposit(&account, None).unwrap().client_secret.unwrap();
        stage.provider.confirm_as_payer(secret.expose_secret(), &PaymentMethod::new(card).unwrap()).unwrap();
        let mut delivered = stage.deliver_webhooks();
        stage.run_due();
        stage.database.clock.advance(MINUTE);
        delivered += stage.deliver_webhooks();
        stage.run_due();
        assert!(delivered >= 3, "{card}: {delivered}");
        assert_eq!(stage.payment(&account).status, PaymentStatus::Succeeded);
        assert_eq!(stage.database.count("escrow.transactions WHERE kind = 'DEPOSIT'"), 1);
        assert_eq!(stage.told("payment.succeeded"), 1);
        let events = stage.database.count("escrow.provider_events");
        assert_eq!(events, stage.database.count("simulated_provider.webhooks"), "{card}: each recorded once");
        stage.assert_books_are_right();
    }
}

#[test]
fn late_webhooks_are_good_because_the_age_is_the_signatures() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    let secret = stage.deposit(&account, None).unwrap().client_secret.unwrap();
    let method = PaymentMethod::new("pm_card_webhookLate").unwrap();
    stage.provider.confirm_as_payer(secret.expose_secret(), &method).unwrap();
    stage.deliver_webhooks();
    stage.run_due();
    stage.database.clock.advance(11 * MINUTE);
    assert!(stage.deliver_webhooks() > 0);
    stage.run_due();
    assert_eq!(stage.payment(&account).status, PaymentStatus::Succeeded);
    stage.assert_books_are_right();
}

#[test]
fn what_is_not_signed_by_the_provider_changes_nothing() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    stage.deposit(&account, None).unwrap();
    let body = br#"{"id":"evt_forged","type":"payment_intent.succeeded","data":{"object":{"id":"pi_x"}}}"#;
    let now = stage.database.clock.now();
    let secret = SignatureSecret::new("whsec_test");
    let forged = [
        sign(&SignatureSecret::new("whsec_other"), body, now),
        sign(&secret, b"another body", now),
        sign(&secret, body, now - Duration::minutes(6)),
        sign(&secret, body, now + Duration::minutes(6)),
        String::new(),
    ];
    for signature in forged {
        let refused = stage.escrow.receive_webhook(&signature, body).unwrap_err();
        assert!(matches!(refused, Error::Webhook(WebhookError::Signature(_))), "{signature}: {refused:?}");
    }
    let nonsense = br#"{"id":5}"#;
    let refused = stage.escrow.receive_webhook(&sign(&secret, nonsense, now), nonsense).unwrap_err();
    assert!(matches!(refused, Error::Webhook(WebhookError::Malformed)), "{refused:?}");
    assert_eq!(stage.database.count("escrow.provider_events"), 0);
}

#[test]
fn a_signed_word_about_nothing_of_ours_is_noted_and_does_nothing() {
    let stage = Stage::new();
    let body =
        br#"{"id":"evt_other","type":"payment_intent.succeeded","data":{"object":{"id":"pi_of_others"}}}"#;
    let signature = sign(&SignatureSecret::new("whsec_test"), body, stage.database.clock.now());
    stage.escrow.receive_webhook(&signature, body).unwrap();
    stage.run_due();
    assert_eq!(stage.database.count("escrow.provider_events WHERE handled_at IS NOT NULL"), 1);
    assert_eq!(stage.parked(), 0);
}

#[test]
fn a_webhook_that_comes_before_our_own_note_is_right_all_the_same() {
    let stage = Stage::new();
    let account = stage.account(&[50_000]);
    stage.deposit(&account, Some("pm_card_answerLost")).unwrap_err();
    stage.deliver_webhooks();
    stage.run_due();
    assert_eq!(stage.payment(&account).status, PaymentStatus::Succeeded);
    stage.assert_books_are_right();
}
