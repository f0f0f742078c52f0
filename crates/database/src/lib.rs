#![doc = include_str!("../README.md")]

pub mod cluster;
mod db;
mod error;
pub mod migrate;
pub mod roles;

pub use db::{Db, PoolConfig, Tx};
pub use error::{Error, TransactionError};
pub use migrate::{MigrateError, MigrationStatus};
pub use roles::Roles;

pub use diesel::PgConnection;
