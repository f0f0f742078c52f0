//! `/api/contracts`: the list, one of them, and signing it.

use std::time::Duration;

use contracts::ContractId;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Deal, Person, TestApp};

use super::{nothing, told, uuid};

const LIST: &str = "/api/contracts";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn ids(page: &Value) -> Vec<String> {
    let cards = page["data"].as_array().into_iter().flatten();
    cards.map(|card| card["id"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The hash of the text as somebody reads it.
async fn hash(reader: &Person, deal: &Deal) -> Value {
    reader.get(&format!("{}/document", deal.path())).await.expect(200)["sha256"].clone()
}

fn sign(deal: &Deal) -> String {
    format!("{}/sign", deal.path())
}

/// How many signatures stand under a contract.
fn signatures(app: &TestApp, deal: &Deal) -> i64 {
    let id = uuid::<ContractId>(&deal.contract);
    app.database.count(&format!("contracts.signatures WHERE contract_id = '{id}' AND voided_at IS NULL"))
}

#[actix_web::test]
async fn listing_shows_one_s_own_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let (ada, bob, eve) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);
    let mut made = Vec::new();
    for contractor in [&bob, &eve, &bob] {
        made.insert(0, app.contract_between(&ada, contractor).await.contract);
    }
    let page = ada.get(&format!("{LIST}?limit=2")).await.expect(200);
    assert_eq!(ids(&page), made[..2]);
    let next = format!("{LIST}?limit=2&cursor={}", page["nextCursor"].as_str().unwrap());
    // What comes in between neither repeats nor hides anything.
    let newest = app.contract_between(&ada, &eve).await.contract;
    let rest = ada.get(&next).await.expect(200);
    assert_eq!((ids(&rest), &rest["nextCursor"]), (made[2..].to_vec(), &Value::Null));

    assert_eq!(ids(&eve.get(LIST).await.expect(200)), [newest.as_str(), &made[1]]);
    assert_eq!(ids(&app.homeowner().await.get(LIST).await.expect(200)), Vec::<String>::new());
    // An administrator sees all of them.
    assert_eq!(ids(&app.admin().await.get(LIST).await.expect(200)).len(), 4);

    let card = &page["data"][0];
    assert_eq!(card["title"], "Paint the fence");
    assert_eq!((&card["price"], &card["currency"]), (&json!(100_000), &json!("USD")));
    assert_eq!(card["homeowner"]["name"], "Ada Lovelace");
    assert_eq!(card["contractor"], json!({ "id": bob.party, "name": "Bob Mason" }));
}

#[actix_web::test]
async fn listing_can_be_narrowed_to_a_state() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let waiting = app.contract_between(&ada, &bob).await.contract;
    let active = app.contract_between(&ada, &bob).await;
    app.sign(&active).await;
    for (status, expected) in [
        ("PENDING_SIGNATURES", vec![waiting]),
        ("ACTIVE", vec![active.contract.clone()]),
        ("COMPLETED", vec![]),
        ("TERMINATED", vec![]),
    ] {
        let page = bob.get(&format!("{LIST}?status={status}")).await.expect(200);
        assert_eq!(ids(&page), expected, "{status}");
    }
}

#[actix_web::test]
async fn listing_takes_somebody_signed_in_and_known_parameters() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    for _ in 0..2 {
        app.contract_between(&ada, &bob).await;
    }
    ada.signed_out().get(LIST).await.problem(401, "unauthenticated");
    let refused = ada.get(&format!("{LIST}?limit=0&status=OPEN&page=2&limit=5")).await;
    let problem = refused.problem(400, "invalid_request");
    let mut pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    pointers.dedup();
    assert_eq!(pointers, ["?limit", "?page", "?status"]);

    let page = ada.get(&format!("{LIST}?limit=1")).await.expect(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    // A cursor belongs to one list with one filter, is good for a day, and is nobody else's to write.
    let mut forged = cursor.to_owned();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    for query in [
        format!("limit=1&cursor={forged}"),
        "cursor=made-up".to_owned(),
        format!("status=ACTIVE&cursor={cursor}"),
    ] {
        let refused = ada.get(&format!("{LIST}?{query}")).await;
        assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], "?cursor", "{query}");
    }
    app.clock.advance(DAY + Duration::from_secs(1));
    let ada = app.sign_in(&ada.email, &ada.password).await;
    let stale = ada.get(&format!("{LIST}?limit=1&cursor={cursor}")).await;
    assert_eq!(stale.problem(400, "invalid_request")["errors"][0]["code"], "bad_cursor");
}

#[actix_web::test]
async fn a_contract_is_shown_to_its_parties_and_to_administrators_only() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let path = deal.path();
    for (reader, actions) in [
        (&deal.homeowner, json!(["sign", "add_milestone", "edit_milestone"])),
        (&deal.contractor, json!(["sign", "add_milestone", "edit_milestone"])),
        (&app.admin().await, json!([])),
    ] {
        let shown = reader.get(&path).await.expect(200);
        assert_eq!((&shown["id"], &shown["allowedActions"]), (&json!(deal.contract), &actions));
    }
    deal.homeowner.signed_out().get(&path).await.problem(401, "unauthenticated");
    for stranger in [app.homeowner().await, app.verified_contractor().await] {
        stranger.get(&path).await.problem(404, "contract_not_found");
    }
    deal.homeowner
        .get(&format!("{LIST}/{}", nothing::<ContractId>()))
        .await
        .problem(404, "contract_not_found");
    for malformed in ["ctr_1", &deal.job, &deal.contract.to_uppercase()] {
        deal.homeowner.get(&format!("{LIST}/{malformed}")).await.problem(404, "not_found");
    }
    deal.homeowner.get(&format!("{path}?expand=all")).await.problem(400, "invalid_request");
    // There is no state in which it cannot be read.
    app.sign(&deal).await;
    assert_eq!(deal.contractor.get(&path).await.expect(200)["status"], "ACTIVE");
}

#[actix_web::test]
async fn a_contract_that_did_not_change_is_not_sent_again() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let ask = |tag: String| {
        let path = deal.path();
        async {
            deal.homeowner.send(Method::GET, &{ path }, |request| request.header("if-none-match", tag)).await
        }
    };
    let first = deal.homeowner.get(&deal.path()).await;
    let tag = first.header("etag").unwrap().to_owned();
    let again = ask(tag.clone()).await;
    assert_eq!((again.status, again.bytes.len(), again.header("etag")), (304, 0, Some(tag.as_str())));
    app.sign(&deal).await;
    let changed = ask(tag.clone()).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
}

#[actix_web::test]
async fn the_second_signature_makes_the_contract_active() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let sha256 = hash(&deal.homeowner, &deal).await;

    let signed = deal.homeowner.post(&sign(&deal), json!({ "documentSha256": sha256 })).await.expect(200);
    assert_eq!((&signed["status"], &signed["activatedAt"]), (&json!("PENDING_SIGNATURES"), &Value::Null));
    assert_eq!(signed["signatures"][0]["partyId"], json!(deal.homeowner.party));
    assert_eq!(signed["signatures"][0]["documentSha256"], sha256);
    assert_eq!(signed["allowedActions"], json!(["add_milestone", "edit_milestone"]));
    assert_eq!(told(&app, "contract.signed", &deal.contract), 1);

    // Hexadecimal digits in capitals name the same text.
    let capitals = sha256.as_str().unwrap().to_uppercase();
    let active = deal.contractor.post(&sign(&deal), json!({ "documentSha256": capitals })).await;
    let tag = active.header("etag").map(str::to_owned);
    let active = active.expect(200);
    assert_eq!(active["status"], "ACTIVE");
    assert!(active["activatedAt"].is_string(), "{active}");
    assert_eq!(active["signatures"].as_array().map(Vec::len), Some(2));
    assert_eq!(active["allowedActions"], json!([]));
    assert_eq!(deal.contractor.get(&deal.path()).await.header("etag").map(str::to_owned), tag);

    assert_eq!(signatures(&app, &deal), 2);
    assert_eq!(
        (told(&app, "contract.signed", &deal.contract), told(&app, "contract.activated", &deal.contract)),
        (2, 1)
    );
    assert_eq!(
        app.database.count("contracts.contracts WHERE status = 'ACTIVE' AND activated_at IS NOT NULL"),
        1
    );
    // From where they signed is kept, and not in the clear.
    assert_eq!(
        app.database.count(
            "contracts.signatures WHERE position('127.0.0.1' in encode(sealed_evidence, 'escape')) > 0"
        ),
        0
    );
}

#[actix_web::test]
async fn signing_is_for_the_two_parties_with_verified_addresses() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let body = json!({ "documentSha256": hash(&deal.homeowner, &deal).await });
    deal.homeowner.signed_out().post(&sign(&deal), body.clone()).await.problem(401, "unauthenticated");
    for stranger in [app.homeowner().await, app.verified_contractor().await] {
        stranger.post(&sign(&deal), body.clone()).await.problem(404, "contract_not_found");
    }
    app.admin().await.post(&sign(&deal), body.clone()).await.problem(403, "wrong_party");
    app.database.execute(&format!(
        "UPDATE identity.people SET email_verified_at = NULL WHERE email = '{}'",
        deal.contractor.email
    ));
    let unverified = app.sign_in(&deal.contractor.email, &deal.contractor.password).await;
    unverified.post(&sign(&deal), body.clone()).await.problem(403, "email_not_verified");
    assert_eq!(signatures(&app, &deal), 0);
    assert_eq!(told(&app, "contract.signed", &deal.contract), 0);

    app.verify_email(&deal.contractor);
    unverified.post(&sign(&deal), body).await.expect(200);
}

#[actix_web::test]
async fn signing_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let (ada, path) = (&deal.homeowner, sign(&deal));
    ada.post(&path, json!({})).await.faults(&["/documentSha256"]);
    ada.post(&path, json!({ "documentSha256": "abc", "name": "Ada" }))
        .await
        .faults(&["/documentSha256", "/name"]);
    ada.post(&path, json!({ "documentSha256": "g".repeat(64) })).await.faults(&["/documentSha256"]);
    ada.post(&path, json!({ "documentSha256": null })).await.faults(&["/documentSha256"]);
    ada.post_empty(&path).await.problem(400, "not_json");
    ada.post("/api/contracts/ctr_1/sign", json!({})).await.problem(404, "not_found");
    assert_eq!(signatures(&app, &deal), 0);
}

#[actix_web::test]
async fn only_the_text_that_stands_is_signed() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let old = hash(&deal.homeowner, &deal).await;
    deal.contractor.post(&sign(&deal), json!({ "documentSha256": old })).await.expect(200);
    deal.homeowner.patch(&deal.milestone_path(0), json!({ "title": "Posts and rails" })).await.expect(200);

    // The contractor's signature went with the text that it was under.
    assert_eq!(deal.homeowner.get(&deal.path()).await.expect(200)["signatures"], json!([]));
    assert_eq!(app.database.count("contracts.signatures WHERE voided_at IS NOT NULL"), 1);
    deal.homeowner
        .post(&sign(&deal), json!({ "documentSha256": old }))
        .await
        .problem(409, "document_changed");
    let new = hash(&deal.homeowner, &deal).await;
    assert_ne!(old, new);
    for party in [&deal.homeowner, &deal.contractor] {
        party.post(&sign(&deal), json!({ "documentSha256": new })).await.expect(200);
    }
    assert_eq!(deal.homeowner.get(&deal.path()).await.expect(200)["status"], "ACTIVE");
}

#[actix_web::test]
async fn signing_names_the_state_that_forbids_it() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let body = json!({ "documentSha256": hash(&deal.homeowner, &deal).await });
    deal.homeowner.post(&sign(&deal), body.clone()).await.expect(200);
    let twice = deal.homeowner.post(&sign(&deal), body.clone()).await.wrong_state("PENDING_SIGNATURES");
    assert_eq!(
        (&twice["code"], &twice["allowedActions"]),
        (&json!("contract_state"), &json!(["add_milestone", "edit_milestone"]))
    );
    assert_eq!(signatures(&app, &deal), 1);

    deal.contractor.post(&sign(&deal), body.clone()).await.expect(200);
    let active = deal.contractor.post(&sign(&deal), body).await.wrong_state("ACTIVE");
    assert_eq!((&active["code"], &active["allowedActions"]), (&json!("contract_state"), &json!([])));
    assert_eq!(signatures(&app, &deal), 2);
}

#[actix_web::test]
async fn a_signature_under_another_version_than_was_read_is_refused_when_it_says_so() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let body = json!({ "documentSha256": hash(&deal.homeowner, &deal).await });
    let read = deal.homeowner.get(&deal.path()).await.header("etag").unwrap().to_owned();
    let conditional = |person: &Person, tag: &str| {
        let (person, path, tag, body) = (person.clone(), sign(&deal), tag.to_owned(), body.clone());
        async move {
            let dress = |request: reqwest::RequestBuilder| request.header("if-match", tag).json(&body);
            person.send(Method::POST, &path, dress).await
        }
    };
    deal.contractor.post(&sign(&deal), body.clone()).await.expect(200);
    conditional(&deal.homeowner, &read).await.problem(412, "stale_precondition");
    conditional(&deal.homeowner, "\"nonsense\"").await.problem(412, "stale_precondition");
    assert_eq!(signatures(&app, &deal), 1);
    let read = deal.homeowner.get(&deal.path()).await.header("etag").unwrap().to_owned();
    assert_eq!(conditional(&deal.homeowner, &read).await.expect(200)["status"], "ACTIVE");
}

#[actix_web::test]
async fn signing_happens_once_for_a_key() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let body = json!({ "documentSha256": hash(&deal.homeowner, &deal).await });
    let first = deal.homeowner.post_keyed(&sign(&deal), "mine", body.clone()).await;
    // The other party's key of the same name is another one.
    let other = deal.contractor.post_keyed(&sign(&deal), "mine", body.clone()).await;
    let again = deal.homeowner.post_keyed(&sign(&deal), "mine", body).await;
    assert_eq!((first.status, other.status, again.status), (200, 200, 200));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(other.json["status"], "ACTIVE");
    assert_eq!(told(&app, "contract.signed", &deal.contract), 2);
}
