//! Access tokens: who signs them, what they say, and every way in which one can be refused.
//!
//! Whether the session behind a token still lives is a question to the database, and does not belong here.

use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{Instant, PersonId, SessionId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::Keys;
use crate::{Error, Settings};

/// What the header's `typ` says (RFC 9068), so that no other kind of token can pass for an access token.
const TOKEN_TYPE: &str = "at+jwt";
/// No token of ours comes near this; what is longer is not looked at.
const TOKEN_BYTES_MAX: usize = 2_048;

/// How far the clocks of two machines may be apart before a fresh token looks as if it came from the future.
const CLOCK_SKEW_SECONDS: i64 = 30;

/// Why an access token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not made by us, or not for this: altered, of another algorithm, key, issuer, audience or type, or not a token at all.
    #[error("the access token is not valid")]
    Invalid,
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
            Self::Invalid => "invalid_token",
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

/// Signs and verifies access tokens: JWT, HS256, one key per server secret, told apart by `kid`.
#[derive(Clone)]
pub struct Authenticator {
    keys: Keys,
    issuer: String,
    audience: String,
    lifetime: TimeDelta,
    validation: Validation,
}

impl Authenticator {
    /// An authenticator over the server's signing keys.
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
            keys,
            issuer: settings.token_issuer.clone(),
            audience: settings.token_audience.clone(),
            lifetime: TimeDelta::minutes(i64::from(settings.access_token_minutes)),
            validation,
        }
    }

    /// Signs a token for a session.
    ///
    /// # Errors
    /// [`Error::Crypto`] when it cannot be signed.
    pub fn issue(&self, person: PersonId, session: SessionId, now: Instant) -> Result<AccessToken, Error> {
        let key = &self.keys.access().current;
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key.id().to_owned());
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
        let key =
            header.kid.as_deref().and_then(|kid| self.keys.access().find(kid)).ok_or(TokenError::Invalid)?;
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

#[cfg(test)]
mod tests;
