//! The yardstick: pgbench, issuing the statements that the service issues, on the same server in the same minute.

use std::path::Path;
use std::process::Command;

/// What pgbench saw.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yardstick {
    /// Transactions a second.
    pub rate: f64,
    /// Their mean latency in milliseconds.
    pub mean: f64,
}

/// Runs a script with prepared statements.
///
/// # Errors
/// When pgbench is missing, or refuses the script; with what it said.
pub fn run(url: &str, script: &Path, clients: usize, seconds: u64) -> Result<Yardstick, String> {
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2", "-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"])
        .arg(script)
        .arg(url)
        .output()
        .map_err(|error| format!("pgbench: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |label: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(label))
            .and_then(|rest| rest.trim_start_matches(" = ").split_whitespace().next())
            .and_then(|number| number.parse::<f64>().ok())
    };
    match (number("tps"), number("latency average")) {
        (Some(rate), Some(mean)) if output.status.success() => Ok(Yardstick { rate, mean }),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
