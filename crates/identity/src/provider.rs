//! The outside world of identity: what a provider such as Google can tell us about somebody. The one that asks over HTTP, `openid`, is
//! built with the feature of that name; an embedder may write another.
//!
//! What we make of what a provider says does not belong here, and nothing here knows our database.

#[cfg(feature = "openid")]
pub mod openid;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::Instant;
use secrecy::SecretString;

pub use settings::{OauthSettings, ProviderSettings};

/// How a browser is sent to a provider.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest<'a> {
    /// Where the provider sends the browser back to.
    pub callback: &'a str,
    /// Comes back with the browser.
    pub state: &'a SecretString,
    /// Comes back inside the ID token.
    pub nonce: &'a SecretString,
    /// What the code will be redeemed with; the provider is shown its hash (PKCE, S256).
    pub verifier: &'a SecretString,
}

/// A browser that came back with a code.
#[derive(Debug, Clone)]
pub struct Grant<'a> {
    /// Where it came back to, as in the request.
    pub callback: &'a str,
    /// What the provider gave it.
    pub code: &'a SecretString,
    /// As in the request.
    pub nonce: &'a SecretString,
    /// As in the request.
    pub verifier: &'a SecretString,
    /// What time it is.
    pub now: Instant,
}

/// Who somebody is at a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// The provider, as its tokens name it.
    pub issuer: String,
    /// The person there: for ever the same, and no one else's.
    pub subject: String,
    /// The e-mail address, if the provider told it.
    pub email: Option<String>,
    /// Whether the provider knows the address to be the person's.
    pub email_verified: bool,
    /// The full name, if the provider told it.
    pub name: Option<String>,
}

impl std::fmt::Debug for ProviderIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderIdentity").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why a provider told us nothing that we can go by. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It does not answer, or not in time.
    #[error("the provider is not available: {0}")]
    Unavailable(String),
    /// It does not take the code, or not us.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// What it said cannot be believed: a signature, an issuer, an audience, a nonce or a time that is wrong.
    #[error("the provider's word does not hold: {0}")]
    Untrustworthy(String),
}

/// A provider of identities. Every method may take seconds: call it where no connection is held and in no transaction.
pub trait IdentityProvider: Send + Sync {
    /// Where to send the browser.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`], when it has to be asked first.
    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, ProviderError>;

    /// Who the browser's person is.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn identify(&self, grant: &Grant<'_>) -> Result<ProviderIdentity, ProviderError>;

    /// The provider, as its tokens name it.
    fn issuer(&self) -> &str;
}

/// The providers that people may sign in at, by the name that the paths have.
#[derive(Clone, Default)]
pub struct Providers(BTreeMap<String, Listed>);

#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) display_name: String,
    pub(crate) provider: Arc<dyn IdentityProvider>,
}

impl Providers {
    /// None: people sign in by password only.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// With one more: its name in the paths, what people call it, and who asks it.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        display_name: impl Into<String>,
        provider: Arc<dyn IdentityProvider>,
    ) -> Self {
        self.0.insert(name.into(), Listed { display_name: display_name.into(), provider });
        self
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Listed> {
        self.0.get(name)
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
