//! Jobs in an order of merit, each with why.

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
#[derive(Debug, Clone, Copy, Default)]
pub struct TrendingFilter {
    /// Only those of this trade.
    pub category: Option<Category>,
}
