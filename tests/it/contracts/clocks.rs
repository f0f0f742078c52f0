//! What happens to contracts by itself: time to sign runs out, inspections are reminded of and end in silence.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Deal, Person, TestApp};

use super::told;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The first milestone, as the homeowner reads it now. Tokens last a day, so whoever comes back later signs in again.
async fn first(app: &TestApp, deal: &Deal) -> Value {
    let page =
        again(app, &deal.homeowner).await.get(&format!("{}/milestones", deal.path())).await.expect(200);
    page["data"][0].clone()
}

async fn again(app: &TestApp, person: &Person) -> Person {
    app.sign_in(&person.email, &person.password).await
}

#[actix_web::test]
async fn silence_approves_after_reminders_on_days_five_and_twelve_and_a_day_before() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    let reminders = || told(&app, "milestone.inspection_reminder", &deal.milestones[0]);
    for (days, reminded) in [(4, 0), (1, 1), (6, 1), (1, 2), (1, 3)] {
        app.pass(DAY * days).await;
        assert_eq!(reminders(), reminded);
    }
    app.pass(DAY - HOUR).await;
    assert_eq!(first(&app, &deal).await["status"], "SUBMITTED");
    app.pass(HOUR).await;
    let approved = first(&app, &deal).await;
    assert_eq!((&approved["status"], &approved["inspectionEndsAt"]), (&json!("APPROVED"), &Value::Null));
    assert_eq!(app.database.count("contracts.submissions WHERE outcome = 'APPROVED_BY_SILENCE'"), 1);
    assert_eq!(
        app.database.count("outbox.events WHERE name = 'milestone.approved' AND data->>'bySilence' = 'true'"),
        1
    );
    assert_eq!(reminders(), 3);

    // A day later the service releases what was approved, by word or by silence.
    app.pass(DAY).await;
    let released = first(&app, &deal).await;
    assert_eq!(released["status"], "RELEASED");
    assert_eq!(told(&app, "milestone.released", &deal.milestones[0]), 1);
    // The other milestone is none of that clock's business.
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'FUNDED'"), 1);
}

#[actix_web::test]
async fn a_request_for_changes_in_time_stops_the_clock() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    app.pass(DAY * 13).await;
    let homeowner = again(&app, &deal.homeowner).await;
    let body = json!({ "action": "request_changes", "reason": "The gate sticks." });
    homeowner.patch(&format!("{}/complete", deal.milestone_path(0)), body).await.expect(200);
    app.pass(DAY * 30).await;
    assert_eq!(first(&app, &deal).await["status"], "CHANGES_REQUESTED");
    assert_eq!(told(&app, "milestone.approved", &deal.contract), 0);

    // The new submission has a clock of its own, and is reminded of from its own beginning.
    let contractor = again(&app, &deal.contractor).await;
    contractor.patch(&deal.milestone_path(0), json!({ "action": "submit" })).await.expect(200);
    let before = told(&app, "milestone.inspection_reminder", &deal.milestones[0]);
    app.pass(DAY * 5).await;
    assert_eq!(told(&app, "milestone.inspection_reminder", &deal.milestones[0]), before + 1);
    app.pass(DAY * 9).await;
    assert_eq!(first(&app, &deal).await["status"], "APPROVED");
}

#[actix_web::test]
async fn once_the_inspection_is_over_it_is_too_late_for_changes_and_not_for_approval() {
    let app = TestApp::start().await;
    let (deal, approved) = (app.submitted_contract().await, app.submitted_contract().await);
    // The task that approves is late; the clock counts.
    app.clock.advance(DAY * 14);
    let homeowner = again(&app, &deal.homeowner).await;
    let body = json!({ "action": "request_changes", "reason": "The gate sticks." });
    homeowner
        .patch(&format!("{}/complete", deal.milestone_path(0)), body)
        .await
        .problem(409, "inspection_over");
    let homeowner = again(&app, &approved.homeowner).await;
    homeowner.patch_empty(&format!("{}/complete", approved.milestone_path(0))).await.expect(200);
    app.settle().await;
    assert_eq!(first(&app, &deal).await["status"], "APPROVED");
    assert_eq!(app.database.count("contracts.submissions WHERE outcome = 'APPROVED_BY_SILENCE'"), 1);
    assert_eq!(app.database.count("contracts.submissions WHERE outcome = 'APPROVED'"), 1);
    // Reminders that come late, when all is over, are not sent.
    assert_eq!(app.database.count("outbox.events WHERE name = 'milestone.inspection_reminder'"), 0);
}

#[actix_web::test]
async fn an_inspection_takes_as_long_as_the_parties_agreed() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bid = app.bid_for(&bob, &job, 50_000).await;
    let contract =
        ada.post(&format!("/api/bids/{bid}/accept"), json!({ "inspectionDays": 1 })).await.expect(201);
    let path = format!("/api/contracts/{}", contract["id"].as_str().unwrap());
    let body = json!({ "documentSha256": contract["documentSha256"] });
    for party in [&ada, &bob] {
        party.post(&format!("{path}/sign"), body.clone()).await.expect(200);
    }
    let escrow =
        ada.post("/api/payments/escrow/create", json!({ "contractId": contract["id"] })).await.expect(201);
    let deposit = format!("/api/payments/escrow/{}/deposit", escrow["id"].as_str().unwrap());
    ada.pay(&deposit, json!({ "paymentMethod": "pm_card_visa" })).await.expect(201);
    let page = bob.get(&format!("{path}/milestones")).await.expect(200);
    let milestone = format!("{path}/milestones/{}", page["data"][0]["id"].as_str().unwrap());
    for action in ["start", "submit"] {
        bob.patch(&milestone, json!({ "action": action })).await.expect(200);
    }
    // What falls on the beginning, or nearer to the end than a day, is not reminded of.
    app.pass(DAY - HOUR).await;
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'SUBMITTED'"), 1);
    assert_eq!(app.database.count("outbox.events WHERE name = 'milestone.inspection_reminder'"), 0);
    app.pass(HOUR).await;
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'APPROVED'"), 1);
}

#[actix_web::test]
async fn what_nobody_signs_in_seven_days_ends_and_takes_the_job_with_it() {
    let app = TestApp::start().await;
    let (deal, signed) = (app.contract().await, app.signed_contract().await);
    let sha256 = deal.homeowner.get(&deal.path()).await.expect(200)["documentSha256"].clone();
    let body = json!({ "documentSha256": sha256 });
    // One signature is not enough.
    deal.homeowner.post(&format!("{}/sign", deal.path()), body.clone()).await.expect(200);
    app.pass(DAY * 7 - HOUR).await;
    let contractor = again(&app, &deal.contractor).await;
    assert_eq!(contractor.get(&deal.path()).await.expect(200)["status"], "PENDING_SIGNATURES");
    app.clock.advance(HOUR);
    contractor.post(&format!("{}/sign", deal.path()), body.clone()).await.problem(409, "signing_period_over");
    app.settle().await;

    let ended = contractor.get(&deal.path()).await.expect(200);
    assert_eq!((&ended["status"], &ended["terminationReason"]), (&json!("TERMINATED"), &json!("unsigned")));
    assert!(ended["terminatedAt"].is_string(), "{ended}");
    assert_eq!(ended["allowedActions"], json!([]));
    contractor.post(&format!("{}/sign", deal.path()), body).await.wrong_state("TERMINATED");
    assert_eq!(told(&app, "contract.unsigned", &deal.contract), 1);
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'CANCELLED'"), 2);
    let job = contractor.get(&format!("/api/jobs/{}", deal.job)).await.expect(200);
    assert_eq!(job["status"], "EXPIRED");

    // What both signed goes on.
    let homeowner = again(&app, &signed.homeowner).await;
    assert_eq!(homeowner.get(&signed.path()).await.expect(200)["status"], "ACTIVE");
    assert_eq!(told(&app, "contract.unsigned", &signed.contract), 0);
}
