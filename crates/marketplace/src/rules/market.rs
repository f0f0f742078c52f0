//! What is published of the market: how prices spread, and which groups are so small that they are withheld.
//!
//! Nothing that is published is a total of other things that are: each job stands in one figure of a kind at most. So no sum or
//! difference of answers comes to anything but whole figures, and each of those is of enough jobs and people.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use kernel::{Instant, PartyId};

use super::percentile::percentile;
use crate::model::Month;

/// Hours after the end of a month until its figures are made, so that what happened at its very end is in them.
const CLOSING_HOURS: i64 = 24;
/// Months that a price is judged by.
pub const MONTHS_POOLED: i32 = 12;

/// Of how much a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Least {
    /// Of how many jobs.
    pub jobs: u16,
    /// Of how many people on each side that it tells of.
    pub people: u16,
}

impl Least {
    /// Whether a figure of so many jobs and people may be seen.
    #[must_use]
    pub fn met(self, jobs: usize, people: usize) -> bool {
        jobs >= usize::from(self.jobs) && people >= usize::from(self.people)
    }
}

/// How the prices of awarded jobs spread, in minor units of one currency, to two significant digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketFigure {
    /// Of how many awarded jobs.
    pub jobs: i32,
    /// Of how many people at least: homeowners or contractors, whichever are fewer.
    pub people: i32,
    /// A tenth went for no more than this.
    pub p10: i64,
    /// A quarter went for no more than this.
    pub p25: i64,
    /// Half went for no more than this.
    pub median: i64,
    /// Three quarters went for no more than this.
    pub p75: i64,
    /// Nine tenths went for no more than this.
    pub p90: i64,
}

/// An awarded job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    /// Whose job.
    pub homeowner: PartyId,
    /// Who was chosen.
    pub contractor: PartyId,
    /// For how much.
    pub amount: i64,
}

/// A group that may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<T> {
    /// Its region; none for those together that are too small to stand alone.
    pub region: Option<String>,
    /// All regions that are in it; none among them is jobs without one.
    pub regions: BTreeSet<Option<String>>,
    /// What it is of.
    pub facts: Vec<T>,
}

/// Divides a country's facts into groups that may each be seen: a region alone where it is enough, all others together, and nothing of these where
/// even together they are too few. No group contains another, and there is no total.
pub fn partition<T>(
    facts: impl IntoIterator<Item = (Option<String>, T)>,
    is_enough: impl Fn(&[T]) -> bool,
) -> Vec<Cell<T>> {
    let mut by_region: BTreeMap<Option<String>, Vec<T>> = BTreeMap::new();
    for (region, fact) in facts {
        by_region.entry(region).or_default().push(fact);
    }
    let mut cells = Vec::new();
    let mut rest = Cell { region: None, regions: BTreeSet::new(), facts: Vec::new() };
    for (region, facts) in by_region {
        if region.is_some() && is_enough(&facts) {
            cells.push(Cell { regions: BTreeSet::from([region.clone()]), region, facts });
        } else {
            rest.regions.insert(region);
            rest.facts.extend(facts);
        }
    }
    if is_enough(&rest.facts) {
        cells.push(rest);
    }
    cells
}

/// Whether jobs of these homeowners are enough to be told of.
#[must_use]
pub fn is_enough_demand(least: Least, homeowners: &[PartyId]) -> bool {
    least.met(homeowners.len(), distinct(homeowners.iter().copied()))
}

/// Whether these awards are enough to be told of: by homeowners as by contractors.
#[must_use]
pub fn are_enough_sales(least: Least, sales: &[Sale]) -> bool {
    least.met(sales.len(), people(sales))
}

/// How prices spread; none without any.
#[must_use]
pub fn spread(sales: &[Sale]) -> Option<MarketFigure> {
    let mut amounts: Vec<i64> = sales.iter().map(|sale| sale.amount).collect();
    amounts.sort_unstable();
    let at = |percent| percentile(&amounts, percent).map(two_digits);
    Some(MarketFigure {
        jobs: count(sales.len()),
        people: count(people(sales)),
        p10: at(10)?,
        p25: at(25)?,
        median: at(50)?,
        p75: at(75)?,
        p90: at(90)?,
    })
}

/// One figure of several months': each percentile is the mean of the months' weighted by their jobs. It is made of what is published
/// alone, so it tells nothing that the months do not. None without any.
#[must_use]
pub fn pool(months: &[MarketFigure]) -> Option<MarketFigure> {
    let jobs: i64 = months.iter().map(|month| i64::from(month.jobs)).sum();
    let mean = |of: fn(&MarketFigure) -> i64| {
        let sum: i128 = months.iter().map(|month| i128::from(of(month)) * i128::from(month.jobs)).sum();
        i64::try_from(sum / i128::from(jobs)).map(two_digits).ok()
    };
    if jobs == 0 {
        return None;
    }
    Some(MarketFigure {
        jobs: i32::try_from(jobs).unwrap_or(i32::MAX),
        // Somebody may be in several months: there are no fewer than in one of them.
        people: months.iter().map(|month| month.people).max()?,
        p10: mean(|month| month.p10)?,
        p25: mean(|month| month.p25)?,
        median: mean(|month| month.median)?,
        p75: mean(|month| month.p75)?,
        p90: mean(|month| month.p90)?,
    })
}

/// To two significant digits, a half rounded up: a percentile of few amounts is one of them, and what a job went for is its parties' alone.
#[must_use]
pub fn two_digits(amount: i64) -> i64 {
    let mut unit: i64 = 1;
    while amount / unit >= 100 {
        unit *= 10;
    }
    amount.saturating_add(unit / 2) / unit * unit
}

/// Whether a month's figures can be made.
#[must_use]
pub fn has_closed(month: Month, now: Instant) -> bool {
    now >= month.next().starts_at() + chrono::TimeDelta::hours(CLOSING_HOURS)
}

/// People on the side that has fewer.
fn people(sales: &[Sale]) -> usize {
    let homeowners = distinct(sales.iter().map(|sale| sale.homeowner));
    homeowners.min(distinct(sales.iter().map(|sale| sale.contractor)))
}

fn distinct(people: impl Iterator<Item = PartyId>) -> usize {
    people.collect::<HashSet<_>>().len()
}

fn count(things: usize) -> i32 {
    i32::try_from(things).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
