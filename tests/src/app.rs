//! [`TestApp`]: the whole product over a database of its own.

use std::sync::Arc;
use std::time::Duration;

use gateway::{Server, ServerConfig};
use kernel::Instant;
use platform::{Parts, Platform};
use reqwest::Client;
use secrecy::SecretString;
use testing::{TestClock, TestDatabase};

use crate::Person;

/// The gateway on a port of its own, a database of its own, a clock that turns. What happens by itself (mail, deadlines, payouts) happens
/// when a test says [`TestApp::settle`], so that nothing happens behind a test's back.
pub struct TestApp {
    /// For looking at rows, as the owner sees them.
    pub database: TestDatabase,
    /// Turns the clocks.
    pub clock: TestClock,
    /// Every service.
    pub platform: Arc<Platform>,
    server: Server,
    client: Client,
    base: String,
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
        let database = TestDatabase::new();
        let clock = database.clock.clone();
        let parts = Parts {
            db: database.db.clone(),
            clock: Arc::new(clock.clone()),
            secrets: identity::Secrets::random(),
            settings: settings(),
        };
        let platform = Platform::new(parts).unwrap_or_else(|faults| panic!("{faults}"));
        let mut config = ServerConfig::local(SecretString::from("c".repeat(32)));
        // Tests of the limits take them back.
        config.rate_limit.exempt = vec!["127.0.0.0/8".parse().unwrap_or_else(|error| panic!("{error}"))];
        config.http.workers = 1;
        // As many as the pool of a test's database has connections for, whatever the machine.
        config.executor.readers = Some(3);
        config.executor.writers = Some(6);
        config.executor.heavy = Some(2);
        change(&mut config);
        let server = Server::start(config, &platform).unwrap_or_else(|error| panic!("{error}"));
        let base = format!("http://{}", server.address());
        let client = Client::builder().timeout(Duration::from_secs(60)).build();
        let client = client.unwrap_or_else(|error| panic!("no HTTP client: {error}"));
        Self { database, clock, platform: Arc::new(platform), server, client, base }
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

    /// Lets everything happen that is due by now: events are numbered and handed on, tasks run. Says how many tasks ran.
    ///
    /// # Panics
    /// When the database fails.
    pub async fn settle(&self) -> usize {
        let (db, registry) = (self.database.db.clone(), self.platform.registry());
        let ran = tokio::task::spawn_blocking(move || outbox::run_due(&db, &registry)).await;
        match ran {
            Ok(Ok(ran)) => ran,
            Ok(Err(error)) => panic!("what was due could not run: {error}"),
            Err(error) => panic!("what was due could not run: {error}"),
        }
    }

    /// Turns the clocks forward and lets everything happen that became due.
    ///
    /// # Panics
    /// As [`TestApp::settle`].
    pub async fn pass(&self, time: Duration) -> usize {
        self.clock.advance(time);
        self.settle().await
    }

    /// Stops the server as SIGTERM does.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// The product's numbers, with password hashing that takes no time.
#[must_use]
pub fn settings() -> platform::Settings {
    platform::Settings { identity: identity::Settings::for_tests(), ..platform::Settings::default() }
}
