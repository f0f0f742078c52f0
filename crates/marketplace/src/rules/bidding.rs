//! When and how a job takes bids, changes and a decision.

use chrono::{SubsecRound, TimeDelta};
use kernel::{Currency, Fault, Faults, Instant, PartyId};

use crate::error::Error;
use crate::model::{
    BidStatus, Day, JobAction, JobCard, JobFacts, JobPatch, JobStatus, PublicJob, Reveal, fixed,
    patched_budget, wrong_currency,
};
use crate::settings::Settings;

/// Whether bidding is over while the job still waits for a decision. The deadline itself is too late.
#[must_use]
pub fn bidding_closed(status: JobStatus, deadline: Option<Instant>, now: Instant) -> bool {
    status == JobStatus::Open && deadline.is_some_and(|deadline| deadline <= now)
}

/// A card as it is at that instant: what it says of bidding follows the clock.
#[must_use]
pub fn card_as_of(card: JobCard, now: Instant) -> JobCard {
    JobCard { bidding_closed: bidding_closed(card.status, card.bidding_deadline, now), ..card }
}

/// Whether the owner may see the bids.
#[must_use]
pub fn revealed(reveal: Reveal, deadline: Option<Instant>, now: Instant) -> bool {
    match reveal {
        Reveal::OnArrival => true,
        Reveal::AtClose => deadline.is_some_and(|deadline| deadline <= now),
    }
}

/// The instant from which on no bid can be chosen any more.
#[must_use]
pub fn acceptance_ends(settings: &Settings, deadline: Instant) -> Instant {
    deadline.checked_add_signed(settings.acceptance()).unwrap_or(deadline)
}

/// The bidding deadline of a job that is published now.
///
/// # Errors
/// A fault at `/biddingDeadline` when the one wanted is too near or too far.
pub fn bidding_deadline(
    settings: &Settings,
    wanted: Option<Instant>,
    now: Instant,
) -> Result<Instant, Fault> {
    let Some(wanted) = wanted else {
        return Ok(now.checked_add_signed(settings.bidding_default()).unwrap_or(now));
    };
    let ahead = wanted.signed_duration_since(now);
    let (min, max) = (settings.bidding_hours_min, settings.bidding_days_max);
    if (TimeDelta::hours(i64::from(min))..=TimeDelta::days(i64::from(max))).contains(&ahead) {
        Ok(stored(wanted))
    } else {
        let message = format!("has to be from {min} hours to {max} days ahead");
        Err(Fault::new("/biddingDeadline", "out_of_range", message))
    }
}

/// An instant as finely as the database keeps it: what is answered at once and what is read later are the same.
fn stored(instant: Instant) -> Instant {
    instant.trunc_subsecs(6)
}

/// The job as a patch leaves it. The address is not part of it; it is stored apart.
///
/// # Errors
/// [`Error::JobState`] when it can no longer be edited, [`Error::Invalid`] with every fault.
pub fn edited(
    settings: &Settings,
    job: PublicJob,
    patch: &JobPatch,
    now: Instant,
) -> Result<PublicJob, Error> {
    if job.status.after(JobAction::Edit).is_none() {
        return Err(Error::JobState { state: job.status });
    }
    let mut faults = Faults::none();
    let published = job.status != JobStatus::Draft;
    if published {
        check_published(settings, &job, patch, now, &mut faults);
    }
    let budget =
        faults.take("", patched_budget(job.budget, patch.budget_min, patch.budget_max)).unwrap_or(job.budget);
    let JobPatch { title, description, category, skills, address: _, budget_min: _, budget_max: _, .. } =
        patch.clone();
    let deadline = patch.bidding_deadline.map(stored).or(job.bidding_deadline);
    let edited = PublicJob {
        title: title.map_or(job.title, crate::Title::into_string),
        description: description.map_or(job.description, crate::Description::into_string),
        category: category.map_or(job.category, |category| category.as_str().to_owned()),
        skills: skills.map_or(job.skills, crate::Skills::into_vec),
        budget,
        currency: patch.currency.unwrap_or(job.currency),
        urgency: patch.urgency.unwrap_or(job.urgency),
        wanted_start: patch.wanted_start.map_or(job.wanted_start, |day| day.map(Day::date)),
        bidding_deadline: deadline,
        accept_until: published
            .then(|| deadline.map(|deadline| acceptance_ends(settings, deadline)))
            .flatten(),
        reveal: patch.reveal.unwrap_or(job.reveal),
        ..job
    };
    Ok(faults.or(|| edited)?)
}

/// What bidders rely on once the job is published.
fn check_published(
    settings: &Settings,
    job: &PublicJob,
    patch: &JobPatch,
    now: Instant,
    faults: &mut Faults,
) {
    let mut refuse = |fault: Fault| faults.push(fault.pointer, fault.code, fault.message);
    if patch.currency.is_some_and(|currency| currency != job.currency) {
        refuse(fixed("/currency"));
    }
    if patch.reveal.is_some_and(|reveal| reveal != job.reveal) {
        refuse(fixed("/reveal"));
    }
    let Some(wanted) =
        patch.bidding_deadline.map(stored).filter(|wanted| Some(*wanted) != job.bidding_deadline)
    else {
        return;
    };
    match job.reveal {
        Reveal::AtClose => refuse(fixed("/biddingDeadline")),
        Reveal::OnArrival if job.bidding_deadline.is_some_and(|current| wanted < current) => {
            refuse(Fault::new(
                "/biddingDeadline",
                "only_later",
                "can only move later once the job is published",
            ));
        }
        Reveal::OnArrival => {
            if let Err(fault) = bidding_deadline(settings, Some(wanted), now) {
                refuse(fault);
            }
        }
    }
}

/// Whether a contractor may hand in or revise a bid now. The caller holds a lock on the job and read the clock after it.
///
/// # Errors
/// [`Error::JobNotFound`] for a job that a stranger does not see, [`Error::OwnJob`], [`Error::BiddingClosed`].
pub fn may_bid(job: &JobFacts, bidder: PartyId, now: Instant) -> Result<(), Error> {
    if job.homeowner == bidder {
        return Err(Error::OwnJob);
    }
    if job.status.after(JobAction::Bid).is_none() {
        return Err(Error::JobState { state: job.status });
    }
    if bidding_closed(job.status, job.bidding_deadline, now) {
        return Err(Error::BiddingClosed);
    }
    Ok(())
}

/// Whether a bid of this job may be chosen now. The caller holds the job's lock and read the clock after it.
///
/// # Errors
/// The first thing in the way.
pub fn may_award(job: &JobFacts, owner: PartyId, bid: BidStatus, now: Instant) -> Result<(), Error> {
    // To anyone but the owner, and before the reveal to the owner too, the bid does not exist.
    if job.homeowner != owner || !revealed(job.reveal, job.bidding_deadline, now) {
        return Err(Error::BidNotFound);
    }
    if job.status.after(JobAction::Award).is_none() {
        return Err(Error::JobState { state: job.status });
    }
    if job.accept_until.is_some_and(|end| end <= now) {
        return Err(Error::AcceptanceClosed);
    }
    if bid.after(crate::BidAction::Accept).is_none() {
        return Err(Error::BidState { state: bid });
    }
    Ok(())
}

/// Whether an amount can be bid on a job.
///
/// # Errors
/// Every fault.
pub fn check_amount(
    settings: &Settings,
    amount: i64,
    currency: Option<Currency>,
    job: Currency,
) -> Result<(), Faults> {
    let mut faults = Faults::none();
    let (min, max) = (settings.bid_amount_min, settings.bid_amount_max);
    faults.check(
        (min..=max).contains(&amount),
        "/amount",
        "out_of_range",
        format!("has to be from {min} to {max}"),
    );
    if currency.is_some_and(|currency| currency != job) {
        let fault = wrong_currency(job);
        faults.push(fault.pointer, fault.code, fault.message);
    }
    faults.or(|| ())
}

#[cfg(test)]
mod tests;
