//! The trade that a job is of.

use std::hash::{Hash, Hasher};

use kernel::{Fault, Faults};
use taxonomy::{Taxonomy, Trade};

/// A trade of the taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category(&'static Trade);

impl Category {
    /// # Errors
    /// A fault for a word that is not a trade's slug.
    pub fn new(slug: &str) -> Result<Self, Faults> {
        match Taxonomy::shipped().trade(slug) {
            Some(trade) => Ok(Self(trade)),
            None => Err(Fault::new("", "unknown_category", "is not a trade of the catalogue").into()),
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0.slug()
    }
}

impl Hash for Category {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trades_of_the_catalogue_are_categories() {
        assert_eq!(Category::new("plumbing").unwrap().as_str(), "plumbing");
        assert!(Category::new("Plumbing").is_err());
        assert!(Category::new("").is_err());
    }
}
