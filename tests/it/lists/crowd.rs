//! A product in which every table that grows has grown: a market, and of everything else many more of what there is.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use marketplace::{CountWords, DecideMeanings};
use seed::Plan;
use serde_json::json;
use tests::{TestApp, settings};

use crate::authorisation::cast::{Caller, Cast, Scene};

const JOBS: u32 = 20_000;
const BIDS: u32 = 30_000;
const PEOPLE: u32 = 10_000;
const OPEN_PERCENT: u32 = 85;
/// The planner is told of so many times as many rows: a million jobs.
const MAGNIFIED: u32 = 50;
/// A table of so many rows is better not read from end to end.
pub(super) const LARGE: f64 = 2_000.0;
/// Jobs, bids and reviews of those who look.
const OF_ONE: u32 = 300;

/// Tables whose rows are counted by what the program itself is, or by the days that it has run.
const SMALL: [&str; 9] = [
    "app.clock_offset",
    "audit.checkpoints",
    "audit.heads",
    "identity.signing_keys",
    "marketplace.market_months",
    "marketplace.meanings",
    "marketplace.view_salts",
    "outbox.subscriptions",
    "seed.seedings",
];

/// Tables of which nobody here makes a row, and that no list reads: what waits for a click, an answer or an hour to pass.
const EMPTY: [&str; 15] = [
    "app.idempotency_keys",
    "app.quotas",
    "escrow.refunds",
    "escrow.snapshots",
    "identity.email_changes",
    "identity.external_identities",
    "identity.mail_requests",
    "identity.oauth_attempts",
    "identity.oauth_tickets",
    "identity.recovery_codes",
    "identity.second_factors",
    "identity.sign_in_challenges",
    "identity.sign_in_failures",
    "identity.suspensions",
    "marketplace.review_decisions",
];

/// Tables that are copied as often as another, without which a row of that one is broken.
const TOGETHER: [(&str, &str); 2] =
    [("files.files", "marketplace.attachments"), ("marketplace.attachment_files", "marketplace.attachments")];
/// So many rows of a table are copied at most.
const SAMPLE: f64 = 50.0;

/// How tables grow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    /// By so many rows, about.
    pub(super) rows: f64,
    /// One in so many of the copies is about the same people and things as what it was made of; the others are about others.
    pub(super) own: i64,
    /// Tables that have so many already stay as they are.
    pub(super) until: f64,
}

/// As large as it takes for Postgres to care how it finds things; most of it is other people's.
pub(super) async fn large() -> Cast {
    let app = TestApp::start_logged().await;
    // What is seeded depends on the season.
    app.clock.set("2026-10-14T15:00:00Z".parse().unwrap());
    // Nobody but this test tells the planner what there is.
    let mut superuser = app.database.superuser_connection();
    for table in testing::table_sizes(&mut superuser).into_keys() {
        superuser.batch_execute(&format!("ALTER TABLE {table} SET (autovacuum_enabled = off)")).unwrap();
    }
    let cast = gather(app).await;
    fill(&cast.app).await;
    seldom(&cast);
    share(&cast);
    superuser.batch_execute("ANALYZE").unwrap();
    grow(&cast.app, Growth { rows: 3_500.0, own: 70, until: LARGE });
    superuser.batch_execute("VACUUM (ANALYZE)").unwrap();
    let sizes = testing::table_sizes(&mut superuser);
    let small: Vec<_> = sizes.into_iter().filter(|(name, rows)| *rows < LARGE && !is_small(name)).collect();
    assert!(
        small.is_empty(),
        "have the cast make something of each, or say in SMALL or EMPTY why not: {small:?}"
    );
    cast
}

/// Tells the planner that there are [`MAGNIFIED`] times as many rows of the same kinds. Which way is taken through twenty thousand jobs says little of
/// the way through a million; which way would be taken, the planner says without their being there.
pub(super) fn magnify(app: &TestApp, conn: &mut PgConnection) {
    let mut superuser = app.database.superuser_connection();
    let told = format!(
        "UPDATE pg_class SET reltuples = reltuples * {MAGNIFIED} FROM pg_namespace n
         WHERE relnamespace = n.oid AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'public')
           AND relkind IN ('r', 'i') AND reltuples > 0"
    );
    superuser.batch_execute(&told).unwrap();
    // It sees that the pages have not become more: so that they count for more, those in a row cost as much as any others.
    conn.batch_execute("SET seq_page_cost = 4").unwrap();
}

fn is_small(table: &str) -> bool {
    SMALL.contains(&table) || EMPTY.contains(&table) || table.starts_with("simulated_provider.")
}

/// As large as it takes for lists to have many pages; half of it belongs to those who look.
pub(super) async fn long() -> Cast {
    let cast = gather(TestApp::start().await).await;
    seldom(&cast);
    cast.app.database.superuser_connection().batch_execute("ANALYZE").unwrap();
    grow(&cast.app, Growth { rows: 300.0, own: 2, until: f64::MAX });
    cast
}

/// Everybody and everything, and what is seldom done.
async fn gather(app: TestApp) -> Cast {
    let cast = Cast::gather_in(app).await;
    let thing = |scene: Scene, prefix: &str| cast.scenes[&scene].get(prefix).unwrap();
    let (job, review) = (thing(Scene::Open, "job"), thing(Scene::Beside, "rev"));
    let person = |caller| cast.person(caller, Scene::Open);
    let dismissed = person(Caller::Contractor).post_empty(&format!("/api/jobs/{job}/dismiss")).await;
    assert!(dismissed.status < 300, "{}", dismissed.text());
    let edit = json!({ "title": "Paint the fence, both sides" });
    let _ = person(Caller::Owner).patch(&format!("/api/jobs/{job}"), edit).await.expect(200);
    let report = json!({ "reason": "SPAM" });
    let reported = person(Caller::Worker).post(&format!("/api/reviews/{review}/report"), report).await;
    assert!(reported.status < 300, "{}", reported.text());
    cast
}

/// What it takes long to come to: papers that were refused, a review of a homeowner who wrote none, a month's figures.
fn seldom(cast: &Cast) {
    let worker = cast.person(Caller::Worker, Scene::Open).player().party.uuid();
    let person: kernel::PersonId = cast.scenes[&Scene::Beside].get("usr").unwrap().parse().unwrap();
    let reviewed = person.uuid();
    let made = format!(
        "SET session_replication_role = replica;
         INSERT INTO identity.verifications (id, contractor_id, state, submitted_at, decided_at, decided_by, reason)
             SELECT gen_random_uuid(), contractor_id, 'REJECTED', submitted_at - interval '2 days', submitted_at - interval '1 day', decided_by, 'Unreadable.'
             FROM identity.verifications WHERE contractor_id = '{worker}' LIMIT 1;
         INSERT INTO marketplace.reviews SELECT (jsonb_populate_record(r, jsonb_build_object(
                 'id', gen_random_uuid(), 'contract_id', gen_random_uuid(), 'author_id', gen_random_uuid(), 'subject_id', '{reviewed}'))).*
             FROM marketplace.reviews AS r, generate_series(1, 3) WHERE status = 'PUBLISHED' AND author_role = 'CONTRACTOR' LIMIT 3;
         INSERT INTO marketplace.market_figures (id, month, country, trade, currency, jobs, homeowners)
             VALUES (gen_random_uuid(), '2026-09-01', 'US', 'plumbing', 'USD', 20, 12) ON CONFLICT DO NOTHING;
         RESET session_replication_role"
    );
    cast.app.database.superuser_connection().batch_execute(&made).unwrap();
}

/// What `fairtrade seed` makes, with what follows from it.
async fn fill(app: &TestApp) {
    let (owner, db) = (app.database.owner.clone(), app.database.db.clone());
    let plan = Plan { people: PEOPLE, open_percent: OPEN_PERCENT, ..Plan::new(7, JOBS, BIDS, app.now()) };
    let filled = tokio::task::spawn_blocking(move || {
        seed::fill(&owner, &plan, &settings().marketplace, &mut |_| {}).unwrap();
        let counting = db.transaction(|tx| {
            audit::withhold(tx);
            outbox::enqueue(tx, &CountWords {});
            outbox::enqueue(tx, &DecideMeanings { after: None, fingerprint: None });
            Ok::<_, database::Error>(())
        });
        counting.unwrap();
    });
    filled.await.unwrap();
    app.settle().await;
}

/// Those who look have many jobs, bids and reviews of their own, and one job many bids.
fn share(cast: &Cast) {
    let party = |caller| cast.person(caller, Scene::Open).player().party.uuid();
    let (owner, worker) = (party(Caller::Owner), party(Caller::Worker));
    let job = cast.scenes[&Scene::Open].get("job").unwrap();
    let job: marketplace::JobId = job.parse().unwrap();
    let job = job.uuid();
    let mut superuser = cast.app.database.superuser_connection();
    let changes = format!(
        "SET session_replication_role = replica;
         UPDATE marketplace.jobs SET homeowner_id = '{owner}' WHERE id IN (SELECT id FROM marketplace.jobs ORDER BY md5(id::text) LIMIT {OF_ONE});
         UPDATE marketplace.jobs SET contractor_id = '{worker}' WHERE id IN
             (SELECT id FROM marketplace.jobs WHERE contractor_id IS NOT NULL ORDER BY md5(id::text) LIMIT {OF_ONE});
         UPDATE marketplace.bids SET contractor_id = '{worker}' WHERE id IN
             (SELECT min(id::text)::uuid FROM marketplace.bids GROUP BY job_id ORDER BY 1 LIMIT {OF_ONE});
         UPDATE marketplace.reviews SET subject_id = '{worker}' WHERE id IN
             (SELECT id FROM marketplace.reviews WHERE author_role = 'HOMEOWNER' AND status = 'PUBLISHED' ORDER BY id LIMIT {OF_ONE});
         UPDATE marketplace.reviews SET open_reports = 1, reported_at = app.clock() WHERE id IN
             (SELECT id FROM marketplace.reviews WHERE status = 'PUBLISHED' ORDER BY md5(id::text) LIMIT 60);
         UPDATE marketplace.bids SET job_id = '{job}' WHERE id IN
             (SELECT max(id::text)::uuid FROM marketplace.bids WHERE status = 'SUBMITTED' GROUP BY contractor_id ORDER BY 1 LIMIT 60);
         UPDATE identity.people SET email_verified_at = created_at WHERE email_verified_at IS NULL AND md5(id::text) > '1';
         UPDATE identity.verifications SET valid_until = app.clock() - interval '1 day' WHERE state = 'APPROVED' AND md5(id::text) > 'e';
         INSERT INTO marketplace.trending SELECT id, category, published_at, random() * 100, 1, app.clock(), app.clock()
             FROM marketplace.jobs WHERE status = 'OPEN' AND random() < 0.3 ON CONFLICT DO NOTHING;
         RESET session_replication_role"
    );
    superuser.batch_execute(&changes).unwrap();
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    types: Vec<String>,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
    #[diesel(sql_type = Bool)]
    is_partial: bool,
}

/// Of every table more of the same rows, by the sizes that were found last, as no trigger and no foreign key would let them be: copies of everything there was, whose rows belong together
/// as the first ones do, and some that belong to the first ones themselves.
pub(super) fn grow(app: &TestApp, growth: Growth) {
    let mut superuser = app.database.superuser_connection();
    superuser.batch_execute("SET session_replication_role = replica").unwrap();
    let (sizes, keys) = (testing::table_sizes(&mut superuser), keys(&mut superuser));
    let salt = uuid::Uuid::now_v7();
    let mut refused = Vec::new();
    for table in tables(&mut superuser) {
        if sizes[&table.name] >= growth.until || is_small(&table.name) {
            continue;
        }
        let keys = keys.get(&table.name).map_or(&[][..], Vec::as_slice);
        let as_often =
            TOGETHER.iter().find(|(with, _)| *with == table.name).map_or(&*table.name, |(_, as_is)| as_is);
        let copies = (growth.rows / sizes[as_often].clamp(1.0, SAMPLE)).ceil();
        if let Err(error) = superuser.batch_execute(&more(
            &table,
            keys,
            growth.own,
            [sizes[&table.name].clamp(1.0, SAMPLE), copies],
            salt,
        )) {
            refused.push(format!("{}: {error}", table.name));
        }
    }
    assert!(refused.is_empty(), "these do not grow by themselves: {refused:#?}");
}

/// When a copy has another value in a column of a key. What belongs to copies has other ids anyway.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fresh {
    Always,
    /// In one of so many rounds of the copies that belong to what the first row belongs to.
    InRound(usize, usize),
    /// In all of those rounds but the last of so many.
    ButInLast(usize),
}

/// Of so many further parts of the same thing one is of the first thing, the others are of its copies.
const PARTS: usize = 4;

/// Which columns make a copy another row than the first. Where a key is of several things, each in turn is another one: a bidder's further bids, and
/// a job's.
fn fresh(types: &BTreeMap<&str, &str>, keys: &[Key]) -> BTreeMap<String, Fresh> {
    const NUMBERS: [&str; 4] = ["bigint", "integer", "smallint", "bytea"];
    const OTHERS: [&str; 7] =
        ["bytea", "bigint", "date", "text", "timestamp with time zone", "integer", "smallint"];
    let of_kinds = |key: &Key, kinds: &[&str]| -> Vec<String> {
        let fits = |kind: &&str, column: &&String| types.get(column.as_str()) == Some(kind);
        kinds
            .iter()
            .flat_map(|kind| key.columns.iter().filter(move |column| fits(kind, column)))
            .cloned()
            .collect()
    };
    let mut fresh: BTreeMap<String, Fresh> = BTreeMap::new();
    let mut ordered: Vec<&Key> = keys.iter().collect();
    ordered.sort_by_key(|key| key.columns.len());
    for key in ordered {
        if key.columns.iter().any(|column| fresh.get(column) == Some(&Fresh::Always)) {
            continue;
        }
        let uuids = of_kinds(key, &["uuid"]);
        let (numbers, others) = (of_kinds(key, &NUMBERS), of_kinds(key, &OTHERS));
        match (uuids.as_slice(), numbers.as_slice()) {
            // What holds of some rows only is left to the conflict.
            ([_], _) if key.is_partial => {}
            ([], _) => fresh.extend(others.first().map(|column| (column.clone(), Fresh::Always))),
            ([_], [number]) => {
                let only = uuids.first().cloned();
                fresh.insert(number.clone(), Fresh::InRound(PARTS - 1, PARTS));
                fresh.extend(only.map(|only| (only, Fresh::ButInLast(PARTS))));
            }
            ([only], _) => {
                fresh.insert(only.clone(), Fresh::Always);
            }
            (several, _) => {
                let rounds = several.iter().enumerate();
                fresh.extend(rounds.map(|(n, column)| (column.clone(), Fresh::InRound(n, several.len()))));
            }
        }
    }
    fresh
}

/// Rows like those that there are, with keys of their own.
fn more(table: &Table, keys: &[Key], own: i64, [sample, copies]: [f64; 2], salt: uuid::Uuid) -> String {
    let nobody = uuid::Uuid::nil();
    let name = &table.name;
    let types: BTreeMap<&str, &str> =
        table.columns.iter().map(String::as_str).zip(table.types.iter().map(String::as_str)).collect();
    let fresh = fresh(&types, keys);
    let value = |(column, kind): (&String, &String)| {
        let same = format!("\"{column}\"");
        let is_own = format!("copy % {own} = 0");
        let (is_fresh, when) = match fresh.get(column) {
            None => (false, "false".to_owned()),
            Some(Fresh::Always) => (true, "true".to_owned()),
            Some(Fresh::InRound(n, of)) => (true, format!("({is_own} AND copy / {own} % {of} = {n})")),
            Some(Fresh::ButInLast(of)) => (true, format!("({is_own} AND copy / {own} % {of} <> {of} - 1)")),
        };
        let another = match kind.as_str() {
            "uuid" => {
                let when = format!("({when} OR copy % {own} <> 0) AND {same} <> '{nobody}'");
                return format!(
                    "CASE WHEN {when} THEN md5({same}::text || '{salt}' || copy)::uuid ELSE {same} END"
                );
            }
            "timestamp with time zone" => return format!("{same} - n * interval '1 second'"),
            _ if !is_fresh => return same,
            "bytea" => "sha256(gen_random_uuid()::text::bytea)".to_owned(),
            "bigint" | "integer" | "smallint" => format!("(SELECT max({same}) FROM {name}) + n"),
            "text" => format!(
                "CASE WHEN {same} ~ '^[0-9a-f]{{64}}$' THEN encode(sha256(gen_random_uuid()::text::bytea), 'hex') ELSE {same} || gen_random_uuid() END"
            ),
            "date" => format!("((SELECT min({same}) FROM {name}) - n * interval '1 month')::date"),
            _ => return same,
        };
        format!("CASE WHEN {when} THEN {another} ELSE {same} END")
    };
    let values: Vec<String> = table.columns.iter().zip(&table.types).map(value).collect();
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{column}\"")).collect();
    format!(
        "INSERT INTO {name} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM
             (SELECT *, row_number() OVER (ORDER BY copy)::integer AS n
              FROM (SELECT * FROM {name} LIMIT {sample}) AS sample CROSS JOIN generate_series(1, {copies}::integer) AS copy
              ORDER BY copy) AS more ON CONFLICT DO NOTHING",
        columns.join(", "),
        values.join(", ")
    )
}

fn tables(conn: &mut PgConnection) -> Vec<Table> {
    let asked = "SELECT n.nspname || '.' || c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
             array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public')
           AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
         GROUP BY 1 ORDER BY 1";
    diesel::sql_query(asked).load(conn).unwrap()
}

/// The columns of every unique index.
fn keys(conn: &mut PgConnection) -> BTreeMap<String, Vec<Key>> {
    let asked = "SELECT n.nspname || '.' || c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
             bool_or(i.indpred IS NOT NULL) AS is_partial
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
         WHERE i.indisunique AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'pg_toast')
         GROUP BY i.indexrelid, 1";
    let keys: Vec<Key> = diesel::sql_query(asked).load(conn).unwrap();
    let mut of_tables: BTreeMap<String, Vec<Key>> = BTreeMap::new();
    for key in keys {
        of_tables.entry(key.table.clone()).or_default().push(key);
    }
    of_tables
}
