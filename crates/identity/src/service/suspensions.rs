//! Administrators find people, suspend them and reinstate them.

use database::Tx;
use kernel::{AdminActor, Instant, Limit, Page, PartyId, PersonId, Position, Role};
use outbox::{Aggregate, NewEvent};
use serde_json::json;

use super::IdentityService;
use crate::model::{
    Account, AccountFilter, AccountKey, AccountState, PeopleFigures, Person, Reason, SuspensionId, state_of,
};
use crate::store::{self, EndReason};
use crate::{Error, rules};

impl IdentityService {
    pub(super) fn find_accounts(
        &self,
        filter: &AccountFilter,
        after: Option<Position<AccountKey>>,
        limit: Limit,
    ) -> Result<Page<Account, AccountKey>, Error> {
        let rows = self.db.read(|conn| store::list_accounts(conn, filter, after.clone(), limit))?;
        Ok(Page::cut(rows, limit, |row| Position { key: row.key(filter.order), id: row.person.id.uuid() }))
    }

    pub(super) fn figures(&self) -> Result<PeopleFigures, Error> {
        let as_of = self.db.now()?;
        self.db.read(|conn| {
            let counted = store::count_people(conn)?;
            let (verifications_waiting, oldest_waiting_since) = store::count_waiting(conn)?;
            let of = |role, state| counted.get(&(role, state)).copied().unwrap_or_default();
            let people = Role::ALL
                .into_iter()
                .flat_map(|role| AccountState::ALL.map(|state| (role, state, of(role, state))))
                .collect();
            let live_sessions = store::count_live_sessions(conn)?;
            Ok(PeopleFigures { as_of, people, verifications_waiting, oldest_waiting_since, live_sessions })
        })
    }

    pub(super) fn suspend(
        &self,
        admin: &AdminActor<'_>,
        id: PersonId,
        reason: &Reason,
    ) -> Result<Account, Error> {
        self.db.transaction(|tx| {
            let person = locked_for(tx, admin, id)?;
            let now = tx.now()?;
            if !store::suspend(tx.conn(), SuspensionId::new(), id, admin.person, reason.as_str(), now)? {
                return Err(wrong_state(&person));
            }
            // They are refused from now on anyhow; ended they stay so when the person is reinstated.
            store::end_sessions_of(tx, id, None, EndReason::Suspended)?;
            publish(tx, "person.suspended", &person, now, now, &admin.request_id);
            note(tx, id, AccountState::Active, AccountState::Suspended);
            account(tx, id)
        })
    }

    pub(super) fn reinstate(
        &self,
        admin: &AdminActor<'_>,
        id: PersonId,
        reason: &Reason,
    ) -> Result<Account, Error> {
        self.db.transaction(|tx| {
            let Some(person) = store::lock_person(tx.conn(), id)? else {
                return Err(wrong_state(&account(tx, id)?.person));
            };
            let now = tx.now()?;
            let Some(since) = person.suspended_at else { return Err(wrong_state(&person)) };
            store::reinstate(tx.conn(), id, admin.person, reason.as_str(), now)?;
            publish(tx, "person.reinstated", &person, since, now, &admin.request_id);
            note(tx, id, AccountState::Suspended, AccountState::Active);
            account(tx, id)
        })
    }
}

/// The person, locked, if this administrator may suspend it. Of two administrators who suspend each other at once, one is signed out by
/// the time that its turn comes.
fn locked_for(tx: &mut Tx<'_>, admin: &AdminActor<'_>, id: PersonId) -> Result<Person, Error> {
    let found = account(tx, id)?.person;
    if found.erased_at.is_some() {
        return Err(wrong_state(&found));
    }
    if found.role == Role::Admin {
        let administrators = store::lock_administrators(tx.conn())?;
        rules::may_suspend_administrator(&administrators, admin.person, id)?;
    }
    store::lock_person(tx.conn(), id)?.ok_or(Error::NotFound("person"))
}

fn wrong_state(person: &Person) -> Error {
    let state = state_of(person);
    Error::AccountState { state: state.as_str(), allowed: state.allowed() }
}

/// Says in the audit trail what became of an account.
fn note(tx: &mut Tx<'_>, id: PersonId, before: AccountState, after: AccountState) {
    let state = |state: AccountState| json!({ "state": state.as_str() });
    audit::changed(tx, audit::Object::new("person", id), state(before), state(after));
}

fn account(tx: &mut Tx<'_>, id: PersonId) -> Result<Account, Error> {
    store::find_account(tx.conn(), id)?.ok_or(Error::NotFound("person"))
}

/// Tells of the suspension that began at `since`, or of its end.
fn publish(
    tx: &mut Tx<'_>,
    name: &'static str,
    person: &Person,
    since: Instant,
    now: Instant,
    request_id: &str,
) {
    let mut data = json!({
        "personId": person.id,
        "partyId": PartyId::from(person.id),
        "role": person.role,
        "suspendedAt": since,
    });
    if let (Some(data), "person.reinstated") = (data.as_object_mut(), name) {
        data.insert("reinstatedAt".to_owned(), json!(now));
    }
    outbox::publish(
        tx,
        NewEvent {
            name,
            version: 1,
            aggregate: Aggregate { kind: "person", id: person.id.uuid() },
            request_id: request_id.to_owned(),
            data,
        },
    );
}
