//! Jobs from draft to their end, and who sees them.

use chrono::TimeDelta;
use kernel::{Actor, Classify, Clock};
use marketplace::{
    Category, Deleted, JobChange, JobDetail, JobFilter, JobId, JobList, JobPatch, JobScope, JobStatus,
    MarketplaceCommands, MarketplaceQueries, NewJob, OpenPage, PublishAs, Title, Urgency, open_cards,
    open_pages,
};

use crate::world::{World, bathroom};

fn change<T>(job_id: JobId, change: T) -> JobChange<T> {
    JobChange { job_id, if_version: None, change }
}

fn code<T: std::fmt::Debug>(result: Result<T, marketplace::Error>) -> &'static str {
    result.unwrap_err().code()
}

fn title(text: &str) -> JobPatch {
    JobPatch { title: Some(Title::new(text).unwrap()), ..JobPatch::default() }
}

#[test]
fn a_job_is_posted_open_and_told_of() {
    let world = World::new();
    let ada = world.homeowner("Ada Lovelace");
    let posted = world.post(&ada, bathroom());
    assert_eq!((posted.job.status, posted.job.version), (JobStatus::Open, 1));
    let deadline = posted.job.bidding_deadline.unwrap();
    assert_eq!(deadline - posted.job.published_at.unwrap(), TimeDelta::days(14));
    assert_eq!(posted.job.accept_until, Some(deadline + TimeDelta::days(14)));
    assert_eq!(world.events("job.published"), 1);
    assert_eq!(world.market.job(Some(&ada), posted.job.id).unwrap(), posted);
}

#[test]
fn a_draft_is_its_owners_until_it_is_published() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let draft = world.post(&ada, NewJob { publish_as: PublishAs::Draft, ..bathroom() }).job;
    assert_eq!((draft.status, draft.bidding_deadline), (JobStatus::Draft, None));
    assert_eq!(world.events("job.published"), 0);
    for stranger in [None, Some(&bob)] {
        assert_eq!(code(world.market.job(stranger, draft.id)), "job_not_found");
    }
    let published = world.market.publish_job(ada.homeowner().unwrap(), change(draft.id, ())).unwrap().job;
    assert_eq!((published.status, published.version), (JobStatus::Open, 2));
    assert!(world.market.job(None, draft.id).is_ok());
    assert_eq!(code(world.market.publish_job(ada.homeowner().unwrap(), change(draft.id, ()))), "job_state");
}

#[test]
fn strangers_see_the_area_and_only_the_owner_the_address() {
    let world = World::new();
    let (ada, eve, bob) = (world.homeowner("Ada"), world.homeowner("Eve"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    let own = world.market.job(Some(&ada), job).unwrap();
    let exact = own.address.unwrap().point.unwrap();
    for stranger in [None, Some(&eve), Some(&bob), Some(&world.admin())] {
        let seen = world.market.job(stranger, job).unwrap();
        assert_eq!(seen.address, None);
        let public = seen.job.area.point.unwrap();
        assert_ne!((public.lat(), public.lng()), (exact.lat(), exact.lng()));
        assert_eq!(identity::geo::snap_to_grid(exact), public);
    }
}

#[test]
fn a_job_that_has_left_open_is_for_its_parties_and_bidders() {
    let world = World::new();
    let (ada, bob, cid, dan) =
        (world.homeowner("Ada"), world.contractor("Bob"), world.contractor("Cid"), world.contractor("Dan"));
    let job = world.open_job(&ada);
    let bid = world.bid(&bob, job, 150_000);
    world.bid(&cid, job, 160_000);
    world.award(&ada, bid.id).unwrap();
    let seen = |viewer| world.market.job(viewer, job).map(|seen: JobDetail| seen.address.is_some());
    assert!(seen(Some(&ada)).unwrap());
    assert!(seen(Some(&bob)).unwrap());
    assert!(!seen(Some(&cid)).unwrap());
    // A loser does not learn who won.
    assert_eq!(world.market.job(Some(&cid), job).unwrap().job.contractor, None);
    for stranger in [None, Some(&dan), Some(&world.homeowner("Eve")), Some(&world.admin())] {
        assert_eq!(code(seen(stranger)), "job_not_found");
    }
}

#[test]
fn an_edit_counts_a_version_and_a_stale_one_is_refused() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let job = world.open_job(&ada);
    let owner = ada.homeowner().unwrap();
    let edited = world.market.edit_job(owner, change(job, title("Tile it all"))).unwrap().job;
    assert_eq!((edited.title.as_str(), edited.version), ("Tile it all", 2));
    assert!(edited.updated_at > edited.created_at);
    assert_eq!(world.events("job.edited"), 1);
    let stale = JobChange { job_id: job, if_version: Some(1), change: title("Too late") };
    assert_eq!(code(world.market.edit_job(owner, stale)), "stale_precondition");
    let nothing = world.market.edit_job(owner, change(job, JobPatch::default())).unwrap().job;
    assert_eq!(nothing.version, 2);
}

#[test]
fn only_the_owner_changes_a_job() {
    let world = World::new();
    let (ada, eve) = (world.homeowner("Ada"), world.homeowner("Eve"));
    let job = world.open_job(&ada);
    let stranger = eve.homeowner().unwrap();
    assert_eq!(code(world.market.edit_job(stranger, change(job, title("Mine now")))), "job_not_found");
    assert_eq!(code(world.market.delete_job(stranger, change(job, ()))), "job_not_found");
    assert_eq!(code(world.market.publish_job(stranger, change(job, ()))), "job_not_found");
    assert_eq!(world.market.job(None, job).unwrap().job.title, "Tile the bathroom");
}

#[test]
fn a_deleted_draft_is_gone_and_an_open_job_is_called_off() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let owner = ada.homeowner().unwrap();
    let draft = world.post(&ada, NewJob { publish_as: PublishAs::Draft, ..bathroom() }).job.id;
    assert_eq!(world.market.delete_job(owner, change(draft, ())).unwrap(), Deleted::Gone);
    assert_eq!(code(world.market.job(Some(&ada), draft)), "job_not_found");
    assert_eq!(world.count("marketplace.job_addresses"), 0);

    let job = world.open_job(&ada);
    world.bid(&bob, job, 150_000);
    let Deleted::Cancelled(cancelled) = world.market.delete_job(owner, change(job, ())).unwrap() else {
        panic!("an open job stays");
    };
    assert_eq!(cancelled.job.status, JobStatus::Cancelled);
    assert_eq!(world.count("marketplace.bids WHERE status = 'EXPIRED'"), 1);
    assert_eq!((world.events("job.cancelled"), world.events("bid.expired")), (1, 1));
    assert_eq!(code(world.market.delete_job(owner, change(job, ()))), "job_state");
}

#[test]
fn bidding_closes_by_itself_and_the_job_expires_when_nobody_is_chosen() {
    let world = World::new();
    let (ada, bob) = (world.homeowner("Ada"), world.contractor("Bob"));
    let job = world.open_job(&ada);
    world.bid(&bob, job, 150_000);
    world.run_due();
    assert_eq!(world.events("job.bidding_closed"), 0);

    world.advance_days(14);
    world.run_due();
    let seen = world.market.job(None, job).unwrap();
    assert_eq!((seen.job.status, seen.bidding_closed), (JobStatus::Open, true));
    assert_eq!(world.events("job.bidding_closed"), 1);

    world.advance_days(14);
    world.run_due();
    assert_eq!(world.market.job(Some(&ada), job).unwrap().job.status, JobStatus::Expired);
    assert_eq!((world.events("job.expired"), world.events("bid.expired")), (1, 1));
}

#[test]
fn a_later_deadline_keeps_bidding_open() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let job = world.open_job(&ada);
    let later = world.database.clock.now() + TimeDelta::days(20);
    let patch = JobPatch { bidding_deadline: Some(later), ..JobPatch::default() };
    world.market.edit_job(ada.homeowner().unwrap(), change(job, patch)).unwrap();
    world.advance_days(15);
    world.run_due();
    assert!(!world.market.job(None, job).unwrap().bidding_closed);
    assert_eq!(world.events("job.bidding_closed"), 0);
    world.advance_days(6);
    world.run_due();
    assert!(world.market.job(None, job).unwrap().bidding_closed);
    assert_eq!(world.events("job.bidding_closed"), 1);
}

fn ids(world: &World, viewer: Option<&Actor>, filter: JobFilter) -> Vec<JobId> {
    let list = JobList { filter, ..JobList::default() };
    world.market.list_jobs(viewer, &list).unwrap().items.into_iter().map(|card| card.id).collect()
}

#[test]
fn the_public_list_has_open_jobs_newest_first_and_pages_without_gaps() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let mut posted: Vec<JobId> = (0..5).map(|_| world.open_job(&ada)).collect();
    world.post(&ada, NewJob { publish_as: PublishAs::Draft, ..bathroom() });
    posted.reverse();
    assert_eq!(ids(&world, None, JobFilter::default()), posted);

    let mut seen = Vec::new();
    let mut list = JobList::default();
    list.page.limit = kernel::Limit::new(2).unwrap();
    loop {
        let page = world.market.list_jobs(None, &list).unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.into_iter().map(|card| card.id));
        match page.next {
            Some(next) => list.page.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, posted);
}

#[test]
fn lists_filter_by_trade_and_state_and_show_only_what_is_ones_own() {
    let world = World::new();
    let (ada, eve, bob) = (world.homeowner("Ada"), world.homeowner("Eve"), world.contractor("Bob"));
    let tiling = world.open_job(&ada);
    let plumbing = Category::new("plumbing").unwrap();
    let pipes = world.post(&eve, NewJob { category: plumbing, ..bathroom() }).job.id;
    let draft = world.post(&ada, NewJob { publish_as: PublishAs::Draft, ..bathroom() }).job.id;
    let filter = |status, category, scope| JobFilter { status, category, scope };

    assert_eq!(ids(&world, None, filter(Some(JobStatus::Open), Some(plumbing), JobScope::Public)), [pipes]);
    assert_eq!(ids(&world, Some(&ada), filter(None, None, JobScope::Mine)), [draft, tiling]);
    assert_eq!(ids(&world, Some(&ada), filter(Some(JobStatus::Open), None, JobScope::Mine)), [tiling]);
    // Another's draft shows in nobody's list, whatever is asked for.
    assert_eq!(ids(&world, Some(&ada), filter(Some(JobStatus::Draft), None, JobScope::Public)), [draft]);
    assert!(ids(&world, Some(&eve), filter(Some(JobStatus::Draft), None, JobScope::Public)).is_empty());
    assert!(ids(&world, None, filter(Some(JobStatus::Draft), None, JobScope::Public)).is_empty());

    assert!(ids(&world, Some(&bob), filter(None, None, JobScope::Mine)).is_empty());
    let bid = world.bid(&bob, tiling, 150_000);
    world.award(&ada, bid.id).unwrap();
    assert_eq!(ids(&world, Some(&bob), filter(None, None, JobScope::Mine)), [tiling]);
    assert_eq!(ids(&world, None, JobFilter::default()), [pipes]);
}

/// Whoever keeps cards asks for versions first.
#[test]
fn an_open_job_has_another_version_after_every_change_and_none_without() {
    let world = World::new();
    let ada = world.homeowner("Ada");
    let (kept, edited) = (world.open_job(&ada), world.open_job(&ada));
    let page = || {
        let pages = world.database.db.read(|conn| open_pages(conn, &[OpenPage::default()])).unwrap();
        pages[&OpenPage::default()].items.clone()
    };
    let before = page();
    assert_eq!(before.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [edited, kept]);
    world.bid(&world.contractor("Bob"), edited, 150_000);
    assert_eq!(page(), before, "a bid changes nothing that others see");
    let patch = JobPatch { urgency: Some(Urgency::Urgent), ..JobPatch::default() };
    world.market.edit_job(ada.homeowner().unwrap(), change(edited, patch)).unwrap();
    let after = page();
    assert_eq!(after[1], before[1]);
    assert_ne!(after[0], before[0]);
    let now = world.now();
    let cards = world.database.db.read(|conn| open_cards(conn, &[kept, edited], now)).unwrap();
    assert_eq!((cards[&edited].0, cards[&kept].0), (after[0].1, after[1].1));
    assert_eq!(cards[&edited].1.urgency, Urgency::Urgent);
    world.market.delete_job(ada.homeowner().unwrap(), change(edited, ())).unwrap();
    let cards = world.database.db.read(|conn| open_cards(conn, &[kept, edited], now)).unwrap();
    assert_eq!(cards.into_keys().collect::<Vec<_>>(), [kept]);
}
