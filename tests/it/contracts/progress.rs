//! `PATCH /api/contracts/{contractId}/milestones/{milestoneId}` with an action: work starts, and is handed over.

use chrono::{DateTime, TimeDelta};
use contracts::{ContractId, MilestoneId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::TestApp;

use super::{nothing, told};

fn start() -> Value {
    json!({ "action": "start" })
}

fn submit() -> Value {
    json!({ "action": "submit" })
}

#[actix_web::test]
async fn starting_the_first_milestone_starts_the_job() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    let started = deal.contractor.patch(&deal.milestone_path(0), start()).await.expect(200);
    assert_eq!((&started["status"], &started["allowedActions"]), (&json!("IN_PROGRESS"), &json!(["submit"])));
    assert!(started["startedAt"].is_string(), "{started}");
    let contract = deal.homeowner.get(&deal.path()).await.expect(200);
    assert_eq!((&contract["status"], &contract["workStartedAt"]), (&json!("ACTIVE"), &started["startedAt"]));
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'IN_PROGRESS'"), 1);
    assert_eq!(told(&app, "milestone.started", &deal.milestones[0]), 1);

    // The second one starts for itself: the contract's work had started.
    deal.contractor.patch(&deal.milestone_path(1), start()).await.expect(200);
    let later = deal.homeowner.get(&deal.path()).await.expect(200);
    assert_eq!(later["workStartedAt"], started["startedAt"]);
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'IN_PROGRESS'"), 2);
}

#[actix_web::test]
async fn submitting_starts_the_inspection() {
    let app = TestApp::start().await;
    let deal = app.started_contract().await;
    let before = app.now();
    let submitted = deal.contractor.patch(&deal.milestone_path(0), submit()).await.expect(200);
    assert_eq!((&submitted["status"], &submitted["submission"]), (&json!("SUBMITTED"), &json!(1)));
    assert_eq!(submitted["allowedActions"], json!([]));
    let ends =
        submitted["inspectionEndsAt"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok()).unwrap();
    let (least, most) = (before + TimeDelta::days(14), app.now() + TimeDelta::days(14));
    assert!(ends >= least - TimeDelta::seconds(1) && ends <= most + TimeDelta::seconds(1), "{submitted}");
    let seen = deal.homeowner.get(&format!("{}/milestones", deal.path())).await.expect(200);
    assert_eq!(seen["data"][0]["allowedActions"], json!(["approve", "request_changes"]));

    assert_eq!(told(&app, "milestone.submitted", &deal.milestones[0]), 1);
    assert_eq!(app.database.count("contracts.submissions WHERE number = 1 AND outcome IS NULL"), 1);
    let queued =
        |kind: &str| app.database.count(&format!("outbox.tasks WHERE kind = '{kind}' AND state = 'QUEUED'"));
    assert_eq!((queued("contracts.lapse_inspection"), queued("contracts.remind_of_inspection")), (1, 3));
}

#[actix_web::test]
async fn starting_and_submitting_are_the_contractors() {
    let app = TestApp::start().await;
    let deal = app.started_contract().await;
    for (index, action) in [(1, start()), (0, submit())] {
        let path = deal.milestone_path(index);
        deal.contractor.signed_out().patch(&path, action.clone()).await.problem(401, "unauthenticated");
        deal.homeowner.patch(&path, action.clone()).await.problem(403, "wrong_role");
        app.admin().await.patch(&path, action.clone()).await.problem(403, "wrong_role");
        let stranger = app.verified_contractor().await;
        stranger.patch(&path, action.clone()).await.problem(404, "contract_not_found");
        // A homeowner who is a stranger does not learn whether the contract is there.
        let elsewhere =
            format!("/api/contracts/{}/milestones/{}", nothing::<ContractId>(), nothing::<MilestoneId>());
        for place in [&path, &elsewhere] {
            app.homeowner().await.patch(place, action.clone()).await.problem(403, "wrong_role");
        }
        let missing = format!("{}/milestones/{}", deal.path(), nothing::<MilestoneId>());
        deal.contractor.patch(&missing, action).await.problem(404, "milestone_not_found");
    }
    assert_eq!(app.database.count("contracts.milestones WHERE status IN ('IN_PROGRESS', 'FUNDED')"), 2);
    assert_eq!(app.database.count("contracts.submissions"), 0);
}

#[actix_web::test]
async fn an_action_stands_alone_and_is_a_known_one() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    let act = async |body: Value| deal.contractor.patch(&deal.milestone_path(0), body).await;
    act(json!({ "action": "begin", "note": "now" })).await.faults(&["/action", "/note"]);
    act(json!({ "action": ["start"] })).await.faults(&["/action"]);
    act(json!({ "action": "START" })).await.faults(&["/action"]);
    act(json!({ "action": "start", "dueDate": "2099-01-01" })).await.faults(&["/action"]);
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'FUNDED'"), 2);
    assert_eq!(told(&app, "milestone.started", &deal.contract), 0);
}

#[actix_web::test]
async fn each_step_names_the_state_that_forbids_it() {
    let app = TestApp::start().await;
    let unsigned = app.contract().await;
    unsigned.contractor.patch(&unsigned.milestone_path(0), start()).await.wrong_state("PENDING");
    // Signed and unpaid: nobody has to work yet.
    app.sign(&unsigned).await;
    unsigned.contractor.patch(&unsigned.milestone_path(0), start()).await.wrong_state("PENDING");

    let deal = app.funded_contract().await;
    let path = deal.milestone_path(0);
    let refused = deal.contractor.patch(&path, submit()).await.wrong_state("FUNDED");
    assert_eq!(
        (&refused["code"], &refused["allowedActions"]),
        (&json!("milestone_state"), &json!(["start"]))
    );
    deal.contractor.patch(&path, start()).await.expect(200);
    assert_eq!(
        deal.contractor.patch(&path, start()).await.wrong_state("IN_PROGRESS")["allowedActions"],
        json!(["submit"])
    );
    deal.contractor.patch(&path, submit()).await.expect(200);
    for action in [start(), submit()] {
        assert_eq!(
            deal.contractor.patch(&path, action).await.wrong_state("SUBMITTED")["allowedActions"],
            json!([])
        );
    }
    deal.homeowner.patch_empty(&format!("{path}/complete")).await.expect(200);
    assert_eq!(
        deal.contractor.patch(&path, submit()).await.wrong_state("APPROVED")["allowedActions"],
        json!(["release"])
    );
    let told = |name: &str| told(&app, name, &deal.milestones[0]);
    assert_eq!((told("milestone.started"), told("milestone.submitted")), (1, 1));
}

#[actix_web::test]
async fn of_two_starts_at_the_same_time_one_is_refused() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    let path = deal.milestone_path(0);
    let (one, other) = futures_util::future::join(
        deal.contractor.patch(&path, start()),
        deal.contractor.patch(&path, start()),
    )
    .await;
    let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
    won.expect(200);
    lost.wrong_state("IN_PROGRESS");
    assert_eq!(told(&app, "milestone.started", &deal.milestones[0]), 1);
}

#[actix_web::test]
async fn a_step_from_another_version_than_was_read_is_refused_when_it_says_so() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    let step = async |tag: &str, action: Value| {
        let dress = |request: RequestBuilder| request.header("if-match", tag).json(&action);
        deal.contractor.send(Method::PATCH, &deal.milestone_path(0), dress).await
    };
    step("\"1.\"", start()).await.problem(412, "stale_precondition");
    let page = deal.contractor.get(&format!("{}/milestones", deal.path())).await.expect(200);
    let started = step(&format!("\"{}.\"", page["data"][0]["version"]), start()).await;
    let tag = started.header("etag").unwrap().to_owned();
    started.expect(200);
    step(&tag, submit()).await.expect(200);
    step(&tag, submit()).await.problem(412, "stale_precondition");
}
