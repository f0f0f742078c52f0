//! The classes that every operation is in: who may call it, what it does with an `Idempotency-Key`, how often it may be called.

use kernel::{Actor, Role};
use serde::Serialize;

/// Who may call an operation. That the thing itself is the caller's is asked by the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Who {
    /// Anyone. A bearer token that comes along must still be good, and tells whose view is asked for.
    Anyone,
    /// Anyone, as nobody yet: whoever registers or signs in. An access token that comes along is not looked at, so that a client
    /// that always sends one can get a new one when it has expired.
    Newcomer,
    /// Anyone who is signed in.
    SignedIn,
    /// A homeowner.
    Homeowner,
    /// A contractor.
    Contractor,
    /// An administrator.
    Admin,
    /// Whoever runs the server, by a token of its own.
    Operator,
    /// Another system, by a signature over the body.
    Signed,
}

impl Who {
    /// Whether a session's access token is looked at.
    pub(crate) const fn takes_session(self) -> bool {
        match self {
            Self::Anyone | Self::SignedIn | Self::Homeowner | Self::Contractor | Self::Admin => true,
            Self::Newcomer | Self::Operator | Self::Signed => false,
        }
    }

    /// Whether a session is needed.
    pub(crate) const fn needs_session(self) -> bool {
        match self {
            Self::SignedIn | Self::Homeowner | Self::Contractor | Self::Admin => true,
            Self::Anyone | Self::Newcomer | Self::Operator | Self::Signed => false,
        }
    }

    /// The role that is needed, when it has to be one.
    pub(crate) const fn role(self) -> Option<Role> {
        match self {
            Self::Homeowner => Some(Role::Homeowner),
            Self::Contractor => Some(Role::Contractor),
            Self::Admin => Some(Role::Admin),
            Self::Anyone | Self::Newcomer | Self::SignedIn | Self::Operator | Self::Signed => None,
        }
    }

    /// Whether this actor is one of them.
    pub(crate) fn admits(self, actor: &Actor) -> bool {
        self.role().is_none_or(|role| role == actor.role)
    }
}

/// What an operation does with an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Key {
    /// Ignores it.
    None,
    /// Takes it; kept for 7 days.
    Optional,
    /// Refuses to work without; kept for ever. For what moves money.
    Required,
}

/// How often an operation may be called, beside what it limits itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rate {
    /// By account for the signed in, by address for others.
    Standard,
    /// As [`Rate::Standard`], and few in an hour from one address: registration.
    Register,
    /// By the session that goes on, which its handler finds by the refresh token; by address when there is none.
    Refresh,
    /// As often as anyone likes.
    Unlimited,
}
