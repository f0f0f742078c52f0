//! A platform that needs nothing: a private Postgres, simulated payments, mail as files.

use std::path::Path;
use std::sync::Arc;

use database::cluster::{Cluster, ClusterError, ClusterSettings};
use database::{Db, MigrateError, PoolConfig, Roles, migrate};
use escrow::provider::SignatureSecret;
use escrow::provider::simulated::{SimulatedProvider, SimulatedSettings};
use files::{Storage, StorageError};
use identity::{Providers, Secrets, random_secret};
use kernel::SystemClock;
use notifications::{BadSender, FolderMailer};
use secrecy::ExposeSecret;

use crate::{MIGRATIONS, Parts, Platform, Settings, SetupError};

/// Connections of the services; a program of one thread uses one at a time.
const CONNECTIONS: u32 = 4;
/// The simulated provider's own: it shares none with us, as an outside system would not.
const PROVIDER_CONNECTIONS: u32 = 2;

/// A whole product in one directory: Postgres starts with it and stops when it is dropped, payments are simulated, mail is written to
/// `mail/`, files to `files/`. For programs that try something out, and for examples; a service that serves people builds its [`Platform`] from [`Parts`].
pub struct Local {
    // Dropped in this order: pools before the server that they are connected to.
    platform: Platform,
    _cluster: Cluster,
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Postgres does not run; says what to do.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The database cannot be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// It cannot be connected to.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// The folder for files cannot be made.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The sender's address is none.
    #[error(transparent)]
    Mail(#[from] BadSender),
    /// A secret or a setting is not as it must be.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl Local {
    /// Starts it on what is in this directory, or anew when it is empty. To read what was sealed there before, the secrets have to be
    /// the same.
    ///
    /// # Errors
    /// [`LocalError`].
    pub fn open(directory: &Path, secrets: Secrets, settings: Settings) -> Result<Self, LocalError> {
        let roles = Roles::default();
        let wanted = ClusterSettings { data_dir: directory.to_owned(), ..ClusterSettings::default() };
        let cluster = Cluster::open(&wanted, &roles)?;
        migrate::up(&mut database::establish(&cluster.owner_url())?, &roles, &MIGRATIONS)?;
        let connect = |max_connections| {
            Db::connect(&PoolConfig { max_connections, ..PoolConfig::new(cluster.runtime_url()) })
        };
        let clock = Arc::new(SystemClock);
        let payments = SimulatedProvider::new(
            connect(PROVIDER_CONNECTIONS)?,
            clock.clone(),
            SignatureSecret::new(random_secret().expose_secret()),
            SimulatedSettings::default(),
        );
        let mailer = FolderMailer::new(directory.join("mail"), &settings.notifications.mail_from)?;
        let parts = Parts {
            db: connect(CONNECTIONS)?,
            clock,
            secrets,
            payments: Arc::new(payments),
            mailer: Arc::new(mailer),
            providers: Providers::none(),
            storage: Storage::folder(&directory.join("files"))?,
            settings,
        };
        Ok(Self { platform: Platform::new(parts)?, _cluster: cluster })
    }
}

impl std::ops::Deref for Local {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.platform
    }
}
