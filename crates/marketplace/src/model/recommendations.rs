//! Jobs in an order of merit, each with why.

use kernel::Faults;

use super::directory::{Circle, circle};
use super::{Category, JobCard};
use crate::rules::reasons::Score;

/// A job with its score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredJob {
    /// The job.
    pub job: JobCard,
    /// How far it is, in kilometres from one public point to the other; none when that is not known or plays no part.
    pub km: Option<f64>,
    /// How well it fits, and why.
    pub score: Score,
}

/// Which jobs that many look at are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrendingFilter {
    /// Only those of this trade.
    pub category: Option<Category>,
    /// Only those whose public point lies in it.
    pub circle: Option<Circle>,
}

impl TrendingFilter {
    /// Of a trade, and around a place: degrees north and east, and kilometres.
    ///
    /// # Errors
    /// Every fault, at `/category`, `/lat`, `/lng` and `/radius`.
    pub fn new(
        category: Option<&str>,
        place: (Option<f64>, Option<f64>, Option<i64>),
    ) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let category = category.and_then(|slug| faults.take("/category", Category::new(slug)));
        let circle = circle(place, &mut faults);
        faults.or(|| Self { category, circle })
    }
}
