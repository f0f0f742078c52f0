//! A person leaves: what is open ends, what others need stays under no name, the rest is gone. One transaction, so that nobody is ever
//! half forgotten.

use std::sync::Arc;

use database::Tx;
use kernel::{Actor, Instant, PartyId, PersonId, Role};
use outbox::{Aggregate, NewEvent};
use serde_json::json;

use super::verifications::supersede;
use super::{IdentityService, person_of, session_of, trail};
use crate::model::{AccountState, Person, VerificationState};
use crate::{Error, PersonalData, VaultSubject, facts, rules, store};

impl IdentityService {
    pub(super) fn erase(&self, actor: &Actor) -> Result<(), Error> {
        let id = person_of(actor)?;
        session_of(actor)?;
        self.db.transaction(|tx| {
            let person = leaving(tx, actor, id)?;
            let mut blockers = Vec::new();
            for holder in self.holders() {
                blockers.extend(holder.blockers(tx, id)?);
            }
            if !blockers.is_empty() {
                return Err(Error::ErasureBlocked(blockers));
            }
            for holder in self.holders() {
                holder.erase(tx, id)?;
            }
            let now = tx.now()?;
            self.forget(tx, id, now)?;
            announce(tx, &person, now, &actor.request_id);
            let state = |state: AccountState| json!({ "state": state.as_str() });
            trail::person(tx, id, state(AccountState::Active), state(AccountState::Erased));
            Ok(())
        })
    }

    pub(super) fn holders(&self) -> &[Arc<dyn PersonalData>] {
        self.holders.get().map_or(&[], Vec::as_slice)
    }

    /// What this crate knows of the person. Answers kept under idempotency keys go with the data key that they are sealed under.
    fn forget(&self, tx: &mut Tx<'_>, id: PersonId, now: Instant) -> Result<(), Error> {
        for state in [VerificationState::Pending, VerificationState::Approved] {
            supersede(tx, PartyId::from(id), state)?;
        }
        for file in store::blank_credentials(tx.conn(), id)? {
            files::remove(tx, file)?;
        }
        for archive in store::delete_exports(tx.conn(), id)? {
            files::remove(tx, archive)?;
        }
        files::forget_owner(tx, PartyId::from(id))?;
        store::blank_judgements(tx.conn(), id)?;
        store::remove_ways_in(tx.conn(), id)?;
        store::empty_account(tx.conn(), id, now)?;
        Ok(self.vault.destroy(tx, VaultSubject::Person(id))?)
    }
}

/// The person, locked against everything else that it does, if it may leave.
fn leaving(tx: &mut Tx<'_>, actor: &Actor, id: PersonId) -> Result<Person, Error> {
    // Administrators first and in their order, as everybody who locks several of them does.
    let administrators = match actor.role {
        Role::Admin => store::lock_administrators(tx.conn())?,
        Role::Homeowner | Role::Contractor => Vec::new(),
    };
    let person = store::lock_leaving(tx.conn(), id)?;
    let person = person.filter(|person| person.suspended_at.is_none()).ok_or(Error::SignedOut)?;
    facts::require_step_up(tx, actor)?;
    rules::may_leave(&administrators, id)?;
    Ok(person)
}

fn announce(tx: &mut Tx<'_>, person: &Person, now: Instant, request_id: &str) {
    outbox::publish(
        tx,
        NewEvent {
            name: "person.erased",
            version: 1,
            aggregate: Aggregate { kind: "person", id: person.id.uuid() },
            request_id: request_id.to_owned(),
            data: json!({
                "personId": person.id,
                "partyId": PartyId::from(person.id),
                "role": person.role,
                "erasedAt": now,
            }),
        },
    );
}
