//! Finding contractors. A question becomes SQL here and nowhere else.
//!
//! There are two ways, and the answer is the same. What few contractors are (a rare word, a small place) is looked up by its index and sorted; what
//! many are is found by walking in the order asked for until the page is full, for sorting all that match would take the longer the more there
//! are. Which it is says a count that ends at [`FEW`]. Where Postgres must not look things up while it walks, conditions are written as
//! functions (`arraycontains`), which no index serves.

use chrono::NaiveDate;
use database::composed::Composed;
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use identity::{CredentialKind, PublicCredential, Slug};
use kernel::{Instant, Limit, Position};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::super::jobs::point;
use super::super::word;
use crate::model::{CheckedPapers, Circle, ContractorCard, DirectoryFilter, DirectoryOrder, Rank};
use crate::rules::{Bounds, bounds_around};

/// So many are sorted; more are walked through. It stands in [`COUNT_END`] too.
const FEW: i64 = 1_000;
const COUNT_END: &str = ") SELECT count(*) FROM (SELECT FROM found LIMIT 1001) AS few";
/// The largest page that is read with the smaller of the two limits, which have to be constants.
const NARROW: usize = 20;
/// How far beyond the last one it is first looked for the next nearest; each time twice as far.
const STEP_METRES: i32 = 2_000;
/// Added to the rank of who has all words in the strong place, to make one key of both.
const STRONG: i64 = 1_000_000;

const COLUMNS: &str = "d.party_id, d.display_name, d.headline, d.trades, d.skills, d.public_latitude, d.public_longitude, d.service_radius_km, \
     d.reviews, d.rating_mean, d.rating_rank, d.checked_at, d.valid_until, d.checked, d.member_since, d.metres, d.is_strong, \
     (SELECT app.clock()) AS as_of";

type Columns = (
    SqlUuid,
    Text,
    Nullable<Text>,
    Array<Text>,
    Array<Text>,
    Nullable<Double>,
    Nullable<Double>,
    Nullable<Integer>,
    Integer,
    Nullable<Integer>,
    Integer,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Jsonb,
    Timestamptz,
    Nullable<Integer>,
    Bool,
    Timestamptz,
);

#[derive(Queryable)]
struct FoundRow {
    party_id: Uuid,
    display_name: String,
    headline: Option<String>,
    trades: Vec<String>,
    skills: Vec<String>,
    public_latitude: Option<f64>,
    public_longitude: Option<f64>,
    service_radius_km: Option<i32>,
    reviews: i32,
    rating_mean: Option<i32>,
    rating_rank: i32,
    checked_at: Option<Instant>,
    valid_until: Option<Instant>,
    checked: Value,
    member_since: Instant,
    metres: Option<i32>,
    is_strong: bool,
    as_of: Instant,
}

/// A checked credential as the row keeps it.
#[derive(Deserialize)]
struct CheckedRow {
    kind: String,
    trade: Option<String>,
    place: String,
    expires_on: NaiveDate,
    until: Instant,
}

/// Where a page goes on: the key's meaning is the order's.
pub(crate) type Place = Position<i64>;

/// How a condition is to be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// By an index.
    Index,
    /// By looking at each row.
    Row,
}

/// At least the contractors of this page, and one more when there is one.
pub(crate) fn list(
    conn: &mut PgConnection,
    filter: &DirectoryFilter,
    after: Option<Place>,
    limit: Limit,
) -> Result<Vec<ContractorCard>, Error> {
    let rows = if is_of_few(conn, filter)? {
        run(conn, sorted(filter, after, limit))?
    } else {
        match (filter.order, filter.circle) {
            (DirectoryOrder::Distance, Some(circle)) => nearest(conn, filter, circle, after, limit)?,
            (DirectoryOrder::Relevance, _) => most_relevant(conn, filter, after, limit)?,
            _ => run(conn, walked(filter, "", after, limit))?,
        }
    };
    rows.into_iter().map(|row| row.read(filter.order)).collect()
}

fn run(conn: &mut PgConnection, statement: Composed) -> Result<Vec<FoundRow>, Error> {
    Ok(statement.rows::<Columns>().load(conn)?)
}

/// Whether those that match are so few that they can all be sorted. What no index can tell of is common.
fn is_of_few(conn: &mut PgConnection, filter: &DirectoryFilter) -> Result<bool, Error> {
    if filter.trade.is_none() && filter.skills.is_empty() && filter.words.is_none() && filter.circle.is_none()
    {
        return Ok(false);
    }
    // On its own, for beside a limit Postgres takes reading all of them for cheap: so many would be found early on.
    let counted = Composed::new("WITH found AS MATERIALIZED (SELECT FROM ")
        .then(matching(filter, By::Index))
        .text(COUNT_END);
    let count: i64 = counted.rows::<BigInt>().get_result(conn)?;
    Ok(count <= FEW)
}

/// All that match, found by an index, then sorted.
fn sorted(filter: &DirectoryFilter, after: Option<Place>, limit: Limit) -> Composed {
    Composed::new("WITH found AS MATERIALIZED (SELECT ")
        .text(COLUMNS)
        .text(" FROM ")
        .then(matching(filter, By::Index))
        .text(") SELECT * FROM found AS d WHERE true")
        .then(page(filter.order, after, limit))
}

/// Those that match, met in the order asked for. `more` is one more condition.
fn walked(filter: &DirectoryFilter, more: &'static str, after: Option<Place>, limit: Limit) -> Composed {
    let order = match filter.order {
        // One part of it at a time; within the part it is the rating.
        DirectoryOrder::Relevance => DirectoryOrder::Rating,
        order => order,
    };
    Composed::new("SELECT ")
        .text(COLUMNS)
        .text(" FROM ")
        .then(matching(filter, By::Row))
        .text(more)
        .then(page(order, after, limit))
}

/// The nearest, looked for in ever larger rings around the place.
fn nearest(
    conn: &mut PgConnection,
    filter: &DirectoryFilter,
    circle: Circle,
    after: Option<Place>,
    limit: Limit,
) -> Result<Vec<FoundRow>, Error> {
    let from = after.and_then(|after| i32::try_from(after.key).ok()).unwrap_or_default();
    let mut step = STEP_METRES;
    loop {
        let metres = from.saturating_add(step).min(circle.metres);
        let ring = Circle { metres, ..circle };
        let statement = Composed::new("SELECT ")
            .text(COLUMNS)
            .text(" FROM ")
            .then(matching(filter, By::Row))
            .text(" AND d.metres <= ")
            .value(metres)
            .then(within(ring))
            .then(page(filter.order, after, limit));
        let rows = run(conn, statement)?;
        if rows.len() > limit.get() || metres >= circle.metres {
            return Ok(rows);
        }
        step = step.saturating_mul(2);
    }
}

/// First those who have all words in the strong place, then the others; each part by rating.
fn most_relevant(
    conn: &mut PgConnection,
    filter: &DirectoryFilter,
    after: Option<Place>,
    limit: Limit,
) -> Result<Vec<FoundRow>, Error> {
    const WEAK_ONLY: &str = " AND NOT d.is_strong";
    if let Some(after) = after.filter(|after| after.key < STRONG) {
        return run(conn, walked(filter, WEAK_ONLY, Some(after), limit));
    }
    let after = after.map(|after| Place { key: after.key - STRONG, ..after });
    let mut rows = run(conn, walked(filter, " AND d.is_strong", after, limit))?;
    if rows.len() <= limit.get() {
        rows.extend(run(conn, walked(filter, WEAK_ONLY, None, limit))?);
    }
    Ok(rows)
}

/// `… AS d WHERE …`: the contractors that match. `d.metres` is how far from the place, `d.is_strong` whether the strong words have all that
/// is looked for.
fn matching(filter: &DirectoryFilter, by: By) -> Composed {
    let mut asked = Composed::new("(SELECT x.*, ");
    asked = match filter.circle {
        Some(Circle { centre, .. }) => asked
            .text("marketplace.metres_between(x.public_latitude, x.public_longitude, ")
            .value(centre.lat())
            .text(", ")
            .value(centre.lng())
            .text(") AS metres, "),
        None => asked.text("NULL::integer AS metres, "),
    };
    asked = match &filter.words {
        Some(words) => asked.text("ts_match_vq(x.strong, ").then(query(words)).text(") AS is_strong"),
        None => asked.text("false AS is_strong"),
    };
    asked = asked.text(" FROM marketplace.directory AS x) AS d WHERE d.listed");
    for (column, slugs) in [(TRADES, filter.trade.as_slice()), (SKILLS, filter.skills.as_slice())] {
        asked = with_slugs(asked, column, slugs, by);
    }
    if let Some(words) = &filter.words {
        asked = match by {
            By::Index => asked.text(" AND d.words @@ ").then(query(words)),
            By::Row => asked.text(" AND ts_match_vq(d.words, ").then(query(words)).text(")"),
        };
    }
    if let Some(circle) = filter.circle {
        asked =
            asked.text(" AND d.metres <= least(").value(circle.metres).text(", d.service_radius_km * 1000)");
        if by == By::Index {
            asked = asked.then(within(circle));
        }
    }
    if let Some(least) = filter.rating_min {
        asked = asked.text(" AND d.reviews > 0 AND d.rating_mean >= ").value(least);
    }
    with_papers(asked, filter)
}

/// The two ways to ask for slugs in a column: by its index, and row by row.
const TRADES: [&str; 2] = [" AND d.trades @> ", " AND arraycontains(d.trades, "];
const SKILLS: [&str; 2] = [" AND d.skills @> ", " AND arraycontains(d.skills, "];

fn with_slugs(asked: Composed, [by_index, by_row]: [&'static str; 2], slugs: &[Slug], by: By) -> Composed {
    if slugs.is_empty() {
        return asked;
    }
    let slugs: Vec<String> = slugs.iter().map(|slug| slug.as_str().to_owned()).collect();
    match by {
        By::Index => asked.text(by_index).value(slugs),
        By::Row => asked.text(by_row).value(slugs).text(")"),
    }
}

/// Made once for the statement, not for each row.
fn query(words: &str) -> Composed {
    Composed::new("(SELECT to_tsquery('english', ").value(words.to_owned()).text("))")
}

fn within(circle: Circle) -> Composed {
    let (one, two) = bounds_around(circle);
    let asked = Composed::new(" AND d.public_latitude IS NOT NULL AND (").then(inside(one));
    match two {
        Some(two) => asked.text(" OR ").then(inside(two)).text(")"),
        None => asked.text(")"),
    }
}

fn inside(Bounds { south, west, north, east }: Bounds) -> Composed {
    Composed::new("point(d.public_longitude, d.public_latitude) <@ box(point(")
        .value(west)
        .text(", ")
        .value(south)
        .text("), point(")
        .value(east)
        .text(", ")
        .value(north)
        .text("))")
}

/// Whether the papers hold is asked of the clock, once for the statement.
fn with_papers(asked: Composed, filter: &DirectoryFilter) -> Composed {
    let Some(verified) = filter.verified else { return asked };
    let asked = if verified {
        asked.text(" AND d.valid_until IS NOT NULL AND (d.valid_until > (SELECT app.clock())")
    } else {
        asked.text(" AND NOT (coalesce(d.valid_until > (SELECT app.clock()), false)")
    };
    let asked = match &filter.trade {
        Some(trade) => asked
            .text(
                " AND EXISTS (SELECT FROM jsonb_to_recordset(d.checked) AS c(kind text, trade text, until timestamptz) \
                 WHERE c.kind = 'LICENCE' AND c.until > (SELECT app.clock()) AND (c.trade IS NULL OR c.trade = ",
            )
            .value(trade.as_str().to_owned())
            .text("))"),
        None => asked,
    };
    asked.text(")")
}

/// ` AND … ORDER BY … LIMIT …`: where the page goes on, and its end.
fn page(order: DirectoryOrder, after: Option<Place>, limit: Limit) -> Composed {
    let (beyond, end) = match order {
        DirectoryOrder::Relevance => (
            " AND (d.is_strong::integer, d.rating_rank, d.party_id) < (",
            " ORDER BY d.is_strong::integer DESC, d.rating_rank DESC, d.party_id DESC",
        ),
        DirectoryOrder::Rating => {
            (" AND (d.rating_rank, d.party_id) < (", " ORDER BY d.rating_rank DESC, d.party_id DESC")
        }
        DirectoryOrder::Distance => (" AND (d.metres, d.party_id) > (", " ORDER BY d.metres, d.party_id"),
        DirectoryOrder::Newest => {
            (" AND (d.member_since, d.party_id) < (", " ORDER BY d.member_since DESC, d.party_id DESC")
        }
    };
    let asked = match after {
        Some(after) => Composed::new(beyond).then(key(order, after.key)).text(", ").value(after.id).text(")"),
        None => Composed::new(""),
    };
    asked.text(end).text(if limit.get() > NARROW { " LIMIT 101" } else { " LIMIT 21" })
}

/// The key that [`FoundRow::read`] made, as SQL compares it.
fn key(order: DirectoryOrder, key: i64) -> Composed {
    let small = |key: i64| i32::try_from(key).unwrap_or(i32::MAX);
    let asked = Composed::new("");
    match order {
        DirectoryOrder::Relevance => {
            asked.value(i32::from(key >= STRONG)).text(", ").value(small(key % STRONG))
        }
        DirectoryOrder::Rating | DirectoryOrder::Distance => asked.value(small(key)),
        DirectoryOrder::Newest => asked.value(Instant::from_timestamp_micros(key).unwrap_or_default()),
    }
}

impl FoundRow {
    fn read(self, order: DirectoryOrder) -> Result<ContractorCard, Error> {
        let key = match order {
            DirectoryOrder::Relevance if self.is_strong => STRONG + i64::from(self.rating_rank),
            DirectoryOrder::Relevance | DirectoryOrder::Rating => self.rating_rank.into(),
            DirectoryOrder::Distance => self.metres.unwrap_or_default().into(),
            DirectoryOrder::Newest => self.member_since.timestamp_micros(),
        };
        let held = self.valid_until.filter(|until| *until > self.as_of);
        let checked = match self.checked_at.zip(held) {
            Some((checked_at, valid_until)) => Some(CheckedPapers {
                checked_at,
                valid_until,
                credentials: credentials(self.checked, checked_at, self.as_of)?,
            }),
            None => None,
        };
        Ok(ContractorCard {
            id: self.party_id.into(),
            display_name: self.display_name,
            headline: self.headline,
            trades: self.trades,
            skills: self.skills,
            point: point(self.public_latitude, self.public_longitude)?,
            service_radius_km: self.service_radius_km,
            metres: self.metres,
            rating: Rank { reviews: self.reviews, mean: self.rating_mean, bayesian: self.rating_rank },
            checked,
            member_since: self.member_since,
            key,
        })
    }
}

/// Those that hold.
fn credentials(checked: Value, checked_at: Instant, now: Instant) -> Result<Vec<PublicCredential>, Error> {
    let rows: Vec<CheckedRow> = word(serde_json::from_value(checked).ok(), "directory.checked")?;
    rows.into_iter()
        .filter(|row| row.until > now)
        .map(|row| {
            let kind = word(CredentialKind::parse(&row.kind), "directory.checked")?;
            Ok(PublicCredential {
                kind,
                trade: row.trade,
                place: row.place,
                expires_on: row.expires_on,
                checked_at,
            })
        })
        .collect()
}
