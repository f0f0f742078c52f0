//! The directory over rows of its own: both ways of finding give what a plain statement gives, and neither reads the whole table.

use diesel::prelude::*;
use diesel::sql_types::Text;
use kernel::{Limit, PartyId};
use marketplace::{DirectoryFilter, DirectoryForm, DirectoryOrder, MarketplaceQueries};
use testing::{Plan, TestDatabase};

use crate::world::World;

/// Enough that the common trade is found by walking, and the rare one by its index.
const ROWS: u32 = 6_000;

pub(crate) fn seed(world: &World, rows: u32) {
    world.database.execute(&format!(
        "SELECT setseed(0.5);
         INSERT INTO marketplace.directory (party_id, listed, display_name, headline, trades, skills, public_latitude, public_longitude,
             service_radius_km, member_since, reviews, rating_mean, rating_rank, checked_at, valid_until, checked, named, told)
         SELECT gen_random_uuid(), n % 50 <> 0, 'Bob', NULL,
             CASE WHEN n % 2 = 0 THEN ARRAY['plumbing', 'tiling'] WHEN n % 3 = 0 THEN ARRAY['roofing'] ELSE '{{}}' END,
             ARRAY['skill' || n % 40], 30 + (random() * 70)::int * 0.01, -97 - (random() * 70)::int * 0.01,
             CASE WHEN n % 3 = 0 THEN NULL ELSE 5 + n % 60 END,
             timestamptz '2026-01-01' + (random() * 900)::int * interval '1 hour',
             n % 4, CASE WHEN n % 4 > 0 THEN 100 + (random() * 400)::int END, 300 + (random() * 200)::int,
             CASE WHEN n % 3 > 0 THEN timestamptz '2026-01-01' END,
             CASE WHEN n % 3 > 0 THEN app.clock() + (n % 9 - 3) * interval '1 year' END,
             CASE WHEN n % 3 > 0 THEN jsonb_build_array(jsonb_build_object('kind', 'LICENCE', 'trade',
                 CASE WHEN n % 5 = 0 THEN 'tiling' END, 'place', 'Texas', 'expires_on', '2099-01-01', 'until', app.clock() + (n % 9 - 3) * interval '1 year'))
                 ELSE '[]' END,
             CASE WHEN n % 7 = 0 THEN 'leaking pipes' ELSE 'fences' END, CASE WHEN n % 2 = 0 THEN 'leaks' ELSE '' END
         FROM generate_series(1, {rows}) n;"
    ));
    world.database.execute("ANALYZE marketplace.directory");
}

/// A question, and what a plain statement says to it: its condition and its order.
pub(crate) type Question = (DirectoryForm, String, &'static str);

const BEST: &str = "rating_rank DESC, party_id DESC";
const NEWEST: &str = "member_since DESC, party_id DESC";
const NEAREST: &str = "marketplace.metres_between(public_latitude, public_longitude, 30.35, -97.4), party_id";
const RELEVANT: &str = "(strong @@ to_tsquery('leak'))::int DESC, rating_rank DESC, party_id DESC";
const TILING: &str = "trades @> '{tiling}'";

fn trade(trade: &str) -> DirectoryForm {
    DirectoryForm { trade: Some(trade.to_owned()), ..DirectoryForm::default() }
}

fn newest(form: DirectoryForm) -> DirectoryForm {
    DirectoryForm { sort: Some(DirectoryOrder::Newest), ..form }
}

/// By what the contractors are and say.
fn questions_of_words() -> Vec<Question> {
    let all = || "true".to_owned();
    let words = || DirectoryForm { q: Some("leak".to_owned()), ..DirectoryForm::default() };
    let skill = DirectoryForm { skills: vec!["skill3".to_owned()], ..DirectoryForm::default() };
    let (leak, roofing) = ("words @@ to_tsquery('leak')", "trades @> '{roofing}'");
    vec![
        (DirectoryForm::default(), all(), BEST),
        (newest(DirectoryForm::default()), all(), NEWEST),
        (trade("tiling"), TILING.to_owned(), BEST),
        (newest(trade("tiling")), TILING.to_owned(), NEWEST),
        (trade("roofing"), roofing.to_owned(), BEST),
        (skill, "skills @> '{skill3}'".to_owned(), BEST),
        (words(), leak.to_owned(), RELEVANT),
        (DirectoryForm { q: words().q, ..trade("roofing") }, format!("{leak} AND {roofing}"), RELEVANT),
    ]
}

/// By the place that they come to.
fn questions_of_place() -> Vec<Question> {
    let around =
        |form, radius| DirectoryForm { lat: Some(30.35), lng: Some(-97.4), radius: Some(radius), ..form };
    let near = |km: i64| {
        format!(
            "marketplace.metres_between(public_latitude, public_longitude, 30.35, -97.4) <= least({km}, coalesce(service_radius_km, {km})) * 1000"
        )
    };
    let nearest = |form| DirectoryForm { sort: Some(DirectoryOrder::Distance), ..form };
    let all = DirectoryForm::default;
    vec![
        (around(all(), 20), near(20), BEST),
        (around(all(), 500), near(500), BEST),
        (nearest(around(all(), 20)), near(20), NEAREST),
        (nearest(around(all(), 500)), near(500), NEAREST),
        (nearest(around(trade("tiling"), 500)), format!("{} AND {TILING}", near(500)), NEAREST),
    ]
}

/// By what others say of them.
fn questions_of_standing() -> Vec<Question> {
    const CHECKED: &str = "coalesce(valid_until > app.clock(), false)";
    const CHECKED_FOR: &str = "EXISTS (SELECT FROM jsonb_array_elements(checked) c WHERE coalesce(c->>'trade', 'tiling') = 'tiling')";
    let rated = |stars, form| DirectoryForm { min_rating: Some(stars), ..form };
    let verified = |verified, form| DirectoryForm { verified: Some(verified), ..form };
    let all = DirectoryForm::default;
    let for_tiling = format!("{CHECKED} AND {CHECKED_FOR}");
    vec![
        (rated(4.5, all()), "rating_mean >= 450".to_owned(), BEST),
        (newest(rated(2.0, trade("tiling"))), format!("rating_mean >= 200 AND {TILING}"), NEWEST),
        (newest(verified(true, all())), CHECKED.to_owned(), NEWEST),
        (verified(false, all()), format!("NOT {CHECKED}"), BEST),
        (verified(true, trade("tiling")), format!("{for_tiling} AND {TILING}"), BEST),
        (verified(false, trade("tiling")), format!("NOT ({for_tiling}) AND {TILING}"), BEST),
    ]
}

pub(crate) fn questions() -> Vec<Question> {
    [questions_of_words(), questions_of_place(), questions_of_standing()].concat()
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// All pages, one after the other.
fn read(world: &World, form: &DirectoryForm, limit: i64) -> Vec<PartyId> {
    let filter = DirectoryFilter::new(form).unwrap();
    let limit = Limit::new(limit).unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = world.market.list_contractors(&filter, after, limit).unwrap();
        assert!(page.items.len() <= limit.get());
        found.extend(page.items.iter().map(|card| card.id));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

#[test]
fn every_question_gets_what_a_plain_statement_says_page_by_page() {
    let world = World::new();
    seed(&world, ROWS);
    let mut conn = world.database.owner_connection();
    for (form, condition, order) in questions() {
        let sql = format!(
            "SELECT party_id::text AS line FROM marketplace.directory WHERE listed AND {condition} ORDER BY {order}"
        );
        let expected: Vec<Line> = diesel::sql_query(sql).load(&mut conn).unwrap();
        let expected: Vec<String> = expected.into_iter().map(|row| row.line).collect();
        assert!(expected.len() > 20, "{form:?} finds {}", expected.len());
        for limit in [100, 19] {
            let found: Vec<String> =
                read(&world, &form, limit).into_iter().map(|id| id.uuid().to_string()).collect();
            assert!(found == expected, "{form:?}: {} found, {} expected", found.len(), expected.len());
        }
    }
}

#[test]
fn no_question_reads_the_whole_directory() {
    let world = World::over(TestDatabase::logged());
    seed(&world, ROWS);
    world.database.db.hold().unwrap();
    let mut owner = world.database.owner_connection();
    let mut seen = 0;
    for (form, ..) in questions() {
        let filter = DirectoryFilter::new(&form).unwrap();
        let ask = || {
            let first = world.market.list_contractors(&filter, None, Limit::default()).unwrap();
            assert!(first.next.is_some(), "{form:?}");
            world.market.list_contractors(&filter, first.next, Limit::default()).unwrap();
        };
        ask();
        let ((), statements) = world.database.statements(ask);
        // Parsed and planned once, though the text depends on the question.
        testing::assert_cached(&statements);
        for statement in statements {
            let plan = Plan::generic(&mut owner, &statement);
            assert!(!plan.reads_whole("directory"), "{form:?}\n{plan}");
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} statements were looked at");
    world.database.db.release_held();
}
