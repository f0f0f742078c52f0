#![doc = include_str!("../README.md")]

pub mod cluster;
pub mod composed;
mod db;
mod error;
mod executor;
mod facts;
pub mod hot;
mod keyed;
mod link;
pub mod migrate;
mod quota;
pub mod roles;
mod server_check;
mod tx;
mod version;

pub use db::{Db, PoolConfig};
pub use error::{Error, TransactionError};
pub use executor::{Answer, BatchReader, BatchSettings, Batched, Executor, ExecutorSettings, Rejected};
pub use facts::{ServerFacts, establish, facts};
pub use keyed::{Claim, Keep, KeyedCommand, Once, Ticket};
pub use migrate::{MigrateError, MigrationStatus};
pub use quota::{Draw, Drawn};
pub use roles::Roles;
pub use tx::Tx;
pub use version::{RowVersion, Xid};

pub use diesel::PgConnection;
