//! The program under load, in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running server. Dropping it stops it.
pub(crate) struct ServerProcess {
    child: Child,
    /// `host:port`.
    pub(crate) address: String,
}

impl ServerProcess {
    /// Starts it, or the one that was built with this tool, on this data directory with these variables besides.
    pub(crate) fn start(program: Option<&Path>, data: &Path, variables: &[(&str, String)]) -> Self {
        let program = program.unwrap_or(Path::new(env!("CARGO_BIN_EXE_fairtrade-tested")));
        let mut child = Command::new(program)
            .args(["--json", "serve", "--no-workers"])
            .env("FAIRTRADE_DATA", data)
            .env("FAIRTRADE_ENV", "development")
            // Thousands that are refused in a flood would bury what is measured.
            .env("RUST_LOG", "warn,gateway::middleware::access_log=error")
            .env("PORT", "0")
            .env("FAIRTRADE__METRICS__LISTEN", "127.0.0.1:0")
            .env("FAIRTRADE__RATE_LIMIT__EXEMPT", "127.0.0.0/8")
            // A request may say from where it comes.
            .env("FAIRTRADE__HTTP__TRUSTED_PROXIES", "127.0.0.0/8")
            .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().expect("the server ended before it was ready").unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        let address = ready["address"].as_str().unwrap_or_else(|| panic!("{line}"));
        let address = address.trim_start_matches("http://").to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// The most memory that it has had resident, in MB.
    pub(crate) fn peak_memory_mb(&self) -> u64 {
        self.status_mb("VmHWM:")
    }

    /// The memory that it has resident now, in MB.
    pub(crate) fn memory_mb(&self) -> u64 {
        self.status_mb("VmRSS:")
    }

    /// Lets the most memory be counted from now on.
    pub(crate) fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    fn status_mb(&self, figure: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(figure)).unwrap_or_default();
        line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default()
            / 1000
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        if kill(pid, Signal::SIGTERM).is_ok() {
            let _ = self.child.wait();
        }
    }
}
