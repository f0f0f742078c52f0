//! One homeowner and one contractor who take job after job from posting to paid, whatever becomes of the server meanwhile. What
//! was not answered is sent again with the same key until it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Person};

use super::journal::{Deed, Entry, Journal};

/// Between two tries of one command.
const PAUSE: Duration = Duration::from_millis(25);
/// After so long without an answer something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);
/// What is paid with, the usual more often: a card that fails, slow ones, ones whose webhooks misbehave.
const CARDS: [&str; 10] = [
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_webhookTwice",
    "pm_card_webhookReversed",
    "pm_card_answerLost",
    "pm_card_processing",
    "pm_card_chargeDeclined",
];

pub(super) struct Client {
    pub(super) name: String,
    pub(super) homeowner: Person,
    pub(super) contractor: Person,
    pub(super) journal: Journal,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) keys: usize,
}

impl Client {
    /// Takes jobs to their end, until told to begin no other.
    pub(super) async fn run(mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            self.one_job().await;
        }
    }

    async fn one_job(&mut self) {
        let (ada, bob) = (self.homeowner.clone(), self.contractor.clone());
        let amounts = [rand::random_range(10_000..90_000_i64), rand::random_range(100..5_000)];
        let job = self.command(Deed::Job, &ada, "/api/jobs", a_job()).await;
        let bid = self.command(Deed::Bid, &bob, "/api/bids", a_bid(&job["id"], &amounts)).await;
        let path = format!("/api/bids/{}/accept", text(&bid["id"]));
        let contract = self.command(Deed::Acceptance, &ada, &path, json!({})).await;
        let place = format!("/api/contracts/{}", text(&contract["id"]));
        let text_read = json!({ "documentSha256": contract["documentSha256"] });
        for party in [&ada, &bob] {
            self.command(Deed::Signature, party, &format!("{place}/sign"), text_read.clone()).await;
        }
        let account = json!({ "contractId": contract["id"] });
        let account = self.command(Deed::Account, &ada, "/api/payments/escrow/create", account).await;
        let escrow = format!("/api/payments/escrow/{}", text(&account["id"]));
        let milestones = self.read(&ada, &format!("{place}/milestones")).await;
        for milestone in milestones["data"].as_array().into_iter().flatten() {
            self.pay_in(&ada, &escrow, milestone).await;
            let step = format!("{place}/milestones/{}", text(&milestone["id"]));
            self.step(&bob, &step, Some(json!({ "action": "start" })), "IN_PROGRESS").await;
            self.step(&bob, &step, Some(json!({ "action": "submit" })), "SUBMITTED").await;
            self.step(&ada, &format!("{step}/complete"), None, "APPROVED").await;
            self.journal.open().approvals.push(text(&milestone["id"]).to_owned());
            self.release(&escrow, milestone).await;
        }
    }

    /// Pays for a milestone: with another card when the first is declined, and with patience when it is slow.
    async fn pay_in(&mut self, payer: &Person, escrow: &str, milestone: &Value) {
        let mut card = CARDS.choose(&mut rand::rng()).copied().unwrap_or_default();
        loop {
            let body = json!({ "milestoneIds": [milestone["id"]], "paymentMethod": card });
            let paid = self.command(Deed::Deposit, payer, &format!("{escrow}/deposit"), body).await;
            let mut payment = paid["payment"].clone();
            while matches!(text(&payment["status"]), "PROCESSING" | "REQUIRES_CONFIRMATION") {
                tokio::time::sleep(10 * PAUSE).await;
                let again = json!({ "paymentId": payment["id"] });
                let told = self.command(Deed::Confirmation, payer, "/api/payments/confirm", again).await;
                payment = told["payment"].clone();
            }
            match text(&payment["status"]) {
                "SUCCEEDED" => return,
                "FAILED" => card = "pm_card_visa",
                other => panic!("the payment is {other}"),
            }
        }
    }

    /// Releases a milestone in parts, now by one party, now by the other.
    async fn release(&mut self, escrow: &str, milestone: &Value) {
        let path = format!("{escrow}/release/milestone");
        let mut left = milestone["targetAmount"].as_i64().unwrap_or_default();
        while left > 0 {
            let who = if rand::random() { self.homeowner.clone() } else { self.contractor.clone() };
            let mut part = json!({ "milestoneId": milestone["id"] });
            if rand::random_ratio(3, 4) {
                part["amount"] = rand::random_range((left / 4).max(1)..=left).into();
            }
            let released = self.command(Deed::Release, &who, &path, part).await;
            left = released["remainingAmount"].as_i64().unwrap_or_default();
        }
    }

    /// Sends a command, twice at a time now and then, until it is acknowledged; and writes that down.
    async fn command(&mut self, deed: Deed, who: &Person, path: &str, body: Value) -> Value {
        self.keys += 1;
        let key = format!("{}-{}", self.name, self.keys);
        let began = Instant::now();
        let send = || async {
            let sent = who.try_send(Method::POST, path, |r| r.header("idempotency-key", &key).json(&body));
            settled(sent.await)
        };
        let answer = loop {
            let told = if rand::random_ratio(1, 8) {
                let (one, two) = futures_util::future::join(send(), send()).await;
                if let (Some(one), Some(two)) = (&one, &two) {
                    assert_eq!(one.bytes, two.bytes, "{} answered two things", one.asked);
                }
                one.or(two)
            } else {
                send().await
            };
            if let Some(answer) = told {
                break answer;
            }
            self.doubt(path, began).await;
        };
        let json = answer.json.clone();
        let mut pages = self.journal.open();
        pages.longest = pages.longest.max(began.elapsed());
        let (who, path) = (who.clone(), path.to_owned());
        pages.entries.push(Entry { deed, who, path, key, body, answer });
        json
    }

    /// Takes a milestone a step further. There is no key: who asks again may be told that it is there already.
    async fn step(&self, who: &Person, path: &str, body: Option<Value>, becomes: &str) {
        let (began, mut doubted) = (Instant::now(), false);
        loop {
            let sent = who.try_send(Method::PATCH, path, |request| match &body {
                Some(body) => request.json(body),
                None => request,
            });
            match sent.await {
                Ok(answer) if doubted && answer.status == 409 && answer.json["state"] == becomes => return,
                sent => {
                    if let Some(answer) = settled(sent) {
                        assert_eq!(answer.json["status"], becomes, "{}", answer.text());
                        return;
                    }
                }
            }
            doubted = true;
            self.doubt(path, began).await;
        }
    }

    async fn read(&self, who: &Person, path: &str) -> Value {
        let began = Instant::now();
        loop {
            if let Some(answer) = settled(who.try_send(Method::GET, path, |request| request).await) {
                return answer.json;
            }
            self.doubt(path, began).await;
        }
    }

    async fn doubt(&self, path: &str, began: Instant) {
        assert!(began.elapsed() < PATIENCE, "{path} was not answered in {PATIENCE:?}");
        self.journal.open().doubts += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// An acknowledgement; none when nothing is known yet, because the server is gone, or not back, or still at it.
fn settled(sent: Result<Answer, reqwest::Error>) -> Option<Answer> {
    let answer = sent.ok()?;
    let passing = matches!(answer.json["code"].as_str(), Some("idempotency_in_progress" | "busy"));
    match answer.status {
        200..=299 => Some(answer),
        503 => None,
        409 if passing => None,
        _ => panic!("{} answered {}", answer.asked, answer.text()),
    }
}

fn a_job() -> Value {
    json!({
        "title": "Tile the bathroom", "description": "Floor and walls, 12 square metres.", "category": "tiling",
        "address": { "street": "1204 Willow Creek Drive", "city": "Austin", "country": "US" },
        "budgetMax": 250_000,
    })
}

fn a_bid(job: &Value, amounts: &[i64]) -> Value {
    let stage = |amount: &i64| json!({ "title": "A part of it", "amount": amount });
    json!({
        "jobId": job, "amount": amounts.iter().sum::<i64>(),
        "milestones": amounts.iter().map(stage).collect::<Vec<_>>(),
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
