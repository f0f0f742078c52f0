//! The outside world of money: what a payment provider can do for us. One is built here, the simulated one; it behaves
//! as an outside system does.
//!
//! What we decide does not belong here, and nothing here knows our database.

mod signature;
pub mod simulated;

use kernel::{Classify, Currency, ErrorKind, Fault, Faults, Instant, Money, PartyId};
use secrecy::SecretString;

pub use signature::{SignatureSecret, sign};
pub use simulated::{SimulatedProvider, SimulatedSettings};

/// A provider's token for a card or account. Never the card itself.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentMethod(String);

impl PaymentMethod {
    /// The longest token taken.
    pub const LENGTH_MAX: usize = 200;

    /// # Errors
    /// A fault unless it is 1 to 200 letters, digits, `_` or `-`; a card's number is all digits and is refused.
    pub fn new(token: &str) -> Result<Self, Faults> {
        let formed = (1..=Self::LENGTH_MAX).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
            && token.bytes().any(|byte| byte.is_ascii_alphabetic());
        if formed {
            Ok(Self(token.to_owned()))
        } else {
            Err(Fault::new("", "not_a_token", "must be a token of the payment provider").into())
        }
    }

    /// The token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PaymentMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PaymentMethod(…)")
    }
}

/// How an intent stands at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentStatus {
    /// The payer has yet to confirm it.
    RequiresConfirmation,
    /// The bank works on it.
    Processing,
    /// The money is there, less what the provider charged.
    Succeeded {
        /// What the provider charged, in minor units.
        fee: i64,
    },
    /// Declined.
    Declined {
        /// Why, in the provider's word.
        code: String,
    },
    /// Called off.
    Cancelled {
        /// Why it was declined before, if it was.
        declined: Option<String>,
    },
}

/// An intent to pay, as the provider tells it.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The provider's id.
    pub id: String,
    /// Our id, as we gave it.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// How it stands.
    pub status: IntentStatus,
    /// With this the payer can confirm it.
    pub client_secret: SecretString,
}

/// An intent to be made.
#[derive(Debug, Clone)]
pub struct NewIntent {
    /// Our id for it.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// What belongs together: the contract.
    pub group: String,
}

/// A transfer to be made, from our balance at the provider to a contractor's account there.
#[derive(Debug, Clone)]
pub struct NewTransfer {
    /// Our id for it.
    pub reference: String,
    /// The account.
    pub destination: String,
    /// How much.
    pub amount: Money,
    /// What belongs together: the contract.
    pub group: String,
}

/// A refund to be made, of an intent that succeeded.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// Our id for it.
    pub reference: String,
    /// The intent.
    pub intent: String,
    /// How much of it.
    pub amount: Money,
}

/// What the provider moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The provider's id of it.
    pub id: String,
    /// How much.
    pub amount: Money,
}

/// What a webhook says happened, to which object. It is a hint to look, nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Unique with this provider.
    pub id: String,
    /// `payment_intent.succeeded` and the like.
    pub kind: String,
    /// The object's id at the provider.
    pub object: String,
}

/// Why the provider did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Not reached, or overloaded; asking again with the same key is right.
    #[error("the payment provider cannot be reached: {0}")]
    Unavailable(String),
    /// It will not do this, whatever the reason: asking again with the same key changes nothing.
    #[error("the payment provider refused: {code}")]
    Refused {
        /// Why, in the provider's word.
        code: String,
    },
    /// It knows no such thing.
    #[error("the payment provider knows no such object")]
    Unknown,
}

impl Classify for ProviderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Refused { .. } => ErrorKind::Conflict,
            Self::Unknown => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "provider_unavailable",
            Self::Refused { .. } => "provider_refused",
            Self::Unknown => "internal",
        }
    }
}

/// Why something is not a webhook of the provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The signature is missing, malformed, of another secret, or too old.
    #[error("the signature does not hold: {0}")]
    Signature(&'static str),
    /// Signed, but not to be understood.
    #[error("the webhook cannot be read")]
    Malformed,
}

impl Classify for WebhookError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid(vec![Fault::new("", self.code(), self.to_string())])
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Signature(_) => "bad_signature",
            Self::Malformed => "bad_webhook",
        }
    }
}

/// A payment provider. Every call that changes something carries a key: the same key with the same request answers what
/// it answered before and does nothing twice. None may be made inside a database transaction.
pub trait PaymentProvider: Send + Sync {
    /// Its name, as stored with what it moved.
    fn name(&self) -> &'static str;

    /// Makes an intent that the payer, or we, can confirm.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn create_intent(&self, key: &str, intent: &NewIntent) -> Result<Intent, ProviderError>;

    /// Confirms an intent with a payment method. A decline is an answer, not an error.
    ///
    /// # Errors
    /// [`ProviderError`]; [`ProviderError::Refused`] when the intent is past confirming.
    fn confirm_intent(
        &self,
        key: &str,
        intent: &str,
        method: &PaymentMethod,
    ) -> Result<Intent, ProviderError>;

    /// Calls an intent off. What comes back says whether that came in time.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn cancel_intent(&self, key: &str, intent: &str) -> Result<Intent, ProviderError>;

    /// Reads an intent back.
    ///
    /// # Errors
    /// [`ProviderError::Unknown`] when there is none.
    fn intent(&self, intent: &str) -> Result<Intent, ProviderError>;

    /// The account of a contractor that can be paid out to; none until the contractor has one.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn payee(&self, party: PartyId) -> Result<Option<String>, ProviderError>;

    /// Moves money from our balance to a contractor's account.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn transfer(&self, key: &str, transfer: &NewTransfer) -> Result<Moved, ProviderError>;

    /// Gives money back to the payer.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn refund(&self, key: &str, refund: &NewRefund) -> Result<Moved, ProviderError>;

    /// What lies with the provider for us, in minor units.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn balance(&self, currency: Currency) -> Result<i64, ProviderError>;

    /// Checks the signature over the raw body, and reads it.
    ///
    /// # Errors
    /// [`WebhookError`].
    fn read_webhook(&self, signature: &str, body: &[u8], now: Instant) -> Result<WebhookEvent, WebhookError>;
}
