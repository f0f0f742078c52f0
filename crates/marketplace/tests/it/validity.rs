//! Until when a bid stands, and what it said before.

use chrono::TimeDelta;
use kernel::{Actor, Classify, Instant};
use marketplace::{
    BidChange, BidDetail, BidParts, BidPatch, BidStatus, Error, JobId, MarketplaceCommands,
    MarketplaceQueries, NewBid, PageRequest, rules,
};

use crate::world::{World, bid_of};

fn submit(world: &World, bidder: &Actor, job: JobId, until: Option<Instant>) -> Result<BidDetail, Error> {
    let parts = BidParts { valid_until: until, ..bid_of(job, 150_000).parts };
    world.market.submit_bid(bidder.contractor().unwrap(), NewBid { job_id: job, currency: None, parts })
}

fn revise(world: &World, bidder: &Actor, bid: &BidDetail, patch: BidPatch) -> Result<BidDetail, Error> {
    let change = BidChange { bid_id: bid.id, if_version: None, change: patch };
    world.market.revise_bid(bidder.contractor().unwrap(), change)
}

fn until(valid_until: Option<Instant>) -> BidPatch {
    BidPatch { valid_until: Some(valid_until), ..BidPatch::default() }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

fn in_days(world: &World, days: i64) -> Option<Instant> {
    Some(world.now() + TimeDelta::days(days))
}

#[test]
fn a_bid_ends_when_its_time_is_over_and_another_may_be_handed_in() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = submit(&world, &bob, job, in_days(&world, 2)).unwrap();
    world.run_due();
    world.advance_days(1);
    world.run_due();
    assert_eq!(world.count("marketplace.bids WHERE status = 'SUBMITTED'"), 1);
    world.advance_days(1);
    // From the instant on, whether its task has run or not.
    assert_eq!(code(world.award(&ada, bid.id)), "bid_expired");
    world.run_due();
    assert_eq!(world.count("marketplace.bids WHERE status = 'EXPIRED'"), 1);
    assert_eq!((world.events("bid.lapsed"), world.events("bid.expired")), (1, 0));
    assert_eq!(code(world.award(&ada, bid.id)), "bid_state");
    assert_eq!(code(revise(&world, &bob, &bid, until(None))), "bid_state");
    let another = submit(&world, &bob, job, None).unwrap();
    assert_eq!(world.award(&ada, another.id).unwrap().bid_id, another.id);
}

#[test]
fn a_revision_moves_the_end() {
    let world = World::new();
    let (ada, bob, cid) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"));
    let job = world.open_job(&ada);
    let bid = submit(&world, &bob, job, in_days(&world, 1)).unwrap();
    let endless = submit(&world, &cid, job, in_days(&world, 1)).unwrap();
    let later = in_days(&world, 3);
    assert_eq!(revise(&world, &bob, &bid, until(later)).unwrap().parts.valid_until, later);
    assert_eq!(revise(&world, &cid, &endless, until(None)).unwrap().parts.valid_until, None);
    world.advance_days(1);
    world.run_due();
    assert_eq!(world.count("marketplace.bids WHERE status = 'SUBMITTED'"), 2);
    world.advance_days(2);
    // Its time is over and its task has not run: it can be given another end, and not be left as it is.
    let dearer = BidPatch { amount: Some(160_000), ..BidPatch::default() };
    assert_eq!(code(revise(&world, &bob, &bid, dearer)), "invalid_request");
    revise(&world, &bob, &bid, until(in_days(&world, 1))).unwrap();
    world.run_due();
    assert_eq!(world.count("marketplace.bids WHERE status = 'SUBMITTED'"), 2);
    world.advance_days(1);
    world.run_due();
    assert_eq!(world.count("marketplace.bids WHERE status = 'EXPIRED'"), 1);
}

#[test]
fn an_end_is_ahead_within_a_year_and_of_a_sealed_job_after_the_deadline() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let (job, sealed) = (world.open_job(&ada), world.sealed_job(&ada));
    for (job, days) in [(job, 0), (job, -1), (job, 366), (sealed, 13)] {
        let refused = submit(&world, &bob, job, in_days(&world, days));
        let Err(Error::Invalid(faults)) = refused else { panic!("{days}: {refused:?}") };
        let pointers: Vec<_> = faults.into_vec().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(pointers, ["/validUntil"], "{days}");
    }
    let end = in_days(&world, 15);
    assert_eq!(submit(&world, &bob, sealed, end).unwrap().parts.valid_until, end);
    assert_eq!(world.count("marketplace.bids"), 1);
}

#[test]
fn a_decided_bid_is_left_alone_when_its_time_is_over() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = submit(&world, &bob, job, in_days(&world, 2)).unwrap();
    world.award(&ada, bid.id).unwrap();
    world.advance_days(2);
    world.run_due();
    assert_eq!(world.count("marketplace.bids WHERE status = 'ACCEPTED'"), 1);
    assert_eq!(world.events("bid.lapsed"), 0);
}

#[test]
fn former_revisions_are_shown_to_the_bidder_and_once_revealed_to_the_owner() {
    for sealed in [false, true] {
        let world = World::new();
        let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
        let job = if sealed { world.sealed_job(&ada) } else { world.open_job(&ada) };
        let first = submit(&world, &bob, job, None).unwrap();
        for amount in 1..=12 {
            let patch = BidPatch { amount: Some(amount * 10_000), ..BidPatch::default() };
            revise(&world, &bob, &first, patch).unwrap();
        }
        let read = |viewer: &Actor| {
            let page = world.market.list_bids_of_job(viewer, job, PageRequest::default()).unwrap();
            page.items.into_iter().next().unwrap().former
        };
        let own = read(&bob);
        // The last ten but the one that stands, the newest first.
        assert_eq!(
            own.iter().map(|former| former.revision).collect::<Vec<_>>(),
            (3..=12).rev().collect::<Vec<_>>()
        );
        assert_eq!(own[0].parts.amount, 110_000);
        assert!(own.iter().all(|former| former.proof.is_none() == sealed), "a salt before the reveal");
        world.advance_days(14);
        for viewer in [&ada, &bob] {
            let former = read(viewer);
            assert_eq!(former.len(), 10);
            for revision in former {
                assert!(rules::matches(&revision.receipt, &revision.proof.unwrap()), "{}", revision.revision);
            }
        }
        let bids =
            world.market.list_own_bids(bob.contractor().unwrap(), None, PageRequest::default()).unwrap();
        assert_eq!((bids.items[0].bid.status, bids.items[0].former.len()), (BidStatus::Submitted, 10));
    }
}
