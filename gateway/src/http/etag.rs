//! Entity tags: `"<hash>"` of the bytes, or `"<version>.<hash>"` where changes can be made conditional.
//!
//! `If-None-Match` compares the whole tag, so what differs between callers is never mistaken for the same. `If-Match` compares the
//! version, which only a change of the thing itself moves: a figure derived from the clock does not spoil a client's edit.

use sha2::{Digest, Sha256};

/// The version of a thing: a number that grows with each change, or the instant of the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(i64);

impl Version {
    /// The number.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

impl From<i64> for Version {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

impl From<i32> for Version {
    fn from(number: i32) -> Self {
        Self(number.into())
    }
}

impl From<kernel::Instant> for Version {
    fn from(changed_at: kernel::Instant) -> Self {
        Self(changed_at.timestamp_micros())
    }
}

/// A tag of these bytes.
pub(crate) fn of_body(body: &[u8]) -> String {
    format!("\"{}\"", short_hash(body))
}

/// A tag of a version and these bytes.
pub(crate) fn of_version(version: Version, body: &[u8]) -> String {
    format!("\"{}.{}\"", version.0, short_hash(body))
}

fn short_hash(body: &[u8]) -> String {
    let mut text = hex::encode(Sha256::digest(body));
    text.truncate(16);
    text
}

/// Whether an `If-None-Match` names this tag. Weak comparison, as RFC 9110 asks.
pub(crate) fn names(header: &str, etag: &str) -> bool {
    header.trim() == "*" || tags(header).any(|tag| tag == etag)
}

/// What an `If-Match` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// `*`: any version, as long as the thing is there.
    Any,
    /// One of these versions; empty when no tag in the header was one of ours.
    Versions(Vec<i64>),
}

/// Reads an `If-Match`.
pub(crate) fn if_match(header: &str) -> IfMatch {
    if header.trim() == "*" {
        return IfMatch::Any;
    }
    let version =
        |tag: &str| tag.trim_matches('"').split_once('.').and_then(|(version, _)| version.parse().ok());
    IfMatch::Versions(tags(header).filter_map(version).collect())
}

fn tags(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(|tag| tag.trim()).map(|tag| tag.strip_prefix("W/").unwrap_or(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_strong() {
        let etag = of_body(b"{}");
        for header in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
            assert!(names(&header, &etag), "{header}");
        }
        assert!(!names("\"x\"", &etag));
    }

    #[test]
    fn the_version_of_a_tag_is_read_back() {
        assert_eq!(if_match(&of_version(7.into(), b"{}")), IfMatch::Versions(vec![7]));
        assert_eq!(if_match("*"), IfMatch::Any);
        assert_eq!(if_match("\"nonsense\", \"x.y\""), IfMatch::Versions(vec![]));
    }

    #[test]
    fn the_same_version_read_differently_is_another_tag() {
        assert_ne!(of_version(7.into(), b"a"), of_version(7.into(), b"b"));
    }
}
