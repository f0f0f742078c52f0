//! How much is wanted, of when and of where.

use chrono::{NaiveDate, NaiveTime};
use kernel::Instant;

use crate::data::WORLD;
use crate::dice::{Dice, Stream, sums};
use crate::error::Refusal;

pub(crate) const DAY: i64 = 24 * 60 * 60 * 1_000;
/// Of a hundred people so many are contractors.
const CONTRACTORS: u32 = 30;
/// Days that somebody at most was there before the first job.
const BEFORE: i64 = 700;
/// Open jobs were published within so many days: no bidding is longer than 90, and then there is time to choose.
const OPEN_DAYS: i64 = 100;
/// The most jobs of one seeding.
const JOBS_MAX: u32 = 20_000_000;

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The same number makes the same again, on the same day.
    pub number: u64,
    /// Homeowners and contractors.
    pub people: u32,
    /// Jobs in every state that needs no contract.
    pub jobs: u32,
    /// Bids on them.
    pub bids: u32,
    /// How many of a hundred jobs are open.
    pub open_percent: u32,
    /// How far back past jobs go, in days.
    pub days: u16,
    /// The one city where all of it is; none for everywhere.
    pub city: Option<String>,
    /// Of how many trades, the ones most often asked for; none for all.
    pub trades: Option<u16>,
    /// The day before which all of it happened.
    pub day: NaiveDate,
}

/// When a job is published, and how many want it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) at: i64,
    pub(crate) open: bool,
    pub(crate) sought: u32,
}

impl Plan {
    /// So many of each, everywhere, over two years, nine of ten jobs open; a person to five jobs unless said otherwise.
    #[must_use]
    pub fn new(number: u64, jobs: u32, bids: u32, now: Instant) -> Self {
        Self {
            number,
            people: (jobs / 5).max(60),
            jobs,
            bids,
            open_percent: 90,
            days: 730,
            city: None,
            trades: None,
            day: now.date_naive(),
        }
    }

    /// Contractors among the people; there is one of each kind at least.
    #[must_use]
    pub fn contractors(&self) -> u32 {
        let share = u64::from(self.people) * u64::from(CONTRACTORS) / 100;
        u32::try_from(share).unwrap_or(u32::MAX).max(1)
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.people < 2 {
            return Err(Refusal::TooFewPeople);
        }
        if self.jobs > JOBS_MAX {
            return Err(Refusal::TooMany { most: JOBS_MAX });
        }
        // Half of what could be: nobody bids everywhere.
        let most = u64::from(self.jobs) * u64::from(self.contractors()) / 2;
        if u64::from(self.bids) > most {
            return Err(Refusal::TooManyBids { most });
        }
        match &self.city {
            Some(city) if WORLD.places.iter().all(|place| place.city != *city) => {
                Err(Refusal::UnknownCity(city.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The beginning of that day, in milliseconds.
    pub(crate) fn today(&self) -> i64 {
        self.day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
    }

    /// The beginning of the first day with jobs.
    pub(crate) fn first_day(&self) -> i64 {
        self.today() - i64::from(self.days) * DAY
    }

    /// Since when the first of the people is there.
    pub(crate) fn first_person(&self) -> i64 {
        self.first_day() - BEFORE * DAY
    }

    /// When each job is published, in the order of time.
    pub(crate) fn calendar(&self) -> Vec<Slot> {
        let mut dice = Dice::new(self.number, Stream::Calendar);
        let days = i64::from(self.days).max(1);
        let open = u64::from(self.jobs) * u64::from(self.open_percent.min(100)) / 100;
        let past = u64::from(self.jobs).saturating_sub(open);
        let open = spread(open, (0..days).map(|day| open_weight(days - day)));
        let past = spread(past, (0..days).map(|_| 1));
        let mut slots = Vec::with_capacity(usize::try_from(self.jobs).unwrap_or_default());
        for (day, (open, past)) in (0..).zip(open.into_iter().zip(past)) {
            let start = self.first_day() + day * DAY;
            let from = slots.len();
            for n in 0..open + past {
                slots.push(Slot {
                    // A minute is left, so that the last of a day can still get a bid on it.
                    at: start + dice.between(0, DAY - 60_000),
                    open: n < open,
                    sought: sought(&mut dice, (days - day).min(6)),
                });
            }
            slots.get_mut(from..).unwrap_or_default().sort_by_key(|slot| slot.at);
        }
        slots
    }
}

/// Most jobs of three weeks ago have found somebody by now.
fn open_weight(age: i64) -> u64 {
    if age > OPEN_DAYS { 0 } else { (1..age).fold(1_000_000, |weight, _| weight * 961 / 1_000) }
}

/// A few jobs draw many bids, most draw some, and new ones have not got theirs yet.
fn sought(dice: &mut Dice, days: i64) -> u32 {
    let bids = dice.between(0, 8) * dice.between(1, 8) * days;
    u32::try_from(bids).unwrap_or_default()
}

/// Shares a whole number out by weights, so that the parts sum to it.
pub(crate) fn spread(whole: u64, weights: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let sums = sums(weights);
    let all = u128::from(sums.last().copied().unwrap_or_default().max(1));
    let mut given = 0;
    let part = |sum: &u64| {
        let until = u64::try_from(u128::from(whole) * u128::from(*sum) / all).unwrap_or_default();
        let part = until - given;
        given = until;
        part
    };
    sums.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(jobs: u32, bids: u32) -> Plan {
        Plan::new(1, jobs, bids, Instant::from_timestamp_millis(1_790_000_000_000).unwrap())
    }

    #[test]
    fn the_calendar_has_as_many_jobs_as_are_wanted_in_the_order_of_time() {
        for jobs in [0, 1, 10, 999, 12_345_usize] {
            let slots = plan(u32::try_from(jobs).unwrap(), 0).calendar();
            assert_eq!(slots.len(), jobs);
            assert!(slots.is_sorted_by_key(|slot| slot.at));
        }
        let plan = plan(10_000, 0);
        let slots = plan.calendar();
        assert_eq!(slots.iter().filter(|slot| slot.open).count(), 9_000);
        assert!(slots.iter().all(|slot| slot.at >= plan.first_day() && slot.at < plan.today()));
        assert!(slots.iter().filter(|slot| slot.open).all(|slot| slot.at >= plan.today() - OPEN_DAYS * DAY));
    }

    #[test]
    fn parts_sum_to_the_whole() {
        assert_eq!(spread(10, [1, 1, 1]), [3, 3, 4]);
        assert_eq!(spread(5, [0, 0]), [0, 0]);
        assert_eq!(spread(7, [0, 3, 0, 1]).iter().sum::<u64>(), 7);
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        assert_eq!(plan(10, 20).check(), Ok(()));
        assert_eq!(Plan { people: 1, ..plan(10, 0) }.check(), Err(Refusal::TooFewPeople));
        assert_eq!(Plan { people: 10, ..plan(10, 16) }.check(), Err(Refusal::TooManyBids { most: 15 }));
        assert!(matches!(plan(JOBS_MAX + 1, 0).check(), Err(Refusal::TooMany { .. })));
        let nowhere = Plan { city: Some("Atlantis".to_owned()), ..plan(10, 0) };
        assert_eq!(nowhere.check(), Err(Refusal::UnknownCity("Atlantis".to_owned())));
    }
}
