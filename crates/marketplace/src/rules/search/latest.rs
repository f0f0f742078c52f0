//! Stretches of time by which the index of words and tags is asked for the latest jobs only.

use kernel::Instant;

use crate::rules::vocabulary::{DAY_SECONDS, STRETCH_SECONDS, Vocabulary};

/// More stretches of time than these are not asked for one by one: the index lays each beside the words.
const STRETCHES_MAX: i64 = 16;
/// Further back than so many days nobody looks day by day: what they do not hold is hardly more in all of them.
const DAYS_MAX: i64 = 30;
/// What was asked for since then is asked for by no more days than these: hardly a job is open for longer.
const ASKED_DAYS_MAX: i64 = 100;

/// Stretches of time that follow one another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latest {
    /// When the first of them begins; none when they are not told apart, so that there is nothing before them.
    pub(crate) since: Option<Instant>,
    /// Their tags, the latest first.
    pub(crate) tags: Vec<String>,
    /// The part of the jobs that they hold, about.
    pub(crate) part: f64,
}

/// Three hours or a day.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    seconds: i64,
    tag: fn(i64) -> String,
    most: i64,
}

impl Stretch {
    const HOURS: Self =
        Self { seconds: STRETCH_SECONDS, tag: |stretch| format!("hours1{stretch}"), most: STRETCHES_MAX };
    const DAY: Self = Self { seconds: DAY_SECONDS, tag: |day| format!("day1{day}"), most: DAYS_MAX };

    fn of(self, at: Instant) -> i64 {
        at.timestamp().div_euclid(self.seconds)
    }

    /// From one to another, the latest first.
    fn between(self, first: i64, last: i64, part: f64) -> Latest {
        let since = Some(self.begins(first));
        Latest { since, tags: (first..=last).rev().map(self.tag).collect(), part }
    }

    /// When a stretch begins.
    fn begins(self, stretch: i64) -> Instant {
        Instant::from_timestamp(stretch.saturating_mul(self.seconds), 0).unwrap_or_default()
    }
}

impl Latest {
    /// All of them.
    pub(crate) const ALL: Self = Self { since: None, tags: Vec::new(), part: 1.0 };

    /// The latest, from this instant back, that hold this part of the jobs, as they were published: nights hold little, and the hours since the last
    /// job nothing.
    pub(crate) fn holding(part: f64, until: Instant, vocabulary: &Vocabulary) -> Self {
        let newest = vocabulary.newest().map_or(until, |newest| newest.min(until));
        for stretch in [Stretch::HOURS, Stretch::DAY] {
            let last = stretch.of(until);
            let newest_stretch = stretch.of(newest);
            if last - newest_stretch > stretch.most {
                continue;
            }
            for first in (newest_stretch - stretch.most + 1..=newest_stretch).rev() {
                let held = vocabulary.published_share(stretch.begins(first), newest);
                if held >= part {
                    return stretch.between(first, last, held);
                }
            }
        }
        Self::ALL
    }

    /// Those from one instant to another.
    pub(crate) fn between(from: Instant, until: Instant) -> Self {
        Self::of_either(from, until, [Stretch::HOURS, Stretch::DAY])
    }

    /// Those since an instant, before which nothing is asked for.
    fn asked_since(since: Instant, now: Instant) -> Self {
        let days = Stretch { most: ASKED_DAYS_MAX, ..Stretch::DAY };
        Self { since: None, ..Self::of_either(since, now, [Stretch::HOURS, days]) }
    }

    fn of_either(from: Instant, until: Instant, stretches: [Stretch; 2]) -> Self {
        let short = stretches.into_iter().find(|one| one.of(until) - one.of(from) < one.most);
        short
            .map_or(Self::ALL, |stretch| stretch.between(stretch.of(from.min(until)), stretch.of(until), 1.0))
    }

    /// The same, but for those before the instant since when jobs are asked for.
    pub(crate) fn asked_for(self, posted_since: Option<Instant>, until: Instant) -> Self {
        match posted_since {
            Some(asked) if self.since.is_none_or(|since| since <= asked) => Self::asked_since(asked, until),
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_time_are_counted_as_the_database_counts_them() {
        let at = |at: &str| at.parse::<Instant>().unwrap();
        let day = Latest::between(at("2026-11-20T00:00:00Z"), at("2026-11-22T23:59:59Z"));
        assert_eq!(day.tags, ["day120779", "day120778", "day120777"]);
        assert_eq!(day.since, Some(at("2026-11-20T00:00:00Z")));
        let hours = Latest::between(at("1969-12-31T23:00:00Z"), at("1970-01-01T02:59:59Z"));
        assert_eq!(
            (hours.tags, hours.since),
            (vec!["hours10".to_owned(), "hours1-1".to_owned()], Some(at("1969-12-31T21:00:00Z")))
        );
        assert_eq!(Latest::between(at("2026-01-01T00:00:00Z"), at("2026-11-22T00:00:00Z")), Latest::ALL);
    }
}
