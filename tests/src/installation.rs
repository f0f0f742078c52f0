//! The program itself, as processes of its own: for what only a process can show, such as being killed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use gateway::config::{Environment, Keys, Secrets};
use serde_json::Value;
use tempfile::TempDir;

use crate::TestApp;

/// Ports that the system gives to nobody by itself, so that between two starts nobody takes ours.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// What the processes of one installation share: the data directory with its secrets, the database, the port.
pub struct Installation {
    program: PathBuf,
    data: TempDir,
    keys: Keys,
    port: u16,
    variables: Vec<(String, String)>,
}

impl Installation {
    /// One with secrets of its own, and no database yet.
    ///
    /// # Panics
    /// When its directory cannot be made.
    #[must_use]
    pub fn of(program: &str) -> Self {
        let data = TempDir::new_in(testing::fast_dir());
        let data = data.unwrap_or_else(|error| panic!("no data directory: {error}"));
        let keys = Secrets::default().keys(Environment::Test, data.path());
        let keys = keys.unwrap_or_else(|faults| panic!("{faults}"));
        Self { program: program.into(), data, keys, port: free_port(), variables: Vec::new() }
    }

    /// The product in this process, with the same secrets over a database that the installation then uses too: to set a stage,
    /// and to look at it.
    pub async fn app(&mut self) -> TestApp {
        let app = TestApp::start_with_secrets(self.keys.identity.clone()).await;
        self.variables.push(("DATABASE_URL".to_owned(), app.database.url.clone()));
        self.variables.push(("MIGRATION_DATABASE_URL".to_owned(), app.database.owner_url.clone()));
        app
    }

    /// The same with another setting, by its variable.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// Where its server listens, whenever there is one.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts a command that stays, as `serve`, and does not wait for it to be ready.
    ///
    /// # Panics
    /// When there is no such program.
    #[must_use]
    pub fn start(&self, command: &[&str]) -> Running {
        let log = self.data.path().join("log");
        let errors = File::options().create(true).append(true).open(&log);
        let errors = errors.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let mut child = self
            .command(command)
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let Some(said) = child.stdout.take() else { panic!("it was to be piped") };
        Running { child, said: BufReader::new(said), log }
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When there is no such program.
    #[must_use]
    pub fn run(&self, command: &[&str]) -> Output {
        let done = self.command(command).output();
        done.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }

    fn command(&self, command: &[&str]) -> Command {
        let mut process = Command::new(&self.program);
        process
            .args(command)
            .arg("--json")
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("FAIRTRADE_ENV", "test")
            .env("FAIRTRADE_CONFIG", Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"))
            .env("FAIRTRADE_DATA", self.data.path())
            .env("PORT", self.port.to_string())
            .env("FAIRTRADE__METRICS__LISTEN", "127.0.0.1:0")
            .env("FAIRTRADE__RATE_LIMIT__EXEMPT", "127.0.0.0/8")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        process
    }
}

/// A process. It is killed when this is dropped.
pub struct Running {
    child: Child,
    said: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Running {
    /// Waits until it says that it is ready, and gives what it says.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn ready(&mut self) -> Value {
        let mut line = String::new();
        let read = self.said.read_line(&mut line);
        if !matches!(read, Ok(1..)) {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("the process ended before it was ready: {log}");
        }
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Ends it as `kill -9` does: nothing in it hears of it.
    ///
    /// # Panics
    /// When it had ended by itself.
    pub fn kill(mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("the process ended by itself, {status}: {log}");
        }
        // Dropping does it.
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let found = PORTS
        .filter(|_| rand::random_ratio(1, 64))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    found.unwrap_or_else(|| panic!("none of the ports tried is free"))
}
