//! `/api/bids`: handing in a bid, and the lists of them.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{again, all_pages, header, id, ids, nothing, text, told, told_at_all, with};

const BIDS: &str = "/api/bids";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A bid with everything that one can say.
fn bid_form(job: &str) -> Value {
    json!({
        "jobId": job, "amount": 180_000, "currency": "USD",
        "lines": [
            { "kind": "labour", "description": "Two days", "amount": 120_000 },
            { "kind": "material", "description": "Tiles", "amount": 60_000 },
        ],
        "milestones": [
            { "title": "Floor", "amount": 80_000, "dueDate": "2031-03-04" },
            { "title": "Walls", "description": "All four.", "amount": 100_000 },
        ],
        "terms": "  Tiles are included.  ", "startDate": "2031-03-01", "durationDays": 5,
    })
}

fn of_job(job: &str) -> String {
    format!("{BIDS}/{job}")
}

#[actix_web::test]
async fn bidding_tells_the_owner_and_hands_out_a_receipt() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let answer = bob.post(BIDS, bid_form(&job)).await;
    let (location, etag) = (header(&answer, "location"), header(&answer, "etag"));
    let bid = answer.expect(201);

    assert!(id(&bid).starts_with("bid_") && etag.starts_with("\"1."), "{etag} {bid}");
    // The path item of bids reads them by their job.
    assert_eq!(location, of_job(&job));
    assert_eq!(
        (&bid["status"], &bid["revision"], &bid["version"]),
        (&json!("SUBMITTED"), &json!(1), &json!(1))
    );
    assert_eq!((&bid["jobId"], &bid["contractorId"]), (&json!(job), &json!(bob.party)));
    let form = bid_form(&job);
    assert_eq!(
        (&bid["amount"], &bid["currency"], &bid["lines"]),
        (&form["amount"], &form["currency"], &form["lines"])
    );
    assert_eq!((&bid["startDate"], &bid["durationDays"]), (&form["startDate"], &form["durationDays"]));
    assert_eq!(
        (&bid["terms"], &bid["milestones"][0]["dueDate"]),
        (&json!("Tiles are included."), &json!("2031-03-04"))
    );
    assert_eq!((text(&bid, "/receipt").len(), &bid["outcome"]), (64, &Value::Null));
    assert_eq!(ids(&bob.get(&location).await.expect(200)), [id(&bid)]);

    assert_eq!(app.database.count("marketplace.bids WHERE status = 'SUBMITTED' AND amount = 180000"), 1);
    assert_eq!(app.database.count("marketplace.bid_revisions WHERE revision = 1"), 1);
    assert_eq!(told(&app, "bid.submitted", &job), 1);
    let told_of =
        format!("outbox.events WHERE name = 'bid.submitted' AND data->>'homeownerId' = '{}'", ada.party);
    assert_eq!(app.database.count(&told_of), 1);
    assert_eq!(
        app.database.count("outbox.events WHERE data::text LIKE '%Tiles%' OR data::text LIKE '%Floor%'"),
        0
    );
    // A bid is not a change of its job.
    assert_eq!(app.database.count("marketplace.jobs WHERE version = 1"), 1);
}

#[actix_web::test]
async fn bidding_takes_a_price_and_nothing_else() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bid = bob.post(BIDS, json!({ "jobId": job, "amount": 100 })).await.expect(201);
    assert_eq!(
        (&bid["currency"], &bid["lines"], &bid["milestones"]),
        (&json!("USD"), &json!([]), &json!([]))
    );
    assert_eq!(
        (&bid["terms"], &bid["startDate"], &bid["durationDays"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[actix_web::test]
async fn bidding_is_for_verified_contractors() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let job = app.open_job(&ada).await;
    app.anyone().post(BIDS, bid_form(&job)).await.problem(401, "unauthenticated");
    ada.post(BIDS, bid_form(&job)).await.problem(403, "wrong_role");
    app.admin().await.post(BIDS, bid_form(&job)).await.problem(403, "wrong_role");
    app.contractor().await.post(BIDS, bid_form(&job)).await.problem(403, "contractor_not_verified");
    assert_eq!(app.database.count("marketplace.bids"), 0);
    assert_eq!(told(&app, "bid.submitted", &job), 0);
}

#[actix_web::test]
async fn bidding_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let bob = app.verified_contractor().await;
    let job = app.open_job(&app.homeowner().await).await;
    let misshapen = json!({
        "jobId": "job_1", "amount": "1800", "currency": "usd",
        "lines": [{ "kind": "magic", "description": "", "amount": 0 }],
        "milestones": [{ "title": "ab", "amount": 1.5, "dueDate": "soon", "status": "FUNDED" }, {}],
        "terms": "", "startDate": "2031-02-30", "durationDays": 0, "contractorId": "pty_1",
    });
    bob.post(BIDS, misshapen).await.faults(&[
        "/jobId",
        "/amount",
        "/currency",
        "/lines/0/kind",
        "/lines/0/description",
        "/lines/0/amount",
        "/milestones/0/title",
        "/milestones/0/amount",
        "/milestones/0/dueDate",
        "/milestones/0/status",
        "/milestones/1/title",
        "/milestones/1/amount",
        "/terms",
        "/startDate",
        "/durationDays",
        "/contractorId",
    ]);
    let senseless = json!({
        "lines": [{ "kind": "labour", "description": "a\nb", "amount": 5 }],
        "milestones": [{ "title": "Floor", "amount": 80_000 }, { "title": "Walls", "amount": 80_000 }],
        "terms": "   ", "startDate": "1999-01-01", "currency": "XQQ",
    });
    bob.post(BIDS, with(bid_form(&job), senseless)).await.faults(&[
        "/lines/0/description",
        "/milestones",
        "/terms",
        "/startDate",
        "/currency",
    ]);
    for (amount, taken) in [(99, false), (100, true), (100_000_000, true), (100_000_001, false)] {
        let contractor = app.verified_contractor().await;
        let answer =
            contractor.post(BIDS, json!({ "jobId": job, "amount": amount, "currency": "USD" })).await;
        if taken {
            answer.expect(201);
        } else {
            answer.faults(&["/amount"]);
        }
    }
    bob.post(BIDS, json!({ "jobId": job, "amount": 99, "currency": "EUR" }))
        .await
        .faults(&["/amount", "/currency"]);
    assert_eq!(app.database.count("marketplace.bids"), 2);
}

#[actix_web::test]
async fn a_job_that_is_not_open_to_one_takes_no_bid() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let draft = app.draft_job(&ada).await;
    for missing in [draft, nothing("job")] {
        bob.post(BIDS, bid_form(&missing)).await.problem(404, "job_not_found");
    }
    let job = app.open_job(&ada).await;
    bob.post(BIDS, bid_form(&job)).await.expect(201);
    bob.post(BIDS, bid_form(&job)).await.problem(409, "already_bid");
    assert_eq!(told(&app, "bid.submitted", &job), 1);

    // A bid taken back makes room for another.
    let first = text(&bob.get(BIDS_MINE).await.expect(200), "/data/0/id").to_owned();
    bob.post_empty(&format!("{BIDS}/{first}/withdraw")).await.expect(200);
    let second = bob.post(BIDS, bid_form(&job)).await.expect(201);
    assert_eq!(app.database.count("marketplace.bids"), 2);

    // After the award a bidder hears of the state, a stranger of nothing.
    app.accept(&ada, &bob, &job, id(&second)).await;
    bob.post(BIDS, bid_form(&job)).await.wrong_state("AWARDED");
    app.verified_contractor().await.post(BIDS, bid_form(&job)).await.problem(404, "job_not_found");
}

const BIDS_MINE: &str = "/api/bids/mine";

#[actix_web::test]
async fn bidding_happens_once_for_a_key() {
    let app = TestApp::start().await;
    let bob = app.verified_contractor().await;
    let job = app.open_job(&app.homeowner().await).await;
    let first = bob.post_keyed(BIDS, "once", bid_form(&job)).await;
    let again = bob.post_keyed(BIDS, "once", bid_form(&job)).await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((first.bytes, app.database.count("marketplace.bids")), (again.bytes, 1));
    bob.post_keyed(BIDS, "once", with(bid_form(&job), json!({ "terms": "Other" }))).await.expect(422);
}

#[actix_web::test]
async fn of_two_simultaneous_bids_of_one_contractor_one_stands() {
    let app = TestApp::start().await;
    let bob = app.verified_contractor().await;
    let job = app.open_job(&app.homeowner().await).await;
    let tries = (0..6).map(|_| bob.post(BIDS, bid_form(&job)));
    let answers = futures_util::future::join_all(tries).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    assert_eq!((app.database.count("marketplace.bids"), told(&app, "bid.submitted", &job)), (1, 1));
}

#[actix_web::test]
async fn the_owner_reads_all_bids_and_a_contractor_its_own() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (bob, dan) = (app.verified_contractor().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    assert_eq!(ada.get(&of_job(&job)).await.expect(200), json!({ "data": [], "nextCursor": null }));
    let first = bob.post(BIDS, bid_form(&job)).await.expect(201);
    let second = app.bid(&dan, &job).await;

    let page = ada.get(&of_job(&job)).await.expect(200);
    assert_eq!(ids(&page), [id(&first), second.as_str()]);
    let seen = &page["data"][0];
    assert_eq!(
        (&seen["contractor"]["id"], &seen["contractor"]["name"]),
        (&json!(bob.party), &json!("Bob Mason"))
    );
    assert_eq!(
        (&seen["contractor"]["verified"], &seen["contractor"]["rating"]["count"]),
        (&json!(true), &json!(0))
    );
    for same in ["amount", "lines", "milestones", "terms", "receipt", "proof", "submittedAt"] {
        assert_eq!(seen[same], first[same], "{same}");
    }
    assert_eq!(ids(&bob.get(&of_job(&job)).await.expect(200)), [id(&first)]);
    // With no bid of one's own the list is empty: nobody learns whether there are others.
    let onlooker = app.verified_contractor().await;
    assert_eq!(onlooker.get(&of_job(&job)).await.expect(200), json!({ "data": [], "nextCursor": null }));

    app.anyone().get(&of_job(&job)).await.problem(401, "unauthenticated");
    app.homeowner().await.get(&of_job(&job)).await.problem(404, "job_not_found");
    app.admin().await.get(&of_job(&job)).await.problem(404, "job_not_found");
    for missing in [nothing("job"), second] {
        assert_eq!(ada.get(&of_job(&missing)).await.status, 404);
    }
    let unknown =
        ada.get(&format!("{}?sort=amount&limit=no", of_job(&job))).await.problem(400, "invalid_request");
    let pointers: Vec<_> =
        unknown["errors"].as_array().into_iter().flatten().map(|fault| text(fault, "/pointer")).collect();
    assert_eq!(pointers, ["?sort", "?limit"]);
}

#[actix_web::test]
async fn lists_of_bids_neither_skip_nor_repeat() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        // Taken back and handed in again: four rows of one bidder, in order.
        let bid = app.bid(&bob, &job).await;
        bob.post_empty(&format!("{BIDS}/{bid}/withdraw")).await.expect(200);
        all.push(bid);
    }
    all.push(app.bid(&bob, &job).await);
    let later = async || drop(app.bid(&app.verified_contractor().await, &job).await);
    let read = all_pages(&ada, &format!("{}?limit=3", of_job(&job)), later).await;
    assert_eq!((&read[..5], read.len()), (all.as_slice(), 6));
    all.reverse();
    for path in [format!("{BIDS_MINE}?limit=2"), format!("{}?limit=1", of_job(&job))] {
        assert_eq!(all_pages(&bob, &path, async || ()).await, all, "{path}");
    }
    assert_eq!(all_pages(&bob, "/api/bids/mine?limit=3&status=WITHDRAWN", async || ()).await, all[1..]);
    assert_eq!(ids(&bob.get("/api/bids/mine?status=SUBMITTED").await.expect(200)), all[..1]);
}

#[actix_web::test]
async fn own_bids_are_read_by_their_contractor() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (bob, dan) = (app.verified_contractor().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    let bid = app.bid(&bob, &job).await;
    let page = bob.get(BIDS_MINE).await.expect(200);
    let own = &page["data"][0];
    assert_eq!(
        (id(own), &own["job"]["id"], &own["job"]["status"]),
        (bid.as_str(), &json!(job), &json!("OPEN"))
    );
    assert_eq!(
        (&own["job"]["title"], &own["outcome"], &own["contractor"]),
        (&json!("Paint the fence"), &Value::Null, &Value::Null)
    );
    assert_eq!(dan.get(BIDS_MINE).await.expect(200)["data"], json!([]));
    app.anyone().get(BIDS_MINE).await.problem(401, "unauthenticated");
    ada.get(BIDS_MINE).await.problem(403, "wrong_role");
    let refused = bob.get("/api/bids/mine?status=LOST&cursor=x").await.problem(400, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "?status");
}

#[actix_web::test]
async fn after_the_award_each_bidder_learns_how_it_went() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let job = app.open_job(&ada).await;
    let mut bidders: Vec<(Person, String)> = Vec::new();
    for amount in [5_000, 4_000, 3_000, 2_000, 1_000] {
        let bidder = app.verified_contractor().await;
        let bid = app.bid_for(&bidder, &job, amount).await;
        bidders.push((bidder, bid));
    }
    let back = app.verified_contractor().await;
    let withdrawn = app.bid(&back, &job).await;
    back.post_empty(&format!("{BIDS}/{withdrawn}/withdraw")).await.expect(200);
    let (winner, bid) = bidders.last().cloned().unwrap_or_else(|| (ada.clone(), String::new()));
    app.accept(&ada, &winner, &job, &bid).await;

    let mut outcomes = Vec::new();
    for (bidder, _) in &bidders {
        let own = bidder.get(&of_job(&job)).await.expect(200);
        let outcome = own["data"][0]["outcome"].clone();
        assert_eq!(outcome["bids"], 5, "{own}");
        outcomes.push((text(&outcome, "/result").to_owned(), outcome["third"].as_i64()));
    }
    let expected = [("LOST", 3), ("LOST", 2), ("LOST", 2), ("LOST", 1), ("WON", 1)];
    assert_eq!(outcomes, expected.map(|(result, third)| (result.to_owned(), Some(third))));
    assert_eq!(back.get(BIDS_MINE).await.expect(200)["data"][0]["outcome"], Value::Null);
    assert_eq!(told(&app, "bid.rejected", &job), 4);
}

#[actix_web::test]
async fn a_contractor_whose_papers_ran_out_bids_no_more() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = app.open_job(&ada).await;
    app.database.execute("UPDATE identity.verifications SET valid_until = app.clock() + interval '1 day'");
    let bid = app.bid(&bob, &job).await;
    app.clock.advance(2 * DAY);
    let bob = again(&app, &bob).await;
    let other = app.open_job(&ada).await;
    let before = told_at_all(&app);
    bob.post(BIDS, bid_form(&other)).await.problem(403, "contractor_not_verified");
    let path = format!("{BIDS}/{bid}");
    bob.patch(&path, json!({ "amount": 1_000, "milestones": [] }))
        .await
        .problem(403, "contractor_not_verified");
    assert_eq!(told_at_all(&app), before);
    // Taking back needs no papers.
    bob.post_empty(&format!("{path}/withdraw")).await.expect(200);
}
