//! Which providers there are, and where clients may be sent back to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernel::Faults;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

/// The longest name of a provider: it stands in paths and rows.
const NAME_CHARS_MAX: usize = 32;
/// The longest address that a client may be sent back to.
const REDIRECT_CHARS_MAX: usize = 1_000;

/// Signing in at OpenID providers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OauthSettings {
    /// Where clients may be sent back to, each exactly as they ask for it.
    pub redirect_uris: Vec<String>,
    /// How long somebody may take at the provider, in minutes.
    pub attempt_minutes: u32,
    /// How long the code is good that the client exchanges for tokens, in seconds.
    pub code_seconds: u32,
    /// How long the ticket is good that joins an identity after signing in by password, in minutes.
    pub link_ticket_minutes: u32,
    /// How long one request to a provider may take, in seconds.
    pub provider_timeout_seconds: u32,
    /// How long what a provider told about itself is used before it is asked again, in minutes.
    pub discovery_minutes: u32,
    /// The providers, each under the name that stands in the paths: lower-case letters, digits and hyphens.
    pub providers: BTreeMap<String, ProviderSettings>,
}

/// One provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// What people call it; the name in the paths when it is not stated.
    pub display_name: Option<String>,
    /// Its issuer, exactly as its discovery document has it: `https://accounts.google.com`.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// What it knows us by; none when it knows us by PKCE alone.
    #[serde(skip_serializing)]
    pub client_secret: Option<SecretString>,
    /// A file that holds the client's secret instead.
    pub client_secret_file: Option<PathBuf>,
    /// What we ask to be told, beside who it is.
    pub scopes: Vec<String>,
}

impl Default for OauthSettings {
    fn default() -> Self {
        Self {
            redirect_uris: Vec::new(),
            attempt_minutes: 10,
            code_seconds: 60,
            link_ticket_minutes: 10,
            provider_timeout_seconds: 5,
            discovery_minutes: 60,
            providers: BTreeMap::new(),
        }
    }
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            display_name: None,
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            client_secret_file: None,
            scopes: vec!["email".to_owned(), "profile".to_owned()],
        }
    }
}

impl OauthSettings {
    /// Notes every setting that cannot be so, by its name.
    pub(crate) fn check(&self, faults: &mut Faults) {
        for (name, value, bounds) in [
            ("attempt_minutes", self.attempt_minutes, 1..=60),
            ("code_seconds", self.code_seconds, 10..=600),
            ("link_ticket_minutes", self.link_ticket_minutes, 1..=60),
            ("provider_timeout_seconds", self.provider_timeout_seconds, 1..=30),
            ("discovery_minutes", self.discovery_minutes, 1..=1_440),
        ] {
            let message = format!("must be from {} to {}", bounds.start(), bounds.end());
            let pointer = format!("identity.oauth.{name}");
            faults.check(bounds.contains(&value), &pointer, "out_of_range", message);
        }
        for redirect in &self.redirect_uris {
            if let Err(why) = redirect_fault(redirect) {
                faults.push("identity.oauth.redirect_uris", "redirect_uri", format!("`{redirect}` {why}"));
            }
        }
        for (name, provider) in &self.providers {
            provider.check(name, faults);
        }
    }
}

impl ProviderSettings {
    fn check(&self, name: &str, faults: &mut Faults) {
        let pointer = |field: &str| format!("identity.oauth.providers.{name}{field}");
        let formed = (1..=NAME_CHARS_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let message =
            format!("a provider's name has 1 to {NAME_CHARS_MAX} lower-case letters, digits and hyphens");
        faults.check(formed, &pointer(""), "name", message);
        faults.check(!self.client_id.is_empty(), &pointer(".client_id"), "empty", "must not be empty");
        let told_once = self.client_secret.is_none() || self.client_secret_file.is_none();
        faults.check(
            told_once,
            &pointer(".client_secret_file"),
            "secret",
            "state the secret or its file, not both",
        );
        let issuer = Url::parse(&self.issuer).ok().filter(is_safe_web);
        let plain = issuer.is_some_and(|url| url.query().is_none() && url.fragment().is_none());
        let message = "must be the provider's https address; http is for this machine only";
        faults.check(plain, &pointer(".issuer"), "issuer", message);
    }
}

/// Over TLS, or without leaving this machine.
pub(crate) fn is_safe_web(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_local,
        _ => false,
    }
}

/// A page over TLS, one of this machine, or an app's own scheme, which has a dot so that nobody else has it (RFC 8252).
fn redirect_fault(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "is no address")?;
    if text.chars().count() > REDIRECT_CHARS_MAX {
        return Err("is too long");
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("must have no fragment and nobody's name in it");
    }
    let is_app = url.scheme().contains('.');
    if is_safe_web(&url) || is_app { Ok(()) } else { Err("must be https; http is for this machine only") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(settings: &OauthSettings) -> Vec<String> {
        let mut faults = Faults::none();
        settings.check(&mut faults);
        faults.into_vec().into_iter().map(|fault| fault.pointer).collect()
    }

    fn google() -> ProviderSettings {
        ProviderSettings {
            issuer: "https://accounts.google.com".to_owned(),
            client_id: "ours".to_owned(),
            client_secret: Some("s3cret".to_owned().into()),
            ..ProviderSettings::default()
        }
    }

    fn with(name: &str, provider: ProviderSettings) -> OauthSettings {
        OauthSettings { providers: BTreeMap::from([(name.to_owned(), provider)]), ..OauthSettings::default() }
    }

    #[test]
    fn every_fault_of_a_provider_is_named() {
        assert_eq!(faults(&with("google", google())), Vec::<String>::new());
        let local = ProviderSettings { issuer: "http://127.0.0.1:4000".to_owned(), ..google() };
        assert_eq!(faults(&with("local", local)), Vec::<String>::new());
        let wrong = ProviderSettings {
            issuer: "http://accounts.google.com".to_owned(),
            client_id: String::new(),
            client_secret_file: Some("/run/secrets/google".into()),
            ..google()
        };
        let at = |field: &str| format!("identity.oauth.providers.Google{field}");
        assert_eq!(
            faults(&with("Google", wrong)),
            [at(""), at(".client_id"), at(".client_secret_file"), at(".issuer")]
        );
        for issuer in
            ["", "accounts.google.com", "https://", "https://a.example/?b=c", "https://a.example/#b"]
        {
            let wrong = ProviderSettings { issuer: issuer.to_owned(), ..google() };
            assert_eq!(
                faults(&with("google", wrong)),
                ["identity.oauth.providers.google.issuer"],
                "{issuer}"
            );
        }
    }

    #[test]
    fn clients_are_sent_back_to_safe_places_only() {
        let redirect =
            |uri: &str| OauthSettings { redirect_uris: vec![uri.to_owned()], ..OauthSettings::default() };
        for good in [
            "https://app.example.org/signed-in",
            "https://app.example.org/?from=provider",
            "http://localhost:3000/signed-in",
            "http://[::1]:3000/",
            "org.example.app:/signed-in",
        ] {
            assert_eq!(faults(&redirect(good)), Vec::<String>::new(), "{good}");
        }
        for bad in [
            "",
            "/signed-in",
            "http://app.example.org/signed-in",
            "https://app.example.org/#signed-in",
            "https://somebody@app.example.org/",
            "javascript:alert(1)",
            "data:text/html,hello",
        ] {
            assert_eq!(faults(&redirect(bad)), ["identity.oauth.redirect_uris"], "{bad}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        let settings = with("google", google());
        let told = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
        assert!(!told.contains("s3cret"), "{told}");
    }
}
