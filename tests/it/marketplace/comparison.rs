//! `/api/jobs/{jobId}/bids/compare`, `/analytics`, `/recommendations` and `/api/bids/recommended`: a job's bids beside each other, for its owner.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{again, all_pages, get_unless, header, id, nothing, text};

const RECOMMENDED: &str = "/api/bids/recommended";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn of(job: &str, what: &str) -> String {
    format!("/api/jobs/{job}/bids/{what}")
}

fn each_of(job: &str) -> [String; 3] {
    ["compare", "analytics", "recommendations"].map(|what| of(job, what))
}

/// The row of a comparison that is of this name.
fn row<'a>(compared: &'a Value, name: &str) -> &'a Value {
    let rows = compared["rows"].as_array().into_iter().flatten();
    match rows.into_iter().find(|row| row["row"] == name) {
        Some(row) => row,
        None => panic!("there is no row {name} in {compared}"),
    }
}

fn marks(compared: &Value, name: &str) -> Vec<(String, String)> {
    let marks = row(compared, name)["marks"].as_array().into_iter().flatten();
    marks.map(|mark| (text(mark, "/bidId").to_owned(), text(mark, "/mark").to_owned())).collect()
}

/// Two bids of which everything differs.
async fn two_bids(bob: &Person, dan: &Person, job: &str) -> (Value, Value) {
    let cheap = json!({
        "jobId": job, "amount": 90_000, "startDate": "2031-03-01", "durationDays": 3,
        "lines": [
            { "kind": "labour", "description": "Two days", "amount": 60_000 },
            { "kind": "material", "description": "Paint", "amount": 30_000 },
        ],
        "milestones": [{ "title": "First coat", "amount": 30_000 }, { "title": "Second coat", "amount": 60_000 }],
    });
    let dear = json!({ "jobId": job, "amount": 110_000, "startDate": "2031-04-01", "durationDays": 9, "terms": "Paint is extra." });
    (bob.post("/api/bids", cheap).await.expect(201), dan.post("/api/bids", dear).await.expect(201))
}

#[actix_web::test]
async fn the_owner_compares_bids_side_by_side() {
    let app = TestApp::start().await;
    let (ada, bob, dan) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let (cheap, dear) = two_bids(&bob, &dan, &job).await;
    let answer = ada.get(&of(&job, "compare")).await;
    let etag = header(&answer, "etag");
    let compared = answer.expect(200);
    assert_eq!(
        (&compared["jobId"], &compared["currency"], &compared["more"]),
        (&json!(job), &json!("USD"), &json!(false))
    );
    let column = &compared["bids"][0];
    assert_eq!(
        (id(column), &column["price"], &column["status"]),
        (id(&cheap), &json!(90_000), &json!("SUBMITTED"))
    );
    assert_eq!(
        (&column["labour"], &column["material"], &column["other"]),
        (&json!(60_000), &json!(30_000), &json!(0))
    );
    assert_eq!((&column["stages"], &column["firstPaymentPercent"]), (&json!(2), &json!(33)));
    assert_eq!(
        (text(column, "/contractor/name"), &column["contractor"]["verified"]),
        ("Bob Mason", &json!(true))
    );
    let column = &compared["bids"][1];
    assert_eq!(
        (&column["labour"], &column["stages"], &column["firstPaymentPercent"]),
        (&Value::Null, &json!(1), &json!(100))
    );
    assert_eq!(text(column, "/terms"), "Paint is extra.");

    let (low, high) = (id(&cheap).to_owned(), id(&dear).to_owned());
    let pair =
        |least: &str, most: &str| vec![(low.clone(), least.to_owned()), (high.clone(), most.to_owned())];
    assert_eq!(marks(&compared, "price"), pair("lowest", "highest"));
    assert_eq!(marks(&compared, "startDate"), pair("earliest", "latest"));
    assert_eq!(
        (row(&compared, "terms")["differs"].clone(), marks(&compared, "terms")),
        (json!(true), vec![])
    );
    assert_eq!(row(&compared, "verified")["differs"], false);

    assert_eq!(get_unless(&ada, &of(&job, "compare"), &etag).await.status, 304);
    dan.patch(&format!("/api/bids/{high}"), json!({ "amount": 80_000 })).await.expect(200);
    let compared = get_unless(&ada, &of(&job, "compare"), &etag).await.expect(200);
    assert_eq!(id(&compared["bids"][0]), high);
}

#[actix_web::test]
async fn the_owner_learns_how_the_prices_lie() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let job = app.open_job(&ada).await;
    let empty = ada.get(&of(&job, "analytics")).await.expect(200);
    assert_eq!((&empty["count"], &empty["prices"]), (&json!(0), &Value::Null));
    let mut bids = Vec::new();
    for amount in [100_000, 110_000, 120_000, 130_000, 9_000] {
        bids.push(app.bid_for(&app.verified_contractor().await, &job, amount).await);
    }
    let prices = ada.get(&of(&job, "analytics")).await.expect(200)["prices"].clone();
    let found = ["lowest", "p25", "median", "p75", "highest", "mean"]
        .map(|name| prices[name].as_i64().unwrap_or_default());
    assert_eq!(found, [9_000, 100_000, 110_000, 120_000, 130_000, 93_800]);
    assert_eq!(prices["fences"], json!({ "lower": 70_000, "upper": 150_000 }));
    assert_eq!(prices["outliers"], json!([{ "bidId": bids[4], "price": 9_000, "side": "low" }]));
}

#[actix_web::test]
async fn bids_are_recommended_with_points_weights_and_reasons() {
    let app = TestApp::start().await;
    let (ada, bob, dan) =
        (app.homeowner().await, app.verified_contractor().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let (cheap, dear) = two_bids(&bob, &dan, &job).await;
    let ranked = ada.get(&of(&job, "recommendations")).await.expect(200);
    let order: Vec<&str> = ranked["bids"].as_array().into_iter().flatten().map(id).collect();
    assert_eq!(order, [id(&cheap), id(&dear)]);
    let sum = |parts: &Value| -> i64 {
        parts.as_array().into_iter().flatten().filter_map(|part| part["points"].as_i64()).sum()
    };
    assert_eq!(sum(&ranked["weights"]), 100);
    for bid in ranked["bids"].as_array().into_iter().flatten() {
        assert_eq!(json!(sum(&bid["parts"])), bid["points"], "{bid}");
    }
    let reasons: Vec<&str> = ranked["bids"][0]["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|reason| text(reason, "/text"))
        .collect();
    assert_eq!(
        reasons,
        ["10 % below the middle of the bids", "no reviews yet", "licence and insurance checked"]
    );
    // Once there is nothing left to choose, nothing is recommended.
    app.accept(&ada, &bob, &job, id(&cheap)).await;
    assert_eq!(ada.get(&of(&job, "recommendations")).await.expect(200)["bids"], json!([]));
    assert_eq!(ada.get(RECOMMENDED).await.expect(200)["data"], json!([]));
    let stood = ada.get(&of(&job, "compare")).await.expect(200);
    assert_eq!(
        (stood["bids"].as_array().map(Vec::len), &stood["bids"][1]["status"]),
        (Some(2), &json!("REJECTED"))
    );
}

#[actix_web::test]
async fn the_best_bids_of_all_ones_jobs_are_listed_by_job() {
    let app = TestApp::start().await;
    let (ada, eve, bob) = (app.homeowner().await, app.homeowner().await, app.verified_contractor().await);
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let job = app.open_job(&ada).await;
        app.bid(&bob, &job).await;
        jobs.push(job);
    }
    let sealed = app.sealed_job(&ada).await;
    app.bid(&bob, &sealed).await;
    app.open_job(&ada).await;
    jobs.reverse();
    let listed = |page: &Value| -> Vec<String> {
        page["data"].as_array().into_iter().flatten().map(|best| id(&best["job"]).to_owned()).collect()
    };
    let page = ada.get(RECOMMENDED).await.expect(200);
    assert_eq!(listed(&page), jobs);
    assert_eq!(
        (&page["data"][0]["bids"][0]["price"], &page["data"][0]["bids"][1]),
        (&json!(100_000), &Value::Null)
    );
    let first = ada.get(&format!("{RECOMMENDED}?limit=2")).await.expect(200);
    let next =
        ada.get(&format!("{RECOMMENDED}?limit=2&cursor={}", text(&first, "/nextCursor"))).await.expect(200);
    assert_eq!((listed(&first), listed(&next)), (jobs[..2].to_vec(), jobs[2..].to_vec()));
    assert_eq!(eve.get(RECOMMENDED).await.expect(200)["data"], json!([]));
    // Revealed at the deadline, with all others closed to bids by then.
    app.pass(14 * DAY).await;
    let page = again(&app, &ada).await.get(RECOMMENDED).await.expect(200);
    assert_eq!(
        (listed(&page)[0].as_str(), &page["data"][0]["job"]["biddingClosed"]),
        (sealed.as_str(), &json!(true))
    );
}

#[actix_web::test]
async fn bids_are_compared_by_their_jobs_owner_alone() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let (eve, onlooker, admin) = (app.homeowner().await, app.verified_contractor().await, app.admin().await);
    let job = app.open_job(&ada).await;
    app.bid(&bob, &job).await;
    for path in each_of(&job) {
        app.anyone().get(&path).await.problem(401, "unauthenticated");
        eve.get(&path).await.problem(404, "job_not_found");
        for other in [&bob, &onlooker, &admin] {
            other.get(&path).await.problem(403, "wrong_role");
        }
        ada.get(&format!("{path}?sort=price")).await.problem(400, "invalid_request");
    }
    for missing in [nothing("job"), "job_1".to_owned()] {
        for path in each_of(&missing) {
            assert_eq!(ada.get(&path).await.status, 404, "{path}");
        }
    }
    app.anyone().get(RECOMMENDED).await.problem(401, "unauthenticated");
    bob.get(RECOMMENDED).await.problem(403, "wrong_role");
    ada.get(&format!("{RECOMMENDED}?cursor=x")).await.problem(400, "invalid_request");
}

#[actix_web::test]
async fn sealed_bids_are_not_compared_before_the_deadline() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.sealed_job(&ada).await;
    let mut refused = Vec::new();
    for path in each_of(&job) {
        refused.push(ada.get(&path).await.wrong_state("OPEN")["detail"].clone());
    }
    let bid = app.bid(&bob, &job).await;
    for (path, before) in each_of(&job).iter().zip(&refused) {
        assert_eq!(&ada.get(path).await.problem(409, "sealed")["detail"], before);
    }
    assert_eq!(all_pages(&ada, RECOMMENDED, async || ()).await, Vec::<String>::new());
    app.pass(14 * DAY).await;
    let ada = again(&app, &ada).await;
    assert_eq!(id(&ada.get(&of(&job, "compare")).await.expect(200)["bids"][0]), bid);
    assert_eq!(ada.get(&of(&job, "analytics")).await.expect(200)["count"], 1);
    assert_eq!(id(&ada.get(&of(&job, "recommendations")).await.expect(200)["bids"][0]), bid);
}
