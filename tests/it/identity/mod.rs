//! Over HTTP: accounts and sessions, profiles, contractors and their papers.

use reqwest::header::HeaderMap;
use serde_json::Value;
use tests::{Answer, Person, TestApp, papers};

mod admin;
mod admin_users;
mod auth;
mod contractors;
mod documents;
mod email_change;
mod erasure;
mod exports;
mod mfa;
mod my_data;
mod oauth;
mod overview;
mod own_sessions;
mod passwords;
mod providers;
mod sessions;
mod step_up;
mod suspensions;
mod tokens;
mod users;

/// How many events of that name concern this person.
fn events(app: &TestApp, name: &str, person: &Person) -> i64 {
    app.database.count(&format!(
        "outbox.events WHERE name = '{name}' AND '{}' IN (data->>'personId', data->>'contractorId')",
        if person.id.is_empty() { &person.party } else { &person.id }
    ))
}

/// Asserts what a caller could tell two answers apart by to be the same: all but when it was and which request.
#[track_caller]
fn assert_alike(one: &Answer, other: &Answer) {
    let seen = |answer: &Answer| -> (u16, HeaderMap, Value) {
        let (mut headers, mut json) = (answer.headers.clone(), answer.json.clone());
        for name in ["date", "x-request-id"] {
            headers.remove(name);
        }
        if let Some(problem) = json.as_object_mut() {
            problem.remove("requestId");
        }
        (answer.status, headers, json)
    };
    assert_eq!(seen(one), seen(other));
}

/// Hands in papers that hold for long; says under which id they wait.
async fn hand_in(contractor: &Person) -> String {
    let made = contractor.post("/api/contractors/verification", papers()).await.expect(201);
    made["id"].as_str().unwrap_or_default().to_owned()
}

/// An administrator's `approve` or `reject`.
async fn decide(admin: &Person, verification: &str, step: &str, body: Value) -> Answer {
    admin.post(&format!("/api/admin/verifications/{verification}/{step}"), body).await
}
