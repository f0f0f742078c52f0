//! How prices lie: percentiles, and which of them are far from all others.
//!
//! Far from the others is what lies outside Tukey's inner fences, one and a half times the distance of the quartiles below the lower or above
//! the upper one (J. W. Tukey, Exploratory Data Analysis, 1977, section 2D).

use super::percentile::{divided, percentile};
use crate::model::BidId;

/// From so many prices on the fences are drawn: of fewer, the quartiles are the prices themselves.
pub const OUTLIERS_FROM: usize = 5;

crate::model::words! {
    /// On which side of the others a price lies.
    Side {
        /// Below the lower fence.
        Low = "low",
        /// Above the upper fence.
        High = "high",
    }
}

/// How prices lie, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// The lowest.
    pub lowest: i64,
    /// The highest.
    pub highest: i64,
    /// Their mean, a half rounded up.
    pub mean: i64,
    /// A tenth lies below this.
    pub p10: i64,
    /// The lower quartile.
    pub p25: i64,
    /// The median.
    pub median: i64,
    /// The upper quartile.
    pub p75: i64,
    /// A tenth lies above this.
    pub p90: i64,
    /// Tukey's inner fences; none of fewer than [`OUTLIERS_FROM`].
    pub fences: Option<(i64, i64)>,
    /// What lies outside the fences.
    pub outliers: Vec<(BidId, i64, Side)>,
}

/// The spread of these prices, which are in ascending order; none without any.
#[must_use]
pub fn spread(prices: &[(BidId, i64)]) -> Option<Spread> {
    let amounts: Vec<i64> = prices.iter().map(|(_, amount)| *amount).collect();
    let (lowest, highest) = (*amounts.first()?, *amounts.last()?);
    let sum = amounts.iter().copied().map(i128::from).sum();
    let at = |percent| percentile(&amounts, percent);
    let (p25, p75) = (at(25)?, at(75)?);
    let fences = (amounts.len() >= OUTLIERS_FROM).then(|| {
        let reach = (p75 - p25) * 3;
        // No price is below nothing.
        (halved(2 * p25 - reach).max(0), halved(2 * p75 + reach))
    });
    let side = |amount: i64| match fences {
        Some((lower, _)) if amount < lower => Some(Side::Low),
        Some((_, upper)) if amount > upper => Some(Side::High),
        _ => None,
    };
    Some(Spread {
        count: amounts.len(),
        lowest,
        highest,
        mean: i64::try_from(divided(sum, i128::try_from(amounts.len()).ok()?)).ok()?,
        p10: at(10)?,
        p25,
        median: at(50)?,
        p75,
        p90: at(90)?,
        fences,
        outliers: prices.iter().filter_map(|(id, amount)| Some((*id, *amount, side(*amount)?))).collect(),
    })
}

/// A half is rounded up.
fn halved(amount: i64) -> i64 {
    (amount + 1).div_euclid(2)
}

#[cfg(test)]
mod tests {
    use kernel::TypedId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn of(amounts: &[i64]) -> Option<Spread> {
        let prices: Vec<_> =
            (1..).zip(amounts).map(|(n, amount)| (BidId::from_uuid(Uuid::from_u128(n)), *amount)).collect();
        spread(&prices)
    }

    #[test]
    fn percentiles_lie_between_prices_in_proportion() {
        for (amounts, [p10, p25, median, p75, p90], mean) in [
            (&[100][..], [100, 100, 100, 100, 100], 100),
            (&[100, 200], [110, 125, 150, 175, 190], 150),
            (&[100, 200, 300, 400, 500], [140, 200, 300, 400, 460], 300),
            (&[1, 2, 4], [1, 2, 2, 3, 4], 2),
            (&[10, 20, 30, 1_000], [13, 18, 25, 273, 709], 265),
        ] {
            let spread = of(amounts).unwrap();
            let found = [spread.p10, spread.p25, spread.median, spread.p75, spread.p90];
            assert_eq!((found, spread.mean), ([p10, p25, median, p75, p90], mean), "{amounts:?}");
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn outliers_lie_outside_the_fences_of_five_or_more() {
        let sides = |amounts: &[i64]| -> Vec<(i64, Side)> {
            of(amounts).unwrap().outliers.iter().map(|(_, amount, side)| (*amount, *side)).collect()
        };
        assert_eq!(sides(&[10, 20, 30, 1_000]), [], "four are too few");
        // Quartiles 100 and 120: fences at 70 and 150.
        let fenced = |low, high| vec![low, 100, 110, 120, high];
        assert_eq!(of(&fenced(100, 120)).unwrap().fences, Some((70, 150)));
        assert_eq!(sides(&fenced(70, 150)), []);
        assert_eq!(sides(&fenced(69, 151)), [(69, Side::Low), (151, Side::High)]);
        assert_eq!(of(&[10, 20, 300, 400, 500]).unwrap().fences, Some((0, 970)), "no price is below nothing");
    }

    proptest! {
        #[test]
        fn percentiles_are_in_order_and_within_the_prices(mut amounts in prop::collection::vec(1_i64..100_000_000, 1..200)) {
            amounts.sort_unstable();
            let found = of(&amounts).unwrap();
            let line = [found.lowest, found.p10, found.p25, found.median, found.p75, found.p90, found.highest];
            prop_assert!(line.is_sorted(), "{line:?}");
            prop_assert!((found.lowest..=found.highest).contains(&found.mean));
        }
    }
}
