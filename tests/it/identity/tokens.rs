//! Access tokens that are forged, stale or twisted, each sent as a request: all are 401. And keys that change while people are signed in.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use identity::{SecretRing, Secrets, SigningKeyState};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tests::{Beside, PASSWORD, Person, TestApp};

const ME: &str = "/api/auth/me";
const JWT_SECRET: &str = "known to this test and to nobody else";
const SECOND: Duration = Duration::from_secs(1);

fn hs256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// What `JWT_SECRET` makes, worked out here once more: an installation whose first key came out otherwise after an update would sign
/// everybody out.
fn subkey(what: &str) -> Vec<u8> {
    let seed = Sha256::digest(JWT_SECRET.as_bytes());
    let (label, what) = (b"access token".as_slice(), what.as_bytes());
    let length = |part: &[u8]| u64::try_from(part.len()).unwrap().to_be_bytes();
    hs256(&seed, &[&length(label), label, &length(what), what])
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token of these two texts, signed by this key.
fn sign_text(key: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(hs256(key, &[message.as_bytes()]));
    format!("{message}.{signature}")
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

/// A server whose first key this test can make for itself, and somebody signed in there.
struct Forge {
    app: TestApp,
    ada: Person,
    key: Vec<u8>,
    header: Value,
    claims: Value,
}

impl Forge {
    async fn light() -> Self {
        let secrets = Secrets { jwt: SecretRing::new(JWT_SECRET.into()), ..Secrets::random() };
        let app = TestApp::start_with_secrets(secrets).await;
        let ada = app.homeowner().await;
        let me = ada.get(ME).await.expect(200);
        let now = app.now().timestamp();
        let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": hex::encode(&subkey("id")[..4]) });
        let claims = json!({
            "iss": "fairtradeworker", "aud": "fairtradeworker-api", "sub": ada.id, "sid": me["session"]["id"],
            "iat": now, "nbf": now, "exp": now + 600, "jti": uuid::Uuid::now_v7(),
        });
        Self { app, ada, key: subkey("key"), header, claims }
    }

    /// Signed with the real key, whatever they say.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        sign_text(&self.key, &header.to_string(), &claims.to_string())
    }

    fn claim(&self, name: &str, value: Value) -> String {
        self.signed(&self.header, &with(self.claims.clone(), name, value))
    }

    fn head(&self, name: &str, value: Value) -> String {
        self.signed(&with(self.header.clone(), name, value), &self.claims)
    }

    /// The good claims under another algorithm's signature, or none.
    fn signed_by(&self, algorithm: &str, signature: impl FnOnce(&[u8], &[u8]) -> Vec<u8>) -> String {
        let header = with(self.header.clone(), "alg", json!(algorithm));
        let message = format!("{}.{}", encode(&header), encode(&self.claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature(&self.key, message.as_bytes())))
    }

    async fn send(&self, token: &str) -> tests::Answer {
        bearing(&self.ada, token).get(ME).await
    }
}

fn bearing(person: &Person, token: &str) -> Person {
    let mut bearer = person.clone();
    bearer.token = Some(token.to_owned());
    bearer
}

fn signatures(forge: &Forge) -> Vec<(&'static str, String)> {
    let hmac = |key: &[u8], message: &[u8]| hs256(key, &[message]);
    let good = forge.signed(&forge.header, &forge.claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let stranger = [7_u8; 32];
    let text = |value: &Value| value.to_string();
    let jwk =
        with(forge.header.clone(), "jwk", json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(stranger) }));
    let jku = with(forge.header.clone(), "jku", json!("https://evil.example/keys.json"));
    vec![
        ("alg none, unsigned", forge.signed_by("none", |_, _| Vec::new())),
        ("alg None, unsigned", forge.signed_by("None", |_, _| Vec::new())),
        ("alg none, signed", forge.signed_by("none", hmac)),
        ("no alg", forge.signed(&without(forge.header.clone(), "alg"), &forge.claims)),
        ("alg RS256 over an HMAC", forge.signed_by("RS256", hmac)),
        ("alg ES256 over an HMAC", forge.signed_by("ES256", hmac)),
        ("alg hs256", forge.signed_by("hs256", hmac)),
        (
            "HS384 by the right key",
            forge.signed_by("HS384", |key, message| {
                let mut mac = Hmac::<Sha384>::new_from_slice(key).unwrap();
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            }),
        ),
        (
            "HS512 by the right key",
            forge.signed_by("HS512", |key, message| {
                let mut mac = Hmac::<Sha512>::new_from_slice(key).unwrap();
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            }),
        ),
        ("another key", sign_text(&stranger, &text(&forge.header), &text(&forge.claims))),
        ("an empty key", sign_text(b"", &text(&forge.header), &text(&forge.claims))),
        ("the secret itself", sign_text(JWT_SECRET.as_bytes(), &text(&forge.header), &text(&forge.claims))),
        ("a key it brings along", sign_text(&stranger, &text(&jwk), &text(&forge.claims))),
        ("a key it says where to get", sign_text(&stranger, &text(&jku), &text(&forge.claims))),
        ("no signature", format!("{message}.")),
        ("a truncated signature", good[..good.len() - 4].to_owned()),
        ("a signature turned round", format!("{message}.{}", signature.chars().rev().collect::<String>())),
        ("a padded signature", format!("{good}=")),
        ("two signatures", format!("{good}.{signature}")),
        ("no claims", format!("{}..{signature}", encode(&forge.header))),
        ("half of it", good[..good.len() / 2].to_owned()),
        ("over-long", format!("{good}{}", "A".repeat(3_000))),
        ("over-long claims", forge.claim("note", json!("x".repeat(2_500)))),
        ("claims of another token", {
            let other = encode(&with(forge.claims.clone(), "jti", json!(uuid::Uuid::now_v7())));
            format!("{}.{other}.{signature}", encode(&forge.header))
        }),
    ]
}

fn headers(forge: &Forge) -> Vec<(&'static str, String)> {
    let kid = forge.header["kid"].as_str().unwrap();
    let twice = format!(r#"{{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#);
    vec![
        ("no kid", forge.signed(&without(forge.header.clone(), "kid"), &forge.claims)),
        ("kid null", forge.head("kid", json!(null))),
        ("kid a list", forge.head("kid", json!([kid]))),
        ("kid empty", forge.head("kid", json!(""))),
        (
            "kid a path",
            sign_text(
                b"",
                &with(forge.header.clone(), "kid", json!("../../../dev/null")).to_string(),
                &forge.claims.to_string(),
            ),
        ),
        ("kid SQL", forge.head("kid", json!("' UNION SELECT wrapped_key FROM identity.signing_keys --"))),
        ("kid very long", forge.head("kid", json!("a".repeat(1_200)))),
        ("kid with a NUL", forge.head("kid", json!(format!("{kid}\u{0}")))),
        ("kid in capitals", forge.head("kid", json!(kid.to_uppercase() + "F0"))),
        ("kid that looks like one", forge.head("kid", json!("00000000deadbeef"))),
        ("alg twice", sign_text(&forge.key, &twice, &forge.claims.to_string())),
        ("typ of another token", forge.head("typ", json!("JWT"))),
        ("no typ", forge.signed(&without(forge.header.clone(), "typ"), &forge.claims)),
        ("crit", forge.head("crit", json!(["exp"]))),
        ("a header that is no object", sign_text(&forge.key, "[]", &forge.claims.to_string())),
    ]
}

fn claims(forge: &Forge) -> Vec<(&'static str, String)> {
    let now = forge.app.now().timestamp();
    let doubled = |name: &str, value: &str| {
        let text = forge.claims.to_string();
        let body = text.strip_suffix('}').unwrap();
        sign_text(&forge.key, &forge.header.to_string(), &format!("{body},\"{name}\":{value}}}"))
    };
    vec![
        ("another audience", forge.claim("aud", json!("other-api"))),
        ("two audiences", forge.claim("aud", json!(["fairtradeworker-api", "other-api"]))),
        ("no audience", forge.signed(&forge.header, &without(forge.claims.clone(), "aud"))),
        ("another issuer", forge.claim("iss", json!("https://evil.example"))),
        ("no issuer", forge.signed(&forge.header, &without(forge.claims.clone(), "iss"))),
        (
            "nbf in the future",
            forge.signed(
                &forge.header,
                &with(with(forge.claims.clone(), "nbf", json!(now + 120)), "iat", json!(now)),
            ),
        ),
        (
            "expired by a second",
            forge.signed(
                &forge.header,
                &with(
                    with(with(forge.claims.clone(), "nbf", json!(now - 600)), "iat", json!(now - 600)),
                    "exp",
                    json!(now - 1),
                ),
            ),
        ),
        ("expires before it begins", forge.claim("exp", json!(now - 600))),
        ("no end", forge.signed(&forge.header, &without(forge.claims.clone(), "exp"))),
        ("an end after the end of time", forge.claim("exp", json!(i64::MAX))),
        ("an end in words", forge.claim("exp", json!((now + 600).to_string()))),
        ("issued in the future", forge.claim("iat", json!(now + 600))),
        ("sub twice", doubled("sub", &json!(kernel::PersonId::new()).to_string())),
        ("exp twice", doubled("exp", &(now + 100_000).to_string())),
        ("another person's session", forge.claim("sub", json!(kernel::PersonId::new()))),
        ("a session that is not there", forge.claim("sid", json!(kernel::SessionId::new()))),
        (
            "sub and sid changed over",
            forge.signed(
                &forge.header,
                &with(
                    with(forge.claims.clone(), "sub", forge.claims["sid"].clone()),
                    "sid",
                    forge.claims["sub"].clone(),
                ),
            ),
        ),
        ("claims that are no object", sign_text(&forge.key, &forge.header.to_string(), "\"me\"")),
    ]
}

#[actix_web::test]
async fn what_the_forge_makes_is_good_before_it_is_twisted() {
    let forge = Forge::light().await;
    let good = forge.signed(&forge.header, &forge.claims);
    assert_eq!(forge.send(&good).await.expect(200)["user"]["id"], json!(forge.ada.id));
}

#[actix_web::test]
async fn every_forged_stale_or_twisted_token_is_401() {
    let forge = Forge::light().await;
    let mut tried = 0;
    for (how, token) in [signatures(&forge), headers(&forge), claims(&forge)].concat() {
        let answer = forge.send(&token).await;
        assert_eq!(answer.status, 401, "{how}: {}", answer.text());
        assert!(answer.header("www-authenticate").is_some(), "{how}");
        let code = answer.json["code"].as_str().unwrap_or_default();
        let known = ["invalid_token", "token_expired", "token_not_yet_valid", "signed_out"];
        assert!(known.contains(&code), "{how}: {code}");
        tried += 1;
    }
    // And what is a secret of ours, but no access token.
    let ada = &forge.ada;
    forge.app.anyone().post("/api/auth/forgot-password", json!({ "email": ada.email })).await.expect(202);
    forge.app.settle().await;
    let mailed = forge.app.mailed_token(ada);
    for other in [ada.refresh_token.clone().unwrap(), mailed, PASSWORD.to_owned(), String::new()] {
        assert_eq!(forge.send(&other).await.status, 401);
        tried += 1;
    }
    assert!(tried >= 50, "{tried}");
    ada.get(ME).await.expect(200);
}

async fn rotate(app: &TestApp, at_once: bool) {
    let commands = app.platform.commands().identity.clone();
    tokio::task::spawn_blocking(move || commands.rotate_signing_keys(at_once)).await.unwrap().unwrap();
}

async fn states(app: &TestApp) -> Vec<SigningKeyState> {
    let queries = app.platform.queries().identity.clone();
    let keys = tokio::task::spawn_blocking(move || queries.list_signing_keys()).await.unwrap().unwrap();
    keys.into_iter().map(|key| key.state).collect()
}

/// By which key this person's token is signed.
fn kid(person: &Person) -> String {
    let header = person.token.as_deref().unwrap().split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn good_everywhere(person: &Person, other: &Beside) {
    person.get(ME).await.expect(200);
    person.at(other.base()).get(ME).await.expect(200);
}

#[actix_web::test]
async fn keys_change_without_signing_anybody_out_on_any_server() {
    use SigningKeyState::{Current, Next, Retired};
    let app = TestApp::start().await;
    let other = app.beside();
    let before = app.homeowner().await;
    rotate(&app, false).await;
    assert_eq!(states(&app).await, [Next, Current]);
    // The new one does not sign yet, and every server takes what the old one signs.
    let waiting = app.sign_in(&before.email, PASSWORD).await;
    assert_eq!(kid(&waiting), kid(&before));
    app.clock.advance(61 * SECOND);
    assert_eq!(states(&app).await, [Current, Retired]);
    let after = app.sign_in(&before.email, PASSWORD).await;
    assert_ne!(kid(&after), kid(&before));
    for person in [&before, &waiting, &after] {
        good_everywhere(person, &other).await;
    }
    // A server that was idle meanwhile takes it, too, and so does one that starts now.
    good_everywhere(&after, &app.beside()).await;

    // The longest life of what the old key signed, to its last second; then it is refused whatever it says.
    let day = u64::from(tests::settings().identity.access_token_minutes) * 60;
    app.clock.advance(Duration::from_secs(day - 120));
    good_everywhere(&waiting, &other).await;
    app.clock.advance(Duration::from_secs(240));
    assert_eq!(states(&app).await, [Current, SigningKeyState::Refused]);
    waiting.get(ME).await.problem(401, "invalid_token");
    let body = json!({ "refreshToken": waiting.refresh_token });
    let refreshed = waiting.at(other.base()).post("/api/auth/refresh", body).await.expect(200);
    good_everywhere(&app.signed_in(&refreshed, &before.email, PASSWORD), &other).await;
    assert_eq!(app.database.count("identity.sessions WHERE ended_at IS NOT NULL"), 0);
}

#[actix_web::test]
async fn a_token_of_a_refused_key_is_refused_though_its_time_is_not_over() {
    let forge = Forge::light().await;
    let now = forge.app.now().timestamp();
    let long = forge.claim("exp", json!(now + 10 * 86_400));
    forge.send(&long).await.expect(200);
    rotate(&forge.app, false).await;
    forge.app.clock.advance(Duration::from_secs(24 * 3_600 + 180));
    forge.send(&long).await.problem(401, "invalid_token");
}

#[actix_web::test]
async fn only_one_key_waits_and_a_known_one_is_ended_at_once() {
    let app = TestApp::start().await;
    let other = app.beside();
    let ada = app.homeowner().await;
    rotate(&app, false).await;
    let commands = app.platform.commands().identity.clone();
    let again = tokio::task::spawn_blocking(move || commands.rotate_signing_keys(false)).await.unwrap();
    assert!(matches!(again, Err(identity::Error::KeyWaiting { .. })), "{again:?}");
    assert_eq!(app.database.count("identity.signing_keys"), 2);

    rotate(&app, true).await;
    // As long as a server may go on with what it knows.
    app.clock.advance(16 * SECOND);
    ada.get(ME).await.problem(401, "invalid_token");
    ada.at(other.base()).get(ME).await.problem(401, "invalid_token");
    let body = json!({ "refreshToken": ada.refresh_token });
    let refreshed = app.anyone().post("/api/auth/refresh", body).await.expect(200);
    good_everywhere(&app.signed_in(&refreshed, &ada.email, PASSWORD), &other).await;
}

#[actix_web::test]
async fn keys_are_kept_wrapped() {
    let forge = Forge::light().await;
    rotate(&forge.app, false).await;
    let plain = hex::encode(&forge.key);
    let kept = format!("identity.signing_keys WHERE strpos(signing_keys::text, '{plain}') > 0");
    assert_eq!(forge.app.database.count(&kept), 0);
    assert_eq!(forge.app.database.count("identity.signing_keys WHERE octet_length(wrapped_key) > 32"), 2);
}
