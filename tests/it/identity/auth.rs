//! `/api/auth/register`, `verify-email`, `me`: making an account, proving its address, and asking who one is.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{PASSWORD, TestApp, papers};

use super::events;

const REGISTER: &str = "/api/auth/register";
const VERIFY: &str = "/api/auth/verify-email";
const ME: &str = "/api/auth/me";
const HOUR: Duration = Duration::from_secs(3_600);

fn form(email: &str, user_type: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "userType": user_type })
}

#[actix_web::test]
async fn registering_makes_an_account_and_signs_it_in() {
    let app = TestApp::start().await;
    let full = json!({
        "email": "Bob.Mason@Example.com", "password": PASSWORD, "userType": "contractor", "name": "  Bob   Mason ",
        "phone": "+1 (512) 555-0100", "timeZone": "America/Chicago",
    });
    let answer = app.anyone().post(REGISTER, full).await;
    assert_eq!(answer.header("location"), Some("/api/users/profile"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let made = answer.expect(201);
    let user = &made["user"];
    for (field, expected) in [
        ("role", json!("CONTRACTOR")),
        ("email", json!("Bob.Mason@Example.com")),
        ("emailVerified", json!(false)),
        ("name", json!("Bob Mason")),
        ("phone", json!("+15125550100")),
        ("timeZone", json!("America/Chicago")),
    ] {
        assert_eq!(user[field], expected, "{user}");
    }
    for (id, prefix) in [(&user["id"], "usr_"), (&user["partyId"], "pty_"), (&made["sessionId"], "ses_")] {
        assert!(id.as_str().is_some_and(|id| id.starts_with(prefix)), "{made}");
    }
    assert_eq!(made["tokenType"], "Bearer");

    let bob = app.signed_in(&made, "Bob.Mason@Example.com", PASSWORD);
    assert_eq!(bob.get(ME).await.expect(200)["user"], *user);
    bob.get("/api/users/profile").await.expect(200);
}

#[actix_web::test]
async fn registering_stores_no_secret_and_tells_no_name() {
    let app = TestApp::start().await;
    let bob = app.newcomer("contractor", "Bob Mason").await;
    for table in ["people", "contractor_profiles", "sessions", "refresh_tokens", "link_tokens"] {
        assert_eq!(app.database.count(&format!("identity.{table}")), 1, "{table}");
    }
    assert_eq!(events(&app, "person.registered", &bob), 1);
    assert_eq!(events(&app, "email.verification_requested", &bob), 1);
    assert_eq!(app.database.count("outbox.events"), 2);

    app.settle().await;
    let (access, refresh) =
        (bob.token.clone().unwrap_or_default(), bob.refresh_token.clone().unwrap_or_default());
    let mailed = app.mailed_token(&bob);
    for secret in [PASSWORD, &access, &refresh, &mailed] {
        for (table, row) in [
            ("identity.people", "people"),
            ("identity.sessions", "sessions"),
            ("identity.refresh_tokens", "refresh_tokens"),
            ("identity.link_tokens", "link_tokens"),
            ("outbox.events", "events"),
            ("outbox.tasks", "tasks"),
            ("notifications.notifications", "notifications"),
            ("notifications.deliveries", "deliveries"),
        ] {
            let kept = format!("{table} WHERE strpos({row}::text, '{secret}') > 0");
            assert_eq!(app.database.count(&kept), 0, "{table}");
        }
    }
    for personal in ["Mason", bob.email.as_str()] {
        let told = format!("outbox.events WHERE strpos(data::text, '{personal}') > 0");
        assert_eq!(app.database.count(&told), 0, "{personal}");
    }
}

#[actix_web::test]
async fn every_user_type_is_taken_in_any_case_but_nobody_registers_as_an_administrator() {
    let app = TestApp::start().await;
    for (index, (user_type, role)) in
        [("customer", "HOMEOWNER"), ("Homeowner", "HOMEOWNER"), ("CONTRACTOR", "CONTRACTOR")]
            .into_iter()
            .enumerate()
    {
        let made =
            app.anyone().post(REGISTER, form(&format!("p{index}@example.com"), user_type)).await.expect(201);
        assert_eq!(made["user"]["role"], role);
        // Who names no zone gets the one that is configured.
        assert_eq!((&made["user"]["timeZone"], &made["user"]["name"]), (&json!("UTC"), &Value::Null));
    }
    for user_type in ["admin", "ADMIN", "administrator", "both"] {
        app.anyone().post(REGISTER, form("eve@example.com", user_type)).await.faults(&["/userType"]);
    }
    assert_eq!(app.database.count("identity.people"), 3);
}

#[actix_web::test]
async fn a_known_address_is_refused_however_it_is_written() {
    let app = TestApp::start().await;
    app.anyone().post(REGISTER, form("jos\u{e9}@B\u{fc}cher.example", "customer")).await.expect(201);
    for same in [
        "JOS\u{c9}@b\u{fc}cher.example",
        "jose\u{301}@xn--bcher-kva.example",
        " jos\u{e9}@B\u{dc}CHER.example ",
    ] {
        app.anyone().post(REGISTER, form(same, "contractor")).await.problem(409, "email_in_use");
    }
    assert_eq!(app.database.count("identity.people"), 1);
    assert_eq!(app.database.count("outbox.events WHERE name = 'email.verification_requested'"), 1);
    app.anyone().post(REGISTER, form("jos\u{e9}+jobs@b\u{fc}cher.example", "customer")).await.expect(201);
}

#[actix_web::test]
async fn of_registrations_at_once_one_makes_the_account() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    let answers = futures_util::future::join_all(
        (0..8).map(|_| anyone.post(REGISTER, form("ada@example.com", "customer"))),
    )
    .await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(app.database.count("identity.people"), 1);
    assert_eq!(app.database.count("outbox.events WHERE name = 'person.registered'"), 1);
}

#[actix_web::test]
async fn every_fault_of_a_registration_comes_at_once() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    anyone.post(REGISTER, json!({})).await.faults(&["/email", "/password", "/userType"]);
    let wrong_types = json!({ "email": 1, "password": null, "userType": [], "name": {}, "isAdmin": true });
    anyone.post(REGISTER, wrong_types).await.faults(&[
        "/email",
        "/isAdmin",
        "/name",
        "/password",
        "/userType",
    ]);
    let wrong_values = json!({
        "email": "ada@localhost", "password": "aaaaaaaaaaaa", "userType": "king", "name": "A\tB", "phone": "5550100",
        "timeZone": "Mars/Olympus",
    });
    let all = ["/email", "/name", "/password", "/phone", "/timeZone", "/userType"];
    anyone.post(REGISTER, wrong_values).await.faults(&all);
    let too_long = json!({
        "email": format!("{}@example.com", "a".repeat(400)), "password": "b".repeat(1_025), "userType": "customer",
        "name": "n".repeat(121),
    });
    anyone.post(REGISTER, too_long).await.faults(&["/email", "/name", "/password"]);
    let nul = json!({ "email": "a\u{0}b@example.com", "password": PASSWORD, "userType": "customer" });
    anyone.post(REGISTER, nul).await.faults(&["/email"]);
    anyone.post_empty(REGISTER).await.problem(400, "not_json");
    assert_eq!(app.database.count("identity.people"), 0);
    assert_eq!(app.database.count("outbox.events"), 0);
}

#[actix_web::test]
async fn a_new_password_is_neither_short_nor_easily_guessed_nor_about_oneself() {
    let app = TestApp::start().await;
    let with = |email: &str, password: &str| json!({ "email": email, "password": password, "userType": "customer", "name": "Bartholomew Quigley" });
    for (password, code) in [
        ("Zq9!fp", "too_short"),
        ("password123", "too_weak"),
        ("Bartholomew9", "too_weak"),
        ("bq@example.com", "too_weak"),
    ] {
        let refused =
            app.anyone().post(REGISTER, with("bq@example.com", password)).await.faults(&["/password"]);
        assert_eq!(refused["errors"][0]["code"], code, "{password}");
        assert!(!refused.to_string().contains(password), "a password is not said back: {refused}");
    }
    // Any Unicode, and 64 characters and more; nothing past bcrypt's 72nd byte is dropped.
    let long = format!(
        "{}-{}",
        "\u{443}\u{434}\u{438}\u{432}\u{43b}\u{435}\u{43d}\u{438}\u{435} ".repeat(7),
        "kestrel-97"
    );
    assert!(long.chars().count() > 64 && long.len() > 72);
    app.anyone().post(REGISTER, with("bq@example.com", &long)).await.expect(201);
    app.sign_in("bq@example.com", &long).await;
    let cut = json!({ "email": "bq@example.com", "password": long.trim_end_matches('7') });
    app.anyone().post("/api/auth/login", cut).await.problem(401, "wrong_credentials");
}

#[actix_web::test]
async fn registering_ignores_an_idempotency_key_and_who_is_signed_in() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let keyed = || ada.post_keyed(REGISTER, "once", form("second@example.com", "contractor"));
    let made = keyed().await.expect(201);
    assert_ne!(made["user"]["id"], json!(ada.id));
    keyed().await.problem(409, "email_in_use");
    assert_eq!(app.database.count("app.idempotency_keys"), 0);
    // A token that has ended keeps nobody from beginning anew.
    let mut stale = ada.clone();
    stale.token = Some("made-up".to_owned());
    stale.post(REGISTER, form("third@example.com", "customer")).await.expect(201);
}

#[actix_web::test]
async fn an_address_registers_five_times_an_hour() {
    let app = TestApp::start_with(|config| config.rate_limit.exempt.clear()).await;
    for index in 0..5 {
        let made = app.anyone().post(REGISTER, form(&format!("p{index}@example.com"), "customer")).await;
        assert_eq!(made.header("ratelimit-policy"), Some("\"register\";q=5;w=3600"));
        made.expect(201);
    }
    let refused = app.anyone().post(REGISTER, form("p6@example.com", "customer")).await;
    let wait: u32 = refused.header("retry-after").and_then(|text| text.parse().ok()).unwrap_or_default();
    assert!((1..=3_600).contains(&wait), "{wait}");
    refused.problem(429, "rate_limited");
    assert_eq!(app.database.count("identity.people"), 5);
}

#[actix_web::test]
async fn the_mailed_token_proves_the_address_once() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    app.settle().await;
    let token = app.mailed_token(&ada);
    // From another machine, signed in nowhere: the mail is the proof.
    let proven = app.anyone().post(VERIFY, json!({ "token": token })).await.expect(200);
    assert_eq!((&proven["id"], &proven["emailVerified"]), (&json!(ada.id), &json!(true)));
    assert_eq!(ada.get(ME).await.expect(200)["user"]["emailVerified"], true);
    assert_eq!(app.database.count("identity.people WHERE email_verified_at IS NOT NULL"), 1);
    assert_eq!(app.database.count("identity.link_tokens WHERE used_at IS NOT NULL"), 1);

    let again = app.anyone().post(VERIFY, json!({ "token": token })).await.faults(&["/token"]);
    assert_eq!(again["errors"][0]["code"], "invalid_link");
}

#[actix_web::test]
async fn a_token_proves_the_address_it_was_mailed_to_and_no_other_account_s() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.newcomer("homeowner", "Ada").await, app.newcomer("contractor", "Eve").await);
    app.settle().await;
    // Whoever sends it, it is the mailbox's account that is proven.
    let proven = eve.post(VERIFY, json!({ "token": app.mailed_token(&ada) })).await.expect(200);
    assert_eq!(proven["id"], json!(ada.id));
    assert_eq!(eve.get(ME).await.expect(200)["user"]["emailVerified"], false);
}

#[actix_web::test]
async fn a_token_that_was_never_mailed_or_is_too_old_proves_nothing() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    app.settle().await;
    let token = app.mailed_token(&ada);
    let made_up = token.chars().rev().collect::<String>();
    let unknown = app.anyone().post(VERIFY, json!({ "token": made_up })).await;
    app.clock.advance(48 * HOUR);
    let old = app.anyone().post(VERIFY, json!({ "token": token })).await;
    // Which of them it is, is nobody's business but the holder's.
    super::assert_alike(&unknown, &old);
    old.faults(&["/token"]);
    assert_eq!(app.database.count("identity.people WHERE email_verified_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn proving_an_address_takes_a_token_and_nothing_else() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    anyone.post(VERIFY, json!({})).await.faults(&["/token"]);
    anyone.post(VERIFY, json!({ "token": "" })).await.faults(&["/token"]);
    anyone
        .post(VERIFY, json!({ "token": 7, "email": "ada@example.com" }))
        .await
        .faults(&["/email", "/token"]);
    anyone.post(VERIFY, json!({ "token": "x".repeat(1_025) })).await.faults(&["/token"]);
    // No other token of ours is one.
    let ada = app.newcomer("homeowner", "Ada Lovelace").await;
    for token in [ada.token.clone(), ada.refresh_token.clone()] {
        anyone.post(VERIFY, json!({ "token": token })).await.faults(&["/token"]);
    }
    assert_eq!(app.database.count("identity.people WHERE email_verified_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn me_tells_who_is_signed_in_and_in_which_session() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let me = ada.get(ME).await.expect(200);
    assert_eq!((&me["user"]["id"], &me["user"]["role"]), (&json!(ada.id), &json!("HOMEOWNER")));
    assert_eq!(me["verification"], Value::Null);
    let again = app.sign_in(&ada.email, &ada.password).await;
    let other = again.get(ME).await.expect(200);
    assert_eq!(other["user"], me["user"]);
    assert_ne!(other["session"]["id"], me["session"]["id"]);
    assert_eq!(app.admin().await.get(ME).await.expect(200)["user"]["role"], "ADMIN");
}

#[actix_web::test]
async fn me_tells_a_contractor_how_the_verification_stands() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let standing = async || bob.get(ME).await.expect(200)["verification"].clone();
    assert_eq!(standing().await, json!({ "status": null, "mayBid": false }));
    bob.post("/api/contractors/verification", papers()).await.expect(201);
    assert_eq!(standing().await, json!({ "status": "PENDING", "mayBid": false }));
    let checked = app.verified_contractor().await.get(ME).await.expect(200);
    assert_eq!(checked["verification"], json!({ "status": "APPROVED", "mayBid": true }));
}

#[actix_web::test]
async fn me_is_not_sent_again_while_it_is_the_same() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = ada.get(ME).await;
    let tag = first.header("etag").unwrap_or_default().to_owned();
    let asking =
        || ada.send(reqwest::Method::GET, ME, |request| request.header("if-none-match", tag.as_str()));
    let same = asking().await;
    assert_eq!((same.status, same.bytes.len(), same.header("etag")), (304, 0, Some(tag.as_str())));
    ada.patch("/api/users/profile", json!({ "name": "Ada King" })).await.expect(200);
    assert_eq!(asking().await.expect(200)["user"]["name"], "Ada King");
}

#[actix_web::test]
async fn me_is_for_whoever_holds_a_good_access_token() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let out = ada.signed_out().get(ME).await;
    assert_eq!(out.header("www-authenticate"), Some("Bearer"));
    out.problem(401, "unauthenticated");
    let with = |header: String| {
        let out = ada.signed_out();
        async move { out.send(reqwest::Method::GET, ME, |request| request.header("authorization", header)).await }
    };
    let token = ada.token.clone().unwrap_or_default();
    let refresh = ada.refresh_token.clone().unwrap_or_default();
    with(format!("Basic {token}")).await.problem(401, "unauthenticated");
    with(token.clone()).await.problem(401, "unauthenticated");
    for bad in ["made-up", refresh.as_str(), &format!("{token}x"), &without_signature(&token)] {
        with(format!("Bearer {bad}")).await.problem(401, "invalid_token");
    }
    // The scheme's name has no case.
    with(format!("bearer {token}")).await.expect(200);
    ada.get(&format!("{ME}?id={}", ada.id)).await.problem(400, "invalid_request");
}

#[actix_web::test]
async fn me_is_refused_after_a_day_and_at_once_when_suspended() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    app.suspend(&bob);
    bob.get(ME).await.problem(401, "signed_out");
    app.clock.advance(24 * HOUR - Duration::from_secs(60));
    ada.get(ME).await.expect(200);
    app.clock.advance(Duration::from_secs(60));
    ada.get(ME).await.problem(401, "token_expired");
}

/// The same token with nobody's word for it: the algorithm `none`, which no library should take.
fn without_signature(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap_or_default();
    // {"alg":"none","typ":"at+jwt"}
    format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}.")
}
