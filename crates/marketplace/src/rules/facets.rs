//! What is counted of the matches of a search.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::{BudgetBand, Count, Facet, Facets};

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
    use super::*;

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
}
