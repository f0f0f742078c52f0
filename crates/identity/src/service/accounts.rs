//! Making accounts, and proving their addresses.

use database::Tx;
use kernel::{PartyId, PersonId, Role};
use outbox::{Aggregate, NewEvent};
use serde_json::{Value, json};

use super::IdentityService;
use super::links::refuse_link;
use super::trail;
use crate::keys::{LinkPurpose, token_hash};
use crate::model::{Caller, Email, NewAdmin, Person, Registration, SignedIn};
use crate::passwords::Hashed;
use crate::{Error, rules, store};

/// The constraint that makes one mailbox one person.
pub(super) const EMAIL_ONCE: &str = "people_email_once";

impl IdentityService {
    pub(super) fn open_account(
        &self,
        caller: &Caller,
        registration: &Registration,
    ) -> Result<SignedIn, Error> {
        self.refuse_known_email(&registration.email)?;
        let hashed = self.hasher.hash(&registration.password)?;
        let time_zone =
            registration.time_zone.map_or(self.settings.default_time_zone.as_str(), |zone| zone.as_str());
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let new = store::NewPerson {
                id: PersonId::new(),
                role: registration.role.as_str(),
                email: registration.email.as_str(),
                email_canonical: registration.email.canonical(),
                email_verified_at: None,
                password_hash: Some(&hashed.hash),
                pepper_id: Some(&hashed.pepper_id),
                full_name: registration.name.as_ref().map(crate::model::PersonName::as_str),
                phone: registration.phone.as_ref().map(crate::model::Phone::as_str),
                time_zone,
                created_at: now,
                updated_at: now,
            };
            let person = insert(tx, &new, &caller.request_id)?;
            if person.role == Role::Contractor {
                store::insert_contractor_profile(tx.conn(), person.id)?;
            }
            let email = registration.email.canonical();
            self.send_link(tx, LinkPurpose::VerifyEmail, person.id, email, &caller.request_id)?;
            let address = self.keys.throttle_key("address", &rules::caller_network(caller.address));
            store::remember_address(tx.conn(), person.id, &address, now, self.known_since(now))?;
            self.begin_session(tx, caller, person, now)
        })
    }

    pub(super) fn make_admin(&self, caller: &Caller, admin: &NewAdmin) -> Result<Person, Error> {
        self.refuse_known_email(&admin.email)?;
        let Hashed { hash, pepper_id } = self.hasher.hash(&admin.password)?;
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let new = store::NewPerson {
                id: PersonId::new(),
                role: Role::Admin.as_str(),
                email: admin.email.as_str(),
                email_canonical: admin.email.canonical(),
                // The operator vouches for it: whoever has the database needs no mail to be believed.
                email_verified_at: Some(now),
                password_hash: Some(&hash),
                pepper_id: Some(&pepper_id),
                full_name: admin.name.as_ref().map(crate::model::PersonName::as_str),
                phone: None,
                time_zone: &self.settings.default_time_zone,
                created_at: now,
                updated_at: now,
            };
            insert(tx, &new, &caller.request_id)
        })
    }

    pub(super) fn prove_email(&self, token: &str, request_id: &str) -> Result<Person, Error> {
        let hash = token_hash(token);
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let used = store::use_link_token(tx.conn(), LinkPurpose::VerifyEmail.as_str(), &hash, now)?;
            let Some((person, email)) = used else { return self.grant_email(tx, &hash, request_id) };
            trail::person(tx, person, Value::Null, json!({ "emailVerified": true }));
            store::mark_email_verified(tx.conn(), person, &email, now)?.ok_or_else(refuse_link)
        })
    }

    pub(super) fn take_email_as_proven(&self, id: PersonId) -> Result<Person, Error> {
        self.db.transaction(|tx| {
            let now = tx.now()?;
            let person = store::find_person(tx.conn(), id)?.ok_or(Error::NotFound("person"))?;
            let email = Email::lookup(&person.email);
            store::mark_email_verified(tx.conn(), id, &email, now)?.ok_or(Error::NotFound("person"))
        })
    }

    /// Before the slow hashing; whether it is taken is decided by the insert.
    fn refuse_known_email(&self, email: &Email) -> Result<(), Error> {
        let taken = self.db.read(|conn| store::email_exists(conn, email.canonical()))?;
        if taken { Err(Error::EmailInUse) } else { Ok(()) }
    }
}

/// Stores somebody new.
pub(super) fn insert(tx: &mut Tx<'_>, new: &store::NewPerson<'_>, request_id: &str) -> Result<Person, Error> {
    let person = store::insert_person(tx.conn(), new)
        .map_err(|error| if error.is_unique(EMAIL_ONCE) { Error::EmailInUse } else { error.into() })?;
    trail::registered(tx, &person);
    outbox::publish(
        tx,
        NewEvent {
            name: "person.registered",
            version: 1,
            aggregate: Aggregate { kind: "person", id: person.id.uuid() },
            request_id: request_id.to_owned(),
            data: json!({ "personId": person.id, "partyId": PartyId::from(person.id), "role": person.role }),
        },
    );
    Ok(person)
}
