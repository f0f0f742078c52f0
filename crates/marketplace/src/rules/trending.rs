//! What interest in a job comes to. Each look by somebody is worth one at first and half as much after each half-life. Kept is the heat, the logarithm of
//! their sum as it would be at a fixed instant: all interest cools alike, so an order by heat stays right without anybody reckoning it anew.

use kernel::Instant;

use super::reasons::Score;
use super::recommending::{posted, whole};
use super::weights::{INTEREST, NEW};

/// People behind one network that count for a job and a day.
pub const PEOPLE_OF_NETWORK_MAX: i64 = 3;
/// As many people as look just now are worth half of all points.
const HALF: f64 = 10.0;
/// How many looked is said roughly: who looks learns nothing by looking again.
const BANDS: [i32; 8] = [5, 10, 25, 50, 100, 250, 500, 1_000];

/// The heat of these looks; none without any.
#[must_use]
pub fn heat(looks: &[Instant], half_life_hours: u16) -> Option<f64> {
    let last = looks.iter().max()?;
    // Relative to the last one: the sum of the powers themselves would be too large a number.
    let sum: f64 = looks
        .iter()
        .map(|at| (at_half_lives(*at, half_life_hours) - at_half_lives(*last, half_life_hours)).exp2())
        .sum();
    Some(at_half_lives(*last, half_life_hours) + sum.log2())
}

/// What interest of this heat is worth now, in people who look at this moment.
#[must_use]
pub fn interest(heat: f64, now: Instant, half_life_hours: u16) -> f64 {
    (heat - at_half_lives(now, half_life_hours)).exp2()
}

fn at_half_lives(at: Instant, half_life_hours: u16) -> f64 {
    (at - Instant::UNIX_EPOCH).as_seconds_f64() / (f64::from(half_life_hours.max(1)) * 3_600.0)
}

/// The score of a job that people looked at.
#[must_use]
pub fn trending(interest: f64, people: i32, days: u16) -> Score {
    let mut score = Score::default();
    let text = match BANDS.iter().rev().find(|band| people >= **band) {
        Some(band) => format!("At least {band} looks in the last {days} days"),
        None => "Looked at lately".to_owned(),
    };
    score.add(whole(INTEREST.points, interest / (interest + HALF)), INTEREST.code, text);
    score
}

/// The score of a job that nobody has looked at lately.
#[must_use]
pub fn unnoticed(published_at: Instant, now: Instant) -> Score {
    let mut score = Score::default();
    score.add(NEW.points, NEW.code, posted((now - published_at).num_days().max(0)));
    score
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn now() -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn ago(hours: i64) -> Instant {
        now() - TimeDelta::hours(hours)
    }

    #[test]
    fn a_look_is_worth_half_after_each_half_life() {
        for (looks, worth) in
            [(vec![0], 1.0), (vec![48], 0.5), (vec![96], 0.25), (vec![0, 48, 96], 1.75), (vec![0; 10], 10.0)]
        {
            let looks: Vec<_> = looks.into_iter().map(ago).collect();
            let worth_now = interest(heat(&looks, 48).unwrap(), now(), 48);
            assert!((worth_now - worth).abs() < 1e-6, "{looks:?}: {worth_now}");
        }
        assert_eq!(heat(&[], 48), None);
    }

    #[test]
    fn points_and_words_follow_the_interest() {
        for (interest, people, points, text) in [
            (0.0, 1, 0, "Looked at lately"),
            (1.0, 4, 9, "Looked at lately"),
            (10.0, 12, 50, "At least 10 looks in the last 14 days"),
            (90.0, 2_000, 90, "At least 1000 looks in the last 14 days"),
            (1e12, 9, 100, "At least 5 looks in the last 14 days"),
        ] {
            let score = trending(interest, people, 14);
            assert_eq!((score.points, score.reasons[0].text.as_str()), (points, text));
        }
        let score = unnoticed(ago(30), now());
        assert_eq!(
            (score.points, score.reasons[0].code, score.reasons[0].text.as_str()),
            (0, "new", "Posted a day ago")
        );
    }

    proptest! {
        /// Whatever the time, the order by heat is the order by what interest is worth then.
        #[test]
        fn the_order_never_changes_by_itself(
            one in prop::collection::vec(0_i64..336, 1..30), two in prop::collection::vec(0_i64..336, 1..30), later in 0_i64..1_000,
        ) {
            let of = |looks: &[i64]| heat(&looks.iter().map(|hours| ago(*hours)).collect::<Vec<_>>(), 48).unwrap();
            let (one, two) = (of(&one), of(&two));
            let worth = |heat| interest(heat, now() + TimeDelta::hours(later), 48);
            if (one - two).abs() > 1e-9 {
                prop_assert_eq!(one > two, worth(one) > worth(two));
            }
        }
    }
}
