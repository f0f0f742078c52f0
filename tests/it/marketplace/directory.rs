//! `/api/contractors`: the directory, for everybody.

use std::time::Duration;

use chrono::{DateTime, Days, Utc};
use serde_json::{Value, json};
use tests::{Deal, Person, TestApp, papers};

use super::{all_pages, ids, text};

const DIRECTORY: &str = "/api/contractors";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A degree of latitude, on the sphere that distances are of.
const METRES_OF_A_DEGREE: f64 = 111_195.080_233_5;

fn profile() -> Value {
    json!({
        "headline": "Tiles that stay", "bio": "I began as a plasterer.", "trades": ["tiling", "plumbing"],
        "skills": ["bathroom_tiling", "leak-repair"], "location": { "lat": 30.267_153, "lng": -97.743_057 },
        "serviceRadiusKm": 40, "phone": "+15125550123",
    })
}

/// Changes a profile, and lets the directory hear of it.
async fn present(app: &TestApp, person: &Person, profile: Value) {
    let _ = person.patch("/api/users/profile", profile).await.expect(200);
    app.settle().await;
}

/// Whom somebody signed out finds.
async fn found(app: &TestApp, query: &str) -> Vec<String> {
    ids(&app.anyone().get(&format!("{DIRECTORY}?{query}")).await.expect(200))
}

async fn card(app: &TestApp, of: &Person) -> Value {
    let page = app.anyone().get(&format!("{DIRECTORY}?limit=100")).await.expect(200);
    let cards = page["data"].as_array().cloned().unwrap_or_default();
    match cards.into_iter().find(|card| card["id"] == json!(of.party)) {
        Some(card) => card,
        None => panic!("{} is not in {page}", of.party),
    }
}

/// Hands in these papers, and has them found good.
async fn approve(contractor: &Person, admin: &Person, papers: Value) {
    let handed_in = contractor.post("/api/contractors/verification", papers).await.expect(201);
    let path = format!("/api/admin/verifications/{}/approve", text(&handed_in, "/id"));
    let _ = admin.post(&path, json!({})).await.expect(200);
}

/// Both sides review a finished contract; the contractor gets so many stars.
async fn review(deal: &Deal, stars: i64) {
    let form = |stars| json!({ "contractId": deal.contract, "rating": stars, "quality": stars, "timeliness": stars, "communication": stars });
    let _ = deal.homeowner.post("/api/reviews", form(stars)).await.expect(201);
    let _ = deal.contractor.post("/api/reviews", form(5)).await.expect(201);
}

#[actix_web::test]
async fn a_contractor_is_found_by_everybody_with_what_the_profile_says() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    assert!(found(&app, "").await.is_empty(), "nobody has heard of anybody yet");
    present(&app, &bob, profile()).await;

    let page = app.anyone().get(DIRECTORY).await.expect(200);
    assert_eq!((ids(&page), &page["nextCursor"]), (vec![bob.party.clone()], &Value::Null));
    for reader in [&ada, &bob, &app.admin().await] {
        assert_eq!(reader.get(DIRECTORY).await.expect(200), page);
    }
    let card = &page["data"][0];
    let public = app.anyone().get(&format!("{DIRECTORY}/{}", bob.party)).await.expect(200);
    assert_eq!((&card["displayName"], &card["headline"]), (&json!("Bob M."), &json!("Tiles that stay")));
    assert_eq!((&card["trades"], &card["skills"]), (&profile()["trades"], &profile()["skills"]));
    assert_eq!((&card["serviceRadiusKm"], &card["distanceKm"]), (&json!(40), &Value::Null));
    assert_eq!(card["memberSince"], public["memberSince"]);
    assert_eq!(card["rating"], json!({ "count": 0, "mean": null, "bayesianMean": 4.0 }));
    assert_eq!((&card["verified"], &card["verification"]), (&json!(false), &Value::Null));
    // Somewhere around, and nothing by which to reach the contractor past the marketplace.
    assert_ne!(card["point"], profile()["location"]);
    for protected in [bob.email.as_str(), "Mason", "5550123", "30.267", "plasterer"] {
        assert!(!page.to_string().contains(protected), "{protected}: {page}");
    }
    // What is told holds no text of people's.
    assert_eq!(app.database.count("outbox.events WHERE name = 'profile.changed'"), 1);
    assert_eq!(app.database.count("outbox.events WHERE data::text LIKE '%iles%'"), 0);

    // What changes is seen, and what is said twice is not told again.
    present(&app, &bob, json!({ "headline": "Tiles", "location": null })).await;
    present(&app, &bob, json!({ "headline": "Tiles" })).await;
    let page = app.anyone().get(DIRECTORY).await.expect(200);
    assert_eq!((&page["data"][0]["headline"], &page["data"][0]["point"]), (&json!("Tiles"), &Value::Null));
    assert_eq!(app.database.count("outbox.events WHERE name = 'profile.changed'"), 2);
}

#[actix_web::test]
async fn contractors_are_found_by_trade_skills_and_words() {
    let app = TestApp::start().await;
    let (bob, dan) = (app.contractor().await, app.contractor().await);
    present(&app, &bob, profile()).await;
    let roofs = json!({
        "headline": "Façades and roofs", "bio": "Slate, tiles, copper.", "trades": ["roofing"], "skills": ["leak-repair"],
    });
    present(&app, &dan, roofs).await;
    let both = [&bob, &dan].map(|person| person.party.clone());
    let of = |expected: &[&Person]| expected.iter().map(|person| person.party.clone()).collect::<Vec<_>>();
    for (query, expected) in [
        ("trade=tiling", of(&[&bob])),
        ("trade=roofing", of(&[&dan])),
        ("trade=painting", vec![]),
        ("skills=leak-repair,bathroom_tiling", of(&[&bob])),
        ("skills=leak-repair&skills=slating", vec![]),
        ("trade=plumbing&skills=leak-repair", of(&[&bob])),
        // Forms of a word, accents, underlines, phrases, what is left out.
        ("q=plasterers", of(&[&bob])),
        ("q=facade", of(&[&dan])),
        ("q=FA%C3%87ADE%20roof", of(&[&dan])),
        ("q=bathroom%20tiling", of(&[&bob])),
        ("q=%22roofs%20facades%22", vec![]),
        ("q=%22facades%20and%20roofs%22", of(&[&dan])),
        ("q=leak%20-slate", of(&[&bob])),
        ("q=bob", {
            let mut newest = both.to_vec();
            newest.sort_unstable_by(|a, b| b.cmp(a));
            newest
        }),
        // Who says it in the headline comes before who says it in the long text.
        ("q=tiles", of(&[&bob, &dan])),
        ("q=tiles&trade=roofing", of(&[&dan])),
        // A surname and an address are not public, so nobody is found by them.
        ("q=mason", vec![]),
        ("q=example.com", vec![]),
        // Nothing but words that everybody has.
        ("q=the", vec![]),
        ("q=%27%3A%2A%20%26%20%7C%20%21%28", vec![]),
    ] {
        assert_eq!(found(&app, query).await, expected, "{query}");
    }
}

#[actix_web::test]
async fn contractors_are_found_by_the_place_that_they_come_to() {
    let app = TestApp::start().await;
    let (bob, dan, eve) = (app.contractor().await, app.contractor().await, app.contractor().await);
    // Eve says nothing of a radius, and Dan nothing of a place.
    present(&app, &bob, profile()).await;
    present(&app, &dan, json!({ "serviceRadiusKm": 100 })).await;
    let near = json!({ "location": { "lat": 30.30, "lng": -97.743_057 } });
    present(&app, &eve, near).await;
    let point = card(&app, &bob).await["point"].clone();
    let (lat, lng) = (point["lat"].as_f64().unwrap_or_default(), point["lng"].as_f64().unwrap_or_default());
    let away = |metres: f64| format!("lat={:.9}&lng={lng}", lat - metres / METRES_OF_A_DEGREE);

    // The edge of what is asked for belongs to it, and lies where the grid's point says.
    for (metres, radius, comes) in
        [(9_999.0, 10, true), (10_001.0, 10, false), (39_999.0, 500, true), (40_001.0, 500, false)]
    {
        let names = found(&app, &format!("{}&radius={radius}", away(metres))).await;
        assert_eq!(names.contains(&bob.party), comes, "{metres} {radius}: {names:?}");
        assert!(!names.contains(&dan.party), "{names:?}");
    }
    // Without a radius it is 50 km, and who names none comes as far.
    assert!(found(&app, &away(45_000.0)).await.contains(&eve.party));
    assert!(!found(&app, &away(47_000.0)).await.contains(&eve.party));

    let nearest = app.anyone().get(&format!("{DIRECTORY}?{}&sort=distance", away(2_340.0))).await.expect(200);
    assert_eq!(ids(&nearest), [bob.party.clone(), eve.party.clone()]);
    assert_eq!(nearest["data"][0]["distanceKm"], 2.3);
    // Across the date line, and at the pole.
    present(&app, &bob, json!({ "location": { "lat": -16.8, "lng": 179.99 } })).await;
    assert_eq!(found(&app, "lat=-16.8&lng=-179.99&radius=10").await, std::slice::from_ref(&bob.party));
    present(&app, &bob, json!({ "location": { "lat": 89.99, "lng": 10 } })).await;
    assert_eq!(found(&app, "lat=89.99&lng=-170&radius=10").await, std::slice::from_ref(&bob.party));
}

#[actix_web::test]
async fn published_reviews_move_a_contractor_up_and_down() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (bob, dan, eve) =
        (app.verified_contractor().await, app.verified_contractor().await, app.verified_contractor().await);
    let mut deals = Vec::new();
    for contractor in [&bob, &dan] {
        let deal = app.contract_between(&ada, contractor).await;
        deals.push(app.complete(deal).await);
    }
    let before = app.anyone().get(DIRECTORY).await.expect(200);
    let form = json!({ "contractId": deals[0].contract, "rating": 1, "quality": 1, "timeliness": 1, "communication": 1 });
    let _ = ada.post("/api/reviews", form).await.expect(201);
    app.settle().await;
    assert_eq!(app.anyone().get(DIRECTORY).await.expect(200), before, "a hidden review says nothing");
    let form = json!({ "contractId": deals[0].contract, "rating": 5, "quality": 5, "timeliness": 5, "communication": 5 });
    let _ = bob.post("/api/reviews", form).await.expect(201);
    review(&deals[1], 5).await;

    // At once, with the review itself.
    let order = [&dan, &eve, &bob].map(|person| person.party.clone());
    assert_eq!(found(&app, "").await, order);
    assert_eq!(found(&app, "sort=rating&limit=100").await, order);
    assert_eq!(card(&app, &dan).await["rating"], json!({ "count": 1, "mean": 5.0, "bayesianMean": 4.17 }));
    assert_eq!(found(&app, "minRating=4.5").await, std::slice::from_ref(&dan.party));
    assert_eq!(found(&app, "minRating=1&sort=newest").await, [dan.party.clone(), bob.party.clone()]);
    let mut newest = [&bob, &dan, &eve].map(|person| person.party.clone());
    newest.reverse();
    assert_eq!(found(&app, "sort=newest").await, newest);
    // What is made anew says the same.
    let whole = app.anyone().get(DIRECTORY).await.expect(200);
    app.database.execute("DELETE FROM marketplace.directory");
    app.pass(DAY).await;
    assert_eq!(app.anyone().get(DIRECTORY).await.expect(200), whole);
}

#[actix_web::test]
async fn nobody_is_called_verified_a_second_longer_than_the_papers_hold() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let last_day = app.now().date_naive() + Days::new(20);
    let mut short = papers();
    for (pointer, trade) in [("/licences/0", json!("tiling")), ("/insurance", Value::Null)] {
        if let Some(credential) = short.pointer_mut(pointer) {
            credential["trade"] = trade;
            credential["timeZone"] = json!("UTC");
            credential["expiresOn"] = json!(last_day);
        }
    }
    // A licence for another trade that holds longer.
    let mut other = papers()["licences"][0].clone();
    (other["trade"], other["expiresOn"]) = (json!("roofing"), json!(last_day + Days::new(20)));
    if let Some(list) = short["licences"].as_array_mut() {
        list.push(other);
    }
    short["insurance"]["expiresOn"] = json!(last_day + Days::new(10));
    present(&app, &bob, profile()).await;
    assert_eq!((found(&app, "verified=true").await, found(&app, "verified=false").await.len()), (vec![], 1));
    approve(&bob, &admin, short).await;
    app.settle().await;

    let shown = card(&app, &bob).await;
    let public = app.anyone().get(&format!("{DIRECTORY}/{}", bob.party)).await.expect(200);
    assert_eq!((&shown["verified"], &shown["verification"]), (&json!(true), &public["verification"]));
    let verified = async |query: &str| {
        let (yes, no) = (format!("{query}verified=true"), format!("{query}verified=false"));
        let (yes, no) = (found(&app, &yes).await.len(), found(&app, &no).await.len());
        assert_eq!(yes + no, 1, "{query}");
        yes == 1
    };
    // Checked is the licence for tiling; plumbing is the contractor's own word.
    assert!(verified("").await && verified("trade=tiling&").await && !verified("trade=plumbing&").await);

    // The licence for tiling ends first, by the clock alone: no task has run.
    let until = |instant: DateTime<Utc>| (instant - app.now()).to_std().unwrap_or_default();
    let second = Duration::from_secs(1);
    let ends = (last_day + Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc();
    app.clock.advance(until(ends) - second);
    assert!(verified("trade=tiling&").await);
    app.clock.advance(second);
    assert!(verified("").await && !verified("trade=tiling&").await);
    assert_eq!(card(&app, &bob).await["verification"]["credentials"].as_array().map(Vec::len), Some(2));
    // Then the insurance, and with it everything.
    let valid_until: DateTime<Utc> = text(&shown, "/verification/validUntil").parse().unwrap();
    app.clock.advance(until(valid_until) - second);
    assert!(verified("").await);
    app.clock.advance(second);
    assert!(!verified("").await);
    let shown = card(&app, &bob).await;
    assert_eq!((&shown["verified"], &shown["verification"]), (&json!(false), &Value::Null));
    app.settle().await;
    assert_eq!(card(&app, &bob).await, shown);
}

#[actix_web::test]
async fn whoever_is_suspended_is_not_found_until_reinstated() {
    let app = TestApp::start().await;
    let (bob, dan, admin) = (app.contractor().await, app.contractor().await, app.admin().await);
    present(&app, &bob, profile()).await;
    let both = found(&app, "sort=newest").await;
    assert_eq!(both, [dan.party.clone(), bob.party.clone()]);
    let account = format!("/api/admin/users/{}", bob.id);
    let reason = json!({ "reason": "Complaints" });
    let _ = admin.post(&format!("{account}/suspend"), reason.clone()).await.expect(200);
    app.settle().await;
    for query in ["", "trade=tiling", "q=tiles", "lat=30.26&lng=-97.74", "verified=false", "sort=newest"] {
        assert!(!found(&app, query).await.contains(&bob.party), "{query}");
    }
    let _ = admin.post(&format!("{account}/reinstate"), reason).await.expect(200);
    app.settle().await;
    assert_eq!(found(&app, "sort=newest").await, both);
    assert_eq!(found(&app, "trade=tiling").await, std::slice::from_ref(&bob.party));
}

#[actix_web::test]
async fn whoever_was_erased_is_gone_for_good() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    present(&app, &bob, profile()).await;
    assert_eq!(found(&app, "").await, std::slice::from_ref(&bob.party));
    // A change that nobody has heard of yet brings nobody back.
    let _ = bob.patch("/api/users/profile", json!({ "headline": "Tiles" })).await.expect(200);
    let _ = bob.post("/api/auth/step-up", json!({ "password": bob.password })).await.expect(200);
    let _ = bob.delete("/api/users/me/data").await.expect(204);
    app.settle().await;
    assert!(found(&app, "").await.is_empty());
    app.pass(DAY).await;
    assert_eq!(app.database.count("marketplace.directory"), 0);
}

/// Rows as the directory has them: what they are found by is drawn from a few values, so that many are alike.
fn add_rows(app: &TestApp, count: u32) {
    app.database.execute(&format!(
        "INSERT INTO marketplace.directory (party_id, listed, display_name, trades, skills, public_latitude, public_longitude,
             member_since, reviews, rating_mean, rating_rank, checked, named, told)
         SELECT gen_random_uuid(), true, 'Bob', ARRAY['tiling'], '{{}}', 30 + (random() * 4)::int * 0.01, -97.745,
             timestamptz '2026-01-01' + (random() * 3)::int * interval '1 day', 1, 400, 400 + (random() * 3)::int, '[]',
             CASE WHEN random() < 0.5 THEN 'tiles' ELSE '' END, 'tiles'
         FROM generate_series(1, {count})"
    ));
}

#[actix_web::test]
async fn a_list_neither_skips_nor_repeats_while_contractors_come() {
    let app = TestApp::start().await;
    for query in [
        "",
        "sort=newest",
        "trade=tiling",
        "q=tile",
        "lat=30.02&lng=-97.745&sort=distance",
        "minRating=4&sort=newest",
    ] {
        app.database.execute("DELETE FROM marketplace.directory");
        add_rows(&app, 23);
        let old = found(&app, &format!("{query}&limit=100")).await;
        assert_eq!(old.len(), 23, "{query}");
        let path = format!("{DIRECTORY}?{query}&limit=3");
        let read = all_pages(&app.anyone(), &path, async || add_rows(&app, 2)).await;
        let known: Vec<_> = read.iter().filter(|id| old.contains(id)).cloned().collect();
        assert_eq!(known, old, "{query}: each that was there, once, in the same order");
        let mut distinct = read.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), read.len(), "{query}: nobody twice");
    }
}

#[actix_web::test]
async fn a_cursor_is_good_for_the_same_question_only() {
    let app = TestApp::start().await;
    add_rows(&app, 3);
    let page = app.anyone().get(&format!("{DIRECTORY}?trade=tiling&limit=1")).await.expect(200);
    let cursor = text(&page, "/nextCursor");
    assert_eq!(found(&app, &format!("trade=tiling&limit=2&cursor={cursor}")).await.len(), 2);
    for query in ["", "trade=roofing&", "trade=tiling&sort=newest&", "trade=tiling&verified=false&"] {
        let refused = app.anyone().get(&format!("{DIRECTORY}?{query}cursor={cursor}")).await;
        let refused = refused.problem(400, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], "?cursor", "{query}");
    }
}

#[actix_web::test]
async fn questions_that_make_no_sense_are_refused_by_name() {
    let app = TestApp::start().await;
    let long = "a".repeat(201);
    for (query, pointers) in [
        ("trade=%27%3B%20DROP%20TABLE%20marketplace.directory%3B--", vec!["?trade"]),
        ("trade=Tiling&skills=ok,Not%20OK", vec!["?trade", "?skills/1"]),
        ("q=", vec!["?q"]),
        ("q=%20%20", vec!["?q"]),
        ("q=a%00b", vec!["?q"]),
        ("q=a%07b", vec!["?q"]),
        ("q=%ff", vec!["?q"]),
        (&format!("q={long}"), vec!["?q"]),
        ("lat=91&lng=181", vec!["?lat", "?lng"]),
        ("lat=NaN&lng=1e999", vec!["?lat", "?lng"]),
        ("lat=30", vec!["?lng"]),
        ("lng=30", vec!["?lat"]),
        ("radius=10", vec!["?radius"]),
        ("lat=1&lng=1&radius=0", vec!["?radius"]),
        ("lat=1&lng=1&radius=501", vec!["?radius"]),
        ("lat=1&lng=1&radius=1.5", vec!["?radius"]),
        ("minRating=0.5&verified=perhaps", vec!["?minRating", "?verified"]),
        ("minRating=5.5", vec!["?minRating"]),
        ("sort=distance", vec!["?sort"]),
        ("sort=relevance", vec!["?sort"]),
        ("sort=price", vec!["?sort"]),
        ("skills=a,b,c,d,e,f,g,h,i,j,k", vec!["?skills"]),
        ("limit=101&place=Austin", vec!["?limit", "?place"]),
        ("trade=tiling&trade=roofing", vec!["?trade"]),
        ("cursor=nonsense", vec!["?cursor"]),
    ] {
        let refused = app.anyone().get(&format!("{DIRECTORY}?{query}")).await.problem(400, "invalid_request");
        let faults = refused["errors"].as_array().cloned().unwrap_or_default();
        let mut named: Vec<_> = faults.iter().map(|fault| text(fault, "/pointer")).collect();
        let mut expected = pointers.clone();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected, "{query}");
    }
}
