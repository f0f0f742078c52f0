//! A running contract says when its contractor's papers have ended, until a renewal is approved.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Person, TestApp, papers};

const DAY: Duration = Duration::from_secs(86_400);
const MARK: &str = "contractorVerificationLapsedAt";

/// Has papers that end within days approved, in the place of those that the contractor has.
async fn renew(app: &TestApp, contractor: &Person, days: u64) {
    let last_day = app.now().date_naive() + chrono::Days::new(days);
    let mut renewal = papers();
    for credential in ["/licences/0/expiresOn", "/insurance/expiresOn"] {
        *renewal.pointer_mut(credential).unwrap() = json!(last_day);
    }
    let contractor = app.sign_in(&contractor.email, &contractor.password).await;
    let made = contractor.post("/api/contractors/verification", renewal).await.expect(201);
    let approve = format!("/api/admin/verifications/{}/approve", made["id"].as_str().unwrap());
    app.admin().await.post(&approve, json!({})).await.expect(200);
    app.settle().await;
}

async fn inbox(person: &Person) -> String {
    person.get("/api/notifications?limit=100").await.expect(200).to_string()
}

#[actix_web::test]
async fn running_contracts_are_flagged_when_the_papers_end_and_both_parties_are_told() {
    let app = TestApp::start().await;
    let running = app.funded_contract().await;
    renew(&app, &running.contractor, 3).await;
    let (ada, bob) = (running.homeowner.clone(), running.contractor.clone());
    assert_eq!(ada.get(&running.path()).await.expect(200)[MARK], Value::Null);
    // Another contractor's contract, and one of the same that both have yet to sign.
    let other = app.signed_contract().await;
    let unsigned = app.contract_between(&app.homeowner().await, &bob).await;

    app.pass(5 * DAY).await;
    let ada = app.sign_in(&ada.email, &ada.password).await;
    let bob = app.sign_in(&bob.email, &bob.password).await;
    for party in [&ada, &bob] {
        let shown = party.get(&running.path()).await.expect(200);
        assert!(shown[MARK].is_string(), "{shown}");
        assert_eq!((&shown["status"], &shown["allowedActions"]), (&json!("ACTIVE"), &json!([])));
        let listed = party.get("/api/contracts?status=ACTIVE").await.expect(200);
        assert_eq!(listed["data"][0][MARK], shown[MARK]);
    }
    let told = inbox(&ada).await;
    assert!(told.contains("contract_verification_lapsed_homeowner"), "{told}");
    assert!(inbox(&bob).await.contains("contract_verification_lapsed_contractor"));
    let marked = "contracts.contracts WHERE verification_lapsed_at IS NOT NULL";
    assert_eq!(app.database.count(marked), 1);
    assert_eq!(app.database.count("outbox.events WHERE name = 'contract.verification_lapsed'"), 1);
    for unmarked in [&other, &unsigned] {
        let owner = app.sign_in(&unmarked.homeowner.email, &unmarked.homeowner.password).await;
        assert_eq!(owner.get(&unmarked.path()).await.expect(200)[MARK], Value::Null);
    }
    // Money and work go on, and nobody else learns of it.
    let stranger = app.homeowner().await;
    stranger.get(&running.path()).await.problem(404, "contract_not_found");
}

#[actix_web::test]
async fn an_approved_renewal_takes_the_flag_away() {
    let app = TestApp::start().await;
    let running = app.signed_contract().await;
    renew(&app, &running.contractor, 3).await;
    app.pass(5 * DAY).await;
    let ada = app.sign_in(&running.homeowner.email, &running.homeowner.password).await;
    let flagged = ada.get(&running.path()).await.expect(200);
    assert!(flagged[MARK].is_string(), "{flagged}");
    renew(&app, &running.contractor, 400).await;
    assert_eq!(ada.get(&running.path()).await.expect(200)[MARK], Value::Null);
    assert!(inbox(&ada).await.contains("contract_verification_restored"));
    assert_eq!(app.database.count("outbox.events WHERE name = 'contract.verification_restored'"), 1);
}

#[actix_web::test]
async fn a_renewal_in_time_leaves_contracts_as_they_are() {
    let app = TestApp::start().await;
    let running = app.signed_contract().await;
    renew(&app, &running.contractor, 3).await;
    renew(&app, &running.contractor, 400).await;
    app.pass(5 * DAY).await;
    let touched = "outbox.events WHERE name IN ('verification.expired', 'contract.verification_lapsed', \
                   'contract.verification_restored')";
    assert_eq!(app.database.count(touched), 0);
}

#[actix_web::test]
async fn a_contract_that_is_signed_after_the_papers_have_ended_begins_with_the_flag() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    renew(&app, &deal.contractor, 1).await;
    app.pass(3 * DAY).await;
    app.sign(&deal).await;
    assert_eq!(app.database.count("contracts.contracts WHERE verification_lapsed_at IS NOT NULL"), 1);
    assert_eq!(app.database.count("outbox.events WHERE name = 'contract.verification_lapsed'"), 1);
}
