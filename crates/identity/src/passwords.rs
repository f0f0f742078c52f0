//! Hashing passwords: bcrypt over an HMAC under the pepper, so that nothing past byte 72 is dropped and a stolen table alone cannot be
//! guessed at. Slow on purpose: never inside a transaction, never on an async thread.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::Error;
use crate::keys::{Key, Keys};
use crate::model::Password;

/// The hash of a password that nobody has, but for its cost: 16 bytes of salt and 23 of digest, in bcrypt's alphabet.
const NOBODYS_SALT_AND_DIGEST: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ0123.";

/// A password's hash and the pepper that went into it.
pub(crate) struct Hashed {
    pub(crate) hash: String,
    pub(crate) pepper_id: String,
}

pub(crate) struct Hasher {
    keys: Keys,
    cost: u32,
}

impl Hasher {
    pub(crate) fn new(keys: Keys, cost: u32) -> Self {
        Self { keys, cost }
    }

    pub(crate) fn hash(&self, password: &Password) -> Result<Hashed, Error> {
        let pepper = &self.keys.pepper().current;
        let hash = bcrypt::non_truncating_hash(peppered(pepper, password).expose_secret(), self.cost)
            .map_err(crypto)?;
        Ok(Hashed { hash, pepper_id: pepper.id().to_owned() })
    }

    pub(crate) fn verify(&self, password: &Password, hash: &str, pepper_id: &str) -> Result<bool, Error> {
        let pepper = self.keys.pepper().find(pepper_id).ok_or_else(|| {
            Error::Crypto(
                "a password was hashed with a pepper that is not configured; keep the retired ones"
                    .to_owned(),
            )
        })?;
        let peppered = peppered(pepper, password);
        let right = bcrypt::non_truncating_verify(peppered.expose_secret(), hash).map_err(crypto)?;
        if !right {
            self.make_up_for(hash, &peppered)?;
        }
        Ok(right)
    }

    /// A hash from when the cost was lower is compared sooner than one for nobody, which would tell that somebody has the address: the
    /// work that is missing to a hash of today is done as well.
    fn make_up_for(&self, hash: &str, peppered: &SecretString) -> Result<(), Error> {
        for cost in missing_work(cost_of(hash).unwrap_or(self.cost), self.cost) {
            bcrypt::non_truncating_hash(peppered.expose_secret(), cost).map_err(crypto)?;
        }
        Ok(())
    }

    /// Takes as long as [`Hasher::verify`], for an address that nobody has.
    pub(crate) fn verify_nobody(&self, password: &Password) -> Result<(), Error> {
        let hash = format!("$2b${:02}${NOBODYS_SALT_AND_DIGEST}", self.cost);
        bcrypt::non_truncating_verify(peppered(&self.keys.pepper().current, password).expose_secret(), &hash)
            .map(|_| ())
            .map_err(crypto)
    }

    /// Whether a hash is as a new one would be; another is replaced when its password is known, at the next sign-in.
    pub(crate) fn is_current(&self, hash: &str, pepper_id: &str) -> bool {
        cost_of(hash) == Some(self.cost) && pepper_id == self.keys.pepper().current.id()
    }
}

/// The costs that together with the old one are as much work as today's: each doubles the one before.
fn missing_work(old: u32, today: u32) -> std::ops::Range<u32> {
    old..today
}

fn cost_of(hash: &str) -> Option<u32> {
    hash.split('$').nth(2).and_then(|cost| cost.parse().ok())
}

/// 44 characters without a NUL, whatever the password: bcrypt takes 72 bytes.
fn peppered(pepper: &Key, password: &Password) -> SecretString {
    SecretString::from(STANDARD.encode(pepper.mac(&[password.secret().expose_secret().as_bytes()])))
}

fn crypto(error: bcrypt::BcryptError) -> Error {
    Error::Crypto(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{SecretRing, Secrets};

    const COST: u32 = 4;

    fn hasher(secrets: &Secrets, cost: u32) -> Hasher {
        Hasher::new(Keys::derive(secrets).unwrap(), cost)
    }

    #[test]
    fn nothing_past_byte_72_is_dropped_and_nul_is_no_end() {
        let hasher = hasher(&Secrets::random(), COST);
        for (one, other) in [
            (format!("{}a", "x".repeat(72)), format!("{}b", "x".repeat(72))),
            ("\u{1f98a}".repeat(64), format!("{}\u{1f98b}", "\u{1f98a}".repeat(63))),
            ("abc\u{0}def".to_owned(), "abc\u{0}xyz".to_owned()),
        ] {
            let hashed = hasher.hash(&Password::typed(&one)).unwrap();
            assert!(hasher.verify(&Password::typed(&one), &hashed.hash, &hashed.pepper_id).unwrap());
            assert!(!hasher.verify(&Password::typed(&other), &hashed.hash, &hashed.pepper_id).unwrap());
        }
    }

    #[test]
    fn two_keyboards_give_one_password() {
        let hasher = hasher(&Secrets::random(), COST);
        let hashed = hasher.hash(&Password::typed("caf\u{e9} au lait")).unwrap();
        assert!(
            hasher.verify(&Password::typed("cafe\u{301} au lait"), &hashed.hash, &hashed.pepper_id).unwrap()
        );
    }

    #[test]
    fn a_hash_is_nothing_without_its_pepper_and_old_peppers_still_verify() {
        let secrets = Secrets::random();
        let password = Password::typed("correct horse battery staple");
        let old = hasher(&secrets, COST);
        let hashed = old.hash(&password).unwrap();
        let unpeppered = bcrypt::non_truncating_verify("correct horse battery staple", &hashed.hash).unwrap();
        assert!(!unpeppered);

        let mut rotated = secrets.clone();
        rotated.pepper = SecretRing::new(crate::random_secret()).with_retired(secrets.pepper.secrets());
        let new = hasher(&rotated, COST);
        assert!(new.verify(&password, &hashed.hash, &hashed.pepper_id).unwrap());
        assert!(!new.is_current(&hashed.hash, &hashed.pepper_id));
        assert!(old.is_current(&hashed.hash, &hashed.pepper_id));
        assert!(!hasher(&secrets, COST + 1).is_current(&hashed.hash, &hashed.pepper_id));
        assert!(matches!(
            hasher(&Secrets::random(), COST).verify(&password, &hashed.hash, &hashed.pepper_id),
            Err(Error::Crypto(_))
        ));
    }

    #[test]
    fn a_wrong_password_is_as_much_work_whatever_the_cost_was_when_it_was_set() {
        for (old, today) in [(4, 4), (4, 5), (4, 12), (10, 12), (12, 16)] {
            let work = (1_u64 << old) + missing_work(old, today).map(|cost| 1 << cost).sum::<u64>();
            assert_eq!(work, 1 << today, "{old} {today}");
        }
        let secrets = Secrets::random();
        let hashed = hasher(&secrets, COST).hash(&Password::typed("correct horse")).unwrap();
        let dearer = hasher(&secrets, COST + 2);
        assert!(!dearer.verify(&Password::typed("another"), &hashed.hash, &hashed.pepper_id).unwrap());
        assert!(dearer.verify(&Password::typed("correct horse"), &hashed.hash, &hashed.pepper_id).unwrap());
    }

    #[test]
    fn nobodys_hash_is_one_that_bcrypt_works_through() {
        hasher(&Secrets::random(), COST).verify_nobody(&Password::typed("anything")).unwrap();
    }
}
