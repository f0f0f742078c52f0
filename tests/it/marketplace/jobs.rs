//! `/api/jobs`: posting a job, and the list of them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::TestApp;

use super::{ahead, all_pages, header, id, ids, job_form, post, text, told, told_at_all, with};

const JOBS: &str = "/api/jobs";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn instant(view: &Value, pointer: &str) -> DateTime<Utc> {
    match text(view, pointer).parse() {
        Ok(instant) => instant,
        Err(error) => panic!("{pointer} of {view}: {error}"),
    }
}

#[actix_web::test]
async fn posting_opens_a_job_for_bids() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let answer = ada.post(JOBS, job_form()).await;
    let (location, etag) = (header(&answer, "location"), header(&answer, "etag"));
    let job = answer.expect(201);

    assert_eq!((location, &job["version"]), (format!("{JOBS}/{}", id(&job)), &json!(1)));
    assert!(id(&job).starts_with("job_") && etag.starts_with("\"1."), "{etag} {job}");
    assert_eq!((&job["status"], &job["homeownerId"]), (&json!("OPEN"), &json!(ada.party)));
    assert_eq!(
        (&job["currency"], &job["urgency"], &job["reveal"]),
        (&json!("USD"), &json!("normal"), &json!("on_arrival"))
    );
    assert_eq!(
        (&job["skills"], &job["biddingClosed"], &job["contractorId"]),
        (&json!(["tiling", "grout"]), &json!(false), &Value::Null)
    );
    assert_eq!(job["description"], job_form()["description"]);
    // Two weeks of bids, two more to choose.
    let fortnight = TimeDelta::days(14);
    assert_eq!(instant(&job, "/biddingDeadline"), instant(&job, "/publishedAt") + fortnight);
    assert_eq!(instant(&job, "/acceptUntil"), instant(&job, "/biddingDeadline") + fortnight);
    // The owner reads the address back; the area is about there.
    assert_eq!(job["address"]["point"], job_form()["address"]["point"]);
    assert_ne!(job["area"]["point"], job["address"]["point"]);
    assert_eq!(job["area"]["city"], "Austin");

    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'OPEN'"), 1);
    assert_eq!(app.database.count("marketplace.job_addresses WHERE street = '12 Oak Street'"), 1);
    assert_eq!(told(&app, "job.published", id(&job)), 1);
    assert_eq!(
        app.database.count("outbox.tasks WHERE kind = 'marketplace.bidding_close' AND state = 'QUEUED'"),
        1
    );
    // What is told holds no text of people's.
    assert_eq!(
        app.database.count("outbox.events WHERE data::text LIKE '%Oak%' OR data::text LIKE '%bathroom%'"),
        0
    );
}

#[actix_web::test]
async fn posting_a_draft_tells_nobody() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let before = told_at_all(&app);
    let job = ada.post(JOBS, with(job_form(), json!({ "status": "DRAFT" }))).await.expect(201);
    assert_eq!(
        (&job["status"], &job["biddingDeadline"], &job["publishedAt"]),
        (&json!("DRAFT"), &Value::Null, &Value::Null)
    );
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'DRAFT'"), 1);
    assert_eq!(told_at_all(&app), before);
    assert_eq!(app.database.count("outbox.tasks WHERE kind LIKE 'marketplace.%'"), 0);
}

#[actix_web::test]
async fn posting_takes_what_only_some_clients_say() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let deadline = ahead(&app, TimeDelta::days(3));
    let said = json!({
        "currency": "EUR", "urgency": "emergency", "wantedStart": "2031-02-03", "biddingDeadline": deadline, "reveal": "at_close",
    });
    let job = ada.post(JOBS, with(job_form(), said)).await.expect(201);
    assert_eq!(
        (&job["currency"], &job["urgency"], &job["reveal"]),
        (&json!("EUR"), &json!("emergency"), &json!("at_close"))
    );
    assert_eq!((&job["wantedStart"], &job["biddingDeadline"]), (&json!("2031-02-03"), &deadline));

    let path = format!("{JOBS}/{}", id(&job));
    assert_eq!(ada.get(&path).await.expect(200), job);
    // Finer than the database's clock: what is answered is what will be read.
    let fine = deadline.as_str().map(|instant| instant.replace('Z', "789Z"));
    let job = ada.post(JOBS, with(job_form(), json!({ "biddingDeadline": fine }))).await.expect(201);
    assert_eq!(job["biddingDeadline"], deadline);

    // And what hardly anybody leaves out.
    let least = json!({ "skills": null, "budgetMin": null, "budgetMax": null, "address": { "street": "1 Elm", "city": "Reno", "country": "US" } });
    let job = ada.post(JOBS, with(job_form(), least)).await.expect(201);
    assert_eq!(
        (&job["skills"], &job["budgetMin"], &job["budgetMax"]),
        (&json!([]), &Value::Null, &Value::Null)
    );
    assert_eq!((&job["area"]["point"], &job["area"]["region"]), (&Value::Null, &Value::Null));
}

#[actix_web::test]
async fn posting_is_for_homeowners() {
    let app = TestApp::start().await;
    app.anyone().post(JOBS, job_form()).await.problem(401, "unauthenticated");
    app.verified_contractor().await.post(JOBS, job_form()).await.problem(403, "wrong_role");
    app.admin().await.post(JOBS, job_form()).await.problem(403, "wrong_role");
    assert_eq!(app.database.count("marketplace.jobs"), 0);
    // An address that is not proven yet keeps nobody from posting.
    let eve = app.newcomer("homeowner", "Eve").await;
    eve.post(JOBS, job_form()).await.expect(201);
}

#[actix_web::test]
async fn posting_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let misshapen = json!({
        "title": "ab", "description": "", "category": "", "skills": ["ok", ""],
        "address": { "street": "", "country": "usa", "point": { "lat": 91, "lng": 0 }, "door": "red" },
        "budgetMin": -1, "budgetMax": 1.5, "currency": "usd", "urgency": "now", "wantedStart": "soon",
        "biddingDeadline": "tomorrow", "reveal": "never", "status": "AWARDED", "colour": "blue",
    });
    ada.post(JOBS, misshapen).await.faults(&[
        "/title",
        "/description",
        "/category",
        "/skills/1",
        "/address/street",
        "/address/city",
        "/address/country",
        "/address/point/lat",
        "/address/door",
        "/budgetMin",
        "/budgetMax",
        "/currency",
        "/urgency",
        "/wantedStart",
        "/biddingDeadline",
        "/reveal",
        "/status",
        "/colour",
    ]);
    // What has the right shape and makes no sense. (What the clock decides comes after that: see the deadlines below.)
    let senseless = json!({
        "title": "   a ", "description": "bell\u{7}", "category": "alchemy", "skills": ["a\nb"], "currency": "XQQ",
        "budgetMin": 2, "budgetMax": 1, "wantedStart": "1999-12-31",
    });
    ada.post(JOBS, with(job_form(), senseless)).await.faults(&[
        "/title",
        "/description",
        "/category",
        "/skills/0",
        "/currency",
        "/budgetMax",
        "/wantedStart",
    ]);
    ada.post(JOBS, json!({})).await.faults(&["/title", "/description", "/category", "/address"]);
    ada.post(JOBS, with(job_form(), json!({ "title": "nul\0" }))).await.faults(&["/title"]);
    assert_eq!(app.database.count("marketplace.jobs"), 0);
}

#[actix_web::test]
async fn posting_takes_deadlines_from_an_hour_to_ninety_days_ahead() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for (ahead_by, taken) in [
        (TimeDelta::minutes(59), false),
        (TimeDelta::minutes(62), true),
        (TimeDelta::days(90) - TimeDelta::minutes(1), true),
        (TimeDelta::days(90) + TimeDelta::minutes(1), false),
    ] {
        for status in ["OPEN", "DRAFT"] {
            let form =
                with(job_form(), json!({ "biddingDeadline": ahead(&app, ahead_by), "status": status }));
            let answer = ada.post(JOBS, form).await;
            if taken {
                answer.expect(201);
            } else {
                answer.faults(&["/biddingDeadline"]);
            }
        }
    }
}

#[actix_web::test]
async fn posting_happens_once_for_a_key() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = ada.post_keyed(JOBS, "once", job_form()).await;
    let again = ada.post_keyed(JOBS, "once", job_form()).await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(
        (first.header("etag"), first.header("location")),
        (again.header("etag"), again.header("location"))
    );
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(app.database.count("marketplace.jobs"), 1);
    // There is no state in which a homeowner cannot post: without the key the same job is another one.
    ada.post(JOBS, job_form()).await.expect(201);
    assert_eq!(app.database.count("marketplace.jobs"), 2);
    ada.post_keyed(JOBS, "once", with(job_form(), json!({ "title": "Another" }))).await.expect(422);
}

#[actix_web::test]
async fn listing_shows_open_jobs_to_everybody_newest_first() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let first = ada.post(JOBS, job_form()).await.expect(201);
    let second = ada.post(JOBS, with(job_form(), json!({ "category": "plumbing" }))).await.expect(201);
    ada.post(JOBS, with(job_form(), json!({ "status": "DRAFT" }))).await.expect(201);

    let newest_first = [id(&second).to_owned(), id(&first).to_owned()];
    for reader in [app.anyone(), ada.clone(), app.contractor().await, app.admin().await] {
        for query in ["", "?status=OPEN", "?status=posted"] {
            let page = reader.get(&format!("{JOBS}{query}")).await.expect(200);
            assert_eq!((ids(&page), &page["nextCursor"]), (newest_first.to_vec(), &Value::Null), "{query}");
        }
    }
    let page = app.anyone().get("/api/jobs?category=plumbing").await.expect(200);
    assert_eq!(ids(&page), [id(&second)]);
    // A card says where about, never where, and leaves the long text to the job itself.
    let card = &page["data"][0];
    assert_eq!(
        (&card["area"], &card["address"], &card["description"]),
        (&second["area"], &Value::Null, &Value::Null)
    );
    assert!(!page.to_string().contains("Oak"), "{page}");
}

#[actix_web::test]
async fn listing_page_by_page_neither_skips_nor_repeats() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let mut posted = Vec::new();
    for _ in 0..7 {
        posted.push(app.open_job(&ada).await);
    }
    // Two were published in the same instant: then the id decides.
    app.database.execute(
        "UPDATE marketplace.jobs SET published_at = (SELECT published_at FROM marketplace.jobs ORDER BY published_at LIMIT 1 OFFSET 3)
         WHERE id = (SELECT id FROM marketplace.jobs ORDER BY published_at LIMIT 1 OFFSET 4)",
    );
    posted.reverse();
    for path in
        ["/api/jobs?limit=2", "/api/jobs?limit=1&category=painting", "/api/jobs?limit=3&status=posted"]
    {
        // What is new comes before where the reader is.
        let newer = async || drop(app.open_job(&ada).await);
        let known = app.database.count("marketplace.jobs");
        let read = all_pages(&app.anyone(), path, newer).await;
        let old: Vec<_> = read.iter().filter(|job| posted.contains(job)).cloned().collect();
        assert_eq!(old, posted, "{path}");
        assert_eq!(i64::try_from(read.len()), Ok(known), "{path}");
    }
    let own = all_pages(&ada, "/api/jobs?mine=true&limit=4", async || ()).await;
    assert_eq!(i64::try_from(own.len()), Ok(app.database.count("marketplace.jobs")));
}

#[actix_web::test]
async fn listing_jobs_that_have_left_open_shows_each_to_its_parties() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.homeowner().await);
    let (bob, dan) = (app.verified_contractor().await, app.verified_contractor().await);
    let draft = app.draft_job(&ada).await;
    let open = app.open_job(&ada).await;
    let deal = app.contract_between(&ada, &bob).await;
    let list = async |reader: &tests::Person, query: &str| {
        ids(&reader.get(&format!("{JOBS}?{query}")).await.expect(200))
    };

    assert_eq!(list(&ada, "mine=true").await, [deal.job.clone(), open.clone(), draft.clone()]);
    assert_eq!(list(&ada, "status=DRAFT").await, [draft]);
    assert_eq!(list(&ada, "mine=true&status=OPEN&category=painting").await, [open]);
    for status in ["status=AWARDED", "mine=true&status=AWARDED"] {
        assert_eq!(list(&ada, status).await, std::slice::from_ref(&deal.job));
        assert_eq!(list(&bob, status).await, std::slice::from_ref(&deal.job));
        for stranger in [&eve, &dan, &app.anyone(), &app.admin().await] {
            assert!(list(stranger, status).await.is_empty(), "{status}");
        }
    }
    assert!(list(&eve, "status=DRAFT").await.is_empty());
    assert_eq!(list(&bob, "mine=true").await, [deal.job]);
    assert!(list(&bob, "mine=true&status=IN_PROGRESS").await.is_empty());
}

#[actix_web::test]
async fn listing_refuses_parameters_that_it_does_not_know() {
    let app = TestApp::start().await;
    let query = "limit=0&status=SOLD&mine=perhaps&page=2&category=";
    let refused = app.anyone().get(&format!("{JOBS}?{query}")).await.problem(400, "invalid_request");
    let mut pointers: Vec<_> =
        refused["errors"].as_array().into_iter().flatten().map(|fault| text(fault, "/pointer")).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["?category", "?limit", "?mine", "?page", "?status"]);
    let unknown = app.anyone().get("/api/jobs?category=alchemy").await.problem(400, "invalid_request");
    assert_eq!(unknown["errors"][0]["pointer"], "?category");
}

#[actix_web::test]
async fn a_cursor_is_good_for_its_own_list_and_a_day() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for _ in 0..2 {
        post(&ada, job_form()).await;
    }
    let page = app.anyone().get("/api/jobs?limit=1&category=tiling").await.expect(200);
    let cursor = text(&page, "/nextCursor");
    let mut forged = cursor.to_owned();
    forged.replace_range(0..1, if cursor.starts_with('A') { "B" } else { "A" });
    for query in [
        format!("category=plumbing&cursor={cursor}"),
        format!("cursor={cursor}"),
        format!("category=tiling&cursor={forged}"),
    ] {
        let refused = app.anyone().get(&format!("{JOBS}?{query}")).await.problem(400, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], "?cursor", "{query}");
    }
    let later = format!("/api/jobs?limit=1&category=tiling&cursor={cursor}");
    app.clock.advance(DAY - Duration::from_secs(60));
    assert_eq!(ids(&app.anyone().get(&later).await.expect(200)).len(), 1);
    app.clock.advance(Duration::from_secs(120));
    app.anyone().get(&later).await.problem(400, "invalid_request");
}

/// Pages are read for all who wait at once: nobody is given a page that was read before they asked.
#[actix_web::test]
async fn a_job_is_on_the_first_page_as_soon_as_it_was_posted_however_many_look() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.homeowner().await);
    for round in 0..10 {
        let posting = async {
            let job = ada
                .post(JOBS, with(job_form(), json!({ "title": format!("Tiles {round}") })))
                .await
                .expect(201);
            let first = ada.get("/api/jobs?limit=1").await.expect(200);
            assert_eq!(ids(&first), [id(&job)]);
            let of_trade = ada.get("/api/jobs?limit=1&category=tiling").await.expect(200);
            assert_eq!(ids(&of_trade), [id(&job)]);
            assert!(ids(&ada.get("/api/jobs?limit=1&category=roofing").await.expect(200)).is_empty());
        };
        let looking = futures_util::future::join_all((0..20).map(|_| eve.get("/api/jobs?limit=1")));
        let (_, answers) = futures_util::future::join(posting, looking).await;
        for answer in answers {
            answer.expect(200);
        }
    }
    let first = eve.get("/api/jobs?limit=4").await.expect(200);
    let next =
        eve.get(&format!("/api/jobs?limit=4&cursor={}", text(&first, "/nextCursor"))).await.expect(200);
    assert_eq!([ids(&first), ids(&next)].concat(), ids(&eve.get("/api/jobs?limit=8").await.expect(200)));
    let last = eve.get("/api/jobs?limit=10").await.expect(200);
    assert_eq!((ids(&last).len(), &last["nextCursor"]), (10, &Value::Null));
}

/// Cards of the list are kept between requests: what is shown is what stands in the database all the same.
#[actix_web::test]
async fn the_list_shows_what_was_changed_a_moment_ago_and_not_what_has_left_it() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.anyone());
    let mut jobs = Vec::new();
    for place in 0..3 {
        let form = with(job_form(), json!({ "title": format!("Tiles {place}") }));
        jobs.push(id(&ada.post(JOBS, form).await.expect(201)).to_owned());
        // They close one after the other.
        app.clock.advance(Duration::from_secs(60));
    }
    let titles = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|card| text(card, "/title").to_owned()).collect()
    };
    let (all, later) = (format!("{JOBS}?limit=100"), format!("{JOBS}?category=tiling&limit=1"));
    for round in 0..5 {
        let change = json!({ "title": format!("Edited {round}") });
        ada.patch(&format!("{JOBS}/{}", jobs[1]), change).await.expect(200);
        let expected = ["Tiles 2".to_owned(), format!("Edited {round}"), "Tiles 0".to_owned()];
        assert_eq!(titles(&eve.get(&all).await.expect(200)), expected);
        // The same card on a page of its own.
        let first = eve.get(&later).await.expect(200);
        let second = eve.get(&format!("{later}&cursor={}", text(&first, "/nextCursor"))).await.expect(200);
        assert_eq!(titles(&second), expected[1..2]);
    }
    ada.delete(&format!("{JOBS}/{}", jobs[1])).await.expect(200);
    assert_eq!(titles(&eve.get(&all).await.expect(200)), ["Tiles 2", "Tiles 0"]);

    let closed = |page: &Value| -> Vec<bool> {
        page["data"].as_array().unwrap().iter().map(|card| card["biddingClosed"] == true).collect()
    };
    // The first was posted three minutes ago, and two before the last.
    app.clock.advance(14 * DAY - Duration::from_secs(210));
    assert_eq!(closed(&eve.get(&all).await.expect(200)), [false, false]);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(closed(&eve.get(&all).await.expect(200)), [false, true]);
}

/// Pages that are asked for at once are read by one statement: each gets its own.
#[actix_web::test]
async fn pages_that_are_asked_for_at_once_are_each_ones_own() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for place in 0..30 {
        let category = ["tiling", "plumbing", "roofing"][place % 3];
        let form = with(job_form(), json!({ "title": format!("{category} {place}"), "category": category }));
        ada.post(JOBS, form).await.expect(201);
    }
    let first = ada.get(&format!("{JOBS}?limit=7")).await.expect(200);
    let queries = [
        "limit=100".to_owned(),
        "limit=1".to_owned(),
        "limit=3&category=plumbing".to_owned(),
        "limit=30&category=roofing".to_owned(),
        "limit=5&category=electrical".to_owned(),
        format!("limit=7&cursor={}", text(&first, "/nextCursor")),
    ];
    let mut alone = Vec::new();
    for query in &queries {
        alone.push(ids(&ada.get(&format!("{JOBS}?{query}")).await.expect(200)));
    }
    assert_eq!(alone.iter().map(Vec::len).collect::<Vec<_>>(), [30, 1, 3, 10, 0, 7]);
    let together = (0..60).map(|place| {
        let (ada, query) = (&ada, &queries[place % queries.len()]);
        async move { ids(&ada.get(&format!("{JOBS}?{query}")).await.expect(200)) }
    });
    for (place, page) in futures_util::future::join_all(together).await.into_iter().enumerate() {
        assert_eq!(page, alone[place % queries.len()], "{}", queries[place % queries.len()]);
    }
}
