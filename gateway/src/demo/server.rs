//! A server for the walk, where none answers: another process of this program, as if somebody had started it in another terminal.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::command::Failure;

/// How long a server may take to say whether it is there.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);
/// How long it is given to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);

/// Whether FairTradeWorker answers there.
///
/// # Errors
/// [`Failure::Refused`] when the URL is none, or something else answers.
pub(super) fn answers(base: &str) -> Result<bool, Failure> {
    let url = format!("{}/health", base.trim_end_matches('/'));
    let client = reqwest::blocking::Client::builder().timeout(LOOK_TIMEOUT).build();
    let client = client.map_err(|error| Failure::Internal(error.to_string()))?;
    let foreign = || Failure::Refused(format!("something answers at {base}, but it is not FairTradeWorker"));
    match client.get(&url).send() {
        Ok(answer) => {
            let body: Value = answer.json().map_err(|_| foreign())?;
            if body.get("status").is_some() { Ok(true) } else { Err(foreign()) }
        }
        Err(error) if error.is_builder() => Err(Failure::Refused(format!("`{base}` is no URL of a server"))),
        Err(error) if error.is_connect() => Ok(false),
        Err(_) => Err(foreign()),
    }
}

/// The server, until it is stopped.
pub(super) struct OwnServer {
    child: Child,
    address: String,
}

impl OwnServer {
    /// Starts it with the demo in it, and waits until it is ready. What goes wrong it says itself, on standard error.
    ///
    /// # Errors
    /// [`Failure::Refused`] when it ends instead.
    pub(super) fn start() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--demo", "--json"]).stdin(Stdio::null()).stdout(Stdio::piped());
        if std::env::var_os("RUST_LOG").is_none() {
            // Its log would stand between the lines of the walk.
            command.env("RUST_LOG", "error");
        }
        let mut child = command.spawn()?;
        let ready = child.stdout.take().and_then(|out| first_object(BufReader::new(out)));
        let address = ready.as_ref().and_then(|ready| ready.get("address")).and_then(Value::as_str);
        match address {
            Some(address) => Ok(Self { address: address.to_owned(), child }),
            None => {
                let status = child.wait()?;
                Err(Failure::Refused(format!(
                    "the server did not start ({status}); its own message stands above"
                )))
            }
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Stops it as Ctrl-C does.
    pub(super) fn stop(mut self) {
        let asked = i32::try_from(self.child.id()).map(|id| kill(Pid::from_raw(id), Signal::SIGTERM));
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < STOP_TIMEOUT {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(50)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line that is a JSON object.
fn first_object(lines: impl BufRead) -> Option<Value> {
    let lines = lines.lines().map_while(Result::ok);
    lines.filter_map(|line| serde_json::from_str(&line).ok()).find(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_when_it_has_said_so_in_json() {
        let said = "The demo was put in.\n{\"address\":\"http://127.0.0.1:1\"}\n";
        assert_eq!(first_object(said.as_bytes()).unwrap()["address"], "http://127.0.0.1:1");
        assert_eq!(first_object("Stopping.\n".as_bytes()), None);
    }

    #[test]
    fn nobody_and_somebody_else_are_told_apart() {
        assert!(!answers("http://127.0.0.1:1").unwrap());
        assert!(answers("not a url").unwrap_err().to_string().contains("is no URL"));
    }
}
