//! `GET /api/admin/audit`.

use serde_json::{Value, json};
use tests::TestApp;

use super::{TRAIL, rows, rows_in_time};

fn actions(page: &Value) -> Vec<&str> {
    let all = page["data"].as_array().into_iter().flatten();
    all.filter_map(|row| row["action"].as_str()).collect()
}

#[actix_web::test]
async fn an_administrator_reads_who_did_what_to_what_from_where() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.homeowner().await);
    let name = json!({ "name": "Ada King" });
    let answer = ada.patch("/api/users/profile", name).await;
    let request = answer.header("x-request-id").unwrap().to_owned();
    answer.expect(200);
    let page = admin.get(&format!("{TRAIL}?actor={}", ada.id)).await.expect(200);
    let row = &page["data"][0];
    assert_eq!(
        (&row["action"], &row["outcome"], &row["times"]),
        (&json!("updateProfile"), &json!("DONE"), &json!(1))
    );
    assert_eq!((&row["refusal"], &row["requestId"]), (&Value::Null, &json!(request)));
    let actor = &row["actor"];
    assert_eq!((&actor["kind"], &actor["role"]), (&json!("PERSON"), &json!("HOMEOWNER")));
    assert_eq!((&actor["personId"], &actor["partyId"]), (&json!(ada.id), &json!(ada.party)));
    assert!(actor["sessionId"].as_str().unwrap().starts_with("ses_"));
    assert_eq!(row["addressKey"].as_str().map(str::len), Some(16));
    assert!(row["id"].as_str().unwrap().starts_with("aud_"));
    // Neither the name nor the address from which it was asked is anywhere in it.
    let text = page.to_string();
    assert!(!text.contains("King") && !text.contains("127.0.0.1"), "{text}");
}

#[actix_web::test]
async fn the_filters_can_be_joined_and_pages_follow_each_other() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.homeowner().await);
    let job = app.open_job(&ada).await;
    let path = format!("/api/jobs/{job}");
    for title in ["One", "Two", "Three"] {
        ada.patch(&path, json!({ "title": format!("{title} more room") })).await.expect(200);
        app.clock.advance(std::time::Duration::from_secs(1));
    }
    let query = format!("{TRAIL}?object={job}&action=updateJob&outcome=DONE&limit=2");
    let first = admin.get(&query).await.expect(200);
    assert_eq!(actions(&first), ["updateJob", "updateJob"]);
    assert_eq!(first["data"][0]["objects"], json!([{ "kind": "job", "id": job }]));
    let change = &first["data"][0]["changes"][0];
    assert_eq!((&change["kind"], &change["id"]), (&json!("job"), &json!(job)));
    assert_eq!(
        change["after"]["version"].as_i64(),
        change["before"]["version"].as_i64().map(|version| version + 1)
    );
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = admin.get(&format!("{query}&cursor={cursor}")).await.expect(200);
    assert_eq!((actions(&second), &second["nextCursor"]), (vec!["updateJob"], &Value::Null));
    // A bare UUID names the same thing, and time cuts on both sides.
    let uuid = kernel::id::parse_any(&job).unwrap();
    let since = first["data"][1]["occurredAt"].as_str().unwrap();
    let window = |name: &str| format!("{TRAIL}?object={uuid}&action=updateJob&{name}={since}");
    assert_eq!(actions(&admin.get(&window("from")).await.expect(200)).len(), 2);
    assert_eq!(actions(&admin.get(&window("until")).await.expect(200)).len(), 1);
}

#[actix_web::test]
async fn nobody_else_reads_it_and_that_they_tried_is_in_it() {
    let app = TestApp::start().await;
    let _ = app.anyone().get(TRAIL).await.problem(401, "unauthenticated");
    let _ = app.homeowner().await.get(TRAIL).await.problem(403, "wrong_role");
    let contractor = app.contractor().await;
    let _ = contractor.get(TRAIL).await.problem(403, "wrong_role");
    let refused = rows_in_time(&app, "outcome = 'REFUSED'", 3).await;
    let found: Vec<_> =
        refused.iter().map(|row| (row.actor_kind.as_str(), row.refusal.as_deref().unwrap())).collect();
    assert_eq!(found, [("ANYONE", "unauthenticated"), ("PERSON", "wrong_role"), ("PERSON", "wrong_role")]);
    assert!(refused.iter().all(|row| row.action == "listAuditEntries"));
    let admin = app.admin().await;
    let page = admin.get(&format!("{TRAIL}?outcome=REFUSED&actor={}", contractor.id)).await.expect(200);
    assert_eq!(
        (actions(&page), &page["data"][0]["refusal"]),
        (vec!["listAuditEntries"], &json!("wrong_role"))
    );
}

#[actix_web::test]
async fn it_takes_known_parameters_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for query in [
        "outcome=MAYBE",
        "outcome=done",
        "actor=job_01h455vb4pex5vsknk084sn02q",
        "object=nothing-that-could-ever-be-an-id",
        "object=short",
        "from=yesterday",
        "until=2026-13-01T00:00:00Z",
        "limit=0",
        "cursor=made-up",
        "chain=1",
    ] {
        let refused = admin.get(&format!("{TRAIL}?{query}")).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text());
    }
}

/// What an administrator reads must not tell of bids while a job is open: see `marketplace::blindness` for everything else there is.
#[actix_web::test]
async fn a_bid_is_told_when_its_job_has_left_the_market_and_not_before() {
    let app = TestApp::start().await;
    let (admin, ada, bob) = (app.admin().await, app.homeowner().await, app.verified_contractor().await);
    for sealed in [false, true] {
        let job = if sealed { app.sealed_job(&ada).await } else { app.open_job(&ada).await };
        let bid = app.bid_for(&bob, &job, 120_000).await;
        let path = format!("/api/bids/{bid}");
        bob.patch(&path, json!({ "amount": 110_000, "milestones": [] })).await.expect(200);
        bob.post_empty(&format!("{path}/withdraw")).await.expect(200);
        let about = [format!("{TRAIL}?object={bid}"), format!("{TRAIL}?action=reviseBid")];
        for query in &about {
            assert_eq!(admin.get(query).await.expect(200)["data"], json!([]), "{query}");
        }
        ada.delete(&format!("/api/jobs/{job}")).await.expect(200);
        let cancelled = admin.get(&format!("{TRAIL}?object={job}")).await.expect(200);
        assert!(!cancelled.to_string().contains(&bid));
    }
    // At the latest then nobody could be chosen any more.
    app.pass(std::time::Duration::from_secs(60 * 24 * 3_600)).await;
    let admin = app.sign_in(&admin.email, &admin.password).await;
    assert_eq!(actions(&admin.get(&format!("{TRAIL}?action=reviseBid")).await.expect(200)).len(), 2);
    // The rows were there all the time.
    assert_eq!(rows(&app, "action = 'reviseBid' AND sealed_until IS NOT NULL").len(), 2);
}
