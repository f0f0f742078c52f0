//! When a failed task is tried again, and when work comes back: pure functions, so that the numbers can be read off a table.

use std::time::Duration;

use kernel::Instant;

use crate::WorkerSettings;

/// The pause after a failed try (the first is 1): doubled each time up to a cap, then between half and all of it by `luck`
/// (0 to 999), so that what failed together does not come back together.
pub(crate) fn pause(attempt: u16, luck: u16, settings: &WorkerSettings) -> Duration {
    let longest = u64::from(settings.retry_longest_seconds) * 1_000;
    let doubled = 1_u64.checked_shl(u32::from(attempt.saturating_sub(1))).unwrap_or(u64::MAX);
    let whole = u64::from(settings.retry_first_millis).saturating_mul(doubled).min(longest);
    Duration::from_millis(whole / 2 + whole / 2 * u64::from(luck.min(999)) / 999)
}

/// The first instant after `now` that is a whole number of periods from the epoch: the same one for every process. None for a
/// period of less than a millisecond, or one past the calendar's end.
pub(crate) fn next_full_period(now: Instant, period: Duration) -> Option<Instant> {
    let length = i64::try_from(period.as_millis()).ok().filter(|length| *length > 0)?;
    let passed = now.timestamp_millis().div_euclid(length);
    Instant::from_timestamp_millis(passed.checked_add(1)?.checked_mul(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_comes_back_at_full_periods() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let minute = Duration::from_secs(60);
        for (now, next) in [
            ("2026-11-21T10:00:00Z", "2026-11-21T10:01:00Z"),
            ("2026-11-21T10:00:59.999Z", "2026-11-21T10:01:00Z"),
            ("1969-12-31T23:59:30Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(next_full_period(at(now), minute), Some(at(next)), "{now}");
        }
        assert_eq!(next_full_period(at("2026-11-21T10:00:00Z"), Duration::ZERO), None);
        assert_eq!(next_full_period(at("2026-11-21T10:00:00Z"), Duration::MAX), None);
    }

    #[test]
    fn pauses_double_up_to_the_cap() {
        let settings = WorkerSettings::default();
        let seconds = |attempt| pause(attempt, 999, &settings).as_secs();
        let table: Vec<u64> = [1, 2, 3, 4, 10, 12, 13, 64, u16::MAX].into_iter().map(seconds).collect();
        assert_eq!(table, [1, 2, 4, 8, 512, 2_048, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn luck_moves_a_pause_within_its_upper_half() {
        let settings = WorkerSettings::default();
        for attempt in 1..20 {
            let (least, most) = (pause(attempt, 0, &settings), pause(attempt, 999, &settings));
            assert_eq!(least * 2, most, "{attempt}");
            let between = pause(attempt, 500, &settings);
            assert!(least < between && between < most, "{attempt}");
        }
    }
}
