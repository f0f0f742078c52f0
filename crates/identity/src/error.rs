//! What can go wrong here, and what it means to whoever asked.

use database::TransactionError;
use kernel::{Classify, ErrorKind, Faults, Instant, WrongRole};

use crate::model::FactorState;
use crate::personal::Blocker;
use crate::token::TokenError;
use crate::vault::VaultError;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Faults in what was sent.
    #[error("{0}")]
    Invalid(#[from] Faults),
    /// Somebody has an account with this e-mail address.
    #[error("an account with this e-mail address exists")]
    EmailInUse,
    /// The address or the password is wrong; which of them is not said.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// The person may not sign in at present.
    #[error("this account is suspended")]
    Suspended,
    /// The identity at a provider is another person's way to sign in.
    #[error("this identity signs somebody else in")]
    IdentityInUse,
    /// The account's address is not verified.
    #[error("verify the e-mail address of this account first")]
    EmailUnverified,
    /// Somebody has as many ways to sign in as anybody may have.
    #[error("this account has as many identities as one may have")]
    TooManyIdentities,
    /// The provider told no e-mail address, without which there is no account.
    #[error("the provider told no e-mail address; register, sign in, and link the provider then")]
    ProviderEmailMissing,
    /// Somebody new, and nobody said what they are to become.
    #[error("there is no account for this identity; start again with a userType to make one")]
    UserTypeMissing,
    /// The access token is none of ours, or no longer good.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The refresh token is unknown, ended or spent.
    #[error("the refresh token is not valid; sign in again")]
    RefreshToken,
    /// Nobody is signed in, or the session has ended.
    #[error("sign in first")]
    SignedOut,
    /// Too many sign-ins failed.
    #[error("too many failed sign-ins; try again in {retry_after} seconds")]
    TooManyFailures {
        /// Seconds until the next try counts.
        retry_after: u32,
    },
    /// Too many mails were asked for from one network address.
    #[error("too many mails were asked for; try again in {retry_after} seconds")]
    TooManyMails {
        /// Seconds until the next one may be asked for.
        retry_after: u32,
    },
    /// A signing key made before has not begun to sign.
    #[error(
        "the newest key signs from {signs_from} on; make another one afterwards, or end all others at once"
    )]
    KeyWaiting {
        /// From when on it signs.
        signs_from: Instant,
    },
    /// The question for a second factor is unknown, answered or too old, or the code is not good; which of them is not said.
    #[error("the challenge or the code is wrong, used, or too old")]
    WrongCode,
    /// The actor has to prove again who they are.
    #[error("prove again who you are: this needs a step-up of the last minutes")]
    StepUpRequired,
    /// An administrator has to set up a second factor first.
    #[error("administrators need a second factor here: set one up first")]
    SecondFactorRequired,
    /// The second factor is not in a state for that.
    #[error("the second factor is {}", .0.as_str())]
    SecondFactorState(FactorState),
    /// Of another role.
    #[error(transparent)]
    WrongRole(#[from] WrongRole),
    /// No such contractor or verification.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A verification that was decided already.
    #[error("this verification is {state}")]
    Decided {
        /// The state it is in.
        state: &'static str,
    },
    /// A credential expired while it waited to be checked.
    #[error("a licence or the insurance has expired since it was handed in")]
    CredentialExpired,
    /// An account that is suspended already, or is not.
    #[error("this account is {state}")]
    AccountState {
        /// The state it is in.
        state: &'static str,
        /// What an administrator can do in it.
        allowed: &'static [&'static str],
    },
    /// An administrator would suspend itself.
    #[error("an administrator does not suspend itself; another one has to")]
    OwnAccount,
    /// Nobody would be left to administrate.
    #[error("this is the last active administrator")]
    LastAdministrator,
    /// Something has to end before the person can be erased: all of it.
    #[error("{}", blocked(.0))]
    ErasureBlocked(Vec<Blocker>),
    /// Too many exports were asked for.
    #[error("too many exports were asked for; try again in {retry_after} seconds")]
    TooManyExports {
        /// Seconds until the next one may be asked for.
        retry_after: u32,
    },
    /// An archive could not be written: our own fault.
    #[error("{0}")]
    Export(String),
    /// A verification has as many documents as it may have.
    #[error("a verification has at most {most} documents")]
    TooManyDocuments {
        /// The most.
        most: u16,
    },
    /// A document could not be kept.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The profile changed since the caller read it.
    #[error("the profile has changed since it was read")]
    Stale,
    /// What was sealed cannot be opened, or not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// bcrypt or the signing refused: our own fault.
    #[error("{0}")]
    Crypto(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] database::Error),
}

fn blocked(blockers: &[Blocker]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for Blocker { message, .. } in blockers {
        if !reasons.contains(&message.as_str()) {
            reasons.push(message);
        }
    }
    format!("this account cannot be erased yet. {}", reasons.join(" "))
}

impl TransactionError for Error {
    fn database(&self) -> Option<&database::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Vault(error) => error.database(),
            Self::File(error) => error.database(),
            _ => None,
        }
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(faults) => ErrorKind::Invalid(faults.clone().into_vec()),
            Self::EmailInUse
            | Self::KeyWaiting { .. }
            | Self::CredentialExpired
            | Self::TooManyDocuments { .. }
            | Self::OwnAccount
            | Self::LastAdministrator
            | Self::ErasureBlocked(_)
            | Self::IdentityInUse
            | Self::TooManyIdentities
            | Self::ProviderEmailMissing
            | Self::UserTypeMissing => ErrorKind::Conflict,
            Self::WrongCredentials
            | Self::WrongCode
            | Self::Token(_)
            | Self::RefreshToken
            | Self::SignedOut => ErrorKind::Unauthenticated,
            Self::Suspended | Self::EmailUnverified | Self::StepUpRequired | Self::SecondFactorRequired => {
                ErrorKind::Forbidden
            }
            Self::SecondFactorState(state) => {
                ErrorKind::WrongState { state: state.as_str(), allowed: state.allowed_actions().to_vec() }
            }
            Self::TooManyFailures { retry_after }
            | Self::TooManyMails { retry_after }
            | Self::TooManyExports { retry_after } => ErrorKind::TooMany { retry_after: *retry_after },
            Self::WrongRole(error) => error.kind(),
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Decided { state } => ErrorKind::WrongState { state, allowed: Vec::new() },
            Self::AccountState { state, allowed } => {
                ErrorKind::WrongState { state, allowed: allowed.to_vec() }
            }
            Self::Stale => ErrorKind::StalePrecondition,
            Self::Vault(error) => error.kind(),
            Self::File(error) => error.kind(),
            Self::Crypto(_) | Self::Export(_) => ErrorKind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_request",
            Self::EmailInUse => "email_in_use",
            Self::WrongCredentials => "wrong_credentials",
            Self::Suspended => "suspended",
            Self::IdentityInUse => "identity_in_use",
            Self::EmailUnverified => "email_unverified",
            Self::TooManyIdentities => "too_many_identities",
            Self::ProviderEmailMissing => "provider_email_missing",
            Self::UserTypeMissing => "user_type_missing",
            Self::Token(error) => error.code(),
            Self::RefreshToken => "invalid_refresh_token",
            Self::SignedOut => "signed_out",
            Self::TooManyFailures { .. } => "too_many_failed_sign_ins",
            Self::TooManyMails { .. } => "too_many_mails",
            Self::KeyWaiting { .. } => "key_waiting",
            Self::WrongCode => "wrong_code",
            Self::StepUpRequired => "step_up_required",
            Self::SecondFactorRequired => "second_factor_required",
            Self::SecondFactorState(_) => "wrong_state",
            Self::WrongRole(error) => error.code(),
            Self::NotFound(_) => "not_found",
            Self::Decided { .. } => "already_decided",
            Self::CredentialExpired => "credential_expired",
            Self::AccountState { .. } => "wrong_state",
            Self::OwnAccount => "own_account",
            Self::LastAdministrator => "last_administrator",
            Self::ErasureBlocked(_) => "erasure_blocked",
            Self::TooManyDocuments { .. } => "too_many_documents",
            Self::TooManyExports { .. } => "too_many_exports",
            Self::File(error) => error.code(),
            Self::Stale => "stale_precondition",
            Self::Vault(error) => error.code(),
            Self::Crypto(_) | Self::Export(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}
