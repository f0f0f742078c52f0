//! The keys that access tokens are signed with: kept wrapped in the database, so that all servers of an installation change them together,
//! and in memory, so that checking a token asks nobody.
//!
//! A new key waits before it signs ([`SigningKeyState::Next`]): every server has read it by then, and takes what another one signs with it.
//! The one before goes on being recognised until nothing that it signed can be good any more.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use database::{PgConnection, Tx};
use kernel::Instant;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::keys::{Key, Keys, token_hash};
use crate::model::{SigningKeyState, SigningKeyView};
use crate::store::{self, SigningKeyRow};
use crate::vault::{unwrap_key, wrap_key};
use crate::{Error, Settings};

/// How long a list of keys is good without looking again.
const FRESH: TimeDelta = TimeDelta::seconds(15);
/// How soon after looking a key that is not known is looked for again: tokens with made-up keys cost a query a second in all, and not one each.
const AGAIN: TimeDelta = TimeDelta::seconds(1);
/// How far the clocks of two servers may be apart: as much longer is a replaced key recognised.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(1);

/// A key with the time that it has.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) key: Arc<Key>,
    pub(crate) created_at: Instant,
    pub(crate) signs_from: Instant,
    pub(crate) refused_from: Option<Instant>,
}

impl SigningKey {
    fn is_recognised(&self, now: Instant) -> bool {
        self.refused_from.is_none_or(|refused_from| now < refused_from)
    }

    fn view(&self, signs: bool, now: Instant) -> SigningKeyView {
        let state = match (signs, self.is_recognised(now)) {
            (true, _) => SigningKeyState::Current,
            (false, false) => SigningKeyState::Refused,
            (false, true) if self.signs_from > now => SigningKeyState::Next,
            (false, true) => SigningKeyState::Retired,
        };
        SigningKeyView {
            kid: self.kid.clone(),
            state,
            created_at: self.created_at,
            signs_from: self.signs_from,
            refused_from: self.refused_from,
        }
    }
}

/// The keys as one server knows them. Cheap to clone; every clone shares them.
#[derive(Clone)]
pub(crate) struct SigningKeys {
    keys: Keys,
    /// How long what a key signs can be good.
    lifetime: TimeDelta,
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    keys: Vec<SigningKey>,
    read_at: Option<Instant>,
}

impl SigningKeys {
    pub(crate) fn new(keys: Keys, settings: &Settings) -> Self {
        Self { keys, lifetime: lifetime(settings), known: Arc::default() }
    }

    /// The key that a token names, if it is known and recognised at this instant.
    pub(crate) fn find(&self, kid: &str, now: Instant) -> Option<Arc<Key>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.keys.iter().find(|key| key.kid == kid && key.is_recognised(now));
        found.map(|key| Arc::clone(&key.key))
    }

    /// The key that signs at this instant.
    pub(crate) fn current(&self, now: Instant) -> Option<SigningKey> {
        current(&self.known.read().unwrap_or_else(PoisonError::into_inner).keys, now).cloned()
    }

    /// Whether it is time to look again before trusting what is known. Says so to one caller only, who then has to [`SigningKeys::read`].
    pub(crate) fn is_stale(&self, now: Instant) -> bool {
        self.claim(now, FRESH)
    }

    /// Whether a key that is not known may be looked for; says so once a second, however many are asked for.
    pub(crate) fn may_look(&self, now: Instant) -> bool {
        self.claim(now, AGAIN)
    }

    fn claim(&self, now: Instant, age: TimeDelta) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // A clock that was turned back makes everything old.
        let fresh = known.read_at.is_some_and(|read_at| read_at <= now && now - read_at < age);
        if !fresh {
            known.read_at = Some(now);
        }
        !fresh
    }

    /// Reads the keys, and makes the first of `JWT_SECRET` when there are none.
    pub(crate) fn read(&self, conn: &mut PgConnection, now: Instant) -> Result<(), Error> {
        let mut rows = store::list_signing_keys(conn)?;
        if rows.is_empty() {
            for row in self.seeds(now)? {
                store::insert_signing_key(conn, &row)?;
            }
            rows = store::list_signing_keys(conn)?;
        }
        let keys = rows.into_iter().filter_map(|row| self.open(row)).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { keys, read_at: Some(now) };
        Ok(())
    }

    /// Knows what `JWT_SECRET` makes, without a database.
    #[cfg(test)]
    pub(crate) fn know_seeds(&self, now: Instant) {
        let keys = self.seeds(now).unwrap().into_iter().filter_map(|row| self.open(row)).collect();
        *self.known.write().unwrap() = Known { keys, read_at: Some(now) };
    }

    /// Looks again when what is known is old, or nothing is.
    pub(crate) fn refresh(&self, conn: &mut PgConnection, now: Instant) -> Result<(), Error> {
        if !self.is_stale(now) && !self.is_empty() {
            return Ok(());
        }
        let read = self.read(conn, now);
        if read.is_err() {
            // The next one tries again, and does not wait until this is old.
            self.known.write().unwrap_or_else(PoisonError::into_inner).read_at = None;
        }
        read
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).keys.is_empty()
    }

    /// The keys with what each is good for, the newest first.
    pub(crate) fn views(&self, now: Instant) -> Vec<SigningKeyView> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let signing = current(&known.keys, now).map(|key| key.kid.as_str());
        let mut views: Vec<_> =
            known.keys.iter().map(|key| key.view(signing == Some(key.kid.as_str()), now)).collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.signs_from));
        views
    }

    /// A new key, and the end of those before it. At once is for a key that others have: what it signed is refused from now on.
    pub(crate) fn rotate(&self, tx: &mut Tx<'_>, delay: TimeDelta, at_once: bool) -> Result<(), Error> {
        store::lock_signing_keys(tx.conn())?;
        let now = tx.now()?;
        self.read(tx.conn(), now)?;
        let waiting = self.views(now).into_iter().find(|view| view.state == SigningKeyState::Next);
        if let Some(waiting) = waiting.filter(|_| !at_once) {
            return Err(Error::KeyWaiting { signs_from: waiting.signs_from });
        }
        let signs_from = if at_once { now } else { now + delay };
        let refused_from = if at_once { now } else { signs_from + self.lifetime + CLOCKS_APART };
        store::forget_refused_keys(tx.conn(), now)?;
        store::retire_signing_keys(tx.conn(), refused_from)?;
        let row = self.row(&random_kid(), &Key::random(), now, signs_from, None)?;
        store::insert_signing_key(tx.conn(), &row)?;
        audit::changed(tx, object(&row.kid), Value::Null, json!({ "signsFrom": signs_from }));
        for view in self.views(now) {
            if view.refused_from.is_none_or(|end| end > refused_from) {
                let ends = |at: Option<Instant>| json!({ "refusedFrom": at });
                audit::changed(tx, object(&view.kid), ends(view.refused_from), ends(Some(refused_from)));
            }
        }
        Ok(())
    }

    /// What `JWT_SECRET` and those before it make: an installation from before there were rows goes on with the keys that it signed with.
    fn seeds(&self, now: Instant) -> Result<Vec<SigningKeyRow>, Error> {
        let ring = self.keys.access();
        let refused_from = now + self.lifetime + CLOCKS_APART;
        ring.all()
            .enumerate()
            .map(|(index, key)| match index {
                0 => self.row(key.id(), key, now, now, None),
                _ => self.row(key.id(), key, now, now - TimeDelta::seconds(1), Some(refused_from)),
            })
            .collect()
    }

    fn row(
        &self,
        kid: &str,
        key: &Key,
        created_at: Instant,
        signs_from: Instant,
        refused_from: Option<Instant>,
    ) -> Result<SigningKeyRow, Error> {
        let (wrapped_key, master_key_id) = wrap_key(&self.keys, &place(kid), key)?;
        Ok(SigningKeyRow {
            kid: kid.to_owned(),
            wrapped_key,
            master_key_id,
            created_at,
            signs_from,
            refused_from,
        })
    }

    /// None when it cannot be unwrapped: the others go on.
    fn open(&self, row: SigningKeyRow) -> Option<SigningKey> {
        match unwrap_key(&self.keys, &place(&row.kid), &row.wrapped_key, &row.master_key_id) {
            Ok(key) => Some(SigningKey {
                kid: row.kid,
                key: Arc::new(key),
                created_at: row.created_at,
                signs_from: row.signs_from,
                refused_from: row.refused_from,
            }),
            Err(error) => {
                tracing::error!(kid = row.kid, %error, "a signing key cannot be used");
                None
            }
        }
    }
}

/// In the audit trail, which tells things apart by an id: here one made of the name.
fn object(kid: &str) -> audit::Object {
    let hash = token_hash(kid);
    let id = hash.get(..16).and_then(|half| Uuid::from_slice(half).ok());
    audit::Object::named("signing_key", kid, id.unwrap_or_default())
}

/// How long what a key signs can be good.
fn lifetime(settings: &Settings) -> TimeDelta {
    TimeDelta::minutes(i64::from(settings.access_token_minutes))
}

/// The newest that has begun. Where the clock was turned back before all of them, the oldest.
fn current(keys: &[SigningKey], now: Instant) -> Option<&SigningKey> {
    let recognised = || keys.iter().filter(|key| key.is_recognised(now));
    let begun = recognised().filter(|key| key.signs_from <= now).max_by_key(|key| key.signs_from);
    begun.or_else(|| recognised().min_by_key(|key| key.signs_from))
}

/// Where a key is kept: wrapped for one place it opens in no other.
fn place(kid: &str) -> Vec<u8> {
    [b"identity.signing_keys\0".as_slice(), kid.as_bytes()].concat()
}

fn random_kid() -> String {
    let mut bytes = [0_u8; 8];
    rand::fill(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::keys::Secrets;

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn key(kid: &str, signs_from: i64, refused_from: Option<i64>) -> SigningKey {
        SigningKey {
            kid: kid.to_owned(),
            key: Arc::new(Key::random()),
            created_at: at(0),
            signs_from: at(signs_from),
            refused_from: refused_from.map(at),
        }
    }

    #[test]
    fn one_key_signs_at_every_instant() {
        let keys = [key("old", 0, Some(500)), key("new", 100, None)];
        for (now, expected) in
            [(-50, "old"), (0, "old"), (99, "old"), (100, "new"), (499, "new"), (9_999, "new")]
        {
            assert_eq!(current(&keys, at(now)).unwrap().kid, expected, "{now}");
        }
        assert!(current(&[], at(0)).is_none());
    }

    #[test]
    fn a_key_waits_signs_is_recognised_and_is_refused() {
        let keys = SigningKeys::new(Keys::derive(&Secrets::random()).unwrap(), &Settings::default());
        keys.known.write().unwrap().keys = vec![key("old", 0, Some(500)), key("new", 100, None)];
        let states =
            |now| keys.views(at(now)).into_iter().map(|view| view.state.as_str()).collect::<Vec<_>>();
        assert_eq!(states(50), ["NEXT", "CURRENT"]);
        assert_eq!(states(100), ["CURRENT", "RETIRED"]);
        assert_eq!(states(500), ["CURRENT", "REFUSED"]);
        assert!(keys.find("old", at(499)).is_some() && keys.find("old", at(500)).is_none());
        // It is known before it signs: another server's clock may be ahead.
        assert!(keys.find("new", at(50)).is_some());
    }

    #[test]
    fn a_thousand_unknown_keys_are_looked_for_once_a_second() {
        let keys = SigningKeys::new(Keys::derive(&Secrets::random()).unwrap(), &Settings::default());
        let looks = |now: i64| (0..1_000).filter(|_| keys.may_look(at(now))).count();
        assert_eq!((looks(0), looks(0), looks(1), looks(2)), (1, 0, 1, 1));
        // A clock that was turned back makes everything old.
        assert_eq!(looks(-100), 1);
        let stale = |now: i64| (0..1_000).filter(|_| keys.is_stale(at(now))).count();
        assert_eq!((stale(-90), stale(-85), stale(-80)), (0, 1, 0));
    }

    #[test]
    fn a_key_is_unwrapped_in_its_own_row_and_under_its_master_key_only() {
        let secrets = Secrets::random();
        let keys = SigningKeys::new(Keys::derive(&secrets).unwrap(), &Settings::default());
        let row = || keys.row("00000000deadbeef", &Key::random(), at(0), at(0), None).unwrap();
        assert!(keys.open(row()).is_some());
        assert!(keys.open(SigningKeyRow { kid: "00000000deadbee0".to_owned(), ..row() }).is_none());
        let others = Secrets { master: Secrets::random().master, ..secrets };
        let elsewhere = SigningKeys::new(Keys::derive(&others).unwrap(), &Settings::default());
        assert!(elsewhere.open(row()).is_none());
    }
}
