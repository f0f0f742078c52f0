//! The marketplace over HTTP: jobs, bids and reviews.

mod admin_reviews;
mod attachments;
mod bid;
mod bid_attachments;
mod bids;
mod blindness;
mod comparison;
mod confirmation;
mod directory;
mod figures;
mod job;
mod job_analytics;
mod jobs;
mod recommendations;
mod review_life;
mod reviews;
mod scene;
mod sealed;
mod search;
mod search_quality;
mod validity;
mod views;

use chrono::{SubsecRound, TimeDelta};
use serde_json::{Value, json};
use tests::{Answer, Person, TestApp};
use uuid::Uuid;

/// A job to post, with everything that a client has to say and most of what it can.
fn job_form() -> Value {
    json!({
        "title": "Tile the bathroom",
        "description": "Floor and walls, 12 square metres.\nThe old tiles come off first.",
        "category": "tiling",
        "skills": ["Tiling", "grout"],
        "address": {
            "street": "12 Oak Street", "city": "Austin", "region": "TX", "postalCode": "78701", "country": "US",
            "point": { "lat": 30.267_153, "lng": -97.743_057 },
        },
        "budgetMin": 100_000,
        "budgetMax": 250_000,
    })
}

/// A form with these fields instead; null takes one away.
fn with(mut form: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        match form.as_object_mut() {
            Some(form) if value.is_null() => drop(form.remove(&name)),
            Some(form) => drop(form.insert(name, value)),
            None => panic!("a form is an object"),
        }
    }
    form
}

/// The id in an answer.
fn id(view: &Value) -> &str {
    text(view, "/id")
}

/// A text in an answer.
fn text<'a>(view: &'a Value, pointer: &str) -> &'a str {
    match view.pointer(pointer).and_then(Value::as_str) {
        Some(text) => text,
        None => panic!("there is no text at {pointer} of {view}"),
    }
}

/// The path of a job that its owner posted just now.
async fn post(owner: &Person, form: Value) -> String {
    format!("/api/jobs/{}", id(&owner.post("/api/jobs", form).await.expect(201)))
}

/// The ids on a page, in their order.
fn ids(page: &Value) -> Vec<String> {
    let things = page["data"].as_array().unwrap_or_else(|| panic!("{page} is no page"));
    things.iter().map(|thing| id(thing).to_owned()).collect()
}

/// Every id of a list, read page by page; `between` happens after each page.
async fn all_pages(reader: &Person, path: &str, mut between: impl AsyncFnMut()) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let next = cursor.map(|cursor| format!("{separator}cursor={cursor}")).unwrap_or_default();
        let page = reader.get(&format!("{path}{next}")).await.expect(200);
        found.extend(ids(&page));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return found,
        }
        between().await;
    }
}

/// An id of that kind which names nothing.
fn nothing(prefix: &str) -> String {
    format!("{prefix}_{}", kernel::id::encode_suffix(Uuid::now_v7()))
}

/// How many events of this name tell of this job.
fn told(app: &TestApp, event: &str, job: &str) -> i64 {
    app.database.count(&format!("outbox.events WHERE name = '{event}' AND data->>'jobId' = '{job}'"))
}

/// How many events there are at all.
fn told_at_all(app: &TestApp) -> i64 {
    app.database.count("outbox.events")
}

/// An instant from now, as JSON has it.
fn ahead(app: &TestApp, by: TimeDelta) -> Value {
    json!(app.now().trunc_subsecs(6).checked_add_signed(by))
}

/// The same person in a new session: the clock has outrun the former one.
async fn again(app: &TestApp, person: &Person) -> Person {
    app.sign_in(&person.email, &person.password).await
}

/// A header of an answer that has to be there.
fn header(answer: &Answer, name: &str) -> String {
    match answer.header(name) {
        Some(value) => value.to_owned(),
        None => panic!("{} has no {name}", answer.asked),
    }
}

/// Changes under a condition.
async fn patch_if(person: &Person, path: &str, etag: &str, body: Value) -> Answer {
    let dress = |request: reqwest::RequestBuilder| request.header("if-match", etag).json(&body);
    person.send(reqwest::Method::PATCH, path, dress).await
}

/// Commands, without a body, under a condition.
async fn post_if(person: &Person, path: &str, etag: &str) -> Answer {
    person.send(reqwest::Method::POST, path, |request| request.header("if-match", etag)).await
}

/// Removes under a condition.
async fn delete_if(person: &Person, path: &str, etag: &str) -> Answer {
    person.send(reqwest::Method::DELETE, path, |request| request.header("if-match", etag)).await
}

/// Reads what is not known already.
async fn get_unless(person: &Person, path: &str, etag: &str) -> Answer {
    person.send(reqwest::Method::GET, path, |request| request.header("if-none-match", etag)).await
}
