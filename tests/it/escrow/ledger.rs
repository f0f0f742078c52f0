//! `/api/admin/ledger`: the books, and that they balance.

use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{nothing, number, release, text};

const TRIAL_BALANCE: &str = "/api/admin/ledger/trial-balance";

fn account_path(id: &str) -> String {
    format!("/api/admin/ledger/accounts/{id}")
}

/// The account of that kind, of which there is one.
async fn account_of(admin: &Person, kind: &str) -> String {
    let trial = admin.get(TRIAL_BALANCE).await.expect(200);
    let lines = trial["lines"].as_array().cloned().unwrap_or_default();
    let line = lines.iter().find(|line| line["kind"] == kind).cloned().unwrap_or_default();
    text(&line, "/accountId").to_owned()
}

#[actix_web::test]
async fn the_trial_balance_has_every_kind_of_account_and_balances() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let empty = admin.get(TRIAL_BALANCE).await.expect(200);
    assert_eq!((&empty["balanced"], &empty["lines"]), (&json!(true), &json!([])));

    let deal = app.approved_contract().await;
    release(&deal, &deal.homeowner, 0, Some(20_000)).await.expect(200);
    let trial = admin.get(TRIAL_BALANCE).await.expect(200);
    let lines: Vec<_> = trial["lines"].as_array().into_iter().flatten().collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                text(line, "/kind"),
                number(line, "/accounts"),
                number(line, "/debitAmount"),
                number(line, "/creditAmount"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("CARD_CLEARING", 1, 99_000, 0),
            ("CONTRACTOR_PAYABLE", 1, 0, 19_420),
            ("HELD", 2, 0, 80_000),
            ("PLATFORM_FEE", 1, 0, 580),
            ("PROCESSOR_FEE", 1, 1_000, 0),
        ]
    );
    assert_eq!(trial["balanced"], true);
    assert!(trial["asOf"].is_string() && lines.iter().all(|line| line["currency"] == "USD"), "{trial}");
    // Where there are several, none is meant.
    assert_eq!(lines[2]["accountId"], Value::Null);
    assert!(text(lines[0], "/accountId").starts_with("acc_"), "{trial}");
}

#[actix_web::test]
async fn books_that_do_not_balance_are_told_so() {
    let app = TestApp::start().await;
    app.funded_contract().await;
    app.database.execute("ALTER TABLE escrow.entries DISABLE TRIGGER USER");
    app.database.execute(
        "UPDATE escrow.entries SET amount = amount - 1 WHERE id = (SELECT max(id) FROM escrow.entries)",
    );
    assert_eq!(app.admin().await.get(TRIAL_BALANCE).await.expect(200)["balanced"], false);
}

#[actix_web::test]
async fn an_account_shows_its_entries_the_newest_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let deal = app.approved_contract().await;
    release(&deal, &deal.homeowner, 0, Some(20_000)).await.expect(200);
    app.settle().await;
    release(&deal, &deal.homeowner, 0, None).await.expect(200);

    let id = account_of(&admin, "CONTRACTOR_PAYABLE").await;
    let account = admin.get(&account_path(&id)).await.expect(200);
    assert_eq!(
        (text(&account, "/id"), text(&account, "/kind"), text(&account, "/currency")),
        (id.as_str(), "CONTRACTOR_PAYABLE", "USD")
    );
    assert_eq!(
        (text(&account, "/ownerId"), &account["milestoneId"]),
        (deal.contractor.party.as_str(), &Value::Null)
    );
    assert_eq!(number(&account, "/balance"), 38_840);
    let entries: Vec<_> = account["entries"].as_array().into_iter().flatten().collect();
    let told: Vec<_> = entries
        .iter()
        .map(|one| (text(one, "/kind"), number(one, "/amount"), number(one, "/balance")))
        .collect();
    assert_eq!(told, [("RELEASE", 38_840, 38_840), ("PAYOUT", -19_420, 0), ("RELEASE", 19_420, 19_420)]);
    assert!(text(entries[0], "/businessKey").starts_with("release:"), "{account}");
    assert_eq!(account["nextCursor"], Value::Null);

    // Page by page it is the same, each with the account around it.
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("{}?limit=2{cursor}", account_path(&id))).await.expect(200);
        assert_eq!(page["balance"], account["balance"]);
        paged.extend(page["entries"].as_array().cloned().unwrap_or_default());
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(paged), account["entries"]);

    // What we own is told on its own side.
    let clearing = admin.get(&account_path(&account_of(&admin, "CARD_CLEARING").await)).await.expect(200);
    assert_eq!((number(&clearing, "/balance"), &clearing["ownerId"]), (79_580, &Value::Null));
    assert_eq!(
        (number(&clearing, "/entries/0/amount"), number(&clearing, "/entries/1/amount")),
        (19_420, -99_000)
    );
}

#[actix_web::test]
async fn the_books_are_for_administrators() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    let account = account_path(&account_of(&app.admin().await, "CARD_CLEARING").await);
    for path in [TRIAL_BALANCE, account.as_str()] {
        app.anyone().get(path).await.problem(401, "unauthenticated");
        deal.homeowner.get(path).await.problem(403, "wrong_role");
        deal.contractor.get(path).await.problem(403, "wrong_role");
    }
}

#[actix_web::test]
async fn the_books_take_known_parameters_and_ids() {
    let app = TestApp::start().await;
    let deal = app.funded_contract().await;
    let admin = app.admin().await;
    let refused = admin.get(&format!("{TRIAL_BALANCE}?currency=USD")).await;
    assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], "?currency");
    // There is no state in which the books cannot be read; only accounts that are not there.
    for id in ["acc_1", &deal.escrow, &nothing("acc")] {
        admin.get(&account_path(id)).await.problem(404, "not_found");
    }
    let path = account_path(&account_of(&admin, "PROCESSOR_FEE").await);
    for (query, pointer) in
        [("limit=0", "?limit"), ("limit=x", "?limit"), ("cursor=made-up", "?cursor"), ("page=2", "?page")]
    {
        let refused = admin.get(&format!("{path}?{query}")).await;
        assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["pointer"], pointer, "{query}");
    }
}
