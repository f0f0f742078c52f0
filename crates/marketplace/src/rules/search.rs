//! How to look for jobs: a search has several ways through the indexes, all with the same answer, and its guess of how many match says which is
//! shortest.

mod latest;
#[cfg(test)]
mod tests;

use kernel::{Currency, Instant};

use crate::model::{Budget, Circle, Urgency};

use super::amounts::Money;
use super::places::{CELLS_A_DEGREE, squares_around};
use super::vocabulary::Vocabulary;
use super::words::{skill_tag, trade_tag};

pub(crate) use latest::Latest;

/// More squares than these are not walked one by one.
const CELLS_MAX: usize = 400;
/// A circle that touches more squares than these is asked for by the larger ones: for each match that the index of words and tags looks at, it goes
/// through all that are asked for.
const CELL_TAGS_MAX: usize = 9;
/// More larger squares than these are not asked for.
const BLOCK_TAGS_MAX: usize = 64;
/// More of them than these are not even counted together: a circle of 500 km touches hardly a thousand.
const BLOCKS_MAX: usize = 2_000;
/// The larger squares' edge is half a degree, as in `marketplace.block`.
const BLOCKS_A_DEGREE: u16 = 2;
/// Fewer open jobs than these are not worth thinking about.
const JOBS_MIN: f64 = 1_000.0;
/// To fetch a match that an index named costs as much as to look at so many that lie in order.
const FETCH: f64 = 4.0;
/// The next job of a trade costs as much as so many that lie next to each other.
const APART: f64 = 2.5;
/// To read an index's entry of the rarest thing asked for costs as much as to look at so many.
const ENTRY: f64 = 0.2;
/// To ask the index of words and tags at all costs as much as to look at so many.
const LOOKUP: f64 = 500.0;
/// What one more square costs.
const CELL: f64 = 10.0;
/// Squares that hold more jobs than these are not walked one by one: where none matches, all of them are looked at.
const CELLS_JOBS_MAX: f64 = 20_000.0;
/// Around a place, no more jobs than about these are looked at one by one for the nearest.
const RING_JOBS_MAX: f64 = 12_000.0;
/// As many times what is wanted are looked up by day, so that few searches have to look again.
const DAYS_SPARE: f64 = 1.3;
/// The part of the jobs that three hours hold where there are so many that it matters.
const STRETCH_SHARE: f64 = 0.005;
/// Of no more matches than these in all, those that are left are fetched at once.
const FEW_MATCHES: f64 = 400.0;

/// So many times as many as were found are too many to have been expected.
const SURPRISE: f64 = 5.0;

/// When fewer matches than these are expected, they are looked for in all times at once.
const HARDLY_ANY: f64 = 10.0;

/// A way to the matches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// Along an index in the order asked for, looking at each job.
    Walk,
    /// By the index of words and tags.
    Index(Latest),
    /// Square by square, each from its newest job on.
    Cells,
    /// All that lie about the place.
    Box,
}

/// How a walk went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Walked {
    /// Whether it went in the order of the newest.
    pub(crate) is_newest: bool,
    /// Jobs that it looked at.
    pub(crate) visited: usize,
    /// Those of them that match.
    pub(crate) found: usize,
}

impl Way {
    /// By the index, of all times.
    pub(crate) const INDEX: Self = Self::Index(Latest::ALL);
}

/// What is guessed of a search from how common its parts are.
#[derive(Debug, Clone)]
pub(crate) struct Guess {
    /// Open jobs.
    jobs: f64,
    /// The part of them that has the trade.
    trade: f64,
    /// The part that has the words, the skills, the urgency, the currency and the budget.
    rest: f64,
    /// The same, where words that are seldom apart had been taken for strangers to each other.
    rest_at_most: f64,
    /// The part that lies in the squares that the circle touches.
    place: f64,
    /// The same, as far as the index is asked for squares; none where they are too many.
    asked_place: Option<f64>,
    /// Whether a circle is asked for.
    is_around: bool,
    /// The part that was posted since then.
    time: f64,
    /// How common the rarest thing is that the index is asked for; none when it is asked for nothing.
    rarest: Option<f64>,
    /// The small squares that the circle touches; none without a circle, or when there are too many.
    pub(crate) cells: Option<Vec<i32>>,
    /// The squares by which the index of words and tags is asked for the place; none when there are too many of either size.
    pub(crate) squares: Option<Squares>,
    /// What the index is asked for the currency and the budget.
    pub(crate) money: Money,
    /// The stretches of time since then.
    since: Latest,
}

/// Squares that a circle touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Squares {
    /// Of a tenth of a degree.
    Cells(Vec<i32>),
    /// Of half a degree.
    Blocks(Vec<i32>),
}

/// What part of the jobs has some words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    /// As if words had nothing to do with each other.
    pub(crate) expected: f64,
    /// As many as it may be.
    pub(crate) at_most: f64,
}

impl Share {
    /// Of a single thing, which was counted.
    pub(crate) fn of_one(share: f64) -> Self {
        Self { expected: share, at_most: share }
    }

    /// How many times as many there may be as expected.
    fn together(self) -> f64 {
        (self.at_most / self.expected.max(f64::MIN_POSITIVE)).max(1.0)
    }
}

/// What is asked besides words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticked<'a> {
    pub(crate) trade: Option<&'a str>,
    pub(crate) skills: &'a [String],
    pub(crate) urgency: &'a [Urgency],
    pub(crate) currency: Option<Currency>,
    pub(crate) budget: Budget,
    pub(crate) circle: Option<Circle>,
    pub(crate) posted_since: Option<Instant>,
    /// Now.
    pub(crate) now: Instant,
}

impl Guess {
    /// How many jobs match of which this part has the words.
    pub(crate) fn new(vocabulary: &Vocabulary, words: Option<Share>, ticked: Ticked<'_>) -> Self {
        let trade = ticked.trade.map(|slug| vocabulary.tag_share(&trade_tag(slug)));
        let skills: Vec<f64> =
            ticked.skills.iter().map(|skill| vocabulary.tag_share(&skill_tag(skill))).collect();
        let of_urgency = |urgency: &Urgency| vocabulary.tag_share(&urgency_tag(*urgency));
        let urgency =
            (!ticked.urgency.is_empty()).then(|| ticked.urgency.iter().map(of_urgency).sum::<f64>());
        let cells = ticked.circle.and_then(|circle| squares_around(circle, CELLS_A_DEGREE, CELLS_MAX));
        let squares = ticked.circle.and_then(|circle| Squares::around(circle, cells.as_deref()));
        let asked_place = squares.as_ref().map(|squares| squares.share(vocabulary));
        let place = asked_place.or_else(|| Some(Squares::wide(ticked.circle?)?.share(vocabulary)));
        // Most jobs of a trade may be such as speak of these words, or of the words such as are of this trade.
        let together = match (words, trade) {
            (Some(words), Some(trade)) => {
                let at_most = (words.at_most.min(trade) / 2.0).max(words.at_most * trade);
                Share { expected: words.expected * trade, at_most }.together()
            }
            (words, _) => words.map_or(1.0, Share::together),
        };
        let asked = words
            .map(|words| words.expected)
            .into_iter()
            .chain(skills)
            .chain(urgency)
            .map(|share| share.min(1.0));
        let asked: Vec<f64> = asked.collect();
        let since = Latest::ALL.asked_for(ticked.posted_since, ticked.now);
        let time = ticked.posted_since.map(|since| vocabulary.published_share(since, ticked.now).min(1.0));
        let of_time = time.filter(|_| since != Latest::ALL);
        let others = asked.iter().copied().chain(trade).chain(asked_place).chain(of_time).reduce(f64::min);
        let money = Money::of(ticked.currency, ticked.budget, vocabulary);
        let rest = asked.iter().product::<f64>() * money.share;
        let money = if others.is_some() { money.beside_others() } else { money };
        let rarest = others.into_iter().chain(money.rarest()).reduce(f64::min);
        let jobs = vocabulary.jobs().max(JOBS_MIN);
        Self {
            jobs,
            trade: trade.unwrap_or(1.0),
            rest,
            rest_at_most: rest * together,
            place: place.unwrap_or(1.0),
            asked_place,
            is_around: ticked.circle.is_some(),
            time: time.unwrap_or(1.0),
            rarest,
            cells,
            squares,
            money,
            since,
        }
    }

    /// How many match, whenever they were posted.
    pub(crate) fn matches(&self) -> f64 {
        self.jobs * self.trade * self.rest * self.place
    }

    /// How many the index names of them: by far more, where the place is too wide to be asked for.
    fn named(&self) -> f64 {
        self.jobs * self.trade * self.rest * self.asked_place.unwrap_or(1.0)
    }

    /// What it costs to fetch all that lie about a place that is too wide to be asked for by squares.
    fn wide(&self) -> Option<f64> {
        let is_wide = self.is_around && self.asked_place.is_none();
        is_wide.then_some(LOOKUP + self.jobs * self.place * FETCH)
    }

    /// What it costs to look along the index of the newest until so many are found; that index is of the trade when there is one.
    fn walked(&self, wanted: f64) -> f64 {
        let all = self.jobs * self.trade * self.time;
        let looked_at = (wanted / (self.rest * self.place).max(f64::MIN_POSITIVE)).min(all);
        // Jobs of one trade lie apart.
        if self.trade < 1.0 { looked_at * APART } else { looked_at }
    }

    /// What it costs to look along the index of another order, where trades and times are mixed.
    fn walked_in_order(&self, wanted: f64) -> f64 {
        let share = self.trade * self.rest * self.place * self.time;
        (wanted / share.max(f64::MIN_POSITIVE)).min(self.jobs)
    }

    /// What it costs to look at the jobs around a place, ring by ring.
    fn walked_around(&self, wanted: f64) -> f64 {
        let share = self.trade * self.rest * self.time;
        (wanted / share.max(f64::MIN_POSITIVE)).min(self.jobs * self.place)
    }

    /// What it costs to ask the index, and to read all its entries of the rarest thing.
    fn entries(&self) -> Option<(f64, f64)> {
        // A square is a word of the index, too.
        let squares = self.squares.as_ref().map_or(0.0, |squares| float(squares.count()) * CELL);
        self.rarest.map(|rarest| (LOOKUP + squares, self.jobs * rarest * ENTRY))
    }

    /// The way to so many of the newest.
    pub(crate) fn newest(&self, wanted: usize) -> Way {
        let part = self.part_with(wanted).clamp(STRETCH_SHARE, 1.0);
        let wanted = float(wanted);
        let walk = self.walked(wanted);
        // Of the latest stretches only, but of those all that match.
        let held = (wanted * DAYS_SPARE / self.matches().max(f64::MIN_POSITIVE)).clamp(STRETCH_SHARE, 1.0);
        let fetched = self.named() * held;
        let index = self.entries().map(|(ask, entries)| ask + entries * part + fetched * FETCH);
        let in_place = self.jobs * self.place;
        let cells = self.cells.as_ref().filter(|_| in_place <= CELLS_JOBS_MAX).map(|cells| {
            let others = (self.trade * self.rest).max(f64::MIN_POSITIVE);
            float(cells.len()) * CELL + (float(cells.len()) * wanted / others).min(in_place)
        });
        let shortest = index.map_or(walk, |index| index.min(walk));
        match (index, cells) {
            _ if self.wide().is_some_and(|about| about < shortest) => Way::Box,
            (_, Some(cells)) if cells <= shortest => Way::Cells,
            (Some(index), _) if index < walk => Way::INDEX,
            _ => Way::Walk,
        }
    }

    /// What part of the jobs, the newest, holds somewhat more than so many of the matches. When in doubt it is too small: to look once more costs
    /// little where there is little, to fetch ten times too many costs ten times as much.
    pub(crate) fn part_with(&self, wanted: usize) -> f64 {
        if self.matches() < HARDLY_ANY {
            return 1.0;
        }
        let at_most = self.jobs * self.trade * self.rest_at_most * self.place;
        float(wanted) * DAYS_SPARE / at_most.max(f64::MIN_POSITIVE)
    }

    /// What part of the jobs so many are.
    pub(crate) fn part_of(&self, jobs: usize) -> f64 {
        (float(jobs) / self.jobs).min(1.0)
    }

    /// The shortest way to so many after a walk that found too few, and has not come to its end: on and on, by the index of words and tags, or all about the
    /// place. In the order of the newest the index is asked stretch by stretch.
    pub(crate) fn after_walk(&self, wanted: usize, walked: Walked) -> Way {
        let wanted = float(wanted);
        let share = float(walked.found.max(1)) / float(walked.visited.max(1));
        let on = (wanted / share).min(self.jobs);
        // What does not lie about the place is what is rarer than it would be everywhere.
        let place = (share / (self.trade * self.rest * self.time).max(f64::MIN_POSITIVE)).min(1.0);
        let about = self.is_around.then_some(self.jobs * place * FETCH);
        let (part, time) =
            if walked.is_newest { ((wanted / (share * self.jobs)).min(1.0), 1.0) } else { (1.0, self.time) };
        let fetched = self.named() * time * FETCH;
        let index = self.entries().map(|(ask, entries)| ask + (entries + fetched) * part);
        match (index, about) {
            (Some(index), about) if index < about.unwrap_or(on).min(on) => self.by_index(),
            (_, Some(about)) if about < on => Way::Box,
            _ => Way::Walk,
        }
    }

    /// The way to the first so many in an order that has an index of its own.
    pub(crate) fn sorted(&self, wanted: usize) -> Way {
        let walk = self.walked_in_order(float(wanted));
        let index = self.fetched_at_once();
        let shortest = index.map_or(walk, |index| index.min(walk));
        match index {
            _ if self.wide().is_some_and(|about| about < shortest) => Way::Box,
            Some(index) if index < walk => self.by_index(),
            _ => Way::Walk,
        }
    }

    /// The way to the nearest so many.
    pub(crate) fn nearest(&self, wanted: usize) -> Way {
        let rings = self.walked_around(float(wanted));
        let is_shorter = self.fetched_at_once().is_some_and(|index| index < rings);
        if is_shorter { self.by_index() } else { Way::Walk }
    }

    /// What it costs to ask the index and to fetch all that it names.
    fn fetched_at_once(&self) -> Option<f64> {
        let named = self.named() * self.time;
        self.entries().map(|(ask, entries)| ask + entries + named * FETCH)
    }

    fn by_index(&self) -> Way {
        Way::Index(self.since.clone())
    }

    /// The way to the nearest within so many metres, when there were too few nearer by, of a circle so wide.
    pub(crate) fn nearest_within(&self, metres: i32, circle: Circle) -> Way {
        let part = f64::from(metres) / f64::from(circle.metres.max(1));
        let all = self.jobs * self.place;
        let is_long = all * part * part > RING_JOBS_MAX;
        let is_shorter = self.fetched_at_once().is_some_and(|index| index < all * FETCH);
        if is_long && is_shorter { self.by_index() } else { Way::Walk }
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How many times as much is to be looked through for so many as where so many were found. From a little that was found little is to be learnt, and
/// to look through ten times as much once more costs less than to fetch ten times too many.
fn more_by(wanted: usize, found: usize) -> f64 {
    (float(wanted) * DAYS_SPARE / float(found.max(1))).clamp(2.0, 10.0)
}

/// What part of the jobs is to be looked through next for so many, when so many were found in this part: all that is left when it can hardly hold
/// many. Where far more were `expected`, it is rather the part that held less than it was taken to, as after a quiet night.
pub(crate) fn further(wanted: usize, found: usize, part: f64, expected: f64) -> f64 {
    let in_all = float(found.max(1)) / part.max(f64::MIN_POSITIVE);
    let is_as_expected = expected < SURPRISE * float(found.max(1));
    if in_all <= FEW_MATCHES && is_as_expected { 1.0 } else { part * (more_by(wanted, found) - 1.0) }
}

pub(crate) fn cell_tag(cell: i32) -> String {
    format!("cell1{cell}")
}

/// The tag of a larger square, or of a trade's jobs in it.
pub(crate) fn block_tag(trade: Option<&str>, block: i32) -> String {
    let trade: String = trade.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("block1{trade}{block}")
}

pub(crate) fn urgency_tag(urgency: Urgency) -> String {
    format!("urgency1{urgency}")
}

impl Squares {
    /// The small ones while they are few.
    fn around(circle: Circle, cells: Option<&[i32]>) -> Option<Self> {
        match cells {
            Some(cells) if cells.len() <= CELL_TAGS_MAX => Some(Self::Cells(cells.to_vec())),
            _ => squares_around(circle, BLOCKS_A_DEGREE, CELLS_MAX)
                .filter(|blocks| blocks.len() <= BLOCK_TAGS_MAX)
                .map(Self::Blocks),
        }
    }

    /// For what they hold together.
    fn wide(circle: Circle) -> Option<Self> {
        squares_around(circle, BLOCKS_A_DEGREE, BLOCKS_MAX).map(Self::Blocks)
    }

    fn count(&self) -> usize {
        match self {
            Self::Cells(squares) | Self::Blocks(squares) => squares.len(),
        }
    }

    /// The part of the jobs that lies in them.
    fn share(&self, vocabulary: &Vocabulary) -> f64 {
        let tags: Vec<String> = match self {
            Self::Cells(cells) => cells.iter().map(|cell| cell_tag(*cell)).collect(),
            Self::Blocks(blocks) => blocks.iter().map(|block| block_tag(None, *block)).collect(),
        };
        tags.iter().map(|tag| vocabulary.met_share(tag)).sum()
    }
}
