//! The public list of open jobs: the hottest list there is, so its statements are planned once and kept.

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, Position};
use uuid::Uuid;

use super::CardRow;
use crate::PageRequest;
use crate::model::{Category, JobCard};

/// Before every job: what the first page goes on from, so that first and later pages are one statement.
const BEFORE_ALL: Position = Position { key: Instant::MAX_UTC, id: Uuid::max() };

/// The largest page that the narrow statements serve.
const NARROW: usize = 20;

/// As [`CardRow`] reads them.
pub(in crate::store) type Columns = (
    SqlUuid,
    SqlUuid,
    Text,
    Text,
    Text,
    Array<Text>,
    Text,
    Nullable<Text>,
    Text,
    Nullable<Double>,
    Nullable<Double>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Text,
    Text,
    Nullable<Date>,
    Nullable<Timestamptz>,
    Text,
    Nullable<Timestamptz>,
    Timestamptz,
);

macro_rules! page_of_open {
    ($filter:literal, $position:literal, $limit:literal) => {
        concat!(
            "SELECT id, homeowner_id, status, title, category, skills, city, region, country, public_latitude, public_longitude, \
             budget_min, budget_max, currency, urgency, wanted_start, bidding_deadline, reveal, published_at, created_at \
             FROM marketplace.jobs WHERE status = 'OPEN' AND ",
            $filter,
            "(published_at, id) < ",
            $position,
            " ORDER BY published_at DESC, id DESC LIMIT ",
            $limit
        )
    };
}

/// Open jobs after a position. WIDE is for pages over [`NARROW`]: LIMIT has to be a literal, and most pages are small.
struct OpenJobs<const WIDE: bool>(Position);

impl<const WIDE: bool> Statement for OpenJobs<WIDE> {
    const SQL: &'static str =
        if WIDE { page_of_open!("", "($1, $2)", "101") } else { page_of_open!("", "($1, $2)", "21") };
    type Columns = Columns;

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Timestamptz, _>(&self.0.key)?;
        binds.push::<SqlUuid, _>(&self.0.id)
    }
}

/// The same of one trade.
struct OpenJobsOf<const WIDE: bool>(&'static str, Position);

impl<const WIDE: bool> Statement for OpenJobsOf<WIDE> {
    const SQL: &'static str = if WIDE {
        page_of_open!("category = $1 AND ", "($2, $3)", "101")
    } else {
        page_of_open!("category = $1 AND ", "($2, $3)", "21")
    };
    type Columns = Columns;

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Text, _>(self.0)?;
        binds.push::<Timestamptz, _>(&self.1.key)?;
        binds.push::<SqlUuid, _>(&self.1.id)
    }
}

/// At least the cards of this page, and one more when there is one; newest first.
pub(crate) fn list_open(
    conn: &mut PgConnection,
    category: Option<Category>,
    page: PageRequest,
) -> Result<Vec<JobCard>, Error> {
    let after = page.after.unwrap_or(BEFORE_ALL);
    let rows: Vec<CardRow> = match (category.map(Category::as_str), page.limit.get() > NARROW) {
        (None, false) => Hot(OpenJobs::<false>(after)).load(conn)?,
        (None, true) => Hot(OpenJobs::<true>(after)).load(conn)?,
        (Some(category), false) => Hot(OpenJobsOf::<false>(category, after)).load(conn)?,
        (Some(category), true) => Hot(OpenJobsOf::<true>(category, after)).load(conn)?,
    };
    rows.into_iter().map(CardRow::read).collect()
}
