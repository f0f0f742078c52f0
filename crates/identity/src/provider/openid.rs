//! Asking an OpenID provider over HTTP: discovery, the authorization code flow with PKCE, the ID token, and the user-info endpoint where
//! the ID token does not tell the address.
//!
//! Blocking: every call may take as long as [`OauthSettings::provider_timeout_seconds`] a request.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use kernel::Faults;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRequestTokenError, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, TokenResponse, UserInfoError,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::settings::is_safe_web;
use super::{
    AuthorizationRequest, Grant, IdentityProvider, OauthSettings, ProviderError, ProviderIdentity,
    ProviderSettings, Providers,
};

/// What an ID token may be signed with: a key pair of the provider's. A shared secret is not, and `none` is not.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// After a failure a provider is left alone for so long: others who sign in are told at once, and it has time to come back.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// How long what a provider said about itself is used although it cannot be asked again.
const STALE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest subject, as the specification has it, and the longest of the other texts that are taken.
const SUBJECT_CHARS_MAX: usize = 255;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The providers of these settings. None of them is asked anything yet: one that is down does not keep a server from starting.
///
/// # Errors
/// A fault for each secret that cannot be read.
pub fn providers(settings: &OauthSettings) -> Result<Providers, Faults> {
    let mut faults = Faults::none();
    let mut providers = Providers::none();
    for (name, provider) in &settings.providers {
        let made = OpenIdProvider::new(provider, settings);
        if let Some(made) = faults.take(&format!("identity.oauth.providers.{name}"), made) {
            let display_name = provider.display_name.as_ref().unwrap_or(name);
            providers = providers.with(name.as_str(), display_name.as_str(), Arc::new(made));
        }
    }
    faults.or(|| providers)
}

/// An OpenID provider somewhere else.
pub struct OpenIdProvider {
    issuer: IssuerUrl,
    client_id: ClientId,
    secret: Option<SecretString>,
    scopes: Vec<Scope>,
    http: ureq::Agent,
    fresh_for: Duration,
    known: Mutex<Known>,
}

/// What the provider said about itself, and when it last failed to.
#[derive(Default)]
struct Known {
    metadata: Option<(CoreProviderMetadata, Moment)>,
    failed: Option<(ProviderError, Moment)>,
}

impl OpenIdProvider {
    /// The provider of these settings; it is asked when somebody first signs in there.
    ///
    /// # Errors
    /// A fault when its address is none, or the file of the secret cannot be read.
    pub fn new(provider: &ProviderSettings, settings: &OauthSettings) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let issuer = IssuerUrl::new(provider.issuer.clone());
        if let Err(error) = &issuer {
            faults.push(".issuer", "issuer", error.to_string());
        }
        let secret = secret_of(provider).unwrap_or_else(|why| {
            faults.push(".client_secret_file", "unreadable", why);
            None
        });
        let Ok(issuer) = issuer else { return Err(faults) };
        let timeout = Duration::from_secs(u64::from(settings.provider_timeout_seconds));
        let https_only = issuer.url().scheme() == "https";
        let http = ureq::Agent::config_builder()
            // A redirect could lead anywhere, into our own network too.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .https_only(https_only)
            .proxy(None)
            .timeout_global(Some(timeout))
            .build()
            .new_agent();
        faults.or(|| Self {
            issuer,
            client_id: ClientId::new(provider.client_id.clone()),
            secret,
            scopes: provider.scopes.iter().map(|scope| Scope::new(scope.clone())).collect(),
            http,
            fresh_for: Duration::from_secs(60 * u64::from(settings.discovery_minutes)),
            known: Mutex::default(),
        })
    }

    /// What the provider says about itself and the keys that it signs with; asked for when it is not known or no longer fresh.
    fn metadata(&self) -> Result<CoreProviderMetadata, ProviderError> {
        // Whoever comes while it is being asked waits for that answer.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let age = known.metadata.as_ref().map(|(_, since)| since.elapsed());
        if let Some((metadata, _)) = known.metadata.as_ref().filter(|_| age < Some(self.fresh_for)) {
            return Ok(metadata.clone());
        }
        let recent = known.failed.as_ref().filter(|(_, since)| since.elapsed() < PAUSE_AFTER_FAILURE);
        let asked = match recent {
            Some((error, _)) => Err(error.clone()),
            None => self.discover(),
        };
        match asked {
            Ok(metadata) => {
                *known = Known { metadata: Some((metadata.clone(), Moment::now())), failed: None };
                Ok(metadata)
            }
            Err(error) => {
                if recent.is_none() {
                    known.failed = Some((error.clone(), Moment::now()));
                }
                let stale = known.metadata.as_ref().filter(|_| age < Some(STALE_MAX));
                stale.map(|(metadata, _)| metadata.clone()).ok_or(error)
            }
        }
    }

    /// As [`Self::metadata`], asked for now: the provider signs with a key that we do not know.
    fn renewed_metadata(&self) -> Result<CoreProviderMetadata, ProviderError> {
        let metadata = self.discover()?;
        let known = Known { metadata: Some((metadata.clone(), Moment::now())), failed: None };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(metadata)
    }

    fn discover(&self) -> Result<CoreProviderMetadata, ProviderError> {
        let metadata =
            CoreProviderMetadata::discover(&self.issuer, &self.http()).map_err(|error| match error {
                DiscoveryError::Validation(why) => ProviderError::Untrustworthy(why),
                other => unavailable(&other),
            })?;
        // The agent refuses what is not safe; this is the one address that the browser goes to.
        let authorization = metadata.authorization_endpoint().url();
        if self.is_safe(authorization) {
            Ok(metadata)
        } else {
            Err(ProviderError::Untrustworthy(format!("it sends browsers to {authorization}")))
        }
    }

    fn is_safe(&self, url: &Url) -> bool {
        is_safe_web(url) && (self.issuer.url().scheme() != "https" || url.scheme() == "https")
    }

    fn client(&self, callback: &str) -> Result<Client, ProviderError> {
        let metadata = self.metadata()?;
        let auth_type = auth_type(&metadata);
        let secret = self.secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let redirect = RedirectUrl::new(callback.to_owned())
            .map_err(|error| ProviderError::Refused(format!("our own address: {error}")))?;
        Ok(CoreClient::from_provider_metadata(metadata, self.client_id.clone(), secret)
            .set_redirect_uri(redirect)
            .set_auth_type(auth_type))
    }

    /// The claims of an ID token, after everything about it was found good. When it is signed with an unknown key, the provider's keys are
    /// asked for once more: they rotate.
    fn claims(&self, token: &CoreIdToken, grant: &Grant<'_>) -> Result<CoreIdTokenClaims, ProviderError> {
        let nonce = Nonce::new(grant.nonce.expose_secret().to_owned());
        let claims = match self.verified(token, &nonce, grant, self.metadata()?) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => self.verified(token, &nonce, grant, self.renewed_metadata()?),
            other => other,
        };
        let claims = claims.map_err(|error| ProviderError::Untrustworthy(error.to_string()))?;
        // The library leaves this to its user: a token that was made out to another client, with us as a further reader.
        let party = claims.authorized_party().map(|party| party.as_str());
        if party.is_some_and(|party| party != self.client_id.as_str()) {
            return Err(ProviderError::Untrustworthy("it is made out to another client".to_owned()));
        }
        Ok(claims)
    }

    fn verified(
        &self,
        token: &CoreIdToken,
        nonce: &Nonce,
        grant: &Grant<'_>,
        metadata: CoreProviderMetadata,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let now = grant.now;
        let client = CoreClient::from_provider_metadata(metadata, self.client_id.clone(), None);
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now);
        token.claims(&verifier, nonce).cloned()
    }

    /// What the user-info endpoint says about the same subject; none when there is no such endpoint.
    fn user_info(
        &self,
        client: &Client,
        access: &AccessToken,
        claims: &CoreIdTokenClaims,
    ) -> Result<Option<CoreUserInfoClaims>, ProviderError> {
        let Ok(request) = client.user_info(access.clone(), Some(claims.subject().clone())) else {
            return Ok(None);
        };
        request.request(&self.http()).map(Some).map_err(|error| match error {
            UserInfoError::ClaimsVerification(why) => ProviderError::Untrustworthy(why.to_string()),
            other => unavailable(&other),
        })
    }

    /// The library's requests over our agent. A server that fails is one that is away, whatever it says in its answer.
    fn http(&self) -> impl Fn(HttpRequest) -> Result<HttpResponse, HttpFailure> + '_ {
        move |request| {
            let (parts, mut body) = self.http.run(request)?.into_parts();
            if parts.status.is_server_error() || parts.status.as_u16() == 429 {
                return Err(HttpFailure::Status(parts.status.as_u16()));
            }
            let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
            Ok(HttpResponse::from_parts(parts, bytes))
        }
    }
}

impl IdentityProvider for OpenIdProvider {
    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, ProviderError> {
        let client = self.client(request.callback)?;
        let verifier = PkceCodeVerifier::new(request.verifier.expose_secret().to_owned());
        let state = request.state.expose_secret().to_owned();
        let nonce = request.nonce.expose_secret().to_owned();
        let (url, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    fn identify(&self, grant: &Grant<'_>) -> Result<ProviderIdentity, ProviderError> {
        let client = self.client(grant.callback)?;
        let code = AuthorizationCode::new(grant.code.expose_secret().to_owned());
        let tokens = client
            .exchange_code(code)
            .map_err(|error| ProviderError::Untrustworthy(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(grant.verifier.expose_secret().to_owned()))
            .request(&self.http())
            .map_err(refused)?;
        let Some(token) = tokens.id_token() else {
            return Err(ProviderError::Untrustworthy("there is no ID token".to_owned()));
        };
        let claims = self.claims(token, grant)?;
        let told = match claims.email() {
            Some(_) => None,
            None => self.user_info(&client, tokens.access_token(), &claims)?,
        };
        identity(&claims, told.as_ref())
    }

    fn issuer(&self) -> &str {
        self.issuer.as_str()
    }
}

/// What is known of somebody, from the ID token and, for what it leaves out, from the user-info endpoint.
fn identity(
    claims: &CoreIdTokenClaims,
    told: Option<&CoreUserInfoClaims>,
) -> Result<ProviderIdentity, ProviderError> {
    let subject = claims.subject().to_string();
    if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX || subject.contains('\0') {
        return Err(ProviderError::Untrustworthy("the subject is none".to_owned()));
    }
    let name = claims.name().or_else(|| told.and_then(CoreUserInfoClaims::name));
    // An address and whether it is verified are of one mouth.
    let (email, verified) = match told {
        Some(told) if claims.email().is_none() => (told.email(), told.email_verified()),
        _ => (claims.email(), claims.email_verified()),
    };
    Ok(ProviderIdentity {
        issuer: claims.issuer().to_string(),
        subject,
        email: email.map(|email| email.to_string()),
        email_verified: verified == Some(true),
        name: name.and_then(|names| names.get(None)).map(|name| name.to_string()),
    })
}

/// With the secret in the header, as every provider must take it, unless it says that it takes it in the body only.
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    let methods = metadata.token_endpoint_auth_methods_supported();
    let takes = |method| methods.is_some_and(|methods| methods.contains(&method));
    if takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic) {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }
}

fn secret_of(provider: &ProviderSettings) -> Result<Option<SecretString>, String> {
    let Some(path) = &provider.client_secret_file else { return Ok(provider.client_secret.clone()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(Some(SecretString::from(secret.to_owned()))),
    }
}

/// Why a request got no answer to go by.
#[derive(Debug, thiserror::Error)]
enum HttpFailure {
    #[error(transparent)]
    Http(#[from] ureq::Error),
    #[error("it answered {0}")]
    Status(u16),
}

fn refused(error: CoreRequestTokenError<HttpFailure>) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(answer) => ProviderError::Refused(answer.to_string()),
        other => unavailable(&other),
    }
}

/// With all that lie under it.
fn unavailable(error: &dyn std::error::Error) -> ProviderError {
    let mut story = Cow::from(error.to_string());
    let mut source = error.source();
    while let Some(inner) = source {
        story = Cow::from(format!("{story}: {inner}"));
        source = inner.source();
    }
    ProviderError::Unavailable(story.into_owned())
}
