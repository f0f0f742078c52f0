//! What can go wrong with money, and what it means to whoever asked.

use kernel::{Classify, ErrorKind, Fault, Faults, WrongRole};

use crate::provider::{ProviderError, WebhookError};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// A contract could not be read or moved on.
    #[error(transparent)]
    Contract(#[from] contracts::Error),
    /// The provider failed or refused.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// What came as a webhook was not one.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Faults in what was asked.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// The actor is of the wrong role.
    #[error(transparent)]
    WrongRole(#[from] WrongRole),
    /// There is none, or it is somebody else's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Theirs to see, but the other party's to do.
    #[error("only the {0} may do this")]
    Forbidden(&'static str),
    /// Paying needs a verified e-mail address.
    #[error("verify your e-mail address first")]
    EmailNotVerified,
    /// In the wrong state.
    #[error("the {thing} is {state}")]
    WrongState {
        /// What is.
        thing: &'static str,
        /// In which state.
        state: &'static str,
        /// What could be done now.
        allowed: Vec<&'static str>,
    },
    /// The contract has its escrow account already.
    #[error("the contract has an escrow account already")]
    EscrowExists,
    /// A milestone is already part of a payment that is under way.
    #[error("a deposit for one of these milestones is under way")]
    DepositOpen,
    /// No milestone is left that could be paid in.
    #[error("everything is funded already")]
    NothingToFund,
    /// The contract has no such milestone.
    #[error("the contract has no such milestone")]
    UnknownMilestone {
        /// Where it was named, as a JSON Pointer.
        pointer: String,
    },
    /// The amount is determined, and it is another.
    #[error("the amount must be {right}")]
    AmountMismatch {
        /// What it has to be, in minor units.
        right: i64,
    },
    /// The same movement was posted before.
    #[error("this has been posted already")]
    AlreadyPosted,
    /// The ledger refused: what was decided does not fit what it holds.
    #[error("the ledger refused: {0}")]
    Refused(String),
    /// A command that talks to the provider was called inside a transaction.
    #[error("the provider must not be called inside a transaction")]
    InTransaction,
}

impl database::TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Contract(error) => error.database(),
            _ => None,
        }
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Database(error) => error.kind(),
            Self::Contract(error) => error.kind(),
            Self::Provider(error) => error.kind(),
            Self::Webhook(error) => error.kind(),
            Self::Invalid(faults) => faults.kind(),
            Self::WrongRole(error) => error.kind(),
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Forbidden(_) | Self::EmailNotVerified => ErrorKind::Forbidden,
            Self::WrongState { state, allowed, .. } => {
                ErrorKind::WrongState { state, allowed: allowed.clone() }
            }
            Self::EscrowExists | Self::DepositOpen | Self::NothingToFund | Self::AlreadyPosted => {
                ErrorKind::Conflict
            }
            Self::UnknownMilestone { pointer } => {
                ErrorKind::Invalid(vec![Fault::new(pointer.as_str(), self.code(), self.to_string())])
            }
            Self::AmountMismatch { .. } => {
                ErrorKind::Invalid(vec![Fault::new("/amount", self.code(), self.to_string())])
            }
            Self::Refused(_) | Self::InTransaction => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Contract(error) => error.code(),
            Self::Provider(error) => error.code(),
            Self::Webhook(error) => error.code(),
            Self::Invalid(faults) => faults.code(),
            Self::WrongRole(error) => error.code(),
            Self::NotFound(_) => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::EmailNotVerified => "email_not_verified",
            Self::WrongState { .. } => "wrong_state",
            Self::EscrowExists => "escrow_exists",
            Self::DepositOpen => "deposit_open",
            Self::NothingToFund => "nothing_to_fund",
            Self::UnknownMilestone { .. } => "unknown_milestone",
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::AlreadyPosted => "already_posted",
            Self::Refused(_) | Self::InTransaction => "internal",
        }
    }
}
