//! Bids: one live one each, every revision kept, sealed when the job says so.

use std::time::Duration;

use kernel::{Actor, Classify};
use marketplace::{
    BidChange, BidDetail, BidId, BidMilestone, BidOfJob, BidPatch, BidStatus, Error, JobId,
    MarketplaceCommands, MarketplaceQueries, OutcomeResult, PageRequest, Reason, Rejection, rules,
};

use crate::world::{World, bid_of};

fn change<T>(bid_id: BidId, change: T) -> BidChange<T> {
    BidChange { bid_id, if_version: None, change }
}

fn amount(amount: i64) -> BidPatch {
    BidPatch { amount: Some(amount), ..BidPatch::default() }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

fn submit(world: &World, contractor: &Actor, job: JobId, amount: i64) -> Result<BidDetail, Error> {
    world.market.submit_bid(contractor.contractor().unwrap(), bid_of(job, amount))
}

fn bids_of_job(world: &World, viewer: &Actor, job: JobId) -> Result<Vec<BidOfJob>, Error> {
    world.market.list_bids_of_job(viewer, job, PageRequest::default()).map(|page| page.items)
}

#[test]
fn a_bid_comes_with_its_bidder_for_the_owner() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob Builder"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    assert_eq!((bid.status, bid.revision, bid.version), (BidStatus::Submitted, 1, 1));
    let seen = bids_of_job(&world, &ada, job).unwrap().remove(0);
    let bidder = seen.bidder.unwrap();
    assert_eq!((bidder.name.as_str(), bidder.verified, bidder.rating.count), ("Bob Builder", true, 0));
    assert_eq!((seen.bid.parts, seen.bid.outcome, seen.job), (bid.parts, None, None));
    assert_eq!(world.events("bid.submitted"), 1);
}

#[test]
fn there_is_one_live_bid_of_a_contractor_on_a_job() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    assert_eq!(code(submit(&world, &bob, job, 140_000)), "already_bid");
    let withdrawn = world.market.withdraw_bid(bob.contractor().unwrap(), change(bid.id, ())).unwrap();
    assert_eq!(withdrawn.status, BidStatus::Withdrawn);
    assert_eq!(code(world.market.withdraw_bid(bob.contractor().unwrap(), change(bid.id, ()))), "bid_state");
    assert!(submit(&world, &bob, job, 140_000).is_ok());
    assert_eq!(world.count("marketplace.bids"), 2);
}

#[test]
fn who_may_not_bid_is_told_why() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    assert_eq!(
        code(submit(&world, &world.unverified_contractor("Dan"), job, 150_000)),
        "contractor_not_verified"
    );
    assert_eq!(code(submit(&world, &bob, JobId::new(), 150_000)), "job_not_found");
    assert_eq!(code(submit(&world, &bob, job, 99)), "invalid_request");
    world.advance_days(14);
    assert_eq!(code(submit(&world, &bob, job, 150_000)), "bidding_closed");
    assert_eq!(world.count("marketplace.bids"), 0);
}

#[test]
fn a_job_that_has_left_open_takes_no_bids_and_strangers_do_not_hear_of_it() {
    let world = World::new();
    let (ada, bob, cid, dan) =
        (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"), world.contractor("Dan"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    let lost = world.bid(&cid, job, 160_000);
    world.award(&ada, bid.id).unwrap();
    assert_eq!(code(submit(&world, &cid, job, 140_000)), "job_state");
    assert_eq!(code(submit(&world, &dan, job, 140_000)), "job_not_found");
    assert_eq!(
        code(world.market.revise_bid(cid.contractor().unwrap(), change(lost.id, amount(1_000)))),
        "bid_state"
    );
}

#[test]
fn every_revision_is_kept_with_its_own_receipt() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let first = world.bid(&bob, job, 150_000);
    let bidder = bob.contractor().unwrap();
    let second = world.market.revise_bid(bidder, change(first.id, amount(140_000))).unwrap();
    assert_eq!((second.revision, second.version, second.parts.amount), (2, 2, 140_000));
    assert_eq!(second.parts.terms, first.parts.terms);
    assert_ne!(second.receipt, first.receipt);
    assert!(second.submitted_at > first.submitted_at && second.created_at == first.created_at);
    assert_eq!(world.count("marketplace.bid_revisions WHERE amount IN (150000, 140000)"), 2);
    let stale = BidChange { bid_id: first.id, if_version: Some(1), change: amount(130_000) };
    assert_eq!(code(world.market.revise_bid(bidder, stale)), "stale_precondition");
    assert_eq!(code(world.market.revise_bid(bidder, change(first.id, amount(5)))), "invalid_request");
    assert_eq!(world.events("bid.revised"), 1);
}

#[test]
fn milestones_of_a_revision_must_sum_to_its_amount() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let bid = world.bid(&bob, world.open_job(&ada), 150_000);
    let stages = |amounts: &[i64]| {
        Some(amounts.iter().map(|amount| BidMilestone::new("Stage", None, *amount, None).unwrap()).collect())
    };
    let bidder = bob.contractor().unwrap();
    let off = BidPatch { milestones: stages(&[100_000, 49_999]), ..BidPatch::default() };
    assert_eq!(code(world.market.revise_bid(bidder, change(bid.id, off))), "invalid_request");
    let good = BidPatch { milestones: stages(&[100_000, 50_000]), ..BidPatch::default() };
    assert_eq!(world.market.revise_bid(bidder, change(bid.id, good)).unwrap().parts.milestones.len(), 2);
}

#[test]
fn another_contractors_bid_does_not_exist() {
    let world = World::new();
    let (ada, bob, cid) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    let rival = cid.contractor().unwrap();
    assert_eq!(code(world.market.revise_bid(rival, change(bid.id, amount(1_000)))), "bid_not_found");
    assert_eq!(code(world.market.withdraw_bid(rival, change(bid.id, ()))), "bid_not_found");
    assert!(bids_of_job(&world, &cid, job).unwrap().is_empty());
    assert_eq!(code(bids_of_job(&world, &world.homeowner("Eve"), job)), "job_not_found");
    assert_eq!(code(bids_of_job(&world, &world.admin(), job)), "job_not_found");
}

#[test]
fn the_owner_turns_a_bid_down_with_a_reason() {
    let world = World::new();
    let (ada, eve, bob) = (world.homeowner("Ada"), world.homeowner("Eve"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    let rejection = || Rejection { reason: Some(Reason::new("Too dear").unwrap()) };
    assert_eq!(
        code(world.market.reject_bid(eve.homeowner().unwrap(), change(bid.id, rejection()))),
        "bid_not_found"
    );
    let rejected =
        world.market.reject_bid(ada.homeowner().unwrap(), change(bid.id, rejection())).unwrap().bid;
    assert_eq!((rejected.status, rejected.version), (BidStatus::Rejected, 2));
    let own = bids_of_job(&world, &bob, job).unwrap().remove(0).bid;
    assert_eq!(
        (own.status, own.reason.as_deref(), own.outcome),
        (BidStatus::Rejected, Some("Too dear"), None)
    );
    assert_eq!(
        code(world.market.reject_bid(ada.homeowner().unwrap(), change(bid.id, rejection()))),
        "bid_state"
    );
    assert_eq!(world.events("bid.rejected"), 1);
}

#[test]
fn sealed_bids_are_nobodys_but_the_bidders_until_the_deadline() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.sealed_job(&ada);
    // The same answer with no bid and with one: it tells nothing.
    assert_eq!(code(bids_of_job(&world, &ada, job)), "sealed");
    let bid = world.bid(&bob, job, 150_000);
    assert_eq!(code(bids_of_job(&world, &ada, job)), "sealed");
    let owner = ada.homeowner().unwrap();
    assert_eq!(code(world.market.reject_bid(owner, change(bid.id, Rejection::default()))), "bid_not_found");
    assert_eq!(code(world.award(&ada, bid.id)), "bid_not_found");
    let unnamed = format!(
        "outbox.events WHERE name = 'bid.submitted' AND data->'homeownerId' = 'null' AND data->>'sealed' = 'true' AND data->>'bidId' = '{}'",
        bid.id
    );
    assert_eq!(world.count(&unnamed), 1);

    world.advance_days(14);
    let revealed = bids_of_job(&world, &ada, job).unwrap().remove(0).bid;
    assert_eq!(revealed.receipt, bid.receipt);
    assert!(rules::matches(&bid.receipt, revealed.proof.as_ref().unwrap()));
    assert!(world.award(&ada, bid.id).is_ok());
}

#[test]
fn a_sealed_bidder_has_the_receipt_at_once_and_the_salt_from_the_reveal_on() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.sealed_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    assert_eq!((bid.receipt.len(), bid.proof.clone()), (64, None));
    let before = bids_of_job(&world, &bob, job).unwrap().remove(0).bid;
    assert_eq!((before.receipt.as_str(), before.proof), (bid.receipt.as_str(), None));
    world.advance_days(14);
    let after = bids_of_job(&world, &bob, job).unwrap().remove(0).bid;
    assert!(rules::matches(&bid.receipt, &after.proof.unwrap()));
}

#[test]
fn losers_learn_the_count_and_from_five_up_their_third() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let job = world.open_job(&ada);
    let bidders: Vec<Actor> = (1..=5).map(|n| world.contractor(&format!("Bidder {n}"))).collect();
    let bids: Vec<_> = (1..).zip(&bidders).map(|(n, bidder)| world.bid(bidder, job, n * 10_000)).collect();
    let own = |bidder: &Actor| {
        let page =
            world.market.list_own_bids(bidder.contractor().unwrap(), None, PageRequest::default()).unwrap();
        page.items.into_iter().next().unwrap()
    };
    assert!(bidders.iter().all(|bidder| own(bidder).bid.outcome.is_none()));
    world.award(&ada, bids[1].id).unwrap();
    let told: Vec<_> = bidders.iter().map(|bidder| own(bidder).bid.outcome.unwrap()).collect();
    assert!(told.iter().all(|outcome| outcome.bids == 5));
    assert_eq!(
        told.iter().map(|outcome| outcome.third).collect::<Vec<_>>(),
        [Some(1), Some(1), Some(2), Some(2), Some(3)]
    );
    assert_eq!(told[1].result, OutcomeResult::Won);
    assert_eq!(told[0].result, OutcomeResult::Lost);
}

#[test]
fn own_bids_are_listed_newest_first_by_state_and_in_pages() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let mut bids: Vec<BidId> = (0..3).map(|_| world.bid(&bob, world.open_job(&ada), 150_000).id).collect();
    let bidder = bob.contractor().unwrap();
    world.market.withdraw_bid(bidder, change(bids[0], ())).unwrap();
    bids.reverse();
    let limit = kernel::Limit::new(2).unwrap();
    let first = world.market.list_own_bids(bidder, None, PageRequest { after: None, limit }).unwrap();
    let second = world.market.list_own_bids(bidder, None, PageRequest { after: first.next, limit }).unwrap();
    let seen: Vec<BidId> = first.items.iter().chain(&second.items).map(|item| item.bid.id).collect();
    assert_eq!((seen, second.next), (bids.clone(), None));
    let waiting =
        world.market.list_own_bids(bidder, Some(BidStatus::Submitted), PageRequest::default()).unwrap();
    assert_eq!(waiting.items.iter().map(|item| item.bid.id).collect::<Vec<_>>(), bids[..2]);
}

/// A bid that waited for the job's lock past the deadline is judged by the clock after the wait.
#[test]
fn a_bid_that_waits_past_the_deadline_is_too_late() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    world.advance_days(13);
    std::thread::scope(|scope| {
        let (locked, wait) = std::sync::mpsc::channel();
        let world = &world;
        scope.spawn(move || {
            let held: Result<(), Error> = world.database.owner.transaction(|tx| {
                use diesel::connection::SimpleConnection;
                tx.conn().batch_execute(&format!(
                    "SELECT FROM marketplace.jobs WHERE id = '{}' FOR UPDATE",
                    job.uuid()
                ))?;
                locked.send(()).unwrap();
                // Long enough for the bid to be waiting, short enough for its lock_timeout.
                std::thread::sleep(Duration::from_millis(600));
                Ok(())
            });
            held.unwrap();
        });
        wait.recv().unwrap();
        let bidding = scope.spawn(|| submit(world, &bob, job, 150_000));
        std::thread::sleep(Duration::from_millis(200));
        world.advance_days(1);
        assert_eq!(code(bidding.join().unwrap()), "bidding_closed");
    });
}
