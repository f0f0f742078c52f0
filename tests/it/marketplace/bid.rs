//! `/api/bids/{bidId}`: revising, turning down and taking back one bid.

use serde_json::{Value, json};

use super::scene::Scene;
use super::{header, id, nothing, patch_if, post_if, text, told, told_at_all};

impl Scene {
    fn reject(&self) -> String {
        format!("{}/reject", self.path)
    }

    fn withdraw(&self) -> String {
        format!("{}/withdraw", self.path)
    }

    /// The bid as its bidder reads it.
    async fn own(&self) -> Value {
        self.bob.get("/api/bids/mine").await.expect(200)["data"][0].clone()
    }

    async fn accept(&self) {
        self.app.accept(&self.ada, &self.bob, &self.job, &self.bid).await;
    }
}

fn half() -> Value {
    json!({ "amount": 50_000, "milestones": [{ "title": "Half", "amount": 50_000 }] })
}

#[actix_web::test]
async fn revising_keeps_what_was_said_before() {
    let scene = Scene::new().await;
    let before = scene.own().await;
    let said = json!({ "amount": 70_000, "milestones": [], "terms": "Cheaper.", "startDate": "2031-01-01", "durationDays": 3 });
    let answer = scene.bob.patch(&scene.path, said).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    let bid = answer.expect(200);
    assert_eq!(
        (&bid["revision"], &bid["version"], &bid["status"]),
        (&json!(2), &json!(2), &json!("SUBMITTED"))
    );
    assert_eq!(
        (&bid["amount"], &bid["terms"], &bid["milestones"]),
        (&json!(70_000), &json!("Cheaper."), &json!([]))
    );
    assert_eq!((&bid["startDate"], &bid["durationDays"]), (&json!("2031-01-01"), &json!(3)));
    assert_ne!(bid["receipt"], before["receipt"]);
    assert_eq!(bid["createdAt"], before["createdAt"]);
    assert_eq!(scene.own().await["receipt"], bid["receipt"]);

    let count = |from: &str| scene.app.database.count(from);
    assert_eq!((count("marketplace.bid_revisions"), count("marketplace.bids WHERE revision = 2")), (2, 1));
    assert_eq!(count("marketplace.bid_revisions WHERE revision = 1 AND amount = 100000"), 1);
    assert_eq!(told(&scene.app, "bid.revised", &scene.job), 1);
    assert_eq!(count("marketplace.jobs WHERE version = 1"), 1);
    // Null takes away what can be absent.
    let bare = scene
        .bob
        .patch(&scene.path, json!({ "terms": null, "startDate": null, "durationDays": null }))
        .await
        .expect(200);
    assert_eq!(
        (&bare["terms"], &bare["startDate"], &bare["durationDays"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(bare["amount"], 70_000);
}

#[actix_web::test]
async fn revising_is_the_bidders() {
    let scene = Scene::new().await;
    let rival = scene.app.verified_contractor().await;
    scene.app.anyone().patch(&scene.path, half()).await.problem(401, "unauthenticated");
    scene.ada.patch(&scene.path, half()).await.problem(403, "wrong_role");
    rival.patch(&scene.path, half()).await.problem(404, "bid_not_found");
    // A rival cannot even tell a bid that is there from one that is not.
    let missing =
        rival.patch(&format!("/api/bids/{}", nothing("bid")), half()).await.problem(404, "bid_not_found");
    let other = rival.patch(&scene.path, half()).await.problem(404, "bid_not_found");
    assert_eq!(missing["detail"], other["detail"]);
    assert_eq!(scene.bob.patch(&format!("/api/bids/{}", scene.job), half()).await.status, 404);
    assert_eq!(scene.app.database.count("marketplace.bid_revisions"), 1);
}

#[actix_web::test]
async fn revising_names_every_fault_at_once() {
    let scene = Scene::new().await;
    let misshapen = json!({
        "amount": null, "lines": [{ "kind": "labour" }], "milestones": "two", "durationDays": 4_000, "terms": "", "currency": "USD",
    });
    scene.bob.patch(&scene.path, misshapen).await.faults(&[
        "/amount",
        "/lines/0/description",
        "/lines/0/amount",
        "/milestones",
        "/durationDays",
        "/terms",
        "/currency",
    ]);
    let senseless = json!({
        "terms": "  ", "lines": [{ "kind": "labour", "description": "  ", "amount": 1 }],
        "milestones": [{ "title": "  a ", "amount": 1 }],
    });
    scene.bob.patch(&scene.path, senseless).await.faults(&[
        "/terms",
        "/lines/0/description",
        "/milestones/0/title",
    ]);
    // What the bid would be as a whole: its milestones no longer sum to it.
    let lines = json!({ "amount": 50_000, "lines": [{ "kind": "other", "description": "All", "amount": 1 }], "startDate": "1999-01-01" });
    scene.bob.patch(&scene.path, lines).await.faults(&["/lines", "/milestones", "/startDate"]);
    scene.bob.patch(&scene.path, json!({ "amount": 99, "milestones": [] })).await.faults(&["/amount"]);
    scene.bob.patch(&scene.path, json!({})).await.faults(&[""]);
    assert_eq!(scene.app.database.count("marketplace.bid_revisions"), 1);
    assert_eq!(told(&scene.app, "bid.revised", &scene.job), 0);
}

#[actix_web::test]
async fn revising_under_a_condition_refuses_what_is_stale() {
    let scene = Scene::new().await;
    let etag = "\"1.0\"";
    let revised = patch_if(&scene.bob, &scene.path, etag, half()).await;
    let fresh = header(&revised, "etag");
    revised.expect(200);
    patch_if(&scene.bob, &scene.path, etag, half()).await.problem(412, "stale_precondition");
    patch_if(&scene.bob, &scene.path, "*", half()).await.expect(200);
    patch_if(&scene.bob, &scene.path, &fresh, half()).await.problem(412, "stale_precondition");
    assert_eq!(scene.app.database.count("marketplace.bid_revisions"), 3);
}

#[actix_web::test]
async fn of_simultaneous_revisions_none_is_lost() {
    let scene = Scene::new().await;
    let tries =
        (1..=6).map(|n| scene.bob.patch(&scene.path, json!({ "amount": n * 1_000, "milestones": [] })));
    let answers = futures_util::future::join_all(tries).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(taken >= 1 && answers.iter().all(|answer| matches!(answer.status, 200 | 412)), "{answers:?}");
    let revisions = i64::try_from(taken).unwrap_or_default();
    assert_eq!(scene.app.database.count("marketplace.bid_revisions"), revisions + 1);
    assert_eq!(told(&scene.app, "bid.revised", &scene.job), revisions);
}

#[actix_web::test]
async fn a_decided_bid_is_neither_revised_nor_decided_again() {
    for decided in ["ACCEPTED", "REJECTED", "WITHDRAWN"] {
        let scene = Scene::new().await;
        match decided {
            "ACCEPTED" => scene.accept().await,
            "REJECTED" => drop(scene.ada.post_empty(&scene.reject()).await.expect(200)),
            _ => drop(scene.bob.post_empty(&scene.withdraw()).await.expect(200)),
        }
        let before = told_at_all(&scene.app);
        let refused = scene.bob.patch(&scene.path, half()).await.wrong_state(decided);
        assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("bid_state"), &json!([])));
        scene.bob.post_empty(&scene.withdraw()).await.wrong_state(decided);
        scene.ada.post_empty(&scene.reject()).await.wrong_state(decided);
        assert_eq!(scene.own().await["status"], decided);
        assert_eq!(told_at_all(&scene.app), before, "{decided}");
    }
}

#[actix_web::test]
async fn turning_a_bid_down_tells_its_bidder_why() {
    let scene = Scene::new().await;
    let answer = scene.ada.post(&scene.reject(), json!({ "reason": " Starts too late " })).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    let bid = answer.expect(200);
    assert_eq!(
        (&bid["status"], &bid["reason"], id(&bid)),
        (&json!("REJECTED"), &json!("Starts too late"), scene.bid.as_str())
    );
    assert_eq!(bid["contractor"]["id"], json!(scene.bob.party));
    assert_eq!(scene.own().await["reason"], "Starts too late");
    assert_eq!(told(&scene.app, "bid.rejected", &scene.job), 1);
    let to = format!(
        "outbox.events WHERE name = 'bid.rejected' AND data->>'contractorId' = '{}'",
        scene.bob.party
    );
    assert_eq!(scene.app.database.count(&to), 1);
    assert_eq!(scene.app.database.count("outbox.events WHERE data::text LIKE '%late%'"), 0);
    // The job goes on, and so may its bidder.
    assert_eq!(scene.app.database.count("marketplace.jobs WHERE status = 'OPEN' AND version = 1"), 1);
    let again =
        scene.bob.post("/api/bids", json!({ "jobId": scene.job, "amount": 90_000 })).await.expect(201);
    // Without a body too, and without a reason.
    let path = format!("/api/bids/{}/reject", id(&again));
    assert_eq!(scene.ada.post_empty(&path).await.expect(200)["reason"], Value::Null);
}

#[actix_web::test]
async fn turning_down_is_the_owners() {
    let scene = Scene::new().await;
    let path = scene.reject();
    scene.app.anyone().post_empty(&path).await.problem(401, "unauthenticated");
    scene.bob.post_empty(&path).await.problem(403, "wrong_role");
    scene.app.homeowner().await.post_empty(&path).await.problem(404, "bid_not_found");
    scene.ada.post_empty(&format!("/api/bids/{}/reject", nothing("bid"))).await.problem(404, "bid_not_found");
    scene.ada.post_empty("/api/bids/bid_1/reject").await.problem(404, "not_found");
    scene
        .ada
        .post(&path, json!({ "reason": "", "status": "ACCEPTED" }))
        .await
        .faults(&["/reason", "/status"]);
    scene.ada.post(&path, json!({ "reason": "a\u{7}" })).await.faults(&["/reason"]);
    scene.ada.post(&path, json!({ "reason": "a".repeat(501) })).await.faults(&["/reason"]);
    post_if(&scene.ada, &path, "\"2.0\"").await.problem(412, "stale_precondition");
    assert_eq!(scene.own().await["status"], "SUBMITTED");
    assert_eq!(told(&scene.app, "bid.rejected", &scene.job), 0);
    post_if(&scene.ada, &path, "\"1.0\"").await.expect(200);
}

#[actix_web::test]
async fn taking_a_bid_back_leaves_the_job_as_it_was() {
    let scene = Scene::new().await;
    let answer = scene.bob.post_empty(&scene.withdraw()).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    let bid = answer.expect(200);
    assert_eq!(
        (&bid["status"], &bid["version"], &bid["revision"]),
        (&json!("WITHDRAWN"), &json!(2), &json!(1))
    );
    assert_eq!(scene.app.database.count("marketplace.bids WHERE status = 'WITHDRAWN'"), 1);
    assert_eq!(told(&scene.app, "bid.withdrawn", &scene.job), 1);
    assert_eq!(scene.app.database.count("marketplace.jobs WHERE version = 1"), 1);
    // The owner still reads it, and can no longer choose it.
    let page = scene.ada.get(&format!("/api/bids/{}", scene.job)).await.expect(200);
    assert_eq!(text(&page, "/data/0/status"), "WITHDRAWN");
    scene.ada.post_empty(&format!("{}/accept", scene.path)).await.wrong_state("WITHDRAWN");
}

#[actix_web::test]
async fn taking_back_is_the_bidders() {
    let scene = Scene::new().await;
    let path = scene.withdraw();
    scene.app.anyone().post_empty(&path).await.problem(401, "unauthenticated");
    scene.ada.post_empty(&path).await.problem(403, "wrong_role");
    scene.app.verified_contractor().await.post_empty(&path).await.problem(404, "bid_not_found");
    scene
        .bob
        .post_empty(&format!("/api/bids/{}/withdraw", nothing("bid")))
        .await
        .problem(404, "bid_not_found");
    scene.bob.post(&path, json!({ "reason": "Too busy" })).await.problem(400, "no_body_expected");
    post_if(&scene.bob, &path, "\"9.0\"").await.problem(412, "stale_precondition");
    assert_eq!(scene.own().await["status"], "SUBMITTED");
    assert_eq!(told(&scene.app, "bid.withdrawn", &scene.job), 0);
}

#[actix_web::test]
async fn taking_back_happens_once_for_a_key() {
    let scene = Scene::new().await;
    let key = |request: reqwest::RequestBuilder| request.header("idempotency-key", "once");
    let first = scene.bob.send(reqwest::Method::POST, &scene.withdraw(), key).await;
    let again = scene.bob.send(reqwest::Method::POST, &scene.withdraw(), key).await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(told(&scene.app, "bid.withdrawn", &scene.job), 1);
}
