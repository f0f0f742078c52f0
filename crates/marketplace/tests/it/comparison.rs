//! Bids beside each other, for the owner of their job.

use identity::geo::GeoPoint;
use kernel::{Actor, Classify};
use marketplace::{
    BidChange, BidDetail, BidOffer, BidParts, BidStatus, Category, ComparedBy, ComparisonQueries, Error,
    JobId, Line, LineKind, Mark, MarketplaceCommands, NewBid, NewJob, PageRequest, Rejection, rules,
};

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
