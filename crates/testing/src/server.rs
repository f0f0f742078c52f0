//! The throwaway server: one for all test processes of this checkout, started by the first, stopped when the last is gone.
//!
//! Files in its directory: `users.lock` is held shared by every test process for as long as it lives, whatever kills it;
//! `gate.lock` is held while the server and the template are made; `reaper.lock` is held by the process that waits for
//! `users.lock` to be free and then stops the server.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use database::Roles;
use database::cluster::{Durability, SUPERUSER, Server};
use database::roles::ident;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::FileBasedMigrations;
use sha2::{Digest, Sha256};

/// Enough for many tests at once, each with its small pools.
const MAX_CONNECTIONS: u32 = 1_000;
/// How long the server outlives its last user: `cargo test` runs one binary after the other.
const GRACE_SECONDS: u32 = 10;

/// Bytes that a directory has to have free: some dozens of databases of 10 MB at a time, and the write-ahead log.
const ROOM_MIN: u64 = 1 << 30;

/// Waits until nobody holds users.lock, then stops the server and removes its files. Its own arguments: the directory and
/// the seconds of grace. It ends only what runs in the server's own data directory.
const REAPER: &str = r#"
cd "$1" || exit 0
exec 8>>reaper.lock 9>>users.lock
flock -xn 8 || exit 0
while :; do
    flock -x 9; flock -u 9
    sleep "$2"
    flock -xn 9 && break
done
pid=$(head -n 1 postgres/data/postmaster.pid 2>/dev/null)
if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f postgres/data)" ]; then
    kill -QUIT "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
fi
rm -rf postgres
"#;

/// The server, and the template in it.
pub(crate) struct TestServer {
    server: Server,
    template: String,
    /// Held for the life of the process.
    _user: File,
}

/// This checkout.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two levels below the workspace").to_owned()
}

/// Its migrations.
pub(crate) fn migrations() -> FileBasedMigrations {
    FileBasedMigrations::from_path(workspace().join("migrations")).expect("migrations/ is there")
}

/// The server, started if need be.
pub(crate) fn server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(TestServer::open)
}

impl TestServer {
    fn open() -> Self {
        let dir = directory();
        // Waits while a reaper is clearing up.
        let user = lock_file(&dir, "users.lock");
        user.lock_shared().expect("users.lock can be locked");
        let gate = lock_file(&dir, "gate.lock");
        gate.lock().expect("gate.lock can be locked");
        let server = Server::at(&dir.join("postgres"), None, Durability::None, MAX_CONNECTIONS)
            .and_then(|server| server.ensure_running().map(|_| server))
            .unwrap_or_else(|error| panic!("no Postgres for the tests: {error}"));
        start_reaper(&dir);
        let mut conn = connect(&server.url(SUPERUSER, "postgres"));
        database::roles::ensure(&mut conn, &Roles::default(), None).expect("the superuser makes roles");
        drop_leftovers(&mut conn);
        let template = make_template(&server, &mut conn);
        drop(gate);
        Self { server, template, _user: user }
    }

    /// Clones the template.
    pub(crate) fn create(&self, name: &str) {
        let owner = ident(&Roles::default().owner);
        let (name, template) = (ident(name), ident(&self.template));
        self.admin(&format!("CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} STRATEGY FILE_COPY"));
    }

    /// Makes a database with nothing in it.
    pub(crate) fn create_empty(&self, name: &str) {
        self.admin(&format!("CREATE DATABASE {} OWNER {}", ident(name), ident(&Roles::default().owner)));
    }

    /// Never panics, since it runs while a failed test unwinds; what stays is cleared away by the next process.
    pub(crate) fn drop_database(&self, name: &str) {
        if let Ok(mut conn) = PgConnection::establish(&self.server.url(SUPERUSER, "postgres")) {
            let _ = conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", ident(name)));
        }
    }

    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        self.server.url(user, database)
    }

    /// The server's programs, such as pg_dump.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.server.binaries().dir().join(name)
    }

    /// The server's log.
    pub(crate) fn log(&self) -> &Path {
        self.server.log()
    }

    /// Only a superuser may set this; it counts for connections that are made afterwards.
    pub(crate) fn log_statements(&self, database: &str) {
        self.admin(&format!("ALTER DATABASE {} SET log_statement = 'all'", ident(database)));
    }

    fn admin(&self, sql: &str) {
        connect(&self.server.url(SUPERUSER, "postgres"))
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

pub(crate) fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap_or_else(|error| panic!("cannot connect to {url}: {error}"))
}

/// This process, told apart from a later one with the same number: the number and the instant it started.
pub(crate) fn process_name() -> String {
    let pid = std::process::id();
    format!("test_{pid}_{}", started(pid).expect("this process is alive"))
}

/// The start of a process in clock ticks since boot, field 22 of its stat line; the name in field 2 may hold blanks.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// In memory where there is such a place; short, because the path of a socket is; ours, because both places are everybody's.
fn directory() -> PathBuf {
    let uid = nix::unistd::Uid::effective().as_raw();
    let checkout = hex::encode(Sha256::digest(workspace().as_os_str().as_encoded_bytes()));
    let name = format!("fairtrade-test-{uid}-{}", &checkout[..8]);
    let dir = fast_dir().join(name);
    // Passable, since the server of root's tests runs as another user; what matters below is private.
    match std::fs::DirBuilder::new().mode(0o711).create(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            panic!("{}: {error}", dir.display())
        }
        _ => {}
    }
    let metadata = std::fs::symlink_metadata(&dir).expect("it was just made");
    assert!(metadata.is_dir() && metadata.uid() == uid, "{} belongs to another user", dir.display());
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o711)).expect("it is ours");
    dir
}

/// Where files that nobody needs later are best kept: in memory if there is such a place, else among the temporary ones.
///
/// # Panics
/// When neither has a gigabyte free that we may write to.
#[must_use]
pub fn fast_dir() -> PathBuf {
    let found = [PathBuf::from("/dev/shm"), std::env::temp_dir()].into_iter().find(|dir| suits(dir));
    found.expect("neither /dev/shm nor the temporary directory has a gigabyte that we may write to")
}

/// Writable, with room: a container's /dev/shm is often 64 MB.
fn suits(dir: &Path) -> bool {
    let room = nix::sys::statvfs::statvfs(dir)
        .map_or(0, |fs| fs.blocks_available().saturating_mul(fs.fragment_size()));
    room >= ROOM_MIN
        && nix::unistd::access(dir, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK).is_ok()
}

fn lock_file(dir: &Path, name: &str) -> File {
    let path = dir.join(name);
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn start_reaper(dir: &Path) {
    // Free means that no reaper is waiting; should two start at a time, the second finds it taken and ends.
    if lock_file(dir, "reaper.lock").try_lock().is_err() {
        return;
    }
    let mut reaper = Command::new("/bin/sh");
    reaper
        .args(["-c", REAPER, "fairtrade-test-reaper"])
        .arg(dir)
        .arg(GRACE_SECONDS.to_string())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let reaper = reaper.spawn().expect("/bin/sh is there");
    // It outlives this process, so nobody here waits for it.
    drop(reaper);
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Databases of test processes that are gone.
fn drop_leftovers(conn: &mut PgConnection) {
    let names: Vec<Name> =
        diesel::sql_query("SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'test\\_%'")
            .load(conn)
            .expect("the catalogue can be read");
    for Name { name } in names {
        let mut parts = name.split('_').skip(1).map(str::parse::<u64>);
        let (Some(Ok(pid)), Some(Ok(start))) = (parts.next(), parts.next()) else { continue };
        if u32::try_from(pid).ok().and_then(started) != Some(start) {
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", ident(&name)))
                .expect("nobody uses it any more");
        }
    }
}

/// The migrated database that tests clone, named by what is in migrations/, so that a change there makes another.
fn make_template(server: &Server, conn: &mut PgConnection) -> String {
    let template = format!("template_{}", content_hash());
    let there: Vec<Name> =
        diesel::sql_query("SELECT datname::text AS name FROM pg_database WHERE datname = $1")
            .bind::<Text, _>(&template)
            .load(conn)
            .expect("the catalogue can be read");
    if !there.is_empty() {
        return template;
    }
    // Made under another name, so that a half migrated one never passes for the template.
    let roles = Roles::default();
    conn.batch_execute("DROP DATABASE IF EXISTS unfinished WITH (FORCE)").expect("nobody uses it");
    conn.batch_execute(&format!("CREATE DATABASE unfinished OWNER {}", ident(&roles.owner)))
        .expect("a superuser may");
    let mut owner = connect(&server.url(&roles.owner, "unfinished"));
    database::migrate::up(&mut owner, &roles, &migrations()).unwrap_or_else(|error| panic!("{error}"));
    drop(owner);
    conn.batch_execute("ALTER DATABASE unfinished WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
        .expect("a superuser may");
    conn.batch_execute(&format!("ALTER DATABASE unfinished RENAME TO {}", ident(&template)))
        .expect("nobody uses it");
    template
}

fn content_hash() -> String {
    let mut files: Vec<PathBuf> = Vec::new();
    let entries = std::fs::read_dir(workspace().join("migrations")).expect("migrations/ is there");
    for folder in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        files.extend(
            std::fs::read_dir(folder).expect("it is a directory").flatten().map(|entry| entry.path()),
        );
    }
    files.sort_unstable();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(std::fs::read(&file).expect("a migration can be read"));
        hash.update([0]);
    }
    hex::encode(hash.finalize())[..16].to_owned()
}
