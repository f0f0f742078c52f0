//! How to look for jobs: a search has several ways through the indexes, all with the same answer, and its guess of how many match says which is
//! shortest. And what is counted of the matches.

use std::collections::HashMap;
use std::hash::Hash;

use chrono::Datelike as _;
use kernel::Instant;

use crate::model::{BudgetBand, Circle, Count, Facet, Facets, Urgency};

use super::places::bounds_around;
use super::vocabulary::Vocabulary;
use super::words::{skill_tag, trade_tag};

/// More squares than these are not listed one by one.
const CELLS_MAX: usize = 400;
/// Fewer open jobs than these are not worth thinking about.
const JOBS_MIN: f64 = 1_000.0;
/// To fetch a match that an index named costs as much as to look at so many that lie in order.
const FETCH: f64 = 2.5;
/// To read an index's entry of the rarest thing asked for costs as much as to look at so many.
const ENTRY: f64 = 0.3;
/// What one more square costs.
const CELL: f64 = 2.0;
/// As many times what is wanted are looked up by month, so that few searches have to look again.
const MONTHS_SPARE: f64 = 3.0;
/// Further back than this nobody looks month by month.
const MONTHS_MAX: i32 = 36;
/// What part of the jobs one end of a budget leaves.
const BUDGET_END_SHARE: f64 = 0.5;

/// A way to the matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// Along an index in the order asked for, looking at each job.
    Walk,
    /// By the index of words and tags; of these months only when some are named.
    Index {
        /// The months, the latest first.
        months: Vec<i32>,
    },
    /// Square by square, each from its newest job on.
    Cells,
}

impl Way {
    /// By the index, of all months.
    pub(crate) const INDEX: Self = Self::Index { months: Vec::new() };
}

/// What is guessed of a search from how common its parts are.
#[derive(Debug, Clone)]
pub(crate) struct Guess {
    /// Open jobs.
    jobs: f64,
    /// The part of them that has the trade.
    trade: f64,
    /// The part that has the words, the skills, the urgency and the budget.
    rest: f64,
    /// The part that lies in the squares that the circle touches.
    place: f64,
    /// How common the rarest thing is that the index is asked for; none when it is asked for nothing.
    rarest: Option<f64>,
    /// The squares that the circle touches; none without a circle, or when there are too many.
    pub(crate) cells: Option<Vec<i32>>,
}

/// What is asked besides words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticked<'a> {
    pub(crate) trade: Option<&'a str>,
    pub(crate) skills: &'a [String],
    pub(crate) urgency: &'a [Urgency],
    pub(crate) budget_ends: i32,
    pub(crate) circle: Option<Circle>,
}

impl Guess {
    /// How many jobs match of which this part has the words.
    pub(crate) fn new(vocabulary: &Vocabulary, words: Option<f64>, ticked: Ticked<'_>) -> Self {
        let trade = ticked.trade.map(|slug| vocabulary.tag_share(&trade_tag(slug)));
        let skills: Vec<f64> =
            ticked.skills.iter().map(|skill| vocabulary.tag_share(&skill_tag(skill))).collect();
        let of_urgency = |urgency: &Urgency| vocabulary.tag_share(&urgency_tag(*urgency));
        let urgency =
            (!ticked.urgency.is_empty()).then(|| ticked.urgency.iter().map(of_urgency).sum::<f64>());
        let cells = ticked.circle.and_then(cells_around);
        let of_cell = |cell: &i32| vocabulary.cell_share(&cell_tag(*cell));
        let place = cells.as_ref().map(|cells| cells.iter().map(of_cell).sum::<f64>());
        let asked = words.into_iter().chain(skills).chain(urgency).map(|share| share.min(1.0));
        let asked: Vec<f64> = asked.collect();
        let rarest = asked.iter().copied().chain(trade).chain(place).reduce(f64::min);
        let rest = asked.iter().product::<f64>() * BUDGET_END_SHARE.powi(ticked.budget_ends);
        let jobs = vocabulary.jobs().max(JOBS_MIN);
        Self { jobs, trade: trade.unwrap_or(1.0), rest, place: place.unwrap_or(1.0), rarest, cells }
    }

    /// How many match.
    fn matches(&self) -> f64 {
        self.jobs * self.trade * self.rest * self.place
    }

    /// How many are looked at along an index until so many are found; that index is of the trade when there is one.
    fn walked(&self, wanted: f64) -> f64 {
        (wanted / (self.rest * self.place).max(f64::MIN_POSITIVE)).min(self.jobs * self.trade)
    }

    fn entries(&self) -> Option<f64> {
        // A square is a word of the index, too.
        let cells = self.cells.as_ref().map_or(0.0, |cells| float(cells.len()) * CELL);
        self.rarest.map(|rarest| cells + self.jobs * rarest * ENTRY)
    }

    /// The way to so many of the newest.
    pub(crate) fn newest(&self, wanted: usize) -> Way {
        let wanted = float(wanted);
        let walk = self.walked(wanted);
        let index = self.entries().map(|entries| entries + self.matches().min(wanted * MONTHS_SPARE) * FETCH);
        let cells = self.cells.as_ref().map(|cells| {
            let in_place = self.jobs * self.place;
            let others = (self.trade * self.rest).max(f64::MIN_POSITIVE);
            float(cells.len()) * CELL + (float(cells.len()) * wanted / others).min(in_place)
        });
        match (index, cells) {
            (index, Some(cells)) if cells <= walk && index.is_none_or(|index| cells <= index) => Way::Cells,
            (Some(index), _) if index < walk => Way::INDEX,
            _ => Way::Walk,
        }
    }

    /// The latest months, from this one back, that hold more than so many of the matches; none when all of them are not much more, or even many
    /// months do not hold enough.
    pub(crate) fn months(&self, wanted: usize, from: i32, vocabulary: &Vocabulary) -> Vec<i32> {
        let (enough, matches) = (float(wanted) * MONTHS_SPARE, self.matches());
        if matches <= enough {
            return Vec::new();
        }
        let mut held = 0.0;
        let mut months = Vec::new();
        for month in (from - MONTHS_MAX..=from).rev() {
            months.push(month);
            held += matches * vocabulary.cell_share(&month_tag(month));
            if held >= enough {
                return months;
            }
        }
        Vec::new()
    }

    /// The way to the first so many in an order that has an index, or none.
    pub(crate) fn sorted(&self, wanted: usize, can_walk: bool) -> Way {
        let wanted = float(wanted);
        let index = self.entries().map(|entries| entries + self.matches() * FETCH);
        match index {
            Some(index) if !can_walk || index < self.walked(wanted) => Way::INDEX,
            _ => Way::Walk,
        }
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The months from one instant to another, the latest first; none when they are too many to be named.
pub(crate) fn months_between(from: Instant, to: i32) -> Vec<i32> {
    let from = month_of(from);
    if to - from > MONTHS_MAX { Vec::new() } else { (from..=to).rev().collect() }
}

/// A month of thirty days, counted from 1970 as `marketplace.month` counts them.
pub(crate) fn month_of(at: Instant) -> i32 {
    i32::try_from((i64::from(at.num_days_from_ce()) - 719_163).div_euclid(30)).unwrap_or(i32::MAX)
}

/// The instant with which a month begins.
pub(crate) fn month_start(month: i32) -> Instant {
    Instant::from_timestamp(i64::from(month) * 30 * 24 * 60 * 60, 0).unwrap_or(Instant::MIN_UTC)
}

pub(crate) fn month_tag(month: i32) -> String {
    format!("month1{month}")
}

pub(crate) fn cell_tag(cell: i32) -> String {
    format!("cell1{cell}")
}

pub(crate) fn urgency_tag(urgency: Urgency) -> String {
    format!("urgency1{urgency}")
}

/// The squares of a tenth of a degree that a circle touches, numbered as `marketplace.cell` numbers them; none when there are too many.
fn cells_around(circle: Circle) -> Option<Vec<i32>> {
    let (one, two) = bounds_around(circle);
    let mut cells = Vec::new();
    for bounds in std::iter::once(one).chain(two) {
        let rows = tenths(bounds.south, 90.0)..=tenths(bounds.north, 90.0);
        let columns = tenths(bounds.west, 180.0)..=tenths(bounds.east, 180.0).min(3_599);
        let count = rows.clone().count().checked_mul(columns.clone().count())?;
        if cells.len() + count > CELLS_MAX {
            return None;
        }
        cells.extend(rows.flat_map(|row| columns.clone().map(move |column| row * 3_600 + column)));
    }
    cells.sort_unstable();
    cells.dedup();
    Some(cells)
}

/// The number of whole tenths of a degree.
fn tenths(degrees: f64, from: f64) -> i32 {
    let tenths = (degrees + from) * 10.0;
    // There are 3,600 of them around the earth.
    let (mut low, mut high) = (0, 3_600);
    while low < high {
        let middle = (low + high + 1) / 2;
        if f64::from(middle) <= tenths {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// Where budgets are cut, in minor units: 250, 1,000, 5,000, 20,000 and 100,000 of a currency with cents.
const BANDS: [i64; 5] = [25_000, 100_000, 500_000, 2_000_000, 10_000_000];

/// The band that a budget's upper end is in.
pub(crate) fn budget_band(upper: Option<i64>) -> BudgetBand {
    let Some(upper) = upper else { return BudgetBand { min: None, below: None } };
    let below = BANDS.into_iter().find(|end| upper < *end);
    let min = BANDS.into_iter().rev().find(|end| upper >= *end).unwrap_or(0);
    BudgetBand { min: Some(min), below }
}

/// How many there are of each value, the most first.
pub(crate) fn facets<T: Clone + Eq + Hash + Ord>(values: impl Iterator<Item = T>) -> Facets<T> {
    let mut counts: HashMap<T, i64> = HashMap::new();
    let mut counted_over = 0;
    for value in values {
        counted_over += 1;
        *counts.entry(value).or_default() += 1;
    }
    let mut values: Vec<Facet<T>> = counts.into_iter().map(|(value, count)| Facet { value, count }).collect();
    values.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.value.cmp(&other.value)));
    Facets { counted_over, values }
}

/// The count of so many matches, of which no more than `most` were read, and one more when there was one.
pub(crate) fn count(read: usize, most: usize) -> Count {
    Count { count: i64::try_from(read.min(most)).unwrap_or(i64::MAX), at_least: read > most }
}

#[cfg(test)]
mod tests {
    use identity::geo::GeoPoint;
    use proptest::prelude::*;

    use super::*;

    fn million(counted: &[(&str, f64)]) -> Vocabulary {
        let counted: Vec<(String, f64)> =
            counted.iter().map(|(word, share)| ((*word).to_owned(), *share)).collect();
        Vocabulary::new(1_000_000.0, &counted)
    }

    const NOTHING: Ticked<'static> =
        Ticked { trade: None, skills: &[], urgency: &[], budget_ends: 0, circle: None };

    #[test]
    fn common_words_are_met_by_walking_and_rare_ones_looked_up() {
        let months: Vec<(String, f64)> = (600..=630).map(|month| (month_tag(month), 0.04)).collect();
        let months: Vec<(&str, f64)> = months.iter().map(|(tag, share)| (tag.as_str(), *share)).collect();
        let vocabulary = million(&months);
        let guess = |share: f64| Guess::new(&vocabulary, Some(share), NOTHING);
        assert_eq!(guess(0.274).newest(500), Way::Walk);
        assert_eq!(guess(0.074).newest(500), Way::Walk);
        assert_eq!(guess(0.02).newest(500), Way::Index { months: vec![] });
        assert_eq!(guess(0.000_6).newest(500), Way::Index { months: vec![] });
        assert_eq!(
            guess(0.02).months(500, 630, &vocabulary),
            [630, 629],
            "1,500 of the 20,000 are looked for"
        );
        assert!(guess(0.000_6).months(500, 630, &vocabulary).is_empty());
    }

    #[test]
    fn in_a_dense_city_the_squares_are_walked_and_rare_words_looked_up() {
        let circle = Circle { centre: GeoPoint::new(40.75, -73.95).unwrap(), metres: 25_000 };
        let cells = cells_around(circle).unwrap();
        assert!((25..=56).contains(&cells.len()), "{}", cells.len());
        let tags: Vec<String> = cells.iter().map(|cell| cell_tag(*cell)).collect();
        let share = 0.1 / f64::from(u32::try_from(cells.len()).unwrap());
        let dense = million(&tags.iter().map(|tag| (tag.as_str(), share)).collect::<Vec<_>>());
        let around = Ticked { circle: Some(circle), ..NOTHING };
        assert_eq!(Guess::new(&dense, None, around).newest(21), Way::Walk);
        let sparse = million(&[]);
        assert_eq!(Guess::new(&sparse, None, around).newest(21), Way::Cells);
        assert!(matches!(Guess::new(&dense, Some(0.000_6), around).newest(500), Way::Index { .. }));
        let far = Circle { metres: 500_000, ..circle };
        assert_eq!(cells_around(far), None);
    }

    #[test]
    fn months_are_counted_as_the_database_counts_them() {
        for (day, month) in [("1970-01-01", 0), ("1970-01-30", 0), ("1970-01-31", 1), ("2026-11-21", 692)] {
            let at: Instant = format!("{day}T12:00:00Z").parse().unwrap();
            assert_eq!(month_of(at), month, "{day}");
            assert!(month_start(month) <= at && month_start(month + 1) > at, "{day}");
        }
    }

    #[test]
    fn budgets_are_in_bands() {
        let band = |min, below| BudgetBand { min, below };
        assert_eq!(budget_band(None), band(None, None));
        assert_eq!(budget_band(Some(0)), band(Some(0), Some(25_000)));
        assert_eq!(budget_band(Some(25_000)), band(Some(25_000), Some(100_000)));
        assert_eq!(budget_band(Some(100_000_000)), band(Some(10_000_000), None));
    }

    #[test]
    fn facets_count_what_there_is_the_most_first() {
        let counted = facets(["b", "a", "c", "a", "b", "a"].into_iter());
        let found: Vec<_> = counted.values.iter().map(|facet| (facet.value, facet.count)).collect();
        assert_eq!((counted.counted_over, found), (6, vec![("a", 3), ("b", 2), ("c", 1)]));
        assert_eq!(count(1_000, 1_000), Count { count: 1_000, at_least: false });
        assert_eq!(count(1_001, 1_000), Count { count: 1_000, at_least: true });
    }

    proptest! {
        #[test]
        fn every_point_of_a_circle_is_in_one_of_its_squares(
            (lat, lng) in (-85.0_f64..=85.0, -180.0_f64..=180.0),
            (north, east) in (-0.5_f64..=0.5, -0.5_f64..=0.5),
        ) {
            let circle = Circle { centre: GeoPoint::new(lat, lng).unwrap(), metres: 20_000 };
            // Within 10 km in each direction.
            let lng = (lng + east * 0.17 / lat.to_radians().cos() + 540.0).rem_euclid(360.0) - 180.0;
            let lat = lat + north * 0.17;
            if let Some(cells) = cells_around(circle) {
                let cell = tenths(lat, 90.0) * 3_600 + tenths(lng, 180.0).min(3_599);
                prop_assert!(cells.contains(&cell), "{cell} {cells:?}");
            }
        }
    }
}
