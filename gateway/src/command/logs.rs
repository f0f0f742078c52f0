//! What the program tells about itself, on standard error: lines for people, or JSON for programs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::failure::Failure;
use crate::config::{ConfigFaults, LogFormat, LogSettings};

/// What the settings may still ask for, but nobody has to read: how the server counts its threads, and what strangers send that
/// is no HTTP, which would be an error of ours at the pleasure of anybody.
const QUIET: &str = "actix_server=warn,actix_http::h1::dispatcher=off";

/// Starts it. Standard output stays free for what a command answers.
///
/// # Errors
/// [`Failure`] when the filter cannot be read.
pub(super) fn start(settings: &LogSettings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.filter)).map_err(|error| {
        let mut faults = ConfigFaults::default();
        faults.push("log.filter", "RUST_LOG", error.to_string());
        faults
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).try_init(),
    };
    started.map_err(|error| Failure::Internal(error.to_string()))
}
