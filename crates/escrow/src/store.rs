//! All of this crate's SQL, as plain functions over a connection. What is decided does not belong here.

pub(crate) mod escrows;
pub(crate) mod ledger;
pub(crate) mod payments;
pub(crate) mod payouts;
pub(crate) mod personal;
pub(crate) mod verify;

use database::Error;
use kernel::Currency;

/// Reads a word that only we write.
fn word<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
    parse(text).ok_or_else(|| Error::Corrupt(format!("`{text}` is not a word that we write")))
}

fn currency(code: &str) -> Result<Currency, Error> {
    code.parse().map_err(|error: kernel::MoneyError| Error::Corrupt(error.to_string()))
}
