//! The main job, end to end, as outside clients go through it: over HTTP and by what comes in the mail, and by nothing else. After each
//! step: who was told what in the inbox and by mail, where things stand, and where the money is.

mod cast;

use std::time::Duration;

use cast::Cast;
use serde_json::{Value, json};
use tests::{Person, papers};

/// The price, in two parts that no fee divides evenly.
const PRICE: i64 = 100_000;
const WALLS: i64 = 60_005;
const FLOOR: i64 = 39_995;
/// What the platform keeps of each: 290 basis points, rounded half up.
const WALLS_FEE: i64 = 1_740;
const FLOOR_FEE: i64 = 1_160;
/// What is released of the floor first, and its fee.
const FLOOR_PART: i64 = 10_001;
const FLOOR_PART_FEE: i64 = 290;
/// What the payment provider charges the platform for the deposit; nobody else pays for it.
const PROCESSOR_FEE: i64 = 1_000;

#[actix_web::test]
async fn the_main_job_from_registration_to_reviews() {
    let cast = Cast::register().await;
    everybody_proves_their_address(&cast).await;
    the_contractors_are_verified(&cast).await;
    let job = a_job_is_posted_and_found(&cast).await;
    let bid = two_rivals_bid_blind(&cast, &job).await;
    let contract = one_bid_is_accepted(&cast, &job, &bid).await;
    both_sign(&cast, &contract).await;
    let escrow = the_escrow_is_funded(&cast, &contract).await;
    let milestones = milestones(&cast.bob, &contract).await;
    the_walls_are_done_and_released_whole(&cast, &job, &escrow, &milestones[0]).await;
    the_floor_is_done_and_released_in_parts(&cast, &escrow, &milestones[1]).await;
    everything_is_finished(&cast, &job, &contract, &escrow).await;
    both_review_and_neither_sees_the_others_before(&cast, &contract).await;
    the_books_balance(&cast, &escrow).await;
}

/// A milestone as clients name it: of its contract, by its id.
struct Place {
    path: String,
    id: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

async fn status(reader: &Person, path: &str) -> String {
    text(&reader.get(path).await.expect(200)["status"])
}

async fn milestones(reader: &Person, contract: &str) -> Vec<Place> {
    let list = format!("{contract}/milestones");
    let page = reader.get(&list).await.expect(200);
    let ids = page["data"].as_array().into_iter().flatten().map(|milestone| text(&milestone["id"]));
    ids.map(|id| Place { path: format!("{list}/{id}"), id }).collect()
}

async fn everybody_proves_their_address(cast: &Cast) {
    cast.app.settle().await;
    for (person, welcome) in [
        (&cast.ada, "welcome_customer"),
        (&cast.bob, "welcome_contractor"),
        (&cast.eve, "welcome_contractor"),
    ] {
        // The inbox greets; to an address that is nobody's yet goes only what proves it.
        let news = cast.news(person).await;
        assert_eq!((news.len(), &news[0]["template"]), (1, &json!(welcome)));
        assert_eq!(cast.headlines(person), ["Confirm your e-mail address"]);
        let me = person.get("/api/auth/me").await.expect(200);
        assert_eq!(me["user"]["emailVerified"], false);

        let token = json!({ "token": cast.app.mailed_token(person) });
        cast.app.anyone().post("/api/auth/verify-email", token.clone()).await.expect(200);
        let me = person.get("/api/auth/me").await.expect(200);
        assert_eq!(me["user"]["emailVerified"], true);
        // It works once.
        assert!(cast.app.anyone().post("/api/auth/verify-email", token).await.status >= 400);
    }
    cast.told(&[]).await;
}

async fn the_contractors_are_verified(cast: &Cast) {
    for contractor in [&cast.bob, &cast.eve] {
        let submitted = contractor.post("/api/contractors/verification", papers()).await.expect(201);
        assert_eq!(submitted["status"], "PENDING");
    }
    cast.told(&[(&cast.grace, &["verification_submitted", "verification_submitted"])]).await;

    let queue = cast.grace.get("/api/admin/verifications?status=PENDING").await.expect(200);
    let waiting = queue["data"].as_array().cloned().unwrap_or_default();
    assert_eq!(waiting.len(), 2);
    for entry in &waiting {
        let path = format!("/api/admin/verifications/{}/approve", text(&entry["verification"]["id"]));
        let approved = cast.grace.post_empty(&path).await.expect(200);
        assert_eq!(approved["verification"]["status"], "APPROVED");
    }
    cast.told(&[(&cast.bob, &["verification_approved"]), (&cast.eve, &["verification_approved"])]).await;
    let me = cast.bob.get("/api/auth/me").await.expect(200);
    assert_eq!(me["verification"], json!({ "status": "APPROVED", "mayBid": true }));
}

async fn a_job_is_posted_and_found(cast: &Cast) -> String {
    let deadline = cast.app.now() + chrono::TimeDelta::days(7);
    let form = json!({
        "title": "Tile the bathroom", "description": "Floor and walls, 12 square metres.", "category": "tiling",
        "address": {
            "street": "12 Oak Street", "city": "Austin", "region": "TX", "postalCode": "78701", "country": "US",
            "point": { "lat": 30.267_153, "lng": -97.743_057 },
        },
        "budgetMin": 80_000, "budgetMax": 120_000, "biddingDeadline": deadline, "status": "DRAFT",
    });
    let draft = cast.ada.post("/api/jobs", form).await.expect(201);
    assert_eq!(draft["status"], "DRAFT");
    let job = text(&draft["id"]);
    let path = format!("/api/jobs/{job}");
    for stranger in [&cast.bob, &cast.app.anyone()] {
        stranger.get(&path).await.problem(404, "job_not_found");
        assert_eq!(stranger.get("/api/jobs").await.expect(200)["data"], json!([]));
    }
    cast.told(&[]).await;

    let published = cast.ada.post_empty(&format!("{path}/publish")).await.expect(200);
    assert_eq!((&published["status"], &published["biddingClosed"]), (&json!("OPEN"), &json!(false)));
    cast.told(&[(&cast.ada, &["job_published"])]).await;
    for contractor in [&cast.bob, &cast.eve] {
        let found = contractor.get("/api/jobs?status=posted").await.expect(200);
        assert_eq!((&found["data"][0]["id"], found["data"].as_array().map(Vec::len)), (&json!(job), Some(1)));
        let seen = contractor.get(&path).await;
        // About where it is, and not the house.
        assert!(seen.json["area"].is_object() && seen.json["address"].is_null(), "{}", seen.json);
        assert!(!seen.text().contains("Oak Street"), "{}", seen.text());
    }
    job
}

async fn two_rivals_bid_blind(cast: &Cast, job: &str) -> String {
    let of_job = format!("/api/bids/{job}");
    let offer = json!({
        "jobId": job, "amount": PRICE, "terms": "Tiles are included.",
        "milestones": [{ "title": "The walls", "amount": WALLS }, { "title": "The floor", "amount": FLOOR }],
    });
    let bid = cast.bob.post("/api/bids", offer).await.expect(201);
    assert_eq!((&bid["status"], &bid["revision"]), (&json!("SUBMITTED"), &json!(1)));
    cast.told(&[(&cast.bob, &["bid_submitted"]), (&cast.ada, &["bid_received"])]).await;

    // The rival sees neither the bid nor that there is one.
    assert_eq!(cast.eve.get(&of_job).await.expect(200)["data"], json!([]));
    let rival = cast.eve.post("/api/bids", json!({ "jobId": job, "amount": 95_000 })).await.expect(201);
    cast.told(&[(&cast.eve, &["bid_submitted"]), (&cast.ada, &["bid_received"])]).await;
    for (bidder, own) in [(&cast.bob, &bid), (&cast.eve, &rival)] {
        let seen = bidder.get(&of_job).await.expect(200);
        assert_eq!((&seen["data"][0]["id"], seen["data"].as_array().map(Vec::len)), (&own["id"], Some(1)));
    }
    let seen = cast.ada.get(&of_job).await.expect(200);
    let mut amounts: Vec<i64> =
        seen["data"].as_array().into_iter().flatten().filter_map(|bid| bid["amount"].as_i64()).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [95_000, PRICE]);
    text(&bid["id"])
}

async fn one_bid_is_accepted(cast: &Cast, job: &str, bid: &str) -> String {
    let made = cast.ada.post(&format!("/api/bids/{bid}/accept"), json!({ "revision": 1 })).await;
    let path = made.header("location").unwrap_or_default().to_owned();
    let contract = made.expect(201);
    assert_eq!((&contract["status"], &contract["price"]), (&json!("PENDING_SIGNATURES"), &json!(PRICE)));
    cast.told(&[
        (&cast.ada, &["contract_created_homeowner"]),
        (&cast.bob, &["contract_created_contractor"]),
        (&cast.eve, &["bid_rejected"]),
    ])
    .await;

    let job = format!("/api/jobs/{job}");
    assert_eq!(status(&cast.ada, &job).await, "AWARDED");
    // From now on the chosen one knows the house; the other learns that there were two.
    assert_eq!(cast.bob.get(&job).await.expect(200)["address"]["street"], "12 Oak Street");
    assert_eq!(cast.eve.get(&job).await.expect(200)["address"], Value::Null);
    let lost = cast.eve.get("/api/bids/mine").await.expect(200)["data"][0].clone();
    assert_eq!(lost["status"], "REJECTED");
    assert_eq!(lost["outcome"], json!({ "result": "LOST", "bids": 2, "third": null }));
    cast.app.anyone().get(&job).await.problem(404, "job_not_found");
    cast.eve.get(&path).await.problem(404, "contract_not_found");
    path
}

async fn both_sign(cast: &Cast, contract: &str) {
    let document = cast.bob.get(&format!("{contract}/document")).await.expect(200);
    for line in
        ["    Ada Lovelace", "    Bob Mason", "    The walls", "    The floor", "    Tiles are included."]
    {
        assert!(text(&document["text"]).lines().any(|other| other == line), "{line}");
    }
    let signature = json!({ "documentSha256": document["sha256"] });
    let sign = format!("{contract}/sign");
    let signed = cast.ada.post(&sign, signature.clone()).await.expect(200);
    assert_eq!(signed["status"], "PENDING_SIGNATURES");
    cast.told(&[(&cast.bob, &["contract_signed"])]).await;
    let signed = cast.bob.post(&sign, signature).await.expect(200);
    assert_eq!(signed["status"], "ACTIVE");
    cast.told(&[
        (&cast.ada, &["contract_signed", "contract_activated_homeowner"]),
        (&cast.bob, &["contract_activated_contractor"]),
    ])
    .await;
    cast.books(&[]).await;
}

async fn the_escrow_is_funded(cast: &Cast, contract: &str) -> String {
    let id = text(&cast.ada.get(contract).await.expect(200)["id"]);
    let made = cast.ada.post("/api/payments/escrow/create", json!({ "contractId": id })).await.expect(201);
    assert_eq!(
        (&made["totalAmount"], &made["heldAmount"], &made["status"]),
        (&json!(PRICE), &json!(0), &json!("ACTIVE"))
    );
    cast.told(&[(&cast.ada, &["escrow_created_homeowner"]), (&cast.bob, &["escrow_created_contractor"])])
        .await;
    let escrow = format!("/api/payments/escrow/{}", text(&made["id"]));

    let opened = cast.ada.pay(&format!("{escrow}/deposit"), json!({})).await.expect(201);
    assert_eq!(
        (&opened["payment"]["status"], &opened["payment"]["amount"]),
        (&json!("REQUIRES_CONFIRMATION"), &json!(PRICE))
    );
    assert!(opened["clientSecret"].is_string(), "{opened}");
    // What is not confirmed is not held.
    cast.told(&[]).await;
    cast.books(&[]).await;
    let confirmation = json!({ "paymentId": opened["payment"]["id"], "paymentMethod": "pm_card_visa" });
    let paid = cast.ada.pay("/api/payments/confirm", confirmation).await.expect(200);
    assert_eq!(
        (&paid["payment"]["status"], &paid["payment"]["fundedAmount"]),
        (&json!("SUCCEEDED"), &json!(PRICE))
    );
    // The provider's own word comes by webhook, too, and changes nothing any more.
    cast.told(&[(&cast.ada, &["payment_succeeded"]), (&cast.bob, &["milestone_funded", "milestone_funded"])])
        .await;
    cast.books(&[
        ("CARD_CLEARING", PROCESSOR_FEE - PRICE),
        ("PROCESSOR_FEE", -PROCESSOR_FEE),
        ("HELD", PRICE),
    ])
    .await;
    assert_eq!(cast.bob.get(&escrow).await.expect(200)["heldAmount"], PRICE);
    escrow
}

async fn the_walls_are_done_and_released_whole(cast: &Cast, job: &str, escrow: &str, walls: &Place) {
    let (job, complete) = (format!("/api/jobs/{job}"), format!("{}/complete", walls.path));
    let release = format!("{escrow}/release/milestone");
    let act = async |action: &str| cast.bob.patch(&walls.path, json!({ "action": action })).await.expect(200);
    assert_eq!(act("start").await["status"], "IN_PROGRESS");
    cast.told(&[(&cast.ada, &["milestone_started"])]).await;
    assert_eq!(status(&cast.bob, &job).await, "IN_PROGRESS");
    act("submit").await;
    cast.told(&[(&cast.ada, &["milestone_submitted"])]).await;
    // Nothing moves before the approval.
    let body = json!({ "milestoneId": walls.id });
    cast.bob.pay(&release, body.clone()).await.wrong_state("SUBMITTED");

    let changes = json!({ "action": "request_changes", "reason": "One tile is loose." });
    assert_eq!(cast.ada.patch(&complete, changes).await.expect(200)["status"], "CHANGES_REQUESTED");
    cast.told(&[(&cast.bob, &["milestone_changes_requested"])]).await;
    act("submit").await;
    cast.told(&[(&cast.ada, &["milestone_submitted"])]).await;
    assert_eq!(cast.ada.patch_empty(&complete).await.expect(200)["status"], "APPROVED");
    cast.told(&[(&cast.bob, &["milestone_approved"])]).await;
    cast.books(&[
        ("CARD_CLEARING", PROCESSOR_FEE - PRICE),
        ("PROCESSOR_FEE", -PROCESSOR_FEE),
        ("HELD", PRICE),
    ])
    .await;

    let released = cast.ada.pay(&release, body.clone()).await.expect(200);
    for (field, amount) in [
        ("amount", WALLS),
        ("feeAmount", WALLS_FEE),
        ("shareAmount", WALLS - WALLS_FEE),
        ("remainingAmount", 0),
        ("part", 1),
    ] {
        assert_eq!(released[field], amount, "{field}");
    }
    // What the contractor is owed waits for its payout.
    cast.books(&[
        ("CARD_CLEARING", PROCESSOR_FEE - PRICE),
        ("PROCESSOR_FEE", -PROCESSOR_FEE),
        ("HELD", FLOOR),
        ("CONTRACTOR_PAYABLE", WALLS - WALLS_FEE),
        ("PLATFORM_FEE", WALLS_FEE),
    ])
    .await;
    cast.told(&[
        (&cast.bob, &["milestone_released_contractor", "payout_paid"]),
        (&cast.ada, &["milestone_released_homeowner"]),
    ])
    .await;
    cast.books(&[
        ("CARD_CLEARING", PROCESSOR_FEE - FLOOR - WALLS_FEE),
        ("PROCESSOR_FEE", -PROCESSOR_FEE),
        ("HELD", FLOOR),
        ("PLATFORM_FEE", WALLS_FEE),
    ])
    .await;
    cast.bob.pay(&release, body).await.wrong_state("RELEASED");
}

async fn the_floor_is_done_and_released_in_parts(cast: &Cast, escrow: &str, floor: &Place) {
    let release = format!("{escrow}/release/milestone");
    for action in ["start", "submit"] {
        cast.bob.patch(&floor.path, json!({ "action": action })).await.expect(200);
    }
    cast.told(&[(&cast.ada, &["milestone_started", "milestone_submitted"])]).await;
    cast.ada.patch_empty(&format!("{}/complete", floor.path)).await.expect(200);
    cast.told(&[(&cast.bob, &["milestone_approved"])]).await;

    let part = json!({ "milestoneId": floor.id, "amount": FLOOR_PART });
    let first = cast.ada.pay(&release, part).await.expect(200);
    assert_eq!(
        (&first["feeAmount"], &first["remainingAmount"]),
        (&json!(FLOOR_PART_FEE), &json!(FLOOR - FLOOR_PART))
    );
    cast.told(&[
        (&cast.bob, &["milestone_released_contractor", "payout_paid"]),
        (&cast.ada, &["milestone_released_homeowner"]),
    ])
    .await;
    assert_eq!(cast.ada.get(escrow).await.expect(200)["heldAmount"], FLOOR - FLOOR_PART);
    // More than is left is more than is held.
    let too_much = json!({ "milestoneId": floor.id, "amount": FLOOR - FLOOR_PART + 1 });
    cast.bob.pay(&release, too_much).await.problem(422, "amount_mismatch");

    let rest = cast.bob.pay(&release, json!({ "milestoneId": floor.id })).await.expect(200);
    assert_eq!((&rest["part"], &rest["amount"]), (&json!(2), &json!(FLOOR - FLOOR_PART)));
    // The fees of the parts sum to the fee of the whole.
    assert_eq!(
        (&rest["feeAmount"], &rest["remainingAmount"]),
        (&json!(FLOOR_FEE - FLOOR_PART_FEE), &json!(0))
    );
}

async fn everything_is_finished(cast: &Cast, job: &str, contract: &str, escrow: &str) {
    cast.told(&[
        (&cast.bob, &["milestone_released_contractor", "contract_completed", "payout_paid"]),
        (&cast.ada, &["milestone_released_homeowner", "contract_completed"]),
    ])
    .await;
    assert_eq!(status(&cast.ada, &format!("/api/jobs/{job}")).await, "COMPLETED");
    assert_eq!(status(&cast.bob, contract).await, "COMPLETED");
    let page = cast.ada.get(&format!("{contract}/milestones")).await.expect(200);
    assert!(
        page["data"].as_array().into_iter().flatten().all(|milestone| milestone["status"] == "RELEASED"),
        "{page}"
    );
    let account = cast.ada.get(escrow).await.expect(200);
    for (field, amount) in [
        ("heldAmount", 0),
        ("releasedAmount", PRICE),
        ("refundedAmount", 0),
        ("feeAmount", WALLS_FEE + FLOOR_FEE),
    ] {
        assert_eq!(account[field], amount, "{field}");
    }
    assert_eq!(account["status"], "CLOSED");
    let id = contract.rsplit('/').next().unwrap_or_default();
    let summary = cast.bob.get(&format!("/api/payments/contract/{id}/summary")).await.expect(200);
    assert_eq!(summary["paidOutAmount"], PRICE - WALLS_FEE - FLOOR_FEE);
    let payouts = summary["payouts"].as_array().cloned().unwrap_or_default();
    assert_eq!(payouts.iter().filter(|payout| payout["status"] == "PAID").count(), 3, "{summary}");
}

async fn both_review_and_neither_sees_the_others_before(cast: &Cast, contract: &str) {
    let id = text(&cast.ada.get(contract).await.expect(200)["id"]);
    let stars = |rating: i64, words: &str| {
        json!({
            "contractId": id, "rating": rating, "quality": rating, "timeliness": rating, "communication": rating, "text": words,
        })
    };
    let (of_bob, of_ada) = (
        format!("/api/contractors/{}/reviews", cast.bob.party),
        format!("/api/users/{}/reviews", cast.ada.id),
    );
    let review = cast.ada.post("/api/reviews", stars(5, "Clean work.")).await.expect(201);
    assert_eq!(review["publishedAt"], Value::Null);
    cast.told(&[(&cast.bob, &["review_submitted"])]).await;
    for reader in [&cast.bob, &cast.eve, &cast.app.anyone()] {
        let list = reader.get(&of_bob).await.expect(200);
        assert_eq!((&list["data"], &list["summary"]["count"]), (&json!([]), &json!(0)));
    }
    cast.eve.post("/api/reviews", stars(1, "Not mine.")).await.problem(404, "contract_not_found");

    cast.bob.post("/api/reviews", stars(4, "Knew what she wanted.")).await.expect(201);
    cast.told(&[(&cast.ada, &["review_submitted", "review_published"]), (&cast.bob, &["review_published"])])
        .await;
    for (list, words, author) in
        [(&of_bob, "Clean work.", "Ada L."), (&of_ada, "Knew what she wanted.", "Bob Mason")]
    {
        let list = cast.app.anyone().get(list).await.expect(200);
        assert_eq!(list["summary"]["count"], 1);
        assert_eq!(
            (&list["data"][0]["text"], &list["data"][0]["authorName"]),
            (&json!(words), &json!(author))
        );
    }
}

async fn the_books_balance(cast: &Cast, escrow: &str) {
    // The clocks that are still set find nothing left to do.
    cast.app.pass(Duration::from_secs(40 * 24 * 3600)).await;
    let grace = cast.app.sign_in(&cast.grace.email, &cast.grace.password).await;
    let balance = grace.get("/api/admin/ledger/trial-balance").await.expect(200);
    assert_eq!(balance["balanced"], true);
    let fees = WALLS_FEE + FLOOR_FEE;
    let of = |kind: &str| {
        let line = balance["lines"].as_array().into_iter().flatten().find(|line| line["kind"] == kind);
        line.map(|line| (line["debitAmount"].clone(), line["creditAmount"].clone()))
    };
    // What lies at the provider is what the platform earned less what it was charged, to the last cent.
    assert_eq!(of("CARD_CLEARING"), Some((json!(fees - PROCESSOR_FEE), json!(0))));
    assert_eq!(of("PROCESSOR_FEE"), Some((json!(PROCESSOR_FEE), json!(0))));
    assert_eq!(of("PLATFORM_FEE"), Some((json!(0), json!(fees))));
    for empty in ["HELD", "CONTRACTOR_PAYABLE"] {
        assert_eq!(of(empty), Some((json!(0), json!(0))), "{empty}");
    }
    let ada = cast.app.sign_in(&cast.ada.email, &cast.ada.password).await;
    let history = ada.get(&format!("{escrow}/history")).await.expect(200);
    let lines: Vec<(String, i64, i64)> = history["data"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| {
            (text(&line["kind"]), line["amount"].as_i64().unwrap(), line["balance"].as_i64().unwrap())
        })
        .collect();
    let rest = FLOOR - FLOOR_PART;
    let movement = |kind: &str, amount, balance| (kind.to_owned(), amount, balance);
    assert_eq!(
        lines,
        [
            movement("DEPOSIT", WALLS, WALLS),
            movement("DEPOSIT", FLOOR, PRICE),
            movement("RELEASE", -WALLS, FLOOR),
            movement("RELEASE", -FLOOR_PART, rest),
            movement("RELEASE", -rest, 0),
        ]
    );
    // Nothing was given up on, and whoever recomputes all of it finds the same.
    assert_eq!(cast.app.database.count("outbox.tasks WHERE state = 'PARKED'"), 0);
    let report = cast.app.database.db.read(escrow::verify_ledger).unwrap();
    assert!(report.is_clean(), "{report:?}");
}
