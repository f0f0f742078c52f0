//! Signing in at a provider: the way there, the way back, and the code that the client exchanges.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Fault, Faults, Instant, Role};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::person::{optional, role_of};
use crate::OauthSettings;
use crate::model::SignIn;

/// Where a client wants the browser back: an address of the operator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(Url);

impl RedirectUri {
    /// # Errors
    /// A fault unless it stands in the list, letter for letter.
    pub fn new(raw: &str, settings: &OauthSettings) -> Result<Self, Faults> {
        let listed = settings.redirect_uris.iter().any(|listed| listed == raw);
        let url = Url::parse(raw).ok().filter(|_| listed);
        url.map(Self).ok_or_else(|| {
            Fault::new("", "redirect_uri", "is not on this server's list of addresses to return to").into()
        })
    }

    /// As it was kept.
    pub(crate) fn kept(raw: &str) -> Option<Self> {
        Url::parse(raw).ok().map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address with one parameter more.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        url.into()
    }
}

/// SHA-256 of a text that the client keeps until it exchanges the code (PKCE's S256): whoever slips a code of their own into somebody
/// else's browser does not know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// # Errors
    /// A fault unless it is the base64url of 32 bytes.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        let bytes = URL_SAFE_NO_PAD.decode(raw).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| {
            Fault::new("", "code_challenge", "must be the base64url of a SHA-256 hash: 43 characters").into()
        })
    }

    pub(crate) fn of(verifier: &SecretString) -> Self {
        Self(Sha256::digest(verifier.expose_secret().as_bytes()).into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How a client sends somebody to a provider, before it is checked.
#[derive(Debug, Clone)]
pub struct OauthForm {
    /// The provider, by its name in the paths.
    pub provider: String,
    /// Where the browser is to come back to.
    pub redirect_uri: String,
    /// What somebody new is to become: `customer`, `homeowner` or `contractor`.
    pub user_type: Option<String>,
    /// See [`CodeChallenge`].
    pub code_challenge: Option<String>,
    /// Where the provider sends the browser back to: this server's own address.
    pub callback: String,
}

/// Sends somebody to a provider.
#[derive(Debug, Clone)]
pub struct OauthStart {
    pub(crate) provider: String,
    pub(crate) redirect_uri: RedirectUri,
    pub(crate) role: Option<Role>,
    pub(crate) code_challenge: Option<CodeChallenge>,
    pub(crate) callback: String,
}

impl OauthStart {
    /// # Errors
    /// Every fault in the form, each by its query parameter.
    pub fn new(form: OauthForm, settings: &OauthSettings) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let redirect_uri = faults.take("?redirectUri", RedirectUri::new(&form.redirect_uri, settings));
        let role = optional(&mut faults, "?userType", form.user_type.as_deref(), role_of);
        let challenge = form.code_challenge.as_deref();
        let code_challenge = optional(&mut faults, "?codeChallenge", challenge, CodeChallenge::new);
        let (provider, callback) = (form.provider, form.callback);
        match redirect_uri {
            Some(redirect_uri) => {
                faults.or(|| Self { provider, redirect_uri, role, code_challenge, callback })
            }
            None => Err(faults),
        }
    }
}

/// Where the browser goes now.
#[derive(Debug, Clone)]
pub struct OauthStarted {
    /// The provider; the client itself, with an error, when the provider is not there.
    pub location: String,
    /// What the browser keeps, so that nobody else comes back in its stead; none when it goes nowhere.
    pub browser: Option<BrowserKey>,
}

/// What a browser keeps while its person is at the provider.
#[derive(Debug, Clone)]
pub struct BrowserKey {
    /// Random; kept by us as a hash only.
    pub secret: SecretString,
    /// For how long, in seconds.
    pub lifetime_seconds: u32,
}

/// A browser that comes back from a provider.
#[derive(Debug, Clone)]
pub struct OauthCallback {
    /// The provider, by its name in the paths.
    pub provider: String,
    /// Where it came back to: this server's own address, as in the form.
    pub callback: String,
    /// What the provider was given to give back.
    pub state: SecretString,
    /// What this browser kept.
    pub browser: Option<SecretString>,
    /// What the provider says.
    pub answer: OauthAnswer,
    /// Who says so, where the provider tells (RFC 9207).
    pub issuer: Option<String>,
}

/// What a provider says through the browser.
#[derive(Debug, Clone)]
pub enum OauthAnswer {
    /// A code, to be redeemed for who it is.
    Code(SecretString),
    /// The person or the provider would not, and why: a word of OAuth's.
    Error(String),
}

/// Why a sign-in at a provider came to nothing: what the client is told in the address that the browser returns to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OauthRefusal {
    /// The person did not want to.
    AccessDenied,
    /// It took too long.
    Expired,
    /// The provider does not answer.
    ProviderUnavailable,
    /// The provider refused, for a reason of its own.
    ProviderRefused,
    /// What the provider said cannot be believed.
    IdentityInvalid,
}

impl OauthRefusal {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::AccessDenied,
        Self::Expired,
        Self::ProviderUnavailable,
        Self::ProviderRefused,
        Self::IdentityInvalid,
    ];

    /// As the address has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::Expired => "expired",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderRefused => "provider_refused",
            Self::IdentityInvalid => "identity_invalid",
        }
    }
}

/// What a client exchanges: a code from the address, or a ticket from an earlier exchange.
#[derive(Debug, Clone)]
pub struct OauthExchange {
    pub(crate) code: SecretString,
    pub(crate) verifier: Option<SecretString>,
}

impl OauthExchange {
    /// Any texts: a wrong one is told by looking it up. `verifier` is what the client's [`CodeChallenge`] is the hash of.
    #[must_use]
    pub fn new(code: SecretString, verifier: Option<SecretString>) -> Self {
        Self { code, verifier }
    }
}

/// What came of an exchange.
#[derive(Debug, Clone)]
pub enum OauthSignIn {
    /// It is known who it is: signed in, or asked for the second factor.
    Known(SignIn),
    /// There is an account with that address, and it is not certain that both are one person: signing in there by password and
    /// handing in this ticket joins them.
    LinkRequired(LinkTicket),
}

/// Joins an identity to the account of whoever hands it in, once.
#[derive(Debug, Clone)]
pub struct LinkTicket {
    /// The ticket.
    pub token: SecretString,
    /// Until when it is good.
    pub expires_at: Instant,
}

/// An identity at a provider that is somebody's way to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The provider, by its name in the paths.
    pub provider: String,
    /// What people call it.
    pub display_name: String,
    /// Since when.
    pub linked_at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> OauthSettings {
        OauthSettings {
            redirect_uris: vec![
                "https://app.example.org/in?from=us".to_owned(),
                "org.example.app:/in".to_owned(),
            ],
            ..OauthSettings::default()
        }
    }

    fn form() -> OauthForm {
        OauthForm {
            provider: "google".to_owned(),
            redirect_uri: "https://app.example.org/in?from=us".to_owned(),
            user_type: Some("customer".to_owned()),
            code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
            callback: "https://api.example.org/api/auth/oauth/google/callback".to_owned(),
        }
    }

    #[test]
    fn only_what_stands_in_the_list_is_returned_to() {
        assert!(OauthStart::new(form(), &settings()).is_ok());
        for other in [
            "https://app.example.org/in",
            "https://app.example.org/in?from=us&more=1",
            "https://app.example.org/in?from=us#there",
            "https://APP.example.org/in?from=us",
            "https://app.example.org.evil.example/in?from=us",
            "//app.example.org/in?from=us",
            "",
        ] {
            let wrong = OauthForm { redirect_uri: other.to_owned(), ..form() };
            let faults = OauthStart::new(wrong, &settings()).unwrap_err().into_vec();
            assert_eq!(faults[0].pointer, "?redirectUri", "{other}");
        }
    }

    #[test]
    fn every_fault_is_named_by_its_parameter() {
        let wrong = OauthForm {
            redirect_uri: "https://evil.example/".to_owned(),
            user_type: Some("admin".to_owned()),
            code_challenge: Some("short".to_owned()),
            ..form()
        };
        let faults = OauthStart::new(wrong, &settings()).unwrap_err().into_vec();
        let named: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(named, ["?redirectUri", "?userType", "?codeChallenge"]);
    }

    #[test]
    fn what_is_told_stands_behind_what_was_there() {
        let back = |uri: &str| RedirectUri::new(uri, &settings()).unwrap().with("error", "a b&c");
        assert_eq!(
            back("https://app.example.org/in?from=us"),
            "https://app.example.org/in?from=us&error=a+b%26c"
        );
        assert_eq!(back("org.example.app:/in"), "org.example.app:/in?error=a+b%26c");
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let stated = CodeChallenge::new("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert_eq!(CodeChallenge::of(&verifier), stated);
    }
}
