//! Puts the product together for a command: configuration, keys, the database, every service.

use std::sync::Arc;

use escrow::provider::SignatureSecret;
use escrow::provider::simulated::SimulatedProvider;
use files::Storage;
use identity::provider::openid;
use kernel::{Faults, SystemClock};
use notifications::{FolderMailer, Mailer, SmtpMailer};
use platform::{Parts, Platform, SetupError};
use secrecy::ExposeSecret;

use super::access::Access;
use super::failure::Failure;
use super::trail;
use crate::config::{ConfigFaults, Loaded};

/// Connections for what stands beside the executor and the workers: batched readers, health checks.
const SPARE_CONNECTIONS: u32 = 6;
/// Connections of a command that does one thing.
const FEW_CONNECTIONS: u32 = 4;

/// The simulated provider's own connections: it shares none with us, as an outside system would not.
const PROVIDER_CONNECTIONS: u32 = 4;

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
            trail::migrated(access, "fairtrade serve", &done, false);
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

/// The product put together, and the outside systems that live in this process.
pub(super) struct Assembled {
    /// Every service.
    pub(super) platform: Platform,
    /// The payment provider: an outside system, although it runs in here.
    pub(super) provider: Arc<SimulatedProvider>,
}

/// Every service over a pool of its own.
///
/// # Errors
/// [`Failure`] when the database or a setting is at fault.
pub(super) fn assemble(loaded: &Loaded, access: &Access, purpose: Use) -> Result<Assembled, Failure> {
    let keys = loaded.keys()?;
    let clock = Arc::new(SystemClock);
    let provider = Arc::new(SimulatedProvider::new(
        access.connect(PROVIDER_CONNECTIONS)?,
        clock.clone(),
        SignatureSecret::new(keys.simulated_webhook.expose_secret()),
        loaded.simulated_provider(),
    ));
    let storage = storage(loaded)?;
    let parts = Parts {
        db: access.connect(connections(loaded, purpose))?,
        clock,
        secrets: keys.identity,
        payments: provider.clone(),
        mailer: mailer(loaded)?,
        providers: openid::providers(&loaded.config.identity.oauth).map_err(faulty)?,
        storage: storage.clone(),
        settings: loaded.config.platform(),
    };
    let platform = Platform::new(parts).map_err(|error| match error {
        SetupError::Settings(faults) => faulty(faults),
        SetupError::Template(error) => Failure::Internal(error.to_string()),
    })?;
    if purpose == Use::Serve && loaded.config.storage.s3_bucket.is_some() {
        prove(storage);
    }
    Ok(Assembled { platform, provider })
}

/// Tells in the log when a bucket cannot be used. A bucket that is away keeps no server from starting: most of it needs no files.
fn prove(storage: Storage) {
    let prove = move || {
        if let Err(error) = storage.prove() {
            tracing::error!(%error, "files cannot be kept in the bucket; `fairtrade doctor` tries it again");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("bucket".to_owned()).spawn(prove) {
        tracing::error!(%error, "whether files can be kept in the bucket was not tried");
    }
}

fn faulty(faults: Faults) -> Failure {
    let mut told = ConfigFaults::default();
    for fault in faults.into_vec() {
        told.push(fault.pointer, "the configuration", fault.message);
    }
    Failure::Config(told)
}

/// In the bucket when one is stated, in the folder otherwise.
pub(super) fn storage(loaded: &Loaded) -> Result<Storage, Failure> {
    let refused = |setting: &str, message: String| {
        let mut told = ConfigFaults::default();
        told.push(setting, "the configuration", message);
        Failure::Config(told)
    };
    match loaded.config.storage.s3() {
        Some(bucket) => bucket_storage(&bucket).map_err(|error| refused("storage.s3_bucket", error)),
        None => Storage::folder(&loaded.files_folder())
            .map_err(|error| refused("storage.folder", error.to_string())),
    }
}

#[cfg(feature = "s3")]
fn bucket_storage(bucket: &files::S3Settings) -> Result<Storage, String> {
    Storage::s3(bucket).map_err(|error| error.to_string())
}

#[cfg(not(feature = "s3"))]
fn bucket_storage(_: &files::S3Settings) -> Result<Storage, String> {
    Err("this program was built without S3: build it with its default features, or keep files in a folder"
        .to_owned())
}

/// Over SMTP when a server is stated, into the folder otherwise.
fn mailer(loaded: &Loaded) -> Result<Arc<dyn Mailer>, Failure> {
    let settings = &loaded.config.notifications;
    let refused = |setting: &str, message: String| {
        let mut told = ConfigFaults::default();
        told.push(setting, "the configuration", message);
        Failure::Config(told)
    };
    Ok(match &loaded.config.mail.smtp_url {
        Some(url) => Arc::new(
            SmtpMailer::new(url, settings).map_err(|error| refused("mail.smtp_url", error.to_string()))?,
        ),
        None => Arc::new(
            FolderMailer::new(loaded.mail_folder(), &settings.mail_from)
                .map_err(|error| refused("notifications.mail_from", error.to_string()))?,
        ),
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
        let assembled = assemble(loaded, &access, purpose)?;
        command(&assembled.platform)
    });
    let closed = access.close();
    let value = result?;
    closed.map(|()| value)
}
