//! New passwords: by a token from a mail, or by the old one.

use database::Tx;
use kernel::{Actor, Faults, SessionId};
use outbox::{Aggregate, NewEvent};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::links::{no_such_link, refuse_link};
use super::sessions::Buckets;
use super::{IdentityService, person_of, session_of, trail};
use crate::keys::{LinkPurpose, token_hash};
use crate::model::{Caller, Password, PasswordChange, PasswordReset, Person};
use crate::passwords::Hashed;
use crate::rules::{self, PasswordPolicy};
use crate::store::{self, EndReason};
use crate::{Error, IdentityQueries};

/// By what a new password was set.
#[derive(Clone, Copy)]
enum Way {
    Reset,
    Change,
}

impl IdentityService {
    pub(super) fn set_password_by_link(&self, caller: &Caller, reset: &PasswordReset) -> Result<(), Error> {
        let hash = token_hash(reset.token.expose_secret());
        let person = self.holder_of_reset_link(&hash)?;
        let mut faults = Faults::none();
        faults.take("", person.as_ref().ok_or_else(no_such_link));
        let about = person.as_ref().map(about).unwrap_or_default();
        let judged = judge(&self.password_policy(), &reset.password, &about);
        let Some(password) = faults.take("/password", judged).filter(|_| faults.is_empty()) else {
            return Err(faults.into());
        };
        // No connection is held while the password is hashed.
        let hashed = self.hasher.hash(&password)?;
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let used = store::use_link_token(tx.conn(), LinkPurpose::ResetPassword.as_str(), &hash, now)?;
            let (person, email) = used.ok_or_else(refuse_link)?;
            // Whoever reads the mail has the address; one that was changed since gets nobody in.
            store::lock_person(tx.conn(), person)?;
            // Whoever was in the account, or made it with another's address, may have kept a way in: the mailbox's owner starts without it.
            let unlinked = store::delete_external_identities(tx.conn(), person)?;
            if unlinked > 0 {
                trail::person(tx, person, json!({ "identities": unlinked }), json!({ "identities": 0 }));
            }
            let person =
                store::mark_email_verified(tx.conn(), person, &email, now)?.ok_or_else(refuse_link)?;
            self.replace_password(tx, caller, &person, &hashed, Way::Reset, None)
        })
    }

    pub(super) fn set_password_by_password(
        &self,
        actor: &Actor,
        caller: &Caller,
        change: &PasswordChange,
    ) -> Result<(), Error> {
        let (id, session) = (person_of(actor)?, session_of(actor)?);
        let person = self.db.read(|conn| store::find_person(conn, id))?.ok_or(Error::SignedOut)?;
        let found = self
            .db
            .read(|conn| store::find_credentials_of(conn, id))?
            .ok_or_else(|| no_password("/currentPassword"))?;
        let buckets = Buckets::of(&self.keys, &crate::model::Email::lookup(&person.email), id, caller);
        let now = self.db.now()?;
        self.db.read(|conn| self.refuse_too_many(conn, &buckets, now))?;
        let mut faults = Faults::none();
        let current = Password::typed(change.current.expose_secret());
        let judged = judge(&self.password_policy(), &change.new, &about(&person));
        let password = faults.take("/newPassword", judged);
        let is_same = password
            .as_ref()
            .is_some_and(|new| new.secret().expose_secret() == current.secret().expose_secret());
        faults.check(!is_same, "/newPassword", "unchanged", "must be another than the present one");
        if !self.hasher.verify(&current, &found.password_hash, &found.pepper_id)? {
            self.note_failure(&buckets)?;
            faults.push("/currentPassword", "wrong_password", "is not the present password");
        }
        let Some(password) = password.filter(|_| faults.is_empty()) else { return Err(faults.into()) };
        let hashed = self.hasher.hash(&password)?;
        self.db.transaction(|tx| {
            let person = store::lock_person(tx.conn(), id)?.ok_or(Error::SignedOut)?;
            let living =
                store::lock_session(tx.conn(), session)?.filter(|session| session.ended_at.is_none());
            living.ok_or(Error::SignedOut)?;
            if !store::password_stands(tx.conn(), id, found.password_set_at)? {
                return Err(superseded());
            }
            self.replace_password(tx, caller, &person, &hashed, Way::Change, Some(session))
        })
    }

    /// Whose good link this is, for judging the password with what is known of the person; used up is it later.
    fn holder_of_reset_link(&self, hash: &[u8]) -> Result<Option<Person>, Error> {
        let now = self.db.now()?;
        let holder = self.db.read(|conn| {
            match store::find_link_holder(conn, LinkPurpose::ResetPassword.as_str(), hash, now)? {
                Some(person) => store::find_person(conn, person),
                None => Ok(None),
            }
        });
        Ok(holder?)
    }

    /// Whoever knew the old password is shut out: its sessions end but for the one that changed it, questions for a second factor and links
    /// that wait are used up, another e-mail address that was wished for is forgotten, and no network but this one is at home any more. The
    /// person is told.
    fn replace_password(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        person: &Person,
        hashed: &Hashed,
        way: Way,
        stays: Option<SessionId>,
    ) -> Result<(), Error> {
        let (id, now) = (person.id, tx.now()?);
        let (event, reason) = match way {
            Way::Reset => ("password.reset", EndReason::PasswordReset),
            Way::Change => ("password.changed", EndReason::PasswordChanged),
        };
        store::set_password(tx.conn(), id, &hashed.hash, &hashed.pepper_id, now)?;
        for purpose in [LinkPurpose::ResetPassword, LinkPurpose::ChangeEmail] {
            store::use_up_links(tx.conn(), id, purpose.as_str(), now)?;
        }
        store::cancel_email_change(tx.conn(), id)?;
        store::forget_addresses(tx.conn(), id)?;
        // Whoever read a mail has not shown the second factor yet.
        if matches!(way, Way::Change) || person.second_factor_at.is_none() {
            let address = self.keys.throttle_key("address", &rules::caller_network(caller.address));
            store::remember_address(tx.conn(), id, &address, now, self.known_since(now))?;
        }
        let ended = store::end_sessions_of(tx, id, stays, reason)?;
        let after = json!({ "passwordSetAt": now, "sessionsEnded": ended });
        audit::changed(tx, audit::Object::new("person", id), Value::Null, after);
        outbox::publish(
            tx,
            NewEvent {
                name: event,
                version: 1,
                aggregate: Aggregate { kind: "person", id: id.uuid() },
                request_id: caller.request_id.clone(),
                data: json!({ "personId": id }),
            },
        );
        Ok(())
    }
}

/// What somebody who knows the person would try first.
fn about(person: &Person) -> Vec<String> {
    [Some(person.email.clone()), person.name.clone()].into_iter().flatten().collect()
}

fn judge(
    policy: &PasswordPolicy,
    password: &secrecy::SecretString,
    about: &[String],
) -> Result<Password, Faults> {
    policy.new_password(password, &about.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Somebody who signs in at a provider has none to change; the first one is set by way of the mailbox.
pub(super) fn no_password(pointer: &str) -> Error {
    let mut faults = Faults::none();
    faults.push(pointer, "no_password", "there is none yet: ask for a mail to set one");
    faults.into()
}

/// Another request has set a password meanwhile: the one that this request proved to know is the present one no longer.
fn superseded() -> Error {
    let mut faults = Faults::none();
    faults.push("/currentPassword", "wrong_password", "is not the present password any more");
    faults.into()
}
