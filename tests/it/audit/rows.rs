//! Which calls leave a row.

use serde_json::{Value, json};
use tests::{TestApp, papers};

use super::{rows, rows_in_time};

#[actix_web::test]
async fn from_registering_to_signing_out_each_call_leaves_one_row_under_the_persons_name() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada").await;
    let again = app.sign_in(&ada.email, &ada.password).await;
    let body = json!({ "refreshToken": again.refresh_token });
    let refreshed = app.anyone().post("/api/auth/refresh", body).await.expect(200);
    let last = app.signed_in(&refreshed, &ada.email, &ada.password);
    let _ = last.post_empty("/api/auth/logout").await.expect(204);
    let party = kernel::id::parse_any(&ada.party).unwrap();
    let found = rows(&app, &format!("actor_party = '{party}'"));
    let actions: Vec<&str> = found.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["register", "login", "refresh", "logout"]);
    assert!(found.iter().all(|row| row.outcome == "DONE" && row.actor_kind == "PERSON"), "{found:#?}");
    let of_session = |row: &super::Row| row.changes.to_string().contains("session");
    assert!(of_session(&found[0]) && of_session(&found[1]) && of_session(&found[3]), "{found:#?}");
    // Neither what was sent nor what was answered is in any row.
    let all = format!("{:?}", rows(&app, "true"));
    for secret in [&ada.email, &ada.password, last.refresh_token.as_ref().unwrap(), &"Ada\"".to_owned()] {
        assert!(!all.contains(secret.as_str()), "{secret}");
    }
}

#[actix_web::test]
async fn a_spent_refresh_token_that_comes_again_is_in_the_trail() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada").await;
    let spent = json!({ "refreshToken": ada.refresh_token });
    app.anyone().post("/api/auth/refresh", spent.clone()).await.expect(200);
    app.clock.advance(std::time::Duration::from_secs(60));
    let _ = app.anyone().post("/api/auth/refresh", spent).await.problem(401, "invalid_refresh_token");
    let ended = rows(&app, "action = 'refresh' AND changes::text LIKE '%TOKEN_REUSE%'");
    assert_eq!((ended.len(), ended[0].changes[0]["before"]["state"].as_str()), (1, Some("LIVE")));
    let refused = rows_in_time(&app, "action = 'refresh' AND outcome = 'REFUSED'", 1).await;
    assert_eq!(refused[0].refusal.as_deref(), Some("invalid_refresh_token"));
}

#[actix_web::test]
async fn a_sign_in_that_fails_leaves_a_refusal_and_no_deed() {
    let app = TestApp::start().await;
    let ada = app.newcomer("homeowner", "Ada").await;
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let form = json!({ "email": email, "password": "not-the-password-17" });
        let _ = app.anyone().post("/api/auth/login", form).await.problem(401, "wrong_credentials");
    }
    let refused = rows_in_time(&app, "action = 'login'", 2).await;
    assert_eq!(refused.len(), 2);
    // Known and unknown leave the same.
    for row in &refused {
        assert_eq!((row.outcome.as_str(), row.actor_kind.as_str(), row.times), ("REFUSED", "ANYONE", 1));
        assert_eq!(
            (row.refusal.as_deref(), row.objects.as_str(), &row.changes),
            (Some("wrong_credentials"), "", &json!([]))
        );
    }
}

#[actix_web::test]
async fn a_call_that_fails_or_is_answered_from_memory_leaves_none() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    let key = "one-and-the-same-key";
    let path = "/api/contractors/verification";
    let first = bob.post_keyed(path, key, papers()).await;
    let status = first.status;
    assert!((200..300).contains(&status), "{}", first.text());
    let again = bob.post_keyed(path, key, papers()).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed").is_some() || again.bytes == first.bytes),
        (status, true)
    );
    let _ = bob.post(path, json!({ "licences": [] })).await;
    assert_eq!(rows(&app, "action = 'submitVerification'").len(), 1);
}

#[actix_web::test]
async fn money_that_moves_is_told_with_its_states_and_amounts() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let kinds = |kind: &str| {
        let found = rows(&app, &format!("changes @> '[{{\"kind\": \"{kind}\"}}]'"));
        found
            .into_iter()
            .flat_map(|row| row.changes.as_array().cloned().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    let went = |kind: &str, from: Value, to: &str| {
        kinds(kind).iter().any(|change| change["before"]["status"] == from && change["after"]["status"] == to)
    };
    assert!(went("job", Value::Null, "OPEN") || went("job", json!("DRAFT"), "OPEN"));
    assert!(went("job", json!("OPEN"), "AWARDED") && went("bid", json!("SUBMITTED"), "ACCEPTED"));
    assert!(went("contract", Value::Null, "PENDING_SIGNATURES"));
    assert!(went("contract", json!("PENDING_SIGNATURES"), "ACTIVE"));
    assert!(went("escrow", Value::Null, "ACTIVE"));
    assert!(went("payment", Value::Null, "REQUIRES_CONFIRMATION"));
    assert!(went("payment", json!("REQUIRES_CONFIRMATION"), "SUCCEEDED"));
    for (from, to) in [
        ("PENDING", "FUNDED"),
        ("FUNDED", "IN_PROGRESS"),
        ("IN_PROGRESS", "SUBMITTED"),
        ("SUBMITTED", "APPROVED"),
        ("APPROVED", "RELEASED"),
    ] {
        assert!(went("milestone", json!(from), to), "{from} {to}");
    }
    assert!(went("contract", json!("ACTIVE"), "COMPLETED") && went("job", json!("IN_PROGRESS"), "COMPLETED"));
    let released = kinds("escrow").into_iter().filter(|change| change["after"]["part"].is_i64()).count();
    assert!(released > 0, "{}", deal.contract);
    app.settle().await;
    // The payout is nobody's call: a task made it.
    let paid = rows(&app, "changes @> '[{\"kind\": \"payout\"}]'");
    assert!(
        paid.iter().all(|row| row.actor_kind == "SYSTEM" && row.action == "escrow.send_payout"),
        "{paid:#?}"
    );
    assert!(!paid.is_empty());
    assert!(platform_says_whole(&app));
}

fn platform_says_whole(app: &TestApp) -> bool {
    app.platform.queries().audit.verify(None).unwrap().is_whole()
}
