//! Who calls, and the things that they call about.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};
use tests::{Deal, Person, TestApp, papers};

use super::document::Who;

/// How a caller stands to a thing. A person's own, another's and a missing thing are thereby columns of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody.
    SignedOut,
    /// The homeowner whose job it is.
    Owner,
    /// The contractor whose bid it is.
    Worker,
    /// A homeowner with things of their own, to whom these are another's.
    Homeowner,
    /// A verified contractor with things of their own, to whom these are another's.
    Contractor,
    /// A contractor who is not verified.
    Unverified,
    /// An administrator.
    Admin,
}

impl Caller {
    pub(crate) const ALL: [Self; 7] = [
        Self::SignedOut,
        Self::Owner,
        Self::Worker,
        Self::Homeowner,
        Self::Contractor,
        Self::Unverified,
        Self::Admin,
    ];

    /// Whether the declared rights let this caller through to ask about a thing at all.
    pub(crate) fn fits(self, who: Who) -> bool {
        match who {
            Who::Anyone | Who::Newcomer => true,
            Who::SignedIn => self != Self::SignedOut,
            Who::Homeowner => matches!(self, Self::Owner | Self::Homeowner),
            Who::Contractor => matches!(self, Self::Worker | Self::Contractor | Self::Unverified),
            Who::Admin => self == Self::Admin,
            Who::Operator | Who::Signed => false,
        }
    }

    /// Whether this caller is a party of the things, or may look into everything.
    pub(super) fn is_stranger(self) -> bool {
        !matches!(self, Self::Owner | Self::Worker | Self::Admin)
    }
}

/// How far the things have come that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
    /// A job that its owner has not published.
    Draft,
    /// An open job with a bid of the worker's.
    Open,
    /// A contract under way, paid for, with an approved milestone.
    Deal,
    /// A contract that has come to its end, with nothing reviewed yet.
    Done,
    /// What does not belong to a job.
    Beside,
}

/// A thing of each kind, by the prefix of its id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Things(BTreeMap<&'static str, String>);

impl Things {
    pub(crate) fn get(&self, prefix: &str) -> Option<&str> {
        self.0.get(prefix).map(String::as_str)
    }

    /// The same kinds of things, none of which there is.
    pub(super) fn missing(&self) -> Self {
        let other = |prefix: &str| format!("{prefix}_{}", kernel::id::encode_suffix(uuid::Uuid::now_v7()));
        Self(self.0.keys().map(|prefix| (*prefix, other(prefix))).collect())
    }

    /// The ids that only parties may ever read.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|(prefix, _)| ["att", "bid", "ctr", "mst", "esc", "pay", "ntf"].contains(prefix))
            .map(|(_, id)| id.as_str())
    }
}

/// Everybody and everything.
pub(crate) struct Cast {
    pub(crate) app: TestApp,
    people: Vec<(Caller, Person)>,
    done: Deal,
    /// Those whose token is not good, each with why.
    pub(super) locked_out: Vec<(&'static str, Person)>,
    pub(crate) scenes: BTreeMap<Scene, Things>,
}

/// The operator's token for the figures.
pub(super) const OPERATOR: &str = "the operator's own token";

impl Cast {
    pub(super) async fn gather() -> Self {
        Self::gather_in(
            TestApp::start_with(|config| config.metrics.token = Some(OPERATOR.to_owned().into())).await,
        )
        .await
    }

    /// Everybody and everything in this product.
    pub(crate) async fn gather_in(app: TestApp) -> Self {
        let locked_out = locked_out(&app).await;
        let deal = app.approved_contract().await;
        let (owner, worker) = (deal.homeowner.clone(), deal.contractor.clone());
        let (homeowner, contractor) = (app.homeowner().await, app.verified_contractor().await);
        let (unverified, admin) = (app.contractor().await, app.admin().await);
        let done = app.completed_contract().await;
        // So that lists hold something of everybody's own.
        app.contract_between(&homeowner, &contractor).await;
        let scenes = scenes(&app, deal, &done).await;
        let people = vec![
            (Caller::SignedOut, app.anyone()),
            (Caller::Owner, owner),
            (Caller::Worker, worker),
            (Caller::Homeowner, homeowner),
            (Caller::Contractor, contractor),
            (Caller::Unverified, unverified),
            (Caller::Admin, admin),
        ];
        Self { app, people, done, locked_out, scenes }
    }

    /// Whoever stands so to the things of that scene.
    pub(crate) fn person(&self, caller: Caller, scene: Scene) -> &Person {
        match (caller, scene) {
            (Caller::Owner, Scene::Done) => &self.done.homeowner,
            (Caller::Worker, Scene::Done) => &self.done.contractor,
            _ => &self.people.iter().find(|(known, _)| *known == caller).unwrap().1,
        }
    }
}

/// Those whom no operation lets in: their token is made up, expired, of a session that has ended, or of a suspended account.
async fn locked_out(app: &TestApp) -> Vec<(&'static str, Person)> {
    let expired = app.homeowner().await;
    let lifetime = u64::from(tests::settings().identity.access_token_minutes) * 60;
    app.pass(Duration::from_secs(lifetime + 1)).await;
    let ended = app.homeowner().await;
    let _ = ended.post_empty("/api/auth/logout").await.expect(204);
    let suspended = app.homeowner().await;
    app.suspend(&suspended);
    let mut forged = app.homeowner().await;
    forged.token = forged.token.map(|token| {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        format!("{signed}.{}", signature.chars().rev().collect::<String>())
    });
    let made_up = with_token(app, "made-up");
    vec![
        ("expired", expired),
        ("ended", ended),
        ("suspended", suspended),
        ("forged", forged),
        ("made up", made_up),
    ]
}

/// Somebody who sends this token.
pub(super) fn with_token(app: &TestApp, token: &str) -> Person {
    let mut person = app.anyone();
    person.token = Some(token.to_owned());
    person
}

async fn scenes(app: &TestApp, deal: Deal, done: &Deal) -> BTreeMap<Scene, Things> {
    let (owner, worker) = (&deal.homeowner, &deal.contractor);
    let draft = app.draft_job(owner).await;
    let draft_photo = attached(owner, &format!("/api/jobs/{draft}")).await;
    let draft = Things(BTreeMap::from([("job", draft), ("att", draft_photo)]));
    let job = app.open_job(owner).await;
    let bid = app.bid(worker, &job).await;
    let bid_photo = attached(worker, &format!("/api/bids/{bid}")).await;
    let open = Things(BTreeMap::from([("job", job), ("bid", bid), ("att", bid_photo)]));
    let bystander = app.homeowner().await;
    let applicant = app.contractor().await;
    let verification = applicant.post("/api/contractors/verification", papers()).await.expect(201);
    let documents =
        format!("/api/contractors/verification/{}/documents", verification["id"].as_str().unwrap());
    let document = applicant.upload(&documents, b"%PDF-1.7").await.expect(201);
    let export = owner.post_empty("/api/users/me/data/exports").await.expect(202);
    app.settle().await;
    let elsewhere = app.sign_in(&owner.email, &owner.password).await.get("/api/auth/me").await.expect(200);
    let inbox = owner.get("/api/notifications").await.expect(200);
    let review = published_review(app, owner, worker).await;
    let beside = Things(BTreeMap::from([
        ("ver", verification["id"].as_str().unwrap().to_owned()),
        ("fil", document["id"].as_str().unwrap().to_owned()),
        ("exp", export["id"].as_str().unwrap().to_owned()),
        ("ntf", inbox["data"][0]["id"].as_str().unwrap().to_owned()),
        ("acc", some(app, "acc", "escrow.accounts")),
        ("pty", worker.party.clone()),
        ("usr", bystander.id),
        ("ses", elsewhere["session"]["id"].as_str().unwrap().to_owned()),
        ("rev", review["id"].as_str().unwrap().to_owned()),
    ]));
    let under_way = Things(BTreeMap::from([
        ("job", deal.job),
        ("bid", deal.bid),
        ("ctr", deal.contract),
        ("mst", deal.milestones.into_iter().next().unwrap()),
        ("esc", deal.escrow),
        ("pay", some(app, "pay", "escrow.payments")),
    ]));
    BTreeMap::from([
        (Scene::Draft, draft),
        (Scene::Open, open),
        (Scene::Deal, under_way),
        (Scene::Done, Things(BTreeMap::from([("ctr", done.contract.clone())]))),
        (Scene::Beside, beside),
    ])
}

/// What the owner wrote about the worker, for everybody to read.
async fn published_review(app: &TestApp, owner: &Person, worker: &Person) -> Value {
    let deal = app.contract_between(owner, worker).await;
    let deal = app.complete(deal).await;
    let form = json!({
        "contractId": deal.contract, "rating": 5, "quality": 5, "timeliness": 4, "communication": 5, "text": "Well done.",
    });
    let review = owner.post("/api/reviews", form.clone()).await.expect(201);
    worker.post("/api/reviews", form).await.expect(201);
    review
}

/// A photograph of a job or a bid.
async fn attached(person: &Person, to: &str) -> String {
    let photo = person.upload(&format!("{to}/attachments"), &testing::pictures::jpeg(8, 8)).await.expect(201);
    photo["id"].as_str().unwrap().to_owned()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The id of one row of that table.
fn some(app: &TestApp, prefix: &str, table: &str) -> String {
    let mut owner = app.database.owner_connection();
    let row: Row = diesel::sql_query(format!("SELECT id::text AS text FROM {table} ORDER BY id LIMIT 1"))
        .get_result(&mut owner)
        .unwrap();
    format!("{prefix}_{}", kernel::id::encode_suffix(row.text.parse().unwrap()))
}

/// What stands in every table, each as one hash of all its rows, but for when sessions were used last: that a refused request came is noted, too. The audit trail is there to grow by what is refused.
pub(super) fn everything_stored(app: &TestApp) -> BTreeMap<String, String> {
    let mut owner = app.database.owner_connection();
    let tables: Vec<Row> = diesel::sql_query(
        "SELECT format('%I.%I', schemaname, tablename) AS text FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'audit')",
    )
    .load(&mut owner)
    .unwrap();
    let hash = |table: String| {
        let rows: Row = diesel::sql_query(format!(
            "SELECT md5(coalesce(string_agg(r, ';' ORDER BY r), '')) AS text
             FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS r FROM {table} t) rows"
        ))
        .get_result(&mut owner)
        .unwrap();
        (table, rows.text)
    };
    tables.into_iter().map(|row| row.text).map(hash).collect()
}
