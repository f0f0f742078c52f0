//! The crate against a Postgres of its own and the simulated provider: one binary, one module a subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what is missing here fails the test, and that is the point"
)]

mod books;
mod concurrency;
mod deposits;
mod payouts;
mod personal;
mod provider;
mod reading;
mod refusals;
mod releases;
mod schema;
mod stage;
mod webhooks;
