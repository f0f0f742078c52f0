//! `Idempotency-Key`: reading the header.

use actix_web::http::header::HeaderMap;

use crate::http::Problem;

/// The longest key, in characters.
const KEY_LENGTH_MAX: usize = 255;

/// A key that a client chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(pub(crate) String);

impl IdempotencyKey {
    /// The key in these headers. It may stand bare or, as structured fields have it, in quotes: that is the same key.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim();
        let text = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text);
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if text.is_empty() || text.len() > KEY_LENGTH_MAX || !printable {
            let detail = format!("an Idempotency-Key has 1 to {KEY_LENGTH_MAX} printable ASCII characters");
            return Err(Problem::bad_request("idempotency_key_invalid", detail));
        }
        Ok(Some(Self(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(value: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("idempotency-key"), HeaderValue::from_bytes(value).unwrap());
        IdempotencyKey::of(&headers)
    }

    #[test]
    fn quoted_and_bare_are_the_same_key() {
        assert_eq!(read(b"abc").unwrap(), Some(IdempotencyKey("abc".into())));
        assert_eq!(read(b"\"abc\"").unwrap(), Some(IdempotencyKey("abc".into())));
        assert_eq!(IdempotencyKey::of(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn a_key_has_1_to_255_printable_characters() {
        assert!(read("k".repeat(255).as_bytes()).is_ok());
        for bad in [b"".as_slice(), b"\"\"", b"  ", "k".repeat(256).as_bytes(), "\u{e9}".as_bytes(), b"a\tb"]
        {
            assert_eq!(read(bad).unwrap_err().code(), "idempotency_key_invalid");
        }
    }
}
