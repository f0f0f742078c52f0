//! The demo: what is put into a new installation, and the walk through the main job as a client sees it.

mod history;
mod photos;
mod play;
mod scenes;
mod seed;
mod server;
pub mod stage;
mod walk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::command::{Failure, Voice, say};
use crate::config::Loaded;
use server::{OwnServer, answers};

pub use history::history;
pub use seed::{ADMIN, PASSWORD, logins, seed};
pub use walk::{Moved, Step, Story, Walk, WalkError, walk};

/// How long the walk waits for mail and payouts.
const PATIENCE: Duration = Duration::from_secs(30);

/// With what to sign in as one of the demo's people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoLogin {
    /// What they are.
    pub role: &'static str,
    /// With what they sign in.
    pub email: &'static str,
    /// The same for all.
    pub password: &'static str,
}

/// Walks the main job against the server at `url`, or against the configured one, which is started when nobody answers there.
///
/// # Errors
/// [`Failure`], with the step at which it ended.
pub(crate) fn run(
    url: Option<&str>,
    mail: Option<&Path>,
    voice: Voice,
    loaded: &Loaded,
) -> Result<(), Failure> {
    if let Some(url) = url {
        if !answers(url)? {
            return Err(Failure::Refused(format!(
                "nobody answers at {url}. Start a server there, or leave --url out to have one started"
            )));
        }
        return take(url.to_owned(), mail.map(Path::to_owned), voice);
    }
    let base = configured(loaded);
    let folder = mail.map_or_else(|| loaded.mail_folder(), Path::to_owned);
    let folder = loaded.config.mail.smtp_url.is_none().then_some(folder);
    if answers(&base)? {
        return take(base, folder, voice);
    }
    if voice == Voice::People {
        say(format!("Nobody answers at {base}: a server is started for the walk."))?;
    }
    let server = OwnServer::start()?;
    let result = take(server.address().to_owned(), folder, voice);
    server.stop();
    result
}

fn take(base: String, mail: Option<PathBuf>, voice: Voice) -> Result<(), Failure> {
    let mut told = Ok(());
    let mut tell = |line: &str| {
        if voice == Voice::People && told.is_ok() {
            told = say(line);
        }
    };
    tell(&format!("The main job at {base}, as a client sees it"));
    let story = walk(&Walk { base, mail, patience: PATIENCE }, &mut tell)
        .map_err(|error| Failure::Refused(error.to_string()))?;
    told?;
    match voice {
        Voice::People => Ok(()),
        Voice::Programs => voice.tell(&story, String::new),
    }
}

/// The configured address, as a client on this machine reaches it.
fn configured(loaded: &Loaded) -> String {
    let server = &loaded.config.server;
    let host = match server.host.as_str() {
        "0.0.0.0" | "::" => "127.0.0.1".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("http://{host}:{}", server.port)
}
