//! The Postgres that the program runs for itself when nobody gave it one: made, started or adopted, and stopped by the last
//! who uses it.

mod error;
mod machine;
mod server;

pub use error::ClusterError;
pub use machine::{Binaries, RunAs};
pub use server::{Durability, SUPERUSER, Server};
