//! Bids whose job is edited below them.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Actor, Classify, Clock};
use marketplace::{
    BidChange, BidDetail, BidId, BidPatch, BidStatus, Budget, ConfirmationCommands, Description, Error,
    JobChange, JobField, JobId, JobPatch, MarketplaceCommands, MarketplaceQueries, NewJob, PageRequest,
    Title,
};

use crate::world::{World, bathroom};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

impl World {
    pub(crate) fn edit_job(&self, owner: &Actor, job_id: JobId, change: JobPatch) {
        let change = JobChange { job_id, if_version: None, change };
        self.market.edit_job(owner.homeowner().unwrap(), change).unwrap();
    }

    pub(crate) fn confirm(&self, bidder: &Actor, bid_id: BidId) -> Result<BidDetail, Error> {
        let change = BidChange { bid_id, if_version: None, change: () };
        self.market.confirm_bid(bidder.contractor().unwrap(), change)
    }

    /// The bid as this viewer lists it.
    fn listed(&self, viewer: &Actor, job: JobId) -> BidDetail {
        self.market.list_bids_of_job(viewer, job, PageRequest::default()).unwrap().items.remove(0).bid
    }
}

pub(crate) fn dearer() -> JobPatch {
    JobPatch { budget_max: Some(Some(400_000)), ..JobPatch::default() }
}

#[test]
fn a_bid_has_to_be_confirmed_once_its_job_is_another() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    // Nothing is asked: nothing changes.
    assert_eq!(world.confirm(&bob, bid.id).unwrap().version, 1);
    world.edit_job(&ada, job, JobPatch { title: Some(Title::new("Tiles").unwrap()), ..dearer() });
    let what = Description::new("The kitchen too").unwrap();
    world.edit_job(&ada, job, JobPatch { description: Some(what), ..JobPatch::default() });
    for viewer in [&ada, &bob] {
        let asked = world.listed(viewer, job).confirmation.unwrap();
        assert_eq!(asked.changed, [JobField::Description, JobField::BudgetMax]);
    }
    assert_eq!(code(world.award(&ada, bid.id)), "bid_unconfirmed");
    assert_eq!(world.count("marketplace.bids WHERE version = 1"), 1, "an edit touches no bid");

    let confirmed = world.confirm(&bob, bid.id).unwrap();
    assert_eq!((confirmed.version, confirmed.revision, confirmed.confirmation), (2, 1, None));
    assert!(confirmed.confirmed_at.is_some());
    assert_eq!(world.confirm(&bob, bid.id).unwrap().version, 2, "a second time changes nothing");
    assert_eq!(world.listed(&ada, job).confirmation, None);
    assert_eq!(world.events("bid.confirmed"), 1);
    world.award(&ada, bid.id).unwrap();
    assert_eq!(code(world.confirm(&bob, bid.id)), "bid_state");
}

#[test]
fn revising_confirms_and_so_does_bidding_after_the_edit() {
    let world = World::new();
    let (ada, bob, cleo) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cleo"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    world.edit_job(&ada, job, dearer());
    let late = world.bid(&cleo, job, 140_000);
    assert_eq!(world.listed(&cleo, job).confirmation, None);
    let change = BidPatch { amount: Some(160_000), ..BidPatch::default() };
    let change = BidChange { bid_id: bid.id, if_version: None, change };
    world.market.revise_bid(bob.contractor().unwrap(), change).unwrap();
    assert_eq!(world.listed(&bob, job).confirmation, None);
    // Another edit asks both again.
    world.edit_job(&ada, job, JobPatch { budget_max: Some(Some(500_000)), ..JobPatch::default() });
    assert!([&bob, &cleo].iter().all(|bidder| world.listed(bidder, job).confirmation.is_some()));
    world.confirm(&cleo, late.id).unwrap();
    world.award(&ada, late.id).unwrap();
    let lost = world.listed(&bob, job);
    assert_eq!((lost.status, lost.confirmation), (BidStatus::Rejected, None));
}

#[test]
fn what_does_not_matter_to_a_bid_asks_nobody() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.post(&ada, bathroom()).job;
    let bid = world.bid(&bob, job.id, 150_000);
    let later = job.bidding_deadline.unwrap() + TimeDelta::days(1);
    let same = Budget::new(Some(100_000), Some(250_000)).unwrap();
    for patch in [
        JobPatch { title: Some(Title::new("Tiles").unwrap()), ..JobPatch::default() },
        JobPatch { bidding_deadline: Some(later), ..JobPatch::default() },
        JobPatch { budget_max: Some(same.max()), ..JobPatch::default() },
        JobPatch {
            address: Some(marketplace::Address {
                street: marketplace::Place::new("14 Oak Street").unwrap(),
                ..bathroom().address
            }),
            ..JobPatch::default()
        },
    ] {
        world.edit_job(&ada, job.id, patch);
        assert_eq!(world.listed(&bob, job.id).confirmation, None);
    }
    assert_eq!(world.count("outbox.events WHERE name = 'job.edited' AND (data->>'material')::boolean"), 0);
    assert_eq!(world.count("outbox.events WHERE name = 'job.edited' AND data->'changed' = '[]'"), 2);
    world.award(&ada, bid.id).unwrap();
}

#[test]
fn a_draft_is_edited_without_a_word() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let draft = NewJob { publish_as: marketplace::PublishAs::Draft, ..bathroom() };
    let job = world.post(&ada, draft).job.id;
    world.edit_job(&ada, job, dearer());
    assert_eq!((world.count("marketplace.job_field_changes"), world.events("job.edited")), (0, 0));
}

#[test]
fn a_bid_is_confirmed_after_the_deadline_too_and_sealed_from_the_owner_before() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.sealed_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    world.edit_job(&ada, job, dearer());
    world.confirm(&bob, bid.id).unwrap();
    let sealed = "outbox.events WHERE name = 'bid.confirmed' AND (data->>'sealed')::boolean AND data->'homeownerId' = 'null'";
    assert_eq!(world.count(sealed), 1);
    world.advance_days(14);
    world.edit_job(&ada, job, JobPatch { budget_min: Some(None), ..JobPatch::default() });
    assert_eq!(code(world.award(&ada, bid.id)), "bid_unconfirmed");
    assert_eq!(code(world.confirm(&world.contractor("Eve"), bid.id)), "bid_not_found");
    assert!(world.confirm(&bob, bid.id).unwrap().proof.is_some());
    world.award(&ada, bid.id).unwrap();
}

/// The last moment in which a bid can be chosen is before the end, and the job expires at it.
#[test]
fn a_job_expires_at_the_very_end_of_the_time_to_choose() {
    for (early, outcome) in [(Duration::from_secs(5), "chosen"), (Duration::ZERO, "acceptance_closed")] {
        let world = World::new();
        let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
        let job = world.post(&ada, bathroom()).job;
        let bid = world.bid(&bob, job.id, 150_000);
        let end = job.accept_until.unwrap();
        let left = end.signed_duration_since(world.database.clock.now()).to_std().unwrap();
        world.database.clock.advance(left - early);
        let chosen = world.award(&ada, bid.id).map_or_else(|error| error.code(), |_| "chosen");
        assert_eq!(chosen, outcome);
        world.database.clock.advance(early);
        world.run_due();
        let expired = i64::from(outcome != "chosen");
        assert_eq!((world.events("job.expired"), world.events("bid.expired")), (expired, expired));
    }
}
