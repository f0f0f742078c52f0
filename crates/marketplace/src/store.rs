//! All SQL of the marketplace: plain functions over a connection, and guarded updates. Nothing is decided here.

pub(crate) mod analytics;
pub(crate) mod attachments;
pub(crate) mod bids;
pub(crate) mod bulk;
pub(crate) mod comparison;
pub(crate) mod confirmation;
pub(crate) mod directory;
pub(crate) mod jobs;
pub(crate) mod market;
pub(crate) mod meanings;
pub(crate) mod performance;
pub(crate) mod personal;
pub(crate) mod recommendations;
pub(crate) mod reviews;
pub(crate) mod search;
pub(crate) mod trending;
pub(crate) mod views;

use database::Error;

/// What a text column that has a CHECK must hold.
fn word<T>(parsed: Option<T>, column: &str) -> Result<T, Error> {
    parsed.ok_or_else(|| Error::Corrupt(format!("marketplace.{column}")))
}
