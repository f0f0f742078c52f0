//! The keys that access tokens are signed with, as an operator sees them: never the key itself.

use kernel::Instant;

/// What a signing key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyState {
    /// Every server reads it; it does not sign yet.
    Next,
    /// Signs.
    Current,
    /// Signs no longer; what it signed is still good.
    Retired,
    /// What it signed is refused.
    Refused,
}

impl SigningKeyState {
    /// For programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "NEXT",
            Self::Current => "CURRENT",
            Self::Retired => "RETIRED",
            Self::Refused => "REFUSED",
        }
    }
}

/// One of the keys that access tokens are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyView {
    /// What a token's header names it by.
    pub kid: String,
    /// What it is good for.
    pub state: SigningKeyState,
    /// When it was made.
    pub created_at: Instant,
    /// From when on it signs.
    pub signs_from: Instant,
    /// From when on what it signed is refused; none while nothing replaces it.
    pub refused_from: Option<Instant>,
}
