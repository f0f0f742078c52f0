//! Rows by COPY, in the same columns as one by one.

use std::collections::HashSet;

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PartyId};
use uuid::Uuid;

use super::bids::RevisionRow;
use super::directory::DirectoryRow;
use super::jobs::{AddressRow, JobRow};
use super::reviews::{ReviewRow, WindowRow};
use crate::bulk::SealedBid;
use crate::model::{Address, OpenReview, PublicJob, Review, ReviewStatus};
use crate::schema::{bid_revisions, bids, directory, job_addresses, jobs, review_windows, reviews};

#[derive(Insertable)]
#[diesel(table_name = bids, treat_none_as_default_value = false)]
struct BidRow<'a> {
    id: Uuid,
    job_id: Uuid,
    contractor_id: Uuid,
    status: &'static str,
    revision: i32,
    amount: i64,
    currency: &'static str,
    submitted_at: Instant,
    reason: Option<&'a str>,
    version: i32,
    created_at: Instant,
    updated_at: Instant,
}

pub(crate) fn copy_jobs(conn: &mut PgConnection, all: &[(PublicJob, Address)]) -> Result<(), Error> {
    let rows: Vec<JobRow> = all.iter().map(|(job, _)| JobRow::of(job)).collect();
    diesel::copy_from(jobs::table).from_insertable(rows).execute(conn)?;
    let rows: Vec<AddressRow> = all.iter().map(|(job, address)| AddressRow::of(job.id, address)).collect();
    diesel::copy_from(job_addresses::table).from_insertable(rows).execute(conn)?;
    Ok(())
}

pub(crate) fn copy_bids(conn: &mut PgConnection, all: &[SealedBid]) -> Result<(), Error> {
    let standing = all.iter().filter(|bid| bid.last).map(|SealedBid { bid, .. }| BidRow {
        id: bid.id.uuid(),
        job_id: bid.job_id.uuid(),
        contractor_id: bid.contractor.uuid(),
        status: bid.status.as_str(),
        revision: bid.revision,
        amount: bid.parts.amount,
        currency: bid.currency.code(),
        submitted_at: bid.submitted_at,
        reason: bid.reason.as_deref(),
        version: bid.version,
        created_at: bid.created_at,
        updated_at: bid.updated_at,
    });
    let rows: Vec<BidRow<'_>> = standing.collect();
    diesel::copy_from(bids::table).from_insertable(rows).execute(conn)?;
    let rows: Result<Vec<RevisionRow>, Error> =
        all.iter().map(|bid| RevisionRow::of(&bid.bid, &bid.sealed)).collect();
    diesel::copy_from(bid_revisions::table).from_insertable(rows?).execute(conn)?;
    Ok(())
}

pub(crate) fn copy_reviews(
    conn: &mut PgConnection,
    windows: &[OpenReview],
    written: &[Review],
) -> Result<(), Error> {
    let rows: Vec<WindowRow> = windows.iter().map(WindowRow::of).collect();
    diesel::copy_from(review_windows::table).from_insertable(rows).execute(conn)?;
    let rows: Vec<ReviewRow> = written.iter().map(ReviewRow::of).collect();
    diesel::copy_from(reviews::table).from_insertable(rows).execute(conn)?;
    Ok(())
}

pub(crate) fn copy_directory(conn: &mut PgConnection, rows: Vec<DirectoryRow>) -> Result<(), Error> {
    diesel::copy_from(directory::table).from_insertable(rows).execute(conn)?;
    Ok(())
}

/// Those of these contractors who are in the directory.
pub(crate) fn listed_among(
    conn: &mut PgConnection,
    contractors: &[PartyId],
) -> Result<HashSet<PartyId>, Error> {
    let listed = directory::table.filter(directory::party_id.eq_any(contractors)).select(directory::party_id);
    Ok(listed.load(conn)?.into_iter().collect())
}

/// Sums over all published reviews, of whoever has no sums yet.
pub(crate) fn fill_ratings(conn: &mut PgConnection) -> Result<usize, Error> {
    let filled = diesel::sql_query(
        "INSERT INTO marketplace.ratings (subject_id, reviews, rating_sum, quality_sum, timeliness_sum, communication_sum)
         SELECT subject_id, count(*), sum(rating), sum(quality), sum(timeliness), sum(communication)
         FROM marketplace.reviews WHERE status = $1 GROUP BY subject_id
         ON CONFLICT (subject_id) DO NOTHING",
    )
    .bind::<diesel::sql_types::Text, _>(ReviewStatus::Published.as_str())
    .execute(conn)?;
    Ok(filled)
}

pub(crate) fn count_jobs(conn: &mut PgConnection) -> Result<i64, Error> {
    Ok(jobs::table.count().get_result(conn)?)
}
