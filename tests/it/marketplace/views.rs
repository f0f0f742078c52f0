//! Looks at jobs: each person once a day, whoever reloads; the owner, programs and administrators never.

use reqwest::Method;
use tests::{Person, TestApp};

use super::{job_form, post};

/// Opens a job's page in a browser.
async fn look(reader: &Person, path: &str, user_agent: &str, status: u16) {
    let answer = reader.send(Method::GET, path, |request| request.header("user-agent", user_agent)).await;
    let _ = answer.expect(status);
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn counted(app: &TestApp) -> i64 {
    app.settle().await;
    app.database.count("marketplace.job_views")
}

#[actix_web::test]
async fn a_person_counts_once_however_often_the_page_is_loaded() {
    let app = TestApp::start().await;
    let (ada, eve, bob) = (app.homeowner().await, app.homeowner().await, app.contractor().await);
    let (job, other) = (post(&ada, job_form()).await, post(&ada, job_form()).await);
    for _ in 0..5 {
        look(&bob, &job, BROWSER, 200).await;
        look(&app.anyone(), &job, BROWSER, 200).await;
    }
    assert_eq!(counted(&app).await, 2);
    // Somebody behind the same address with another browser is nobody new.
    look(&app.anyone(), &job, "Mozilla/5.0 (Macintosh) Safari/605.1.15", 200).await;
    assert_eq!(counted(&app).await, 2);
    look(&eve, &job, BROWSER, 200).await;
    look(&bob, &other, BROWSER, 200).await;
    assert_eq!(counted(&app).await, 4);
    assert_eq!(app.database.count("marketplace.job_view_totals WHERE views = 3"), 1);
    // Another server counts nobody twice either.
    let beside = app.beside();
    look(&bob.at(beside.base()), &job, BROWSER, 200).await;
    drop(beside);
    assert_eq!(counted(&app).await, 4);
}

#[actix_web::test]
async fn owners_administrators_programs_and_closed_jobs_do_not_count() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.verified_contractor().await);
    let job = post(&ada, job_form()).await;
    look(&ada, &job, BROWSER, 200).await;
    look(&app.admin().await, &job, BROWSER, 200).await;
    look(&app.anyone(), &job, "Mozilla/5.0 (compatible; Googlebot/2.1)", 200).await;
    look(&app.anyone(), &job, "", 200).await;
    let _ = app.anyone().get(&job).await.expect(200);
    let draft = app.draft_job(&ada).await;
    look(&app.anyone(), &format!("/api/jobs/{draft}"), BROWSER, 404).await;
    let deal = app.contract_between(&ada, &bob).await;
    look(&bob, &format!("/api/jobs/{}", deal.job), BROWSER, 200).await;
    assert_eq!(counted(&app).await, 0);
}

#[actix_web::test]
async fn what_waits_is_written_when_the_server_stops() {
    let app = TestApp::start().await;
    let job = post(&app.homeowner().await, job_form()).await;
    look(&app.anyone(), &job, BROWSER, 200).await;
    let database = app.stop().await;
    assert_eq!(database.count("marketplace.job_views"), 1);
    // Neither the address nor the account is in it.
    assert_eq!(
        database.count("marketplace.job_views WHERE octet_length(viewer) = 16 AND viewer = network"),
        1
    );
}
