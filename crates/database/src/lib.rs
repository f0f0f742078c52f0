#![doc = include_str!("../README.md")]

mod db;
mod error;

pub use db::{Db, PoolConfig, Tx};
pub use error::{Error, TransactionError};

pub use diesel::PgConnection;
