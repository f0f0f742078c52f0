//! The marketplace over a real Postgres, without HTTP.
#![expect(clippy::unwrap_used, reason = "a test's helpers panic as the test itself does")]

mod analytics;
mod attachments;
mod award;
mod bids;
mod blindness;
mod comparison;
mod confirmation;
mod deadline;
mod directory;
mod figures;
mod jobs;
mod paging;
mod personal;
mod receipts;
mod recommendations;
mod review_life;
mod review_sums;
mod reviews;
mod schema;
mod search;
mod validity;
mod views;
mod world;
