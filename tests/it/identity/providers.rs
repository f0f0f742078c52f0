//! Providers that refuse, fail, lie or change: what a client and its person meet.

use std::time::Duration;

use serde_json::json;
use tests::{Browser, CLIENT, OpenIdPeer, TestApp, said, saying};

use super::oauth::{account, code, exchange, house, sign_in, start_of};

const MINUTE: Duration = Duration::from_secs(60);

/// What the client is told when it comes to nothing.
async fn refusal(app: &TestApp, browser: &mut Browser) -> String {
    let back = sign_in(app, browser, "&userType=customer").await;
    assert_eq!(said(&back, "code"), None, "{back}");
    said(&back, "error").unwrap_or_else(|| panic!("no error: {back}"))
}

#[actix_web::test]
async fn a_person_who_does_not_want_to_is_sent_back() {
    let (peer, app) = house().await;
    for (word, told) in [
        ("access_denied", "access_denied"),
        ("login_required", "access_denied"),
        ("temporarily_unavailable", "provider_unavailable"),
        ("unauthorized_client", "provider_refused"),
    ] {
        peer.next(json!({ "deny": word })).await;
        let mut browser = Browser::default();
        assert_eq!(refusal(&app, &mut browser).await, told, "{word}");
        assert_eq!(browser.cookie(app.base(), "fairtrade-oauth"), None);
    }
    assert_eq!(app.database.count("identity.oauth_tickets"), 0);
    assert_eq!(app.database.count("identity.people"), 0);
}

#[actix_web::test]
async fn a_nonce_that_was_changed_on_the_way_signs_nobody_in() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let mut browser = Browser::default();
    let sent = browser.open(&start_of(&app, "&userType=customer")).await;
    let there = sent.header("location").unwrap_or_default().to_owned();
    let back = browser.follow(&saying(&there, "nonce", "another"), CLIENT).await;
    assert_eq!(said(&back, "error").as_deref(), Some("identity_invalid"), "{back}");
    assert_eq!(app.database.count("identity.oauth_tickets"), 0);
}

#[actix_web::test]
async fn a_code_of_another_sign_in_signs_nobody_in() {
    let (peer, app) = house().await;
    peer.next(account("mallory")).await;
    let callback = format!("{}/api/auth/oauth/test/callback", app.base());
    let theirs = Browser::default().follow(&start_of(&app, ""), &callback).await;
    let mut browser = Browser::default();
    let mine = browser.follow(&start_of(&app, "&userType=customer"), &callback).await;
    let stolen = said(&theirs, "code").unwrap_or_default();
    // The code was made for another verifier, which only Mallory's browser can have made.
    let back = browser.follow(&saying(&mine, "code", &stolen), CLIENT).await;
    assert_eq!(said(&back, "error").as_deref(), Some("provider_refused"), "{back}");
    assert_eq!(app.database.count("identity.oauth_tickets"), 0);
}

#[actix_web::test]
async fn an_answer_in_another_providers_name_signs_nobody_in() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let callback = format!("{}/api/auth/oauth/test/callback", app.base());
    let mut browser = Browser::default();
    let mine = browser.follow(&start_of(&app, "&userType=customer"), &callback).await;
    let back = browser.follow(&saying(&mine, "iss", "https://evil.example"), CLIENT).await;
    assert_eq!(said(&back, "error").as_deref(), Some("identity_invalid"), "{back}");
}

#[actix_web::test]
async fn what_providers_say_besides_is_ignored() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let callback = format!("{}/api/auth/oauth/test/callback", app.base());
    let mut browser = Browser::default();
    let mine = browser.follow(&start_of(&app, "&userType=customer"), &callback).await;
    let long = "x".repeat(2_000);
    let more = saying(&saying(&mine, "session_state", &long), "authuser", "0");
    assert!(said(&browser.follow(&more, CLIENT).await, "code").is_some());
}

#[actix_web::test]
async fn a_provider_that_is_away_is_nobodys_internal_error() {
    let (mut peer, app) = house().await;
    let callback = format!("{}/api/auth/oauth/test/callback", app.base());
    peer.stop();
    // Nobody was ever asked: the server started without it. The second is told at once.
    for _ in 0..2 {
        assert_eq!(refusal(&app, &mut Browser::default()).await, "provider_unavailable");
    }
    assert_eq!(app.database.count("identity.oauth_attempts"), 0);
    peer.restart();
    peer.next(account("edith")).await;
    // It is asked again after two seconds.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(exchange(&app, &code(&app, "&userType=customer").await).await.status, 200);

    // It goes away while somebody is on the way back.
    let mut browser = Browser::default();
    let mine = browser.follow(&start_of(&app, ""), &callback).await;
    peer.stop();
    let back = browser.follow(&mine, CLIENT).await;
    assert_eq!(said(&back, "error").as_deref(), Some("provider_unavailable"), "{back}");
    assert_eq!(app.database.count("identity.sessions"), 1);
    // Everybody else is served.
    app.homeowner().await.get("/api/auth/me").await.expect(200);
}

#[actix_web::test]
async fn a_provider_that_changed_its_keys_is_asked_for_the_new_ones() {
    let (mut peer, app) = house().await;
    peer.next(account("edith")).await;
    exchange(&app, &code(&app, "&userType=customer").await).await.expect(200);
    peer.restart();
    peer.next(account("edith")).await;
    exchange(&app, &code(&app, "").await).await.expect(200);
    assert_eq!(app.database.count("identity.people"), 1);
}

#[actix_web::test]
async fn a_token_signed_with_a_shared_secret_is_not_believed() {
    let peer = OpenIdPeer::start_with(json!({ "alg": "HS256" }));
    let app = TestApp::start_with_oauth(peer.settings(), |_| {}).await;
    peer.next(account("edith")).await;
    assert_eq!(refusal(&app, &mut Browser::default()).await, "identity_invalid");
}

#[actix_web::test]
async fn a_token_that_has_expired_is_not_believed() {
    let peer = OpenIdPeer::start_with(json!({ "idTokenSeconds": 120 }));
    let app = TestApp::start_with_oauth(peer.settings(), |_| {}).await;
    peer.next(account("edith")).await;
    assert!(!code(&app, "&userType=customer").await.is_empty());
    app.clock.advance(3 * MINUTE);
    assert_eq!(refusal(&app, &mut Browser::default()).await, "identity_invalid");
}

#[actix_web::test]
async fn a_provider_of_another_name_is_not_believed() {
    let peer = OpenIdPeer::start();
    let mut settings = peer.settings();
    for provider in settings.providers.values_mut() {
        // The same place, by another name.
        provider.issuer = provider.issuer.replace("127.0.0.1", "localhost");
    }
    let app = TestApp::start_with_oauth(settings, |_| {}).await;
    assert_eq!(refusal(&app, &mut Browser::default()).await, "identity_invalid");
}

#[actix_web::test]
async fn a_client_that_the_provider_does_not_know_learns_nothing() {
    let peer = OpenIdPeer::start();
    let mut settings = peer.settings();
    for provider in settings.providers.values_mut() {
        provider.client_secret = Some("not the secret".to_owned().into());
    }
    let app = TestApp::start_with_oauth(settings, |_| {}).await;
    peer.next(account("edith")).await;
    assert_eq!(refusal(&app, &mut Browser::default()).await, "provider_refused");
}

#[actix_web::test]
async fn providers_that_do_it_otherwise_are_understood() {
    for options in [json!({ "claimsInIdToken": true }), json!({ "auth": "client_secret_post" })] {
        let peer = OpenIdPeer::start_with(options.clone());
        let app = TestApp::start_with_oauth(peer.settings(), |_| {}).await;
        let edith = account("edith");
        peer.next(edith.clone()).await;
        let made = exchange(&app, &code(&app, "&userType=customer").await).await.expect(200);
        assert_eq!(made["user"]["email"], edith["email"], "{options}");
        assert_eq!(made["user"]["name"], "Edith Clarke", "{options}");
    }
}

#[actix_web::test]
async fn a_second_factor_is_asked_for_after_a_provider_too() {
    let (peer, app) = house().await;
    let ada = app.homeowner().await;
    let phone = app.switch_on_second_factor(&ada).await;
    peer.next(json!({ "sub": "ada", "email": ada.email, "email_verified": true })).await;
    let asked = exchange(&app, &code(&app, "").await).await;
    assert_eq!(asked.header("cache-control"), Some("no-store"));
    let asked = asked.expect(200);
    let fields: Vec<&str> = asked.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!(fields, ["challenge", "challengeExpiresAt", "secondFactorRequired"]);
    assert_eq!(app.database.count("identity.sessions"), 1);
    let answer = async |code: String| {
        let body = json!({ "challenge": asked["challenge"], "code": code });
        app.anyone().post("/api/auth/mfa/challenge", body).await
    };
    answer(phone.wrong_code(app.now())).await.problem(401, "wrong_code");
    let made = answer(phone.code(app.now())).await.expect(200);
    assert_eq!(made["user"]["id"], json!(ada.id));
    app.signed_in(&made, &ada.email, &ada.password).get("/api/auth/me").await.expect(200);
    assert_eq!(app.database.count("identity.sessions"), 2);
    // The question is answered, and the code is spent.
    answer(phone.recovery_codes[0].clone()).await.problem(401, "wrong_code");
}

#[actix_web::test]
async fn over_tls_the_cookie_belongs_to_the_host() {
    let peer = OpenIdPeer::start();
    let app = TestApp::start_with_oauth(peer.settings(), |config| {
        config.public_url = Some("https://api.example.org/".to_owned());
    })
    .await;
    let sent = Browser::default().open(&start_of(&app, "&userType=customer")).await;
    let cookie = sent.header("set-cookie").unwrap_or_default();
    assert!(cookie.starts_with("__Host-fairtrade-oauth=") && cookie.contains("; Path=/; "), "{cookie}");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let there = sent.header("location").unwrap_or_default();
    let callback = "https://api.example.org/api/auth/oauth/test/callback";
    assert_eq!(said(there, "redirect_uri").as_deref(), Some(callback));
}
