//! Bids beside each other, for the owner of their job.

use identity::geo::GeoPoint;
use kernel::{Actor, Classify};
use marketplace::{
    BidChange, BidDetail, BidOffer, BidParts, BidPatch, BidStatus, Category, ComparedBy, ComparisonQueries,
    Error, JobId, Line, LineKind, Mark, MarketplaceCommands, MarketplaceQueries, NewBid, NewJob, PageRequest,
    Rejection, rules,
};

use crate::confirmation::dearer;
use crate::world::{World, bathroom, bid_of};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

fn compared(world: &World, owner: &Actor, job: JobId) -> Vec<i64> {
    let compared = world.market.compare_bids(owner.homeowner().unwrap(), job).unwrap();
    compared.bids.iter().map(|bid| bid.offer.bid.parts.amount).collect()
}

fn recommended(world: &World, owner: &Actor, job: JobId) -> Vec<(BidOffer, rules::Ranked)> {
    world.market.recommend_bids(owner.homeowner().unwrap(), job).unwrap().bids
}

fn withdraw(world: &World, bidder: &Actor, bid: &BidDetail) {
    let back = BidChange { bid_id: bid.id, if_version: None, change: () };
    world.market.withdraw_bid(bidder.contractor().unwrap(), back).unwrap();
}

/// As the directory would have the contractor: so far north of the usual job, with a licence for its trade, and with so many jobs like it finished.
fn establish(world: &World, contractor: &Actor, km_north: f64, licensed: bool, finished: u32) {
    let party = contractor.party.uuid();
    let job = identity::geo::snap_to_grid(GeoPoint::new(30.267_153, -97.743_057).unwrap());
    let (lat, lng) = (job.lat() + km_north / 111.195, job.lng());
    let trade = if licensed { "tiling" } else { "roofing" };
    world.database.execute(&format!(
        "INSERT INTO marketplace.directory (party_id, listed, display_name, trades, skills, public_latitude, public_longitude, member_since,
            reviews, rating_rank, checked_at, valid_until, checked, named, told)
         VALUES ('{party}', true, '', '{{}}', '{{}}', {lat}, {lng}, app.clock(), 0, 400, app.clock(), app.clock() + interval '1 year',
            jsonb_build_array(jsonb_build_object('kind', 'LICENCE', 'trade', '{trade}', 'place', 'TX', 'expires_on', '2090-01-01',
                'until', app.clock() + interval '1 year')), '', '')"
    ));
    for _ in 0..finished {
        let owner = world.homeowner("Former");
        let job = world.open_job(&owner).uuid();
        world.database.execute(&format!(
            "UPDATE marketplace.jobs SET status = 'COMPLETED', contractor_id = '{party}' WHERE id = '{job}'"
        ));
    }
}

#[test]
fn the_owner_sees_those_that_can_be_chosen_side_by_side() {
    let world = World::new();
    let (ada, bob, cid, dan) =
        (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"), world.contractor("Dan"));
    establish(&world, &bob, 4.0, true, 2);
    let job = world.open_job(&ada);
    let own = ada.homeowner().unwrap();
    assert!(world.market.compare_bids(own, job).unwrap().bids.is_empty());
    let lines = vec![
        Line::new(LineKind::Labour, "Work", 100_000).unwrap(),
        Line::new(LineKind::Material, "Tiles", 60_000).unwrap(),
    ];
    let parts = BidParts { lines, ..bid_of(job, 160_000).parts };
    let dear = NewBid { job_id: job, currency: None, parts };
    let dear = world.market.submit_bid(bob.contractor().unwrap(), dear).unwrap();
    let cheap = world.bid(&cid, job, 120_000);
    let back = world.bid(&dan, job, 90_000);
    withdraw(&world, &dan, &back);

    let compared = world.market.compare_bids(own, job).unwrap();
    let ids: Vec<_> = compared.bids.iter().map(|bid| bid.offer.bid.id).collect();
    assert_eq!((ids, compared.more), (vec![cheap.id, dear.id], false));
    let [cheap_column, dear_column] = compared.bids.as_slice() else { panic!("two are compared") };
    assert_eq!(
        (dear_column.labour, dear_column.material, dear_column.other),
        (Some(100_000), Some(60_000), Some(0))
    );
    assert_eq!((cheap_column.labour, cheap_column.first_payment_percent), (None, 100));
    let bidder = &dear_column.offer.bidder;
    assert_eq!(
        (bidder.name.as_str(), bidder.verified, bidder.licensed, bidder.finished_jobs),
        ("Bob", true, true, 2)
    );
    assert!(bidder.metres.is_some_and(|metres| (3_990..=4_010).contains(&metres)), "{bidder:?}");
    let unknown = &cheap_column.offer.bidder;
    assert_eq!((unknown.licensed, unknown.finished_jobs, unknown.metres), (false, 0, None));
    let row = |by| compared.rows.iter().find(|row| row.by == by).unwrap();
    assert_eq!(row(ComparedBy::Price).marks, [(cheap.id, Mark::Lowest), (dear.id, Mark::Highest)]);
    assert!(row(ComparedBy::Licensed).differs && !row(ComparedBy::DurationDays).differs);
    assert_eq!(row(ComparedBy::Labour).marks, [], "one alone stands out from nothing");
}

#[test]
fn after_the_award_those_are_compared_that_stood() {
    let world = World::new();
    let (ada, bob, cid, dan) =
        (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"), world.contractor("Dan"));
    let job = world.open_job(&ada);
    let (chosen, _) = (world.bid(&bob, job, 150_000), world.bid(&cid, job, 140_000));
    let back = world.bid(&dan, job, 90_000);
    withdraw(&world, &dan, &back);
    world.award(&ada, chosen.id).unwrap();
    assert_eq!(compared(&world, &ada, job), [140_000, 150_000]);
    assert!(recommended(&world, &ada, job).is_empty(), "there is nothing left to choose");
}

#[test]
fn what_was_turned_down_or_has_run_out_is_not_compared() {
    let world = World::new();
    let (ada, bob, cid, dan) =
        (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"), world.contractor("Dan"));
    let job = world.open_job(&ada);
    world.bid(&bob, job, 150_000);
    let refused = world.bid(&cid, job, 140_000);
    let change = BidChange { bid_id: refused.id, if_version: None, change: Rejection::default() };
    world.market.reject_bid(ada.homeowner().unwrap(), change).unwrap();
    let valid_until = Some(world.now() + chrono::TimeDelta::days(1));
    let parts = BidParts { valid_until, ..bid_of(job, 130_000).parts };
    world
        .market
        .submit_bid(dan.contractor().unwrap(), NewBid { job_id: job, currency: None, parts })
        .unwrap();
    assert_eq!(compared(&world, &ada, job), [130_000, 150_000]);
    // From the instant on, whether its task has run or not.
    world.advance_days(1);
    assert_eq!(compared(&world, &ada, job), [150_000]);
    assert_eq!(recommended(&world, &ada, job).len(), 1);
    world.run_due();
    assert_eq!(world.count("marketplace.bids WHERE status = 'EXPIRED'"), 1);
    assert_eq!(compared(&world, &ada, job), [150_000]);
}

#[test]
fn what_had_run_out_when_the_job_ended_did_not_stand() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let [bob, cid, dan, eli] = ["Bob", "Cid", "Dan", "Eli"].map(|name| world.contractor(name));
    let until = |days| Some(world.now() + chrono::TimeDelta::days(days));
    for (has_task_run, ends) in [(true, until(2)), (false, until(6))] {
        let job = world.open_job(&ada);
        let hand_in = |bidder: &Actor, amount, valid_until| {
            let parts = BidParts { valid_until, ..bid_of(job, amount).parts };
            let new = NewBid { job_id: job, currency: None, parts };
            world.market.submit_bid(bidder.contractor().unwrap(), new).unwrap()
        };
        let chosen = hand_in(&bob, 150_000, until(9));
        hand_in(&cid, 130_000, ends);
        let refused = hand_in(&dan, 140_000, ends);
        hand_in(&eli, 160_000, None);
        let change = BidChange { bid_id: refused.id, if_version: None, change: Rejection::default() };
        world.market.reject_bid(ada.homeowner().unwrap(), change).unwrap();
        world.advance_days(3);
        if has_task_run {
            world.run_due();
        }
        world.award(&ada, chosen.id).unwrap();
        // Who was turned down while its offer stood was chosen from.
        assert_eq!(compared(&world, &ada, job), [140_000, 150_000, 160_000]);
        let prices = world.market.analyse_bids(ada.homeowner().unwrap(), job).unwrap().spread.unwrap();
        assert_eq!(prices.count, 3);
        let told = [&bob, &cid, &dan, &eli].map(|bidder| {
            let own = world.market.list_bids_of_job(bidder, job, PageRequest::default()).unwrap();
            own.items[0].bid.outcome.map(|outcome| outcome.bids)
        });
        assert_eq!(told, [Some(3), None, Some(3), Some(3)]);
    }
}

#[test]
fn what_waits_for_its_bidders_word_is_set_apart() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let [bob, cid, dan] = ["Bob", "Cid", "Dan"].map(|name| world.contractor(name));
    let job = world.open_job(&ada);
    let own = ada.homeowner().unwrap();
    let (cheap, middle) = (world.bid(&bob, job, 100_000), world.bid(&cid, job, 150_000));
    world.edit_job(&ada, job, dearer());
    let judged = || {
        let compared = world.market.compare_bids(own, job).unwrap();
        let columns: Vec<_> = compared
            .bids
            .iter()
            .map(|it| (it.offer.bid.parts.amount, it.offer.bid.confirmation.is_none()))
            .collect();
        let price = compared.rows.into_iter().find(|row| row.by == ComparedBy::Price).unwrap();
        let best = world.market.recommend_bids(own, job).unwrap();
        let prices = |bids: Vec<(BidOffer, rules::Ranked)>| -> Vec<i64> {
            bids.into_iter().map(|(offer, _)| offer.bid.parts.amount).collect()
        };
        let page = world.market.list_recommended_bids(own, PageRequest::default()).unwrap();
        let [listed] = page.items.as_slice() else { panic!("there is one job") };
        let (bids, unconfirmed) = (prices(best.bids), prices(best.unconfirmed));
        assert_eq!((prices(listed.bids.clone()), listed.unconfirmed), (bids.clone(), unconfirmed.len()));
        let analysed = world.market.analyse_bids(own, job).unwrap();
        assert_eq!(
            (analysed.spread.unwrap().count, analysed.unconfirmed),
            (columns.len(), unconfirmed.len())
        );
        (columns, price.marks, bids, unconfirmed)
    };
    // Nothing can be chosen, so nothing is recommended.
    let (columns, marks, best, unconfirmed) = judged();
    assert_eq!((columns, marks), (vec![(100_000, false), (150_000, false)], vec![]));
    assert_eq!((best, unconfirmed), (vec![], vec![100_000, 150_000]));
    // The one in the middle stands by it, and a dear one comes that has seen the edit.
    world.confirm(&cid, middle.id).unwrap();
    let dear = world.bid(&dan, job, 200_000);
    let (columns, marks, best, unconfirmed) = judged();
    assert_eq!(columns, [(150_000, true), (200_000, true), (100_000, false)]);
    assert_eq!(marks, [(middle.id, Mark::Lowest), (dear.id, Mark::Highest)]);
    assert_eq!((best, unconfirmed), (vec![150_000, 200_000], vec![100_000]));
    // A revision is a word too.
    let lower = BidPatch { amount: Some(90_000), ..BidPatch::default() };
    let change = BidChange { bid_id: cheap.id, if_version: None, change: lower };
    world.market.revise_bid(bob.contractor().unwrap(), change).unwrap();
    let (columns, _, best, unconfirmed) = judged();
    assert_eq!(columns, [(90_000, true), (150_000, true), (200_000, true)]);
    assert_eq!((best.len(), best[0], unconfirmed), (3, 90_000, vec![]));
}

#[test]
fn the_best_bids_of_twenty_jobs_take_as_many_statements_as_those_of_one() {
    let world = World::over(testing::TestDatabase::logged());
    let ada = world.homeowner("Ada");
    let bidders: Vec<Actor> = (0..3).map(|n| world.contractor(&format!("Bidder {n}"))).collect();
    let post = || {
        let job = world.open_job(&ada);
        for (n, bidder) in (1..).zip(&bidders) {
            world.bid(bidder, job, n * 100_000);
        }
        world.edit_job(&ada, job, dearer());
        world.bid(&world.contractor("Late"), job, 250_000);
    };
    let ask = || {
        let asked = || {
            let page = world.market.list_recommended_bids(ada.homeowner().unwrap(), PageRequest::default());
            page.unwrap().items.iter().map(|best| (best.bids.len(), best.unconfirmed)).collect::<Vec<_>>()
        };
        world.database.db.hold().unwrap();
        asked();
        let (found, statements) = world.database.statements(asked);
        world.database.db.release_held();
        (found, statements.into_iter().map(|statement| statement.text).collect::<Vec<_>>())
    };
    post();
    let (one, few) = ask();
    (0..19).for_each(|_| post());
    let (all, many) = ask();
    assert_eq!((one, all), (vec![(1, 3)], vec![(1, 3); 20]));
    assert_eq!(few.len(), many.len(), "{many:#?}");
    assert!(many.len() <= 12, "{many:#?}");
}

#[test]
fn the_spread_names_what_lies_far_from_the_others() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let job = world.open_job(&ada);
    let own = ada.homeowner().unwrap();
    assert_eq!(world.market.analyse_bids(own, job).unwrap().spread, None);
    for (n, amount) in (1..).zip([100_000, 110_000, 120_000, 130_000, 9_000]) {
        world.bid(&world.contractor(&format!("Bidder {n}")), job, amount);
    }
    let spread = world.market.analyse_bids(own, job).unwrap().spread.unwrap();
    assert_eq!((spread.count, spread.lowest, spread.median, spread.highest), (5, 9_000, 110_000, 130_000));
    assert_eq!(spread.fences, Some((70_000, 150_000)));
    let outliers: Vec<_> = spread.outliers.iter().map(|(_, amount, side)| (*amount, *side)).collect();
    assert_eq!(outliers, [(9_000, rules::Side::Low)]);
    // And earns nothing for it.
    let best = recommended(&world, &ada, job);
    let last = best.iter().find(|(offer, _)| offer.bid.parts.amount == 9_000).unwrap();
    assert_eq!(last.1.score.reasons[0].code, "price_far_below");
}

#[test]
fn what_is_known_of_a_bidder_outweighs_a_slightly_lower_price() {
    let world = World::new();
    let (ada, known, cheap) = (world.homeowner("Ada"), world.contractor("Known"), world.contractor("Cheap"));
    establish(&world, &known, 3.0, true, 5);
    let job = world.open_job(&ada);
    world.bid(&cheap, job, 140_000);
    let better = world.bid(&known, job, 150_000);
    let best = recommended(&world, &ada, job);
    assert_eq!(best[0].0.bid.id, better.id);
    let codes: Vec<_> = best[0].1.score.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, ["price_above", "no_reviews", "licensed", "finished_jobs", "distance"]);
    assert_eq!(
        best[0].1.parts.iter().map(|(_, points)| points).sum::<i64>(),
        i64::from(best[0].1.score.points)
    );
}

#[test]
fn only_the_owner_asks_and_not_before_the_reveal() {
    let world = World::new();
    let (ada, eve, bob) = (world.homeowner("Ada"), world.homeowner("Eve"), world.contractor("Bob"));
    for sealed in [false, true] {
        let job = if sealed { world.sealed_job(&ada) } else { world.open_job(&ada) };
        world.bid(&bob, job, 150_000);
        for asking in [&ada, &eve] {
            let own = asking.homeowner().unwrap();
            let answers = [
                world.market.compare_bids(own, job).map(drop),
                world.market.analyse_bids(own, job).map(drop),
                world.market.recommend_bids(own, job).map(drop),
            ];
            for answer in answers {
                match (asking.party == ada.party, sealed) {
                    (true, false) => assert!(answer.is_ok()),
                    (true, true) => assert_eq!(code(answer), "sealed"),
                    (false, _) => assert_eq!(code(answer), "job_not_found"),
                }
            }
        }
    }
    assert_eq!(code(world.market.compare_bids(ada.homeowner().unwrap(), JobId::new())), "job_not_found");
}

#[test]
fn the_best_bids_of_all_open_jobs_come_in_pages_of_jobs() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let bidders: Vec<Actor> = (1..=4).map(|n| world.contractor(&format!("Bidder {n}"))).collect();
    let (first, without, second) = (world.open_job(&ada), world.open_job(&ada), world.open_job(&ada));
    let sealed = world.sealed_job(&ada);
    for (n, bidder) in (1..).zip(&bidders) {
        world.bid(bidder, first, n * 100_000);
    }
    world.bid(&bidders[0], second, 100_000);
    world.bid(&bidders[0], sealed, 100_000);
    let read = |page| world.market.list_recommended_bids(ada.homeowner().unwrap(), page).unwrap();
    let all = read(PageRequest::default());
    let found: Vec<_> = all.items.iter().map(|best| (best.job.id, best.bids.len())).collect();
    assert_eq!(
        found,
        [(second, 1), (first, 3)],
        "not {without}, which has none, nor {sealed}, which is sealed"
    );
    assert_eq!(all.items[1].bids[0].0.bid.parts.amount, 100_000);

    let limit = kernel::Limit::new(1).unwrap();
    let page = read(PageRequest { after: None, limit });
    let next = read(PageRequest { after: page.next, limit });
    assert_eq!((page.items[0].job.id, next.items[0].job.id, next.next), (second, first, None));
    world.advance_days(14);
    let after = read(PageRequest::default());
    assert_eq!(after.items.iter().map(|best| best.job.id).collect::<Vec<_>>(), [sealed, second, first]);
    assert!(after.items.iter().all(|best| best.job.bidding_closed));
}

#[test]
fn a_hundred_bids_are_compared_and_that_there_are_more_is_said() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    world.bid(&bob, job, 150_000);
    // Others of the same, each of a contractor of its own.
    world.database.execute(
        "WITH more AS (
            INSERT INTO marketplace.bids (id, job_id, contractor_id, status, amount, currency, submitted_at, created_at, updated_at)
            SELECT gen_random_uuid(), b.job_id, gen_random_uuid(), b.status, 150000 + n, b.currency, b.submitted_at, b.created_at, b.updated_at
            FROM marketplace.bids b, generate_series(1, 100) n RETURNING id, amount)
         INSERT INTO marketplace.bid_revisions (bid_id, revision, amount, lines, milestones, submitted_at, canonical, salt, receipt)
         SELECT more.id, 1, more.amount, r.lines, r.milestones, r.submitted_at, r.canonical, r.salt, r.receipt
         FROM more, marketplace.bid_revisions r WHERE r.amount = 150000",
    );
    let compared = world.market.compare_bids(ada.homeowner().unwrap(), job).unwrap();
    assert_eq!((compared.bids.len(), compared.more), (100, true));
    let all = world.market.recommend_bids(ada.homeowner().unwrap(), job).unwrap();
    assert_eq!((all.bids.len(), all.more), (100, true));
    let spread = world.market.analyse_bids(ada.homeowner().unwrap(), job).unwrap().spread.unwrap();
    assert_eq!((spread.count, spread.highest), (101, 150_100));
    assert_eq!(compared.bids.iter().filter(|bid| bid.offer.bid.status == BidStatus::Submitted).count(), 100);
}

#[test]
fn prices_are_held_against_the_market_of_the_trade_and_place_where_there_is_one() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    world.bid(&bob, job, 150_000);
    let own = ada.homeowner().unwrap();
    assert_eq!(world.market.analyse_bids(own, job).unwrap().market, None);
    world.database.execute(
        "WITH month AS (
            INSERT INTO marketplace.market_months (month, published_at)
            VALUES (date_trunc('month', app.clock())::date, app.clock()) RETURNING month)
         INSERT INTO marketplace.market_figures
            (id, month, country, region, trade, currency, priced_jobs, priced_people, p10, p25, median, p75, p90)
         SELECT gen_random_uuid(), month, 'US', NULL, 'tiling', 'USD', 9, 6, 120000, 150000, 200000, 240000, 300000 FROM month",
    );
    let market = world.market.analyse_bids(own, job).unwrap().market.unwrap();
    assert_eq!((market.jobs, market.p10, market.median), (9, 120_000, 200_000));
    let first = |bids: Vec<(BidOffer, rules::Ranked)>| bids[0].1.score.reasons[0].text.clone();
    assert_eq!(first(recommended(&world, &ada, job)), "25 % below the middle of the market here");
    let all = world.market.list_recommended_bids(own, PageRequest::default()).unwrap();
    assert_eq!(first(all.items[0].bids.clone()), "25 % below the middle of the market here");
    // Far below what others are paid for it.
    let cheap = world.contractor("Cheap");
    world.bid(&cheap, job, 90_000);
    let far_below = recommended(&world, &ada, job)
        .into_iter()
        .filter(|(_, ranked)| ranked.score.reasons[0].code == "price_far_below");
    assert_eq!(far_below.map(|(offer, _)| offer.bid.parts.amount).collect::<Vec<_>>(), [90_000]);
    // Of another trade nothing is known.
    let other = NewJob { category: Category::new("painting").unwrap(), ..bathroom() };
    assert_eq!(world.market.analyse_bids(own, world.post(&ada, other).job.id).unwrap().market, None);
}
