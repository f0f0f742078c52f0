//! Looks at jobs: each person once a day, known to nobody afterwards.

use std::net::IpAddr;

use kernel::{Actor, PartyId};
use marketplace::{ForgetLooks, JobId, JobLook, ViewCommands, job_view_count, job_view_counts};

use crate::world::World;

fn look(job: JobId, actor: Option<&Actor>, network: &str) -> JobLook {
    JobLook { job, party: actor.map(|actor| actor.party), network: network.parse::<IpAddr>().unwrap() }
}

fn count(world: &World, job: JobId) -> i64 {
    world.database.db.read(|conn| job_view_count(conn, job)).unwrap()
}

/// As the workers do every hour.
fn forget(world: &World) {
    let asked = world.database.db.transaction(|tx| {
        outbox::enqueue(tx, &ForgetLooks {});
        Ok::<_, database::Error>(())
    });
    asked.unwrap();
    world.run_due();
}

#[test]
fn each_person_counts_once_for_a_job_and_a_day() {
    let world = World::new();
    let (ada, bob, dan) = (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Dan"));
    let (job, other) = (world.open_job(&ada), world.open_job(&ada));
    let again = [
        look(job, Some(&bob), "10.0.0.1"),
        look(job, Some(&bob), "10.0.0.1"),
        look(job, Some(&bob), "10.0.0.2"),
        look(job, None, "10.0.0.3"),
        look(job, None, "10.0.0.3"),
        look(other, Some(&dan), "10.0.0.1"),
    ];
    world.market.record_views(&again).unwrap();
    world.market.record_views(&again).unwrap();
    world.market.record_views(&[]).unwrap();
    assert_eq!((count(&world, job), count(&world, other)), (2, 1));
    world.advance_days(1);
    world.market.record_views(&again).unwrap();
    assert_eq!((count(&world, job), count(&world, other)), (4, 2));
    let counted = world.database.db.read(|conn| job_view_counts(conn, &[job, JobId::new()])).unwrap();
    assert_eq!(counted.into_iter().collect::<Vec<_>>(), [(job, 4)]);
    assert_eq!(world.count("audit.entries WHERE action ILIKE '%view%'"), 0, "looking is nobody's deed");
}

#[test]
fn only_open_jobs_are_counted() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    world.award(&ada, bid.id).unwrap();
    world
        .market
        .record_views(&[look(job, Some(&bob), "10.0.0.1"), look(JobId::new(), None, "10.0.0.1")])
        .unwrap();
    assert_eq!(count(&world, job), 0);
    assert_eq!(world.count("marketplace.job_views"), 0);
}

#[test]
fn rows_and_salts_go_and_totals_stay() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    world.market.record_views(&[look(job, Some(&bob), "10.0.0.1")]).unwrap();
    let told = world.count(&format!(
        "marketplace.job_views WHERE encode(viewer, 'hex') LIKE '%{0}%' OR encode(network, 'hex') LIKE '%0a000001%'",
        PartyId::uuid(bob.party).simple()
    ));
    assert_eq!(told, 0, "what is stored names nobody");
    assert_eq!(world.count("marketplace.view_salts"), 1);
    world.advance_days(1);
    forget(&world);
    assert_eq!((world.count("marketplace.view_salts"), world.count("marketplace.job_views")), (0, 1));
    world.advance_days(14);
    forget(&world);
    assert_eq!((world.count("marketplace.job_views"), count(&world, job)), (0, 1));
}
