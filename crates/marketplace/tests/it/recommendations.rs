//! Jobs in an order of merit over rows of their own: what trends, what is alike, what fits; and how Postgres finds them.

use identity::geo::GeoPoint;
use kernel::{Actor, Limit};
use marketplace::{
    Category, Error, JobId, JobLook, MarketplaceCommands as _, NewJob, RecommendationCommands,
    RecommendationQueries, RefreshTrending, ScoredJob, Title, TrendingFilter, ViewCommands, rules,
};
use testing::Plan;

use crate::world::{World, bathroom};

fn limit(limit: i64) -> Limit {
    Limit::new(limit).unwrap()
}

fn ids(scored: &[ScoredJob]) -> Vec<JobId> {
    scored.iter().map(|scored| scored.job.id).collect()
}

fn trending(world: &World) -> Vec<JobId> {
    ids(&world.market.trending_jobs(TrendingFilter::default(), limit(100)).unwrap())
}

/// So many people in different places look at a job.
fn look(world: &World, job: JobId, people: u8) {
    let looks: Vec<JobLook> = (0..people)
        .map(|n| JobLook { job, party: None, network: std::net::IpAddr::from([10, 0, 1, n]) })
        .collect();
    world.market.record_views(&looks).unwrap();
}

/// As the workers do every few minutes, or once a day.
fn refresh(world: &World, whole: bool) {
    let asked = world.database.db.transaction(|tx| {
        outbox::enqueue(tx, &RefreshTrending { whole });
        Ok::<_, database::Error>(())
    });
    asked.unwrap();
    world.run_due();
}

#[test]
fn what_people_look_at_trends_and_cools_and_without_any_it_is_the_newest() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let (one, two, three) = (world.open_job(&ada), world.open_job(&ada), world.open_job(&ada));
    assert_eq!(trending(&world), [three, two, one]);
    look(&world, one, 4);
    look(&world, two, 2);
    assert_eq!(trending(&world), [three, two, one], "not before the task has run");
    refresh(&world, false);
    assert_eq!(trending(&world), [one, two, three]);
    let first = &world.market.trending_jobs(TrendingFilter::default(), limit(1)).unwrap()[0];
    assert_eq!((first.score.points, first.score.reasons[0].text.as_str()), (29, "Looked at lately"));

    // Four looks of six days ago are worth half a look.
    world.advance_days(6);
    look(&world, three, 1);
    refresh(&world, false);
    assert_eq!(trending(&world), [three, one, two]);
    let warm = world.market.trending_jobs(TrendingFilter::default(), limit(100)).unwrap();
    assert_eq!(warm.iter().map(|job| job.score.points).collect::<Vec<_>>(), [9, 5, 2]);

    // Nothing counts for ever, and what is open no more trends no more.
    world.advance_days(9);
    refresh(&world, true);
    assert_eq!(world.count("marketplace.trending"), 1);
}

#[test]
fn one_network_counts_like_a_few_people_whatever_it_calls_itself() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let (pushed, liked) = (world.open_job(&ada), world.open_job(&ada));
    let network = std::net::IpAddr::from([10, 0, 0, 9]);
    let crowd: Vec<JobLook> = (0..20)
        .map(|n| JobLook { job: pushed, party: Some(world.contractor(&format!("Bob {n}")).party), network })
        .collect();
    world.market.record_views(&crowd).unwrap();
    world.market.record_views(&crowd).unwrap();
    look(&world, liked, 4);
    refresh(&world, false);
    assert_eq!(trending(&world), [liked, pushed]);
    assert_eq!(world.count("marketplace.trending WHERE looks = 3"), 1);
}

#[test]
fn a_trade_is_read_alone_and_follows_an_edit() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let tiles = world.open_job(&ada);
    let roof = world.post(&ada, NewJob { category: Category::new("roofing").unwrap(), ..bathroom() }).job.id;
    look(&world, tiles, 2);
    look(&world, roof, 1);
    refresh(&world, false);
    let of = |trade: &str| {
        let filter = TrendingFilter::new(Some(trade), (None, None, None)).unwrap();
        ids(&world.market.trending_jobs(filter, limit(20)).unwrap())
    };
    assert_eq!((of("tiling"), of("roofing"), of("painting")), (vec![tiles], vec![roof], vec![]));
    world
        .database
        .execute(&format!("UPDATE marketplace.jobs SET category = 'painting' WHERE id = '{}'", tiles.uuid()));
    assert_eq!(of("tiling"), []);
    refresh(&world, false);
    assert_eq!(of("painting"), [tiles]);
}

#[test]
fn around_a_place_the_hottest_there_come_first_and_then_the_newest_there() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let here = job_at(&world, &ada, 2.0, "Tile the kitchen", "tiling");
    let edge = job_at(&world, &ada, 38.0, "Mend the roof", "roofing");
    let far = job_at(&world, &ada, 80.0, "Tile the attic", "tiling");
    let quiet = job_at(&world, &ada, 5.0, "Tile the hall", "tiling");
    look(&world, far, 9);
    look(&world, edge, 4);
    look(&world, here, 2);
    refresh(&world, false);
    assert_eq!(trending(&world), [far, edge, here, quiet]);
    let around = |trade: Option<&str>, km: i64| {
        let filter = TrendingFilter::new(trade, (Some(30.27), Some(-97.74), Some(km))).unwrap();
        world.market.trending_jobs(filter, limit(20)).unwrap()
    };
    assert_eq!(ids(&around(None, 40)), [edge, here, quiet]);
    assert_eq!(ids(&around(Some("tiling"), 40)), [here, quiet]);
    assert_eq!(ids(&around(None, 10)), [here, quiet]);
    // Too many squares: of the hottest anywhere those that lie within.
    assert_eq!(ids(&around(None, 500)), [far, edge, here, quiet]);
    assert_eq!(ids(&around(Some("roofing"), 500)), [edge]);
    let first = &around(None, 40)[0];
    assert!(first.km.is_some_and(|km| (36.0..40.0).contains(&km)), "{:?}", first.km);

    // A job that moves is where it is now.
    world.database.execute(&format!(
        "UPDATE marketplace.jobs SET public_latitude = 10, public_longitude = 10 WHERE id = '{}'",
        edge.uuid()
    ));
    assert_eq!(ids(&around(None, 40)), [here, quiet]);
    refresh(&world, false);
    let there = TrendingFilter::new(None, (Some(10.0), Some(10.0), Some(5))).unwrap();
    assert_eq!(ids(&world.market.trending_jobs(there, limit(20)).unwrap()), [edge]);
    let nowhere = TrendingFilter::new(None, (Some(-60.0), Some(10.0), None)).unwrap();
    assert!(world.market.trending_jobs(nowhere, limit(20)).unwrap().is_empty());
}

#[test]
fn a_place_has_both_its_degrees_and_a_radius_a_place() {
    for (place, pointers) in [
        ((Some(30.0), None, None), vec!["/lng"]),
        ((None, Some(-97.0), None), vec!["/lat"]),
        ((None, None, Some(5)), vec!["/radius"]),
        ((Some(91.0), Some(-97.0), Some(501)), vec!["/radius", "/lat"]),
    ] {
        let faults = TrendingFilter::new(None, place).unwrap_err().into_vec();
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), pointers);
    }
    let faults = TrendingFilter::new(Some("alchemy"), (Some(30.0), None, None)).unwrap_err();
    assert_eq!(faults.into_vec().len(), 2);
}

#[test]
fn bids_move_nothing_that_trends() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let (one, two) = (world.open_job(&ada), world.open_job(&ada));
    look(&world, one, 2);
    look(&world, two, 1);
    refresh(&world, true);
    let before = world.market.trending_jobs(TrendingFilter::default(), limit(20)).unwrap();
    for n in 0..5 {
        world.bid(&world.contractor(&format!("Bob {n}")), two, 150_000);
    }
    refresh(&world, true);
    let after = world.market.trending_jobs(TrendingFilter::default(), limit(20)).unwrap();
    assert_eq!(ids(&before), ids(&after));
    assert_eq!(before, after);
    let bid = world.bid(&world.contractor("Dan"), one, 150_000);
    world.award(&ada, bid.id).unwrap();
    assert_eq!(trending(&world), [two], "what is awarded is nobody's to bid on");
    refresh(&world, false);
    assert_eq!(world.count("marketplace.trending"), 1);
}

/// A job so many kilometres north of the bathroom.
fn job_at(world: &World, owner: &Actor, km: f64, title: &str, trade: &str) -> JobId {
    let mut job = bathroom();
    job.title = Title::new(title).unwrap();
    job.category = Category::new(trade).unwrap();
    job.address.point = Some(GeoPoint::new(30.267_153 + km / 111.195, -97.743_057).unwrap());
    world.post(owner, job).job.id
}

#[test]
fn jobs_like_one_are_found_with_why_and_without_ones_own() {
    let world = World::new();
    let (ada, eve) = (world.homeowner("Ada"), world.homeowner("Eve"));
    let job = world.open_job(&ada);
    let near = job_at(&world, &eve, 3.0, "Tiling bathroom walls", "tiling");
    let far = job_at(&world, &eve, 400.0, "Lay a floor", "tiling");
    let own = job_at(&world, &ada, 0.0, "Tile the kitchen", "tiling");
    let fence = job_at(&world, &eve, 0.0, "Paint a fence", "painting");
    let found = world.market.similar_jobs(None, job, limit(20)).unwrap();
    assert_eq!(ids(&found), [near, own, far], "{found:#?}");
    assert!(!ids(&found).contains(&fence), "another trade that shares no skill of it");
    let reasons: Vec<_> = found[0].score.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(reasons, ["trade", "words", "skills", "distance", "budget"]);
    assert!(found[0].km.is_some_and(|km| (2.0..4.5).contains(&km)));
    assert_eq!(ids(&world.market.similar_jobs(Some(&ada), job, limit(20)).unwrap()), [near, far]);
    assert_eq!(world.market.similar_jobs(None, job, limit(1)).unwrap().len(), 1);

    let draft = world.market.post_job(
        ada.homeowner().unwrap(),
        NewJob { publish_as: marketplace::PublishAs::Draft, ..bathroom() },
    );
    let draft = draft.unwrap().job.id;
    assert!(matches!(world.market.similar_jobs(None, draft, limit(20)), Err(Error::JobNotFound)));
    assert!(world.market.similar_jobs(Some(&ada), draft, limit(20)).is_ok());
}

/// What a contractor says of itself.
fn present(world: &World, contractor: &Actor, trades: &str, skills: &str, radius: i32) {
    world.database.execute(&format!(
        "INSERT INTO identity.contractor_profiles (person_id, trades, skills, public_latitude, public_longitude, service_radius_km)
         VALUES ('{}', '{{{trades}}}', '{{{skills}}}', 30.265, -97.740506, {radius})
         ON CONFLICT (person_id) DO UPDATE SET trades = excluded.trades, skills = excluded.skills,
             service_radius_km = excluded.service_radius_km",
        contractor.party.uuid()
    ));
}

fn recommended(world: &World, contractor: &Actor) -> Vec<JobId> {
    ids(&world.market.recommended_jobs(contractor.contractor().unwrap(), limit(100)).unwrap())
}

#[test]
fn a_job_that_says_the_same_is_found_behind_many_newer_ones() {
    let world = World::new();
    let (ada, eve) = (world.homeowner("Ada"), world.homeowner("Eve"));
    let alike = job_at(&world, &eve, 1.0, "Zellige for a hammam", "tiling");
    let elsewhere = job_at(&world, &eve, 300.0, "Zellige for a hammam", "tiling");
    let other_trade = job_at(&world, &eve, 1.0, "Zellige for a hammam", "painting");
    // More than are looked at in one square, and more than are looked at anywhere.
    for at in 0..12_u32 {
        for _ in 0..14 {
            job_at(&world, &eve, f64::from(at) * 3.0, "Something else", "tiling");
        }
    }
    let job = job_at(&world, &ada, 0.0, "Hammam with zellige walls", "tiling");
    let found = ids(&world.market.similar_jobs(None, job, limit(100)).unwrap());
    assert_eq!(found[0], alike);
    assert!(!found.contains(&elsewhere) && !found.contains(&other_trade));
}

#[test]
fn jobs_that_fit_come_first_within_the_area_that_is_served() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let near = job_at(&world, &ada, 2.0, "Tile the kitchen", "tiling");
    let edge = job_at(&world, &ada, 38.0, "Tile the hall", "tiling");
    let roof = job_at(&world, &ada, 2.0, "Mend the roof", "roofing");
    let beyond = job_at(&world, &ada, 80.0, "Tile the attic", "tiling");
    // Who says nothing of itself sees the newest anywhere.
    assert_eq!(recommended(&world, &bob), [beyond, roof, edge, near]);
    present(&world, &bob, "tiling", "grout", 40);
    assert_eq!(recommended(&world, &bob), [near, edge]);
    present(&world, &bob, "tiling,roofing", "grout", 40);
    assert_eq!(recommended(&world, &bob), [roof, near, edge]);
    present(&world, &bob, "tiling", "grout", 100);
    assert_eq!(recommended(&world, &bob), [near, edge, beyond]);
    // Too wide an area for squares: the newest of the trade, within the area all the same.
    present(&world, &bob, "tiling", "grout", 500);
    assert_eq!(recommended(&world, &bob), [near, edge, beyond]);
    let best = &world.market.recommended_jobs(bob.contractor().unwrap(), limit(1)).unwrap()[0];
    let told: Vec<_> = best.score.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(told, ["distance", "trade", "skills", "fresh"]);
}

#[test]
fn what_was_dismissed_or_bid_on_is_left_out() {
    let world = World::new();
    let (ada, bob, dan) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Dan"));
    let (one, two, three) = (world.open_job(&ada), world.open_job(&ada), world.open_job(&ada));
    present(&world, &bob, "tiling", "grout", 40);
    present(&world, &dan, "tiling", "grout", 40);
    let contractor = bob.contractor().unwrap();
    world.market.dismiss_job(contractor, one).unwrap();
    world.market.dismiss_job(contractor, one).unwrap();
    world.bid(&bob, two, 150_000);
    assert_eq!(recommended(&world, &bob), [three]);
    assert_eq!(recommended(&world, &dan), [three, two, one], "it is nobody else's doing");
    world.market.restore_job(contractor, one).unwrap();
    world.market.restore_job(contractor, one).unwrap();
    assert_eq!(recommended(&world, &bob), [three, one]);

    // Of a job that nobody can bid on there is nothing to dismiss, and what was dismissed of it is forgotten.
    world.market.dismiss_job(contractor, three).unwrap();
    let bid = world.bid(&dan, three, 150_000);
    world.award(&ada, bid.id).unwrap();
    assert!(matches!(world.market.dismiss_job(contractor, three), Err(Error::JobNotFound)));
    assert!(matches!(
        world.market.dismiss_job(dan.contractor().unwrap(), three),
        Err(Error::JobState { .. })
    ));
    assert!(matches!(world.market.dismiss_job(contractor, JobId::new()), Err(Error::JobNotFound)));
    let forgetting = world.database.db.transaction(|tx| {
        outbox::enqueue(tx, &marketplace::ForgetLooks {});
        Ok::<_, database::Error>(())
    });
    forgetting.unwrap();
    world.run_due();
    assert_eq!(world.count("marketplace.dismissals"), 0);
}

#[test]
fn what_a_contractor_has_done_here_counts() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    present(&world, &bob, "tiling", "grout", 40);
    for _ in 0..3 {
        let job = world.open_job(&ada);
        let bid = world.bid(&bob, job, 150_000);
        world.award(&ada, bid.id).unwrap();
    }
    world.open_job(&ada);
    let told = |world: &World| {
        let best = &world.market.recommended_jobs(bob.contractor().unwrap(), limit(1)).unwrap()[0];
        best.score
            .reasons
            .iter()
            .map(|reason| format!("{}: {}", reason.code, reason.text))
            .collect::<Vec<_>>()
    };
    assert!(told(&world).contains(&"budget: The budget is what you usually win at".to_owned()));
    world.database.execute("UPDATE marketplace.jobs SET status = 'COMPLETED' WHERE status = 'AWARDED'");
    assert!(told(&world).contains(&"experience: 3 jobs like it finished".to_owned()));
}

#[test]
fn who_cannot_bid_yet_is_told_so() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.unverified_contractor("Bob"));
    world.open_job(&ada);
    let best = &world.market.recommended_jobs(bob.contractor().unwrap(), limit(20)).unwrap()[0];
    assert!(best.score.reasons.iter().any(|reason| reason.code == "not_verified"));
}

/// The weights in the document are the weights.
#[test]
fn the_document_has_the_weights() {
    let document = include_str!("../../../../docs/API.md");
    let lists = [rules::RECOMMENDATION_WEIGHTS, rules::SIMILAR_WEIGHTS, rules::TRENDING_WEIGHTS];
    for weight in lists.iter().copied().flatten() {
        let row = format!("| {} | `{}` | {} | {} |", weight.list, weight.code, weight.points, weight.meaning);
        assert!(document.contains(&row), "docs/API.md lacks\n{row}");
    }
    let rows = document.lines().filter(|line| {
        ["| recommendations |", "| similar |", "| trending |"].iter().any(|list| line.starts_with(list))
    });
    assert_eq!(rows.count(), lists.iter().map(|list| list.len()).sum::<usize>());
    for list in lists {
        let most: i32 = list.iter().map(|weight| weight.points.max(0)).sum();
        assert_eq!(most, 100, "{}", list[0].list);
    }
}

const JOBS: u32 = 12_000;

/// Many open jobs of a few trades over a few towns, looks and dismissals.
fn seed(world: &World) {
    world.database.execute(&format!(
        "SELECT setseed(0.5);
         INSERT INTO marketplace.jobs (id, homeowner_id, status, title, description, category, skills, city, country, public_latitude,
             public_longitude, budget_min, currency, urgency, bidding_deadline, accept_until, reveal, published_at, created_at, updated_at)
         SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'CANCELLED' ELSE 'OPEN' END, 'Job ' || n, 'Work', (ARRAY['tiling', 'roofing', 'painting', 'plumbing'])[1 + n % 4],
             '{{grout}}', 'Austin', 'US', 28 + (random() * 400)::int * 0.01, -99 + (random() * 400)::int * 0.01, 100000, 'USD', 'normal',
             app.clock() + interval '10 days', app.clock() + interval '20 days', 'on_arrival', app.clock() - n * interval '1 minute', app.clock(), app.clock()
         FROM generate_series(1, {JOBS}) n;
         INSERT INTO marketplace.trending SELECT id, category, published_at, random() * 100, 1, app.clock(), app.clock(), cell FROM marketplace.jobs WHERE status = 'OPEN' AND random() < 0.3;
         INSERT INTO marketplace.job_views SELECT id, app.clock()::date, decode(md5(id::text), 'hex'), decode(md5(id::text), 'hex'), app.clock() FROM marketplace.jobs WHERE random() < 0.3;
         INSERT INTO marketplace.dismissals SELECT gen_random_uuid(), id, app.clock() FROM marketplace.jobs WHERE random() < 0.3"
    ));
    world.database.execute("ANALYZE marketplace.jobs");
    for table in ["trending", "job_views", "dismissals", "bids", "directory"] {
        world.database.execute(&format!("ANALYZE marketplace.{table}"));
    }
}

/// What is asked is found by indexes, with the plan that Postgres keeps for any values.
#[test]
fn nothing_is_found_by_reading_all_jobs() {
    let world = World::over(testing::TestDatabase::logged());
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    seed(&world);
    let job = world.open_job(&ada);
    world.database.db.hold().unwrap();
    present(&world, &bob, "tiling,roofing", "grout", 60);
    ask(&world, &bob, job);
    let ((), narrow) = world.database.statements(|| ask(&world, &bob, job));
    present(&world, &bob, "tiling,roofing", "grout", 500);
    ask(&world, &bob, job);
    let ((), wide) = world.database.statements(|| ask(&world, &bob, job));
    testing::assert_cached(&narrow);
    world.database.db.release_held();
    let mut conn = world.database.owner_connection();
    let mut explained = 0;
    for statement in narrow.iter().chain(&wide).filter(|statement| statement.text.contains("marketplace.")) {
        let plan = Plan::generic(&mut conn, statement);
        for table in ["jobs", "trending", "job_views", "dismissals"] {
            assert!(!plan.reads_whole(table), "{plan}");
        }
        explained += 1;
    }
    assert!(explained >= 10, "{explained}");
}

fn ask(world: &World, contractor: &Actor, job: JobId) {
    let tiling = TrendingFilter { category: Some(Category::new("tiling").unwrap()), circle: None };
    for most in [20, 100] {
        world.market.trending_jobs(TrendingFilter::default(), limit(most)).unwrap();
        world.market.trending_jobs(tiling, limit(most)).unwrap();
        for km in [30, 500] {
            for trade in [None, Some("tiling")] {
                let filter = TrendingFilter::new(trade, (Some(30.0), Some(-97.0), Some(km))).unwrap();
                assert!(!world.market.trending_jobs(filter, limit(most)).unwrap().is_empty());
            }
        }
    }
    let found = world.market.recommended_jobs(contractor.contractor().unwrap(), limit(100)).unwrap();
    assert!(!found.is_empty());
    let found = world.market.similar_jobs(None, job, limit(20)).unwrap();
    assert_eq!(found.len(), 20);
}
