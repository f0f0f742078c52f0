//! Held payments over HTTP. What the tests of one resource need of another stands here.

mod accounts;
mod deposits;
mod ledger;
mod races;
mod releases;
mod summaries;
mod webhooks;

use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use escrow::{AccountKind, PaymentProvider, TrialBalance};
use kernel::{Actor, Currency};
use serde_json::{Value, json};
use tests::{Answer, Deal, Person, TestApp};
use uuid::Uuid;

const CREATE: &str = "/api/payments/escrow/create";
const CONFIRM: &str = "/api/payments/confirm";
const VISA: &str = "pm_card_visa";

fn escrow_path(deal: &Deal) -> String {
    format!("/api/payments/escrow/{}", deal.escrow)
}

fn history_path(deal: &Deal) -> String {
    format!("{}/history", escrow_path(deal))
}

fn deposit_path(deal: &Deal) -> String {
    format!("{}/deposit", escrow_path(deal))
}

fn release_path(deal: &Deal) -> String {
    format!("{}/release/milestone", escrow_path(deal))
}

fn summary_path(deal: &Deal) -> String {
    format!("/api/payments/contract/{}/summary", deal.contract)
}

/// An id of nothing.
fn nothing(prefix: &str) -> String {
    format!("{prefix}_{}", kernel::id::encode_suffix(Uuid::now_v7()))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(text) => text,
        None => panic!("no text at {pointer} of {value}"),
    }
}

fn number(value: &Value, pointer: &str) -> i64 {
    match value.pointer(pointer).and_then(Value::as_i64) {
        Some(number) => number,
        None => panic!("no number at {pointer} of {value}"),
    }
}

/// An active contract with an escrow account that nothing was paid into.
async fn opened(app: &TestApp) -> Deal {
    let deal = app.signed_contract().await;
    open(deal).await
}

/// The same contract with an escrow account.
async fn open(mut deal: Deal) -> Deal {
    let made = deal.homeowner.post(CREATE, json!({ "contractId": deal.contract })).await.expect(201);
    deal.escrow = text(&made, "/id").to_owned();
    deal
}

/// Pays for all that is not funded, with this card.
async fn pay_with(deal: &Deal, card: &str) -> Answer {
    deal.homeowner.pay(&deposit_path(deal), json!({ "paymentMethod": card })).await
}

/// A payment that the payer has yet to confirm: its id and client secret.
async fn intended(deal: &Deal) -> (String, String) {
    let made = deal.homeowner.pay(&deposit_path(deal), json!({})).await.expect(201);
    assert_eq!(made["payment"]["status"], "REQUIRES_CONFIRMATION", "{made}");
    (text(&made, "/payment/id").to_owned(), text(&made, "/clientSecret").to_owned())
}

/// Does as the payer's own device does with a client secret, past us.
async fn confirm_as_payer(app: &TestApp, secret: &str, card: &str) {
    let (provider, secret) = (app.provider.clone(), secret.to_owned());
    let method = escrow::provider::PaymentMethod::new(card).unwrap_or_else(|faults| panic!("{faults}"));
    let confirmed =
        tokio::task::spawn_blocking(move || provider.confirm_as_payer(&secret, &method).map(drop)).await;
    assert!(matches!(confirmed, Ok(Ok(()))), "{confirmed:?}");
}

/// Takes the milestone at that place from funded to approved.
async fn approve(deal: &Deal, index: usize) {
    let path = deal.milestone_path(index);
    for action in ["start", "submit"] {
        deal.contractor.patch(&path, json!({ "action": action })).await.expect(200);
    }
    deal.homeowner.patch_empty(&format!("{path}/complete")).await.expect(200);
}

/// Releases that much of the milestone at that place; all that is left without an amount.
async fn release(deal: &Deal, who: &Person, index: usize, amount: Option<i64>) -> Answer {
    let mut body = json!({ "milestoneId": deal.milestone(index) });
    if let Some(amount) = amount {
        body["amount"] = amount.into();
    }
    who.pay(&release_path(deal), body).await
}

/// How the contract's milestones stand, in their order.
async fn states(deal: &Deal) -> Vec<String> {
    let page = deal.homeowner.get(&format!("{}/milestones", deal.path())).await.expect(200);
    let data = page["data"].as_array().cloned().unwrap_or_default();
    data.iter().map(|milestone| text(milestone, "/status").to_owned()).collect()
}

/// The data of every event of that name, oldest first.
fn told(app: &TestApp, name: &str) -> Vec<Value> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        data: Value,
    }
    let sql = format!("SELECT data FROM outbox.events WHERE name = '{name}' ORDER BY id");
    let rows: Result<Vec<Row>, database::Error> =
        app.database.owner.read(|conn| Ok(diesel::sql_query(&sql).load(conn)?));
    match rows {
        Ok(rows) => rows.into_iter().map(|row| row.data).collect(),
        Err(error) => panic!("{sql}: {error}"),
    }
}

fn trial_balance(app: &TestApp) -> TrialBalance {
    let system = Actor::system("test");
    let trial = system.admin().map(|admin| app.platform.queries().escrow.trial_balance(admin));
    match trial {
        Ok(Ok(trial)) => trial,
        other => panic!("no trial balance: {other:?}"),
    }
}

/// What a kind of account sums to, a credit positive.
fn balance(app: &TestApp, kind: AccountKind) -> i64 {
    let lines = trial_balance(app).lines;
    lines.iter().filter(|line| line.kind == kind).map(|line| line.credit - line.debit).sum()
}

/// The books agree with themselves, with the contracts, and, nothing being under way, with the provider.
fn assert_books_are_right(app: &TestApp) {
    match app.database.db.read(escrow::verify_ledger) {
        Ok(report) => assert_eq!(report.disagreements, []),
        Err(error) => panic!("the books cannot be read: {error}"),
    }
    assert!(trial_balance(app).balanced);
    assert_eq!(app.provider.balance(Currency::USD), Ok(-balance(app, AccountKind::CardClearing)));
}

/// Nothing that moves money happened: no row of the ledger, no payment, nothing told.
fn assert_nothing_moved(app: &TestApp) {
    for table in
        ["escrow.transactions", "escrow.entries", "escrow.payments", "escrow.releases", "escrow.payouts"]
    {
        assert_eq!(app.database.count(table), 0, "{table}");
    }
    assert_eq!(app.database.count("outbox.events WHERE name LIKE 'payment.%'"), 0);
}
