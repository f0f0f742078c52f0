//! `PATCH /api/contracts/{contractId}/milestones/{milestoneId}/complete`: the homeowner approves, or asks for changes.

use contracts::MilestoneId;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Deal, TestApp};

use super::{nothing, told};

fn complete(deal: &Deal) -> String {
    format!("{}/complete", deal.milestone_path(0))
}

fn changes(reason: &str) -> Value {
    json!({ "action": "request_changes", "reason": reason })
}

/// The submission still waits for a word.
fn undecided(app: &TestApp, deal: &Deal) {
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'SUBMITTED'"), 1);
    assert_eq!(app.database.count("contracts.submissions WHERE outcome IS NULL"), 1);
    assert_eq!(told(app, "milestone.approved", &deal.contract), 0);
    assert_eq!(told(app, "milestone.changes_requested", &deal.contract), 0);
}

#[actix_web::test]
async fn completing_without_a_body_approves_and_moves_no_money() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    let held = "escrow.entries";
    let before = app.database.count(held);
    let approved = deal.homeowner.patch_empty(&complete(&deal)).await;
    let tag = approved.header("etag").map(str::to_owned);
    let approved = approved.expect(200);
    assert_eq!((&approved["status"], &approved["inspectionEndsAt"]), (&json!("APPROVED"), &Value::Null));
    assert!(approved["approvedAt"].is_string() && approved["releasedAt"].is_null(), "{approved}");
    assert_eq!(approved["allowedActions"], json!(["release"]));
    assert!(tag.is_some());
    assert_eq!(
        app.database.count("contracts.submissions WHERE outcome = 'APPROVED' AND decided_at IS NOT NULL"),
        1
    );
    assert_eq!(told(&app, "milestone.approved", &deal.milestones[0]), 1);
    assert_eq!(
        app.database
            .count("outbox.events WHERE name = 'milestone.approved' AND data->>'bySilence' = 'false'"),
        1
    );
    app.settle().await;
    assert_eq!(app.database.count(held), before);
}

#[actix_web::test]
async fn approving_may_be_said_in_words_too() {
    let app = TestApp::start().await;
    for body in [json!({}), json!({ "action": "approve" }), json!({ "action": "approve", "reason": null })] {
        let deal = app.submitted_contract().await;
        let approved = deal.homeowner.patch(&complete(&deal), body.clone()).await.expect(200);
        assert_eq!(approved["status"], "APPROVED", "{body}");
    }
}

#[actix_web::test]
async fn a_request_for_changes_stops_the_inspection_and_a_new_submission_starts_another() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    let sent_back =
        deal.homeowner.patch(&complete(&deal), changes(" The gate\r\nsticks. ")).await.expect(200);
    assert_eq!(
        (&sent_back["status"], &sent_back["inspectionEndsAt"]),
        (&json!("CHANGES_REQUESTED"), &Value::Null)
    );
    assert_eq!(sent_back["changesRequested"]["reason"], "The gate\nsticks.");
    assert_eq!(sent_back["allowedActions"], json!([]));
    let seen = deal.contractor.get(&format!("{}/milestones", deal.path())).await.expect(200);
    assert_eq!(seen["data"][0]["changesRequested"], sent_back["changesRequested"]);
    assert_eq!(seen["data"][0]["allowedActions"], json!(["submit"]));
    assert_eq!(told(&app, "milestone.changes_requested", &deal.milestones[0]), 1);
    // What the homeowner wrote is in no event.
    assert_eq!(app.database.count("outbox.events WHERE data::text LIKE '%sticks%'"), 0);

    let again =
        deal.contractor.patch(&deal.milestone_path(0), json!({ "action": "submit" })).await.expect(200);
    assert_eq!((&again["status"], &again["submission"]), (&json!("SUBMITTED"), &json!(2)));
    assert_eq!(again["changesRequested"], Value::Null);
    deal.homeowner.patch_empty(&complete(&deal)).await.expect(200);
    let outcome = |number: i32, outcome: &str| {
        app.database
            .count(&format!("contracts.submissions WHERE number = {number} AND outcome = '{outcome}'"))
    };
    assert_eq!((outcome(1, "CHANGES_REQUESTED"), outcome(2, "APPROVED")), (1, 1));
}

#[actix_web::test]
async fn completing_is_for_the_homeowner() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    for body in [json!({}), changes("Again.")] {
        deal.homeowner
            .signed_out()
            .patch(&complete(&deal), body.clone())
            .await
            .problem(401, "unauthenticated");
        deal.contractor.patch(&complete(&deal), body.clone()).await.problem(403, "wrong_role");
        app.admin().await.patch(&complete(&deal), body.clone()).await.problem(403, "wrong_role");
        app.homeowner().await.patch(&complete(&deal), body.clone()).await.problem(404, "contract_not_found");
        let missing = format!("{}/milestones/{}/complete", deal.path(), nothing::<MilestoneId>());
        deal.homeowner.patch(&missing, body).await.problem(404, "milestone_not_found");
    }
    undecided(&app, &deal);
}

#[actix_web::test]
async fn completing_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    let decide = async |body: Value| deal.homeowner.patch(&complete(&deal), body).await;
    decide(json!({ "action": "reject", "reason": "", "amount": 1 }))
        .await
        .faults(&["/action", "/reason", "/amount"]);
    decide(json!({ "action": "request_changes" })).await.faults(&["/reason"]);
    decide(json!({ "action": "approve", "reason": "Well done." })).await.faults(&["/reason"]);
    decide(json!({ "reason": "Well done." })).await.faults(&["/reason"]);
    for reason in ["   ", "bell \u{7}", "nul \u{0}", &"x".repeat(2_001)] {
        decide(changes(reason)).await.faults(&["/reason"]);
    }
    decide(json!("approve")).await.faults(&[""]);
    deal.homeowner
        .patch(&format!("{}/milestones/mst_1/complete", deal.path()), json!({}))
        .await
        .problem(404, "not_found");
    undecided(&app, &deal);
    decide(changes(&"é".repeat(2_000))).await.expect(200);
}

#[actix_web::test]
async fn completing_names_the_state_that_forbids_it() {
    let app = TestApp::start().await;
    let deal = app.started_contract().await;
    for body in [json!({}), changes("Again.")] {
        let refused = deal.homeowner.patch(&complete(&deal), body.clone()).await.wrong_state("IN_PROGRESS");
        assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("milestone_state"), &json!([])));
        let untouched = format!("{}/complete", deal.milestone_path(1));
        deal.homeowner.patch(&untouched, body).await.wrong_state("FUNDED");
    }
    deal.contractor.patch(&deal.milestone_path(0), json!({ "action": "submit" })).await.expect(200);
    deal.homeowner.patch_empty(&complete(&deal)).await.expect(200);
    for body in [json!({}), changes("Again.")] {
        let refused = deal.homeowner.patch(&complete(&deal), body).await.wrong_state("APPROVED");
        assert_eq!(refused["allowedActions"], json!(["release"]));
    }
    assert_eq!(told(&app, "milestone.approved", &deal.contract), 1);
    assert_eq!(told(&app, "milestone.changes_requested", &deal.contract), 0);
}

#[actix_web::test]
async fn a_decision_on_another_version_than_was_read_is_refused_when_it_says_so() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    let page = deal.homeowner.get(&format!("{}/milestones", deal.path())).await.expect(200);
    let version = page["data"][0]["version"].as_i64().unwrap();
    let decide = async |version: i64| {
        let dress = |request: RequestBuilder| request.header("if-match", format!("\"{version}.\""));
        deal.homeowner.send(Method::PATCH, &complete(&deal), dress).await
    };
    decide(version - 1).await.problem(412, "stale_precondition");
    undecided(&app, &deal);
    decide(version).await.expect(200);
}
