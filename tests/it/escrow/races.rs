//! Many at once over HTTP: money moves once, and never more than there is.

use escrow::AccountKind;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tests::{Answer, Deal, Person, TestApp};

use super::{
    VISA, approve, assert_books_are_right, balance, escrow_path, number, open, opened, pay_with, release,
    release_path, told,
};

/// As many milliseconds as a request may wait for a thread here: what is proved is that each gets an answer about the money, not how fast
/// this machine is. In production a server that is behind by seconds answers 503.
const PATIENCE_MILLISECONDS: u64 = 60_000;

async fn patient() -> TestApp {
    TestApp::start_with(|config| config.http.queue_milliseconds = PATIENCE_MILLISECONDS).await
}

/// How many of these got through; each of the others was told that somebody else is at it, or that it is done.
fn got_through(answers: &[Answer]) -> usize {
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.status, 409, "{}", refused.text());
        let done = refused.json["code"] == "wrong_state" && refused.json["state"] == "RELEASED";
        assert!(done || refused.json["code"] == "busy", "{}", refused.text());
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[actix_web::test]
async fn of_two_hundred_simultaneous_releases_of_one_milestone_one_moves_its_money() {
    let app = patient().await;
    let deal = app.approved_contract().await;
    let callers = (0..200).map(|number| if number % 2 == 0 { &deal.homeowner } else { &deal.contractor });
    let answers = join_all(callers.map(|who| release(&deal, who, 0, None))).await;
    assert_eq!(got_through(&answers), 1);
    assert_eq!(app.database.count("escrow.transactions WHERE kind = 'RELEASE'"), 1);
    assert_eq!((app.database.count("escrow.releases"), app.database.count("escrow.payouts")), (1, 1));
    assert_eq!(told(&app, "milestone.released").len(), 1);
    let accounts = [AccountKind::Held, AccountKind::PlatformFee, AccountKind::ContractorPayable];
    assert_eq!(accounts.map(|kind| balance(&app, kind)), [40_000, 1_740, 58_260]);
    app.settle().await;
    assert_eq!(app.database.count("simulated_provider.balance_movements WHERE kind = 'transfer'"), 1);
    assert_books_are_right(&app);
}

#[actix_web::test]
async fn simultaneous_releases_under_one_key_are_one_release() {
    let app = patient().await;
    let deal = app.approved_contract().await;
    let body = json!({ "milestoneId": deal.milestone(0), "amount": 1_000 });
    let path = release_path(&deal);
    let answers = join_all((0..40).map(|_| deal.homeowner.post_keyed(&path, "once", body.clone()))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    for answer in refused {
        answer.problem(409, "idempotency_in_progress");
    }
    assert_eq!(done.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
    assert!(done.windows(2).all(|pair| pair[0].bytes == pair[1].bytes));
    assert_eq!((app.database.count("escrow.releases"), balance(&app, AccountKind::Held)), (1, 99_000));
}

#[actix_web::test]
async fn simultaneous_deposits_for_one_contract_pay_once() {
    let app = patient().await;
    let deal = opened(&app).await;
    let answers = join_all((0..20).map(|_| pay_with(&deal, VISA))).await;
    let paid = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(paid, 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.status, 409, "{}", refused.text());
    }
    assert_eq!(app.database.count("simulated_provider.balance_movements"), 1);
    app.settle().await;
    assert_eq!(balance(&app, AccountKind::Held), 100_000);
    assert_books_are_right(&app);
}

/// A contract of that price in one milestone, which is approved.
async fn approved(app: &TestApp, ada: &Person, bob: &Person, price: i64) -> Deal {
    let job = app.open_job(ada).await;
    let bid = app.bid_for(bob, &job, price).await;
    let deal = app.accept(ada, bob, &job, &bid).await;
    app.sign(&deal).await;
    let deal = open(deal).await;
    pay_with(&deal, VISA).await.expect(201);
    approve(&deal, 0).await;
    deal
}

/// What was released of a price so far.
#[derive(Default)]
struct Released {
    amount: i64,
    fees: i64,
}

impl Released {
    /// Counts what got through. More than is held is never among it, and who asked for that was told how much there is.
    fn count(&mut self, answers: &[Answer], price: i64) {
        for answer in answers {
            match answer.status {
                200 => {
                    self.amount += number(&answer.json, "/amount");
                    self.fees += number(&answer.json, "/feeAmount");
                }
                422 => assert_eq!(answer.json["code"], "amount_mismatch", "{}", answer.text()),
                _ => assert_eq!(got_through(std::slice::from_ref(answer)), 0),
            }
        }
        assert!(self.amount <= price, "{} of {price}", self.amount);
    }
}

#[actix_web::test]
async fn in_fifty_rounds_of_random_parts_no_more_is_released_than_held_and_the_fees_sum_up() {
    let app = patient().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let mut whole = Released::default();
    let mut raced = 0;
    for round in 0..50 {
        let mut random = StdRng::seed_from_u64(round);
        let price: i64 = random.random_range(100..=2_000_000);
        let deal = approved(&app, &ada, &bob, price).await;
        let mut released = Released::default();
        for step in 0..6 {
            let left = price - released.amount;
            // Alone or several at once, of all that is left or more; at the end whatever is left.
            let at_once = if random.random_bool(0.5) { 1 } else { random.random_range(2..=6) };
            let parts: Vec<Option<i64>> = (0..at_once)
                .map(|_| (step < 5).then(|| random.random_range(1..=(left + left / 8).max(1))))
                .collect();
            raced += usize::from(at_once > 1);
            let who = |place: usize| if place.is_multiple_of(2) { &ada } else { &bob };
            let asked = parts.iter().enumerate().map(|(place, part)| release(&deal, who(place), 0, *part));
            released.count(&join_all(asked).await, price);
            let shown = deal.homeowner.get(&escrow_path(&deal)).await.expect(200);
            let figures =
                ["heldAmount", "releasedAmount", "feeAmount"].map(|name| number(&shown, &format!("/{name}")));
            assert_eq!(figures, [price - released.amount, released.amount, released.fees], "round {round}");
        }
        assert_eq!(released.amount, price, "round {round}");
        assert_eq!(released.fees, (290 * price + 5_000) / 10_000, "round {round}: {price}");
        whole.amount += released.amount;
        whole.fees += released.fees;
    }
    assert!(raced > 50, "{raced} of the steps were races");
    assert_eq!((balance(&app, AccountKind::Held), balance(&app, AccountKind::PlatformFee)), (0, whole.fees));
    app.settle().await;
    assert_eq!(balance(&app, AccountKind::ContractorPayable), 0);
    assert_eq!(app.database.count("contracts.contracts WHERE status <> 'COMPLETED'"), 0);
    assert_books_are_right(&app);
}
