//! `GET /api/jobs/analytics`: figures of one's own.

use serde_json::{Value, json};
use tests::TestApp;

const PATH: &str = "/api/jobs/analytics";

#[actix_web::test]
async fn homeowners_and_contractors_learn_how_their_own_went() {
    let app = TestApp::start().await;
    let (rival, deal) = (app.verified_contractor().await, app.completed_contract().await);
    let (ada, bob) = (&deal.homeowner, &deal.contractor);
    let open = app.open_job(ada).await;
    app.draft_job(ada).await;
    app.bid(bob, &open).await;
    let found = ada.get(PATH).await;
    assert!(found.header("etag").is_some());
    let found = found.expect(200);
    let jobs = &found["jobs"];
    assert_eq!((&found["bids"], &jobs["posted"], &jobs["awarded"]), (&Value::Null, &json!(2), &json!(1)));
    assert_eq!(
        (&jobs["completed"], &jobs["awardedShare"], &jobs["completedShare"]),
        (&json!(1), &json!(0.5), &json!(1.0))
    );
    assert_eq!(jobs["firstBids"], 2);
    let of = |status: &str| {
        jobs["byStatus"].as_array().into_iter().flatten().find(|one| one["status"] == status).cloned()
    };
    assert_eq!(of("DRAFT"), Some(json!({ "status": "DRAFT", "jobs": 1 })));
    assert_eq!(of("CANCELLED"), Some(json!({ "status": "CANCELLED", "jobs": 0 })));
    assert_eq!((&jobs["prices"][0]["median"], &jobs["prices"][0]["jobs"]), (&json!(100_000), &json!(1)));

    let found = bob.get(PATH).await.expect(200);
    let expected = json!({
        "sent": 2, "jobs": 2, "open": 1, "won": 1, "lost": 0, "noAward": 0, "withdrawn": 0, "winRate": 1.0,
    });
    assert_eq!((&found["jobs"], &found["bids"]), (&Value::Null, &expected));
    // A rival's bid on the open job is in nobody's figures but the owner's and the rival's.
    app.bid_for(&rival, &open, 1_000).await;
    assert_eq!(bob.get(PATH).await.expect(200), found);
    assert_eq!(rival.get(PATH).await.expect(200)["bids"]["open"], 1);
}

#[actix_web::test]
async fn figures_are_of_those_signed_in_and_of_nobody_else() {
    let app = TestApp::start().await;
    app.completed_contract().await;
    app.anyone().get(PATH).await.problem(401, "unauthenticated");
    let nothing = app.homeowner().await.get(PATH).await.expect(200);
    assert_eq!((&nothing["jobs"]["posted"], &nothing["jobs"]["awardedShare"]), (&json!(0), &Value::Null));
    let nothing = app.contractor().await.get(PATH).await.expect(200);
    assert_eq!((&nothing["bids"]["sent"], &nothing["bids"]["winRate"]), (&json!(0), &Value::Null));
    assert_eq!(app.admin().await.get(PATH).await.expect(200), json!({ "jobs": null, "bids": null }));
    app.homeowner().await.get(&format!("{PATH}?of=all")).await.problem(400, "invalid_request");
}
