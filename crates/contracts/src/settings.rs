//! The numbers of this crate that an operator may change. Contracts that exist keep theirs: see [`Terms`].

use kernel::{BasisPoints, Faults};
use serde::{Deserialize, Serialize};

use crate::model::{InspectionDays, Terms};
use crate::rules::{self, ReminderPlan};

/// `[contracts]` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The platform's share of each release, in hundredths of a percent.
    pub fee_basis_points: u32,
    /// How many times 24 hours a homeowner has to look at a submitted milestone, when the parties agree on nothing else; 1–30.
    pub inspection_days: u16,
    /// After how many hours an approved milestone is released without anybody asking.
    pub auto_release_hours: u16,
    /// Within how many times 24 hours both must have signed.
    pub signing_days: u16,
    /// On which days of an inspection the homeowner is reminded.
    pub reminder_days: Vec<u16>,
    /// How many hours before the end of an inspection the homeowner is reminded once more. Reminders nearer to it are left out.
    pub last_reminder_hours: u16,
    /// The most milestones that one contract may have.
    pub milestones_max: u16,
    /// How many days the work takes when the bid does not say.
    pub default_duration_days: u16,
    /// Whether signing needs a verified e-mail address.
    pub signing_needs_verified_email: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fee_basis_points: 290,
            inspection_days: 14,
            auto_release_hours: 24,
            signing_days: 7,
            reminder_days: vec![5, 12],
            last_reminder_hours: 24,
            milestones_max: 50,
            default_duration_days: 30,
            signing_needs_verified_email: true,
        }
    }
}

impl Settings {
    /// # Errors
    /// Every number out of its bounds, by the setting's name.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::none();
        let numbers = [
            ("fee_basis_points", self.fee_basis_points, 0..=10_000),
            ("inspection_days", self.inspection_days.into(), InspectionDays::BOUNDS),
            ("auto_release_hours", self.auto_release_hours.into(), 0..=720),
            ("signing_days", self.signing_days.into(), 1..=365),
            ("last_reminder_hours", self.last_reminder_hours.into(), 0..=720),
            // A bid has at most 30, and each makes one.
            ("milestones_max", self.milestones_max.into(), 30..=1_000),
            ("default_duration_days", self.default_duration_days.into(), 1..=3_650),
        ];
        let days =
            self.reminder_days.iter().map(|day| ("reminder_days", u32::from(*day), InspectionDays::BOUNDS));
        for (name, value, bounds) in numbers.into_iter().chain(days) {
            let message = format!("must be from {} to {}", bounds.start(), bounds.end());
            faults.check(bounds.contains(&value), &format!("contracts.{name}"), "out_of_range", message);
        }
        faults.or(|| ())
    }

    /// The terms of a contract that is made now.
    #[must_use]
    pub fn terms(&self, agreed: Option<InspectionDays>) -> Terms {
        Terms {
            rules_version: rules::RULES_VERSION,
            fee: BasisPoints::new(self.fee_basis_points),
            inspection_days: agreed.map_or(self.inspection_days, InspectionDays::days),
            auto_release_hours: self.auto_release_hours,
        }
    }

    /// When to remind of an inspection.
    #[must_use]
    pub fn reminders(&self) -> ReminderPlan {
        ReminderPlan { days: self.reminder_days.clone(), last_hours: self.last_reminder_hours }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_bounds() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn every_setting_out_of_bounds_is_named() {
        let wild = Settings {
            fee_basis_points: 10_001,
            inspection_days: 31,
            signing_days: 0,
            reminder_days: vec![5, 0],
            milestones_max: 29,
            ..Settings::default()
        };
        let names: Vec<String> =
            wild.check().unwrap_err().into_vec().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            names,
            [
                "contracts.fee_basis_points",
                "contracts.inspection_days",
                "contracts.signing_days",
                "contracts.milestones_max",
                "contracts.reminder_days",
            ]
        );
    }
}
