//! The numbers of rules.md that concern people. Secrets do not belong here: see [`crate::Secrets`].

use serde::{Deserialize, Serialize};

/// Settings of this crate; each number is the default of the product's rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who signs access tokens: their `iss`.
    pub token_issuer: String,
    /// Whom access tokens are for: their `aud`.
    pub token_audience: String,
    /// How long an access token is good, in minutes (1,440 are 24 hours).
    pub access_token_minutes: u32,
    /// How long a session lives after its last refresh, in days.
    pub session_days: u32,
    /// For how many seconds a spent refresh token still gets the same successor: honest retries.
    pub refresh_retry_seconds: u32,
    /// How long the link in a verification mail is good, in hours.
    pub verification_link_hours: u32,
    /// The fewest characters of a password.
    pub password_chars_min: u16,
    /// The most characters of a password; at least 64.
    pub password_chars_max: u16,
    /// The lowest zxcvbn score (0 to 4) of a new password.
    pub password_score_min: u8,
    /// bcrypt's cost: each step doubles the work. 4 in tests.
    pub bcrypt_cost: u32,
    /// How many sign-ins may fail per account, and per address, within the window.
    pub sign_in_failures_max: u16,
    /// The window in which failed sign-ins count, in minutes.
    pub sign_in_window_minutes: u32,
    /// For how many days after signing in from an address its account's failures do not lock that address out.
    pub known_address_days: u32,
    /// The time zone of people who name none (IANA).
    pub default_time_zone: String,
    /// The farthest a contractor's service area may reach, in kilometres.
    pub service_radius_km_max: u16,
    /// How many licences one verification may name.
    pub licences_max: u8,
    /// How many unwrapped data keys are kept in memory.
    pub vault_cached_keys_max: usize,
    /// For how many seconds an unwrapped data key is used without asking the database: as long may an erasure done by another
    /// process take to be felt here.
    pub vault_cache_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_issuer: "fairtradeworker".to_owned(),
            token_audience: "fairtradeworker-api".to_owned(),
            access_token_minutes: 1_440,
            session_days: 30,
            refresh_retry_seconds: 10,
            verification_link_hours: 48,
            password_chars_min: 8,
            password_chars_max: 256,
            password_score_min: 3,
            bcrypt_cost: 12,
            sign_in_failures_max: 10,
            sign_in_window_minutes: 15,
            known_address_days: 30,
            default_time_zone: "UTC".to_owned(),
            service_radius_km_max: 500,
            licences_max: 10,
            vault_cached_keys_max: 10_000,
            vault_cache_seconds: 60,
        }
    }
}

impl Settings {
    /// For tests: the same rules, with password hashing that takes no time.
    #[must_use]
    pub fn for_tests() -> Self {
        Self { bcrypt_cost: 4, ..Self::default() }
    }
}
