//! Handing in a bid: one of the product's busiest writes, so both its rows go in one statement that is planned once.

use database::Error;
use database::PgConnection;
use database::hot::{Binds, Hot, Statement};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::RevisionRow;
use crate::model::BidDetail;
use crate::rules::Sealed;

/// A new bid with its first revision.
struct InsertBid {
    bid: BidDetail,
    row: RevisionRow,
}

impl Statement for InsertBid {
    const SQL: &'static str = "WITH bid AS (\
         INSERT INTO marketplace.bids (id, job_id, contractor_id, status, revision, amount, currency, submitted_at, version, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)) \
         INSERT INTO marketplace.bid_revisions (bid_id, revision, amount, lines, milestones, terms, start_date, duration_days, \
         valid_until, submitted_at, canonical, salt, receipt) VALUES ($12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        let Self { bid, row } = self;
        binds.push::<SqlUuid, _>(&bid.id)?;
        binds.push::<SqlUuid, _>(&bid.job_id)?;
        binds.push::<SqlUuid, _>(&bid.contractor)?;
        binds.push::<Text, _>(bid.status.as_str())?;
        binds.push::<Integer, _>(&bid.revision)?;
        binds.push::<BigInt, _>(&bid.parts.amount)?;
        binds.push::<Text, _>(bid.currency.code())?;
        binds.push::<Timestamptz, _>(&bid.submitted_at)?;
        binds.push::<Integer, _>(&bid.version)?;
        binds.push::<Timestamptz, _>(&bid.created_at)?;
        binds.push::<Timestamptz, _>(&bid.updated_at)?;
        binds.push::<SqlUuid, _>(&row.bid_id)?;
        binds.push::<Integer, _>(&row.revision)?;
        binds.push::<BigInt, _>(&row.amount)?;
        binds.push::<Jsonb, _>(&row.lines)?;
        binds.push::<Jsonb, _>(&row.milestones)?;
        binds.push::<Nullable<Text>, _>(&row.terms)?;
        binds.push::<Nullable<Date>, _>(&row.start_date)?;
        binds.push::<Nullable<Integer>, _>(&row.duration_days)?;
        binds.push::<Nullable<Timestamptz>, _>(&row.valid_until)?;
        binds.push::<Timestamptz, _>(&row.submitted_at)?;
        binds.push::<Text, _>(&row.canonical)?;
        binds.push::<Text, _>(&row.salt)?;
        binds.push::<Text, _>(&row.receipt)
    }
}

/// Fails on `one_live_bid` when the contractor has one on this job.
pub(crate) fn insert(conn: &mut PgConnection, bid: &BidDetail, sealed: &Sealed) -> Result<(), Error> {
    let row = RevisionRow::of(bid, sealed)?;
    Hot(InsertBid { bid: bid.clone(), row }).execute(conn)?;
    Ok(())
}
