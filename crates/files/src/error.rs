//! What can go wrong with files, and what it means to whoever asked.

use database::TransactionError;
use kernel::{Classify, ErrorKind, Fault};

use crate::model::ContentType;
use crate::storage::StorageError;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was not one byte.
    #[error("the file is empty")]
    Empty,
    /// More bytes than are taken.
    #[error("a file has at most {most} bytes here")]
    TooLarge {
        /// The most.
        most: u64,
    },
    /// By its first bytes it is of no type that is taken, whatever it is called.
    #[error("the file is {}none of {}", found_as(*.found), names(.allowed))]
    Unsupported {
        /// What it is, where that can be told.
        found: Option<&'static str>,
        /// What is taken.
        allowed: &'static [ContentType],
    },
    /// A picture that would take too much memory to look at.
    #[error("a picture has at most {} million pixels here, half as many with 16 bits a colour", pixels_max / 1_000_000)]
    TooManyPixels {
        /// The most.
        pixels_max: u64,
    },
    /// It begins as a picture and goes on as something else, or moves.
    #[error("the picture is damaged, or moves")]
    BrokenPicture,
    /// What was received was swept up, or kept before.
    #[error("the file that was received is not there any more; send it again")]
    Gone,
    /// The folder or the object store does not do what it should.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

fn found_as(found: Option<&str>) -> String {
    found.map(|found| format!("{found}, and ")).unwrap_or_default()
}

fn names(types: &[ContentType]) -> String {
    types.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty
            | Self::TooLarge { .. }
            | Self::Unsupported { .. }
            | Self::TooManyPixels { .. }
            | Self::BrokenPicture => ErrorKind::Invalid(vec![Fault::new("", self.code(), self.to_string())]),
            Self::Gone => ErrorKind::Conflict,
            Self::Storage(_) => ErrorKind::Unavailable,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "file_empty",
            Self::TooLarge { .. } => "body_too_large",
            Self::Unsupported { .. } => "unsupported_type",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::BrokenPicture => "picture_broken",
            Self::Gone => "file_gone",
            Self::Storage(_) => "unavailable",
            Self::Database(error) => error.code(),
        }
    }
}

impl TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Empty
            | Self::TooLarge { .. }
            | Self::Unsupported { .. }
            | Self::TooManyPixels { .. }
            | Self::BrokenPicture
            | Self::Gone
            | Self::Storage(_) => None,
        }
    }
}
