//! How hot jobs are. Kept by a task from the looks; nothing of it comes from bids.

use std::collections::BTreeMap;

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, TypedId};
use uuid::Uuid;

use crate::model::{Category, JobId};
use crate::schema::trending;

/// Jobs whose heat is reckoned at a time.
pub(crate) const BATCH: usize = 500;
/// Where to begin.
pub(crate) const FIRST: Uuid = Uuid::nil();

/// The next jobs that somebody looked at since.
struct LookedAt {
    since: Instant,
    after: Uuid,
}

impl Statement for LookedAt {
    const SQL: &'static str = "SELECT DISTINCT job_id FROM marketplace.job_views WHERE viewed_at >= $1 AND job_id > $2 ORDER BY job_id LIMIT 500";
    type Columns = SqlUuid;

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Timestamptz, _>(&self.since)?;
        binds.push::<SqlUuid, _>(&self.after)
    }
}

/// Looks that count: of everybody behind one network the first few of a day.
struct Counting {
    jobs: Vec<Uuid>,
    since: Instant,
    most: i64,
}

impl Statement for Counting {
    const SQL: &'static str = "SELECT job_id, viewed_at FROM ( \
         SELECT job_id, viewed_at, row_number() OVER (PARTITION BY job_id, day, network ORDER BY viewed_at, viewer) AS nth \
         FROM marketplace.job_views WHERE job_id = ANY($1) AND viewed_at >= $2) AS looks WHERE nth <= $3";
    type Columns = (SqlUuid, Timestamptz);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.jobs)?;
        binds.push::<Timestamptz, _>(&self.since)?;
        binds.push::<BigInt, _>(&self.most)
    }
}

/// How hot a job is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heat {
    pub(crate) job: JobId,
    pub(crate) heat: f64,
    pub(crate) looks: i32,
    pub(crate) looked_at: Instant,
}

/// Of open jobs only; a look may be older than the end of one.
struct Keep {
    at: Instant,
    jobs: Vec<Uuid>,
    heats: Vec<f64>,
    looks: Vec<i32>,
    looked_at: Vec<Instant>,
}

impl Statement for Keep {
    const SQL: &'static str = "INSERT INTO marketplace.trending AS t (job_id, category, published_at, heat, looks, looked_at, refreshed_at) \
         SELECT j.id, j.category, j.published_at, h.heat, h.looks, h.looked_at, $1 \
         FROM unnest($2, $3, $4, $5) AS h(job_id, heat, looks, looked_at) JOIN marketplace.jobs AS j ON j.id = h.job_id \
         WHERE j.status = 'OPEN' ORDER BY j.id \
         ON CONFLICT (job_id) DO UPDATE SET category = excluded.category, heat = excluded.heat, looks = excluded.looks, \
         looked_at = excluded.looked_at, refreshed_at = excluded.refreshed_at";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Timestamptz, _>(&self.at)?;
        binds.push::<Array<SqlUuid>, _>(&self.jobs)?;
        binds.push::<Array<Double>, _>(&self.heats)?;
        binds.push::<Array<Integer>, _>(&self.looks)?;
        binds.push::<Array<Timestamptz>, _>(&self.looked_at)
    }
}

/// What is open no more, or was looked at too long ago.
struct Clear {
    before: Instant,
}

impl Statement for Clear {
    const SQL: &'static str = "DELETE FROM marketplace.trending AS t USING marketplace.jobs AS j \
         WHERE j.id = t.job_id AND (j.status <> 'OPEN' OR t.looked_at < $1)";
    type Columns = ();

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Timestamptz, _>(&self.before)
    }
}

/// Trades that were edited since.
struct Rename;

impl Statement for Rename {
    const SQL: &'static str = "UPDATE marketplace.trending AS t SET category = j.category FROM marketplace.jobs AS j \
         WHERE j.id = t.job_id AND j.category <> t.category";
    type Columns = ();

    fn bind<'b>(&'b self, _: &mut Binds<'_, 'b>) -> QueryResult<()> {
        Ok(())
    }
}

/// When heat was reckoned last.
pub(crate) fn last_refresh(conn: &mut PgConnection) -> Result<Option<Instant>, Error> {
    Ok(trending::table.select(diesel::dsl::max(trending::refreshed_at)).first(conn)?)
}

/// The next jobs that were looked at since, in the order of their ids, at most [`BATCH`].
pub(crate) fn looked_at_since(
    conn: &mut PgConnection,
    since: Instant,
    after: Uuid,
) -> Result<Vec<Uuid>, Error> {
    Ok(Hot(LookedAt { since, after }).load(conn)?)
}

/// The looks at these jobs that count, by job.
pub(crate) fn counting_looks(
    conn: &mut PgConnection,
    jobs: &[Uuid],
    since: Instant,
    most_of_network: i64,
) -> Result<BTreeMap<Uuid, Vec<Instant>>, Error> {
    let statement = Counting { jobs: database::hot::for_any(jobs), since, most: most_of_network };
    let rows: Vec<(Uuid, Instant)> = Hot(statement).load(conn)?;
    let mut looks: BTreeMap<Uuid, Vec<Instant>> = BTreeMap::new();
    for (job, at) in rows {
        looks.entry(job).or_default().push(at);
    }
    Ok(looks)
}

/// Keeps how hot these jobs are by now.
pub(crate) fn keep(conn: &mut PgConnection, at: Instant, heats: &[Heat]) -> Result<(), Error> {
    let statement = Keep {
        at,
        jobs: heats.iter().map(|heat| heat.job.uuid()).collect(),
        heats: heats.iter().map(|heat| heat.heat).collect(),
        looks: heats.iter().map(|heat| heat.looks).collect(),
        looked_at: heats.iter().map(|heat| heat.looked_at).collect(),
    };
    Hot(statement).execute(conn)?;
    Ok(())
}

/// Takes out what is open no more and what nobody has looked at since, and follows what was edited.
pub(crate) fn tidy(conn: &mut PgConnection, before: Instant) -> Result<(), Error> {
    Hot(Clear { before }).execute(conn)?;
    Hot(Rename).execute(conn)?;
    Ok(())
}

macro_rules! hottest {
    ($filter:literal, $limit:literal) => {
        concat!(
            // One job after another, in the order of the heat: whatever Postgres thinks how many can be bid on, it is not to sort them all.
            "SELECT t.job_id, t.heat, t.looks, t.looked_at FROM marketplace.trending AS t CROSS JOIN LATERAL ( \
             SELECT FROM marketplace.jobs AS j WHERE j.id = t.job_id AND j.category = t.category AND j.status = 'OPEN' \
             AND j.bidding_deadline > (SELECT app.clock()) OFFSET 0) AS open",
            $filter,
            " ORDER BY t.heat DESC, t.published_at DESC, t.job_id DESC LIMIT ",
            $limit
        )
    };
}

/// WIDE is for more than twenty: LIMIT has to be a literal.
struct Hottest<const WIDE: bool>;

impl<const WIDE: bool> Statement for Hottest<WIDE> {
    const SQL: &'static str = if WIDE { hottest!("", "100") } else { hottest!("", "20") };
    type Columns = (SqlUuid, Double, Integer, Timestamptz);

    fn bind<'b>(&'b self, _: &mut Binds<'_, 'b>) -> QueryResult<()> {
        Ok(())
    }
}

/// The same of one trade.
struct HottestOf<const WIDE: bool>(&'static str);

impl<const WIDE: bool> Statement for HottestOf<WIDE> {
    const SQL: &'static str = if WIDE {
        hottest!(" WHERE t.category = $1", "100")
    } else {
        hottest!(" WHERE t.category = $1", "20")
    };
    type Columns = (SqlUuid, Double, Integer, Timestamptz);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Text, _>(self.0)
    }
}

/// The most that [`hottest`] of up to twenty reads.
const NARROW: usize = 20;

/// The hottest jobs that can be bid on, at least so many if there are.
pub(crate) fn hottest(
    conn: &mut PgConnection,
    category: Option<Category>,
    most: usize,
) -> Result<Vec<Heat>, Error> {
    let rows: Vec<(Uuid, f64, i32, Instant)> = match (category.map(Category::as_str), most > NARROW) {
        (None, false) => Hot(Hottest::<false>).load(conn)?,
        (None, true) => Hot(Hottest::<true>).load(conn)?,
        (Some(category), false) => Hot(HottestOf::<false>(category)).load(conn)?,
        (Some(category), true) => Hot(HottestOf::<true>(category)).load(conn)?,
    };
    let read = |(job, heat, looks, looked_at)| Heat { job: JobId::from_uuid(job), heat, looks, looked_at };
    Ok(rows.into_iter().map(read).collect())
}
