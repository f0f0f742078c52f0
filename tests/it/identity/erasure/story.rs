//! Two people with unmistakable particulars, who write their names wherever one can write: from registration over a whole job to the last
//! review, over HTTP.

use serde_json::{Value, json};
use tests::{PASSWORD, Person, TestApp, unique_email};

use super::super::decide;

/// What leads to a person.
pub(super) struct Particulars {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) phone: &'static str,
    /// Everything that must be nowhere afterwards, beside the e-mail address.
    pub(super) marks: &'static [&'static str],
}

pub(super) const HOMEOWNER: Particulars = Particulars {
    first: "Wilhelmina",
    last: "Quillfeather",
    phone: "+15125550147",
    marks: &[
        "Wilhelmina",
        "Quillfeather",
        "5125550147",
        "512 555 0147",
        "4711 Nightjar Lane",
        "Nightjar",
        "Zephyrloft",
        "Gloomhaven",
        "Fogshire",
        "QX-99-ZZ",
    ],
};

pub(super) const CONTRACTOR: Particulars = Particulars {
    first: "Barnabas",
    last: "Thistlewood",
    phone: "+15125550163",
    marks: &[
        "Barnabas",
        "Thistlewood",
        "5125550163",
        "512 555 0163",
        "LIC-THX-1138",
        "INS-THX-1139",
        "Moorland County",
    ],
};

impl Particulars {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }

    /// Every text that must be nowhere afterwards.
    pub(super) fn texts(&self, email: &str) -> Vec<String> {
        let marks = self.marks.iter().map(|mark| (*mark).to_owned());
        marks.chain([self.name(), email.to_owned(), email.to_lowercase()]).collect()
    }
}

/// The cast after its story.
pub(super) struct Story {
    pub(super) app: TestApp,
    pub(super) homeowner: Person,
    pub(super) contractor: Person,
    pub(super) admin: Person,
    /// Bid on the job, and lost.
    pub(super) rival: Person,
    /// `job_…` of the job that was done.
    pub(super) job: String,
    /// `/api/contracts/…`
    pub(super) contract: String,
    /// `/api/payments/escrow/…`
    pub(super) escrow: String,
    /// The contractor's bid that waits on a second job.
    pub(super) waiting_bid: String,
    /// That job.
    pub(super) open_job: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Story {
    /// A job that ended paid out and reviewed by both, another that is open with a bid on it, and a draft.
    pub(super) async fn told() -> Self {
        let story = Self::before_the_release().await;
        story.is_released().await;
        story.is_reviewed().await;
        story
    }

    /// The same up to where the money is held and approved.
    pub(super) async fn before_the_release() -> Self {
        let mut story = Self::begin().await;
        story.papers_are_checked().await;
        story.both_are_suspended_for_a_while().await;
        story.a_job_is_awarded().await;
        story.it_is_signed_and_paid().await;
        story.it_is_done_and_approved().await;
        story.more_is_open().await;
        story
    }

    async fn begin() -> Self {
        let app = TestApp::start().await;
        let admin = app.admin().await;
        let homeowner = enter(&app, "customer", &HOMEOWNER).await;
        let contractor = enter(&app, "contractor", &CONTRACTOR).await;
        let profile = json!({
            "headline": "Thistlewood builds", "bio": "I am Barnabas Thistlewood of Moorland County.", "trades": ["carpentry"],
            "skills": ["thistlewood-joints"], "serviceRadiusKm": 40, "location": { "lat": 30.2, "lng": -97.7 },
        });
        contractor.patch("/api/users/profile", profile).await.expect(200);
        let rival = app.verified_contractor().await;
        let none = String::new;
        Self {
            app,
            homeowner,
            contractor,
            admin,
            rival,
            job: none(),
            contract: none(),
            escrow: none(),
            waiting_bid: none(),
            open_job: none(),
        }
    }

    async fn papers_are_checked(&self) {
        let credential = |number: &str| {
            json!({
                "number": number, "holder": "Barnabas Thistlewood & Sons", "place": "Moorland County",
                "timeZone": "America/Chicago", "expiresOn": "2090-06-30",
            })
        };
        let papers =
            json!({ "licences": [credential("LIC-THX-1138")], "insurance": credential("INS-THX-1139") });
        let judge = async |step: &str, words: Value| {
            let made =
                self.contractor.post("/api/contractors/verification", papers.clone()).await.expect(201);
            let id = text(&made["id"]);
            let documents =
                format!("/api/contractors/verification/{id}/documents?name=thistlewood-licence.pdf");
            self.contractor.upload(&documents, b"%PDF-1.7 of Barnabas Thistlewood").await.expect(201);
            decide(&self.admin, &id, step, words).await.expect(200);
        };
        let (reason, note) = ("Mr. Thistlewood's licence is blurred", "Barnabas called about it");
        judge("reject", json!({ "reason": reason, "note": note })).await;
        judge("approve", json!({ "note": "Barnabas Thistlewood showed the original" })).await;
    }

    async fn both_are_suspended_for_a_while(&mut self) {
        for (person, whose) in [(&mut self.homeowner, &HOMEOWNER), (&mut self.contractor, &CONTRACTOR)] {
            for step in ["suspend", "reinstate"] {
                let reason = json!({ "reason": format!("{} was called to {step}", whose.name()) });
                self.admin.post(&format!("/api/admin/users/{}/{step}", person.id), reason).await.expect(200);
            }
            *person = self.app.sign_in(&person.email, PASSWORD).await;
        }
    }

    /// A job that says who it is of, in every field that takes words.
    fn posting(&self, status: &str, more: &str) -> Value {
        json!({
            "title": "Stairs of Wilhelmina, Nightjar", "description": format!(
                "Ask for Wilhelmina Quillfeather, 4711 Nightjar Lane, +1 512 555 0147, {}. {more}", self.homeowner.email),
            "category": "carpentry", "skills": ["quillfeather-stairs"], "address": {
                "street": "4711 Nightjar Lane", "unit": "Zephyrloft", "city": "Gloomhaven", "region": "Fogshire", "postalCode": "QX-99-ZZ",
                "country": "US", "point": { "lat": 30.267_153, "lng": -97.743_057 },
            },
            "budgetMax": 200_000, "status": status,
        })
    }

    /// A bid that says whom it is for, and from whom.
    fn bid_on(&self, job: &str, from: &str) -> Value {
        json!({
            "jobId": job, "amount": 100_000, "terms": format!("Dear Wilhelmina Quillfeather of 4711 Nightjar Lane, yours, {from}"),
            "lines": [{ "kind": "labour", "description": format!("{from} for Mrs Quillfeather"), "amount": 100_000 }],
            "milestones": [
                { "title": format!("{from} starts"), "description": "At Wilhelmina's", "amount": 60_000 },
                { "title": "Quillfeather's second half", "amount": 40_000 },
            ],
        })
    }

    async fn a_job_is_awarded(&mut self) {
        let posted = self
            .homeowner
            .post_keyed(
                "/api/jobs",
                "the job of Quillfeather",
                self.posting("OPEN", "Barnabas Thistlewood, 512 555 0163, knows it."),
            )
            .await
            .expect(201);
        self.job = text(&posted["id"]);
        let bid = self
            .contractor
            .post("/api/bids", self.bid_on(&self.job, "Barnabas Thistlewood"))
            .await
            .expect(201);
        let revision = json!({ "startDate": "2090-01-01", "terms": "Wilhelmina, it is me, Barnabas" });
        self.contractor.patch(&format!("/api/bids/{}", text(&bid["id"])), revision).await.expect(200);
        let lost =
            self.rival.post("/api/bids", self.bid_on(&self.job, "a rival of Thistlewood")).await.expect(201);
        let reason = json!({ "reason": "Wilhelmina Quillfeather prefers Barnabas" });
        self.homeowner.post(&format!("/api/bids/{}/reject", text(&lost["id"])), reason).await.expect(200);
        self.app.settle().await;
        let made = self.homeowner.post(&format!("/api/bids/{}/accept", text(&bid["id"])), json!({})).await;
        self.contract = made.header("location").unwrap_or_default().to_owned();
        made.expect(201);
        let words = json!({
            "title": "Barnabas measures Quillfeather", "description": "Thistlewood comes to 4711 Nightjar Lane",
            "deliverables": ["A plan for Wilhelmina", "signed Thistlewood"],
        });
        self.contractor.patch(&self.milestone(0).await.0, words).await.expect(200);
    }

    async fn it_is_signed_and_paid(&mut self) {
        let document = self.homeowner.get(&format!("{}/document", self.contract)).await.expect(200);
        for party in [&self.homeowner, &self.contractor] {
            let signature = json!({ "documentSha256": document["sha256"] });
            party.post(&format!("{}/sign", self.contract), signature).await.expect(200);
        }
        let id = text(&self.homeowner.get(&self.contract).await.expect(200)["id"]);
        let made =
            self.homeowner.post("/api/payments/escrow/create", json!({ "contractId": id })).await.expect(201);
        self.escrow = format!("/api/payments/escrow/{}", text(&made["id"]));
        let deposit = json!({ "paymentMethod": "pm_card_visa" });
        self.homeowner.pay(&format!("{}/deposit", self.escrow), deposit).await.expect(201);
        self.app.settle().await;
    }

    async fn it_is_done_and_approved(&self) {
        for place in 0..2 {
            let (path, _) = self.milestone(place).await;
            let complete = format!("{path}/complete");
            for action in ["start", "submit"] {
                self.contractor.patch(&path, json!({ "action": action })).await.expect(200);
            }
            let changes = json!({ "action": "request_changes", "reason": "Once more, Barnabas. Wilhelmina Quillfeather" });
            self.homeowner.patch(&complete, changes).await.expect(200);
            self.contractor.patch(&path, json!({ "action": "submit" })).await.expect(200);
            self.homeowner.patch_empty(&complete).await.expect(200);
        }
        self.app.settle().await;
    }

    async fn more_is_open(&mut self) {
        let posted = self.homeowner.post("/api/jobs", self.posting("OPEN", "")).await.expect(201);
        self.open_job = text(&posted["id"]);
        let bid = self.bid_on(&self.open_job, "Barnabas Thistlewood");
        self.waiting_bid = text(&self.contractor.post("/api/bids", bid).await.expect(201)["id"]);
        self.homeowner.post("/api/jobs", self.posting("DRAFT", "")).await.expect(201);
        self.app.settle().await;
    }

    pub(super) async fn is_released(&self) {
        for place in 0..2 {
            let (_, id) = self.milestone(place).await;
            let release = format!("{}/release/milestone", self.escrow);
            self.homeowner.pay(&release, json!({ "milestoneId": id })).await.expect(200);
        }
        self.app.settle().await;
    }

    async fn is_reviewed(&self) {
        let id = text(&self.homeowner.get(&self.contract).await.expect(200)["id"]);
        for (author, words) in [
            (&self.homeowner, "Barnabas Thistlewood is my man. Wilhelmina Quillfeather"),
            (&self.contractor, "Wilhelmina Quillfeather is a lady. Barnabas Thistlewood"),
        ] {
            let review = json!({ "contractId": id, "rating": 5, "quality": 4, "timeliness": 3, "communication": 2, "text": words });
            author.post("/api/reviews", review).await.expect(201);
        }
        self.app.settle().await;
    }

    /// The path and the id of a milestone by its place, from 0.
    async fn milestone(&self, place: usize) -> (String, String) {
        let page = self.homeowner.get(&format!("{}/milestones", self.contract)).await.expect(200);
        let id = text(&page["data"][place]["id"]);
        (format!("{}/milestones/{id}", self.contract), id)
    }

    /// Everything that this person may read of what the two had with each other, and what it says of money.
    pub(super) async fn read_by(&self, person: &Person) -> Value {
        let read = async |path: String| person.get(&path).await.expect(200);
        let (homeowner, contractor) = (&self.homeowner, &self.contractor);
        json!({
            "contract": read(self.contract.clone()).await,
            "milestones": read(format!("{}/milestones", self.contract)).await,
            "escrow": read(self.escrow.clone()).await,
            "history": read(format!("{}/history", self.escrow)).await,
            "ofHomeowner": read(format!("/api/users/{}/reviews", homeowner.id)).await,
            "ofContractor": read(format!("/api/users/{}/reviews", contractor.id)).await,
        })
    }
}

async fn enter(app: &TestApp, user_type: &str, whose: &Particulars) -> Person {
    // Written with capitals: kept as written, and compared without them.
    let email = format!("{}.{}", whose.first, unique_email(whose.last));
    let form = json!({ "email": email, "password": PASSWORD, "userType": user_type, "name": whose.name() });
    let answer = app.anyone().post("/api/auth/register", form).await.expect(201);
    let person = app.signed_in(&answer, &email, PASSWORD);
    app.settle().await;
    let token = json!({ "token": app.mailed_token(&person) });
    app.anyone().post("/api/auth/verify-email", token).await.expect(200);
    person.patch("/api/users/profile", json!({ "phone": whose.phone })).await.expect(200);
    app.sign_in(&email, PASSWORD).await
}
