//! Every way in which a token can be stale, forged or meant for something else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use kernel::{Instant, PersonId, SessionId, TypedId};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::keys::{Key, SecretRing, Secrets};

struct Desk {
    authenticator: Authenticator,
    keys: Keys,
    now: Instant,
}

impl Desk {
    fn new() -> Self {
        let keys = Keys::derive(&Secrets::random()).unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Self { authenticator: authenticator(&keys, &Settings::default(), now), keys, now }
    }

    fn key(&self) -> &Key {
        &self.keys.access().current
    }

    fn good_header(&self) -> Value {
        json!({ "alg": "HS256", "typ": TOKEN_TYPE, "kid": self.key().id() })
    }

    fn good_claims(&self) -> Value {
        let now = self.now.timestamp();
        json!({
            "iss": "fairtradeworker", "aud": "fairtradeworker-api", "sub": PersonId::new(), "sid": SessionId::new(),
            "iat": now, "nbf": now, "exp": now + 600, "jti": Uuid::now_v7(),
        })
    }

    /// A token with this header and these claims, signed with the real key whatever they say.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        sign(self.key().expose(), header, claims)
    }

    fn with(&self, name: &str, value: Value) -> String {
        self.signed(&self.good_header(), &altered(self.good_claims(), name, value))
    }

    fn without(&self, name: &str) -> String {
        let mut claims = self.good_claims();
        claims.as_object_mut().unwrap().remove(name);
        self.signed(&self.good_header(), &claims)
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        self.signed(&altered(self.good_header(), name, value), &self.good_claims())
    }

    /// That it was a key and nothing else that was not known is told apart in one test only.
    fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        self.authenticator.verify(token, self.now).map_err(|error| match error {
            TokenError::UnknownKey => TokenError::Invalid,
            other => other,
        })
    }
}

/// One that knows the key that `JWT_SECRET` makes, without a database.
fn authenticator(keys: &Keys, settings: &Settings, now: Instant) -> Authenticator {
    let authenticator = Authenticator::new(keys.clone(), settings);
    authenticator.signing().know_seeds(now);
    authenticator
}

fn altered(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign(key: &[u8], header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(key), Algorithm::HS256)
            .unwrap();
    format!("{message}.{signature}")
}

#[test]
fn what_was_issued_is_verified() {
    let desk = Desk::new();
    let (person, session) = (PersonId::new(), SessionId::new());
    let issued = desk.authenticator.sign(person, session, desk.now).unwrap();
    assert_eq!(issued.expires_at, desk.now + TimeDelta::hours(24));
    let claims = desk.verify(issued.token.expose_secret()).unwrap();
    assert_eq!(claims, Claims { person, session, expires_at: issued.expires_at });
    // And what the tests below alter is good before it is altered.
    assert!(desk.verify(&desk.signed(&desk.good_header(), &desk.good_claims())).is_ok());
}

#[test]
fn two_tokens_of_one_moment_differ() {
    let desk = Desk::new();
    let (person, session) = (PersonId::new(), SessionId::new());
    let token =
        || desk.authenticator.sign(person, session, desk.now).unwrap().token.expose_secret().to_owned();
    assert_ne!(token(), token());
}

#[test]
fn a_token_is_good_from_its_start_to_its_end_by_the_clock_it_is_asked_with() {
    let desk = Desk::new();
    let token = desk.authenticator.sign(PersonId::new(), SessionId::new(), desk.now).unwrap().token;
    for (seconds, expected) in [
        (-31, Err(TokenError::NotYetValid)),
        (-30, Ok(())),
        (0, Ok(())),
        (86_399, Ok(())),
        (86_400, Err(TokenError::Expired)),
        (10_000_000, Err(TokenError::Expired)),
    ] {
        let at = desk.now + TimeDelta::seconds(seconds);
        assert_eq!(desk.authenticator.verify(token.expose_secret(), at).map(|_| ()), expected, "{seconds}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let desk = Desk::new();
    let good = desk.signed(&desk.good_header(), &desk.good_claims());
    let long = format!("{good}{}", "A".repeat(TOKEN_BYTES_MAX));
    for bad in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "null",
        " ",
        "\u{0}",
        good.rsplit_once('.').unwrap().0,
        &format!("{good}."),
        &format!("Bearer {good}"),
        &format!(" {good}"),
        long.as_str(),
    ] {
        assert_eq!(desk.verify(bad), Err(TokenError::Invalid), "{bad}");
    }
}

#[test]
fn a_token_with_one_byte_changed_is_refused() {
    let desk = Desk::new();
    let good = desk.signed(&desk.good_header(), &desk.good_claims());
    for place in (0..good.len()).step_by(7) {
        let mut bytes = good.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        assert!(desk.verify(&String::from_utf8(bytes).unwrap()).is_err(), "{place}");
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let desk = Desk::new();
    let claims = encode(&desk.good_claims());
    for alg in ["none", "None", "NONE", ""] {
        let header = encode(&altered(desk.good_header(), "alg", json!(alg)));
        assert_eq!(desk.verify(&format!("{header}.{claims}.")), Err(TokenError::Invalid), "{alg}");
    }
    let empty = format!("{}.{claims}.", encode(&desk.good_header()));
    assert_eq!(desk.verify(&empty), Err(TokenError::Invalid));
}

#[test]
fn only_hs256_is_taken_even_under_the_right_key() {
    let desk = Desk::new();
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let mut header = Header::new(algorithm);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(desk.key().id().to_owned());
        let token = jsonwebtoken::encode(
            &header,
            &desk.good_claims(),
            &EncodingKey::from_secret(desk.key().expose()),
        )
        .unwrap();
        assert_eq!(desk.verify(&token), Err(TokenError::Invalid), "{algorithm:?}");
    }
    for claimed in ["RS256", "ES256", "EdDSA", "PS512", "hs256", "HS1"] {
        assert_eq!(
            desk.verify(&desk.with_header("alg", json!(claimed))),
            Err(TokenError::Invalid),
            "{claimed}"
        );
    }
}

#[test]
fn another_key_is_refused_whatever_key_it_names() {
    let desk = Desk::new();
    let stranger = Desk::new();
    let token = sign(stranger.key().expose(), &desk.good_header(), &desk.good_claims());
    assert_eq!(desk.verify(&token), Err(TokenError::Invalid));
    assert_eq!(
        desk.verify(&stranger.signed(&stranger.good_header(), &desk.good_claims())),
        Err(TokenError::Invalid)
    );
    let empty_key = sign(b"", &desk.good_header(), &desk.good_claims());
    assert_eq!(desk.verify(&empty_key), Err(TokenError::Invalid));
}

#[test]
fn the_secret_itself_and_its_other_subkeys_sign_nothing() {
    let secrets = Secrets { jwt: SecretRing::new("j".repeat(32).into()), ..Secrets::random() };
    let keys = Keys::derive(&secrets).unwrap();
    let desk = Desk {
        authenticator: authenticator(&keys, &Settings::default(), Desk::new().now),
        keys,
        ..Desk::new()
    };
    for key in [
        "j".repeat(32).into_bytes(),
        desk.keys.pepper().current.expose().to_vec(),
        desk.keys.vault().current.expose().to_vec(),
    ] {
        assert_eq!(
            desk.verify(&sign(&key, &desk.good_header(), &desk.good_claims())),
            Err(TokenError::Invalid)
        );
    }
}

#[test]
fn a_key_id_is_needed_and_is_only_looked_up() {
    let desk = Desk::new();
    for kid in [
        json!("deadbeef"),
        json!(""),
        json!("../../etc/passwd"),
        json!("' OR 1=1"),
        json!(null),
        json!(1),
        json!([]),
    ] {
        assert_eq!(desk.verify(&desk.with_header("kid", kid.clone())), Err(TokenError::Invalid), "{kid}");
    }
    // A key that the token brings along is not looked at.
    let jwk = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 32]) });
    let header = altered(altered(desk.good_header(), "jwk", jwk), "jku", json!("https://evil.example/keys"));
    assert_eq!(desk.verify(&sign(&[7; 32], &header, &desk.good_claims())), Err(TokenError::Invalid));
}

#[test]
fn another_type_of_token_is_refused() {
    let desk = Desk::new();
    for typ in [json!("JWT"), json!("rt+jwt"), json!(""), json!(null), json!("AT+JWTX")] {
        assert_eq!(desk.verify(&desk.with_header("typ", typ.clone())), Err(TokenError::Invalid), "{typ}");
    }
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let desk = Desk::new();
    let header = altered(altered(desk.good_header(), "crit", json!(["b64"])), "b64", json!(false));
    assert_eq!(desk.verify(&desk.signed(&header, &desk.good_claims())), Err(TokenError::Invalid));
}

#[test]
fn another_issuer_is_refused() {
    let desk = Desk::new();
    for iss in [
        json!("evil"),
        json!(""),
        json!("FairTradeWorker"),
        json!(["fairtradeworker"]),
        json!(null),
        json!(7),
    ] {
        assert_eq!(desk.verify(&desk.with("iss", iss.clone())), Err(TokenError::Invalid), "{iss}");
    }
}

#[test]
fn another_audience_is_refused() {
    let desk = Desk::new();
    for aud in
        [json!("other-api"), json!(""), json!([]), json!(["other-api", "fairtradeworker-api"]), json!(null)]
    {
        assert_eq!(desk.verify(&desk.with("aud", aud.clone())), Err(TokenError::Invalid), "{aud}");
    }
}

#[test]
fn every_claim_is_needed() {
    let desk = Desk::new();
    for claim in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"] {
        assert_eq!(desk.verify(&desk.without(claim)), Err(TokenError::Invalid), "{claim}");
    }
}

#[test]
fn ids_of_other_things_are_refused() {
    let desk = Desk::new();
    let session = SessionId::new();
    for (claim, value) in [
        ("sub", json!(session)),
        ("sub", json!("")),
        ("sub", json!(1)),
        ("sub", json!("usr_01h455vb4pex5vsknk084sn02")),
        ("sid", json!(PersonId::new())),
        ("sid", json!(format!("ses_{}", "z".repeat(26)))),
        ("jti", json!("not-a-uuid")),
    ] {
        assert_eq!(
            desk.verify(&desk.with(claim, value.clone())),
            Err(TokenError::Invalid),
            "{claim} {value}"
        );
    }
    assert_eq!(SessionId::PREFIX, "ses");
}

#[test]
fn times_that_are_no_whole_seconds_are_refused() {
    let desk = Desk::new();
    for claim in ["iat", "nbf", "exp"] {
        for value in
            [json!("1800000000"), json!(1_800_000_000.5), json!(null), json!([1_800_000_000]), json!(true)]
        {
            assert_eq!(
                desk.verify(&desk.with(claim, value.clone())),
                Err(TokenError::Invalid),
                "{claim} {value}"
            );
        }
    }
}

#[test]
fn times_that_contradict_each_other_are_refused() {
    let desk = Desk::new();
    let now = desk.now.timestamp();
    assert_eq!(desk.verify(&desk.with("nbf", json!(now + 600))), Err(TokenError::Invalid));
    assert_eq!(desk.verify(&desk.with("exp", json!(now))), Err(TokenError::Invalid));
    assert_eq!(desk.verify(&desk.with("exp", json!(-1))), Err(TokenError::Invalid));
    assert_eq!(desk.verify(&desk.with("iat", json!(now + 1))), Err(TokenError::Invalid));
}

#[test]
fn an_end_past_the_end_of_time_is_refused() {
    let desk = Desk::new();
    for exp in [json!(i64::MAX), json!(u64::MAX), json!(1e300)] {
        assert_eq!(desk.verify(&desk.with("exp", exp.clone())), Err(TokenError::Invalid), "{exp}");
    }
}

#[test]
fn a_token_of_another_installation_is_refused() {
    let desk = Desk::new();
    let settings = Settings { token_issuer: "other.example".to_owned(), ..Settings::default() };
    let other = authenticator(&desk.keys, &settings, desk.now);
    let token = other.sign(PersonId::new(), SessionId::new(), desk.now).unwrap().token;
    assert_eq!(desk.verify(token.expose_secret()), Err(TokenError::Invalid));
}

#[test]
fn a_secret_that_was_replaced_before_there_were_rows_is_recognised_and_no_longer_signs() {
    let now = Desk::new().now;
    let old_secrets = Secrets::random();
    let old = authenticator(&Keys::derive(&old_secrets).unwrap(), &Settings::default(), now);
    let jwt = SecretRing::new(crate::random_secret()).with_retired(old_secrets.jwt.secrets());
    let keys = Keys::derive(&Secrets { jwt, ..old_secrets }).unwrap();
    let new = authenticator(&keys, &Settings::default(), now);
    let (person, session) = (PersonId::new(), SessionId::new());
    let before = old.sign(person, session, now).unwrap().token;
    let after = new.sign(person, session, now).unwrap().token;
    assert!(new.verify(before.expose_secret(), now).is_ok());
    assert_eq!(old.verify(after.expose_secret(), now), Err(TokenError::UnknownKey));
}

#[test]
fn only_what_could_name_a_key_is_looked_for() {
    let desk = Desk::new();
    let verify = |kid: &str| desk.authenticator.verify(&desk.with_header("kid", json!(kid)), desk.now);
    for kid in ["deadbeef", "00000000deadbeef"] {
        assert_eq!(verify(kid), Err(TokenError::UnknownKey), "{kid}");
    }
    for kid in ["", "deadbee", "DEADBEEF", "../../etc", "' OR 1=1 --", "00000000deadbeef0", "dead beef"] {
        assert_eq!(verify(kid), Err(TokenError::Invalid), "{kid}");
    }
}
