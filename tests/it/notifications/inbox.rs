//! `/api/notifications`: what one was told, and having read it.

use chrono::DateTime;
use outbox::{Aggregate, NewEvent};
use serde_json::{Value, json};
use tests::{Person, TestApp};
use uuid::Uuid;

const LIST: &str = "/api/notifications";
const READ_ALL: &str = "/api/notifications/read-all";

/// Somebody new, with an empty inbox.
async fn contractor(app: &TestApp, name: &str) -> Person {
    let email = format!("{name}@example.org");
    let form = json!({ "email": email, "password": "plank-otter-violet-37", "userType": "contractor" });
    let made = app.anyone().post("/api/auth/register", form).await.expect(201);
    app.settle().await;
    let mut person = app.anyone();
    person.id = made["user"]["id"].as_str().unwrap_or_default().to_owned();
    person.party = made["user"]["partyId"].as_str().unwrap_or_default().to_owned();
    person.email = email;
    person.token = made["accessToken"].as_str().map(str::to_owned);
    person.post_empty(READ_ALL).await.expect(200);
    app.database.execute("DELETE FROM notifications.deliveries; DELETE FROM notifications.notifications");
    person
}

/// A payout of so many minor units is made to a contractor, who is told.
async fn paid_out(app: &TestApp, to: &Person, amount: i64) {
    let escrow = format!("esc_{}", kernel::id::encode_suffix(Uuid::now_v7()));
    let event = NewEvent {
        name: "payout.paid",
        version: 1,
        aggregate: Aggregate { kind: "escrow", id: Uuid::now_v7() },
        request_id: "req_1".to_owned(),
        data: json!({ "contractorId": to.party, "escrowId": escrow, "amount": amount, "currency": "USD" }),
    };
    let db = app.database.db.clone();
    let published = db.transaction::<_, database::Error>(|tx| {
        outbox::publish(tx, event.clone());
        Ok(())
    });
    assert!(published.is_ok(), "{published:?}");
    app.settle().await;
}

fn amounts(page: &Value) -> Vec<&str> {
    let titles = page["data"].as_array().into_iter().flatten().filter_map(|one| one["title"].as_str());
    titles.filter_map(|title| title.split(' ').next()).collect()
}

async fn first_id(of: &Person) -> String {
    let page = of.get(LIST).await.expect(200);
    page["data"][0]["id"].as_str().unwrap_or_default().to_owned()
}

#[actix_web::test]
async fn listing_shows_one_s_own_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let (bob, eve) = (contractor(&app, "bob").await, contractor(&app, "eve").await);
    for amount in [100, 200, 300] {
        paid_out(&app, &bob, amount).await;
    }
    paid_out(&app, &eve, 900).await;

    let page = bob.get("/api/notifications?limit=2").await.expect(200);
    assert_eq!(amounts(&page), ["3.00", "2.00"]);
    let cursor = page["nextCursor"].as_str().unwrap_or_default();
    let rest = bob.get(&format!("/api/notifications?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((amounts(&rest), &rest["nextCursor"]), (vec!["1.00"], &Value::Null));

    let newest = &page["data"][0];
    assert!(newest["id"].as_str().is_some_and(|id| id.starts_with("ntf_")), "{newest}");
    assert_eq!((&newest["category"], &newest["template"]), (&json!("PAYMENTS"), &json!("payout_paid")));
    assert!(newest["body"].as_str().is_some_and(|body| body.contains("3.00 USD")), "{newest}");
    assert!(newest["subjects"]["escrowId"].as_str().is_some_and(|id| id.starts_with("esc_")), "{newest}");
    assert!(
        newest["createdAt"].as_str().is_some_and(|at| DateTime::parse_from_rfc3339(at).is_ok()),
        "{newest}"
    );
    assert_eq!(newest["readAt"], Value::Null);
    assert_eq!(amounts(&eve.get(LIST).await.expect(200)), ["9.00"]);
}

#[actix_web::test]
async fn listing_the_unread_leaves_out_what_was_read() {
    let app = TestApp::start().await;
    let bob = contractor(&app, "bob").await;
    for amount in [100, 200] {
        paid_out(&app, &bob, amount).await;
    }
    let id = first_id(&bob).await;
    bob.post_empty(&format!("{LIST}/{id}/read")).await.expect(200);
    assert_eq!(amounts(&bob.get("/api/notifications?unread=true").await.expect(200)), ["1.00"]);
    assert_eq!(amounts(&bob.get("/api/notifications?unread=false").await.expect(200)), ["2.00", "1.00"]);
}

#[actix_web::test]
async fn listing_takes_somebody_signed_in_and_known_parameters() {
    let app = TestApp::start().await;
    let bob = contractor(&app, "bob").await;
    bob.signed_out().get(LIST).await.problem(401, "unauthenticated");
    for (query, pointer) in [
        ("limit=0", "?limit"),
        ("limit=101", "?limit"),
        ("unread=maybe", "?unread"),
        ("cursor=made-up", "?cursor"),
        ("page=2", "?page"),
    ] {
        let refused = bob.get(&format!("{LIST}?{query}")).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text());
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{query}");
    }
    // There is no state in which an inbox cannot be listed: an empty one is an empty page.
    assert_eq!(bob.get(LIST).await.expect(200), json!({ "data": [], "nextCursor": null }));
}

#[actix_web::test]
async fn reading_one_is_noted_once() {
    let app = TestApp::start().await;
    let bob = contractor(&app, "bob").await;
    paid_out(&app, &bob, 100).await;
    let path = format!("{LIST}/{}/read", first_id(&bob).await);
    let read = bob.post_empty(&path).await.expect(200);
    assert!(read["readAt"].is_string(), "{read}");
    assert_eq!(app.database.count("notifications.notifications WHERE read_at IS NOT NULL"), 1);
    // Read before is no wrong state: it stays as it was.
    app.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(bob.post_empty(&path).await.expect(200), read);
    let shown = bob.get(LIST).await.expect(200);
    assert_eq!(shown["data"][0]["readAt"], read["readAt"]);
    // Nothing is told of it.
    assert_eq!(app.database.count("outbox.events WHERE name LIKE 'notification%'"), 0);
}

#[actix_web::test]
async fn reading_one_is_for_its_owner_only() {
    let app = TestApp::start().await;
    let (bob, eve) = (contractor(&app, "bob").await, contractor(&app, "eve").await);
    paid_out(&app, &bob, 100).await;
    let path = format!("{LIST}/{}/read", first_id(&bob).await);
    bob.signed_out().post_empty(&path).await.problem(401, "unauthenticated");
    eve.post_empty(&path).await.problem(404, "not_found");
    let missing = format!("{LIST}/ntf_{}/read", kernel::id::encode_suffix(Uuid::now_v7()));
    bob.post_empty(&missing).await.problem(404, "not_found");
    assert_eq!(app.database.count("notifications.notifications WHERE read_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn reading_one_refuses_what_is_no_notification_and_a_body() {
    let app = TestApp::start().await;
    let bob = contractor(&app, "bob").await;
    paid_out(&app, &bob, 100).await;
    let id = first_id(&bob).await;
    for malformed in ["ntf_1", "job_01h455vb4pex5vsknk084sn02q", &id.to_uppercase()] {
        bob.post_empty(&format!("{LIST}/{malformed}/read")).await.problem(404, "not_found");
    }
    bob.post(&format!("{LIST}/{id}/read"), json!({ "read": false })).await.problem(400, "no_body_expected");
    assert_eq!(app.database.count("notifications.notifications WHERE read_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn reading_all_reads_one_s_own_and_counts_them() {
    let app = TestApp::start().await;
    let (bob, eve) = (contractor(&app, "bob").await, contractor(&app, "eve").await);
    for (person, amount) in [(&bob, 100), (&bob, 200), (&eve, 300)] {
        paid_out(&app, person, amount).await;
    }
    assert_eq!(bob.post_empty(READ_ALL).await.expect(200), json!({ "marked": 2 }));
    assert_eq!(bob.get("/api/notifications?unread=true").await.expect(200)["data"], json!([]));
    assert_eq!(amounts(&eve.get("/api/notifications?unread=true").await.expect(200)), ["3.00"]);
    // With nothing left to read it still answers.
    assert_eq!(bob.post_empty(READ_ALL).await.expect(200), json!({ "marked": 0 }));
}

#[actix_web::test]
async fn reading_all_happens_once_for_a_key() {
    let app = TestApp::start().await;
    let bob = contractor(&app, "bob").await;
    paid_out(&app, &bob, 100).await;
    let keyed = || bob.post_keyed(READ_ALL, "once", json!({}));
    let first = keyed().await;
    paid_out(&app, &bob, 200).await;
    let again = keyed().await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(amounts(&bob.get("/api/notifications?unread=true").await.expect(200)), ["2.00"]);
}

#[actix_web::test]
async fn reading_all_takes_somebody_signed_in_and_no_body() {
    let app = TestApp::start().await;
    let bob = contractor(&app, "bob").await;
    paid_out(&app, &bob, 100).await;
    bob.signed_out().post_empty(READ_ALL).await.problem(401, "unauthenticated");
    bob.post(READ_ALL, json!({ "before": "2026-01-01" })).await.problem(400, "no_body_expected");
    assert_eq!(app.database.count("notifications.notifications WHERE read_at IS NOT NULL"), 0);
    // A literal beside ids is no id, and the other way round.
    bob.get(READ_ALL).await.problem(405, "method_not_allowed");
}
