//! The workers' numbers.

use std::time::Duration;

use kernel::Faults;
use serde::{Deserialize, Serialize};

/// How the workers work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerSettings {
    /// How many tasks one process runs at a time; each may use one connection. 4.
    pub threads: u16,
    /// How long a worker that found nothing waits before it looks again, unless a commit of its own process wakes it, in
    /// milliseconds. 500.
    pub poll_millis: u64,
    /// How long a task may run before another worker may take it over, in seconds of real time. 300.
    pub lease_seconds: u32,
    /// The pause before the second try, in milliseconds; it doubles with every further one. 1,000.
    pub retry_first_millis: u32,
    /// The longest pause between two tries, in seconds. 3,600.
    pub retry_longest_seconds: u32,
    /// How many events get their number in one transaction. 500.
    pub sequencer_batch: u16,
    /// For how many days finished tasks are kept to be looked at. 7.
    pub done_kept_days: u16,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            threads: 4,
            poll_millis: 500,
            lease_seconds: 300,
            retry_first_millis: 1_000,
            retry_longest_seconds: 3_600,
            sequencer_batch: 500,
            done_kept_days: 7,
        }
    }
}

impl WorkerSettings {
    /// # Errors
    /// Every number out of its bounds, by the setting's name.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::none();
        let numbers = [
            ("threads", u64::from(self.threads), 1..=256),
            ("poll_millis", self.poll_millis, 10..=60_000),
            ("lease_seconds", u64::from(self.lease_seconds), 10..=86_400),
            ("retry_first_millis", u64::from(self.retry_first_millis), 10..=3_600_000),
            ("retry_longest_seconds", u64::from(self.retry_longest_seconds), 1..=604_800),
            ("sequencer_batch", u64::from(self.sequencer_batch), 1..=10_000),
            ("done_kept_days", u64::from(self.done_kept_days), 1..=3_650),
        ];
        for (name, value, bounds) in numbers {
            let message = format!("must be from {} to {}", bounds.start(), bounds.end());
            faults.check(bounds.contains(&value), &format!("workers.{name}"), "out_of_range", message);
        }
        faults.or(|| ())
    }

    pub(crate) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_every_fault_is_named() {
        assert_eq!(WorkerSettings::default().check(), Ok(()));
        let zero = WorkerSettings {
            threads: 0,
            poll_millis: 0,
            lease_seconds: 0,
            retry_first_millis: 0,
            retry_longest_seconds: 0,
            sequencer_batch: 0,
            done_kept_days: 0,
        };
        assert_eq!(zero.check().unwrap_err().into_vec().len(), 7);
    }
}
