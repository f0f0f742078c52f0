//! The public list of open jobs: the hottest list there is. It is read in two steps, so that a card which somebody has still at hand need not be
//! read again: which jobs stand on a page, and in which version of theirs; then the cards of those that are not at hand. Many pages are read by one
//! statement.

use std::cmp::Reverse;
use std::collections::HashMap;

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection, RowVersion, Xid};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, Page, Position};
use uuid::Uuid;

use super::CardRow;
use crate::OpenPage;
use crate::model::{JobCard, JobId};

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

macro_rules! pages_of_open {
    ($asked:literal, $filter:literal, $limit:literal) => {
        concat!(
            "SELECT asked.number, job.id, job.xmin, job.published_at FROM unnest(",
            $asked,
            "published_at, id, number) CROSS JOIN LATERAL \
             (SELECT id, xmin, published_at FROM marketplace.jobs WHERE status = 'OPEN' AND ",
            $filter,
            "(published_at, id) < (asked.published_at, asked.id) ORDER BY published_at DESC, id DESC LIMIT ",
            $limit,
            ") AS job"
        )
    };
    ($limit:literal) => {
        pages_of_open!("$1::timestamptz[], $2::uuid[]) WITH ORDINALITY AS asked (", "", $limit)
    };
    (of trades $limit:literal) => {
        pages_of_open!(
            "$1::text[], $2::timestamptz[], $3::uuid[]) WITH ORDINALITY AS asked (category, ",
            "category = asked.category AND ",
            $limit
        )
    };
}

/// Jobs after these positions. WIDE is for pages over [`NARROW`]: LIMIT has to be a literal, and most pages are small.
struct Pages<const WIDE: bool> {
    published_at: Vec<Instant>,
    ids: Vec<Uuid>,
}

impl<const WIDE: bool> Statement for Pages<WIDE> {
    const SQL: &'static str = if WIDE { pages_of_open!("101") } else { pages_of_open!("21") };
    type Columns = (BigInt, SqlUuid, Xid, Timestamptz);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<Timestamptz>, _>(&self.published_at)?;
        binds.push::<Array<SqlUuid>, _>(&self.ids)
    }
}

/// The same, each of one trade.
struct PagesOfTrades<const WIDE: bool> {
    trades: Vec<&'static str>,
    pages: Pages<WIDE>,
}

impl<const WIDE: bool> Statement for PagesOfTrades<WIDE> {
    const SQL: &'static str =
        if WIDE { pages_of_open!(of trades "101") } else { pages_of_open!(of trades "21") };
    type Columns = (BigInt, SqlUuid, Xid, Timestamptz);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<Text>, _>(&self.trades)?;
        self.pages.bind(binds)
    }
}

/// The number of the page, the job with its version, and when it was published.
type Row = (i64, JobId, RowVersion, Instant);

/// Which jobs stand on these pages, and in which version. What was made of a job's card is right as long as its page says the same version.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn open_pages(
    conn: &mut PgConnection,
    asked: &[OpenPage],
) -> Result<HashMap<OpenPage, Page<(JobId, RowVersion)>>, Error> {
    let mut pages = HashMap::with_capacity(asked.len());
    for wide in [false, true] {
        for of_trade in [false, true] {
            let alike: Vec<OpenPage> = asked
                .iter()
                .filter(|one| (one.page.limit.get() > NARROW, one.category.is_some()) == (wide, of_trade))
                .copied()
                .collect();
            if !alike.is_empty() {
                let rows = if wide { rows::<true>(conn, &alike)? } else { rows::<false>(conn, &alike)? };
                pages.extend(cut(&alike, rows));
            }
        }
    }
    Ok(pages)
}

/// Reads pages that are asked for alike: all of a trade or none, and of one width.
fn rows<const WIDE: bool>(conn: &mut PgConnection, asked: &[OpenPage]) -> Result<Vec<Row>, Error> {
    let after: Vec<Position> = asked.iter().map(|one| one.page.after.unwrap_or(BEFORE_ALL)).collect();
    let pages: Pages<WIDE> = Pages {
        published_at: after.iter().map(|after| after.key).collect(),
        ids: after.iter().map(|after| after.id).collect(),
    };
    let trades: Vec<&str> = asked.iter().filter_map(|one| Some(one.category?.as_str())).collect();
    Ok(if trades.is_empty() {
        Hot(pages).load(conn)?
    } else {
        Hot(PagesOfTrades { trades, pages }).load(conn)?
    })
}

/// Each page with its own rows, cut to its length.
fn cut(asked: &[OpenPage], rows: Vec<Row>) -> impl Iterator<Item = (OpenPage, Page<(JobId, RowVersion)>)> {
    let mut of_pages: HashMap<i64, Vec<Row>> = HashMap::with_capacity(asked.len());
    for row in rows {
        of_pages.entry(row.0).or_default().push(row);
    }
    // WITH ORDINALITY counts from one.
    (1..).zip(asked).map(move |(number, one)| {
        let mut rows = of_pages.remove(&number).unwrap_or_default();
        // So they come, but SQL does not promise it.
        rows.sort_by_key(|(_, id, _, published_at)| Reverse((*published_at, *id)));
        let place = |row: &Row| Position { key: row.3, id: row.1.uuid() };
        (*one, Page::cut(rows, one.page.limit, place).map(|(_, id, version, _)| (id, version)))
    })
}

struct Cards(Vec<Uuid>);

impl Statement for Cards {
    const SQL: &'static str = "SELECT xmin, id, homeowner_id, status, title, category, skills, city, region, country, public_latitude, \
        public_longitude, budget_min, budget_max, currency, urgency, wanted_start, bidding_deadline, reveal, published_at, created_at \
        FROM marketplace.jobs WHERE id = ANY($1) AND status = 'OPEN'";
    type Columns = (Xid, Columns);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.0)
    }
}

/// The cards of those of these jobs that are open, with the version that each was read in.
pub(crate) fn open_cards(
    conn: &mut PgConnection,
    ids: &[JobId],
) -> Result<Vec<(RowVersion, JobCard)>, Error> {
    let ids: Vec<Uuid> = ids.iter().copied().map(JobId::uuid).collect();
    let rows: Vec<(RowVersion, CardRow)> = Hot(Cards(database::hot::for_any(&ids))).load(conn)?;
    rows.into_iter().map(|(version, row)| Ok((version, row.read()?))).collect()
}
