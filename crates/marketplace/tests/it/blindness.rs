//! Nothing that anyone but owner and bidder can see changes because of a bid on an open job.

use kernel::Actor;
use marketplace::{
    BidChange, BidPatch, JobId, JobList, JobScope, MarketplaceCommands, MarketplaceQueries, PageRequest,
    Rejection, ReviewQueries, job_cards, job_titles, public_jobs,
};

use crate::world::World;

/// Everything of the marketplace that a viewer can read, written out.
fn view(world: &World, viewer: Option<&Actor>, job: JobId) -> String {
    let market = &world.market;
    let mut seen = vec![format!("{:?}", market.job(viewer, job))];
    for scope in [JobScope::Public, JobScope::Mine] {
        let mut list = JobList::default();
        list.filter.scope = scope;
        seen.push(format!("{:?}", market.list_jobs(viewer, &list)));
    }
    if let Some(actor) = viewer {
        seen.push(format!("{:?}", market.list_bids_of_job(actor, job, PageRequest::default())));
        if let Ok(contractor) = actor.contractor() {
            seen.push(format!("{:?}", market.list_own_bids(contractor, None, PageRequest::default())));
        }
        seen.push(format!("{:?}", market.list_reviews(actor.party, None, PageRequest::default())));
    }
    let across = world.database.db.read(|conn| {
        let (titles, cards) = (job_titles(conn, &[job])?, job_cards(conn, &[job])?);
        Ok::<_, database::Error>(format!("{titles:?} {cards:?} {:?}", public_jobs(conn, &[job])?))
    });
    seen.push(across.unwrap());
    seen.join("\n")
}

#[test]
fn a_rivals_bid_changes_nothing_that_others_see() {
    for sealed in [false, true] {
        let world = World::new();
        let (ada, rival) = (world.homeowner("Ada"), world.contractor("Rival"));
        let viewers = [
            None,
            Some(world.contractor("Bidder")),
            Some(world.contractor("Onlooker")),
            Some(world.homeowner("Eve")),
            Some(world.admin()),
        ];
        let job = if sealed { world.sealed_job(&ada) } else { world.open_job(&ada) };
        world.bid(viewers[1].as_ref().unwrap(), job, 150_000);
        let mut viewers: Vec<Option<&Actor>> = viewers.iter().map(Option::as_ref).collect();
        if sealed {
            viewers.push(Some(&ada));
        }
        let views = || viewers.iter().map(|viewer| view(&world, *viewer, job)).collect::<Vec<_>>();
        let before = views();

        let bid = world.bid(&rival, job, 1_000);
        assert_eq!(views(), before, "after a bid");
        let bidder = rival.contractor().unwrap();
        let patch = BidPatch { amount: Some(2_000), ..BidPatch::default() };
        world
            .market
            .revise_bid(bidder, BidChange { bid_id: bid.id, if_version: None, change: patch })
            .unwrap();
        assert_eq!(views(), before, "after a revision");
        if !sealed {
            let change = BidChange { bid_id: bid.id, if_version: None, change: Rejection::default() };
            world.market.reject_bid(ada.homeowner().unwrap(), change).unwrap();
            assert_eq!(views(), before, "after it was turned down");
        } else {
            world
                .market
                .withdraw_bid(bidder, BidChange { bid_id: bid.id, if_version: None, change: () })
                .unwrap();
            assert_eq!(views(), before, "after it was withdrawn");
        }
    }
}

#[test]
fn the_owner_sees_bids_as_they_come_unless_they_are_sealed() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let count = || world.market.list_bids_of_job(&ada, job, PageRequest::default()).unwrap().items.len();
    assert_eq!(count(), 0);
    world.bid(&bob, job, 150_000);
    assert_eq!(count(), 1);
}
