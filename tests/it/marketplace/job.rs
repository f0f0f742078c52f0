//! `/api/jobs/{jobId}`: reading, editing, publishing and calling off one job, and what its clock does.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{
    again, ahead, delete_if, get_unless, header, id, job_form, nothing, patch_if, post, post_if, told,
    told_at_all, with,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An open job of somebody, and its path.
async fn open(app: &TestApp) -> (Person, String, String) {
    let ada = app.homeowner().await;
    let job = app.open_job(&ada).await;
    let path = format!("/api/jobs/{job}");
    (ada, job, path)
}

#[actix_web::test]
async fn a_job_is_public_while_it_is_open() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let path = post(&ada, job_form()).await;
    let own = ada.get(&path).await.expect(200);
    assert_eq!(own["address"]["street"], "12 Oak Street");
    for reader in [app.anyone(), app.homeowner().await, app.verified_contractor().await, app.admin().await] {
        let seen = reader.get(&path).await;
        assert!(!seen.text().contains("Oak"), "{}", seen.text());
        // All but the address is the same for everybody.
        assert_eq!(seen.expect(200), with_null(own.clone(), "address"));
    }
    for missing in [nothing("job"), nothing("bid"), "job_1".to_owned(), path.to_uppercase(), "1".to_owned()] {
        let answer = app.anyone().get(&format!("/api/jobs/{missing}")).await;
        assert_eq!(answer.status, 404, "{missing}: {}", answer.text());
    }
    let unknown = app.anyone().get(&format!("{path}?expand=bids")).await.problem(400, "invalid_request");
    assert_eq!(unknown["errors"][0]["pointer"], "?expand");
}

fn with_null(mut view: Value, field: &str) -> Value {
    view[field] = Value::Null;
    view
}

#[actix_web::test]
async fn a_draft_is_its_owners_alone() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let path = format!("/api/jobs/{}", app.draft_job(&ada).await);
    assert_eq!(ada.get(&path).await.expect(200)["status"], "DRAFT");
    for stranger in [app.anyone(), app.homeowner().await, app.verified_contractor().await] {
        stranger.get(&path).await.problem(404, "job_not_found");
    }
}

#[actix_web::test]
async fn an_awarded_job_is_for_its_parties_and_bidders() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (bob, loser, onlooker) =
        (app.verified_contractor().await, app.verified_contractor().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let (bid, path) = (app.bid(&bob, &job).await, format!("/api/jobs/{job}"));
    app.bid(&loser, &job).await;
    assert_eq!(bob.get(&path).await.expect(200)["address"], Value::Null);
    app.accept(&ada, &bob, &job, &bid).await;

    let chosen = bob.get(&path).await.expect(200);
    assert_eq!((&chosen["status"], &chosen["contractorId"]), (&json!("AWARDED"), &json!(bob.party)));
    assert!(chosen["address"]["street"].is_string(), "{chosen}");
    assert_eq!(chosen, ada.get(&path).await.expect(200));
    // Who lost may look it up, but learns neither where nor who.
    let lost = loser.get(&path).await.expect(200);
    assert_eq!((&lost["address"], &lost["contractorId"]), (&Value::Null, &Value::Null));
    for stranger in [app.anyone(), onlooker, app.homeowner().await] {
        stranger.get(&path).await.problem(404, "job_not_found");
    }
}

#[actix_web::test]
async fn a_job_that_is_known_already_is_not_sent_again() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let first = ada.get(&path).await;
    let known = get_unless(&ada, &path, &header(&first, "etag")).await;
    assert_eq!((known.status, known.bytes.len()), (304, 0));
    assert_eq!(known.header("etag"), first.header("etag"));
    // What the owner sees is more than what others do, and so another thing.
    assert_eq!(get_unless(&app.anyone(), &path, &header(&first, "etag")).await.status, 200);
    ada.patch(&path, json!({ "title": "Paint the gate" })).await.expect(200);
    let changed = get_unless(&ada, &path, &header(&first, "etag")).await;
    assert_eq!((changed.status, &changed.json["title"]), (200, &json!("Paint the gate")));
}

#[actix_web::test]
async fn editing_changes_what_is_said_and_tells_of_it() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let path = post(&ada, job_form()).await;
    let before = ada.get(&path).await.expect(200);
    let said = json!({
        "title": " Tile both bathrooms ", "budgetMin": null, "budgetMax": 400_000, "skills": [], "urgency": "urgent",
        "wantedStart": "2031-02-03", "category": "bathrooms", "description": "More.", "currency": "USD",
        "address": { "street": "1 Elm Street", "city": "Reno", "country": "US", "point": { "lat": 39.5, "lng": -119.8 } },
    });
    let answer = ada.patch(&path, said).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    let after = answer.expect(200);
    assert_eq!(
        (&after["title"], &after["description"], &after["category"]),
        (&json!("Tile both bathrooms"), &json!("More."), &json!("bathrooms"))
    );
    assert_eq!(
        (&after["budgetMin"], &after["budgetMax"], &after["skills"]),
        (&Value::Null, &json!(400_000), &json!([]))
    );
    assert_eq!(
        (&after["wantedStart"], &after["urgency"], &after["version"]),
        (&json!("2031-02-03"), &json!("urgent"), &json!(2))
    );
    assert_eq!(
        (&after["address"]["street"], &after["area"]["city"]),
        (&json!("1 Elm Street"), &json!("Reno"))
    );
    assert_ne!(after["area"]["point"], before["area"]["point"]);
    for kept in ["biddingDeadline", "publishedAt", "createdAt", "reveal"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(ada.get(&path).await.expect(200), after);
    assert_eq!(told(&app, "job.edited", id(&after)), 1);
    assert_eq!(app.database.count("marketplace.job_addresses WHERE city = 'Reno' AND region IS NULL"), 1);
    // What can be absent is taken away again.
    let bare = ada.patch(&path, json!({ "wantedStart": null, "budgetMax": null })).await.expect(200);
    assert_eq!((&bare["wantedStart"], &bare["budgetMax"]), (&Value::Null, &Value::Null));
}

#[actix_web::test]
async fn editing_a_draft_tells_nobody_and_nothing_is_fixed_yet() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let path = post(&ada, with(job_form(), json!({ "status": "DRAFT" }))).await;
    let before = told_at_all(&app);
    let deadline = ahead(&app, TimeDelta::days(20));
    let said = json!({ "currency": "EUR", "reveal": "at_close", "biddingDeadline": deadline });
    let draft = ada.patch(&path, said).await.expect(200);
    assert_eq!(
        (&draft["currency"], &draft["reveal"], &draft["biddingDeadline"]),
        (&json!("EUR"), &json!("at_close"), &deadline)
    );
    let sooner = ahead(&app, TimeDelta::days(2));
    let draft = ada.patch(&path, json!({ "biddingDeadline": sooner })).await.expect(200);
    assert_eq!(draft["biddingDeadline"], sooner);
    assert_eq!(told_at_all(&app), before);
}

#[actix_web::test]
async fn editing_is_the_owners() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let said = || json!({ "title": "Mine now" });
    ada.signed_out().patch(&path, said()).await.problem(401, "unauthenticated");
    app.homeowner().await.patch(&path, said()).await.problem(404, "job_not_found");
    app.verified_contractor().await.patch(&path, said()).await.problem(403, "wrong_role");
    ada.patch(&format!("/api/jobs/{}", nothing("job")), said()).await.problem(404, "job_not_found");
    ada.patch("/api/jobs/1", said()).await.problem(404, "not_found");
    assert_eq!(app.database.count("marketplace.jobs WHERE title = 'Mine now'"), 0);
}

#[actix_web::test]
async fn editing_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let (ada, job, path) = open(&app).await;
    let misshapen = json!({
        "title": null, "skills": "all", "address": { "street": "1 Elm" }, "budgetMax": "much", "wantedStart": 3,
        "reveal": null, "status": "DRAFT", "version": 9,
    });
    ada.patch(&path, misshapen).await.faults(&[
        "/title",
        "/skills",
        "/address/city",
        "/address/country",
        "/budgetMax",
        "/wantedStart",
        "/reveal",
        "/status",
        "/version",
    ]);
    let senseless =
        json!({ "title": "  a", "category": "alchemy", "currency": "XQQ", "wantedStart": "1999-01-01" });
    ada.patch(&path, senseless).await.faults(&["/title", "/category", "/currency", "/wantedStart"]);
    ada.patch(&path, json!({})).await.faults(&[""]);
    // The open job's limits: what bidders rely on is fixed, and the ends of the budget stay in order.
    let fixed = json!({
        "currency": "EUR", "reveal": "at_close", "biddingDeadline": ahead(&app, TimeDelta::days(3)),
        "budgetMin": 200_000,
    });
    ada.patch(&path, fixed).await.faults(&["/currency", "/reveal", "/biddingDeadline", "/budgetMax"]);
    ada.patch(&path, json!({ "biddingDeadline": ahead(&app, TimeDelta::days(91)) }))
        .await
        .faults(&["/biddingDeadline"]);
    assert_eq!(app.database.count("marketplace.jobs WHERE version > 1"), 0);
    assert_eq!(told(&app, "job.edited", &job), 0);
}

#[actix_web::test]
async fn editing_under_a_condition_refuses_what_is_stale() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let etag = header(&ada.get(&path).await, "etag");
    let said = |title: &str| json!({ "title": title });
    patch_if(&ada, &path, &etag, said("First")).await.expect(200);
    for stale in [etag.as_str(), "\"99999999999.0\"", "\"nonsense\""] {
        patch_if(&ada, &path, stale, said("Second")).await.problem(412, "stale_precondition");
    }
    // The header is optional, and a star asks for no version.
    patch_if(&ada, &path, "*", said("Third")).await.expect(200);
    // Any reader's tag names the same version, and one of several is enough.
    let public = header(&app.anyone().get(&path).await, "etag");
    patch_if(&ada, &path, &format!("\"1.0\", {public}"), said("Fourth")).await.expect(200);
    assert_eq!(ada.get(&path).await.expect(200)["title"], "Fourth");
}

#[actix_web::test]
async fn the_deadline_of_an_open_job_only_moves_later_and_of_a_sealed_one_never() {
    let app = TestApp::start().await;
    let (ada, job, path) = open(&app).await;
    let later = ahead(&app, TimeDelta::days(20));
    let moved = ada.patch(&path, json!({ "biddingDeadline": later })).await.expect(200);
    assert_eq!((&moved["biddingDeadline"], &moved["biddingClosed"]), (&later, &json!(false)));
    ada.patch(&path, json!({ "biddingDeadline": ahead(&app, TimeDelta::days(19)) }))
        .await
        .faults(&["/biddingDeadline"]);
    // The former deadline passes without a word.
    app.pass(15 * DAY).await;
    assert_eq!(told(&app, "job.bidding_closed", &job), 0);
    app.pass(6 * DAY).await;
    assert_eq!(told(&app, "job.bidding_closed", &job), 1);

    let sealed = format!("/api/jobs/{}", app.sealed_job(&ada).await);
    let ada = again(&app, &ada).await;
    ada.patch(&sealed, json!({ "biddingDeadline": ahead(&app, TimeDelta::days(30)) }))
        .await
        .faults(&["/biddingDeadline"]);
    // Saying what is so already is no change of it.
    let same = ada.get(&sealed).await.expect(200)["biddingDeadline"].clone();
    ada.patch(&sealed, json!({ "biddingDeadline": same, "reveal": "at_close", "title": "Other" }))
        .await
        .expect(200);
}

#[actix_web::test]
async fn editing_and_calling_off_end_with_the_award() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let path = format!("/api/jobs/{}", deal.job);
    let before = told_at_all(&app);
    let refused = deal.homeowner.patch(&path, json!({ "title": "Too late" })).await.wrong_state("AWARDED");
    assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("job_state"), &json!([])));
    deal.homeowner.delete(&path).await.wrong_state("AWARDED");
    deal.homeowner.post_empty(&format!("{path}/publish")).await.wrong_state("AWARDED");
    // The chosen contractor is a party, but not the owner.
    deal.contractor.patch(&path, json!({ "title": "Mine" })).await.problem(403, "wrong_role");
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'AWARDED'"), 1);
    assert_eq!(told_at_all(&app), before);
}

#[actix_web::test]
async fn publishing_opens_a_draft_from_now_on() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let draft = app.draft_job(&ada).await;
    let path = format!("/api/jobs/{draft}");
    app.clock.advance(3 * DAY);
    let ada = again(&app, &ada).await;
    let answer = ada.post_empty(&format!("{path}/publish")).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    let job = answer.expect(200);
    let deadline: chrono::DateTime<chrono::Utc> =
        super::text(&job, "/biddingDeadline").parse().unwrap_or_default();
    assert_eq!((&job["status"], &job["version"]), (&json!("OPEN"), &json!(2)));
    assert!((deadline - app.now() - TimeDelta::days(14)).abs() < TimeDelta::minutes(5), "{job}");
    assert_eq!(told(&app, "job.published", &draft), 1);
    assert_eq!(app.database.count("outbox.tasks WHERE kind = 'marketplace.bidding_close'"), 1);
    app.anyone().get(&path).await.expect(200);
    // Once is enough.
    let refused = ada.post_empty(&format!("{path}/publish")).await.wrong_state("OPEN");
    assert_eq!(refused["allowedActions"], json!(["edit", "cancel", "accept_bid"]));
    assert_eq!(told(&app, "job.published", &draft), 1);
}

#[actix_web::test]
async fn publishing_is_the_owners_and_takes_no_body() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let path = format!("/api/jobs/{}/publish", app.draft_job(&ada).await);
    ada.signed_out().post_empty(&path).await.problem(401, "unauthenticated");
    app.homeowner().await.post_empty(&path).await.problem(404, "job_not_found");
    app.contractor().await.post_empty(&path).await.problem(403, "wrong_role");
    ada.post(&path, json!({ "status": "OPEN" })).await.problem(400, "no_body_expected");
    post_if(&ada, &path, "\"7.0\"").await.problem(412, "stale_precondition");
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'DRAFT'"), 1);
    post_if(&ada, &path, "\"1.0\"").await.expect(200);
}

#[actix_web::test]
async fn publishing_judges_the_drafts_deadline_afresh() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let form = json!({ "status": "DRAFT", "biddingDeadline": ahead(&app, TimeDelta::days(2)) });
    let path = post(&ada, with(job_form(), form)).await;
    app.clock.advance(2 * DAY);
    let ada = again(&app, &ada).await;
    ada.post_empty(&format!("{path}/publish")).await.faults(&["/biddingDeadline"]);
    ada.patch(&path, json!({ "biddingDeadline": ahead(&app, TimeDelta::days(2)) })).await.expect(200);
    ada.post_empty(&format!("{path}/publish")).await.expect(200);
}

#[actix_web::test]
async fn removing_a_draft_leaves_nothing_of_it() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let path = format!("/api/jobs/{}", app.draft_job(&ada).await);
    let before = told_at_all(&app);
    delete_if(&ada, &path, "\"2.0\"").await.problem(412, "stale_precondition");
    let answer = ada.delete(&path).await;
    assert_eq!((answer.status, answer.bytes.len()), (204, 0));
    ada.delete(&path).await.problem(404, "job_not_found");
    ada.get(&path).await.problem(404, "job_not_found");
    assert_eq!(app.database.count("marketplace.jobs") + app.database.count("marketplace.job_addresses"), 0);
    assert_eq!(told_at_all(&app), before);
}

#[actix_web::test]
async fn calling_an_open_job_off_ends_its_bids() {
    let app = TestApp::start().await;
    let (ada, job, path) = open(&app).await;
    let (bob, dan) = (app.verified_contractor().await, app.verified_contractor().await);
    app.bid(&bob, &job).await;
    let back = app.bid(&dan, &job).await;
    dan.post_empty(&format!("/api/bids/{back}/withdraw")).await.expect(200);

    let answer = ada.delete(&path).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    assert_eq!(answer.expect(200)["status"], "CANCELLED");
    assert_eq!((told(&app, "job.cancelled", &job), told(&app, "bid.expired", &job)), (1, 1));
    assert_eq!(app.database.count("marketplace.bids WHERE status = 'EXPIRED'"), 1);
    assert_eq!(app.database.count("marketplace.bids WHERE status = 'WITHDRAWN'"), 1);
    let outcome = &bob.get("/api/bids/mine").await.expect(200)["data"][0]["outcome"];
    assert_eq!(outcome, &json!({ "result": "NO_AWARD", "bids": 1, "third": null }));
    // Those whom it concerned see what became of it; to others it is gone.
    for party in [&ada, &bob, &dan] {
        assert_eq!(party.get(&path).await.expect(200)["status"], "CANCELLED");
    }
    app.anyone().get(&path).await.problem(404, "job_not_found");

    let refused = ada.delete(&path).await.wrong_state("CANCELLED");
    assert_eq!(refused["allowedActions"], json!([]));
    ada.patch(&path, json!({ "title": "Again" })).await.wrong_state("CANCELLED");
    assert_eq!(told(&app, "job.cancelled", &job), 1);
}

#[actix_web::test]
async fn calling_off_is_the_owners() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    ada.signed_out().delete(&path).await.problem(401, "unauthenticated");
    app.homeowner().await.delete(&path).await.problem(404, "job_not_found");
    app.verified_contractor().await.delete(&path).await.problem(403, "wrong_role");
    ada.delete("/api/jobs/job_1").await.problem(404, "not_found");
    delete_if(&ada, &path, "\"0.0\"").await.problem(412, "stale_precondition");
    let refused = ada.delete(&format!("{path}?force=true")).await.problem(400, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "?force");
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'OPEN'"), 1);
}

#[actix_web::test]
async fn the_clock_closes_bidding_and_later_lets_the_job_expire() {
    let app = TestApp::start().await;
    let (ada, job, path) = open(&app).await;
    let (bob, eve) = (app.verified_contractor().await, app.verified_contractor().await);
    let bid = app.bid(&bob, &job).await;
    app.pass(14 * DAY - Duration::from_secs(600)).await;
    assert_eq!(app.anyone().get(&path).await.expect(200)["biddingClosed"], false);
    let ada = again(&app, &ada).await;
    let tag = header(&ada.get(&path).await, "etag");

    app.pass(Duration::from_secs(601)).await;
    let closed = app.anyone().get(&path).await.expect(200);
    assert_eq!((&closed["status"], &closed["biddingClosed"]), (&json!("OPEN"), &json!(true)));
    let card = &app.anyone().get("/api/jobs").await.expect(200)["data"][0];
    assert_eq!(card["biddingClosed"], true);
    assert_eq!((told(&app, "job.bidding_closed", &job), told(&app, "job.expired", &job)), (1, 0));
    // The clock changed what is shown, not the job: what was read before is old, but a change of it is not refused.
    assert_eq!(get_unless(&ada, &path, &tag).await.status, 200);
    patch_if(&ada, &path, &tag, json!({ "title": "Still open" })).await.expect(200);
    let (bob, eve) = (again(&app, &bob).await, again(&app, &eve).await);
    let late = json!({ "jobId": job, "amount": 90_000 });
    let refused = eve.post("/api/bids", late.clone()).await.wrong_state("OPEN");
    assert_eq!(refused["code"], "bidding_closed");
    let refused = bob.patch(&format!("/api/bids/{bid}"), json!({ "amount": 1_000, "milestones": [] })).await;
    refused.problem(409, "bidding_closed");

    app.pass(14 * DAY).await;
    let (ada, bob, eve) = (again(&app, &ada).await, again(&app, &bob).await, again(&app, &eve).await);
    assert_eq!(ada.get(&path).await.expect(200)["status"], "EXPIRED");
    assert_eq!((told(&app, "job.expired", &job), told(&app, "bid.expired", &job)), (1, 1));
    assert_eq!(told(&app, "job.bidding_closed", &job), 1);
    let own = &bob.get("/api/bids/mine").await.expect(200)["data"][0];
    assert_eq!((&own["status"], &own["outcome"]["result"]), (&json!("EXPIRED"), &json!("NO_AWARD")));
    app.anyone().get(&path).await.problem(404, "job_not_found");
    eve.post("/api/bids", late).await.problem(404, "job_not_found");
    ada.post_empty(&format!("/api/bids/{bid}/accept")).await.wrong_state("EXPIRED");
}

#[actix_web::test]
async fn a_bid_is_accepted_after_the_deadline_and_then_nothing_expires() {
    let app = TestApp::start().await;
    let (ada, job, path) = open(&app).await;
    let bob = app.verified_contractor().await;
    let bid = app.bid(&bob, &job).await;
    app.pass(27 * DAY).await;
    let ada = again(&app, &ada).await;
    ada.post_empty(&format!("/api/bids/{bid}/accept")).await.expect(201);
    app.pass(2 * DAY).await;
    let ada = again(&app, &ada).await;
    assert_eq!(ada.get(&path).await.expect(200)["status"], "AWARDED");
    assert_eq!(told(&app, "job.expired", &job), 0);
}
