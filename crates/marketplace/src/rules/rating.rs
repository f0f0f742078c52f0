//! What reviews come to.

use kernel::{PartyId, Role};

use crate::model::{OpenReview, Rank, RatingSummary};
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
    let mean = |sum: i64| mean_of(sum, sums.reviews).map(stars);
    let Rank { bayesian, .. } = rank(settings, sums);
    RatingSummary {
        count: sums.reviews,
        mean: mean(sums.rating),
        bayesian_mean: stars(bayesian),
        quality: mean(sums.quality),
        timeliness: mean(sums.timeliness),
        communication: mean(sums.communication),
    }
}

/// The same in hundredths of a star, as lists are ordered by it.
#[must_use]
pub fn rank(settings: &Settings, sums: RatingSums) -> Rank {
    let count = i64::from(sums.reviews);
    let weight = i64::from(settings.rating_prior_weight);
    let prior = weight * i64::from(settings.rating_prior_mean);
    let bayesian = match weight + count {
        0 => i32::from(settings.rating_prior_mean),
        total => divided(prior + sums.rating * 100, total),
    };
    Rank { reviews: sums.reviews, mean: mean_of(sums.rating, sums.reviews), bayesian }
}

/// Hundredths of a star as stars.
#[must_use]
pub fn stars(hundredths: i32) -> f64 {
    f64::from(hundredths) / 100.0
}

fn mean_of(sum: i64, reviews: i32) -> Option<i32> {
    (reviews > 0).then(|| divided(sum * 100, i64::from(reviews)))
}

/// `sum` over `count`, a half rounded up.
fn divided(sum: i64, count: i64) -> i32 {
    let rounded = (2 * sum + count).div_euclid(2 * count);
    i32::try_from(rounded).unwrap_or(i32::MAX)
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
