//! The crate against a Postgres of its own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers panic as the test itself does"
)]

mod accounts;
mod erasure;
mod facts;
mod oauth;
mod passwords;
mod people;
mod profiles;
mod refresh;
mod schema;
mod second_factor;
mod sign_in;
mod vault;
mod verifications;
mod world;
