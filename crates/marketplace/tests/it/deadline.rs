//! Bids around the deadline: each is decided once, by the database's clock, after it has the job's lock.

use std::sync::Barrier;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use kernel::{Actor, Classify, Instant};
use marketplace::{Error, JobId, MarketplaceCommands, MarketplaceQueries, NewJob, PageRequest};
use testing::TestDatabase;

use crate::world::{World, bathroom, bid_of};

const BIDDERS: usize = 12;
/// Those of this database who wait for a lock.
const WAITING: &str = "pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";

/// A job that takes bids for another hour, and who wants to bid on it.
fn about_to_close(world: &World) -> (Actor, JobId, Instant, Vec<Actor>) {
    let ada = world.homeowner("Ada");
    let deadline = world.now() + TimeDelta::minutes(61);
    let job = world.post(&ada, NewJob { bidding_deadline: Some(deadline), ..bathroom() }).job.id;
    let bidders = (1..=BIDDERS).map(|n| world.contractor(&format!("Bidder {n}"))).collect();
    (ada, job, deadline, bidders)
}

/// What a bidder was told: when its bid was taken, or why it was not.
fn told(world: &World, bidder: &Actor, job: JobId) -> Result<Instant, &'static str> {
    let answer = world.market.submit_bid(bidder.contractor().unwrap(), bid_of(job, 150_000));
    answer.map(|bid| bid.submitted_at).map_err(|error: Error| error.code())
}

/// All try again and again until they have an answer that is final, while the clock goes past the deadline and the job's closing runs.
#[test]
fn around_the_deadline_each_bid_is_in_time_or_too_late_and_never_both() {
    let world = World::over(TestDatabase::with_connections(16));
    let (ada, job, deadline, bidders) = about_to_close(&world);
    world.run_due();
    world.database.clock.set(deadline - TimeDelta::milliseconds(400));
    let together = Barrier::new(BIDDERS + 1);
    let answers: Vec<Result<Instant, &str>> = std::thread::scope(|scope| {
        let bidding: Vec<_> = (0_u64..)
            .zip(&bidders)
            .map(|(n, bidder)| {
                let (world, together) = (&world, &together);
                scope.spawn(move || {
                    together.wait();
                    // The first ones are in time, the last ones too late, those between are what this is about.
                    std::thread::sleep(Duration::from_millis(n * 70));
                    told(world, bidder, job)
                })
            })
            .collect();
        together.wait();
        // The worker that closes the bidding comes in between.
        for _ in 0..20 {
            world.run_due();
            std::thread::sleep(Duration::from_millis(40));
        }
        bidding.into_iter().map(|bidder| bidder.join().unwrap()).collect()
    });
    world.run_due();

    let taken: Vec<&Instant> = answers.iter().flatten().collect();
    let refused: Vec<&&str> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(!taken.is_empty() && !refused.is_empty(), "{answers:?}");
    assert!(taken.iter().all(|at| **at < deadline), "taken at or after {deadline}: {taken:?}");
    assert!(refused.iter().all(|why| **why == "bidding_closed"), "{refused:?}");
    // What they were told is what stands, and it stays so.
    let stored = world.market.list_bids_of_job(&ada, job, PageRequest::default()).unwrap().items;
    let mut stored: Vec<Instant> = stored.into_iter().map(|bid| bid.bid.submitted_at).collect();
    let mut told_of: Vec<Instant> = taken.into_iter().copied().collect();
    stored.sort_unstable();
    told_of.sort_unstable();
    assert_eq!(stored, told_of);
    assert_eq!(world.events("bid.submitted"), i64::try_from(stored.len()).unwrap());
    assert_eq!(world.events("job.bidding_closed"), 1);
    for (bidder, answer) in bidders.iter().zip(&answers) {
        let again = told(&world, bidder, job).unwrap_err();
        assert_eq!(again, "bidding_closed", "after {answer:?}");
    }
}

/// All came in time and had to wait for the job's lock; by when they have it, it is the deadline.
#[test]
fn whoever_waits_past_the_deadline_is_too_late() {
    let world = World::over(TestDatabase::with_connections(16));
    let (_, job, deadline, bidders) = about_to_close(&world);
    std::thread::scope(|scope| {
        let (locked, wait) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let world = &world;
        scope.spawn(move || {
            let held: Result<(), Error> = world.database.owner.transaction(|tx| {
                let lock = format!("SELECT FROM marketplace.jobs WHERE id = '{}' FOR UPDATE", job.uuid());
                tx.conn().batch_execute(&lock)?;
                locked.send(()).unwrap();
                released.recv().unwrap();
                Ok(())
            });
            held.unwrap();
        });
        wait.recv().unwrap();
        let bidding: Vec<_> =
            bidders.iter().map(|bidder| scope.spawn(move || told(world, bidder, job))).collect();
        // Until all of them wait: shorter than their lock_timeout.
        while world.count(WAITING) < i64::try_from(BIDDERS).unwrap() {
            std::thread::sleep(Duration::from_millis(10));
        }
        world.database.clock.set(deadline);
        release.send(()).unwrap();
        for bidder in bidding {
            assert_eq!(bidder.join().unwrap(), Err("bidding_closed"));
        }
    });
    assert_eq!(world.count("marketplace.bids"), 0);
}
