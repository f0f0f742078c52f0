//! `/api/jobs/search/…`, `/api/jobs/sorted` and the filters of `/api/jobs`.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::{Person, TestApp};

use super::{ahead, all_pages, id, ids, job_form, text, told_at_all, with};

const ADVANCED: &str = "/api/jobs/search/advanced";
const FULLTEXT: &str = "/api/jobs/search/fulltext";
const SORTED: &str = "/api/jobs/sorted";
/// All that take the language.
const SEARCHES: [&str; 4] = [ADVANCED, FULLTEXT, SORTED, "/api/jobs"];

/// A job of this title, trade and upper end of the budget.
async fn post(owner: &Person, title: &str, category: &str, fields: Value) -> String {
    let form = with(
        job_form(),
        json!({ "title": title, "description": "As it says.", "category": category, "skills": null }),
    );
    id(&owner.post("/api/jobs", with(form, fields)).await.expect(201)).to_owned()
}

fn hits(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().cloned().unwrap_or_default();
    data.iter().map(|hit| text(hit, "/job/id").to_owned()).collect()
}

fn codes(answer: &Value) -> Vec<(String, String)> {
    let faults = answer["errors"].as_array().cloned().unwrap_or_default();
    let mut codes: Vec<_> = faults
        .iter()
        .map(|fault| (text(fault, "/pointer").to_owned(), text(fault, "/code").to_owned()))
        .collect();
    codes.sort();
    codes
}

#[actix_web::test]
async fn a_stranger_finds_jobs_by_words_though_they_are_mistyped_or_said_otherwise() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let tap = post(&ada, "Leaky <b>tap</b>", "plumbing", json!({})).await;
    let drip = post(&ada, "Dripping faucet", "plumbing", json!({ "skills": ["leak-repair"] })).await;
    let wire = post(&ada, "New wires", "electrical", json!({})).await;
    let before = told_at_all(&app);

    let found = app.anyone().get(&format!("{FULLTEXT}?q=leaky%20tap")).await.expect(200);
    assert_eq!(hits(&found), [tap.clone(), drip.clone()]);
    assert_eq!(
        text(&found, "/data/0/highlights/title"),
        "<mark>Leaky</mark> &lt;b&gt;<mark>tap</mark>&lt;/b&gt;"
    );
    assert_eq!(
        found["understood"],
        json!({ "didYouMean": null, "meanings": ["leak-repair"], "anyWord": false })
    );
    assert!(found["data"][0]["score"].as_f64() > found["data"][1]["score"].as_f64(), "{found}");

    let found = app.anyone().get(&format!("{FULLTEXT}?q=electrcian")).await.expect(200);
    assert_eq!((hits(&found), text(&found, "/understood/didYouMean")), (vec![wire.clone()], "electrician"));
    let plumber = app.anyone().get(&format!("{ADVANCED}?q=plummer&sort=newest")).await.expect(200);
    assert_eq!(ids(&plumber), [drip, tap]);
    // Whoever looks finds the same, and looking leaves nothing behind.
    assert_eq!(ada.get(&format!("{ADVANCED}?q=plummer&sort=newest")).await.expect(200), plumber);
    assert_eq!(told_at_all(&app), before);
    for reader in [app.contractor().await, app.admin().await] {
        let again = reader.get(&format!("{ADVANCED}?q=plummer&sort=newest")).await.expect(200);
        assert_eq!(again, plumber);
    }
    let page = plumber.to_string();
    for protected in ["12 Oak Street", "78701", "30.267"] {
        assert!(!page.contains(protected), "{protected}: {page}");
    }
}

#[actix_web::test]
async fn every_filter_holds_together_with_the_words_in_every_list() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let wanted = json!({
        "skills": ["grout"], "urgency": "urgent", "budgetMin": 10_000, "budgetMax": 20_000,
        "address": { "street": "1 Elm", "city": "Austin", "region": "TX", "country": "US", "point": { "lat": 30.27, "lng": -97.74 } },
    });
    let right = post(&ada, "Quartz floor", "tiling", wanted.clone()).await;
    for wrong in [
        json!({ "title": "Granite floor" }),
        json!({ "category": "painting" }),
        json!({ "skills": ["paint"] }),
        json!({ "urgency": "normal" }),
        json!({ "budgetMin": 30_000, "budgetMax": 40_000 }),
        json!({ "budgetMin": null, "budgetMax": null }),
        json!({ "address": { "street": "1 Elm", "city": "Dallas", "country": "US", "point": { "lat": 32.78, "lng": -96.8 } } }),
        json!({ "address": { "street": "1 Elm", "city": "Austin", "country": "US" } }),
        json!({ "status": "DRAFT" }),
    ] {
        let fields = with(with(wanted.clone(), wrong.clone()), json!({ "title": null, "category": null }));
        let title = wrong["title"].as_str().unwrap_or("Quartz floor");
        let _ = post(&ada, title, wrong["category"].as_str().unwrap_or("tiling"), fields).await;
    }
    let since = ahead(&app, TimeDelta::hours(-1));
    let query = format!(
        "q=quartz&category=tiling&skills=grout&urgency=urgent,emergency&budgetMin=15000&budgetMax=15000&lat=30.3&lng=-97.7&radius=25&postedSince={}",
        since.as_str().unwrap_or_default().replace('+', "%2B"),
    );
    for sort in ["relevance", "newest", "budget", "deadline", "distance"] {
        for path in [ADVANCED, SORTED, "/api/jobs"] {
            let page = app.anyone().get(&format!("{path}?{query}&sort={sort}")).await.expect(200);
            assert_eq!(ids(&page), [right.as_str()], "{path} {sort}");
            let distance = page["data"][0]["distanceKm"].as_f64().unwrap_or_default();
            assert!(distance > 1.0 && distance < 10.0, "{page}");
        }
        let page = app.anyone().get(&format!("{FULLTEXT}?{query}&sort={sort}")).await.expect(200);
        assert_eq!(hits(&page), [right.as_str()], "{sort}");
    }
    let late = query.replace(text(&json!({ "at": since }), "/at"), "2099-01-01T00:00:00Z");
    assert!(ids(&app.anyone().get(&format!("{ADVANCED}?{late}")).await.expect(200)).is_empty());
}

#[actix_web::test]
async fn facets_are_counted_as_if_their_own_filter_were_not_there() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for (category, urgency, budget) in [
        ("tiling", "urgent", 20_000),
        ("tiling", "normal", 90_000),
        ("painting", "urgent", 20_000),
        ("roofing", "urgent", 9_000_000),
    ] {
        let fields = json!({ "urgency": urgency, "budgetMin": null, "budgetMax": budget });
        let _ = post(&ada, "Work", category, fields).await;
    }
    let page =
        app.anyone().get(&format!("{ADVANCED}?category=tiling&urgency=urgent&limit=1")).await.expect(200);
    assert_eq!(page["total"], json!({ "count": 1, "atLeast": false }));
    let facets = &page["facets"];
    assert_eq!(facets["tradeCountedOver"], 3);
    assert_eq!(
        facets["trade"],
        json!([{ "category": "painting", "count": 1 }, { "category": "roofing", "count": 1 }, { "category": "tiling", "count": 1 }])
    );
    assert_eq!(
        facets["urgency"],
        json!([{ "urgency": "normal", "count": 1 }, { "urgency": "urgent", "count": 1 }])
    );
    assert_eq!(facets["budget"], json!([{ "min": 0, "below": 25_000, "count": 1 }]));
    assert_eq!(facets["region"], json!([{ "country": "US", "region": "TX", "count": 1 }]));
    // Later pages have the jobs only.
    let first = app.anyone().get(&format!("{ADVANCED}?limit=3")).await.expect(200);
    let next = format!("{ADVANCED}?limit=3&cursor={}", text(&first, "/nextCursor"));
    let next = app.anyone().get(&next).await.expect(200);
    assert_eq!((ids(&next).len(), &next["facets"], &next["total"]), (1, &Value::Null, &Value::Null));
}

#[actix_web::test]
async fn jobs_are_listed_in_every_order_page_by_page() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let mut jobs = Vec::new();
    for (budget, days, lat) in [(30_000, 3, 30.5), (10_000, 1, 30.3), (20_000, 2, 30.9)] {
        let fields = json!({
            "budgetMin": null, "budgetMax": budget, "biddingDeadline": ahead(&app, TimeDelta::days(days)),
            "address": { "street": "1 Elm", "city": "Austin", "country": "US", "point": { "lat": lat, "lng": -97.74 } },
        });
        jobs.push(post(&ada, "Work", "tiling", fields).await);
    }
    let order = |places: [usize; 3]| places.map(|place| jobs[place].clone()).to_vec();
    for (query, expected) in [
        ("sort=newest", order([2, 1, 0])),
        ("sort=budget", order([0, 2, 1])),
        ("sort=deadline", order([1, 2, 0])),
        ("sort=distance&lat=30.3&lng=-97.74&radius=100", order([1, 0, 2])),
        ("", order([2, 1, 0])),
    ] {
        let path = format!("{SORTED}?{query}");
        assert_eq!(ids(&app.anyone().get(&path).await.expect(200)), expected, "{query}");
        let one = format!("{path}&limit=1").replace("?&", "?");
        assert_eq!(all_pages(&app.anyone(), &one, async || ()).await, expected, "{query}");
    }
    // What takes no more bids is not looked for by deadline, and open all the same.
    app.pass(std::time::Duration::from_secs(36 * 60 * 60)).await;
    assert_eq!(
        ids(&app.anyone().get(&format!("{SORTED}?sort=deadline")).await.expect(200)),
        order([1, 2, 0])[1..]
    );
    assert_eq!(ids(&app.anyone().get(&format!("{SORTED}?sort=newest")).await.expect(200)).len(), 3);
}

#[actix_web::test]
async fn what_is_asked_of_budgets_is_in_one_currency() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let mut jobs = Vec::new();
    for (budget, currency) in [(30_000, "USD"), (20_000, "CAD"), (10_000, "USD"), (40_000, "CAD")] {
        let fields = json!({ "budgetMin": null, "budgetMax": budget, "currency": currency });
        jobs.push(post(&ada, "Work", "tiling", fields).await);
    }
    let order = |places: &[usize]| places.iter().map(|place| jobs[*place].clone()).collect::<Vec<_>>();
    for (query, expected) in [
        ("", order(&[3, 2, 1, 0])),
        ("currency=CAD", order(&[3, 1])),
        ("sort=budget", order(&[0, 2])),
        ("sort=budget&currency=CAD", order(&[3, 1])),
        ("budgetMin=15000", order(&[0])),
        ("budgetMin=15000&currency=CAD", order(&[3, 1])),
        ("budgetMax=90000&currency=EUR", vec![]),
    ] {
        for path in ["/api/jobs", SORTED, ADVANCED] {
            let found = app.anyone().get(&format!("{path}?{query}").replace("?&", "?")).await.expect(200);
            assert_eq!(ids(&found), expected, "{path}?{query}");
        }
        let own = ada.get(&format!("/api/jobs?mine=true&{query}")).await.expect(200);
        assert_eq!(ids(&own), expected, "one's own: {query}");
    }
    for (query, currency, low, high) in
        [("", "USD", 1, 1), ("?currency=CAD", "CAD", 1, 1), ("?budgetMin=25000", "USD", 1, 1)]
    {
        let facets = app.anyone().get(&format!("{ADVANCED}{query}")).await.expect(200)["facets"].clone();
        let bands = json!([
            { "min": 0, "below": 25_000, "count": low }, { "min": 25_000, "below": 100_000, "count": high },
        ]);
        assert_eq!((&facets["budgetCurrency"], &facets["budgetCountedOver"]), (&json!(currency), &json!(2)));
        assert_eq!(facets["budget"], bands, "{query}");
    }
    for wrong in ["currency=ABC", "currency=usdollar", "sort=budget&currency=usd"] {
        for path in ["/api/jobs", SORTED, ADVANCED] {
            app.anyone().get(&format!("{path}?{wrong}")).await.problem(400, "invalid_request");
        }
    }
}

#[actix_web::test]
async fn the_order_by_bids_is_the_owners_alone() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.homeowner().await, app.homeowner().await);
    let (bob, dan) = (app.verified_contractor().await, app.verified_contractor().await);
    let quiet = post(&ada, "Nobody comes", "tiling", json!({})).await;
    let busy = post(&ada, "Everybody comes", "tiling", json!({})).await;
    let sealed = post(&ada, "Sealed", "tiling", json!({ "reveal": "at_close" })).await;
    let _ = post(&eve, "Hers", "tiling", json!({})).await;
    let strangers = ["newest", "budget", "deadline"].map(|sort| format!("{SORTED}?sort={sort}"));
    let mut before = Vec::new();
    for path in &strangers {
        before.push(app.anyone().get(path).await.expect(200));
    }
    for (bidder, job) in [(&bob, &busy), (&dan, &busy), (&bob, &sealed), (&dan, &sealed)] {
        let _ = bidder.post("/api/bids", json!({ "jobId": job, "amount": 150_000 })).await.expect(201);
    }
    let by_bids = format!("{SORTED}?sort=bids");
    assert_eq!(ids(&ada.get(&by_bids).await.expect(200)), [busy.clone(), quiet.clone(), sealed.clone()]);
    let one = format!("{by_bids}&limit=1");
    assert_eq!(all_pages(&ada, &one, async || ()).await, [busy, quiet, sealed]);
    assert_eq!(ids(&eve.get(&by_bids).await.expect(200)).len(), 1);
    // To everybody else nothing has changed.
    for (path, before) in strangers.iter().zip(before) {
        assert_eq!(app.anyone().get(path).await.expect(200), before, "{path}");
    }
    for path in SEARCHES {
        let path = format!("{path}?q=comes&sort=bids");
        assert_eq!(app.anyone().get(&path).await.expect(401)["code"], "unauthenticated", "{path}");
        assert_eq!(bob.get(&path).await.expect(403)["code"], "wrong_role", "{path}");
    }
}

#[actix_web::test]
async fn what_is_no_question_is_refused_with_every_fault() {
    let app = TestApp::start().await;
    let bad = "q=%07&category=alchemy&budgetMin=5&budgetMax=4&lat=1&sort=distance&skills=a&skills=%20";
    for path in SEARCHES {
        let refused = app.anyone().get(&format!("{path}?{bad}")).await.expect(400);
        let pairs = [
            ("?budgetMax", "out_of_range"),
            ("?category", "unknown_category"),
            ("?lng", "missing"),
            ("?q", "control_character"),
            ("?skills/1", "too_short"),
        ];
        let expected: Vec<_> =
            pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(codes(&refused), expected, "{path}: {refused}");
        for query in [
            "q=a&sort=loudest",
            "q=a&radius=501&lat=1&lng=1",
            "q=a&urgency=soon",
            "q=a&offset=3",
            "q=a&limit=0",
            "q=a&postedSince=soon",
        ] {
            let _ = app.anyone().get(&format!("{path}?{query}")).await.expect(400);
        }
    }
    assert_eq!(
        codes(&app.anyone().get(FULLTEXT).await.expect(400)),
        [("?q".to_owned(), "missing".to_owned())]
    );
    assert_eq!(
        codes(&app.anyone().get(&format!("{SORTED}?sort=relevance")).await.expect(400)),
        [("?sort".to_owned(), "without_words".to_owned())]
    );
    // Words of any kind find nothing rather than fail.
    for words in ["%27%29%3B--", "%26%7C%21", "%22", "-a", "%00a", "the"] {
        let answer = app.anyone().get(&format!("{ADVANCED}?q={words}")).await;
        assert!(answer.status == 200 || answer.status == 400, "{words}: {}", answer.status);
    }
}

#[actix_web::test]
async fn a_cursor_is_of_its_own_question_only() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    for number in 0..5 {
        let _ = post(&ada, &format!("Quartz {number}"), "tiling", json!({})).await;
    }
    let first = app.anyone().get(&format!("{ADVANCED}?q=quartz&limit=2")).await.expect(200);
    let cursor = text(&first, "/nextCursor").to_owned();
    let next = app.anyone().get(&format!("{ADVANCED}?q=quartz&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(ids(&next).len(), 2);
    assert!(ids(&next).iter().all(|job| !ids(&first).contains(job)));
    for other in [
        format!("{ADVANCED}?q=granite&cursor={cursor}"),
        format!("{ADVANCED}?q=quartz&sort=newest&cursor={cursor}"),
        format!("{FULLTEXT}?q=quartz&cursor={cursor}"),
        format!("{SORTED}?q=quartz&cursor={cursor}"),
        format!("{ADVANCED}?q=quartz&cursor=x{cursor}"),
    ] {
        let refused = app.anyone().get(&other).await.expect(400);
        assert_eq!(codes(&refused), [("?cursor".to_owned(), "bad_cursor".to_owned())], "{other}");
    }
    // A job that was called off is not found any more; one's own are, by their owner.
    let all = all_pages(&app.anyone(), &format!("{ADVANCED}?q=quartz&limit=2"), async || ()).await;
    assert_eq!(all.len(), 5);
    let _ = ada.delete(&format!("/api/jobs/{}", all[0])).await.expect(200);
    assert_eq!(ids(&app.anyone().get(&format!("{ADVANCED}?q=quartz")).await.expect(200)).len(), 4);
    let own = format!("{ADVANCED}?q=quartz&mine=true");
    assert_eq!(ids(&ada.get(&own).await.expect(200)).len(), 5);
    assert_eq!(ids(&app.anyone().get(&own).await.expect(200)).len(), 0);
    let called_off = format!("{ADVANCED}?q=quartz&status=CANCELLED");
    assert_eq!(ids(&ada.get(&called_off).await.expect(200)), [all[0].clone()]);
    assert_eq!(ids(&app.homeowner().await.get(&called_off).await.expect(200)).len(), 0);
}

#[actix_web::test]
async fn a_state_is_one_by_its_code_and_by_its_name() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let at = |region: &str, country: &str| json!({ "address": { "street": "1 Elm", "city": "Salem", "region": region, "country": country } });
    let mut texan = Vec::new();
    for (region, country) in
        [("TX", "US"), ("Texas", "US"), ("Oregon", "US"), ("OR", "US"), ("Québec", "CA"), ("Texas", "MX")]
    {
        let id = post(&ada, "Quartz floor", "tiling", at(region, country)).await;
        if (region, country) == ("Texas", "US") {
            // The public part says the state by its code; the address is as it was written.
            let job = ada.get(&format!("/api/jobs/{id}")).await.expect(200);
            assert_eq!((text(&job, "/area/region"), text(&job, "/address/region")), ("TX", "Texas"));
            // As jobs have it that were posted before.
            app.database.execute(
                "UPDATE marketplace.jobs SET region = 'Texas' WHERE id = (SELECT id FROM marketplace.jobs WHERE region = 'TX' ORDER BY id LIMIT 1)",
            );
        }
        if region != "Québec" && region.starts_with('T') {
            texan.push(id);
        }
    }
    texan.sort_unstable();
    let anyone = app.anyone();
    for asked in ["quartz%20tx", "quartz%20Texas", "quartz%20TX"] {
        let page = anyone.get(&format!("{ADVANCED}?q={asked}")).await.expect(200);
        let mut found = ids(&page);
        found.sort_unstable();
        assert_eq!(found, texan, "{asked}");
        let regions = json!([
            { "country": "US", "region": "TX", "count": 2 },
            { "country": "MX", "region": "Texas", "count": 1 },
        ]);
        assert_eq!(page["facets"]["region"], regions, "{asked}");
    }
    for (asked, count) in
        [("quartz%20oregon", 2), ("quartz%20OR", 2), ("quartz%20quebec", 1), ("quartz%20qc", 1)]
    {
        let page = anyone.get(&format!("{ADVANCED}?q={asked}")).await.expect(200);
        assert_eq!(ids(&page).len(), count, "{asked}");
    }
}
