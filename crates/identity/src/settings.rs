//! The numbers of rules.md that concern people. Secrets do not belong here: see [`crate::Secrets`].

use kernel::Faults;
use serde::{Deserialize, Serialize};

use crate::model::{PhoneRegion, TimeZone};
use crate::provider::OauthSettings;

/// A number that is out of its bounds is more likely a slip of the keyboard than a wish: a bcrypt cost of 31 is a sign-in of two days.
const BCRYPT_COSTS: std::ops::RangeInclusive<u64> = 4..=16;
/// Ten years of days: beyond that a time limit is none.
const DAYS_MAX: u64 = 3_650;
/// Longer, and the QR code has more squares than a telephone likes to read.
const ISSUER_CHARS_MAX: usize = 60;
const MINUTES_MAX: u64 = DAYS_MAX * 24 * 60;

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
    /// How long a new signing key waits before it signs, in seconds: until then every server has read it. They look every 15 seconds.
    pub signing_key_delay_seconds: u32,
    /// How long a session lives after its last refresh, in days.
    pub session_days: u32,
    /// For how many seconds a spent refresh token still gets the same successor: honest retries.
    pub refresh_retry_seconds: u32,
    /// How long the link in a verification mail is good, in hours.
    pub verification_link_hours: u32,
    /// How long the link in a mail that sets a new password is good, in minutes.
    pub reset_link_minutes: u32,
    /// How many mails of one kind anyone may have sent to one address by asking, within the window; what is asked beyond is answered the
    /// same and sends nothing.
    pub mail_requests_max: u16,
    /// How many such mails may be asked for from one network address within the window, whoever they are for.
    pub mail_requests_per_caller_max: u16,
    /// The window in which mails that were asked for count, in minutes.
    pub mail_request_window_minutes: u32,
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
    /// Whether administrators may do nothing but set up a second factor until they have one.
    pub administrators_need_second_factor: bool,
    /// Under what name authenticator apps list our codes.
    pub second_factor_issuer: String,
    /// How long the question for a second factor can be answered, in minutes.
    pub sign_in_challenge_minutes: u32,
    /// How long a step-up lasts, in minutes.
    pub step_up_minutes: u32,
    /// The country (ISO 3166, `US`) in which a phone number without a country code is taken to be; empty: every number needs one.
    pub phone_region: String,
    /// The time zone of people who name none (IANA).
    pub default_time_zone: String,
    /// The farthest a contractor's service area may reach, in kilometres.
    pub service_radius_km_max: u16,
    /// How many licences one verification may name.
    pub licences_max: u8,
    /// How many documents one verification may have.
    pub verification_documents_max: u16,
    /// How many bytes one of these documents may have (10,485,760 are 10 MiB).
    pub verification_document_bytes_max: u64,
    /// For how many hours the archive of somebody's own data can be fetched.
    pub export_hours: u32,
    /// How many of these archives somebody may have made within 24 hours.
    pub exports_per_day_max: u16,
    /// How many bytes such an archive may have (2,147,483,648 are 2 GiB).
    pub export_bytes_max: u64,
    /// How many days before a licence or an insurance ends its contractor is warned.
    pub credential_reminder_days: Vec<u16>,
    /// How many unwrapped data keys are kept in memory.
    pub vault_cached_keys_max: usize,
    /// For how many seconds an unwrapped data key is used without asking the database: as long may an erasure done by another
    /// process take to be felt here.
    pub vault_cache_seconds: u32,
    /// Signing in at OpenID providers.
    pub oauth: OauthSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_issuer: "fairtradeworker".to_owned(),
            token_audience: "fairtradeworker-api".to_owned(),
            access_token_minutes: 1_440,
            signing_key_delay_seconds: 60,
            session_days: 30,
            refresh_retry_seconds: 10,
            verification_link_hours: 48,
            reset_link_minutes: 60,
            mail_requests_max: 3,
            mail_requests_per_caller_max: 20,
            mail_request_window_minutes: 60,
            password_chars_min: 8,
            password_chars_max: 256,
            password_score_min: 3,
            bcrypt_cost: 12,
            sign_in_failures_max: 10,
            sign_in_window_minutes: 15,
            known_address_days: 30,
            administrators_need_second_factor: true,
            second_factor_issuer: "FairTradeWorker".to_owned(),
            sign_in_challenge_minutes: 5,
            step_up_minutes: 10,
            phone_region: "US".to_owned(),
            default_time_zone: "UTC".to_owned(),
            service_radius_km_max: 500,
            licences_max: 10,
            verification_documents_max: 20,
            verification_document_bytes_max: 10 * 1024 * 1024,
            export_hours: 72,
            exports_per_day_max: 3,
            export_bytes_max: 2 * 1024 * 1024 * 1024,
            credential_reminder_days: vec![30, 14, 1],
            vault_cached_keys_max: 10_000,
            vault_cache_seconds: 60,
            oauth: OauthSettings::default(),
        }
    }
}

impl Settings {
    /// # Errors
    /// Every number out of its bounds, and a time zone that does not exist, by the setting's name.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::none();
        let numbers = [
            ("access_token_minutes", u64::from(self.access_token_minutes), 1..=MINUTES_MAX),
            ("signing_key_delay_seconds", self.signing_key_delay_seconds.into(), 30..=7 * 86_400),
            ("session_days", self.session_days.into(), 1..=DAYS_MAX),
            ("refresh_retry_seconds", self.refresh_retry_seconds.into(), 0..=600),
            ("verification_link_hours", self.verification_link_hours.into(), 1..=DAYS_MAX * 24),
            ("reset_link_minutes", self.reset_link_minutes.into(), 5..=7 * 24 * 60),
            ("mail_requests_max", self.mail_requests_max.into(), 1..=1_000),
            ("mail_requests_per_caller_max", self.mail_requests_per_caller_max.into(), 1..=10_000),
            ("mail_request_window_minutes", self.mail_request_window_minutes.into(), 1..=MINUTES_MAX),
            ("password_chars_min", self.password_chars_min.into(), 8..=64),
            ("password_chars_max", self.password_chars_max.into(), 64..=1_024),
            ("password_score_min", self.password_score_min.into(), 0..=4),
            ("bcrypt_cost", self.bcrypt_cost.into(), BCRYPT_COSTS),
            ("sign_in_failures_max", self.sign_in_failures_max.into(), 1..=1_000),
            ("sign_in_window_minutes", self.sign_in_window_minutes.into(), 1..=MINUTES_MAX),
            ("known_address_days", self.known_address_days.into(), 0..=DAYS_MAX),
            ("sign_in_challenge_minutes", self.sign_in_challenge_minutes.into(), 1..=60),
            ("step_up_minutes", self.step_up_minutes.into(), 1..=1_440),
            ("service_radius_km_max", self.service_radius_km_max.into(), 1..=20_000),
            ("licences_max", self.licences_max.into(), 1..=100),
            ("verification_documents_max", self.verification_documents_max.into(), 1..=100),
            ("verification_document_bytes_max", self.verification_document_bytes_max, 1_024..=1_073_741_824),
            ("export_hours", self.export_hours.into(), 1..=720),
            ("exports_per_day_max", self.exports_per_day_max.into(), 1..=100),
            ("export_bytes_max", self.export_bytes_max, 1_024..=1_099_511_627_776),
            ("vault_cache_seconds", self.vault_cache_seconds.into(), 0..=3_600),
        ];
        let reminders = self
            .credential_reminder_days
            .iter()
            .map(|days| ("credential_reminder_days", u64::from(*days), 1..=DAYS_MAX));
        for (name, value, bounds) in numbers.into_iter().chain(reminders) {
            let message = format!("must be from {} to {}", bounds.start(), bounds.end());
            faults.check(bounds.contains(&value), &format!("identity.{name}"), "out_of_range", message);
        }
        for (name, text) in [("token_issuer", &self.token_issuer), ("token_audience", &self.token_audience)] {
            faults.check(!text.is_empty(), &format!("identity.{name}"), "empty", "must not be empty");
        }
        let issuer = &self.second_factor_issuer;
        faults.check(
            (1..=ISSUER_CHARS_MAX).contains(&issuer.chars().count()) && !issuer.contains(':'),
            "identity.second_factor_issuer",
            "issuer",
            format!("must have 1 to {ISSUER_CHARS_MAX} characters and no colon"),
        );
        faults.take("identity.phone_region", PhoneRegion::new(&self.phone_region));
        faults.take("identity.default_time_zone", TimeZone::new(&self.default_time_zone));
        self.oauth.check(&mut faults);
        faults.or(|| ())
    }

    /// Where a phone number without a country code is taken to be.
    #[must_use]
    pub fn region(&self) -> PhoneRegion {
        PhoneRegion::new(&self.phone_region).unwrap_or_default()
    }

    /// For tests: the same rules, with password hashing that takes no time, and administrators who need no second factor.
    #[must_use]
    pub fn for_tests() -> Self {
        Self { bcrypt_cost: 4, administrators_need_second_factor: false, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_and_the_tests_settings_are_within_bounds() {
        assert_eq!(Settings::default().check(), Ok(()));
        assert_eq!(Settings::for_tests().check(), Ok(()));
    }

    #[test]
    fn every_setting_out_of_bounds_is_named() {
        let wild = Settings {
            access_token_minutes: u32::MAX,
            session_days: 0,
            password_chars_max: 63,
            bcrypt_cost: 31,
            token_issuer: String::new(),
            step_up_minutes: 0,
            second_factor_issuer: "a:b".to_owned(),
            default_time_zone: "Nowhere".to_owned(),
            ..Settings::default()
        };
        let named: Vec<_> =
            wild.check().unwrap_err().into_vec().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            named,
            [
                "identity.access_token_minutes",
                "identity.session_days",
                "identity.password_chars_max",
                "identity.bcrypt_cost",
                "identity.step_up_minutes",
                "identity.token_issuer",
                "identity.second_factor_issuer",
                "identity.default_time_zone"
            ]
        );
    }
}
