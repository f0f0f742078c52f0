//! `/api/admin/verifications`: the queue of papers, and what is decided about them.

use std::time::Duration;

use serde_json::{Value, json};
use tests::TestApp;

use super::{decide, events, hand_in};

const QUEUE: &str = "/api/admin/verifications";
const REASON: &str = "The licence is another person's.";

fn ids(page: &Value) -> Vec<&str> {
    let all = page["data"].as_array().into_iter().flatten();
    all.filter_map(|one| one["verification"]["id"].as_str()).collect()
}

#[actix_web::test]
async fn the_queue_shows_what_waits_oldest_first_page_by_page() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(hand_in(&app.contractor().await).await);
        app.clock.advance(Duration::from_secs(1));
    }
    let first = admin.get(&format!("{QUEUE}?status=PENDING&limit=2")).await.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap_or_default();
    let rest = admin.get(&format!("{QUEUE}?status=PENDING&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!([ids(&first), ids(&rest)].concat(), waiting);
    assert_eq!(rest["nextCursor"], Value::Null);
    // The contractor's name is there to compare with the holder's, the papers with their numbers.
    let shown = &first["data"][0];
    assert_eq!(shown["contractorName"], "Bob Mason");
    assert_eq!(shown["verification"]["licences"][0]["number"], "TX-48813");
    assert_eq!((&shown["note"], &shown["decidedBy"]), (&Value::Null, &Value::Null));
}

#[actix_web::test]
async fn the_queue_is_filtered_by_status() {
    let app = TestApp::start().await;
    let (admin, bob) = (app.admin().await, app.contractor().await);
    let approved = hand_in(&bob).await;
    decide(&admin, &approved, "approve", json!({})).await.expect(200);
    let rejected = hand_in(&bob).await;
    decide(&admin, &rejected, "reject", json!({ "reason": REASON })).await.expect(200);
    let superseded = hand_in(&bob).await;
    let pending = hand_in(&bob).await;
    for (query, expected) in [
        ("?status=PENDING", vec![&pending]),
        ("?status=APPROVED", vec![&approved]),
        ("?status=REJECTED", vec![&rejected]),
        ("?status=SUPERSEDED", vec![&superseded]),
        ("", vec![&approved, &rejected, &superseded, &pending]),
    ] {
        assert_eq!(ids(&admin.get(&format!("{QUEUE}{query}")).await.expect(200)), expected, "{query}");
    }
}

#[actix_web::test]
async fn the_queue_takes_known_parameters_only() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (query, pointer) in [
        ("status=WAITING", "?status"),
        ("status=pending", "?status"),
        ("limit=0", "?limit"),
        ("limit=1000", "?limit"),
        ("cursor=made-up", "?cursor"),
        ("contractorId=1", "?contractorId"),
    ] {
        let refused = admin.get(&format!("{QUEUE}?{query}")).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{query}"
        );
    }
    // A cursor belongs to the filter that it came with.
    for _ in 0..2 {
        hand_in(&app.contractor().await).await;
    }
    let page = admin.get(&format!("{QUEUE}?status=PENDING&limit=1")).await.expect(200);
    let cursor = page["nextCursor"].as_str().unwrap_or_default();
    assert_eq!(admin.get(&format!("{QUEUE}?limit=1&cursor={cursor}")).await.status, 400);
    // There is no state in which the queue cannot be read: an empty one is an empty page.
    let none = admin.get(&format!("{QUEUE}?status=REJECTED")).await.expect(200);
    assert_eq!(none, json!({ "data": [], "nextCursor": null }));
}

#[actix_web::test]
async fn papers_are_judged_by_administrators_only() {
    let app = TestApp::start().await;
    let (bob, ada) = (app.contractor().await, app.homeowner().await);
    let id = hand_in(&bob).await;
    let former = app.admin().await;
    app.suspend(&former);
    for (step, body) in [("approve", json!({})), ("reject", json!({ "reason": REASON }))] {
        decide(&app.anyone(), &id, step, body.clone()).await.problem(401, "unauthenticated");
        // Nobody approves of oneself.
        for person in [&bob, &ada] {
            decide(person, &id, step, body.clone()).await.problem(403, "wrong_role");
        }
        decide(&former, &id, step, body).await.problem(401, "signed_out");
    }
    app.anyone().get(QUEUE).await.problem(401, "unauthenticated");
    for person in [&bob, &ada] {
        person.get(QUEUE).await.problem(403, "wrong_role");
    }
    assert_eq!(app.database.count("identity.verifications WHERE state = 'PENDING'"), 1);
    for name in ["verification.approved", "verification.rejected"] {
        assert_eq!(events(&app, name, &bob), 0, "{name}");
    }
}

#[actix_web::test]
async fn an_approved_contractor_may_bid() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let id = hand_in(&bob).await;
    let standing = async || bob.get("/api/auth/me").await.expect(200)["verification"].clone();
    assert_eq!(standing().await, json!({ "status": "PENDING", "mayBid": false }));
    let decided = decide(&admin, &id, "approve", json!({ "note": "Seen the originals." })).await.expect(200);
    assert_eq!((&decided["note"], &decided["decidedBy"]), (&json!("Seen the originals."), &json!(admin.id)));
    let seen = &decided["verification"];
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("APPROVED"), &Value::Null));
    // Licence and insurance end with the 30th of June 2090 in Chicago.
    assert_eq!(seen["validUntil"], "2090-07-01T05:00:00Z");
    assert_eq!(standing().await, json!({ "status": "APPROVED", "mayBid": true }));
    assert_eq!(events(&app, "verification.approved", &bob), 1);
    assert_eq!(app.database.count("outbox.events WHERE strpos(data::text, 'originals') > 0"), 0);

    app.settle().await;
    let inbox = bob.get("/api/notifications").await.expect(200);
    assert!(inbox.to_string().contains("verification_approved"), "{inbox}");
    assert!(!inbox.to_string().contains("originals"), "the note is for administrators: {inbox}");
}

#[actix_web::test]
async fn a_rejected_contractor_learns_of_it_and_may_try_again() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let id = hand_in(&bob).await;
    let words = json!({ "reason": REASON, "note": "Asked the registry." });
    let decided = decide(&admin, &id, "reject", words).await.expect(200);
    assert_eq!(decided["note"], "Asked the registry.");
    let seen = &decided["verification"];
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("REJECTED"), &json!(REASON)));
    assert_eq!((&seen["validUntil"], &decided["decidedBy"]), (&Value::Null, &json!(admin.id)));
    assert_eq!(events(&app, "verification.rejected", &bob), 1);
    assert_eq!(app.database.count("outbox.events WHERE strpos(data::text, 'another') > 0"), 0);
    let standing = bob.get("/api/auth/me").await.expect(200)["verification"].clone();
    assert_eq!(standing, json!({ "status": "REJECTED", "mayBid": false }));
    app.settle().await;
    let inbox = bob.get("/api/notifications").await.expect(200);
    assert!(inbox.to_string().contains("verification_rejected"), "{inbox}");
    let again = hand_in(&bob).await;
    decide(&admin, &again, "approve", json!({})).await.expect(200);
}

#[actix_web::test]
async fn a_decision_is_written_as_the_document_says() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let id = hand_in(&bob).await;
    let tell = async |step: &str, body: Value| decide(&admin, &id, step, body).await;
    tell("reject", json!({})).await.faults(&["/reason"]);
    tell("reject", json!({ "reason": "", "note": 1, "why": "x" }))
        .await
        .faults(&["/note", "/reason", "/why"]);
    tell("reject", json!({ "reason": "a\u{7}", "note": "b\u{7}" })).await.faults(&["/note", "/reason"]);
    tell("reject", json!({ "reason": " \n " })).await.faults(&["/reason"]);
    tell("reject", json!({ "reason": "r".repeat(2_001) })).await.faults(&["/reason"]);
    tell("approve", json!({ "note": 1, "validUntil": "2099-01-01" })).await.faults(&["/note", "/validUntil"]);
    tell("approve", json!({ "note": "a\u{7}b" })).await.faults(&["/note"]);
    admin.post_empty(&format!("{QUEUE}/{id}/reject")).await.problem(400, "not_json");
    let missing = format!("ver_{}", kernel::id::encode_suffix(uuid::Uuid::now_v7()));
    for nothing in [missing.as_str(), "ver_1", bob.party.as_str()] {
        decide(&admin, nothing, "approve", json!({})).await.problem(404, "not_found");
    }
    assert_eq!(app.database.count("identity.verifications WHERE state = 'PENDING'"), 1);
    // An approval needs no words at all.
    admin.post_empty(&format!("{QUEUE}/{id}/approve")).await.expect(200);
}

#[actix_web::test]
async fn papers_are_decided_once() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let approved = hand_in(&bob).await;
    decide(&admin, &approved, "approve", json!({})).await.expect(200);
    let rejected = hand_in(&bob).await;
    decide(&admin, &rejected, "reject", json!({ "reason": REASON })).await.expect(200);
    let superseded = hand_in(&bob).await;
    hand_in(&bob).await;
    for (id, state) in [(&approved, "APPROVED"), (&rejected, "REJECTED"), (&superseded, "SUPERSEDED")] {
        for (step, body) in [("approve", json!({})), ("reject", json!({ "reason": REASON }))] {
            let refused = decide(&admin, id, step, body).await.wrong_state(state);
            assert_eq!(
                (&refused["code"], &refused["allowedActions"]),
                (&json!("already_decided"), &json!([]))
            );
        }
    }
    assert_eq!(events(&app, "verification.approved", &bob), 1);
    assert_eq!(events(&app, "verification.rejected", &bob), 1);
}

#[actix_web::test]
async fn of_decisions_at_once_one_counts() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let id = hand_in(&bob).await;
    let decisions = (0..6).map(|index| {
        let (step, body) =
            if index % 2 == 0 { ("approve", json!({})) } else { ("reject", json!({ "reason": REASON })) };
        decide(&admin, &id, step, body)
    });
    let answers = futures_util::future::join_all(decisions).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    let decided = "outbox.events WHERE name IN ('verification.approved', 'verification.rejected')";
    assert_eq!(app.database.count(decided), 1);
}

#[actix_web::test]
async fn papers_that_expired_while_they_waited_are_not_approved() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let id = hand_in(&bob).await;
    app.database.execute(
        "UPDATE identity.credentials SET expires_on = app.clock()::date - 2 WHERE kind = 'INSURANCE'",
    );
    decide(&admin, &id, "approve", json!({})).await.problem(409, "credential_expired");
    assert_eq!(app.database.count("identity.verifications WHERE state = 'PENDING'"), 1);
    decide(&admin, &id, "reject", json!({ "reason": "The insurance has ended." })).await.expect(200);
}

#[actix_web::test]
async fn a_decision_under_a_key_is_answered_again() {
    let app = TestApp::start().await;
    let (bob, admin) = (app.contractor().await, app.admin().await);
    let path = format!("{QUEUE}/{}/reject", hand_in(&bob).await);
    let keyed = || admin.post_keyed(&path, "once", json!({ "reason": REASON }));
    let (first, again) = (keyed().await, keyed().await);
    assert_eq!((first.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(events(&app, "verification.rejected", &bob), 1);
}
