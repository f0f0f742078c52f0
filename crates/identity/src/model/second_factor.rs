//! The second factor: an authenticator app's codes, recovery codes for when it is lost, and proving again who one is.

use kernel::{Fault, Faults, Instant};
use secrecy::{ExposeSecret, SecretString};

use super::Password;

/// Where somebody's second factor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorState {
    /// There is none.
    Off,
    /// A secret was given and waits for its first code; signing in does not ask for it.
    Pending,
    /// Signing in asks for it.
    On,
}

impl FactorState {
    /// As problems have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Pending => "PENDING",
            Self::On => "ON",
        }
    }

    /// What can be done in this state.
    #[must_use]
    pub const fn allowed_actions(self) -> &'static [&'static str] {
        match self {
            Self::Off => &["enroll"],
            Self::Pending => &["enroll", "confirm"],
            Self::On => &["switch_off"],
        }
    }
}

/// What somebody typed as a code: of the app, or one of the recovery codes. Cannot be printed.
#[derive(Clone)]
pub struct TypedCode(SecretString);

impl TypedCode {
    /// Any text: a wrong one is told by comparing. Spaces and hyphens are for people.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let bare: String = raw.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        Self(SecretString::from(bare))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TypedCode(…)")
    }
}

/// Proves again who one is.
#[derive(Debug, Clone)]
pub enum StepUp {
    /// By the password: for accounts without a second factor.
    Password(Password),
    /// By the second factor.
    Code(TypedCode),
}

impl StepUp {
    /// # Errors
    /// A fault unless it is exactly one of both.
    pub fn new(password: Option<&str>, code: Option<&str>) -> Result<Self, Faults> {
        match (password, code) {
            (Some(password), None) => Ok(Self::Password(Password::typed(password))),
            (None, Some(code)) => Ok(Self::Code(TypedCode::new(code))),
            (None, None) | (Some(_), Some(_)) => {
                Err(Fault::new("", "one_of", "must have either a password or a code").into())
            }
        }
    }
}

/// A secret for an authenticator app, in the forms that apps take.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// In base32, to be typed.
    pub secret: SecretString,
    /// The `otpauth:` URI.
    pub uri: SecretString,
    /// The URI as a QR code: an SVG document.
    pub qr_code: SecretString,
}

/// What may stand in for the app, each once.
#[derive(Debug, Clone)]
pub struct RecoveryCodes(pub Vec<SecretString>);

/// How the second factor of whoever asks stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactor {
    /// Since when signing in asks for it.
    pub since: Option<Instant>,
    /// Whether the person can do nothing else before setting one up.
    pub owed: bool,
    /// How many recovery codes are unused.
    pub recovery_codes_left: u32,
}
