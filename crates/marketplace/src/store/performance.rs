//! How contractors did: facts as they arrive, and what they come to.

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::dsl::count;
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use kernel::PartyId;
use uuid::Uuid;

use super::word;
use crate::model::{BidStatus, JobId, JobStatus, Measure};
use crate::rules::performance::Tally;
use crate::schema::{bids, jobs, performance, performance_facts};

/// How a contractor did in one thing.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = performance_facts)]
pub(crate) struct Fact {
    pub(crate) contractor_id: Uuid,
    pub(crate) measure: &'static str,
    pub(crate) thing_id: Uuid,
    pub(crate) job_id: Uuid,
    pub(crate) homeowner_id: Uuid,
    pub(crate) good: Option<bool>,
    pub(crate) seconds: Option<i64>,
}

/// The rows of these contractors, made where there are none, and kept from changing until the transaction ends, in one order everywhere. What
/// is counted after this is not older than what another transaction has counted.
pub(crate) fn lock(conn: &mut PgConnection, contractors: &[PartyId]) -> Result<(), Error> {
    let room = |(contractor, measure): (&PartyId, &Measure)| {
        (performance::contractor_id.eq(contractor.uuid()), performance::measure.eq(measure.as_str()))
    };
    let all = contractors.iter().flat_map(|one| Measure::ALL.iter().map(move |measure| (one, measure)));
    let rooms: Vec<_> = all.map(room).collect();
    diesel::insert_into(performance::table).values(rooms).on_conflict_do_nothing().execute(conn)?;
    let ids: Vec<Uuid> = contractors.iter().map(|id| id.uuid()).collect();
    performance::table
        .filter(performance::contractor_id.eq_any(ids))
        .order((performance::contractor_id, performance::measure))
        .select(performance::contractor_id)
        .for_no_key_update()
        .load::<Uuid>(conn)?;
    Ok(())
}

/// Keeps a fact; one that is known already stays as it is.
pub(crate) fn insert(conn: &mut PgConnection, fact: &Fact) -> Result<(), Error> {
    diesel::insert_into(performance_facts::table).values(fact).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

/// Who bid on those of these jobs that somebody was chosen for, each once and in their order; who withdrew is not among them.
pub(crate) fn bidders_decided_on(conn: &mut PgConnection, ids: &[JobId]) -> Result<Vec<PartyId>, Error> {
    let decided = [BidStatus::Accepted.as_str(), BidStatus::Rejected.as_str()];
    let found: Vec<Uuid> = bids::table
        .inner_join(jobs::table)
        .filter(bids::job_id.eq_any(ids.iter().map(|id| id.uuid())))
        .filter(jobs::contractor_id.is_not_null().and(jobs::status.ne(JobStatus::Open.as_str())))
        .filter(bids::status.eq_any(decided))
        .select(bids::contractor_id)
        .distinct()
        .order(bids::contractor_id)
        .load(conn)?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// Which of these bidders won and which lost these jobs.
struct Decided {
    jobs: Vec<Uuid>,
    bidders: Vec<Uuid>,
}

impl Statement for Decided {
    const SQL: &'static str = "INSERT INTO marketplace.performance_facts (contractor_id, measure, thing_id, job_id, homeowner_id, good) \
         SELECT b.contractor_id, 'WINS', j.id, j.id, j.homeowner_id, bool_or(b.status = 'ACCEPTED') \
         FROM marketplace.bids b JOIN marketplace.jobs j ON j.id = b.job_id \
         WHERE j.id = ANY($1) AND b.contractor_id = ANY($2) AND j.contractor_id IS NOT NULL AND j.status <> 'OPEN' \
         AND b.status IN ('ACCEPTED', 'REJECTED') \
         GROUP BY b.contractor_id, j.id, j.homeowner_id ON CONFLICT DO NOTHING";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.jobs)?;
        binds.push::<Array<SqlUuid>, _>(&self.bidders)
    }
}

/// Keeps which of these bidders won and which lost those of these jobs that somebody was chosen for. A job that is open, or ended without a choice, says
/// nothing.
pub(crate) fn insert_decided(
    conn: &mut PgConnection,
    jobs: &[JobId],
    bidders: &[PartyId],
) -> Result<(), Error> {
    let decided = Decided {
        jobs: jobs.iter().map(|id| id.uuid()).collect(),
        bidders: bidders.iter().map(|id| id.uuid()).collect(),
    };
    Hot(decided).execute(conn)?;
    Ok(())
}

/// Counts these contractors' facts anew. The median lies between the two middle ones where their number is even.
struct Recount(Vec<Uuid>);

impl Statement for Recount {
    const SQL: &'static str = "UPDATE marketplace.performance AS p SET things = f.things, good = f.good, median_seconds = f.median, \
         public_things = f.public_things, public_good = f.public_good, public_median_seconds = f.public_median \
         FROM (SELECT contractor_id, measure, count(*)::integer AS things, (count(*) FILTER (WHERE good))::integer AS good, \
                   round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds))::bigint AS median, \
                   (count(*) FILTER (WHERE released))::integer AS public_things, \
                   (count(*) FILTER (WHERE released AND good))::integer AS public_good, \
                   round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE released))::bigint AS public_median \
               FROM marketplace.performance_facts WHERE contractor_id = ANY($1) GROUP BY contractor_id, measure) AS f \
         WHERE p.contractor_id = f.contractor_id AND p.measure = f.measure \
             AND (p.things, p.good, p.median_seconds, p.public_things, p.public_good, p.public_median_seconds) IS DISTINCT FROM \
                 (f.things, f.good, f.median, f.public_things, f.public_good, f.public_median)";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.0)
    }
}

/// Counts the facts of these contractors, whose rows are locked.
pub(crate) fn recount(conn: &mut PgConnection, contractors: &[PartyId]) -> Result<(), Error> {
    Hot(Recount(contractors.iter().map(|id| id.uuid()).collect())).execute(conn)?;
    Ok(())
}

/// What waits to be seen by everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) contractor: PartyId,
    pub(crate) measure: Measure,
    /// Of how many jobs.
    pub(crate) jobs: usize,
    /// Of how many homeowners.
    pub(crate) people: usize,
}

/// What waits of these contractors.
pub(crate) fn waiting(conn: &mut PgConnection, contractors: &[PartyId]) -> Result<Vec<Waiting>, Error> {
    use performance_facts as f;
    type Row = (Uuid, String, i64, i64);
    let ids: Vec<Uuid> = contractors.iter().map(|id| id.uuid()).collect();
    let rows: Vec<Row> = f::table
        .filter(f::contractor_id.eq_any(ids).and(f::released.eq(false)))
        .group_by((f::contractor_id, f::measure))
        .select((
            f::contractor_id,
            f::measure,
            count(f::job_id).aggregate_distinct(),
            count(f::homeowner_id).aggregate_distinct(),
        ))
        .load(conn)?;
    let size = |count: i64| usize::try_from(count).unwrap_or_default();
    rows.into_iter()
        .map(|(contractor, measure, jobs, people)| {
            let measure = word(Measure::parse(&measure), "performance_facts.measure")?;
            Ok(Waiting { contractor: contractor.into(), measure, jobs: size(jobs), people: size(people) })
        })
        .collect()
}

/// Lets everybody see what waits.
pub(crate) fn release(conn: &mut PgConnection, waiting: &Waiting) -> Result<(), Error> {
    use performance_facts as f;
    let of = f::contractor_id.eq(waiting.contractor.uuid()).and(f::measure.eq(waiting.measure.as_str()));
    diesel::update(f::table.filter(of.and(f::released.eq(false)))).set(f::released.eq(true)).execute(conn)?;
    Ok(())
}

/// The contractors of whom there are facts that come next after this one, at most so many.
pub(crate) fn contractors(
    conn: &mut PgConnection,
    after: Option<PartyId>,
    most: u16,
) -> Result<Vec<PartyId>, Error> {
    use performance_facts as f;
    let after = after.map_or(Uuid::nil(), PartyId::uuid);
    let found: Vec<Uuid> = f::table
        .filter(f::contractor_id.gt(after))
        .select(f::contractor_id)
        .distinct()
        .order(f::contractor_id)
        .limit(most.into())
        .load(conn)?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// What a contractor's facts come to: all, or those that everybody sees.
pub(crate) fn tallies(
    conn: &mut PgConnection,
    contractor: PartyId,
    is_own: bool,
) -> Result<Vec<Tally>, Error> {
    use performance as p;
    type Counts = (i32, i32, Option<i64>);
    let rows: Vec<(String, Counts, Counts)> = p::table
        .filter(p::contractor_id.eq(contractor.uuid()))
        .select((
            p::measure,
            (p::things, p::good, p::median_seconds),
            (p::public_things, p::public_good, p::public_median_seconds),
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(measure, all, public)| {
            let (things, good, median_seconds) = if is_own { all } else { public };
            let measure = word(Measure::parse(&measure), "performance.measure")?;
            Ok(Tally { measure, things, good, median_seconds })
        })
        .collect()
}

/// Forgets how a contractor did.
pub(crate) fn remove(conn: &mut PgConnection, contractor: PartyId) -> Result<(), Error> {
    diesel::delete(performance_facts::table.filter(performance_facts::contractor_id.eq(contractor.uuid())))
        .execute(conn)?;
    diesel::delete(performance::table.filter(performance::contractor_id.eq(contractor.uuid())))
        .execute(conn)?;
    Ok(())
}
