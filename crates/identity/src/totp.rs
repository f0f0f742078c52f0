//! One-time codes (RFC 6238: HMAC-SHA-1, six digits, 30 seconds, as every authenticator app has them) and recovery codes: made, written
//! and compared. No clock, no database; whether a code was used before is the caller's to know.

use kernel::{Instant, PersonId};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use totp_rs::{Algorithm, Builder, Totp};

use crate::Error;
use crate::keys::token_hash;
use crate::model::{Enrolment, TypedCode};

/// How many recovery codes somebody gets.
pub(crate) const RECOVERY_CODES: u32 = 10;

/// 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
const DIGITS: u8 = 6;
const STEP_SECONDS: i64 = 30;
/// How many steps a person's clock may be off, or a code be late.
const SKEW_STEPS: i64 = 1;

/// 24 of 32 characters are 120 bits: beyond guessing even for whoever has the hashes. Crockford's alphabet has no letters that look alike.
const RECOVERY_CODE_CHARS: usize = 24;
const RECOVERY_CODE_GROUP: usize = 6;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The side of a square of the QR code, in pixels; it scales.
const QR_MODULE_PIXELS: u32 = 6;

/// What an authenticator app and we share.
pub(crate) struct SharedSecret(SecretBox<[u8; SECRET_BYTES]>);

impl SharedSecret {
    pub(crate) fn random() -> Self {
        let mut bytes = [0_u8; SECRET_BYTES];
        rand::fill(&mut bytes);
        Self(SecretBox::new(Box::new(bytes)))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes: [u8; SECRET_BYTES] = bytes
            .try_into()
            .map_err(|_| Error::Crypto("a second factor's secret has another length".to_owned()))?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The time step whose code this is: the present one or a neighbour, and later than `last`.
    pub(crate) fn find_step(&self, code: &TypedCode, now: Instant, last: i64) -> Result<Option<i64>, Error> {
        let totp = self.totp(None)?;
        let present = now.timestamp().div_euclid(STEP_SECONDS);
        let is_of = |step: &i64| {
            let seconds = u64::try_from(step.saturating_mul(STEP_SECONDS));
            seconds.is_ok_and(|seconds| totp.check(code.expose(), seconds).is_some())
        };
        let mut steps = present.saturating_sub(SKEW_STEPS)..=present.saturating_add(SKEW_STEPS);
        Ok(steps.find(|step| *step > last && is_of(step)))
    }

    /// The forms in which an app takes it.
    pub(crate) fn enrolment(&self, issuer: &str, account: &str) -> Result<Enrolment, Error> {
        let totp = self.totp(Some((issuer, account)))?;
        let uri = totp.to_url().map_err(crypto)?;
        let code = QrCode::with_error_correction_level(&uri, EcLevel::M).map_err(crypto)?;
        let picture =
            code.render::<svg::Color<'_>>().module_dimensions(QR_MODULE_PIXELS, QR_MODULE_PIXELS).build();
        Ok(Enrolment { secret: totp.secret().to_base32().into(), uri: uri.into(), qr_code: picture.into() })
    }

    fn totp(&self, label: Option<(&str, &str)>) -> Result<Totp, Error> {
        let builder = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            // The steps around are asked for one by one, to know which of them were used.
            .with_skew(0)
            .with_step_duration(STEP_SECONDS.unsigned_abs())
            .with_secret(self.expose().to_vec());
        let builder = match label {
            Some((issuer, account)) => builder.with_issuer(Some(issuer)).with_account_name(account),
            None => builder,
        };
        builder.build().map_err(crypto)
    }
}

/// A new recovery code, as it is shown: `k3m9qd-…`.
pub(crate) fn recovery_code() -> SecretString {
    let mut bytes = [0_u8; RECOVERY_CODE_CHARS];
    rand::fill(&mut bytes);
    // 32 characters: the five lower bits of a random byte choose each of them equally often.
    let letters: Vec<char> = bytes.iter().map(|byte| letter(byte % 32)).collect();
    let groups: Vec<String> =
        letters.chunks(RECOVERY_CODE_GROUP).map(|group| group.iter().collect()).collect();
    groups.join("-").into()
}

fn letter(index: u8) -> char {
    ALPHABET.get(usize::from(index)).copied().map_or('0', char::from)
}

/// What is kept of a recovery code of this person; none of what cannot be one.
pub(crate) fn recovery_hash(person: PersonId, code: &TypedCode) -> Option<Vec<u8>> {
    let bare: Option<String> = code.expose().chars().map(canonical).collect();
    let bare = bare.filter(|bare| bare.len() == RECOVERY_CODE_CHARS)?;
    Some(token_hash(&format!("{}:{bare}", person.uuid())))
}

/// A letter as it was meant, however it was typed.
fn canonical(typed: char) -> Option<char> {
    let lower = match typed.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    ALPHABET.iter().any(|known| char::from(*known) == lower).then_some(lower)
}

fn crypto(error: impl std::fmt::Debug) -> Error {
    Error::Crypto(format!("a second factor: {error:?}"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    /// The secret of RFC 6238's appendix B.
    fn known() -> SharedSecret {
        SharedSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn step_of(secret: &SharedSecret, code: &str, seconds: i64, last: i64) -> Option<i64> {
        secret.find_step(&TypedCode::new(code), at(seconds), last).unwrap()
    }

    fn code_at(secret: &SharedSecret, seconds: u64) -> String {
        secret.totp(None).unwrap().generate(seconds).to_string()
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B has eight digits; the last six of them are the code of six.
        for (seconds, eight) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let six = eight.get(2..).unwrap();
            assert_eq!(step_of(&known(), six, seconds, 0), Some(seconds / 30), "{seconds}");
            assert_eq!(code_at(&known(), seconds.unsigned_abs()), six);
        }
    }

    #[test]
    fn a_code_is_good_in_its_step_and_the_two_beside_it() {
        let code = code_at(&known(), 1_111_111_110);
        let step = 1_111_111_110 / 30;
        let start = step * 30;
        for (seconds, expected) in [
            (start - 31, None),
            (start - 30, Some(step)),
            (start, Some(step)),
            (start + 59, Some(step)),
            (start + 60, None),
        ] {
            assert_eq!(step_of(&known(), &code, seconds, 0), expected, "{}", seconds - start);
        }
    }

    #[test]
    fn a_code_of_a_step_that_was_used_or_is_before_it_is_not_taken() {
        let code = code_at(&known(), 1_111_111_110);
        let step = 1_111_111_110 / 30;
        assert_eq!(step_of(&known(), &code, 1_111_111_110, step - 1), Some(step));
        assert_eq!(step_of(&known(), &code, 1_111_111_110, step), None);
        assert_eq!(step_of(&known(), &code, 1_111_111_110, step + 1), None);
    }

    #[test]
    fn what_is_no_code_is_none() {
        for text in [
            "",
            "1",
            "12345",
            "1234567",
            "+12345",
            "12345a",
            "\u{0661}\u{0662}\u{0663}\u{0664}\u{0665}\u{0666}",
        ] {
            assert_eq!(step_of(&known(), text, 59, 0), None, "{text}");
        }
        // Before 1970 there are no steps, and no panic.
        assert_eq!(step_of(&known(), "287082", -59, -100), None);
    }

    #[test]
    fn spaces_and_hyphens_are_for_people() {
        for written in ["287082", "287 082", " 287-082\n"] {
            assert_eq!(step_of(&known(), written, 59, 0), Some(1), "{written}");
        }
    }

    #[test]
    fn an_app_is_told_by_text_by_uri_and_by_picture() {
        let enrolment = known().enrolment("Fair Trade", "ada@example.com").unwrap();
        assert_eq!(enrolment.secret.expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        // Without `digits`, `period` and `algorithm` it means six, 30 and SHA-1, and apps that know only these take it.
        assert_eq!(
            enrolment.uri.expose_secret(),
            "otpauth://totp/Fair%20Trade:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fair%20Trade"
        );
        assert!(enrolment.qr_code.expose_secret().contains("<svg "));
    }

    #[test]
    fn the_longest_address_fits_into_a_picture() {
        let address = format!("{}@{}.example", "\u{444}".repeat(64), "x".repeat(180));
        assert!(known().enrolment(&"\u{444}".repeat(60), &address).is_ok());
    }

    #[test]
    fn recovery_codes_differ_and_are_read_however_they_are_typed() {
        let (ada, bob) = (PersonId::new(), PersonId::new());
        let code = recovery_code();
        let shown = code.expose_secret();
        assert_eq!((shown.len(), shown.matches('-').count()), (27, 3));
        assert_ne!(shown, recovery_code().expose_secret());
        let hash = |person, text: &str| recovery_hash(person, &TypedCode::new(text));
        let kept = hash(ada, shown).unwrap();
        for typed in
            [shown.to_uppercase(), shown.replace('-', " "), shown.replace('0', "O").replace('1', "l")]
        {
            assert_eq!(hash(ada, &typed).as_ref(), Some(&kept), "{typed}");
        }
        // The same code of somebody else is another code.
        assert_ne!(hash(bob, shown), Some(kept));
        for text in ["", "287082", "u".repeat(24).as_str(), shown.get(..26).unwrap()] {
            assert_eq!(hash(ada, text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nobody_guesses_with_any_text(text in "\\PC{0,40}", seconds in 0_i64..4_000_000_000) {
            let secret = known();
            let taken = step_of(&secret, &text, seconds, -1);
            let near = (-1..=1).any(|skew| {
                u64::try_from(seconds + skew * 30).is_ok_and(|moment| {
                    code_at(&secret, moment) == text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>()
                })
            });
            prop_assert_eq!(taken.is_some(), near);
        }

        #[test]
        fn a_code_is_taken_once_whatever_the_clock_does(start in 1_000_000_000_i64..2_000_000_000, turns in prop::collection::vec(-90_i64..90, 1..12)) {
            let secret = known();
            let code = code_at(&secret, start.unsigned_abs());
            let mut last = 0;
            let mut taken = 0;
            let mut now = start;
            for turn in turns {
                now += turn;
                if let Some(step) = step_of(&secret, &code, now, last) {
                    prop_assert!(step > last);
                    last = step;
                    taken += usize::from(step == start / 30);
                }
            }
            prop_assert!(taken <= 1);
        }
    }
}
