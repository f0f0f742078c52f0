//! The Postgres that the program runs for itself when nobody gave it one: made, started or adopted, and stopped by the last
//! who uses it.
//!
//! Three lock files beside the data say who is there, and the kernel lets go of them however a process ends. `users` is held shared
//! by everybody; `owner` is held by one and names it; `gate` is held while the server is started or stopped. The owner
//! stops the server when it goes. Should others still be using it, the last of them becomes the owner and stops it. What a
//! `kill -9` of everything leaves running is adopted by whoever comes next.

mod error;
mod machine;
mod server;

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::roles::{self, Roles, ident};
pub use error::ClusterError;
pub use machine::{Binaries, RunAs};
pub use server::{Durability, SUPERUSER, Server};

/// Where root's data are: Postgres refuses root, and the user it runs as then cannot reach below a home.
pub const ROOT_DATA_DIR: &str = "/var/lib/fairtrade";

/// What a private Postgres is to be like.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// The one directory that all data live in; Postgres's are below it in `postgres`.
    pub data_dir: PathBuf,
    /// The directory with `initdb` and `pg_ctl`; by default Debian's newest, then the PATH.
    pub binaries: Option<PathBuf>,
    /// How many connections the server takes.
    pub max_connections: u32,
    /// The database's name.
    pub database: String,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            data_dir: default_data_dir(),
            binaries: None,
            max_connections: 100,
            database: "fairtrade".to_owned(),
        }
    }
}

/// Where data live when nobody says: [`ROOT_DATA_DIR`] for root, otherwise below the home.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    if nix::unistd::Uid::effective().is_root() {
        return PathBuf::from(ROOT_DATA_DIR);
    }
    let directory = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    directory("XDG_DATA_HOME")
        .or_else(|| directory("HOME").map(|home| home.join(".local/share")))
        .unwrap_or_else(std::env::temp_dir)
        .join("fairtrade")
}

/// How the server was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was not running.
    Started,
    /// It was running: another command's, or what one left that was killed.
    Adopted,
}

/// A private Postgres in use by this process. Dropping it lets go of the server, see [`Cluster::leave`].
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    database: String,
    roles: Roles,
    origin: Origin,
    locks: Option<Locks>,
}

#[derive(Debug)]
struct Locks {
    owner: File,
    users: File,
    gate: File,
    is_owner: bool,
}

impl Cluster {
    /// Finds the server running, or makes and starts it; makes the roles and the database. Migrations are another step.
    ///
    /// # Errors
    /// [`ClusterError`], which says what to do.
    pub fn open(settings: &ClusterSettings, roles: &Roles) -> Result<Self, ClusterError> {
        let dir = &settings.data_dir;
        // Before the locks: it makes the directory that they are in.
        let server = Server::at(
            &dir.join("postgres"),
            settings.binaries.as_deref(),
            Durability::Durable,
            settings.max_connections,
        )?;
        let mut locks = Locks::open(dir)?;
        locks.gate.lock().map_err(ClusterError::io(dir))?;
        locks.users.lock_shared().map_err(ClusterError::io(dir))?;
        locks.try_own();
        let origin = if server.ensure_running()? { Origin::Started } else { Origin::Adopted };
        // From here on a failure drops this value, which stops what was started.
        let cluster = Self {
            server,
            database: settings.database.clone(),
            roles: roles.clone(),
            origin,
            locks: Some(locks),
        };
        cluster.prepare()?;
        if let Some(locks) = &cluster.locks {
            locks.gate.unlock().map_err(ClusterError::io(dir))?;
        }
        Ok(cluster)
    }

    /// The connection string of the role that owns the schemas and migrates.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.server.url(&self.roles.owner, &self.database)
    }

    /// The connection string of the role that serves.
    #[must_use]
    pub fn runtime_url(&self) -> String {
        self.server.url(&self.roles.runtime, &self.database)
    }

    /// How it was found.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether this process is the one that stops it.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.locks.as_ref().is_some_and(|locks| locks.is_owner)
    }

    /// The server, for those who want to know its process, its log or its version.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Lets go of the server, and stops it when nobody else uses it and no other process owns it. Says whether it was
    /// stopped. Close every connection before.
    ///
    /// # Errors
    /// [`ClusterError`] when it would not stop.
    pub fn leave(mut self) -> Result<bool, ClusterError> {
        self.let_go()
    }

    fn let_go(&mut self) -> Result<bool, ClusterError> {
        let Some(mut locks) = self.locks.take() else { return Ok(false) };
        let path = self.server.data();
        locks.gate.lock().map_err(ClusterError::io(path))?;
        locks.users.unlock().map_err(ClusterError::io(path))?;
        let alone = locks.users.try_lock().is_ok();
        if !alone || !locks.try_own() {
            return Ok(false);
        }
        self.server.stop()?;
        Ok(true)
    }

    /// The roles, and a database that belongs to the owner.
    fn prepare(&self) -> Result<(), ClusterError> {
        let mut conn = PgConnection::establish(&self.server.url(SUPERUSER, "postgres"))
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        roles::ensure(&mut conn, &self.roles, None)?;
        if !database_exists(&mut conn, &self.database)? {
            let (database, owner) = (ident(&self.database), ident(&self.roles.owner));
            conn.batch_execute(&format!(
                "CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"
            ))
            .map_err(Error::from)?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.let_go() {
            tracing::warn!(%error, "the private Postgres could not be stopped");
        }
    }
}

/// What can be said about a data directory's server without touching it; for `doctor` and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The process that owns the server, while it is alive.
    pub owner: Option<u32>,
    /// The server's process, while it is alive.
    pub server: Option<u32>,
}

/// Looks who runs a Postgres in that data directory. Starts nothing.
#[must_use]
pub fn inspect(data_dir: &Path) -> Inspection {
    let path = lock_path(data_dir, "owner");
    let owner = File::open(&path).ok().and_then(|mut file| {
        // Free means that whoever it names is gone.
        if file.try_lock_shared().is_ok() {
            return None;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    });
    Inspection { owner, server: server::running(&data_dir.join("postgres/data")) }
}

impl Locks {
    fn open(dir: &Path) -> Result<Self, ClusterError> {
        let open = |name: &str| {
            let path = lock_path(dir, name);
            let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
            file.map_err(ClusterError::io(&path))
        };
        Ok(Self { owner: open("owner")?, users: open("users")?, gate: open("gate")?, is_owner: false })
    }

    /// Becomes the owner if there is none. The number in the file is for people; the lock is what counts.
    fn try_own(&mut self) -> bool {
        if !self.is_owner && self.owner.try_lock().is_ok() {
            self.is_owner = true;
            let pid = std::process::id().to_string();
            let written = self
                .owner
                .set_len(0)
                .and_then(|()| self.owner.rewind())
                .and_then(|()| self.owner.write_all(pid.as_bytes()));
            if let Err(error) = written {
                tracing::debug!(%error, "the owner's number could not be written");
            }
        }
        self.is_owner
    }
}

fn lock_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("postgres.{name}.lock"))
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    exists: bool,
}

fn database_exists(conn: &mut PgConnection, name: &str) -> Result<bool, Error> {
    let found: Exists =
        diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS exists")
            .bind::<Text, _>(name)
            .get_result(conn)?;
    Ok(found.exists)
}
