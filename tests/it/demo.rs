//! The demo that `fairtrade serve --demo` puts in.

use std::time::Duration;

use gateway::demo;
use tests::{TestApp, settings};

/// Puts the demo in; false when it was there.
async fn seed(app: &TestApp) -> bool {
    let (platform, provider) = (app.platform.clone(), app.provider.clone());
    let seeded = tokio::task::spawn_blocking(move || demo::seed(&platform, &provider, settings())).await;
    seeded.unwrap().unwrap()
}

#[tokio::test]
async fn the_demo_is_put_in_once_and_shows_every_state() {
    let app = TestApp::start().await;
    assert!(seed(&app).await);
    assert!(!seed(&app).await);
    app.pass(Duration::from_secs(10)).await;
    assert_eq!(app.database.count("identity.people"), 9);
    for state in ["DRAFT", "OPEN", "AWARDED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "EXPIRED"] {
        let count = app.database.count(&format!("marketplace.jobs WHERE status = '{state}'"));
        assert!(count > 0, "no job is {state}");
    }
    let milestones = [
        "PENDING",
        "FUNDED",
        "IN_PROGRESS",
        "SUBMITTED",
        "CHANGES_REQUESTED",
        "APPROVED",
        "RELEASED",
        "CANCELLED",
    ];
    for state in milestones {
        let count = app.database.count(&format!("contracts.milestones WHERE status = '{state}'"));
        assert!(count > 0, "no milestone is {state}");
    }
}

#[tokio::test]
async fn the_demos_money_is_in_every_account_it_can_move_and_its_books_balance() {
    let app = TestApp::start().await;
    seed(&app).await;
    app.settle().await;
    let admin = app.sign_in(demo::ADMIN, demo::PASSWORD).await;
    let books = admin.get("/api/admin/ledger/trial-balance").await.expect(200);
    assert_eq!(books["balanced"], true);
    let with_money: Vec<&str> = books["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["debitAmount"] != line["creditAmount"])
        .filter_map(|line| line["kind"].as_str())
        .collect();
    for kind in ["CARD_CLEARING", "HELD", "CONTRACTOR_PAYABLE", "PLATFORM_FEE", "PROCESSOR_FEE"] {
        assert!(with_money.contains(&kind), "nothing in {kind}: {books}");
    }
    for state in ["PAID", "WAITING_ACCOUNT"] {
        assert!(app.database.count(&format!("escrow.payouts WHERE status = '{state}'")) > 0, "no {state}");
    }
    let report = app.database.owner.read(escrow::verify_ledger).unwrap();
    assert!(report.is_clean(), "{:?}", report.disagreements);
}

#[tokio::test]
async fn a_demo_that_was_broken_off_is_finished_and_nothing_is_there_twice() {
    let app = TestApp::start().await;
    seed(&app).await;
    let things = ["identity.people", "marketplace.jobs", "marketplace.bids", "contracts.contracts"];
    let things = things.into_iter().chain(["escrow.payments", "escrow.releases", "marketplace.reviews"]);
    let count = |thing: &str| app.database.count(thing);
    let before: Vec<(&str, i64)> = things.map(|thing| (thing, count(thing))).collect();
    // The administrator tells that it is whole; without one it is taken for broken off.
    app.database.execute(&format!(
        "UPDATE identity.people SET email = 'gone@example.com', email_canonical = 'gone@example.com' WHERE email = '{}'",
        demo::ADMIN
    ));
    assert!(seed(&app).await);
    for (thing, count_before) in before {
        let one_more = i64::from(thing == "identity.people");
        assert_eq!(count(thing), count_before + one_more, "{thing}");
    }
}

#[tokio::test]
async fn the_demos_people_sign_in_with_what_is_told() {
    let app = TestApp::start().await;
    seed(&app).await;
    for login in demo::logins() {
        let body = serde_json::json!({ "email": login.email, "password": login.password });
        app.anyone().post("/api/auth/login", body).await.expect(200);
    }
}
