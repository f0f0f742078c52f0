//! The inspection clock of somebody who is suspended: it stands still, and goes on with the time that was left.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Deal, Person, TestApp};

use super::told;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn again(app: &TestApp, person: &Person) -> Person {
    app.sign_in(&person.email, &person.password).await
}

async fn tell(app: &TestApp, admin: &Person, person: &Person, step: &str) {
    let admin = again(app, admin).await;
    let path = format!("/api/admin/users/{}/{step}", person.id);
    admin.post(&path, json!({ "reason": "Complaints." })).await.expect(200);
}

/// The first milestone, as its contractor reads it.
async fn first(app: &TestApp, deal: &Deal) -> Value {
    let page =
        again(app, &deal.contractor).await.get(&format!("{}/milestones", deal.path())).await.expect(200);
    page["data"][0].clone()
}

#[actix_web::test]
async fn it_stands_still_while_the_homeowner_is_suspended() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let deal = app.submitted_contract().await;
    let before = first(&app, &deal).await;
    let reminders = || told(&app, "milestone.inspection_reminder", &deal.milestones[0]);
    app.pass(DAY * 3).await;
    tell(&app, &admin, &deal.homeowner, "suspend").await;
    app.settle().await;
    let paused = first(&app, &deal).await;
    assert_eq!(paused["inspectionEndsAt"], before["inspectionEndsAt"]);
    assert!(paused["inspectionPausedAt"].is_string(), "{paused}");
    assert_ne!(paused["version"], before["version"]);
    // Days 5, 12 and 14 come and go.
    for _ in 0..20 {
        app.pass(DAY).await;
    }
    assert_eq!((first(&app, &deal).await["status"].clone(), reminders()), (json!("SUBMITTED"), 0));

    tell(&app, &admin, &deal.homeowner, "reinstate").await;
    app.settle().await;
    let resumed = first(&app, &deal).await;
    assert_eq!(resumed["inspectionPausedAt"], Value::Null);
    let instant =
        |view: &Value| view["inspectionEndsAt"].as_str().unwrap().parse::<kernel::Instant>().unwrap();
    let moved = (instant(&resumed) - instant(&before)).num_minutes();
    assert!((28_800..28_830).contains(&moved), "20 days and what the test took, not {moved} minutes");
    let kept = "contracts.submissions s JOIN contracts.milestones m ON m.id = s.milestone_id
        AND m.submission = s.number AND m.inspection_ends_at = s.inspection_ends_at";
    assert_eq!(app.database.count(kept), 1);
    // Eleven days are left: the reminders of days 5 and 12, the one a day before the end, and silence.
    for (days, reminded) in [(1, 0), (1, 1), (6, 1), (1, 2), (1, 3)] {
        app.pass(DAY * days + HOUR / 60).await;
        assert_eq!(reminders(), reminded, "{days}");
    }
    assert_eq!(first(&app, &deal).await["status"], "SUBMITTED");
    app.pass(DAY).await;
    assert_eq!(first(&app, &deal).await["status"], "APPROVED");
    assert_eq!(app.database.count("contracts.submissions WHERE outcome = 'APPROVED_BY_SILENCE'"), 1);
    assert_eq!(reminders(), 3);
}

#[actix_web::test]
async fn a_contractor_s_suspension_stops_nobody_s_clock() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let deal = app.submitted_contract().await;
    tell(&app, &admin, &deal.contractor, "suspend").await;
    for _ in 0..14 {
        app.pass(DAY).await;
    }
    assert_eq!(app.database.count("contracts.milestones WHERE status = 'APPROVED'"), 1);
    assert_eq!(app.database.count("contracts.milestones WHERE inspection_paused_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn it_stands_still_before_anybody_has_heard_of_the_suspension() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let deal = app.submitted_contract().await;
    app.clock.advance(DAY * 14 - HOUR);
    tell(&app, &admin, &deal.homeowner, "suspend").await;
    app.clock.advance(HOUR * 2);
    // Whatever comes first of the task that approves and the event that tells of the suspension.
    app.settle().await;
    assert_eq!(first(&app, &deal).await["status"], "SUBMITTED");
    tell(&app, &admin, &deal.homeowner, "reinstate").await;
    app.settle().await;
    assert_eq!(first(&app, &deal).await["status"], "SUBMITTED");
    app.pass(HOUR / 2).await;
    assert_eq!(first(&app, &deal).await["status"], "SUBMITTED");
    app.pass(HOUR).await;
    assert_eq!(first(&app, &deal).await["status"], "APPROVED");
}

#[actix_web::test]
async fn what_was_silently_approved_before_the_suspension_stays_approved() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let deal = app.submitted_contract().await;
    // The task that approves is late; the clock had run out before.
    app.clock.advance(DAY * 14 + HOUR);
    tell(&app, &admin, &deal.homeowner, "suspend").await;
    app.settle().await;
    assert_eq!(first(&app, &deal).await["status"], "APPROVED");
}

#[actix_web::test]
async fn it_does_not_begin_to_run_for_somebody_who_is_suspended() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let deal = app.started_contract().await;
    tell(&app, &admin, &deal.homeowner, "suspend").await;
    app.settle().await;
    let contractor = again(&app, &deal.contractor).await;
    let submitted =
        contractor.patch(&deal.milestone_path(0), json!({ "action": "submit" })).await.expect(200);
    assert!(submitted["inspectionPausedAt"].is_string(), "{submitted}");
    assert_eq!(submitted, first(&app, &deal).await);
    app.pass(DAY * 20).await;
    tell(&app, &admin, &deal.homeowner, "reinstate").await;
    app.settle().await;
    app.pass(DAY * 13).await;
    assert_eq!(first(&app, &deal).await["status"], "SUBMITTED");
    // Back in time, the homeowner can still ask for changes, and the clock is gone with that.
    let homeowner = again(&app, &deal.homeowner).await;
    let body = json!({ "action": "request_changes", "reason": "The gate sticks." });
    let sent_back = homeowner.patch(&format!("{}/complete", deal.milestone_path(0)), body).await.expect(200);
    assert_eq!(
        (&sent_back["inspectionEndsAt"], &sent_back["inspectionPausedAt"]),
        (&Value::Null, &Value::Null)
    );
    app.pass(DAY * 3).await;
    assert_eq!(first(&app, &deal).await["status"], "CHANGES_REQUESTED");
}
