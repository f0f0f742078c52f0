//! `/webhooks/simulated`: what the simulated payment provider tells us, late, twice, in the wrong order and forged.

use std::sync::Arc;
use std::time::Duration;

use escrow::provider::simulated::{SIGNATURE_HEADER, SignedWebhook};
use escrow::provider::{
    Intent, Moved, NewIntent, NewRefund, NewTransfer, PaymentMethod, ProviderError, SignatureSecret,
    SimulatedProvider, WebhookError, WebhookEvent, sign,
};
use escrow::{AccountKind, PaymentProvider};
use kernel::{Currency, Instant, PartyId};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Deal, PROVIDER_SECRET, TestApp};

use super::{
    VISA, assert_books_are_right, balance, confirm_as_payer, escrow_path, intended, number, opened, pay_with,
    summary_path, text, told,
};

const PATH: &str = "/webhooks/simulated";

/// Hands over a body with this signature, as the provider does.
async fn deliver(app: &TestApp, signature: &str, body: &[u8]) -> Answer {
    let anyone = app.anyone();
    anyone
        .send(Method::POST, PATH, |request| {
            request
                .header("content-type", "application/json")
                .header(SIGNATURE_HEADER, signature)
                .body(body.to_vec())
        })
        .await
}

/// Takes from the provider what it would send now.
async fn due(app: &TestApp) -> Vec<SignedWebhook> {
    let provider = app.provider.clone();
    match tokio::task::spawn_blocking(move || provider.take_due_webhooks()).await {
        Ok(Ok(due)) => due,
        other => panic!("no webhooks: {other:?}"),
    }
}

fn signed(app: &TestApp, body: &[u8]) -> String {
    sign(&SignatureSecret::new(PROVIDER_SECRET), body, app.now())
}

/// An event of that id and kind, about that object.
fn event(id: &str, kind: &str, object: &str) -> Vec<u8> {
    json!({ "id": id, "type": kind, "created": 1, "data": { "object": { "id": object } } })
        .to_string()
        .into_bytes()
}

/// How the newest payment of a contract stands.
async fn payment(deal: &Deal) -> Value {
    deal.homeowner.get(&summary_path(deal)).await.expect(200)["payments"][0].clone()
}

async fn held(deal: &Deal) -> i64 {
    number(&deal.homeowner.get(&escrow_path(deal)).await.expect(200), "/heldAmount")
}

/// What the provider calls the newest payment.
fn intent(app: &TestApp) -> String {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        id: String,
    }
    let sql = "SELECT id FROM simulated_provider.intents ORDER BY created_at DESC, id DESC LIMIT 1";
    let row: Result<Row, database::Error> =
        app.database.owner.read(|conn| Ok(diesel::sql_query(sql).get_result(conn)?));
    row.unwrap_or_else(|error| panic!("no intent: {error}")).id
}

#[actix_web::test]
async fn a_webhook_makes_held_money_of_what_the_payer_confirmed() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (_, secret) = intended(&deal).await;
    confirm_as_payer(&app, &secret, VISA).await;
    let webhooks = due(&app).await;
    assert!(webhooks.len() >= 2, "{webhooks:?}");
    for webhook in &webhooks {
        let answer = deliver(&app, &webhook.signature, &webhook.body).await;
        assert_eq!(answer.expect(200), json!({ "received": true }));
    }
    // Taken in at once, looked after by a task: the provider does not wait for us.
    assert_eq!(held(&deal).await, 0);
    app.settle().await;
    assert_eq!((held(&deal).await, text(&payment(&deal).await, "/status")), (100_000, "SUCCEEDED"));
    assert_eq!(told(&app, "payment.succeeded").len(), 1);
    assert_eq!(app.database.count("escrow.provider_events WHERE handled_at IS NULL"), 0);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn each_event_counts_once_in_any_order() {
    let app = TestApp::start().await;
    for card in ["pm_card_webhookTwice", "pm_card_webhookReversed"] {
        let deal = opened(&app).await;
        let (_, secret) = intended(&deal).await;
        confirm_as_payer(&app, &secret, card).await;
        app.clock.advance(Duration::from_secs(5));
        let mut webhooks = due(&app).await;
        webhooks.reverse();
        let again = webhooks.clone();
        for webhook in webhooks.iter().chain(&again) {
            deliver(&app, &webhook.signature, &webhook.body).await.expect(200);
        }
        app.settle().await;
        // And once more after it was looked after.
        for webhook in &again {
            deliver(&app, &webhook.signature, &webhook.body).await.expect(200);
        }
        app.settle().await;
        assert_eq!(
            (held(&deal).await, text(&payment(&deal).await, "/status")),
            (100_000, "SUCCEEDED"),
            "{card}"
        );
    }
    assert_eq!(app.database.count("escrow.transactions WHERE kind = 'DEPOSIT'"), 2);
    assert_eq!(told(&app, "payment.succeeded").len(), 2);
    let sent = app.database.count("simulated_provider.webhooks");
    assert_eq!(app.database.count("escrow.provider_events"), sent, "each is recorded once");
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_late_webhook_is_good_because_the_age_is_the_signatures() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (_, secret) = intended(&deal).await;
    // That the intent was made is told in time, and that it succeeded is not.
    app.settle().await;
    confirm_as_payer(&app, &secret, "pm_card_webhookLate").await;
    app.settle().await;
    assert_eq!(held(&deal).await, 0);
    app.clock.advance(Duration::from_secs(601));
    let webhooks = due(&app).await;
    assert!(!webhooks.is_empty());
    for webhook in webhooks {
        deliver(&app, &webhook.signature, &webhook.body).await.expect(200);
    }
    app.settle().await;
    assert_eq!(held(&deal).await, 100_000);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_success_after_the_lapse_funds_what_is_still_unfunded() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (late, _) = intended(&deal).await;
    let late_intent = intent(&app);
    app.pass(Duration::from_secs(15 * 60 + 1)).await;
    assert_eq!(text(&payment(&deal).await, "/status"), "LAPSED");
    app.provider.succeed_late(&late_intent).unwrap();
    app.settle().await;
    let paid = payment(&deal).await;
    assert_eq!(
        (text(&paid, "/id"), text(&paid, "/status"), number(&paid, "/fundedAmount")),
        (late.as_str(), "SUCCEEDED", 100_000)
    );
    assert_eq!(held(&deal).await, 100_000);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_success_after_the_lapse_goes_back_when_it_was_paid_for_again() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    intended(&deal).await;
    let late_intent = intent(&app);
    app.pass(Duration::from_secs(15 * 60 + 1)).await;
    pay_with(&deal, VISA).await.expect(201);
    app.provider.succeed_late(&late_intent).unwrap();
    app.settle().await;
    assert_eq!((held(&deal).await, balance(&app, AccountKind::RefundClearing)), (100_000, 0));
    assert_eq!(app.database.count("escrow.refunds WHERE status = 'DONE' AND amount = 100000"), 1);
    assert_eq!(app.database.count("simulated_provider.balance_movements WHERE kind = 'refund'"), 1);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn what_the_provider_did_not_sign_changes_nothing() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (_, secret) = intended(&deal).await;
    confirm_as_payer(&app, &secret, VISA).await;
    let body = event("evt_forged", "payment_intent.succeeded", &intent(&app));
    let ours = SignatureSecret::new(PROVIDER_SECRET);
    let now = app.now();
    let forged = [
        String::new(),
        "t=,v1=".to_owned(),
        sign(&SignatureSecret::new("another secret"), &body, now),
        sign(&ours, b"another body", now),
        // Good five minutes ago, or in five minutes.
        sign(&ours, &body, now - chrono::Duration::seconds(301)),
        sign(&ours, &body, now + chrono::Duration::seconds(330)),
    ];
    for signature in &forged {
        deliver(&app, signature, &body).await.problem(400, "bad_signature");
    }
    let anyone = app.anyone();
    anyone.send(Method::POST, PATH, |request| request.body(body.clone())).await.problem(400, "bad_signature");
    app.settle_without_webhooks().await;
    assert_eq!((app.database.count("escrow.provider_events"), held(&deal).await), (0, 0));
    // The same words, signed, are heard; no session is asked for.
    deliver(&app, &signed(&app, &body), &body).await.expect(200);
    app.settle_without_webhooks().await;
    assert_eq!(held(&deal).await, 100_000);
}

#[actix_web::test]
async fn a_success_that_the_provider_does_not_confirm_is_not_believed() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    intended(&deal).await;
    let body = event("evt_early", "payment_intent.succeeded", &intent(&app));
    deliver(&app, &signed(&app, &body), &body).await.expect(200);
    app.settle().await;
    assert_eq!((held(&deal).await, text(&payment(&deal).await, "/status")), (0, "REQUIRES_CONFIRMATION"));
}

#[actix_web::test]
async fn what_is_signed_and_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    for body in [
        b"".to_vec(),
        b"not JSON".to_vec(),
        b"{\"id\":5}".to_vec(),
        b"\xff\xfe".to_vec(),
        event("", "payment_intent.succeeded", "pi_1"),
        event("evt_\u{0}", "payment_intent.succeeded", "pi_1"),
        event(&"e".repeat(201), "payment_intent.succeeded", "pi_1"),
    ] {
        deliver(&app, &signed(&app, &body), &body).await.problem(400, "bad_webhook");
    }
    let endless = vec![b' '; 3_000_000];
    deliver(&app, &signed(&app, &endless), &endless).await.problem(413, "body_too_large");
    assert_eq!(app.database.count("escrow.provider_events"), 0);
    app.anyone().get(PATH).await.problem(405, "method_not_allowed");
}

#[actix_web::test]
async fn what_is_about_nothing_of_ours_is_noted_and_does_nothing() {
    let app = TestApp::start().await;
    for (id, kind) in [("evt_1", "payment_intent.succeeded"), ("evt_2", "something.new")] {
        let body = event(id, kind, "pi_of_somebody_else");
        deliver(&app, &signed(&app, &body), &body).await.expect(200);
    }
    app.settle().await;
    assert_eq!(app.database.count("escrow.provider_events WHERE handled_at IS NOT NULL"), 2);
    assert_eq!(app.database.count("outbox.tasks WHERE state = 'PARKED'"), 0);
    assert_eq!(app.database.count("escrow.transactions"), 0);
}

/// The simulated provider under another name, as another provider would be.
struct Another(Arc<SimulatedProvider>);

impl PaymentProvider for Another {
    fn name(&self) -> &'static str {
        "another"
    }
    fn create_intent(&self, key: &str, intent: &NewIntent) -> Result<Intent, ProviderError> {
        self.0.create_intent(key, intent)
    }
    fn confirm_intent(
        &self,
        key: &str,
        intent: &str,
        method: &PaymentMethod,
    ) -> Result<Intent, ProviderError> {
        self.0.confirm_intent(key, intent, method)
    }
    fn cancel_intent(&self, key: &str, intent: &str) -> Result<Intent, ProviderError> {
        self.0.cancel_intent(key, intent)
    }
    fn intent(&self, intent: &str) -> Result<Intent, ProviderError> {
        self.0.intent(intent)
    }
    fn payee(&self, party: PartyId) -> Result<Option<String>, ProviderError> {
        self.0.payee(party)
    }
    fn transfer(&self, key: &str, transfer: &NewTransfer) -> Result<Moved, ProviderError> {
        self.0.transfer(key, transfer)
    }
    fn refund(&self, key: &str, refund: &NewRefund) -> Result<Moved, ProviderError> {
        self.0.refund(key, refund)
    }
    fn balance(&self, currency: Currency) -> Result<i64, ProviderError> {
        self.0.balance(currency)
    }
    fn read_webhook(&self, signature: &str, body: &[u8], now: Instant) -> Result<WebhookEvent, WebhookError> {
        self.0.read_webhook(signature, body, now)
    }
}

#[actix_web::test]
async fn with_another_provider_the_route_is_not_there() {
    let app = TestApp::start_with_provider(|simulated| Arc::new(Another(simulated))).await;
    let body = event("evt_1", "payment_intent.succeeded", "pi_1");
    deliver(&app, &signed(&app, &body), &body).await.problem(404, "no_such_path");
    app.anyone().get(PATH).await.problem(404, "no_such_path");
    let document = app.anyone().get("/api-docs/openapi.json").await.expect(200);
    assert_eq!(document["paths"].get(PATH), None);
    // All else is.
    let deal = opened(&app).await;
    let made = pay_with(&deal, VISA).await.expect(201);
    assert_eq!((text(&made, "/payment/provider"), text(&made, "/payment/status")), ("another", "SUCCEEDED"));
    assert_eq!(app.database.count("escrow.provider_events"), 0);
}
