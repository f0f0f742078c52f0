//! `/api/admin/reviews`: what was reported, and what administrators decide.

use serde_json::{Value, json};
use tests::{Deal, Person, TestApp};

use super::{all_pages, header, id, nothing, text, told, told_at_all};

const QUEUE: &str = "/api/admin/reviews";

/// A published review that its subject has reported.
struct Scene {
    app: TestApp,
    deal: Deal,
    admin: Person,
    review: String,
}

impl Scene {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let admin = app.admin().await;
        let deal = app.completed_contract().await;
        let review = reviewed(&deal).await;
        let report = json!({ "reason": "PRIVATE", "note": "It names our street." });
        deal.contractor.post(&format!("/api/reviews/{review}/report"), report).await.expect(201);
        Self { app, deal, admin, review }
    }

    fn path(&self) -> String {
        format!("/api/reviews/{}", self.review)
    }

    fn decide(&self) -> String {
        format!("{QUEUE}/{}/decide", self.review)
    }

    async fn summary(&self) -> Value {
        let page = format!("/api/contractors/{}/reviews", self.deal.contractor.party);
        self.app.anyone().get(&page).await.expect(200)["summary"].clone()
    }

    async fn last_told(&self, person: &Person) -> String {
        self.app.settle().await;
        let inbox = person.get("/api/notifications?limit=1").await.expect(200);
        text(&inbox, "/data/0/template").to_owned()
    }
}

/// The homeowner's review of the contractor, published.
async fn reviewed(deal: &Deal) -> String {
    let form = json!({ "contractId": deal.contract, "rating": 2, "quality": 4, "timeliness": 3, "communication": 5, "text": "On Oak Street." });
    let review = deal.homeowner.post("/api/reviews", form.clone()).await.expect(201);
    deal.contractor.post("/api/reviews", form).await.expect(201);
    id(&review).to_owned()
}

fn say(decision: &str) -> Value {
    json!({ "decision": decision, "reason": "It names a street." })
}

#[actix_web::test]
async fn a_removed_review_is_gone_and_counts_no_more_until_it_is_back() {
    let scene = Scene::new().await;
    let before = scene.summary().await;
    assert_eq!((&before["count"], &before["mean"]), (&json!(1), &json!(2.0)));
    let waiting = scene.admin.get(QUEUE).await.expect(200);
    let case = &waiting["data"][0];
    assert_eq!((&case["review"]["id"], &case["openReports"]), (&json!(scene.review), &json!(1)));
    assert_eq!(text(case, "/reports/0/note"), "It names our street.");
    assert_eq!(case["reports"][0]["reporterId"], scene.deal.contractor.party);

    let answer = scene.admin.post(&scene.decide(), say("remove")).await;
    assert!(header(&answer, "etag").starts_with("\"3."));
    let removed = answer.expect(200);
    assert_eq!((text(&removed, "/review/status"), &removed["openReports"]), ("REMOVED", &json!(0)));
    assert_eq!(text(&removed, "/decisions/0/outcome"), "REMOVED");
    let none = scene.summary().await;
    assert_eq!(
        (&none["count"], &none["mean"], &none["bayesianMean"]),
        (&json!(0), &Value::Null, &json!(4.0))
    );
    scene.app.settle().await;
    let listed = scene.app.anyone().get("/api/contractors").await.expect(200);
    assert_eq!((&listed["data"][0]["rating"]["count"], &listed["data"][1]), (&json!(0), &Value::Null));
    for other in [&scene.app.anyone(), &scene.deal.contractor] {
        other.get(&scene.path()).await.problem(404, "review_not_found");
    }
    // Its author reads it, and why.
    let own = scene.deal.homeowner.get(&scene.path()).await.expect(200);
    assert_eq!((text(&own, "/status"), text(&own, "/removal/reason")), ("REMOVED", "It names a street."));
    assert_eq!(scene.last_told(&scene.deal.homeowner).await, "review_removed");
    assert_eq!(scene.last_told(&scene.deal.contractor).await, "review_report_upheld");
    assert_eq!(scene.admin.get(QUEUE).await.expect(200)["data"], json!([]));
    let gone = scene.admin.get(&format!("{QUEUE}?queue=REMOVED")).await.expect(200);
    assert_eq!(gone["data"][0]["review"]["id"], scene.review);
    assert_eq!(
        scene.app.database.count("audit.entries WHERE action = 'decideReview' AND outcome = 'DONE'"),
        1
    );
    assert_eq!(scene.app.database.count("outbox.events WHERE data::text LIKE '%street%'"), 0);

    let restored = scene.admin.post(&scene.decide(), say("keep")).await.expect(200);
    assert_eq!(
        (text(&restored, "/review/status"), &restored["review"]["removal"]),
        ("PUBLISHED", &Value::Null)
    );
    assert_eq!(scene.summary().await, before);
    assert_eq!(scene.last_told(&scene.deal.homeowner).await, "review_restored");
    assert_eq!(
        (
            told(&scene.app, "review.removed", &scene.deal.job),
            told(&scene.app, "review.restored", &scene.deal.job)
        ),
        (1, 1)
    );
}

#[actix_web::test]
async fn a_review_that_stays_is_answered_to_whoever_reported_it() {
    let scene = Scene::new().await;
    let before = scene.summary().await;
    let kept = scene.admin.post(&scene.decide(), say("keep")).await.expect(200);
    assert_eq!((text(&kept, "/review/status"), &kept["review"]["version"]), ("PUBLISHED", &json!(2)));
    assert_eq!((&kept["openReports"], text(&kept, "/decisions/0/outcome")), (&json!(0), "KEPT"));
    assert_eq!(scene.summary().await, before);
    assert_eq!(scene.last_told(&scene.deal.contractor).await, "review_report_dismissed");
    assert_eq!(scene.app.database.count("marketplace.review_reports WHERE decided_at IS NULL"), 0);
    scene.admin.post(&scene.decide(), say("keep")).await.problem(409, "not_reported");
    // Nobody has to report what an administrator sees.
    scene.admin.post(&scene.decide(), say("remove")).await.expect(200);
    let twice = scene.admin.post(&scene.decide(), say("remove")).await.wrong_state("REMOVED");
    assert_eq!(twice["allowedActions"], json!(["keep"]));
}

#[actix_web::test]
async fn deciding_is_for_administrators() {
    let scene = Scene::new().await;
    scene.app.anyone().get(QUEUE).await.problem(401, "unauthenticated");
    scene.app.anyone().post(&scene.decide(), say("remove")).await.problem(401, "unauthenticated");
    for other in [&scene.deal.homeowner, &scene.deal.contractor, &scene.app.homeowner().await] {
        other.get(QUEUE).await.problem(403, "wrong_role");
        other.post(&scene.decide(), say("remove")).await.problem(403, "wrong_role");
    }
    let missing = format!("{QUEUE}/{}/decide", nothing("rev"));
    scene.admin.post(&missing, say("keep")).await.problem(404, "review_not_found");
    let events = told_at_all(&scene.app);
    scene.admin.post(&scene.decide(), json!({})).await.faults(&["/decision", "/reason"]);
    let misshapen = json!({ "decision": "hide", "reason": "", "until": 1 });
    scene.admin.post(&scene.decide(), misshapen).await.faults(&["/decision", "/reason", "/until"]);
    scene
        .admin
        .post(&scene.decide(), json!({ "decision": "keep", "reason": "a".repeat(1_001) }))
        .await
        .faults(&["/reason"]);
    let stale = |request: reqwest::RequestBuilder| request.header("if-match", "\"9.0\"").json(&say("remove"));
    let answer = scene.admin.send(reqwest::Method::POST, &scene.decide(), stale).await;
    answer.problem(412, "stale_precondition");
    scene.admin.get(&format!("{QUEUE}?queue=ALL&sort=1")).await.problem(400, "invalid_request");
    assert_eq!(told_at_all(&scene.app), events);
    assert_eq!(scene.app.database.count("marketplace.review_decisions"), 0);
}

#[actix_web::test]
async fn a_review_that_nobody_has_read_yet_is_not_decided_about() {
    let scene = Scene::new().await;
    let deal = scene.app.completed_contract().await;
    let form = json!({ "contractId": deal.contract, "rating": 2, "quality": 4, "timeliness": 3, "communication": 5 });
    let hidden = deal.homeowner.post("/api/reviews", form).await.expect(201);
    let path = format!("{QUEUE}/{}/decide", id(&hidden));
    scene.admin.post(&path, say("remove")).await.wrong_state("HIDDEN");
}

#[actix_web::test]
async fn the_queue_neither_skips_nor_repeats() {
    let scene = Scene::new().await;
    let mut waiting = vec![scene.review.clone()];
    for _ in 0..2 {
        let deal = scene.app.completed_contract().await;
        let review = reviewed(&deal).await;
        let report = json!({ "reason": "OTHER" });
        scene.deal.homeowner.post(&format!("/api/reviews/{review}/report"), report).await.expect(201);
        waiting.push(review);
    }
    // A case is known by its review.
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = scene.admin.get(&format!("{QUEUE}?limit=1{cursor}")).await.expect(200);
        found.extend(
            page["data"].as_array().into_iter().flatten().map(|case| text(case, "/review/id").to_owned()),
        );
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, waiting);
    // The reviews of somebody go on as they were.
    let listed = format!("/api/contractors/{}/reviews?limit=1", scene.deal.contractor.party);
    assert_eq!(
        all_pages(&scene.app.anyone(), &listed, async || ()).await,
        std::slice::from_ref(&scene.review)
    );
}
