//! Personal text that has to stay is sealed: AES-256-GCM under a data key of the person or record it is about, the data key
//! wrapped by the server's master key. Destroying the data key makes every copy of the text unreadable, backups included.
//!
//! What is sealed, and where the result is kept, belongs to the crate that seals.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use database::{PgConnection, TransactionError, Tx};
use kernel::{Classify, ErrorKind, PersonId};
use uuid::Uuid;

use crate::keys::{Key, Keys};
use crate::{Settings, store};

/// The layout of what [`Vault::seal`] gives: this byte, a nonce, the ciphertext with its tag.
const LAYOUT: u8 = 1;
const NONCE_BYTES: usize = 12;

/// Whose text is sealed, and so whose erasure destroys it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VaultSubject {
    /// A person: gone when the person is erased.
    Person(PersonId),
    /// A record that the law makes us keep although its people may be erased, such as a signed document.
    Record {
        /// The kind of thing, such as `contract`.
        kind: &'static str,
        /// The thing.
        id: Uuid,
    },
}

impl VaultSubject {
    fn parts(&self) -> (&'static str, Uuid) {
        match self {
            Self::Person(person) => ("person", person.uuid()),
            Self::Record { kind, id } => (kind, *id),
        }
    }
}

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The subject's key was destroyed: nothing more can be sealed for it.
    #[error("the key of this subject was destroyed")]
    Destroyed,
    /// Tampered with, moved to another row, or wrapped under a master key that is not configured.
    #[error("sealed data cannot be opened: {0}")]
    Unreadable(&'static str),
    /// The database.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl TransactionError for VaultError {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Destroyed | Self::Unreadable(_) => None,
        }
    }
}

impl Classify for VaultError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Destroyed => ErrorKind::Conflict,
            Self::Unreadable(_) => ErrorKind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Destroyed => "erased",
            Self::Unreadable(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}

/// Seals and opens. Cheap to clone; every clone shares the keys in memory.
#[derive(Clone)]
pub struct Vault {
    keys: Keys,
    cache: Arc<Mutex<Cache>>,
}

impl Vault {
    /// A vault over the server's master key.
    #[must_use]
    pub fn new(keys: Keys, settings: &Settings) -> Self {
        let cache = Cache {
            keys: HashMap::new(),
            keys_max: settings.vault_cached_keys_max,
            age_max: Duration::from_secs(u64::from(settings.vault_cache_seconds)),
        };
        Self { keys, cache: Arc::new(Mutex::new(cache)) }
    }

    /// Seals `plain` for a subject, making its key when it has none. `associated_data` names the place it will be kept in (table,
    /// column, row): opened from anywhere else it is refused.
    ///
    /// # Errors
    /// [`VaultError::Destroyed`] after the subject was erased.
    pub fn seal(
        &self,
        tx: &mut Tx<'_>,
        subject: VaultSubject,
        associated_data: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let key = match self.cached(subject) {
            Some(key) => key,
            None => {
                let key = Arc::new(self.key_for_sealing(tx, subject)?);
                // Not before the commit: a key that was rolled back must not seal anything.
                let (vault, kept) = (self.clone(), Arc::clone(&key));
                tx.after_commit(move || vault.keep(subject, kept));
                key
            }
        };
        encrypt(&key, &full_associated_data(subject, associated_data), plain)
    }

    /// Opens what [`Vault::seal`] made; none when the subject's key was destroyed.
    ///
    /// # Errors
    /// [`VaultError::Unreadable`] when it was changed or belongs elsewhere.
    pub fn open(
        &self,
        conn: &mut PgConnection,
        subject: VaultSubject,
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let key = match self.cached(subject) {
            Some(key) => key,
            None => {
                let (kind, id) = subject.parts();
                let stored = store::find_data_key(conn, kind, id)?
                    .ok_or(VaultError::Unreadable("its subject has no key"))?;
                match self.unwrap(subject, &stored) {
                    // Read, perhaps, inside the transaction that made it: not remembered here, for the same reason as above.
                    Ok(key) => Arc::new(key),
                    Err(VaultError::Destroyed) => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
        };
        decrypt(&key, &full_associated_data(subject, associated_data), sealed).map(Some)
    }

    /// Destroys a subject's key, and with it everything sealed for the subject. Other processes may still open it for as long as
    /// they remember keys ([`Settings::vault_cache_seconds`]).
    ///
    /// # Errors
    /// [`database::Error`].
    pub fn destroy(&self, tx: &mut Tx<'_>, subject: VaultSubject) -> Result<(), database::Error> {
        let (kind, id) = subject.parts();
        let now = tx.now()?;
        store::destroy_data_key(tx.conn(), kind, id, self.keys.vault().current.id(), now)?;
        let vault = self.clone();
        tx.after_commit(move || {
            vault.lock().keys.remove(&subject);
        });
        Ok(())
    }

    fn key_for_sealing(&self, tx: &mut Tx<'_>, subject: VaultSubject) -> Result<Key, VaultError> {
        let (kind, id) = subject.parts();
        if let Some(stored) = store::find_data_key(tx.conn(), kind, id)? {
            return self.unwrap(subject, &stored);
        }
        let master = &self.keys.vault().current;
        let wrapped = encrypt(master, &wrapping_data(subject), Key::random().expose())?;
        let now = tx.now()?;
        store::insert_data_key(tx.conn(), kind, id, &wrapped, master.id(), now)?;
        // Read back: of two that made one at the same time, one has won.
        let stored = store::find_data_key(tx.conn(), kind, id)?
            .ok_or(VaultError::Unreadable("its subject has no key"))?;
        self.unwrap(subject, &stored)
    }

    fn unwrap(&self, subject: VaultSubject, stored: &store::DataKeyRow) -> Result<Key, VaultError> {
        let wrapped = stored.wrapped_key.as_deref().ok_or(VaultError::Destroyed)?;
        let master = self
            .keys
            .vault()
            .find(&stored.master_key_id)
            .ok_or(VaultError::Unreadable("its master key is not configured"))?;
        let bytes = decrypt(master, &wrapping_data(subject), wrapped)?;
        bytes
            .try_into()
            .map(Key::from_bytes)
            .map_err(|_| VaultError::Unreadable("its key has another length"))
    }

    fn cached(&self, subject: VaultSubject) -> Option<Arc<Key>> {
        self.lock().find(&subject)
    }

    fn keep(&self, subject: VaultSubject, key: Arc<Key>) {
        self.lock().insert(subject, key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        // A map of keys cannot be left half changed by a panic.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key of the server's own, wrapped by its master key for one place; and the master key's id.
pub(crate) fn wrap_key(keys: &Keys, place: &[u8], key: &Key) -> Result<(Vec<u8>, String), VaultError> {
    let master = &keys.vault().current;
    Ok((encrypt(master, place, key.expose())?, master.id().to_owned()))
}

/// Unwraps what [`wrap_key`] made for the same place.
pub(crate) fn unwrap_key(
    keys: &Keys,
    place: &[u8],
    wrapped: &[u8],
    master_key_id: &str,
) -> Result<Key, VaultError> {
    let master = keys.vault().find(master_key_id);
    let master = master.ok_or(VaultError::Unreadable("its master key is not configured"))?;
    let bytes = decrypt(master, place, wrapped)?;
    bytes.try_into().map(Key::from_bytes).map_err(|_| VaultError::Unreadable("the key has another length"))
}

struct Cache {
    keys: HashMap<VaultSubject, (Arc<Key>, Moment)>,
    keys_max: usize,
    age_max: Duration,
}

impl Cache {
    fn find(&mut self, subject: &VaultSubject) -> Option<Arc<Key>> {
        let (key, since) = self.keys.get(subject)?;
        if since.elapsed() < self.age_max {
            return Some(Arc::clone(key));
        }
        self.keys.remove(subject);
        None
    }

    fn insert(&mut self, subject: VaultSubject, key: Arc<Key>) {
        if self.keys.len() >= self.keys_max {
            // Rare, and losing them only costs a read each: no bookkeeping of who was used last.
            self.keys.clear();
        }
        if self.keys_max > 0 {
            self.keys.insert(subject, (key, Moment::now()));
        }
    }
}

fn wrapping_data(subject: VaultSubject) -> Vec<u8> {
    full_associated_data(subject, b"data key")
}

/// The subject and the place, with the subject's length before it, so that the two cannot run together.
fn full_associated_data(subject: VaultSubject, place: &[u8]) -> Vec<u8> {
    let (kind, id) = subject.parts();
    let mut data = u64::try_from(kind.len()).unwrap_or(u64::MAX).to_be_bytes().to_vec();
    data.extend_from_slice(kind.as_bytes());
    data.extend_from_slice(id.as_bytes());
    data.extend_from_slice(place);
    data
}

pub(crate) fn encrypt(key: &Key, associated_data: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0_u8; NONCE_BYTES];
    rand::fill(&mut nonce);
    let sealed = Aes256Gcm::new(key.expose().into())
        .encrypt(&nonce.into(), Payload { msg: plain, aad: associated_data })
        .map_err(|_| VaultError::Unreadable("it is too long to seal"))?;
    Ok([&[LAYOUT], nonce.as_slice(), sealed.as_slice()].concat())
}

pub(crate) fn decrypt(key: &Key, associated_data: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let rest = sealed.strip_prefix(&[LAYOUT]).ok_or(VaultError::Unreadable("its layout is unknown"))?;
    let (nonce, message) =
        rest.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::Unreadable("it is too short"))?;
    Aes256Gcm::new(key.expose().into())
        .decrypt(nonce.into(), Payload { msg: message, aad: associated_data })
        .map_err(|_| VaultError::Unreadable("it was changed, or belongs elsewhere"))
}
