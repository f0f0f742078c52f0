//! `/api/reviews/{reviewId}`: reading, editing, replying to and reporting a review.

use std::time::Duration;

use kernel::PartyId;
use serde_json::{Value, json};
use tests::{Deal, Person, TestApp};

use super::{again, get_unless, header, id, nothing, patch_if, text, told, told_at_all};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A review that the homeowner wrote, and both of them.
struct Scene {
    app: TestApp,
    deal: Deal,
    /// The review's path.
    path: String,
}

fn stars(deal: &Deal, rating: i64) -> Value {
    json!({ "contractId": deal.contract, "rating": rating, "quality": 4, "timeliness": 3, "communication": 5, "text": "Clean work." })
}

impl Scene {
    async fn hidden() -> Self {
        let app = TestApp::start().await;
        let deal = app.completed_contract().await;
        let review = deal.homeowner.post("/api/reviews", stars(&deal, 2)).await.expect(201);
        let path = format!("/api/reviews/{}", id(&review));
        Self { app, deal, path }
    }

    async fn published() -> Self {
        let scene = Self::hidden().await;
        scene.bob().post("/api/reviews", stars(&scene.deal, 5)).await.expect(201);
        scene
    }

    fn ada(&self) -> &Person {
        &self.deal.homeowner
    }

    fn bob(&self) -> &Person {
        &self.deal.contractor
    }

    fn told(&self, event: &str) -> i64 {
        told(&self.app, event, &self.deal.job)
    }

    fn of_bob(&self) -> String {
        format!("/api/contractors/{}/reviews", self.bob().party)
    }

    fn reply(&self) -> String {
        format!("{}/reply", self.path)
    }

    fn report(&self) -> String {
        format!("{}/report", self.path)
    }
}

fn report() -> Value {
    json!({ "reason": "UNTRUE", "note": "We were never late." })
}

#[actix_web::test]
async fn a_review_is_read_by_its_author_and_once_published_by_everybody() {
    let scene = Scene::hidden().await;
    let answer = scene.ada().get(&scene.path).await;
    assert!(header(&answer, "etag").starts_with("\"1."));
    assert_eq!(get_unless(scene.ada(), &scene.path, &header(&answer, "etag")).await.status, 304);
    let own = answer.expect(200);
    assert_eq!((&own["status"], &own["rating"], &own["reply"]), (&json!("HIDDEN"), &json!(2), &Value::Null));
    for other in [&scene.app.anyone(), scene.bob(), &scene.app.admin().await] {
        other.get(&scene.path).await.problem(404, "review_not_found");
    }
    scene.bob().post("/api/reviews", stars(&scene.deal, 5)).await.expect(201);
    let seen = scene.app.anyone().get(&scene.path).await.expect(200);
    assert_eq!((&seen["status"], &seen["version"]), (&json!("PUBLISHED"), &json!(2)));
    assert_eq!((&seen["authorName"], &seen["removal"]), (&json!("Ada L."), &Value::Null));
    for missing in [nothing("rev"), "rev_1".to_owned()] {
        let answer = scene.ada().get(&format!("/api/reviews/{missing}")).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
}

#[actix_web::test]
async fn an_author_edits_what_nobody_has_read_yet() {
    let scene = Scene::hidden().await;
    let said = json!({ "rating": 4, "text": " A day late, and well done. " });
    let answer = scene.ada().patch(&scene.path, said).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    let edited = answer.expect(200);
    assert_eq!((&edited["rating"], &edited["quality"]), (&json!(4), &json!(4)));
    assert_eq!((&edited["text"], &edited["version"]), (&json!("A day late, and well done."), &json!(2)));
    assert!(edited["editedAt"].is_string());
    assert_eq!((scene.told("review.edited"), scene.told("review.published")), (1, 0));
    let bare = scene.ada().patch(&scene.path, json!({ "text": null })).await.expect(200);
    assert_eq!((&bare["text"], &bare["rating"]), (&Value::Null, &json!(4)));
    scene.bob().post("/api/reviews", stars(&scene.deal, 5)).await.expect(201);
    let page = scene.app.anyone().get(&scene.of_bob()).await.expect(200);
    assert_eq!(page["summary"]["mean"], 4.0);
    // What counts has been read by others: it stays.
    let refused = scene.ada().patch(&scene.path, json!({ "rating": 1 })).await;
    assert_eq!(refused.json["code"], "review_state");
    refused.wrong_state("PUBLISHED");
    assert_eq!(scene.app.anyone().get(&scene.of_bob()).await.expect(200), page);
}

#[actix_web::test]
async fn editing_is_the_authors() {
    let scene = Scene::hidden().await;
    let lower = || json!({ "rating": 1 });
    scene.app.anyone().patch(&scene.path, lower()).await.problem(401, "unauthenticated");
    for other in [scene.bob(), &scene.app.homeowner().await, &scene.app.admin().await] {
        other.patch(&scene.path, lower()).await.problem(404, "review_not_found");
    }
    scene.ada().patch(&scene.path, json!({})).await.faults(&[""]);
    let misshapen = json!({ "rating": 0, "quality": 6, "timeliness": 2.5, "communication": null, "text": "", "status": "PUBLISHED" });
    scene.ada().patch(&scene.path, misshapen).await.faults(&[
        "/rating",
        "/quality",
        "/timeliness",
        "/communication",
        "/text",
        "/status",
    ]);
    scene.ada().patch(&scene.path, json!({ "text": "bell\u{7}" })).await.faults(&["/text"]);
    patch_if(scene.ada(), &scene.path, "\"2.0\"", lower()).await.problem(412, "stale_precondition");
    assert_eq!(scene.app.database.count("marketplace.reviews WHERE rating = 2 AND version = 1"), 1);
    scene.bob().post("/api/reviews", stars(&scene.deal, 5)).await.expect(201);
    for other in [scene.bob(), &scene.app.homeowner().await] {
        other.patch(&scene.path, lower()).await.problem(403, "wrong_party");
    }
    assert_eq!((scene.told("review.edited"), scene.told("review.published")), (0, 2));
}

#[actix_web::test]
async fn nothing_is_edited_once_the_window_has_closed() {
    let scene = Scene::hidden().await;
    scene.app.clock.advance(14 * DAY);
    let ada = again(&scene.app, scene.ada()).await;
    ada.patch(&scene.path, json!({ "rating": 1 })).await.problem(409, "review_closed");
    scene.app.settle().await;
    assert_eq!(ada.get(&scene.path).await.expect(200)["status"], "PUBLISHED");
}

#[actix_web::test]
async fn whom_a_review_is_about_replies_once() {
    let scene = Scene::published().await;
    let said = || json!({ "text": " The tiles came late.\nSorry. " });
    let answer = scene.bob().post(&scene.reply(), said()).await;
    assert_eq!(header(&answer, "location"), scene.path);
    assert!(header(&answer, "etag").starts_with("\"3."));
    let replied = answer.expect(201);
    assert_eq!(
        (&replied["reply"]["text"], &replied["reply"]["authorName"]),
        (&json!("The tiles came late.\nSorry."), &json!("Bob Mason"))
    );
    let page = scene.app.anyone().get(&scene.of_bob()).await.expect(200);
    assert_eq!((&page["data"][0]["reply"], &page["summary"]["count"]), (&replied["reply"], &json!(1)));
    assert_eq!(scene.told("review.replied"), 1);
    assert_eq!(scene.app.database.count("outbox.events WHERE data::text LIKE '%tiles%'"), 0);
    scene.bob().post(&scene.reply(), said()).await.problem(409, "already_replied");
    // Its author is told, and nobody else; of a homeowner's reply the first name and an initial.
    scene.app.settle().await;
    let inbox = scene.ada().get("/api/notifications?limit=1").await.expect(200);
    assert_eq!(inbox["data"][0]["template"], "review_replied");
    let of_ada = scene.app.anyone().get(&format!("/api/users/{}/reviews", scene.ada().id)).await.expect(200);
    let path = format!("/api/reviews/{}/reply", text(&of_ada, "/data/0/id"));
    assert_eq!(scene.ada().post(&path, said()).await.expect(201)["reply"]["authorName"], "Ada L.");
    assert_eq!(scene.told("review.replied"), 2);
}

#[actix_web::test]
async fn replying_is_for_whom_the_review_is_about() {
    let scene = Scene::hidden().await;
    let said = || json!({ "text": "Sorry." });
    scene.app.anyone().post(&scene.reply(), said()).await.problem(401, "unauthenticated");
    scene.bob().post(&scene.reply(), said()).await.problem(404, "review_not_found");
    scene.bob().post("/api/reviews", stars(&scene.deal, 5)).await.expect(201);
    for other in [scene.ada(), &scene.app.verified_contractor().await, &scene.app.admin().await] {
        other.post(&scene.reply(), said()).await.problem(403, "wrong_party");
    }
    scene
        .bob()
        .post(&format!("/api/reviews/{}/reply", nothing("rev")), said())
        .await
        .problem(404, "review_not_found");
    scene.bob().post(&scene.reply(), json!({})).await.faults(&["/text"]);
    scene
        .bob()
        .post(&scene.reply(), json!({ "text": "", "reviewId": 1 }))
        .await
        .faults(&["/text", "/reviewId"]);
    scene.bob().post(&scene.reply(), json!({ "text": "a".repeat(4_001) })).await.faults(&["/text"]);
    scene.bob().post(&scene.reply(), json!({ "text": "  " })).await.faults(&["/text"]);
    assert_eq!(scene.told("review.replied"), 0);
    // The last moment is in time, the end is not.
    scene.app.pass(28 * DAY + Duration::from_secs(60)).await;
    let bob = again(&scene.app, scene.bob()).await;
    bob.post(&scene.reply(), said()).await.problem(409, "reply_closed");
    assert_eq!(scene.app.database.count("marketplace.reviews WHERE replied_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn simultaneous_replies_are_one() {
    let scene = Scene::published().await;
    let path = scene.reply();
    let tries = (0..4).map(|_| scene.bob().post(&path, json!({ "text": "Sorry." })));
    let mut statuses: Vec<_> =
        futures_util::future::join_all(tries).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses, scene.told("review.replied")), (vec![201, 409, 409, 409], 1));
}

#[actix_web::test]
async fn anybody_signed_in_reports_a_review_once_and_nobody_sees_it() {
    let scene = Scene::published().await;
    let admin = scene.app.admin().await;
    let before = scene.app.anyone().get(&scene.path).await.bytes;
    let answer = scene.bob().post(&scene.report(), report()).await;
    assert_eq!(header(&answer, "location"), scene.path);
    let made = answer.expect(201);
    assert_eq!((text(&made, "/reason"), text(&made, "/note")), ("UNTRUE", "We were never late."));
    assert_eq!(made["reporterId"], scene.bob().party);
    scene.app.homeowner().await.post(&scene.report(), json!({ "reason": "SPAM" })).await.expect(201);
    scene.bob().post(&scene.report(), report()).await.problem(409, "already_reported");
    assert_eq!(
        (scene.told("review.reported"), scene.app.database.count("marketplace.review_reports")),
        (2, 2)
    );
    assert_eq!(scene.app.database.count("outbox.events WHERE data::text LIKE '%never%'"), 0);
    assert_eq!(scene.app.anyone().get(&scene.path).await.bytes, before);
    // Administrators hear of it, the author does not.
    scene.app.settle().await;
    let inbox = admin.get("/api/notifications").await.expect(200);
    assert_eq!(text(&inbox, "/data/0/template"), "review_reported");
    let inbox = scene.ada().get("/api/notifications").await.expect(200).to_string();
    assert!(!inbox.contains("review_report"), "{inbox}");
    // What somebody reported is in their own record.
    let record = scene.bob().get("/api/users/me/data").await.expect(200);
    assert_eq!(text(&record, "/sections/marketplace/reviewsReported/0/note"), "We were never late.");
}

#[actix_web::test]
async fn reporting_is_for_readers_other_than_the_author() {
    let scene = Scene::hidden().await;
    scene.app.anyone().post(&scene.report(), report()).await.problem(401, "unauthenticated");
    for other in [scene.bob(), &scene.app.admin().await] {
        other.post(&scene.report(), report()).await.problem(404, "review_not_found");
    }
    scene.ada().post(&scene.report(), report()).await.problem(403, "own_review");
    scene.bob().post("/api/reviews", stars(&scene.deal, 5)).await.expect(201);
    let events = told_at_all(&scene.app);
    scene.ada().post(&scene.report(), report()).await.problem(403, "own_review");
    scene.bob().post(&scene.report(), json!({})).await.faults(&["/reason"]);
    let misshapen = json!({ "reason": "RUDE", "note": "", "decidedAt": null });
    scene.bob().post(&scene.report(), misshapen).await.faults(&["/reason", "/note", "/decidedAt"]);
    let long = json!({ "reason": "OTHER", "note": "a".repeat(1_001) });
    scene.bob().post(&scene.report(), long).await.faults(&["/note"]);
    assert_eq!(
        (told_at_all(&scene.app), scene.app.database.count("marketplace.review_reports")),
        (events, 0)
    );
}

#[actix_web::test]
async fn nobody_floods_administrators_with_reports() {
    let scene = Scene::published().await;
    let eve = scene.app.homeowner().await;
    let Ok(party) = eve.party.parse::<PartyId>() else { panic!("{} is no party", eve.party) };
    // As many reviews as may be reported in a day, each reported by Eve.
    scene.app.database.execute(&format!(
        "INSERT INTO marketplace.review_windows
             SELECT gen_random_uuid(), job_id, homeowner_id, contractor_id, ended_at FROM marketplace.review_windows, generate_series(1, 10);
         INSERT INTO marketplace.reviews (id, contract_id, job_id, author_id, author_role, subject_id, rating, quality, timeliness,
             communication, status, created_at, published_at)
             SELECT gen_random_uuid(), w.contract_id, r.job_id, r.author_id, r.author_role, r.subject_id, 1, 1, 1, 1, 'PUBLISHED',
                 r.created_at, r.published_at
             FROM marketplace.reviews r, marketplace.review_windows w WHERE r.author_role = 'HOMEOWNER' AND w.contract_id <> r.contract_id;
         INSERT INTO marketplace.review_reports (id, review_id, reporter_id, reason, created_at)
             SELECT gen_random_uuid(), id, '{}', 'SPAM', app.clock() FROM marketplace.reviews WHERE rating = 1",
        party.uuid()
    ));
    assert_eq!(scene.app.database.count("marketplace.review_reports"), 10);
    let refused = eve.post(&scene.report(), report()).await;
    let wait: u32 = header(&refused, "retry-after").parse().unwrap_or_default();
    assert!((86_000..=86_401).contains(&wait), "{wait}");
    refused.problem(429, "too_many_reports");
    assert_eq!(scene.app.database.count("marketplace.review_reports"), 10);
    scene.bob().post(&scene.report(), report()).await.expect(201);
}
