//! What somebody's own jobs and bids come to: each question is one statement over the newest thousand, found by their index.

use std::collections::HashMap;

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, PartyId};

use super::word;
use crate::model::{AgreedPrices, BidTally, Category, FirstBid, JobStatus};

/// How many of an owner's jobs stand in one state, and for how many of them somebody was chosen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StateCount {
    pub(crate) jobs: i64,
    pub(crate) awarded: i64,
}

struct CountOwn {
    owner: PartyId,
}

impl Statement for CountOwn {
    const SQL: &'static str = "WITH own AS (SELECT status, contractor_id FROM marketplace.jobs WHERE homeowner_id = $1 \
         ORDER BY created_at DESC, id DESC LIMIT 1000) \
         SELECT status, count(*), count(contractor_id) FROM own GROUP BY status";
    type Columns = (Text, BigInt, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<SqlUuid, _>(&self.owner)
    }
}

/// How many of an owner's newest jobs stand where; what is not there is none.
pub(crate) fn count_own(
    conn: &mut PgConnection,
    owner: PartyId,
) -> Result<HashMap<JobStatus, StateCount>, Error> {
    let rows: Vec<(String, i64, i64)> = Hot(CountOwn { owner }).load(conn)?;
    rows.into_iter()
        .map(|(status, jobs, awarded)| {
            Ok((word(JobStatus::parse(&status), "jobs.status")?, StateCount { jobs, awarded }))
        })
        .collect()
}

struct FirstBids {
    owner: PartyId,
    now: Instant,
}

impl Statement for FirstBids {
    const SQL: &'static str = "WITH own AS (SELECT id, published_at FROM marketplace.jobs WHERE homeowner_id = $1 \
         AND published_at IS NOT NULL AND (reveal = 'on_arrival' OR bidding_deadline <= $2) ORDER BY created_at DESC, id DESC LIMIT 1000), \
         waits AS (SELECT extract(epoch FROM (SELECT min(b.created_at) FROM marketplace.bids b WHERE b.job_id = own.id) - own.published_at) \
         AS seconds FROM own) \
         SELECT count(seconds), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds::double precision))::bigint FROM waits";
    type Columns = (BigInt, Nullable<BigInt>);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<SqlUuid, _>(&self.owner)?;
        binds.push::<Timestamptz, _>(&self.now)
    }
}

/// How long the first bids took on an owner's newest jobs: only of those whose bids are revealed by now.
pub(crate) fn first_bids(conn: &mut PgConnection, owner: PartyId, now: Instant) -> Result<FirstBid, Error> {
    let (jobs, median_seconds): (i64, Option<i64>) = Hot(FirstBids { owner, now }).get_result(conn)?;
    Ok(FirstBid { jobs, median_seconds })
}

struct Prices {
    owner: PartyId,
}

impl Statement for Prices {
    const SQL: &'static str = "WITH own AS (SELECT id, category, currency FROM marketplace.jobs WHERE homeowner_id = $1 \
         AND contractor_id IS NOT NULL ORDER BY created_at DESC, id DESC LIMIT 1000) \
         SELECT own.category, own.currency, count(*), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY b.amount))::bigint, \
         min(b.amount), max(b.amount) \
         FROM own JOIN marketplace.bids b ON b.job_id = own.id AND b.status = 'ACCEPTED' \
         GROUP BY own.category, own.currency ORDER BY own.category, own.currency";
    type Columns = (Text, Text, BigInt, BigInt, BigInt, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<SqlUuid, _>(&self.owner)
    }
}

/// What was agreed for an owner's newest jobs, by trade and currency.
pub(crate) fn prices(conn: &mut PgConnection, owner: PartyId) -> Result<Vec<AgreedPrices>, Error> {
    let rows: Vec<(String, String, i64, i64, i64, i64)> = Hot(Prices { owner }).load(conn)?;
    rows.into_iter()
        .map(|(category, currency, jobs, median, min, max)| {
            let category = word(Category::new(&category).ok(), "jobs.category")?;
            let currency = word(currency.parse().ok(), "jobs.currency")?;
            Ok(AgreedPrices { category, currency, jobs, median, min, max })
        })
        .collect()
}

struct Views {
    owner: PartyId,
}

impl Statement for Views {
    const SQL: &'static str = "WITH own AS (SELECT id FROM marketplace.jobs WHERE homeowner_id = $1 \
         ORDER BY created_at DESC, id DESC LIMIT 1000) \
         SELECT coalesce(sum(v.views), 0)::bigint FROM own JOIN marketplace.job_view_totals v ON v.job_id = own.id";
    type Columns = (BigInt,);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<SqlUuid, _>(&self.owner)
    }
}

/// How often an owner's newest jobs were looked at.
pub(crate) fn views(conn: &mut PgConnection, owner: PartyId) -> Result<i64, Error> {
    let (views,): (i64,) = Hot(Views { owner }).get_result(conn)?;
    Ok(views)
}

struct Tallies {
    contractor: PartyId,
    chosen: PartyId,
}

impl Statement for Tallies {
    const SQL: &'static str = "WITH recent AS (SELECT job_id, status FROM marketplace.bids WHERE contractor_id = $1 \
         ORDER BY created_at DESC, id DESC LIMIT 1000), \
         by_job AS (SELECT job_id, count(*) AS bids, bool_and(status = 'WITHDRAWN') AS withdrawn FROM recent GROUP BY job_id) \
         SELECT j.status, coalesce(j.contractor_id = $2, false), j.contractor_id IS NOT NULL, by_job.withdrawn, count(*), \
         sum(by_job.bids)::bigint \
         FROM by_job JOIN marketplace.jobs j ON j.id = by_job.job_id GROUP BY 1, 2, 3, 4";
    type Columns = (Text, Bool, Bool, Bool, BigInt, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<SqlUuid, _>(&self.contractor)?;
        binds.push::<SqlUuid, _>(&self.chosen)
    }
}

/// How the jobs of a contractor's newest bids went out.
pub(crate) fn tallies(conn: &mut PgConnection, contractor: PartyId) -> Result<Vec<BidTally>, Error> {
    let statement = Tallies { contractor, chosen: contractor };
    let rows: Vec<(String, bool, bool, bool, i64, i64)> = Hot(statement).load(conn)?;
    rows.into_iter()
        .map(|(job, own, awarded, withdrawn, jobs, bids)| {
            let job = word(JobStatus::parse(&job), "jobs.status")?;
            Ok(BidTally { job, own, awarded, withdrawn, jobs, bids })
        })
        .collect()
}
