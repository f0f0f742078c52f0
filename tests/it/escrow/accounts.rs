//! `/api/payments/escrow`: opening an escrow account, looking at it and at its history.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{PARTS, TestApp};

use super::{
    CREATE, VISA, escrow_path, history_path, nothing, number, open, opened, pay_with, release, text, told,
};

#[actix_web::test]
async fn creating_opens_the_account_with_its_release_schedule() {
    let app = TestApp::start().await;
    let deal = app.signed_contract().await;
    let answer = deal.homeowner.post(CREATE, json!({ "contractId": deal.contract })).await;
    let location = answer.header("location").unwrap_or_default().to_owned();
    let made = answer.expect(201);
    let id = text(&made, "/id");
    assert!(id.starts_with("esc_"), "{made}");
    assert_eq!(location, format!("/api/payments/escrow/{id}"));
    assert_eq!((&made["contractId"], &made["jobId"]), (&json!(deal.contract), &json!(deal.job)));
    assert_eq!((&made["status"], &made["currency"]), (&json!("ACTIVE"), &json!("USD")));
    assert_eq!(made["totalAmount"], 100_000);
    for empty in ["heldAmount", "releasedAmount", "refundedAmount", "disputedAmount", "feeAmount"] {
        assert_eq!(made[empty], 0, "{empty}");
    }
    assert_eq!(made["closedAt"], Value::Null);
    let schedule = made["releaseSchedule"].as_array().cloned().unwrap_or_default();
    assert_eq!(schedule.len(), PARTS.len(), "{made}");
    for ((entry, milestone), (_, amount)) in schedule.iter().zip(&deal.milestones).zip(PARTS) {
        assert!(text(entry, "/id").starts_with("rsc_"), "{entry}");
        assert_eq!((text(entry, "/escrowId"), text(entry, "/milestoneId")), (id, milestone.as_str()));
        assert_eq!((number(entry, "/amount"), text(entry, "/status")), (amount, "PENDING"));
        assert!(entry["dueDate"].is_string(), "{entry}");
    }

    assert_eq!(app.database.count("escrow.escrows WHERE status = 'ACTIVE'"), 1);
    assert_eq!(app.database.count("escrow.release_schedule WHERE status = 'PENDING'"), 2);
    let events = told(&app, "escrow.created");
    let expected = json!({
        "escrowId": id, "contractId": deal.contract, "jobId": deal.job, "currency": "USD",
        "homeownerId": deal.homeowner.party, "contractorId": deal.contractor.party,
    });
    assert_eq!(events, [expected]);
    assert_eq!(deal.homeowner.get(&location).await.expect(200), made);
}

#[actix_web::test]
async fn creating_happens_once_for_a_key() {
    let app = TestApp::start().await;
    let deal = app.signed_contract().await;
    let body = json!({ "contractId": deal.contract });
    let first = deal.homeowner.post_keyed(CREATE, "open it", body.clone()).await;
    let again = deal.homeowner.post_keyed(CREATE, "open it", body).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!((app.database.count("escrow.escrows"), told(&app, "escrow.created").len()), (1, 1));
}

#[actix_web::test]
async fn creating_is_for_the_homeowner_of_the_contract() {
    let app = TestApp::start().await;
    let deal = app.signed_contract().await;
    let body = json!({ "contractId": deal.contract });
    deal.homeowner.signed_out().post(CREATE, body.clone()).await.problem(401, "unauthenticated");
    app.homeowner().await.post(CREATE, body.clone()).await.problem(404, "not_found");
    deal.contractor.post(CREATE, body.clone()).await.problem(403, "wrong_role");
    app.admin().await.post(CREATE, body).await.problem(403, "wrong_role");
    deal.homeowner.post(CREATE, json!({ "contractId": nothing("ctr") })).await.problem(404, "not_found");
    assert_eq!((app.database.count("escrow.escrows"), told(&app, "escrow.created").len()), (0, 0));
}

#[actix_web::test]
async fn creating_names_every_fault_of_its_body() {
    let app = TestApp::start().await;
    let deal = app.signed_contract().await;
    let ada = &deal.homeowner;
    ada.post(CREATE, json!({})).await.faults(&["/contractId"]);
    ada.post(CREATE, json!({ "contractId": deal.job, "colour": "red" }))
        .await
        .faults(&["/colour", "/contractId"]);
    for malformed in [json!(null), json!(7), json!("ctr_1"), json!("ctr_\u{0}")] {
        ada.post(CREATE, json!({ "contractId": malformed })).await.faults(&["/contractId"]);
    }
    ada.post_empty(CREATE).await.problem(400, "not_json");
    assert_eq!(app.database.count("escrow.escrows"), 0);
}

#[actix_web::test]
async fn creating_needs_an_active_contract_without_an_account() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let body = json!({ "contractId": deal.contract });
    let refused = deal.homeowner.post(CREATE, body.clone()).await.wrong_state("PENDING_SIGNATURES");
    assert_eq!((&refused["code"], &refused["allowedActions"]), (&json!("wrong_state"), &json!(["sign"])));
    app.sign(&deal).await;
    let deal = open(deal).await;
    deal.homeowner.post(CREATE, body).await.problem(409, "escrow_exists");
    let ended = app.completed_contract().await;
    let refused = ended.homeowner.post(CREATE, json!({ "contractId": ended.contract })).await;
    assert_eq!(refused.wrong_state("COMPLETED")["allowedActions"], json!([]));
    assert_eq!(app.database.count("escrow.escrows"), 2);
}

#[actix_web::test]
async fn an_account_shows_what_the_ledger_sums_to() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    release(&deal, &deal.contractor, 0, Some(10_000)).await.expect(200);
    let answer = deal.homeowner.get(&escrow_path(&deal)).await;
    let tag = answer.header("etag").unwrap_or_default().to_owned();
    let shown = answer.expect(200);
    let figures =
        ["totalAmount", "heldAmount", "releasedAmount", "refundedAmount", "disputedAmount", "feeAmount"];
    assert_eq!(
        figures.map(|figure| number(&shown, &format!("/{figure}"))),
        [100_000, 90_000, 10_000, 0, 0, 290]
    );
    assert_eq!((&shown["status"], &shown["closedAt"]), (&json!("ACTIVE"), &Value::Null));
    // A part leaves its entry of the schedule as it is.
    assert_eq!(shown["releaseSchedule"][0]["status"], "PENDING");
    // Both parties and administrators see the same.
    assert_eq!(deal.contractor.get(&escrow_path(&deal)).await.expect(200), shown);
    assert_eq!(app.admin().await.get(&escrow_path(&deal)).await.expect(200), shown);
    // What the client has is not sent again, until it changes.
    let ask = async || {
        let path = escrow_path(&deal);
        deal.homeowner.send(Method::GET, &path, |request| request.header("if-none-match", tag.as_str())).await
    };
    assert_eq!(ask().await.status, 304);
    release(&deal, &deal.homeowner, 0, None).await.expect(200);
    let changed = ask().await.expect(200);
    assert_eq!(
        (&changed["heldAmount"], &changed["releaseSchedule"][0]["status"]),
        (&json!(40_000), &json!("RELEASED"))
    );
}

#[actix_web::test]
async fn an_account_that_everything_has_left_is_closed() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let shown = deal.contractor.get(&escrow_path(&deal)).await.expect(200);
    assert_eq!((&shown["status"], &shown["heldAmount"]), (&json!("CLOSED"), &json!(0)));
    assert_eq!((&shown["releasedAmount"], &shown["feeAmount"]), (&json!(100_000), &json!(2_900)));
    assert!(shown["closedAt"].is_string(), "{shown}");
}

#[actix_web::test]
async fn an_account_does_not_exist_for_strangers() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    let strangers = [app.homeowner().await, app.verified_contractor().await];
    for path in [escrow_path(&deal), history_path(&deal)] {
        deal.homeowner.signed_out().get(&path).await.problem(401, "unauthenticated");
        for stranger in &strangers {
            stranger.get(&path).await.problem(404, "not_found");
        }
    }
}

#[actix_web::test]
async fn an_account_takes_an_id_of_its_own_and_no_parameters() {
    let app = TestApp::start().await;
    let deal = opened(&app).await;
    for id in ["esc_1", "1", &deal.contract, &deal.escrow.to_uppercase(), &nothing("esc")] {
        deal.homeowner.get(&format!("/api/payments/escrow/{id}")).await.problem(404, "not_found");
        deal.homeowner.get(&format!("/api/payments/escrow/{id}/history")).await.problem(404, "not_found");
    }
    let refused = deal.homeowner.get(&format!("{}?expand=all", escrow_path(&deal))).await;
    assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], "?expand");
    // A bare UUID is the same id.
    let uuid = deal.escrow.parse::<escrow::EscrowId>().map(|id| id.uuid().to_string()).unwrap_or_default();
    assert_eq!(
        deal.homeowner.get(&format!("/api/payments/escrow/{uuid}")).await.expect(200)["id"],
        deal.escrow
    );
}

#[actix_web::test]
async fn history_runs_a_balance_page_by_page() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    release(&deal, &deal.homeowner, 0, Some(20_000)).await.expect(200);
    release(&deal, &deal.contractor, 0, None).await.expect(200);

    let whole = deal.contractor.get(&history_path(&deal)).await.expect(200);
    let lines: Vec<_> = whole["data"].as_array().into_iter().flatten().collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                text(line, "/kind"),
                number(line, "/amount"),
                number(line, "/feeAmount"),
                number(line, "/balance"),
            )
        })
        .collect();
    // Both milestones were paid for at once, in either order.
    let first = number(&whole, "/data/0/amount");
    assert_eq!(told[..2], [("DEPOSIT", first, 0, first), ("DEPOSIT", 100_000 - first, 0, 100_000)]);
    assert_eq!(told[2..], [("RELEASE", -20_000, 580, 80_000), ("RELEASE", -40_000, 1_160, 40_000)]);
    assert_eq!(whole["nextCursor"], Value::Null);
    for line in &lines[2..] {
        assert_eq!(text(line, "/milestoneId"), deal.milestone(0));
        assert!(text(line, "/transactionId").starts_with("txn_"), "{line}");
    }

    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = deal.homeowner.get(&format!("{}?limit=1{cursor}", history_path(&deal))).await.expect(200);
        paged.extend(page["data"].as_array().cloned().unwrap_or_default());
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(paged), whole["data"]);
}

#[actix_web::test]
async fn history_is_empty_at_first_and_takes_only_its_own_cursors() {
    let app = TestApp::start().await;
    let (empty, other) = (opened(&app).await, app.funded_contract().await);
    let nothing_yet = empty.homeowner.get(&history_path(&empty)).await.expect(200);
    assert_eq!(nothing_yet, json!({ "data": [], "nextCursor": null }));
    let page = other.homeowner.get(&format!("{}?limit=1", history_path(&other))).await.expect(200);
    let foreign = text(&page, "/nextCursor");
    for (query, pointer) in [
        (format!("cursor={foreign}"), "?cursor"),
        ("cursor=made-up".to_owned(), "?cursor"),
        ("limit=0".to_owned(), "?limit"),
        ("limit=101".to_owned(), "?limit"),
        ("kind=RELEASE".to_owned(), "?kind"),
    ] {
        let refused = empty.homeowner.get(&format!("{}?{query}", history_path(&empty))).await;
        assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], pointer, "{query}");
    }
    // Paid for by now, it is the same list and goes on.
    pay_with(&empty, VISA).await.expect(201);
    let filled = empty.homeowner.get(&history_path(&empty)).await.expect(200);
    assert_eq!(filled["data"].as_array().map(Vec::len), Some(2), "{filled}");
}
