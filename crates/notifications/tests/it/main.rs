//! The crate against a Postgres of its own, and against a real mail server.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helpers panic as the test itself does, and say why they skip"
)]

mod delivering;
mod inbox;
mod personal;
mod schema;
mod smtp;
mod telling;
mod world;
