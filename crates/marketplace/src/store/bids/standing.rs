//! The bids of jobs that an owner has to choose from, or had.

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use kernel::{Instant, PartyId};
use uuid::Uuid;

use super::{BidRow, RevisionRow, read};
use crate::PageRequest;
use crate::model::{BidDetail, BidId, BidStatus, JobId, JobStatus, JobSummary, Reveal};
use crate::schema::{bids, jobs};

/// Which bids of a job stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standers {
    /// Those that wait, and are valid at this instant.
    Waiting(Instant),
    /// Those that were valid when they were decided on, or their job ended without a choice.
    AtTheEnd,
}

impl Standers {
    fn statuses(self) -> Vec<&'static str> {
        const STOOD: [BidStatus; 3] = [BidStatus::Accepted, BidStatus::Rejected, BidStatus::Expired];
        match self {
            Self::Waiting(_) => vec![BidStatus::Submitted.as_str()],
            Self::AtTheEnd => STOOD.iter().map(|status| status.as_str()).collect(),
        }
    }

    /// When bids that wait have to be valid.
    fn now(self) -> Instant {
        match self {
            Self::Waiting(now) => now,
            Self::AtTheEnd => Instant::UNIX_EPOCH,
        }
    }
}

/// A job, and since when its bidders have been asked for their word, when they have been.
pub(crate) type Asked = (JobId, Option<Instant>);

/// What statements of bids that stand are asked with.
struct Question {
    jobs: Vec<Uuid>,
    asked_at: Vec<Option<Instant>>,
    statuses: Vec<&'static str>,
    now: Instant,
}

impl Question {
    fn new(asked: &[Asked], which: Standers) -> Self {
        let (jobs, asked_at) = asked.iter().map(|(job, asked_at)| (job.uuid(), *asked_at)).unzip();
        Self { jobs, asked_at, statuses: which.statuses(), now: which.now() }
    }

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.jobs)?;
        binds.push::<Array<Nullable<Timestamptz>>, _>(&self.asked_at)?;
        binds.push::<Array<Text>, _>(&self.statuses)?;
        binds.push::<Timestamptz, _>(&self.now)
    }
}

/// Bids that stand, of each job at most so many: those first that can be chosen, and of them the lowest, of equal prices the earlier. Whoever was asked
/// for a word about its waiting bid, and has not said it since, comes after all others.
macro_rules! standing {
    ($columns:literal, $most:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM unnest($1::uuid[], $2::timestamptz[]) AS a(job_id, asked_at) CROSS JOIN LATERAL (\
             SELECT b.id, b.job_id, b.contractor_id, b.status, b.revision, b.currency, b.submitted_at, b.reason, b.version, b.created_at, \
             b.updated_at, b.confirmed_at, b.amount, r.lines, r.milestones, r.terms, r.start_date, r.duration_days, r.canonical, r.salt, \
             r.receipt, r.valid_until, \
             b.status = 'SUBMITTED' AND coalesce(greatest(b.submitted_at, b.confirmed_at) < a.asked_at, false) AS unconfirmed \
             FROM marketplace.bids b JOIN marketplace.bid_revisions r ON r.bid_id = b.id AND r.revision = b.revision \
             WHERE b.job_id = a.job_id AND b.status = ANY($3) AND (r.valid_until IS NULL \
             OR r.valid_until > CASE WHEN b.status = 'SUBMITTED' THEN $4 ELSE b.updated_at END) \
             ORDER BY unconfirmed, b.amount, b.submitted_at, b.id LIMIT ",
            $most,
            ") AS w ORDER BY w.unconfirmed, w.amount, w.submitted_at, w.id"
        )
    };
}

/// One more than are compared.
struct Whole(Question);

impl Statement for Whole {
    const SQL: &'static str = standing!(
        "w.id, w.job_id, w.contractor_id, w.status, w.revision, w.currency, w.submitted_at, w.reason, w.version, w.created_at, w.updated_at, \
         w.confirmed_at, w.id, w.revision, w.amount, w.lines, w.milestones, w.terms, w.start_date, w.duration_days, w.submitted_at, \
         w.canonical, w.salt, w.receipt, w.valid_until",
        "101"
    );
    type Columns = (
        (
            SqlUuid,
            SqlUuid,
            SqlUuid,
            Text,
            Integer,
            Text,
            Timestamptz,
            Nullable<Text>,
            Integer,
            Timestamptz,
            Timestamptz,
            Nullable<Timestamptz>,
        ),
        (
            SqlUuid,
            Integer,
            BigInt,
            Jsonb,
            Jsonb,
            Nullable<Text>,
            Nullable<Date>,
            Nullable<Integer>,
            Timestamptz,
            Text,
            Text,
            Text,
            Nullable<Timestamptz>,
        ),
    );

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        self.0.bind(binds)
    }
}

/// The bids of these jobs that stand, at most 101 of each, whole; those of one job in their order.
pub(crate) fn list_standing(
    conn: &mut PgConnection,
    jobs: &[Asked],
    which: Standers,
) -> Result<Vec<BidDetail>, Error> {
    let rows: Vec<(BidRow, RevisionRow)> = Hot(Whole(Question::new(jobs, which))).load(conn)?;
    rows.into_iter().map(read).collect()
}

struct Prices(Question);

impl Statement for Prices {
    const SQL: &'static str = standing!("w.id, w.amount, w.unconfirmed", "10000");
    type Columns = (SqlUuid, BigInt, Bool);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        self.0.bind(binds)
    }
}

/// A price, and whether its bid waits for its bidder's word.
pub(crate) type Price = (BidId, i64, bool);

/// At most ten thousand of one job, only their prices.
pub(crate) fn list_prices(conn: &mut PgConnection, job: Asked, which: Standers) -> Result<Vec<Price>, Error> {
    Ok(Hot(Prices(Question::new(&[job], which))).load(conn)?)
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
