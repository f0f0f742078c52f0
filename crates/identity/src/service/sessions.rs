//! Signing in, going on and signing out.

use chrono::TimeDelta;
use database::{Error as DbError, PgConnection, Tx};
use kernel::{Actor, Instant, PersonId, SessionId};
use outbox::{Aggregate, NewEvent};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use super::IdentityService;
use crate::keys::{Keys, token_hash};
use crate::model::{Caller, Email, Login, Me, Person, SignIn, SignedIn, device};
use crate::passwords::Hashed;
use crate::rules::{self, RefreshOutcome};
use crate::store::{self, Bucket, EndReason, NewSession, SessionRow};
use crate::token::TokenError;
use crate::{Error, live_sessions};

/// Whose failures a sign-in counts among.
pub(super) struct Buckets {
    account: Vec<u8>,
    address: Vec<u8>,
    /// Nobody's id for an unknown address, so that the same questions are asked.
    person: PersonId,
}

impl Buckets {
    pub(super) fn of(keys: &Keys, email_canonical: &str, person: PersonId, caller: &Caller) -> Self {
        Self {
            account: keys.throttle_key("account", email_canonical.as_bytes()),
            address: keys.throttle_key("address", &rules::caller_network(caller.address)),
            person,
        }
    }
}

impl IdentityService {
    pub(super) fn actor_behind(&self, access_token: &str, request_id: &str) -> Result<Actor, Error> {
        let now = self.db.now()?;
        self.db.read(|conn| self.authenticator.signing().refresh(conn, now))?;
        let claims = match self.authenticator.verify(access_token, now) {
            Err(TokenError::UnknownKey) if self.authenticator.may_look(now) => {
                self.db.read(|conn| self.authenticator.read_keys(conn, now))?;
                self.authenticator.verify(access_token, now)
            }
            verified => verified,
        }?;
        let mut live = self.db.read(|conn| live_sessions(conn, &[claims.session]))?;
        let session = live.remove(&claims.session).filter(|session| session.person == claims.person);
        let session = session.ok_or(Error::SignedOut)?;
        Ok(Actor::person(session.person, session.role, session.session, session.email_verified, request_id))
    }

    pub(super) fn me(&self, person: PersonId, session: SessionId) -> Result<Me, Error> {
        let now = self.db.now()?;
        self.db.read(|conn| {
            let found = store::find_person(conn, person)?.ok_or(Error::SignedOut)?;
            let session = store::find_session(conn, session)?.ok_or(Error::SignedOut)?;
            let stepped_up_until = store::find_step_up(conn, session.id, person)?;
            Ok(Me {
                stepped_up_until: stepped_up_until.filter(|until| *until > now),
                second_factor: self.second_factor_of(conn, &found)?,
                identities: self.identities_of(conn, person)?,
                verification: store::newest_verification_state(conn, person.into())?,
                may_bid: store::may_bid(conn, person.into())?,
                person: found,
                session: session.id,
                session_expires_at: session.expires_at,
            })
        })
    }

    pub(super) fn sign_in(&self, caller: &Caller, login: &Login) -> Result<SignIn, Error> {
        let credentials = self.db.read(|conn| store::find_credentials(conn, &login.email_canonical))?;
        let person = credentials.as_ref().map_or(PersonId::from(Uuid::nil()), |found| found.person);
        let buckets = Buckets::of(&self.keys, &login.email_canonical, person, caller);
        let now = self.db.now()?;
        self.db.read(|conn| self.refuse_too_many(conn, &buckets, now))?;
        // No connection is held from here until the password is judged.
        let Some(found) = credentials else {
            self.hasher.verify_nobody(&login.password)?;
            return self.refuse_sign_in(&buckets);
        };
        if !self.hasher.verify(&login.password, &found.password_hash, &found.pepper_id)? {
            return self.refuse_sign_in(&buckets);
        }
        let upgrade = if self.hasher.is_current(&found.password_hash, &found.pepper_id) {
            None
        } else {
            Some(self.hasher.hash(&login.password)?)
        };
        self.db.transaction(|tx| {
            let person = store::lock_person(tx.conn(), found.person)?.ok_or(Error::WrongCredentials)?;
            let now = tx.now()?;
            // Counted again: of a hundred guesses at once, only as many as may fail get a truthful answer.
            self.refuse_too_many(tx.conn(), &buckets, now)?;
            // Of a password that was replaced while it was compared begins no session: the reset has ended all that it knew of.
            if !store::password_stands(tx.conn(), person.id, found.password_set_at)? {
                return Err(Error::WrongCredentials);
            }
            if let Some(Hashed { hash, pepper_id }) = &upgrade {
                store::upgrade_hash(tx.conn(), person.id, &found.password_hash, hash, pepper_id)?;
            }
            self.conclude_sign_in(tx, caller, person, now)
        })
    }

    /// The last step of every way to sign in, once somebody has proved to be this person.
    pub(super) fn conclude_sign_in(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        person: Person,
        now: Instant,
    ) -> Result<SignIn, Error> {
        if person.suspended_at.is_some() {
            return Err(Error::Suspended);
        }
        if person.second_factor_at.is_some() {
            return Ok(SignIn::SecondFactor(self.challenge(tx, person.id, now)?));
        }
        self.enter(tx, caller, person, now).map(|signed_in| SignIn::Done(Box::new(signed_in)))
    }

    /// Begins a session of somebody who has proved everything that is asked, and remembers from where: only now, because from a known
    /// address others' failures do not count.
    pub(super) fn enter(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        person: Person,
        now: Instant,
    ) -> Result<SignedIn, Error> {
        let address = self.keys.throttle_key("address", &rules::caller_network(caller.address));
        store::remember_address(tx.conn(), person.id, &address, now, self.known_since(now))?;
        self.begin_session(tx, caller, person, now)
    }

    /// A session's first pair of tokens.
    pub(super) fn begin_session(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        person: Person,
        now: Instant,
    ) -> Result<SignedIn, Error> {
        let session = SessionId::new();
        let expires_at = self.session_end(now);
        store::sweep_sessions(tx.conn(), now)?;
        let new = NewSession {
            id: session,
            person_id: person.id,
            created_at: now,
            last_used_at: now,
            expires_at,
            device: caller.user_agent.as_deref().and_then(device),
            network: Some(&rules::shown_network(caller.address)),
        };
        store::insert_session(tx.conn(), &new)?;
        let refresh_token = self.keys.refresh_token(session.uuid(), 0);
        store::insert_refresh_token(tx.conn(), &token_hash(refresh_token.expose_secret()), session, 0)?;
        audit::identified(tx, person.id, person.role, session);
        audit::changed(tx, audit::Object::new("session", session), Value::Null, json!({ "state": "LIVE" }));
        let access = self.authenticator.issue(tx.conn(), person.id, session, now)?;
        Ok(SignedIn { person, session, access, refresh_token, session_expires_at: expires_at })
    }

    pub(super) fn family_of(&self, refresh_token: &str) -> Result<Option<SessionId>, Error> {
        let hash = token_hash(refresh_token);
        Ok(self.db.read(|conn| store::find_family(conn, &hash))?)
    }

    pub(super) fn go_on(&self, caller: &Caller, refresh_token: &str) -> Result<SignedIn, Error> {
        let hash = token_hash(refresh_token);
        // A refusal may have ended the family, which has to be committed: it is a value here, and an error afterwards.
        let signed_in = self.db.transaction(|tx| {
            let signed_in = self.judge_refresh(tx, caller, &hash)?;
            match &signed_in {
                Some(signed_in) => {
                    audit::identified(tx, signed_in.person.id, signed_in.person.role, signed_in.session)
                }
                None => audit::withhold(tx),
            }
            Ok::<_, Error>(signed_in)
        })?;
        signed_in.ok_or(Error::RefreshToken)
    }

    fn judge_refresh(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        hash: &[u8],
    ) -> Result<Option<SignedIn>, Error> {
        let Some(family) = store::find_family(tx.conn(), hash)? else { return Ok(None) };
        let Some(session) = store::lock_session(tx.conn(), family)? else { return Ok(None) };
        let Some(person) = store::find_person(tx.conn(), session.person)? else { return Ok(None) };
        let now = tx.now()?;
        if session.ended_at.is_some() || session.expires_at <= now || person.suspended_at.is_some() {
            return Ok(None);
        }
        let Some((counter, spent_at)) = store::find_refresh_token(tx.conn(), hash)? else { return Ok(None) };
        let retry = TimeDelta::seconds(i64::from(self.settings.refresh_retry_seconds));
        match rules::refresh_outcome(spent_at, retry, now) {
            RefreshOutcome::Rotate => self.rotate(tx, caller, person, &session, (hash, counter)).map(Some),
            RefreshOutcome::Repeat => self.repeat(tx, person, &session, counter, now),
            RefreshOutcome::Revoke => {
                revoke(tx, caller, &session, now)?;
                Ok(None)
            }
        }
    }

    fn rotate(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        person: Person,
        session: &SessionRow,
        (hash, counter): (&[u8], i32),
    ) -> Result<SignedIn, Error> {
        let now = tx.now()?;
        let next = counter.checked_add(1).ok_or(Error::RefreshToken)?;
        let refresh_token = self.keys.refresh_token(session.id.uuid(), next);
        let expires_at = self.session_end(now);
        store::spend_refresh_token(tx.conn(), hash, now)?;
        store::insert_refresh_token(tx.conn(), &token_hash(refresh_token.expose_secret()), session.id, next)?;
        let network = rules::shown_network(caller.address);
        store::extend_session(tx.conn(), session.id, &network, now, expires_at)?;
        let access = self.authenticator.issue(tx.conn(), person.id, session.id, now)?;
        Ok(SignedIn { person, session: session.id, access, refresh_token, session_expires_at: expires_at })
    }

    /// The successor again, byte for byte: nobody keeps it, it is made anew.
    fn repeat(
        &self,
        tx: &mut Tx<'_>,
        person: Person,
        session: &SessionRow,
        counter: i32,
        now: Instant,
    ) -> Result<Option<SignedIn>, Error> {
        let next = counter.checked_add(1).ok_or(Error::RefreshToken)?;
        let kept = store::find_refresh_hash(tx.conn(), session.id, next)?;
        let Some(refresh_token) =
            kept.and_then(|hash| self.keys.find_refresh_token(session.id.uuid(), next, &hash))
        else {
            return Ok(None);
        };
        let access = self.authenticator.issue(tx.conn(), person.id, session.id, now)?;
        Ok(Some(SignedIn {
            person,
            session: session.id,
            access,
            refresh_token,
            session_expires_at: session.expires_at,
        }))
    }

    pub(super) fn sign_out(&self, session: SessionId) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let now = tx.now()?;
            // Zero rows are as good: it had ended already.
            store::end_session(tx.conn(), session, EndReason::Logout, now)?;
            let ended = json!({ "state": "ENDED", "reason": "LOGOUT" });
            audit::changed(tx, audit::Object::new("session", session), json!({ "state": "LIVE" }), ended);
            Ok(())
        })
    }

    /// Refuses, in the words that a wrong password and an unknown address have in common.
    fn refuse_sign_in(&self, buckets: &Buckets) -> Result<SignIn, Error> {
        self.note_failure(buckets)?;
        Err(Error::WrongCredentials)
    }

    /// Notes that a password was wrong, unless so many are noted already that nobody is to be told.
    pub(super) fn note_failure(&self, buckets: &Buckets) -> Result<(), Error> {
        self.db.transaction(|tx| self.note_failure_in(tx, buckets))
    }

    /// The same in a transaction that has to be committed.
    pub(super) fn note_failure_in(&self, tx: &mut Tx<'_>, buckets: &Buckets) -> Result<(), Error> {
        audit::withhold(tx);
        store::lock_buckets(tx.conn(), &[&buckets.account, &buckets.address])?;
        let now = tx.now()?;
        self.refuse_too_many(tx.conn(), buckets, now)?;
        store::sweep_failures(tx.conn(), now - self.sign_in_window())?;
        store::insert_failure(tx.conn(), &buckets.account, &buckets.address, now)?;
        Ok(())
    }

    /// Among whose failures a known person's count.
    pub(super) fn buckets_of(&self, caller: &Caller, person: &Person) -> Buckets {
        Buckets::of(&self.keys, &Email::lookup(&person.email), person.id, caller)
    }

    pub(super) fn refuse_too_many(
        &self,
        conn: &mut PgConnection,
        buckets: &Buckets,
        now: Instant,
    ) -> Result<(), Error> {
        let known = store::is_known_address(conn, buckets.person, &buckets.address, self.known_since(now))?;
        let by_account = self.failure_wait(conn, Bucket::Account(&buckets.account), now)?;
        let by_address = self.failure_wait(conn, Bucket::Address(&buckets.address), now)?;
        // Others' guesses must not lock the owner out at home.
        match by_account.filter(|_| !known).max(by_address) {
            None => Ok(()),
            Some(wait) => Err(Error::TooManyFailures { retry_after: rules::retry_after(wait) }),
        }
    }

    fn failure_wait(
        &self,
        conn: &mut PgConnection,
        bucket: Bucket<'_>,
        now: Instant,
    ) -> Result<Option<TimeDelta>, DbError> {
        let most = self.settings.sign_in_failures_max;
        let failures = store::newest_failures(conn, bucket, now - self.sign_in_window(), i64::from(most))?;
        Ok(rules::wait_for_window(&failures, usize::from(most), self.sign_in_window(), now))
    }

    /// Since when a sign-in makes its address known.
    pub(super) fn known_since(&self, now: Instant) -> Instant {
        now - TimeDelta::days(i64::from(self.settings.known_address_days))
    }

    fn sign_in_window(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.settings.sign_in_window_minutes))
    }

    fn session_end(&self, now: Instant) -> Instant {
        now + TimeDelta::days(i64::from(self.settings.session_days))
    }
}

/// Ends a family of which two hold a token, and tells its person.
fn revoke(tx: &mut Tx<'_>, caller: &Caller, session: &SessionRow, now: Instant) -> Result<(), Error> {
    store::end_session(tx.conn(), session.id, EndReason::TokenReuse, now)?;
    audit::changed(
        tx,
        audit::Object::new("session", session.id),
        json!({ "state": "LIVE" }),
        json!({ "state": "ENDED", "reason": "TOKEN_REUSE", "personId": session.person }),
    );
    outbox::publish(
        tx,
        NewEvent {
            name: "session.reuse_detected",
            version: 1,
            aggregate: Aggregate { kind: "session", id: session.id.uuid() },
            request_id: caller.request_id.clone(),
            data: json!({ "personId": session.person, "sessionId": session.id }),
        },
    );
    Ok(())
}
