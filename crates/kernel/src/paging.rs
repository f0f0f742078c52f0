//! Keyset paging: a list is read from a position on, never by counting rows to skip.
//!
//! How a position is written into a cursor, and signed, belongs to the gateway.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Instant;

/// How many things a page holds: 1 to 100, 20 when nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit(u8);

impl Limit {
    /// The most things on one page.
    pub const MAX: u8 = 100;

    /// # Errors
    /// The number itself when it is not from 1 to [`Limit::MAX`].
    pub fn new(limit: i64) -> Result<Self, i64> {
        match u8::try_from(limit) {
            Ok(small) if (1..=Self::MAX).contains(&small) => Ok(Self(small)),
            _ => Err(limit),
        }
    }

    /// The number of things, for a `LIMIT` that asks for one more to see whether a page follows.
    #[must_use]
    pub fn plus_one(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// The number of things.
    #[must_use]
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

/// Where a page ended: the sort key of its last row, and that row's id to tell equal keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position<K = Instant> {
    /// The last row's sort key.
    pub key: K,
    /// The last row's id.
    pub id: Uuid,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T, K = Instant> {
    /// The things of this page, in order.
    pub items: Vec<T>,
    /// Where the next page goes on; none at the end.
    pub next: Option<Position<K>>,
}

impl<T, K> Default for Page<T, K> {
    /// A page with nothing on it, and none after it.
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}

impl<T, K> Page<T, K> {
    /// Cuts what a store read with [`Limit::plus_one`] down to a page; `position` tells where a row stands.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, limit: Limit, position: impl Fn(&T) -> Position<K>) -> Self {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let next = if more { rows.last().map(position) } else { None };
        Self { items: rows, next }
    }

    /// The same page of other things.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U, K> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_the_next_one_starts_only_when_there_is_one() {
        let position = |n: &i64| Position { key: *n, id: Uuid::nil() };
        let limit = Limit::new(2).unwrap();
        assert_eq!(Page::cut(vec![1, 2], limit, position).next, None);
        let page = Page::cut(vec![1, 2, 3], limit, position);
        assert_eq!((page.items, page.next.map(|next| next.key)), (vec![1, 2], Some(2)));
    }

    #[test]
    fn limits_are_from_one_to_a_hundred() {
        for (limit, good) in
            [(0, false), (1, true), (100, true), (101, false), (-1, false), (i64::MAX, false)]
        {
            assert_eq!(Limit::new(limit).is_ok(), good, "{limit}");
        }
    }
}
