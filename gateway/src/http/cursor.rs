//! Cursors: where a page ended, signed, so that nobody can make one up; bound to the list and its filters, and good for a
//! day. What a position means belongs to the list's store.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Instant, Position};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// How long a cursor is good for: a day.
const LIFETIME_SECONDS: i64 = 24 * 60 * 60;
/// The longest cursor that is looked at.
const CURSOR_LENGTH_MAX: usize = 1024;
/// Bytes of the signature that a cursor carries: 128 bits are beyond guessing.
const SIGNATURE_BYTES: usize = 16;

/// Signs and reads cursors.
#[derive(Clone)]
pub(crate) struct CursorKey([u8; 32]);

#[derive(Serialize, Deserialize)]
struct Content<K> {
    key: K,
    id: Uuid,
    /// Seconds since 1970 after which it is stale.
    until: i64,
}

impl CursorKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Writes a position into a cursor for the list that `list` names, with its filters.
    pub(crate) fn sign<K: Serialize>(&self, list: &str, position: &Position<K>, now: Instant) -> String {
        let content =
            Content { key: &position.key, id: position.id, until: now.timestamp() + LIFETIME_SECONDS };
        let content = serde_json::to_vec(&content).unwrap_or_default();
        let mut bytes = self.signature(list, &content).to_vec();
        bytes.extend_from_slice(&content);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that [`CursorKey::sign`] wrote for this list, unless it is forged, another list's, or stale.
    pub(crate) fn open<K: DeserializeOwned>(
        &self,
        list: &str,
        cursor: &str,
        now: Instant,
    ) -> Option<Position<K>> {
        if cursor.len() > CURSOR_LENGTH_MAX {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (signature, content) = bytes.split_at_checked(SIGNATURE_BYTES)?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(signature, self.signature(list, content).as_slice())) {
            return None;
        }
        let content: Content<K> = serde_json::from_slice(content).ok()?;
        (content.until > now.timestamp()).then_some(Position { key: content.key, id: content.id })
    }

    fn signature(&self, list: &str, content: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            mac.update(b"cursor\0");
            mac.update(list.as_bytes());
            mac.update(b"\0");
            mac.update(content);
            for (to, from) in signature.iter_mut().zip(mac.finalize().into_bytes()) {
                *to = from;
            }
        }
        signature
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn position() -> Position<i64> {
        Position { key: 7, id: Uuid::from_u128(1) }
    }

    #[test]
    fn a_cursor_reads_back_for_its_own_list_only() {
        let (key, now) = (CursorKey::new([7; 32]), chrono::Utc::now());
        let cursor = key.sign("/api/jobs?sort=newest", &position(), now);
        assert_eq!(key.open("/api/jobs?sort=newest", &cursor, now), Some(position()));
        assert_eq!(key.open::<i64>("/api/jobs?sort=budget", &cursor, now), None);
        assert_eq!(CursorKey::new([8; 32]).open::<i64>("/api/jobs?sort=newest", &cursor, now), None);
    }

    #[test]
    fn a_cursor_is_good_for_a_day() {
        let (key, now) = (CursorKey::new([7; 32]), chrono::Utc::now());
        let cursor = key.sign("list", &position(), now);
        assert!(key.open::<i64>("list", &cursor, now + TimeDelta::hours(23)).is_some());
        assert!(key.open::<i64>("list", &cursor, now + TimeDelta::hours(25)).is_none());
    }

    #[test]
    fn anything_else_is_no_cursor() {
        let (key, now) = (CursorKey::new([7; 32]), chrono::Utc::now());
        let cursor = key.sign("list", &position(), now);
        let flipped: String = cursor.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
        for bad in ["", "A", "!!!", flipped.as_str(), &"A".repeat(5000), &cursor[1..]] {
            assert!(key.open::<i64>("list", bad, now).is_none(), "{bad}");
        }
    }
}
