//! The numbers of this crate.

use kernel::Faults;
use serde::{Deserialize, Serialize};

/// The audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Minutes between two signed checkpoints: so long could somebody with the whole database in his hands rewrite the newest rows
    /// unnoticed. None is made while nothing happens. 5.
    pub checkpoint_minutes: u16,
    /// Refused calls of one caller that get rows of their own in a minute; what goes beyond is counted in one row. 20.
    pub refusals_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { checkpoint_minutes: 5, refusals_per_minute: 20 }
    }
}

impl Settings {
    /// # Errors
    /// Everything that cannot be as it is, by the setting's name.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::none();
        let numbers = [
            ("checkpoint_minutes", u32::from(self.checkpoint_minutes), 1..=1_440),
            ("refusals_per_minute", self.refusals_per_minute, 1..=10_000),
        ];
        for (name, value, bounds) in numbers {
            let message = format!("must be from {} to {}", bounds.start(), bounds.end());
            faults.check(bounds.contains(&value), &format!("audit.{name}"), "out_of_range", message);
        }
        faults.or(|| ())
    }
}
