//! `/api/market/analysis` and how a contractor does: for everybody, and of nobody in particular.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{again, get_unless, header, nothing};

const MARKET: &str = "/api/market/analysis";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn of(contractor: &Person) -> String {
    format!("/api/contractors/{}/performance", contractor.party)
}

/// Five jobs of five homeowners go to five contractors.
async fn five_deals(app: &TestApp) -> Vec<Person> {
    let mut contractors = Vec::new();
    for amount in [90_000, 100_000, 110_000, 120_000, 130_000] {
        let (homeowner, contractor) = (app.homeowner().await, app.verified_contractor().await);
        let job = app.open_job(&homeowner).await;
        let bid = app.bid_for(&contractor, &job, amount).await;
        let _ = app.accept(&homeowner, &contractor, &job, &bid).await;
        contractors.push(contractor);
    }
    app.settle().await;
    contractors
}

#[actix_web::test]
async fn everybody_reads_the_figures_of_months_that_have_closed() {
    let app = TestApp::start().await;
    let month = app.now().format("%Y-%m").to_string();
    let contractors = five_deals(&app).await;
    let nothing_yet =
        json!({ "through": null, "jobsMin": 5, "peopleMin": 5, "data": [], "nextCursor": null });
    assert_eq!(app.anyone().get(MARKET).await.expect(200), nothing_yet);
    app.pass(33 * DAY).await;

    let answer = app.anyone().get(&format!("{MARKET}?trade=painting")).await;
    assert_eq!(header(&answer, "cache-control"), "public, max-age=3600");
    let etag = header(&answer, "etag");
    let page = answer.expect(200);
    assert_eq!((&page["through"], page["data"].as_array().map(Vec::len)), (&json!(month), Some(1)));
    let row = &page["data"][0];
    assert_eq!(
        (&row["month"], &row["trade"], &row["currency"]),
        (&json!(month), &json!("painting"), &json!("USD"))
    );
    assert_eq!(row["demand"], json!({ "jobs": 5, "homeowners": 5 }));
    let prices = json!({
        "jobs": 5, "people": 5, "p10": 94_000, "p25": 100_000, "median": 110_000, "p75": 120_000, "p90": 130_000,
    });
    assert_eq!(row["prices"], prices);
    let _ = get_unless(&app.anyone(), &format!("{MARKET}?trade=painting"), &etag).await.expect(304);
    // Whoever asks, the same; and nobody is named.
    let bob = again(&app, &contractors[0]).await;
    for reader in [&bob, &again(&app, &app.admin().await).await] {
        assert_eq!(reader.get(&format!("{MARKET}?trade=painting")).await.expect(200), page);
    }
    for person in &contractors {
        assert!(!page.to_string().contains(&person.party), "{page}");
    }
    for (query, rows) in [
        (format!("country={}", row["country"].as_str().unwrap_or_default()), 1),
        (format!("from={month}&to={month}&currency=USD&limit=1"), 1),
        ("trade=plumbing".to_owned(), 0),
        ("currency=EUR".to_owned(), 0),
        ("to=2020-01".to_owned(), 0),
    ] {
        let found = app.anyone().get(&format!("{MARKET}?{query}")).await.expect(200);
        assert_eq!(found["data"].as_array().map(Vec::len), Some(rows), "{query}: {found}");
    }
}

#[actix_web::test]
async fn a_question_that_makes_no_sense_is_refused_with_all_its_faults() {
    let app = TestApp::start().await;
    for (query, expected) in [
        ("trade=witchcraft&from=2026-13", vec!["?from", "?trade"]),
        ("region=TX", vec!["?region"]),
        ("country=usa&currency=dollar", vec!["?country", "?currency"]),
        ("currency=XQX", vec!["?currency"]),
        ("from=2026-05&to=2026-04", vec!["?to"]),
        ("limit=0", vec!["?limit"]),
        ("month=2026-05", vec!["?month"]),
        ("cursor=forged", vec!["?cursor"]),
    ] {
        let problem = app.anyone().get(&format!("{MARKET}?{query}")).await.expect(400);
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let mut found: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{query}: {problem}");
    }
}

#[actix_web::test]
async fn a_contractor_sees_how_it_does_and_others_once_it_is_of_enough() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let bob = &deal.contractor;
    let own = bob.get(&of(bob)).await.expect(200);
    let all = json!({ "percent": 100, "count": 1, "of": 1 });
    assert_eq!((&own["exact"], &own["contractorId"]), (&json!(true), &json!(bob.party)));
    assert_eq!(
        (&own["completion"], &own["winRate"], &own["punctuality"]["percent"]),
        (&all, &all, &json!(100))
    );
    assert_eq!((&own["punctuality"]["of"], &own["responseTime"]["of"]), (&json!(2), &json!(1)));
    assert_eq!(own["rating"]["count"], 0);

    app.pass(2 * DAY).await;
    let answer = app.anyone().get(&of(bob)).await;
    let etag = header(&answer, "etag");
    let public = answer.expect(200);
    assert_eq!(public["exact"], false);
    for part in ["completion", "punctuality", "responseTime", "winRate"] {
        assert_eq!(public[part], Value::Null, "{part} is of one job");
    }
    let by_person = format!("/api/contractors/{}/performance", bob.id);
    let _ = get_unless(&app.anyone(), &by_person, &etag).await.expect(304);
    let admin = again(&app, &app.admin().await).await;
    for reader in [&admin, &again(&app, &deal.homeowner).await, &app.verified_contractor().await] {
        assert_eq!(reader.get(&of(bob)).await.expect(200), public);
    }
    // Nobody who is no contractor has any.
    for id in [deal.homeowner.party.clone(), nothing("pty"), "me".to_owned()] {
        let _ = app.anyone().get(&format!("/api/contractors/{id}/performance")).await.expect(404);
    }
    let _ = app.anyone().get(&format!("{}?x=1", of(bob))).await.expect(400);
}

#[actix_web::test]
async fn a_contract_that_the_contractor_let_lapse_counts_against_it() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    app.pass(8 * DAY).await;
    let bob = again(&app, &deal.contractor).await;
    let own = bob.get(&of(&bob)).await.expect(200);
    assert_eq!(own["completion"], json!({ "percent": 0, "count": 0, "of": 1 }));
    assert_eq!(own["winRate"], json!({ "percent": 100, "count": 1, "of": 1 }));
    assert_eq!((&own["punctuality"], &own["responseTime"]), (&Value::Null, &Value::Null));
    assert_eq!(
        app.database
            .count("outbox.events WHERE name = 'contract.unsigned' AND data->>'contractorSigned' = 'false'"),
        1
    );
}

#[actix_web::test]
async fn bids_on_open_jobs_move_nothing_that_anybody_reads() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let read = async || {
        app.settle().await;
        (
            app.anyone().get(&of(&bob)).await.bytes,
            bob.get(&of(&bob)).await.bytes,
            app.anyone().get(MARKET).await.bytes,
        )
    };
    let (open, sealed) = (app.open_job(&ada).await, app.sealed_job(&ada).await);
    let before = read().await;
    for job in [&open, &sealed] {
        let _ = app.bid(&bob, job).await;
    }
    assert_eq!(read().await, before);
}
