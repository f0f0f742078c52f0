//! `DELETE /api/users/me/data`, all the way: what is left of a person who wrote their name wherever one can write, and what keeps them.

mod search;
mod story;

use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::Duration;

use contracts::AcceptBid;
use kernel::Classify;
use marketplace::BidId;
use serde_json::{Value, json};
use story::{CONTRACTOR, HOMEOWNER, Particulars, Story};
use tests::{Answer, PASSWORD, Person, TestApp};

const DATA: &str = "/api/users/me/data";
const HOUR: Duration = Duration::from_secs(3600);

async fn step_up(person: &Person) {
    person.post("/api/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
}

async fn erase(person: &Person) -> Answer {
    step_up(person).await;
    person.delete(DATA).await
}

/// The codes of what is in the way.
fn codes(problem: &Value) -> Vec<&str> {
    let blockers = problem["blockers"].as_array().map(Vec::as_slice).unwrap_or_default();
    blockers.iter().filter_map(|blocker| blocker["code"].as_str()).collect()
}

/// Every file on the disk.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(kept(&path)) } else { found.push(path) }
    }
    found
}

/// What of a reading must be as it was, whoever has gone: all but words and names, versions, and when rows last changed.
fn figures(reading: &Value) -> Value {
    const WORDS: [&str; 9] = [
        "title",
        "description",
        "deliverables",
        "name",
        "text",
        "authorName",
        "version",
        "updatedAt",
        "reason",
    ];
    match reading {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !WORDS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), figures(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(values) => values.iter().map(figures).collect(),
        other => other.clone(),
    }
}

fn assert_books_and_trail_are_right(app: &TestApp) {
    let report = app.database.owner.read(escrow::verify_ledger).unwrap();
    assert!(report.is_clean(), "{report:?}");
    let report = app.platform.queries().audit.verify(None).unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(app.database.count("outbox.tasks WHERE state = 'PARKED'"), 0);
}

/// Nobody signs in as this person any more, and nothing that was given to them is good.
async fn is_signed_out_for_good(app: &TestApp, person: &Person) {
    person.get("/api/auth/me").await.problem(401, "signed_out");
    let refresh = json!({ "refreshToken": person.refresh_token });
    app.anyone().post("/api/auth/refresh", refresh).await.problem(401, "invalid_refresh_token");
    let login = json!({ "email": person.email, "password": PASSWORD });
    app.anyone().post("/api/auth/login", login).await.problem(401, "wrong_credentials");
}

/// The e-mail address is free, and whoever takes it is somebody else.
async fn the_address_is_free(app: &TestApp, person: &Person, user_type: &str) {
    let form =
        json!({ "email": person.email, "password": PASSWORD, "userType": user_type, "name": "Somebody New" });
    let anew = app.anyone().post("/api/auth/register", form).await.expect(201);
    assert_ne!(anew["user"]["id"], json!(person.id));
}

/// The one proof: the person's particulars are nowhere, and what still is sealed is what the law has kept.
async fn nothing_is_left_of(story: &Story, person: &Person, whose: &Particulars) {
    let app = &story.app;
    assert!(search::columns_searched(&app.database) > 300, "{}", search::columns_searched(&app.database));
    let found = search::places_of(&app.database, &whose.texts(&person.email));
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(app.database.count("contracts.contracts WHERE octet_length(particulars) > 0"), 0);
    let own = "identity.data_keys WHERE subject_kind = 'person' AND wrapped_key IS NOT NULL AND subject_id IN
        (SELECT id FROM identity.people WHERE erased_at IS NOT NULL)";
    assert_eq!(app.database.count(own), 0, "their key is destroyed, and every stored answer with it");
    for sealed in [
        "contracts.documents WHERE octet_length(sealed_text) > 0",
        "contracts.signatures WHERE octet_length(sealed_evidence) > 0",
    ] {
        assert!(app.database.count(sealed) > 0, "{sealed}");
    }
}

#[actix_web::test]
async fn of_an_erased_homeowner_nothing_is_left_but_figures() {
    let story = Story::told().await;
    let (app, person) = (&story.app, &story.homeowner);
    let texts = HOMEOWNER.texts(&person.email);
    for text in &texts {
        assert!(
            !search::places_of(&app.database, std::slice::from_ref(text)).is_empty(),
            "the story tells {text}"
        );
    }
    let before = story.read_by(&story.contractor).await;
    erase(person).await.expect(204);
    app.settle().await;
    app.pass(2 * HOUR).await;

    nothing_is_left_of(&story, person, &HOMEOWNER).await;
    assert_books_and_trail_are_right(app);
    is_signed_out_for_good(app, person).await;
    let contractor = app.sign_in(&story.contractor.email, PASSWORD).await;
    let after = story.read_by(&contractor).await;
    assert_eq!(figures(&after), figures(&before));
    assert_eq!(after["contract"]["homeowner"]["name"], "Former member");
    assert_eq!(after["contract"]["contractor"]["name"], CONTRACTOR.name());
    assert_eq!(after["contract"]["title"], "Removed job");
    assert_eq!(after["milestones"]["data"][1]["title"], "Milestone 2");
    let of_contractor = &after["ofContractor"]["data"][0];
    assert_eq!(
        (&of_contractor["authorName"], &of_contractor["text"]),
        (&json!("Former member"), &Value::Null)
    );
    let of_homeowner = &after["ofHomeowner"]["data"][0];
    assert_eq!(of_homeowner["text"], "Former member is a lady. Barnabas Thistlewood");
    // What both signed is there for the other side.
    let document = contractor.get(&format!("{}/document", story.contract)).await.expect(200);
    assert!(document["text"].as_str().unwrap().contains("Wilhelmina Quillfeather"));
    // The open job was called off as by its owner, and the bidder knows.
    assert_eq!(app.database.count("marketplace.jobs WHERE status = 'CANCELLED'"), 1);
    app.anyone().get(&format!("/api/jobs/{}", story.open_job)).await.problem(404, "job_not_found");
    let mine = contractor.get("/api/bids/mine?status=EXPIRED").await.expect(200);
    assert_eq!(mine["data"][0]["id"], json!(story.waiting_bid));
    let news = contractor.get("/api/notifications?limit=1").await.expect(200);
    assert_eq!(
        (&news["data"][0]["template"], &news["data"][0]["subjects"]["bidId"]),
        (&json!("bid_expired"), &json!(story.waiting_bid))
    );
    the_address_is_free(app, person, "customer").await;
}

#[actix_web::test]
async fn of_an_erased_contractor_nothing_is_left_but_figures() {
    let story = Story::told().await;
    let (app, person) = (&story.app, &story.contractor);
    let texts = CONTRACTOR.texts(&person.email);
    for text in &texts {
        assert!(
            !search::places_of(&app.database, std::slice::from_ref(text)).is_empty(),
            "the story tells {text}"
        );
    }
    assert_eq!(kept(app.files_folder()).len(), 2, "the papers that were handed in");
    let before = story.read_by(&story.homeowner).await;
    erase(person).await.expect(204);
    app.settle().await;
    app.pass(2 * HOUR).await;

    nothing_is_left_of(&story, person, &CONTRACTOR).await;
    assert_books_and_trail_are_right(app);
    assert_eq!(kept(app.files_folder()), Vec::<PathBuf>::new(), "the bytes are gone with the sweep");
    is_signed_out_for_good(app, person).await;
    app.anyone().get(&format!("/api/contractors/{}", person.party)).await.problem(404, "not_found");
    let homeowner = app.sign_in(&story.homeowner.email, PASSWORD).await;
    let after = story.read_by(&homeowner).await;
    assert_eq!(figures(&after), figures(&before));
    assert_eq!(after["contract"]["contractor"]["name"], "Former member");
    assert_eq!(after["contract"]["title"], "Stairs of Wilhelmina, Nightjar");
    let of_contractor = &after["ofContractor"]["data"][0];
    assert_eq!(of_contractor["text"], "Former member is my man. Wilhelmina Quillfeather");
    assert_eq!(after["ofHomeowner"]["data"][0]["authorName"], "Former member");
    // The bid that waited was taken back as by its bidder, and the owner sees who it was no more.
    let bids = homeowner.get(&format!("/api/bids/{}", story.open_job)).await.expect(200);
    let bid = &bids["data"][0];
    assert_eq!(
        (&bid["id"], &bid["status"], &bid["amount"]),
        (&json!(story.waiting_bid), &json!("WITHDRAWN"), &json!(100_000))
    );
    assert_eq!(
        (&bid["terms"], &bid["proof"], &bid["contractor"]["name"]),
        (&Value::Null, &Value::Null, &json!("Former member"))
    );
    let news = homeowner.get("/api/notifications?limit=1").await.expect(200);
    assert_eq!(news["data"][0]["template"], "bid_withdrawn");
    the_address_is_free(app, person, "contractor").await;
}

#[actix_web::test]
async fn when_both_are_gone_the_books_still_stand() {
    let story = Story::told().await;
    let app = &story.app;
    erase(&story.homeowner).await.expect(204);
    erase(&story.contractor).await.expect(204);
    app.pass(2 * HOUR).await;
    let all = [HOMEOWNER.texts(&story.homeowner.email), CONTRACTOR.texts(&story.contractor.email)].concat();
    let found = search::places_of(&app.database, &all);
    assert!(found.is_empty(), "{found:#?}");
    assert_books_and_trail_are_right(app);
    let admin = app.sign_in(&story.admin.email, &story.admin.password).await;
    let contract = story.read_by(&admin).await["contract"].clone();
    for party in ["homeowner", "contractor"] {
        assert_eq!(contract[party]["name"], "Former member", "{party}");
    }
    let rival = app.sign_in(&story.rival.email, PASSWORD).await;
    let mine = rival.get("/api/bids/mine").await.expect(200);
    assert_eq!(mine["data"][0]["outcome"]["bids"], 2, "whoever lost still knows against how many");
}

#[actix_web::test]
async fn nobody_is_erased_while_money_is_held() {
    let story = Story::before_the_release().await;
    for (person, contract) in
        [(&story.homeowner, "contract_running"), (&story.contractor, "contract_running")]
    {
        let refused = erase(person).await.problem(409, "erasure_blocked");
        assert_eq!(codes(&refused), ["money_held", contract, "job_under_way"], "{refused}");
        let escrow = story.escrow.rsplit('/').next().unwrap();
        assert_eq!(
            (&refused["blockers"][0]["kind"], &refused["blockers"][0]["id"]),
            (&json!("escrow"), &json!(escrow))
        );
    }
    let app = &story.app;
    assert_eq!(app.database.count("identity.people WHERE erased_at IS NOT NULL"), 0);
    assert_eq!(app.database.count("marketplace.jobs WHERE title = 'Removed job'"), 0);
    assert_eq!(
        app.database.count("marketplace.bids WHERE status = 'SUBMITTED'"),
        1,
        "nothing ended by the try"
    );
    // After the release nothing is in the way but the payout, and that is on its way.
    story.is_released().await;
    erase(&story.contractor).await.expect(204);
    erase(&story.homeowner).await.expect(204);
    assert_books_and_trail_are_right(app);
}

#[actix_web::test]
async fn an_unsigned_contract_is_in_the_way_until_it_lapses() {
    let app = TestApp::start().await;
    let deal = app.contract().await;
    for person in [&deal.homeowner, &deal.contractor] {
        let refused = erase(person).await.problem(409, "erasure_blocked");
        assert_eq!(codes(&refused), ["contract_unsigned", "job_under_way"]);
        assert_eq!(
            (&refused["blockers"][0]["kind"], &refused["blockers"][0]["id"]),
            (&json!("contract"), &json!(deal.contract))
        );
    }
    app.pass(8 * 24 * HOUR).await;
    let homeowner = app.sign_in(&deal.homeowner.email, PASSWORD).await;
    erase(&homeowner).await.expect(204);
    let contractor = app.sign_in(&deal.contractor.email, PASSWORD).await;
    // What was never binding is kept by no law: its text is gone with its key.
    assert_eq!(contractor.get(&deal.path()).await.expect(200)["homeowner"]["name"], "Former member");
    contractor.get(&format!("{}/document", deal.path())).await.problem(404, "contract_not_found");
}

/// An erasure and the award of the person's bid at the same moment, over the services as two requests would.
#[actix_web::test]
async fn nobody_who_is_gone_is_in_a_running_contract() {
    let app = TestApp::start().await;
    let ada = app.homeowner().await;
    let (mut erased, mut chosen) = (0, 0);
    for round in 0..20 {
        let bob = app.verified_contractor().await;
        let job = app.open_job(&ada).await;
        let bid: BidId = app.bid(&bob, &job).await.parse().unwrap();
        step_up(&bob).await;
        let (owner, bidder) = (ada.player().clone(), bob.player().clone());
        let commands = app.platform.commands().clone();
        let race = tokio::task::spawn_blocking(move || {
            let start = Barrier::new(2);
            std::thread::scope(|scope| {
                let award = scope.spawn(|| {
                    start.wait();
                    let command = AcceptBid { bid, revision: None, inspection_days: None };
                    commands.contracts.accept_bid(owner.actor.homeowner().unwrap(), &command)
                });
                let erasure = scope.spawn(|| {
                    start.wait();
                    commands.identity.erase_person(&bidder.actor)
                });
                (award.join().unwrap(), erasure.join().unwrap())
            })
        });
        let (award, erasure) = race.await.unwrap();
        assert_ne!(award.is_ok(), erasure.is_ok(), "round {round}: {award:?} {erasure:?}");
        match (award, erasure) {
            (Ok(_), Err(refused)) => {
                assert_eq!(refused.code(), "erasure_blocked", "round {round}");
                chosen += 1;
            }
            (Err(refused), _) => {
                assert_eq!(refused.code(), "bid_state", "round {round}");
                erased += 1;
            }
            (Ok(_), Ok(())) => unreachable!(),
        }
        let both = "contracts.contracts c JOIN identity.people p ON p.id IN (c.homeowner_id, c.contractor_id)
            WHERE p.erased_at IS NOT NULL AND c.status IN ('PENDING_SIGNATURES', 'ACTIVE')";
        assert_eq!(app.database.count(both), 0, "round {round}");
    }
    assert_eq!(erased + chosen, 20);
}
