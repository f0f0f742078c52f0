//! The database crate against a real Postgres.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod cluster;
mod connections;
mod executor;
mod figures;
mod hot;
mod keyed;
mod migrations;
mod quotas;
mod roles;
mod test_database;
mod transactions;
