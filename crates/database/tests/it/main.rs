//! The database crate against a real Postgres.

mod migrations;
mod test_database;
