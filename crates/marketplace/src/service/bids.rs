//! Bids: handing in, revising, taking back, turning down, and who sees them.

use std::collections::HashMap;

use database::{PgConnection, Tx};
use kernel::{
    Actor, ContractorActor, Currency, Faults, HomeownerActor, Instant, Page, PartyId, Position, Role,
};

use super::{MarketplaceService, confirmation, events, trail};
use crate::PageRequest;
use crate::error::Error;
use crate::model::{
    BidChange, BidDetail, BidId, BidOfJob, BidParts, BidPatch, BidStatus, BidderCard, FormerRevision, JobId,
    JobStatus, JobSummary, NewBid, PublicJob, Rejection, Reveal,
};
use crate::rules::{self, Sealed, Standing};
use crate::store;
use crate::store::jobs::Lock;
use crate::tasks::BidExpiry;

impl MarketplaceService {
    pub(super) fn create_bid(
        &self,
        contractor: ContractorActor<'_>,
        new: &NewBid,
    ) -> Result<BidDetail, Error> {
        let id = BidId::new();
        self.db.transaction(|tx| {
            let (job, now) = self.open_for(tx, contractor.party, new.job_id)?;
            self.check_offer(&new.parts, new.currency, &job, now)?;
            let mut bid = BidDetail {
                id,
                job_id: job.id,
                contractor: contractor.party,
                status: BidStatus::Submitted,
                revision: 1,
                version: 1,
                currency: job.currency,
                parts: new.parts.clone(),
                reason: None,
                submitted_at: now,
                created_at: now,
                updated_at: now,
                confirmed_at: None,
                confirmation: None,
                receipt: String::new(),
                proof: None,
                outcome: None,
            };
            let sealed = seal(&bid)?;
            store::bids::insert(tx.conn(), &bid, &sealed).map_err(already_bid)?;
            trail::bid(tx, &job, None, &bid);
            arrange_lapse(tx, &bid);
            show_seal(&mut bid, sealed, &job, now);
            let revealed = rules::revealed(job.reveal, job.bidding_deadline, now);
            events::bid(tx, "bid.submitted", &contractor.request_id, &bid, &job, revealed);
            Ok(bid)
        })
    }

    pub(super) fn patch_bid(
        &self,
        contractor: ContractorActor<'_>,
        patch: &BidChange<BidPatch>,
    ) -> Result<BidDetail, Error> {
        self.db.transaction(|tx| {
            let found = own_bid(tx, contractor.party, patch)?;
            let (job, now) = self.open_for(tx, contractor.party, found.job_id)?;
            // Under the job's lock nobody decides on it; another revision of it is kept out by its version.
            let current =
                store::bids::find_own(tx.conn(), found.id, contractor.party)?.ok_or(Error::BidNotFound)?;
            waits(&current, patch)?;
            let before = (current.status, current.revision);
            let parts = patch.change.clone().applied(current.parts)?;
            self.check_offer(&parts, None, &job, now)?;
            let mut bid = BidDetail {
                parts,
                revision: current.revision + 1,
                version: current.version + 1,
                submitted_at: now,
                updated_at: now,
                ..current
            };
            let sealed = seal(&bid)?;
            if !store::bids::revise(tx.conn(), &bid, &sealed)? {
                return Err(Error::Stale);
            }
            trail::bid(tx, &job, Some(before), &bid);
            arrange_lapse(tx, &bid);
            show_seal(&mut bid, sealed, &job, now);
            let revealed = rules::revealed(job.reveal, job.bidding_deadline, now);
            events::bid(tx, "bid.revised", &contractor.request_id, &bid, &job, revealed);
            Ok(bid)
        })
    }

    pub(super) fn take_back_bid(
        &self,
        contractor: ContractorActor<'_>,
        back: &BidChange<()>,
    ) -> Result<BidDetail, Error> {
        self.db.transaction(|tx| withdraw(tx, contractor.party, back, &contractor.request_id))
    }

    pub(super) fn turn_down_bid(
        &self,
        homeowner: HomeownerActor<'_>,
        change: &BidChange<Rejection>,
    ) -> Result<BidOfJob, Error> {
        self.db.transaction(|tx| {
            let job_id = store::bids::find_job_of(tx.conn(), change.bid_id)?.ok_or(Error::BidNotFound)?;
            let job = store::jobs::lock(tx.conn(), job_id, Lock::Share)?.ok_or(Error::BidNotFound)?;
            let now = tx.now()?;
            // Before the reveal the owner is a stranger to the bid: it does not exist for him.
            if job.homeowner != homeowner.party || !rules::revealed(job.reveal, job.bidding_deadline, now) {
                return Err(Error::BidNotFound);
            }
            let current = store::bids::find(tx.conn(), change.bid_id)?.ok_or(Error::BidNotFound)?;
            waits(&current, change)?;
            let before = (current.status, current.revision);
            let reason = change.change.reason.as_ref().map(|reason| reason.as_str().to_owned());
            let bid = decide(tx, current, BidStatus::Rejected, reason, now)?;
            let whose = (bid.id, bid.contractor);
            trail::bid(tx, &job, Some(before), &bid);
            events::bid_decided(tx, "bid.rejected", &homeowner.request_id, job.id, whose);
            let bidder = self.bidders(tx.conn(), &[bid.contractor])?.remove(&bid.contractor);
            Ok(BidOfJob { bid, bidder, job: None, former: Vec::new() })
        })
    }

    pub(super) fn bids_of_job(
        &self,
        viewer: &Actor,
        job_id: JobId,
        page: PageRequest,
    ) -> Result<Page<BidOfJob>, Error> {
        let job = self.find_job(Some(viewer), job_id)?.job;
        if viewer.role == Role::Contractor {
            return self.own_bids(viewer.party, Some(job_id), None, page);
        }
        if job.homeowner != viewer.party {
            return Err(Error::JobNotFound);
        }
        // The reveal is a decision, so it goes by the database's clock.
        if !rules::revealed(job.reveal, job.bidding_deadline, self.db.now()?) {
            return Err(Error::Sealed { state: job.status });
        }
        self.db.read(|conn| {
            let rows = store::bids::list_of_job(conn, job_id, page)?;
            let mut page = Page::cut(rows, page.limit, position);
            confirmation::ask(conn, &mut page.items)?;
            let ids: Vec<PartyId> = page.items.iter().map(|bid| bid.contractor).collect();
            let bidders = self.bidders(conn, &ids)?;
            let mut former = store::bids::list_former(conn, &page.items)?;
            // A contractor may have bid, withdrawn, and bid again: a card can be needed twice.
            Ok(page.map(|bid| BidOfJob {
                bidder: bidders.get(&bid.contractor).cloned(),
                former: former.remove(&bid.id).unwrap_or_default(),
                bid,
                job: None,
            }))
        })
    }

    /// A contractor's own bids, with what it may know of each one's job.
    pub(super) fn own_bids(
        &self,
        contractor: PartyId,
        job: Option<JobId>,
        status: Option<BidStatus>,
        page: PageRequest,
    ) -> Result<Page<BidOfJob>, Error> {
        let now = self.db.now()?;
        self.db.read(|conn| {
            let rows = store::bids::list_own(conn, contractor, job, status, page)?;
            let mut page = Page::cut(rows, page.limit, position);
            confirmation::ask(conn, &mut page.items)?;
            let ids: Vec<JobId> = page.items.iter().map(|bid| bid.job_id).collect();
            let jobs = store::jobs::summaries(conn, &ids)?;
            let standings = ended_standings(conn, &jobs)?;
            let mut former = store::bids::list_former(conn, &page.items)?;
            Ok(page.map(|bid| {
                let former = former.remove(&bid.id).unwrap_or_default();
                own_view((bid, former), &jobs, &standings, now)
            }))
        })
    }

    /// Who made these bids, for the owner.
    pub(super) fn bidders(
        &self,
        conn: &mut PgConnection,
        ids: &[PartyId],
    ) -> Result<HashMap<PartyId, BidderCard>, Error> {
        let cards = identity::cards(conn, ids)?;
        let sums = store::reviews::ratings_of(conn, ids)?;
        Ok(cards
            .into_values()
            .map(|card| {
                let rating =
                    rules::summarise(&self.settings, sums.get(&card.id).copied().unwrap_or_default());
                let bidder = BidderCard {
                    id: card.id,
                    name: card.full_name,
                    verified: card.verified_contractor,
                    rating,
                };
                (card.id, bidder)
            })
            .collect())
    }

    /// Whether the marketplace takes such an offer for this job now.
    fn check_offer(
        &self,
        parts: &BidParts,
        currency: Option<Currency>,
        job: &PublicJob,
        now: Instant,
    ) -> Result<(), Faults> {
        let mut faults = Faults::none();
        faults.take("", rules::check_amount(&self.settings, parts.amount, currency, job.currency));
        let lasts = rules::check_validity(&self.settings, &job.into(), parts.valid_until, now);
        faults.take("/validUntil", lasts.map_err(Faults::from));
        faults.or(|| ())
    }

    /// Ends a bid that nobody has decided on by the time until which it stood, unless a revision has moved that.
    pub(crate) fn lapse_bid(&self, id: BidId, request_id: &str) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let Some(job_id) = store::bids::find_job_of(tx.conn(), id)? else { return Ok(()) };
            let Some(job) = store::jobs::lock(tx.conn(), job_id, Lock::Share)? else { return Ok(()) };
            let now = tx.now()?;
            let Some(bid) = store::bids::find(tx.conn(), id)? else { return Ok(()) };
            if bid.status != BidStatus::Submitted || rules::in_force(bid.parts.valid_until, now) {
                return Ok(());
            }
            let before = (bid.status, bid.revision);
            let bid = decide(tx, bid, BidStatus::Expired, None, now)?;
            trail::bid(tx, &job, Some(before), &bid);
            events::bid_decided(tx, "bid.lapsed", request_id, job.id, (bid.id, bid.contractor));
            Ok(())
        })
    }

    /// The job under a lock, if this contractor may bid on it now, and the instant that was judged by. A stranger to a job that
    /// has left OPEN is told that there is none.
    pub(super) fn open_for(
        &self,
        tx: &mut Tx<'_>,
        bidder: PartyId,
        id: JobId,
    ) -> Result<(PublicJob, Instant), Error> {
        let job = store::jobs::lock(tx.conn(), id, Lock::Share)?.ok_or(Error::JobNotFound)?;
        let now = tx.now()?;
        if job.status != JobStatus::Open && job.contractor != Some(bidder) {
            let known = job.status != JobStatus::Draft && store::bids::has_bid(tx.conn(), id, bidder)?;
            return Err(if known { Error::JobState { state: job.status } } else { Error::JobNotFound });
        }
        rules::may_bid(&(&job).into(), bidder, now)?;
        if !identity::contractor_may_bid(tx, bidder)? {
            return Err(Error::NotVerified);
        }
        Ok((job, now))
    }
}

/// Has the bid end when the time is over until which it stands.
fn arrange_lapse(tx: &mut Tx<'_>, bid: &BidDetail) {
    if let Some(valid_until) = bid.parts.valid_until {
        outbox::enqueue_at(tx, &BidExpiry { bid_id: bid.id, valid_until }, valid_until);
    }
}

/// Takes a contractor's bid back.
pub(super) fn withdraw(
    tx: &mut Tx<'_>,
    contractor: PartyId,
    back: &BidChange<()>,
    request_id: &str,
) -> Result<BidDetail, Error> {
    let found = own_bid(tx, contractor, back)?;
    let job = store::jobs::lock(tx.conn(), found.job_id, Lock::Share)?.ok_or(Error::BidNotFound)?;
    let now = tx.now()?;
    let current = store::bids::find_own(tx.conn(), found.id, contractor)?.ok_or(Error::BidNotFound)?;
    waits(&current, back)?;
    let before = (current.status, current.revision);
    let mut bid = decide(tx, current, BidStatus::Withdrawn, None, now)?;
    trail::bid(tx, &job, Some(before), &bid);
    let revealed = rules::revealed(job.reveal, job.bidding_deadline, now);
    events::bid(tx, "bid.withdrawn", request_id, &bid, &job, revealed);
    bid.proof = bid.proof.filter(|_| revealed);
    Ok(bid)
}

/// The bidder's own bid, not locked yet.
pub(super) fn own_bid<T>(
    tx: &mut Tx<'_>,
    contractor: PartyId,
    change: &BidChange<T>,
) -> Result<BidDetail, Error> {
    let bid = store::bids::find_own(tx.conn(), change.bid_id, contractor)?.ok_or(Error::BidNotFound)?;
    // A decided bid is the nearer reason than its job's state.
    waits(&bid, change)?;
    Ok(bid)
}

/// Whether a bid still waits for a decision, and is of the version that the caller read.
pub(super) fn waits<T>(bid: &BidDetail, change: &BidChange<T>) -> Result<(), Error> {
    if bid.status != BidStatus::Submitted {
        return Err(Error::BidState { state: bid.status });
    }
    if change.if_version.is_some_and(|version| version != bid.version) {
        return Err(Error::Stale);
    }
    Ok(())
}

fn decide(
    tx: &mut Tx<'_>,
    bid: BidDetail,
    status: BidStatus,
    reason: Option<String>,
    now: Instant,
) -> Result<BidDetail, Error> {
    if !store::bids::decide(tx.conn(), &bid, status, reason.as_deref(), now)? {
        return Err(Error::Stale);
    }
    Ok(BidDetail { status, reason, version: bid.version + 1, updated_at: now, ..bid })
}

fn seal(bid: &BidDetail) -> Result<Sealed, Error> {
    let ids = (bid.id, bid.job_id, bid.revision);
    Ok(rules::seal(ids, bid.currency, &bid.parts, bid.submitted_at, rand::random())?)
}

/// The receipt at once; what it stands for from the reveal on.
fn show_seal(bid: &mut BidDetail, sealed: Sealed, job: &PublicJob, now: Instant) {
    bid.receipt = sealed.receipt;
    bid.proof = rules::revealed(job.reveal, job.bidding_deadline, now).then_some(sealed.proof);
}

fn already_bid(error: database::Error) -> Error {
    if error.is_unique("one_live_bid") { Error::AlreadyBid } else { Error::Database(error) }
}

fn position(bid: &BidDetail) -> Position {
    Position { key: bid.created_at, id: bid.id.uuid() }
}

/// The rankings of those of these jobs that have left OPEN.
fn ended_standings(
    conn: &mut PgConnection,
    jobs: &HashMap<JobId, (JobSummary, Reveal)>,
) -> Result<HashMap<JobId, Vec<Standing>>, Error> {
    let ended: Vec<JobId> = jobs
        .values()
        .map(|(job, _)| job)
        .filter(|job| job.status != JobStatus::Open)
        .map(|job| job.id)
        .collect();
    let mut standings: HashMap<JobId, Vec<Standing>> = HashMap::new();
    for (job, standing) in store::bids::standings(conn, &ended)? {
        standings.entry(job).or_default().push(standing);
    }
    Ok(standings)
}

/// A bid as its bidder sees it.
fn own_view(
    (bid, former): (BidDetail, Vec<FormerRevision>),
    jobs: &HashMap<JobId, (JobSummary, Reveal)>,
    standings: &HashMap<JobId, Vec<Standing>>,
    now: Instant,
) -> BidOfJob {
    let Some((job, reveal)) = jobs.get(&bid.job_id) else {
        return BidOfJob {
            bid: BidDetail { proof: None, ..bid },
            bidder: None,
            job: None,
            former: Vec::new(),
        };
    };
    let all = standings.get(&bid.job_id).map(Vec::as_slice).unwrap_or_default();
    let outcome = rules::outcome(job.status, bid.id, all);
    let revealed = rules::revealed(*reveal, job.bidding_deadline, now);
    let job = JobSummary {
        bidding_closed: rules::bidding_closed(job.status, job.bidding_deadline, now),
        ..job.clone()
    };
    let proof = bid.proof.filter(|_| revealed);
    let former = former
        .into_iter()
        .map(|former| FormerRevision { proof: former.proof.filter(|_| revealed), ..former })
        .collect();
    BidOfJob { bid: BidDetail { proof, outcome, ..bid }, bidder: None, job: Some(job), former }
}
