//! The database crate against a real Postgres.

mod test_database;
