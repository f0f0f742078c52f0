//! What can go wrong with a Postgres of our own. Each says what to do about it, because a newcomer reads it first.

use std::path::{Path, PathBuf};

use kernel::{Classify, ErrorKind};

/// A private Postgres that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No Postgres on this machine.
    #[error(
        "no Postgres binaries found (looked in {searched}): install them (Debian, Ubuntu: apt-get install postgresql), \
         name their directory in the setting database.binaries, or set DATABASE_URL to a server you have"
    )]
    NoBinaries {
        /// Where we looked.
        searched: String,
    },
    /// The data was made by another major version.
    #[error(
        "the data in {data} was made by Postgres {made_by}, and the binaries here are of {found}: install Postgres {made_by}, \
         or move the data away to begin anew"
    )]
    WrongVersion {
        /// The data directory.
        data: PathBuf,
        /// The major version that made it.
        made_by: String,
        /// The major versions that are installed.
        found: String,
    },
    /// Postgres refuses to run as root, and there is no other user to run it as.
    #[error(
        "Postgres does not run as root and there is no user `postgres` or `nobody` to run it as: make one of them"
    )]
    NoUser,
    /// The user that Postgres runs as cannot get to the directory.
    #[error(
        "the user {user}, whom Postgres runs as, cannot reach {path}: choose a data directory whose parents it may enter \
         (not below a home), for example /var/lib/fairtrade"
    )]
    Unreachable {
        /// The directory.
        path: PathBuf,
        /// The user.
        user: String,
    },
    /// The directory is somebody else's.
    #[error(
        "{path} belongs to another user: choose another data directory, or remove it if it is a leftover"
    )]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// The path of the socket is longer than the system allows.
    #[error("the path of the socket in {path} is too long: choose a shorter directory")]
    SocketPathTooLong {
        /// The directory.
        path: PathBuf,
    },
    /// One of Postgres's programs failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which one.
        program: &'static str,
        /// What it said, or the end of the server's log.
        output: String,
    },
    /// It runs but does not answer.
    #[error("Postgres in {data} does not answer: {reason}; its log is {log}")]
    NotReady {
        /// The data directory.
        data: PathBuf,
        /// Why the last try failed.
        reason: String,
        /// Where its log is.
        log: PathBuf,
    },
    /// Processes of a server that was killed will not go.
    #[error("processes of a killed Postgres are still at work in {data}: wait for them, or end them")]
    Orphans {
        /// The data directory.
        data: PathBuf,
    },
    /// A file or directory cannot be read or made.
    #[error("{path}: {source}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Making the roles or the database failed.
    #[error(transparent)]
    Database(#[from] crate::Error),
}

impl ClusterError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl Classify for ClusterError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Database(error) => error.kind(),
            _ => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoBinaries { .. } => "postgres_not_installed",
            Self::WrongVersion { .. } => "postgres_wrong_version",
            Self::NoUser => "postgres_no_user",
            Self::Unreachable { .. } => "data_directory_unreachable",
            Self::NotOurs { .. } => "data_directory_not_ours",
            Self::SocketPathTooLong { .. } => "socket_path_too_long",
            Self::Program { .. } => "postgres_program_failed",
            Self::NotReady { .. } => "postgres_not_ready",
            Self::Orphans { .. } => "postgres_orphans",
            Self::Io { .. } => "data_directory_unusable",
            Self::Database(error) => error.code(),
        }
    }
}
