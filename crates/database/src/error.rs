//! What can go wrong between us and Postgres, told apart once.
//!
//! Diesel reports a deadlock, a time-out and a taken lock as `Unknown`, with the server's message; they are recognised
//! here and nowhere else. That is why start-up refuses a server whose `lc_messages` is not English.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use kernel::{Classify, ErrorKind};

/// A failure of the database, as far as callers need to tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique index has this value already. Callers map it where its meaning is known, see [`Error::is_unique`].
    #[error("unique constraint `{constraint}`")]
    Unique {
        /// The index's name.
        constraint: String,
    },
    /// A CHECK constraint or a function's own check refused.
    #[error("check `{constraint}`: {message}")]
    Check {
        /// The constraint's name.
        constraint: String,
        /// What Postgres said.
        message: String,
    },
    /// A row that is pointed at is not there, or one that is pointed at was to go.
    #[error("foreign key `{constraint}`")]
    ForeignKey {
        /// The constraint's name.
        constraint: String,
    },
    /// Two transactions waited for each other; Postgres ended this one.
    #[error("deadlock")]
    Deadlock,
    /// Concurrent transactions could not be put in an order.
    #[error("serialization failure")]
    Serialization,
    /// `NOWAIT` found the row locked.
    #[error("the row is locked by somebody else")]
    LockNotAvailable,
    /// `lock_timeout` ran out: not tried again, because it was waited for long enough.
    #[error("the row was locked by somebody else for too long")]
    LockTimeout,
    /// `statement_timeout` ran out.
    #[error("the statement took too long")]
    StatementTimeout,
    /// The schema changed under a prepared statement; the connection has to be replaced.
    #[error("a cached plan is stale")]
    StalePlan,
    /// No connection: refused, broken, or none free in time.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The connection was lost while the transaction was being committed: nobody knows whether it was.
    #[error("the connection was lost during COMMIT")]
    CommitUnknown,
    /// A joined transaction failed before, and the outer one went on regardless.
    #[error("a part of this transaction failed; it was rolled back")]
    Poisoned,
    /// The lease of a keyed command ran out and another took the work over; nothing of this attempt may count.
    #[error("the lease ran out; somebody else is at this command now")]
    LeaseLost,
    /// The server cannot be used: its version or its settings will not do.
    #[error("{0}")]
    UnfitServer(String),
    /// A `Db` was used inside a closure that already holds its transaction: pass the `Tx` on instead.
    #[error("the connection is in use further up this call; pass its Tx on")]
    Reentrant,
    /// What is stored cannot be read as what it should be.
    #[error("stored data is not as expected: {0}")]
    Corrupt(String),
    /// Anything else.
    #[error(transparent)]
    Other(DieselError),
}

impl Error {
    /// Whether this is the violation of the unique index or constraint of that name.
    #[must_use]
    pub fn is_unique(&self, name: &str) -> bool {
        matches!(self, Self::Unique { constraint } if constraint == name)
    }

    /// Whether this is the violation of the CHECK of that name, or a function's refusal under it.
    #[must_use]
    pub fn is_check(&self, name: &str) -> bool {
        matches!(self, Self::Check { constraint, .. } if constraint == name)
    }

    /// How often the whole transaction may be tried again, and under which name that is counted.
    pub(crate) fn retry(&self) -> Option<(u32, &'static str)> {
        match self {
            Self::Deadlock => Some((5, "deadlock")),
            Self::Serialization => Some((5, "serialization")),
            // Few on purpose: two hundred callers for one row must not hold every writer.
            Self::LockNotAvailable => Some((2, "lock")),
            // The next try has a new connection, with no plans on it.
            Self::StalePlan => Some((1, "stale_plan")),
            _ => None,
        }
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let (kind, info) = match error {
            DieselError::DatabaseError(kind, info) => (kind, info),
            DieselError::BrokenTransactionManager => {
                return Self::Unavailable("the transaction's state was lost".to_owned());
            }
            // Diesel tried to roll back what it could not commit; what matters is why it could not.
            DieselError::RollbackErrorOnCommit { commit_error, .. } => return Self::from(*commit_error),
            other => return Self::Other(other),
        };
        let constraint = || info.constraint_name().unwrap_or_default().to_owned();
        match kind {
            DatabaseErrorKind::UniqueViolation => Self::Unique { constraint: constraint() },
            DatabaseErrorKind::CheckViolation => {
                Self::Check { constraint: constraint(), message: info.message().to_owned() }
            }
            DatabaseErrorKind::ForeignKeyViolation => Self::ForeignKey { constraint: constraint() },
            DatabaseErrorKind::SerializationFailure => Self::Serialization,
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Unavailable(info.message().to_owned())
            }
            _ => recognise(info.message()).unwrap_or(Self::Other(DieselError::DatabaseError(kind, info))),
        }
    }
}

/// What makes a connection unfit for further use, as its instrumentation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The server is gone, or has ended the session.
    Lost,
    /// A prepared statement no longer fits the schema.
    StalePlan,
}

impl Trouble {
    pub(crate) fn of(error: &DieselError) -> Option<Self> {
        match error {
            DieselError::BrokenTransactionManager => Some(Self::Lost),
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            ) => Some(Self::Lost),
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => match recognise(info.message()) {
                Some(Error::Unavailable(_)) => Some(Self::Lost),
                Some(Error::StalePlan) => Some(Self::StalePlan),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The failures that diesel has no kind for, by the server's or libpq's English message. Its start is looked at, so that a
/// value quoted further on is not taken for one.
fn recognise(message: &str) -> Option<Error> {
    const CONNECTION_LOST: [&str; 9] = [
        "server closed the connection",
        "terminating connection",
        "connection to server",
        "no connection to the server",
        "the database system is",
        "could not receive data from server",
        "could not send data to server",
        "SSL connection has been closed",
        "connection not open",
    ];
    // When the session ends libpq hands on the server's line as it came.
    let message = message.trim_start().trim_start_matches("FATAL:").trim_start();
    let starts = |sign: &str| message.starts_with(sign);
    if starts("deadlock detected") {
        Some(Error::Deadlock)
    } else if starts("could not serialize access") {
        Some(Error::Serialization)
    } else if starts("could not obtain lock") {
        Some(Error::LockNotAvailable)
    } else if starts("canceling statement due to lock timeout") {
        Some(Error::LockTimeout)
    } else if starts("canceling statement due to statement timeout") {
        Some(Error::StatementTimeout)
    } else if starts("cached plan must not change result type") {
        Some(Error::StalePlan)
    } else if CONNECTION_LOST.iter().any(|sign| starts(sign)) {
        Some(Error::Unavailable(message.to_owned()))
    } else {
        None
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::LockNotAvailable
            | Self::LockTimeout
            | Self::Deadlock
            | Self::Serialization
            | Self::LeaseLost => ErrorKind::Busy,
            Self::StatementTimeout
            | Self::StalePlan
            | Self::Unavailable(_)
            | Self::CommitUnknown
            | Self::UnfitServer(_) => ErrorKind::Unavailable,
            Self::Unique { .. }
            | Self::Check { .. }
            | Self::ForeignKey { .. }
            | Self::Poisoned
            | Self::Reentrant
            | Self::Corrupt(_)
            | Self::Other(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Busy => "busy",
            ErrorKind::Unavailable => "database_unavailable",
            _ => "internal",
        }
    }
}

/// An error that a transaction can end with: it can carry the database's own, and shows it again, so that the
/// transaction can tell whether trying once more makes sense.
pub trait TransactionError: From<Error> {
    /// The database's failure, if that is what this is.
    fn database(&self) -> Option<&Error>;
}

impl TransactionError for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}
