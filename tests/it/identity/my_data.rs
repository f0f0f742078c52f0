//! `/api/users/me/data`: what is held about somebody, and its end.

use diesel::prelude::*;
use diesel::sql_types::Text;
use reqwest::Method;
use serde_json::json;
use tests::{Answer, PASSWORD, Person, TestApp, papers, unique_email};

use super::{assert_alike, decide, events, hand_in};

const MY_DATA: &str = "/api/users/me/data";
const STEP_UP: &str = "/api/auth/step-up";

async fn step_up(person: &Person) {
    person.post(STEP_UP, json!({ "password": PASSWORD })).await.expect(200);
}

async fn erase(person: &Person) {
    step_up(person).await;
    person.delete(MY_DATA).await.expect(204);
}

async fn login(app: &TestApp, email: &str) -> Answer {
    app.anyone().post("/api/auth/login", json!({ "email": email, "password": PASSWORD })).await
}

/// The tables of these schemas in which some row has this text.
fn tables_with(app: &TestApp, schemas: &[&str], text: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let tables: Vec<Table> = app
        .database
        .owner
        .read(|conn| {
            let list = "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
                WHERE table_type = 'BASE TABLE' ORDER BY 1";
            Ok::<_, database::Error>(diesel::sql_query(list).load(conn)?)
        })
        .unwrap();
    let wanted = |name: &String| schemas.iter().any(|schema| name.starts_with(&format!("{schema}.")));
    let found = |name: &String| {
        app.database.count(&format!("{name} t WHERE strpos(lower(t::text), lower('{text}')) > 0")) > 0
    };
    tables.into_iter().map(|table| table.name).filter(wanted).filter(found).collect()
}

/// A contractor of whom everything is known that can be: papers approved, rejected and waiting, documents, another session, a second
/// way to be told of.
async fn well_known(app: &TestApp, admin: &Person) -> Person {
    let bob = app.newcomer("contractor", "Bartholomew Quincannon").await;
    app.verify_email(&bob);
    let change = json!({
        "phone": "+15125550177", "headline": "Quincannon's tiles", "bio": "Ask for Quincannon.",
        "trades": ["tiling"], "location": { "lat": 30.267_153, "lng": -97.743_057 },
    });
    bob.patch("/api/users/profile", change).await.expect(200);
    let refused = hand_in(&bob).await;
    let reason = json!({ "reason": "Quincannon's licence is another's", "note": "Called Quincannon" });
    decide(admin, &refused, "reject", reason).await.expect(200);
    let approved = hand_in(&bob).await;
    let documents = format!("/api/contractors/verification/{approved}/documents?name=Quincannon.pdf");
    bob.upload(&documents, b"%PDF-1.7 Quincannon").await.expect(201);
    decide(admin, &approved, "approve", json!({ "note": "Quincannon is fine" })).await.expect(200);
    let waiting = hand_in(&bob).await;
    let documents = format!("/api/contractors/verification/{waiting}/documents?name=Quincannon-2.pdf");
    bob.upload(&documents, b"%PDF-1.7 Quincannon").await.expect(201);
    for step in ["suspend", "reinstate"] {
        let path = format!("/api/admin/users/{}/{step}", bob.id);
        admin.post(&path, json!({ "reason": "About Quincannon" })).await.expect(200);
    }
    app.anyone().post("/api/auth/password/forgot", json!({ "email": bob.email })).await;
    app.settle().await;
    app.sign_in(&bob.email, PASSWORD).await
}

#[actix_web::test]
async fn nothing_that_tells_who_it_was_is_left_of_somebody_erased() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let bob = well_known(&app, &admin).await;
    let elsewhere = app.sign_in(&bob.email, PASSWORD).await;
    let known = ["identity", "files"];
    assert!(tables_with(&app, &known, "Quincannon").len() > 4);
    assert_eq!(app.database.count("files.files WHERE state = 'STORED'"), 2);
    erase(&bob).await;
    for text in ["Quincannon", &bob.email, "+15125550177", "TX-48813", "Mason Tiles"] {
        assert_eq!(tables_with(&app, &known, text), Vec::<String>::new(), "{text}");
    }
    for table in ["sessions", "link_tokens", "known_addresses", "mail_requests", "verification_documents"] {
        let left = format!("identity.{table} t WHERE strpos(t::text, '{}') > 0", uuid_of(&app));
        assert_eq!(app.database.count(&left), 0, "{table}");
    }
    app.settle().await;
    assert_eq!(app.database.count("files.files"), 0);
    assert_eq!(
        std::fs::read_dir(app.files_folder()).unwrap().flatten().filter(|e| holds_files(&e.path())).count(),
        0
    );
    // That and when it was judged stays, and of what nothing can bid any more.
    assert_eq!(app.database.count("identity.verifications WHERE state IN ('PENDING', 'APPROVED')"), 0);
    assert_eq!(app.database.count("identity.verifications"), 3);
    for session in [&bob, &elsewhere] {
        session.get("/api/auth/me").await.problem(401, "signed_out");
        let refresh = json!({ "refreshToken": session.refresh_token });
        app.anyone().post("/api/auth/refresh", refresh).await.problem(401, "invalid_refresh_token");
    }
    app.anyone().get(&format!("/api/contractors/{}", bob.party)).await.problem(404, "not_found");
    assert_eq!(events(&app, "person.erased", &bob), 1);
    let told = format!(
        "audit.entries, jsonb_array_elements(changes) change WHERE action = 'eraseMyData' AND outcome = 'DONE'
         AND change->>'id' = '{}' AND change->'after'->>'state' = 'ERASED'",
        bob.id
    );
    assert_eq!(app.database.count(&told), 1);
}

fn holds_files(path: &std::path::Path) -> bool {
    if path.is_file() {
        return true;
    }
    std::fs::read_dir(path).into_iter().flatten().flatten().any(|entry| holds_files(&entry.path()))
}

/// The id, as the rows have it, of the one who was erased.
fn uuid_of(app: &TestApp) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
    }
    let row: Result<Row, database::Error> = app.database.owner.read(|conn| {
        let erased = "SELECT id::text AS id FROM identity.people WHERE erased_at IS NOT NULL";
        Ok(diesel::sql_query(erased).get_result(conn)?)
    });
    row.unwrap().id
}

#[actix_web::test]
async fn an_erased_person_signs_in_as_little_as_a_stranger_and_the_address_is_free() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    erase(&ada).await;
    let (erased, nobody) = (login(&app, &ada.email).await, login(&app, &unique_email("nobody")).await);
    assert_eq!(erased.status, 401);
    assert_alike(&erased, &nobody);
    app.anyone().post("/api/auth/password/forgot", json!({ "email": ada.email })).await;
    let mails = app.mails_to(&ada.email).len();
    app.settle().await;
    assert_eq!(app.mails_to(&ada.email).len(), mails);
    let form = json!({ "email": ada.email, "password": PASSWORD, "userType": "homeowner" });
    let anew = app.anyone().post("/api/auth/register", form).await.expect(201);
    assert_ne!(anew["user"]["id"], json!(ada.id));
    login(&app, &ada.email).await.expect(200);
}

#[actix_web::test]
async fn administrators_find_a_former_member_and_can_do_nothing_with_it() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.homeowner().await, app.admin().await);
    erase(&ada).await;
    let find =
        async |query: &str| admin.get(&format!("/api/admin/users?{query}")).await.expect(200)["data"].clone();
    assert_eq!(find("role=HOMEOWNER").await, json!([]));
    assert_eq!(find("q=ada").await, json!([]));
    for query in ["state=ERASED", &format!("q={}", ada.id)] {
        let found = find(query).await;
        assert_eq!(
            (&found[0]["state"], &found[0]["user"]["name"]),
            (&json!("ERASED"), &json!("Former member"))
        );
        assert_eq!(found[0]["counts"], json!({ "sessions": 0, "verifications": 0, "suspensions": 0 }));
        assert_eq!(found[0]["user"]["emailVerified"], false);
    }
    for step in ["suspend", "reinstate"] {
        let path = format!("/api/admin/users/{}/{step}", ada.id);
        let refused = admin.post(&path, json!({ "reason": "Anyhow." })).await.wrong_state("ERASED");
        assert_eq!(refused["allowedActions"], json!([]));
    }
}

#[actix_web::test]
async fn nobody_is_erased_signed_out_or_without_a_fresh_proof() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    ada.signed_out().delete(MY_DATA).await.problem(401, "unauthenticated");
    ada.delete(MY_DATA).await.problem(403, "step_up_required");
    // A proof in one session is none in another.
    step_up(&app.sign_in(&ada.email, PASSWORD).await).await;
    ada.delete(MY_DATA).await.problem(403, "step_up_required");
    assert_eq!(app.database.count("identity.people WHERE erased_at IS NOT NULL"), 0);
    assert_eq!(events(&app, "person.erased", &ada), 0);
    ada.get("/api/auth/me").await.expect(200);
}

#[actix_web::test]
async fn nobody_erases_another_and_nothing_can_be_said_with_it() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.newcomer("contractor", "Eve Other").await);
    step_up(&eve).await;
    eve.delete(&format!("{MY_DATA}?userId={}", ada.id)).await.problem(400, "invalid_request");
    let body = |request: reqwest::RequestBuilder| request.json(&json!({ "userId": "usr_1" }));
    eve.send(Method::DELETE, MY_DATA, body).await.problem(400, "no_body_expected");
    assert_eq!(app.database.count("identity.people WHERE erased_at IS NOT NULL"), 0);
    eve.delete(MY_DATA).await.expect(204);
    assert_eq!(app.database.count("identity.people WHERE erased_at IS NOT NULL"), 1);
    ada.get("/api/auth/me").await.expect(200);
}

#[actix_web::test]
async fn the_last_administrator_stays() {
    let app = TestApp::start().await;
    let (grace, other) = (app.admin().await, app.admin().await);
    erase(&other).await;
    step_up(&grace).await;
    grace.delete(MY_DATA).await.problem(409, "last_administrator");
    grace.get("/api/admin/overview").await.expect(200);
}

#[actix_web::test]
async fn of_two_erasures_at_once_one_is_done() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    step_up(&ada).await;
    let (one, other) = futures_util::join!(ada.delete(MY_DATA), ada.delete(MY_DATA));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401], "{} {}", one.text(), other.text());
    assert_eq!(events(&app, "person.erased", &ada), 1);
}

#[actix_web::test]
async fn a_stored_answer_of_somebody_erased_can_be_read_no_more() {
    let app = TestApp::start().await;
    let bob = app.contractor().await;
    bob.post_keyed("/api/contractors/verification", "key-1", papers()).await.expect(201);
    let readable = "identity.data_keys WHERE subject_kind = 'person' AND wrapped_key IS NOT NULL";
    assert_eq!(app.database.count(readable), 1);
    erase(&bob).await;
    assert_eq!(app.database.count(readable), 0);
    assert_eq!(app.database.count("app.idempotency_keys WHERE answer IS NOT NULL"), 1);
}

#[actix_web::test]
async fn the_record_holds_what_is_known_and_nothing_secret() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let bob = well_known(&app, &admin).await;
    let record = bob.get(MY_DATA).await.expect(200);
    let me = bob.get("/api/auth/me").await.expect(200);
    assert_eq!(record["person"], me["user"]);
    let identity = &record["sections"]["identity"];
    assert_eq!(identity["contractor"]["headline"], "Quincannon's tiles");
    assert_eq!(identity["location"]["lat"], 30.267_153);
    let states: Vec<_> =
        identity["verifications"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(states, ["PENDING", "APPROVED", "REJECTED"]);
    assert_eq!(identity["verifications"][2]["reason"], "Quincannon's licence is another's");
    assert_eq!(identity["verifications"][0]["credentials"][0]["number"], "TX-48813");
    assert_eq!(identity["suspensions"].as_array().map(Vec::len), Some(1));
    assert_eq!(identity["secondFactor"]["on"], false);
    let sessions = identity["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().any(|session| session["endReason"] == "SUSPENDED"), "{sessions:?}");
    assert!(!identity["mails"]["links"].as_array().unwrap().is_empty());
    let files = record["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(identity["verifications"][0]["documents"][0], files[0]["id"]);
    assert_eq!(files[0]["name"], "Quincannon-2.pdf");
    let deeds = record["sections"]["audit"]["entries"].as_array().unwrap();
    assert!(deeds.iter().any(|deed| deed["action"] == "updateProfile"), "{deeds:?}");
    // What administrators wrote for each other, hashes and tokens are nobody's to read.
    let text = record.to_string();
    for secret in
        ["About Quincannon", "Called Quincannon", "Quincannon is fine", "$2", "Hash", "token", "storageKey"]
    {
        assert!(!text.contains(secret), "{secret}");
    }
    let stranger = app.homeowner().await.get(MY_DATA).await.expect(200).to_string();
    assert!(!stranger.contains("Quincannon"), "{stranger}");
}

#[actix_web::test]
async fn nobody_reads_a_record_signed_out_or_another_s() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    ada.signed_out().get(MY_DATA).await.problem(401, "unauthenticated");
    ada.get(&format!("{MY_DATA}?userId=usr_1")).await.problem(400, "invalid_request");
    let answer = ada.get(MY_DATA).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    erase(&ada).await;
    ada.get(MY_DATA).await.problem(401, "signed_out");
}

#[actix_web::test]
async fn whoever_is_held_learns_by_what_and_stays_as_they_are() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    for person in [&deal.homeowner, &deal.contractor] {
        step_up(person).await;
        let told = person.delete(MY_DATA).await.problem(409, "erasure_blocked");
        let blockers = told["blockers"].as_array().unwrap();
        let running = blockers.iter().find(|blocker| blocker["code"] == "contract_running");
        let running = running.unwrap_or_else(|| panic!("{told}"));
        assert_eq!((&running["kind"], &running["id"]), (&json!("contract"), &json!(deal.contract)));
        for blocker in blockers {
            assert!(
                told["detail"].as_str().unwrap().contains(blocker["message"].as_str().unwrap()),
                "{told}"
            );
        }
        person.get("/api/auth/me").await.expect(200);
    }
    assert_eq!(app.database.count("identity.people WHERE erased_at IS NOT NULL"), 0);
    assert_eq!(app.database.count("outbox.events WHERE name IN ('person.erased', 'job.cancelled')"), 0);
    assert_eq!(app.database.count("audit.entries WHERE action = 'eraseMyData' AND outcome = 'DONE'"), 0);
}

#[actix_web::test]
async fn the_other_party_goes_on_reading_what_both_share() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    app.settle().await;
    let before = deal.contractor.get(&deal.path()).await.expect(200).to_string();
    assert!(before.contains("Ada Lovelace"), "{before}");
    erase(&deal.homeowner).await;
    app.settle().await;
    let after = deal.contractor.get(&deal.path()).await.expect(200).to_string();
    assert!(after.contains("Former member") && !after.contains("Lovelace"), "{after}");
}

#[actix_web::test]
async fn every_part_of_the_product_has_its_section() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    app.settle().await;
    for person in [&deal.homeowner, &deal.contractor] {
        let record = person.get(MY_DATA).await.expect(200);
        let sections: Vec<_> = record["sections"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(sections, ["audit", "contracts", "escrow", "identity", "marketplace", "notifications"]);
        assert!(record["sections"]["contracts"].to_string().contains(&deal.contract));
    }
}
