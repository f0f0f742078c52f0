//! `/api/auth/step-up`: proving again who one is.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, STEP, TestApp};

const STEP_UP: &str = "/api/auth/step-up";
const ENROLL: &str = "/api/auth/mfa/enroll";
const ME: &str = "/api/auth/me";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

async fn by_password(person: &Person, password: &str) -> Answer {
    person.post(STEP_UP, json!({ "password": password })).await
}

async fn by_code(person: &Person, code: &str) -> Answer {
    person.post(STEP_UP, json!({ "code": code })).await
}

async fn until(person: &Person) -> Value {
    person.get(ME).await.expect(200)["session"]["steppedUpUntil"].clone()
}

#[actix_web::test]
async fn a_password_steps_a_session_up_for_ten_minutes() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let elsewhere = app.sign_in(&ada.email, PASSWORD).await;
    assert_eq!(until(&ada).await, Value::Null);
    let made = by_password(&ada, PASSWORD).await.expect(200);
    assert_eq!(until(&ada).await, made["steppedUpUntil"]);
    assert_eq!(until(&elsewhere).await, Value::Null);
    assert_eq!(app.database.count("identity.sessions WHERE stepped_up_until IS NOT NULL"), 1);
    // The session goes on with other tokens, and is the same.
    let next = json!({ "refreshToken": ada.refresh_token });
    let next = ada.post("/api/auth/refresh", next).await.expect(200);
    let ada = app.signed_in(&next, &ada.email, PASSWORD);
    app.clock.advance(10 * MINUTE - SECOND);
    ada.post_empty(ENROLL).await.expect(200);
    app.clock.advance(SECOND);
    ada.post_empty(ENROLL).await.problem(403, "step_up_required");
    assert_eq!(until(&ada).await, Value::Null);
    by_password(&ada, PASSWORD).await.expect(200);
    ada.post_empty(ENROLL).await.expect(200);
}

#[actix_web::test]
async fn signing_in_is_no_step_up() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.sign_in(&ada.email, PASSWORD).await.post_empty(ENROLL).await.problem(403, "step_up_required");
}

#[actix_web::test]
async fn nobody_steps_up_signed_out_or_in_another_s_session() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.newcomer("contractor", "Eve Other").await);
    by_password(&ada.signed_out(), PASSWORD).await.problem(401, "unauthenticated");
    let phone = app.switch_on_second_factor(&eve).await;
    // Her code proves nothing in another's session.
    by_code(&ada, &phone.code(app.now())).await.faults(&["/password"]);
    assert_eq!(until(&ada).await, Value::Null);
    ada.post_empty("/api/auth/logout").await.expect(204);
    by_password(&ada, PASSWORD).await.problem(401, "signed_out");
}

#[actix_web::test]
async fn it_takes_either_a_password_or_a_code() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    ada.post(STEP_UP, json!({})).await.faults(&[""]);
    ada.post(STEP_UP, json!({ "password": PASSWORD, "code": "492039" })).await.faults(&[""]);
    ada.post(STEP_UP, json!({ "password": "", "pin": 1 })).await.faults(&["/password", "/pin"]);
    ada.post_empty(STEP_UP).await.problem(400, "not_json");
    assert_eq!(app.database.count("identity.sign_in_failures"), 0);
    assert_eq!(until(&ada).await, Value::Null);
}

#[actix_web::test]
async fn whoever_has_a_second_factor_proves_it_by_that() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    app.clock.advance(10 * MINUTE);
    by_password(&ada, PASSWORD).await.faults(&["/code"]);
    let shown = phone.code(app.now());
    by_code(&ada, &shown).await.expect(200);
    by_code(&ada, &shown).await.faults(&["/code"]);
    app.clock.advance(10 * MINUTE);
    by_code(&ada, &phone.recovery_codes[0]).await.expect(200);
    by_code(&ada, &phone.recovery_codes[0]).await.faults(&["/code"]);
    // What steps up signs nobody in.
    let challenge = app.challenge(&ada).await;
    app.clock.advance(STEP);
    let shown = phone.code(app.now());
    by_code(&ada, &shown).await.expect(200);
    let body = json!({ "challenge": challenge, "code": shown });
    app.anyone().post("/api/auth/mfa/challenge", body).await.problem(401, "wrong_code");
    assert_eq!(app.database.count("identity.sign_in_failures"), 3);
}

#[actix_web::test]
async fn wrong_proofs_are_counted_as_failed_sign_ins_are() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for _ in 0..10 {
        let told = by_password(&ada, "not-this-one-either").await.faults(&["/password"]);
        assert_eq!(told["errors"][0]["code"], "wrong_password");
    }
    let refused = by_password(&ada, PASSWORD).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "too_many_failed_sign_ins");
    assert_eq!(app.database.count("identity.sign_in_failures"), 10);
    assert_eq!(until(&ada).await, Value::Null);
    app.clock.advance(15 * MINUTE);
    by_password(&ada, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn of_many_passwords_guessed_at_once_ten_are_answered() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let guesses = (0..24).map(|index| {
        let ada = ada.clone();
        async move { by_password(&ada, &format!("guess-{index}")).await }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let told = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((told(422), told(429)), (10, 14));
}
