//! Two who want different things of one deal at the same moment: one gets through, the other is told why not, and the rows agree.

use contracts::ContractId;
use futures_util::future::join;
use marketplace::{BidId, JobId};
use serde_json::json;
use tests::{Answer, TestApp};

use super::{told, uuid};

const ROUNDS: usize = 10;

/// Runs both at once, each of the two the first to be asked in half of the rounds.
async fn meet(
    round: usize,
    one: impl Future<Output = Answer>,
    other: impl Future<Output = Answer>,
) -> [Answer; 2] {
    if round.is_multiple_of(2) {
        let (one, other) = join(one, other).await;
        [one, other]
    } else {
        let (other, one) = join(other, one).await;
        [one, other]
    }
}

fn statuses(answers: &[Answer; 2]) -> [u16; 2] {
    [answers[0].status, answers[1].status]
}

#[actix_web::test]
async fn a_bid_is_accepted_or_withdrawn_never_both() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    for round in 0..ROUNDS {
        let job = app.open_job(&ada).await;
        let bid = app.bid(&bob, &job).await;
        let (accept, withdraw) = (format!("/api/bids/{bid}/accept"), format!("/api/bids/{bid}/withdraw"));
        let [accepted, withdrawn] = meet(round, ada.post_empty(&accept), bob.post_empty(&withdraw)).await;
        let (job, id) = (uuid::<JobId>(&job), uuid::<BidId>(&bid));
        let contracts = app.database.count(&format!("contracts.contracts WHERE job_id = '{job}'"));
        let bids = |status: &str| {
            app.database.count(&format!("marketplace.bids WHERE id = '{id}' AND status = '{status}'"))
        };
        if accepted.status == 201 {
            assert_eq!(withdrawn.status, 409, "{}", withdrawn.text());
            assert_eq!((contracts, bids("ACCEPTED")), (1, 1));
        } else {
            assert_eq!(accepted.wrong_state("WITHDRAWN")["code"], "bid_state");
            let _ = withdrawn.expect(200);
            assert_eq!((contracts, bids("WITHDRAWN")), (0, 1));
        }
    }
}

#[actix_web::test]
async fn a_bid_is_accepted_as_it_was_read_or_not_at_all() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    for round in 0..ROUNDS {
        let job = app.open_job(&ada).await;
        let bid = app.bid(&bob, &job).await;
        let (accept, revise) = (format!("/api/bids/{bid}/accept"), format!("/api/bids/{bid}"));
        let offer = json!({ "amount": 140_000, "milestones": [] });
        let [accepted, revised] =
            meet(round, ada.post(&accept, json!({ "revision": 1 })), bob.patch(&revise, offer)).await;
        if accepted.status == 201 {
            assert_eq!(revised.status, 409, "{}", revised.text());
            assert_eq!(accepted.json["price"], 100_000);
        } else {
            let _ = accepted.problem(409, "bid_revised");
            assert_eq!(revised.expect(200)["amount"], 140_000);
        }
    }
}

#[actix_web::test]
async fn a_job_is_awarded_or_called_off_never_both() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    for round in 0..ROUNDS {
        let job = app.open_job(&ada).await;
        let bid = app.bid(&bob, &job).await;
        let (accept, cancel) = (format!("/api/bids/{bid}/accept"), format!("/api/jobs/{job}"));
        let [accepted, cancelled] = meet(round, ada.post_empty(&accept), ada.delete(&cancel)).await;
        let contracts =
            app.database.count(&format!("contracts.contracts WHERE job_id = '{}'", uuid::<JobId>(&job)));
        if accepted.status == 201 {
            let _ = cancelled.wrong_state("AWARDED");
            assert_eq!(contracts, 1);
        } else {
            let _ = accepted.wrong_state("CANCELLED");
            let _ = cancelled.expect(200);
            assert_eq!(contracts, 0);
        }
    }
}

#[actix_web::test]
async fn both_signing_at_the_same_moment_make_the_contract_active_once() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    for round in 0..ROUNDS {
        let deal = app.contract_between(&ada, &bob).await;
        let contract = ada.get(&deal.path()).await.expect(200);
        let (sign, body) =
            (format!("{}/sign", deal.path()), json!({ "documentSha256": contract["documentSha256"] }));
        let answers = meet(round, ada.post(&sign, body.clone()), bob.post(&sign, body.clone())).await;
        assert_eq!(statuses(&answers), [200, 200], "{} and {}", answers[0].text(), answers[1].text());
        let active = answers.iter().filter(|answer| answer.json["status"] == "ACTIVE").count();
        assert_eq!((active, told(&app, "contract.activated", &deal.contract)), (1, 1));
    }
}

#[actix_web::test]
async fn nobody_is_bound_by_a_text_that_changed_while_it_was_signed() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    for round in 0..ROUNDS {
        let deal = app.contract_between(&ada, &bob).await;
        let contract = ada.get(&deal.path()).await.expect(200);
        let (sign, body) =
            (format!("{}/sign", deal.path()), json!({ "documentSha256": contract["documentSha256"] }));
        let _ = ada.post(&sign, body.clone()).await.expect(200);
        // The second signature against a last change of the text.
        let milestone = deal.milestone_path(0);
        let answers =
            meet(round, bob.post(&sign, body), ada.patch(&milestone, json!({ "title": "Other" }))).await;
        let after = ada.get(&deal.path()).await.expect(200);
        let standing = after["signatures"].as_array().map(Vec::len);
        match statuses(&answers) {
            [200, 409] => assert_eq!((&after["status"], standing), (&json!("ACTIVE"), Some(2))),
            [409, 200] => assert_eq!((&after["status"], standing), (&json!("PENDING_SIGNATURES"), Some(0))),
            other => panic!("{other:?}: {} and {}", answers[0].text(), answers[1].text()),
        }
    }
}

#[actix_web::test]
async fn a_submission_is_approved_or_sent_back_never_both() {
    let app = TestApp::start().await;
    for round in 0..4 {
        let deal = app.submitted_contract().await;
        let complete = format!("{}/complete", deal.milestone_path(0));
        let changes = json!({ "action": "request_changes", "reason": "Again." });
        let answers =
            meet(round, deal.homeowner.patch_empty(&complete), deal.homeowner.patch(&complete, changes))
                .await;
        let mut statuses = statuses(&answers);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let decided = (
            told(&app, "milestone.approved", &deal.contract),
            told(&app, "milestone.changes_requested", &deal.contract),
        );
        assert_eq!(decided, if answers[0].status == 200 { (1, 0) } else { (0, 1) });
    }
}

#[actix_web::test]
async fn of_many_milestones_carved_at_the_same_moment_none_takes_more_than_there_is() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    let list = format!("{}/milestones", deal.path());
    // The last has 40 000, and each wants 15 000 of it.
    let body = json!({
        "title": "Part", "targetAmount": 15_000, "dueDate": "2099-01-01", "fromMilestoneId": deal.milestone(1),
    });
    let asked = (0..6).map(|_| deal.homeowner.post(&list, body.clone()));
    let answers = futures_util::future::join_all(asked).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 422, 422, 422, 422]);
    let id = uuid::<ContractId>(&deal.contract);
    let sum =
        format!("(SELECT sum(amount) AS sum FROM contracts.milestones WHERE contract_id = '{id}') AS one");
    assert_eq!(app.database.count(&format!("{sum} WHERE sum = 100000")), 1);
}
