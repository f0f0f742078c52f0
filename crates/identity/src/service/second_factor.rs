//! The second factor: setting it up, asking for it at sign-in, switching it off; and proving again who one is.

use chrono::TimeDelta;
use database::{Error as DbError, PgConnection, Tx};
use kernel::{Actor, Fault, Faults, Instant, PersonId, SessionId};
use outbox::{Aggregate, NewEvent};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::passwords::no_password;
use super::sessions::Buckets;
use super::{IdentityService, person_of, session_of, trail};
use crate::keys::{random_secret, token_hash};
use crate::model::{
    Caller, Challenge, Email, Enrolment, FactorState, Password, Person, RecoveryCodes, SecondFactor,
    SignedIn, StepUp, TypedCode,
};
use crate::store::{self, EndReason};
use crate::totp::{RECOVERY_CODES, SharedSecret, recovery_code, recovery_hash};
use crate::{Error, VaultSubject, require_step_up, rules};

impl IdentityService {
    pub(super) fn begin_enrolment(&self, actor: &Actor) -> Result<Enrolment, Error> {
        let id = person_of(actor)?;
        let (secret, email) = self.db.transaction(|tx| {
            require_step_up(tx, actor)?;
            let person = store::lock_person(tx.conn(), id)?.ok_or(Error::SignedOut)?;
            if person.second_factor_at.is_some() {
                return Err(Error::SecondFactorState(FactorState::On));
            }
            let secret = SharedSecret::random();
            let sealed = self.vault.seal(tx, VaultSubject::Person(id), &place(id), secret.expose())?;
            let now = tx.now()?;
            store::put_second_factor(tx.conn(), id, &sealed, now)?;
            became(tx, id, None, FactorState::Pending);
            Ok((secret, person.email))
        })?;
        secret.enrolment(&self.settings.second_factor_issuer, &email)
    }

    pub(super) fn switch_on(
        &self,
        caller: &Caller,
        actor: &Actor,
        code: &TypedCode,
    ) -> Result<RecoveryCodes, Error> {
        let id = person_of(actor)?;
        let made = self.db.transaction(|tx| {
            require_step_up(tx, actor)?;
            let person = self.lock_in_state(tx, id, FactorState::Pending)?;
            if !self.try_code(tx, caller, &person, code)? {
                return Ok(None);
            }
            let now = tx.now()?;
            let codes: Vec<SecretString> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
            let hashes: Vec<Vec<u8>> = codes
                .iter()
                .filter_map(|code| recovery_hash(id, &TypedCode::new(code.expose_secret())))
                .collect();
            store::insert_recovery_codes(tx.conn(), id, &hashes)?;
            store::set_second_factor_since(tx.conn(), id, Some(now))?;
            became(tx, id, Some(FactorState::Pending), FactorState::On);
            publish(tx, "second_factor.switched_on", id, caller, RECOVERY_CODES);
            Ok::<_, Error>(Some(RecoveryCodes(codes)))
        })?;
        made.ok_or_else(wrong_code)
    }

    pub(super) fn switch_off(&self, caller: &Caller, actor: &Actor, code: &TypedCode) -> Result<(), Error> {
        let id = person_of(actor)?;
        let good = self.db.transaction(|tx| {
            require_step_up(tx, actor)?;
            let person = self.lock_in_state(tx, id, FactorState::On)?;
            let good = self.try_code(tx, caller, &person, code)?;
            if good {
                store::delete_second_factor(tx.conn(), id)?;
                store::delete_challenges_to(tx.conn(), id)?;
                store::set_second_factor_since(tx.conn(), id, None)?;
                became(tx, id, Some(FactorState::On), FactorState::Off);
                publish(tx, "second_factor.switched_off", id, caller, 0);
            }
            Ok::<_, Error>(good)
        })?;
        if good { Ok(()) } else { Err(wrong_code()) }
    }

    /// For who lost the app and the recovery codes: the operator has made sure by other means who it is. Whoever is signed in may be
    /// somebody else, and starts anew.
    pub(super) fn take_away(&self, caller: &Caller, email: &str) -> Result<Person, Error> {
        self.db.transaction(|tx| {
            let found = store::lock_person_by_email(tx.conn(), &Email::lookup(email))?;
            let found = found.ok_or(Error::NotFound("person"))?;
            let person = self.lock_in_state(tx, found.id, FactorState::On)?;
            store::delete_second_factor(tx.conn(), person.id)?;
            store::set_second_factor_since(tx.conn(), person.id, None)?;
            let ended = store::end_sessions_of(tx, person.id, None, EndReason::Revoked)?;
            became(tx, person.id, Some(FactorState::On), FactorState::Off);
            trail::person(tx, person.id, Value::Null, json!({ "sessionsEnded": ended }));
            publish(tx, "second_factor.reset", person.id, caller, 0);
            Ok(person)
        })
    }

    /// The question that whoever has a second factor is asked instead of being signed in.
    pub(super) fn challenge(
        &self,
        tx: &mut Tx<'_>,
        person: PersonId,
        now: Instant,
    ) -> Result<Challenge, DbError> {
        let token = random_secret();
        let expires_at = now + TimeDelta::minutes(i64::from(self.settings.sign_in_challenge_minutes));
        store::insert_challenge(tx.conn(), &token_hash(token.expose_secret()), person, now, expires_at)?;
        audit::changed(
            tx,
            audit::Object::new("person", person),
            Value::Null,
            json!({ "signIn": "CHALLENGED" }),
        );
        Ok(Challenge { token, expires_at })
    }

    pub(super) fn answer(
        &self,
        caller: &Caller,
        challenge: &str,
        code: &TypedCode,
    ) -> Result<SignedIn, Error> {
        let hash = token_hash(challenge);
        // A refusal has noted a failure, which has to be committed: it is a value here, and an error afterwards.
        let signed_in = self.db.transaction(|tx| self.judge_answer(tx, caller, &hash, code))?;
        signed_in.ok_or(Error::WrongCode)
    }

    fn judge_answer(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        hash: &[u8],
        code: &TypedCode,
    ) -> Result<Option<SignedIn>, Error> {
        let challenged = store::find_challenged(tx.conn(), hash)?;
        let person = challenged.map(|id| store::lock_person(tx.conn(), id)).transpose()?.flatten();
        let Some(person) = person else {
            // A question that was never put, or was answered, counts for whoever sends it.
            let nobody = PersonId::from(Uuid::nil());
            let buckets = Buckets::of(&self.keys, &hex::encode(hash), nobody, caller);
            self.note_failure_in(tx, &buckets)?;
            return Ok(None);
        };
        let now = tx.now()?;
        if !store::is_open_challenge(tx.conn(), hash, now)? {
            let buckets = self.buckets_of(caller, &person);
            self.note_failure_in(tx, &buckets)?;
            return Ok(None);
        }
        if person.suspended_at.is_some() {
            return Err(Error::Suspended);
        }
        if !self.try_code(tx, caller, &person, code)? {
            return Ok(None);
        }
        store::delete_challenge(tx.conn(), hash)?;
        self.enter(tx, caller, person, now).map(Some)
    }

    pub(super) fn prove_again(
        &self,
        caller: &Caller,
        actor: &Actor,
        proof: &StepUp,
    ) -> Result<Instant, Error> {
        let (id, session) = (person_of(actor)?, session_of(actor)?);
        match proof {
            StepUp::Password(password) => self.step_up_by_password(caller, id, session, password),
            StepUp::Code(code) => self.step_up_by_code(caller, id, session, code),
        }
    }

    fn step_up_by_password(
        &self,
        caller: &Caller,
        id: PersonId,
        session: SessionId,
        password: &Password,
    ) -> Result<Instant, Error> {
        let now = self.db.now()?;
        let (buckets, found) = self.db.read(|conn| {
            let person = store::find_person(conn, id)?.ok_or(Error::SignedOut)?;
            require_no_second_factor(&person)?;
            let buckets = self.buckets_of(caller, &person);
            self.refuse_too_many(conn, &buckets, now)?;
            let found = store::find_credentials_of(conn, id)?;
            Ok::<_, Error>((buckets, found.ok_or_else(|| no_password("/password"))?))
        })?;
        // No connection is held from here until the password is judged.
        if !self.hasher.verify(password, &found.password_hash, &found.pepper_id)? {
            self.note_failure(&buckets)?;
            return Err(wrong_password());
        }
        self.db.transaction(|tx| {
            let person = store::lock_person(tx.conn(), id)?.ok_or(Error::SignedOut)?;
            require_no_second_factor(&person)?;
            let now = tx.now()?;
            // Counted again, as at signing in: of many guesses at once only as many as may fail get a truthful answer.
            self.refuse_too_many(tx.conn(), &buckets, now)?;
            if !store::password_stands(tx.conn(), id, found.password_set_at)? {
                return Err(wrong_password());
            }
            self.note_step_up(tx, id, session, now)
        })
    }

    fn step_up_by_code(
        &self,
        caller: &Caller,
        id: PersonId,
        session: SessionId,
        code: &TypedCode,
    ) -> Result<Instant, Error> {
        let until = self.db.transaction(|tx| {
            let person = store::lock_person(tx.conn(), id)?.ok_or(Error::SignedOut)?;
            if person.second_factor_at.is_none() {
                return Err(fault("/password", "required", "is asked for: there is no second factor"));
            }
            if !self.try_code(tx, caller, &person, code)? {
                return Ok(None);
            }
            let now = tx.now()?;
            self.note_step_up(tx, id, session, now).map(Some)
        })?;
        until.ok_or_else(wrong_code)
    }

    fn note_step_up(
        &self,
        tx: &mut Tx<'_>,
        person: PersonId,
        session: SessionId,
        now: Instant,
    ) -> Result<Instant, Error> {
        let until = now + TimeDelta::minutes(i64::from(self.settings.step_up_minutes));
        let lives = store::step_up_session(tx.conn(), session, person, until, now)?;
        let stepped_up = json!({ "steppedUpUntil": until });
        audit::changed(tx, audit::Object::new("session", session), Value::Null, stepped_up);
        if lives { Ok(until) } else { Err(Error::SignedOut) }
    }

    /// How somebody's second factor stands, for themselves.
    pub(super) fn second_factor_of(
        &self,
        conn: &mut PgConnection,
        person: &Person,
    ) -> Result<SecondFactor, Error> {
        let since = person.second_factor_at;
        let recovery_codes_left = match since {
            Some(_) => store::count_recovery_codes(conn, person.id)?,
            None => 0,
        };
        let owed = rules::owes_second_factor(person.role, since.is_some(), &self.settings);
        Ok(SecondFactor { since, owed, recovery_codes_left })
    }

    /// The person, kept from changing, whose second factor is in this state.
    fn lock_in_state(&self, tx: &mut Tx<'_>, id: PersonId, needed: FactorState) -> Result<Person, Error> {
        let person = store::lock_person(tx.conn(), id)?.ok_or(Error::SignedOut)?;
        let kept = store::find_second_factor(tx.conn(), id)?;
        let state = match (person.second_factor_at, kept) {
            (Some(_), _) => FactorState::On,
            (None, Some(_)) => FactorState::Pending,
            (None, None) => FactorState::Off,
        };
        if state == needed { Ok(person) } else { Err(Error::SecondFactorState(state)) }
    }

    /// Whether a code is good now, and uses it up; a wrong one is noted as a failed sign-in is. The person is locked, so codes of one
    /// account are judged one after the other.
    fn try_code(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        person: &Person,
        code: &TypedCode,
    ) -> Result<bool, Error> {
        let now = tx.now()?;
        let buckets = self.buckets_of(caller, person);
        self.refuse_too_many(tx.conn(), &buckets, now)?;
        let good = self.spend_app_code(tx, person.id, code, now)?
            || self.spend_recovery_code(tx, caller, person.id, code, now)?;
        if !good {
            self.note_failure_in(tx, &buckets)?;
        }
        Ok(good)
    }

    fn spend_app_code(
        &self,
        tx: &mut Tx<'_>,
        person: PersonId,
        code: &TypedCode,
        now: Instant,
    ) -> Result<bool, Error> {
        let Some(kept) = store::find_second_factor(tx.conn(), person)? else { return Ok(false) };
        let subject = VaultSubject::Person(person);
        let Some(secret) = self.vault.open(tx.conn(), subject, &place(person), &kept.sealed_secret)? else {
            return Ok(false);
        };
        let secret = SharedSecret::from_bytes(&secret)?;
        match secret.find_step(code, now, kept.last_step)? {
            Some(step) => {
                store::set_last_step(tx.conn(), person, step)?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn spend_recovery_code(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        person: PersonId,
        code: &TypedCode,
        now: Instant,
    ) -> Result<bool, Error> {
        let Some(hash) = recovery_hash(person, code) else { return Ok(false) };
        if !store::use_recovery_code(tx.conn(), person, &hash, now)? {
            return Ok(false);
        }
        let left = store::count_recovery_codes(tx.conn(), person)?;
        let codes = |left: u32| json!({ "recoveryCodesLeft": left });
        let object = audit::Object::new("person", person);
        audit::changed(tx, object, codes(left.saturating_add(1)), codes(left));
        publish(tx, "second_factor.recovery_code_used", person, caller, left);
        Ok(true)
    }
}

/// Where a person's secret is kept, for the seal.
fn place(person: PersonId) -> Vec<u8> {
    [b"identity.second_factors.sealed_secret\0".as_slice(), person.uuid().as_bytes()].concat()
}

/// Whoever has a second factor proves it by that: a stolen password alone must not do.
fn require_no_second_factor(person: &Person) -> Result<(), Error> {
    match person.second_factor_at {
        None => Ok(()),
        Some(_) => Err(fault("/code", "required", "is asked for: a second factor is on")),
    }
}

fn wrong_password() -> Error {
    fault("/password", "wrong_password", "is not the present password")
}

/// One answer for a wrong, a late and a used code.
fn wrong_code() -> Error {
    fault("/code", "wrong_code", "is wrong, used, or too old")
}

fn fault(pointer: &str, code: &'static str, message: &str) -> Error {
    Faults::from(Fault::new(pointer, code, message)).into()
}

/// Into the audit trail.
fn became(tx: &mut Tx<'_>, person: PersonId, before: Option<FactorState>, after: FactorState) {
    let state = |state: FactorState| json!({ "secondFactor": state.as_str() });
    let before = before.map_or(Value::Null, state);
    audit::changed(tx, audit::Object::new("person", person), before, state(after));
}

fn publish(tx: &mut Tx<'_>, name: &'static str, person: PersonId, caller: &Caller, codes_left: u32) {
    outbox::publish(
        tx,
        NewEvent {
            name,
            version: 1,
            aggregate: Aggregate { kind: "person", id: person.uuid() },
            request_id: caller.request_id.clone(),
            data: json!({ "personId": person, "recoveryCodesLeft": codes_left }),
        },
    );
}
