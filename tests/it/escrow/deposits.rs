//! `/api/payments/escrow/{escrowId}/deposit` and `/api/payments/confirm`: money on its way in.

use std::time::Duration;

use escrow::AccountKind;
use serde_json::{Value, json};
use tests::{Deal, TestApp};

use super::{
    CONFIRM, VISA, approve, assert_books_are_right, assert_nothing_moved, balance, confirm_as_payer,
    deposit_path, escrow_path, intended, nothing, number, open, opened, pay_with, states, text, told,
};

/// What the account holds now.
async fn held(deal: &Deal) -> i64 {
    number(&deal.homeowner.get(&escrow_path(deal)).await.expect(200), "/heldAmount")
}

#[actix_web::test]
async fn a_deposit_by_card_is_held_for_each_milestone() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let answer = pay_with(&deal, VISA).await;
    assert_eq!(
        answer.header("location"),
        Some(format!("/api/payments/contract/{}/summary", deal.contract).as_str())
    );
    let made = answer.expect(201);
    let payment = &made["payment"];
    assert!(text(payment, "/id").starts_with("pay_"), "{made}");
    assert_eq!((text(payment, "/status"), text(payment, "/provider")), ("SUCCEEDED", "simulated"));
    assert_eq!((number(payment, "/amount"), number(payment, "/fundedAmount")), (100_000, 100_000));
    assert_eq!(
        (text(payment, "/escrowId"), text(payment, "/contractId")),
        (deal.escrow.as_str(), deal.contract.as_str())
    );
    assert_eq!((&payment["currency"], &payment["failureCode"]), (&json!("USD"), &Value::Null));
    let mut named: Vec<_> =
        payment["milestoneIds"].as_array().into_iter().flatten().map(|id| id.as_str()).collect();
    named.sort_unstable();
    let mut milestones: Vec<_> = deal.milestones.iter().map(|id| Some(id.as_str())).collect();
    milestones.sort_unstable();
    assert_eq!(named, milestones);
    assert_eq!(made["clientSecret"], Value::Null);

    assert_eq!((held(&deal).await, states(&deal).await), (100_000, vec!["FUNDED".to_owned(); 2]));
    assert_eq!(app.database.count("escrow.transactions WHERE kind = 'DEPOSIT'"), 1);
    assert_eq!(balance(&app, AccountKind::Held), 100_000);
    // What the provider keeps is the platform's expense.
    assert_eq!(
        (balance(&app, AccountKind::CardClearing), balance(&app, AccountKind::ProcessorFee)),
        (-99_000, -1_000)
    );
    let succeeded = told(&app, "payment.succeeded");
    assert_eq!(succeeded.len(), 1);
    assert_eq!((&succeeded[0]["paymentId"], &succeeded[0]["amount"]), (&payment["id"], &json!(100_000)));
    assert_eq!(succeeded[0]["homeownerId"], json!(deal.homeowner.party));
    let mut funded: Vec<_> =
        told(&app, "milestone.funded").iter().map(|event| number(event, "/amount")).collect();
    funded.sort_unstable();
    assert_eq!(funded, [40_000, 60_000]);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_deposit_is_for_the_milestones_it_names() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let second = json!({ "milestoneIds": [deal.milestone(1)], "amount": 40_000, "paymentMethod": VISA });
    let made = deal.homeowner.pay(&deposit_path(&deal), second.clone()).await.expect(201);
    assert_eq!(
        (&made["payment"]["amount"], &made["payment"]["milestoneIds"]),
        (&json!(40_000), &second["milestoneIds"])
    );
    assert_eq!(
        (held(&deal).await, states(&deal).await),
        (40_000, vec!["PENDING".to_owned(), "FUNDED".to_owned()])
    );
    // What is not funded is the rest.
    let rest = pay_with(&deal, VISA).await.expect(201);
    assert_eq!((&rest["payment"]["amount"], held(&deal).await), (&json!(60_000), 100_000));
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_deposit_happens_once_for_a_key_and_needs_one() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let body = json!({ "paymentMethod": VISA });
    deal.homeowner.post(&deposit_path(&deal), body.clone()).await.problem(400, "idempotency_key_missing");
    assert_nothing_moved(&app);
    let first = deal.homeowner.post_keyed(&deposit_path(&deal), "pay", body.clone()).await;
    let again = deal.homeowner.post_keyed(&deposit_path(&deal), "\"pay\"", body).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text());
    assert_eq!((&first.bytes, again.header("idempotency-replayed")), (&again.bytes, Some("true")));
    let other = deal.homeowner.post_keyed(&deposit_path(&deal), "pay", json!({})).await;
    other.problem(422, "idempotency_key_reused");
    assert_eq!(app.database.count("escrow.payments"), 1);
    assert_eq!(app.database.count("simulated_provider.balance_movements"), 1);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_deposit_is_the_homeowners_with_a_verified_address() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (path, body) = (deposit_path(&deal), json!({ "paymentMethod": VISA }));
    deal.homeowner.signed_out().pay(&path, body.clone()).await.problem(401, "unauthenticated");
    app.homeowner().await.pay(&path, body.clone()).await.problem(404, "not_found");
    deal.contractor.pay(&path, body.clone()).await.problem(403, "wrong_role");
    app.admin().await.pay(&path, body.clone()).await.problem(403, "wrong_role");
    app.database.execute(&format!(
        "UPDATE identity.people SET email_verified_at = NULL WHERE email = '{}'",
        deal.homeowner.email
    ));
    deal.homeowner.pay(&path, body).await.problem(403, "email_not_verified");
    assert_nothing_moved(&app);
}

#[actix_web::test]
async fn a_deposit_names_every_fault_of_its_body() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let other = opened(&app).await;
    let try_it = async |body: Value| deal.homeowner.pay(&deposit_path(&deal), body).await;
    let bad = json!({ "milestoneIds": [], "amount": 0, "paymentMethod": "", "colour": "red" });
    try_it(bad).await.faults(&["/amount", "/colour", "/milestoneIds", "/paymentMethod"]);
    let bad = json!({ "milestoneIds": [deal.milestone(0), "mst_1", deal.job], "amount": 1.5 });
    try_it(bad).await.faults(&["/amount", "/milestoneIds/1", "/milestoneIds/2"]);
    let twice = json!({ "milestoneIds": [deal.milestone(0), deal.milestone(0)], "paymentMethod": "pm card" });
    try_it(twice).await.faults(&["/milestoneIds", "/paymentMethod"]);
    for amount in [json!("100000"), json!(1e300), json!(9_007_199_254_740_992_i64), json!(-1), json!(null)] {
        let answer = try_it(json!({ "amount": amount, "paymentMethod": 7 })).await;
        let pointers: &[&str] =
            if amount.is_null() { &["/paymentMethod"] } else { &["/amount", "/paymentMethod"] };
        answer.faults(pointers);
    }
    // Of another contract, or of nothing.
    for stranger in [other.milestone(0).to_owned(), nothing("mst")] {
        let named = try_it(json!({ "milestoneIds": [deal.milestone(0), stranger] })).await;
        assert_eq!(named.json["code"], "unknown_milestone", "{}", named.text());
        named.faults(&["/milestoneIds/1"]);
    }
    let wrong = try_it(json!({ "amount": 100_001 })).await;
    let said = wrong.problem(422, "amount_mismatch");
    assert_eq!(said["errors"][0]["pointer"], "/amount");
    assert!(text(&said, "/errors/0/message").contains("100000"), "{said}");
    deal.homeowner
        .send(reqwest::Method::POST, &deposit_path(&deal), |request| request.header("idempotency-key", "k"))
        .await
        .problem(400, "not_json");
    assert_nothing_moved(&app);
    assert_eq!(app.database.count("simulated_provider.intents"), 0);
}

#[actix_web::test]
async fn a_deposit_needs_something_unfunded_that_no_other_is_under_way_for() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    intended(&deal).await;
    pay_with(&deal, VISA).await.problem(409, "deposit_open");
    let deal = app.funded_contract().await;
    pay_with(&deal, VISA).await.problem(409, "nothing_to_fund");
    let named = json!({ "milestoneIds": [deal.milestone(1)], "paymentMethod": VISA });
    let refused = deal.homeowner.pay(&deposit_path(&deal), named.clone()).await.wrong_state("FUNDED");
    assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("wrong_state"), &json!([])));
    approve(&deal, 1).await;
    let refused = deal.homeowner.pay(&deposit_path(&deal), named).await.wrong_state("APPROVED");
    assert_eq!(refused["allowedActions"], json!(["release"]));
    let ended = app.completed_contract().await;
    pay_with(&ended, VISA).await.wrong_state("CLOSED");
    assert_eq!(app.database.count("escrow.payments"), 3);
}

#[actix_web::test]
async fn a_declined_card_is_an_answer_and_another_may_be_tried() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    for (card, code) in [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_nobody_has", "payment_method_unknown"),
    ] {
        let made = pay_with(&deal, card).await.expect(201);
        assert_eq!(
            (&made["payment"]["status"], &made["payment"]["failureCode"]),
            (&json!("FAILED"), &json!(code))
        );
        assert_eq!((&made["payment"]["fundedAmount"], &made["clientSecret"]), (&json!(0), &Value::Null));
        assert_eq!(
            told(&app, "payment.failed").last().map(|event| event["failureCode"].clone()),
            Some(json!(code))
        );
    }
    assert_eq!((held(&deal).await, app.database.count("escrow.transactions")), (0, 0));
    assert_eq!(told(&app, "payment.failed").len(), 4);
    pay_with(&deal, VISA).await.expect(201);
    app.settle().await;
    assert_eq!(held(&deal).await, 100_000);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn an_amount_can_be_declined_whatever_the_card() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bid = app.bid_for(&bob, &job, 99_909_995).await;
    let deal = app.accept(&ada, &bob, &job, &bid).await;
    app.sign(&deal).await;
    let made = pay_with(&open(deal).await, VISA).await.expect(201);
    assert_eq!(made["payment"]["failureCode"], "insufficient_funds", "{made}");
}

#[actix_web::test]
async fn a_lost_answer_is_gone_on_with_under_the_same_key() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let body = json!({ "paymentMethod": "pm_card_answerLost" });
    let lost = deal.homeowner.post_keyed(&deposit_path(&deal), "pay", body.clone()).await;
    assert!(lost.header("retry-after").is_some());
    lost.problem(503, "provider_unavailable");
    let found = deal.homeowner.post_keyed(&deposit_path(&deal), "pay", body).await.expect(201);
    assert_eq!(found["payment"]["status"], "SUCCEEDED");
    assert_eq!(app.database.count("escrow.payments"), 1);
    assert_eq!(app.database.count("simulated_provider.balance_movements"), 1);
    app.settle().await;
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_slow_bank_ends_either_way() {
    let app = TestApp::start().await;
    for (card, ends, holds) in
        [("pm_card_processing", "SUCCEEDED", 100_000), ("pm_card_processingDeclined", "FAILED", 0)]
    {
        let deal = opened(&app).await;
        let made = pay_with(&deal, card).await.expect(201);
        assert_eq!((&made["payment"]["status"], held(&deal).await), (&json!("PROCESSING"), 0));
        pay_with(&deal, VISA).await.problem(409, "deposit_open");
        app.pass(Duration::from_secs(5)).await;
        let confirmed = deal.homeowner.pay(CONFIRM, json!({ "paymentId": made["payment"]["id"] })).await;
        if ends == "FAILED" {
            confirmed.wrong_state("FAILED");
        } else {
            assert_eq!(confirmed.expect(200)["payment"]["status"], ends);
        }
        assert_eq!(held(&deal).await, holds, "{card}");
    }
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn confirming_with_a_card_makes_held_money_once() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (payment, secret) = intended(&deal).await;
    assert!(secret.contains("_secret_"), "{secret}");
    let body = json!({ "paymentId": payment, "paymentMethod": VISA });
    let confirmed = deal.homeowner.post_keyed(CONFIRM, "now", body.clone()).await;
    let again = deal.homeowner.post_keyed(CONFIRM, "now", body.clone()).await;
    assert_eq!((&confirmed.bytes, again.header("idempotency-replayed")), (&again.bytes, Some("true")));
    let shown = confirmed.expect(200);
    assert_eq!(
        (text(&shown, "/payment/id"), text(&shown, "/payment/status")),
        (payment.as_str(), "SUCCEEDED")
    );
    assert_eq!(shown["clientSecret"], Value::Null);
    // Under another key it is what it was: nothing moves again.
    let once_more = deal.homeowner.pay(CONFIRM, body).await.expect(200);
    assert_eq!(once_more, shown);
    assert_eq!((held(&deal).await, told(&app, "payment.succeeded").len()), (100_000, 1));
    assert_eq!(app.database.count("simulated_provider.balance_movements"), 1);
    app.settle().await;
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn confirming_believes_the_provider_and_not_the_payer() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (payment, secret) = intended(&deal).await;
    let claim = async || deal.homeowner.pay(CONFIRM, json!({ "paymentId": payment })).await.expect(200);
    let claimed = claim().await;
    assert_eq!(
        (text(&claimed, "/payment/status"), text(&claimed, "/clientSecret")),
        ("REQUIRES_CONFIRMATION", secret.as_str())
    );
    assert_eq!((held(&deal).await, app.database.count("escrow.transactions")), (0, 0));
    confirm_as_payer(&app, &secret, VISA).await;
    assert_eq!(held(&deal).await, 0, "nobody has read it back yet");
    assert_eq!(claim().await["payment"]["status"], "SUCCEEDED");
    assert_eq!(held(&deal).await, 100_000);
    app.settle().await;
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_card_that_wants_its_owner_is_confirmed_by_the_payer_alone() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let card = "pm_card_threeDSecureRequired";
    let made = pay_with(&deal, card).await.expect(201);
    assert_eq!(made["payment"]["status"], "REQUIRES_CONFIRMATION", "{made}");
    let (payment, secret) = (text(&made, "/payment/id"), text(&made, "/clientSecret"));
    let again = deal.homeowner.pay(CONFIRM, json!({ "paymentId": payment, "paymentMethod": card })).await;
    assert_eq!(again.expect(200)["payment"]["status"], "REQUIRES_CONFIRMATION");
    app.settle().await;
    assert_eq!(held(&deal).await, 0);
    confirm_as_payer(&app, secret, card).await;
    let confirmed = deal.homeowner.pay(CONFIRM, json!({ "paymentId": payment })).await.expect(200);
    assert_eq!((&confirmed["payment"]["status"], held(&deal).await), (&json!("SUCCEEDED"), 100_000));
    app.settle().await;
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn confirming_needs_a_key_and_the_payer() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let (payment, _) = intended(&deal).await;
    let body = json!({ "paymentId": payment, "paymentMethod": VISA });
    deal.homeowner.post(CONFIRM, body.clone()).await.problem(400, "idempotency_key_missing");
    deal.homeowner.signed_out().pay(CONFIRM, body.clone()).await.problem(401, "unauthenticated");
    app.homeowner().await.pay(CONFIRM, body.clone()).await.problem(404, "not_found");
    deal.contractor.pay(CONFIRM, body.clone()).await.problem(403, "wrong_role");
    let missing = json!({ "paymentId": nothing("pay") });
    deal.homeowner.pay(CONFIRM, missing).await.problem(404, "not_found");
    app.database.execute(&format!(
        "UPDATE identity.people SET email_verified_at = NULL WHERE email = '{}'",
        deal.homeowner.email
    ));
    deal.homeowner.pay(CONFIRM, body).await.problem(403, "email_not_verified");
    assert_eq!(app.database.count("escrow.payments WHERE status = 'REQUIRES_CONFIRMATION'"), 1);
    assert_eq!(app.database.count("escrow.transactions"), 0);
}

#[actix_web::test]
async fn confirming_names_every_fault_of_its_body() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let bad = json!({ "paymentMethod": "", "colour": "red" });
    deal.homeowner.pay(CONFIRM, bad).await.faults(&["/colour", "/paymentId", "/paymentMethod"]);
    let bad = json!({ "paymentId": deal.escrow, "paymentMethod": "x".repeat(201) });
    deal.homeowner.pay(CONFIRM, bad).await.faults(&["/paymentId", "/paymentMethod"]);
    let bad = json!({ "paymentId": nothing("pay"), "paymentMethod": "pm card" });
    deal.homeowner.pay(CONFIRM, bad).await.faults(&["/paymentMethod"]);
}

#[actix_web::test]
async fn what_failed_or_lapsed_is_not_gone_on_with() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    let failed = pay_with(&deal, "pm_card_chargeDeclined").await.expect(201);
    let body = json!({ "paymentId": failed["payment"]["id"], "paymentMethod": VISA });
    let refused = deal.homeowner.pay(CONFIRM, body).await.wrong_state("FAILED");
    assert_eq!(refused["allowedActions"], json!(["deposit"]));

    // After its quarter of an hour, whether the task that ends it has run or not.
    for settles in [false, true] {
        let (payment, secret) = intended(&deal).await;
        app.clock.advance(Duration::from_secs(15 * 60 + 1));
        if settles {
            app.settle().await;
        }
        let body = json!({ "paymentId": payment, "paymentMethod": VISA });
        let refused = deal.homeowner.pay(CONFIRM, body).await.wrong_state("LAPSED");
        assert_eq!(refused["allowedActions"], json!(["deposit"]));
        let provider = app.provider.clone();
        let method = escrow::provider::PaymentMethod::new(VISA).unwrap();
        let too_late = tokio::task::spawn_blocking(move || provider.confirm_as_payer(&secret, &method));
        assert!(too_late.await.unwrap().is_err(), "it was called off at the provider");
    }
    assert_eq!(told(&app, "payment.lapsed").len(), 2);
    assert_eq!((held(&deal).await, app.database.count("simulated_provider.balance_movements")), (0, 0));
    app.settle().await;
    assert_books_are_right(&app);
}
