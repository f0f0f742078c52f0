//! The bids of a job that an owner has to choose from, or had.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PartyId};

use super::{BidRow, RevisionRow, read};
use crate::PageRequest;
use crate::model::{BidDetail, BidId, BidStatus, JobId, JobStatus, JobSummary, Reveal};
use crate::schema::{bid_revisions, bids, jobs};

/// Which bids of a job stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standers {
    /// Those that can be chosen now: they wait, and are valid at this instant.
    Waiting(Instant),
    /// Those that stood when the job left OPEN.
    AtTheEnd,
}

impl Standers {
    fn statuses(self) -> &'static [&'static str] {
        const WAITING: &[&str] = &[BidStatus::Submitted.as_str()];
        const STOOD: &[&str] =
            &[BidStatus::Accepted.as_str(), BidStatus::Rejected.as_str(), BidStatus::Expired.as_str()];
        match self {
            Self::Waiting(_) => WAITING,
            Self::AtTheEnd => STOOD,
        }
    }

    /// A bid whose validity ends after this stands.
    fn valid_after(self) -> Instant {
        match self {
            Self::Waiting(now) => now,
            Self::AtTheEnd => Instant::UNIX_EPOCH,
        }
    }
}

/// The bids of a job that stand, the lowest first and of equal prices the earlier.
macro_rules! standing {
    ($job:expr, $which:expr) => {{
        let valid = bid_revisions::valid_until
            .is_null()
            .or(bid_revisions::valid_until.assume_not_null().gt($which.valid_after()));
        bids::table
            .inner_join(
                bid_revisions::table
                    .on(bid_revisions::bid_id.eq(bids::id).and(bid_revisions::revision.eq(bids::revision))),
            )
            .filter(bids::job_id.eq($job).and(bids::status.eq_any($which.statuses())).and(valid))
            .order((bids::amount, bids::submitted_at, bids::id))
    }};
}

/// At most so many of them, whole.
pub(crate) fn list_standing(
    conn: &mut PgConnection,
    job: JobId,
    which: Standers,
    limit: i64,
) -> Result<Vec<BidDetail>, Error> {
    let rows: Vec<(BidRow, RevisionRow)> = standing!(job, which)
        .select((BidRow::as_select(), RevisionRow::as_select()))
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(read).collect()
}

/// At most so many of them, only their prices.
pub(crate) fn list_prices(
    conn: &mut PgConnection,
    job: JobId,
    which: Standers,
    limit: i64,
) -> Result<Vec<(BidId, i64)>, Error> {
    Ok(standing!(job, which).select((bids::id, bids::amount)).limit(limit).load(conn)?)
}

/// An open job of an owner for which bids wait.
#[derive(Debug, Clone)]
pub(crate) struct OpenWithBids {
    /// The job.
    pub(crate) job: JobSummary,
    /// When it was made: what pages go on from.
    pub(crate) created_at: Instant,
}

/// A page of an owner's open jobs whose bids are revealed by now and of which at least one waits, newest first.
pub(crate) fn list_open_with_bids(
    conn: &mut PgConnection,
    owner: PartyId,
    now: Instant,
    page: PageRequest,
) -> Result<Vec<OpenWithBids>, Error> {
    type Row = (JobId, String, Option<Instant>, Instant);
    let waiting = bids::table
        .filter(bids::job_id.eq(jobs::id).and(bids::status.eq(BidStatus::Submitted.as_str())))
        .select(bids::id);
    let revealed =
        jobs::reveal.eq(Reveal::OnArrival.as_str()).or(jobs::bidding_deadline.assume_not_null().le(now));
    let mut query = jobs::table
        .filter(jobs::homeowner_id.eq(owner).and(jobs::status.eq(JobStatus::Open.as_str())))
        .filter(revealed.and(diesel::dsl::exists(waiting)))
        .into_boxed();
    if let Some(after) = page.after {
        let earlier = jobs::created_at.eq(after.key).and(jobs::id.lt(after.id));
        query = query.filter(jobs::created_at.lt(after.key).or(earlier));
    }
    let rows: Vec<Row> = query
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .limit(page.limit.plus_one())
        .select((jobs::id, jobs::title, jobs::bidding_deadline, jobs::created_at))
        .load(conn)?;
    let open = |(id, title, bidding_deadline, created_at): Row| {
        // Whether bidding is over depends on the time: the service sets it.
        let bidding_closed = false;
        let job = JobSummary { id, title, status: JobStatus::Open, bidding_deadline, bidding_closed };
        OpenWithBids { job, created_at }
    };
    Ok(rows.into_iter().map(open).collect())
}
