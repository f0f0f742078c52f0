//! How hot jobs are. Kept by a task from the looks; nothing of it comes from bids.

use std::collections::BTreeMap;

use database::composed::Composed;
use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, TypedId};
use uuid::Uuid;

use crate::model::{Category, Circle, JobId, TrendingFilter};
use crate::rules::cells_around;
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
    const SQL: &'static str = "INSERT INTO marketplace.trending AS t (job_id, category, cell, published_at, heat, looks, looked_at, refreshed_at) \
         SELECT j.id, j.category, j.cell, j.published_at, h.heat, h.looks, h.looked_at, $1 \
         FROM unnest($2, $3, $4, $5) AS h(job_id, heat, looks, looked_at) JOIN marketplace.jobs AS j ON j.id = h.job_id \
         WHERE j.status = 'OPEN' ORDER BY j.id \
         ON CONFLICT (job_id) DO UPDATE SET category = excluded.category, cell = excluded.cell, heat = excluded.heat, looks = excluded.looks, \
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

/// Trades and places that were edited since.
struct Rename;

impl Statement for Rename {
    const SQL: &'static str = "UPDATE marketplace.trending AS t SET category = j.category, cell = j.cell FROM marketplace.jobs AS j \
         WHERE j.id = t.job_id AND (j.category, j.cell) IS DISTINCT FROM (t.category, t.cell)";
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

/// The hottest jobs that can be bid on and pass the filter, at least so many if there are.
pub(crate) fn hottest(
    conn: &mut PgConnection,
    filter: TrendingFilter,
    most: usize,
) -> Result<Vec<Heat>, Error> {
    let TrendingFilter { category, circle } = filter;
    let category = category.map(Category::as_str);
    if let Some(circle) = circle {
        return around(conn, category, circle, most);
    }
    let rows: Vec<(Uuid, f64, i32, Instant)> = match (category, most > NARROW) {
        (None, false) => Hot(Hottest::<false>).load(conn)?,
        (None, true) => Hot(Hottest::<true>).load(conn)?,
        (Some(category), false) => Hot(HottestOf::<false>(category)).load(conn)?,
        (Some(category), true) => Hot(HottestOf::<true>(category)).load(conn)?,
    };
    Ok(rows.into_iter().map(read).collect())
}

fn read((job, heat, looks, looked_at): (Uuid, f64, i32, Instant)) -> Heat {
    Heat { job: JobId::from_uuid(job), heat, looks, looked_at }
}

/// More squares than these are not walked one by one.
const CELLS_MAX: usize = 400;
/// In a circle of more squares than that, so many of the hottest jobs anywhere are looked at.
const WALKED: &str = " ORDER BY t.heat DESC, t.published_at DESC, t.job_id DESC LIMIT 2000";
const ORDER: &str = " ORDER BY t.heat DESC, t.published_at DESC, t.job_id DESC";

/// The hottest of each square that the circle touches, then of all; where there are too many squares, those of the hottest anywhere that lie within.
fn around(
    conn: &mut PgConnection,
    category: Option<&'static str>,
    circle: Circle,
    most: usize,
) -> Result<Vec<Heat>, Error> {
    let of_trade = |asked: Composed| match category {
        Some(category) => asked.text(" AND t.category = ").value(category.to_owned()),
        None => asked,
    };
    let end = if most > NARROW { " LIMIT 100" } else { " LIMIT 20" };
    let asked = match cells_around(circle, CELLS_MAX) {
        Some(cells) => {
            let each = Composed::new("SELECT t.job_id, t.heat, t.looks, t.looked_at FROM unnest(")
                .value(cells)
                .text("::integer[]) AS c(cell) CROSS JOIN LATERAL (SELECT t.* FROM marketplace.trending AS t")
                .then(open_within(circle))
                .text(" WHERE t.cell = c.cell AND t.cell IS NOT NULL");
            of_trade(each).text(ORDER).text(end).text(") AS t")
        }
        None => {
            let hottest = Composed::new(
                "SELECT t.job_id, t.heat, t.looks, t.looked_at FROM (SELECT t.* FROM marketplace.trending AS t WHERE true",
            );
            of_trade(hottest).text(WALKED).text(") AS t").then(open_within(circle))
        }
    };
    let asked = asked.text(ORDER).text(end);
    let rows: Vec<(Uuid, f64, i32, Instant)> =
        asked.rows::<(SqlUuid, Double, Integer, Timestamptz)>().load(conn)?;
    Ok(rows.into_iter().map(read).collect())
}

/// Of `t` what can be bid on within the circle, one job after another.
fn open_within(circle: Circle) -> Composed {
    Composed::new(
        " CROSS JOIN LATERAL (SELECT FROM marketplace.jobs AS j WHERE j.id = t.job_id AND j.category = t.category AND j.status = 'OPEN' \
         AND j.bidding_deadline > (SELECT app.clock()) AND marketplace.metres_between(j.public_latitude, j.public_longitude, ",
    )
    .value(circle.centre.lat())
    .text(", ")
    .value(circle.centre.lng())
    .text(") <= ")
    .value(circle.metres)
    .text(" OFFSET 0) AS open")
}
