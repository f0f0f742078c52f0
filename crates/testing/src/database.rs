//! A database of a test's own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use database::cluster::SUPERUSER;
use database::{Db, PoolConfig, Roles};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::clock::TestClock;
use crate::server::{connect, process_name, server};
use crate::statement_log::{Listening, LoggedStatement, StatementLog};

/// Connections that the runtime's pool may open; they are made as they are needed.
const RUNTIME_CONNECTIONS: u32 = 16;
const OWNER_CONNECTIONS: u32 = 2;

/// A freshly migrated database that nobody else has, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// As the program has it: the runtime role.
    pub db: Db,
    /// As migrations have it: the owner of every table.
    pub owner: Db,
    /// The runtime role's connection string.
    pub url: String,
    /// The owner's connection string.
    pub owner_url: String,
    /// Turns the database's clock and is Rust's.
    pub clock: TestClock,
    log: Option<StatementLog>,
    name: Name,
}

/// Drops the database.
#[derive(Debug)]
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        server().drop_database(&self.0);
    }
}

impl Default for TestDatabase {
    fn default() -> Self {
        Self::new()
    }
}

impl TestDatabase {
    /// Clones the migrated template.
    ///
    /// # Panics
    /// When there is no Postgres on this machine, or a migration fails.
    #[must_use]
    pub fn new() -> Self {
        Self::with_connections(RUNTIME_CONNECTIONS)
    }

    /// As [`TestDatabase::new`], with room for so many connections of the runtime role.
    ///
    /// # Panics
    /// As [`TestDatabase::new`].
    #[must_use]
    pub fn with_connections(max_connections: u32) -> Self {
        Self::open(max_connections, |_| None)
    }

    /// As [`TestDatabase::new`], with every statement logged, for [`TestDatabase::statements`].
    ///
    /// # Panics
    /// As [`TestDatabase::new`].
    #[must_use]
    pub fn logged() -> Self {
        Self::open(RUNTIME_CONNECTIONS, |name| Some(StatementLog::start(name)))
    }

    fn open(max_connections: u32, log: impl FnOnce(&str) -> Option<StatementLog>) -> Self {
        let name = Name(unique_name());
        server().create(&name.0);
        let log = log(&name.0);
        let roles = Roles::default();
        let url = server().url(&roles.runtime, &name.0);
        let owner_url = server().url(&roles.owner, &name.0);
        let db = pool(&url, max_connections);
        let owner = pool(&owner_url, OWNER_CONNECTIONS);
        Self { db, clock: TestClock::new(owner.clone()), owner, url, owner_url, log, name }
    }

    /// What the runtime role asked the server while `work` ran, on a database made by [`TestDatabase::logged`]. Run the same
    /// once before: a connection's first use of a statement prepares it.
    ///
    /// # Panics
    /// When the database was made otherwise.
    pub fn statements<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<LoggedStatement>) {
        let listening = self.listen();
        let result = work();
        (result, listening.heard())
    }

    /// Listens to what the runtime role asks from now on, on a database made by [`TestDatabase::logged`].
    ///
    /// # Panics
    /// When the database was made otherwise.
    #[must_use]
    pub fn listen(&self) -> Listening<'_> {
        let log = self.log.as_ref();
        log.expect("TestDatabase::logged() makes databases whose statements are logged").listen()
    }

    /// Runs SQL as the owner.
    ///
    /// # Panics
    /// When Postgres refuses it.
    pub fn execute(&self, sql: &str) {
        self.try_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Runs SQL as the owner; for what Postgres is expected to refuse.
    ///
    /// # Errors
    /// As Postgres said.
    pub fn try_execute(&self, sql: &str) -> Result<(), database::Error> {
        self.owner.read(|conn| Ok(conn.batch_execute(sql)?))
    }

    /// Runs SQL as the runtime role; for what Postgres is expected to refuse.
    ///
    /// # Errors
    /// As Postgres said.
    pub fn try_execute_as_runtime(&self, sql: &str) -> Result<(), database::Error> {
        self.db.read(|conn| Ok(conn.batch_execute(sql)?))
    }

    /// How many rows there are: `count("outbox.events WHERE name = 'job.published'")`.
    ///
    /// # Panics
    /// When it is not SQL.
    #[must_use]
    pub fn count(&self, from: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let sql = format!("SELECT count(*) AS count FROM {from}");
        let counted: Result<Count, database::Error> =
            self.owner.read(|conn| Ok(diesel::sql_query(&sql).get_result(conn)?));
        counted.unwrap_or_else(|error| panic!("{sql}: {error}")).count
    }

    /// A plain connection as the cluster's superuser: whom no trigger and no right holds up.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn superuser_connection(&self) -> PgConnection {
        connect(&server().url(SUPERUSER, &self.name.0))
    }

    /// A plain connection as the owner, apart from every pool.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn owner_connection(&self) -> PgConnection {
        connect(&self.owner_url)
    }
}

/// A database that no migration was run on.
#[derive(Debug)]
pub struct EmptyDatabase {
    /// The owner's connection string.
    pub owner_url: String,
    /// The runtime role's connection string.
    pub url: String,
    _name: Name,
}

impl Default for EmptyDatabase {
    fn default() -> Self {
        Self::new()
    }
}

impl EmptyDatabase {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no Postgres on this machine.
    #[must_use]
    pub fn new() -> Self {
        let name = Name(unique_name());
        server().create_empty(&name.0);
        let roles = Roles::default();
        let (owner_url, url) = (server().url(&roles.owner, &name.0), server().url(&roles.runtime, &name.0));
        Self { owner_url, url, _name: name }
    }

    /// A connection as the owner.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn connection(&self) -> PgConnection {
        connect(&self.owner_url)
    }
}

fn pool(url: &str, max_connections: u32) -> Db {
    let config =
        PoolConfig { max_connections, checkout_timeout: Duration::from_secs(30), ..PoolConfig::new(url) };
    Db::connect(&config).unwrap_or_else(|error| panic!("cannot connect to {url}: {error}"))
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{}_{}", process_name(), NEXT.fetch_add(1, Ordering::Relaxed))
}
