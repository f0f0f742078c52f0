//! The marketplace over a real Postgres, without HTTP.

mod award;
mod bids;
mod blindness;
mod jobs;
mod reviews;
mod schema;
mod world;
