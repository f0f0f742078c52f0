//! `/api/reviews` and the reviews of a person: written by both sides, and neither sees the other's before both are in.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Deal, Person, TestApp};

use super::{again, all_pages, header, id, ids, nothing, text, told, with};

const REVIEWS: &str = "/api/reviews";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn review_form(deal: &Deal) -> Value {
    json!({
        "contractId": deal.contract, "rating": 5, "quality": 4, "timeliness": 3, "communication": 5,
        "text": " Clean work.\nAnd on time. ",
    })
}

fn of_contractor(person: &Person) -> String {
    format!("/api/contractors/{}/reviews", person.party)
}

fn of_user(person: &Person) -> String {
    format!("/api/users/{}/reviews", person.id)
}

fn count(app: &TestApp, status: &str) -> i64 {
    app.database.count(&format!("marketplace.reviews WHERE status = '{status}'"))
}

#[actix_web::test]
async fn a_review_is_hidden_until_the_other_side_s_is_in() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let (ada, bob) = (&deal.homeowner, &deal.contractor);
    let nobody_yet = app.anyone().get(&of_contractor(bob)).await.expect(200);

    let answer = ada.post(REVIEWS, review_form(&deal)).await;
    assert_eq!(header(&answer, "location"), of_user(bob));
    let first = answer.expect(201);
    assert_eq!((&first["status"], &first["publishedAt"]), (&json!("HIDDEN"), &Value::Null));
    assert_eq!((&first["contractId"], &first["jobId"]), (&json!(deal.contract), &json!(deal.job)));
    assert_eq!((&first["authorId"], &first["subjectId"]), (&json!(ada.party), &json!(bob.party)));
    assert_eq!(
        (&first["authorRole"], &first["text"]),
        (&json!("HOMEOWNER"), &json!("Clean work.\nAnd on time."))
    );
    assert_eq!((count(&app, "HIDDEN"), told(&app, "review.submitted", &deal.job)), (1, 1));
    assert_eq!(told(&app, "review.published", &deal.job), 0);
    // Nobody sees it, and nobody's figures know of it: not even the one whom it is about.
    for reader in [&app.anyone(), bob, ada, &app.admin().await] {
        assert_eq!(reader.get(&of_contractor(bob)).await.expect(200), nobody_yet);
    }

    let stars = json!({ "rating": 2, "quality": 2, "timeliness": 2, "communication": 2, "text": null });
    let second = bob.post(REVIEWS, with(review_form(&deal), stars)).await.expect(201);
    assert_eq!((&second["status"], &second["authorRole"]), (&json!("PUBLISHED"), &json!("CONTRACTOR")));
    assert_eq!((&second["text"], &second["subjectId"]), (&Value::Null, &json!(ada.party)));
    assert_eq!((count(&app, "PUBLISHED"), told(&app, "review.published", &deal.job)), (2, 2));

    let page = app.anyone().get(&of_contractor(bob)).await.expect(200);
    assert_eq!((ids(&page), &page["nextCursor"]), (vec![id(&first).to_owned()], &Value::Null));
    // A homeowner is known by first name and initial, a contractor by name.
    assert_eq!(page["data"][0]["authorName"], "Ada L.");
    let summary = json!({ "count": 1, "mean": 5.0, "bayesianMean": 4.17, "quality": 4.0, "timeliness": 3.0, "communication": 5.0 });
    assert_eq!(page["summary"], summary);
    let of_ada = app.anyone().get(&of_user(ada)).await.expect(200);
    assert_eq!(
        (ids(&of_ada), &of_ada["data"][0]["authorName"]),
        (vec![id(&second).to_owned()], &json!("Bob Mason"))
    );
    assert_eq!(of_ada["data"][0]["publishedAt"], page["data"][0]["publishedAt"]);
    // What is told holds no text of people's.
    assert_eq!(app.database.count("outbox.events WHERE data::text LIKE '%Clean%'"), 0);
}

#[actix_web::test]
async fn the_other_side_is_told_that_it_was_reviewed_and_not_how() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let (ada, bob) = (&deal.homeowner, &deal.contractor);
    let paths =
        [of_contractor(bob), of_user(bob), of_user(ada), format!("/api/jobs/{}", deal.job), deal.path()];
    let view = async || {
        let mut seen = Vec::new();
        for path in &paths {
            let answer = bob.get(path).await;
            seen.push((answer.header("etag").map(str::to_owned), answer.text()));
        }
        let wrong = with(review_form(&deal), json!({ "rating": 6 }));
        seen.push((None, bob.post(REVIEWS, wrong).await.faults(&["/rating"])["errors"].to_string()));
        seen
    };
    let before = view().await;
    ada.post(REVIEWS, review_form(&deal)).await.expect(201);
    app.settle().await;
    assert_eq!(view().await, before);
    let inbox = bob.get("/api/notifications?limit=1").await.expect(200);
    assert_eq!(inbox["data"][0]["template"], "review_submitted");
    let mails = app.mails_to(&bob.email);
    assert!(mails.iter().any(|mail| mail.contains("reviewed")), "{mails:?}");
    assert!(
        mails.iter().all(|mail| !mail.contains("Clean work")) && !inbox.to_string().contains("Clean"),
        "{mails:?}"
    );
}

#[actix_web::test]
async fn a_review_alone_is_published_when_the_window_has_closed() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let (ada, bob) = (&deal.homeowner, &deal.contractor);
    ada.post(REVIEWS, review_form(&deal)).await.expect(201);
    app.pass(14 * DAY - Duration::from_secs(120)).await;
    assert_eq!((count(&app, "HIDDEN"), told(&app, "review.published", &deal.job)), (1, 0));
    app.pass(Duration::from_secs(240)).await;
    assert_eq!((count(&app, "PUBLISHED"), told(&app, "review.published", &deal.job)), (1, 1));
    assert_eq!(app.anyone().get(&of_contractor(bob)).await.expect(200)["summary"]["count"], 1);
    // Having read it, the other side can no longer answer it with one of its own.
    let bob = again(&app, bob).await;
    bob.post(REVIEWS, review_form(&deal)).await.problem(409, "review_closed");
    again(&app, ada).await.post(REVIEWS, review_form(&deal)).await.problem(409, "already_reviewed");
    assert_eq!(app.database.count("marketplace.reviews"), 1);
}

#[actix_web::test]
async fn the_window_closes_by_the_clock_even_before_its_task_has_run() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    app.clock.advance(14 * DAY);
    let bob = again(&app, &deal.contractor).await;
    bob.post(REVIEWS, review_form(&deal)).await.problem(409, "review_closed");
    assert_eq!(
        (app.database.count("marketplace.reviews"), told(&app, "review.submitted", &deal.job)),
        (0, 0)
    );
}

#[actix_web::test]
async fn reviewing_is_for_the_two_sides_of_a_finished_contract() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let form = || review_form(&deal);
    app.anyone().post(REVIEWS, form()).await.problem(401, "unauthenticated");
    for stranger in [app.homeowner().await, app.verified_contractor().await, app.admin().await] {
        stranger.post(REVIEWS, form()).await.problem(404, "contract_not_found");
    }
    let missing = with(form(), json!({ "contractId": nothing("ctr") }));
    deal.homeowner.post(REVIEWS, missing).await.problem(404, "contract_not_found");
    // A contract that goes on cannot be reviewed yet.
    let running = app.funded_contract().await;
    running.homeowner.post(REVIEWS, review_form(&running)).await.problem(404, "contract_not_found");
    assert_eq!(app.database.count("marketplace.reviews"), 0);
}

#[actix_web::test]
async fn reviewing_names_every_fault_at_once() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let misshapen = json!({
        "contractId": deal.job, "rating": 0, "quality": 6, "timeliness": 3.5, "communication": "5", "text": "", "status": "PUBLISHED",
    });
    deal.homeowner.post(REVIEWS, misshapen).await.faults(&[
        "/contractId",
        "/rating",
        "/quality",
        "/timeliness",
        "/communication",
        "/text",
        "/status",
    ]);
    deal.homeowner.post(REVIEWS, json!({})).await.faults(&[
        "/contractId",
        "/rating",
        "/quality",
        "/timeliness",
        "/communication",
    ]);
    for text in ["   ", "bell\u{7}", &"a".repeat(4_001)] {
        deal.homeowner
            .post(REVIEWS, with(review_form(&deal), json!({ "text": text })))
            .await
            .faults(&["/text"]);
    }
    assert_eq!(app.database.count("marketplace.reviews"), 0);
}

#[actix_web::test]
async fn each_side_reviews_once() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let tries = (0..4).map(|_| deal.homeowner.post(REVIEWS, review_form(&deal)));
    let mut statuses: Vec<_> =
        futures_util::future::join_all(tries).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
    deal.homeowner.post(REVIEWS, review_form(&deal)).await.problem(409, "already_reviewed");
    assert_eq!((count(&app, "HIDDEN"), told(&app, "review.submitted", &deal.job)), (1, 1));

    // The same request under one key is one review.
    let first = deal.contractor.post_keyed(REVIEWS, "once", review_form(&deal)).await;
    let again = deal.contractor.post_keyed(REVIEWS, "once", review_form(&deal)).await;
    assert_eq!((first.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((first.bytes, count(&app, "PUBLISHED")), (again.bytes, 2));
}

#[actix_web::test]
async fn simultaneous_reviews_of_both_sides_are_published_together() {
    let app = TestApp::start().await;
    let deal = app.completed_contract().await;
    let tries = [&deal.homeowner, &deal.contractor].map(|side| side.post(REVIEWS, review_form(&deal)));
    for answer in futures_util::future::join_all(tries).await {
        answer.expect(201);
    }
    assert_eq!((count(&app, "PUBLISHED"), told(&app, "review.published", &deal.job)), (2, 2));
    assert_eq!(app.database.count("marketplace.ratings WHERE reviews = 1"), 2);
}

#[actix_web::test]
async fn the_list_of_reviews_neither_skips_nor_repeats() {
    let app = TestApp::start().await;
    let bob = app.verified_contractor().await;
    let mut published = Vec::new();
    for rating in [5, 4, 3] {
        let deal = app.contract_between(&app.homeowner().await, &bob).await;
        let deal = app.complete(deal).await;
        let form = with(review_form(&deal), json!({ "rating": rating }));
        published.push(id(&deal.homeowner.post(REVIEWS, form).await.expect(201)).to_owned());
        bob.post(REVIEWS, review_form(&deal)).await.expect(201);
    }
    published.reverse();
    // By either id: people are known by the one of the person and the one of the party.
    for path in [
        of_contractor(&bob),
        of_user(&bob),
        format!("/api/users/{}/reviews", bob.party),
        format!("/api/contractors/{}/reviews", bob.id),
    ] {
        assert_eq!(
            all_pages(&app.anyone(), &format!("{path}?limit=1"), async || ()).await,
            published,
            "{path}"
        );
        let whole = app.anyone().get(&format!("{path}?limit=100")).await.expect(200);
        assert_eq!((&whole["summary"]["count"], &whole["summary"]["mean"]), (&json!(3), &json!(4.0)));
        assert_eq!((ids(&whole), &whole["nextCursor"]), (published.clone(), &Value::Null));
    }
}

#[actix_web::test]
async fn the_list_of_reviews_is_of_somebody_who_is_there() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.homeowner().await, app.contractor().await);
    let none = app.anyone().get(&of_contractor(&bob)).await.expect(200);
    assert_eq!(
        (&none["data"], &none["summary"]["count"], &none["summary"]["mean"]),
        (&json!([]), &json!(0), &Value::Null)
    );
    app.anyone().get(&of_user(&ada)).await.expect(200);
    // A homeowner is no contractor.
    app.anyone().get(&of_contractor(&ada)).await.problem(404, "user_not_found");
    for missing in [nothing("pty"), nothing("usr")] {
        app.anyone().get(&format!("/api/users/{missing}/reviews")).await.problem(404, "user_not_found");
        app.anyone().get(&format!("/api/contractors/{missing}/reviews")).await.problem(404, "user_not_found");
    }
    for malformed in ["usr_1", "job_01h455vb4pex5vsknk084sn02q", "Bob%20Mason"] {
        app.anyone().get(&format!("/api/users/{malformed}/reviews")).await.problem(404, "not_found");
    }
    let refused = app.anyone().get(&format!("{}?limit=101&sort=rating", of_contractor(&bob))).await;
    let refused = refused.problem(400, "invalid_request");
    let pointers: Vec<_> =
        refused["errors"].as_array().into_iter().flatten().map(|fault| text(fault, "/pointer")).collect();
    assert_eq!(pointers, ["?sort", "?limit"]);
}
