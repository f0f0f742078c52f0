//! `/api/bids/{bidId}/attachments`: as blind as the bid that they belong to.

use std::time::Duration;

use serde_json::{Value, json};
use testing::pictures::photograph;
use tests::{Person, TestApp};

use super::attachments::{kept, pdf};
use super::{again, id, ids, nothing, text, told_at_all};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A bid on an open job, both sides of it, and those whom it does not concern.
struct Scene {
    app: TestApp,
    ada: Person,
    bob: Person,
    strangers: Vec<Person>,
    job: String,
    bid: String,
    /// Its attachments.
    path: String,
}

impl Scene {
    async fn new(sealed: bool) -> Self {
        let app = TestApp::start().await;
        let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
        let job = if sealed { app.sealed_job(&ada).await } else { app.open_job(&ada).await };
        let rival = app.verified_contractor().await;
        app.bid_for(&rival, &job, 80_000).await;
        let bid = app.bid(&bob, &job).await;
        let path = of_bid(&bid);
        let strangers =
            vec![rival, app.verified_contractor().await, app.homeowner().await, app.admin().await];
        Self { app, ada, bob, strangers, job, bid, path }
    }

    async fn photo(&self) -> Value {
        self.bob.upload(&format!("{}?name=roof.jpg", self.path), &photograph(60, 40)).await.expect(201)
    }

    /// For this person there is neither a bid nor anything attached to it: the answers are those about one that is not there.
    async fn assert_nothing_for(&self, person: &Person, attachment: &Value) {
        let missing = of_bid(&nothing("bid"));
        for (there, not_there, code) in [
            (self.path.clone(), missing.clone(), "bid_not_found"),
            (
                text(attachment, "/url").to_owned(),
                format!("{missing}/{}", nothing("att")),
                "attachment_not_found",
            ),
        ] {
            let seen = person.get(&there).await.problem(404, code);
            let unseen = person.get(&not_there).await.problem(404, code);
            assert_eq!((&seen["title"], &seen["detail"]), (&unseen["title"], &unseen["detail"]));
        }
    }

    /// Back in a new session, for the clock has outrun the former one.
    async fn back(&self) -> (Person, Person) {
        (again(&self.app, &self.ada).await, again(&self.app, &self.bob).await)
    }
}

fn of_bid(bid: &str) -> String {
    format!("/api/bids/{bid}/attachments")
}

#[actix_web::test]
async fn what_is_attached_to_a_bid_is_for_its_bidder_and_for_the_owner_who_sees_it() {
    let scene = Scene::new(false).await;
    let photo = scene.photo().await;
    let bytes = pdf(700_000);
    let document = scene.bob.upload(&scene.path, &bytes).await.expect(201);
    for reader in [&scene.bob, &scene.ada] {
        assert_eq!(reader.get(&scene.path).await.expect(200)["data"], json!([photo, document]));
        let file = reader.get(text(&document, "/url")).await;
        assert!(file.status == 200 && file.bytes == bytes);
        let shown = reader.get(text(&photo, "/thumbnailUrl")).await;
        assert_eq!((shown.status, shown.header("cache-control")), (200, Some("private, no-cache")));
        assert_eq!(shown.header("cross-origin-resource-policy"), Some("same-origin"));
        reader.get(&format!("{}/{}", scene.path, nothing("att"))).await.problem(404, "attachment_not_found");
    }
    for stranger in &scene.strangers {
        scene.assert_nothing_for(stranger, &photo).await;
    }
    scene.app.anyone().get(&scene.path).await.problem(401, "unauthenticated");
    scene.app.anyone().get(text(&photo, "/url")).await.problem(401, "unauthenticated");
    // Nor under the job's own path.
    let beside = format!("/api/jobs/{}/attachments", scene.job);
    assert_eq!(scene.ada.get(&beside).await.expect(200)["data"], json!([]));
    scene.ada.get(&format!("{beside}/{}", id(&photo))).await.problem(404, "attachment_not_found");
}

#[actix_web::test]
async fn sealed_bids_keep_their_attachments_from_the_owner_until_the_deadline() {
    let scene = Scene::new(true).await;
    let photo = scene.photo().await;
    scene.assert_nothing_for(&scene.ada, &photo).await;
    assert_eq!(ids(&scene.bob.get(&scene.path).await.expect(200)), [id(&photo)]);
    scene.app.pass(14 * DAY).await;
    let (ada, bob) = scene.back().await;
    assert_eq!(ids(&ada.get(&scene.path).await.expect(200)), [id(&photo)]);
    ada.get(text(&photo, "/url")).await.expect(200);
    // What the owner has begun to look at does not change any more.
    bob.upload(&scene.path, &pdf(20)).await.problem(409, "bidding_closed");
    bob.delete(text(&photo, "/url")).await.problem(409, "bidding_closed");
}

#[actix_web::test]
async fn adding_changes_neither_the_bid_nor_its_receipt_and_tells_nobody() {
    let scene = Scene::new(false).await;
    let before = scene.bob.get("/api/bids/mine").await.expect(200)["data"][0].clone();
    let events = told_at_all(&scene.app);
    let photo = scene.photo().await;
    assert_eq!(scene.bob.get("/api/bids/mine").await.expect(200)["data"][0], before);
    assert_eq!(scene.bob.delete(text(&photo, "/url")).await.status, 204);
    assert_eq!(told_at_all(&scene.app), events);
    assert_eq!(ids(&scene.ada.get(&scene.path).await.expect(200)), Vec::<String>::new());
    scene.app.settle().await;
    assert!(kept(scene.app.files_folder()).is_empty());
    // While the job is open administrators read nothing of it in the trail either.
    let sealed = "audit.entries WHERE outcome = 'DONE' AND action IN ('attachToBid', 'detachFromBid')";
    assert_eq!(scene.app.database.count(sealed), 2);
    let trail = scene.app.admin().await.get("/api/admin/audit?action=attachToBid").await.expect(200);
    assert!(!trail.to_string().contains(&scene.bid) && !trail.to_string().contains(id(&photo)), "{trail}");
}

#[actix_web::test]
async fn only_the_bidder_adds_and_takes_away_while_the_bid_waits() {
    let scene = Scene::new(false).await;
    let photo = scene.photo().await;
    let url = text(&photo, "/url");
    scene.app.anyone().upload(&scene.path, &pdf(20)).await.problem(401, "unauthenticated");
    for (person, status, code) in [
        (&scene.ada, 403, "wrong_role"),
        (&scene.strangers[0], 404, "bid_not_found"),
        (&scene.strangers[1], 404, "bid_not_found"),
        (&scene.strangers[2], 403, "wrong_role"),
        (&scene.strangers[3], 403, "wrong_role"),
    ] {
        person.upload(&scene.path, &pdf(20)).await.problem(status, code);
        let code = if status == 404 { "attachment_not_found" } else { code };
        person.delete(url).await.problem(status, code);
    }
    scene.bob.upload(&scene.path, b"<html>").await.problem(415, "unsupported_type");
    scene.bob.upload(&of_bid(&nothing("bid")), &pdf(20)).await.problem(404, "bid_not_found");
    scene
        .bob
        .delete(&format!("{}/{}", scene.path, nothing("att")))
        .await
        .problem(404, "attachment_not_found");
    // Taken back, it is its bidder's alone, and stays as it is.
    scene.bob.post_empty(&format!("/api/bids/{}/withdraw", scene.bid)).await.expect(200);
    scene.assert_nothing_for(&scene.ada, &photo).await;
    scene.bob.get(url).await.expect(200);
    scene.bob.upload(&scene.path, &pdf(20)).await.wrong_state("WITHDRAWN");
    scene.bob.delete(url).await.wrong_state("WITHDRAWN");
    // An accepted one stays what it was, too.
    let second = scene.app.bid(&scene.bob, &scene.job).await;
    let plan = scene.bob.upload(&of_bid(&second), &pdf(20)).await.expect(201);
    scene.app.accept(&scene.ada, &scene.bob, &scene.job, &second).await;
    scene.bob.upload(&of_bid(&second), &pdf(20)).await.wrong_state("ACCEPTED");
    scene.bob.delete(text(&plan, "/url")).await.wrong_state("ACCEPTED");
    scene.ada.get(text(&plan, "/url")).await.expect(200);
    assert_eq!(scene.app.database.count("marketplace.attachments"), 2);
}

#[actix_web::test]
async fn a_bid_has_so_many_files() {
    let scene = Scene::new(false).await;
    let bytes = pdf(20);
    let answers =
        futures_util::future::join_all((0..13).map(|_| scene.bob.upload(&scene.path, &bytes))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((made, refused), (10, 3));
    assert_eq!(scene.app.database.count("marketplace.attachments"), 10);
    assert_eq!((scene.app.database.count("files.files"), kept(scene.app.files_folder()).len()), (10, 10));
}
