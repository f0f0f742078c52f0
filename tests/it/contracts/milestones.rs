//! `/api/contracts/{contractId}/milestones`: listing, adding and changing them while nobody is bound yet.

use std::time::Duration;

use contracts::{ContractId, MilestoneId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Deal, TestApp};

use super::{nothing, uuid};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn list(deal: &Deal) -> String {
    format!("{}/milestones", deal.path())
}

fn places(page: &Value) -> Vec<(i64, i64)> {
    let milestones = page["data"].as_array().into_iter().flatten();
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    milestones.map(|milestone| (number(&milestone["ordinal"]), number(&milestone["targetAmount"]))).collect()
}

/// What the milestones of a contract sum to, in rows.
fn sums_to(app: &TestApp, deal: &Deal, price: i64) -> bool {
    let id = uuid::<ContractId>(&deal.contract);
    let sum = format!(
        "(SELECT sum(amount) AS sum FROM contracts.milestones WHERE contract_id = '{id}') AS all_of_them"
    );
    app.database.count(&format!("{sum} WHERE sum = {price}")) == 1
}

/// Nothing was added, changed or voided.
fn untouched(app: &TestApp, deal: &Deal) {
    let id = uuid::<ContractId>(&deal.contract);
    assert_eq!(
        app.database.count(&format!("contracts.milestones WHERE contract_id = '{id}' AND version = 1")),
        2
    );
    assert_eq!(app.database.count(&format!("contracts.documents WHERE contract_id = '{id}'")), 1);
    assert_eq!(app.database.count("contracts.signatures WHERE voided_at IS NOT NULL"), 0);
}

fn gutters() -> Value {
    json!({ "title": "Gutters", "targetAmount": 15_000, "dueDate": "2099-05-01" })
}

#[actix_web::test]
async fn listing_shows_the_milestones_in_their_order_page_by_page() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    deal.homeowner.post(&list(&deal), gutters()).await.expect(201);

    let page = deal.contractor.get(&format!("{}?limit=2", list(&deal))).await.expect(200);
    assert_eq!(places(&page), [(1, 60_000), (2, 25_000)]);
    let next = format!("{}?limit=2&cursor={}", list(&deal), page["nextCursor"].as_str().unwrap());
    let rest = deal.contractor.get(&next).await.expect(200);
    assert_eq!((places(&rest), &rest["nextCursor"]), (vec![(3, 15_000)], &Value::Null));

    let first = &page["data"][0];
    assert_eq!((&first["id"], &first["contractId"]), (&json!(deal.milestones[0]), &json!(deal.contract)));
    assert_eq!((&first["title"], &first["status"]), (&json!("First half"), &json!("PENDING")));
    assert_eq!((&first["currency"], &first["deliverables"]), (&json!("USD"), &json!([])));
    assert_eq!((&first["allowedActions"], first.get("description")), (&json!(["edit"]), None));
    assert_eq!(app.admin().await.get(&list(&deal)).await.expect(200)["data"][0]["allowedActions"], json!([]));
}

#[actix_web::test]
async fn listing_is_for_the_parties_and_takes_known_parameters() {
    let app = TestApp::start().await;
    let (deal, other) = (app.contract().await, app.contract().await);
    deal.homeowner.signed_out().get(&list(&deal)).await.problem(401, "unauthenticated");
    for stranger in [&other.homeowner, &other.contractor] {
        stranger.get(&list(&deal)).await.problem(404, "contract_not_found");
    }
    deal.homeowner.get("/api/contracts/ctr_1/milestones").await.problem(404, "not_found");
    for (query, pointer) in [("limit=101", "?limit"), ("cursor=x", "?cursor"), ("status=PENDING", "?status")]
    {
        let refused = deal.homeowner.get(&format!("{}?{query}", list(&deal))).await;
        assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], pointer);
    }
    // A cursor of one contract's list is none of another's.
    let page = deal.homeowner.get(&format!("{}?limit=1", list(&deal))).await.expect(200);
    let elsewhere = format!("{}?limit=1&cursor={}", list(&other), page["nextCursor"].as_str().unwrap());
    other.homeowner.get(&elsewhere).await.problem(400, "invalid_request");
}

#[actix_web::test]
async fn a_new_milestone_is_carved_from_the_last_or_from_the_one_that_is_named() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let made = deal.contractor.post(&list(&deal), gutters()).await;
    let tag = made.header("etag").unwrap().to_owned();
    let place = made.header("location").unwrap().to_owned();
    let milestone = made.expect(201);
    assert_eq!(place, format!("{}/{}", list(&deal), milestone["id"].as_str().unwrap()));
    assert_eq!((&milestone["ordinal"], &milestone["targetAmount"]), (&json!(3), &json!(15_000)));
    // The tag that it came with is good for changing it.
    let dress =
        |request: RequestBuilder| request.header("if-match", &tag).json(&json!({ "title": "All gutters" }));
    assert_eq!(deal.homeowner.send(Method::PATCH, &place, dress).await.expect(200)["title"], "All gutters");

    let body = json!({
        "title": "Scaffold", "targetAmount": 59_999, "fromMilestoneId": deal.milestones[0], "startDate": "2099-04-01",
        "dueDate": "2099-04-01", "description": "Two storeys.\nWith a roof.", "deliverables": ["A scaffold"],
    });
    let scaffold = deal.homeowner.post(&list(&deal), body.clone()).await.expect(201);
    for field in ["title", "targetAmount", "startDate", "dueDate", "description", "deliverables"] {
        assert_eq!(scaffold[field], body[field], "{field}");
    }
    let page = deal.homeowner.get(&list(&deal)).await.expect(200);
    assert_eq!(places(&page), [(1, 1), (2, 25_000), (3, 15_000), (4, 59_999)]);
    assert!(sums_to(&app, &deal, 100_000));
    assert_eq!(app.database.count("contracts.documents"), 4);
}

#[actix_web::test]
async fn adding_is_for_the_two_parties() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    deal.homeowner.signed_out().post(&list(&deal), gutters()).await.problem(401, "unauthenticated");
    for stranger in [app.homeowner().await, app.verified_contractor().await] {
        stranger.post(&list(&deal), gutters()).await.problem(404, "contract_not_found");
    }
    app.admin().await.post(&list(&deal), gutters()).await.problem(403, "wrong_party");
    let missing = format!("/api/contracts/{}/milestones", nothing::<ContractId>());
    deal.homeowner.post(&missing, gutters()).await.problem(404, "contract_not_found");
    untouched(&app, &deal);
}

#[actix_web::test]
async fn adding_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let (deal, other) = (app.contract().await, app.contract().await);
    let add = async |body: Value| deal.homeowner.post(&list(&deal), body).await;
    add(json!({})).await.faults(&["/title", "/targetAmount", "/dueDate"]);
    let body = json!({
        "title": "x".repeat(201), "targetAmount": 0, "dueDate": "tomorrow", "startDate": "2099-02-30", "deliverables": ["", 7],
        "fromMilestoneId": "job_01h455vb4pex5vsknk084sn02q", "description": "", "price": 5,
    });
    add(body).await.faults(&[
        "/title",
        "/targetAmount",
        "/dueDate",
        "/startDate",
        "/deliverables/0",
        "/deliverables/1",
        "/fromMilestoneId",
        "/description",
        "/price",
    ]);
    // What the schema cannot say is said all at once, too.
    let body = json!({
        "title": " \n ", "targetAmount": 5, "description": "bell \u{7}", "deliverables": ["a plan", "two\nlines"],
        "startDate": "1998-01-02", "dueDate": "1998-01-01",
    });
    add(body).await.faults(&["/title", "/description", "/deliverables/1", "/startDate", "/dueDate"]);
    for amount in [json!(1.5), json!("15000"), json!(15e3), json!(100_000_001)] {
        add(json!({ "title": "Gutters", "targetAmount": amount, "dueDate": "2099-05-01" }))
            .await
            .faults(&["/targetAmount"]);
    }
    add(json!({ "title": "a\u{0}b", "targetAmount": 1, "dueDate": "2099-05-01" })).await.faults(&["/title"]);

    // The other one must keep more than nothing, and be one of this contract's.
    let whole = json!({ "title": "Gutters", "targetAmount": 40_000, "dueDate": "2099-05-01" });
    let refused = add(whole).await.faults(&["/targetAmount"]);
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("39999"), "{refused}");
    for id in [other.milestones[0].clone(), nothing::<MilestoneId>()] {
        let mut body = gutters();
        body["fromMilestoneId"] = json!(id);
        add(body).await.faults(&["/fromMilestoneId"]);
    }
    untouched(&app, &deal);
}

#[actix_web::test]
async fn adding_names_the_state_that_forbids_it() {
    let app = TestApp::start().await;
    let (deal, late) = (app.contract().await, app.contract().await);
    app.sign(&deal).await;
    let refused = deal.homeowner.post(&list(&deal), gutters()).await.wrong_state("ACTIVE");
    assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("contract_state"), &json!([])));
    untouched(&app, &deal);

    // Seven days are over even while the task that ends the contract is late.
    app.clock.advance(DAY * 7);
    let homeowner = app.sign_in(&late.homeowner.email, &late.homeowner.password).await;
    homeowner.post(&list(&late), gutters()).await.problem(409, "signing_period_over");
    app.settle().await;
    homeowner.post(&list(&late), gutters()).await.wrong_state("TERMINATED");
}

#[actix_web::test]
async fn a_contract_takes_fifty_milestones() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let id = uuid::<ContractId>(&deal.contract);
    // 47 of one minor unit, without a request each.
    app.database.execute(&format!(
        "BEGIN; UPDATE contracts.milestones SET amount = amount - 47 WHERE contract_id = '{id}' AND ordinal = 2;
         INSERT INTO contracts.milestones (id, contract_id, ordinal, title, deliverables, amount, status, due_date, created_at, updated_at)
         SELECT gen_random_uuid(), '{id}', place, 'Part', '[]', 1, 'PENDING', '2099-01-01', app.clock(), app.clock()
         FROM generate_series(3, 49) AS place; COMMIT"
    ));
    let mut body = gutters();
    body["fromMilestoneId"] = json!(deal.milestones[0]);
    deal.homeowner.post(&list(&deal), body.clone()).await.expect(201);
    deal.homeowner.post(&list(&deal), body).await.problem(409, "too_many_milestones");
    assert!(sums_to(&app, &deal, 100_000));
}

#[actix_web::test]
async fn adding_to_another_version_than_was_read_is_refused_when_it_says_so() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let read = deal.homeowner.get(&deal.path()).await.header("etag").unwrap().to_owned();
    let conditional = async |tag: &str| {
        let body = json!({ "fromMilestoneId": deal.milestones[0], "title": "Gutters", "targetAmount": 1, "dueDate": "2099-05-01" });
        let dress = |request: RequestBuilder| request.header("if-match", tag).json(&body);
        deal.homeowner.send(Method::POST, &list(&deal), dress).await
    };
    conditional(&read).await.expect(201);
    conditional(&read).await.problem(412, "stale_precondition");
    assert_eq!(app.database.count("contracts.milestones"), 3);
    // `*` asks for any version.
    conditional("*").await.expect(201);
}

#[actix_web::test]
async fn adding_happens_once_for_a_key() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let first = deal.homeowner.post_keyed(&list(&deal), "once", gutters()).await;
    let again = deal.homeowner.post_keyed(&list(&deal), "once", gutters()).await;
    assert_eq!((first.status, again.status, again.header("idempotency-replayed")), (201, 201, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(app.database.count("contracts.milestones"), 3);
}

#[actix_web::test]
async fn either_party_changes_what_a_milestone_says_and_voids_what_was_signed() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let path = deal.milestone_path(1);
    let contract = deal.homeowner.get(&deal.path()).await.expect(200);
    let body = json!({ "documentSha256": contract["documentSha256"] });
    deal.homeowner.post(&format!("{}/sign", deal.path()), body.clone()).await.expect(200);

    let patch = json!({
        "title": "Paint", "description": "Two coats.", "deliverables": ["A dry fence"], "startDate": "2099-01-01",
        "dueDate": "2099-02-01",
    });
    let changed = deal.contractor.patch(&path, patch.clone()).await.expect(200);
    for field in ["title", "description", "deliverables", "startDate", "dueDate"] {
        assert_eq!(changed[field], patch[field], "{field}");
    }
    assert_eq!((&changed["version"], &changed["targetAmount"]), (&json!(2), &json!(40_000)));
    assert_eq!(app.database.count("contracts.signatures WHERE voided_at IS NOT NULL"), 1);
    assert_eq!(app.database.count("contracts.documents"), 2);

    // Null takes away what may be missing; what is not named stays.
    let changed =
        deal.homeowner.patch(&path, json!({ "description": null, "startDate": null })).await.expect(200);
    assert_eq!((changed.get("description"), &changed["startDate"]), (None, &Value::Null));
    assert_eq!((&changed["title"], &changed["deliverables"]), (&json!("Paint"), &json!(["A dry fence"])));

    // The same words again are no change, and leave signatures alone.
    let contract = deal.homeowner.get(&deal.path()).await.expect(200);
    let body = json!({ "documentSha256": contract["documentSha256"] });
    deal.homeowner.post(&format!("{}/sign", deal.path()), body).await.expect(200);
    for same in [json!({ "title": " Paint " }), json!({})] {
        assert_eq!(deal.contractor.patch(&path, same).await.expect(200), changed);
    }
    assert_eq!(app.database.count("contracts.signatures WHERE voided_at IS NULL"), 1);
}

#[actix_web::test]
async fn changing_is_for_the_two_parties() {
    let app = TestApp::start().await;
    let (deal, other) = (app.contract().await, app.contract().await);
    let (path, patch) = (deal.milestone_path(0), json!({ "title": "Mine" }));
    deal.homeowner.signed_out().patch(&path, patch.clone()).await.problem(401, "unauthenticated");
    for stranger in [&other.homeowner, &other.contractor] {
        stranger.patch(&path, patch.clone()).await.problem(404, "contract_not_found");
    }
    app.admin().await.patch(&path, patch.clone()).await.problem(403, "wrong_party");
    // A milestone is found within its own contract only.
    let crossed = format!("{}/{}", list(&deal), other.milestones[0]);
    deal.homeowner.patch(&crossed, patch.clone()).await.problem(404, "milestone_not_found");
    deal.homeowner.patch(&format!("{}/mst_1", list(&deal)), patch).await.problem(404, "not_found");
    untouched(&app, &deal);
}

#[actix_web::test]
async fn changing_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let change = async |body: Value| deal.contractor.patch(&deal.milestone_path(0), body).await;
    let body = json!({
        "title": "", "description": 5, "deliverables": "none", "startDate": "soon", "dueDate": "10000-01-01", "action": "finish",
        "targetAmount": 1,
    });
    change(body).await.faults(&[
        "/title",
        "/description",
        "/deliverables",
        "/startDate",
        "/dueDate",
        "/action",
        "/targetAmount",
    ]);
    let body = json!({ "title": "a\nb", "description": "\u{1b}[31m", "deliverables": [" "], "dueDate": "1999-12-31" });
    change(body).await.faults(&["/title", "/description", "/deliverables/0", "/dueDate"]);
    change(json!({ "title": "\t", "startDate": "2099-02-02", "dueDate": "2099-02-01" }))
        .await
        .faults(&["/title", "/startDate"]);
    // Held against the day that is there.
    change(json!({ "startDate": "2099-02-02" })).await.faults(&["/startDate"]);
    change(json!({ "action": "start", "title": "Begun" })).await.faults(&["/action"]);
    deal.contractor.patch_empty(&deal.milestone_path(0)).await.problem(400, "not_json");
    untouched(&app, &deal);
}

#[actix_web::test]
async fn what_both_signed_cannot_be_changed() {
    let app = TestApp::start().await;
    let (deal, late) = (app.contract().await, app.contract().await);
    app.sign(&deal).await;
    for (party, actions) in [(&deal.homeowner, json!(["fund"])), (&deal.contractor, json!([]))] {
        let refused =
            party.patch(&deal.milestone_path(0), json!({ "title": "Other" })).await.wrong_state("PENDING");
        assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("milestone_state"), &actions));
    }
    untouched(&app, &deal);

    app.clock.advance(DAY * 7);
    let homeowner = app.sign_in(&late.homeowner.email, &late.homeowner.password).await;
    let patch = json!({ "title": "Other" });
    homeowner.patch(&late.milestone_path(0), patch.clone()).await.problem(409, "signing_period_over");
    app.settle().await;
    homeowner.patch(&late.milestone_path(0), patch).await.wrong_state("CANCELLED");
}

#[actix_web::test]
async fn changing_another_version_than_was_read_is_refused_when_it_says_so() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let change = async |tag: &str, title: &str| {
        let dress =
            |request: RequestBuilder| request.header("if-match", tag).json(&json!({ "title": title }));
        deal.homeowner.send(Method::PATCH, &deal.milestone_path(0), dress).await
    };
    // The version is in the list, too.
    let first = change("\"1.\"", "One").await;
    let tag = first.header("etag").unwrap().to_owned();
    first.expect(200);
    change("\"1.\"", "Two").await.problem(412, "stale_precondition");
    change("\"7\"", "Two").await.problem(412, "stale_precondition");
    change(&tag, "Two").await.expect(200);
    assert_eq!(app.database.count("contracts.milestones WHERE title = 'Two' AND version = 3"), 1);
}
