//! The numbers of the marketplace, each with its default.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::rules::market::Least;

/// What an operator may set for the marketplace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days from publishing to the bidding deadline when the owner names none.
    pub bidding_days_default: u16,
    /// The fewest hours from now to a bidding deadline.
    pub bidding_hours_min: u16,
    /// The most days from now to a bidding deadline.
    pub bidding_days_max: u16,
    /// Days after the bidding deadline within which the owner may still choose a bid.
    pub acceptance_days: u16,
    /// The lowest bid, in minor units of the job's currency.
    pub bid_amount_min: i64,
    /// The highest bid, in minor units of the job's currency.
    pub bid_amount_max: i64,
    /// The most days from now to the end of a bid's validity.
    pub bid_validity_days_max: u16,
    /// Days (of 24 hours) after a contract's end within which both sides may review.
    pub review_days: u16,
    /// Days (of 24 hours) after a review's publication within which whom it is about may reply.
    pub reply_days: u16,
    /// The most reviews that one person may report within 24 hours.
    pub review_reports_a_day: u16,
    /// The rating, in hundredths of a star, that somebody without reviews is taken to have: the Bayesian prior's mean.
    pub rating_prior_mean: u16,
    /// As many reviews as that prior weighs: with 5, five reviews count half.
    pub rating_prior_weight: u16,
    /// Days after which nobody's look at a job counts as interest any more, and its row goes.
    pub interest_days: u16,
    /// The fewest jobs that a figure which everybody sees is of.
    pub figure_jobs_min: u16,
    /// The fewest distinct people, on each side that it tells of, that such a figure is of.
    pub figure_people_min: u16,
    /// How many photographs and documents a job may have together.
    pub job_attachments_max: u16,
    /// How many a bid may have.
    pub bid_attachments_max: u16,
    /// How many bytes one of them may have as it comes (26,214,400 are 25 MiB).
    pub attachment_bytes_max: u64,
    /// How many million pixels a photograph may have as it comes. Each takes up to twelve bytes of memory while the photograph is drawn anew;
    /// a server draws one at a time.
    pub photo_megapixels_max: u16,
    /// The longest side, in pixels, with which photographs are kept.
    pub photo_side_max: u32,
    /// Hours after which a look at a job is worth half as much for what trends.
    pub trending_half_life_hours: u16,
    /// Jobs under way from which on a contractor is recommended less of what is to begin soon.
    pub busy_jobs: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bidding_days_default: 14,
            bidding_hours_min: 1,
            bidding_days_max: 90,
            acceptance_days: 14,
            bid_amount_min: 100,
            bid_amount_max: 100_000_000,
            bid_validity_days_max: 365,
            review_days: 14,
            reply_days: 28,
            review_reports_a_day: 10,
            rating_prior_mean: 400,
            rating_prior_weight: 5,
            interest_days: 14,
            figure_jobs_min: 5,
            figure_people_min: 5,
            job_attachments_max: 30,
            bid_attachments_max: 10,
            attachment_bytes_max: 25 * 1024 * 1024,
            photo_megapixels_max: 32,
            photo_side_max: 2_560,
            trending_half_life_hours: 48,
            busy_jobs: 5,
        }
    }
}

impl Settings {
    /// From publishing to a deadline that nobody named.
    #[must_use]
    pub fn bidding_default(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.bidding_days_default))
    }

    /// How long after the deadline a bid can still be chosen.
    #[must_use]
    pub fn acceptance(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.acceptance_days))
    }

    /// How long a look at a job is interest in it.
    #[must_use]
    pub fn interest(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.interest_days))
    }

    /// Of how much a figure has to be that everybody sees.
    #[must_use]
    pub fn figure_least(&self) -> Least {
        Least { jobs: self.figure_jobs_min, people: self.figure_people_min }
    }

    /// How long after a contract's end reviews are taken.
    #[must_use]
    pub fn review_window(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.review_days))
    }

    /// How long after a review's publication a reply is taken.
    #[must_use]
    pub fn reply_window(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.reply_days))
    }
}
