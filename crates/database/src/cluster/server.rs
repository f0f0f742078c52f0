//! One Postgres server on one data directory: made, started, found alive, stopped. Who may stop it is decided elsewhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection};

use super::error::ClusterError;
use super::machine::{Binaries, RunAs, shared_buffers};

/// The bootstrap superuser of a cluster of ours.
pub const SUPERUSER: &str = "postgres";
/// What the socket is called in its directory; the port is part of the name and means nothing else.
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest path of a socket on Linux is 107 bytes; `.lock` is added to it.
const SOCKET_PATH_MAX: usize = 100;
/// How long a server may take to recover and answer.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long backends may outlive a postmaster that was killed.
const ORPHANS_TIMEOUT: Duration = Duration::from_secs(20);
/// How much of a log goes into an error.
const LOG_TAIL: usize = 1_500;

/// Whether what was committed has to survive a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As Postgres is by default.
    Durable,
    /// Everything off: for tests only, gone after a crash of the machine.
    None,
}

/// A server, running or not.
#[derive(Debug, Clone)]
pub struct Server {
    binaries: Binaries,
    run_as: RunAs,
    data: PathBuf,
    socket_dir: PathBuf,
    log: PathBuf,
    durability: Durability,
    max_connections: u32,
}

impl Server {
    /// Describes a server whose files are all below `dir`: `data`, `log`, and the socket unless its path gets too long there.
    ///
    /// # Errors
    /// [`ClusterError`] when there are no binaries, no user to run as, or the directory will not do.
    pub fn at(
        dir: &Path,
        binaries: Option<&Path>,
        durability: Durability,
        max_connections: u32,
    ) -> Result<Self, ClusterError> {
        let run_as = RunAs::choose()?;
        run_as.private_dir(dir)?;
        let dir = dir.canonicalize().map_err(ClusterError::io(dir))?;
        let data = dir.join("data");
        let binaries = Binaries::find(binaries, &data)?;
        let socket_dir = socket_dir(&dir)?;
        run_as.private_dir(&socket_dir)?;
        Ok(Self {
            binaries,
            run_as,
            data,
            socket_dir,
            log: dir.join("postgres.log"),
            durability,
            max_connections,
        })
    }

    /// Makes sure that it runs and answers. Says whether it had to be started; otherwise it was found alive.
    /// Two callers must not do this at a time.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn ensure_running(&self) -> Result<bool, ClusterError> {
        let alive = self.pid().is_some();
        if !alive {
            self.init()?;
            self.write_settings()?;
            self.remove_stale_files()?;
            self.start()?;
        }
        self.wait_ready()?;
        Ok(!alive)
    }

    /// Stops it, ending its sessions, and waits until it is down. Fine when it is down already.
    ///
    /// # Errors
    /// [`ClusterError::Program`].
    pub fn stop(&self) -> Result<(), ClusterError> {
        if self.pid().is_none() {
            return Ok(());
        }
        let mode = if self.durability == Durability::Durable { "fast" } else { "immediate" };
        let mut pg_ctl = self.program("pg_ctl");
        pg_ctl.args(["stop", "-s", "-w", "-t", "60", "-m", mode, "-D"]).arg(&self.data);
        run("pg_ctl stop", &mut pg_ctl, None)
    }

    /// The server's process, if it is alive. A pid file whose number was given to another process meanwhile does not count.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        running(&self.data)
    }

    /// A connection string for that user and database.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        let user = percent(user);
        format!(
            "postgres:///{}?host={}&user={user}",
            percent(database),
            percent(&self.socket_dir.to_string_lossy())
        )
    }

    /// Where its files are.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The binaries that it runs from.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    fn init(&self) -> Result<(), ClusterError> {
        if self.data.join("PG_VERSION").exists() {
            return Ok(());
        }
        // Made aside and renamed: what a killed initdb left must not pass for a cluster.
        let made = self.data.with_extension("new");
        if made.exists() {
            std::fs::remove_dir_all(&made).map_err(ClusterError::io(&made))?;
        }
        let mut initdb = self.program("initdb");
        initdb
            .args([
                "--no-locale",
                "--encoding=UTF8",
                "--auth-local=trust",
                "--auth-host=reject",
                "--username",
                SUPERUSER,
            ])
            .arg("--no-sync")
            .arg("-D")
            .arg(&made);
        run("initdb", &mut initdb, None)?;
        if self.durability == Durability::Durable {
            run("initdb", self.program("initdb").args(["--sync-only", "-D"]).arg(&made), None)?;
        }
        std::fs::rename(&made, &self.data).map_err(ClusterError::io(&self.data))
    }

    /// Written anew before each start, so that an update of the program brings its settings along.
    fn write_settings(&self) -> Result<(), ClusterError> {
        let path = self.data.join("postgresql.conf");
        let mut text =
            String::from("# Written by the program at every start; ALTER SYSTEM settings win over it.\n");
        for (name, value) in self.settings() {
            let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        }
        std::fs::write(&path, text).map_err(ClusterError::io(&path))?;
        self.run_as.give(&path)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            // Nobody but this user, and root, gets through the socket's directory; there is no network.
            ("listen_addresses", String::new()),
            ("unix_socket_directories", self.socket_dir.to_string_lossy().into_owned()),
            ("unix_socket_permissions", "0700".to_owned()),
            ("max_connections", self.max_connections.to_string()),
            ("lc_messages", "C".to_owned()),
            ("timezone", "UTC".to_owned()),
            ("log_timezone", "UTC".to_owned()),
            ("datestyle", "iso, ymd".to_owned()),
            ("log_line_prefix", "%m [%p] %u@%d ".to_owned()),
            ("log_lock_waits", "on".to_owned()),
            ("jit", "off".to_owned()),
        ];
        match self.durability {
            Durability::Durable => settings.extend([
                ("shared_buffers", format!("{}MB", shared_buffers())),
                ("fsync", "on".to_owned()),
                ("synchronous_commit", "on".to_owned()),
                ("full_page_writes", "on".to_owned()),
                ("wal_compression", "on".to_owned()),
                ("max_wal_size", "2GB".to_owned()),
            ]),
            Durability::None => settings.extend([
                ("shared_buffers", "128MB".to_owned()),
                ("fsync", "off".to_owned()),
                ("synchronous_commit", "off".to_owned()),
                ("full_page_writes", "off".to_owned()),
                ("wal_level", "minimal".to_owned()),
                ("max_wal_senders", "0".to_owned()),
                ("autovacuum", "off".to_owned()),
                ("min_wal_size", "32MB".to_owned()),
                ("max_wal_size", "256MB".to_owned()),
                ("log_checkpoints", "off".to_owned()),
            ]),
        }
        settings
    }

    /// A pid file or socket lock that a killed server left, and whose number another process has now, keeps Postgres
    /// from starting. The pid file is also how Postgres finds out about backends that outlived their postmaster, so
    /// it goes only when no process is left in the data directory.
    fn remove_stale_files(&self) -> Result<(), ClusterError> {
        let deadline = Instant::now() + ORPHANS_TIMEOUT;
        while self.has_processes() {
            if Instant::now() > deadline {
                return Err(ClusterError::Orphans { data: self.data.clone() });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let lock = format!("{SOCKET}.lock");
        for path in
            [self.data.join("postmaster.pid"), self.socket_dir.join(SOCKET), self.socket_dir.join(lock)]
        {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ClusterError::Io { path, source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn has_processes(&self) -> bool {
        let Ok(entries) = std::fs::read_dir("/proc") else { return false };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .any(|pid| works_in(pid, &self.data))
    }

    fn start(&self) -> Result<(), ClusterError> {
        let mut pg_ctl = self.program("pg_ctl");
        pg_ctl.args(["start", "-s", "-w", "-t", "60", "-l"]).arg(&self.log).arg("-D").arg(&self.data);
        run("pg_ctl start", &mut pg_ctl, Some(&self.log))
    }

    fn wait_ready(&self) -> Result<(), ClusterError> {
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            match PgConnection::establish(&self.url(SUPERUSER, "postgres")) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline || self.pid().is_none() => {
                    return Err(ClusterError::NotReady {
                        data: self.data.clone(),
                        reason: error.to_string(),
                        log: self.log.clone(),
                    });
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn program(&self, name: &str) -> Command {
        self.run_as.command(&self.binaries.dir().join(name))
    }
}

/// Below `dir` when the socket's path fits there, else in a private directory below /tmp that is named after it.
fn socket_dir(dir: &Path) -> Result<PathBuf, ClusterError> {
    use sha2::Digest as _;
    let inside = dir.join("socket");
    if inside.join(SOCKET).as_os_str().len() <= SOCKET_PATH_MAX {
        return Ok(inside);
    }
    let hash = sha2::Sha256::digest(dir.as_os_str().as_encoded_bytes());
    let name = hash.iter().take(6).fold(String::from("fairtrade-"), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    });
    let outside = std::env::temp_dir().join(name);
    if outside.join(SOCKET).as_os_str().len() <= SOCKET_PATH_MAX {
        Ok(outside)
    } else {
        Err(ClusterError::SocketPathTooLong { path: outside })
    }
}

fn run(program: &'static str, command: &mut Command, log: Option<&Path>) -> Result<(), ClusterError> {
    let output =
        command.output().map_err(|error| ClusterError::Program { program, output: error.to_string() })?;
    if output.status.success() {
        return Ok(());
    }
    let mut said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if let Some(log) = log {
        let text =
            std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let start = text.char_indices().rev().nth(LOG_TAIL).map_or(0, |(index, _)| index);
        let _ = write!(said, "\n{}:\n{}", log.display(), text.get(start..).unwrap_or_default());
    }
    Err(ClusterError::Program { program, output: said })
}

/// The postmaster of a data directory, if it is alive.
pub(super) fn running(data: &Path) -> Option<u32> {
    let data = data.canonicalize().ok()?;
    let pid = first_line(&data.join("postmaster.pid"))?.parse().ok()?;
    works_in(pid, &data).then_some(pid)
}

/// The working directory of every process of a server is its data directory.
fn works_in(pid: u32, data: &Path) -> bool {
    match std::fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(cwd) => cwd == data,
        // Without /proc, better to take a stranger for the server than to start a second one on its data.
        Err(_) if !Path::new("/proc/self").exists() => {
            let pid = i32::try_from(pid).map(nix::unistd::Pid::from_raw);
            pid.is_ok_and(|pid| nix::sys::signal::kill(pid, None) != Err(nix::errno::Errno::ESRCH))
        }
        Err(_) => false,
    }
}

fn first_line(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()?.lines().next().map(|line| line.trim().to_owned())
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
