//! [`TestApp`]: the whole product over a database of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use database::{Db, PoolConfig};
use escrow::PaymentProvider;
use escrow::provider::SignatureSecret;
use escrow::provider::simulated::{SIGNATURE_HEADER, SimulatedProvider, SimulatedSettings};
use gateway::{Server, ServerConfig};
use identity::provider::openid;
use identity::{OauthSettings, Providers};
use kernel::Instant;
use notifications::FolderMailer;
use platform::{Parts, Platform};
use reqwest::Client;
use secrecy::SecretString;
use tempfile::TempDir;
use testing::{TestClock, TestDatabase};

use crate::Person;

/// With what the provider signs its webhooks.
pub const PROVIDER_SECRET: &str = "the provider's secret, for tests only";

/// The gateway on a port of its own, a database of its own, a clock that turns. What happens by itself (mail, deadlines, payouts) happens
/// when a test says [`TestApp::settle`], so that nothing happens behind a test's back.
pub struct TestApp {
    /// For looking at rows, as the owner sees them.
    pub database: TestDatabase,
    /// Turns the clocks.
    pub clock: TestClock,
    /// Every service.
    pub platform: Arc<Platform>,
    /// The payment provider, as the outside world can move it.
    pub provider: Arc<SimulatedProvider>,
    secrets: identity::Secrets,
    mail: TempDir,
    files: TempDir,
    server: Server,
    client: Client,
    base: String,
}

/// What it is started with, beside the settings of the server.
struct Start {
    secrets: identity::Secrets,
    oauth: OauthSettings,
    settings: platform::Settings,
    /// None is a folder.
    storage: Option<files::Storage>,
    /// Whether the statements are logged.
    is_logged: bool,
}

impl Default for Start {
    fn default() -> Self {
        let (secrets, oauth) = (identity::Secrets::random(), OauthSettings::default());
        Self { secrets, oauth, settings: settings(), storage: None, is_logged: false }
    }
}

impl TestApp {
    /// Starts it.
    ///
    /// # Panics
    /// When there is no Postgres on this machine, or a part does not start.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts it with other settings of the server.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    pub async fn start_with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::assemble(Start::default(), |provider| provider, change).await
    }

    /// Starts it with another payment provider, made of the simulated one.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    pub async fn start_with_provider<P: PaymentProvider + 'static>(
        dress: impl FnOnce(Arc<SimulatedProvider>) -> Arc<P>,
    ) -> Self {
        Self::assemble(Start::default(), dress, |_| {}).await
    }

    /// Starts it with the secrets of an installation, so that what one seals and signs the other can read.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    pub async fn start_with_secrets(secrets: identity::Secrets) -> Self {
        let start = Start { secrets, ..Start::default() };
        Self::assemble(start, |provider| provider, |_| {}).await
    }

    /// Starts it where people may sign in at OpenID providers.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    pub async fn start_with_oauth(oauth: OauthSettings, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let start = Start { oauth, ..Start::default() };
        Self::assemble(start, |provider| provider, change).await
    }

    /// Starts it with other numbers of the domains.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    pub async fn start_with_settings(settings: platform::Settings) -> Self {
        let start = Start { settings, ..Start::default() };
        Self::assemble(start, |provider| provider, |_| {}).await
    }

    /// Starts it with its files kept elsewhere than in a folder.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    pub async fn start_with_storage(storage: files::Storage) -> Self {
        let start = Start { storage: Some(storage), ..Start::default() };
        Self::assemble(start, |provider| provider, |_| {}).await
    }

    /// Starts it over a database whose statements are logged: [`TestDatabase::listen`].
    ///
    /// # Panics
    /// As [`TestApp::start`].
    pub async fn start_logged() -> Self {
        let start = Start { is_logged: true, ..Start::default() };
        Self::assemble(start, |provider| provider, |_| {}).await
    }

    async fn assemble<P: PaymentProvider + 'static>(
        start: Start,
        dress: impl FnOnce(Arc<SimulatedProvider>) -> Arc<P>,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let database = if start.is_logged { TestDatabase::logged() } else { TestDatabase::new() };
        let clock = database.clock.clone();
        let mut settings = start.settings;
        let providers = openid::providers(&start.oauth).unwrap_or_else(|faults| panic!("{faults}"));
        settings.identity.oauth = start.oauth;
        let mail = TempDir::new().unwrap_or_else(|error| panic!("no folder for mail: {error}"));
        let files = TempDir::new().unwrap_or_else(|error| panic!("no folder for files: {error}"));
        let mailer = FolderMailer::new(mail.path(), &settings.notifications.mail_from);
        let provider = Arc::new(provider_beside(&database));
        let storage = start.storage.unwrap_or_else(|| {
            files::Storage::folder(files.path()).unwrap_or_else(|error| panic!("{error}"))
        });
        let parts = Parts {
            db: database.db.clone(),
            clock: Arc::new(clock.clone()),
            secrets: start.secrets.clone(),
            payments: dress(provider.clone()),
            mailer: Arc::new(mailer.unwrap_or_else(|error| panic!("{error}"))),
            providers,
            storage,
            settings,
        };
        let platform = Platform::new(parts).unwrap_or_else(|faults| panic!("{faults}"));
        let mut config = server_config();
        change(&mut config);
        let server = Server::start(config, &platform).unwrap_or_else(|error| panic!("{error}"));
        let base = format!("http://{}", server.address());
        let client = Client::builder().timeout(Duration::from_secs(60)).build();
        let client = client.unwrap_or_else(|error| panic!("no HTTP client: {error}"));
        let (platform, secrets) = (Arc::new(platform), start.secrets);
        Self { database, clock, platform, provider, secrets, mail, files, server, client, base }
    }

    /// Another server over the same database, with the same secrets, as behind a load balancer: nothing in memory is shared.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    #[must_use]
    pub fn beside(&self) -> Beside {
        self.beside_with_settings(settings())
    }

    /// The same with other numbers of the domains.
    ///
    /// # Panics
    /// As [`TestApp::start`].
    #[must_use]
    pub fn beside_with_settings(&self, settings: platform::Settings) -> Beside {
        let db = Db::connect(&PoolConfig::new(self.database.url.clone()));
        let mailer = FolderMailer::new(self.mail.path(), &settings.notifications.mail_from);
        let parts = Parts {
            db: db.unwrap_or_else(|error| panic!("{error}")),
            clock: Arc::new(self.clock.clone()),
            secrets: self.secrets.clone(),
            payments: self.provider.clone(),
            mailer: Arc::new(mailer.unwrap_or_else(|error| panic!("{error}"))),
            providers: Providers::none(),
            storage: files::Storage::folder(self.files.path()).unwrap_or_else(|error| panic!("{error}")),
            settings,
        };
        let platform = Platform::new(parts).unwrap_or_else(|faults| panic!("{faults}"));
        let server = Server::start(server_config(), &platform).unwrap_or_else(|error| panic!("{error}"));
        Beside { base: format!("http://{}", server.address()), platform, _server: server }
    }

    /// The secrets that it was started with.
    #[must_use]
    pub fn secrets(&self) -> &identity::Secrets {
        &self.secrets
    }

    /// Where the server listens: `http://127.0.0.1:…`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Somebody who has not signed in.
    #[must_use]
    pub fn anyone(&self) -> Person {
        Person::stranger(self.client.clone(), &self.base)
    }

    /// What time it is here.
    #[must_use]
    pub fn now(&self) -> Instant {
        kernel::Clock::now(&self.clock)
    }

    /// Where mail is written to.
    #[must_use]
    pub fn mail_folder(&self) -> &Path {
        self.mail.path()
    }

    /// Where files are kept.
    #[must_use]
    pub fn files_folder(&self) -> &Path {
        self.files.path()
    }

    /// Lets everything happen that is due by now: events are numbered and handed on, tasks run, the provider's webhooks
    /// arrive. Says how many tasks ran.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn settle(&self) -> usize {
        let mut ran = 0;
        loop {
            ran += self.settle_without_webhooks().await;
            if self.deliver_webhooks().await == 0 {
                return ran;
            }
        }
    }

    /// As [`TestApp::settle`], while the provider's webhooks stay on their way.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn settle_without_webhooks(&self) -> usize {
        let (db, registry, server) =
            (self.database.db.clone(), self.platform.registry(), self.server.app().clone());
        let run = move || {
            server.write_views();
            outbox::run_due(&db, &registry)
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(Ok(ran)) => ran,
            Ok(Err(error)) => panic!("what was due could not run: {error}"),
            Err(error) => panic!("what was due could not run: {error}"),
        }
    }

    /// Sends what the provider has to tell, as it would itself: over HTTP, signed.
    async fn deliver_webhooks(&self) -> usize {
        let provider = self.provider.clone();
        let due = tokio::task::spawn_blocking(move || provider.take_due_webhooks()).await;
        let due = match due {
            Ok(Ok(due)) => due,
            other => panic!("the provider's webhooks cannot be read: {:?}", other.err()),
        };
        for webhook in &due {
            let sent = self
                .client
                .post(format!("{}/webhooks/simulated", self.base))
                .header("Content-Type", "application/json")
                .header(SIGNATURE_HEADER, webhook.signature.as_str())
                .body(webhook.body.clone())
                .send()
                .await;
            assert!(sent.is_ok_and(|answer| answer.status().is_success()), "a webhook was not taken");
        }
        due.len()
    }

    /// Turns the clocks forward and lets everything happen that became due.
    ///
    /// # Panics
    /// As [`TestApp::settle`].
    pub async fn pass(&self, time: Duration) -> usize {
        self.clock.advance(time);
        self.settle().await
    }

    /// Stops the server as SIGTERM does; the database stays for who wants to look at it.
    pub async fn stop(self) -> TestDatabase {
        self.server.stop().await;
        self.database
    }
}

/// A second server of one installation. It stops when this is dropped.
pub struct Beside {
    /// Its own services.
    pub platform: Platform,
    base: String,
    _server: Server,
}

impl Beside {
    /// Where it listens; for [`Person::at`].
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }
}

fn server_config() -> ServerConfig {
    let mut config = ServerConfig::local(SecretString::from("c".repeat(32)));
    // Tests of the limits take them back.
    config.rate_limit.exempt = vec!["127.0.0.0/8".parse().unwrap_or_else(|error| panic!("{error}"))];
    config.http.workers = 1;
    // As many as the pool of a test's database has connections for, whatever the machine.
    config.executor.readers = Some(3);
    config.executor.writers = Some(6);
    config.executor.heavy = Some(1);
    config.executor.hashing = Some(1);
    config
}

/// The outside system: the same server, but connections and transactions of its own, never joined to ours.
fn provider_beside(database: &TestDatabase) -> SimulatedProvider {
    let pool = PoolConfig { max_connections: 3, ..PoolConfig::new(database.url.clone()) };
    let db = Db::connect(&pool).unwrap_or_else(|error| panic!("{error}"));
    let secret = SignatureSecret::new(PROVIDER_SECRET);
    SimulatedProvider::new(db, Arc::new(database.clock.clone()), secret, SimulatedSettings::default())
}

/// The product's numbers, with password hashing that takes no time.
#[must_use]
pub fn settings() -> platform::Settings {
    platform::Settings { identity: identity::Settings::for_tests(), ..platform::Settings::default() }
}
