#![doc = include_str!("../README.md")]

mod ambient;
mod error;
mod keys;
mod model;
mod record;
mod rules;
#[rustfmt::skip]
mod schema;
mod service;
mod settings;
mod store;
mod tasks;
mod verify;

use kernel::{AdminActor, Limit, Page, Position};

pub use ambient::{Context, command, context, request_id};
pub use error::Error;
pub use keys::{AddressKey, Keys};
pub use model::{
    ActorKind, Change, Checkpoint, CheckpointHead, Entry, EntryFilter, EntryId, Object, Outcome, Who,
};
pub use record::{changed, identified, record, refuse, seal_until, withhold};
pub use service::{AuditService, entries_of};
pub use settings::Settings;
pub use tasks::register;
pub use verify::{Finding, Report, verify};

/// What can be asked of the trail.
pub trait AuditQueries: Send + Sync {
    /// Rows, the newest first. What is sealed is left out until its time.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    fn list_entries(
        &self,
        actor: AdminActor<'_>,
        filter: &EntryFilter,
        limit: Limit,
        after: Option<Position>,
    ) -> Result<Page<Entry>, Error>;

    /// Recomputes every hash and compares every checkpoint, the stored ones and one that was kept elsewhere.
    ///
    /// # Errors
    /// [`Error`] when the database fails; what is broken is no error, but what the report is for.
    fn verify(&self, kept: Option<&Checkpoint>) -> Result<Report, Error>;

    /// The newest checkpoint; none while there is none.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    fn newest_checkpoint(&self) -> Result<Option<Checkpoint>, Error>;
}

/// What can be done with the trail beside adding to it.
pub trait AuditCommands: AuditQueries {
    /// Signs the heads of all chains as they are now and keeps that; none when nothing was added since the last time.
    ///
    /// # Errors
    /// [`Error`] when the database fails.
    fn take_checkpoint(&self) -> Result<Option<Checkpoint>, Error>;
}
