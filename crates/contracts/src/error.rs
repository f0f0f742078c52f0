//! What can go wrong here, and of which kind it is.

use database::TransactionError;
use kernel::{Classify, ErrorKind, Faults, WrongRole};

use crate::model::{MilestoneId, MilestoneStatus};

/// A refusal or a failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such contract, or not theirs.
    #[error("there is no such contract")]
    ContractNotFound,
    /// The contract has no such milestone.
    #[error("there is no such milestone")]
    MilestoneNotFound,
    /// Theirs to see, but not theirs to do.
    #[error("only {0} may do this")]
    WrongParty(&'static str),
    /// For accounts of another role.
    #[error(transparent)]
    WrongRole(#[from] WrongRole),
    /// Signing binds, so the address must be known to be theirs.
    #[error("the e-mail address must be verified before signing")]
    EmailNotVerified,
    /// The contract is in the wrong state for this.
    #[error("the contract is {state}")]
    ContractState {
        /// The state it is in.
        state: &'static str,
        /// What this actor could do now.
        allowed: Vec<&'static str>,
    },
    /// The milestone is in the wrong state for this.
    #[error("the milestone is {state}")]
    MilestoneState {
        /// The state it is in.
        state: &'static str,
        /// What this actor could do now.
        allowed: Vec<&'static str>,
    },
    /// Milestones of the job are not finished.
    #[error("{} of the job's milestones are not finished", milestones.len())]
    MilestonesUnfinished {
        /// The job's state.
        state: &'static str,
        /// Each of them.
        milestones: Vec<(MilestoneId, MilestoneStatus)>,
    },
    /// The text changed since it was read.
    #[error("the text changed since it was read; read it again before signing")]
    DocumentChanged,
    /// The time for signing is over; the contract is about to end.
    #[error("the time for signing is over")]
    SigningPeriodOver,
    /// The inspection ended before changes were asked for: silence has approved.
    #[error("the inspection is over and the milestone counts as approved")]
    InspectionOver,
    /// It changed since the caller read it.
    #[error("it changed since it was read")]
    Stale,
    /// The bidder may not take on work at present.
    #[error("this contractor cannot take on work at present")]
    ContractorUnavailable,
    /// The contract has as many milestones as one may have.
    #[error("a contract has at most {0} milestones")]
    TooManyMilestones(u16),
    /// Faults in what was asked.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// The marketplace refused.
    #[error(transparent)]
    Marketplace(#[from] marketplace::Error),
    /// Sealing or opening failed.
    #[error(transparent)]
    Vault(#[from] identity::VaultError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ContractNotFound | Self::MilestoneNotFound => ErrorKind::NotFound,
            Self::WrongParty(_) | Self::EmailNotVerified => ErrorKind::Forbidden,
            Self::WrongRole(wrong) => wrong.kind(),
            Self::ContractState { state, allowed } | Self::MilestoneState { state, allowed } => {
                ErrorKind::WrongState { state, allowed: allowed.clone() }
            }
            Self::MilestonesUnfinished { state, .. } => ErrorKind::WrongState { state, allowed: Vec::new() },
            Self::DocumentChanged
            | Self::SigningPeriodOver
            | Self::InspectionOver
            | Self::ContractorUnavailable
            | Self::TooManyMilestones(_) => ErrorKind::Conflict,
            Self::Stale => ErrorKind::StalePrecondition,
            Self::Invalid(faults) => faults.kind(),
            Self::Marketplace(error) => error.kind(),
            Self::Vault(error) => error.kind(),
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ContractNotFound => "contract_not_found",
            Self::MilestoneNotFound => "milestone_not_found",
            Self::WrongParty(_) => "wrong_party",
            Self::WrongRole(wrong) => wrong.code(),
            Self::EmailNotVerified => "email_not_verified",
            Self::ContractState { .. } => "contract_state",
            Self::MilestoneState { .. } => "milestone_state",
            Self::MilestonesUnfinished { .. } => "milestones_unfinished",
            Self::DocumentChanged => "document_changed",
            Self::SigningPeriodOver => "signing_period_over",
            Self::InspectionOver => "inspection_over",
            Self::ContractorUnavailable => "contractor_unavailable",
            Self::Stale => "stale_precondition",
            Self::TooManyMilestones(_) => "too_many_milestones",
            Self::Invalid(faults) => faults.code(),
            Self::Marketplace(error) => error.code(),
            Self::Vault(error) => error.code(),
            Self::Database(error) => error.code(),
        }
    }
}

impl TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Marketplace(error) => error.database(),
            Self::Vault(error) => error.database(),
            Self::Database(error) => Some(error),
            Self::ContractNotFound
            | Self::MilestoneNotFound
            | Self::WrongParty(_)
            | Self::WrongRole(_)
            | Self::EmailNotVerified
            | Self::ContractState { .. }
            | Self::MilestoneState { .. }
            | Self::MilestonesUnfinished { .. }
            | Self::DocumentChanged
            | Self::SigningPeriodOver
            | Self::InspectionOver
            | Self::ContractorUnavailable
            | Self::Stale
            | Self::TooManyMilestones(_)
            | Self::Invalid(_) => None,
        }
    }
}

/// What is stored cannot be read as what it should be.
pub(crate) fn corrupt(what: impl std::fmt::Display) -> database::Error {
    database::Error::Corrupt(what.to_string())
}
