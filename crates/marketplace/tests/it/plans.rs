//! How Postgres goes about every list and every search of the marketplace, once it has made up its mind: the plan that it keeps for a statement that it
//! has seen often, run with the values that were bound.

use database::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Json;
use kernel::{Actor, Limit};
use marketplace::{
    Category, DirectoryFilter, DirectoryForm, JobFilter, JobId, JobList, JobOrder, JobScope, JobSearch,
    JobSearchForm, JobStatus, MarketplaceQueries, PageRequest, SearchQueries, Urgency,
};
use serde_json::Value;
use testing::TestDatabase;

use crate::search::{count_words, seed};
use crate::world::World;

/// Large enough that reading a table from end to end is never the right way.
const JOBS: u32 = 20_000;
/// More than this is never sorted: twice what is counted, which is the most that any list looks at.
const SORTED_MAX: f64 = 2_000.0;
/// A guess that is further off than this would lead to another plan one day.
const MISJUDGED_MAX: f64 = 1_000.0;
/// Of these nothing may be read from end to end.
const LARGE: [&str; 7] = ["jobs", "job_addresses", "bids", "bid_revisions", "reviews", "directory", "people"];

struct Market {
    world: World,
    ada: Actor,
    bob: Actor,
    job: JobId,
}

fn market() -> Market {
    let world = World::over(TestDatabase::logged());
    seed(&world, JOBS);
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let (owner, bidder, id) = (ada.party.uuid(), bob.party.uuid(), job.uuid());
    world.database.execute(&format!(
        "UPDATE marketplace.jobs SET homeowner_id = '{owner}'
         WHERE id IN (SELECT id FROM marketplace.jobs WHERE status = 'OPEN' AND id <> '{id}' ORDER BY published_at LIMIT 300);
         INSERT INTO marketplace.bids (id, job_id, contractor_id, status, amount, currency, submitted_at, created_at, updated_at)
         SELECT gen_random_uuid(), id, CASE WHEN n % 100 = 0 THEN '{bidder}' ELSE gen_random_uuid() END, 'SUBMITTED', 1000 + n, 'USD',
             app.clock(), app.clock() - n * interval '1 second', app.clock()
         FROM (SELECT id, row_number() OVER () AS n FROM marketplace.jobs) AS numbered;
         INSERT INTO marketplace.bids (id, job_id, contractor_id, status, amount, currency, submitted_at, created_at, updated_at)
         SELECT gen_random_uuid(), '{id}', gen_random_uuid(), 'SUBMITTED', 1000 + n, 'USD', app.clock(), app.clock() - n * interval '1 second',
             app.clock()
         FROM generate_series(1, 60) AS n;
         INSERT INTO marketplace.bid_revisions (bid_id, revision, amount, lines, milestones, submitted_at, canonical, salt, receipt)
         SELECT id, 1, amount, '[]', '[]', submitted_at, '{{}}', repeat('0', 64), repeat('0', 64) FROM marketplace.bids;
         INSERT INTO marketplace.review_windows (contract_id, job_id, homeowner_id, contractor_id, ended_at)
         SELECT gen_random_uuid(), id, homeowner_id, gen_random_uuid(), app.clock() FROM marketplace.jobs LIMIT 5000;
         INSERT INTO marketplace.reviews (id, contract_id, job_id, author_id, author_role, subject_id, rating, quality, timeliness, communication,
             status, created_at, published_at)
         SELECT gen_random_uuid(), contract_id, job_id, homeowner_id, 'HOMEOWNER',
             CASE WHEN row_number() OVER () % 50 = 0 THEN '{bidder}' ELSE contractor_id END, 5, 5, 5, 5, 'PUBLISHED', app.clock(), app.clock()
         FROM marketplace.review_windows;
         INSERT INTO marketplace.directory (party_id, listed, display_name, trades, skills, member_since, reviews, rating_rank, checked, named, told)
         SELECT gen_random_uuid(), true, 'Bob', ARRAY['tiling'], ARRAY['grout'], app.clock() - n * interval '1 hour', 0, 300 + n % 200, '[]',
             CASE WHEN n % 40 = 0 THEN 'quokka' ELSE 'walls' END, ''
         FROM generate_series(1, 5000) AS n;"
    ));
    world.database.execute("ANALYZE");
    count_words(&world);
    Market { world, ada, bob, job }
}

impl Market {
    /// Two pages of every list.
    fn lists(&self) {
        let Self { world, ada, bob, job } = self;
        let pages = |read: &dyn Fn(PageRequest) -> Option<kernel::Position>| {
            let next = read(PageRequest::default());
            assert!(next.is_some(), "there is a second page");
            read(PageRequest { after: next, ..PageRequest::default() });
        };
        let jobs = |viewer: Option<&Actor>, filter: JobFilter| {
            pages(&|page| {
                world.market.list_jobs(viewer, &JobList { filter: filter.clone(), page }).unwrap().next
            });
        };
        let tiling = Category::new("tiling").ok();
        jobs(None, JobFilter::default());
        jobs(None, JobFilter { category: tiling, ..JobFilter::default() });
        jobs(Some(ada), JobFilter { scope: JobScope::Mine, ..JobFilter::default() });
        jobs(Some(ada), JobFilter { scope: JobScope::Mine, status: Some(JobStatus::Open), category: tiling });
        pages(&|page| world.market.list_bids_of_job(ada, *job, page).unwrap().next);
        pages(&|page| world.market.list_own_bids(bob.contractor().unwrap(), None, page).unwrap().next);
        pages(&|page| world.market.list_reviews(bob.party, None, page).unwrap().next);
        for form in [
            DirectoryForm::default(),
            DirectoryForm { q: Some("quokka".to_owned()), ..DirectoryForm::default() },
            DirectoryForm { trade: Some("tiling".to_owned()), ..DirectoryForm::default() },
        ] {
            world
                .market
                .list_contractors(&DirectoryFilter::new(&form).unwrap(), None, Limit::default())
                .unwrap();
        }
    }

    /// Two pages of a search, its facets, and its texts.
    fn search(&self, form: &JobSearchForm) {
        let search = JobSearch::new(form).unwrap();
        let viewer = Some(&self.ada);
        let first = self.world.market.search_texts(viewer, &search, None, Limit::default()).unwrap();
        if let Some(next) = first.page.next {
            self.world.market.search_jobs(viewer, &search, Some(next), Limit::default()).unwrap();
        }
        self.world.market.job_facets(viewer, &search).unwrap();
    }
}

fn searches() -> Vec<JobSearchForm> {
    let words = |q: &str| JobSearchForm { q: Some(q.to_owned()), ..JobSearchForm::default() };
    let around =
        |radius, form| JobSearchForm { lat: Some(31.0), lng: Some(-98.0), radius: Some(radius), ..form };
    let urgent = JobSearchForm { urgency: vec![Urgency::Urgent], ..JobSearchForm::default() };
    let budget = JobSearchForm { budget_min: Some(100_000), ..JobSearchForm::default() };
    let bases = [
        JobSearchForm::default(),
        words("zinnia"),
        words("quokka"),
        words("zinnia quokka -walls"),
        words("leaky tap"),
        words("plummer"),
        words("sauna zinnia"),
        JobSearchForm { category: Some("tiling".to_owned()), ..words("zinnia") },
        JobSearchForm { skills: vec!["skill 7".to_owned()], ..JobSearchForm::default() },
        urgent,
        budget,
        around(20, JobSearchForm::default()),
        around(20, words("zinnia")),
        around(400, words("quokka")),
        JobSearchForm { scope: JobScope::Mine, ..words("zinnia") },
    ];
    let orders = JobOrder::ALL.iter().copied();
    let each = |base: JobSearchForm| {
        orders.clone().map(move |order| JobSearchForm { sort: Some(order), ..base.clone() })
    };
    bases.into_iter().flat_map(each).filter(|form| JobSearch::new(form).is_ok()).collect()
}

/// The plan that is kept, with what it met.
fn plan(conn: &mut PgConnection, text: &str, values: &[String]) -> Value {
    let given = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
    conn.batch_execute(&format!("SET plan_cache_mode = force_generic_plan; PREPARE asked AS {text}"))
        .unwrap();
    let lines: Vec<Explained> =
        diesel::sql_query(format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE asked{given}"))
            .load(conn)
            .unwrap();
    conn.batch_execute("DEALLOCATE asked").unwrap();
    let plan: Vec<Value> = lines.into_iter().map(|row| row.plan).collect();
    plan[0][0]["Plan"].clone()
}

#[derive(QueryableByName)]
struct Explained {
    #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
    plan: Value,
}

/// What is wrong with a node of a plan and with those below it. What a limit cuts short meets fewer rows than it expected.
fn faults(node: &Value, is_cut_short: bool, found: &mut Vec<String>) {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let relation = node["Relation Name"].as_str().unwrap_or_default();
    if kind == "Seq Scan" && LARGE.contains(&relation) {
        found.push(format!("reads all of {relation}"));
    }
    let children = node["Plans"].as_array().cloned().unwrap_or_default();
    if kind == "Sort" {
        let met: f64 = children.iter().filter_map(|child| child["Actual Rows"].as_f64()).sum();
        if met > SORTED_MAX {
            found.push(format!("sorts {met} rows"));
        }
    }
    let (guessed, met) = (number("Plan Rows").max(1.0), number("Actual Rows").max(1.0));
    if !is_cut_short && number("Actual Loops") > 0.0 && (guessed / met).max(met / guessed) > MISJUDGED_MAX {
        found.push(format!("{kind} on {relation} expects {guessed} rows and meets {met}"));
    }
    for child in &children {
        faults(child, is_cut_short || kind == "Limit", found);
    }
}

#[test]
fn no_list_and_no_search_reads_a_whole_table_or_sorts_what_it_need_not() {
    let market = market();
    let database = &market.world.database;
    database.db.hold().unwrap();
    let mut owner = database.owner_connection();
    let mut seen = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    let mut look = |what: &str, work: &dyn Fn()| {
        // Once, so that what is known of words is read and statements are prepared.
        work();
        let ((), statements) = database.statements(work);
        for statement in statements.iter().filter(|statement| statement.how != testing::How::Plain) {
            seen.insert(statement.text.clone());
            let plan = plan(&mut owner, &statement.text, &statement.values);
            let mut found = Vec::new();
            faults(&plan, false, &mut found);
            if !found.is_empty() {
                wrong.push(format!(
                    "{what}: {}\n{}\n{:?}",
                    found.join("; "),
                    statement.text,
                    statement.values
                ));
            }
        }
        testing::assert_cached(&statements);
    };
    look("the lists", &|| market.lists());
    for form in searches() {
        look(&format!("{form:?}"), &|| market.search(&form));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), seen.len(), wrong.join("\n\n"));
    assert!(seen.len() > 60, "{} statements were looked at", seen.len());
    database.db.release_held();
}

#[test]
fn a_plan_that_reads_a_whole_table_is_seen() {
    let world = World::new();
    seed(&world, 2_000);
    let mut owner = world.database.owner_connection();
    let mut found = Vec::new();
    let text = "SELECT id FROM marketplace.jobs WHERE description = $1 ORDER BY title";
    faults(&plan(&mut owner, text, &["'none'".to_owned()]), false, &mut found);
    assert_eq!(found, ["reads all of jobs"]);
}
