//! The numbers of this crate that an operator may change. Contracts that exist keep theirs: see [`Terms`].

use kernel::BasisPoints;
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
