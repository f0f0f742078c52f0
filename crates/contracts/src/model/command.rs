//! What can be asked of this crate, in newtypes that cannot hold what must not be stored. How a field is called in JSON
//! the caller says when it collects the faults.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use kernel::{Fault, Faults};
use marketplace::BidId;

use super::{ContractId, ContractStatus, DocumentHash, MilestoneId};

const TITLE_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 5_000;
const REASON_CHARS_MAX: usize = 2_000;
const DELIVERABLES_MAX: usize = 50;
const DELIVERABLE_CHARS_MAX: usize = 300;
const YEAR_MIN: i32 = 2000;
const YEAR_MAX: i32 = 9999;

/// Whether a text may hold line breaks.
#[derive(Clone, Copy, PartialEq)]
enum Lines {
    One,
    Many,
}

fn text(text: &str, chars_max: usize, lines: Lines) -> Result<String, Faults> {
    let text = text.trim();
    let mut faults = Faults::none();
    faults.check(!text.is_empty(), "", "too_short", "must not be empty");
    faults.check(
        text.chars().count() <= chars_max,
        "",
        "too_long",
        format!("must have at most {chars_max} characters"),
    );
    let control = |c: char| c.is_control() && !(lines == Lines::Many && matches!(c, '\n' | '\r' | '\t'));
    faults.check(!text.chars().any(control), "", "control_character", "must not hold control characters");
    faults.or(|| text.replace("\r\n", "\n").replace('\r', "\n"))
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $max:expr, $lines:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// # Errors
            /// The faults, for a text that is empty, too long or holds control characters.
            pub fn new(given: &str) -> Result<Self, Faults> {
                text(given, $max, $lines).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type!(
    /// What a milestone is called: one line of at most 200 characters.
    Title,
    TITLE_CHARS_MAX,
    Lines::One
);
text_type!(
    /// What a milestone is about: at most 5,000 characters.
    Description,
    DESCRIPTION_CHARS_MAX,
    Lines::Many
);
text_type!(
    /// Why something is to be done again: at most 2,000 characters.
    Reason,
    REASON_CHARS_MAX,
    Lines::Many
);

/// What will be there when a milestone is done: at most 50 lines of at most 300 characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deliverables(Vec<String>);

impl Deliverables {
    /// # Errors
    /// The faults, each with the place of its line.
    pub fn new(given: &[String]) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let count = format!("must have at most {DELIVERABLES_MAX} entries");
        faults.check(given.len() <= DELIVERABLES_MAX, "", "too_many", count);
        let lines = given
            .iter()
            .enumerate()
            .filter_map(|(index, line)| {
                faults.take(&format!("/{index}"), text(line, DELIVERABLE_CHARS_MAX, Lines::One))
            })
            .collect();
        faults.or(|| Self(lines))
    }

    /// The lines.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// How long an inspection may take: 1 to 30 times 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InspectionDays(u16);

impl InspectionDays {
    /// The fewest and the most days.
    pub const BOUNDS: RangeInclusive<u32> = 1..=30;

    /// # Errors
    /// A fault for a number that is not from 1 to 30.
    pub fn new(days: i64) -> Result<Self, Faults> {
        let within = u32::try_from(days).is_ok_and(|days| Self::BOUNDS.contains(&days));
        match u16::try_from(days) {
            Ok(days) if within => Ok(Self(days)),
            _ => {
                let message = format!("must be from {} to {}", Self::BOUNDS.start(), Self::BOUNDS.end());
                Err(Fault::new("", "out_of_range", message).into())
            }
        }
    }

    /// The number of days.
    #[must_use]
    pub const fn days(self) -> u16 {
        self.0
    }
}

/// Accept a bid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptBid {
    /// Which one.
    pub bid: BidId,
    /// The revision of it that the homeowner read; another one is refused.
    pub revision: Option<i32>,
    /// How long inspections may take; the settings' number of days when absent. The contractor agrees by signing.
    pub inspection_days: Option<InspectionDays>,
}

/// Sign a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignContract {
    /// Which one.
    pub contract: ContractId,
    /// The hash of the text that was read; another text is refused.
    pub document_sha256: DocumentHash,
    /// The network address that it came from, for the evidence.
    pub address: Option<String>,
    /// The program that it came through, for the evidence.
    pub user_agent: Option<String>,
    /// The version of the contract that the caller read; when given, another one is refused.
    pub if_version: Option<i32>,
}

impl SignContract {
    /// A signature under the text with this hash, whatever version of the contract, with no evidence of where it came from.
    #[must_use]
    pub const fn of(contract: ContractId, document_sha256: DocumentHash) -> Self {
        Self { contract, document_sha256, address: None, user_agent: None, if_version: None }
    }
}

/// A milestone's part of the price in minor units: more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetAmount(i64);

impl TargetAmount {
    /// # Errors
    /// A fault for an amount that is not more than nothing.
    pub fn new(minor: i64) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        faults.check(minor > 0, "", "out_of_range", "must be more than nothing");
        faults.or(|| Self(minor))
    }

    /// In minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }
}

/// The days of a milestone: when work on it is to start, if that is said, and when it is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkDays {
    start: Option<NaiveDate>,
    due: NaiveDate,
}

impl WorkDays {
    /// # Errors
    /// Faults at `/startDate` and `/dueDate` for days that nobody can have meant, and for a start after the milestone is due.
    pub fn new(start: Option<NaiveDate>, due: NaiveDate) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        if let Some(start) = start {
            faults.take("/startDate", plausible(start));
            faults.check(start <= due, "/startDate", "after_due_date", "must not lie after the due date");
        }
        faults.take("/dueDate", plausible(due));
        faults.or(|| Self { start, due })
    }

    /// When work on it is to start.
    #[must_use]
    pub const fn start(self) -> Option<NaiveDate> {
        self.start
    }

    /// When it is to be done.
    #[must_use]
    pub const fn due(self) -> NaiveDate {
        self.due
    }
}

/// A day that a person can have meant.
fn plausible(day: NaiveDate) -> Result<(), Faults> {
    let mut faults = Faults::none();
    let years = format!("must be from the year {YEAR_MIN} to {YEAR_MAX}");
    faults.check((YEAR_MIN..=YEAR_MAX).contains(&day.year()), "", "out_of_range", years);
    faults.or(|| ())
}

/// Add a milestone to a contract that nobody is bound by yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddMilestone {
    /// To which contract.
    pub contract: ContractId,
    /// The milestone that the amount is taken from; the last when absent.
    pub from: Option<MilestoneId>,
    /// What it is called.
    pub title: Title,
    /// What it is about.
    pub description: Option<Description>,
    /// What will be there when it is done.
    pub deliverables: Deliverables,
    /// Its part of the price.
    pub amount: TargetAmount,
    /// When it is to be worked on.
    pub days: WorkDays,
    /// The version of the contract that the caller read; when given, another one is refused.
    pub if_version: Option<i32>,
}

/// Which milestone of which contract, and which version of it the caller read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MilestoneRef {
    /// The contract.
    pub contract: ContractId,
    /// The milestone.
    pub milestone: MilestoneId,
    /// The version that the caller read; when given, another one is refused.
    pub if_version: Option<i32>,
}

/// What is to change about a milestone; what is absent stays. The inner `None` removes what may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MilestonePatch {
    /// What it is called.
    pub title: Option<Title>,
    /// What it is about.
    pub description: Option<Option<Description>>,
    /// What will be there when it is done.
    pub deliverables: Option<Deliverables>,
    /// When work on it is to start.
    pub start_date: Option<Option<NaiveDate>>,
    /// When it is to be done.
    pub due_date: Option<NaiveDate>,
}

impl MilestonePatch {
    /// Whether it would change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Change a milestone of a contract that nobody is bound by yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditMilestone {
    /// Which one.
    pub milestone: MilestoneRef,
    /// What is to change.
    pub patch: MilestonePatch,
}

impl EditMilestone {
    /// # Errors
    /// Faults for a day that nobody can have meant, and for days out of order. Where only one day is given, whether it is in order
    /// shows when the other is known.
    pub fn new(milestone: MilestoneRef, patch: MilestonePatch) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        match (patch.start_date.flatten(), patch.due_date) {
            (start, Some(due)) => {
                faults.take("", WorkDays::new(start, due));
            }
            (Some(start), None) => {
                faults.take("/startDate", plausible(start));
            }
            (None, None) => {}
        }
        faults.or(|| Self { milestone, patch })
    }
}

/// Send a submitted milestone back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestChanges {
    /// Which one.
    pub milestone: MilestoneRef,
    /// What is to be done again, and why.
    pub reason: Reason,
}

/// Which contracts to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContractFilter {
    /// Only those that have come this far.
    pub status: Option<ContractStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_their_line_ends_made_one() {
        assert_eq!(Title::new("  Roof ").unwrap().as_str(), "Roof");
        assert_eq!(Description::new("a\r\nb\rc").unwrap().as_str(), "a\nb\nc");
    }

    #[test]
    fn what_cannot_be_stored_or_read_is_refused() {
        for bad in ["", "  ", "a\nb", "a\0b", &"x".repeat(201)] {
            assert!(Title::new(bad).is_err(), "{bad:?}");
        }
        assert!(Title::new(&"é".repeat(200)).is_ok());
        assert!(Description::new("bell\u{7}").is_err());
        let lines = [String::from("a plan"), String::new(), "x".repeat(301)];
        let faults = Deliverables::new(&lines).unwrap_err().into_vec();
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/1", "/2"]);
    }

    #[test]
    fn inspections_take_from_one_day_to_thirty() {
        for (days, good) in [(0, false), (1, true), (30, true), (31, false), (-1, false), (i64::MAX, false)] {
            assert_eq!(InspectionDays::new(days).is_ok(), good, "{days}");
        }
    }

    #[test]
    fn every_fault_of_a_milestones_days_is_named_at_once() {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let faults = |start, due| -> Vec<(String, &str)> {
            let faults = WorkDays::new(start, due).err().map(Faults::into_vec).unwrap_or_default();
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        };
        assert_eq!(faults(Some(day(2027)), day(2027)), []);
        assert_eq!(faults(None, day(9999)), []);
        assert_eq!(faults(Some(day(2028)), day(2027)), [("/startDate".into(), "after_due_date")]);
        assert_eq!(
            faults(Some(day(1998)), day(1999)),
            [("/startDate".into(), "out_of_range"), ("/dueDate".into(), "out_of_range")]
        );
        assert!(TargetAmount::new(0).is_err());
        assert_eq!(TargetAmount::new(1).map(TargetAmount::minor), Ok(1));
    }

    #[test]
    fn both_days_of_a_change_are_held_against_each_other() {
        let milestone =
            MilestoneRef { contract: ContractId::new(), milestone: MilestoneId::new(), if_version: None };
        let patch = MilestonePatch {
            start_date: Some(NaiveDate::from_ymd_opt(2027, 2, 1)),
            due_date: NaiveDate::from_ymd_opt(2027, 1, 1),
            ..MilestonePatch::default()
        };
        let faults = EditMilestone::new(milestone, patch.clone()).unwrap_err().into_vec();
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["after_due_date"]);
        // The start may be as it was: only the milestone itself knows.
        assert!(EditMilestone::new(milestone, MilestonePatch { start_date: None, ..patch }).is_ok());
    }
}
