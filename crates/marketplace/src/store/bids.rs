//! Bids and their revisions.

mod insert;
mod revisions;
mod standing;

use chrono::NaiveDate;
use database::{Error, PgConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use kernel::{Instant, PartyId};
use uuid::Uuid;

use super::word;
use crate::PageRequest;
use crate::model::{BidDetail, BidId, BidParts, BidStatus, JobId, Proof, Reveal};
use crate::rules::{Sealed, Standing, in_force};
use crate::schema::{bid_revisions, bids, jobs};

pub(crate) use insert::insert;
pub(crate) use revisions::list_former;
pub(crate) use standing::{Asked, OpenWithBids, Standers, list_open_with_bids, list_prices, list_standing};

#[derive(Queryable, Selectable)]
#[diesel(table_name = bids, check_for_backend(Pg))]
struct BidRow {
    id: Uuid,
    job_id: Uuid,
    contractor_id: Uuid,
    status: String,
    revision: i32,
    currency: String,
    submitted_at: Instant,
    reason: Option<String>,
    version: i32,
    created_at: Instant,
    updated_at: Instant,
    confirmed_at: Option<Instant>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = bid_revisions, check_for_backend(Pg), treat_none_as_default_value = false)]
pub(super) struct RevisionRow {
    bid_id: Uuid,
    revision: i32,
    amount: i64,
    lines: serde_json::Value,
    milestones: serde_json::Value,
    terms: Option<String>,
    start_date: Option<NaiveDate>,
    duration_days: Option<i32>,
    submitted_at: Instant,
    canonical: String,
    salt: String,
    receipt: String,
    valid_until: Option<Instant>,
}

fn json<T: serde::Serialize>(parts: &T) -> Result<serde_json::Value, Error> {
    serde_json::to_value(parts).map_err(|error| Error::Corrupt(error.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::Corrupt(error.to_string()))
}

impl RevisionRow {
    pub(super) fn of(bid: &BidDetail, sealed: &Sealed) -> Result<Self, Error> {
        Ok(Self {
            bid_id: bid.id.uuid(),
            revision: bid.revision,
            amount: bid.parts.amount,
            lines: json(&bid.parts.lines)?,
            milestones: json(&bid.parts.milestones)?,
            terms: bid.parts.terms.clone(),
            start_date: bid.parts.start_date,
            duration_days: bid.parts.duration_days,
            submitted_at: bid.submitted_at,
            canonical: sealed.proof.canonical.clone(),
            salt: sealed.proof.salt.clone(),
            receipt: sealed.receipt.clone(),
            valid_until: bid.parts.valid_until,
        })
    }
}

impl RevisionRow {
    /// The text is gone when somebody was forgotten, and nothing is proved by what is left.
    fn proof(&self) -> Option<Proof> {
        let Self { canonical, salt, .. } = self;
        (!canonical.is_empty()).then(|| Proof { canonical: canonical.clone(), salt: salt.clone() })
    }

    fn parts(self) -> Result<BidParts, Error> {
        Ok(BidParts {
            amount: self.amount,
            lines: from_json(self.lines)?,
            milestones: from_json(self.milestones)?,
            terms: self.terms,
            start_date: self.start_date,
            duration_days: self.duration_days,
            valid_until: self.valid_until,
        })
    }
}

/// A bid with the revision that stands. The proof is in it; whether it is shown is the service's to say.
fn read((bid, revision): (BidRow, RevisionRow)) -> Result<BidDetail, Error> {
    Ok(BidDetail {
        id: bid.id.into(),
        job_id: bid.job_id.into(),
        contractor: bid.contractor_id.into(),
        status: word(BidStatus::parse(&bid.status), "bids.status")?,
        revision: bid.revision,
        version: bid.version,
        currency: word(bid.currency.parse().ok(), "bids.currency")?,
        reason: bid.reason,
        submitted_at: bid.submitted_at,
        created_at: bid.created_at,
        updated_at: bid.updated_at,
        confirmed_at: bid.confirmed_at,
        confirmation: None,
        receipt: revision.receipt.clone(),
        proof: revision.proof(),
        parts: revision.parts()?,
        outcome: None,
    })
}

/// The revision that stands.
macro_rules! with_revision {
    () => {
        bids::table
            .inner_join(
                bid_revisions::table
                    .on(bid_revisions::bid_id.eq(bids::id).and(bid_revisions::revision.eq(bids::revision))),
            )
            .select((BidRow::as_select(), RevisionRow::as_select()))
    };
}

/// Adds a revision to a bid that still is in the version it was read in.
pub(crate) fn revise(conn: &mut PgConnection, bid: &BidDetail, sealed: &Sealed) -> Result<bool, Error> {
    let unchanged = bids::id
        .eq(bid.id)
        .and(bids::status.eq(BidStatus::Submitted.as_str()))
        .and(bids::version.eq(bid.version - 1));
    let updated = diesel::update(bids::table.filter(unchanged))
        .set((
            bids::revision.eq(bid.revision),
            bids::amount.eq(bid.parts.amount),
            bids::submitted_at.eq(bid.submitted_at),
            bids::version.eq(bid.version),
            bids::updated_at.eq(bid.updated_at),
        ))
        .execute(conn)?;
    if updated == 0 {
        return Ok(false);
    }
    diesel::insert_into(bid_revisions::table).values(RevisionRow::of(bid, sealed)?).execute(conn)?;
    Ok(true)
}

/// The job that a bid is for; a bid never moves to another.
pub(crate) fn find_job_of(conn: &mut PgConnection, id: BidId) -> Result<Option<JobId>, Error> {
    Ok(bids::table.filter(bids::id.eq(id)).select(bids::job_id).get_result(conn).optional()?)
}

/// The same with whose bid it is, which never changes either.
pub(crate) fn find_places(conn: &mut PgConnection, id: BidId) -> Result<Option<(JobId, PartyId)>, Error> {
    let found = bids::table.filter(bids::id.eq(id)).select((bids::job_id, bids::contractor_id));
    Ok(found.get_result(conn).optional()?)
}

/// Where a bid stands, under a lock of its own.
pub(crate) fn lock_status(conn: &mut PgConnection, id: BidId) -> Result<Option<BidStatus>, Error> {
    let found = bids::table.filter(bids::id.eq(id)).select(bids::status).for_no_key_update();
    let status: Option<String> = found.get_result(conn).optional()?;
    status.map(|status| word(BidStatus::parse(&status), "bids.status")).transpose()
}

/// A bid of this job, for those who know that they may see it.
pub(crate) fn find(conn: &mut PgConnection, id: BidId) -> Result<Option<BidDetail>, Error> {
    let found = with_revision!().filter(bids::id.eq(id)).get_result(conn).optional()?;
    found.map(read).transpose()
}

/// A contractor's own bid.
pub(crate) fn find_own(
    conn: &mut PgConnection,
    id: BidId,
    contractor: PartyId,
) -> Result<Option<BidDetail>, Error> {
    let own = bids::id.eq(id).and(bids::contractor_id.eq(contractor));
    let found = with_revision!().filter(own).get_result(conn).optional()?;
    found.map(read).transpose()
}

/// Moves a bid out of SUBMITTED, if it still is there and in the version it was read in.
pub(crate) fn decide(
    conn: &mut PgConnection,
    bid: &BidDetail,
    status: BidStatus,
    reason: Option<&str>,
    now: Instant,
) -> Result<bool, Error> {
    let unchanged = bids::id
        .eq(bid.id)
        .and(bids::status.eq(BidStatus::Submitted.as_str()))
        .and(bids::version.eq(bid.version));
    let updated = diesel::update(bids::table.filter(unchanged))
        .set((
            bids::status.eq(status.as_str()),
            bids::reason.eq(reason),
            bids::version.eq(bid.version + 1),
            bids::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Moves every bid of a job that still waits out of SUBMITTED, and says whose they were.
pub(crate) fn decide_rest(
    conn: &mut PgConnection,
    job: JobId,
    status: BidStatus,
    now: Instant,
) -> Result<Vec<(BidId, PartyId)>, Error> {
    let waiting = bids::job_id.eq(job).and(bids::status.eq(BidStatus::Submitted.as_str()));
    Ok(diesel::update(bids::table.filter(waiting))
        .set((
            bids::status.eq(status.as_str()),
            bids::version.eq(bids::version + 1),
            bids::updated_at.eq(now),
        ))
        .returning((bids::id, bids::contractor_id))
        .get_results(conn)?)
}

/// All bids of a job, in the order they first came.
pub(crate) fn list_of_job(
    conn: &mut PgConnection,
    job: JobId,
    page: PageRequest,
) -> Result<Vec<BidDetail>, Error> {
    let mut query = with_revision!().filter(bids::job_id.eq(job)).into_boxed();
    if let Some(after) = page.after {
        let later = bids::created_at.eq(after.key).and(bids::id.gt(after.id));
        query = query.filter(bids::created_at.gt(after.key).or(later));
    }
    let rows = query.order((bids::created_at, bids::id)).limit(page.limit.plus_one()).load(conn)?;
    rows.into_iter().map(read).collect()
}

/// A contractor's own bids, newest first; of one job, or of one state, or all.
pub(crate) fn list_own(
    conn: &mut PgConnection,
    contractor: PartyId,
    job: Option<JobId>,
    status: Option<BidStatus>,
    page: PageRequest,
) -> Result<Vec<BidDetail>, Error> {
    let mut query = with_revision!().filter(bids::contractor_id.eq(contractor)).into_boxed();
    if let Some(job) = job {
        query = query.filter(bids::job_id.eq(job));
    }
    if let Some(status) = status {
        query = query.filter(bids::status.eq(status.as_str()));
    }
    if let Some(after) = page.after {
        let earlier = bids::created_at.eq(after.key).and(bids::id.lt(after.id));
        query = query.filter(bids::created_at.lt(after.key).or(earlier));
    }
    let rows =
        query.order((bids::created_at.desc(), bids::id.desc())).limit(page.limit.plus_one()).load(conn)?;
    rows.into_iter().map(read).collect()
}

/// Every revision of all of a contractor's bids, oldest first, each with its job's reveal and deadline.
pub(crate) fn list_revisions_of(
    conn: &mut PgConnection,
    contractor: PartyId,
) -> Result<Vec<(BidDetail, Reveal, Option<Instant>)>, Error> {
    type Row = (BidRow, RevisionRow, String, Option<Instant>);
    let rows: Vec<Row> = bids::table
        .inner_join(bid_revisions::table)
        .inner_join(jobs::table)
        .filter(bids::contractor_id.eq(contractor))
        .order((bids::created_at, bids::id, bid_revisions::revision))
        .select((BidRow::as_select(), RevisionRow::as_select(), jobs::reveal, jobs::bidding_deadline))
        .load(conn)?;
    rows.into_iter()
        .map(|(bid, revision, reveal, deadline)| {
            let of_revision =
                BidRow { revision: revision.revision, submitted_at: revision.submitted_at, ..bid };
            let reveal = word(Reveal::parse(&reveal), "jobs.reveal")?;
            Ok((read((of_revision, revision))?, reveal, deadline))
        })
        .collect()
}

/// Who has a live bid for a job. For telling each of them alone: none may learn of another.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn live_bidders(conn: &mut PgConnection, job: JobId) -> Result<Vec<PartyId>, Error> {
    Ok(bids::table
        .filter(bids::job_id.eq(job).and(bids::status.eq(BidStatus::Submitted.as_str())))
        .select(bids::contractor_id)
        .load(conn)?)
}

/// Whether a party ever bid on a job.
pub(crate) fn has_bid(conn: &mut PgConnection, job: JobId, contractor: PartyId) -> Result<bool, Error> {
    let own = bids::table.filter(bids::job_id.eq(job).and(bids::contractor_id.eq(contractor)));
    Ok(diesel::select(diesel::dsl::exists(own)).get_result(conn)?)
}

/// The bids of these jobs as far as they count in a ranking. Only for jobs that have left OPEN: nobody may learn of it before.
pub(crate) fn standings(conn: &mut PgConnection, jobs: &[JobId]) -> Result<Vec<(JobId, Standing)>, Error> {
    type Row = (JobId, BidId, String, i64, Instant, Instant, Option<Instant>);
    let rows: Vec<Row> = bids::table
        .inner_join(
            bid_revisions::table
                .on(bid_revisions::bid_id.eq(bids::id).and(bid_revisions::revision.eq(bids::revision))),
        )
        .filter(bids::job_id.eq_any(jobs))
        .select((
            bids::job_id,
            bids::id,
            bids::status,
            bids::amount,
            bids::submitted_at,
            bids::updated_at,
            bid_revisions::valid_until,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(job, id, status, amount, submitted_at, decided_at, valid_until)| {
            let status = word(BidStatus::parse(&status), "bids.status")?;
            // The job has left OPEN, so whatever the bid is by now it became when it last changed.
            let lapsed = !in_force(valid_until, decided_at);
            Ok((job, Standing { id, status, lapsed, amount, submitted_at }))
        })
        .collect()
}
