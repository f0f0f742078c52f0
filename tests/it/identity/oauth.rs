//! `/api/auth/oauth/…`: signing in at a provider. The provider is a real one, `oidc-provider`, and the browser a test's.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Browser, CLIENT, OpenIdPeer, PASSWORD, Person, TestApp, said, saying, unique_email};

use super::events;

const START: &str = "/api/auth/oauth/test";
const EXCHANGE: &str = "/api/auth/oauth/exchange";
const LINK: &str = "/api/auth/oauth/link";
const ME: &str = "/api/auth/me";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(super) async fn house() -> (OpenIdPeer, TestApp) {
    let peer = OpenIdPeer::start();
    let app = TestApp::start_with_oauth(peer.settings(), |_| {}).await;
    (peer, app)
}

/// Somebody at the provider, with an address of their own that the provider has verified.
pub(super) fn account(name: &str) -> Value {
    let email = unique_email(name);
    json!({ "sub": format!("{name}-at-the-provider"), "email": email, "email_verified": true, "name": "Edith Clarke" })
}

/// Where a client sends its browser.
pub(super) fn start_of(app: &TestApp, more: &str) -> String {
    format!("{}{START}?redirectUri={CLIENT}{more}", app.base())
}

/// Through the provider and back to the client: the address there.
pub(super) async fn sign_in(app: &TestApp, browser: &mut Browser, more: &str) -> String {
    browser.follow(&start_of(app, more), CLIENT).await
}

/// The one-use code of somebody who went through the provider.
pub(super) async fn code(app: &TestApp, more: &str) -> String {
    let back = sign_in(app, &mut Browser::default(), more).await;
    said(&back, "code").unwrap_or_else(|| panic!("no code: {back}"))
}

pub(super) async fn exchange(app: &TestApp, code: &str) -> Answer {
    app.anyone().post(EXCHANGE, json!({ "code": code })).await
}

/// Whoever signed in by that code.
async fn enter(app: &TestApp, code: &str, account: &Value) -> Person {
    let made = exchange(app, code).await.expect(200);
    app.signed_in(&made, account["email"].as_str().unwrap_or_default(), "")
}

/// To the provider's page and no further: where the provider sends the browser back to.
async fn come_back(app: &TestApp, browser: &mut Browser, more: &str) -> String {
    browser.follow(&start_of(app, more), &format!("{}{START}/callback", app.base())).await
}

#[actix_web::test]
async fn somebody_new_becomes_what_the_client_asked_for() {
    let (peer, app) = house().await;
    let edith = account("edith");
    peer.next(edith.clone()).await;
    let mut browser = Browser::default();

    let sent = browser.open(&start_of(&app, "&userType=contractor")).await;
    assert_eq!((sent.status, sent.header("cache-control")), (303, Some("no-store")));
    let cookie = sent.header("set-cookie").unwrap_or_default();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("Max-Age=600"), "{cookie}");
    let there = sent.header("location").unwrap_or_default().to_owned();
    assert!(there.starts_with(&format!("{}/auth?", peer.issuer())), "{there}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "fairtrade"),
        ("code_challenge_method", "S256"),
        ("scope", "openid email profile"),
    ] {
        assert_eq!(said(&there, name).as_deref(), Some(value), "{there}");
    }
    assert!(["state", "nonce", "code_challenge"].iter().all(|name| said(&there, name).is_some()), "{there}");

    let back = browser.follow(&there, CLIENT).await;
    assert_eq!(said(&back, "error"), None, "{back}");
    assert_eq!(browser.cookie(app.base(), "fairtrade-oauth"), None);
    assert_eq!(app.database.count("identity.people"), 0);
    let answer = exchange(&app, &said(&back, "code").unwrap_or_default()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let made = answer.expect(200);
    let person = app.signed_in(&made, edith["email"].as_str().unwrap_or_default(), "");
    let me = person.get(ME).await.expect(200);
    assert_eq!(me["user"]["role"], "CONTRACTOR");
    assert_eq!(me["user"]["email"], edith["email"]);
    assert_eq!((&me["user"]["name"], &me["user"]["emailVerified"]), (&json!("Edith Clarke"), &json!(true)));
    assert_eq!(app.database.count("identity.people WHERE password_hash IS NULL"), 1);
    assert_eq!(app.database.count("identity.contractor_profiles"), 1);
    assert_eq!(app.database.count("identity.external_identities WHERE subject = 'edith-at-the-provider'"), 1);
    assert_eq!(events(&app, "person.registered", &person), 1);
    // The provider has seen that mail reaches her: nobody has to prove it again.
    assert_eq!(events(&app, "email.verification_requested", &person), 0);
    assert_eq!(events(&app, "person.identity_linked", &person), 0);
}

#[actix_web::test]
async fn the_same_subject_is_the_same_person_whatever_their_address_is_by_now() {
    let (peer, app) = house().await;
    let edith = account("edith");
    peer.next(edith.clone()).await;
    let first = enter(&app, &code(&app, "&userType=customer").await, &edith).await;
    // The provider gave her old address to somebody else, and her another one.
    let mut renamed = edith.clone();
    renamed["email"] = json!(unique_email("edith-now"));
    peer.next(renamed.clone()).await;
    let again = enter(&app, &code(&app, "").await, &renamed).await;
    assert_eq!(again.id, first.id);
    assert_eq!(again.get(ME).await.expect(200)["user"]["email"], edith["email"]);
    let mut heir = edith.clone();
    heir["sub"] = json!("somebody-else");
    heir["email_verified"] = json!(false);
    peer.next(heir).await;
    exchange(&app, &code(&app, "&userType=customer").await).await.problem(409, "link_requires_password");
    assert_eq!(app.database.count("identity.people"), 1);
}

#[actix_web::test]
async fn who_came_by_a_provider_has_no_password_to_guess() {
    let (peer, app) = house().await;
    let edith = account("edith");
    peer.next(edith.clone()).await;
    enter(&app, &code(&app, "&userType=customer").await, &edith).await;
    for password in ["", " ", PASSWORD] {
        let form = json!({ "email": edith["email"], "password": password });
        let answer = app.anyone().post("/api/auth/login", form).await;
        assert_ne!(answer.status, 200, "{password:?}");
    }
    let form = json!({ "email": edith["email"], "password": PASSWORD, "userType": "customer" });
    app.anyone().post("/api/auth/register", form).await.problem(409, "email_in_use");
}

#[actix_web::test]
async fn an_address_that_both_sides_verified_joins_the_account() {
    let (peer, app) = house().await;
    let ada = app.homeowner().await;
    let at_provider = json!({ "sub": "ada", "email": ada.email.to_uppercase(), "email_verified": true });
    peer.next(at_provider.clone()).await;
    let entered = enter(&app, &code(&app, "&userType=contractor").await, &at_provider).await;
    assert_eq!(entered.id, ada.id);
    assert_eq!(entered.get(ME).await.expect(200)["user"]["role"], "HOMEOWNER");
    assert_eq!(app.database.count("identity.external_identities"), 1);
    assert_eq!(events(&app, "person.identity_linked", &ada), 1);
    app.settle().await;
    let mails = app.mails_to(&ada.email);
    assert!(mails.iter().any(|mail| mail.contains("way to sign in")), "{mails:#?}");
    // Her password goes on being one.
    app.sign_in(&ada.email, PASSWORD).await.get(ME).await.expect(200);
}

#[actix_web::test]
async fn an_address_that_one_side_did_not_verify_needs_the_password() {
    let (peer, app) = house().await;
    let newcomer = app.newcomer("homeowner", "Ada Lovelace").await;
    let settled = app.homeowner().await;
    for (person, verified_there) in [(&newcomer, true), (&newcomer, false), (&settled, false)] {
        peer.next(json!({ "sub": person.id, "email": person.email, "email_verified": verified_there })).await;
        let answer = exchange(&app, &code(&app, "&userType=customer").await).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let problem = answer.problem(409, "link_requires_password");
        assert!(problem["linkTicket"].is_string(), "{problem}");
        assert!(problem.get("accessToken").is_none());
    }
    assert_eq!(app.database.count("identity.external_identities"), 0);
    assert_eq!(app.database.count("identity.sessions"), 2);

    // The ticket signs nobody in; with the password it joins.
    let ticket = exchange(&app, &code(&app, "").await).await.json["linkTicket"].clone();
    let body = json!({ "code": ticket });
    app.anyone().post(EXCHANGE, body.clone()).await.faults(&["/code"]);
    let signed_in = app.sign_in(&settled.email, PASSWORD).await;
    let linked = signed_in.post(LINK, body.clone()).await.expect(200);
    assert_eq!((&linked["provider"], &linked["displayName"]), (&json!("test"), &json!("The Test")));
    signed_in.post(LINK, body).await.faults(&["/code"]);
    assert_eq!(events(&app, "person.identity_linked", &settled), 1);
    let entered = exchange(&app, &code(&app, "").await).await.expect(200);
    assert_eq!(entered["user"]["id"], json!(settled.id));
}

#[actix_web::test]
async fn a_ticket_to_link_is_good_for_ten_minutes() {
    let (peer, app) = house().await;
    let ada = app.homeowner().await;
    peer.next(json!({ "sub": "ada", "email": ada.email, "email_verified": false })).await;
    let ticket = exchange(&app, &code(&app, "").await).await.json["linkTicket"].clone();
    app.clock.advance(10 * MINUTE + SECOND);
    ada.post(LINK, json!({ "code": ticket })).await.faults(&["/code"]);
    assert_eq!(app.database.count("identity.external_identities"), 0);
}

#[actix_web::test]
async fn an_administrators_account_is_not_opened_by_an_address() {
    let (peer, app) = house().await;
    let admin = app.admin().await;
    peer.next(json!({ "sub": "root", "email": admin.email, "email_verified": true })).await;
    let problem = exchange(&app, &code(&app, "").await).await.problem(409, "link_requires_password");
    admin.post(LINK, json!({ "code": problem["linkTicket"] })).await.expect(200);
    let entered = exchange(&app, &code(&app, "").await).await.expect(200);
    assert_eq!(entered["user"]["id"], json!(admin.id));
}

#[actix_web::test]
async fn somebody_signed_in_links_a_provider_of_another_address() {
    let (peer, app) = house().await;
    let ada = app.homeowner().await;
    let at_provider = account("elsewhere");
    peer.next(at_provider.clone()).await;
    let body = json!({ "code": code(&app, "").await });
    let first = ada.post(LINK, body).await.expect(200);
    assert_eq!(events(&app, "person.identity_linked", &ada), 1);
    let identities = ada.get(ME).await.expect(200)["identities"].clone();
    assert_eq!(identities, json!([first]));
    // Again changes nothing.
    let again = ada.post(LINK, json!({ "code": code(&app, "").await })).await.expect(200);
    assert_eq!(again, first);
    assert_eq!(app.database.count("identity.external_identities"), 1);
    assert_eq!(events(&app, "person.identity_linked", &ada), 1);
    assert_eq!(enter(&app, &code(&app, "&userType=customer").await, &at_provider).await.id, ada.id);

    // It is one person's only.
    let bob = app.contractor().await;
    assert_eq!(bob.get(ME).await.expect(200)["identities"], json!([]));
    let taken = bob.post(LINK, json!({ "code": code(&app, "").await })).await;
    taken.problem(409, "identity_in_use");
    let anyone = app.anyone();
    anyone.post(LINK, json!({ "code": "x" })).await.problem(401, "unauthenticated");
    assert_eq!(app.database.count("identity.external_identities"), 1);
}

#[actix_web::test]
async fn an_account_of_an_unproved_address_gets_no_second_way_in() {
    let (peer, app) = house().await;
    // Mallory registered with Ada's address and keeps a door open.
    let mallory = app.newcomer("homeowner", "Ada Lovelace").await;
    peer.next(json!({ "sub": "mallory", "email": "mallory@example.org", "email_verified": true })).await;
    let refused = mallory.post(LINK, json!({ "code": code(&app, "").await })).await;
    refused.problem(403, "email_unverified");
    peer.next(json!({ "sub": "mallory", "email": mallory.email, "email_verified": false })).await;
    let refused = mallory.post(LINK, json!({ "code": code(&app, "").await })).await;
    refused.problem(403, "email_unverified");
    assert_eq!(app.database.count("identity.external_identities"), 0);
    // A provider that vouches for the very address proves it.
    peer.next(json!({ "sub": "ada", "email": mallory.email, "email_verified": true })).await;
    mallory.post(LINK, json!({ "code": code(&app, "").await })).await.expect(200);
    assert_eq!(mallory.get(ME).await.expect(200)["user"]["emailVerified"], true);
}

#[actix_web::test]
async fn who_came_by_a_provider_sets_a_password_by_mail() {
    let (peer, app) = house().await;
    let mut edith = account("edith");
    edith["email_verified"] = json!(false);
    peer.next(edith.clone()).await;
    let person = enter(&app, &code(&app, "&userType=customer").await, &edith).await;
    let change = json!({ "currentPassword": "", "newPassword": PASSWORD });
    person.post("/api/auth/change-password", change).await.faults(&["/currentPassword"]);
    let form = json!({ "currentPassword": PASSWORD, "newPassword": "another-mural-98-heron" });
    let problem = person.post("/api/auth/change-password", form).await.faults(&["/currentPassword"]);
    assert_eq!(problem["errors"][0]["code"], "no_password", "{problem}");
    let problem =
        person.post("/api/auth/step-up", json!({ "password": PASSWORD })).await.faults(&["/password"]);
    assert_eq!(problem["errors"][0]["code"], "no_password", "{problem}");

    app.anyone().post("/api/auth/forgot-password", json!({ "email": edith["email"] })).await.expect(202);
    app.settle().await;
    let reset = json!({ "token": app.mailed_token(&person), "password": PASSWORD });
    let reset = app.anyone().post("/api/auth/reset-password", reset).await;
    assert!(reset.status < 300, "{}", reset.text());
    app.sign_in(&person.email, PASSWORD).await.get(ME).await.expect(200);
    // Nobody had proved the address before: whoever made the account is not let in by the provider any more.
    assert_eq!(app.database.count("identity.external_identities"), 0);
    exchange(&app, &code(&app, "").await).await.problem(409, "link_requires_password");
}

#[actix_web::test]
async fn a_new_password_by_mail_takes_every_other_way_in_away() {
    let (peer, app) = house().await;
    let ada = app.homeowner().await;
    // Somebody with her session links an account of theirs.
    let thief = account("mallory");
    peer.next(thief.clone()).await;
    ada.post(LINK, json!({ "code": code(&app, "").await })).await.expect(200);
    app.anyone().post("/api/auth/forgot-password", json!({ "email": ada.email })).await.expect(202);
    app.settle().await;
    let reset = json!({ "token": app.mailed_token(&ada), "password": "other-mural-98-kestrel" });
    app.anyone().post("/api/auth/reset-password", reset).await.expect(204);
    assert_eq!(app.database.count("identity.external_identities"), 0);
    let ada = app.sign_in(&ada.email, "other-mural-98-kestrel").await;
    assert_eq!(ada.get(ME).await.expect(200)["identities"], json!([]));
    exchange(&app, &code(&app, "").await).await.problem(409, "user_type_missing");
    // Her own, at her address, joins by itself.
    peer.next(json!({ "sub": "ada", "email": ada.email, "email_verified": true })).await;
    assert_eq!(exchange(&app, &code(&app, "").await).await.expect(200)["user"]["id"], json!(ada.id));
}

#[actix_web::test]
async fn nobody_has_more_than_ten_identities() {
    let (peer, app) = house().await;
    let ada = app.homeowner().await;
    for index in 0..11 {
        peer.next(json!({ "sub": format!("ada-{index}") })).await;
        let answer = ada.post(LINK, json!({ "code": code(&app, "").await })).await;
        if index < 10 { drop(answer.expect(200)) } else { drop(answer.problem(409, "too_many_identities")) }
    }
    assert_eq!(app.database.count("identity.external_identities"), 10);
}

#[actix_web::test]
async fn a_state_is_good_only_in_the_browser_that_began() {
    let (peer, app) = house().await;
    peer.next(account("mallory")).await;
    let mut mallory = Browser::default();
    let callback = come_back(&app, &mut mallory, "&userType=customer").await;
    // Mallory sends Ada's browser to where she would have come back to: Ada would be signed in as Mallory.
    let mut ada = Browser::default();
    ada.open(&callback).await.problem(400, "invalid_request");
    ada.open(&start_of(&app, "&userType=customer")).await;
    ada.open(&callback).await.problem(400, "invalid_request");
    let forged = mallory.open(&saying(&callback, "state", &"A".repeat(43))).await;
    let problem = forged.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "?state", "{problem}");
    assert_eq!(app.database.count("identity.oauth_tickets"), 0);
    // None of that spoiled it for the browser whose it is.
    assert!(said(&mallory.follow(&callback, CLIENT).await, "code").is_some());
}

#[actix_web::test]
async fn coming_back_twice_is_coming_back_once() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let mut browser = Browser::default();
    let callback = come_back(&app, &mut browser, "&userType=customer").await;
    let cookie = browser.cookie(app.base(), "fairtrade-oauth").unwrap_or_default();
    let keeps_it =
        |request: reqwest::RequestBuilder| request.header("cookie", format!("fairtrade-oauth={cookie}"));
    let path = callback.strip_prefix(app.base()).unwrap_or_default().to_owned();
    let visits = (0..8).map(|_| visit(&callback, &cookie));
    let statuses = futures_util::future::join_all(visits).await;
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    app.anyone().send(Method::GET, &path, keeps_it).await.problem(400, "invalid_request");
    assert_eq!(app.database.count("identity.oauth_tickets"), 1);
    assert_eq!(app.database.count("identity.oauth_attempts WHERE used_at IS NOT NULL"), 1);
}

/// Opens an address with that cookie, and goes nowhere.
async fn visit(address: &str, cookie: &str) -> u16 {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let request =
        client.map(|client| client.get(address).header("cookie", format!("fairtrade-oauth={cookie}")));
    match request {
        Ok(request) => request.send().await.map_or(0, |response| response.status().as_u16()),
        Err(_) => 0,
    }
}

#[actix_web::test]
async fn a_code_is_good_once_and_for_a_minute() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let first = code(&app, "&userType=customer").await;
    let tries = (0..8).map(|_| exchange(&app, &first));
    let answers = futures_util::future::join_all(tries).await;
    let told = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((told(200), told(422)), (1, 7), "{answers:?}");
    exchange(&app, &first).await.faults(&["/code"]);
    assert_eq!(app.database.count("identity.sessions"), 1);

    let late = code(&app, "").await;
    app.clock.advance(MINUTE + SECOND);
    exchange(&app, &late).await.faults(&["/code"]);
    assert_eq!(app.database.count("identity.sessions"), 1);
}

#[actix_web::test]
async fn two_first_sign_ins_at_once_make_one_account() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let codes = [code(&app, "&userType=customer").await, code(&app, "&userType=customer").await];
    let answers = futures_util::future::join_all(codes.iter().map(|code| exchange(&app, code))).await;
    let made: Vec<Value> = answers.into_iter().map(|answer| answer.expect(200)).collect();
    assert_eq!(made[0]["user"]["id"], made[1]["user"]["id"]);
    assert_eq!(app.database.count("identity.people"), 1);
    assert_eq!(app.database.count("identity.external_identities"), 1);
}

#[actix_web::test]
async fn a_client_that_gave_a_challenge_has_to_know_what_it_was_made_of() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let more = format!("&userType=customer&codeChallenge={CHALLENGE}");
    let wrong = [json!({}), json!({ "codeVerifier": "another".repeat(7) })];
    for extra in wrong {
        let code = code(&app, &more).await;
        let mut body = json!({ "code": code });
        body.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap_or_default());
        app.anyone().post(EXCHANGE, body).await.faults(&["/codeVerifier"]);
        // One guess is all there is.
        let right = json!({ "code": code, "codeVerifier": VERIFIER });
        app.anyone().post(EXCHANGE, right).await.faults(&["/code"]);
    }
    let unasked = json!({ "code": code(&app, "&userType=customer").await, "codeVerifier": VERIFIER });
    app.anyone().post(EXCHANGE, unasked).await.faults(&["/codeVerifier"]);
    assert_eq!(app.database.count("identity.sessions"), 0);
    let right = json!({ "code": code(&app, &more).await, "codeVerifier": VERIFIER });
    app.anyone().post(EXCHANGE, right).await.expect(200);
}

#[actix_web::test]
async fn who_takes_too_long_starts_again() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    let mut browser = Browser::default();
    let callback = come_back(&app, &mut browser, "&userType=customer").await;
    app.clock.advance(10 * MINUTE + SECOND);
    let back = browser.follow(&callback, CLIENT).await;
    assert_eq!(said(&back, "error").as_deref(), Some("expired"), "{back}");
    assert_eq!(app.database.count("identity.oauth_tickets"), 0);
}

#[actix_web::test]
async fn suspended_people_do_not_get_in_by_a_provider() {
    let (peer, app) = house().await;
    let edith = account("edith");
    peer.next(edith.clone()).await;
    let person = enter(&app, &code(&app, "&userType=customer").await, &edith).await;
    app.suspend(&person);
    exchange(&app, &code(&app, "").await).await.problem(403, "suspended");
    // Nor by an address that would join them.
    let bob = app.contractor().await;
    app.suspend(&bob);
    peer.next(json!({ "sub": "bob", "email": bob.email, "email_verified": true })).await;
    exchange(&app, &code(&app, "").await).await.problem(403, "suspended");
    assert_eq!(app.database.count("identity.external_identities"), 1);
    assert_eq!(app.database.count("identity.sessions"), 2);
}

#[actix_web::test]
async fn nobody_is_made_who_did_not_ask_or_has_no_address() {
    let (peer, app) = house().await;
    peer.next(account("edith")).await;
    exchange(&app, &code(&app, "").await).await.problem(409, "user_type_missing");
    for address in [json!(null), json!("nobody"), json!("nobody@localhost")] {
        peer.next(json!({ "sub": "edith", "email": address, "email_verified": true })).await;
        let more = "&userType=customer";
        exchange(&app, &code(&app, more).await).await.problem(409, "provider_email_missing");
    }
    assert_eq!(app.database.count("identity.people"), 0);
    // An address that the provider did not verify is verified by us, as anybody's.
    let mut unverified = account("edith");
    unverified["email_verified"] = json!(false);
    peer.next(unverified.clone()).await;
    let person = enter(&app, &code(&app, "&userType=homeowner").await, &unverified).await;
    assert_eq!(person.get(ME).await.expect(200)["user"]["emailVerified"], false);
    assert_eq!(events(&app, "email.verification_requested", &person), 1);
}

#[actix_web::test]
async fn a_client_is_sent_back_only_to_where_the_operator_allows() {
    let (_peer, app) = house().await;
    let anyone = app.anyone();
    let start = |query: &str| format!("{START}?{query}");
    for (query, pointers) in [
        ("redirectUri=https://evil.example/", vec!["?redirectUri"]),
        ("redirectUri=http://127.0.0.1:9/signed-in/", vec!["?redirectUri"]),
        ("redirectUri=http://127.0.0.1:9/signed-in&userType=admin", vec!["?userType"]),
        ("redirectUri=http://127.0.0.1:9/signed-in&codeChallenge=short", vec!["?codeChallenge"]),
        ("userType=customer", vec!["?redirectUri"]),
        ("redirectUri=http://127.0.0.1:9/signed-in&next=/", vec!["?next"]),
    ] {
        let answer = anyone.get(&start(query)).await;
        let problem = answer.problem(400, "invalid_request");
        let named: Vec<_> =
            problem["errors"].as_array().into_iter().flatten().map(|f| f["pointer"].clone()).collect();
        assert_eq!(named, pointers, "{query}");
    }
    let unknown = format!("/api/auth/oauth/nobody?redirectUri={CLIENT}");
    anyone.get(&unknown).await.problem(404, "not_found");
    anyone.get("/api/auth/oauth/nobody/callback?state=x&code=y").await.problem(404, "not_found");
    anyone.get(&format!("{START}/callback")).await.problem(400, "invalid_request");
    anyone.get(&format!("{START}/callback?state=x")).await.problem(400, "invalid_request");
    assert_eq!(app.database.count("identity.oauth_attempts"), 0);
}

#[actix_web::test]
async fn exchanging_and_linking_take_a_code_and_nothing_else() {
    let (_peer, app) = house().await;
    let (anyone, ada) = (app.anyone(), app.homeowner().await);
    for (person, path) in [(&anyone, EXCHANGE), (&ada, LINK)] {
        person.post(path, json!({})).await.faults(&["/code"]);
        person.post(path, json!({ "code": "" })).await.faults(&["/code"]);
        person.post(path, json!({ "code": 1, "token": "x" })).await.faults(&["/code", "/token"]);
        person.post(path, json!({ "code": "made-up" })).await.faults(&["/code"]);
        person.post(path, json!({ "code": "a".repeat(1_025) })).await.faults(&["/code"]);
        person.post_empty(path).await.problem(400, "not_json");
    }
    assert_eq!(app.database.count("identity.external_identities"), 0);
}

#[actix_web::test]
async fn what_is_kept_meanwhile_tells_nothing() {
    let (peer, app) = house().await;
    let edith = account("edith");
    peer.next(edith.clone()).await;
    let mut browser = Browser::default();
    let there = browser.open(&start_of(&app, "&userType=customer")).await;
    let there = there.header("location").unwrap_or_default().to_owned();
    let cookie = browser.cookie(app.base(), "fairtrade-oauth").unwrap_or_default();
    let back = browser.follow(&there, CLIENT).await;
    let secrets = [
        said(&there, "state").unwrap_or_default(),
        said(&there, "nonce").unwrap_or_default(),
        cookie,
        said(&back, "code").unwrap_or_default(),
        edith["email"].as_str().unwrap_or_default().to_owned(),
        "edith-at-the-provider".to_owned(),
        "Edith".to_owned(),
    ];
    for secret in secrets {
        assert!(!secret.is_empty());
        for table in ["oauth_attempts", "oauth_tickets"] {
            let told = format!(
                "identity.{table} t WHERE strpos(t::text, '{secret}') > 0 OR strpos(t::text, encode('{secret}', 'hex')) > 0"
            );
            assert_eq!(app.database.count(&told), 0, "{table} tells {secret}");
        }
    }
    assert_eq!(app.database.count("identity.oauth_tickets"), 1);
}
