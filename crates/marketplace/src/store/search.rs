//! Finding jobs. A question becomes SQL here and nowhere else; which way is taken through the indexes is decided in `rules::search`.
//!
//! Every way has the same answer. A walk along an index stops at [`sql::VISITS`] jobs; when the page is not full by then, it goes on from there, or the index
//! of words and tags is asked. Where Postgres must not look things up while it walks, conditions are written as functions
//! (`ts_match_vq`), which no index serves.

mod sql;
mod words;

use std::cmp::Reverse;
use std::collections::HashMap;

use database::composed::Composed;
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, Limit, Position};
use uuid::Uuid;

use super::jobs::{CardRow, Columns, Shelf};
use super::word;
use crate::model::search::Window;
use crate::model::{FoundJob, JobOrder, JobSearch, Region, SearchKey, Urgency};
use crate::rules::region_written;
use crate::rules::search::{Guess, Latest, Walked, Way, further};
use crate::rules::vocabulary::Vocabulary;

use sql::{Span, What};
pub(crate) use words::{count as count_words, load as load_words};

/// Jobs that are ranked among each other by relevance: the newest that match. It stands in [`What::limit`] too, which reads more of a window that was made
/// before, for what joined it.
pub(crate) const WINDOW: usize = 100;
/// The most that are counted. It stands in [`What::limit`] too.
pub(crate) const COUNTED: usize = 1_000;
/// Of fewer matches in the latest stretches of time than these the others are looked for at once.
const ENOUGH: usize = 50;
/// So many are looked for then.
const ENOUGH_AIM: usize = 80;

/// Words for Postgres.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What a job has to have: all of these.
    pub(crate) matching: Vec<String>,
    /// All words as they stand.
    pub(crate) literal: String,
    /// Any of them.
    pub(crate) any: String,
    /// The tags of the trades that they mean.
    pub(crate) trades: String,
    /// The tags of the skills that they mean.
    pub(crate) skills: String,
}

/// A question, ready to be put.
#[derive(Debug, Clone)]
pub(crate) struct Question<'a> {
    /// What is asked.
    pub(crate) search: &'a JobSearch,
    /// Whose jobs; none: everybody's open ones.
    pub(crate) shelf: Option<Shelf>,
    /// The words.
    pub(crate) asked: Option<Asked>,
    /// How many match, about.
    pub(crate) guess: Guess,
    /// Now.
    pub(crate) now: Instant,
}

/// What a walk found, and which other way is to be taken instead, after how long a walk.
type OnFoot<R> = (Vec<R>, Option<(Way, Walked)>);
/// Rows, and where they end when there is more behind.
type Newest<R> = (Vec<R>, Option<(Instant, Uuid)>);
type Found = (Text, Columns, Nullable<Integer>, Nullable<BigInt>);
type FoundRow = (String, CardRow, Option<i32>, Option<i64>);

/// A job that was found.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) job: FoundJob,
    /// Its longer text.
    pub(crate) description: String,
    /// Its place in the order.
    pub(crate) key: i64,
}

impl Hit {
    /// With the place where a page after it goes on.
    pub(crate) fn keyed(self, window: Option<Window>) -> (Self, SearchKey) {
        let key = SearchKey { key: self.key, window };
        (self, key)
    }
}

/// A page in an order of its own index, or of one's own jobs: at least the jobs of the page, and one more when there is one.
pub(crate) fn page(
    conn: &mut PgConnection,
    question: &Question<'_>,
    after: Option<Position<i64>>,
    limit: Limit,
    vocabulary: &Vocabulary,
) -> Result<Vec<Hit>, Error> {
    let what = What::cards(limit);
    let wanted = limit.get() + 1;
    let rows = if question.shelf.is_some() {
        cards(conn, sql::own(question, after, what))?
    } else if question.search.order == JobOrder::Distance {
        nearest(conn, question, after, wanted, what)?
    } else if question.search.order == JobOrder::Newest {
        let top =
            after.map(|Position { key, id }| (Instant::from_timestamp_micros(key).unwrap_or_default(), id));
        let window = Window { top, ..Window::default() };
        newest(conn, question, window, what, wanted, vocabulary, cards)?.0
    } else {
        let way = question.guess.sorted(wanted);
        let span = Span { after, ..Span::default() };
        let by = |conn: &mut _, way| cards(conn, sql::by_way(question, &way, span, what));
        match way {
            Way::Walk => match walk(conn, question, span, what, wanted, cards)? {
                (rows, None) => rows,
                (_, Some((rest, _))) => by(conn, rest)?,
            },
            way => by(conn, way)?,
        }
    };
    let own = question.shelf.is_some();
    rows.into_iter().map(|row| read(row, question.search.order, own)).collect()
}

/// The nearest, looked for in ever larger rings around the place; rare things by the index.
fn nearest(
    conn: &mut PgConnection,
    question: &Question<'_>,
    after: Option<Position<i64>>,
    wanted: usize,
    what: What,
) -> Result<Vec<FoundRow>, Error> {
    let Some(circle) = question.search.circle else { return Ok(Vec::new()) };
    let span = Span { after, ..Span::default() };
    let gather = |conn: &mut _, way| cards(conn, sql::by_way(question, &way, span, what));
    let way = question.guess.nearest(wanted);
    if way != Way::Walk {
        return gather(conn, way);
    }
    let from = after.and_then(|after| i32::try_from(after.key).ok()).unwrap_or_default();
    let mut step = sql::RING_METRES;
    loop {
        let metres = from.saturating_add(step).min(circle.metres);
        let rows = cards(conn, sql::ring(question, metres, after, what))?;
        if rows.len() >= wanted || metres >= circle.metres {
            return Ok(rows);
        }
        step = step.saturating_mul(2);
        let way = question.guess.nearest_within(from.saturating_add(step).min(circle.metres), circle);
        if way != Way::Walk {
            return gather(conn, way);
        }
    }
}

/// A match with its place by relevance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    id: Uuid,
    published_at: Instant,
    score: i64,
}

/// The jobs that are ranked among each other, and the window that they make: one that was made before, or the next after it.
pub(crate) fn window(
    conn: &mut PgConnection,
    question: &Question<'_>,
    window: Window,
    vocabulary: &Vocabulary,
) -> Result<(Vec<Scored>, Window), Error> {
    let Some(asked) = &question.asked else { return Ok((Vec::new(), window)) };
    let as_of = Instant::from_timestamp_micros(window.as_of).unwrap_or_default();
    let load = |conn: &mut PgConnection, found: Composed| {
        let rows: Vec<(Uuid, Instant, i64)> =
            sql::scored(asked, as_of, found).rows::<(SqlUuid, Timestamptz, BigInt)>().load(conn)?;
        Ok(rows.into_iter().map(|(id, published_at, score)| Scored { id, published_at, score }).collect())
    };
    let what = if window.is_made { What::Made } else { What::Window };
    let (mut found, mut floor) = newest(conn, question, window, what, WINDOW, vocabulary, load)?;
    if window.is_made {
        return Ok((found, window));
    }
    found.sort_unstable_by_key(|one| Reverse((one.published_at, one.id)));
    found.truncate(WINDOW);
    if let Some(last) = found.last().filter(|_| found.len() == WINDOW) {
        floor = Some((last.published_at, last.id));
    }
    // What is posted from now on is not in it.
    let top = window.top.or_else(|| found.first().map(|first| (first.published_at, Uuid::max())));
    Ok((found, Window { top, floor, is_made: true, ..window }))
}

/// The best of those after a place: the jobs of the page, and one more when there is one.
pub(crate) fn best(
    conn: &mut PgConnection,
    question: &Question<'_>,
    mut found: Vec<Scored>,
    after: Option<Position<i64>>,
    limit: Limit,
) -> Result<Vec<Hit>, Error> {
    found.retain(|one| after.is_none_or(|after| (one.score, one.id) < (after.key, after.id)));
    found.sort_unstable_by_key(|one| Reverse((one.score, one.id)));
    found.truncate(limit.get() + 1);
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = found.iter().map(|one| one.id).collect();
    let rows = cards(conn, sql::cards(question, &ids))?.into_iter().map(|row| (row.1.id(), row));
    let mut rows: HashMap<Uuid, FoundRow> = rows.collect();
    let of = |one: Scored| {
        rows.remove(&one.id).map(|(text, card, metres, _)| (text, card, metres, Some(one.score)))
    };
    found.into_iter().filter_map(of).map(|row| read(row, JobOrder::Relevance, false)).collect()
}

/// What is counted of a job.
#[derive(Clone)]
pub(crate) struct Counted {
    pub(crate) trade: String,
    pub(crate) urgency: Urgency,
    pub(crate) budget: Option<i64>,
    pub(crate) currency: String,
    pub(crate) region: Region,
}

/// Up to [`COUNTED`] of the newest matches, and one more when there is one.
pub(crate) fn counted(
    conn: &mut PgConnection,
    question: &Question<'_>,
    vocabulary: &Vocabulary,
) -> Result<Vec<Counted>, Error> {
    type Columns = (Text, Text, Nullable<BigInt>, Nullable<Text>, Text, Text);
    type Row = (String, String, Option<i64>, Option<String>, String, String);
    let load =
        |conn: &mut PgConnection, statement: Composed| Ok(statement.rows::<Columns>().load::<Row>(conn)?);
    let rows: Vec<Row> = if question.shelf.is_some() {
        load(conn, sql::own(question, None, What::Counted))?
    } else {
        let all = Window::default();
        newest(conn, question, all, What::Counted, COUNTED + 1, vocabulary, load)?.0
    };
    rows.into_iter()
        .map(|(trade, urgency, budget, region, country, currency)| {
            let urgency = word(Urgency::parse(&urgency), "jobs.urgency")?;
            let region = region.map(|region| region_written(&country, &region));
            Ok(Counted { trade, urgency, budget, currency, region: Region { country, region } })
        })
        .collect()
}

/// Up to `wanted` of the newest matches within a window. When only the latest stretches of time were looked at, also the place where they begin, after
/// which there is more.
fn newest<R>(
    conn: &mut PgConnection,
    question: &Question<'_>,
    window: Window,
    what: What,
    wanted: usize,
    vocabulary: &Vocabulary,
    load: impl Fn(&mut PgConnection, Composed) -> Result<Vec<R>, Error>,
) -> Result<Newest<R>, Error> {
    if question.shelf.is_some() {
        return Ok((load(conn, sql::own_newest(question, window, what))?, None));
    }
    let guess = &question.guess;
    let until = window.top.map_or(question.now, |(at, _)| at.min(question.now));
    let span = |window| Span { window: Some(window), ..Span::default() };
    let put = |conn: &mut PgConnection, way: &Way, window| {
        load(conn, sql::by_way(question, way, span(window), what))
    };
    let mut way = guess.newest(wanted);
    let mut part = guess.part_with(wanted);
    if way == Way::Walk {
        // Those of a window that was made are all wanted.
        let wanted = if window.is_made { usize::MAX } else { wanted };
        let (rows, rest) = walk(conn, question, span(window), what, wanted, &load)?;
        let Some((rest, walked)) = rest else { return Ok((rows, None)) };
        let looked = guess.part_of(walked.visited);
        part = further(wanted, walked.found, looked, guess.matches() * looked);
        way = rest;
    }
    let by_index = matches!(way, Way::Index(_));
    if window.is_made && by_index {
        let latest = window.floor.map_or(Latest::ALL, |(floor, _)| Latest::between(floor, until));
        return Ok((put(conn, &Way::Index(latest), window)?, None));
    }
    if !by_index {
        return Ok((put(conn, &way, window)?, None));
    }
    let mut rows = Vec::new();
    let (mut looked, mut window, mut until) = (0.0, window, until);
    loop {
        let latest = Latest::holding(part, until, vocabulary).asked_for(question.search.posted_since, until);
        let (since, held) = (latest.since, latest.part);
        let way = Way::Index(latest);
        rows.extend(put(conn, &way, window)?);
        let Some(since) = since else { return Ok((rows, None)) };
        if rows.len() >= wanted {
            return Ok((rows, None));
        }
        let floor = (since, Uuid::nil());
        if what == What::Window && rows.len() >= ENOUGH {
            return Ok((rows, Some(floor)));
        }
        // What was looked through is not looked through again.
        looked += held;
        let aim = if what == What::Window { ENOUGH_AIM.min(wanted) } else { wanted };
        part = further(aim, rows.len(), looked, guess.matches() * looked);
        window.top = Some(floor);
        until = since;
    }
}

/// Looks at each job along an index, so many at a time, until there are enough, there are no more, or another way is shorter: that one then, to be taken
/// from the beginning.
fn walk<R>(
    conn: &mut PgConnection,
    question: &Question<'_>,
    mut span: Span,
    what: What,
    wanted: usize,
    load: impl Fn(&mut PgConnection, Composed) -> Result<Vec<R>, Error>,
) -> Result<OnFoot<R>, Error> {
    let put = |conn: &mut PgConnection, span| load(conn, sql::by_way(question, &Way::Walk, span, what));
    let end_of = |conn: &mut PgConnection, span| -> Result<Option<Position<i64>>, Error> {
        let ends: Vec<(i64, Uuid)> = sql::walk_end(question, span).rows::<(BigInt, SqlUuid)>().load(conn)?;
        Ok(ends.into_iter().next().map(|(key, id)| Position { key, id }))
    };
    let mut found = put(conn, span)?;
    if found.len() >= wanted {
        return Ok((found, None));
    }
    let mut walked = Walked { is_newest: span.window.is_some(), visited: sql::VISITS, found: found.len() };
    let way = question.guess.after_walk(wanted, walked);
    if way != Way::Walk {
        return Ok((found, Some((way, walked))));
    }
    let Some(mut end) = end_of(conn, span)? else { return Ok((found, None)) };
    // A job may have come or gone since: each stretch is looked at between places that stand.
    found.clear();
    loop {
        found.extend(put(conn, Span { to: Some(end), ..span })?);
        span.after = Some(end);
        if found.len() >= wanted {
            return Ok((found, None));
        }
        walked.found = found.len();
        let way = question.guess.after_walk(wanted, walked);
        if way != Way::Walk {
            return Ok((found, Some((way, walked))));
        }
        match end_of(conn, span)? {
            Some(next) => end = next,
            None => {
                found.extend(put(conn, span)?);
                return Ok((found, None));
            }
        }
        walked.visited += sql::VISITS;
    }
}

fn cards(conn: &mut PgConnection, statement: Composed) -> Result<Vec<FoundRow>, Error> {
    Ok(statement.rows::<Found>().load(conn)?)
}

/// A job with its place in the order.
fn read((description, row, metres, extra): FoundRow, order: JobOrder, own: bool) -> Result<Hit, Error> {
    let card = row.read()?;
    let micros = |at: Option<Instant>| at.unwrap_or(sql::NO_DEADLINE).timestamp_micros();
    let key = match order {
        JobOrder::Newest if own => card.created_at.timestamp_micros(),
        JobOrder::Newest => micros(card.published_at),
        JobOrder::Budget => card.budget.max().or(card.budget.min()).unwrap_or(-1),
        JobOrder::Deadline => micros(card.bidding_deadline),
        JobOrder::Distance => metres.unwrap_or_default().into(),
        JobOrder::Relevance | JobOrder::Bids => extra.unwrap_or_default(),
    };
    let score = extra.filter(|_| order == JobOrder::Relevance).map(sql::score);
    Ok(Hit { job: FoundJob { card, metres, score, highlights: None }, description, key })
}

/// Where a page goes on: the place in its order.
pub(crate) fn place(after: Option<Position<SearchKey>>) -> Option<Position<i64>> {
    after.map(|after| Position { key: after.key.key, id: after.id })
}
