//! Signing in at a provider: sending the browser there, taking it back, and what becomes of who it turned out to be.
//!
//! Providers are asked with no connection held and in no transaction; around that stand short transactions of their own.

use chrono::TimeDelta;
use database::{PgConnection, Tx};
use kernel::{Actor, Fault, Faults, Instant, PersonId, Role};
use outbox::{Aggregate, NewEvent};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{IdentityService, accounts};
use crate::keys::{LinkPurpose, random_secret, token_hash};
use crate::model::{
    BrowserKey, Caller, CodeChallenge, Email, LinkTicket, LinkedIdentity, OauthAnswer, OauthCallback,
    OauthExchange, OauthRefusal, OauthSignIn, OauthStart, OauthStarted, Person, PersonName, RedirectUri,
};
use crate::provider::{AuthorizationRequest, Grant, Listed, ProviderError, ProviderIdentity};
use crate::rules::{self, Arrival};
use crate::store::{self, NewOauthTicket, OauthAttemptRow, TicketKind};
use crate::{Error, vault};

/// How many identities may be one person's ways to sign in.
const IDENTITIES_MAX: i64 = 10;
/// The constraint that makes an identity one person's.
const IDENTITY_ONCE: &str = "external_identities_once";

/// Who came, as it is kept under a ticket: what the provider said, and what somebody new is to become.
#[derive(Serialize, Deserialize)]
struct Arriving {
    provider: String,
    issuer: String,
    subject: String,
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
    role: Option<Role>,
}

impl IdentityService {
    pub(super) fn send_to_provider(&self, start: &OauthStart) -> Result<OauthStarted, Error> {
        let provider = self.listed(&start.provider)?;
        let (attempt, state, browser) = (Uuid::now_v7(), random_secret(), random_secret());
        let request = AuthorizationRequest {
            callback: &start.callback,
            state: &state,
            nonce: &self.keys.oauth_secret("nonce", &browser, attempt),
            verifier: &self.keys.oauth_secret("verifier", &browser, attempt),
        };
        let location = match provider.provider.authorization_url(&request) {
            Ok(location) => location,
            Err(error) => {
                let refusal = refused(&start.provider, &error);
                let location = start.redirect_uri.with("error", refusal.as_str());
                return Ok(OauthStarted { location, browser: None });
            }
        };
        let lifetime_seconds = self.settings.oauth.attempt_minutes.saturating_mul(60);
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let new = store::NewOauthAttempt {
                id: attempt,
                state_hash: &token_hash(state.expose_secret()),
                browser_hash: &token_hash(browser.expose_secret()),
                provider: &start.provider,
                redirect_uri: start.redirect_uri.as_str(),
                role: start.role.map(Role::as_str),
                code_challenge: start.code_challenge.as_ref().map(CodeChallenge::as_bytes),
                created_at: now,
                expires_at: now + TimeDelta::seconds(i64::from(lifetime_seconds)),
            };
            // For a day it can be told that one took too long.
            store::insert_oauth_attempt(tx.conn(), &new, now - TimeDelta::days(1))?;
            Ok::<(), Error>(())
        })?;
        Ok(OauthStarted { location, browser: Some(BrowserKey { secret: browser, lifetime_seconds }) })
    }

    pub(super) fn take_back(&self, callback: &OauthCallback) -> Result<String, Error> {
        let provider = self.listed(&callback.provider)?;
        // Without the browser's half a state proves nothing: somebody may have been sent here with another's.
        let browser = callback.browser.as_ref().ok_or_else(no_such_attempt)?;
        let (attempt, now) = self.use_attempt(callback, browser)?;
        let back = RedirectUri::kept(&attempt.redirect_uri).ok_or_else(no_such_attempt)?;
        let identified = if attempt.expires_at <= now {
            Err(OauthRefusal::Expired)
        } else {
            self.identify(provider, callback, browser, attempt.id, now)
        };
        match identified {
            Err(refusal) => Ok(back.with("error", refusal.as_str())),
            Ok(identity) => {
                let arriving = Arriving::new(&callback.provider, identity, attempt.role.as_deref());
                let lifetime = TimeDelta::seconds(i64::from(self.settings.oauth.code_seconds));
                let challenge = attempt.code_challenge.as_deref();
                let ticket = self.db.transaction(|tx| {
                    self.issue_ticket(tx, TicketKind::Code, &arriving, challenge, lifetime)
                })?;
                Ok(back.with("code", ticket.token.expose_secret()))
            }
        }
    }

    /// A state is good once, whatever comes of it: it is used up before the provider is asked.
    fn use_attempt(
        &self,
        callback: &OauthCallback,
        browser: &SecretString,
    ) -> Result<(OauthAttemptRow, Instant), Error> {
        let state_hash = token_hash(callback.state.expose_secret());
        let browser_hash = token_hash(browser.expose_secret());
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let used =
                store::use_oauth_attempt(tx.conn(), &callback.provider, &state_hash, &browser_hash, now)?;
            Ok((used.ok_or_else(no_such_attempt)?, now))
        })
    }

    fn identify(
        &self,
        listed: &Listed,
        callback: &OauthCallback,
        browser: &SecretString,
        attempt: Uuid,
        now: Instant,
    ) -> Result<ProviderIdentity, OauthRefusal> {
        if callback.issuer.as_deref().is_some_and(|issuer| issuer != listed.provider.issuer()) {
            return Err(OauthRefusal::IdentityInvalid);
        }
        let code = match &callback.answer {
            OauthAnswer::Code(code) => code,
            OauthAnswer::Error(word) => return Err(rules::refusal_of(word)),
        };
        let grant = Grant {
            callback: &callback.callback,
            code,
            nonce: &self.keys.oauth_secret("nonce", browser, attempt),
            verifier: &self.keys.oauth_secret("verifier", browser, attempt),
            now,
        };
        let identity =
            listed.provider.identify(&grant).map_err(|error| refused(&callback.provider, &error))?;
        if identity.issuer == listed.provider.issuer() {
            Ok(identity)
        } else {
            Err(OauthRefusal::IdentityInvalid)
        }
    }

    pub(super) fn exchange(&self, caller: &Caller, exchange: &OauthExchange) -> Result<OauthSignIn, Error> {
        let arriving = self.redeem(exchange, &[TicketKind::Code])?;
        let arrive = || self.db.transaction(|tx| self.arrive(tx, caller, &arriving));
        match arrive() {
            // Somebody with the same identity or address was made this moment: by now there is somebody to be signed in.
            Err(Error::EmailInUse | Error::IdentityInUse) => arrive(),
            other => other,
        }
    }

    pub(super) fn link(&self, actor: &Actor, exchange: &OauthExchange) -> Result<LinkedIdentity, Error> {
        let person = super::person_of(actor)?;
        let arriving = self.redeem(exchange, &[TicketKind::Code, TicketKind::Link])?;
        self.db.transaction(|tx| {
            let owner = store::lock_person(tx.conn(), person)?.ok_or(Error::SignedOut)?;
            let known = store::find_external_identity(tx.conn(), &arriving.issuer, &arriving.subject)?;
            let (provider, linked_at) = match known {
                Some(known) if known.person == person => (known.provider, known.linked_at),
                Some(_) => return Err(Error::IdentityInUse),
                None => {
                    let now = tx.now()?;
                    if owner.email_verified_at.is_none() {
                        prove_by_provider(tx, &owner, &arriving, now)?;
                    }
                    join(tx, person, &arriving, now)?;
                    announce(tx, person, &arriving, &actor.request_id);
                    (arriving.provider.clone(), now)
                }
            };
            Ok(self.linked(provider, linked_at))
        })
    }

    /// Where somebody signs in besides by password.
    pub(super) fn identities_of(
        &self,
        conn: &mut PgConnection,
        person: PersonId,
    ) -> Result<Vec<LinkedIdentity>, Error> {
        let found = store::list_external_identities(conn, person, IDENTITIES_MAX)?;
        Ok(found.into_iter().map(|(provider, linked_at)| self.linked(provider, linked_at)).collect())
    }

    /// As people know the provider; one that is configured no longer goes by its name in the paths.
    fn linked(&self, provider: String, linked_at: Instant) -> LinkedIdentity {
        let listed = self.providers.find(&provider);
        let display_name = listed.map_or_else(|| provider.clone(), |listed| listed.display_name.clone());
        LinkedIdentity { provider, display_name, linked_at }
    }

    /// Uses a code or ticket up, committed whatever comes of it; what it stood for.
    fn redeem(&self, exchange: &OauthExchange, kinds: &[TicketKind]) -> Result<Arriving, Error> {
        let token = exchange.code.expose_secret();
        let hash = token_hash(token);
        let used = self.db.transaction(|tx| {
            // What the caller does with it comes after.
            audit::withhold(tx);
            let now = tx.now()?;
            Ok::<_, Error>(store::use_oauth_ticket(tx.conn(), kinds, &hash, now)?)
        })?;
        let ticket = used.ok_or_else(no_such_code)?;
        let shown = exchange.verifier.as_ref().map(CodeChallenge::of);
        if ticket.code_challenge.as_deref() != shown.as_ref().map(CodeChallenge::as_bytes) {
            return Err(Faults::from(Fault::new(
                "/codeVerifier",
                "wrong_verifier",
                "is not what the challenge at the start was made of",
            ))
            .into());
        }
        let mut keys = self.keys.ticket_keys(token);
        let plain =
            keys.find_map(|key| vault::decrypt(&key, ticket.id.as_bytes(), &ticket.sealed_identity).ok());
        let plain = plain.ok_or_else(no_such_code)?;
        serde_json::from_slice(&plain).map_err(|_| no_such_code())
    }

    fn arrive(&self, tx: &mut Tx<'_>, caller: &Caller, arriving: &Arriving) -> Result<OauthSignIn, Error> {
        let known = store::find_external_identity(tx.conn(), &arriving.issuer, &arriving.subject)?;
        if let Some(known) = known {
            let person = store::lock_person(tx.conn(), known.person)?.ok_or(Error::SignedOut)?;
            return self.let_in(tx, caller, person);
        }
        let email = arriving.email.as_deref().and_then(|email| Email::new(email).ok());
        let email = email.ok_or(Error::ProviderEmailMissing)?;
        let namesake = store::lock_person_by_email(tx.conn(), email.canonical())?;
        let now = tx.now()?;
        match (rules::arrival(namesake.as_ref(), arriving.email_verified, arriving.role), namesake) {
            (Arrival::Join, Some(person)) => {
                join(tx, person.id, arriving, now)?;
                announce(tx, person.id, arriving, &caller.request_id);
                self.let_in(tx, caller, person)
            }
            (Arrival::Become(role), None) => {
                let person = self.make_arrived(tx, caller, arriving, &email, role)?;
                self.let_in(tx, caller, person)
            }
            (Arrival::AskPassword, Some(_)) => {
                let lifetime = TimeDelta::minutes(i64::from(self.settings.oauth.link_ticket_minutes));
                let ticket = self.issue_ticket(tx, TicketKind::Link, arriving, None, lifetime)?;
                Ok(OauthSignIn::LinkRequired(ticket))
            }
            _ => Err(Error::UserTypeMissing),
        }
    }

    /// Somebody new, without a password.
    fn make_arrived(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        arriving: &Arriving,
        email: &Email,
        role: Role,
    ) -> Result<Person, Error> {
        let now = tx.now()?;
        let name = arriving.name.as_deref().and_then(|name| PersonName::new(name).ok());
        let new = store::NewPerson {
            id: PersonId::new(),
            role: role.as_str(),
            email: email.as_str(),
            email_canonical: email.canonical(),
            email_verified_at: arriving.email_verified.then_some(now),
            password_hash: None,
            pepper_id: None,
            full_name: name.as_ref().map(PersonName::as_str),
            phone: None,
            time_zone: &self.settings.default_time_zone,
            created_at: now,
            updated_at: now,
        };
        let person = accounts::insert(tx, &new, &caller.request_id)?;
        if role == Role::Contractor {
            store::insert_contractor_profile(tx.conn(), person.id)?;
        }
        if !arriving.email_verified {
            let address = email.canonical();
            self.send_link(tx, LinkPurpose::VerifyEmail, person.id, address, &caller.request_id)?;
        }
        join(tx, person.id, arriving, now)?;
        Ok(person)
    }

    /// The last step of every sign-in, which asks for a second factor where there is one.
    fn let_in(&self, tx: &mut Tx<'_>, caller: &Caller, person: Person) -> Result<OauthSignIn, Error> {
        let now = tx.now()?;
        self.conclude_sign_in(tx, caller, person, now).map(OauthSignIn::Known)
    }

    fn issue_ticket(
        &self,
        tx: &mut Tx<'_>,
        kind: TicketKind,
        arriving: &Arriving,
        challenge: Option<&[u8]>,
        lifetime: TimeDelta,
    ) -> Result<LinkTicket, Error> {
        let (id, token, now) = (Uuid::now_v7(), random_secret(), tx.now()?);
        let plain = serde_json::to_vec(arriving).map_err(|error| Error::Crypto(error.to_string()))?;
        let key = self.keys.ticket_keys(token.expose_secret()).next();
        let key = key.ok_or_else(|| Error::Crypto("there is no key for tickets".to_owned()))?;
        let new = NewOauthTicket {
            id,
            kind,
            token_hash: &token_hash(token.expose_secret()),
            sealed_identity: &vault::encrypt(&key, id.as_bytes(), &plain)?,
            code_challenge: challenge,
            created_at: now,
            expires_at: now + lifetime,
        };
        store::insert_oauth_ticket(tx.conn(), &new)?;
        Ok(LinkTicket { token, expires_at: new.expires_at })
    }

    fn listed(&self, name: &str) -> Result<&Listed, Error> {
        self.providers.find(name).ok_or(Error::NotFound("provider"))
    }
}

impl Arriving {
    fn new(provider: &str, identity: ProviderIdentity, role: Option<&str>) -> Self {
        Self {
            provider: provider.to_owned(),
            issuer: identity.issuer,
            subject: identity.subject,
            email: identity.email,
            email_verified: identity.email_verified,
            name: identity.name,
            role: role.and_then(Role::parse),
        }
    }
}

/// An account whose address nobody has proved gets no second way in: its maker could keep that one when the address's owner comes. A
/// provider that vouches for this very address proves it.
fn prove_by_provider(
    tx: &mut Tx<'_>,
    owner: &Person,
    arriving: &Arriving,
    now: Instant,
) -> Result<(), Error> {
    let address = Email::lookup(&owner.email);
    let told = arriving.email.as_deref().map(Email::lookup).filter(|_| arriving.email_verified);
    if told.as_ref() != Some(&address) {
        return Err(Error::EmailUnverified);
    }
    store::mark_email_verified(tx.conn(), owner.id, &address, now)?;
    Ok(())
}

/// Makes an identity somebody's way to sign in; the person's row is locked, or new.
fn join(tx: &mut Tx<'_>, person: PersonId, arriving: &Arriving, now: Instant) -> Result<(), Error> {
    if store::count_external_identities(tx.conn(), person)? >= IDENTITIES_MAX {
        return Err(Error::TooManyIdentities);
    }
    let linked = json!({ "identityAt": arriving.provider });
    audit::changed(tx, audit::Object::new("person", person), Value::Null, linked);
    let new = store::NewExternalIdentity {
        id: Uuid::now_v7(),
        person_id: person,
        provider: &arriving.provider,
        issuer: &arriving.issuer,
        subject: &arriving.subject,
        linked_at: now,
    };
    store::insert_external_identity(tx.conn(), &new)
        .map_err(|error| if error.is_unique(IDENTITY_ONCE) { Error::IdentityInUse } else { error.into() })
}

/// Lets the owner of an account hear of a new way into it.
fn announce(tx: &mut Tx<'_>, person: PersonId, arriving: &Arriving, request_id: &str) {
    outbox::publish(
        tx,
        NewEvent {
            name: "person.identity_linked",
            version: 1,
            aggregate: Aggregate { kind: "person", id: person.uuid() },
            request_id: request_id.to_owned(),
            data: json!({ "personId": person, "provider": arriving.provider }),
        },
    );
}

/// What the client is told of a provider's failure; the operator finds the whole story in the log.
fn refused(provider: &str, error: &ProviderError) -> OauthRefusal {
    tracing::warn!(provider, %error, "a sign-in at a provider came to nothing");
    match error {
        ProviderError::Unavailable(_) => OauthRefusal::ProviderUnavailable,
        ProviderError::Refused(_) => OauthRefusal::ProviderRefused,
        ProviderError::Untrustworthy(_) => OauthRefusal::IdentityInvalid,
    }
}

/// One answer for a state that is unknown, used, another provider's or another browser's.
fn no_such_attempt() -> Error {
    Faults::from(Fault::new(
        "?state",
        "invalid_state",
        "is unknown, used, or of another browser; start again",
    ))
    .into()
}

/// One answer for unknown, used and too old.
fn no_such_code() -> Error {
    Faults::from(Fault::new("/code", "invalid_code", "is unknown, used, or too old; start again")).into()
}
