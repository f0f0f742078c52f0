//! `/api/auth/mfa`: a second factor, set up, asked for at sign-in, switched off.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Authenticator, PASSWORD, Person, STEP, TestApp};

use super::{assert_alike, events};

const ENROLL: &str = "/api/auth/mfa/enroll";
const CONFIRM: &str = "/api/auth/mfa/confirm";
const CHALLENGE: &str = "/api/auth/mfa/challenge";
const MFA: &str = "/api/auth/mfa";
const LOGIN: &str = "/api/auth/login";
const ME: &str = "/api/auth/me";
const MINUTE: Duration = Duration::from_secs(60);

fn code(code: &str) -> Value {
    json!({ "code": code })
}

async fn answer(app: &TestApp, challenge: &str, code: &str) -> Answer {
    app.anyone().post(CHALLENGE, json!({ "challenge": challenge, "code": code })).await
}

async fn switch_off(person: &Person, code: &str) -> Answer {
    person.send(Method::DELETE, MFA, |request| request.json(&json!({ "code": code }))).await
}

async fn factor(person: &Person) -> Value {
    person.get(ME).await.expect(200)["secondFactor"].clone()
}

/// The rows of the second factor: secrets, unused codes, open questions.
fn rows(app: &TestApp) -> (i64, i64, i64) {
    (
        app.database.count("identity.second_factors"),
        app.database.count("identity.recovery_codes WHERE used_at IS NULL"),
        app.database.count("identity.sign_in_challenges"),
    )
}

#[actix_web::test]
async fn a_second_factor_is_on_from_its_first_code() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.step_up(&ada).await;
    let enrolled = ada.post_empty(ENROLL).await;
    assert_eq!(enrolled.header("cache-control"), Some("no-store"));
    let enrolment = enrolled.expect(200);
    let uri = enrolment["otpauthUri"].as_str().unwrap_or_default();
    assert!(uri.starts_with("otpauth://totp/FairTradeWorker:"), "{uri}");
    assert!(uri.contains(enrolment["secret"].as_str().unwrap()), "{uri}");
    assert!(enrolment["qrCode"].as_str().is_some_and(|uri| uri.starts_with("data:image/svg+xml;base64,")));
    // Until then nothing is asked for.
    assert_eq!(factor(&ada).await["enabled"], false);
    app.sign_in(&ada.email, PASSWORD).await;

    let phone = Authenticator::told(&enrolment);
    let confirmed = ada.post(CONFIRM, code(&phone.code(app.now()))).await;
    assert_eq!(confirmed.header("cache-control"), Some("no-store"));
    let codes = confirmed.expect(200)["recoveryCodes"].as_array().cloned().unwrap_or_default();
    assert_eq!(codes.len(), 10);
    let standing = factor(&ada).await;
    assert_eq!((&standing["enabled"], &standing["recoveryCodesLeft"]), (&json!(true), &json!(10)));
    assert!(standing["enabledAt"].is_string() && standing["required"] == false, "{standing}");
    assert_eq!(rows(&app), (1, 10, 0));
    assert_eq!(events(&app, "second_factor.switched_on", &ada), 1);

    app.settle().await;
    let inbox = ada.get("/api/notifications").await.expect(200);
    assert!(inbox.to_string().contains("second_factor_on"), "{inbox}");
    let mails = app.mails_to(&ada.email);
    assert!(mails.iter().any(|mail| mail.contains("Subject: Signing in now asks for a code")), "{mails:#?}");
}

#[actix_web::test]
async fn nothing_that_could_be_stolen_is_kept_in_the_open() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.step_up(&ada).await;
    let enrolment = ada.post_empty(ENROLL).await.expect(200);
    let phone = Authenticator::told(&enrolment);
    let codes = ada.post(CONFIRM, code(&phone.code(app.now()))).await.expect(200);
    let challenge = app.challenge(&ada).await;
    app.settle().await;
    let secret = enrolment["secret"].as_str().unwrap().to_owned();
    let recovery = codes["recoveryCodes"][0].as_str().unwrap().to_owned();
    for told in [secret, recovery.replace('-', ""), recovery, challenge] {
        for table in [
            "identity.second_factors",
            "identity.recovery_codes",
            "identity.sign_in_challenges",
            "outbox.events",
            "outbox.tasks",
            "notifications.notifications",
        ] {
            let found = app.database.count(&format!(
                "{table} t WHERE strpos(t::text, '{told}') > 0 OR strpos(t::text, encode('{told}', 'hex')) > 0"
            ));
            assert_eq!(found, 0, "{table}");
        }
    }
}

#[actix_web::test]
async fn setting_up_is_for_whoever_proved_again_who_they_are() {
    let app = TestApp::start().await;
    let (ada, nobody) = (app.homeowner().await, app.anyone());
    nobody.post_empty(ENROLL).await.problem(401, "unauthenticated");
    nobody.post(CONFIRM, code("492039")).await.problem(401, "unauthenticated");
    switch_off(&nobody, "492039").await.problem(401, "unauthenticated");
    ada.post_empty(ENROLL).await.problem(403, "step_up_required");
    ada.post(CONFIRM, code("492039")).await.problem(403, "step_up_required");
    switch_off(&ada, "492039").await.problem(403, "step_up_required");
    // In that session, and in no other.
    let elsewhere = app.sign_in(&ada.email, PASSWORD).await;
    app.step_up(&ada).await;
    elsewhere.post_empty(ENROLL).await.problem(403, "step_up_required");
    ada.post_empty(ENROLL).await.expect(200);
    app.clock.advance(10 * MINUTE);
    ada.post(CONFIRM, code("492039")).await.problem(403, "step_up_required");
    assert_eq!(rows(&app), (1, 0, 0));
    assert_eq!(app.database.count("identity.sign_in_failures"), 0);
}

#[actix_web::test]
async fn codes_and_challenges_are_texts() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.step_up(&ada).await;
    ada.post(ENROLL, json!({ "secret": "mine" })).await.problem(400, "no_body_expected");
    ada.post(CONFIRM, json!({})).await.faults(&["/code"]);
    ada.post(CONFIRM, json!({ "code": 492_039, "trust": true })).await.faults(&["/code", "/trust"]);
    switch_off(&ada, "").await.faults(&["/code"]);
    ada.delete(MFA).await.problem(400, "not_json");
    let nobody = app.anyone();
    nobody.post(CHALLENGE, json!({ "code": null })).await.faults(&["/challenge", "/code"]);
    nobody
        .post(CHALLENGE, json!({ "challenge": "a".repeat(1_025), "code": "" }))
        .await
        .faults(&["/challenge", "/code"]);
    assert_eq!(app.database.count("identity.sign_in_failures"), 0);
}

#[actix_web::test]
async fn each_step_has_its_state() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.step_up(&ada).await;
    ada.post(CONFIRM, code("492039")).await.wrong_state("OFF");
    switch_off(&ada, "492039").await.wrong_state("OFF");
    let first = Authenticator::told(&ada.post_empty(ENROLL).await.expect(200));
    switch_off(&ada, "492039").await.wrong_state("PENDING");
    // Begun anew, the secret is another.
    let second = Authenticator::told(&ada.post_empty(ENROLL).await.expect(200));
    ada.post(CONFIRM, code(&first.code(app.now()))).await.faults(&["/code"]);
    ada.post(CONFIRM, code(&second.code(app.now()))).await.expect(200);
    ada.post_empty(ENROLL).await.wrong_state("ON");
    ada.post(CONFIRM, code(&second.code(app.now()))).await.wrong_state("ON");
    assert_eq!(rows(&app), (1, 10, 0));
}

#[actix_web::test]
async fn signing_in_asks_for_the_second_factor_and_gives_nothing_before() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let sessions = app.database.count("identity.sessions");
    let asked = app.anyone().post(LOGIN, json!({ "email": ada.email, "password": PASSWORD })).await;
    assert_eq!(asked.header("cache-control"), Some("no-store"));
    let asked = asked.expect(200);
    let mut fields: Vec<&String> = asked.as_object().unwrap().keys().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["challenge", "challengeExpiresAt", "secondFactorRequired"]);
    assert_eq!(asked["secondFactorRequired"], true);
    assert_eq!(app.database.count("identity.sessions"), sessions);
    // A challenge is no token of any other kind.
    let challenge = asked["challenge"].as_str().unwrap();
    let mut holder = app.anyone();
    holder.token = Some(challenge.to_owned());
    holder.get(ME).await.problem(401, "invalid_token");
    holder
        .post("/api/auth/refresh", json!({ "refreshToken": challenge }))
        .await
        .problem(401, "invalid_refresh_token");
    // The password is asked for first, as of everybody.
    app.anyone()
        .post(LOGIN, json!({ "email": ada.email, "password": "not-this-one-either" }))
        .await
        .problem(401, "wrong_credentials");

    let made = answer(&app, challenge, &phone.code(app.now())).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let made = made.expect(200);
    assert_eq!((&made["user"]["id"], &made["tokenType"]), (&json!(ada.id), &json!("Bearer")));
    let again = app.signed_in(&made, &ada.email, PASSWORD);
    assert_eq!(again.get(ME).await.expect(200)["session"]["id"], made["sessionId"]);
    assert_eq!(again.get(ME).await.expect(200)["session"]["steppedUpUntil"], Value::Null);
    assert_eq!(app.database.count("identity.sessions"), sessions + 1);
    assert_eq!(rows(&app), (1, 10, 0));
}

#[actix_web::test]
async fn a_code_and_a_challenge_are_good_once() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let (first, second) = (app.challenge(&ada).await, app.challenge(&ada).await);
    let shown = phone.code(app.now());
    answer(&app, &first, &shown).await.expect(200);
    let replayed = answer(&app, &second, &shown).await;
    app.clock.advance(STEP);
    assert_alike(&replayed, &answer(&app, &first, &phone.code(app.now())).await);
    // Nor is a code that was shown before the one that was taken.
    let later = phone.code(app.now());
    app.clock.advance(STEP);
    answer(&app, &second, &phone.code(app.now())).await.expect(200);
    let third = app.challenge(&ada).await;
    assert_alike(&replayed, &answer(&app, &third, &later).await);
    replayed.problem(401, "wrong_code");
}

#[actix_web::test]
async fn the_code_that_switched_it_on_does_not_sign_in() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    app.step_up(&ada).await;
    let phone = Authenticator::told(&ada.post_empty(ENROLL).await.expect(200));
    let shown = phone.code(app.now());
    ada.post(CONFIRM, code(&shown)).await.expect(200);
    let challenge = app.challenge(&ada).await;
    answer(&app, &challenge, &shown).await.problem(401, "wrong_code");
}

#[actix_web::test]
async fn clocks_may_differ_by_one_step_and_no_more() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    app.clock.advance(5 * MINUTE);
    let step = chrono::TimeDelta::seconds(30);
    let challenge = app.challenge(&ada).await;
    for too_far in [-2, 2] {
        let code = phone.code(app.now() + step * too_far);
        answer(&app, &challenge, &code).await.problem(401, "wrong_code");
    }
    answer(&app, &challenge, &phone.code(app.now() - step)).await.expect(200);
    let challenge = app.challenge(&ada).await;
    answer(&app, &challenge, &phone.code(app.now() + step)).await.expect(200);
}

#[actix_web::test]
async fn of_two_uses_at_once_one_wins() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let sessions = app.database.count("identity.sessions");
    let statuses = |answers: Vec<Answer>| {
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        statuses
    };
    // One code for several challenges.
    let challenges = join_all((0..3).map(|_| app.challenge(&ada))).await;
    let shown = phone.code(app.now());
    let answers = join_all(challenges.iter().map(|challenge| answer(&app, challenge, &shown))).await;
    assert_eq!(statuses(answers), [200, 401, 401]);
    // One recovery code for several challenges.
    let challenges = join_all((0..3).map(|_| app.challenge(&ada))).await;
    let recovery = &phone.recovery_codes[0];
    let answers = join_all(challenges.iter().map(|challenge| answer(&app, challenge, recovery))).await;
    assert_eq!(statuses(answers), [200, 401, 401]);
    // One challenge for several good codes.
    let challenge = app.challenge(&ada).await;
    let codes = &phone.recovery_codes[1..4];
    let answers = join_all(codes.iter().map(|code| answer(&app, &challenge, code))).await;
    assert_eq!(statuses(answers), [200, 401, 401]);
    assert_eq!(app.database.count("identity.sessions"), sessions + 3);
    // What lost because its challenge was gone spent no code.
    assert_eq!(app.database.count("identity.recovery_codes WHERE used_at IS NULL"), 8);
    assert_eq!(events(&app, "second_factor.recovery_code_used", &ada), 2);
}

#[actix_web::test]
async fn which_part_of_an_answer_was_wrong_is_not_said() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    let hers = app.switch_on_second_factor(&ada).await;
    let his = app.switch_on_second_factor(&bob).await;
    let (to_ada, to_bob) = (app.challenge(&ada).await, app.challenge(&bob).await);
    let wrong = answer(&app, &to_ada, &hers.wrong_code(app.now())).await;
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));
    let tampered = to_ada.chars().rev().collect::<String>();
    for (challenge, code) in [
        (to_ada.as_str(), his.code(app.now())),
        (to_bob.as_str(), hers.code(app.now())),
        (to_bob.as_str(), hers.recovery_codes[0].clone()),
        (tampered.as_str(), hers.code(app.now())),
        ("made-up", hers.code(app.now())),
        (to_ada.as_str(), "no code at all".to_owned()),
    ] {
        assert_alike(&wrong, &answer(&app, challenge, &code).await);
    }
    // Others' attempts spent nothing.
    answer(&app, &to_ada, &hers.code(app.now())).await.expect(200);
    answer(&app, &to_bob, &his.code(app.now())).await.expect(200);
    assert_eq!(app.database.count("identity.recovery_codes WHERE used_at IS NOT NULL"), 0);
    assert_eq!(app.database.count("identity.sign_in_failures"), 7);
    wrong.problem(401, "wrong_code");
}

#[actix_web::test]
async fn a_challenge_is_good_for_five_minutes() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let (early, late) = (app.challenge(&ada).await, app.challenge(&ada).await);
    app.clock.advance(5 * MINUTE - Duration::from_secs(1));
    answer(&app, &early, &phone.code(app.now())).await.expect(200);
    app.clock.advance(STEP);
    answer(&app, &late, &phone.code(app.now())).await.problem(401, "wrong_code");
    // The next one sweeps it away.
    let next = app.challenge(&ada).await;
    assert_eq!(rows(&app), (1, 10, 1));
    answer(&app, &next, &phone.code(app.now())).await.expect(200);
}

#[actix_web::test]
async fn a_recovery_code_stands_in_for_the_app_once_and_its_person_is_told() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let challenge = app.challenge(&ada).await;
    let typed = phone.recovery_codes[0].to_uppercase().replace('-', " ");
    let made = answer(&app, &challenge, &typed).await.expect(200);
    let again = app.signed_in(&made, &ada.email, PASSWORD);
    assert_eq!(factor(&again).await["recoveryCodesLeft"], 9);
    let challenge = app.challenge(&ada).await;
    answer(&app, &challenge, &phone.recovery_codes[0]).await.problem(401, "wrong_code");
    answer(&app, &challenge, &phone.recovery_codes[1]).await.expect(200);
    assert_eq!(events(&app, "second_factor.recovery_code_used", &ada), 2);

    app.settle().await;
    let mails = app.mails_to(&ada.email);
    let told = mails.iter().filter(|mail| mail.contains("Subject: A recovery code of yours was used"));
    assert_eq!(told.count(), 2, "{mails:#?}");
}

#[actix_web::test]
async fn wrong_codes_are_counted_as_wrong_passwords_are() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let challenge = app.challenge(&ada).await;
    for _ in 0..5 {
        let form = json!({ "email": ada.email, "password": "not-this-one-either" });
        app.anyone().post(LOGIN, form).await.problem(401, "wrong_credentials");
    }
    for _ in 0..5 {
        answer(&app, &challenge, &phone.wrong_code(app.now())).await.problem(401, "wrong_code");
    }
    let refused = answer(&app, &challenge, &phone.code(app.now())).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "too_many_failed_sign_ins");
    answer(&app, &challenge, &phone.recovery_codes[0]).await.problem(429, "too_many_failed_sign_ins");
    answer(&app, "made-up", "492039").await.problem(429, "too_many_failed_sign_ins");
    app.anyone()
        .post(LOGIN, json!({ "email": ada.email, "password": PASSWORD }))
        .await
        .problem(429, "too_many_failed_sign_ins");
    app.clock.advance(15 * MINUTE);
    let challenge = app.challenge(&ada).await;
    answer(&app, &challenge, &phone.code(app.now())).await.expect(200);
    assert_eq!(rows(&app).1, 10);
}

#[actix_web::test]
async fn of_many_codes_guessed_at_once_ten_are_answered() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let challenge = app.challenge(&ada).await;
    let wrong = phone.wrong_code(app.now());
    let answers = join_all((0..24).map(|_| answer(&app, &challenge, &wrong))).await;
    let told = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((told(401), told(429)), (10, 14));
}

#[actix_web::test]
async fn a_password_alone_does_not_make_an_address_known() {
    let app = TestApp::start_with(|config| {
        config.http.trusted_proxies = config.rate_limit.exempt.clone();
    })
    .await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let form = json!({ "email": ada.email, "password": PASSWORD });
    let login = |address: &'static str| {
        let form = form.clone();
        let anyone = app.anyone();
        async move {
            anyone.send(Method::POST, LOGIN, |it| it.header("x-forwarded-for", address).json(&form)).await
        }
    };
    let (thief, nobody) = ("198.51.100.7", app.anyone());
    let challenge = login(thief).await.expect(200)["challenge"].as_str().unwrap().to_owned();
    // Ten wrong codes, each from another machine: the thief's is as unknown as before, so the account is locked there.
    for index in 0..10 {
        let body = json!({ "challenge": challenge, "code": phone.wrong_code(app.now()) });
        let from = format!("203.0.113.{index}");
        let sent = nobody.send(Method::POST, CHALLENGE, |it| it.header("x-forwarded-for", from).json(&body));
        sent.await.problem(401, "wrong_code");
    }
    login(thief).await.problem(429, "too_many_failed_sign_ins");
}

#[actix_web::test]
async fn a_suspended_account_is_not_let_in_by_its_code() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let challenge = app.challenge(&ada).await;
    app.suspend(&ada);
    answer(&app, &challenge, &phone.code(app.now())).await.problem(403, "suspended");
    assert_eq!(app.database.count("identity.sessions"), 1);
}

#[actix_web::test]
async fn a_new_password_and_a_suspension_take_open_questions_away() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let good = async |challenge: &str| answer(&app, challenge, &phone.code(app.now())).await;

    let open = app.challenge(&ada).await;
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "other-mural-98-kestrel" });
    ada.post("/api/auth/change-password", change).await.expect(204);
    assert_eq!(rows(&app).2, 0);
    good(&open).await.problem(401, "wrong_code");

    ada.password = "other-mural-98-kestrel".to_owned();
    let open = app.challenge(&ada).await;
    app.anyone().post("/api/auth/forgot-password", json!({ "email": ada.email })).await.expect(202);
    app.settle().await;
    let reset = json!({ "token": app.mailed_token(&ada), "password": PASSWORD });
    app.anyone().post("/api/auth/reset-password", reset).await.expect(204);
    good(&open).await.problem(401, "wrong_code");

    ada.password = PASSWORD.to_owned();
    let open = app.challenge(&ada).await;
    let of_ada = |step: &str| format!("/api/admin/users/{}/{step}", ada.id);
    let reason = json!({ "reason": "Three complaints." });
    admin.post(&of_ada("suspend"), reason.clone()).await.expect(200);
    admin.post(&of_ada("reinstate"), reason).await.expect(200);
    good(&open).await.problem(401, "wrong_code");
    assert_eq!(rows(&app).2, 0);
    assert_eq!(app.database.count("identity.sessions WHERE ended_at IS NULL"), 1, "the administrator's");
    // The code that was shown three times too late is good yet.
    let open = app.challenge(&ada).await;
    good(&open).await.expect(200);
}

#[actix_web::test]
async fn it_is_switched_off_by_a_step_up_and_a_code() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    let open = app.challenge(&ada).await;
    app.clock.advance(10 * MINUTE);
    switch_off(&ada, &phone.code(app.now())).await.problem(403, "step_up_required");
    ada.post("/api/auth/step-up", code(&phone.code(app.now()))).await.expect(200);
    app.clock.advance(STEP);
    switch_off(&ada, &phone.wrong_code(app.now())).await.faults(&["/code"]);
    assert_eq!(rows(&app).0, 1);
    switch_off(&ada, &phone.code(app.now())).await.expect(204);
    assert_eq!(rows(&app), (0, 0, 0));
    assert_eq!(factor(&ada).await["enabled"], false);
    assert_eq!(events(&app, "second_factor.switched_off", &ada), 1);
    answer(&app, &open, &phone.code(app.now())).await.problem(401, "wrong_code");
    app.sign_in(&ada.email, PASSWORD).await;

    app.settle().await;
    let mails = app.mails_to(&ada.email);
    assert!(
        mails.iter().any(|mail| mail.contains("Subject: Signing in no longer asks for a code")),
        "{mails:#?}"
    );
    // And on again, with another secret and other codes.
    let next = app.switch_on_second_factor(&ada).await;
    assert!(next.recovery_codes.iter().all(|code| !phone.recovery_codes.contains(code)));
}

#[actix_web::test]
async fn an_administrator_who_owes_a_second_factor_can_only_set_it_up() {
    let mut settings = tests::settings();
    settings.identity.administrators_need_second_factor = true;
    let app = TestApp::start_with_settings(settings).await;
    let (grace, ada) = (app.admin().await, app.homeowner().await);
    assert_eq!(factor(&grace).await["required"], true);
    assert_eq!(factor(&ada).await["required"], false);
    for path in ["/api/admin/verifications", "/api/notifications", "/api/users/profile", "/api/contracts"] {
        grace.get(path).await.problem(403, "second_factor_required");
    }
    // What is anybody's is theirs too; what is for others is so for another reason.
    grace.get("/api/jobs").await.expect(200);
    grace.post("/api/jobs", json!({})).await.problem(403, "wrong_role");
    ada.get("/api/notifications").await.expect(200);

    let phone = app.switch_on_second_factor(&grace).await;
    grace.get("/api/admin/verifications").await.expect(200);
    assert_eq!(factor(&grace).await["required"], false);
    let challenge = app.challenge(&grace).await;
    let made = answer(&app, &challenge, &phone.code(app.now())).await.expect(200);
    app.signed_in(&made, &grace.email, PASSWORD).get("/api/admin/verifications").await.expect(200);

    app.clock.advance(STEP);
    switch_off(&grace, &phone.code(app.now())).await.expect(204);
    grace.get("/api/admin/verifications").await.problem(403, "second_factor_required");
}
