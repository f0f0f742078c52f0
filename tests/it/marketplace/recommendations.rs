//! Which jobs come first: what many look at, what is like another, what fits a contractor; and why.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{id, job_form, nothing, with};

const TRENDING: &str = "/api/jobs/trending";
const RECOMMENDED: &str = "/api/jobs/recommendations/contractor";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn posted(owner: &Person, fields: Value) -> String {
    id(&owner.post("/api/jobs", with(job_form(), fields)).await.expect(201)).to_owned()
}

async fn look(reader: &Person, job: &str) {
    let answer = reader
        .send(Method::GET, &format!("/api/jobs/{job}"), |request| request.header("user-agent", BROWSER))
        .await;
    let _ = answer.expect(200);
}

/// The jobs of a ranking, in its order.
fn jobs(ranking: &Value) -> Vec<String> {
    let scored = ranking["data"].as_array().unwrap_or_else(|| panic!("{ranking} is no ranking"));
    scored.iter().map(|scored| id(&scored["job"]).to_owned()).collect()
}

fn codes(scored: &Value) -> Vec<String> {
    let reasons = scored["reasons"].as_array().unwrap_or_else(|| panic!("{scored} says not why"));
    reasons.iter().map(|reason| reason["code"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn present(contractor: &Person, trades: &[&str]) {
    let profile = json!({
        "trades": trades, "skills": ["grout"], "location": { "lat": 30.267_153, "lng": -97.743_057 }, "serviceRadiusKm": 40,
    });
    let _ = contractor.patch("/api/users/profile", profile).await.expect(200);
}

/// What the workers do every five minutes.
async fn reckon(app: &TestApp) {
    app.settle().await;
    let asked = app.database.db.transaction(|tx| {
        outbox::enqueue(tx, &marketplace::RefreshTrending { whole: false });
        Ok::<_, database::Error>(())
    });
    if let Err(error) = asked {
        panic!("{error}");
    }
    app.settle().await;
}

#[actix_web::test]
async fn jobs_that_people_look_at_come_first_and_one_person_cannot_push_any() {
    let app = TestApp::start().await;
    let (ada, eve, bob, dan) = (
        app.homeowner().await,
        app.homeowner().await,
        app.contractor().await,
        app.verified_contractor().await,
    );
    let (one, two) = (posted(&ada, json!({})).await, posted(&ada, json!({})).await);
    let anyone = app.anyone();
    // A fresh installation shows the newest.
    let fresh = anyone.get(TRENDING).await.expect(200);
    assert_eq!(jobs(&fresh), [two.clone(), one.clone()]);
    assert_eq!((&fresh["data"][0]["score"], codes(&fresh["data"][0])), (&json!(0), vec!["new".to_owned()]));

    for person in [&eve, &bob] {
        look(person, &one).await;
    }
    // Reloading, and the owner's own visits, are nothing.
    for _ in 0..20 {
        look(&dan, &two).await;
        look(&ada, &two).await;
    }
    reckon(&app).await;
    let ranking = anyone.get(TRENDING).await.expect(200);
    assert_eq!(jobs(&ranking), [one.clone(), two.clone()]);
    assert_eq!(ranking["data"][0]["reasons"], json!([{ "code": "interest", "text": "Looked at lately" }]));
    assert!(ranking["data"][0]["score"].as_i64() > ranking["data"][1]["score"].as_i64());
    for reader in [&ada, &bob, &app.admin().await] {
        assert_eq!(reader.get(TRENDING).await.expect(200), ranking);
    }
    assert_eq!(
        jobs(&anyone.get(&format!("{TRENDING}?limit=1&category=tiling")).await.expect(200)),
        std::slice::from_ref(&one)
    );
    assert!(jobs(&anyone.get(&format!("{TRENDING}?category=roofing")).await.expect(200)).is_empty());

    // Bids are no interest, and move nothing.
    let events = app.database.count("outbox.events WHERE name <> 'bid.submitted'");
    let around = format!("{TRENDING}?lat=30.3&lng=-97.7");
    let before = anyone.get(&around).await.expect(200);
    app.bid(&dan, &two).await;
    reckon(&app).await;
    assert_eq!(anyone.get(TRENDING).await.expect(200), ranking);
    assert_eq!(anyone.get(&around).await.expect(200), before);
    assert_eq!(app.database.count("outbox.events WHERE name <> 'bid.submitted'"), events);

    let faraway = json!({ "lat": 40.7, "lng": -74.0 });
    let address =
        json!({ "street": "1 Elm", "city": "New York", "region": "NY", "country": "US", "point": faraway });
    let other = posted(&ada, json!({ "address": address })).await;
    let near = anyone.get(&format!("{TRENDING}?lat=30.3&lng=-97.7&radius=30")).await.expect(200);
    assert_eq!(jobs(&near), [one.clone(), two.clone()]);
    assert_eq!(near["data"][0]["reasons"], ranking["data"][0]["reasons"], "a place tells no more of looks");
    assert!(near["data"][0]["distanceKm"].as_f64().is_some_and(|km| (1.0..15.0).contains(&km)), "{near}");
    assert!(!near.to_string().contains("30.267"), "where the house is says nothing of it: {near}");
    let there = anyone.get(&format!("{TRENDING}?lat=40.7&lng=-74&category=tiling")).await.expect(200);
    assert_eq!(jobs(&there), std::slice::from_ref(&other));
    assert!(jobs(&anyone.get(&format!("{TRENDING}?lat=-60&lng=10")).await.expect(200)).is_empty());
    let _ = ada.delete(&format!("/api/jobs/{other}")).await.expect(200);

    for bad in [
        "limit=0",
        "limit=101",
        "category=nonsense",
        "cursor=abc",
        "place=Austin",
        "lat=30",
        "lng=-97",
        "radius=5",
        "lat=91&lng=0",
        "lat=30&lng=-97&radius=0",
        "lat=30&lng=-97&radius=501",
        "lat=north&lng=0",
    ] {
        assert_eq!(anyone.get(&format!("{TRENDING}?{bad}")).await.status, 400, "{bad}");
    }
    let _ = ada.delete(&format!("/api/jobs/{one}")).await.expect(200);
    assert_eq!(jobs(&anyone.get(TRENDING).await.expect(200)), [two]);
}

#[actix_web::test]
async fn jobs_like_one_are_for_whoever_may_see_it() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.homeowner().await);
    let job = posted(&ada, json!({})).await;
    let like = posted(&eve, json!({ "title": "Tiles for a bathroom" })).await;
    let own = posted(&ada, json!({ "title": "A hall floor" })).await;
    posted(&eve, json!({ "category": "roofing", "skills": [] })).await;
    let path = format!("/api/jobs/{job}/similar");
    let ranking = app.anyone().get(&path).await.expect(200);
    assert_eq!(jobs(&ranking), [like.clone(), own]);
    assert_eq!(codes(&ranking["data"][0]), ["trade", "words", "skills", "distance", "budget"]);
    assert_eq!(ranking["data"][0]["distanceKm"], json!(0.0));
    // Where the house is says nothing of it.
    assert!(!ranking.to_string().contains("30.267"), "{ranking}");
    assert_eq!(jobs(&ada.get(&path).await.expect(200)), std::slice::from_ref(&like), "one's own are no news");
    assert_eq!(jobs(&app.anyone().get(&format!("{path}?limit=1")).await.expect(200)), [like]);

    assert_eq!(app.anyone().get(&format!("{path}?limit=101")).await.status, 400);
    app.anyone().get(&format!("/api/jobs/{}/similar", nothing("job"))).await.problem(404, "job_not_found");
    let draft = app.draft_job(&ada).await;
    app.anyone().get(&format!("/api/jobs/{draft}/similar")).await.problem(404, "job_not_found");
    let _ = ada.get(&format!("/api/jobs/{draft}/similar")).await.expect(200);
    let _ = ada.delete(&format!("/api/jobs/{job}")).await.expect(200);
    app.anyone().get(&path).await.problem(404, "job_not_found");
    let _ = ada.get(&path).await.expect(200);
}

#[actix_web::test]
async fn a_contractor_is_told_which_jobs_fit_and_why() {
    let app = TestApp::start().await;
    let (ada, bob, dan) = (app.homeowner().await, app.verified_contractor().await, app.contractor().await);
    present(&bob, &["tiling"]).await;
    present(&dan, &["tiling"]).await;
    let near = posted(&ada, json!({})).await;
    let roof = posted(&ada, json!({ "category": "roofing" })).await;
    let ranking = bob.get(RECOMMENDED).await.expect(200);
    assert_eq!(jobs(&ranking), std::slice::from_ref(&near));
    let best = &ranking["data"][0];
    assert_eq!(codes(best), ["distance", "trade", "licensed", "skills", "fresh"]);
    assert_eq!(best["reasons"][0]["text"], "Less than 1 km away");
    assert_eq!(best["score"], json!(20 + 25 + 10 + 8 + 5));
    // Who cannot bid yet sees what there would be, and is told.
    let unverified = dan.get(RECOMMENDED).await.expect(200);
    assert_eq!(jobs(&unverified), std::slice::from_ref(&near));
    assert!(codes(&unverified["data"][0]).contains(&"not_verified".to_owned()));

    // What one has bid on is one's own affair.
    app.bid(&bob, &near).await;
    assert!(jobs(&bob.get(RECOMMENDED).await.expect(200)).is_empty());
    assert_eq!(dan.get(RECOMMENDED).await.expect(200), unverified, "nobody else learns of it");
    present(&bob, &["tiling", "roofing"]).await;
    assert_eq!(jobs(&bob.get(RECOMMENDED).await.expect(200)), [roof]);

    app.anyone().get(RECOMMENDED).await.problem(401, "unauthenticated");
    ada.get(RECOMMENDED).await.problem(403, "wrong_role");
    assert_eq!(bob.get(&format!("{RECOMMENDED}?limit=0")).await.status, 400);
    // Nobody can bid any more, so nobody is told of them.
    app.pass(Duration::from_secs(15 * 24 * 60 * 60)).await;
    let bob = super::again(&app, &bob).await;
    assert!(jobs(&bob.get(RECOMMENDED).await.expect(200)).is_empty());
}

#[actix_web::test]
async fn a_job_is_dismissed_and_had_back() {
    let app = TestApp::start().await;
    let (ada, bob, dan) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);
    let job = posted(&ada, json!({})).await;
    let path = format!("/api/jobs/{job}/dismiss");
    let shown = app.anyone().get(&format!("/api/jobs/{job}")).await;
    let events = super::told_at_all(&app);
    for _ in 0..2 {
        assert_eq!(bob.post_empty(&path).await.status, 204);
    }
    assert_eq!(app.database.count("marketplace.dismissals"), 1);
    assert!(jobs(&bob.get(RECOMMENDED).await.expect(200)).is_empty());
    assert_eq!(jobs(&dan.get(RECOMMENDED).await.expect(200)), std::slice::from_ref(&job));
    // Neither the job nor its owner hears of it, and the person's own record tells.
    assert_eq!(app.anyone().get(&format!("/api/jobs/{job}")).await.bytes, shown.bytes);
    assert_eq!(super::told_at_all(&app), events);
    let record = bob.get("/api/users/me/data").await.expect(200);
    assert_eq!(record["sections"]["marketplace"]["dismissedJobs"][0]["jobId"], json!(job));
    for _ in 0..2 {
        assert_eq!(bob.delete(&path).await.status, 204);
    }
    assert_eq!(app.database.count("marketplace.dismissals"), 0);
    assert_eq!(jobs(&bob.get(RECOMMENDED).await.expect(200)), std::slice::from_ref(&job));

    app.anyone().post_empty(&path).await.problem(401, "unauthenticated");
    ada.post_empty(&path).await.problem(403, "wrong_role");
    bob.post(&path, json!({ "why": "far" })).await.problem(400, "no_body_expected");
    let absent = format!("/api/jobs/{}/dismiss", nothing("job"));
    bob.post_empty(&absent).await.problem(404, "job_not_found");
    bob.delete(&absent).await.problem(404, "job_not_found");
    let deal = app.contract_between(&ada, &bob).await;
    let ended = format!("/api/jobs/{}/dismiss", deal.job);
    bob.post_empty(&ended).await.wrong_state("AWARDED");
    dan.post_empty(&ended).await.problem(404, "job_not_found");
    assert_eq!(app.database.count("marketplace.dismissals"), 0);
}
