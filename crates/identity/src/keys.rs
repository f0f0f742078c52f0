//! The server's secrets, and the subkeys made of them. Nothing here can be printed.
//!
//! Three secrets, so that changing one never breaks what hangs on another; each with its predecessors, so that changing it
//! breaks nothing at all. Where they are read from and kept does not belong here.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Faults, Instant};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The fewest bytes that a server secret may have.
pub const SECRET_BYTES_MIN: usize = 32;

/// One secret of the server with those it replaced. The first signs, hashes and wraps; all of them are recognised.
#[derive(Clone)]
pub struct SecretRing {
    current: SecretString,
    retired: Vec<SecretString>,
}

impl SecretRing {
    /// A secret without predecessors.
    #[must_use]
    pub fn new(current: SecretString) -> Self {
        Self { current, retired: Vec::new() }
    }

    /// With the secrets that it replaced.
    #[must_use]
    pub fn with_retired(self, retired: Vec<SecretString>) -> Self {
        Self { retired, ..self }
    }

    /// Every secret of the ring, the current one first; what the next ring has to keep as retired.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretString> {
        std::iter::once(&self.current).chain(&self.retired).cloned().collect()
    }

    fn check(&self, name: &str, faults: &mut Faults) {
        for secret in std::iter::once(&self.current).chain(&self.retired) {
            faults.check(
                secret.expose_secret().len() >= SECRET_BYTES_MIN,
                name,
                "secret_too_short",
                format!("{name} must have at least {SECRET_BYTES_MIN} bytes"),
            );
        }
    }
}

/// The secrets as they were configured.
#[derive(Clone)]
pub struct Secrets {
    /// `JWT_SECRET`: signs access tokens and makes refresh and mail tokens.
    pub jwt: SecretRing,
    /// `PASSWORD_PEPPER`: goes into every password's hash.
    pub pepper: SecretRing,
    /// `MASTER_KEY`: wraps the data keys under which personal text is sealed.
    pub master: SecretRing,
}

impl Secrets {
    /// New random secrets: for tests, and for a first start to keep.
    #[must_use]
    pub fn random() -> Self {
        let ring = || SecretRing::new(random_secret());
        Self { jwt: ring(), pepper: ring(), master: ring() }
    }
}

/// A new secret of 256 bits, as text.
#[must_use]
pub fn random_secret() -> SecretString {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    SecretString::from(URL_SAFE_NO_PAD.encode(bytes))
}

/// A key of 256 bits.
pub(crate) struct Key {
    id: String,
    bytes: SecretBox<[u8; 32]>,
}

impl Key {
    /// The subkey of a secret for one use.
    fn derive(secret: &SecretString, label: &str) -> Self {
        let seed = Self::from_bytes(Sha256::digest(secret.expose_secret().as_bytes()).into());
        let id = seed.mac(&[label.as_bytes(), b"id"]);
        Self {
            // Names the key in what was made with it, and tells nothing about it.
            id: hex::encode(id.first_chunk::<4>().copied().unwrap_or_default()),
            bytes: SecretBox::new(Box::new(seed.mac(&[label.as_bytes(), b"key"]))),
        }
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { id: String::new(), bytes: SecretBox::new(Box::new(bytes)) }
    }

    pub(crate) fn random() -> Self {
        let mut bytes = [0_u8; 32];
        rand::fill(&mut bytes);
        Self::from_bytes(bytes)
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.bytes.expose_secret()
    }

    /// HMAC-SHA256 over parts, each preceded by its length, so that no two lists of parts are the same message.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC fills a short key up with zeros to its block; doing it here leaves nothing that could fail.
        let mut block = [0_u8; 64];
        for (slot, byte) in block.iter_mut().zip(self.expose()) {
            *slot = *byte;
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// A subkey of the current secret, and those of its predecessors.
pub(crate) struct Ring {
    pub(crate) current: Key,
    retired: Vec<Key>,
}

impl Ring {
    fn derive(ring: &SecretRing, label: &str) -> Self {
        Self {
            current: Key::derive(&ring.current, label),
            retired: ring.retired.iter().map(|secret| Key::derive(secret, label)).collect(),
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.retired)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Key> {
        self.all().find(|key| key.id() == id)
    }
}

/// The subkeys in use, made once of [`Secrets`]. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Subkeys>);

struct Subkeys {
    access: Ring,
    refresh: Ring,
    link: Ring,
    throttle: Ring,
    oauth: Ring,
    pepper: Ring,
    vault: Ring,
}

impl Keys {
    /// # Errors
    /// One fault for each secret that is too short, named as its environment variable is.
    pub fn derive(secrets: &Secrets) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        secrets.jwt.check("JWT_SECRET", &mut faults);
        secrets.pepper.check("PASSWORD_PEPPER", &mut faults);
        secrets.master.check("MASTER_KEY", &mut faults);
        faults.or(|| {
            Self(Arc::new(Subkeys {
                access: Ring::derive(&secrets.jwt, "access token"),
                refresh: Ring::derive(&secrets.jwt, "refresh token"),
                link: Ring::derive(&secrets.jwt, "link token"),
                throttle: Ring::derive(&secrets.jwt, "throttle"),
                oauth: Ring::derive(&secrets.jwt, "oauth"),
                pepper: Ring::derive(&secrets.pepper, "password"),
                vault: Ring::derive(&secrets.master, "data keys"),
            }))
        })
    }

    pub(crate) fn access(&self) -> &Ring {
        &self.0.access
    }

    pub(crate) fn pepper(&self) -> &Ring {
        &self.0.pepper
    }

    pub(crate) fn vault(&self) -> &Ring {
        &self.0.vault
    }

    /// The refresh token of this place in its family: HMAC(key, family ‖ counter).
    pub(crate) fn refresh_token(&self, family: Uuid, counter: i32) -> SecretString {
        refresh_token(&self.0.refresh.current, family, counter)
    }

    /// The same as any known secret made it, by what is kept of it: it may be from before the secret was changed.
    pub(crate) fn find_refresh_token(&self, family: Uuid, counter: i32, hash: &[u8]) -> Option<SecretString> {
        self.0
            .refresh
            .all()
            .map(|key| refresh_token(key, family, counter))
            .find(|token| token_hash(token.expose_secret()) == hash)
    }

    /// What a provider is given and asked for again: made of the secret that only the browser keeps, so that nothing which we store says
    /// what it was.
    pub(crate) fn oauth_secret(&self, purpose: &str, browser: &SecretString, attempt: Uuid) -> SecretString {
        let parts = [purpose.as_bytes(), browser.expose_secret().as_bytes(), attempt.as_bytes()];
        SecretString::from(URL_SAFE_NO_PAD.encode(self.0.oauth.current.mac(&parts)))
    }

    /// The key under which what a ticket stands for is sealed, by each secret that is known: the ticket itself is kept nowhere.
    pub(crate) fn ticket_keys(&self, ticket: &str) -> impl Iterator<Item = Key> {
        self.0.oauth.all().map(|key| Key::from_bytes(key.mac(&[b"ticket", ticket.as_bytes()])))
    }

    /// What fetches an export's archive until its end: made anew whenever the export is shown, and kept nowhere.
    pub(crate) fn export_token(&self, export: Uuid, expires_at: Instant) -> SecretString {
        SecretString::from(export_token(&self.0.link.current, export, expires_at))
    }

    /// Whether any known secret made this token; it may be from before the secret was changed.
    pub(crate) fn is_export_token(&self, export: Uuid, expires_at: Instant, token: &str) -> bool {
        let is = |key| bool::from(export_token(key, export, expires_at).as_bytes().ct_eq(token.as_bytes()));
        self.0.link.all().any(is)
    }

    /// What stands for an e-mail or network address where only equality matters.
    pub(crate) fn throttle_key(&self, kind: &str, value: &[u8]) -> Vec<u8> {
        self.0.throttle.current.mac(&[kind.as_bytes(), value]).to_vec()
    }
}

kernel::id!(
    /// What a link in a mail stands for.
    LinkTokenId,
    "lnk"
);

/// What a link in a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Proves that the person reads mail at the address.
    VerifyEmail,
    /// Sets a new password without the old one.
    ResetPassword,
    /// Proves that the person reads mail at the address that it wants to have.
    ChangeEmail,
}

impl LinkPurpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::VerifyEmail, Self::ResetPassword, Self::ChangeEmail];

    /// As the database and the token's derivation have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "VERIFY_EMAIL",
            Self::ResetPassword => "RESET_PASSWORD",
            Self::ChangeEmail => "CHANGE_EMAIL",
        }
    }

    /// The event that asks for the mail; its data name the person and the link.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::VerifyEmail => "email.verification_requested",
            Self::ResetPassword => "password.reset_requested",
            Self::ChangeEmail => "email.change_requested",
        }
    }

    /// What the link is for that an event asks a mail for; none when it asks for none.
    #[must_use]
    pub fn of_event(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.event() == name)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// The token that a link in a mail carries: HMAC(key, token id ‖ purpose). Made when the mail is rendered, so that no event,
/// task or delivery holds it.
#[must_use]
pub fn link_token(keys: &Keys, purpose: LinkPurpose, token: LinkTokenId) -> SecretString {
    SecretString::from(
        URL_SAFE_NO_PAD
            .encode(keys.0.link.current.mac(&[token.uuid().as_bytes(), purpose.as_str().as_bytes()])),
    )
}

fn refresh_token(key: &Key, family: Uuid, counter: i32) -> SecretString {
    SecretString::from(URL_SAFE_NO_PAD.encode(key.mac(&[family.as_bytes(), &counter.to_be_bytes()])))
}

fn export_token(key: &Key, export: Uuid, expires_at: Instant) -> String {
    let end = expires_at.timestamp_micros().to_be_bytes();
    URL_SAFE_NO_PAD.encode(key.mac(&[b"export", export.as_bytes(), &end]))
}

/// What is kept of a token that is as random as a key.
pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let ring = |text: &str| SecretRing::new(SecretString::from(text.repeat(32)));
        Secrets { jwt: ring("j"), pepper: ring("p"), master: ring("m") }
    }

    #[test]
    fn every_short_secret_is_named() {
        let ring = || SecretRing::new(SecretString::from("x".repeat(31)));
        let Err(faults) = Keys::derive(&Secrets { jwt: ring(), pepper: ring(), master: ring() }) else {
            panic!("31 bytes were taken")
        };
        let names: Vec<_> = faults.into_vec().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(names, ["JWT_SECRET", "PASSWORD_PEPPER", "MASTER_KEY"]);
    }

    #[test]
    fn each_use_has_a_key_of_its_own_and_the_same_after_a_restart() {
        let (one, two) = (Keys::derive(&secrets()).unwrap(), Keys::derive(&secrets()).unwrap());
        assert_eq!(one.access().current.expose(), two.access().current.expose());
        assert_ne!(one.0.refresh.current.expose(), one.access().current.expose());
        assert_ne!(one.0.link.current.expose(), one.0.throttle.current.expose());
    }

    #[test]
    fn a_retired_secret_is_still_found_by_its_id() {
        let old = Keys::derive(&secrets()).unwrap();
        let mut rotated = secrets();
        rotated.jwt =
            SecretRing::new(SecretString::from("n".repeat(32))).with_retired(vec![secrets().jwt.current]);
        let new = Keys::derive(&rotated).unwrap();
        assert!(new.access().find(old.access().current.id()).is_some());
        assert_ne!(new.access().current.id(), old.access().current.id());
        assert_eq!(new.pepper().current.id(), old.pepper().current.id());
    }

    #[test]
    fn an_export_s_token_is_good_for_that_export_and_end_and_after_a_change_of_secrets() {
        let old = Keys::derive(&secrets()).unwrap();
        let (export, end) = (Uuid::now_v7(), Instant::UNIX_EPOCH);
        let token = old.export_token(export, end);
        let token = token.expose_secret();
        assert!(old.is_export_token(export, end, token));
        assert!(!old.is_export_token(Uuid::now_v7(), end, token));
        assert!(!old.is_export_token(export, end + chrono::TimeDelta::microseconds(1), token));
        for wrong in ["", &token[1..], &format!("{token}A")] {
            assert!(!old.is_export_token(export, end, wrong), "{wrong}");
        }
        let mut rotated = secrets();
        rotated.jwt =
            SecretRing::new(SecretString::from("n".repeat(32))).with_retired(vec![secrets().jwt.current]);
        assert!(Keys::derive(&rotated).unwrap().is_export_token(export, end, token));
    }

    #[test]
    fn the_mac_is_hmac_sha256_and_parts_do_not_run_together() {
        // RFC 4231 leaves no room for our length prefix; the reference is Python's hmac over the same bytes.
        let key = Key::from_bytes([1; 32]);
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
        assert_eq!(
            hex::encode(key.mac(&[b"abc"])),
            "d30efb312e823927761a5399a440244b042675306cf579dd83f36da29e417847"
        );
    }
}
