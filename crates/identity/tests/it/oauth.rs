//! Signing in at a provider that an embedder wrote: here one that answers at once, and looks at who is holding what meanwhile.

use std::sync::{Arc, Mutex};

use database::Db;
use identity::provider::{AuthorizationRequest, Grant, ProviderError, ProviderIdentity};
use identity::{
    IdentityCommands, IdentityProvider, IdentityService, OauthAnswer, OauthCallback, OauthExchange,
    OauthForm, OauthRefusal, OauthSettings, OauthSignIn, OauthStart, Providers, Settings,
};
use secrecy::{ExposeSecret, SecretString};

use crate::world::{World, caller};

const ISSUER: &str = "https://provider.example";
const BACK: &str = "https://app.example.org/signed-in";

/// Says who comes next, and keeps the nonce and verifier that it was shown.
struct Fake {
    db: Db,
    answer: Mutex<Result<ProviderIdentity, ProviderError>>,
    shown: Mutex<Vec<(String, String)>>,
}

impl Fake {
    fn note(&self, nonce: &SecretString, verifier: &SecretString) {
        assert!(!self.db.joins(), "a provider is asked inside a transaction");
        let pair = (nonce.expose_secret().to_owned(), verifier.expose_secret().to_owned());
        self.shown.lock().unwrap().push(pair);
    }
}

impl IdentityProvider for Fake {
    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, ProviderError> {
        self.note(request.nonce, request.verifier);
        Ok(format!("{ISSUER}/?{}", request.state.expose_secret()))
    }

    fn identify(&self, grant: &Grant<'_>) -> Result<ProviderIdentity, ProviderError> {
        self.note(grant.nonce, grant.verifier);
        self.answer.lock().unwrap().clone()
    }

    fn issuer(&self) -> &str {
        ISSUER
    }
}

struct Stage {
    world: World,
    fake: Arc<Fake>,
    service: IdentityService,
}

impl Stage {
    fn new() -> Self {
        let oauth = OauthSettings { redirect_uris: vec![BACK.to_owned()], ..OauthSettings::default() };
        let world = World::with(Settings { oauth, ..Settings::for_tests() });
        let ada = ProviderIdentity {
            issuer: ISSUER.to_owned(),
            subject: "ada".to_owned(),
            email: Some("ada@example.com".to_owned()),
            email_verified: true,
            name: Some("Ada Lovelace".to_owned()),
        };
        let fake = Arc::new(Fake {
            db: world.db().clone(),
            answer: Mutex::new(Ok(ada)),
            shown: Mutex::new(Vec::new()),
        });
        let providers = Providers::none().with("fake", "The Fake", fake.clone());
        let service = IdentityService::new(world.db().clone(), world.keys.clone(), world.settings.clone())
            .with_providers(providers);
        Self { world, fake, service }
    }

    /// Through the provider and back; where the browser goes.
    fn go(&self) -> String {
        let form = OauthForm {
            provider: "fake".to_owned(),
            redirect_uri: BACK.to_owned(),
            user_type: Some("customer".to_owned()),
            code_challenge: None,
            callback: "https://api.example.org/back".to_owned(),
        };
        let start = OauthStart::new(form, &self.world.settings.oauth).unwrap();
        let started = self.service.start_oauth(&start).unwrap();
        let state = started.location.rsplit('?').next().unwrap_or_default().to_owned();
        let callback = OauthCallback {
            provider: "fake".to_owned(),
            callback: "https://api.example.org/back".to_owned(),
            state: state.into(),
            browser: started.browser.map(|kept| kept.secret),
            answer: OauthAnswer::Code("a code".to_owned().into()),
            issuer: None,
        };
        self.service.finish_oauth(&callback).unwrap()
    }
}

#[test]
fn a_provider_is_asked_in_no_transaction_and_shown_the_same_twice() {
    let stage = Stage::new();
    let (first, second) = (stage.go(), stage.go());
    assert_ne!(first, second);
    let shown = stage.fake.shown.lock().unwrap().clone();
    let [asked, answered, asked_again, _] = shown.as_slice() else { panic!("{} times", shown.len()) };
    // What the browser went with is what the code is redeemed with, though nothing of it was kept; and every time it is another.
    assert_eq!(asked, answered);
    assert!(asked.0 != asked_again.0 && asked.1 != asked_again.1 && asked.0 != asked.1);
    let code = first.strip_prefix(&format!("{BACK}?code=")).unwrap().to_owned();
    let exchange = OauthExchange::new(code.into(), None);
    let done = stage.service.exchange_oauth(&caller("192.0.2.1"), &exchange).unwrap();
    let OauthSignIn::Known(sign_in) = done else { panic!("there is no other Ada") };
    assert_eq!(sign_in.into_signed_in().unwrap().person.email, "ada@example.com");
}

#[test]
fn what_a_provider_cannot_say_is_told_in_a_word() {
    let stage = Stage::new();
    for (error, refusal) in [
        (ProviderError::Unavailable("away".to_owned()), OauthRefusal::ProviderUnavailable),
        (ProviderError::Refused("no".to_owned()), OauthRefusal::ProviderRefused),
        (ProviderError::Untrustworthy("odd".to_owned()), OauthRefusal::IdentityInvalid),
    ] {
        *stage.fake.answer.lock().unwrap() = Err(error);
        assert_eq!(stage.go(), format!("{BACK}?error={}", refusal.as_str()));
    }
    // A provider that speaks for another is not believed, whoever wrote it.
    let stage = Stage::new();
    if let Ok(identity) = stage.fake.answer.lock().unwrap().as_mut() {
        identity.issuer = "https://another.example".to_owned();
    }
    assert_eq!(stage.go(), format!("{BACK}?error=identity_invalid"));
}
