//! Sealing, opening, and what erasure leaves.

use identity::{Keys, SecretRing, Secrets, Settings, Vault, VaultError, VaultSubject};
use kernel::PersonId;
use testing::TestDatabase;
use uuid::Uuid;

struct Safe {
    database: TestDatabase,
    secrets: Secrets,
}

impl Safe {
    fn new() -> Self {
        Self { database: TestDatabase::new(), secrets: Secrets::random() }
    }

    /// A vault as another process has it: nothing remembered.
    fn vault(&self) -> Vault {
        Vault::new(Keys::derive(&self.secrets).unwrap(), &Settings::for_tests())
    }

    fn seal(
        &self,
        vault: &Vault,
        subject: VaultSubject,
        place: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.database.db.transaction(|tx| vault.seal(tx, subject, place, plain))
    }

    fn open(
        &self,
        vault: &Vault,
        subject: VaultSubject,
        place: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, VaultError> {
        self.database.db.read(|conn| vault.open(conn, subject, place, sealed))
    }

    fn destroy(&self, vault: &Vault, subject: VaultSubject) {
        self.database.db.transaction(|tx| vault.destroy(tx, subject)).unwrap();
    }
}

fn somebody() -> VaultSubject {
    VaultSubject::Person(PersonId::new())
}

#[test]
fn what_was_sealed_is_opened_by_this_process_and_the_next() {
    let safe = Safe::new();
    let (vault, person) = (safe.vault(), somebody());
    let contract = VaultSubject::Record { kind: "contract", id: Uuid::now_v7() };
    for subject in [person, contract] {
        for plain in [b"".as_slice(), b"12 Elm Street", &[0_u8; 100_000]] {
            let sealed = safe.seal(&vault, subject, b"documents.body/1", plain).unwrap();
            assert!(!sealed.windows(6).any(|window| window == b"12 Elm"));
            assert_eq!(
                safe.open(&vault, subject, b"documents.body/1", &sealed).unwrap().as_deref(),
                Some(plain)
            );
            assert_eq!(
                safe.open(&safe.vault(), subject, b"documents.body/1", &sealed).unwrap().as_deref(),
                Some(plain)
            );
        }
    }
    assert_eq!(safe.database.count("identity.data_keys"), 2);
}

#[test]
fn the_same_text_is_sealed_differently_each_time() {
    let safe = Safe::new();
    let (vault, person) = (safe.vault(), somebody());
    let sealed = || safe.seal(&vault, person, b"", b"12 Elm Street").unwrap();
    assert_ne!(sealed(), sealed());
}

#[test]
fn what_was_altered_moved_or_is_anothers_is_not_opened() {
    let safe = Safe::new();
    let (vault, person, other) = (safe.vault(), somebody(), somebody());
    let sealed = safe.seal(&vault, person, b"row 1", b"12 Elm Street").unwrap();
    safe.seal(&vault, other, b"row 1", b"their own").unwrap();
    let unreadable = |subject, place: &[u8], sealed: &[u8]| {
        matches!(safe.open(&vault, subject, place, sealed), Err(VaultError::Unreadable(_)))
    };
    assert!(unreadable(person, b"row 2", &sealed));
    assert!(unreadable(other, b"row 1", &sealed));
    assert!(unreadable(somebody(), b"row 1", &sealed));
    for place in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[place] ^= 1;
        assert!(unreadable(person, b"row 1", &altered), "{place}");
    }
    for length in 0..sealed.len() {
        assert!(unreadable(person, b"row 1", &sealed[..length]), "{length}");
    }
}

#[test]
fn a_wrapped_key_is_good_for_its_own_subject_only() {
    let safe = Safe::new();
    let (one, two) = (PersonId::new(), PersonId::new());
    let sealed = safe.seal(&safe.vault(), VaultSubject::Person(one), b"", b"12 Elm Street").unwrap();
    safe.seal(&safe.vault(), VaultSubject::Person(two), b"", b"x").unwrap();
    safe.database.execute(&format!(
        "UPDATE identity.data_keys SET wrapped_key = (SELECT wrapped_key FROM identity.data_keys WHERE subject_id = '{}')
         WHERE subject_id = '{}'",
        one.uuid(),
        two.uuid()
    ));
    let opened = safe.open(&safe.vault(), VaultSubject::Person(two), b"", &sealed);
    assert!(matches!(opened, Err(VaultError::Unreadable(_))));
}

#[test]
fn destroying_the_key_makes_every_copy_unreadable_for_good() {
    let safe = Safe::new();
    let (vault, person, kept) = (safe.vault(), somebody(), somebody());
    let sealed = safe.seal(&vault, person, b"", b"12 Elm Street").unwrap();
    let of_another = safe.seal(&vault, kept, b"", b"9 Oak Lane").unwrap();
    safe.destroy(&vault, person);
    assert_eq!(safe.open(&vault, person, b"", &sealed).unwrap(), None);
    assert_eq!(safe.open(&safe.vault(), person, b"", &sealed).unwrap(), None);
    assert!(matches!(safe.seal(&vault, person, b"", b"again"), Err(VaultError::Destroyed)));
    assert!(safe.open(&vault, kept, b"", &of_another).unwrap().is_some());
    assert_eq!(safe.database.count("identity.data_keys WHERE wrapped_key IS NULL"), 1);

    // Somebody for whom nothing was ever sealed is not sealed for afterwards either.
    let nobody = somebody();
    safe.destroy(&vault, nobody);
    assert!(matches!(safe.seal(&vault, nobody, b"", b"x"), Err(VaultError::Destroyed)));
}

#[test]
fn another_process_feels_an_erasure_once_it_has_forgotten_the_key() {
    let safe = Safe::new();
    let person = somebody();
    let forgetful = Settings { vault_cache_seconds: 0, ..Settings::for_tests() };
    let elsewhere = Vault::new(Keys::derive(&safe.secrets).unwrap(), &forgetful);
    let sealed = safe.seal(&elsewhere, person, b"", b"12 Elm Street").unwrap();
    safe.destroy(&safe.vault(), person);
    assert_eq!(safe.open(&elsewhere, person, b"", &sealed).unwrap(), None);
}

#[test]
fn a_key_that_was_rolled_back_seals_nothing() {
    let safe = Safe::new();
    let (vault, person) = (safe.vault(), somebody());
    let rolled_back: Result<(), VaultError> = safe.database.db.transaction(|tx| {
        vault.seal(tx, person, b"", b"lost")?;
        Err(VaultError::Destroyed)
    });
    assert!(rolled_back.is_err());
    assert_eq!(safe.database.count("identity.data_keys"), 0);
    let sealed = safe.seal(&vault, person, b"", b"12 Elm Street").unwrap();
    assert!(safe.open(&safe.vault(), person, b"", &sealed).unwrap().is_some());
}

#[test]
fn two_that_seal_first_at_the_same_time_share_one_key() {
    let safe = Safe::new();
    for _ in 0..5 {
        let person = somebody();
        let sealed: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let sealing: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| safe.seal(&safe.vault(), person, b"", b"12 Elm Street").unwrap()))
                .collect();
            sealing.into_iter().map(|each| each.join().unwrap()).collect()
        });
        for each in sealed {
            assert!(safe.open(&safe.vault(), person, b"", &each).unwrap().is_some());
        }
    }
}

#[test]
fn a_retired_master_key_still_opens_and_another_does_not() {
    let safe = Safe::new();
    let person = somebody();
    let sealed = safe.seal(&safe.vault(), person, b"", b"12 Elm Street").unwrap();
    let fresh = SecretRing::new(identity::random_secret());
    let rotated =
        Secrets { master: fresh.clone().with_retired(safe.secrets.master.secrets()), ..safe.secrets.clone() };
    let stranger = Secrets { master: fresh, ..safe.secrets.clone() };
    let vault = |secrets: &Secrets| Vault::new(Keys::derive(secrets).unwrap(), &Settings::for_tests());
    assert!(safe.open(&vault(&rotated), person, b"", &sealed).unwrap().is_some());
    assert!(matches!(safe.open(&vault(&stranger), person, b"", &sealed), Err(VaultError::Unreadable(_))));
}
