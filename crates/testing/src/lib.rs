#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this crate is for tests alone, and a panic is how a test fails"
)]

mod catalogue;
mod clock;
mod database;
pub mod pictures;
mod plan;
mod redis;
mod s3;
mod schema;
mod server;
mod statement_log;

pub use catalogue::{check_migrations_reverse, unindexed_foreign_keys};
pub use clock::TestClock;
pub use database::{EmptyDatabase, TestDatabase};
pub use plan::{Bounds, Fault, Plan, table_sizes};
pub use redis::RedisServer;
pub use s3::S3Server;
pub use schema::{check_schema, check_schema_at, generate};
pub use server::fast_dir;
pub use statement_log::{How, Listening, LoggedStatement, assert_cached};
