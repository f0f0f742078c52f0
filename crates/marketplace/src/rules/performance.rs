//! What is told of how a contractor did, and when a milestone was on time.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use kernel::{Instant, PartyId};

use crate::model::{Measure, Pace, Performance, RatingSummary, Share};

/// The last place on earth at which a day ends is so many hours behind UTC. Contracts name days without a place.
const LAST_PLACE_HOURS: i64 = 12;

/// What one measure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Which measure.
    pub measure: Measure,
    /// Of how many things.
    pub things: i32,
    /// How many of them went well.
    pub good: i32,
    /// Half took no longer than this.
    pub median_seconds: Option<i64>,
}

/// Whether something was handed in before its due day was over everywhere on earth.
#[must_use]
pub fn is_on_time(due: NaiveDate, at: Instant) -> bool {
    let over =
        due.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN).and_utc();
    at < over.checked_add_signed(TimeDelta::hours(LAST_PLACE_HOURS)).unwrap_or(over)
}

/// What is told of a contractor: what these come to, which of nothing is nothing.
#[must_use]
pub fn performance(
    contractor: PartyId,
    is_own: bool,
    tallies: &[Tally],
    rating: RatingSummary,
) -> Performance {
    let of = |measure| tallies.iter().find(|tally| tally.measure == measure && tally.things > 0);
    let share = |measure| of(measure).map(|tally| Share { good: tally.good, of: tally.things });
    let response = of(Measure::Response)
        .and_then(|tally| Some(Pace { median_seconds: tally.median_seconds?, of: tally.things }));
    Performance {
        contractor,
        is_own,
        completion: share(Measure::Completion),
        punctuality: share(Measure::Punctuality),
        response,
        wins: share(Measure::Wins),
        rating,
    }
}

/// A share in whole percent, a half rounded up; of nothing it is nothing.
#[must_use]
pub fn percent(share: Share) -> i32 {
    if share.of == 0 {
        return 0;
    }
    let (good, of) = (i64::from(share.good), i64::from(share.of));
    i32::try_from((200 * good + of) / (2 * of)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_day_ends_where_it_ends_last() {
        let due = NaiveDate::from_ymd_opt(2026, 5, 1).unwrap();
        let at = |text: &str| text.parse::<Instant>().unwrap();
        assert!(is_on_time(due, at("2026-05-02T11:59:59Z")));
        assert!(!is_on_time(due, at("2026-05-02T12:00:00Z")));
    }

    #[test]
    fn shares_are_told_in_whole_percent() {
        for (good, of, expected) in [(0, 0, 0), (0, 7, 0), (1, 3, 33), (2, 3, 67), (1, 8, 13), (9, 9, 100)] {
            assert_eq!(percent(Share { good, of }), expected, "{good} of {of}");
        }
    }

    #[test]
    fn what_there_is_nothing_of_is_not_told() {
        let rating = RatingSummary {
            count: 0,
            mean: None,
            bayesian_mean: 4.0,
            quality: None,
            timeliness: None,
            communication: None,
        };
        let tally = |measure, things, median_seconds| Tally { measure, things, good: 1, median_seconds };
        let tallies = [
            tally(Measure::Wins, 4, None),
            tally(Measure::Completion, 0, None),
            tally(Measure::Response, 3, Some(90)),
        ];
        let told = performance(PartyId::new(), true, &tallies, rating);
        assert_eq!(told.wins, Some(Share { good: 1, of: 4 }));
        assert_eq!((told.completion, told.punctuality), (None, None));
        assert_eq!(told.response, Some(Pace { median_seconds: 90, of: 3 }));
    }
}
