#![doc = include_str!("../README.md")]

pub mod cluster;
mod db;
mod error;
mod link;
pub mod migrate;
pub mod roles;
mod server_check;
mod tx;

pub use db::{Db, PoolConfig};
pub use error::{Error, TransactionError};
pub use migrate::{MigrateError, MigrationStatus};
pub use roles::Roles;
pub use tx::Tx;

pub use diesel::PgConnection;
