//! Why nothing was made.

use kernel::{Classify, ErrorKind};

/// A refusal, or the database's failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for cannot be made, or not here.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// Why it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There has to be somebody on either side.
    #[error("at least two people are needed: a homeowner and a contractor")]
    TooFewPeople,
    /// More than ids and patience are made for.
    #[error("at most {most} jobs can be made at once")]
    TooMany {
        /// The most.
        most: u32,
    },
    /// More than the contractors could hand in.
    #[error(
        "these people can hand in {most} bids on these jobs at most: ask for fewer bids, or for more people"
    )]
    TooManyBids {
        /// The most.
        most: u64,
    },
    /// No such city in the file.
    #[error("there is no city {0} in crates/seed/data/places.toml")]
    UnknownCity(String),
    /// Somebody or something is there that no seeding made.
    #[error(
        "this database is not only the seed's: it has {people} people and {jobs} jobs that no seeding made. \
         Seed a database that nobody lives in"
    )]
    NotItsOwn {
        /// People that no seeding made.
        people: i64,
        /// Jobs that no seeding made.
        jobs: i64,
    },
    /// That number is in.
    #[error("number {0} is in this database already; another number adds other people and other jobs")]
    AlreadyIn(u64),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

impl database::TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Refused(_) => None,
        }
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) => ErrorKind::Conflict,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Database(error) => error.code(),
        }
    }
}
