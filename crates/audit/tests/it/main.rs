//! The crate against a Postgres of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers panic as the test itself does")]

mod chains;
mod guards;
mod listing;
mod rows;
mod tampering;
mod trail;
