//! Runs migrations: up, down, and what is where. Which migrations there are does not belong here.

use diesel::PgConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_migrations::MigrationHarness;
use kernel::{Classify, ErrorKind};

use crate::error::Error;
use crate::roles::{self, Roles};

/// A migration that could not be run.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database refused or was away.
    #[error(transparent)]
    Database(#[from] Error),
    /// One migration failed and was rolled back; the ones before it stay.
    #[error("migration {name}: {reason}")]
    Failed {
        /// Its folder's name.
        name: String,
        /// What Postgres said.
        reason: String,
    },
    /// The migrations themselves cannot be read.
    #[error("the migrations cannot be read: {0}")]
    Source(String),
    /// The database has migrations that this program does not know: it is newer.
    #[error("the database was migrated by a newer program: it has {0}, which this one does not know")]
    Unknown(String),
}

impl Classify for MigrateError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Database(error) => error.kind(),
            Self::Failed { .. } | Self::Source(_) | Self::Unknown(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Failed { .. } => "migration_failed",
            Self::Source(_) => "migrations_unreadable",
            Self::Unknown(_) => "migrations_unknown",
        }
    }
}

/// A migration, and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its folder's name.
    pub name: String,
    /// Whether it was run.
    pub applied: bool,
}

/// Runs what is missing, oldest first, and says what that was. Waits for another process that is migrating.
///
/// # Errors
/// [`MigrateError`]; what was run before the failure stays.
pub fn up(
    conn: &mut PgConnection,
    roles: &Roles,
    source: &impl MigrationSource<Pg>,
) -> Result<Vec<String>, MigrateError> {
    prepare(conn, roles)?;
    roles::locked(conn, |conn| {
        let pending = conn.pending_migrations(Borrowed(source)).map_err(source_error)?;
        let mut done = Vec::with_capacity(pending.len());
        for migration in pending {
            let name = migration.name().to_string();
            conn.run_migration(&migration).map_err(|error| failed(&name, &*error))?;
            done.push(name);
        }
        Ok(done)
    })
}

/// Takes the last `steps` migrations back, newest first, and says which.
///
/// # Errors
/// [`MigrateError`]; what was taken back before the failure stays so.
pub fn down(
    conn: &mut PgConnection,
    roles: &Roles,
    source: &impl MigrationSource<Pg>,
    steps: usize,
) -> Result<Vec<String>, MigrateError> {
    prepare(conn, roles)?;
    roles::locked(conn, |conn| {
        let known = source.migrations().map_err(source_error)?;
        let applied = conn.applied_migrations().map_err(source_error)?;
        let mut done = Vec::new();
        for version in applied.into_iter().take(steps) {
            let migration = known
                .iter()
                .find(|migration| migration.name().version() == version)
                .ok_or_else(|| MigrateError::Unknown(version.to_string()))?;
            let name = migration.name().to_string();
            conn.revert_migration(migration).map_err(|error| failed(&name, &*error))?;
            done.push(name);
        }
        Ok(done)
    })
}

/// Every migration that this program knows, oldest first, and whether the database has it.
///
/// # Errors
/// [`MigrateError::Unknown`] when the database has others.
pub fn status(
    conn: &mut PgConnection,
    source: &impl MigrationSource<Pg>,
) -> Result<Vec<MigrationStatus>, MigrateError> {
    let mut applied = conn.applied_migrations().map_err(source_error)?;
    let mut known = source.migrations().map_err(source_error)?;
    known.sort_unstable_by(|a, b| a.name().version().cmp(&b.name().version()));
    let statuses = known
        .iter()
        .map(|migration| {
            let before = applied.len();
            applied.retain(|version| *version != migration.name().version());
            MigrationStatus { name: migration.name().to_string(), applied: applied.len() < before }
        })
        .collect();
    match applied.first() {
        Some(unknown) => Err(MigrateError::Unknown(unknown.to_string())),
        None => Ok(statuses),
    }
}

/// The names that migrations grant to, as settings of this session.
fn prepare(conn: &mut PgConnection, roles: &Roles) -> Result<(), Error> {
    roles::set_setting(conn, "fairtrade.runtime_role", &roles.runtime)?;
    roles::set_setting(conn, "fairtrade.ledger_role", &roles.ledger)
}

fn failed(name: &str, error: &(dyn std::error::Error + Send + Sync)) -> MigrateError {
    MigrateError::Failed { name: name.to_owned(), reason: error.to_string() }
}

fn source_error(error: Box<dyn std::error::Error + Send + Sync>) -> MigrateError {
    MigrateError::Source(error.to_string())
}

/// Diesel takes a source by value, and one source may be wanted twice.
struct Borrowed<'a, S>(&'a S);

impl<S: MigrationSource<Pg>> MigrationSource<Pg> for Borrowed<'_, S> {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        self.0.migrations()
    }
}
