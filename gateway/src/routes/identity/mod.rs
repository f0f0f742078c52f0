//! People: accounts and sessions, profiles, contractors and their verification.

pub mod admin;
pub mod admin_users;
pub mod auth;
mod change;
pub mod contractors;
pub mod documents;
pub mod exports;
pub mod mfa;
pub mod my_data;
pub mod oauth;
pub mod overview;
pub mod own_sessions;
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
        own_sessions::operations(),
        passwords::operations(),
        sessions::operations(),
        mfa::operations(),
        oauth::operations(),
        users::operations(),
        my_data::operations(),
        exports::operations(),
        contractors::operations(),
        documents::operations(),
        admin::operations(),
        admin_users::operations(),
        overview::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
