//! A Redis for one test: a process of its own, with nothing kept.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Ports that the system gives to nobody by itself, so that between two starts nobody takes ours.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// How often another port is tried when somebody was quicker.
const TRIES: usize = 10;
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the Redis of this machine may be called; they are one protocol.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Runs a program, and ends it once nobody holds the other end of standard input: the test has ended then, however it did.
const KEEPER: &str =
    r#"exec 3<&0; "$@" 3<&- & server=$!; { read -r _ <&3; kill -9 "$server"; } & wait "$server""#;

/// A Redis that runs until it is dropped.
pub struct RedisServer {
    port: u16,
    password: Option<String>,
    tls: bool,
    folder: TempDir,
    running: Option<Running>,
}

struct Running {
    keeper: Child,
    life: Option<ChildStdin>,
}

impl RedisServer {
    /// Starts one that anybody on this machine may use.
    ///
    /// # Panics
    /// When it does not start; says what to install.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(None, false)
    }

    /// Starts one that asks for this password.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn start_with_password(password: &str) -> Self {
        Self::start_with(Some(password.to_owned()), false)
    }

    /// Starts one that speaks TLS alone, with a certificate by [`RedisServer::authority`].
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn start_with_tls() -> Self {
        Self::start_with(None, true)
    }

    /// The certificate of the authority that vouches for localhost in tests; its key is gone.
    #[must_use]
    pub fn authority() -> PathBuf {
        tls_file("authority.pem")
    }

    fn start_with(password: Option<String>, tls: bool) -> Self {
        let folder = TempDir::new().expect("no folder for Redis");
        let mut server = Self { port: 0, password, tls, folder, running: None };
        for _ in 0..TRIES {
            server.port = free_port();
            server.running = server.run();
            if server.running.is_some() {
                return server;
            }
        }
        panic!(
            "no Redis starts ({} are not there, or fail): run `scripts/prerequisites tests` (`make test` does)",
            PROGRAMS.join(" and ")
        );
    }

    /// Its address, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => self.url_with_password(password),
            None if self.tls => format!("rediss://localhost:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// Its address, with this password.
    #[must_use]
    pub fn url_with_password(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}", self.port)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it again at the same address, with nothing in it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.running = self.run();
        assert!(self.running.is_some(), "Redis does not start again on port {}", self.port);
    }

    /// None when nobody can listen there, or there is no such program.
    fn run(&self) -> Option<Running> {
        let program = PROGRAMS.into_iter().find(|name| is_there(name))?;
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "sh", program, "--bind", "127.0.0.1"]);
        if self.tls {
            command.args(["--port", "0", "--tls-port", &self.port.to_string(), "--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(tls_file("server.pem"));
            command.arg("--tls-key-file").arg(tls_file("server.key"));
        } else {
            command.args(["--port", &self.port.to_string()]);
        }
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(self.folder.path());
        command.args(self.password.iter().flat_map(|password| ["--requirepass", password]));
        let keeper = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut keeper = keeper.expect("no shell");
        let mut running = Running { life: keeper.stdin.take(), keeper };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.answers() {
                return Some(running);
            }
            if running.keeper.try_wait().is_ok_and(|ended| ended.is_some()) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            if self.tls {
                // It listens; more than that would take a client of TLS.
                return Ok(true);
            }
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            Ok(&answer == b"+PONG" || &answer == b"-NOAU")
        };
        ask().unwrap_or(false)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.life.take());
        let _ = self.keeper.wait();
    }
}

fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tls").join(name)
}

fn is_there(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

fn free_port() -> u16 {
    let found = PORTS
        .filter(|_| rand::random_ratio(1, 64))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    found.expect("none of the ports tried is free")
}
