//! The database that a command works on: a server that was named, or the private one.

use std::time::Duration;

use database::cluster::{Cluster, ClusterSettings};
use database::{
    Db, MigrateError, MigrationStatus, PgConnection, PoolConfig, Roles, ServerFacts, migrate, roles,
};
use secrecy::{ExposeSecret, SecretString};

use super::assembly::{Use, connections};
use super::failure::Failure;
use crate::config::{DatabaseSettings, Loaded};

/// How long a server may take to answer at all, in seconds.
const CONNECT_TIMEOUT_SECONDS: &str = "10";

/// The way to the database. Holds the private Postgres, if it is that, until [`Access::close`].
#[derive(Debug)]
pub(super) struct Access {
    runtime_url: SecretString,
    owner_url: SecretString,
    roles: Roles,
    checkout_timeout: Duration,
    cluster: Option<Cluster>,
}

impl Access {
    /// Finds the server, or starts the private one. Touches nothing in it yet.
    ///
    /// # Errors
    /// [`Failure::Database`] when there is none to be had, saying what to do.
    pub(super) fn open(loaded: &Loaded) -> Result<Self, Failure> {
        let settings = &loaded.config.database;
        let cluster = match &settings.url {
            Some(_) => None,
            None => Some(private(loaded)?),
        };
        let (runtime_url, owner_url) = match &cluster {
            Some(cluster) => (cluster.runtime_url().into(), cluster.owner_url().into()),
            None => stated(settings),
        };
        let checkout_timeout = Duration::from_millis(settings.checkout_timeout_milliseconds);
        Ok(Self { runtime_url, owner_url, roles: settings.roles.clone(), checkout_timeout, cluster })
    }

    /// Whether the server is our own.
    #[must_use]
    pub(super) const fn is_private(&self) -> bool {
        self.cluster.is_some()
    }

    /// The private Postgres.
    #[must_use]
    pub(super) const fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// A pool of connections as the runtime role.
    ///
    /// # Errors
    /// [`Failure::Database`].
    pub(super) fn connect(&self, max_connections: u32) -> Result<Db, Failure> {
        let facts = database::facts(&mut self.link(&self.runtime_url)?, &self.roles).map_err(unreachable)?;
        if !facts.runtime_exists {
            return Err(Failure::Database(format!(
                "the role {} is not there yet: run `fairtrade migrate` first",
                self.roles.runtime
            )));
        }
        let become_runtime = (facts.user != self.roles.runtime).then(|| self.roles.clone());
        let config = PoolConfig {
            url: self.runtime_url.expose_secret().to_owned(),
            max_connections,
            checkout_timeout: self.checkout_timeout,
            become_runtime,
        };
        Db::connect(&config).map_err(unreachable)
    }

    /// Connections as whoever migrates: the owner of the tables.
    ///
    /// # Errors
    /// [`Failure::Database`].
    pub(super) fn connect_as_owner(&self) -> Result<Db, Failure> {
        let config = PoolConfig {
            url: self.owner_url.expose_secret().to_owned(),
            max_connections: 2,
            checkout_timeout: self.checkout_timeout,
            become_runtime: None,
        };
        Db::connect(&config).map_err(unreachable)
    }

    /// What the server says about itself, to the role that serves and to the one that migrates.
    ///
    /// # Errors
    /// [`Failure::Database`] when one of them cannot connect.
    pub(super) fn facts(&self) -> Result<(ServerFacts, ServerFacts), Failure> {
        let ask = |url| database::facts(&mut self.link(url)?, &self.roles).map_err(unreachable);
        Ok((ask(&self.runtime_url)?, ask(&self.owner_url)?))
    }

    /// Every migration, and whether the database has it.
    ///
    /// # Errors
    /// [`Failure::Database`].
    pub(super) fn status(&self) -> Result<Vec<MigrationStatus>, Failure> {
        migrate::status(&mut self.link(&self.owner_url)?, &platform::MIGRATIONS).map_err(refused)
    }

    /// Makes the roles where they are missing, and runs what is missing; says what that was.
    ///
    /// # Errors
    /// [`Failure::Database`].
    pub(super) fn migrate(&self) -> Result<Vec<String>, Failure> {
        let mut conn = self.link(&self.owner_url)?;
        // Where the runtime role is still to be made, nobody can sign in as it.
        let runtime = self
            .link(&self.runtime_url)
            .and_then(|mut conn| database::facts(&mut conn, &self.roles).map_err(unreachable));
        let login = runtime.ok().map(|facts| facts.user).filter(|user| *user != self.roles.runtime);
        roles::ensure(&mut conn, &self.roles, login.as_deref()).map_err(|error| {
            Failure::Database(format!(
                "the roles cannot be made: {error}. Let a superuser make them, or name a user that may in MIGRATION_DATABASE_URL"
            ))
        })?;
        migrate::up(&mut conn, &self.roles, &platform::MIGRATIONS).map_err(refused)
    }

    /// Takes so many migrations back, the newest first; says which.
    ///
    /// # Errors
    /// [`Failure::Database`].
    pub(super) fn take_back(&self, steps: usize) -> Result<Vec<String>, Failure> {
        let mut conn = self.link(&self.owner_url)?;
        migrate::down(&mut conn, &self.roles, &platform::MIGRATIONS, steps).map_err(refused)
    }

    /// Lets go of the private Postgres, and stops it when nobody else uses it. Every pool has to be gone before.
    ///
    /// # Errors
    /// [`Failure::Database`] when it does not stop.
    pub(super) fn close(self) -> Result<(), Failure> {
        match self.cluster {
            Some(cluster) => {
                cluster.leave().map(|_| ()).map_err(|error| Failure::Database(error.to_string()))
            }
            None => Ok(()),
        }
    }

    fn link(&self, url: &SecretString) -> Result<PgConnection, Failure> {
        database::establish(url.expose_secret()).map_err(unreachable)
    }
}

fn private(loaded: &Loaded) -> Result<Cluster, Failure> {
    let settings = &loaded.config.database;
    let wanted = ClusterSettings {
        data_dir: loaded.config.data.directory(),
        binaries: settings.binaries.clone(),
        max_connections: settings.private_max_connections.unwrap_or_else(|| private_connections(loaded)),
        ..ClusterSettings::default()
    };
    Cluster::open(&wanted, &settings.roles).map_err(|error| Failure::Database(error.to_string()))
}

/// Two servers (the second starts before the first has gone), and what looks on.
fn private_connections(loaded: &Loaded) -> u32 {
    (2 * connections(loaded, Use::Serve) + 20).max(100)
}

/// The URLs as stated, each standing in for the one that is not.
fn stated(settings: &DatabaseSettings) -> (SecretString, SecretString) {
    let runtime = settings.url.clone().unwrap_or_default();
    let owner = settings.direct_url.as_ref().or(settings.migration_url.as_ref()).unwrap_or(&runtime);
    (with_timeout(&runtime), with_timeout(owner))
}

/// libpq waits for ever unless it is told not to.
fn with_timeout(url: &SecretString) -> SecretString {
    let text = url.expose_secret();
    match url::Url::parse(text) {
        Ok(mut parsed) if !parsed.query_pairs().any(|(name, _)| name == "connect_timeout") => {
            parsed.query_pairs_mut().append_pair("connect_timeout", CONNECT_TIMEOUT_SECONDS);
            SecretString::from(String::from(parsed))
        }
        _ => url.clone(),
    }
}

fn unreachable(error: database::Error) -> Failure {
    Failure::Database(match error {
        database::Error::Unavailable(reason) => format!(
            "Postgres cannot be reached: {reason}\nDATABASE_URL names the server; without it a private one is started. \
             `fairtrade doctor` says more."
        ),
        other => other.to_string(),
    })
}

fn refused(error: MigrateError) -> Failure {
    match error {
        MigrateError::Database(error) => unreachable(error),
        other => Failure::Database(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gets_a_timeout_unless_it_has_one() {
        let timed = |url: &str| with_timeout(&SecretString::from(url)).expose_secret().to_owned();
        assert_eq!(timed("postgres://a:b@h/d"), "postgres://a:b@h/d?connect_timeout=10");
        assert_eq!(timed("postgres://h/d?connect_timeout=3"), "postgres://h/d?connect_timeout=3");
        assert_eq!(timed("host=h dbname=d"), "host=h dbname=d");
    }

    #[test]
    fn migrations_go_the_direct_way_where_one_is_stated() {
        let settings = DatabaseSettings {
            url: Some("postgres://pooler/d".into()),
            migration_url: Some("postgres://owner/d".into()),
            ..DatabaseSettings::default()
        };
        assert!(stated(&settings).1.expose_secret().starts_with("postgres://owner/d"));
        let direct = DatabaseSettings { direct_url: Some("postgres://direct/d".into()), ..settings };
        assert!(stated(&direct).1.expose_secret().starts_with("postgres://direct/d"));
    }
}
