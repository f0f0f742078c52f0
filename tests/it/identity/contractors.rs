//! `/api/contractors`: the papers that a contractor hands in, and a contractor as anyone may see it.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Person, TestApp, papers};

use super::{decide, events, hand_in};

const VERIFICATION: &str = "/api/contractors/verification";
const DAY: Duration = Duration::from_secs(86_400);

fn page(contractor: &Person) -> String {
    format!("/api/contractors/{}", contractor.party)
}

/// Papers whose last day is so many days from now, in the zone of Greenwich.
fn papers_for(app: &TestApp, days: u64) -> Value {
    let last_day: NaiveDate = app.now().date_naive() + Days::new(days);
    let mut papers = papers();
    for credential in ["/licences/0", "/insurance"] {
        if let Some(credential) = papers.pointer_mut(credential) {
            credential["expiresOn"] = json!(last_day);
            credential["timeZone"] = json!("UTC");
        }
    }
    papers
}

#[actix_web::test]
async fn papers_wait_for_an_administrator() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let answer = bob.post(VERIFICATION, papers()).await;
    assert_eq!(answer.header("location"), Some(VERIFICATION));
    let made = answer.expect(201);
    assert_eq!((&made["status"], &made["contractorId"]), (&json!("PENDING"), &json!(bob.party)));
    assert_eq!((&made["licences"], &made["insurance"]), (&papers()["licences"], &papers()["insurance"]));
    for undecided in ["decidedAt", "reason", "validUntil"] {
        assert_eq!(made[undecided], Value::Null, "{undecided}");
    }
    assert_eq!(app.database.count("identity.verifications WHERE state = 'PENDING'"), 1);
    assert_eq!(app.database.count("identity.credentials"), 2);
    assert_eq!(events(&app, "verification.submitted", &bob), 1);
    for personal in ["Mason", "TX-48813", "Texas"] {
        let told = format!("outbox.events WHERE strpos(data::text, '{personal}') > 0");
        assert_eq!(app.database.count(&told), 0, "{personal}");
    }
    app.settle().await;
    let inbox = admin.get("/api/notifications").await.expect(200);
    assert!(inbox.to_string().contains("verification_submitted"), "{inbox}");
}

#[actix_web::test]
async fn a_correction_takes_the_place_of_what_waits() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let first = hand_in(&bob).await;
    let second = hand_in(&bob).await;
    assert_ne!(first, second);
    assert_eq!(app.database.count("identity.verifications WHERE state = 'SUPERSEDED'"), 1);
    assert_eq!(app.database.count("identity.verifications WHERE state = 'PENDING'"), 1);
}

#[actix_web::test]
async fn a_renewal_leaves_what_was_approved_until_it_is_approved_itself() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.verified_contractor().await, app.admin().await);
    let renewal = hand_in(&bob).await;
    let me = bob.get("/api/auth/me").await.expect(200);
    assert_eq!(me["verification"], json!({ "status": "PENDING", "mayBid": true }));
    decide(&admin, &renewal, "approve", json!({})).await.expect(200);
    assert_eq!(app.database.count("identity.verifications WHERE state = 'APPROVED'"), 1);
    assert_eq!(app.database.count("identity.verifications WHERE state = 'SUPERSEDED'"), 1);
}

#[actix_web::test]
async fn papers_handed_in_twice_under_one_key_are_handed_in_once() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let first = bob.post_keyed(VERIFICATION, "once", papers()).await;
    let again = bob.post_keyed(VERIFICATION, "once", papers()).await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    let other = bob.post_keyed(VERIFICATION, "once", papers_for(&app, 90)).await;
    assert_eq!(other.status, 422, "{}", other.text());
    assert_eq!(app.database.count("identity.verifications"), 1);
}

#[actix_web::test]
async fn papers_are_handed_in_by_contractors_only() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    app.anyone().post(VERIFICATION, papers()).await.problem(401, "unauthenticated");
    ada.post(VERIFICATION, papers()).await.problem(403, "wrong_role");
    admin.post(VERIFICATION, papers()).await.problem(403, "wrong_role");
    let bob = app.contractor().await;
    app.suspend(&bob);
    bob.post(VERIFICATION, papers()).await.problem(401, "signed_out");
    assert_eq!(app.database.count("identity.verifications"), 0);
    assert_eq!(app.database.count("outbox.events WHERE name = 'verification.submitted'"), 0);
}

#[actix_web::test]
async fn every_fault_of_the_papers_comes_at_once() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let fill = async |body: Value| bob.post(VERIFICATION, body).await;
    fill(json!({})).await.faults(&["/insurance", "/licences"]);
    let credential = || papers()["insurance"].clone();
    let none = json!({ "licences": [], "insurance": credential() });
    fill(none).await.faults(&["/licences"]);
    let eleven = json!({ "licences": vec![credential(); 11], "insurance": credential() });
    fill(eleven).await.faults(&["/licences"]);
    let by_shape = json!({
        "licences": [credential(), { "number": "", "holder": 7, "place": "p".repeat(121), "expiresOn": "2026-02-30" }],
        "insurance": {
            "number": "n".repeat(81), "holder": "h", "place": "p", "timeZone": "UTC", "expiresOn": "+10000-01-01",
        },
        "verified": true,
    });
    fill(by_shape).await.faults(&[
        "/insurance/expiresOn",
        "/insurance/number",
        "/licences/1/expiresOn",
        "/licences/1/holder",
        "/licences/1/number",
        "/licences/1/place",
        "/licences/1/timeZone",
        "/verified",
    ]);
    let mut by_meaning = papers();
    by_meaning["licences"][0]["holder"] = json!("a\nb");
    by_meaning["licences"][0]["timeZone"] = json!("Texas");
    by_meaning["insurance"]["number"] = json!("  ");
    fill(by_meaning).await.faults(&["/insurance/number", "/licences/0/holder", "/licences/0/timeZone"]);
    assert_eq!(app.database.count("identity.verifications"), 0);
    assert_eq!(app.database.count("identity.credentials"), 0);
}

#[actix_web::test]
async fn papers_that_have_expired_are_refused_from_the_end_of_their_day() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let last_day = papers_for(&app, 1);
    bob.post(VERIFICATION, last_day.clone()).await.expect(201);
    app.clock.advance(2 * DAY);
    let again = app.sign_in(&bob.email, &bob.password).await;
    let refused =
        again.post(VERIFICATION, last_day).await.faults(&["/insurance/expiresOn", "/licences/0/expiresOn"]);
    assert_eq!(refused["errors"][0]["code"], "expired");
    // What waited before waits still.
    assert_eq!(app.database.count("identity.verifications WHERE state = 'PENDING'"), 1);
}

#[actix_web::test]
async fn anyone_sees_a_contractor_s_page_without_what_is_protected() {
    let app = TestApp::start().await;
    let bob = app.verified_contractor().await;
    let change = json!({
        "name": "Bob Quentin Mason", "phone": "+15125550100", "location": { "lat": 30.267_153, "lng": -97.743_057 },
        "headline": "Tiles that stay", "trades": ["tiling"],
    });
    bob.patch("/api/users/profile", change).await.expect(200);
    let shown = app.anyone().get(&page(&bob)).await.expect(200);
    assert_eq!((&shown["id"], &shown["displayName"]), (&json!(bob.party), &json!("Bob M.")));
    assert_eq!((&shown["verified"], &shown["profile"]["trades"]), (&json!(true), &json!(["tiling"])));
    assert!(shown["verifiedAt"].is_string() && shown["memberSince"].is_string(), "{shown}");
    let kinds: Vec<_> =
        shown["credentials"].as_array().into_iter().flatten().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["LICENCE", "INSURANCE"]);
    assert_eq!(shown["credentials"][0]["place"], "Texas");
    let text = shown.to_string();
    for hidden in
        ["Mason", "Quentin", &bob.email, "5550100", "30.267", "-97.743", "TX-48813", "INS-20431", "usr_"]
    {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    // Everybody sees the same: others, the contractor itself, an administrator.
    for person in [app.homeowner().await, bob.clone(), app.admin().await] {
        assert_eq!(person.get(&page(&bob)).await.expect(200), shown);
    }
}

#[actix_web::test]
async fn a_page_says_verified_only_while_checked_papers_hold() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let shown = async || app.anyone().get(&page(&bob)).await.expect(200);
    let unverified = json!([false, null, []]);
    let standing = |page: Value| json!([page["verified"], page["verifiedAt"], page["credentials"]]);
    assert_eq!(standing(shown().await), unverified);
    let made = bob.post(VERIFICATION, papers_for(&app, 9)).await.expect(201);
    // On the contractor's own word it is not.
    assert_eq!(standing(shown().await), unverified);
    decide(&admin, made["id"].as_str().unwrap_or_default(), "approve", json!({})).await.expect(200);
    let checked = shown().await;
    assert_eq!(
        (&checked["verified"], checked["credentials"].as_array().map(Vec::len)),
        (&json!(true), Some(2))
    );
    // It says so to the end of the last day, and not a moment longer.
    let until = made["licences"][0]["expiresOn"].as_str().and_then(|day| day.parse::<NaiveDate>().ok());
    let until = until.map(|day| (day + Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc());
    let left = until.and_then(|until| (until - app.now()).to_std().ok()).unwrap_or_default();
    let margin = Duration::from_secs(60);
    app.clock.advance(left.saturating_sub(margin));
    assert_eq!(shown().await, checked);
    app.clock.advance(margin);
    assert_eq!(standing(shown().await), unverified);
}

#[actix_web::test]
async fn a_page_is_not_sent_again_while_it_is_the_same() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let (path, anyone) = (page(&bob), app.anyone());
    let first = anyone.get(&path).await;
    let known = first.header("etag").unwrap_or_default().to_owned();
    let asking =
        || anyone.send(Method::GET, &path, |request| request.header("if-none-match", known.as_str()));
    assert_eq!(asking().await.status, 304);
    bob.patch("/api/users/profile", json!({ "headline": "Tiles that stay" })).await.expect(200);
    assert_eq!(asking().await.expect(200)["profile"]["headline"], "Tiles that stay");
}

#[actix_web::test]
async fn a_page_is_there_for_contractors_who_are_there() {
    let app = TestApp::start().await;
    let (ada, bob, admin) = (app.homeowner().await, app.contractor().await, app.admin().await);
    let missing = format!("pty_{}", kernel::id::encode_suffix(uuid::Uuid::now_v7()));
    for nobody in [ada.party.as_str(), &admin.party, &missing, &bob.id, "pty_1", "bob"] {
        app.anyone().get(&format!("/api/contractors/{nobody}")).await.problem(404, "not_found");
    }
    app.anyone().get(&format!("{}?verified=true", page(&bob))).await.problem(400, "invalid_request");
    // Anyone may look, but who shows a token must show a good one.
    let mut stale = bob.clone();
    stale.token = Some("made-up".to_owned());
    stale.get(&page(&bob)).await.problem(401, "invalid_token");
    app.suspend(&bob);
    app.anyone().get(&page(&bob)).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_contractor_sees_how_the_verification_stands() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let nothing = bob.get(VERIFICATION).await.expect(200);
    assert_eq!(
        nothing,
        json!({ "status": null, "mayBid": false, "approved": null, "pending": null, "data": [], "nextCursor": null })
    );
    let rejected = hand_in(&bob).await;
    let words = json!({ "reason": "The licence is blurred.", "note": "Ask for a scan." });
    decide(&admin, &rejected, "reject", words).await.expect(200);
    let approved = hand_in(&bob).await;
    decide(&admin, &approved, "approve", json!({ "note": "Seen the originals." })).await.expect(200);
    let pending = hand_in(&bob).await;

    let stands = bob.get(VERIFICATION).await.expect(200);
    assert_eq!((&stands["status"], &stands["mayBid"]), (&json!("PENDING"), &json!(true)));
    assert_eq!((&stands["approved"]["id"], &stands["pending"]["id"]), (&json!(approved), &json!(pending)));
    let ids = |page: &Value| -> Vec<String> {
        let all = page["data"].as_array().into_iter().flatten();
        all.map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(ids(&stands), [pending, approved.clone(), rejected.clone()]);
    assert_eq!(stands["data"][2]["reason"], "The licence is blurred.");
    for secret in ["Ask for a scan.", "Seen the originals.", &admin.id] {
        assert!(!stands.to_string().contains(secret), "{secret} is for administrators");
    }
    let first = bob.get(&format!("{VERIFICATION}?limit=1")).await.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap_or_default();
    let rest = bob.get(&format!("{VERIFICATION}?cursor={cursor}")).await.expect(200);
    assert_eq!(ids(&rest), [approved, rejected]);
}

#[actix_web::test]
async fn how_a_verification_stands_is_its_contractors_to_see() {
    let app = TestApp::start().await;
    let (ada, admin, bob) = (app.homeowner().await, app.admin().await, app.contractor().await);
    hand_in(&bob).await;
    app.anyone().get(VERIFICATION).await.problem(401, "unauthenticated");
    for person in [&ada, &admin] {
        person.get(VERIFICATION).await.problem(403, "wrong_role");
    }
    let stranger = app.contractor().await.get(VERIFICATION).await.expect(200);
    assert_eq!(stranger["data"], json!([]));
    for (query, pointer) in
        [("limit=0", "?limit"), ("cursor=made-up", "?cursor"), ("status=PENDING", "?status")]
    {
        let refused = bob.get(&format!("{VERIFICATION}?{query}")).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{query}"
        );
    }
    app.suspend(&bob);
    bob.get(VERIFICATION).await.problem(401, "signed_out");
}

#[actix_web::test]
async fn a_licence_may_name_its_trade() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let mut papers = papers();
    papers["licences"][0]["trade"] = json!("roofing");
    let made = bob.post(VERIFICATION, papers.clone()).await.expect(201);
    assert_eq!((&made["licences"], &made["insurance"]), (&papers["licences"], &papers["insurance"]));
    decide(&admin, made["id"].as_str().unwrap_or_default(), "approve", json!({})).await.expect(200);
    let shown = app.anyone().get(&page(&bob)).await.expect(200);
    let checked = &shown["verification"];
    assert_eq!(
        (&checked["checkedAt"], &checked["validUntil"]),
        (&shown["verifiedAt"], &json!("2090-07-01T05:00:00Z"))
    );
    let credential = &checked["credentials"][0];
    assert_eq!((&credential["trade"], &credential["place"]), (&json!("roofing"), &json!("Texas")));
    for secret in ["TX-48813", "Mason Tiles LLC", "INS-20431"] {
        assert!(!shown.to_string().contains(secret), "{secret} is nobody's business");
    }
    papers["licences"][0]["trade"] = json!("Roof Work");
    bob.post(VERIFICATION, papers).await.faults(&["/licences/0/trade"]);
}

#[actix_web::test]
async fn a_contractor_is_warned_by_mail_before_the_papers_end() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let id = bob.post(VERIFICATION, papers_for(&app, 31)).await.expect(201);
    decide(&admin, id["id"].as_str().unwrap_or_default(), "approve", json!({})).await.expect(200);
    app.pass(2 * DAY).await;
    let bob = app.sign_in(&bob.email, &bob.password).await;
    let inbox = bob.get("/api/notifications").await.expect(200).to_string();
    // One each of the licence and the insurance.
    assert_eq!(inbox.matches("is the last day of your").count(), 2, "{inbox}");
    assert!(inbox.contains("licence (Texas)") && inbox.contains("insurance (Texas)"), "{inbox}");
    assert_eq!(events(&app, "credential.expiring", &bob), 2);
    assert_eq!(app.database.count("outbox.events WHERE strpos(data::text, 'Texas') > 0"), 0);
    app.pass(40 * DAY).await;
    let bob = app.sign_in(&bob.email, &bob.password).await;
    assert_eq!(events(&app, "verification.expired", &bob), 1);
    let inbox = bob.get("/api/notifications").await.expect(200).to_string();
    assert!(inbox.contains("verification_expired"), "{inbox}");
    let stands = bob.get(VERIFICATION).await.expect(200);
    assert_eq!((&stands["status"], &stands["mayBid"]), (&json!("APPROVED"), &json!(false)));
    assert_eq!(app.anyone().get(&page(&bob)).await.expect(200)["verification"], Value::Null);
}
