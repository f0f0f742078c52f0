//! The trades a job can be of, from a data file.

use std::sync::LazyLock;

use kernel::{Fault, Faults};
use serde::Deserialize;

/// The file; an unreadable one fails this module's test, and every category with it.
const FILE: &str = include_str!("../../data/categories.json");

static ALL: LazyLock<Vec<CategoryEntry>> = LazyLock::new(|| serde_json::from_str(FILE).unwrap_or_default());

/// A trade as the data file has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryEntry {
    /// The word for programs.
    pub slug: String,
    /// The name for people.
    pub name: String,
}

/// A trade of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category(&'static str);

impl Category {
    /// Every trade, by slug.
    #[must_use]
    pub fn all() -> &'static [CategoryEntry] {
        &ALL
    }

    /// # Errors
    /// A fault for a word that is not in the catalogue.
    pub fn new(slug: &str) -> Result<Self, Faults> {
        match ALL.iter().find(|entry| entry.slug == slug) {
            Some(entry) => Ok(Self(&entry.slug)),
            None => Err(Fault::new("", "unknown_category", "is not a trade of the catalogue").into()),
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_readable_sorted_and_free_of_doubles() {
        let slugs: Vec<_> = Category::all().iter().map(|entry| entry.slug.as_str()).collect();
        assert!(slugs.len() > 30);
        assert!(slugs.is_sorted_by(|a, b| a < b));
        assert!(slugs.iter().all(|slug| slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }

    #[test]
    fn only_trades_of_the_catalogue_are_categories() {
        assert_eq!(Category::new("plumbing").unwrap().as_str(), "plumbing");
        assert!(Category::new("Plumbing").is_err());
        assert!(Category::new("").is_err());
    }
}
