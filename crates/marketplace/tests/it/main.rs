//! The marketplace over a real Postgres, without HTTP.
#![expect(clippy::unwrap_used, reason = "a test's helpers panic as the test itself does")]

mod award;
mod bids;
mod blindness;
mod directory;
mod figures;
mod jobs;
mod personal;
mod reviews;
mod schema;
mod views;
mod world;
