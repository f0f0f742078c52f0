//! `/api/contractors/verification/{verificationId}/documents`: files that are handed in with the papers, and who gets them back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::{Person, TestApp};

use super::{decide, hand_in};

fn documents(verification: &str) -> String {
    format!("/api/contractors/verification/{verification}/documents")
}

/// A PDF of so many bytes, as far as its first ones tell.
fn pdf(bytes: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.resize(bytes.max(pdf.len()), b'x');
    pdf
}

/// Every file on the disk.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(kept(&path)) } else { found.push(path) }
    }
    found
}

async fn waiting(app: &TestApp) -> (Person, String) {
    let bob = app.contractor().await;
    let verification = hand_in(&bob).await;
    (bob, verification)
}

#[actix_web::test]
async fn a_document_comes_back_as_it_was_sent_to_its_contractor_and_to_administrators() {
    let app = TestApp::start().await;
    let (bob, verification) = waiting(&app).await;
    let admin = app.admin().await;
    // Larger than what is held in memory at once, and than any other body may be.
    let bytes = pdf(1_500_000);
    let path = format!("{}?name=C:%5Cpapers%5CLizenz%20%C3%BC.pdf", documents(&verification));
    let answer = bob.upload(&path, &bytes).await;
    let location = answer.header("location").unwrap_or_default().to_owned();
    let made = answer.expect(201);
    assert_eq!(location, format!("{}/{}", documents(&verification), made["id"].as_str().unwrap()));
    assert_eq!((&made["name"], &made["contentType"]), (&json!("Lizenz ü.pdf"), &json!("application/pdf")));
    assert_eq!(made["size"], 1_500_000);
    for reader in [&bob, &admin] {
        let file = reader.get(&location).await;
        assert_eq!((file.status, file.bytes == bytes), (200, true));
        for (name, value) in [
            ("content-type", "application/pdf"),
            ("content-length", "1500000"),
            (
                "content-disposition",
                "attachment; filename=\"Lizenz _.pdf\"; filename*=UTF-8''Lizenz%20%C3%BC.pdf",
            ),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cache-control", "private, no-cache"),
        ] {
            assert_eq!(file.header(name), Some(value), "{name}");
        }
        let tag = file.header("etag").unwrap_or_default().to_owned();
        let again = reader.send(Method::GET, &location, |request| request.header("if-none-match", tag)).await;
        assert_eq!((again.status, again.bytes.len()), (304, 0));
    }
    let head = bob.send(Method::HEAD, &location, |request| request).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    // Both see it with the papers.
    let mine = bob.get("/api/contractors/verification").await.expect(200);
    assert_eq!(mine["pending"]["documents"], json!([made]));
    let queue = admin.get("/api/admin/verifications?status=PENDING").await.expect(200);
    assert_eq!(queue["data"][0]["verification"]["documents"], json!([made]));
    assert_eq!(app.database.count("files.files WHERE state = 'STORED'"), 1);
    assert_eq!(kept(app.files_folder()).len(), 1);
    assert_eq!(app.database.count("outbox.events WHERE strpos(data::text, 'Lizenz') > 0"), 0);
}

#[actix_web::test]
async fn for_everybody_else_a_document_is_not_there() {
    let app = TestApp::start().await;
    let (bob, verification) = waiting(&app).await;
    let made = bob.upload(&documents(&verification), &pdf(100)).await.expect(201);
    let one = format!("{}/{}", documents(&verification), made["id"].as_str().unwrap());
    let (ada, eve) = (app.homeowner().await, app.verified_contractor().await);
    let others = hand_in(&eve).await;
    app.anyone().get(&one).await.problem(401, "unauthenticated");
    for person in [&ada, &eve] {
        person.get(&one).await.problem(404, "not_found");
    }
    // Not under a verification of one's own either.
    let elsewhere = format!("{}/{}", documents(&others), made["id"].as_str().unwrap());
    for person in [&eve, &bob, &app.admin().await] {
        person.get(&elsewhere).await.problem(404, "not_found");
    }
    app.anyone().upload(&documents(&verification), &pdf(100)).await.problem(401, "unauthenticated");
    ada.upload(&documents(&verification), &pdf(100)).await.problem(403, "wrong_role");
    app.admin().await.upload(&documents(&verification), &pdf(100)).await.problem(403, "wrong_role");
    // A stranger hears it after the last byte, and nothing is kept of them.
    eve.upload(&documents(&verification), &pdf(3_000_000)).await.problem(404, "not_found");
    assert_eq!(app.database.count("files.files"), 1);
    assert_eq!(app.database.count("identity.verification_documents"), 1);
    assert_eq!(kept(app.files_folder()).len(), 1);
}

#[actix_web::test]
async fn what_is_no_paper_is_refused_and_leaves_nothing() {
    let app = TestApp::start().await;
    let (bob, verification) = waiting(&app).await;
    let path = documents(&verification);
    let send = async |bytes: &[u8]| bob.upload(&path, bytes).await;
    send(b"").await.problem(422, "file_empty");
    send(b"<html><script>alert(1)</script>").await.problem(415, "unsupported_type");
    send(b"PK\x03\x04 a spreadsheet").await.problem(415, "unsupported_type");
    // What it is called, and what its type is said to be, decides nothing.
    let disguised = bob
        .send(Method::POST, &format!("{path}?name=licence.pdf"), |request| {
            request.header("content-type", "application/pdf").body(b"MZ\x90\0 a program".to_vec())
        })
        .await;
    disguised.problem(415, "unsupported_type");
    let most = 10 * 1024 * 1024;
    send(&pdf(most + 1)).await.problem(413, "body_too_large");
    // The same when nobody says beforehand how long it is.
    let chunks = futures_util::stream::iter((0..22).map(|_| Ok::<_, std::io::Error>(pdf(500_000))));
    let unstated =
        bob.send(Method::POST, &path, |request| request.body(reqwest::Body::wrap_stream(chunks))).await;
    unstated.problem(413, "body_too_large");
    for (query, pointer) in
        [("name=", "?name"), ("name=a%00b", "?name"), ("name=papers%2F", "?name"), ("size=1", "?size")]
    {
        let refused = bob.upload(&format!("{path}?{query}"), &pdf(100)).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{query}"
        );
    }
    assert_eq!(app.database.count("identity.verification_documents"), 0);
    assert!(kept(app.files_folder()).is_empty(), "{:?}", kept(app.files_folder()));
    assert_eq!(app.database.count("files.files"), 0);
    bob.upload(&path, &pdf(most)).await.expect(201);
}

#[actix_web::test]
async fn documents_are_added_while_the_papers_wait_and_up_to_a_number() {
    let app = TestApp::start().await;
    let (bob, verification) = waiting(&app).await;
    let admin = app.admin().await;
    for _ in 0..tests::settings().identity.verification_documents_max {
        bob.upload(&documents(&verification), &pdf(20)).await.expect(201);
    }
    bob.upload(&documents(&verification), &pdf(20)).await.problem(409, "too_many_documents");
    decide(&admin, &verification, "reject", json!({ "reason": "The scans are blurred." })).await.expect(200);
    let late = bob.upload(&documents(&verification), &pdf(20)).await.wrong_state("REJECTED");
    assert_eq!(late["code"], "already_decided");
    // What was handed in stays with what was decided about it.
    let stands = bob.get("/api/contractors/verification").await.expect(200);
    assert_eq!(stands["data"][0]["documents"].as_array().map(Vec::len), Some(20));
    let missing = format!("ver_{}", kernel::id::encode_suffix(uuid::Uuid::now_v7()));
    for nothing in [missing.as_str(), "ver_1", &bob.party] {
        bob.upload(&documents(nothing), &pdf(20)).await.problem(404, "not_found");
    }
    assert_eq!(app.database.count("files.files"), 20);
}

#[actix_web::test]
async fn of_many_documents_at_once_no_more_are_kept_than_may_be() {
    let app = TestApp::start().await;
    let (bob, verification) = waiting(&app).await;
    let path = documents(&verification);
    let bytes = pdf(20);
    let answers = futures_util::future::join_all((0..26).map(|_| bob.upload(&path, &bytes))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((made, made + refused), (20, 26));
    assert_eq!(app.database.count("identity.verification_documents"), 20);
    // Those that came too late were given up at once.
    assert_eq!(app.database.count("files.files"), 20);
    assert_eq!(kept(app.files_folder()).len(), 20);
}

#[actix_web::test]
async fn a_document_sent_twice_under_one_key_is_there_once() {
    let app = TestApp::start().await;
    let (bob, verification) = waiting(&app).await;
    let path = documents(&verification);
    let keyed = |bytes: Vec<u8>| {
        bob.send(Method::POST, &path, |request| request.header("idempotency-key", "once").body(bytes))
    };
    let (first, again) = (keyed(pdf(300_000)).await, keyed(pdf(300_000)).await);
    assert_eq!((first.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    keyed(pdf(300_001)).await.problem(422, "idempotency_key_reused");
    assert_eq!(app.database.count("files.files"), 1);
    assert_eq!(kept(app.files_folder()).len(), 1);
}

#[actix_web::test]
async fn an_upload_that_breaks_off_is_swept_up() {
    let app = TestApp::start().await;
    let (bob, verification) = waiting(&app).await;
    let pieces =
        futures_util::stream::iter([Ok(pdf(400_000)), Err(std::io::Error::other("the line went dead"))]);
    let broken = bob
        .try_send(Method::POST, &documents(&verification), |request| {
            request.body(reqwest::Body::wrap_stream(pieces))
        })
        .await;
    assert!(broken.is_err());
    // From the first run on, the sweep comes back every hour.
    app.settle().await;
    app.pass(Duration::from_secs(26 * 3_600)).await;
    assert_eq!(app.database.count("files.files"), 0);
    assert!(kept(app.files_folder()).is_empty());
}
