//! `/api/users/me/data/exports`: everything that is held about somebody, as one archive.

use std::io::{Cursor, Read};
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, TestApp};

use super::{events, hand_in};

const MY_DATA: &str = "/api/users/me/data";
const EXPORTS: &str = "/api/users/me/data/exports";
const HOUR: Duration = Duration::from_secs(3600);

/// A contractor with a document, whose name nobody else has.
async fn documented(app: &TestApp) -> Person {
    let bob = app.newcomer("contractor", "Bartholomew Quincannon").await;
    app.verify_email(&bob);
    let verification = hand_in(&bob).await;
    let path = format!("/api/contractors/verification/{verification}/documents?name=Lizenz%20%C3%BC.pdf");
    bob.upload(&path, b"%PDF-1.7 licence").await.expect(201);
    bob
}

/// Has an export made; how it stands then.
async fn exported(app: &TestApp, person: &Person) -> Value {
    let asked = person.post_empty(EXPORTS).await.expect(202);
    app.settle().await;
    person.get(&path_of(&asked)).await.expect(200)
}

fn path_of(export: &Value) -> String {
    format!("{EXPORTS}/{}", export["id"].as_str().unwrap())
}

fn url(export: &Value) -> String {
    export["downloadUrl"].as_str().unwrap_or_default().to_owned()
}

/// What is in an archive, by its name there.
fn unpacked(archive: &Answer) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive.bytes.clone())).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

#[actix_web::test]
async fn an_export_has_the_document_and_the_files() {
    let app = TestApp::start().await;
    let bob = documented(&app).await;
    let answer = bob.post_empty(EXPORTS).await;
    let location = answer.header("location").unwrap_or_default().to_owned();
    let asked = answer.expect(202);
    assert_eq!((location, &asked["status"]), (path_of(&asked), &json!("QUEUED")));
    for field in ["finishedAt", "expiresAt", "size", "downloadUrl"] {
        assert_eq!(asked[field], Value::Null, "{field}");
    }
    assert_eq!(app.database.count("identity.exports WHERE state = 'QUEUED'"), 1);
    app.settle().await;
    let ready = bob.get(&path_of(&asked)).await.expect(200);
    assert_eq!(ready["status"], "READY");
    // A browser follows it without a token in a header.
    let archive = app.anyone().get(&url(&ready)).await;
    assert_eq!(
        (archive.status, json!(archive.bytes.len())),
        (200, ready["size"].clone()),
        "{}",
        archive.text()
    );
    for (name, value) in [
        ("content-type", "application/zip"),
        ("content-disposition", "attachment; filename=\"my-data.zip\"; filename*=UTF-8''my%2Ddata.zip"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(archive.header(name), Some(value), "{name}");
    }
    let inside = unpacked(&archive);
    let mut document: Value = serde_json::from_slice(&inside[0].1).unwrap();
    let listed = document["files"].clone();
    assert_eq!((inside.len(), inside[0].0.as_str()), (2, "data.json"));
    assert_eq!(
        (json!(inside[1].0), inside[1].1.as_slice()),
        (listed[0]["path"].clone(), &b"%PDF-1.7 licence"[..])
    );
    assert!(inside[1].0.ends_with("/Lizenz ü.pdf"), "{}", inside[1].0);
    // It is the very document, but for what has happened since.
    let mut shown = bob.get(MY_DATA).await.expect(200);
    for document in [&mut document, &mut shown] {
        document["generatedAt"].take();
        document["sections"]["audit"].take();
        document["sections"]["notifications"].take();
        document["sections"]["identity"]["exports"].take();
        for session in document["sections"]["identity"]["sessions"].as_array_mut().unwrap() {
            session["lastUsedAt"].take();
        }
    }
    assert_eq!(document, shown);
}

#[actix_web::test]
async fn its_person_is_told_without_the_link() {
    let app = TestApp::start().await;
    let bob = documented(&app).await;
    let ready = exported(&app, &bob).await;
    assert_eq!(events(&app, "export.ready", &bob), 1);
    let inbox = bob.get("/api/notifications").await.expect(200).to_string();
    assert!(inbox.contains(ready["id"].as_str().unwrap()), "{inbox}");
    let token = url(&ready).rsplit('=').next().unwrap().to_owned();
    let mails = app.mails_to(&bob.email);
    assert!(mails.iter().any(|mail| mail.contains("data is ready")), "{mails:?}");
    assert!(!mails.iter().any(|mail| mail.contains(&token) || mail.contains("/archive")), "{mails:?}");
    for table in
        ["outbox.events", "outbox.tasks", "notifications.notifications", "audit.entries", "identity.exports"]
    {
        let holds = format!("{table} t WHERE strpos(t::text, '{token}') > 0");
        assert_eq!(app.database.count(&holds), 0, "{table}");
    }
    let told =
        "audit.entries WHERE action = 'identity.make_export' AND changes->0->'after'->>'state' = 'READY'";
    assert_eq!(app.database.count(told), 1);
    assert_eq!(app.database.count("audit.entries WHERE action = 'requestExport'"), 1);
}

#[actix_web::test]
async fn an_archive_is_gone_when_its_time_is_over() {
    let app = TestApp::start().await;
    let bob = documented(&app).await;
    let ready = exported(&app, &bob).await;
    app.clock.advance(71 * HOUR);
    app.anyone().get(&url(&ready)).await.expect(200);
    assert_eq!(app.database.count("files.files WHERE purpose = 'export'"), 1);
    // Not a moment longer, whether or not the task has run.
    app.clock.advance(HOUR);
    app.anyone().get(&url(&ready)).await.problem(404, "not_found");
    let bob = app.sign_in(&bob.email, PASSWORD).await;
    let shown = bob.get(&path_of(&ready)).await.expect(200);
    assert_eq!((&shown["status"], &shown["downloadUrl"]), (&json!("EXPIRED"), &Value::Null));
    app.settle().await;
    assert_eq!(app.database.count("identity.exports WHERE state = 'EXPIRED' AND file_id IS NULL"), 1);
    assert_eq!(app.database.count("files.files WHERE purpose = 'export'"), 0);
    assert_eq!(bob.get(&path_of(&ready)).await.expect(200)["status"], "EXPIRED");
}

#[actix_web::test]
async fn asking_again_while_one_is_made_answers_that_one() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let one = ada.post_empty(EXPORTS).await.expect(202);
    let again = ada.post_empty(EXPORTS).await.expect(202);
    assert_eq!(one, again);
    let (first, second) = futures_util::join!(ada.post_empty(EXPORTS), ada.post_empty(EXPORTS));
    assert_eq!(
        (first.expect(202)["id"].clone(), second.expect(202)["id"].clone()),
        (one["id"].clone(), one["id"].clone())
    );
    assert_eq!(app.database.count("identity.exports"), 1);
    app.settle().await;
    assert_eq!(app.database.count("files.files WHERE state = 'STORED'"), 1);
}

#[actix_web::test]
async fn there_are_so_many_a_day() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for _ in 0..3 {
        exported(&app, &ada).await;
    }
    let refused = ada.post_empty(EXPORTS).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "too_many_exports");
    assert_eq!(app.database.count("identity.exports"), 3);
    app.clock.advance(24 * HOUR);
    let ada = app.sign_in(&ada.email, PASSWORD).await;
    ada.post_empty(EXPORTS).await.expect(202);
}

#[actix_web::test]
async fn nobody_exports_signed_out_or_sees_another_s() {
    let app = TestApp::start().await;
    let (ada, eve, admin) = (app.homeowner().await, app.homeowner().await, app.admin().await);
    ada.signed_out().post_empty(EXPORTS).await.problem(401, "unauthenticated");
    let ready = exported(&app, &ada).await;
    let path = path_of(&ready);
    ada.signed_out().get(&path).await.problem(401, "unauthenticated");
    for other in [&eve, &admin] {
        other.get(&path).await.problem(404, "not_found");
    }
    // Another's token fetches nothing, nor does one that is cut, altered or of another export.
    let hers = exported(&app, &eve).await;
    let token = |export: &Value| url(export).rsplit('=').next().unwrap().to_owned();
    let own = token(&ready);
    let altered: String = own.chars().rev().collect();
    for wrong in [token(&hers), own[..own.len() - 1].to_owned(), altered, "x".to_owned()] {
        let fetched = app.anyone().get(&format!("{path}/archive?token={wrong}")).await;
        fetched.problem(404, "not_found");
    }
    app.anyone().get(&format!("{path}/archive?token={own}")).await.expect(200);
}

#[actix_web::test]
async fn nothing_can_be_said_with_it() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    ada.post(EXPORTS, json!({ "userId": "usr_1" })).await.problem(400, "no_body_expected");
    ada.post_empty(&format!("{EXPORTS}?all=true")).await.problem(400, "invalid_request");
    ada.get(&format!("{EXPORTS}/exp_1")).await.problem(404, "not_found");
    let ready = exported(&app, &ada).await;
    ada.get(&format!("{}/archive", path_of(&ready))).await.problem(404, "not_found");
    ada.get(&format!("{}/archive?token=", path_of(&ready))).await.problem(400, "invalid_request");
    assert_eq!(app.database.count("identity.exports"), 1);
}

#[actix_web::test]
async fn exports_go_with_their_person() {
    let app = TestApp::start().await;
    let bob = documented(&app).await;
    let ready = exported(&app, &bob).await;
    bob.post_empty(EXPORTS).await.expect(202);
    bob.post("/api/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    bob.delete(MY_DATA).await.expect(204);
    app.anyone().get(&url(&ready)).await.problem(404, "not_found");
    assert_eq!(app.database.count("identity.exports"), 0);
    // The one that was to be made is not.
    app.settle().await;
    assert_eq!(app.database.count("files.files"), 0);
    assert_eq!(
        app.database
            .count("outbox.tasks WHERE kind = 'identity.make_export' AND state IN ('READY', 'PARKED')"),
        0
    );
}

#[actix_web::test]
async fn what_is_too_large_to_export_fails_and_says_so() {
    let mut settings = tests::settings();
    settings.identity.export_bytes_max = 1_024;
    let app = TestApp::start_with_settings(settings).await;
    let bob = documented(&app).await;
    for _ in 0..40 {
        app.sign_in(&bob.email, PASSWORD).await;
    }
    let failed = exported(&app, &bob).await;
    assert_eq!((&failed["status"], &failed["downloadUrl"]), (&json!("FAILED"), &Value::Null));
    assert!(failed["finishedAt"].is_string());
    assert_eq!(app.database.count("files.files WHERE purpose = 'export' AND state <> 'REMOVED'"), 0);
    assert_eq!(app.database.count("outbox.tasks WHERE state = 'PARKED' AND reason = 'export_too_large'"), 1);
    assert_eq!(events(&app, "export.ready", &bob), 0);
}
