//! The statements that find jobs, made of constant pieces and bound values.

use database::composed::Composed;
use kernel::{Instant, Limit, Position};
use uuid::Uuid;

use super::{Asked, Question};
use crate::model::search::Window;
use crate::model::{Category, Circle, JobOrder, JobStatus};
use crate::rules::search::{Latest, Squares, Way, block_tag, cell_tag, urgency_tag};
use crate::rules::words::{skill_tag, trade_tag};
use crate::rules::{Bounds, bounds_around};
use crate::store::jobs::Shelf;

/// Jobs that a walk looks at before it is thought over. A little more stands in the text, where a limit has to be a constant: what comes in between while
/// the end of a walk is looked for must not push out what was there.
pub(super) const VISITS: usize = 5_900;
const VISITED: &str = " LIMIT 6000";
const LAST_VISITED: &str = " OFFSET 5899 LIMIT 1";
/// How far beyond the last one it is first looked for the next nearest; each time twice as far.
pub(super) const RING_METRES: i32 = 1_000;
/// The largest page that is read with the smaller of the two limits.
const NARROW: usize = 20;
/// Stands for the deadline of a draft that has none.
pub(super) const NO_DEADLINE: Instant = Instant::MAX_UTC;
/// A score is kept as a whole number of millionths, so that a cursor never loses a place to rounding.
const MILLIONTHS: f64 = 1_000_000.0;
/// Nothing has this word.
const NO_WORD: &str = "none1";

/// A job's longer text and its card; its distance and what else is asked for follow.
const CARD: &str = "SELECT j.description, j.id, j.homeowner_id, j.status, j.title, j.category, j.skills, j.city, j.region, j.country, j.public_latitude, \
     j.public_longitude, j.budget_min, j.budget_max, j.currency, j.urgency, j.wanted_start, j.bidding_deadline, j.reveal, j.published_at, \
     j.created_at, ";

/// What is read of the jobs that are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A small page of cards.
    Page,
    /// A large one.
    WidePage,
    /// Those that are ranked among each other.
    Window,
    /// Those of a window that was made before, which others may have joined since.
    Made,
    /// What is counted.
    Counted,
}

/// A part of an order: after a place, up to another one and with it, within a window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) after: Option<Position<i64>>,
    pub(super) to: Option<Position<i64>>,
    pub(super) window: Option<Window>,
}

impl What {
    pub(super) fn cards(limit: Limit) -> Self {
        if limit.get() > NARROW { Self::WidePage } else { Self::Page }
    }

    fn limit(self) -> &'static str {
        match self {
            Self::Page => " LIMIT 21",
            Self::WidePage => " LIMIT 101",
            Self::Window => " LIMIT 100",
            Self::Made => " LIMIT 200",
            Self::Counted => " LIMIT 1001",
        }
    }

    /// The columns, of a job as `j` whose distance is to be reckoned.
    fn columns(self, question: &Question<'_>) -> Composed {
        match self {
            Self::Page | Self::WidePage => Composed::new(CARD).then(metres(question)).text(", NULL::bigint"),
            Self::Window | Self::Made => Composed::new("SELECT j.id, j.published_at, j.at"),
            Self::Counted => Composed::new(
                "SELECT j.category, j.urgency, coalesce(j.budget_max, j.budget_min), j.region, j.country, j.currency",
            ),
        }
    }
}

/// `WHERE …` of everybody's.
const OPEN: &str = " FROM marketplace.jobs AS j WHERE j.status = 'OPEN'";

/// The order, of a job as `j`.
fn order(order: JobOrder) -> &'static str {
    match order {
        JobOrder::Newest | JobOrder::Relevance | JobOrder::Bids => " ORDER BY j.published_at DESC, j.id DESC",
        JobOrder::Budget => " ORDER BY coalesce(j.budget_max, j.budget_min, -1) DESC, j.id DESC",
        JobOrder::Deadline => " ORDER BY j.bidding_deadline, j.id",
        JobOrder::Distance => " ORDER BY j.metres, j.id",
    }
}

/// ` AND …`: what comes after a place in the order.
fn beyond(order: JobOrder, after: Option<Position<i64>>) -> Composed {
    let sign = if is_descending(order) { "<" } else { ">" };
    after.map_or_else(|| Composed::new(""), |after| compared(order, sign, after))
}

/// ` AND …`: what comes before a place in the order, and what stands there.
fn up_to(order: JobOrder, last: Option<Position<i64>>) -> Composed {
    let sign = if is_descending(order) { ">=" } else { "<=" };
    last.map_or_else(|| Composed::new(""), |last| compared(order, sign, last))
}

fn is_descending(order: JobOrder) -> bool {
    !matches!(order, JobOrder::Deadline | JobOrder::Distance)
}

fn compared(order: JobOrder, sign: &'static str, Position { key, id }: Position<i64>) -> Composed {
    let at = || Instant::from_timestamp_micros(key).unwrap_or(NO_DEADLINE);
    let asked = Composed::new(" AND (").text(key_of(order)).text(", j.id) ").text(sign).text(" (");
    let asked = match order {
        JobOrder::Newest | JobOrder::Relevance | JobOrder::Bids | JobOrder::Deadline => asked.value(at()),
        JobOrder::Budget => asked.value(key),
        JobOrder::Distance => asked.value(i32::try_from(key).unwrap_or(i32::MAX)),
    };
    asked.text(", ").value(id).text(")")
}

/// What an order is by, of a job as `j` whose distance is reckoned.
fn key_of(order: JobOrder) -> &'static str {
    match order {
        JobOrder::Newest | JobOrder::Relevance | JobOrder::Bids => "j.published_at",
        JobOrder::Budget => "coalesce(j.budget_max, j.budget_min, -1)",
        JobOrder::Deadline => "j.bidding_deadline",
        JobOrder::Distance => "j.metres",
    }
}

/// ` AND …`: what lies within a window.
fn between(window: Option<Window>) -> Composed {
    let mut asked = Composed::new("");
    let Some(window) = window else { return asked };
    if let Some((at, id)) = window.top {
        asked = asked.text(" AND (j.published_at, j.id) < (").value(at).text(", ").value(id).text(")");
    }
    if let Some((at, id)) = window.floor {
        asked = asked.text(" AND (j.published_at, j.id) >= (").value(at).text(", ").value(id).text(")");
    }
    asked
}

/// The statement of a way, in the order of the question, or the newest first within a window.
pub(super) fn by_way(question: &Question<'_>, way: &Way, span: Span, what: What) -> Composed {
    let range = Range::of(question, span);
    match way {
        Way::Walk => walk(question, range, what),
        Way::Index(latest) => by_index(question, range, latest, what),
        Way::Cells => by_cells(question, range, what),
        Way::Box => by_box(question, range, what),
    }
}

/// A part of an order.
struct Range {
    order: JobOrder,
    bounds: Composed,
}

impl Range {
    fn of(question: &Question<'_>, Span { after, to, window }: Span) -> Self {
        let order = if window.is_some() { JobOrder::Newest } else { question.search.order };
        Self { order, bounds: beyond(order, after).then(up_to(order, to)).then(between(window)) }
    }
}

/// Along the index of the order, looking at each job.
fn walk(question: &Question<'_>, range: Range, what: What) -> Composed {
    // Only of a column does Postgres know that it comes in order.
    let (worth, in_order) = match range.order {
        JobOrder::Budget => {
            (", coalesce(j.budget_max, j.budget_min, -1) AS worth", " ORDER BY j.worth DESC, j.id DESC")
        }
        other => ("", order(other)),
    };
    what.columns(question)
        .text(" FROM (SELECT j.*, j.ctid AS at")
        .text(worth)
        .text(OPEN)
        .then(walked_along(question, range.order))
        .then(range.bounds)
        .text(order(range.order))
        .text(VISITED)
        .text(") AS j WHERE true")
        .then(each(question, Some(range.order)))
        .text(in_order)
        .text(what.limit())
}

/// The key and the id of the last job that a walk looks at; none when there are fewer.
pub(super) fn walk_end(question: &Question<'_>, span: Span) -> Composed {
    let range = Range::of(question, span);
    let key = match range.order {
        JobOrder::Newest | JobOrder::Relevance | JobOrder::Bids | JobOrder::Deadline => {
            Composed::new("SELECT (1000000 * extract(epoch FROM ")
                .text(key_of(range.order))
                .text("))::bigint")
        }
        JobOrder::Budget | JobOrder::Distance => Composed::new("SELECT ").text(key_of(range.order)),
    };
    key.text(", j.id")
        .text(OPEN)
        .then(walked_along(question, range.order))
        .then(range.bounds)
        .text(order(range.order))
        .text(LAST_VISITED)
}

/// Conditions that an index is walked along with.
fn walked_along(question: &Question<'_>, order: JobOrder) -> Composed {
    let mut asked = Composed::new("");
    if order == JobOrder::Newest {
        asked = asked.then(of_trade(question)).then(posted_since(question));
    }
    if order == JobOrder::Budget
        && let Some(least) = question.search.budget.min()
    {
        asked = asked.text(" AND coalesce(j.budget_max, j.budget_min, -1) >= ").value(least);
    }
    if order == JobOrder::Deadline {
        asked = asked.text(" AND j.bidding_deadline > (SELECT app.clock())");
    }
    asked
}

/// All that match by the index of words and tags, then in order.
fn by_index(question: &Question<'_>, range: Range, latest: &Latest, what: What) -> Composed {
    let asked = in_index(question, latest).then(posted_since(question)).then(each_but_words(question));
    gathered(question, range, asked, what)
}

/// All that lie about the place, then in order.
fn by_box(question: &Question<'_>, range: Range, what: What) -> Composed {
    let asked = question.search.circle.map(within).unwrap_or_else(|| Composed::new(""));
    gathered(question, range, asked.then(each(question, None)), what)
}

/// All of which this is so, then in order.
fn gathered(question: &Question<'_>, range: Range, asked: Composed, what: What) -> Composed {
    let found = Composed::new("WITH near AS MATERIALIZED (SELECT j.id, j.ctid AS at, j.published_at, j.bidding_deadline, j.category, j.urgency, j.budget_min, j.budget_max, j.region, j.country, j.currency, ")
        .then(metres(question))
        .text(" AS metres")
        .text(OPEN)
        .then(asked);
    let found = if range.order == JobOrder::Deadline {
        found.text(" AND j.bidding_deadline > (SELECT app.clock())")
    } else {
        found
    };
    let found = found.text(") ");
    // The part of the order is cut out afterwards: a distance has to be reckoned first, and for a range of time Postgres would rather look at all jobs in it.
    match what {
        What::Window | What::Made | What::Counted => found
            .then(what.columns(question))
            .text(" FROM near AS j WHERE true")
            .then(range.bounds)
            .text(order(range.order))
            .text(what.limit()),
        What::Page | What::WidePage => found
            .text(CARD)
            .text("p.metres, NULL::bigint")
            .text(" FROM (SELECT j.* FROM near AS j WHERE true")
            .then(range.bounds)
            .text(order(range.order))
            .text(what.limit())
            .text(") AS p JOIN marketplace.jobs AS j ON j.id = p.id")
            .text(if range.order == JobOrder::Distance {
                " ORDER BY p.metres, j.id"
            } else {
                order(range.order)
            }),
    }
}

/// Square by square, each from its newest job on.
fn by_cells(question: &Question<'_>, range: Range, what: What) -> Composed {
    let cells = question.guess.cells.clone().unwrap_or_default();
    what.columns(question)
        .text(" FROM unnest(")
        .value(cells)
        .text("::integer[]) AS c(cell) CROSS JOIN LATERAL (SELECT j.*, j.ctid AS at")
        .text(OPEN)
        .text(" AND j.cell = c.cell AND j.cell IS NOT NULL")
        .then(range.bounds)
        .then(each(question, None))
        .text(order(range.order))
        .text(what.limit())
        .text(") AS j")
        .text(order(range.order))
        .text(what.limit())
}

/// ` AND …`: what the index of places has about a circle.
fn within(circle: Circle) -> Composed {
    let (one, two) = bounds_around(circle);
    let asked = Composed::new(" AND j.public_latitude IS NOT NULL AND (").then(inside(one));
    match two {
        Some(two) => asked.text(" OR ").then(inside(two)).text(")"),
        None => asked.text(")"),
    }
}

/// The nearest within so many metres, all of which are looked at.
pub(super) fn ring(
    question: &Question<'_>,
    reach: i32,
    after: Option<Position<i64>>,
    what: What,
) -> Composed {
    let Some(circle) = question.search.circle else { return Composed::new("") };
    Composed::new(CARD)
        .text("j.metres, NULL::bigint")
        .text(" FROM (SELECT j.*, ")
        .then(metres(question))
        .text(" AS metres")
        .text(OPEN)
        .then(within(Circle { metres: reach, ..circle }))
        .text(") AS j WHERE j.metres <= ")
        .value(reach)
        .then(each(question, None))
        .then(beyond(JobOrder::Distance, after))
        .text(order(JobOrder::Distance))
        .text(what.limit())
}

fn inside(Bounds { south, west, north, east }: Bounds) -> Composed {
    Composed::new("point(j.public_longitude, j.public_latitude) <@ box(point(")
        .value(west)
        .text(", ")
        .value(south)
        .text("), point(")
        .value(east)
        .text(", ")
        .value(north)
        .text("))")
}

/// One's own jobs: few enough to look at all of them.
pub(super) fn own(question: &Question<'_>, after: Option<Position<i64>>, what: What) -> Composed {
    let (key, end) = match question.search.order {
        JobOrder::Newest | JobOrder::Relevance => ("j.created_at", " ORDER BY o.place DESC, o.id DESC"),
        JobOrder::Budget => ("coalesce(j.budget_max, j.budget_min, -1)", " ORDER BY o.place DESC, o.id DESC"),
        JobOrder::Deadline => ("coalesce(j.bidding_deadline, 'infinity')", " ORDER BY o.place, o.id"),
        JobOrder::Distance => ("", " ORDER BY o.place, o.id"),
        // Before the reveal the owner is a stranger to the bids, to their number too.
        JobOrder::Bids => (
            "CASE WHEN j.reveal = 'at_close' AND j.status = 'OPEN' AND j.bidding_deadline > (SELECT app.clock()) THEN -1 \
             ELSE (SELECT count(*) FROM marketplace.bids AS b WHERE b.job_id = j.id AND b.status <> 'WITHDRAWN') END",
            " ORDER BY o.place DESC, o.id DESC",
        ),
    };
    let place = match question.search.order {
        JobOrder::Distance => metres(question),
        _ => Composed::new(key),
    };
    let columns = match what {
        What::Page | What::WidePage if question.search.order == JobOrder::Bids => {
            Composed::new(CARD).text("o.metres, o.place")
        }
        What::Page | What::WidePage => Composed::new(CARD).text("o.metres, NULL::bigint"),
        What::Window | What::Made | What::Counted => what.columns(question),
    };
    columns
        .text(" FROM (SELECT j.id, ")
        .then(metres(question))
        .text(" AS metres, ")
        .then(place)
        .text(" AS place")
        .then(on_shelf(question))
        .then(each(question, None))
        .text(") AS o JOIN marketplace.jobs AS j ON j.id = o.id WHERE true")
        .then(own_beyond(question, after))
        .text(end)
        .text(what.limit())
}

/// One's own within a window.
pub(super) fn own_newest(question: &Question<'_>, window: Window, what: What) -> Composed {
    // Drafts are public since never: the time of making stands for it.
    let top = window.top.map(|(at, id)| {
        Composed::new(" AND (coalesce(j.published_at, j.created_at), j.id) < (")
            .value(at)
            .text(", ")
            .value(id)
            .text(")")
    });
    let floor = window.floor.map(|(at, id)| {
        Composed::new(" AND (coalesce(j.published_at, j.created_at), j.id) >= (")
            .value(at)
            .text(", ")
            .value(id)
            .text(")")
    });
    let columns = match what {
        What::Window | What::Made => {
            Composed::new("SELECT j.id, coalesce(j.published_at, j.created_at) AS published_at, j.ctid AS at")
        }
        what => what.columns(question),
    };
    let asked = columns.then(on_shelf(question)).then(each(question, None));
    let asked = [top, floor].into_iter().flatten().fold(asked, Composed::then);
    asked.text(" ORDER BY coalesce(j.published_at, j.created_at) DESC, j.id DESC").text(what.limit())
}

fn own_beyond(question: &Question<'_>, after: Option<Position<i64>>) -> Composed {
    let Some(Position { key, id }) = after else { return Composed::new("") };
    let at = || Instant::from_timestamp_micros(key).unwrap_or(NO_DEADLINE);
    let asked = match question.search.order {
        JobOrder::Newest | JobOrder::Relevance => Composed::new(" AND (o.place, o.id) < (").value(at()),
        JobOrder::Budget | JobOrder::Bids => Composed::new(" AND (o.place, o.id) < (").value(key),
        JobOrder::Deadline if key == NO_DEADLINE.timestamp_micros() => {
            return Composed::new(" AND (o.place, o.id) > ('infinity', ").value(id).text(")");
        }
        JobOrder::Deadline => Composed::new(" AND (o.place, o.id) > (").value(at()),
        JobOrder::Distance => {
            Composed::new(" AND (o.place, o.id) > (").value(i32::try_from(key).unwrap_or(i32::MAX))
        }
    };
    asked.text(", ").value(id).text(")")
}

fn on_shelf(question: &Question<'_>) -> Composed {
    let asked = match question.shelf {
        Some(Shelf::OfContractor(party)) => {
            Composed::new(" FROM marketplace.jobs AS j WHERE j.contractor_id = ").value(party.uuid())
        }
        Some(Shelf::OfHomeowner(party)) => {
            Composed::new(" FROM marketplace.jobs AS j WHERE j.homeowner_id = ").value(party.uuid())
        }
        None => Composed::new(OPEN),
    };
    match question.search.status {
        Some(status) => asked.text(" AND j.status = ").value(JobStatus::as_str(status).to_owned()),
        None => asked,
    }
}

/// What was found, each with its score. The parts of a score: all words as they stand, and in the title; the words that it has, by where they stand; the
/// trade and the skill that they mean; how new it is. The first is worth more than all others together. The rows are read again by where they lie, which
/// cannot have changed within a statement: to look up their ids would take longer than to reckon the scores.
pub(super) fn scored(asked: &Asked, as_of: Instant, found: Composed) -> Composed {
    let or_nothing = |tags: &str| if tags.is_empty() { NO_WORD.to_owned() } else { tags.to_owned() };
    let query = |text: String| Composed::new("(SELECT to_tsquery('english', ").value(text).text("))");
    Composed::new("SELECT f.id, f.published_at, (1000000 * (CASE WHEN ts_match_vq(j.words, ")
        .then(query(asked.literal.clone()))
        .text(") THEN CASE WHEN ts_match_vq(ts_filter(j.words, '{a}'), ")
        .then(query(asked.literal.clone()))
        .text(") THEN 5 ELSE 4 END ELSE 0 END + least(1, 2 * ts_rank('{0.1, 0.3, 0.6, 1.0}', j.words, ")
        .then(query(or_nothing(&asked.any)))
        .text(", 1)) + CASE WHEN ts_match_vq(j.words, ")
        .then(query(or_nothing(&asked.trades)))
        .text(") THEN float8 '0.4' ELSE 0 END + CASE WHEN ts_match_vq(j.words, ")
        .then(query(or_nothing(&asked.skills)))
        .text(") THEN float8 '0.4' ELSE 0 END + float8 '0.2' * exp(-greatest(0, date_part('epoch', ")
        .value(as_of)
        .text(" - f.published_at)) / 2592000)))::bigint FROM (")
        .then(found)
        .text(") AS f JOIN marketplace.jobs AS j ON j.ctid = f.at")
}

/// The cards of these jobs, in no order.
pub(super) fn cards(question: &Question<'_>, ids: &[Uuid]) -> Composed {
    Composed::new(CARD)
        .then(metres(question))
        .text(", NULL::bigint FROM marketplace.jobs AS j WHERE j.id = ANY (")
        .value(database::hot::for_any(ids))
        .text(")")
}

/// A score as it is shown.
pub(super) fn score(millionths: i64) -> f64 {
    f64::from(i32::try_from(millionths).unwrap_or(i32::MAX)) / MILLIONTHS
}

/// How far a job's public point is from the place.
fn metres(question: &Question<'_>) -> Composed {
    match question.search.circle {
        Some(circle) => Composed::new("marketplace.metres_between(j.public_latitude, j.public_longitude, ")
            .value(circle.centre.lat())
            .text(", ")
            .value(circle.centre.lng())
            .text(")"),
        None => Composed::new("NULL::integer"),
    }
}

/// ` AND …`.
fn of_trade(question: &Question<'_>) -> Composed {
    match question.search.category {
        Some(category) => Composed::new(" AND j.category = ").value(category.as_str().to_owned()),
        None => Composed::new(""),
    }
}

/// ` AND …`.
fn posted_since(question: &Question<'_>) -> Composed {
    match question.search.posted_since {
        Some(since) => Composed::new(" AND j.published_at >= ").value(since),
        None => Composed::new(""),
    }
}

/// ` AND …`: all that is asked of a job, looking at it alone, but for what was walked along with in this order.
fn each(question: &Question<'_>, walked: Option<JobOrder>) -> Composed {
    let mut asked = Composed::new("");
    let words = words_and_skills(question);
    if !words.is_empty() {
        let words: Vec<String> = words.into_iter().map(|thing| format!("({thing})")).collect();
        asked = asked
            .text(" AND ts_match_vq(j.words, (SELECT to_tsquery('english', ")
            .value(words.join(" & "))
            .text(")))");
    }
    let is_walked = walked == Some(JobOrder::Newest);
    if !is_walked {
        asked = asked.then(of_trade(question)).then(posted_since(question));
    }
    if !question.search.urgency.is_empty() {
        let words: Vec<String> =
            question.search.urgency.iter().map(|urgency| urgency.as_str().to_owned()).collect();
        asked = asked.text(" AND j.urgency = ANY (").value(words).text(")");
    }
    asked.then(each_but_words(question))
}

/// The same without what the index of words and tags has answered.
fn each_but_words(question: &Question<'_>) -> Composed {
    let mut asked = Composed::new("");
    if let Some(currency) = question.search.currency {
        asked = asked.text(" AND j.currency = ").value(currency.code().to_owned());
    }
    if let Some(least) = question.search.budget.min() {
        asked = asked.text(" AND coalesce(j.budget_max, j.budget_min) >= ").value(least);
    }
    if let Some(most) = question.search.budget.max() {
        asked = asked.text(" AND coalesce(j.budget_min, j.budget_max) <= ").value(most);
    }
    if let Some(circle) = question.search.circle {
        asked = asked.text(" AND ").then(metres(question)).text(" <= ").value(circle.metres);
    }
    asked
}

/// What is asked in words, thing by thing.
fn words_and_skills(question: &Question<'_>) -> Vec<String> {
    let words = question.asked.iter().flat_map(|asked| asked.matching.clone());
    words.chain(question.search.skills.as_slice().iter().map(|skill| skill_tag(skill))).collect()
}

/// ` AND …`: what the index of words and tags is asked for, thing by thing. For conditions of their own the index leaps from one's next entry to the
/// other's; within one query it looks at every entry of the rarest word, from the oldest job on: five to fifteen times as long.
fn in_index(question: &Question<'_>, latest: &Latest) -> Composed {
    let any = |tags: Vec<String>| tags.join(" | ");
    let trade = question.search.category.map(Category::as_str);
    let (place, trade) = match &question.guess.squares {
        // A trade's jobs in a square have a tag of their own.
        Some(Squares::Blocks(blocks)) => {
            (Some(any(blocks.iter().map(|block| block_tag(trade, *block)).collect())), None)
        }
        Some(Squares::Cells(cells)) => (Some(any(cells.iter().map(|cell| cell_tag(*cell)).collect())), trade),
        None => (None, trade),
    };
    let urgency = &question.search.urgency;
    let urgency = (!urgency.is_empty()).then(|| any(urgency.iter().map(|one| urgency_tag(*one)).collect()));
    let times = (!latest.tags.is_empty()).then(|| any(latest.tags.clone()));
    // The first leads: what is behind it leaps to where it begins, and words that nothing has are not looked for from the oldest job on.
    let before = [times, place, trade.map(trade_tag)].into_iter().flatten();
    let asked = before.chain(words_and_skills(question)).chain(urgency);
    let asked = asked.fold(Composed::new(""), |asked, tags| {
        asked.text(" AND j.words @@ (SELECT to_tsquery('english', ").value(tags).text("))")
    });
    question.guess.money.tags().fold(asked, |asked, tags| {
        asked
            .text(" AND marketplace.money_tags(j.budget_min, j.budget_max, j.currency) && ")
            .value(tags.to_vec())
            .text("::text[]")
    })
}
