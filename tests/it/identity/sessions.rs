//! `/api/auth/login`, `refresh`, `logout`: sessions and their tokens.

use std::time::Duration;

use gateway::ServerConfig;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, TestApp};

use super::{assert_alike, events};

const LOGIN: &str = "/api/auth/login";
const REFRESH: &str = "/api/auth/refresh";
const LOGOUT: &str = "/api/auth/logout";
const ME: &str = "/api/auth/me";
const WRONG: &str = "not-this-one-either";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

fn form(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.anyone().post(REFRESH, json!({ "refreshToken": token })).await
}

fn refresh_token(person: &Person) -> String {
    person.refresh_token.clone().unwrap_or_default()
}

fn next_token(answer: &Value) -> String {
    answer["refreshToken"].as_str().unwrap_or_default().to_owned()
}

/// Behind a proxy on this machine, so that a test says where a request comes from.
fn behind_a_proxy(config: &mut ServerConfig) {
    config.http.trusted_proxies = config.rate_limit.exempt.clone();
}

/// A sign-in from a network address.
async fn from(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    let form = form(email, password);
    app.anyone()
        .send(Method::POST, LOGIN, |request| request.header("x-forwarded-for", address).json(&form))
        .await
}

#[actix_web::test]
async fn signing_in_begins_a_session_of_its_own() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let answer = app.anyone().post(LOGIN, form(&ada.email, PASSWORD)).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let made = answer.expect(200);
    assert_eq!((&made["user"]["id"], &made["tokenType"]), (&json!(ada.id), &json!("Bearer")));
    let again = app.signed_in(&made, &ada.email, PASSWORD);
    assert_eq!(again.get(ME).await.expect(200)["session"]["id"], made["sessionId"]);
    ada.get(ME).await.expect(200);
    assert_eq!(app.database.count("identity.sessions WHERE ended_at IS NULL"), 2);
    assert_eq!(app.database.count("identity.refresh_tokens WHERE spent_at IS NULL"), 2);
    assert_eq!(app.database.count("identity.sign_in_failures"), 0);
}

#[actix_web::test]
async fn an_address_signs_in_however_it_is_written() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for written in
        [ada.email.to_uppercase(), format!("  {} ", ada.email), ada.email.replace("example", "Example")]
    {
        let made = app.anyone().post(LOGIN, form(&written, PASSWORD)).await.expect(200);
        assert_eq!(made["user"]["id"], json!(ada.id), "{written}");
        // As it was registered, not as it was typed now.
        assert_eq!(made["user"]["email"], json!(ada.email));
    }
    // A password is not an address: each letter counts.
    app.anyone()
        .post(LOGIN, form(&ada.email, &PASSWORD.to_uppercase()))
        .await
        .problem(401, "wrong_credentials");
}

#[actix_web::test]
async fn an_unknown_address_and_a_wrong_password_get_one_answer() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let anyone = app.anyone();
    let wrong = anyone.post(LOGIN, form(&ada.email, WRONG)).await;
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));
    for nobody in ["nobody@example.com", "no address at all", "\u{1F980}"] {
        assert_alike(&wrong, &anyone.post(LOGIN, form(nobody, WRONG)).await);
        assert_alike(&wrong, &anyone.post(LOGIN, form(nobody, PASSWORD)).await);
    }
    wrong.problem(401, "wrong_credentials");
    assert_eq!(app.database.count("identity.sign_in_failures"), 7);
    // Whom somebody tried to be, and from where, is kept by keyed hashes only.
    let told = "identity.sign_in_failures WHERE strpos(sign_in_failures::text, encode('nobody', 'hex')) > 0";
    assert_eq!(app.database.count(told), 0);
    assert_eq!(app.database.count("identity.sessions"), 1);
}

#[actix_web::test]
async fn signing_in_takes_two_texts() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    anyone.post(LOGIN, json!({})).await.faults(&["/email", "/password"]);
    anyone.post(LOGIN, json!({ "email": "", "password": "", "otp": 1 })).await.faults(&[
        "/email",
        "/otp",
        "/password",
    ]);
    anyone
        .post(LOGIN, json!({ "email": ["a"], "password": { "$ne": "" } }))
        .await
        .faults(&["/email", "/password"]);
    anyone.post(LOGIN, form("a\u{0}", "b\u{0}")).await.faults(&["/email", "/password"]);
    anyone.post(LOGIN, form(&"a".repeat(321), &"b".repeat(1_025))).await.faults(&["/email", "/password"]);
    anyone.post(LOGIN, json!([PASSWORD])).await.faults(&[""]);
    let no_json = anyone.send(Method::POST, LOGIN, |request| request.body("email=a&password=b")).await;
    no_json.problem(415, "not_json");
    // What is no sign-in is no failed one.
    assert_eq!(app.database.count("identity.sign_in_failures"), 0);
}

#[actix_web::test]
async fn a_suspended_account_learns_so_by_its_own_password_only() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    app.suspend(&bob);
    app.anyone().post(LOGIN, form(&bob.email, PASSWORD)).await.problem(403, "suspended");
    app.anyone().post(LOGIN, form(&bob.email, WRONG)).await.problem(401, "wrong_credentials");
    assert_eq!(app.database.count("identity.sessions"), 1);
}

#[actix_web::test]
async fn ten_failures_lock_an_account_but_not_where_it_is_at_home() {
    let app = TestApp::start_with(behind_a_proxy).await;
    let ada = app.homeowner().await;
    let (home, thief, elsewhere) = ("203.0.113.1", "198.51.100.7", "192.0.2.3");
    from(&app, home, &ada.email, PASSWORD).await.expect(200);
    for _ in 0..10 {
        from(&app, thief, &ada.email, WRONG).await.problem(401, "wrong_credentials");
    }
    let locked = from(&app, thief, &ada.email, PASSWORD).await;
    let wait: u64 = locked.header("retry-after").and_then(|text| text.parse().ok()).unwrap_or_default();
    assert!((800..=900).contains(&wait), "{wait}");
    locked.problem(429, "too_many_failed_sign_ins");
    from(&app, elsewhere, &ada.email, PASSWORD).await.problem(429, "too_many_failed_sign_ins");
    from(&app, home, &ada.email, PASSWORD).await.expect(200);
    // A refusal is no further failure: who waits as long as was said gets in.
    assert_eq!(app.database.count("identity.sign_in_failures"), 10);
    app.clock.advance(Duration::from_secs(wait));
    from(&app, elsewhere, &ada.email, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn an_unknown_account_is_locked_as_a_known_one_is() {
    let app = TestApp::start_with(behind_a_proxy).await;
    let ada = app.homeowner().await;
    for index in 0..10 {
        for email in [ada.email.as_str(), "nobody@example.com"] {
            from(&app, &format!("198.51.100.{index}"), email, WRONG).await.problem(401, "wrong_credentials");
        }
    }
    let known = from(&app, "192.0.2.3", &ada.email, WRONG).await;
    let unknown = from(&app, "192.0.2.3", "nobody@example.com", WRONG).await;
    for refused in [known, unknown] {
        refused.problem(429, "too_many_failed_sign_ins");
    }
}

#[actix_web::test]
async fn ten_failures_lock_an_address_whatever_it_tries_next() {
    let app = TestApp::start_with(behind_a_proxy).await;
    let ada = app.homeowner().await;
    for index in 0..10 {
        from(&app, "2001:db8:1:2::1", &format!("p{index}@example.com"), WRONG)
            .await
            .problem(401, "wrong_credentials");
    }
    // All of a household's network of 64 bits is one.
    from(&app, "2001:db8:1:2::9", &ada.email, PASSWORD).await.problem(429, "too_many_failed_sign_ins");
    from(&app, "2001:db8:1:3::1", &ada.email, PASSWORD).await.expect(200);
    app.clock.advance(15 * MINUTE);
    from(&app, "2001:db8:1:2::9", &ada.email, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn of_many_guesses_at_once_ten_are_answered() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let anyone = app.anyone();
    let guesses = (0..24).map(|index| anyone.post(LOGIN, form(&ada.email, &format!("guess-{index}"))));
    let answers = futures_util::future::join_all(guesses).await;
    let told = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((told(401), told(429)), (10, 14));
}

#[actix_web::test]
async fn only_failures_are_counted() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for _ in 0..12 {
        app.sign_in(&ada.email, PASSWORD).await;
    }
    assert_eq!(app.database.count("identity.sign_in_failures"), 0);
}

#[actix_web::test]
async fn refreshing_spends_a_token_for_its_successor() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let answer = refresh(&app, &refresh_token(&ada)).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let made = answer.expect(200);
    assert_ne!(next_token(&made), refresh_token(&ada));
    assert_eq!(made["user"]["id"], json!(ada.id));
    let next = app.signed_in(&made, &ada.email, PASSWORD);
    // The session goes on: its earlier access token is good until its own end.
    assert_eq!(next.get(ME).await.expect(200), ada.get(ME).await.expect(200));
    assert_eq!(app.database.count("identity.sessions"), 1);
    assert_eq!(app.database.count("identity.refresh_tokens WHERE spent_at IS NOT NULL"), 1);
    assert_eq!(app.database.count("identity.refresh_tokens WHERE spent_at IS NULL"), 1);
}

#[actix_web::test]
async fn refreshing_goes_on_after_the_access_token_has_ended() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.clock.advance(DAY);
    ada.get(ME).await.problem(401, "token_expired");
    // With the expired token along, as a client does that sends it always.
    let made = ada.post(REFRESH, json!({ "refreshToken": refresh_token(&ada) })).await.expect(200);
    app.signed_in(&made, &ada.email, PASSWORD).get(ME).await.expect(200);
    ada.post(LOGIN, form(&ada.email, PASSWORD)).await.expect(200);
}

#[actix_web::test]
async fn a_retry_within_ten_seconds_gets_the_same_successor() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = next_token(&refresh(&app, &refresh_token(&ada)).await.expect(200));
    app.clock.advance(9 * SECOND);
    assert_eq!(next_token(&refresh(&app, &refresh_token(&ada)).await.expect(200)), first);
    assert_eq!(app.database.count("identity.refresh_tokens"), 2);
    assert_eq!(events(&app, "session.reuse_detected", &ada), 0);
}

#[actix_web::test]
async fn retries_at_once_get_one_successor() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let token = refresh_token(&ada);
    let answers = futures_util::future::join_all((0..6).map(|_| refresh(&app, &token))).await;
    let mut next: Vec<String> = answers.into_iter().map(|answer| next_token(&answer.expect(200))).collect();
    next.dedup();
    assert_eq!(next.len(), 1);
    assert_eq!(app.database.count("identity.refresh_tokens"), 2);
}

#[actix_web::test]
async fn a_spent_token_shown_later_ends_its_session_and_tells_its_person() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let elsewhere = app.sign_in(&ada.email, PASSWORD).await;
    let next = next_token(&refresh(&app, &refresh_token(&ada)).await.expect(200));
    app.clock.advance(11 * SECOND);
    refresh(&app, &refresh_token(&ada)).await.problem(401, "invalid_refresh_token");
    // Nobody knows which of the two is the thief: both are out, at once.
    refresh(&app, &next).await.problem(401, "invalid_refresh_token");
    ada.get(ME).await.problem(401, "signed_out");
    elsewhere.get(ME).await.expect(200);
    assert_eq!(app.database.count("identity.sessions WHERE end_reason = 'TOKEN_REUSE'"), 1);
    assert_eq!(events(&app, "session.reuse_detected", &ada), 1);

    app.settle().await;
    let told = app.database.count("notifications.notifications WHERE template = 'session_reuse_detected'");
    assert_eq!(told, 1);
    let inbox = elsewhere.get("/api/notifications").await.expect(200);
    assert!(inbox.to_string().contains("session_reuse_detected"), "{inbox}");
    let mails = app.mails_to(&ada.email);
    assert!(mails.iter().any(|mail| mail.contains("Subject: A sign-in was ended")), "{mails:#?}");
}

#[actix_web::test]
async fn a_session_ends_thirty_days_after_its_last_refresh() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.clock.advance(29 * DAY);
    let next = refresh(&app, &refresh_token(&ada)).await.expect(200);
    app.clock.advance(29 * DAY);
    let last = refresh(&app, &next_token(&next)).await.expect(200);
    app.clock.advance(30 * DAY);
    refresh(&app, &next_token(&last)).await.problem(401, "invalid_refresh_token");
}

#[actix_web::test]
async fn what_is_no_refresh_token_of_a_living_session_gets_one_answer() {
    let app = TestApp::start().await;
    let (ada, bob, eve) = (app.homeowner().await, app.contractor().await, app.contractor().await);
    ada.post_empty(LOGOUT).await.expect(204);
    app.suspend(&bob);
    let made_up = refresh(&app, &"x".repeat(43)).await;
    for refused in [refresh_token(&ada), refresh_token(&bob), eve.token.clone().unwrap_or_default()] {
        assert_alike(&made_up, &refresh(&app, &refused).await);
    }
    made_up.problem(401, "invalid_refresh_token");
    // And a refresh token is no access token.
    let mut turned = eve.clone();
    turned.token = eve.refresh_token.clone();
    turned.get(ME).await.problem(401, "invalid_token");
}

#[actix_web::test]
async fn refreshes_are_counted_by_session_and_made_up_tokens_by_address() {
    let app = TestApp::start_with(|config| {
        config.rate_limit.exempt.clear();
        config.rate_limit.signed_in = 2;
        config.rate_limit.anonymous = 3;
    })
    .await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    for token in [refresh_token(&ada), refresh_token(&bob)] {
        for left in ["\"refresh\";r=1;", "\"refresh\";r=0;"] {
            let answer = refresh(&app, &token).await;
            assert!(answer.header("ratelimit").is_some_and(|header| header.starts_with(left)), "{answer:?}");
            answer.expect(200);
        }
        let refused = refresh(&app, &token).await;
        assert!(refused.header("retry-after").is_some());
        refused.problem(429, "rate_limited");
    }
    for _ in 0..3 {
        let refused = refresh(&app, "made-up").await;
        assert!(
            refused.header("ratelimit").is_some_and(|header| header.starts_with("\"anonymous\"")),
            "{refused:?}"
        );
        refused.problem(401, "invalid_refresh_token");
    }
    refresh(&app, "made-up").await.problem(429, "rate_limited");
}

#[actix_web::test]
async fn refreshing_takes_one_token() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    anyone.post(REFRESH, json!({})).await.faults(&["/refreshToken"]);
    anyone.post(REFRESH, json!({ "refresh_token": "x" })).await.faults(&["/refreshToken", "/refresh_token"]);
    anyone.post(REFRESH, json!({ "refreshToken": null })).await.faults(&["/refreshToken"]);
    anyone.post(REFRESH, json!({ "refreshToken": "" })).await.faults(&["/refreshToken"]);
}

#[actix_web::test]
async fn signing_out_ends_this_session_at_once() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let elsewhere = app.sign_in(&ada.email, PASSWORD).await;
    let bob = app.contractor().await;
    let out = ada.post_empty(LOGOUT).await;
    assert!(out.bytes.is_empty());
    out.expect(204);
    ada.get(ME).await.problem(401, "signed_out");
    refresh(&app, &refresh_token(&ada)).await.problem(401, "invalid_refresh_token");
    elsewhere.get(ME).await.expect(200);
    bob.get(ME).await.expect(200);
    assert_eq!(app.database.count("identity.sessions WHERE end_reason = 'LOGOUT'"), 1);
    assert_eq!(app.database.count("identity.sessions WHERE ended_at IS NULL"), 2);
    // A token of a session that was signed out is no sign of theft.
    assert_eq!(events(&app, "session.reuse_detected", &ada), 0);
}

#[actix_web::test]
async fn signing_out_is_for_the_signed_in_and_says_nothing() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    ada.signed_out().post_empty(LOGOUT).await.problem(401, "unauthenticated");
    ada.post(LOGOUT, json!({ "everywhere": true })).await.problem(400, "no_body_expected");
    assert_eq!(app.database.count("identity.sessions WHERE ended_at IS NOT NULL"), 0);
    ada.post(LOGOUT, json!({})).await.expect(204);
    ada.post_empty(LOGOUT).await.problem(401, "signed_out");
    ada.get(LOGOUT).await.problem(405, "method_not_allowed");
}

/// The numbers of the tests, with passwords that cost more.
fn with_cost(bcrypt_cost: u32) -> platform::Settings {
    let mut settings = tests::settings();
    settings.identity.bcrypt_cost = bcrypt_cost;
    settings
}

#[actix_web::test]
async fn an_old_hash_is_renewed_at_the_next_sign_in_once_the_cost_has_risen() {
    let app = TestApp::start().await;
    let dearer = app.beside_with_settings(with_cost(5));
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    let at_dearer =
        async |password: &str| app.anyone().at(dearer.base()).post(LOGIN, form(&ada.email, password)).await;
    at_dearer(WRONG).await.problem(401, "wrong_credentials");
    assert_eq!(app.database.count("identity.people WHERE password_hash LIKE '$2b$04$%'"), 2);
    at_dearer(PASSWORD).await.expect(200);
    assert_eq!(app.database.count("identity.people WHERE password_hash LIKE '$2b$05$%'"), 1);
    // It is the same password: no session has ended, and it signs in as before, renewed no more.
    ada.get(ME).await.expect(200);
    at_dearer(PASSWORD).await.expect(200);
    at_dearer(WRONG).await.problem(401, "wrong_credentials");
    assert_eq!(app.database.count("identity.people WHERE password_hash LIKE '$2b$05$%'"), 1);
    bob.get(ME).await.expect(200);
}

#[actix_web::test]
async fn a_flood_of_sign_ins_is_turned_away_and_everybody_else_is_served() {
    let app = TestApp::start_with_settings(with_cost(10)).await;
    let ada = app.homeowner().await;
    let flood = (0..150).map(|index| {
        let anyone = app.anyone();
        async move { anyone.post(LOGIN, form(&format!("p{index}@example.com"), WRONG)).await }
    });
    let others = async {
        for round in 0..12 {
            ada.get(ME).await.expect(200);
            ada.patch("/api/users/profile", json!({ "name": format!("Ada {round}") })).await.expect(200);
            let mail = json!({ "email": format!("q{round}@example.com") });
            app.anyone().post("/api/auth/forgot-password", mail).await.expect(202);
        }
        refresh(&app, &refresh_token(&ada)).await.expect(200);
    };
    let (answers, ()) = futures_util::future::join(futures_util::future::join_all(flood), others).await;
    let told = |status| answers.iter().filter(|answer| answer.status == status).count();
    // Ten are told the truth, the eleventh waits, and what the queue has no room for is turned away at once.
    assert_eq!(told(401), 10);
    assert_eq!(told(401) + told(429) + told(503), 150);
    assert!(told(503) > 0);
    for turned_away in answers.iter().filter(|answer| answer.status == 503) {
        assert_eq!(turned_away.json["code"], "overloaded");
        assert!(turned_away.header("retry-after").is_some());
    }
}
