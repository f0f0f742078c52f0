//! The table `contracts.submissions`.

use std::collections::HashMap;

use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use kernel::Instant;
use uuid::Uuid;

use crate::model::{ChangesRequested, MilestoneId, SubmissionOutcome};
use crate::schema::submissions;

pub(crate) fn insert_submission(
    conn: &mut PgConnection,
    milestone: MilestoneId,
    number: i32,
    submitted_at: Instant,
    inspection_ends_at: Instant,
) -> Result<(), Error> {
    diesel::insert_into(submissions::table)
        .values((
            submissions::milestone_id.eq(milestone.uuid()),
            submissions::number.eq(number),
            submissions::submitted_at.eq(submitted_at),
            submissions::inspection_ends_at.eq(inspection_ends_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes what came of a submission.
pub(crate) fn record_outcome(
    conn: &mut PgConnection,
    milestone: MilestoneId,
    number: i32,
    outcome: SubmissionOutcome,
    reason: Option<&str>,
    now: Instant,
) -> Result<(), Error> {
    let undecided =
        submissions::table.find((milestone.uuid(), number)).filter(submissions::outcome.is_null());
    diesel::update(undecided)
        .set((
            submissions::outcome.eq(outcome.as_str()),
            submissions::reason.eq(reason),
            submissions::decided_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// For each milestone that was sent back: why, and when it was, the last time.
pub(crate) fn change_requests(
    conn: &mut PgConnection,
    ids: &[MilestoneId],
) -> Result<HashMap<MilestoneId, ChangesRequested>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows: Vec<(Uuid, Option<String>, Option<Instant>)> = submissions::table
        .filter(submissions::milestone_id.eq_any(ids))
        .filter(submissions::outcome.eq(SubmissionOutcome::ChangesRequested.as_str()))
        .order(submissions::number)
        .select((submissions::milestone_id, submissions::reason, submissions::decided_at))
        .load(conn)?;
    // In the order of their numbers, so that the last one stays.
    Ok(rows
        .into_iter()
        .filter_map(|(id, reason, at)| {
            Some((id.into(), ChangesRequested { reason: reason.unwrap_or_default(), at: at? }))
        })
        .collect())
}
