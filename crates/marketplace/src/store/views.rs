//! Rows of interest in jobs. Nothing in them says who looked.

use std::collections::HashMap;

use chrono::NaiveDate;
use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Date, Timestamptz, Uuid as SqlUuid};
use kernel::Instant;
use uuid::Uuid;

use crate::model::JobId;
use crate::rules::ViewerKeys;
use crate::schema::{job_view_totals, job_views, view_salts};

/// How many people looked at this job: each once a day, summed over the days.
///
/// # Errors
/// [`Error`] when it cannot be read.
pub fn count(conn: &mut PgConnection, job: JobId) -> Result<i64, Error> {
    Ok(counts(conn, &[job])?.remove(&job).unwrap_or_default())
}

/// The same of many jobs; those that nobody looked at are not among them.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn counts(conn: &mut PgConnection, jobs: &[JobId]) -> Result<HashMap<JobId, i64>, Error> {
    let jobs = database::hot::for_any(jobs);
    let rows: Vec<(JobId, i64)> = job_view_totals::table
        .filter(job_view_totals::job_id.eq_any(jobs))
        .select((job_view_totals::job_id, job_view_totals::views))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The salt of a day: this one, unless somebody was faster.
pub(crate) fn salt_of(conn: &mut PgConnection, day: NaiveDate, fresh: [u8; 32]) -> Result<Vec<u8>, Error> {
    let found = view_salts::table.find(day).select(view_salts::salt).first(conn).optional()?;
    if let Some(salt) = found {
        return Ok(salt);
    }
    diesel::insert_into(view_salts::table)
        .values((view_salts::day.eq(day), view_salts::salt.eq(fresh.as_slice())))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(view_salts::table.find(day).select(view_salts::salt).first(conn)?)
}

/// Rows are made in the order of their jobs, and so are totals: two servers that write at once wait for each other, and never in a circle.
struct RecordViews {
    jobs: Vec<Uuid>,
    viewers: Vec<Vec<u8>>,
    networks: Vec<Vec<u8>>,
    day: NaiveDate,
    at: Instant,
}

impl Statement for RecordViews {
    const SQL: &'static str = "WITH counted AS ( \
         INSERT INTO marketplace.job_views (job_id, viewer, network, day, viewed_at) \
         SELECT v.job_id, v.viewer, v.network, $1, $2 \
         FROM unnest($3, $4, $5) AS v(job_id, viewer, network) JOIN marketplace.jobs AS j ON j.id = v.job_id \
         WHERE j.status = 'OPEN' ORDER BY v.job_id, v.viewer \
         ON CONFLICT DO NOTHING RETURNING job_id) \
         INSERT INTO marketplace.job_view_totals AS t (job_id, views) \
         SELECT job_id, count(*) FROM counted GROUP BY job_id ORDER BY job_id \
         ON CONFLICT (job_id) DO UPDATE SET views = t.views + excluded.views";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Date, _>(&self.day)?;
        binds.push::<Timestamptz, _>(&self.at)?;
        binds.push::<Array<SqlUuid>, _>(&self.jobs)?;
        binds.push::<Array<Binary>, _>(&self.viewers)?;
        binds.push::<Array<Binary>, _>(&self.networks)
    }
}

/// Keeps who looked at which job, each once a day.
pub(crate) fn record(
    conn: &mut PgConnection,
    day: NaiveDate,
    at: Instant,
    views: &[(JobId, ViewerKeys)],
) -> Result<(), Error> {
    let statement = RecordViews {
        jobs: views.iter().map(|(job, _)| job.uuid()).collect(),
        viewers: views.iter().map(|(_, keys)| keys.viewer.to_vec()).collect(),
        networks: views.iter().map(|(_, keys)| keys.network.to_vec()).collect(),
        day,
        at,
    };
    Hot(statement).execute(conn)?;
    Ok(())
}

/// Forgets the salts of days that are over.
pub(crate) fn forget_salts_before(conn: &mut PgConnection, day: NaiveDate) -> Result<usize, Error> {
    Ok(diesel::delete(view_salts::table.filter(view_salts::day.lt(day))).execute(conn)?)
}

/// Forgets looks that count no more. Totals stay.
pub(crate) fn forget_before(conn: &mut PgConnection, instant: Instant) -> Result<usize, Error> {
    Ok(diesel::delete(job_views::table.filter(job_views::viewed_at.lt(instant))).execute(conn)?)
}
