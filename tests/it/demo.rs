//! The demo that `fairtrade serve --demo` puts in.

use std::time::Duration;

use gateway::demo;
use tests::{TestApp, settings};

#[tokio::test]
async fn the_demo_is_put_in_once_shows_every_state_and_its_books_balance() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        let platform = app.platform.clone();
        let logins =
            tokio::task::spawn_blocking(move || demo::seed(&platform, settings())).await.unwrap().unwrap();
        assert_eq!(logins.len(), 9);
    }
    app.pass(Duration::from_secs(10)).await;
    assert_eq!(app.database.count("identity.people"), 9);
    for state in ["DRAFT", "OPEN", "AWARDED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "EXPIRED"] {
        let count = app.database.count(&format!("marketplace.jobs WHERE status = '{state}'"));
        assert!(count > 0, "no job is {state}");
    }
    for state in ["PENDING", "FUNDED", "SUBMITTED", "APPROVED", "RELEASED"] {
        let count = app.database.count(&format!("contracts.milestones WHERE status = '{state}'"));
        assert!(count > 0, "no milestone is {state}");
    }
    let report = app.database.owner.read(escrow::verify_ledger).unwrap();
    assert!(report.is_clean(), "{:?}", report.disagreements);
    assert!(report.transactions > 5);
}

#[tokio::test]
async fn the_demos_people_sign_in_with_what_is_told() {
    let app = TestApp::start().await;
    let platform = app.platform.clone();
    let logins =
        tokio::task::spawn_blocking(move || demo::seed(&platform, settings())).await.unwrap().unwrap();
    for login in logins {
        let body = serde_json::json!({ "email": login.email, "password": login.password });
        app.anyone().post("/api/auth/login", body).await.expect(200);
    }
}
