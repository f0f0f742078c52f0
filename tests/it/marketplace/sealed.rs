//! `reveal`: when the owner sees bids, and the receipts that prove afterwards what was handed in.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::TestApp;

use super::{again, id, ids, text, told};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Checks a receipt as anybody could: `printf '%s%s' "$canonical" "$salt" | sha256sum`.
fn assert_proven(bid: &Value) {
    let (canonical, salt) = (text(bid, "/proof/canonical"), text(bid, "/proof/salt"));
    assert_eq!(hex::encode(Sha256::digest(format!("{canonical}{salt}"))), text(bid, "/receipt"), "{bid}");
    assert!(salt.len() == 64 && salt.bytes().all(|byte| byte.is_ascii_hexdigit()), "{salt}");
    let said: Value = serde_json::from_str(canonical).unwrap_or_default();
    assert_eq!(said["bidId"], bid["id"]);
    for same in ["jobId", "revision", "amount", "currency", "lines", "terms"] {
        assert_eq!(said[same], bid[same], "{same} of {canonical}");
    }
    assert_eq!(said["milestones"].as_array().map(Vec::len), bid["milestones"].as_array().map(Vec::len));
    let at = |value: &Value| value.as_str().and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
    assert_eq!(at(&said["submittedAt"]), at(&bid["submittedAt"]));
    // Canonical: keys in order, nothing between them.
    assert_eq!(serde_json::to_string(&said).ok().as_deref(), Some(canonical));
}

#[actix_web::test]
async fn a_bid_that_is_seen_as_it_comes_is_proven_at_once() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let form = json!({
        "jobId": job, "amount": 90_000, "terms": "Zwölf Fliesen \u{1f9f1}\n\"sauber\"",
        "lines": [{ "kind": "other", "description": "All", "amount": 90_000 }],
        "milestones": [{ "title": "All of it", "amount": 90_000, "dueDate": "2031-05-06" }],
    });
    let first = bob.post("/api/bids", form).await.expect(201);
    assert_proven(&first);
    let revised =
        bob.patch(&format!("/api/bids/{}", id(&first)), json!({ "terms": "Less" })).await.expect(200);
    assert_proven(&revised);
    assert_ne!(first["proof"]["salt"], revised["proof"]["salt"]);
    let seen = ada.get(&format!("/api/bids/{job}")).await.expect(200);
    assert_proven(&seen["data"][0]);
    assert_eq!(seen["data"][0]["receipt"], revised["receipt"]);
}

#[actix_web::test]
async fn sealed_bids_do_not_exist_for_the_owner_before_the_deadline() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.sealed_job(&ada).await;
    let path = format!("/api/bids/{job}");
    // Sealed is what the job is, whether there are bids or not.
    let refused = ada.get(&path).await.wrong_state("OPEN");
    assert_eq!(refused["code"], "sealed");
    app.settle().await;
    let mails = app.mails_to(&ada.email);
    let bid = app.bid(&bob, &job).await;
    let again = ada.get(&path).await.problem(409, "sealed");
    assert_eq!(again["detail"], refused["detail"]);
    for command in ["accept", "reject"] {
        ada.post_empty(&format!("/api/bids/{bid}/{command}")).await.problem(404, "bid_not_found");
    }
    app.settle().await;
    let inbox = ada.get("/api/notifications").await.expect(200);
    assert!(!inbox.to_string().contains(&bid), "{inbox}");
    assert_eq!(app.mails_to(&ada.email), mails);
    // What is written down about it does not even name the owner.
    assert_eq!(told(&app, "bid.submitted", &job), 1);
    let named = format!("outbox.events WHERE name LIKE 'bid.%' AND data::text LIKE '%{}%'", ada.party);
    assert_eq!(app.database.count(&named), 0);
    assert_eq!(app.database.count("marketplace.bids WHERE status = 'SUBMITTED'"), 1);
}

#[actix_web::test]
async fn a_sealed_bidder_holds_a_receipt_and_no_salt() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.sealed_job(&ada).await;
    let form = json!({ "jobId": job, "amount": 90_000 });
    let first = bob.post("/api/bids", form).await.expect(201);
    let path = format!("/api/bids/{}", id(&first));
    let revised = bob.patch(&path, json!({ "amount": 80_000 })).await.expect(200);
    assert_ne!(first["receipt"], revised["receipt"]);
    let own = bob.get("/api/bids/mine").await.expect(200)["data"][0].clone();
    let of_job = bob.get(&format!("/api/bids/{job}")).await.expect(200)["data"][0].clone();
    let back = bob.post_empty(&format!("{path}/withdraw")).await.expect(200);
    for view in [&first, &revised, &own, &of_job, &back] {
        assert_eq!((text(view, "/receipt").len(), &view["proof"]), (64, &Value::Null), "{view}");
    }
    assert_eq!((&own["receipt"], &of_job["receipt"]), (&revised["receipt"], &revised["receipt"]));
}

#[actix_web::test]
async fn at_the_deadline_all_sealed_bids_are_revealed_at_once() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (bob, dan) = (app.verified_contractor().await, app.verified_contractor().await);
    let job = app.sealed_job(&ada).await;
    let path = format!("/api/bids/{job}");
    let form = json!({ "jobId": job, "amount": 90_000 });
    let held = bob.post("/api/bids", form.clone()).await.expect(201);
    let tied = dan.post("/api/bids", form).await.expect(201);
    app.pass(14 * DAY).await;

    let ada = again(&app, &ada).await;
    let page = ada.get(&path).await.expect(200);
    // Of equal prices the earlier comes first.
    assert_eq!(ids(&page), [id(&held), id(&tied)]);
    for (bid, handed_in) in page["data"].as_array().into_iter().flatten().zip([&held, &tied]) {
        assert_proven(bid);
        assert_eq!(bid["receipt"], handed_in["receipt"]);
    }
    assert_eq!(told(&app, "job.bidding_closed", &job), 1);
    let bob = again(&app, &bob).await;
    let own = bob.get(&path).await.expect(200);
    assert_eq!(ids(&own), [id(&held)]);
    assert_proven(&own["data"][0]);
    // From here on it is a job as any other.
    ada.post(&format!("/api/bids/{}/reject", id(&tied)), json!({})).await.expect(200);
    ada.post_empty(&format!("/api/bids/{}/accept", id(&held))).await.expect(201);
    let lost = again(&app, &dan).await.get(&path).await.expect(200);
    assert_eq!(
        (ids(&lost), &lost["data"][0]["outcome"]["result"]),
        (vec![id(&tied).to_owned()], &json!("LOST"))
    );
    assert!(!lost.to_string().contains(text(&held, "/receipt")), "{lost}");
}

#[actix_web::test]
async fn a_sealed_job_that_is_called_off_stays_sealed() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.sealed_job(&ada).await;
    app.bid(&bob, &job).await;
    ada.delete(&format!("/api/jobs/{job}")).await.expect(200);
    // Calling off must be no way of looking in.
    let refused = ada.get(&format!("/api/bids/{job}")).await.problem(409, "sealed");
    assert_eq!(refused["state"], "CANCELLED");
    assert_eq!(bob.get("/api/bids/mine").await.expect(200)["data"][0]["status"], "EXPIRED");
}
