//! The demo that `fairtrade serve --demo` puts in, and the walk of `fairtrade demo` through it.

use std::time::Duration;

use gateway::demo::{self, Story, Walk, WalkError};
use tests::{TestApp, settings};

/// Puts the demo in; false when it was there.
async fn seed(app: &TestApp) -> bool {
    let (platform, provider) = (app.platform.clone(), app.provider.clone());
    let seeded = tokio::task::spawn_blocking(move || demo::seed(&platform, &provider, settings())).await;
    seeded.unwrap().unwrap()
}

#[tokio::test]
async fn the_demo_is_put_in_once_and_shows_every_state() {
    let app = TestApp::start().await;
    assert!(seed(&app).await);
    assert!(!seed(&app).await);
    app.pass(Duration::from_secs(10)).await;
    assert_eq!(app.database.count("identity.people"), 9);
    for state in ["DRAFT", "OPEN", "AWARDED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "EXPIRED"] {
        let count = app.database.count(&format!("marketplace.jobs WHERE status = '{state}'"));
        assert!(count > 0, "no job is {state}");
    }
    let milestones = [
        "PENDING",
        "FUNDED",
        "IN_PROGRESS",
        "SUBMITTED",
        "CHANGES_REQUESTED",
        "APPROVED",
        "RELEASED",
        "CANCELLED",
    ];
    for state in milestones {
        let count = app.database.count(&format!("contracts.milestones WHERE status = '{state}'"));
        assert!(count > 0, "no milestone is {state}");
    }
}

#[tokio::test]
async fn the_demos_open_jobs_have_photographs_that_everybody_may_look_at() {
    let app = TestApp::start().await;
    seed(&app).await;
    let open = app.anyone().get("/api/jobs?limit=100").await.expect(200);
    let mut seen = 0;
    for job in open["data"].as_array().into_iter().flatten() {
        let path = format!("/api/jobs/{}/attachments", job["id"].as_str().unwrap_or_default());
        let attached = app.anyone().get(&path).await.expect(200);
        for photo in attached["data"].as_array().into_iter().flatten() {
            let picture = app.anyone().get(photo["url"].as_str().unwrap_or_default()).await;
            assert_eq!(
                (picture.status, picture.header("content-type")),
                (200, Some("image/jpeg")),
                "{photo}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn the_demos_contractors_are_found_in_the_directory() {
    let app = TestApp::start().await;
    seed(&app).await;
    app.settle().await;
    for (query, count) in [
        ("", 5),
        ("verified=true", 5),
        ("trade=plumbing", 1),
        ("q=tiles%20bathroom", 1),
        ("minRating=1", 1),
        ("lat=30.2672&lng=-97.7431&radius=10&sort=distance", 3),
    ] {
        let page = app.anyone().get(&format!("/api/contractors?{query}")).await.expect(200);
        let found = page["data"].as_array().map(Vec::len);
        assert!(found >= Some(count), "{query} finds {found:?}: {page}");
    }
}

#[tokio::test]
async fn the_demos_money_is_in_every_account_it_can_move_and_its_books_balance() {
    let app = TestApp::start().await;
    seed(&app).await;
    app.settle().await;
    let admin = app.sign_in(demo::ADMIN, demo::PASSWORD).await;
    let books = admin.get("/api/admin/ledger/trial-balance").await.expect(200);
    assert_eq!(books["balanced"], true);
    let with_money: Vec<&str> = books["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["debitAmount"] != line["creditAmount"])
        .filter_map(|line| line["kind"].as_str())
        .collect();
    for kind in ["CARD_CLEARING", "HELD", "CONTRACTOR_PAYABLE", "PLATFORM_FEE", "PROCESSOR_FEE"] {
        assert!(with_money.contains(&kind), "nothing in {kind}: {books}");
    }
    for state in ["PAID", "WAITING_ACCOUNT"] {
        assert!(app.database.count(&format!("escrow.payouts WHERE status = '{state}'")) > 0, "no {state}");
    }
    let report = app.database.owner.read(escrow::verify_ledger).unwrap();
    assert!(report.is_clean(), "{:?}", report.disagreements);
}

#[tokio::test]
async fn a_demo_that_was_broken_off_is_finished_and_nothing_is_there_twice() {
    let app = TestApp::start().await;
    seed(&app).await;
    let things = ["identity.people", "marketplace.jobs", "marketplace.bids", "contracts.contracts"];
    let things = things.into_iter().chain(["escrow.payments", "escrow.releases", "marketplace.reviews"]);
    let things = things.chain(["marketplace.attachments"]);
    let count = |thing: &str| app.database.count(thing);
    let before: Vec<(&str, i64)> = things.map(|thing| (thing, count(thing))).collect();
    // The administrator tells that it is whole; without one it is taken for broken off.
    app.database.execute(&format!(
        "UPDATE identity.people SET email = 'gone@example.com', email_canonical = 'gone@example.com' WHERE email = '{}'",
        demo::ADMIN
    ));
    assert!(seed(&app).await);
    for (thing, count_before) in before {
        let one_more = i64::from(thing == "identity.people");
        assert_eq!(count(thing), count_before + one_more, "{thing}");
    }
}

#[tokio::test]
async fn around_the_demo_there_is_a_town_with_a_past_and_it_is_put_in_once() {
    let app = TestApp::start().await;
    seed(&app).await;
    let put_in = || async {
        let platform = app.platform.clone();
        let put_in =
            tokio::task::spawn_blocking(move || demo::history(platform.db(), &settings().marketplace));
        put_in.await.unwrap().unwrap()
    };
    assert!(put_in().await && !put_in().await);
    app.settle().await;
    let open = app.anyone().get("/api/jobs?limit=100").await.expect(200);
    assert_eq!(open["data"].as_array().map(Vec::len), Some(100));
    assert!(app.database.count("marketplace.jobs WHERE status = 'COMPLETED'") > 60);
    let figures = app.database.count("marketplace.market_figures WHERE median IS NOT NULL");
    assert!(figures >= 1, "{figures}");
    let contractors =
        app.anyone().get("/api/contractors?minRating=4&verified=true&limit=20").await.expect(200);
    assert!(contractors["data"].as_array().map(Vec::len) >= Some(10), "{contractors}");
}

#[tokio::test]
async fn the_demos_people_sign_in_with_what_is_told() {
    let app = TestApp::start().await;
    seed(&app).await;
    for login in demo::logins() {
        let body = serde_json::json!({ "email": login.email, "password": login.password });
        app.anyone().post("/api/auth/login", body).await.expect(200);
    }
}

/// Walks, while what happens by itself happens; gives the lines too.
async fn walk(app: &TestApp, walk: Walk) -> (Result<Story, WalkError>, Vec<String>) {
    let walking = tokio::task::spawn_blocking(move || {
        let mut lines = Vec::new();
        let story = demo::walk(&walk, &mut |line| lines.push(line.to_owned()));
        (story, lines)
    });
    tokio::pin!(walking);
    loop {
        tokio::select! {
            walked = &mut walking => return walked.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(50)) => { app.settle().await; }
        }
    }
}

fn with_mail(app: &TestApp) -> Walk {
    Walk {
        base: app.base().to_owned(),
        mail: Some(app.mail_folder().to_owned()),
        patience: Duration::from_secs(30),
    }
}

#[tokio::test]
async fn the_walk_takes_a_job_from_posting_to_paid_and_tells_each_step() {
    let app = TestApp::start().await;
    seed(&app).await;
    let (story, lines) = walk(&app, with_mail(&app)).await;
    let story = story.unwrap();
    let told = lines.join("\n");
    let in_order = [
        "Iris     registers as a homeowner",
        "address unproven → proven",
        "verification PENDING → APPROVED",
        "job DRAFT → OPEN",
        "Bruno    bids 4,200.00 USD; receipt ",
        "sees 1: her own",
        "job OPEN → AWARDED",
        "bid SUBMITTED → REJECTED",
        "contract stays PENDING_SIGNATURES",
        "contract PENDING_SIGNATURES → ACTIVE",
        "payment FAILED",
        "payment SUCCEEDED",
        "milestones PENDING → FUNDED",
        "milestone SUBMITTED → CHANGES_REQUESTED",
        "milestone APPROVED → RELEASED",
        "held for the milestones                    −    1,800.00 USD",
        "the platform's fee                         +       52.20 USD",
        "payout PENDING → PAID",
        "contract ACTIVE → COMPLETED",
        "job IN_PROGRESS → COMPLETED",
        "review HIDDEN → PUBLISHED",
        "Debits and credits are equal: the books balance.",
    ];
    let mut rest = told.as_str();
    for line in in_order {
        let found = rest.find(line).unwrap_or_else(|| panic!("`{line}` is not told, or too early:\n{told}"));
        rest = &rest[found..];
    }
    assert_eq!(
        app.database.count(&format!(
            "marketplace.jobs WHERE status = 'COMPLETED' AND id = '{}'",
            story.job_id.parse::<marketplace::JobId>().unwrap().uuid()
        )),
        1
    );
    // What the steps say that moved sums to nothing: all that came from the card has arrived somewhere.
    let moved = || story.steps.iter().flat_map(|step| &step.moved);
    assert_eq!(moved().map(|moved| moved.amount).sum::<i64>(), 0);
    let held = moved().filter(|moved| moved.account == "held for the milestones");
    assert_eq!(held.map(|moved| moved.amount).sum::<i64>(), 0);
    let json = serde_json::to_value(&story).unwrap();
    assert_eq!(json["trialBalance"]["balanced"], true);
    assert_eq!(json["steps"][0]["who"], "Iris");
    assert_eq!(json["steps"][0]["chapter"], "People");
}

#[tokio::test]
async fn the_walk_can_be_taken_again_with_the_demos_people_where_there_is_no_mail_to_read() {
    let app = TestApp::start().await;
    seed(&app).await;
    for _ in 0..2 {
        let (story, lines) = walk(&app, Walk { mail: None, ..with_mail(&app) }).await;
        assert_eq!(story.unwrap().trial_balance["balanced"], true);
        assert!(lines.iter().any(|line| line.contains("Hanna    signs in")), "{lines:?}");
    }
    assert_eq!(app.database.count("identity.people"), 9);
}

#[tokio::test]
async fn where_five_have_registered_within_the_hour_the_demos_people_stand_in() {
    let app = TestApp::start_with(|config| config.rate_limit.exempt = Vec::new()).await;
    seed(&app).await;
    for _ in 0..2 {
        let (story, _) = walk(&app, with_mail(&app)).await;
        story.unwrap();
    }
    assert_eq!(app.database.count("identity.people"), 9 + 5);
}

#[tokio::test]
async fn a_walk_that_fails_names_the_step_and_what_to_do() {
    let app = TestApp::start().await;
    let (story, _) = walk(&app, with_mail(&app)).await;
    let error = story.unwrap_err().to_string();
    assert!(error.starts_with("step 1 failed: ") && error.contains("fairtrade serve --demo"), "{error}");
    let nowhere = Walk { base: "http://127.0.0.1:1".to_owned(), ..with_mail(&app) };
    let (story, _) = walk(&app, nowhere).await;
    assert!(story.unwrap_err().to_string().contains("does not answer"));
}
