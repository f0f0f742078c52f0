//! What reviews come to.

use kernel::{PartyId, Role};

use crate::model::{OpenReview, RatingSummary};
use crate::settings::Settings;

/// Sums over somebody's published reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RatingSums {
    /// How many.
    pub reviews: i32,
    /// Stars overall.
    pub rating: i64,
    /// Stars for quality.
    pub quality: i64,
    /// Stars for timeliness.
    pub timeliness: i64,
    /// Stars for communication.
    pub communication: i64,
}

/// Count, means and the Bayesian mean, `(w · m + Σ rating) / (w + n)` with the settings' prior mean m and weight w: somebody
/// with one five-star review does not rank above somebody with forty of 4.9.
#[must_use]
pub fn summarise(settings: &Settings, sums: RatingSums) -> RatingSummary {
    let count = i64::from(sums.reviews);
    let mean = |sum: i64| (count > 0).then(|| hundredths(sum * 100, count));
    let weight = i64::from(settings.rating_prior_weight);
    let prior = weight * i64::from(settings.rating_prior_mean);
    let bayesian_mean = match weight + count {
        0 => hundredths(i64::from(settings.rating_prior_mean), 1),
        total => hundredths(prior + sums.rating * 100, total),
    };
    RatingSummary {
        count: sums.reviews,
        mean: mean(sums.rating),
        bayesian_mean,
        quality: mean(sums.quality),
        timeliness: mean(sums.timeliness),
        communication: mean(sums.communication),
    }
}

/// `sum` hundredths over `count`, to two places, a half rounded up.
fn hundredths(sum: i64, count: i64) -> f64 {
    let rounded = (2 * sum + count).div_euclid(2 * count);
    i32::try_from(rounded).map_or(f64::MAX, f64::from) / 100.0
}

/// For one side of a finished contract: what it was in it, and whom it reviews. None for strangers.
#[must_use]
pub fn review_sides(window: &OpenReview, author: PartyId) -> Option<(Role, PartyId)> {
    if author == window.homeowner {
        Some((Role::Homeowner, window.contractor))
    } else if author == window.contractor {
        Some((Role::Contractor, window.homeowner))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums(reviews: i32, rating: i64) -> RatingSums {
        RatingSums { reviews, rating, quality: rating, timeliness: rating, communication: rating }
    }

    #[test]
    fn means_have_two_places_and_none_without_reviews() {
        let settings = Settings::default();
        for (reviews, rating, mean, bayesian) in [
            (0, 0, None, 4.0),
            (1, 5, Some(5.0), 4.17),
            (3, 14, Some(4.67), 4.25),
            (40, 196, Some(4.9), 4.8),
            (3, 3, Some(1.0), 2.88),
        ] {
            let summary = summarise(&settings, sums(reviews, rating));
            assert_eq!((summary.mean, summary.bayesian_mean), (mean, bayesian), "{reviews} {rating}");
        }
        let no_prior = Settings { rating_prior_weight: 0, ..settings };
        assert_eq!(summarise(&no_prior, sums(0, 0)).bayesian_mean, 4.0);
    }

    proptest! {
        #[test]
        fn the_bayesian_mean_lies_between_prior_and_mean(stars in prop::collection::vec(1_i64..=5, 1..200)) {
            let summary = summarise(&Settings::default(), sums(i32::try_from(stars.len()).unwrap(), stars.iter().sum()));
            let (mean, prior) = (summary.mean.unwrap(), 4.0);
            // Rounded to two places on their own, they may miss each other by one hundredth.
            prop_assert!(summary.bayesian_mean >= mean.min(prior) - 0.011 && summary.bayesian_mean <= mean.max(prior) + 0.011);
        }
    }
}
