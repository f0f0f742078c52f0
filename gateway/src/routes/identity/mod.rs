//! People: accounts and sessions, profiles, contractors and their verification.

pub mod admin;
pub mod auth;
mod change;
pub mod contractors;
pub mod passwords;
pub mod sessions;
pub mod users;
pub mod views;

use crate::operation::Operation;

/// The operations of this folder.
#[must_use]
pub fn operations() -> Vec<Operation> {
    [
        auth::operations(),
        passwords::operations(),
        sessions::operations(),
        users::operations(),
        contractors::operations(),
        admin::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
