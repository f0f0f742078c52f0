//! `Idempotency-Key`: however often a command is sent with one key, it happens once and is answered with the same bytes.

use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Answer, Deal, Person, TestApp};

const JOBS: &str = "/api/jobs";
const CONFIRM: &str = "/api/payments/confirm";
/// How many come at once.
const CROWD: usize = 100;
/// How long one that was told to come back goes on trying: it is answered at once when the first is through.
const PATIENCE: usize = 60;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn a_job() -> Value {
    json!({
        "title": "Tile the bathroom", "description": "Floor and walls, 12 square metres.", "category": "tiling",
        "address": { "street": "1204 Willow Creek Drive", "city": "Austin", "country": "US" },
        "budgetMax": 250_000,
    })
}

fn deposit_path(deal: &Deal) -> String {
    format!("/api/payments/escrow/{}/deposit", deal.escrow)
}

fn release_path(deal: &Deal) -> String {
    format!("/api/payments/escrow/{}/release/milestone", deal.escrow)
}

/// A signed contract with an escrow account that nothing was paid into.
async fn unpaid(app: &TestApp) -> Deal {
    let mut deal = app.signed_contract().await;
    let account = json!({ "contractId": deal.contract });
    let escrow = deal.homeowner.post("/api/payments/escrow/create", account).await.expect(201);
    deal.escrow = escrow["id"].as_str().unwrap_or_default().to_owned();
    deal
}

/// Sends the same a hundred times at once. Who is told that the first is still at it, or that the server is busy, comes again as
/// it was told to; in the end everybody has an answer.
async fn crowd<F: Future<Output = Answer>>(send: impl Fn() -> F) -> Vec<Answer> {
    join_all((0..CROWD).map(|_| async {
        for _ in 0..PATIENCE {
            let answer = send().await;
            let told = (answer.status, answer.json["code"].as_str());
            if !matches!(told, (409, Some("idempotency_in_progress")) | (503, Some("overloaded"))) {
                return answer;
            }
            let wait = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
            assert!(wait.is_some(), "{}", answer.text());
            tokio::time::sleep(Duration::from_secs(wait.unwrap_or_default())).await;
        }
        panic!("never answered");
    }))
    .await
}

/// Checks that all were answered with the same bytes, of which one was no replay; and gives that answer.
#[track_caller]
fn one_of(answers: &[Answer], status: u16) -> Value {
    let fresh = |answer: &&Answer| answer.header("idempotency-replayed").is_none();
    let Some(first) = answers.iter().find(fresh) else { panic!("nobody was the first") };
    for answer in answers {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.bytes, first.bytes, "{} and {}", answer.text(), first.text());
        for header in ["content-type", "location", "etag"] {
            assert_eq!(answer.header(header), first.header(header), "{header}");
        }
    }
    assert_eq!(answers.iter().filter(fresh).count(), 1);
    assert_eq!(answers.len(), CROWD);
    first.json.clone()
}

#[tokio::test]
async fn a_hundred_posts_of_one_job_make_one_job() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let job = one_of(&crowd(|| ada.post_keyed(JOBS, "job-1", a_job())).await, 201);
    assert_eq!(app.database.count("marketplace.jobs"), 1);
    assert_eq!(app.database.count("outbox.events WHERE name = 'job.published'"), 1);
    let id = job["id"].as_str().unwrap_or_default();
    assert_eq!(ada.get(&format!("{JOBS}/{id}")).await.expect(200)["title"], "Tile the bathroom");
}

#[tokio::test]
async fn a_hundred_deposits_under_one_key_charge_once() {
    let app = TestApp::start().await;
    let deal = unpaid(&app).await;
    let (path, card) = (deposit_path(&deal), json!({ "paymentMethod": "pm_card_visa" }));
    let answers = crowd(|| deal.homeowner.post_keyed(&path, "deposit-1", card.clone())).await;
    let paid = one_of(&answers, 201);
    assert_eq!(
        (&paid["payment"]["status"], &paid["payment"]["amount"]),
        (&json!("SUCCEEDED"), &json!(100_000))
    );
    app.settle().await;
    for (rows, count) in [
        ("escrow.payments", 1),
        ("escrow.transactions WHERE kind = 'DEPOSIT'", 1),
        ("simulated_provider.intents", 1),
        ("simulated_provider.balance_movements WHERE kind = 'charge'", 1),
        ("outbox.events WHERE name = 'payment.succeeded'", 1),
        ("contracts.milestones WHERE status = 'FUNDED'", 2),
    ] {
        assert_eq!(app.database.count(rows), count, "{rows}");
    }
    balanced(&app);
}

#[tokio::test]
async fn a_hundred_releases_under_one_key_pay_once() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let (path, part) = (release_path(&deal), json!({ "milestoneId": deal.milestone(0), "amount": 10_000 }));
    let answers = crowd(|| deal.contractor.post_keyed(&path, "release-1", part.clone())).await;
    let released = one_of(&answers, 200);
    assert_eq!((&released["part"], &released["feeAmount"]), (&json!(1), &json!(290)));
    app.settle().await;
    for (rows, count) in [
        ("escrow.releases", 1),
        ("escrow.payouts WHERE status = 'PAID' AND amount = 9710", 1),
        ("escrow.payouts", 1),
        ("simulated_provider.balance_movements WHERE kind = 'transfer'", 1),
    ] {
        assert_eq!(app.database.count(rows), count, "{rows}");
    }
    // Another key is another part.
    let second = deal.contractor.post_keyed(&path, "release-2", part).await.expect(200);
    assert_eq!((&second["part"], &second["remainingAmount"]), (&json!(2), &json!(40_000)));
    balanced(&app);
}

#[tokio::test]
async fn a_key_that_comes_with_another_body_is_refused() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let _ = ada.post_keyed(JOBS, "k", a_job()).await.expect(201);
    let mut other = a_job();
    other["budgetMax"] = json!(250_001);
    ada.post_keyed(JOBS, "k", other).await.problem(422, "idempotency_key_reused");
    assert_eq!(app.database.count("marketplace.jobs"), 1);

    let deal = app.approved_contract().await;
    let (path, milestone) = (release_path(&deal), deal.milestone(0));
    let part = |amount: i64| json!({ "milestoneId": milestone, "amount": amount });
    let _ = deal.contractor.post_keyed(&path, "k", part(10_000)).await.expect(200);
    deal.contractor.post_keyed(&path, "k", part(20_000)).await.problem(422, "idempotency_key_reused");
    assert_eq!(app.database.count("escrow.releases"), 1);
}

#[tokio::test]
async fn a_key_is_one_persons_for_one_thing() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.homeowner().await);
    let first = ada.post_keyed(JOBS, "k", a_job()).await;
    for other in [
        // Somebody else's, for the same path and body.
        eve.post_keyed(JOBS, "k", a_job()).await,
        // One's own, for another path.
        ada.post_keyed("/api/notifications/read-all", "k", json!({})).await,
    ] {
        assert!(other.status < 300, "{}", other.text());
        assert_eq!(other.header("idempotency-replayed"), None);
        assert_ne!(other.bytes, first.bytes);
    }
    assert_eq!(app.database.count("marketplace.jobs"), 2);

    // Either party releases under a key of its own, even of the same name.
    let deal = app.approved_contract().await;
    let part = json!({ "milestoneId": deal.milestone(0), "amount": 10_000 });
    for (person, number) in [(&deal.homeowner, 1), (&deal.contractor, 2), (&deal.homeowner, 1)] {
        let released = person.post_keyed(&release_path(&deal), "k", part.clone()).await.expect(200);
        assert_eq!(released["part"], number);
    }
}

#[tokio::test]
async fn a_replay_is_only_for_one_who_may_still_ask() {
    let app = TestApp::start().await;
    let deal = unpaid(&app).await;
    let (path, card) = (deposit_path(&deal), json!({ "paymentMethod": "pm_card_visa" }));
    let _ = deal.homeowner.post_keyed(&path, "k", card.clone()).await.expect(201);
    deal.homeowner.signed_out().post_keyed(&path, "k", card.clone()).await.problem(401, "unauthenticated");
    deal.contractor.post_keyed(&path, "k", card.clone()).await.problem(403, "wrong_role");
    app.homeowner().await.post_keyed(&path, "k", card).await.problem(404, "not_found");
    assert_eq!(app.database.count("escrow.payments"), 1);
}

#[tokio::test]
async fn money_does_not_move_without_a_key() {
    let app = TestApp::start().await;
    let deal = unpaid(&app).await;
    let (ada, deposit, release) = (&deal.homeowner, deposit_path(&deal), release_path(&deal));
    let payment = json!({ "paymentId": "pay_01h455vb4pex5vsknk084sn02q" });
    for (path, body) in [
        (deposit.as_str(), json!({ "paymentMethod": "pm_card_visa" })),
        (release.as_str(), json!({ "milestoneId": deal.milestone(0) })),
        (CONFIRM, payment),
    ] {
        ada.post(path, body).await.problem(400, "idempotency_key_missing");
    }
    // Elsewhere it may be left out.
    let _ = ada.post(JOBS, a_job()).await.expect(201);
    let _ = ada.post(JOBS, a_job()).await.expect(201);
    assert_eq!((app.database.count("escrow.payments"), app.database.count("app.idempotency_keys")), (0, 0));
}

#[tokio::test]
async fn a_key_has_1_to_255_characters_bare_or_quoted() {
    let app = TestApp::start().await;
    let deal = unpaid(&app).await;
    let (ada, path) = (&deal.homeowner, deposit_path(&deal));
    let card = json!({ "paymentMethod": "pm_card_visa" });
    for malformed in ["", " ", "\"\"", "k".repeat(256).as_str(), "a\tb", "schl\u{fc}ssel"] {
        ada.post_keyed(&path, malformed, card.clone()).await.problem(400, "idempotency_key_invalid");
        ada.post_keyed(JOBS, malformed, a_job()).await.problem(400, "idempotency_key_invalid");
    }
    assert_eq!((app.database.count("escrow.payments"), app.database.count("marketplace.jobs")), (0, 1));

    let longest = "k".repeat(255);
    let first = ada.post_keyed(JOBS, &longest, a_job()).await;
    let quoted = ada.post_keyed(JOBS, &format!("\"{longest}\""), a_job()).await;
    assert_eq!((first.status, quoted.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.bytes, quoted.bytes);
}

#[tokio::test]
async fn a_key_is_kept_for_seven_days_and_one_that_moved_money_for_good() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let part = json!({ "milestoneId": deal.milestone(0), "amount": 10_000 });
    let job = deal.homeowner.post_keyed(JOBS, "k", a_job()).await;
    let release = deal.homeowner.post_keyed(&release_path(&deal), "k", part.clone()).await;
    assert_eq!((job.status, release.status), (201, 200));

    app.clock.advance(DAY * 7 - Duration::from_secs(60));
    let ada = again(&app, &deal.homeowner).await;
    assert_eq!(ada.post_keyed(JOBS, "k", a_job()).await.bytes, job.bytes);

    app.clock.advance(Duration::from_secs(120));
    let later = ada.post_keyed(JOBS, "k", a_job()).await;
    assert_eq!((later.status, later.header("idempotency-replayed")), (201, None));
    assert_ne!(later.json["id"], job.json["id"]);

    app.clock.advance(DAY * 400);
    let ada = again(&app, &deal.homeowner).await;
    let replayed = ada.post_keyed(&release_path(&deal), "k", part).await;
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.bytes), (Some("true"), &release.bytes));
    assert_eq!(app.database.count("escrow.releases"), 1);
}

#[tokio::test]
async fn keys_whose_time_is_over_are_swept_up_and_those_of_money_stay() {
    let app = TestApp::start().await;
    let deal = app.approved_contract().await;
    let part = json!({ "milestoneId": deal.milestone(0), "amount": 10_000 });
    let _ = deal.homeowner.post_keyed(JOBS, "k", a_job()).await.expect(201);
    let _ = deal.homeowner.post_keyed(&release_path(&deal), "k", part).await.expect(200);
    app.pass(DAY * 6).await;
    assert_eq!(app.database.count("app.idempotency_keys"), 2);
    app.pass(DAY + Duration::from_secs(2 * 60 * 60)).await;
    assert_eq!(app.database.count("app.idempotency_keys"), 1);
    assert_eq!(app.database.count("app.idempotency_keys WHERE expires_at IS NULL"), 1);
}

#[tokio::test]
async fn after_a_refusal_the_same_request_may_come_again() {
    let app = TestApp::start().await;
    let deal = app.submitted_contract().await;
    let (path, whole) = (release_path(&deal), json!({ "milestoneId": deal.milestone(0) }));
    deal.contractor.post_keyed(&path, "k", whole.clone()).await.wrong_state("SUBMITTED");
    let _ = deal.homeowner.patch_empty(&format!("{}/complete", deal.milestone_path(0))).await.expect(200);
    // The reason is gone: the same key goes through, and is answered alike from then on.
    let released = deal.contractor.post_keyed(&path, "k", whole.clone()).await;
    assert_eq!((released.status, released.header("idempotency-replayed")), (200, None));
    let replayed = deal.contractor.post_keyed(&path, "k", whole).await;
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.bytes), (Some("true"), &released.bytes));

    // A body at fault takes no key either.
    let ada = &deal.homeowner;
    let mut faulty = a_job();
    faulty["title"] = json!("");
    ada.post_keyed(JOBS, "k", faulty).await.faults(&["/title"]);
    let _ = ada.post_keyed(JOBS, "k", a_job()).await.expect(201);
}

#[tokio::test]
async fn after_the_provider_did_not_answer_the_same_request_goes_on_with_the_same_payment() {
    let app = TestApp::start().await;
    let deal = unpaid(&app).await;
    let (ada, path) = (&deal.homeowner, deposit_path(&deal));
    let card = json!({ "paymentMethod": "pm_card_answerLost" });
    ada.post_keyed(&path, "k", card.clone()).await.problem(503, "provider_unavailable");
    // Under another key it would be a second payment, and there is one under way.
    ada.post_keyed(&path, "other", card.clone()).await.problem(409, "deposit_open");
    let paid = ada.post_keyed(&path, "k", card.clone()).await;
    assert_eq!((paid.status, paid.header("idempotency-replayed")), (201, None), "{}", paid.text());
    assert_eq!(paid.json["payment"]["status"], "SUCCEEDED");
    let replayed = ada.post_keyed(&path, "k", card).await;
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.bytes), (Some("true"), &paid.bytes));
    app.settle().await;
    assert_eq!(app.database.count("simulated_provider.balance_movements WHERE kind = 'charge'"), 1);
    balanced(&app);
}

#[tokio::test]
async fn sign_in_takes_no_notice_of_a_key() {
    let app = TestApp::start().await;
    let form = json!({ "email": "ada@example.org", "password": tests::PASSWORD, "userType": "homeowner" });
    let _ = app.anyone().post_keyed("/api/auth/register", "k", form.clone()).await.expect(201);
    app.anyone().post_keyed("/api/auth/register", "k", form).await.problem(409, "email_in_use");
    let login = json!({ "email": "ada@example.org", "password": tests::PASSWORD });
    let one = app.anyone().post_keyed("/api/auth/login", "k", login.clone()).await.expect(200);
    let two = app.anyone().post_keyed("/api/auth/login", "k", login).await.expect(200);
    assert_ne!(one["refreshToken"], two["refreshToken"]);
    assert_eq!(app.database.count("app.idempotency_keys"), 0);
}

/// The same person in a new session: the old one has run out.
async fn again(app: &TestApp, person: &Person) -> Person {
    app.sign_in(&person.email, &person.password).await
}

#[track_caller]
fn balanced(app: &TestApp) {
    match app.database.owner.read(escrow::verify_ledger) {
        Ok(report) => assert!(report.is_clean(), "{:?}", report.disagreements),
        Err(error) => panic!("{error}"),
    }
}
