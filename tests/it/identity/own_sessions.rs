//! `/api/auth/sessions`: a person's own sessions, on whatever device.

use std::time::Duration;

use gateway::ServerConfig;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{PASSWORD, Person, TestApp};

const SESSIONS: &str = "/api/auth/sessions";
const ME: &str = "/api/auth/me";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0";
const MINUTE: Duration = Duration::from_secs(60);

fn behind_a_proxy(config: &mut ServerConfig) {
    config.http.trusted_proxies = config.rate_limit.exempt.clone();
}

/// Signs in from a network with a program.
async fn sign_in(app: &TestApp, email: &str, from: &str, user_agent: &str) -> Person {
    let form = json!({ "email": email, "password": PASSWORD });
    let answer = app
        .anyone()
        .send(Method::POST, "/api/auth/login", |request| {
            request.header("x-forwarded-for", from).header("user-agent", user_agent).json(&form)
        })
        .await;
    app.signed_in(&answer.expect(200), email, PASSWORD)
}

async fn id_of(person: &Person) -> String {
    person.get(ME).await.expect(200)["session"]["id"].as_str().unwrap().to_owned()
}

async fn listed(person: &Person) -> Vec<Value> {
    person.get(SESSIONS).await.expect(200)["data"].as_array().unwrap().clone()
}

async fn end(person: &Person, session: &str) -> tests::Answer {
    person.delete(&format!("{SESSIONS}/{session}")).await
}

/// Waits until what nobody waits for is done: when a session was used last.
async fn used_at(person: &Person, other_than: &Value) -> Value {
    for _ in 0..500 {
        let found = listed(person).await[0]["lastUsedAt"].clone();
        if &found != other_than {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the last use was not noted")
}

#[actix_web::test]
async fn a_person_sees_where_they_are_signed_in_and_with_what() {
    let app = TestApp::start_with(behind_a_proxy).await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    app.clock.advance(MINUTE);
    let firefox = sign_in(&app, &ada.email, "203.0.113.77", FIREFOX).await;
    app.clock.advance(MINUTE);
    let program = sign_in(&app, &ada.email, "2001:db8:1:2::7", "curl/8.9.1").await;
    let sessions = listed(&firefox).await;
    let shown: Vec<_> = sessions
        .iter()
        .map(|session| (session["device"].clone(), session["network"].clone(), session["current"].clone()))
        .collect();
    assert_eq!(shown[0], (json!("curl"), json!("2001:db8:1::/48"), json!(false)));
    assert_eq!(shown[1], (json!("Firefox on Windows"), json!("203.0.113.0/24"), json!(true)));
    assert_eq!(shown[2].2, json!(false));
    assert_eq!(shown.len(), 3);
    assert_eq!(sessions[1]["id"], json!(id_of(&firefox).await));
    assert!(sessions[0]["createdAt"].as_str() > sessions[1]["createdAt"].as_str());
    assert_eq!(listed(&bob).await.len(), 1);
    // Neither the address nor what the client said is kept whole.
    for kept in ["203.0.113.77", "db8:1:2", "Gecko", "8.9.1"] {
        let found = format!("identity.sessions WHERE strpos(sessions::text, '{kept}') > 0");
        assert_eq!(app.database.count(&found), 0, "{kept}");
    }
    program.get(ME).await.expect(200);
}

#[actix_web::test]
async fn sessions_come_in_pages_and_those_that_ended_do_not_come() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(app.sign_in(&ada.email, PASSWORD).await);
    }
    others[0].post_empty("/api/auth/logout").await.expect(204);
    let mut ids = Vec::new();
    let mut path = format!("{SESSIONS}?limit=3");
    loop {
        let page = ada.get(&path).await.expect(200);
        ids.extend(page["data"].as_array().unwrap().iter().map(|session| session["id"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("{SESSIONS}?limit=3&cursor={cursor}");
    }
    assert_eq!(ids.len(), 4);
    ids.dedup();
    assert_eq!(ids.len(), 4);
    ada.get(&format!("{SESSIONS}?limit=0")).await.problem(400, "invalid_request");
    ada.get(&format!("{SESSIONS}?cursor=made-up")).await.problem(400, "invalid_request");
    ada.get(&format!("{SESSIONS}?userId={}", ada.id)).await.problem(400, "invalid_request");
    // After thirty days without a refresh they are over by themselves; a new one begins.
    app.clock.advance(30 * 24 * 60 * MINUTE);
    assert_eq!(listed(&app.sign_in(&ada.email, PASSWORD).await).await.len(), 1);
}

#[actix_web::test]
async fn the_last_use_is_noted_once_a_minute() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = listed(&ada).await[0]["lastUsedAt"].clone();
    app.clock.advance(Duration::from_secs(50));
    for _ in 0..5 {
        ada.get(ME).await.expect(200);
    }
    assert_eq!(listed(&ada).await[0]["lastUsedAt"], first);
    app.clock.advance(Duration::from_secs(20));
    let noted = used_at(&ada, &first).await;
    assert!(noted.as_str() > first.as_str());
    for _ in 0..5 {
        ada.get(ME).await.expect(200);
    }
    assert_eq!(listed(&ada).await[0]["lastUsedAt"], noted);
}

#[actix_web::test]
async fn a_refresh_notes_when_and_from_where() {
    let app = TestApp::start_with(behind_a_proxy).await;
    let ada = app.homeowner().await;
    let before = listed(&ada).await[0].clone();
    app.clock.advance(30 * Duration::from_secs(1));
    let body = json!({ "refreshToken": ada.refresh_token });
    let refreshed = app
        .anyone()
        .send(Method::POST, "/api/auth/refresh", |request| {
            request.header("x-forwarded-for", "198.51.100.9").json(&body)
        })
        .await;
    refreshed.expect(200);
    let after = listed(&ada).await[0].clone();
    assert_eq!(after["network"], "198.51.100.0/24");
    assert_eq!(after["createdAt"], before["createdAt"]);
    assert!(after["lastUsedAt"].as_str() > before["lastUsedAt"].as_str());
}

#[actix_web::test]
async fn a_session_is_ended_from_another_one_at_once_on_every_server() {
    let app = TestApp::start().await;
    let other = app.beside();
    let ada = app.homeowner().await;
    let lost = app.sign_in(&ada.email, PASSWORD).await;
    lost.at(other.base()).get(ME).await.expect(200);
    let gone = end(&ada, &id_of(&lost).await).await;
    assert!(gone.bytes.is_empty());
    gone.expect(204);
    lost.at(other.base()).get(ME).await.problem(401, "signed_out");
    lost.get(ME).await.problem(401, "signed_out");
    let body = json!({ "refreshToken": lost.refresh_token });
    let refused = lost.at(other.base()).post("/api/auth/refresh", body).await;
    refused.problem(401, "invalid_refresh_token");
    ada.at(other.base()).get(ME).await.expect(200);
    assert_eq!(app.database.count("identity.sessions WHERE end_reason = 'REVOKED'"), 1);
}

#[actix_web::test]
async fn all_others_are_ended_and_the_one_that_asks_goes_on() {
    let app = TestApp::start().await;
    let other = app.beside();
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    let lost = [app.sign_in(&ada.email, PASSWORD).await, app.sign_in(&ada.email, PASSWORD).await];
    ada.delete(SESSIONS).await.expect(204);
    for signed_in in &lost {
        signed_in.at(other.base()).get(ME).await.problem(401, "signed_out");
        signed_in.get(ME).await.problem(401, "signed_out");
    }
    ada.get(ME).await.expect(200);
    bob.get(ME).await.expect(200);
    assert_eq!(listed(&ada).await.len(), 1);
    // Again is as good.
    ada.delete(SESSIONS).await.expect(204);
}

#[actix_web::test]
async fn another_s_session_is_not_there() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    let of_bob = id_of(&bob).await;
    let missing = format!("ses_{}", kernel::id::encode_suffix(uuid::Uuid::now_v7()));
    for id in [of_bob.as_str(), missing.as_str(), "made-up", "ses_", ada.id.as_str()] {
        end(&ada, id).await.problem(404, "not_found");
    }
    bob.get(ME).await.expect(200);
    assert_eq!(app.database.count("identity.sessions WHERE ended_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn one_s_own_present_session_may_be_ended_and_only_once() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let elsewhere = app.sign_in(&ada.email, PASSWORD).await;
    let present = id_of(&ada).await;
    end(&ada, &present).await.expect(204);
    ada.get(ME).await.problem(401, "signed_out");
    end(&elsewhere, &present).await.problem(404, "not_found");
}

#[actix_web::test]
async fn sessions_are_for_whoever_is_signed_in() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let out = ada.signed_out();
    out.get(SESSIONS).await.problem(401, "unauthenticated");
    out.delete(SESSIONS).await.problem(401, "unauthenticated");
    end(&out, &id_of(&ada).await).await.problem(401, "unauthenticated");
    let with_body = ada.send(Method::DELETE, SESSIONS, |request| request.json(&json!({ "all": true }))).await;
    with_body.problem(400, "no_body_expected");
    ada.get(ME).await.expect(200);
}
