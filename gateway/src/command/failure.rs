//! How a command ends when it does not end well: a sentence for a person, and an exit code for a program.

use std::process::ExitCode;

use crate::config::ConfigFaults;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It ran, and found something wrong or was refused.
    #[error("{0}")]
    Refused(String),
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// Postgres is not there, or not as it should be.
    #[error("{0}")]
    Database(String),
    /// The address cannot be listened on.
    #[error("{0}")]
    Address(String),
    /// Something that should not happen, such as a full disk.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// The exit code; the help of the command lists them.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Internal(_) => 1,
            Self::Config(_) => 3,
            Self::Database(_) => 4,
            Self::Address(_) => 5,
        }
    }

    /// A word for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Config(_) => "config",
            Self::Database(_) => "database",
            Self::Address(_) => "address",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.code())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
