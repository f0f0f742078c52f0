//! Sessions: signing in, and what a living session tells.

use std::net::IpAddr;

use kernel::{Instant, PersonId, Role, SessionId};
use secrecy::SecretString;

use super::{Email, Password, Person};
use crate::token::AccessToken;
use crate::{Settings, rules};

/// Somebody who has not signed in: from where, and in which request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The network address.
    pub address: IpAddr,
    /// The request that this is part of, for logs and events.
    pub request_id: String,
    /// What the client calls itself: a session keeps a few words made of it.
    pub user_agent: Option<String>,
}

/// Signs somebody in.
#[derive(Clone)]
pub struct Login {
    pub(crate) email_canonical: String,
    pub(crate) password: Password,
}

impl Login {
    /// Takes any text: what is no address signs nobody in, and is told so in the same words and the same time as a wrong password.
    #[must_use]
    pub fn new(email: &str, password: &str) -> Self {
        Self { email_canonical: Email::lookup(email), password: Password::typed(password) }
    }
}

kernel::id!(
    /// A mail that somebody asked for.
    MailRequestId,
    "mrq"
);

/// Asks for a mail to an address: one that proves it, or one that sets a new password.
#[derive(Debug, Clone)]
pub struct MailRequest {
    pub(crate) email_canonical: String,
}

impl MailRequest {
    /// Takes any text: what is no address of anybody gets no mail, and whoever asked is told the same.
    #[must_use]
    pub fn new(email: &str) -> Self {
        Self { email_canonical: Email::lookup(email) }
    }
}

/// Sets a new password by the token from a mail. The password is judged with what is known of the person, so it is whole only then.
#[derive(Debug, Clone)]
pub struct PasswordReset {
    /// From the mail.
    pub token: SecretString,
    /// The new password.
    pub password: SecretString,
}

/// Sets a new password by the one that stands.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// The password that stands.
    pub current: SecretString,
    /// The new one.
    pub new: SecretString,
}

/// A session begun or gone on with.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub person: Person,
    /// The session.
    pub session: SessionId,
    /// For the requests to come.
    pub access: AccessToken,
    /// For the next pair of tokens; good once.
    pub refresh_token: SecretString,
    /// When the session ends unless it is refreshed.
    pub session_expires_at: Instant,
}

/// What came of signing in: a session, or the question for a second factor.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// Signed in.
    Done(Box<SignedIn>),
    /// The first factor was good, and the account has a second one: no session yet.
    SecondFactor(Challenge),
}

impl SignIn {
    /// The session, when no second factor is asked for.
    #[must_use]
    pub fn into_signed_in(self) -> Option<SignedIn> {
        match self {
            Self::Done(signed_in) => Some(*signed_in),
            Self::SecondFactor(_) => None,
        }
    }
}

/// The question for a second factor: whoever answers it with a code is signed in.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Names it; good for one session.
    pub token: SecretString,
    /// From this instant on it is too late.
    pub expires_at: Instant,
}

/// What a living session tells about whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub person: PersonId,
    /// What the person is.
    pub role: Role,
    /// Whether the person's e-mail address has been verified.
    pub email_verified: bool,
    /// Whether the person has a second factor.
    pub second_factor: bool,
    /// When the session ends unless it is refreshed.
    pub expires_at: Instant,
    /// When it was used last, as far as that is noted.
    pub last_used_at: Instant,
}

/// A session as its own person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSession {
    /// The session.
    pub id: SessionId,
    /// `Firefox on Windows`; none of a client that says nothing known.
    pub device: Option<String>,
    /// The network that it was signed in or last refreshed from, shortened: `203.0.113.0/24`.
    pub network: Option<String>,
    /// When it was signed in.
    pub created_at: Instant,
    /// When it was used last, to a minute.
    pub last_used_at: Instant,
    /// When it ends unless it is refreshed.
    pub expires_at: Instant,
}

impl LiveSession {
    /// Whether the person has to set up a second factor before anything else.
    #[must_use]
    pub fn owes_second_factor(&self, settings: &Settings) -> bool {
        rules::owes_second_factor(self.role, self.second_factor, settings)
    }
}
