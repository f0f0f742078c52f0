//! `POST /api/jobs/{jobId}/complete`: when every milestone is finished the job is, and the owner may say so.

use marketplace::JobId;
use serde_json::{Value, json};
use tests::{Deal, TestApp};

use super::nothing;

fn complete(deal: &Deal) -> String {
    format!("/api/jobs/{}/complete", deal.job)
}

fn completed(app: &TestApp) -> i64 {
    app.database.count("outbox.events WHERE name = 'contract.completed'")
}

#[actix_web::test]
async fn completing_what_the_last_milestone_completed_answers_the_job() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let events = app.database.count("outbox.events");
    for _ in 0..2 {
        let answer = deal.homeowner.post_empty(&complete(&deal)).await;
        assert!(answer.header("etag").is_some());
        let job = answer.expect(200);
        assert_eq!((&job["id"], &job["status"]), (&json!(deal.job), &json!("COMPLETED")));
        assert!(job["address"].is_object(), "{job}");
    }
    assert_eq!((app.database.count("outbox.events"), completed(&app)), (events, 1));
}

#[actix_web::test]
async fn every_milestone_in_the_way_is_named() {
    let app = TestApp::start().await;
    let deal = app.started_contract().await;
    let refused = deal.homeowner.post_empty(&complete(&deal)).await;
    assert_eq!(refused.json["code"], "milestones_unfinished");
    let refused = refused.wrong_state("IN_PROGRESS");
    let named: Vec<(&Value, &Value)> = refused["blockers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| (&one["id"], &one["message"]))
        .collect();
    let [first, second] = [&deal.milestones[0], &deal.milestones[1]].map(|id| json!(id));
    let [working, funded] =
        ["IN_PROGRESS", "FUNDED"].map(|state| json!(format!("The milestone is {state}.")));
    assert_eq!(named, [(&first, &working), (&second, &funded)]);
    assert_eq!((completed(&app), app.database.count("marketplace.jobs WHERE status = 'COMPLETED'")), (0, 0));
}

#[actix_web::test]
async fn a_job_that_nothing_holds_up_any_more_is_completed() {
    let app = TestApp::start().await;
    let deal = app.started_contract().await;
    // As a contract stands whose milestones came to their end in other ways than by a last release.
    app.database.execute("UPDATE contracts.milestones SET status = 'CANCELLED'");
    let job = deal.homeowner.post_empty(&complete(&deal)).await.expect(200);
    assert_eq!(job["status"], "COMPLETED");
    assert_eq!(deal.homeowner.get(&deal.path()).await.expect(200)["status"], "COMPLETED");
    assert_eq!((completed(&app), app.database.count("marketplace.review_windows")), (1, 1));
}

#[actix_web::test]
async fn completing_is_the_owners_and_for_work_that_was_agreed() {
    let app = TestApp::start().await;
    let deal = app.signed_contract().await;
    let path = complete(&deal);
    app.anyone().post_empty(&path).await.problem(401, "unauthenticated");
    for other in [&deal.contractor, &app.admin().await] {
        other.post_empty(&path).await.problem(403, "wrong_role");
    }
    app.homeowner().await.post_empty(&path).await.problem(404, "job_not_found");
    let missing = format!("/api/jobs/{}/complete", nothing::<JobId>());
    deal.homeowner.post_empty(&missing).await.problem(404, "job_not_found");
    deal.homeowner.post(&path, json!({ "force": true })).await.problem(400, "no_body_expected");
    let unsigned = app.contract().await;
    unsigned.homeowner.post_empty(&complete(&unsigned)).await.wrong_state("AWARDED");
    let ada = app.homeowner().await;
    for (job, state) in [(app.draft_job(&ada).await, "DRAFT"), (app.open_job(&ada).await, "OPEN")] {
        ada.post_empty(&format!("/api/jobs/{job}/complete")).await.wrong_state(state);
    }
    assert_eq!(completed(&app), 0);
}
