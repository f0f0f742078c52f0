//! Puts the product together for a command: configuration, keys, the database, every service.

use std::sync::Arc;

use database::Db;
use kernel::SystemClock;
use platform::{Parts, Platform};

use super::access::Access;
use super::failure::Failure;
use crate::config::{ConfigFaults, Loaded};

/// Connections for what stands beside the executor and the workers: batched readers, health checks.
const SPARE_CONNECTIONS: u32 = 4;
/// Connections of a command that does one thing.
const FEW_CONNECTIONS: u32 = 4;

/// For what the connections are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A server, with or without workers.
    Serve,
    /// Workers alone.
    Work,
    /// One command and out.
    Command,
}

/// How many connections this use needs.
#[must_use]
pub(super) fn connections(loaded: &Loaded, purpose: Use) -> u32 {
    let config = &loaded.config;
    let workers = u32::from(config.workers.threads) + 1;
    match (config.database.max_connections, purpose) {
        (Some(stated), _) => stated,
        (None, Use::Serve) => config.database.executor.connections() + workers + SPARE_CONNECTIONS,
        (None, Use::Work) => workers + SPARE_CONNECTIONS,
        (None, Use::Command) => FEW_CONNECTIONS,
    }
}

/// The schema, brought up to date where we may, and otherwise required to be so.
///
/// # Errors
/// [`Failure::Database`] when it is not current and nobody asked us to change it.
pub(super) fn current_schema(access: &Access, migrate: bool) -> Result<(), Failure> {
    if access.is_private() || migrate {
        let done = access.migrate()?;
        if !done.is_empty() {
            tracing::info!(migrations = done.len(), "the schema was brought up to date");
        }
        return Ok(());
    }
    let missing: Vec<String> =
        access.status()?.into_iter().filter(|each| !each.applied).map(|each| each.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::Database(format!(
        "the database lacks {} migration(s), from {} on: run `fairtrade migrate`, or `fairtrade serve --migrate`",
        missing.len(),
        missing.first().map_or("", String::as_str),
    )))
}

/// Every service over a pool of its own.
///
/// # Errors
/// [`Failure`] when the database or a setting is at fault.
pub(super) fn platform(loaded: &Loaded, access: &Access, purpose: Use) -> Result<Platform, Failure> {
    let keys = loaded.keys()?;
    let db: Db = access.connect(connections(loaded, purpose))?;
    let parts = Parts {
        db,
        clock: Arc::new(SystemClock),
        secrets: keys.identity,
        settings: loaded.config.platform(),
    };
    Platform::new(parts).map_err(|faults| {
        let mut told = ConfigFaults::default();
        for fault in faults.into_vec() {
            told.push(fault.pointer, "the configuration", fault.message);
        }
        Failure::Config(told)
    })
}

/// Runs a command over the database and the services, and lets go of the database whatever became of it.
///
/// # Errors
/// The command's own [`Failure`], or that of what it stands on.
pub(super) fn with_platform<T>(
    loaded: &Loaded,
    purpose: Use,
    command: impl FnOnce(&Platform) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let access = Access::open(loaded)?;
    let result = current_schema(&access, false).and_then(|()| {
        let platform = platform(loaded, &access, purpose)?;
        command(&platform)
    });
    let closed = access.close();
    let value = result?;
    closed.map(|()| value)
}
