#![doc = include_str!("../README.md")]

mod clock;
mod database;
mod server;

pub use clock::TestClock;
pub use database::TestDatabase;
