//! `/api/contracts/{contractId}/document`: the text that is signed, by its hash.

use contracts::{ContractId, DocumentHash};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Deal, TestApp};

use super::nothing;

fn path(deal: &Deal) -> String {
    format!("{}/document", deal.path())
}

fn text(document: &Value) -> &str {
    document["text"].as_str().unwrap_or_default()
}

#[actix_web::test]
async fn both_parties_read_the_same_text_and_its_hash() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let read = deal.homeowner.get(&path(&deal)).await;
    let document = read.json.clone();
    assert_eq!((&document["contractId"], &document["version"]), (&json!(deal.contract), &json!(1)));
    assert_eq!(DocumentHash::of(text(&document)).as_str(), document["sha256"].as_str().unwrap());
    let contract = deal.homeowner.get(&deal.path()).await.expect(200);
    assert_eq!(contract["documentSha256"], document["sha256"]);
    for reader in [&deal.contractor, &app.admin().await] {
        assert_eq!(reader.get(&path(&deal)).await.bytes, read.bytes);
    }
    // Who, what, where, for how much, in which steps and under which rules: from the award on the parties see the address.
    for line in [
        "    Ada Lovelace",
        "    Bob Mason",
        "    Paint the fence",
        "    Forty feet of cedar, both sides, two coats.",
        "1,000.00 USD for the whole of the work.",
        "    First half",
        "    Second half",
        "    Materials included. Cleaned up every evening.",
    ] {
        assert!(text(&document).lines().any(|other| other == line), "{line:?} is not in {}", text(&document));
    }
    for part in [
        "1204 Willow Creek Drive",
        "600.00 USD",
        "400.00 USD",
        "2.90 %",
        "14 times 24 hours",
        &deal.milestones[0],
    ] {
        assert!(text(&document).contains(part), "{part:?} is not in {}", text(&document));
    }
    // The text lies encrypted.
    let clear = "contracts.documents WHERE position('Lovelace' in encode(sealed_text, 'escape')) > 0";
    assert_eq!((app.database.count("contracts.documents"), app.database.count(clear)), (1, 0));
}

#[actix_web::test]
async fn a_changed_milestone_makes_another_text_and_a_signed_one_stays() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let first = deal.homeowner.get(&path(&deal)).await;
    let tag = first.header("etag").unwrap().to_owned();
    let unchanged =
        deal.homeowner.send(Method::GET, &path(&deal), |request| request.header("if-none-match", &tag)).await;
    assert_eq!((unchanged.status, unchanged.bytes.len()), (304, 0));

    deal.contractor
        .patch(&deal.milestone_path(1), json!({ "deliverables": ["Two coats"] }))
        .await
        .expect(200);
    let second = deal.homeowner.get(&path(&deal)).await.expect(200);
    assert_eq!(second["version"], 2);
    assert_ne!(second["sha256"], first.json["sha256"]);
    assert!(text(&second).contains("    - Two coats\n"), "{}", text(&second));

    app.sign(&deal).await;
    deal.contractor.patch(&deal.milestone_path(1), json!({ "title": "Other" })).await.wrong_state("PENDING");
    assert_eq!(deal.homeowner.get(&path(&deal)).await.expect(200), second);
    assert_eq!(app.database.count("contracts.documents"), 2);
}

#[actix_web::test]
async fn the_text_is_for_the_parties() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    deal.homeowner.signed_out().get(&path(&deal)).await.problem(401, "unauthenticated");
    for stranger in [app.homeowner().await, app.verified_contractor().await] {
        stranger.get(&path(&deal)).await.problem(404, "contract_not_found");
    }
    let missing = format!("/api/contracts/{}/document", nothing::<ContractId>());
    deal.homeowner.get(&missing).await.problem(404, "contract_not_found");
    deal.homeowner.get("/api/contracts/ctr_1/document").await.problem(404, "not_found");
    let refused = deal.homeowner.get(&format!("{}?version=1", path(&deal))).await;
    assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], "?version");
}
