//! `POST /api/bids/{bidId}/confirm`, and the edits of jobs that ask for it.

use serde_json::{Value, json};
use tests::Person;

use super::scene::Scene;
use super::{header, nothing, post_if, text, told, told_at_all};

impl Scene {
    fn confirm(&self) -> String {
        format!("{}/confirm", self.path)
    }

    async fn edit(&self, change: Value) {
        self.ada.patch(&format!("/api/jobs/{}", self.job), change).await.expect(200);
    }

    async fn seen_by(&self, viewer: &Person) -> Value {
        viewer.get(&format!("/api/bids/{}", self.job)).await.expect(200)["data"][0].clone()
    }

    async fn last_told(&self, person: &Person) -> Value {
        self.app.settle().await;
        person.get("/api/notifications?limit=1").await.expect(200)["data"][0].clone()
    }
}

#[actix_web::test]
async fn an_edit_that_matters_has_bids_confirmed_before_they_can_be_accepted() {
    let scene = Scene::new().await;
    assert_eq!(scene.seen_by(&scene.bob).await["needsConfirmation"], false);
    scene.edit(json!({ "title": "Both bathrooms", "budgetMax": 900_000, "skills": ["grout"] })).await;
    for viewer in [&scene.ada, &scene.bob] {
        let bid = scene.seen_by(viewer).await;
        assert_eq!(bid["needsConfirmation"], true);
        assert_eq!(bid["changedSince"], json!(["skills", "budgetMax"]));
    }
    let told_of = scene.last_told(&scene.bob).await;
    assert_eq!(told_of["template"], "bid_confirmation_asked");
    assert!(text(&told_of, "/body").contains("title, skills, budget"), "{told_of}");
    let accept = format!("/api/bids/{}/accept", scene.bid);
    scene.ada.post_empty(&accept).await.problem(409, "bid_unconfirmed");
    assert_eq!(scene.app.database.count("contracts.contracts"), 0);

    let answer = scene.bob.post_empty(&scene.confirm()).await;
    assert!(header(&answer, "etag").starts_with("\"2."));
    let bid = answer.expect(200);
    assert_eq!((&bid["needsConfirmation"], &bid["changedSince"]), (&json!(false), &json!([])));
    assert!(bid["confirmedAt"].is_string());
    assert_eq!(scene.last_told(&scene.ada).await["template"], "bid_confirmed");
    // Saying it again changes nothing.
    assert_eq!(scene.bob.post_empty(&scene.confirm()).await.expect(200)["version"], 2);
    assert_eq!(told(&scene.app, "bid.confirmed", &scene.job), 1);
    scene.ada.post_empty(&accept).await.expect(201);
    scene.bob.post_empty(&scene.confirm()).await.wrong_state("ACCEPTED");
}

#[actix_web::test]
async fn the_owner_sees_beside_the_others_which_bids_wait_for_a_word() {
    let scene = Scene::new().await;
    let dear = scene.app.bid_for(&scene.app.verified_contractor().await, &scene.job, 190_000).await;
    scene.edit(json!({ "budgetMax": 900_000 })).await;
    let read =
        async |what: &str| scene.ada.get(&format!("/api/jobs/{}/bids/{what}", scene.job)).await.expect(200);
    let listed = async || scene.ada.get("/api/bids/recommended").await.expect(200)["data"][0].clone();
    let ids = |bids: &Value| -> Vec<String> {
        bids.as_array().into_iter().flatten().map(|bid| text(bid, "/id").to_owned()).collect()
    };
    let compared = read("compare").await;
    assert_eq!(ids(&compared["bids"]), [scene.bid.clone(), dear.clone()]);
    for bid in compared["bids"].as_array().into_iter().flatten() {
        assert_eq!(
            (&bid["needsConfirmation"], &bid["changedSince"]),
            (&json!(true), &json!(["budgetMax"])),
            "{bid}"
        );
    }
    let analysed = read("analytics").await;
    assert_eq!((&analysed["count"], &analysed["unconfirmed"]), (&json!(2), &json!(2)));
    let ranked = read("recommendations").await;
    assert_eq!((ids(&ranked["bids"]).len(), ids(&ranked["unconfirmed"]).len()), (0, 2));
    let best = listed().await;
    assert_eq!((&best["bids"], &best["unconfirmed"]), (&json!([]), &json!(2)));

    scene.bob.post_empty(&scene.confirm()).await.expect(200);
    let compared = read("compare").await;
    let waiting: Vec<_> = ["/bids/0", "/bids/1"]
        .map(|at| compared.pointer(at).map(|bid| bid["needsConfirmation"] == true))
        .into_iter()
        .flatten()
        .collect();
    assert_eq!((ids(&compared["bids"]), waiting), (vec![scene.bid.clone(), dear.clone()], vec![false, true]));
    assert!(compared["rows"].as_array().is_some_and(|rows| rows.iter().all(|row| row["marks"] == json!([]))));
    assert_eq!(read("analytics").await["unconfirmed"], 1);
    let ranked = read("recommendations").await;
    assert_eq!((ids(&ranked["bids"]), ids(&ranked["unconfirmed"])), (vec![scene.bid.clone()], vec![dear]));
    assert_eq!(ranked["unconfirmed"][0]["needsConfirmation"], true);
    let best = listed().await;
    assert_eq!((ids(&best["bids"]), &best["unconfirmed"]), (vec![scene.bid.clone()], &json!(1)));
}

#[actix_web::test]
async fn a_smaller_edit_only_tells_bidders() {
    let scene = Scene::new().await;
    scene.edit(json!({ "title": "Tile it" })).await;
    assert_eq!(scene.seen_by(&scene.bob).await["needsConfirmation"], false);
    let told_of = scene.last_told(&scene.bob).await;
    assert_eq!(told_of["template"], "job_edited");
    // What nobody but the owner sees is told to nobody, and the words of an edit are in no event.
    let before = scene.bob.get("/api/notifications").await.expect(200);
    let mut address = scene.ada.get(&format!("/api/jobs/{}", scene.job)).await.expect(200)["address"].clone();
    address["street"] = json!("14 Elm Street");
    scene.edit(json!({ "address": address })).await;
    scene.edit(json!({ "title": "Tile it" })).await;
    scene.app.settle().await;
    let after = scene.bob.get("/api/notifications").await.expect(200);
    let asked = "outbox.events WHERE name = 'job.edited' AND data::text LIKE '%Elm%'";
    assert_eq!((ids_of(&before), scene.app.database.count(asked)), (ids_of(&after), 0));
    let accept = format!("/api/bids/{}/accept", scene.bid);
    scene.ada.post_empty(&accept).await.expect(201);
}

fn ids_of(page: &Value) -> Vec<String> {
    super::ids(page)
}

#[actix_web::test]
async fn confirming_is_the_bidders() {
    let scene = Scene::new().await;
    scene.edit(json!({ "budgetMax": 900_000 })).await;
    let path = scene.confirm();
    let events = told_at_all(&scene.app);
    scene.app.anyone().post_empty(&path).await.problem(401, "unauthenticated");
    scene.ada.post_empty(&path).await.problem(403, "wrong_role");
    scene.app.verified_contractor().await.post_empty(&path).await.problem(404, "bid_not_found");
    let missing = format!("/api/bids/{}/confirm", nothing("bid"));
    scene.bob.post_empty(&missing).await.problem(404, "bid_not_found");
    scene.bob.post(&path, json!({ "amount": 1 })).await.problem(400, "no_body_expected");
    post_if(&scene.bob, &path, "\"9.0\"").await.problem(412, "stale_precondition");
    assert_eq!(told(&scene.app, "bid.confirmed", &scene.job), 0);
    assert_eq!(scene.app.database.count("marketplace.bids WHERE confirmed_at IS NOT NULL"), 0);
    assert!(told_at_all(&scene.app) >= events);
    // What was turned down needs no word.
    scene.ada.post_empty(&format!("/api/bids/{}/reject", scene.bid)).await.expect(200);
    scene.bob.post_empty(&path).await.wrong_state("REJECTED");
}

/// Whoever reads the job, and the owner's own answers, see of an edit the same whether there are bids or not.
#[actix_web::test]
async fn an_edit_is_answered_alike_whether_there_are_bids_or_not() {
    let scene = Scene::new().await;
    let lonely = scene.app.open_job(&scene.ada).await;
    let mut answers = Vec::new();
    for job in [&lonely, &scene.job] {
        let path = format!("/api/jobs/{job}");
        let answer = scene.ada.patch(&path, json!({ "budgetMax": 900_000, "title": "The same" })).await;
        let version = header(&answer, "etag").split('.').next().map(str::to_owned);
        let mut own = answer.expect(200);
        let mut public = scene.app.anyone().get(&path).await.expect(200);
        for view in [&mut own, &mut public] {
            for varying in ["id", "createdAt", "updatedAt", "publishedAt", "biddingDeadline", "acceptUntil"] {
                view[varying].take();
            }
        }
        answers.push((version, own, public));
    }
    assert_eq!(answers.first(), answers.last());
}
