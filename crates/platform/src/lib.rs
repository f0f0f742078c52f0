#![doc = include_str!("../README.md")]

mod local;
mod services;
mod settings;
mod subjects;
mod tasks;

use std::sync::Arc;

use audit::AuditService;
use contracts::ContractsService;
use database::Db;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use escrow::{EscrowService, PaymentProvider};
use files::{FilesService, Storage};
use identity::{Authenticator, IdentityService, Keys, PersonalData, Providers, Secrets, Vault};
use kernel::{Clock, Faults};
use marketplace::MarketplaceService;
use notifications::{Mailer, NotificationsService, RenderError};
use outbox::Registry;

pub use local::{Local, LocalError};
pub use services::{Commands, Queries};
pub use settings::Settings;

/// The database's migrations, as they were when the program was built.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// What a platform is built from.
pub struct Parts {
    /// The database, as the runtime role.
    pub db: Db,
    /// The clock; the same that `app.clock()` tells in this database.
    pub clock: Arc<dyn Clock>,
    /// The server's secrets.
    pub secrets: Secrets,
    /// Who moves the money.
    pub payments: Arc<dyn PaymentProvider>,
    /// Who carries mail.
    pub mailer: Arc<dyn Mailer>,
    /// At whom people may sign in beside by password; [`Providers::none`] makes no connections.
    pub providers: Providers,
    /// Where files are kept.
    pub storage: Storage,
    /// The numbers of every domain.
    pub settings: Settings,
}

/// Why a platform cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A secret or setting is not as it must be; all faults at once.
    #[error("{0}")]
    Settings(#[from] Faults),
    /// A message's template is not well formed.
    #[error("{0}")]
    Template(#[from] RenderError),
}

/// Every service of the product over one database.
pub struct Platform {
    db: Db,
    clock: Arc<dyn Clock>,
    authenticator: Authenticator,
    audit: Arc<AuditService>,
    keys: Keys,
    vault: Vault,
    payments: Arc<dyn PaymentProvider>,
    mailer: Arc<dyn Mailer>,
    commands: Commands,
    registry: Arc<Registry>,
}

impl Platform {
    /// Builds the services; nothing runs yet.
    ///
    /// # Errors
    /// Every fault in the secrets, settings and templates.
    pub fn new(parts: Parts) -> Result<Self, SetupError> {
        let Parts { db, clock, secrets, payments, mailer, storage, providers, settings } = parts;
        settings.check()?;
        let keys = Keys::derive(&secrets)?;
        let mut registry = Registry::new();
        tasks::register(&mut registry);

        let audit = Arc::new(AuditService::new(db.clone(), audit_keys(&secrets), settings.audit.clone()));
        audit::register(&mut registry, audit.clone());
        let files = Arc::new(FilesService::new(db.clone(), storage, settings.files));
        files::register(&mut registry, files.clone());
        let identity = IdentityService::new(db.clone(), keys.clone(), settings.identity.clone());
        let identity = Arc::new(identity.with_providers(providers));
        let vault = identity.vault().clone();
        identity::register(&mut registry, identity.clone(), files.clone());
        let marketplace = Arc::new(MarketplaceService::new(db.clone(), clock.clone(), settings.marketplace));
        marketplace::register(&mut registry, marketplace.clone());
        let contracts = Arc::new(ContractsService::new(db.clone(), vault.clone(), settings.contracts));
        contracts::register(&mut registry, contracts.clone());

        let escrow = Arc::new(EscrowService::new(db.clone(), payments.clone(), settings.escrow));
        escrow::register(&mut registry, &escrow);
        let notifications = Arc::new(NotificationsService::new(
            db.clone(),
            keys.clone(),
            Arc::new(subjects::DomainSubjects),
            mailer.clone(),
            settings.notifications,
        )?);
        notifications::register(&mut registry, notifications.clone());
        identity.ask_for_personal_data(holders(&escrow, &contracts, &marketplace, &notifications));

        let queries = Queries {
            files: files.clone(),
            audit: audit.clone(),
            identity: identity.clone(),
            marketplace: marketplace.clone(),
            contracts: contracts.clone(),
            escrow: escrow.clone(),
            notifications: notifications.clone(),
        };
        Ok(Self {
            authenticator: identity.authenticator().clone(),
            commands: Commands {
                files,
                audit: audit.clone(),
                identity,
                marketplace,
                contracts,
                escrow,
                notifications,
                queries,
            },
            audit,
            registry: Arc::new(registry),
            db,
            clock,
            keys,
            vault,
            payments,
            mailer,
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

    /// The audit trail.
    #[must_use]
    pub fn audit(&self) -> &AuditService {
        &self.audit
    }

    /// Seals personal text that must stay.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Who moves the money.
    #[must_use]
    pub fn payments(&self) -> &dyn PaymentProvider {
        self.payments.as_ref()
    }

    /// Who carries mail.
    #[must_use]
    pub fn mailer(&self) -> &dyn Mailer {
        self.mailer.as_ref()
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

/// Who keeps something about people, from the top down: what an upper crate ends, the lower ones find ended; the words that are left are told
/// of last.
fn holders(
    escrow: &Arc<EscrowService>,
    contracts: &Arc<ContractsService>,
    marketplace: &Arc<MarketplaceService>,
    notifications: &Arc<NotificationsService>,
) -> Vec<Arc<dyn PersonalData>> {
    vec![escrow.clone(), contracts.clone(), marketplace.clone(), notifications.clone()]
}

/// The trail's keys hang on the secret that seals: whoever may read what must stay may also say what happened.
fn audit_keys(secrets: &Secrets) -> audit::Keys {
    let ring = secrets.master.secrets();
    match ring.split_first() {
        Some((current, retired)) => audit::Keys::derive(current, retired),
        None => unreachable!("a ring has a current secret"),
    }
}
