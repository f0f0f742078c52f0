//! Choosing a bid, and what follows from above.

use std::sync::Barrier;

use kernel::Classify;
use marketplace::{
    BidChange, BidPatch, BidStatus, Error, JobStatus, MarketplaceCommands, MarketplaceQueries, PageRequest,
};

use crate::world::{World, choice};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn an_award_hands_over_all_that_a_contract_is_made_from() {
    let world = World::new();
    let (ada, bob, cid) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    world.bid(&cid, job, 140_000);
    let awarded = world.award(&ada, bid.id).unwrap();
    assert_eq!((awarded.job_id, awarded.homeowner, awarded.contractor), (job, ada.party, bob.party));
    assert_eq!((awarded.amount.minor(), awarded.amount.currency().code()), (150_000, "USD"));
    assert_eq!(awarded.address.one_line(), "12 Oak Street, 78701, Austin, TX, US");
    assert_eq!((awarded.title.as_str(), awarded.duration_days), ("Tile the bathroom", Some(5)));
    let seen = world.market.job(Some(&bob), job).unwrap().job;
    assert_eq!((seen.status, seen.contractor, seen.version), (JobStatus::Awarded, Some(bob.party), 2));
    assert_eq!(world.count("marketplace.bids WHERE status = 'ACCEPTED'"), 1);
    assert_eq!(world.count("marketplace.bids WHERE status = 'REJECTED'"), 1);
    assert_eq!(world.events("bid.rejected"), 1);
}

#[test]
fn only_the_owner_awards_and_only_what_was_read() {
    let world = World::new();
    let (ada, eve, bob) = (world.homeowner("Ada"), world.homeowner("Eve"), world.contractor("Bob"));
    let bid = world.bid(&bob, world.open_job(&ada), 150_000);
    assert_eq!(code(world.award(&eve, bid.id)), "bid_not_found");
    let patch = BidPatch { amount: Some(160_000), ..BidPatch::default() };
    let revision = BidChange { bid_id: bid.id, if_version: None, change: patch };
    world.market.revise_bid(bob.contractor().unwrap(), revision).unwrap();
    let read_before = marketplace::Award { revision: Some(1), ..choice(bid.id, ada.party) };
    let refused = world.database.db.transaction(|tx| marketplace::award(tx, read_before.clone()));
    assert_eq!(code(refused), "bid_revised");
    assert_eq!(world.count("marketplace.jobs WHERE status = 'OPEN'"), 1);
    let read_now = marketplace::Award { revision: Some(2), ..choice(bid.id, ada.party) };
    let awarded = world.database.db.transaction(|tx| marketplace::award(tx, read_now.clone())).unwrap();
    assert_eq!(awarded.amount.minor(), 160_000);
}

#[test]
fn nobody_is_chosen_after_the_time_to_choose() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let bid = world.bid(&bob, world.open_job(&ada), 150_000);
    world.advance_days(28);
    assert_eq!(code(world.award(&ada, bid.id)), "acceptance_closed");
    world.run_due();
    assert_eq!(code(world.award(&ada, bid.id)), "job_state");
}

/// A hundred rounds of two simultaneous choices between two bids: always exactly one.
#[test]
fn of_two_simultaneous_awards_exactly_one_wins() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let rivals = [world.contractor("Bob"), world.contractor("Cid")];
    for round in 0..100 {
        let job = world.open_job(&ada);
        let bids = rivals.each_ref().map(|rival| world.bid(rival, job, 150_000).id);
        let start = Barrier::new(bids.len());
        let results: Vec<_> = std::thread::scope(|scope| {
            let chosen = bids.map(|bid| {
                let (start, world, ada) = (&start, &world, &ada);
                scope.spawn(move || {
                    start.wait();
                    world.award(ada, bid)
                })
            });
            chosen.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 1), "round {round}");
        assert!(lost.into_iter().all(|lost| code(lost) == "job_state"), "round {round}");
        let of_job = format!("marketplace.bids WHERE job_id = '{}'", job.uuid());
        assert_eq!(world.count(&format!("{of_job} AND status = 'ACCEPTED'")), 1, "round {round}");
        assert_eq!(world.count(&format!("{of_job} AND status = 'REJECTED'")), 1, "round {round}");
    }
}

/// An award, a withdrawal and a revision of the chosen bid at once: the bid that is accepted is the one that was agreed.
#[test]
fn a_bid_is_not_withdrawn_or_revised_while_it_is_chosen() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    for round in 0..25 {
        let job = world.open_job(&ada);
        let bid = world.bid(&bob, job, 150_000).id;
        let start = Barrier::new(3);
        let (awarded, revised, withdrawn) = std::thread::scope(|scope| {
            let award = scope.spawn(|| {
                start.wait();
                world.award(&ada, bid)
            });
            let revision = scope.spawn(|| {
                start.wait();
                let change = BidPatch { amount: Some(1_000_000), ..BidPatch::default() };
                world.market.revise_bid(
                    bob.contractor().unwrap(),
                    BidChange { bid_id: bid, if_version: None, change },
                )
            });
            let withdrawal = scope.spawn(|| {
                start.wait();
                let change = BidChange { bid_id: bid, if_version: None, change: () };
                world.market.withdraw_bid(bob.contractor().unwrap(), change)
            });
            (award.join().unwrap(), revision.join().unwrap(), withdrawal.join().unwrap())
        });
        assert!(awarded.is_err() || withdrawn.is_err(), "round {round}");
        let mine =
            world.market.list_bids_of_job(&bob, job, PageRequest::default()).unwrap().items.remove(0).bid;
        if let Ok(awarded) = awarded {
            let agreed = if revised.is_ok() { 1_000_000 } else { 150_000 };
            assert_eq!((mine.status, awarded.amount.minor()), (BidStatus::Accepted, agreed), "round {round}");
            assert_eq!(mine.parts.amount, agreed, "round {round}");
        }
    }
}

#[test]
fn a_job_follows_its_contract() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let run = |step: fn(&mut database::Tx<'_>, marketplace::JobId) -> Result<(), Error>| {
        world.database.db.transaction(|tx| step(tx, job))
    };
    let state = || world.market.job(Some(&ada), job).unwrap().job.status;
    assert_eq!(code(run(marketplace::record_work_started)), "job_state");
    let bid = world.bid(&bob, job, 150_000);
    world.award(&ada, bid.id).unwrap();
    run(marketplace::record_work_started).unwrap();
    run(marketplace::record_work_started).unwrap();
    assert_eq!(state(), JobStatus::InProgress);
    assert_eq!(code(run(marketplace::record_unsigned)), "job_state");
    run(marketplace::record_completion).unwrap();
    assert_eq!(state(), JobStatus::Completed);
    assert_eq!(code(run(marketplace::record_completion)), "job_state");
}

#[test]
fn an_unsigned_contract_takes_its_job_along() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    world.award(&ada, bid.id).unwrap();
    world.database.db.transaction(|tx| marketplace::record_unsigned(tx, job)).unwrap();
    let seen = world.market.job(Some(&bob), job).unwrap().job;
    assert_eq!(seen.status, JobStatus::Expired);
}
