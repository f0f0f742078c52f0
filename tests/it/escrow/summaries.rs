//! `/api/payments/contract/{contractId}/summary`: the money of one contract at a glance.

use serde_json::{Value, json};
use tests::TestApp;

use super::{VISA, escrow_path, nothing, number, opened, pay_with, release, summary_path, text};

#[actix_web::test]
async fn a_summary_goes_along_with_the_money() {
    let app = TestApp::start().await;
    let deal = app.signed_contract().await;
    let at_first = deal.homeowner.get(&summary_path(&deal)).await.expect(200);
    assert_eq!(
        at_first,
        json!({
            "contractId": deal.contract, "currency": "USD", "priceAmount": 100_000, "paidOutAmount": 0,
            "escrow": null, "payments": [], "payouts": [],
        })
    );

    let deal = app.approved_contract().await;
    release(&deal, &deal.contractor, 0, Some(10_000)).await.expect(200);
    app.settle().await;
    release(&deal, &deal.contractor, 0, None).await.expect(200);
    let summary = deal.contractor.get(&summary_path(&deal)).await.expect(200);
    assert_eq!(summary["escrow"], deal.contractor.get(&escrow_path(&deal)).await.expect(200));
    assert_eq!((number(&summary, "/priceAmount"), number(&summary, "/paidOutAmount")), (100_000, 9_710));
    assert_eq!(summary["payments"].as_array().map(Vec::len), Some(1));
    let payment = &summary["payments"][0];
    assert_eq!((text(payment, "/status"), number(payment, "/fundedAmount")), ("SUCCEEDED", 100_000));
    let payouts: Vec<_> = summary["payouts"].as_array().into_iter().flatten().collect();
    let told: Vec<_> = payouts
        .iter()
        .map(|one| {
            (number(one, "/part"), number(one, "/amount"), text(one, "/status"), text(one, "/milestoneId"))
        })
        .collect();
    assert_eq!(told, [(2, 48_550, "PENDING", deal.milestone(0)), (1, 9_710, "PAID", deal.milestone(0))]);
    assert!(payouts[0]["settledAt"].is_null() && payouts[1]["settledAt"].is_string(), "{summary}");

    // The other party and administrators see the same, and who has it already is told so.
    let answer = deal.homeowner.get(&summary_path(&deal)).await;
    let tag = answer.header("etag").unwrap_or_default().to_owned();
    assert_eq!(answer.expect(200), summary);
    assert_eq!(app.admin().await.get(&summary_path(&deal)).await.expect(200), summary);
    let known = deal
        .homeowner
        .send(reqwest::Method::GET, &summary_path(&deal), |request| {
            request.header("if-none-match", tag.as_str())
        })
        .await;
    assert_eq!(known.status, 304);
}

#[actix_web::test]
async fn a_summary_shows_every_try_to_pay_the_newest_first() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    pay_with(&deal, "pm_card_chargeDeclined").await.expect(201);
    app.clock.advance(std::time::Duration::from_secs(1));
    pay_with(&deal, VISA).await.expect(201);
    let summary = deal.homeowner.get(&summary_path(&deal)).await.expect(200);
    let tries: Vec<_> = summary["payments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|payment| (text(payment, "/status"), payment["failureCode"].as_str()))
        .collect();
    assert_eq!(tries, [("SUCCEEDED", None), ("FAILED", Some("card_declined"))]);
}

#[actix_web::test]
async fn a_summary_is_its_parties_own() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    deal.homeowner.signed_out().get(&summary_path(&deal)).await.problem(401, "unauthenticated");
    for stranger in [app.homeowner().await, app.verified_contractor().await] {
        stranger.get(&summary_path(&deal)).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn a_summary_takes_a_contracts_id_and_no_parameters() {
    let app = TestApp::start().await;
    // There is no state in which it cannot be read: a contract that is not signed has a price.
    let deal = app.contract().await;
    let unsigned = deal.contractor.get(&summary_path(&deal)).await.expect(200);
    assert_eq!((number(&unsigned, "/priceAmount"), &unsigned["escrow"]), (100_000, &Value::Null));
    for id in ["ctr_1", &deal.job, &nothing("ctr")] {
        let path = format!("/api/payments/contract/{id}/summary");
        deal.homeowner.get(&path).await.problem(404, "not_found");
    }
    let refused = deal.homeowner.get(&format!("{}?limit=1", summary_path(&deal))).await;
    assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], "?limit");
}
