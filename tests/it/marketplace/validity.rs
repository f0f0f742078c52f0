//! `validUntil` of bids, and what they said before they were revised.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::TestApp;

use super::{again, ahead, id, ids, text, told};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[actix_web::test]
async fn a_bid_that_has_run_out_cannot_be_accepted_and_its_bidder_hears_of_it() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let until = ahead(&app, TimeDelta::days(2));
    let form = json!({ "jobId": job, "amount": 90_000, "validUntil": until });
    let bid = bob.post("/api/bids", form).await.expect(201);
    assert_eq!(bid["validUntil"], until);
    assert_eq!(ada.get(&format!("/api/bids/{job}")).await.expect(200)["data"][0]["validUntil"], until);
    app.settle().await;
    let owners_mails = app.mails_to(&ada.email).len();

    // Its time is over, and nothing has run yet: the clock decides.
    app.clock.advance(2 * DAY);
    let (ada, bob) = (again(&app, &ada).await, again(&app, &bob).await);
    let accept = format!("/api/bids/{}/accept", id(&bid));
    assert_eq!(ada.post_empty(&accept).await.wrong_state("EXPIRED")["code"], "bid_expired");
    assert_eq!(app.database.count("contracts.contracts"), 0);
    app.settle().await;
    assert_eq!(bob.get("/api/bids/mine").await.expect(200)["data"][0]["status"], "EXPIRED");
    assert_eq!(ada.get(&format!("/api/bids/{job}")).await.expect(200)["data"][0]["status"], "EXPIRED");
    ada.post_empty(&accept).await.wrong_state("EXPIRED");
    bob.patch(&format!("/api/bids/{}", id(&bid)), json!({ "amount": 80_000 })).await.wrong_state("EXPIRED");
    assert_eq!(told(&app, "bid.lapsed", &job), 1);
    let mails = format!("{:?}", app.mails_to(&bob.email));
    assert!(mails.contains("has run out"), "{mails}");
    assert_eq!(app.mails_to(&ada.email).len(), owners_mails);
    // Its row in the trail stays sealed as long as the job may be open.
    let shown = "audit.entries WHERE action = 'marketplace.bid_expiry' AND sealed_until IS NULL";
    assert_eq!(
        (
            app.database.count("audit.entries WHERE action = 'marketplace.bid_expiry'"),
            app.database.count(shown)
        ),
        (1, 0)
    );

    let another = bob.post("/api/bids", json!({ "jobId": job, "amount": 95_000 })).await.expect(201);
    ada.post_empty(&format!("/api/bids/{}/accept", id(&another))).await.expect(201);
}

#[actix_web::test]
async fn the_end_of_a_bid_is_checked_and_moved_by_its_bidder() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let (job, sealed) = (app.open_job(&ada).await, app.sealed_job(&ada).await);
    for (job, days) in [(&job, 0), (&job, 366), (&sealed, 13)] {
        let form =
            json!({ "jobId": job, "amount": 90_000, "validUntil": ahead(&app, TimeDelta::days(days)) });
        bob.post("/api/bids", form).await.faults(&["/validUntil"]);
    }
    let form = json!({ "jobId": job, "amount": 90_000, "validUntil": "tomorrow" });
    bob.post("/api/bids", form).await.faults(&["/validUntil"]);
    assert_eq!(app.database.count("marketplace.bids"), 0);

    let form = json!({ "jobId": job, "amount": 90_000, "validUntil": ahead(&app, TimeDelta::days(1)) });
    let path = format!("/api/bids/{}", id(&bob.post("/api/bids", form).await.expect(201)));
    bob.patch(&path, json!({ "validUntil": ahead(&app, TimeDelta::days(0)) })).await.faults(&["/validUntil"]);
    let later = ahead(&app, TimeDelta::days(3));
    assert_eq!(bob.patch(&path, json!({ "validUntil": later })).await.expect(200)["validUntil"], later);
    app.pass(DAY).await;
    let bob = again(&app, &bob).await;
    let endless = bob.patch(&path, json!({ "validUntil": null })).await.expect(200);
    assert_eq!(endless["validUntil"], Value::Null);
    app.pass(3 * DAY).await;
    assert_eq!(app.database.count("marketplace.bids WHERE status = 'SUBMITTED'"), 1);
    // What was handed in is fixed by its receipt as before: the end is not part of it.
    assert!(!text(&endless, "/proof/canonical").contains("validUntil"));
}

#[actix_web::test]
async fn what_a_bid_said_before_is_shown_to_its_bidder_and_once_revealed_to_the_owner() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    for sealed in [false, true] {
        let job = if sealed { app.sealed_job(&ada).await } else { app.open_job(&ada).await };
        let list = format!("/api/bids/{job}");
        let first = bob
            .post("/api/bids", json!({ "jobId": job, "amount": 90_000, "terms": "All in." }))
            .await
            .expect(201);
        assert_eq!(first["formerRevisions"], json!([]));
        bob.patch(&format!("/api/bids/{}", id(&first)), json!({ "amount": 80_000 })).await.expect(200);
        let own = bob.get(&list).await.expect(200)["data"][0].clone();
        let former = &own["formerRevisions"][0];
        assert_eq!(
            (&former["revision"], &former["amount"], &former["terms"]),
            (&json!(1), &json!(90_000), &json!("All in."))
        );
        assert_eq!((&former["receipt"], former["proof"].is_null()), (&first["receipt"], sealed));
        assert_eq!(
            bob.get("/api/bids/mine?limit=1").await.expect(200)["data"][0]["formerRevisions"],
            own["formerRevisions"]
        );
        if sealed {
            ada.get(&list).await.problem(409, "sealed");
        } else {
            assert_eq!(
                ada.get(&list).await.expect(200)["data"][0]["formerRevisions"],
                own["formerRevisions"]
            );
        }
        let onlooker = app.verified_contractor().await;
        assert_eq!(ids(&onlooker.get(&list).await.expect(200)), Vec::<String>::new());
    }
}
