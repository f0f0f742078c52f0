//! `/api/bids/{bidId}/accept`: one bid becomes a contract, the others are declined, all at once.

use std::time::Duration;

use contracts::ContractId;
use diesel::connection::SimpleConnection;
use futures_util::future::{join, join3};
use marketplace::{BidId, JobId};
use serde_json::{Value, json};
use tests::{Answer, TestApp};

use super::{nothing, told, uuid};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn accept(bid: &str) -> String {
    format!("/api/bids/{bid}/accept")
}

/// Nothing was decided about a job: no contract, every bid as it was.
fn undecided(app: &TestApp, bids: i64) {
    assert_eq!(app.database.count("contracts.contracts"), 0);
    assert_eq!(app.database.count("marketplace.bids WHERE status = 'SUBMITTED'"), bids);
    assert_eq!(app.database.count("outbox.events WHERE name IN ('contract.created', 'bid.rejected')"), 0);
}

#[actix_web::test]
async fn accepting_a_bid_awards_the_job_declines_the_others_and_makes_the_contract() {
    let app = TestApp::start().await;
    let (ada, bob, eve) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let (won, lost) = (app.bid(&bob, &job).await, app.bid_for(&eve, &job, 90_000).await);

    let made = ada.post(&accept(&won), json!({ "revision": 1, "inspectionDays": 7 })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let contract = made.json.clone();
    let id = contract["id"].as_str().unwrap();
    assert_eq!(made.header("location"), Some(format!("/api/contracts/{id}").as_str()));
    assert_eq!((&contract["jobId"], &contract["bidId"]), (&json!(job), &json!(won)));
    assert_eq!(contract["status"], "PENDING_SIGNATURES");
    assert_eq!((&contract["price"], &contract["currency"]), (&json!(100_000), &json!("USD")));
    assert_eq!(contract["homeowner"], json!({ "id": ada.party, "name": "Ada Lovelace" }));
    assert_eq!(contract["contractor"], json!({ "id": bob.party, "name": "Bob Mason" }));
    let terms =
        json!({ "rulesVersion": 1, "feeBasisPoints": 290, "inspectionDays": 7, "autoReleaseHours": 24 });
    assert_eq!(contract["terms"], terms);
    assert_eq!(contract["allowedActions"], json!(["sign", "add_milestone", "edit_milestone"]));
    assert_eq!(contract["signatures"], json!([]));

    // Where it says that it is, it is, under the same tag.
    let shown = ada.get(made.header("location").unwrap()).await;
    assert_eq!((shown.status, &shown.bytes), (200, &made.bytes));
    assert_eq!(shown.header("etag"), made.header("etag"));

    assert_eq!(app.database.count("contracts.contracts"), 1);
    assert_eq!(app.database.count("contracts.documents"), 1);
    assert_eq!(
        app.database.count("contracts.milestones WHERE status = 'PENDING' AND amount IN (60000, 40000)"),
        2
    );
    let bid_is = |bid: &str, status: &str| {
        app.database
            .count(&format!("marketplace.bids WHERE id = '{}' AND status = '{status}'", uuid::<BidId>(bid)))
    };
    assert_eq!((bid_is(&won, "ACCEPTED"), bid_is(&lost, "REJECTED")), (1, 1));
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'AWARDED'"), 1);
    assert_eq!((told(&app, "contract.created", id), told(&app, "bid.rejected", &lost)), (1, 1));
    assert_eq!(told(&app, "bid.rejected", &won), 0);
    assert_eq!(
        app.database.count("outbox.tasks WHERE kind = 'contracts.lapse_signing' AND state = 'QUEUED'"),
        1
    );
}

#[actix_web::test]
async fn accepting_needs_no_body_and_a_bid_without_milestones_becomes_one_of_the_whole_price() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bid = app.bid_for(&bob, &job, 77_700).await;
    let contract = ada.post_empty(&accept(&bid)).await.expect(201);
    assert_eq!(contract["terms"]["inspectionDays"], 14);
    let path = format!("/api/contracts/{}/milestones", contract["id"].as_str().unwrap());
    let milestones = ada.get(&path).await.expect(200);
    let amounts: Vec<&Value> =
        milestones["data"].as_array().unwrap().iter().map(|milestone| &milestone["targetAmount"]).collect();
    assert_eq!(amounts, [&json!(77_700)]);
}

#[actix_web::test]
async fn accepting_is_for_the_homeowner_of_the_job() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bid = app.bid(&bob, &job).await;

    ada.signed_out().post_empty(&accept(&bid)).await.problem(401, "unauthenticated");
    // Another homeowner cannot tell it from a bid that is not there.
    let stranger = app.homeowner().await;
    let refused = stranger.post_empty(&accept(&bid)).await.problem(404, "bid_not_found");
    let missing = stranger.post_empty(&accept(&nothing::<BidId>())).await.problem(404, "bid_not_found");
    assert_eq!(refused["detail"], missing["detail"]);
    for other in [&bob, &app.verified_contractor().await, &app.admin().await] {
        other.post_empty(&accept(&bid)).await.problem(403, "wrong_role");
    }
    undecided(&app, 1);
}

#[actix_web::test]
async fn accepting_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let path = accept(&app.bid(&bob, &job).await);

    let body = json!({ "revision": 0, "inspectionDays": 31, "price": 1 });
    ada.post(&path, body).await.faults(&["/revision", "/inspectionDays", "/price"]);
    let body = json!({ "revision": "1", "inspectionDays": 7.5 });
    ada.post(&path, body).await.faults(&["/revision", "/inspectionDays"]);
    ada.post(&path, json!({ "inspectionDays": 0 })).await.faults(&["/inspectionDays"]);
    ada.post(&path, json!([])).await.faults(&[""]);
    let broken = |request: reqwest::RequestBuilder| {
        request.header("content-type", "application/json").body("{\"revision\":")
    };
    ada.send(reqwest::Method::POST, &path, broken).await.problem(400, "not_json");
    for id in ["bid_1", &job, "..%2f"] {
        ada.post_empty(&accept(id)).await.problem(404, "not_found");
    }
    undecided(&app, 1);
}

#[actix_web::test]
async fn a_bid_that_was_revised_since_it_was_read_is_not_accepted() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bid = app.bid(&bob, &job).await;
    bob.patch(&format!("/api/bids/{bid}"), json!({ "amount": 120_000, "milestones": [] })).await.expect(200);

    ada.post(&accept(&bid), json!({ "revision": 1 })).await.problem(409, "bid_revised");
    undecided(&app, 1);
    let contract = ada.post(&accept(&bid), json!({ "revision": 2 })).await.expect(201);
    assert_eq!(contract["price"], 120_000);
}

#[actix_web::test]
async fn accepting_names_the_state_that_forbids_it() {
    let app = TestApp::start().await;
    let (ada, bob, eve) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);

    // Withdrawn, and turned down.
    let job = app.open_job(&ada).await;
    let (withdrawn, declined) = (app.bid(&bob, &job).await, app.bid(&eve, &job).await);
    bob.post_empty(&format!("/api/bids/{withdrawn}/withdraw")).await.expect(200);
    ada.post_empty(&format!("/api/bids/{declined}/reject")).await.expect(200);
    for (bid, state) in [(&withdrawn, "WITHDRAWN"), (&declined, "REJECTED")] {
        let refused = ada.post_empty(&accept(bid)).await;
        assert_eq!(refused.clone().wrong_state(state)["code"], "bid_state");
    }

    // Awarded already, to this bid and to another.
    let job = app.open_job(&ada).await;
    let (won, lost) = (app.bid(&bob, &job).await, app.bid(&eve, &job).await);
    ada.post_empty(&accept(&won)).await.expect(201);
    for bid in [&won, &lost] {
        assert_eq!(ada.post_empty(&accept(bid)).await.wrong_state("AWARDED")["code"], "job_state");
    }

    // Called off.
    let job = app.open_job(&ada).await;
    let bid = app.bid(&bob, &job).await;
    ada.delete(&format!("/api/jobs/{job}")).await.expect(200);
    assert_eq!(ada.post_empty(&accept(&bid)).await.wrong_state("CANCELLED")["code"], "job_state");
    assert_eq!(app.database.count("contracts.contracts"), 1);
}

#[actix_web::test]
async fn a_bid_can_be_accepted_for_fourteen_days_after_the_deadline() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let (job, late) = (app.open_job(&ada).await, app.open_job(&ada).await);
    let (bid, too_late) = (app.bid(&bob, &job).await, app.bid(&bob, &late).await);

    // Bidding takes 14 days, and so does choosing.
    app.pass(DAY * 28 - Duration::from_secs(60)).await;
    let ada = app.sign_in(&ada.email, &ada.password).await;
    ada.post_empty(&accept(&bid)).await.expect(201);
    // The clock counts even while its task is late.
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(ada.post_empty(&accept(&too_late)).await.wrong_state("OPEN")["code"], "acceptance_closed");
    app.settle().await;
    assert_eq!(ada.post_empty(&accept(&too_late)).await.wrong_state("EXPIRED")["code"], "job_state");
    assert_eq!(app.database.count("contracts.contracts"), 1);
}

#[actix_web::test]
async fn a_sealed_bid_is_not_there_to_be_accepted_before_the_deadline() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.sealed_job(&ada).await;
    let bid = app.bid(&bob, &job).await;
    let sealed = ada.post_empty(&accept(&bid)).await.problem(404, "bid_not_found");
    let missing = ada.post_empty(&accept(&nothing::<BidId>())).await.problem(404, "bid_not_found");
    assert_eq!(sealed["detail"], missing["detail"]);
    undecided(&app, 1);

    app.pass(DAY * 14).await;
    let ada = app.sign_in(&ada.email, &ada.password).await;
    ada.post_empty(&accept(&bid)).await.expect(201);
}

#[actix_web::test]
async fn accepting_happens_once_for_a_key() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let path = accept(&app.bid(&bob, &job).await);
    let first = ada.post_keyed(&path, "once", json!({ "revision": 1 })).await;
    let again = ada.post_keyed(&path, "once", json!({ "revision": 1 })).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(first.bytes, again.bytes);
    for name in ["location", "etag"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
    ada.post_keyed(&path, "once", json!({})).await.problem(422, "idempotency_key_reused");
    // Without the key it is another acceptance.
    ada.post_empty(&path).await.wrong_state("AWARDED");
    assert_eq!(app.database.count("contracts.contracts"), 1);
    assert_eq!(app.database.count("outbox.events WHERE name = 'contract.created'"), 1);
}

/// Two simultaneous acceptances of two bids on one job, a hundred rounds: always one contract.
#[actix_web::test]
async fn of_two_acceptances_at_the_same_time_exactly_one_wins_a_hundred_times() {
    const ROUNDS: usize = 100;
    let app = TestApp::start().await;
    let (ada, bob, eve) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);
    for round in 0..ROUNDS {
        let job = app.open_job(&ada).await;
        let bids = [app.bid(&bob, &job).await, app.bid(&eve, &job).await];
        // Each of the two is asked first in half of the rounds.
        let (first, second) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
        let (former, latter) =
            join(ada.post_empty(&accept(&bids[first])), ada.post_empty(&accept(&bids[second]))).await;
        if former.status == 201 {
            one_contract(&app, &job, &former, latter, &bids[first], &bids[second]);
        } else {
            one_contract(&app, &job, &latter, former, &bids[second], &bids[first]);
        }
    }
    assert_eq!(app.database.count("contracts.contracts"), 100);
    assert_eq!(app.database.count("outbox.events WHERE name = 'contract.created'"), 100);
}

/// The same with both known to be under way: somebody else holds the job until each of them waits for it.
#[actix_web::test]
async fn two_acceptances_that_wait_for_one_job_are_decided_one_after_the_other() {
    let app = TestApp::start().await;
    let (ada, bob, eve) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bids = [app.bid(&bob, &job).await, app.bid(&eve, &job).await];
    let mut holder = app.database.owner_connection();
    holder.batch_execute("BEGIN; SELECT 1 FROM marketplace.jobs FOR UPDATE").unwrap();
    let release = async {
        while app.database.count(WAITING) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        holder.batch_execute("ROLLBACK").unwrap();
    };
    let (former, latter, ()) =
        join3(ada.post_empty(&accept(&bids[0])), ada.post_empty(&accept(&bids[1])), release).await;
    if former.status == 201 {
        one_contract(&app, &job, &former, latter, &bids[0], &bids[1]);
    } else {
        one_contract(&app, &job, &latter, former, &bids[1], &bids[0]);
    }
}

/// Who waits for a lock in this database.
const WAITING: &str = "pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";

/// The winner got its contract and the loser was told what state the job is in; the rows say the same.
#[track_caller]
fn one_contract(app: &TestApp, job: &str, winner: &Answer, loser: Answer, won: &str, lost: &str) {
    assert_eq!(winner.status, 201, "{} and {}", winner.text(), loser.text());
    assert_eq!(winner.json["bidId"], won);
    assert_eq!(loser.wrong_state("AWARDED")["code"], "job_state");
    let contract = uuid::<ContractId>(winner.json["id"].as_str().unwrap_or_default());
    let (job, bid, other) = (uuid::<JobId>(job), uuid::<BidId>(won), uuid::<BidId>(lost));
    let count = |from: String| app.database.count(&from);
    assert_eq!(count(format!("contracts.contracts WHERE job_id = '{job}'")), 1);
    assert_eq!(count(format!("contracts.contracts WHERE id = '{contract}' AND bid_id = '{bid}'")), 1);
    assert_eq!(count(format!("marketplace.jobs WHERE id = '{job}' AND status = 'AWARDED'")), 1);
    assert_eq!(count(format!("marketplace.bids WHERE id = '{bid}' AND status = 'ACCEPTED'")), 1);
    assert_eq!(count(format!("marketplace.bids WHERE id = '{other}' AND status = 'REJECTED'")), 1);
    assert_eq!((told(app, "bid.rejected", lost), told(app, "bid.rejected", won)), (1, 0));
}
