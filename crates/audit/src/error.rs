//! What can go wrong with the trail.

use kernel::{Classify, ErrorKind};

/// Why the trail could not be read or added to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
        }
    }
}

impl database::TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
        }
    }
}
