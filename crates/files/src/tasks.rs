//! What this crate does in the background.

use std::sync::Arc;
use std::time::Duration;

use outbox::{Registry, Task};
use serde::{Deserialize, Serialize};

use crate::service::FilesService;

/// How often it is looked for what was abandoned.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// Removes the bytes of files that were abandoned or removed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sweep {}

impl Task for Sweep {
    const KIND: &'static str = "files.sweep";
    fn key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Says how this crate's tasks are done.
pub fn register(registry: &mut Registry, service: Arc<FilesService>) {
    registry.task(move |_, _: Sweep| Ok(service.sweep()?));
    registry.every(SWEEP_EVERY, Sweep {});
}
