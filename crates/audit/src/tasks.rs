//! Background work: signed checkpoints.

use std::sync::Arc;
use std::time::Duration;

use outbox::{Registry, Task};
use serde::{Deserialize, Serialize};

use crate::{AuditCommands, AuditService};

/// Signs the heads of all chains as they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TakeCheckpoint {}

impl Task for TakeCheckpoint {
    const KIND: &'static str = "audit.take_checkpoint";
    fn key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Registers it.
pub fn register(registry: &mut Registry, service: Arc<AuditService>) {
    let period = Duration::from_secs(60 * u64::from(service.settings().checkpoint_minutes));
    registry.task(move |_, _: TakeCheckpoint| {
        service.take_checkpoint()?;
        Ok(())
    });
    registry.every(period, TakeCheckpoint {});
}
