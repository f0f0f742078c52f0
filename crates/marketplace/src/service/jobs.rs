//! Jobs: posting, editing, publishing, calling off, and who sees what of them.

use std::collections::HashMap;

use database::{PgConnection, RowVersion, Tx};
use identity::geo::snap_to_grid;
use kernel::{Actor, Faults, HomeownerActor, Instant, Page, PartyId, Position, Role};

use super::attachments::detach_all_of;
use super::downhill::{change, moved};
use super::{MarketplaceService, confirmation, events, trail};
use crate::error::Error;
use crate::model::{
    Address, Area, BidStatus, Day, Deleted, JobAction, JobCard, JobChange, JobDetail, JobId, JobPatch,
    JobStatus, NewJob, PublicJob, PublishAs,
};
use crate::rules::{self, Access};
use crate::store;
use crate::store::jobs::{Lock, Shelf};
use crate::tasks::{BiddingClose, JobExpiry};
use crate::{JobFilter, JobList, OpenPage};

/// The cards of those of these jobs that are open, as of `now`, with the version that each was read in.
///
/// # Errors
/// [`database::Error`] when they cannot be read.
pub fn open_cards(
    conn: &mut PgConnection,
    ids: &[JobId],
    now: Instant,
) -> Result<HashMap<JobId, (RowVersion, JobCard)>, database::Error> {
    let cards = store::jobs::open_cards(conn, ids)?;
    Ok(cards.into_iter().map(|(version, card)| (card.id, (version, rules::card_as_of(card, now)))).collect())
}

impl MarketplaceService {
    pub(super) fn find_job(&self, viewer: Option<&Actor>, id: JobId) -> Result<JobDetail, Error> {
        let job =
            self.db.read(|conn| Ok::<_, Error>(store::jobs::find(conn, id)?))?.ok_or(Error::JobNotFound)?;
        self.show_job(viewer, job)
    }

    pub(super) fn show_job(&self, viewer: Option<&Actor>, job: PublicJob) -> Result<JobDetail, Error> {
        match rules::access(viewer.map(|actor| actor.party), &job) {
            Access::Public => Ok(self.detail(job, None)),
            Access::Nothing => Err(Error::JobNotFound),
            Access::Party => {
                let party = viewer.map(|actor| actor.party).ok_or(Error::JobNotFound)?;
                let address = self.db.read(|conn| store::jobs::find_address_for(conn, job.id, party))?;
                Ok(self.detail(job, address))
            }
            Access::IfBidder(party) => {
                if self.db.read(|conn| store::bids::has_bid(conn, job.id, party))? {
                    // A loser never learns who won.
                    Ok(self.detail(PublicJob { contractor: None, ..job }, None))
                } else {
                    Err(Error::JobNotFound)
                }
            }
        }
    }

    pub(super) fn detail(&self, job: PublicJob, address: Option<Address>) -> JobDetail {
        let bidding_closed = rules::bidding_closed(job.status, job.bidding_deadline, self.clock.now());
        JobDetail { job, bidding_closed, address }
    }

    pub(super) fn page_of_jobs(
        &self,
        viewer: Option<&Actor>,
        list: &JobList,
    ) -> Result<Page<JobCard>, Error> {
        let JobFilter { status, category, .. } = list.filter;
        if list.filter.is_everybodys() {
            return self.page_of_open(OpenPage { category, page: list.page });
        }
        // A job that has left OPEN is for those that it concerns, whoever's list was asked for.
        let rows = match viewer.and_then(own_shelf) {
            Some(shelf) => {
                self.db.read(|conn| store::jobs::list_own(conn, shelf, status, category, list.page))?
            }
            None => Vec::new(),
        };
        let now = self.clock.now();
        let page =
            Page::cut(rows, list.page.limit, |card| Position { key: card.created_at, id: card.id.uuid() });
        Ok(page.map(|card| rules::card_as_of(card, now)))
    }

    pub(super) fn page_of_open(&self, asked: OpenPage) -> Result<Page<JobCard>, Error> {
        self.db.read(|conn| {
            let page = store::jobs::open_pages(conn, &[asked])?.remove(&asked).unwrap_or_default();
            let ids: Vec<JobId> = page.items.iter().map(|(id, _)| *id).collect();
            let mut cards = open_cards(conn, &ids, self.clock.now())?;
            // What has just left the list is on it no longer.
            let items = ids.iter().filter_map(|id| Some(cards.remove(id)?.1)).collect();
            Ok(Page { items, next: page.next })
        })
    }

    pub(super) fn create_job(&self, homeowner: HomeownerActor<'_>, new: &NewJob) -> Result<JobDetail, Error> {
        let id = JobId::new();
        let job = self.db.transaction(|tx| {
            let now = tx.now()?;
            let mut faults = Faults::none();
            // A draft's deadline is judged too: one that is in the past already helps nobody.
            let deadline = match new.bidding_deadline {
                None if new.publish_as == PublishAs::Draft => None,
                wanted => faults
                    .take("", rules::bidding_deadline(&self.settings, wanted, now).map_err(Faults::from)),
            };
            let draft = draft(id, homeowner.party, new, deadline, now);
            let job = faults.or(|| draft)?;
            let job = match new.publish_as {
                PublishAs::Draft => job,
                PublishAs::Open => self.published(&job, now)?,
            };
            store::jobs::insert(tx.conn(), &job, &new.address)?;
            trail::job(tx, None, Some(&job));
            if job.status == JobStatus::Open {
                announce(tx, &homeowner.request_id, &job);
            }
            Ok::<_, Error>(job)
        })?;
        Ok(self.detail(job, Some(new.address.clone())))
    }

    pub(super) fn patch_job(
        &self,
        homeowner: HomeownerActor<'_>,
        patch: &JobChange<JobPatch>,
    ) -> Result<JobDetail, Error> {
        let (job, address) = self.db.transaction(|tx| {
            let before = lock_own(tx, homeowner.party, patch)?;
            let now = tx.now()?;
            let mut after = rules::edited(&self.settings, before.clone(), &patch.change, now)?;
            if let Some(address) = &patch.change.address {
                after.area = area(address);
                store::jobs::update_address(tx.conn(), before.id, address)?;
            }
            if !patch.change.is_empty() {
                let moved =
                    after.bidding_deadline.filter(|deadline| Some(*deadline) != before.bidding_deadline);
                change(tx, &before, after.clone())?;
                confirmation::edited(tx, &before, &after, &homeowner.request_id)?;
                if before.status == JobStatus::Open
                    && let Some(deadline) = moved
                {
                    outbox::enqueue_at(tx, &BiddingClose { job_id: before.id, deadline }, deadline);
                }
            }
            reload(tx, before.id, homeowner.party)
        })?;
        Ok(self.detail(job, address))
    }

    pub(super) fn open_job(
        &self,
        homeowner: HomeownerActor<'_>,
        open: &JobChange<()>,
    ) -> Result<JobDetail, Error> {
        let (job, address) = self.db.transaction(|tx| {
            let before = lock_own(tx, homeowner.party, open)?;
            let now = tx.now()?;
            let published = self.published(&before, now)?;
            change(tx, &before, published.clone())?;
            announce(tx, &homeowner.request_id, &published);
            reload(tx, before.id, homeowner.party)
        })?;
        Ok(self.detail(job, address))
    }

    pub(super) fn remove_job(
        &self,
        homeowner: HomeownerActor<'_>,
        remove: &JobChange<()>,
    ) -> Result<Deleted, Error> {
        let left = self.db.transaction(|tx| {
            if end(tx, homeowner.party, remove, &homeowner.request_id)? == JobStatus::Draft {
                return Ok(None);
            }
            reload(tx, remove.job_id, homeowner.party).map(Some)
        });
        Ok(match left? {
            None => Deleted::Gone,
            Some((job, address)) => Deleted::Cancelled(Box::new(self.detail(job, address))),
        })
    }

    /// A draft as it is once published now.
    fn published(&self, draft: &PublicJob, now: Instant) -> Result<PublicJob, Error> {
        let open = moved(draft, JobAction::Publish)?;
        let deadline =
            rules::bidding_deadline(&self.settings, draft.bidding_deadline, now).map_err(Faults::from)?;
        Ok(PublicJob {
            bidding_deadline: Some(deadline),
            accept_until: Some(rules::acceptance_ends(&self.settings, deadline)),
            published_at: Some(now),
            ..open
        })
    }

    /// Says that bidding is over, once it is; the deadline may have moved since this was arranged.
    pub(crate) fn close_bidding(&self, id: JobId, request_id: &str) -> Result<(), Error> {
        self.db.transaction(|tx| {
            // Alone: bids that were let in before the deadline have been committed once this is held.
            let Some(job) = store::jobs::lock(tx.conn(), id, Lock::Alone)? else {
                return Ok(());
            };
            let now = tx.now()?;
            if rules::bidding_closed(job.status, job.bidding_deadline, now) {
                events::job(tx, "job.bidding_closed", request_id, &job);
                if let Some(accept_until) = job.accept_until {
                    outbox::enqueue_at(tx, &JobExpiry { job_id: id, accept_until }, accept_until);
                }
            }
            Ok(())
        })
    }

    /// Lets a job expire that nobody was chosen for in time.
    pub(crate) fn expire_job(&self, id: JobId, request_id: &str) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let Some(job) = store::jobs::lock(tx.conn(), id, Lock::Alone)? else {
                return Ok(());
            };
            let now = tx.now()?;
            if job.status != JobStatus::Open || job.accept_until.is_none_or(|end| end > now) {
                return Ok(());
            }
            let expired = moved(&job, JobAction::Expire)?;
            change(tx, &job, expired.clone())?;
            lapse_bids(tx, &job, request_id)?;
            events::job(tx, "job.expired", request_id, &expired);
            Ok(())
        })
    }
}

/// Removes a draft, calls off an open job, and says which of them it was.
pub(super) fn end(
    tx: &mut Tx<'_>,
    owner: PartyId,
    remove: &JobChange<()>,
    request_id: &str,
) -> Result<JobStatus, Error> {
    let before = lock_own(tx, owner, remove)?;
    if before.status == JobStatus::Draft {
        detach_all_of(tx, before.id)?;
        store::jobs::delete_draft(tx.conn(), before.id, owner)?;
        trail::job(tx, Some(&before), None);
    } else {
        let cancelled = moved(&before, JobAction::Cancel)?;
        change(tx, &before, cancelled.clone())?;
        lapse_bids(tx, &before, request_id)?;
        events::job(tx, "job.cancelled", request_id, &cancelled);
    }
    Ok(before.status)
}

/// The shelf of an actor's own jobs; administrators have none.
pub(super) fn own_shelf(actor: &Actor) -> Option<Shelf> {
    match actor.role {
        Role::Homeowner => Some(Shelf::OfHomeowner(actor.party)),
        Role::Contractor => Some(Shelf::OfContractor(actor.party)),
        Role::Admin => None,
    }
}

/// The owner's job under a lock, if it is of the version that the owner read.
fn lock_own<T>(tx: &mut Tx<'_>, owner: PartyId, change: &JobChange<T>) -> Result<PublicJob, Error> {
    let job = store::jobs::lock_owned(tx.conn(), change.job_id, owner)?.ok_or(Error::JobNotFound)?;
    if change.if_version.is_some_and(|version| version != job.version) {
        return Err(Error::Stale);
    }
    Ok(job)
}

fn reload(tx: &mut Tx<'_>, id: JobId, owner: PartyId) -> Result<(PublicJob, Option<Address>), Error> {
    let job = store::jobs::find(tx.conn(), id)?.ok_or(Error::JobNotFound)?;
    let address = store::jobs::find_address_for(tx.conn(), id, owner)?;
    Ok((job, address))
}

/// Tells of a job that was just published, and arranges the end of its bidding.
fn announce(tx: &mut Tx<'_>, request_id: &str, job: &PublicJob) {
    events::job(tx, "job.published", request_id, job);
    if let Some(deadline) = job.bidding_deadline {
        outbox::enqueue_at(tx, &BiddingClose { job_id: job.id, deadline }, deadline);
    }
}

/// The bids of a job that ended without a choice.
fn lapse_bids(tx: &mut Tx<'_>, job: &PublicJob, request_id: &str) -> Result<(), Error> {
    let now = tx.now()?;
    // Calling off must be no way of looking in: bids that were never revealed stay out of the row about their job.
    let revealed = rules::revealed(job.reveal, job.bidding_deadline, now);
    for lapsed in store::bids::decide_rest(tx.conn(), job.id, BidStatus::Expired, now)? {
        if revealed {
            trail::bid_decided(tx, lapsed.0, BidStatus::Expired);
        }
        events::bid_decided(tx, "bid.expired", request_id, job.id, lapsed);
    }
    Ok(())
}

fn draft(
    id: JobId,
    owner: PartyId,
    new: &NewJob,
    bidding_deadline: Option<Instant>,
    now: Instant,
) -> PublicJob {
    PublicJob {
        id,
        homeowner: owner,
        contractor: None,
        status: JobStatus::Draft,
        title: new.title.as_str().to_owned(),
        description: new.description.as_str().to_owned(),
        category: new.category.as_str().to_owned(),
        skills: new.skills.as_slice().to_vec(),
        area: area(&new.address),
        budget: new.budget,
        currency: new.currency,
        urgency: new.urgency,
        wanted_start: new.wanted_start.map(Day::date),
        bidding_deadline,
        accept_until: None,
        reveal: new.reveal,
        published_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// What strangers see of an address. The point is snapped here, once, when the address is set, and a state is called by its code.
fn area(address: &Address) -> Area {
    let country = address.country.as_str();
    Area {
        city: address.city.as_str().to_owned(),
        region: address.region.as_ref().map(|region| rules::region_written(country, region.as_str())),
        country: country.to_owned(),
        point: address.point.map(snap_to_grid),
    }
}
