//! Signatures of webhooks, as Stripe makes them: `t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`, over the raw body.

use hmac::{Hmac, KeyInit, Mac};
use kernel::Instant;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::WebhookError;

/// How old a signature may be, and how far ahead another machine's clock: that of the signature, not of the event.
const TOLERANCE_SECONDS: i64 = 5 * 60;

/// The secret that webhooks are signed with.
#[derive(Debug, Clone)]
pub struct SignatureSecret(SecretString);

impl SignatureSecret {
    /// A secret of at least one character.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(SecretString::from(secret.into()))
    }

    fn mac(&self, seconds: i64, body: &[u8]) -> Hmac<Sha256> {
        // HMAC takes keys of any length; the empty one stands in for a failure that cannot be.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes())
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
        mac.update(seconds.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }

    /// Checks a header against the raw body.
    ///
    /// # Errors
    /// [`WebhookError::Signature`].
    pub fn verify(&self, header: &str, body: &[u8], now: Instant) -> Result<(), WebhookError> {
        let mut seconds = None;
        let mut signatures = Vec::new();
        for part in header.split(',') {
            match part.trim().split_once('=') {
                Some(("t", value)) => seconds = value.parse::<i64>().ok(),
                Some(("v1", value)) => signatures.extend(hex::decode(value).ok()),
                _ => {}
            }
        }
        let seconds = seconds.ok_or(WebhookError::Signature("it has no timestamp"))?;
        // The MAC first: an age is only worth something once it is known who wrote it.
        let genuine =
            signatures.iter().any(|signature| self.mac(seconds, body).verify_slice(signature).is_ok());
        if !genuine {
            return Err(WebhookError::Signature("it does not match"));
        }
        if now.timestamp().abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
            return Err(WebhookError::Signature("it is too old"));
        }
        Ok(())
    }
}

/// Writes the header for a body, as a provider does.
#[must_use]
pub fn sign(secret: &SignatureSecret, body: &[u8], at: Instant) -> String {
    let seconds = at.timestamp();
    let signature = secret.mac(seconds, body).finalize().into_bytes();
    format!("t={seconds},v1={}", hex::encode(signature))
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, TimeZone, Utc};

    use super::*;

    /// Made with `printf '%s' '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`.
    #[test]
    fn the_header_is_what_others_compute() {
        let at = Utc.timestamp_opt(1_700_000_000, 0).unwrap();
        let header = sign(&SignatureSecret::new("whsec_test"), br#"{"id":"evt_1"}"#, at);
        assert_eq!(header, format!("t=1700000000,v1={EXPECTED}"));
    }
    const EXPECTED: &str = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";

    #[test]
    fn only_the_right_secret_body_and_time_pass() {
        let at = Utc.timestamp_opt(1_700_000_000, 0).unwrap();
        let secret = SignatureSecret::new("whsec_test");
        let header = sign(&secret, b"body", at);
        assert_eq!(secret.verify(&header, b"body", at + Duration::seconds(300)), Ok(()));
        assert_eq!(secret.verify(&header, b"body", at - Duration::seconds(300)), Ok(()));
        assert_eq!(
            secret.verify(&header, b"body", at + Duration::seconds(301)),
            Err(WebhookError::Signature("it is too old"))
        );
        assert_eq!(secret.verify(&header, b"bodY", at), Err(WebhookError::Signature("it does not match")));
        let other = SignatureSecret::new("whsec_other");
        assert_eq!(other.verify(&header, b"body", at), Err(WebhookError::Signature("it does not match")));
        for malformed in
            ["", "t=", "v1=00", "t=x,v1=00", "t=1700000000", "t=1700000000,v1=zz", "t=1700000000,v0=00"]
        {
            assert!(secret.verify(malformed, b"body", at).is_err(), "{malformed}");
        }
        // While a secret is being changed a provider signs with both.
        let both = format!("{header},v1={}", "00".repeat(32));
        assert_eq!(secret.verify(&both, b"body", at), Ok(()));
    }
}
