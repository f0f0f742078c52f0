//! The keys of the trail, made of a secret of the server: one signs checkpoints, one hides addresses. Neither is in the database.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What stands for a network address: the same for the same network, and of no use to find it. 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressKey(pub(crate) [u8; 32]);

impl AddressKey {
    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

/// A key of 256 bits, with a name that tells nothing about it.
struct Key {
    id: String,
    bytes: SecretBox<[u8; 32]>,
}

/// The keys in use. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Subkeys>);

struct Subkeys {
    address: Key,
    /// The first signs; all of them are recognised.
    checkpoints: Vec<Key>,
}

impl Keys {
    /// From a secret of at least 32 bytes, and those that it replaced.
    #[must_use]
    pub fn derive(current: &SecretString, retired: &[SecretString]) -> Self {
        let checkpoint = |secret| Key::derive(secret, "audit checkpoints");
        Self(Arc::new(Subkeys {
            address: Key::derive(current, "audit addresses"),
            checkpoints: std::iter::once(current).chain(retired).map(checkpoint).collect(),
        }))
    }

    /// What stands for a network, given as its bytes.
    #[must_use]
    pub fn address(&self, network: &[u8]) -> AddressKey {
        AddressKey(self.0.address.mac(network))
    }

    /// The signature by the current key, and that key's name.
    pub(crate) fn sign(&self, message: &[u8]) -> (String, [u8; 32]) {
        match self.0.checkpoints.first() {
            Some(key) => (key.id.clone(), key.mac(message)),
            None => unreachable!("made with a current key"),
        }
    }

    /// Whether the key of that name signed this; none when no key has that name.
    pub(crate) fn signed(&self, key_id: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
        let key = self.0.checkpoints.iter().find(|key| key.id == key_id)?;
        Some(bool::from(key.mac(message).ct_eq(signature)))
    }
}

impl Key {
    fn derive(secret: &SecretString, label: &str) -> Self {
        let seed = Self::of(Sha256::digest(secret.expose_secret().as_bytes()).into(), String::new());
        let id = seed.mac(format!("{label} id").as_bytes());
        Self::of(
            seed.mac(format!("{label} key").as_bytes()),
            hex::encode(id.first_chunk::<4>().copied().unwrap_or_default()),
        )
    }

    fn of(bytes: [u8; 32], id: String) -> Self {
        Self { id, bytes: SecretBox::new(Box::new(bytes)) }
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        // HMAC fills a short key up with zeros to its block; doing it here leaves nothing that could fail.
        let mut block = [0_u8; 64];
        for (slot, byte) in block.iter_mut().zip(self.bytes.expose_secret()) {
            *slot = *byte;
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.repeat(32))
    }

    #[test]
    fn what_a_retired_secret_signed_is_still_recognised_and_nothing_else_is() {
        let old = Keys::derive(&secret("o"), &[]);
        let (id, signature) = old.sign(b"heads");
        let new = Keys::derive(&secret("n"), &[secret("o")]);
        assert_eq!(new.signed(&id, b"heads", &signature), Some(true));
        assert_eq!(new.signed(&id, b"heads!", &signature), Some(false));
        assert_eq!(new.signed(&id, b"heads", &signature[1..]), Some(false));
        assert_eq!(Keys::derive(&secret("n"), &[]).signed(&id, b"heads", &signature), None);
        assert_ne!(new.sign(b"heads"), (id, signature));
    }

    #[test]
    fn an_address_is_the_same_for_one_installation_only() {
        let (one, two) = (Keys::derive(&secret("a"), &[]), Keys::derive(&secret("b"), &[]));
        assert_eq!(one.address(b"10.0.0.1"), one.address(b"10.0.0.1"));
        assert_ne!(one.address(b"10.0.0.1"), one.address(b"10.0.0.2"));
        assert_ne!(one.address(b"10.0.0.1"), two.address(b"10.0.0.1"));
    }
}
