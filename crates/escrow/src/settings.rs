//! The numbers of this crate. What belongs to a contract's terms (the fee, the hours until an automatic release) travels
//! with the contract and is not here.

use serde::{Deserialize, Serialize};

/// How payments and releases behave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// After so many minutes a payment that was not confirmed lapses.
    pub payment_lapse_minutes: u32,
    /// While a provider still works on a payment it is read back every so many seconds, should no webhook come.
    pub processing_poll_seconds: u32,
    /// A payout whose contractor has no account at the provider is looked at again after so many minutes.
    pub payout_wait_minutes: u32,
    /// A milestone is released in so many parts at most.
    pub release_parts_max: i16,
    /// Whether paying needs a verified e-mail address.
    pub paying_needs_verified_email: bool,
    /// The books are proved every so many seconds.
    pub verify_seconds: u32,
    /// Snapshots of the accounts without a balance row are taken every so many seconds.
    pub snapshot_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            payment_lapse_minutes: 15,
            processing_poll_seconds: 60,
            payout_wait_minutes: 60,
            release_parts_max: 100,
            paying_needs_verified_email: true,
            verify_seconds: 60,
            snapshot_seconds: 300,
        }
    }
}
