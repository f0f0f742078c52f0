//! The SQL of this crate: plain functions over a connection. Decisions do not belong here.

mod accounts;
mod bulk;
mod email_changes;
mod erasure;
mod exports;
mod links;
mod my_data;
mod oauth;
mod people;
mod second_factors;
mod sessions;
mod signing;
mod vault;
mod verification_documents;
mod verifications;

pub(crate) use accounts::*;
pub(crate) use bulk::*;
pub(crate) use email_changes::*;
pub(crate) use erasure::*;
pub(crate) use exports::*;
pub(crate) use links::*;
pub(crate) use my_data::*;
pub(crate) use oauth::*;
pub(crate) use people::*;
pub(crate) use second_factors::*;
pub(crate) use sessions::*;
pub(crate) use signing::*;
pub(crate) use vault::*;
pub(crate) use verification_documents::*;
pub(crate) use verifications::*;

use database::Error;

/// A stored word that the code does not know.
fn unknown(what: &str, word: &str) -> Error {
    Error::Corrupt(format!("{what} `{word}`"))
}
