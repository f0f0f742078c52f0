//! What crates above have written here, in their own transaction. These check the marketplace's invariants and never commit;
//! the caller has authorised.

use database::Tx;
use kernel::{Instant, Money, PartyId};

use super::{confirmation, events, trail};
use crate::error::Error;
use crate::model::{
    Award, Awarded, BidDetail, BidStatus, JobAction, JobDetail, JobId, JobStatus, OpenReview, PublicJob,
};
use crate::rules;
use crate::store;
use crate::store::jobs::Lock;
use crate::tasks::ReviewPublication;

/// Chooses a bid: the job becomes AWARDED, the bid ACCEPTED, every other waiting bid REJECTED. Of simultaneous calls for one job
/// exactly one succeeds: each locks the job first and judges by what it then reads.
///
/// # Errors
/// [`Error::BidNotFound`] for anyone but the job's owner, and before the reveal; [`Error::JobState`],
/// [`Error::AcceptanceClosed`], [`Error::BidState`], [`Error::BidLapsed`], [`Error::BidRevised`], [`Error::BidUnconfirmed`].
pub fn award(tx: &mut Tx<'_>, award: Award) -> Result<Awarded, Error> {
    let (job_id, bidder) = store::bids::find_places(tx.conn(), award.bid)?.ok_or(Error::BidNotFound)?;
    // Whoever is just being erased takes its bid and its job away: waited for here, and seen below.
    identity::hold_people(tx, &[award.owner, bidder])?;
    let job = store::jobs::lock(tx.conn(), job_id, Lock::Alone)?.ok_or(Error::BidNotFound)?;
    let now = tx.now()?;
    let bid = store::bids::find(tx.conn(), award.bid)?.ok_or(Error::BidNotFound)?;
    rules::may_award(&(&job).into(), award.owner, bid.status, now)?;
    check_offer(tx, &bid, &award, now)?;
    let address = store::jobs::find_address_for(tx.conn(), job.id, award.owner)?
        .ok_or_else(|| missing_address(job.id))?;
    let awarded = PublicJob { contractor: Some(bid.contractor), ..moved(&job, JobAction::Award)? };
    change(tx, &job, awarded)?;
    if !store::bids::decide(tx.conn(), &bid, BidStatus::Accepted, None, now)? {
        return Err(Error::BidState { state: bid.status });
    }
    trail::bid_decided(tx, bid.id, BidStatus::Accepted);
    for rest in store::bids::decide_rest(tx.conn(), job.id, BidStatus::Rejected, now)? {
        trail::bid_decided(tx, rest.0, BidStatus::Rejected);
        events::bid_decided(tx, "bid.rejected", &award.request_id, job.id, rest);
    }
    let amount = Money::new(bid.parts.amount, job.currency)
        .map_err(|error| database::Error::Corrupt(error.to_string()))?;
    Ok(Awarded {
        job_id: job.id,
        homeowner: job.homeowner,
        contractor: bid.contractor,
        bid_id: bid.id,
        title: job.title,
        description: job.description,
        category: job.category,
        address,
        amount,
        milestones: bid.parts.milestones,
        terms: bid.parts.terms,
        start_date: bid.parts.start_date,
        duration_days: bid.parts.duration_days,
    })
}

/// Whether a bid still is the offer that the owner read, and its bidder means it for the job as it is now.
fn check_offer(tx: &mut Tx<'_>, bid: &BidDetail, award: &Award, now: Instant) -> Result<(), Error> {
    if !rules::in_force(bid.parts.valid_until, now) {
        return Err(Error::BidLapsed);
    }
    if award.revision.is_some_and(|revision| revision != bid.revision) {
        return Err(Error::BidRevised { current: bid.revision });
    }
    let mut asked = bid.clone();
    confirmation::ask(tx.conn(), [&mut asked])?;
    if asked.confirmation.is_some() { Err(Error::BidUnconfirmed) } else { Ok(()) }
}

/// A job with its address as its owner sees it, for what crates above do with an owner's job.
///
/// # Errors
/// [`Error::JobNotFound`] when there is none of this owner.
pub fn owned_job(tx: &mut Tx<'_>, id: JobId, owner: PartyId) -> Result<JobDetail, Error> {
    let job = store::jobs::find(tx.conn(), id)?.filter(|job| job.homeowner == owner);
    let job = job.ok_or(Error::JobNotFound)?;
    let now = tx.now()?;
    let address = store::jobs::find_address_for(tx.conn(), id, owner)?;
    let bidding_closed = rules::bidding_closed(job.status, job.bidding_deadline, now);
    Ok(JobDetail { job, bidding_closed, address })
}

/// The first milestone was started. Later ones change nothing.
///
/// # Errors
/// [`Error::JobState`] when the job is neither AWARDED nor under way.
pub fn record_work_started(tx: &mut Tx<'_>, job: JobId) -> Result<(), Error> {
    record(tx, job, JobAction::StartWork)
}

/// The contract was completed, and so is the job.
///
/// # Errors
/// [`Error::JobState`] when the job is neither AWARDED nor under way.
pub fn record_completion(tx: &mut Tx<'_>, job: JobId) -> Result<(), Error> {
    record(tx, job, JobAction::Complete)
}

/// The contract was not signed in time: the job expires with it. `contract.unsigned` tells of it.
///
/// # Errors
/// [`Error::JobState`] when the job is not AWARDED.
pub fn record_unsigned(tx: &mut Tx<'_>, job: JobId) -> Result<(), Error> {
    record(tx, job, JobAction::Expire)
}

/// Lets both sides of a finished contract review each other until the window closes. Doing it again changes nothing.
///
/// # Errors
/// [`Error::Database`] only.
pub fn open_review(tx: &mut Tx<'_>, window: OpenReview) -> Result<(), Error> {
    if store::reviews::open(tx.conn(), &window)? {
        // Due at once: how long the window is open is the service's setting, so the task finds out when to come back.
        outbox::enqueue(tx, &ReviewPublication { contract_id: window.contract_id });
    }
    Ok(())
}

fn record(tx: &mut Tx<'_>, id: JobId, action: JobAction) -> Result<(), Error> {
    let job = store::jobs::lock(tx.conn(), id, Lock::Alone)?.ok_or(Error::JobNotFound)?;
    let after = moved(&job, action)?;
    if after.status == job.status {
        return Ok(());
    }
    change(tx, &job, after)
}

/// The job in the state after an action.
pub(super) fn moved(job: &PublicJob, action: JobAction) -> Result<PublicJob, Error> {
    let status: JobStatus = job.status.after(action).ok_or(Error::JobState { state: job.status })?;
    Ok(PublicJob { status, ..job.clone() })
}

/// Stores a changed job under the next version.
pub(super) fn change(tx: &mut Tx<'_>, before: &PublicJob, after: PublicJob) -> Result<(), Error> {
    let now = tx.now()?;
    let after = PublicJob { version: before.version + 1, updated_at: now, ..after };
    if store::jobs::update(tx.conn(), before, &after)? {
        trail::job(tx, Some(before), Some(&after));
        Ok(())
    } else {
        Err(Error::JobState { state: before.status })
    }
}

fn missing_address(job: JobId) -> database::Error {
    database::Error::Corrupt(format!("job {job} has no address"))
}
