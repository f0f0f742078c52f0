//! What is blanked of somebody who is forgotten, and what names them in what others wrote.

pub(crate) mod reviews;

use database::{Error, PgConnection};
use diesel::prelude::*;
use identity::Traces;
use kernel::{Instant, PartyId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::model::{BidId, BidStatus, JobId, JobStatus};
use crate::schema::{bid_revisions, bids, job_addresses, jobs};

diesel::define_sql_function! {
    /// The database's clock.
    #[sql_name = "app.clock"]
    fn app_clock() -> diesel::sql_types::Timestamptz;
}

/// What a job is called whose owner was forgotten.
pub const REMOVED_JOB: &str = "Removed job";
/// What it says, and where it is.
const REMOVED: &str = "Removed";
/// A salt that proves nothing: with the text gone, the right one would only help to guess it.
const NO_SALT: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(crate) fn now(conn: &mut PgConnection) -> Result<Instant, Error> {
    Ok(diesel::select(app_clock()).get_result(conn)?)
}

/// Jobs of this party, on either side, that are between award and completion.
pub(crate) fn jobs_under_way(conn: &mut PgConnection, party: PartyId) -> Result<Vec<JobId>, Error> {
    let under_way = [JobStatus::Awarded.as_str(), JobStatus::InProgress.as_str()];
    Ok(jobs::table
        .filter(jobs::homeowner_id.eq(party).or(jobs::contractor_id.eq(party.uuid())))
        .filter(jobs::status.eq_any(under_way))
        .order(jobs::id)
        .select(jobs::id)
        .load(conn)?)
}

/// An owner's drafts and open jobs, locked in the order of their ids, so that they stay what they are.
pub(crate) fn jobs_to_end(conn: &mut PgConnection, owner: PartyId) -> Result<Vec<JobId>, Error> {
    Ok(jobs::table
        .filter(jobs::homeowner_id.eq(owner))
        .filter(jobs::status.eq_any([JobStatus::Draft.as_str(), JobStatus::Open.as_str()]))
        .order(jobs::id)
        .select(jobs::id)
        .for_no_key_update()
        .load(conn)?)
}

/// A contractor's bids that wait for a decision, in the order of their jobs.
pub(crate) fn bids_to_withdraw(conn: &mut PgConnection, contractor: PartyId) -> Result<Vec<BidId>, Error> {
    Ok(bids::table
        .filter(bids::contractor_id.eq(contractor))
        .filter(bids::status.eq(BidStatus::Submitted.as_str()))
        .order((bids::job_id, bids::id))
        .select(bids::id)
        .load(conn)?)
}

/// The first lines of the addresses of an owner's jobs.
pub(crate) fn streets_of(conn: &mut PgConnection, owner: PartyId) -> Result<Vec<String>, Error> {
    Ok(job_addresses::table
        .inner_join(jobs::table)
        .filter(jobs::homeowner_id.eq(owner))
        .select(job_addresses::street)
        .distinct()
        .load(conn)?)
}

/// An owner's jobs say no more what was to be done, or where.
pub(crate) fn blank_jobs(conn: &mut PgConnection, owner: PartyId, now: Instant) -> Result<(), Error> {
    let own = jobs::table.filter(jobs::homeowner_id.eq(owner));
    diesel::delete(job_addresses::table.filter(job_addresses::job_id.eq_any(own.select(jobs::id))))
        .execute(conn)?;
    let telling = jobs::title.ne(REMOVED_JOB).or(jobs::description.ne(REMOVED)).or(jobs::city.ne(REMOVED));
    diesel::update(jobs::table.filter(jobs::homeowner_id.eq(owner)).filter(telling))
        .set((
            jobs::title.eq(REMOVED_JOB),
            jobs::description.eq(REMOVED),
            jobs::skills.eq(Vec::<String>::new()),
            jobs::meanings.eq(Vec::<String>::new()),
            jobs::city.eq(REMOVED),
            jobs::region.eq(None::<String>),
            jobs::public_latitude.eq(None::<f64>),
            jobs::public_longitude.eq(None::<f64>),
            jobs::version.eq(jobs::version + 1),
            jobs::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The words of a contractor's bids go from every revision, and with them what could prove a guess at them; so do the words in which
/// owners turned them down, and those in which this party turned others' down.
pub(crate) fn blank_bids(conn: &mut PgConnection, party: PartyId) -> Result<(), Error> {
    let own = bids::table.filter(bids::contractor_id.eq(party)).select(bids::id);
    diesel::update(bid_revisions::table.filter(bid_revisions::bid_id.eq_any(own)))
        .set((
            bid_revisions::lines.eq(json!([])),
            bid_revisions::milestones.eq(json!([])),
            bid_revisions::terms.eq(None::<String>),
            bid_revisions::canonical.eq(""),
            bid_revisions::salt.eq(NO_SALT),
        ))
        .execute(conn)?;
    // One after the other: for either at once Postgres would read all bids there are.
    let (told, nothing) = (bids::reason.is_not_null(), || bids::reason.eq(None::<String>));
    let of_own_jobs = jobs::table.filter(jobs::homeowner_id.eq(party)).select(jobs::id);
    diesel::update(bids::table.filter(bids::contractor_id.eq(party).and(told)))
        .set(nothing())
        .execute(conn)?;
    diesel::update(bids::table.filter(bids::job_id.eq_any(of_own_jobs).and(told)))
        .set(nothing())
        .execute(conn)?;
    Ok(())
}

/// Takes a contractor's traces out of the jobs that it bid on.
pub(crate) fn efface_jobs(
    conn: &mut PgConnection,
    contractor: PartyId,
    traces: &Traces,
    now: Instant,
) -> Result<(), Error> {
    let dealings = dealings(conn, contractor)?;
    let rows: Vec<(Uuid, String, String)> = jobs::table
        .filter(jobs::id.eq_any(dealings).and(jobs::homeowner_id.ne(contractor)))
        .select((jobs::id, jobs::title, jobs::description))
        .load(conn)?;
    for (id, title, description) in rows {
        let (new_title, new_description) = (traces.efface(&title), traces.efface(&description));
        if new_title.is_none() && new_description.is_none() {
            continue;
        }
        diesel::update(jobs::table.find(id))
            .set((
                jobs::title.eq(new_title.unwrap_or(title)),
                jobs::description.eq(new_description.unwrap_or(description)),
                jobs::version.eq(jobs::version + 1),
                jobs::updated_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The jobs that this party posted or bid on and that have left OPEN. Of open ones nothing may change because of a bid.
fn dealings(conn: &mut PgConnection, party: PartyId) -> Result<Vec<Uuid>, Error> {
    let bid_on = bids::table.filter(bids::contractor_id.eq(party)).select(bids::job_id);
    Ok(jobs::table
        .filter(jobs::homeowner_id.eq(party).or(jobs::id.eq_any(bid_on)))
        .filter(jobs::status.ne(JobStatus::Open.as_str()))
        .select(jobs::id)
        .load(conn)?)
}

/// Takes a party's traces out of the bids on its jobs and beside its bids, and out of the words in which those were turned down. A bid of
/// which a word is changed so can be proved no more.
pub(crate) fn efface_bids(conn: &mut PgConnection, party: PartyId, traces: &Traces) -> Result<(), Error> {
    let dealings = dealings(conn, party)?;
    efface_reasons(conn, &dealings, traces)?;
    type Row = (Uuid, i32, Value, Value, Option<String>);
    let rows: Vec<Row> = bid_revisions::table
        .inner_join(bids::table)
        .filter(bids::job_id.eq_any(dealings))
        .select((
            bid_revisions::bid_id,
            bid_revisions::revision,
            bid_revisions::lines,
            bid_revisions::milestones,
            bid_revisions::terms,
        ))
        .load(conn)?;
    for (bid, revision, lines, milestones, terms) in rows {
        let new_lines = traces.efface_json(&lines);
        let new_milestones = traces.efface_json(&milestones);
        let new_terms = terms.as_deref().and_then(|terms| traces.efface(terms));
        if new_lines.is_none() && new_milestones.is_none() && new_terms.is_none() {
            continue;
        }
        diesel::update(bid_revisions::table.find((bid, revision)))
            .set((
                bid_revisions::lines.eq(new_lines.unwrap_or(lines)),
                bid_revisions::milestones.eq(new_milestones.unwrap_or(milestones)),
                bid_revisions::terms.eq(new_terms.or(terms)),
                bid_revisions::canonical.eq(""),
                bid_revisions::salt.eq(NO_SALT),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn efface_reasons(conn: &mut PgConnection, jobs: &[Uuid], traces: &Traces) -> Result<(), Error> {
    let rows: Vec<(Uuid, Option<String>)> = bids::table
        .filter(bids::job_id.eq_any(jobs).and(bids::reason.is_not_null()))
        .select((bids::id, bids::reason))
        .load(conn)?;
    for (id, reason) in rows {
        if let Some(without) = reason.as_deref().and_then(|reason| traces.efface(reason)) {
            diesel::update(bids::table.find(id)).set(bids::reason.eq(without)).execute(conn)?;
        }
    }
    Ok(())
}
