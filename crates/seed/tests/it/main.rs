//! The seed over a database of a test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::as_conversions)]

mod filling;
mod refusals;
mod schema;
