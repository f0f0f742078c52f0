//! The demo: what is put into a new installation, and the walk through the main job as a client sees it.

mod client;
mod play;
mod scenes;
mod seed;
pub mod stage;
mod teller;

use serde::Serialize;

use crate::command::{Failure, Voice};
use crate::config::Loaded;

pub use seed::{ADMIN, PASSWORD, logins, seed};

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

pub(crate) fn run(_url: Option<&str>, _voice: Voice, _loaded: &Loaded) -> Result<(), Failure> {
    Ok(())
}
