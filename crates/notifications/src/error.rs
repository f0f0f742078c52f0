//! What can go wrong with notifications.

use database::TransactionError;
use kernel::{Classify, ErrorKind};

use crate::templates::RenderError;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not there, or somebody else's.
    #[error("there is no such notification")]
    NotFound,
    /// A template and what is known do not fit together.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Render(_) => ErrorKind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Render(_) => "template_error",
            Self::Database(error) => error.code(),
        }
    }
}

impl TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::NotFound | Self::Render(_) => None,
        }
    }
}
