//! A calendar day on which something is to happen.

use chrono::{Datelike, NaiveDate};
use kernel::{Fault, Faults};

/// A day in the years in which work is done: a slip of the finger in the year is refused, not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(NaiveDate);

impl Day {
    /// # Errors
    /// A fault for a day before the year 2000 or after 9999.
    pub fn new(date: NaiveDate) -> Result<Self, Faults> {
        if (2000..=9999).contains(&date.year()) {
            Ok(Self(date))
        } else {
            Err(Fault::new("", "out_of_range", "has to be in the years 2000 to 9999").into())
        }
    }

    /// The date.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_in_the_years_2000_to_9999() {
        for (year, fits) in [(1999, false), (2000, true), (9999, true), (10_000, false), (0, false)] {
            assert_eq!(Day::new(NaiveDate::from_ymd_opt(year, 6, 1).unwrap()).is_ok(), fits, "{year}");
        }
    }
}
