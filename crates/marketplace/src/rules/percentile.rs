//! What so many percent of prices lie below, for the bids of one job as for the whole market.
//!
//! A percentile lies between two prices in proportion (type 7 of Hyndman and Fan, “Sample Quantiles in Statistical Packages”, The American
//! Statistician 50, 1996; Postgres' `percentile_cont`), in whole minor units, a half rounded up.

/// The percentile of amounts in ascending order; none without any.
#[must_use]
pub(super) fn percentile(sorted: &[i64], percent: u8) -> Option<i64> {
    let steps = sorted.len().checked_sub(1)? * usize::from(percent);
    let below = sorted.get(steps / 100).copied()?;
    let above = sorted.get(steps / 100 + 1).copied().unwrap_or(below);
    let share = i128::try_from(steps % 100).ok()?;
    let between = divided((i128::from(above) - i128::from(below)) * share, 100);
    i64::try_from(i128::from(below) + between).ok()
}

/// A quotient in whole numbers, a half rounded up.
pub(super) fn divided(amount: i128, by: i128) -> i128 {
    (2 * amount + by).div_euclid(2 * by)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_lie_between_the_closest_ranks() {
        let amounts = [10, 20, 30, 40, 50];
        for (percent, expected) in [(0, 10), (10, 14), (25, 20), (50, 30), (75, 40), (90, 46), (100, 50)] {
            assert_eq!(percentile(&amounts, percent), Some(expected), "{percent}");
        }
        assert_eq!(percentile(&[7], 90), Some(7));
        assert_eq!(percentile(&[i64::MIN, i64::MAX], 50), Some(0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_half_is_rounded_up() {
        for (amounts, percent, expected) in
            [([1, 2], 50, 2), ([1, 2], 49, 1), ([-2, -1], 50, -1), ([10, 13], 50, 12)]
        {
            assert_eq!(percentile(&amounts, percent), Some(expected), "{percent} of {amounts:?}");
        }
    }

    proptest! {
        #[test]
        fn more_percent_are_never_less(mut amounts in prop::collection::vec(0_i64..100_000_000, 1..50)) {
            amounts.sort_unstable();
            let line: Vec<_> = (0..=100).map(|percent| percentile(&amounts, percent)).collect();
            prop_assert!(line.is_sorted());
            prop_assert_eq!((line[0], line[100]), (amounts.first().copied(), amounts.last().copied()));
        }
    }
}
