//! `/api/admin/users/{userId}/suspend` and `/reinstate`.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Person, TestApp};

use super::events;

const REASON: &str = "Three complaints of threats.";
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn tell(admin: &Person, person: &str, step: &str) -> Answer {
    admin.post(&format!("/api/admin/users/{person}/{step}"), json!({ "reason": REASON })).await
}

async fn suspend(admin: &Person, person: &Person) -> Value {
    tell(admin, &person.id, "suspend").await.expect(200)
}

async fn reinstate(admin: &Person, person: &Person) -> Value {
    tell(admin, &person.id, "reinstate").await.expect(200)
}

async fn again(app: &TestApp, person: &Person) -> Person {
    app.sign_in(&person.email, &person.password).await
}

/// How often this person's inbox has a notification of that template.
async fn told(app: &TestApp, person: &Person, template: &str) -> i64 {
    app.settle().await;
    app.database.count(&format!(
        "notifications.notifications n JOIN identity.people p ON p.id = n.person_id
         WHERE n.template = '{template}' AND p.email = '{}'",
        person.email
    ))
}

#[actix_web::test]
async fn a_suspended_person_is_signed_out_everywhere_at_once() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    let elsewhere = again(&app, &ada).await;
    let shown = suspend(&admin, &ada).await;
    assert_eq!((&shown["state"], &shown["user"]["id"]), (&json!("SUSPENDED"), &json!(ada.id)));
    assert_eq!(
        (&shown["suspension"]["by"], &shown["suspension"]["reason"]),
        (&json!(admin.id), &json!(REASON))
    );
    assert_eq!(shown["counts"], json!({ "sessions": 0, "verifications": 0, "suspensions": 1 }));
    for session in [&ada, &elsewhere] {
        session.get("/api/auth/me").await.problem(401, "signed_out");
        let refresh = json!({ "refreshToken": session.refresh_token });
        app.anyone().post("/api/auth/refresh", refresh).await.problem(401, "invalid_refresh_token");
    }
    let login = |password: &str| json!({ "email": ada.email, "password": password });
    app.anyone().post("/api/auth/login", login(&ada.password)).await.problem(403, "suspended");
    // Only who knows the password learns of it.
    app.anyone().post("/api/auth/login", login("wrong")).await.problem(401, "wrong_credentials");
    assert_eq!(app.database.count("identity.sessions WHERE end_reason = 'SUSPENDED'"), 2);
    let kept = format!("identity.suspensions WHERE reinstated_at IS NULL AND reason = '{REASON}'");
    assert_eq!(app.database.count(&kept), 1);
    assert_eq!(events(&app, "person.suspended", &ada), 1);
    assert_eq!(told(&app, &ada, "account_suspended").await, 1);
    // The reason is for administrators: neither told nor kept anywhere else.
    for table in ["outbox.events", "notifications.notifications"] {
        assert_eq!(
            app.database.count(&format!("{table} t WHERE strpos(t::text, 'threats') > 0")),
            0,
            "{table}"
        );
    }
    let letters = app.mails_to(&ada.email);
    assert!(letters.iter().any(|letter| letter.contains("suspended")), "{letters:?}");
    assert!(!letters.iter().any(|letter| letter.contains("threats")), "{letters:?}");
}

#[actix_web::test]
async fn a_reinstated_person_signs_in_anew() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    suspend(&admin, &ada).await;
    app.clock.advance(DAY);
    let admin = again(&app, &admin).await;
    let shown = reinstate(&admin, &ada).await;
    assert_eq!((&shown["state"], &shown["suspension"]), (&json!("ACTIVE"), &Value::Null));
    assert_eq!(shown["counts"]["suspensions"], 1);
    // What ended stays ended.
    let refresh = json!({ "refreshToken": ada.refresh_token });
    app.anyone().post("/api/auth/refresh", refresh).await.problem(401, "invalid_refresh_token");
    let back = again(&app, &ada).await;
    back.get("/api/users/profile").await.expect(200);
    assert_eq!(events(&app, "person.reinstated", &ada), 1);
    assert_eq!(told(&app, &ada, "account_reinstated").await, 1);
    let history = "identity.suspensions WHERE reinstated_at - suspended_at BETWEEN interval '24 hours' AND interval '25 hours'
        AND reinstated_by = suspended_by AND reinstate_reason IS NOT NULL";
    assert_eq!(app.database.count(history), 1);
    // Once more: the history grows.
    assert_eq!(suspend(&admin, &ada).await["counts"]["suspensions"], 2);
    back.get("/api/users/profile").await.problem(401, "signed_out");
}

#[actix_web::test]
async fn the_other_party_of_an_open_contract_is_told() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (open, unsigned, done) =
        (app.funded_contract().await, app.contract().await, app.completed_contract().await);
    let stranger = app.homeowner().await;
    for deal in [&open, &unsigned, &done] {
        suspend(&admin, &deal.contractor).await;
    }
    suspend(&admin, &stranger).await;
    for (deal, expected) in [(&open, 1), (&unsigned, 1), (&done, 0)] {
        assert_eq!(told(&app, &deal.homeowner, "contract_party_suspended").await, expected);
        assert_eq!(told(&app, &deal.contractor, "account_suspended").await, 1);
        assert_eq!(told(&app, &deal.contractor, "contract_party_suspended").await, 0);
    }
    let inbox = open.homeowner.get("/api/notifications").await.expect(200).to_string();
    assert!(inbox.contains(&open.contract) && !inbox.contains("threats"), "{inbox}");
    reinstate(&admin, &open.contractor).await;
    assert_eq!(told(&app, &open.homeowner, "contract_party_reinstated").await, 1);
    assert_eq!(told(&app, &unsigned.homeowner, "contract_party_reinstated").await, 0);
    // And the other way round.
    suspend(&admin, &open.homeowner).await;
    assert_eq!(told(&app, &open.contractor, "contract_party_suspended").await, 1);
}

#[actix_web::test]
async fn money_on_its_way_is_not_held_up() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let deal = app.approved_contract().await;
    suspend(&admin, &deal.contractor).await;
    suspend(&admin, &deal.homeowner).await;
    app.pass(DAY).await;
    app.pass(DAY).await;
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'RELEASED'"), 1);
    let payouts = app.database.count("escrow.payouts WHERE status IN ('PAID', 'WAITING_ACCOUNT')");
    assert_eq!(payouts, 1);
}

#[actix_web::test]
async fn a_suspended_contractor_is_not_awarded_a_job_and_has_no_page() {
    let app = TestApp::start().await;
    let (ada, bob, admin) = (app.homeowner().await, app.verified_contractor().await, app.admin().await);
    let job = app.open_job(&ada).await;
    let bid = app.bid(&bob, &job).await;
    suspend(&admin, &bob).await;
    let refused = ada.post_empty(&format!("/api/bids/{bid}/accept")).await;
    refused.problem(409, "contractor_unavailable");
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'OPEN'"), 1);
    assert_eq!(app.database.count("marketplace.bids WHERE status = 'SUBMITTED'"), 1);
    assert_eq!(app.database.count("contracts.contracts"), 0);
    let page = format!("/api/contractors/{}", bob.party);
    app.anyone().get(&page).await.problem(404, "not_found");
    let shown = admin.get(&format!("/api/admin/users?q={}", bob.id)).await.expect(200);
    assert_eq!(shown["data"][0]["verification"]["mayBid"], false);

    reinstate(&admin, &bob).await;
    app.anyone().get(&page).await.expect(200);
    ada.post_empty(&format!("/api/bids/{bid}/accept")).await.expect(201);
}

#[actix_web::test]
async fn a_person_is_suspended_once_and_reinstated_once() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    let active = tell(&admin, &ada.id, "reinstate").await.wrong_state("ACTIVE");
    assert_eq!(active["allowedActions"], json!(["suspend"]));
    suspend(&admin, &ada).await;
    let twice = tell(&admin, &ada.id, "suspend").await.wrong_state("SUSPENDED");
    assert_eq!(twice["allowedActions"], json!(["reinstate"]));
    assert_eq!(app.database.count("identity.suspensions"), 1);
    assert_eq!(events(&app, "person.suspended", &ada), 1);
    assert_eq!(events(&app, "person.reinstated", &ada), 0);
    // At once, too.
    let answers = futures_util::future::join_all((0..6).map(|_| tell(&admin, &ada.id, "reinstate"))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    assert_eq!(events(&app, "person.reinstated", &ada), 1);
}

#[actix_web::test]
async fn a_reason_is_needed_and_the_person_must_exist() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    for step in ["suspend", "reinstate"] {
        let path = format!("/api/admin/users/{}/{step}", ada.id);
        for body in [
            json!({}),
            json!({ "reason": "" }),
            json!({ "reason": " \n" }),
            json!({ "reason": 7 }),
            json!({ "reason": null }),
            json!({ "reason": "a\u{7}b" }),
            json!({ "reason": "r".repeat(2_001) }),
        ] {
            admin.post(&path, body).await.faults(&["/reason"]);
        }
        admin.post(&path, json!({ "reason": "x", "until": "2027-01-01" })).await.faults(&["/until"]);
        admin.post_empty(&path).await.problem(400, "not_json");
        let missing = format!("usr_{}", kernel::id::encode_suffix(uuid::Uuid::now_v7()));
        for nothing in [missing.as_str(), "usr_1", "1", ada.party.as_str()] {
            tell(&admin, nothing, step).await.problem(404, "not_found");
        }
    }
    assert_eq!(app.database.count("identity.suspensions"), 0);
    assert_eq!(app.database.count("identity.people WHERE suspended_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn people_are_suspended_by_administrators_only() {
    let app = TestApp::start().await;
    let (ada, bob, former) = (app.homeowner().await, app.contractor().await, app.admin().await);
    app.suspend(&former);
    for step in ["suspend", "reinstate"] {
        tell(&app.anyone(), &ada.id, step).await.problem(401, "unauthenticated");
        for person in [&ada, &bob] {
            tell(person, &ada.id, step).await.problem(403, "wrong_role");
        }
        tell(&former, &ada.id, step).await.problem(401, "signed_out");
    }
    assert_eq!(app.database.count("identity.suspensions"), 0);
    ada.get("/api/auth/me").await.expect(200);
}

#[actix_web::test]
async fn an_administrator_always_stays() {
    let app = TestApp::start().await;
    let (grace, alan) = (app.admin().await, app.admin().await);
    tell(&grace, &grace.id, "suspend").await.problem(409, "own_account");
    // Of two who suspend each other at once one succeeds, and the other one is out.
    let (one, other) =
        futures_util::future::join(tell(&grace, &alan.id, "suspend"), tell(&alan, &grace.id, "suspend"))
            .await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{} {}", one.text(), other.text());
    assert_eq!(app.database.count("identity.people WHERE role = 'ADMIN' AND suspended_at IS NULL"), 1);
}

#[actix_web::test]
async fn a_suspension_under_a_key_is_answered_again() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    let path = format!("/api/admin/users/{}/suspend", ada.id);
    let keyed = || admin.post_keyed(&path, "once", json!({ "reason": REASON }));
    let (first, second) = (keyed().await, keyed().await);
    assert_eq!((first.status, second.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(events(&app, "person.suspended", &ada), 1);
}
