//! `/api/jobs/{jobId}/attachments`: photographs and documents of jobs, who gets them, and what is left of what was in them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use files::{S3Keys, S3Settings, Storage};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testing::S3Server;
use testing::pictures::{SECRET_PLACE, bomb, is_blue, is_red, jpeg, look, photograph, png, segments};
use tests::{Answer, Person, TestApp};

use super::{get_unless, header, id, ids, nothing, text};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The attachments of a job.
pub(super) fn of_job(job: &str) -> String {
    format!("/api/jobs/{job}/attachments")
}

/// A PDF of so many bytes, as far as its first ones tell.
pub(super) fn pdf(bytes: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.extend((pdf.len()..bytes).map(|at| u8::try_from(at % 251).unwrap()));
    pdf
}

/// Every file on the disk.
pub(super) fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(kept(&path)) } else { found.push(path) }
    }
    found
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// An open job of somebody, and where its attachments are.
async fn open(app: &TestApp) -> (Person, String, String) {
    let ada = app.homeowner().await;
    let job = app.open_job(&ada).await;
    let path = of_job(&job);
    (ada, job, path)
}

/// A photograph and a document of a job.
async fn both(owner: &Person, path: &str) -> (Value, Value) {
    let photo = owner.upload(&format!("{path}?name=sink.jpg"), &photograph(60, 40)).await.expect(201);
    let document = owner.upload(&format!("{path}?name=plan.pdf"), &pdf(700)).await.expect(201);
    (photo, document)
}

async fn part(reader: &Person, path: &str, range: &str) -> Answer {
    reader.send(Method::GET, path, |request| request.header("range", range)).await
}

#[actix_web::test]
async fn a_photograph_of_an_open_job_is_shown_to_everybody_upright_and_without_the_place() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let taken = photograph(2_000, 1_500);
    assert!(contains(&taken, SECRET_PLACE));
    let answer = ada.upload(&format!("{path}?name=C:%5Cphotos%5Csink%20%C3%BC.jpeg"), &taken).await;
    let location = header(&answer, "location");
    let made = answer.expect(201);
    assert_eq!((text(&made, "/url"), text(&made, "/kind")), (location.as_str(), "photo"));
    assert_eq!((text(&made, "/name"), text(&made, "/contentType")), ("sink ü.jpeg", "image/jpeg"));
    assert_eq!((&made["width"], &made["height"]), (&json!(1_500), &json!(2_000)));
    for reader in [app.anyone(), app.contractor().await, app.homeowner().await, ada.clone()] {
        assert_eq!(reader.get(&path).await.expect(200)["data"], json!([made]));
        for (url, size) in
            [("/url", (1_500, 2_000)), ("/previewUrl", (960, 1_280)), ("/thumbnailUrl", (240, 320))]
        {
            let photo = reader.get(text(&made, url)).await;
            assert_eq!(photo.status, 200, "{}", photo.text());
            let (upper, lower, seen) = look(&photo.bytes);
            assert!(is_red(upper) && is_blue(lower), "{url}: {upper:?} {lower:?}");
            assert_eq!(seen, size, "{url}");
            assert!(
                !contains(&photo.bytes, SECRET_PLACE) && !segments(&photo.bytes).contains(&0xe1),
                "{url}"
            );
        }
    }
    let photo = app.anyone().get(&location).await;
    assert_eq!(hex::encode(Sha256::digest(&photo.bytes)), text(&made, "/sha256"));
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("content-disposition", "inline; filename=\"sink _.jpeg\"; filename*=UTF-8''sink%20%C3%BC.jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("cache-control", "public, max-age=300"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(photo.header(name), Some(value), "{name}");
    }
    let again = get_unless(&app.anyone(), &location, &header(&photo, "etag")).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    let head = app.anyone().send(Method::HEAD, &location, |request| request).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    // What came in is nowhere any more: three sizes, and in none of them a word of it.
    let files = kept(app.files_folder());
    assert_eq!(files.len(), 3);
    assert!(files.iter().all(|file| !contains(&std::fs::read(file).unwrap(), SECRET_PLACE)));
    assert_eq!(app.database.count("files.files"), 3);
    assert_eq!(app.database.count("outbox.events WHERE strpos(data::text, 'sink') > 0"), 0);
    assert_eq!(app.database.count("audit.entries WHERE strpos(changes::text, 'sink') > 0"), 0);
}

#[actix_web::test]
async fn a_document_comes_back_byte_by_byte_and_in_parts() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let bytes = pdf(1_500_000);
    let made = ada.upload(&format!("{path}?name=report.html"), &bytes).await.expect(201);
    // Nobody's machine opens it as a page.
    assert_eq!((text(&made, "/kind"), text(&made, "/name")), ("document", "report.html.pdf"));
    assert_eq!(text(&made, "/sha256"), hex::encode(Sha256::digest(&bytes)));
    assert_eq!((&made["width"], &made["thumbnailUrl"]), (&Value::Null, &Value::Null));
    let url = text(&made, "/url");
    for reader in [&ada, &app.verified_contractor().await] {
        assert_eq!(reader.get(&path).await.expect(200)["data"], json!([made]));
        for wanted in [url.to_owned(), format!("{url}?size=thumbnail")] {
            let file = reader.get(&wanted).await;
            assert!(file.status == 200 && file.bytes == bytes, "{}", file.status);
            assert_eq!(file.header("content-type"), Some("application/pdf"));
            assert_eq!(file.header("cache-control"), Some("private, no-cache"));
            assert_eq!(file.header("cross-origin-resource-policy"), Some("same-origin"));
            assert!(
                header(&file, "content-disposition").starts_with("attachment; filename=\"report.html.pdf\"")
            );
        }
    }
    let middle = part(&ada, url, "bytes=300000-899999").await;
    assert!(middle.status == 206 && middle.bytes == bytes[300_000..900_000]);
    assert_eq!(middle.header("content-range"), Some("bytes 300000-899999/1500000"));
    assert_eq!(middle.header("content-length"), Some("600000"));
    assert!(part(&ada, url, "bytes=-5").await.bytes == bytes[1_499_995..]);
    assert_eq!(part(&ada, url, "bytes=0-0,5-6").await.status, 200);
    part(&ada, url, "bytes=1500000-").await.problem(416, "range_not_satisfiable");
    let of_another = ada
        .send(Method::GET, url, |request| request.header("range", "bytes=5-").header("if-range", "\"other\""))
        .await;
    assert!(of_another.status == 200 && of_another.bytes == bytes);
}

#[actix_web::test]
async fn documents_are_for_the_owner_and_for_contractors_whose_papers_hold() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let (photo, document) = both(&ada, &path).await;
    for reader in [app.anyone(), app.homeowner().await, app.contractor().await, app.admin().await] {
        assert_eq!(ids(&reader.get(&path).await.expect(200)), [id(&photo)]);
        let refused = reader.get(text(&document, "/url")).await.problem(404, "attachment_not_found");
        // As if there were none.
        let missing =
            reader.get(&format!("{path}/{}", nothing("att"))).await.problem(404, "attachment_not_found");
        assert_eq!(refused["detail"], missing["detail"]);
    }
    for reader in [&ada, &app.verified_contractor().await] {
        assert_eq!(ids(&reader.get(&path).await.expect(200)), [id(&photo), id(&document)]);
        reader.get(text(&document, "/url")).await.expect(200);
    }
    let first = ada.get(&format!("{path}?limit=1")).await.expect(200);
    let next = format!("{path}?limit=1&cursor={}", text(&first, "/nextCursor"));
    assert_eq!(ids(&ada.get(&next).await.expect(200)), [id(&document)]);
    ada.get(&format!("{}?size=huge", text(&photo, "/url"))).await.problem(400, "invalid_request");
}

#[actix_web::test]
async fn what_belongs_to_a_draft_is_its_owners_alone_until_it_is_published() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let job = app.draft_job(&ada).await;
    let path = of_job(&job);
    let (photo, _) = both(&ada, &path).await;
    for reader in [app.anyone(), app.homeowner().await, app.verified_contractor().await, app.admin().await] {
        reader.get(&path).await.problem(404, "job_not_found");
        reader.get(text(&photo, "/url")).await.problem(404, "attachment_not_found");
    }
    let own = ada.get(text(&photo, "/url")).await;
    assert_eq!((own.status, own.header("cache-control")), (200, Some("private, no-cache")));
    ada.post_empty(&format!("/api/jobs/{job}/publish")).await.expect(200);
    app.anyone().get(text(&photo, "/url")).await.expect(200);
}

#[actix_web::test]
async fn after_the_award_both_sides_have_them_and_nobody_else() {
    let app = TestApp::start().await;
    let (ada, job, path) = open(&app).await;
    let (bob, loser) = (app.verified_contractor().await, app.verified_contractor().await);
    let (photo, document) = both(&ada, &path).await;
    app.bid_for(&loser, &job, 90_000).await;
    let bid = app.bid(&bob, &job).await;
    app.accept(&ada, &bob, &job, &bid).await;
    for party in [&ada, &bob] {
        assert_eq!(ids(&party.get(&path).await.expect(200)), [id(&photo), id(&document)]);
        let seen = party.get(text(&photo, "/url")).await;
        assert_eq!((seen.status, seen.header("cache-control")), (200, Some("private, no-cache")));
        party.get(text(&document, "/url")).await.expect(200);
    }
    // Who lost knows of the job, and has nothing more to look at there.
    assert_eq!(loser.get(&path).await.expect(200)["data"], json!([]));
    loser.get(text(&photo, "/url")).await.problem(404, "attachment_not_found");
    for stranger in [app.anyone(), app.homeowner().await, app.verified_contractor().await, app.admin().await]
    {
        stranger.get(&path).await.problem(404, "job_not_found");
        stranger.get(text(&photo, "/url")).await.problem(404, "attachment_not_found");
    }
    // What the bid was chosen on stays what it was.
    ada.upload(&path, &pdf(20)).await.wrong_state("AWARDED");
    ada.delete(text(&photo, "/url")).await.wrong_state("AWARDED");
    assert_eq!(app.database.count("marketplace.attachments"), 2);
    assert_eq!(app.database.count("files.files WHERE state = 'STORED'"), 2);
}

#[actix_web::test]
async fn only_the_owner_adds_and_takes_away() {
    let app = TestApp::start().await;
    let (ada, job, path) = open(&app).await;
    let (photo, _) = both(&ada, &path).await;
    let url = text(&photo, "/url");
    app.anyone().upload(&path, &pdf(20)).await.problem(401, "unauthenticated");
    app.anyone().delete(url).await.problem(401, "unauthenticated");
    let eve = app.homeowner().await;
    eve.upload(&path, &pdf(3_000_000)).await.problem(404, "job_not_found");
    eve.delete(url).await.problem(404, "attachment_not_found");
    // Not under a job of one's own either.
    let elsewhere = format!("{}/{}", of_job(&app.open_job(&eve).await), id(&photo));
    eve.delete(&elsewhere).await.problem(404, "attachment_not_found");
    eve.get(&elsewhere).await.problem(404, "attachment_not_found");
    for other in [app.verified_contractor().await, app.admin().await] {
        other.upload(&path, &pdf(20)).await.problem(403, "wrong_role");
        other.delete(url).await.problem(403, "wrong_role");
    }
    for missing in [nothing("job"), "job_1".to_owned()] {
        let refused = ada.upload(&of_job(&missing), &pdf(20)).await;
        assert_eq!(refused.status, 404, "{}", refused.text());
    }
    assert_eq!((app.database.count("marketplace.attachments"), kept(app.files_folder()).len()), (2, 2));

    assert_eq!(ada.delete(url).await.status, 204);
    ada.get(url).await.problem(404, "attachment_not_found");
    ada.delete(url).await.problem(404, "attachment_not_found");
    app.settle().await;
    assert_eq!((kept(app.files_folder()).len(), app.database.count("files.files")), (1, 1));
    assert_eq!(app.database.count("audit.entries WHERE action = 'detachFromJob' AND outcome = 'DONE'"), 1);
    // A job that was called off has nobody who relies on it.
    let document = ada.get(&path).await.expect(200)["data"][0].clone();
    ada.delete(&format!("/api/jobs/{job}")).await.expect(200);
    ada.upload(&path, &pdf(20)).await.wrong_state("CANCELLED");
    assert_eq!(ada.delete(text(&document, "/url")).await.status, 204);
}

#[actix_web::test]
async fn what_is_no_photograph_or_document_is_refused_and_leaves_nothing() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let send = async |bytes: &[u8]| ada.upload(&path, bytes).await;
    send(b"").await.problem(422, "file_empty");
    send(b"<html><script>alert(1)</script>").await.problem(415, "unsupported_type");
    send(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
        .await
        .problem(415, "unsupported_type");
    send(b"PK\x03\x04 a spreadsheet").await.problem(415, "unsupported_type");
    let heic = send(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1").await.problem(415, "unsupported_type");
    assert!(text(&heic, "/detail").contains("image/heif"), "{heic}");
    // A few bytes that would unpack to three gigabytes, and pictures that end in their middle.
    send(&bomb(32_000, 32_000)).await.problem(422, "too_many_pixels");
    send(&photograph(60, 40)[..400]).await.problem(422, "picture_broken");
    send(b"\xff\xd8\xff\xe0<html><script>alert(1)</script>").await.problem(422, "picture_broken");
    // Nor does it help to say that it is one.
    let disguised = ada
        .send(Method::POST, &format!("{path}?name=plan.pdf"), |request| {
            request.header("content-type", "application/pdf").body(b"MZ\x90\0 a program".to_vec())
        })
        .await;
    disguised.problem(415, "unsupported_type");
    for (query, pointer) in [("name=", "?name"), ("name=a%00b", "?name"), ("size=full", "?size")] {
        let refused = ada.upload(&format!("{path}?{query}"), &pdf(100)).await;
        assert_eq!(
            (refused.status, &refused.json["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{query}"
        );
    }
    assert_eq!(app.database.count("marketplace.attachments"), 0);
    assert_eq!(app.database.count("files.files"), 0);
    assert!(kept(app.files_folder()).is_empty(), "{:?}", kept(app.files_folder()));
}

#[actix_web::test]
async fn a_picture_is_what_its_bytes_say_and_holds_nothing_else() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let named_pdf =
        ada.upload(&format!("{path}?name=plan.pdf"), &png(30, 20, [20, 20, 220, 255])).await.expect(201);
    assert_eq!((text(&named_pdf, "/kind"), text(&named_pdf, "/name")), ("photo", "plan.jpg"));
    assert_eq!(text(&named_pdf, "/contentType"), "image/jpeg");
    // A picture and a page in one: the page is gone.
    let polyglot = [jpeg(40, 40), b"<html><script>alert(1)</script>".to_vec()].concat();
    let made = ada.upload(&path, &polyglot).await.expect(201);
    let shown = app.anyone().get(text(&made, "/url")).await;
    assert!(!contains(&shown.bytes, "script") && shown.bytes.ends_with(&[0xff, 0xd9]));
}

#[actix_web::test]
async fn a_file_has_so_many_bytes_and_a_job_so_many_files() {
    let mut settings = tests::settings();
    settings.marketplace.job_attachments_max = 3;
    settings.marketplace.attachment_bytes_max = 1_000_000;
    settings.marketplace.photo_megapixels_max = 1;
    settings.marketplace.photo_side_max = 200;
    let app = TestApp::start_with_settings(settings).await;
    let (ada, _, path) = open(&app).await;
    ada.upload(&path, &pdf(1_000_001)).await.problem(413, "body_too_large");
    let chunks = futures_util::stream::iter((0..5).map(|_| Ok::<_, std::io::Error>(pdf(250_000))));
    let unstated =
        ada.send(Method::POST, &path, |request| request.body(reqwest::Body::wrap_stream(chunks))).await;
    unstated.problem(413, "body_too_large");
    ada.upload(&path, &jpeg(1_250, 801)).await.problem(422, "too_many_pixels");
    let photo = ada.upload(&path, &jpeg(1_250, 800)).await.expect(201);
    assert_eq!((&photo["width"], &photo["height"]), (&json!(200), &json!(128)));
    ada.get(text(&photo, "/previewUrl")).await.expect(200);
    // Of many at once no more are kept than may be.
    let bytes = photograph(40, 20);
    let answers = futures_util::future::join_all((0..5).map(|_| ada.upload(&path, &bytes))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 3, "{statuses:?}");
    ada.upload(&path, &pdf(20)).await.problem(409, "too_many_attachments");
    assert_eq!(app.database.count("marketplace.attachments"), 3);
    assert_eq!((app.database.count("files.files"), kept(app.files_folder()).len()), (3, 3));
}

#[actix_web::test]
async fn a_photograph_sent_twice_under_one_key_is_there_once() {
    let app = TestApp::start().await;
    let (ada, _, path) = open(&app).await;
    let keyed = |bytes: Vec<u8>| {
        ada.send(Method::POST, &path, |request| request.header("idempotency-key", "once").body(bytes))
    };
    app.database.execute(
        "CREATE TABLE public.begun (id uuid);
         CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
             AS 'BEGIN INSERT INTO public.begun VALUES (NEW.id); RETURN NEW; END';
         CREATE TRIGGER note AFTER INSERT ON files.files FOR EACH ROW EXECUTE FUNCTION public.note()",
    );
    let first = keyed(photograph(60, 40)).await;
    let begun = app.database.count("public.begun");
    assert!(begun > 1, "the file, and what was drawn of it");
    let again = keyed(photograph(60, 40)).await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(app.database.count("public.begun"), begun + 1, "nothing is drawn of the second");
    keyed(photograph(60, 42)).await.problem(422, "idempotency_key_reused");
    assert_eq!(app.database.count("public.begun"), begun + 2);
    assert_eq!(app.database.count("marketplace.attachments"), 1);
    assert_eq!((app.database.count("files.files"), kept(app.files_folder()).len()), (1, 1));
}

/// Whoever never heard the first answer asks again, though what was sent filled the last place.
#[actix_web::test]
async fn a_photograph_is_answered_again_when_there_is_no_room_for_another() {
    let mut settings = tests::settings();
    settings.marketplace.job_attachments_max = 1;
    let app = TestApp::start_with_settings(settings).await;
    let (ada, _, path) = open(&app).await;
    let keyed = |key: &'static str, bytes: Vec<u8>| {
        ada.send(Method::POST, &path, move |request| request.header("idempotency-key", key).body(bytes))
    };
    let first = keyed("once", photograph(60, 40)).await;
    let again = keyed("once", photograph(60, 40)).await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    keyed("twice", photograph(60, 40)).await.problem(409, "too_many_attachments");
    keyed("once", photograph(60, 42)).await.problem(409, "too_many_attachments");
    ada.upload(&path, &photograph(60, 40)).await.problem(409, "too_many_attachments");
    assert_eq!(app.database.count("marketplace.attachments"), 1);
    assert_eq!((app.database.count("files.files"), kept(app.files_folder()).len()), (1, 1));
}

#[actix_web::test]
async fn an_upload_that_breaks_off_and_a_draft_that_goes_leave_nothing() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let job = app.draft_job(&ada).await;
    both(&ada, &of_job(&job)).await;
    let pieces =
        futures_util::stream::iter([Ok(pdf(400_000)), Err(std::io::Error::other("the line went dead"))]);
    let broken = ada
        .try_send(Method::POST, &of_job(&job), |request| request.body(reqwest::Body::wrap_stream(pieces)))
        .await;
    assert!(broken.is_err());
    assert_eq!(ada.delete(&format!("/api/jobs/{job}")).await.status, 204);
    assert_eq!(app.database.count("marketplace.attachments"), 0);
    app.settle().await;
    app.pass(26 * HOUR).await;
    assert_eq!((app.database.count("files.files"), kept(app.files_folder()).len()), (0, 0));
}

#[actix_web::test]
async fn in_a_bucket_it_is_all_the_same() {
    let server = S3Server::start();
    let storage = Storage::s3(&S3Settings {
        bucket: S3Server::BUCKET.to_owned(),
        region: None,
        endpoint: Some(server.endpoint().to_owned()),
        keys: Some(S3Keys {
            access_key_id: S3Server::ACCESS_KEY_ID.to_owned(),
            secret_access_key: S3Server::SECRET_ACCESS_KEY.to_owned().into(),
        }),
    });
    let app = TestApp::start_with_storage(storage.unwrap()).await;
    let (ada, _, path) = open(&app).await;
    let photo = ada.upload(&path, &photograph(600, 400)).await.expect(201);
    let (upper, lower, size) = look(&app.anyone().get(text(&photo, "/thumbnailUrl")).await.bytes);
    assert!(is_red(upper) && is_blue(lower) && size == (213, 320));
    // More than one part.
    let bytes = pdf(6_000_000);
    let document = ada.upload(&path, &bytes).await.expect(201);
    assert!(ada.get(text(&document, "/url")).await.bytes == bytes);
    let middle = part(&ada, text(&document, "/url"), "bytes=5000000-5999999").await;
    assert!(middle.status == 206 && middle.bytes == bytes[5_000_000..]);
    assert_eq!(server.keys().len(), 3);
    for url in [text(&photo, "/url"), text(&document, "/url")] {
        assert_eq!(ada.delete(url).await.status, 204);
    }
    app.settle().await;
    assert_eq!(server.keys(), Vec::<String>::new());
}
