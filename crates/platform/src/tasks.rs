//! Background work that belongs to no domain.

use std::time::Duration;

use outbox::{Registry, Task};
use serde::{Deserialize, Serialize};

/// How often keys whose time is over are swept up.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// Keys removed in one transaction.
const SWEEP_BATCH: u32 = 1_000;
/// Transactions of one sweep; what is left waits for the next, so that no task runs on and on.
const SWEEP_BATCHES_MAX: usize = 1_000;

/// Removes idempotency keys whose time is over, and quotas that are whole again. They count for nothing by then, whether or not they
/// are still there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SweepKeys {}

impl Task for SweepKeys {
    const KIND: &'static str = "platform.sweep_keys";
    fn key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Registers it.
pub(crate) fn register(registry: &mut Registry) {
    registry.task(|run, _: SweepKeys| {
        for _ in 0..SWEEP_BATCHES_MAX {
            if run.db().purge_keys(SWEEP_BATCH)? + run.db().purge_quotas(SWEEP_BATCH)? == 0 {
                break;
            }
        }
        Ok(())
    });
    registry.every(SWEEP_EVERY, SweepKeys {});
}
