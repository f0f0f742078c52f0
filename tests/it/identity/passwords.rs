//! `/api/auth/forgot-password`, `reset-password`, `change-password`, `resend-verification`: new passwords, and the mails before them.

use std::time::Duration;

use gateway::ServerConfig;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, TestApp};

use super::{assert_alike, events};

const FORGOT: &str = "/api/auth/forgot-password";
const RESET: &str = "/api/auth/reset-password";
const CHANGE: &str = "/api/auth/change-password";
const RESEND: &str = "/api/auth/resend-verification";
const LOGIN: &str = "/api/auth/login";
const ME: &str = "/api/auth/me";
const NEW: &str = "copper-lantern-48-heron";
const MINUTE: Duration = Duration::from_secs(60);

fn to(email: &str) -> Value {
    json!({ "email": email })
}

async fn ask(app: &TestApp, path: &str, email: &str) -> Answer {
    app.anyone().post(path, to(email)).await
}

async fn login(app: &TestApp, person: &Person, password: &str) -> Answer {
    app.anyone().post(LOGIN, json!({ "email": person.email, "password": password })).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.anyone().post(RESET, json!({ "token": token, "password": password })).await
}

async fn change(person: &Person, current: &str, new: &str) -> Answer {
    person.post(CHANGE, json!({ "currentPassword": current, "newPassword": new })).await
}

/// A token to set this person's password with, as it was mailed.
async fn reset_token(app: &TestApp, person: &Person) -> String {
    ask(app, FORGOT, &person.email).await.expect(202);
    app.settle().await;
    app.mailed_token(person)
}

fn mails_about(app: &TestApp, person: &Person, subject: &str) -> usize {
    app.mails_to(&person.email).iter().filter(|mail| mail.contains(&format!("Subject: {subject}"))).count()
}

/// Behind a proxy on this machine, so that a test says where a request comes from.
fn behind_a_proxy(config: &mut ServerConfig) {
    config.http.trusted_proxies = config.rate_limit.exempt.clone();
}

async fn ask_from(app: &TestApp, address: &str, path: &str, email: &str) -> Answer {
    let body = to(email);
    app.anyone()
        .send(Method::POST, path, |request| request.header("x-forwarded-for", address).json(&body))
        .await
}

#[actix_web::test]
async fn a_forgotten_password_is_set_anew_by_a_mail() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    let elsewhere = app.sign_in(&ada.email, PASSWORD).await;
    let bob = app.contractor().await;
    let token = reset_token(&app, &ada).await;
    assert_eq!(mails_about(&app, &ada, "Choose a new password"), 1);
    let done = reset(&app, &token, NEW).await;
    assert!(done.bytes.is_empty());
    done.expect(204);

    // Whoever was signed in with the old password is signed in no longer.
    for signed_in in [&ada, &elsewhere] {
        signed_in.get(ME).await.problem(401, "signed_out");
        let token = signed_in.refresh_token.clone();
        let refused = app.anyone().post("/api/auth/refresh", json!({ "refreshToken": token })).await;
        refused.problem(401, "invalid_refresh_token");
    }
    bob.get(ME).await.expect(200);
    assert_eq!(app.database.count("identity.sessions WHERE end_reason = 'PASSWORD_RESET'"), 2);
    login(&app, &ada, PASSWORD).await.problem(401, "wrong_credentials");
    // The mail was read at the address: it is proved, too.
    assert_eq!(login(&app, &ada, NEW).await.expect(200)["user"]["emailVerified"], true);

    app.settle().await;
    assert_eq!(events(&app, "password.reset", &ada), 1);
    assert_eq!(mails_about(&app, &ada, "Your password was reset"), 1);
    let inbox = app.sign_in(&ada.email, NEW).await.get("/api/notifications").await.expect(200);
    assert!(inbox.to_string().contains("password_reset"), "{inbox}");
}

#[actix_web::test]
async fn a_reset_is_good_once_and_uses_up_every_other() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = reset_token(&app, &ada).await;
    let second = reset_token(&app, &ada).await;
    assert_ne!(first, second);
    reset(&app, &first, NEW).await.expect(204);
    for used in [&first, &second] {
        let refused = reset(&app, used, "another-good-one-77").await.faults(&["/token"]);
        assert_eq!(refused["errors"][0]["code"], "invalid_link");
    }
    login(&app, &ada, NEW).await.expect(200);
    assert_eq!(
        app.database.count("identity.link_tokens WHERE used_at IS NULL AND purpose = 'RESET_PASSWORD'"),
        0
    );
}

#[actix_web::test]
async fn of_resets_at_once_one_counts() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let token = reset_token(&app, &ada).await;
    let tries = (0..4).map(|index| {
        reset(
            &app,
            &token,
            ["mural-heron-1x-kestrel", NEW, "violet-9-lantern-oak", "quartz-7-meadow-finch"][index],
        )
    });
    let answers = futures_util::future::join_all(tries).await;
    let set = answers.iter().filter(|answer| answer.status == 204).count();
    assert_eq!((set, answers.iter().filter(|answer| answer.status == 422).count()), (1, 3));
    assert_eq!(app.database.count("outbox.events WHERE name = 'password.reset'"), 1);
}

#[actix_web::test]
async fn a_token_that_is_too_old_or_was_never_mailed_sets_nothing() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    app.settle().await;
    let verification = app.mailed_token(&ada);
    let token = reset_token(&app, &ada).await;
    let made_up: String = token.chars().rev().collect();
    let unknown = reset(&app, &made_up, NEW).await;
    // No other token of ours is one, not even another that was mailed.
    for other in [&verification, ada.token.as_ref().unwrap(), ada.refresh_token.as_ref().unwrap()] {
        assert_alike(&unknown, &reset(&app, other, NEW).await);
    }
    // And this one proves no address in the other's place.
    app.anyone().post("/api/auth/verify-email", json!({ "token": token })).await.faults(&["/token"]);
    app.clock.advance(60 * MINUTE);
    assert_alike(&unknown, &reset(&app, &token, NEW).await);
    unknown.faults(&["/token"]);
    assert_eq!(app.database.count("identity.sessions WHERE ended_at IS NOT NULL"), 0);
    login(&app, &ada, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn a_reset_of_an_address_that_was_changed_since_sets_nothing() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let token = reset_token(&app, &ada).await;
    app.database.execute(&format!(
        "UPDATE identity.people SET email = 'new@example.com', email_canonical = 'new@example.com' WHERE email = '{}'",
        ada.email
    ));
    reset(&app, &token, NEW).await.faults(&["/token"]);
    ada.get(ME).await.expect(200);
}

#[actix_web::test]
async fn every_fault_of_a_reset_comes_at_once() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    anyone.post(RESET, json!({})).await.faults(&["/password", "/token"]);
    anyone.post(RESET, json!({ "token": 1, "password": null, "email": "a" })).await.faults(&[
        "/email",
        "/password",
        "/token",
    ]);
    reset(&app, "made-up", "aaaaaaaaaaaa").await.faults(&["/password", "/token"]);
    let ada = app.homeowner().await;
    let token = reset_token(&app, &ada).await;
    for (password, code) in
        [("Zq9!fp", "too_short"), ("password123", "too_weak"), ("Lovelace1815", "too_weak")]
    {
        let refused = reset(&app, &token, password).await.faults(&["/password"]);
        assert_eq!(refused["errors"][0]["code"], code, "{password}");
        assert!(!refused.to_string().contains(password), "{refused}");
    }
    // A password that was refused has not used the token up.
    reset(&app, &token, NEW).await.expect(204);
}

#[actix_web::test]
async fn a_reset_takes_a_locked_account_out_of_its_lock_for_its_owner() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let token = reset_token(&app, &ada).await;
    for index in 0..10 {
        // Somebody guesses; another network's doing.
        let body = json!({ "email": ada.email, "password": format!("guess-{index}") });
        app.anyone().post(LOGIN, body).await.problem(401, "wrong_credentials");
    }
    login(&app, &ada, PASSWORD).await.problem(429, "too_many_failed_sign_ins");
    reset(&app, &token, NEW).await.expect(204);
    // From one address all failed here: it is the network's lock that is left, not the account's.
    app.clock.advance(15 * MINUTE);
    login(&app, &ada, NEW).await.expect(200);
}

#[actix_web::test]
async fn a_known_an_unknown_and_an_impossible_address_get_one_answer() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    let (verified, suspended) = (app.contractor().await, app.contractor().await);
    app.suspend(&suspended);
    app.settle().await;
    for path in [FORGOT, RESEND] {
        let known = ask(&app, path, &ada.email).await;
        assert_eq!((known.status, known.bytes.len()), (202, 0));
        for other in
            [&verified.email, &suspended.email, "nobody@example.com", "no address at all", "\u{1F980}"]
        {
            assert_alike(&known, &ask(&app, path, other).await);
        }
    }
    // The same rows and tasks for all of them; whom somebody asked for is kept by keyed hashes.
    assert_eq!(app.database.count("identity.mail_requests"), 12);
    assert_eq!(app.database.count("outbox.tasks WHERE kind = 'identity.answer_mail_request'"), 12);
    let told = "identity.mail_requests WHERE strpos(mail_requests::text, encode('nobody', 'hex')) > 0";
    assert_eq!(app.database.count(told), 0);

    let before = app.mails_to("@example.com").len();
    let confirmed = mails_about(&app, &verified, "Confirm your e-mail address");
    app.settle().await;
    assert_eq!(app.database.count("identity.mail_requests WHERE answered_at IS NULL"), 0);
    // Four mails: a link to prove an address only to whom has not, a link to a new password to each known address.
    assert_eq!(app.mails_to("@example.com").len() - before, 4);
    assert_eq!(mails_about(&app, &verified, "Confirm your e-mail address"), confirmed);
    assert_eq!(mails_about(&app, &ada, "Confirm your e-mail address"), 2);
    assert_eq!(app.mails_to("nobody@example.com").len(), 0);
}

#[actix_web::test]
async fn asking_takes_an_address_and_nothing_else() {
    let app = TestApp::start().await;
    for path in [FORGOT, RESEND] {
        let anyone = app.anyone();
        anyone.post(path, json!({})).await.faults(&["/email"]);
        anyone
            .post(path, json!({ "email": "", "redirect": "https://evil.example" }))
            .await
            .faults(&["/email", "/redirect"]);
        anyone.post(path, json!({ "email": ["a", "b"] })).await.faults(&["/email"]);
        anyone.post(path, to("a\u{0}@example.com")).await.faults(&["/email"]);
        anyone.post(path, to(&"a".repeat(321))).await.faults(&["/email"]);
        anyone.post_empty(path).await.problem(400, "not_json");
        anyone.get(path).await.problem(405, "method_not_allowed");
    }
    assert_eq!(app.database.count("identity.mail_requests"), 0);
}

#[actix_web::test]
async fn a_mailbox_is_found_however_it_is_written_and_only_the_registered_one_is_written_to() {
    let app = TestApp::start().await;
    let form = json!({ "email": "jos\u{e9}.minski@B\u{fc}cher.example", "password": PASSWORD, "userType": "customer" });
    app.anyone().post("/api/auth/register", form).await.expect(201);
    app.settle().await;
    let mails = |app: &TestApp| std::fs::read_dir(app.mail_folder()).unwrap().count();
    let before = mails(&app);
    // Compatibility forms, composition, case, IDNA, and letters that fold into another: a dotless i, the Kelvin sign.
    let written = [
        " JOS\u{c9}.MINSKI@b\u{fc}cher.example ",
        "jose\u{301}.minski@xn--bcher-kva.example",
        "jos\u{e9}.m\u{131}ns\u{212a}i@b\u{fc}cher.example",
    ];
    for same in written {
        ask(&app, FORGOT, same).await.expect(202);
    }
    app.settle().await;
    assert_eq!(mails(&app) - before, 3);
    assert_eq!(app.database.count("identity.mail_requests WHERE person_id IS NOT NULL"), 3);
    for entry in std::fs::read_dir(app.mail_folder()).unwrap() {
        let mail = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let line = mail.lines().find(|line| line.starts_with("To: ")).unwrap_or_default().to_owned();
        assert!(line.contains("jos\u{e9}.minski@") || line.contains("=?utf-8?"), "{line}");
    }
    for same in written {
        let body = json!({ "email": same, "password": PASSWORD });
        app.anyone().post(LOGIN, body).await.expect(200);
        let form = json!({ "email": same, "password": PASSWORD, "userType": "customer" });
        app.anyone().post("/api/auth/register", form).await.problem(409, "email_in_use");
    }
    assert_eq!(app.database.count("identity.people"), 1);
}

#[actix_web::test]
async fn a_mailbox_gets_three_mails_an_hour_whoever_asks() {
    let app = TestApp::start_with(behind_a_proxy).await;
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    app.settle().await;
    let before = app.mails_to(&ada.email).len();
    for index in 0..6 {
        let from = format!("198.51.100.{index}");
        // However it is written it is one mailbox.
        let written = if index % 2 == 0 { ada.email.to_uppercase() } else { ada.email.clone() };
        let known = ask_from(&app, &from, FORGOT, &written).await;
        let unknown = ask_from(&app, &from, FORGOT, "nobody@example.com").await;
        assert_eq!((known.status, known.bytes), (unknown.status, unknown.bytes));
        ask_from(&app, &from, RESEND, &ada.email).await.expect(202);
    }
    app.settle().await;
    assert_eq!(app.mails_to(&ada.email).len() - before, 6);
    assert_eq!(mails_about(&app, &ada, "Choose a new password"), 3);
    app.clock.advance(60 * MINUTE);
    ask_from(&app, "198.51.100.1", FORGOT, &ada.email).await.expect(202);
    app.settle().await;
    assert_eq!(mails_about(&app, &ada, "Choose a new password"), 4);
}

#[actix_web::test]
async fn a_network_asks_for_twenty_mails_an_hour_whomever_they_are_for() {
    let app = TestApp::start_with(behind_a_proxy).await;
    for index in 0..20 {
        let path = if index % 2 == 0 { FORGOT } else { RESEND };
        ask_from(&app, "2001:db8:1:2::1", path, &format!("p{index}@example.com")).await.expect(202);
    }
    // All of a household's network of 64 bits is one.
    let refused = ask_from(&app, "2001:db8:1:2::9", FORGOT, "p20@example.com").await;
    let wait: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).unwrap_or_default();
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    refused.problem(429, "too_many_mails");
    ask_from(&app, "2001:db8:1:3::1", FORGOT, "p20@example.com").await.expect(202);
    app.clock.advance(Duration::from_secs(wait));
    ask_from(&app, "2001:db8:1:2::9", FORGOT, "p20@example.com").await.expect(202);
}

#[actix_web::test]
async fn the_mail_that_proves_an_address_comes_again() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    app.settle().await;
    let first = app.mailed_token(&ada);
    ask(&app, RESEND, &ada.email).await.expect(202);
    app.settle().await;
    let second = app.mailed_token(&ada);
    assert_ne!(first, second);
    app.anyone().post("/api/auth/verify-email", json!({ "token": second })).await.expect(200);
    assert_eq!(events(&app, "email.verification_requested", &ada), 2);
    // What waits is answered once, and a proved address gets no mail.
    ask(&app, RESEND, &ada.email).await.expect(202);
    app.settle().await;
    assert_eq!(events(&app, "email.verification_requested", &ada), 2);
}

#[actix_web::test]
async fn changing_a_password_ends_every_other_session() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (elsewhere, bob) = (app.sign_in(&ada.email, PASSWORD).await, app.contractor().await);
    let link = reset_token(&app, &ada).await;
    change(&ada, PASSWORD, NEW).await.expect(204);
    ada.get(ME).await.expect(200);
    elsewhere.get(ME).await.problem(401, "signed_out");
    bob.get(ME).await.expect(200);
    assert_eq!(app.database.count("identity.sessions WHERE end_reason = 'PASSWORD_CHANGED'"), 1);
    login(&app, &ada, PASSWORD).await.problem(401, "wrong_credentials");
    login(&app, &ada, NEW).await.expect(200);
    // A link that waited would have let in whoever reads the mail.
    reset(&app, &link, "quartz-7-meadow-finch").await.faults(&["/token"]);
    app.settle().await;
    assert_eq!(events(&app, "password.changed", &ada), 1);
    assert_eq!(mails_about(&app, &ada, "Your password was changed"), 1);
}

#[actix_web::test]
async fn every_fault_of_a_change_comes_at_once_and_changes_nothing() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    ada.post(CHANGE, json!({})).await.faults(&["/currentPassword", "/newPassword"]);
    ada.post(CHANGE, json!({ "currentPassword": 1, "newPassword": [], "force": true })).await.faults(&[
        "/currentPassword",
        "/force",
        "/newPassword",
    ]);
    let both = change(&ada, "not-this-one-either", "password123")
        .await
        .faults(&["/currentPassword", "/newPassword"]);
    assert!(!both.to_string().contains("password123"), "{both}");
    let wrong = change(&ada, "not-this-one-either", NEW).await.faults(&["/currentPassword"]);
    assert_eq!(wrong["errors"][0]["code"], "wrong_password");
    change(&ada, PASSWORD, "Ada Lovelace").await.faults(&["/newPassword"]);
    let same = change(&ada, PASSWORD, PASSWORD).await.faults(&["/newPassword"]);
    assert_eq!(same["errors"][0]["code"], "unchanged");
    assert_eq!(app.database.count("outbox.events WHERE name = 'password.changed'"), 0);
    login(&app, &ada, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn whoever_holds_a_session_cannot_guess_the_password_with_it() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for index in 0..10 {
        change(&ada, &format!("guess-{index}"), NEW).await.faults(&["/currentPassword"]);
    }
    let refused = change(&ada, PASSWORD, NEW).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "too_many_failed_sign_ins");
    assert_eq!(app.database.count("identity.sign_in_failures"), 10);
    app.clock.advance(15 * MINUTE);
    change(&ada, PASSWORD, NEW).await.expect(204);
}

#[actix_web::test]
async fn changing_a_password_is_for_the_signed_in() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    change(&ada.signed_out(), PASSWORD, NEW).await.problem(401, "unauthenticated");
    ada.post_empty("/api/auth/logout").await.expect(204);
    change(&ada, PASSWORD, NEW).await.problem(401, "signed_out");
    // Another's password is nobody's business: there is no way to name another person.
    let bob = app.contractor().await;
    bob.post(CHANGE, json!({ "currentPassword": PASSWORD, "newPassword": NEW, "userId": ada.id }))
        .await
        .faults(&["/userId"]);
    login(&app, &ada, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn no_row_holds_a_token_or_a_password_in_the_open() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let token = reset_token(&app, &ada).await;
    reset(&app, &token, NEW).await.expect(204);
    app.settle().await;
    for secret in [token.as_str(), NEW] {
        for (table, row) in [
            ("identity.people", "people"),
            ("identity.link_tokens", "link_tokens"),
            ("identity.mail_requests", "mail_requests"),
            ("outbox.events", "events"),
            ("outbox.tasks", "tasks"),
            ("notifications.notifications", "notifications"),
            ("notifications.deliveries", "deliveries"),
        ] {
            let kept = format!("{table} WHERE strpos({row}::text, '{secret}') > 0");
            assert_eq!(app.database.count(&kept), 0, "{table}");
        }
    }
}
