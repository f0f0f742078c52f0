//! What somebody's own jobs and bids come to.

use std::time::Duration;

use kernel::Actor;
use marketplace::{
    AnalyticsQueries, BidChange, FirstBid, JobChange, JobStatus, MarketplaceCommands, NewJob, OwnBids,
    OwnJobs, PublishAs,
};

use crate::world::{World, bathroom};

impl World {
    fn own_jobs(&self, owner: &Actor) -> OwnJobs {
        self.market.job_analytics(owner).unwrap().jobs.unwrap()
    }

    fn own_bids(&self, contractor: &Actor) -> OwnBids {
        self.market.job_analytics(contractor).unwrap().bids.unwrap()
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn an_owner_learns_how_its_jobs_went() {
    let world = World::new();
    let (ada, eve, bob) = (world.homeowner("Ada"), world.homeowner("Eve"), world.contractor("Bob"));
    let nothing = world.own_jobs(&ada);
    assert_eq!((nothing.posted, nothing.awarded_share, nothing.completed_share), (0, None, None));
    assert_eq!((nothing.first_bid, nothing.prices.len()), (FirstBid::default(), 0));

    world.post(&ada, NewJob { publish_as: PublishAs::Draft, ..bathroom() });
    let jobs = [0, 1, 2, 3].map(|_| world.open_job(&ada));
    world.database.clock.advance(HOUR);
    let first = world.bid(&bob, jobs[0], 100_000);
    world.database.clock.advance(HOUR);
    // Later bids on a job are not its first, and other people's jobs are theirs.
    world.bid(&world.contractor("Cleo"), jobs[0], 90_000);
    let second = world.bid(&bob, jobs[1], 200_000);
    world.bid(&bob, world.open_job(&eve), 777_000);
    world.award(&ada, first.id).unwrap();
    world.award(&ada, second.id).unwrap();
    world.database.db.transaction(|tx| marketplace::record_completion(tx, jobs[0])).unwrap();

    let found = world.own_jobs(&ada);
    let count = |wanted| found.counts.iter().find(|(status, _)| *status == wanted).unwrap().1;
    assert_eq!(found.counts.len(), JobStatus::ALL.len());
    assert_eq!(
        [JobStatus::Draft, JobStatus::Open, JobStatus::Awarded, JobStatus::Completed].map(count),
        [1, 2, 1, 1]
    );
    assert_eq!((found.posted, found.awarded, found.completed), (4, 2, 1));
    assert_eq!((found.awarded_share, found.completed_share), (Some(0.5), Some(0.5)));
    assert_eq!(found.first_bid.jobs, 2);
    let median = found.first_bid.median_seconds.unwrap();
    assert!((5_390..5_500).contains(&median), "an hour and two: {median}");
    let prices = &found.prices[0];
    assert_eq!((prices.category.as_str(), prices.jobs, prices.median), ("tiling", 2, 150_000));
    assert_eq!((prices.min, prices.max, found.prices.len()), (100_000, 200_000, 1));
}

#[test]
fn sealed_bids_are_in_no_figure_before_the_deadline() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.sealed_job(&ada);
    let before = world.own_jobs(&ada);
    world.bid(&bob, job, 100_000);
    assert_eq!(world.own_jobs(&ada), before);
    world.advance_days(14);
    assert_eq!(world.own_jobs(&ada).first_bid.jobs, 1);
}

#[test]
fn a_contractor_learns_how_its_bids_went_once_their_jobs_have_left_open() {
    let world = World::new();
    let (ada, bob, cleo) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cleo"));
    let [won, lost, waiting, called_off, taken_back] = [0; 5].map(|_| world.open_job(&ada));
    let bids = [won, lost, waiting, called_off, taken_back].map(|job| world.bid(&bob, job, 100_000));
    let open = world.own_bids(&bob);
    assert_eq!((open.sent, open.jobs, open.open, open.win_rate), (5, 5, 5, None));
    // A rival's bid, and one turned down while its job is open, are no figure.
    let rival = world.bid(&cleo, lost, 90_000);
    let elsewhere = world.bid(&cleo, taken_back, 90_000);
    assert_eq!(world.own_bids(&bob), open);
    let back = BidChange { bid_id: bids[4].id, if_version: None, change: () };
    world.market.withdraw_bid(bob.contractor().unwrap(), back).unwrap();
    assert_eq!(world.own_bids(&bob), open);

    world.award(&ada, bids[0].id).unwrap();
    world.award(&ada, rival.id).unwrap();
    world.award(&ada, elsewhere.id).unwrap();
    let off = JobChange { job_id: called_off, if_version: None, change: () };
    world.market.delete_job(ada.homeowner().unwrap(), off).unwrap();
    let expected = OwnBids {
        sent: 5,
        jobs: 5,
        open: 1,
        won: 1,
        lost: 1,
        no_award: 1,
        withdrawn: 1,
        win_rate: Some(0.5),
    };
    assert_eq!(world.own_bids(&bob), expected);
    assert!(world.market.job_analytics(&bob).unwrap().jobs.is_none());
    assert_eq!(world.market.job_analytics(&world.admin()).unwrap(), Default::default());
}
