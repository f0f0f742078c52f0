//! The tests that need the whole product. One binary: each more would be one more link.

mod contracts;
mod demo;
mod escrow;
mod house;
mod idempotency;
mod identity;
mod marketplace;
mod notifications;
