//! The tests that need the whole product. One binary: each more would be one more link.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's helpers panic as the test itself does"
)]

mod audit;
mod authorisation;
mod contracts;
mod crash;
mod demo;
mod escrow;
mod house;
mod idempotency;
mod identity;
mod lists;
mod main_job;
mod marketplace;
mod notifications;
