//! When a published job's fields last changed, and bids that were confirmed.

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::upsert::excluded;
use kernel::Instant;

use super::word;
use crate::model::{BidDetail, BidStatus, JobField, JobId};
use crate::schema::{bids, job_field_changes};

/// Keeps that these fields changed now.
pub(crate) fn note(
    conn: &mut PgConnection,
    job: JobId,
    fields: &[JobField],
    now: Instant,
) -> Result<(), Error> {
    let rows: Vec<_> = fields
        .iter()
        .map(|field| {
            (
                job_field_changes::job_id.eq(job.uuid()),
                job_field_changes::field.eq(field.as_str()),
                job_field_changes::changed_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(job_field_changes::table)
        .values(rows)
        .on_conflict((job_field_changes::job_id, job_field_changes::field))
        .do_update()
        .set(job_field_changes::changed_at.eq(excluded(job_field_changes::changed_at)))
        .execute(conn)?;
    Ok(())
}

/// When which fields of these jobs last changed after they were published; those that never did are not among them.
pub(crate) fn changes_of(
    conn: &mut PgConnection,
    jobs: &[JobId],
) -> Result<HashMap<JobId, Vec<(JobField, Instant)>>, Error> {
    let columns = (job_field_changes::job_id, job_field_changes::field, job_field_changes::changed_at);
    let jobs = database::hot::for_any(jobs);
    let rows: Vec<(JobId, String, Instant)> =
        job_field_changes::table.filter(job_field_changes::job_id.eq_any(jobs)).select(columns).load(conn)?;
    let mut changes: HashMap<JobId, Vec<(JobField, Instant)>> = HashMap::new();
    for (job, field, at) in rows {
        let field = word(JobField::parse(&field), "job_field_changes.field")?;
        changes.entry(job).or_default().push((field, at));
    }
    Ok(changes)
}

/// Keeps that a bid's bidder stands by it, if it still waits and is in the version that it was read in.
pub(crate) fn confirm(conn: &mut PgConnection, before: &BidDetail, now: Instant) -> Result<bool, Error> {
    let unchanged = bids::id
        .eq(before.id)
        .and(bids::status.eq(BidStatus::Submitted.as_str()))
        .and(bids::version.eq(before.version));
    let confirmed = diesel::update(bids::table.filter(unchanged))
        .set((bids::confirmed_at.eq(now), bids::version.eq(before.version + 1), bids::updated_at.eq(now)))
        .execute(conn)?;
    Ok(confirmed == 1)
}
