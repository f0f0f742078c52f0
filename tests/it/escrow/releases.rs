//! `/api/payments/escrow/{escrowId}/release/milestone`: money on its way to the contractor.

use std::time::Duration;

use escrow::AccountKind;
use serde_json::{Value, json};
use tests::{Deal, TestApp};

use super::{
    approve, assert_books_are_right, balance, escrow_path, nothing, number, release, release_path, states,
    summary_path, text, told,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// No money left the account.
fn assert_nothing_left(app: &TestApp) {
    assert_eq!(app.database.count("escrow.releases"), 0);
    assert_eq!(app.database.count("escrow.transactions WHERE kind <> 'DEPOSIT'"), 0);
    assert_eq!((app.database.count("escrow.payouts"), told(app, "milestone.released").len()), (0, 0));
}

/// How the newest payout of the contract stands.
async fn payout(deal: &Deal) -> String {
    let summary = deal.contractor.get(&summary_path(deal)).await.expect(200);
    text(&summary, "/payouts/0/status").to_owned()
}

#[actix_web::test]
async fn releasing_moves_share_and_fee_at_once_and_pays_the_share_out() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let made = release(&deal, &deal.homeowner, 0, None).await.expect(200);
    let figures = ["part", "amount", "feeAmount", "nettedAmount", "shareAmount", "remainingAmount"];
    assert_eq!(figures.map(|figure| number(&made, &format!("/{figure}"))), [1, 60_000, 1_740, 0, 58_260, 0]);
    assert_eq!(
        (text(&made, "/escrowId"), text(&made, "/milestoneId")),
        (deal.escrow.as_str(), deal.milestone(0))
    );
    assert!(
        text(&made, "/transactionId").starts_with("txn_") && text(&made, "/payoutId").starts_with("pot_"),
        "{made}"
    );
    assert_eq!(made["currency"], "USD");

    assert_eq!(states(&deal).await, ["RELEASED", "FUNDED"]);
    assert_eq!(app.database.count("escrow.release_schedule WHERE status = 'RELEASED'"), 1);
    assert_eq!(app.database.count("escrow.transactions WHERE kind = 'RELEASE'"), 1);
    let accounts = [AccountKind::Held, AccountKind::PlatformFee, AccountKind::ContractorPayable];
    assert_eq!(accounts.map(|kind| balance(&app, kind)), [40_000, 1_740, 58_260]);
    let events = told(&app, "milestone.released");
    assert_eq!(events.len(), 1);
    let told_of = [
        "milestoneId",
        "amount",
        "fee",
        "share",
        "part",
        "releasedBy",
        "homeownerId",
        "contractorId",
        "jobId",
    ];
    assert_eq!(
        json!(told_of.map(|field| events[0][field].clone())),
        json!([
            deal.milestone(0),
            60_000,
            1_740,
            58_260,
            1,
            "party",
            deal.homeowner.party,
            deal.contractor.party,
            deal.job
        ])
    );

    assert_eq!(payout(&deal).await, "PENDING");
    app.settle().await;
    assert_eq!(payout(&deal).await, "PAID");
    assert_eq!(balance(&app, AccountKind::ContractorPayable), 0);
    assert_eq!(
        app.database
            .count("simulated_provider.balance_movements WHERE kind = 'transfer' AND amount = -58260"),
        1
    );
    let paid = told(&app, "payout.paid");
    assert_eq!(
        (paid.len(), &paid[0]["amount"], &paid[0]["payoutId"]),
        (1, &json!(58_260), &made["payoutId"])
    );
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn either_party_releases_in_parts_whose_fees_sum_to_the_fee_of_the_whole() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let mut fees = 0;
    let mut left = 60_000;
    for (part, amount) in [(1, Some(1)), (2, Some(17)), (3, Some(33_333)), (4, None)] {
        let who = if part % 2 == 0 { &deal.contractor } else { &deal.homeowner };
        let made = release(&deal, who, 0, amount).await.expect(200);
        let moved = amount.unwrap_or(left);
        left -= moved;
        fees += number(&made, "/feeAmount");
        assert_eq!(
            (number(&made, "/part"), number(&made, "/amount"), number(&made, "/remainingAmount")),
            (part, moved, left)
        );
        assert_eq!(number(&made, "/feeAmount") + number(&made, "/shareAmount"), moved);
        let state = if left == 0 { "RELEASED" } else { "APPROVED" };
        assert_eq!(states(&deal).await, [state, "FUNDED"]);
    }
    assert_eq!(fees, 1_740);
    assert_eq!(told(&app, "milestone.released").len(), 4);
    app.settle().await;
    // A part of one cent bears no fee yet, and is paid out like any other.
    assert_eq!(app.database.count("escrow.payouts WHERE status = 'PAID'"), 4);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn the_last_release_completes_the_contract_and_closes_the_account() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    release(&deal, &deal.homeowner, 0, None).await.expect(200);
    approve(&deal, 1).await;
    release(&deal, &deal.homeowner, 1, None).await.expect(200);
    let closed = deal.homeowner.get(&escrow_path(&deal)).await.expect(200);
    assert_eq!((text(&closed, "/status"), number(&closed, "/heldAmount")), ("CLOSED", 0));
    app.settle().await;
    let contract = deal.contractor.get(&deal.path()).await.expect(200);
    assert_eq!(contract["status"], "COMPLETED");
    let job = deal.homeowner.get(&format!("/api/jobs/{}", deal.job)).await.expect(200);
    assert_eq!(job["status"], "COMPLETED");
    assert_eq!(told(&app, "contract.completed").len(), 1);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_release_happens_once_for_a_key_and_needs_one() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let (path, body) = (release_path(&deal), json!({ "milestoneId": deal.milestone(0), "amount": 10_000 }));
    deal.homeowner.post(&path, body.clone()).await.problem(400, "idempotency_key_missing");
    assert_nothing_left(&app);
    let first = deal.homeowner.post_keyed(&path, "part one", body.clone()).await;
    let again = deal.homeowner.post_keyed(&path, "part one", body.clone()).await;
    assert_eq!((first.status, again.status), (200, 200), "{}", again.text());
    assert_eq!((&first.bytes, again.header("idempotency-replayed")), (&again.bytes, Some("true")));
    let whole = json!({ "milestoneId": deal.milestone(0) });
    deal.homeowner.post_keyed(&path, "part one", whole).await.problem(422, "idempotency_key_reused");
    // A key is its owner's: the other party's same key is another.
    deal.contractor.post_keyed(&path, "part one", body).await.expect(200);
    assert_eq!(app.database.count("escrow.releases"), 2);
}

#[actix_web::test]
async fn a_release_is_the_parties_own() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let body = json!({ "milestoneId": deal.milestone(0) });
    let path = release_path(&deal);
    deal.homeowner.signed_out().pay(&path, body.clone()).await.problem(401, "unauthenticated");
    app.homeowner().await.pay(&path, body.clone()).await.problem(404, "not_found");
    app.verified_contractor().await.pay(&path, body.clone()).await.problem(404, "not_found");
    app.admin().await.pay(&path, body.clone()).await.problem(403, "forbidden");
    for id in [nothing("esc"), "esc_1".to_owned(), deal.contract.clone()] {
        let path = format!("/api/payments/escrow/{id}/release/milestone");
        deal.homeowner.pay(&path, body.clone()).await.problem(404, "not_found");
    }
    assert_nothing_left(&app);
}

#[actix_web::test]
async fn a_release_names_every_fault_of_its_body() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let other = app.approved_contract().await;
    let try_it = async |body: Value| deal.contractor.pay(&release_path(&deal), body).await;
    try_it(json!({})).await.faults(&["/milestoneId"]);
    let bad = json!({ "milestoneId": "mst_1", "amount": 0, "colour": "red" });
    try_it(bad).await.faults(&["/amount", "/colour", "/milestoneId"]);
    for amount in [json!(0.5), json!("60000"), json!(-1), json!(1e3), json!(9_007_199_254_740_992_i64)] {
        try_it(json!({ "milestoneId": deal.milestone(0), "amount": amount })).await.faults(&["/amount"]);
    }
    for stranger in [other.milestone(0).to_owned(), nothing("mst")] {
        let said = try_it(json!({ "milestoneId": stranger })).await.problem(422, "unknown_milestone");
        assert_eq!(said["errors"][0]["pointer"], "/milestoneId");
    }
    let said = try_it(json!({ "milestoneId": deal.milestone(0), "amount": 60_001 })).await;
    let said = said.problem(422, "amount_mismatch");
    assert_eq!(said["errors"][0]["pointer"], "/amount");
    assert!(text(&said, "/errors/0/message").contains("60000"), "{said}");
    deal.contractor
        .send(reqwest::Method::POST, &release_path(&deal), |request| request.header("idempotency-key", "k"))
        .await
        .problem(400, "not_json");
    assert_nothing_left(&app);
}

#[actix_web::test]
async fn only_what_is_approved_is_released_and_only_once() {
    let app = TestApp::start().await;
    let unfunded = super::opened(&app).await;
    let refused = release(&unfunded, &unfunded.homeowner, 0, None).await.wrong_state("PENDING");
    assert_eq!(refused["allowedActions"], json!(["fund"]));
    let submitted = app.submitted_contract().await;
    let refused = release(&submitted, &submitted.contractor, 0, None).await.wrong_state("SUBMITTED");
    assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("wrong_state"), &json!([])));
    let refused = release(&submitted, &submitted.homeowner, 0, None).await.wrong_state("SUBMITTED");
    assert_eq!(refused["allowedActions"], json!(["approve", "request_changes"]));
    let refused = release(&submitted, &submitted.contractor, 1, None).await.wrong_state("FUNDED");
    assert_eq!(refused["allowedActions"], json!(["start"]));
    assert_nothing_left(&app);
    let deal = app.approved_contract().await;
    release(&deal, &deal.homeowner, 0, None).await.expect(200);
    for amount in [None, Some(1)] {
        let refused = release(&deal, &deal.homeowner, 0, amount).await.wrong_state("RELEASED");
        assert_eq!(refused["allowedActions"], json!([]));
    }
    assert_eq!(app.database.count("escrow.releases"), 1);
}

#[actix_web::test]
async fn a_day_after_the_approval_the_service_releases_what_is_left() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    app.settle().await;
    release(&deal, &deal.homeowner, 0, Some(10_000)).await.expect(200);
    app.pass(DAY - Duration::from_secs(60)).await;
    assert_eq!(app.database.count("escrow.releases"), 1);
    app.pass(Duration::from_secs(60)).await;
    assert_eq!(app.database.count("escrow.releases"), 2);
    let events = told(&app, "milestone.released");
    assert_eq!(
        events.iter().map(|event| text(event, "/releasedBy")).collect::<Vec<_>>(),
        ["party", "service"]
    );
    assert_eq!(balance(&app, AccountKind::Held), 40_000);
    assert_eq!(app.database.count("outbox.tasks WHERE state = 'PARKED'"), 0);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn a_payout_waits_for_the_contractors_account() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let party: kernel::PartyId = deal.contractor.party.parse().unwrap();
    app.provider.open_account(party, false).unwrap();
    release(&deal, &deal.homeowner, 0, None).await.expect(200);
    app.settle().await;
    assert_eq!(
        (payout(&deal).await.as_str(), told(&app, "payout.waiting_account").len()),
        ("WAITING_ACCOUNT", 1)
    );
    assert_eq!(balance(&app, AccountKind::ContractorPayable), 58_260);
    app.provider.open_account(party, true).unwrap();
    app.pass(Duration::from_secs(60 * 60)).await;
    assert_eq!((payout(&deal).await.as_str(), told(&app, "payout.paid").len()), ("PAID", 1));
    assert_eq!(balance(&app, AccountKind::ContractorPayable), 0);
    assert_books_are_right(&app);
}
