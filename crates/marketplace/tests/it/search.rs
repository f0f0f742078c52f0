//! Searching over rows of its own: every way of finding gives what a plain statement gives, and none reads a whole table.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use kernel::{Actor, Limit, Position};
use marketplace::{
    Category, CountWords, DecideMeanings, Description, JobOrder, JobPatch, JobScope, JobSearch,
    JobSearchForm, JobStatus, JobsFound, MarketplaceCommands, NewJob, SearchKey, SearchQueries, Skills,
    Title, Urgency,
};

use crate::world::{World, bathroom};

/// Enough that what is common is met by walking, and what is rare by its index.
const ROWS: u32 = 6_000;

/// Jobs all over a part of Texas and across the date line. `zinnia` is common, `quokka` rare, `okapi` is in the town's name; few pay in francs.
pub(crate) fn seed(world: &World, rows: u32) {
    world.database.execute(&format!(
        "SELECT setseed(0.5);
         INSERT INTO marketplace.jobs (id, homeowner_id, status, title, description, category, skills, city, region, country, public_latitude,
             public_longitude, budget_min, budget_max, currency, urgency, bidding_deadline, accept_until, reveal, published_at, created_at, updated_at)
         SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'CANCELLED' ELSE 'OPEN' END,
             'Job ' || n || CASE WHEN n % 2 = 0 THEN ' with zinnias' ELSE '' END, 'Something about ' || CASE WHEN n % 97 = 0 THEN 'a quokka' ELSE 'walls' END,
             (ARRAY['tiling', 'plumbing', 'roofing', 'painting'])[1 + n % 4], ARRAY['skill ' || n % 40], CASE WHEN n % 50 = 1 THEN 'Okapi' ELSE 'Austin' END,
             CASE WHEN n % 3 > 0 THEN 'TX' END, 'US',
             CASE WHEN n % 7 > 0 THEN 30 + (random() * 200)::int * 0.01 END, CASE WHEN n % 7 > 0 THEN -97 - (random() * 200)::int * 0.01 END,
             CASE WHEN n % 5 > 0 THEN n * 10 END, CASE WHEN n % 5 > 1 THEN n * 20 END, CASE WHEN n % 53 = 0 THEN 'CHF' ELSE 'USD' END,
             (ARRAY['flexible', 'normal', 'urgent', 'emergency'])[1 + n % 4 * n % 3 % 4],
             app.clock() + ((random() * 900)::int - 100) * interval '1 hour', app.clock() + interval '900 days', 'on_arrival',
             app.clock() - (random() * 1900)::int * interval '1 hour', app.clock() - interval '900 days', app.clock()
         FROM generate_series(1, {rows}) n;"
    ));
    world.database.execute("ANALYZE marketplace.jobs");
}

/// A question, and what a plain statement says to it: its condition and its order.
type Question = (JobSearchForm, String, &'static str);

const NEWEST: &str = "published_at DESC, id DESC";
const BUDGET: &str = "coalesce(budget_max, budget_min, -1) DESC, id DESC";
const DEADLINE: &str = "bidding_deadline, id";
const NEAREST: &str = "marketplace.metres_between(public_latitude, public_longitude, 31, -98), id";
const OPEN_FOR_BIDS: &str = "bidding_deadline > app.clock()";

fn all() -> JobSearchForm {
    JobSearchForm::default()
}

fn words(words: &str) -> JobSearchForm {
    JobSearchForm { q: Some(words.to_owned()), sort: Some(JobOrder::Newest), ..all() }
}

fn by(order: JobOrder, form: JobSearchForm) -> JobSearchForm {
    JobSearchForm { sort: Some(order), ..form }
}

fn around(radius: i64, form: JobSearchForm) -> JobSearchForm {
    JobSearchForm { lat: Some(31.0), lng: Some(-98.0), radius: Some(radius), ..form }
}

pub(crate) fn has(word: &str) -> String {
    format!("words @@ to_tsquery('english', '{word}')")
}

pub(crate) fn near(km: i64) -> String {
    format!("marketplace.metres_between(public_latitude, public_longitude, 31, -98) <= {km} * 1000")
}

fn of_trade(slug: &str, form: JobSearchForm) -> JobSearchForm {
    JobSearchForm { category: Some(slug.to_owned()), ..form }
}

fn questions() -> Vec<Question> {
    let tiling = "category = 'tiling'";
    let urgent = JobSearchForm { urgency: vec![Urgency::Urgent, Urgency::Emergency], ..all() };
    let budget = JobSearchForm { budget_min: Some(60_000), budget_max: Some(70_000), ..all() };
    let in_budget = "currency = 'USD' AND coalesce(budget_max, budget_min) >= 60000 AND coalesce(budget_min, budget_max) <= 70000";
    let skilled = JobSearchForm { skills: vec!["Skill 7".to_owned()], ..all() };
    let newest = |form| by(JobOrder::Newest, form);
    vec![
        (newest(all()), "true".to_owned(), NEWEST),
        (words("zinnia"), has("zinnia"), NEWEST),
        (words("Zinnias -quokka"), has("zinnia & !quokka"), NEWEST),
        (words("quokka"), has("quokka"), NEWEST),
        (words("\"a quokka\" zinnia"), has("quokka & zinnia"), NEWEST),
        (words("okapi"), has("okapi"), NEWEST),
        (of_trade("tiling", words("zinnia")), format!("{} AND {tiling}", has("zinnia")), NEWEST),
        (of_trade("tiling", newest(budget.clone())), format!("{in_budget} AND {tiling}"), NEWEST),
        (newest(urgent.clone()), "urgency IN ('urgent', 'emergency')".to_owned(), NEWEST),
        (newest(skilled), "skills = '{skill 7}'".to_owned(), NEWEST),
        (newest(around(20, all())), near(20), NEWEST),
        (newest(around(500, all())), near(500), NEWEST),
        (around(60, words("zinnia")), format!("{} AND {}", near(60), has("zinnia")), NEWEST),
        (around(200, words("quokka")), format!("{} AND {}", near(200), has("quokka")), NEWEST),
        (by(JobOrder::Budget, all()), "currency = 'USD'".to_owned(), BUDGET),
        (by(JobOrder::Budget, words("quokka")), format!("{} AND currency = 'USD'", has("quokka")), BUDGET),
        (
            by(JobOrder::Budget, around(60, words("zinnia"))),
            format!("{} AND {} AND currency = 'USD'", near(60), has("zinnia")),
            BUDGET,
        ),
        (by(JobOrder::Deadline, all()), OPEN_FOR_BIDS.to_owned(), DEADLINE),
        (
            by(JobOrder::Deadline, urgent),
            format!("{OPEN_FOR_BIDS} AND urgency IN ('urgent', 'emergency')"),
            DEADLINE,
        ),
        (by(JobOrder::Deadline, words("quokka")), format!("{OPEN_FOR_BIDS} AND {}", has("quokka")), DEADLINE),
        (by(JobOrder::Distance, around(20, all())), near(20), NEAREST),
        (
            by(JobOrder::Distance, around(500, of_trade("tiling", all()))),
            format!("{} AND {tiling}", near(500)),
            NEAREST,
        ),
        (
            by(JobOrder::Distance, around(200, words("quokka"))),
            format!("{} AND {}", near(200), has("quokka")),
            NEAREST,
        ),
        (by(JobOrder::Relevance, words("zinnia")), has("zinnia"), ""),
        (by(JobOrder::Relevance, words("quokka")), has("quokka"), ""),
        (
            by(JobOrder::Relevance, around(60, words("zinnia"))),
            format!("{} AND {}", near(60), has("zinnia")),
            "",
        ),
    ]
}

/// By a currency that few pay in, by an end of a budget, and by when they were posted, in each order.
fn questions_of_money_and_time() -> Vec<Question> {
    let since: DateTime<Utc> = Utc::now() - TimeDelta::days(30);
    let dear = JobSearchForm { budget_min: Some(100_000), ..all() };
    let cheap = JobSearchForm { budget_max: Some(10_000), ..all() };
    let (is_dear, is_cheap) = (
        "currency = 'USD' AND coalesce(budget_max, budget_min) >= 100000",
        "currency = 'USD' AND coalesce(budget_min, budget_max) <= 10000",
    );
    let in_francs = |form| JobSearchForm { currency: Some("CHF".to_owned()), ..form };
    let is_in_francs = "currency = 'CHF'";
    let lately = |form| JobSearchForm { posted_since: Some(since), ..form };
    let is_late = format!("published_at >= '{since}'");
    let newest = |form| by(JobOrder::Newest, form);
    vec![
        (lately(newest(all())), is_late.clone(), NEWEST),
        (lately(by(JobOrder::Budget, all())), format!("{is_late} AND currency = 'USD'"), BUDGET),
        (lately(by(JobOrder::Deadline, all())), format!("{is_late} AND {OPEN_FOR_BIDS}"), DEADLINE),
        (newest(in_francs(all())), is_in_francs.to_owned(), NEWEST),
        (by(JobOrder::Budget, in_francs(all())), is_in_francs.to_owned(), BUDGET),
        (by(JobOrder::Deadline, in_francs(all())), format!("{is_in_francs} AND {OPEN_FOR_BIDS}"), DEADLINE),
        (
            by(JobOrder::Distance, around(200, in_francs(all()))),
            format!("{is_in_francs} AND {}", near(200)),
            NEAREST,
        ),
        (newest(dear.clone()), is_dear.to_owned(), NEWEST),
        (by(JobOrder::Budget, dear), is_dear.to_owned(), BUDGET),
        (newest(cheap.clone()), is_cheap.to_owned(), NEWEST),
        (by(JobOrder::Deadline, cheap), format!("{is_cheap} AND {OPEN_FOR_BIDS}"), DEADLINE),
    ]
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn ask(
    world: &World,
    viewer: Option<&Actor>,
    form: &JobSearchForm,
    after: Option<Position<SearchKey>>,
    limit: i64,
) -> JobsFound {
    let search = JobSearch::new(form).unwrap();
    world.market.search_jobs(viewer, &search, after, Limit::new(limit).unwrap()).unwrap()
}

/// All pages, one after the other.
fn read(world: &World, form: &JobSearchForm, limit: i64) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = ask(world, None, form, after, limit).page;
        assert!(page.items.len() <= usize::try_from(limit).unwrap());
        found.extend(page.items.iter().map(|job| job.card.id.uuid().to_string()));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// Counts the words, as it is done every day.
pub(crate) fn count_words(world: &World) {
    world
        .database
        .db
        .transaction(|tx| {
            audit::withhold(tx);
            outbox::enqueue(tx, &CountWords {});
            Ok::<_, database::Error>(())
        })
        .unwrap();
    world.run_due();
}

/// Decides which skills the jobs are of, as it is done when the taxonomy has changed.
fn decide_meanings(world: &World) {
    world
        .database
        .db
        .transaction(|tx| {
            audit::withhold(tx);
            outbox::enqueue(tx, &DecideMeanings { after: None, fingerprint: None });
            Ok::<_, database::Error>(())
        })
        .unwrap();
    // Each batch hands on to the next.
    while world.run_due() > 0 {}
}

/// What a job is of is found whatever it calls it: by its words, and by its tag when all jobs have theirs, those from before there were tags too.
#[test]
fn jobs_are_found_by_what_they_mean_with_and_without_tags() {
    let world = World::new();
    seed(&world, 1_200);
    world.database.execute(
        "UPDATE marketplace.jobs SET category = 'plumbing', status = 'OPEN', skills = '{}', title = CASE title
             WHEN 'Job 1' THEN 'A wet cabinet' WHEN 'Job 3' THEN 'Hose bib' ELSE 'Faucets drip' END
         WHERE title IN ('Job 1', 'Job 3', 'Job 5')",
    );
    let question = JobSearchForm { q: Some("leaky tap".to_owned()), ..all() };
    let titles = || {
        let found = ask(&world, None, &question, None, 20);
        assert!(!found.understood.is_loose);
        let mut titles: Vec<String> = found.page.items.into_iter().map(|job| job.card.title).collect();
        titles.sort_unstable();
        titles
    };
    let tagged = || world.count("marketplace.jobs WHERE words @@ 'means1leakrepair'::tsquery");
    let expected = ["A wet cabinet", "Faucets drip", "Hose bib"];
    assert_eq!((titles().as_slice(), tagged()), (expected.map(str::to_owned).as_slice(), 0));

    decide_meanings(&world);
    assert_eq!((titles().as_slice(), tagged()), (expected.map(str::to_owned).as_slice(), 3));
    assert_eq!(world.count("marketplace.jobs WHERE words @@ 'means1leakrepair'::tsquery AND version > 1"), 0);

    // A later version of the taxonomy: tags are not trusted until they are decided anew.
    world.database.execute("UPDATE marketplace.meanings SET fingerprint = 'another'");
    world.database.execute("UPDATE marketplace.jobs SET meanings = '{burst-pipe}'");
    world.database.clock.advance(std::time::Duration::from_secs(11 * 60));
    assert_eq!((titles().as_slice(), tagged()), (expected.map(str::to_owned).as_slice(), 0));
    decide_meanings(&world);
    assert_eq!((titles().as_slice(), tagged()), (expected.map(str::to_owned).as_slice(), 3));
    assert_eq!(world.count("marketplace.jobs WHERE 'burst-pipe' = ANY (meanings)"), 0);
}

/// A job is tagged as it is posted, and anew as it is edited.
#[test]
fn a_job_is_tagged_with_what_it_means_when_it_is_written() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let posted = world.post(&ada, job("Dripping faucet", "It wastes water.", "plumbing")).job.id;
    let tagged = || world.count("marketplace.jobs WHERE words @@ 'means1leakrepair'::tsquery");
    assert_eq!(tagged(), 1);
    let title = Some(Title::new("A new sink").unwrap());
    let description = Some(Description::new("It has to be connected.").unwrap());
    world.edit_job(&ada, posted, JobPatch { title, description, ..JobPatch::default() });
    assert_eq!(tagged(), 0);
}

/// Before anything was counted, and after: another way is taken then. And where the counts are far too high: what was looked through is not enough.
#[test]
fn every_question_gets_what_a_plain_statement_says_page_by_page() {
    let world = World::new();
    seed(&world, ROWS);
    let mut conn = world.database.owner_connection();
    for counts in ["none", "right", "too high"] {
        if counts == "right" {
            count_words(&world);
            assert!(
                world.count("marketplace.words WHERE word = 'zinnias' AND share BETWEEN 0.4 AND 0.6") == 1
            );
        }
        if counts == "too high" {
            world
                .database
                .execute("UPDATE marketplace.words SET share = least(1, share * 30) WHERE word !~ '^day1'");
            // They are read again after ten minutes.
            world.database.clock.advance(std::time::Duration::from_secs(11 * 60));
        }
        for (form, condition, order) in questions().into_iter().chain(questions_of_money_and_time()) {
            let sorted = if order.is_empty() { String::new() } else { format!("ORDER BY {order}") };
            let sql = format!(
                "SELECT id::text AS line FROM marketplace.jobs WHERE status = 'OPEN' AND {condition} {sorted}"
            );
            let expected: Vec<Line> = diesel::sql_query(sql).load(&mut conn).unwrap();
            let expected: Vec<String> = expected.into_iter().map(|row| row.line).collect();
            assert!(expected.len() > 20, "{form:?} finds {}", expected.len());
            for limit in [100, 19] {
                let mut found = read(&world, &form, limit);
                let mut expected = expected.clone();
                if order.is_empty() {
                    found.sort_unstable();
                    expected.sort_unstable();
                }
                assert!(found == expected, "{form:?}: {} found, {} expected", found.len(), expected.len());
            }
        }
    }
}

/// What was taken for common, because nothing was counted yet, stands at the very end of each order: it is walked to, stretch by stretch.
#[test]
fn a_walk_goes_on_to_its_end() {
    let world = World::new();
    seed(&world, 15_000);
    world.database.execute(
        "UPDATE marketplace.jobs SET currency = 'SEK', published_at = app.clock() - interval '3000 hours' - budget_min * interval '1 second',
             bidding_deadline = app.clock() + interval '850 hours' + budget_max * interval '1 second'
         WHERE budget_max < 3000",
    );
    world.database.execute("ANALYZE marketplace.jobs");
    let mut conn = world.database.owner_connection();
    for (by_order, order) in
        [(JobOrder::Newest, NEWEST), (JobOrder::Budget, BUDGET), (JobOrder::Deadline, DEADLINE)]
    {
        let expected: Vec<Line> = diesel::sql_query(format!(
            "SELECT id::text AS line FROM marketplace.jobs WHERE status = 'OPEN' AND currency = 'SEK' ORDER BY {order}"
        ))
        .load(&mut conn)
        .unwrap();
        let expected: Vec<String> = expected.into_iter().map(|row| row.line).collect();
        assert!(expected.len() > 50, "{}", expected.len());
        let form = by(by_order, JobSearchForm { currency: Some("SEK".to_owned()), ..all() });
        for limit in [100, 19] {
            assert!(read(&world, &form, limit) == expected, "{by_order:?} by {limit}");
        }
    }
}

/// What the index has about money is reckoned in two languages.
#[test]
fn amounts_are_cut_where_the_database_cuts_them() {
    let world = World::new();
    seed(&world, 10);
    // So few that they are asked of the index.
    world.database.execute("INSERT INTO marketplace.words VALUES ('currency1CHF', 1e-9)");
    for amount in [0, 999, 1_000, 1_999, 2_000, 49_999_999, 50_000_000, 99_999_999, 100_000_000] {
        world.database.execute(&format!(
            "UPDATE marketplace.jobs SET status = 'OPEN', budget_min = {amount}, budget_max = {amount}, currency = 'CHF'"
        ));
        let ends = |min, max| JobSearchForm {
            budget_min: min,
            budget_max: max,
            currency: Some("CHF".to_owned()),
            sort: Some(JobOrder::Newest),
            ..all()
        };
        for form in [ends(Some(amount), None), ends(None, Some(amount)), ends(Some(amount), Some(amount))] {
            assert_eq!(read(&world, &form, 100).len(), 10, "{form:?}");
        }
    }
}

#[test]
fn the_count_is_exact_up_to_a_thousand_and_facets_ignore_their_own_filter() {
    let world = World::new();
    seed(&world, ROWS);
    let facets =
        |form: &JobSearchForm| world.market.job_facets(None, &JobSearch::new(form).unwrap()).unwrap();
    let every = facets(&all());
    assert!((every.count.count, every.count.at_least) == (1_000, true) && every.trades.counted_over == 1_000);
    let of_quokkas = world.count("marketplace.jobs WHERE status = 'OPEN' AND description LIKE '%quokka%'");
    let rare = facets(&of_trade("tiling", words("quokka")));
    let tiling = world.count(
        "marketplace.jobs WHERE status = 'OPEN' AND description LIKE '%quokka%' AND category = 'tiling'",
    );
    assert_eq!((rare.count.count, rare.count.at_least), (tiling, false));
    assert_eq!(rare.trades.counted_over, of_quokkas, "as if no trade were asked for");
    assert_eq!(rare.urgencies.counted_over, tiling);
    let sum: i64 = rare.trades.values.iter().map(|facet| facet.count).sum();
    assert_eq!((sum, rare.trades.values.len()), (of_quokkas, 4));
    assert_eq!(rare.regions.values.iter().map(|facet| facet.count).sum::<i64>(), tiling);
    assert_eq!(rare.budgets.values.iter().map(|facet| facet.count).sum::<i64>(), tiling);
}

fn job(title: &str, description: &str, trade: &str) -> NewJob {
    NewJob {
        title: Title::new(title).unwrap(),
        description: Description::new(description).unwrap(),
        category: Category::new(trade).unwrap(),
        skills: Skills::default(),
        ..bathroom()
    }
}

fn titles(found: &JobsFound) -> Vec<&str> {
    found.page.items.iter().map(|job| job.card.title.as_str()).collect()
}

#[test]
fn what_means_the_same_is_found_after_what_says_it() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let post = |job: NewJob| drop(world.post(&ada, job));
    post(NewJob {
        skills: Skills::new(&["leak-repair"]).unwrap(),
        ..job("Water under the sink", "It drops all night.", "plumbing")
    });
    post(job("Leaky tap in the kitchen", "Since Monday.", "plumbing"));
    post(job("Dripping faucet", "It wastes water.", "plumbing"));
    post(job("Paint the hall", "White, two coats.", "painting"));
    post(job("Rewire the shed", "An élégant new board.", "electrical"));
    let found = |q: &str| {
        let form = JobSearchForm { q: Some(q.to_owned()), ..all() };
        world.market.search_texts(None, &JobSearch::new(&form).unwrap(), None, Limit::default()).unwrap()
    };
    let leaks = found("leaky tap");
    assert_eq!(titles(&leaks)[0], "Leaky tap in the kitchen");
    assert_eq!(titles(&leaks).len(), 3, "{:?}", titles(&leaks));
    assert_eq!(leaks.understood.meanings, ["leak-repair"]);
    let marked = leaks.page.items[0].highlights.clone().unwrap();
    assert_eq!(marked.title, "<mark>Leaky</mark> <mark>tap</mark> in the kitchen");
    assert!(leaks.page.items[0].score > leaks.page.items[1].score);

    let typed = found("electrcian");
    assert_eq!(titles(&typed), ["Rewire the shed"]);
    assert_eq!(typed.understood.did_you_mean.as_deref(), Some("electrician"));
    assert_eq!(titles(&found("plummer")).len(), 3);
    assert_eq!(titles(&found("elegant")), ["Rewire the shed"]);
    assert_eq!(titles(&found("ÉLÉGANT board")), ["Rewire the shed"]);
    assert_eq!(titles(&found("painter -hall")), Vec::<&str>::new());
    assert_eq!(titles(&found("\"two coats\"")), ["Paint the hall"]);
    assert_eq!(titles(&found("\"coats two\"")), Vec::<&str>::new());
    // Nothing has both; what has one is better than nothing, and is said to be that.
    let loose = found("hall sauna");
    assert!(loose.understood.is_loose && titles(&loose) == ["Paint the hall"], "{:?}", titles(&loose));
    assert!(!found("hall").understood.is_loose);
    for nothing in ["the", "-hall", "'); DROP TABLE", "& | ! <-> :*", "\"", "½ m² ☂"] {
        let _ = found(nothing);
    }
    assert_eq!(world.count("marketplace.jobs"), 5);
}

#[test]
fn strangers_find_open_jobs_only_and_an_owner_its_own_in_any_state() {
    let world = World::new();
    let (ada, eve) = (world.homeowner("Ada"), world.homeowner("Eve"));
    let open = world.open_job(&ada);
    let draft = world.post(&ada, NewJob { publish_as: marketplace::PublishAs::Draft, ..bathroom() }).job.id;
    let cancelled = world.open_job(&ada);
    let change = marketplace::JobChange { job_id: cancelled, if_version: None, change: () };
    world.market.delete_job(ada.homeowner().unwrap(), change).unwrap();
    let found = |viewer: Option<&Actor>, form: JobSearchForm| -> HashSet<_> {
        ask(&world, viewer, &form, None, 100).page.items.iter().map(|job| job.card.id).collect()
    };
    for order in [JobOrder::Relevance, JobOrder::Newest, JobOrder::Budget, JobOrder::Deadline] {
        let tiles = || by(order, words("bathroom"));
        let mine = JobSearchForm { scope: JobScope::Mine, ..tiles() };
        let drafts = JobSearchForm { status: Some(JobStatus::Draft), ..tiles() };
        for viewer in [None, Some(&ada), Some(&eve)] {
            assert_eq!(found(viewer, tiles()), HashSet::from([open]), "{order}");
        }
        assert_eq!(found(Some(&ada), mine.clone()), HashSet::from([open, draft, cancelled]), "{order}");
        assert_eq!(found(Some(&ada), drafts.clone()), HashSet::from([draft]), "{order}");
        for viewer in [None, Some(&eve)] {
            assert!(found(viewer, mine.clone()).is_empty() && found(viewer, drafts.clone()).is_empty());
        }
    }
}

#[test]
fn the_order_by_bids_is_for_the_owner_and_sealed_bids_do_not_count() {
    let world = World::new();
    let (ada, bob, dan) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Dan"));
    let (one, two, none) = (world.open_job(&ada), world.open_job(&ada), world.open_job(&ada));
    let sealed = world.sealed_job(&ada);
    for (bidder, job) in [(&bob, one), (&bob, two), (&dan, two), (&bob, sealed), (&dan, sealed)] {
        world.bid(bidder, job, 150_000);
    }
    let order = |limit| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = ask(&world, Some(&ada), &by(JobOrder::Bids, all()), after, limit).page;
            found.extend(page.items.iter().map(|job| job.card.id));
            match page.next {
                Some(next) => after = Some(next),
                None => return found,
            }
        }
    };
    assert_eq!(order(20), [two, one, none, sealed]);
    assert_eq!(order(1), [two, one, none, sealed]);
    world.advance_days(15);
    assert_eq!(order(20)[2..], [one, none], "revealed: {:?}", order(20));
    let search = JobSearch::new(&by(JobOrder::Bids, all())).unwrap();
    for viewer in [None, Some(&bob)] {
        let refused = world.market.search_jobs(viewer, &search, None, Limit::default()).unwrap_err();
        assert!(matches!(refused, marketplace::Error::WrongRole(_)), "{refused}");
    }
}
