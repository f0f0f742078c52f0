//! The private Postgres: who starts it, who adopts it, who stops it. Other processes are this test binary again.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use database::Roles;
use database::cluster::{Binaries, Cluster, ClusterError, ClusterSettings, Origin, inspect};
use diesel::prelude::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Tells the child what to open.
const CHILD: &str = "FAIRTRADE_CLUSTER_TEST_DIR";

/// A data directory that an unprivileged Postgres reaches, and that leaves no server behind.
struct DataDir(tempfile::TempDir);

impl DataDir {
    fn new() -> Self {
        // In memory where that is possible: syncing to a disk is not what is tested here.
        let dir = tempfile::Builder::new().prefix("ft").tempdir_in(testing::fast_dir()).unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn settings(&self) -> ClusterSettings {
        ClusterSettings {
            data_dir: self.path().to_owned(),
            max_connections: 20,
            ..ClusterSettings::default()
        }
    }

    fn open(&self) -> Cluster {
        Cluster::open(&self.settings(), &Roles::default()).unwrap()
    }

    fn server(&self) -> Option<u32> {
        inspect(self.path()).server
    }

    fn spawn(&self) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["cluster::child", "--exact", "--ignored", "--nocapture"])
            .env(CHILD, self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("opened ") {
            said.clear();
            assert!(stdout.read_line(&mut said).unwrap() > 0, "the child ended without opening it");
        }
        let said = said.trim().split("opened ").nth(1).unwrap().to_owned();
        Process { child, said, _stdout: stdout }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if let Some(pid) = self.server() {
            let _ = signal(pid, Signal::SIGQUIT);
            while self.server().is_some() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}

/// Another process that uses the server until it is told to leave.
struct Process {
    child: Child,
    said: String,
    /// Kept open: the child's test harness prints to it at the end.
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    fn leave(mut self) {
        self.child.stdin.take().unwrap().write_all(b"leave\n").unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn signal(pid: u32, signal: Signal) -> nix::Result<()> {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal)
}

fn ask(url: &str) -> String {
    let mut conn = PgConnection::establish(url).unwrap();
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>("current_user::text"))
        .get_result(&mut conn)
        .unwrap()
}

/// Not a test: the other process, see [`DataDir::spawn`].
#[test]
#[ignore = "run by the tests of this module"]
fn child() {
    let settings = ClusterSettings {
        data_dir: PathBuf::from(std::env::var_os(CHILD).expect("run by another test")),
        max_connections: 20,
        ..ClusterSettings::default()
    };
    let cluster = Cluster::open(&settings, &Roles::default()).unwrap();
    println!("opened {:?} {}", cluster.origin(), cluster.is_owner());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    cluster.leave().unwrap();
}

#[test]
fn it_starts_from_nothing_and_stops_with_its_owner() {
    let dir = DataDir::new();
    let cluster = dir.open();
    assert_eq!((cluster.origin(), cluster.is_owner()), (Origin::Started, true));
    assert_eq!(ask(&cluster.owner_url()), "fairtrade_owner");
    assert_eq!(ask(&cluster.runtime_url()), "fairtrade_app");
    assert_eq!(inspect(dir.path()).owner, Some(std::process::id()));
    assert!(cluster.leave().unwrap());
    assert_eq!(dir.server(), None);
    let again = dir.open();
    assert_eq!(again.origin(), Origin::Started, "the second start finds the data of the first");
}

#[test]
fn another_command_adopts_it_and_leaves_it_running() {
    let dir = DataDir::new();
    let owner = dir.spawn();
    assert_eq!(owner.said, "Started true");
    let guest = dir.open();
    assert_eq!((guest.origin(), guest.is_owner()), (Origin::Adopted, false));
    assert!(!guest.leave().unwrap());
    assert!(dir.server().is_some());
    owner.leave();
    assert_eq!(dir.server(), None);
}

#[test]
fn an_owner_that_goes_first_leaves_it_to_the_last_user() {
    let dir = DataDir::new();
    let owner = dir.spawn();
    let guest = dir.open();
    owner.leave();
    assert_eq!(ask(&guest.runtime_url()), "fairtrade_app", "nobody pulls the server from under the guest");
    assert!(guest.leave().unwrap());
    assert_eq!(dir.server(), None);
}

#[test]
fn an_orphan_is_adopted_after_a_kill() {
    let dir = DataDir::new();
    let owner = dir.spawn();
    let before = dir.server();
    assert!(before.is_some());
    owner.kill();
    assert_eq!(inspect(dir.path()).owner, None);
    let heir = dir.open();
    assert_eq!((heir.origin(), heir.is_owner()), (Origin::Adopted, true));
    assert_eq!(dir.server(), before);
    assert!(heir.leave().unwrap());
}

#[test]
fn it_starts_again_after_everything_was_killed() {
    let dir = DataDir::new();
    let owner = dir.spawn();
    let server = dir.server().unwrap();
    owner.kill();
    signal(server, Signal::SIGKILL).unwrap();
    let next = dir.open();
    assert_eq!(next.origin(), Origin::Started);
    assert_eq!(ask(&next.runtime_url()), "fairtrade_app");
}

#[test]
fn a_pid_file_whose_number_somebody_else_has_is_stale() {
    let dir = DataDir::new();
    assert!(dir.open().leave().unwrap());
    let (data, socket) = (dir.path().join("postgres/data"), dir.path().join("postgres/socket"));
    let me = std::process::id();
    std::fs::write(data.join("postmaster.pid"), format!("{me}\n{}\n0\n5432\n\n\n", data.display())).unwrap();
    std::fs::write(socket.join(".s.PGSQL.5432.lock"), format!("{me}\n")).unwrap();
    assert_eq!(dir.server(), None);
    assert_eq!(dir.open().origin(), Origin::Started);
}

#[test]
fn the_directories_are_private_and_there_is_no_network() {
    let dir = DataDir::new();
    let cluster = dir.open();
    for name in ["postgres", "postgres/data", "postgres/socket"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
    let mut conn = PgConnection::establish(&cluster.runtime_url()).unwrap();
    let show = |conn: &mut PgConnection, name: &str| -> String {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(&format!("current_setting('{name}')")))
            .get_result(conn)
            .unwrap()
    };
    assert_eq!(show(&mut conn, "listen_addresses"), "");
    assert_eq!(show(&mut conn, "fsync"), "on");
    assert_eq!(show(&mut conn, "lock_timeout"), "2s");
    assert_eq!(show(&mut conn, "TimeZone"), "UTC");
    assert_eq!(show(&mut conn, "server_encoding"), "UTF8");
}

#[test]
fn a_directory_with_a_long_path_still_gets_a_socket() {
    let dir = DataDir::new();
    let deep = dir.path().join("a-long-name-for-a-directory".repeat(4));
    let settings = ClusterSettings { data_dir: deep, ..dir.settings() };
    let cluster = Cluster::open(&settings, &Roles::default()).unwrap();
    assert_eq!(ask(&cluster.runtime_url()), "fairtrade_app");
    assert!(cluster.leave().unwrap());
}

#[test]
fn missing_binaries_are_told_with_what_to_do() {
    let dir = DataDir::new();
    let settings = ClusterSettings { binaries: Some(dir.path().to_owned()), ..dir.settings() };
    let error = Cluster::open(&settings, &Roles::default()).unwrap_err();
    assert!(matches!(error, ClusterError::NoBinaries { .. }), "{error}");
    assert!(error.to_string().contains("apt-get install postgresql"), "{error}");
    assert!(error.to_string().contains("DATABASE_URL"), "{error}");
}

#[test]
fn data_of_another_version_are_not_touched() {
    let dir = DataDir::new();
    std::fs::write(dir.path().join("PG_VERSION"), "8\n").unwrap();
    let error = Binaries::find(None, dir.path()).unwrap_err();
    assert!(matches!(&error, ClusterError::WrongVersion { made_by, .. } if made_by == "8"), "{error}");
}

#[test]
fn a_directory_that_the_servers_user_cannot_reach_is_refused() {
    if !nix::unistd::Uid::effective().is_root() {
        // Then the server runs as us, and reaches what we reach.
        return;
    }
    let dir = DataDir::new();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let error = Cluster::open(&dir.settings(), &Roles::default()).unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("/var/lib/fairtrade"), "{error}");
}
