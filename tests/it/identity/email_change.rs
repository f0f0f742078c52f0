//! Another e-mail address: asked for with the profile, proved with `verify-email`, and only then the account's.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Person, TestApp, unique_email};

use super::{assert_alike, events};

const PROFILE: &str = "/api/users/profile";

async fn wish(person: &Person, email: &str) -> Answer {
    person.patch(PROFILE, json!({ "email": email })).await
}

/// The token from the newest mail to this address.
async fn token(app: &TestApp, person: &Person, email: &str) -> String {
    app.settle().await;
    let mut there = person.clone();
    email.clone_into(&mut there.email);
    app.mailed_token(&there)
}

async fn prove(app: &TestApp, token: &str) -> Answer {
    app.anyone().post("/api/auth/verify-email", json!({ "token": token })).await
}

async fn login(app: &TestApp, person: &Person, email: &str) -> Answer {
    app.anyone().post("/api/auth/login", json!({ "email": email, "password": person.password })).await
}

#[actix_web::test]
async fn another_address_counts_once_it_is_proved() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (old, new) = (ada.email.clone(), format!("New.{}", unique_email("ada")));
    let before = ada.get(PROFILE).await;
    app.step_up(&ada).await;
    let wished = wish(&ada, &new).await;
    assert_ne!(wished.header("etag"), before.header("etag"));
    let wished = wished.expect(200);
    assert_eq!((&wished["user"]["email"], &wished["pendingEmail"]), (&json!(old), &json!(new)));
    assert_eq!(wished["user"]["emailVerified"], true);
    assert_eq!(ada.get(PROFILE).await.expect(200), wished);
    // Until then the old one signs in, and the new one does not.
    login(&app, &ada, &old).await.expect(200);
    login(&app, &ada, &new).await.problem(401, "wrong_credentials");

    let token = token(&app, &ada, &new).await;
    // The old one is told, and does not get the token.
    let letters = app.mails_to(&old);
    assert!(letters.iter().any(|letter| letter.contains("Another e-mail address was given")), "{letters:?}");
    assert!(!letters.iter().any(|letter| letter.contains(&token)), "{letters:?}");

    let proved = prove(&app, &token).await.expect(200);
    assert_eq!((&proved["email"], &proved["emailVerified"]), (&json!(new), &json!(true)));
    let after = ada.get(PROFILE).await.expect(200);
    assert_eq!((&after["user"]["email"], &after["pendingEmail"]), (&json!(new), &Value::Null));
    login(&app, &ada, &new.to_uppercase()).await.expect(200);
    login(&app, &ada, &old).await.problem(401, "wrong_credentials");
    assert_eq!(
        app.database
            .count(&format!("identity.people WHERE email = '{new}' AND email_canonical = lower('{new}')")),
        1
    );
    for name in ["email.change_requested", "email.change_announced", "email.changed"] {
        assert_eq!(events(&app, name, &ada), 1, "{name}");
    }
    assert_eq!(app.database.count("outbox.events WHERE data::text LIKE '%@%'"), 0);
    // The former address hears of that too; the token is spent.
    app.settle().await;
    assert!(app.mails_to(&old).iter().any(|letter| letter.contains("was changed")));
    prove(&app, &token).await.faults(&["/token"]);
    // The former address is free for somebody else.
    let form = json!({ "email": old, "password": tests::PASSWORD, "userType": "customer" });
    app.anyone().post("/api/auth/register", form).await.expect(201);
}

#[actix_web::test]
async fn another_wish_takes_the_place_of_the_first() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (first, second) = (unique_email("first"), unique_email("second"));
    app.step_up(&ada).await;
    wish(&ada, &first).await.expect(200);
    let stale = token(&app, &ada, &first).await;
    let wished = wish(&ada, &second).await.expect(200);
    assert_eq!(wished["pendingEmail"], json!(second));
    prove(&app, &stale).await.faults(&["/token"]);
    let good = token(&app, &ada, &second).await;
    // The present address takes it back, however it is written; that needs no proof of who it is.
    app.clock.advance(Duration::from_secs(600));
    let taken_back = wish(&ada, &ada.email.to_uppercase()).await.expect(200);
    assert_eq!(taken_back["pendingEmail"], Value::Null);
    assert_eq!(taken_back["user"]["email"], json!(ada.email.to_uppercase()));
    prove(&app, &good).await.faults(&["/token"]);
    assert_eq!(app.database.count("identity.email_changes"), 0);
    assert_eq!(events(&app, "email.changed", &ada), 0);
    // Asking for what one has changes nothing.
    let tag = ada.get(PROFILE).await.header("etag").map(str::to_owned);
    let same = wish(&ada, &ada.email.to_uppercase()).await;
    assert_eq!(same.header("etag").map(str::to_owned), tag);
}

#[actix_web::test]
async fn nobody_learns_here_who_has_an_account() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.homeowner().await);
    let (known, unknown) = (ada.email.clone(), unique_email("nobody"));
    let (one, other) = (app.homeowner().await, app.homeowner().await);
    for person in [&one, &other, &eve] {
        app.step_up(person).await;
    }
    let (mut of_known, mut of_unknown) = (wish(&one, &known).await, wish(&other, &unknown).await);
    for (answer, person) in [(&mut of_known, &one), (&mut of_unknown, &other)] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        for field in ["id", "partyId", "email", "createdAt"] {
            answer.json["user"][field] = Value::Null;
        }
        (answer.json["pendingEmail"], answer.json["updatedAt"]) = (Value::Null, Value::Null);
        for header in ["etag", "content-length"] {
            answer.headers.remove(header);
        }
        assert_eq!(events(&app, "email.change_requested", person), 1);
    }
    assert_alike(&of_known, &of_unknown);
    // Whoever reads that mailbox may learn that it has an account; the address stays with it.
    let taken = token(&app, &one, &known).await;
    prove(&app, &taken).await.problem(409, "email_in_use");
    assert_eq!(app.database.count(&format!("identity.people WHERE email = '{known}'")), 1);
    assert_eq!(one.get(PROFILE).await.expect(200)["user"]["email"], json!(one.email));

    // Of two who prove the same address, the first gets it.
    let wanted = unique_email("wanted");
    for person in [&other, &eve] {
        wish(person, &wanted).await.expect(200);
    }
    app.settle().await;
    let tokens: Vec<String> = app
        .mails_to(&wanted)
        .iter()
        .filter_map(|mail| {
            mail.lines()
                .map(str::trim)
                .find(|line| line.len() == 43 && !line.contains(' '))
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(tokens.len(), 2);
    let answers = futures_util::future::join_all(tokens.iter().map(|token| prove(&app, token))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(app.database.count(&format!("identity.people WHERE email = '{wanted}'")), 1);
}

#[actix_web::test]
async fn an_address_that_was_mistyped_when_registering_is_put_right() {
    let app = TestApp::start().await;
    let nina = app.newcomer("customer", "Nina New").await;
    let right = unique_email("right");
    app.step_up(&nina).await;
    wish(&nina, &right).await.expect(200);
    let good = token(&app, &nina, &right).await;
    let of_the_old = app.mailed_token(&nina);
    prove(&app, &good).await.expect(200);
    let me = nina.get("/api/auth/me").await.expect(200);
    assert_eq!((&me["user"]["email"], &me["user"]["emailVerified"]), (&json!(right), &json!(true)));
    // An address that nobody has proved gets no news; its own token proves nothing any more.
    assert!(!app.mails_to(&nina.email).iter().any(|letter| letter.contains("Another e-mail address")));
    prove(&app, &of_the_old).await.faults(&["/token"]);
}

#[actix_web::test]
async fn a_wish_is_good_for_two_days_and_few_are_heard() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let most = app.platform.queries().identity.settings().mail_requests_max;
    app.step_up(&ada).await;
    for _ in 0..most {
        wish(&ada, &unique_email("many")).await.expect(200);
    }
    let refused = wish(&ada, &unique_email("many")).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "too_many_mails");
    // What else is in the same change is not made either.
    let with_name = json!({ "email": unique_email("many"), "name": "Ada King" });
    ada.patch(PROFILE, with_name).await.problem(429, "too_many_mails");
    assert_eq!(ada.get(PROFILE).await.expect(200)["user"]["name"], "Ada Lovelace");
    app.clock.advance(Duration::from_secs(2 * 3600));
    app.step_up(&ada).await;
    let new = unique_email("late");
    wish(&ada, &new).await.expect(200);
    let late = token(&app, &ada, &new).await;
    app.clock.advance(Duration::from_secs(48 * 3600));
    prove(&app, &late).await.faults(&["/token"]);
    assert_eq!(events(&app, "email.changed", &ada), 0);
}

#[actix_web::test]
async fn a_session_alone_changes_no_address() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let theirs = unique_email("theirs");
    wish(&ada, &theirs).await.problem(403, "step_up_required");
    ada.patch(PROFILE, json!({ "email": theirs, "name": "Ada King" })).await.problem(403, "step_up_required");
    assert_eq!(ada.get(PROFILE).await.expect(200)["user"]["name"], "Ada Lovelace");
    assert_eq!(app.database.count("identity.email_changes"), 0);
    assert_eq!(
        events(&app, "email.change_requested", &ada) + events(&app, "email.change_announced", &ada),
        0
    );
    // Everything else, and the address that it is anyhow, takes none.
    let same = json!({ "email": ada.email, "name": "Ada King" });
    assert_eq!(ada.patch(PROFILE, same).await.expect(200)["user"]["name"], "Ada King");
    // The proof of one session is none of another.
    let elsewhere = app.sign_in(&ada.email, tests::PASSWORD).await;
    app.step_up(&ada).await;
    wish(&elsewhere, &theirs).await.problem(403, "step_up_required");
    assert_eq!(wish(&ada, &theirs).await.expect(200)["pendingEmail"], json!(theirs));
}

#[actix_web::test]
async fn a_wish_is_written_as_an_address_by_somebody_signed_in() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for bad in ["ada", "ada@localhost", "a b@example.com", "a\u{200b}da@example.com", "   "] {
        wish(&ada, bad).await.faults(&["/email"]);
    }
    ada.patch(PROFILE, json!({ "email": null })).await.faults(&["/email"]);
    wish(&ada.signed_out(), &unique_email("x")).await.problem(401, "unauthenticated");
    assert_eq!(app.database.count("identity.email_changes"), 0);
    app.suspend(&ada);
    wish(&ada, &unique_email("x")).await.problem(401, "signed_out");
    for nothing in ["", "made-up", &"A".repeat(43)] {
        assert!(matches!(prove(&app, nothing).await.status, 422), "{nothing}");
    }
}

#[actix_web::test]
async fn whoever_resets_the_password_takes_the_wish_back() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let theirs = unique_email("theirs");
    app.step_up(&ada).await;
    wish(&ada, &theirs).await.expect(200);
    let stolen = token(&app, &ada, &theirs).await;
    app.anyone().post("/api/auth/forgot-password", json!({ "email": ada.email })).await;
    app.settle().await;
    let reset = json!({ "token": app.mailed_token(&ada), "password": "other-mural-98-kestrel" });
    let answer = app.anyone().post("/api/auth/reset-password", reset).await;
    assert!(answer.status < 300, "{}", answer.text());
    prove(&app, &stolen).await.faults(&["/token"]);
    assert_eq!(app.database.count("identity.email_changes WHERE completed_at IS NULL"), 0);
}

#[actix_web::test]
async fn whoever_changes_the_password_takes_the_wish_back() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let theirs = unique_email("theirs");
    app.step_up(&ada).await;
    wish(&ada, &theirs).await.expect(200);
    let stolen = token(&app, &ada, &theirs).await;
    let change = json!({ "currentPassword": tests::PASSWORD, "newPassword": "other-mural-98-kestrel" });
    let answer = ada.post("/api/auth/change-password", change).await;
    assert!(answer.status < 300, "{}", answer.text());
    assert_eq!(ada.get(PROFILE).await.expect(200)["pendingEmail"], Value::Null);
    prove(&app, &stolen).await.faults(&["/token"]);
    assert_eq!(events(&app, "email.changed", &ada), 0);
}
