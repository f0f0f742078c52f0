#![doc = include_str!("../README.md")]

mod services;
mod settings;

use std::sync::Arc;

use database::Db;
use identity::{Authenticator, IdentityService, Keys, Secrets};
use kernel::{Clock, Faults};
use outbox::Registry;

pub use services::{Commands, Queries};
pub use settings::Settings;

/// What a platform is built from.
pub struct Parts {
    /// The database, as the runtime role.
    pub db: Db,
    /// The clock; the same that `app.clock()` tells in this database.
    pub clock: Arc<dyn Clock>,
    /// The server's secrets.
    pub secrets: Secrets,
    /// The numbers of every domain.
    pub settings: Settings,
}

/// Every service of the product over one database.
pub struct Platform {
    db: Db,
    clock: Arc<dyn Clock>,
    authenticator: Authenticator,
    keys: Keys,
    commands: Commands,
    registry: Arc<Registry>,
}

impl Platform {
    /// Builds the services; nothing runs yet.
    ///
    /// # Errors
    /// Every fault in the secrets or settings.
    pub fn new(parts: Parts) -> Result<Self, Faults> {
        let Parts { db, clock, secrets, settings } = parts;
        let keys = Keys::derive(&secrets)?;
        let registry = Registry::new();
        let identity = Arc::new(IdentityService::new(db.clone(), keys.clone(), settings.identity.clone()));
        let queries = Queries { identity: identity.clone() };
        Ok(Self {
            authenticator: Authenticator::new(keys.clone(), &settings.identity),
            commands: Commands { identity, queries },
            registry: Arc::new(registry),
            db,
            clock,
            keys,
        })
    }

    /// The database that the services stand on.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// Reads access tokens without asking the database.
    #[must_use]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// The keys derived from the server's secrets.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What can be asked.
    #[must_use]
    pub fn queries(&self) -> &Queries {
        &self.commands.queries
    }

    /// What can be told, and asked.
    #[must_use]
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The background work of every domain, for [`outbox::Workers::start`] or [`outbox::run_due`].
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.clone()
    }
}
