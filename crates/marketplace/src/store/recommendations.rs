//! Which open jobs come into question, through indexes and never more than a few hundred; and what contractors dismissed.
//!
//! Around a place the newest of each trade in each square of a tenth of a degree are met, so that a dense city costs no more than a thin country; where
//! that were too many squares, the newest of each trade anywhere.

use std::collections::BTreeMap;

use database::composed::Composed;
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use kernel::{Currency, Instant, PartyId, TypedId};
use uuid::Uuid;

use super::word;
use crate::model::{BidStatus, Circle, JobId, JobStatus};
use crate::rules::cells_around;
use crate::rules::words::Saying;
use crate::schema::{bids, dismissals, jobs};

/// So many squares times trades are looked into; beyond that one looks at the newest anywhere.
const PROBES_MAX: usize = 1_500;
/// The newest prices that a contractor won at that say what is usual.
const WINS_MAX: i64 = 50;

/// What is left out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LeavingOut {
    /// This job.
    pub(crate) job: Option<JobId>,
    /// Jobs of this owner.
    pub(crate) owner: Option<PartyId>,
    /// What this contractor dismissed or bid on. It is the contractor's own doing, and nobody else sees what comes of it.
    pub(crate) contractor: Option<PartyId>,
}

/// The newest open jobs of these trades within a circle; nothing when there are no trades or the circle is too wide for it. Some may lie a little outside.
pub(crate) fn around(
    conn: &mut PgConnection,
    trades: &[String],
    circle: Circle,
    leaving_out: LeavingOut,
) -> Result<Option<Vec<JobId>>, Error> {
    let trade_count = trades.len();
    let Some(cells) = PROBES_MAX.checked_div(trade_count).and_then(|most| cells_around(circle, most)) else {
        return Ok(None);
    };
    let probes = cells.len() * trade_count;
    let asked = Composed::new("SELECT met.id FROM unnest(")
        .value(cells)
        .text("::integer[]) AS c(cell) CROSS JOIN unnest(")
        .value(trades.to_vec())
        .text(
            "::text[]) AS t(trade) CROSS JOIN LATERAL (SELECT j.id, j.published_at FROM marketplace.jobs AS j \
             WHERE j.category = t.trade AND j.cell = c.cell AND j.cell IS NOT NULL",
        )
        .then(open_but(leaving_out));
    let each = if probes <= 25 {
        " ORDER BY j.published_at DESC, j.id DESC LIMIT 40"
    } else if probes <= 200 {
        " ORDER BY j.published_at DESC, j.id DESC LIMIT 10"
    } else {
        " ORDER BY j.published_at DESC, j.id DESC LIMIT 4"
    };
    let asked = asked.text(each);
    let asked = asked.text(") AS met ORDER BY met.published_at DESC, met.id DESC LIMIT 400");
    Ok(Some(run(conn, asked)?))
}

/// Open jobs that have most of what is asked of the index of words, within a circle when there is one that is not too wide.
pub(crate) fn saying(
    conn: &mut PgConnection,
    asked: &Saying,
    circle: Option<Circle>,
    leaving_out: LeavingOut,
) -> Result<Vec<JobId>, Error> {
    let query =
        |text: &str| Composed::new("(SELECT to_tsquery('english', ").value(text.to_owned()).text("))");
    let found = Composed::new("WITH met AS MATERIALIZED (SELECT j.id, j.published_at, ts_rank(j.words, ")
        .then(query(&asked.any))
        .text(") AS said FROM marketplace.jobs AS j WHERE j.words @@ ")
        .then(query(&asked.matching))
        .then(open_but(leaving_out));
    let found = match circle.and_then(|circle| cells_around(circle, PROBES_MAX)) {
        Some(cells) => found.text(" AND j.cell = ANY (").value(cells).text(")"),
        None => found,
    };
    run(conn, found.text(") SELECT id FROM met ORDER BY said DESC, published_at DESC, id DESC LIMIT 100"))
}

/// The newest open jobs of these trades wherever they are, or of any trade when there are none.
pub(crate) fn anywhere(
    conn: &mut PgConnection,
    trades: &[String],
    leaving_out: LeavingOut,
) -> Result<Vec<JobId>, Error> {
    let asked = match trades {
        [] => Composed::new("SELECT j.id FROM marketplace.jobs AS j WHERE true")
            .then(open_but(leaving_out))
            .text(" ORDER BY j.published_at DESC, j.id DESC LIMIT 400"),
        trades => Composed::new("SELECT met.id FROM unnest(")
            .value(trades.to_vec())
            .text(
                "::text[]) AS t(trade) CROSS JOIN LATERAL (SELECT j.id, j.published_at FROM marketplace.jobs AS j WHERE j.category = t.trade",
            )
            .then(open_but(leaving_out))
            .text(
                " ORDER BY j.published_at DESC, j.id DESC LIMIT 150) AS met \
                 ORDER BY met.published_at DESC, met.id DESC LIMIT 400",
            ),
    };
    run(conn, asked)
}

fn run(conn: &mut PgConnection, asked: Composed) -> Result<Vec<JobId>, Error> {
    let ids: Vec<Uuid> = asked.rows::<SqlUuid>().load(conn)?;
    Ok(ids.into_iter().map(JobId::from_uuid).collect())
}

/// ` AND …`: open for bids, and not left out.
fn open_but(leaving_out: LeavingOut) -> Composed {
    let mut asked = Composed::new(" AND j.status = 'OPEN' AND j.bidding_deadline > (SELECT app.clock())");
    if let Some(job) = leaving_out.job {
        asked = asked.text(" AND j.id <> ").value(job.uuid());
    }
    if let Some(owner) = leaving_out.owner {
        asked = asked.text(" AND j.homeowner_id <> ").value(owner.uuid());
    }
    if let Some(contractor) = leaving_out.contractor {
        asked = asked
            .text(" AND NOT EXISTS (SELECT FROM marketplace.dismissals AS d WHERE d.job_id = j.id AND d.contractor_id = ")
            .value(contractor.uuid())
            .text(") AND NOT EXISTS (SELECT FROM marketplace.bids AS b WHERE b.job_id = j.id AND b.contractor_id = ")
            .value(contractor.uuid())
            .text(")");
    }
    asked
}

/// The prices at which a contractor won lately.
pub(crate) fn wins(conn: &mut PgConnection, contractor: PartyId) -> Result<Vec<(Currency, i64)>, Error> {
    let rows: Vec<(String, i64)> = bids::table
        .filter(bids::contractor_id.eq(contractor).and(bids::status.eq(BidStatus::Accepted.as_str())))
        .order((bids::created_at.desc(), bids::id.desc()))
        .limit(WINS_MAX)
        .select((bids::currency, bids::amount))
        .load(conn)?;
    rows.into_iter()
        .map(|(currency, amount)| Ok((word(currency.parse().ok(), "bids.currency")?, amount)))
        .collect()
}

/// What a contractor finished and has under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// How many finished jobs of each trade.
    pub(crate) finished: BTreeMap<String, i64>,
    /// How many that are under way.
    pub(crate) under_way: i64,
}

/// A contractor's work so far.
pub(crate) fn work_of(conn: &mut PgConnection, contractor: PartyId) -> Result<Work, Error> {
    let rows: Vec<(String, String, i64)> = jobs::table
        .filter(jobs::contractor_id.eq(contractor.uuid()))
        .group_by((jobs::category, jobs::status))
        .select((jobs::category, jobs::status, diesel::dsl::count_star()))
        .load(conn)?;
    let mut work = Work::default();
    for (category, status, count) in rows {
        match word(JobStatus::parse(&status), "jobs.status")? {
            JobStatus::Completed => drop(work.finished.insert(category, count)),
            JobStatus::Awarded | JobStatus::InProgress => work.under_way += count,
            JobStatus::Draft | JobStatus::Open | JobStatus::Cancelled | JobStatus::Expired => {}
        }
    }
    Ok(work)
}

/// Keeps that a contractor does not want to see this job; it may be kept already.
pub(crate) fn dismiss(
    conn: &mut PgConnection,
    contractor: PartyId,
    job: JobId,
    at: Instant,
) -> Result<(), Error> {
    diesel::insert_into(dismissals::table)
        .values((
            dismissals::contractor_id.eq(contractor.uuid()),
            dismissals::job_id.eq(job.uuid()),
            dismissals::dismissed_at.eq(at),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Takes that back; whether there was something to take back.
pub(crate) fn restore(conn: &mut PgConnection, contractor: PartyId, job: JobId) -> Result<bool, Error> {
    Ok(diesel::delete(dismissals::table.find((contractor.uuid(), job.uuid()))).execute(conn)? > 0)
}

/// What a contractor dismissed, oldest first.
pub(crate) fn dismissed_by(
    conn: &mut PgConnection,
    contractor: PartyId,
) -> Result<Vec<(JobId, Instant)>, Error> {
    Ok(dismissals::table
        .filter(dismissals::contractor_id.eq(contractor.uuid()))
        .order((dismissals::dismissed_at, dismissals::job_id))
        .select((dismissals::job_id, dismissals::dismissed_at))
        .load(conn)?)
}

/// Forgets all that a contractor dismissed.
pub(crate) fn forget_dismissed(conn: &mut PgConnection, contractor: PartyId) -> Result<(), Error> {
    diesel::delete(dismissals::table.filter(dismissals::contractor_id.eq(contractor.uuid())))
        .execute(conn)?;
    Ok(())
}

/// Forgets what was dismissed of jobs that nobody is recommended any more.
pub(crate) fn forget_dismissed_of_ended(conn: &mut PgConnection) -> Result<usize, Error> {
    let ended = jobs::table.filter(jobs::status.ne(JobStatus::Open.as_str())).select(jobs::id);
    Ok(diesel::delete(dismissals::table.filter(dismissals::job_id.eq_any(ended))).execute(conn)?)
}
