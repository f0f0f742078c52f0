//! Access tokens: who signs them, what they say, and every way in which one can be refused.
//!
//! Whether the session behind a token still lives is a question to the database, and does not belong here.

use chrono::{DateTime, TimeDelta};
use database::PgConnection;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{Instant, PersonId, SessionId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::Keys;
use crate::signing::{SigningKey, SigningKeys};
use crate::{Error, Settings};

/// What the header's `typ` says (RFC 9068), so that no other kind of token can pass for an access token.
const TOKEN_TYPE: &str = "at+jwt";
/// No token of ours comes near this; what is longer is not looked at.
const TOKEN_BYTES_MAX: usize = 2_048;

/// How long the names of keys are: those made of `JWT_SECRET`, and the random ones.
const KID_BYTES: std::ops::RangeInclusive<usize> = 8..=16;

/// How far the clocks of two machines may be apart before a fresh token looks as if it came from the future.
const CLOCK_SKEW_SECONDS: i64 = 30;

/// Why an access token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not made by us, or not for this: altered, of another algorithm, key, issuer, audience or type, or not a token at all.
    #[error("the access token is not valid")]
    Invalid,
    /// Of a key that is not known here: it may be newer than what was read last.
    #[error("the access token is not valid")]
    UnknownKey,
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the access token is not valid yet")]
    NotYetValid,
}

impl TokenError {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Invalid | Self::UnknownKey => "invalid_token",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
        }
    }
}

/// What an access token says, as it travels.
#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: PersonId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

/// What a verified access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub person: PersonId,
    /// In which session; ask [`crate::live_sessions`] whether it still lives.
    pub session: SessionId,
    /// Until when, exclusively.
    pub expires_at: Instant,
}

/// An access token and when it ends.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The signed token.
    pub token: SecretString,
    /// From this instant on it is refused.
    pub expires_at: Instant,
}

/// Signs and verifies access tokens: JWT, HS256, told apart by `kid`. Cheap to clone; every clone shares the keys that it knows.
#[derive(Clone)]
pub struct Authenticator {
    signing: SigningKeys,
    issuer: String,
    audience: String,
    lifetime: TimeDelta,
    validation: Validation,
}

impl Authenticator {
    /// An authenticator that knows no keys yet: it reads them when it signs, or by [`Authenticator::read_keys`].
    #[must_use]
    pub fn new(keys: Keys, settings: &Settings) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library reads the machine's clock, which a test cannot turn: the times are checked below, by the caller's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_issuer(&[&settings.token_issuer]);
        validation.set_audience(&[&settings.token_audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Self {
            signing: SigningKeys::new(keys, settings),
            issuer: settings.token_issuer.clone(),
            audience: settings.token_audience.clone(),
            lifetime: TimeDelta::minutes(i64::from(settings.access_token_minutes)),
            validation,
        }
    }

    /// Reads the keys; the first time in an installation it makes one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn read_keys(&self, conn: &mut PgConnection, now: Instant) -> Result<(), Error> {
        self.signing.read(conn, now)
    }

    /// Whether the keys have to be read again before they are relied on. True for one caller only, who then has to read them.
    #[must_use]
    pub fn is_stale(&self, now: Instant) -> bool {
        self.signing.is_stale(now)
    }

    /// Whether no key is known at all.
    #[must_use]
    pub fn knows_none(&self) -> bool {
        self.signing.is_empty()
    }

    /// Whether it is worth reading the keys for a token of [`TokenError::UnknownKey`]; true once a second, however many such tokens come.
    #[must_use]
    pub fn may_look(&self, now: Instant) -> bool {
        self.signing.may_look(now)
    }

    pub(crate) fn signing(&self) -> &SigningKeys {
        &self.signing
    }

    /// Signs a token for a session, by the key of this instant.
    ///
    /// # Errors
    /// [`Error::Crypto`] when it cannot be signed, [`Error::Database`] when the keys cannot be read.
    pub fn issue(
        &self,
        conn: &mut PgConnection,
        person: PersonId,
        session: SessionId,
        now: Instant,
    ) -> Result<AccessToken, Error> {
        self.signing.refresh(conn, now)?;
        self.sign(person, session, now)
    }

    fn sign(&self, person: PersonId, session: SessionId, now: Instant) -> Result<AccessToken, Error> {
        let SigningKey { kid, key, .. } = self.signing.current(now).ok_or_else(|| {
            Error::Crypto("no signing key can be unwrapped; keep the retired VAULT_SECRET".to_owned())
        })?;
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(kid);
        let issued = now.timestamp();
        let wire = Wire {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: person,
            sid: session,
            iat: issued,
            nbf: issued,
            exp: issued.saturating_add(self.lifetime.num_seconds()),
            jti: Uuid::now_v7(),
        };
        let expires_at = DateTime::from_timestamp(wire.exp, 0)
            .ok_or_else(|| Error::Crypto("the access token would end after the end of time".to_owned()))?;
        let token = jsonwebtoken::encode(&header, &wire, &EncodingKey::from_secret(key.expose()))
            .map_err(|error| Error::Crypto(error.to_string()))?;
        Ok(AccessToken { token: SecretString::from(token), expires_at })
    }

    /// What a token says, if it is ours and `now` is in its time.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, token: &str, now: Instant) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        // `crit` names what a reader must understand (RFC 7515); the library leaves it to us, and we understand none of it.
        if header.typ.as_deref() != Some(TOKEN_TYPE) || header.crit.is_some() {
            return Err(TokenError::Invalid);
        }
        let kid = header.kid.as_deref().filter(|kid| is_kid(kid)).ok_or(TokenError::Invalid)?;
        let key = self.signing.find(kid, now).ok_or(TokenError::UnknownKey)?;
        let wire =
            jsonwebtoken::decode::<Wire>(token, &DecodingKey::from_secret(key.expose()), &self.validation)
                .map_err(|_| TokenError::Invalid)?
                .claims;
        if wire.exp <= wire.nbf || wire.iat > wire.nbf {
            return Err(TokenError::Invalid);
        }
        let now = now.timestamp();
        if now.saturating_add(CLOCK_SKEW_SECONDS) < wire.nbf {
            return Err(TokenError::NotYetValid);
        }
        if now >= wire.exp {
            return Err(TokenError::Expired);
        }
        let expires_at = DateTime::from_timestamp(wire.exp, 0).ok_or(TokenError::Invalid)?;
        Ok(Claims { person: wire.sub, session: wire.sid, expires_at })
    }
}

/// Nothing else is looked up: what names no key of ours by its form alone is not worth a question.
fn is_kid(kid: &str) -> bool {
    KID_BYTES.contains(&kid.len()) && kid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
