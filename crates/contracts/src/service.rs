//! The two traits over Postgres: authorise, open a transaction, load, decide, store, publish. No SQL, and no rules.

mod award;
mod clock;
pub(crate) mod completion;
mod milestones;
mod personal;
mod signing;
mod suspension;
mod text;
pub(crate) mod trail;
mod verification;
mod views;

use database::{Db, PgConnection, Tx};
use identity::Vault;
use kernel::{
    Actor, AdminActor, ContractorActor, HomeownerActor, Instant, Limit, Page, PartyId, Position, Role,
};
use outbox::{Aggregate, NewEvent};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::model::{
    AcceptBid, AddMilestone, Contract, ContractCard, ContractFilter, ContractId, ContractStatus,
    ContractView, Document, EditMilestone, MilestoneRef, MilestoneView, RequestChanges, SignContract,
};
use crate::settings::Settings;
use crate::store::{self, Scope};
use crate::tasks::{InspectionLapse, InspectionReminder, SigningLapse};
use crate::{ContractsCommands, ContractsQueries};

pub(crate) use signing::Lapse;

/// Contracts over a database.
#[derive(Clone)]
pub struct ContractsService {
    db: Db,
    vault: Vault,
    settings: Settings,
}

impl std::fmt::Debug for ContractsService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContractsService")
            .field("db", &self.db)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl ContractsService {
    /// A service over this database; texts are sealed in this vault.
    #[must_use]
    pub fn new(db: Db, vault: Vault, settings: Settings) -> Self {
        Self { db, vault, settings }
    }

    pub(crate) fn lapse_signing(&self, task: &SigningLapse, request_id: &str) -> Result<Lapse, Error> {
        self.db.transaction(|tx| signing::lapse(tx, task.contract_id, request_id))
    }

    pub(crate) fn lapse_inspection(&self, task: &InspectionLapse, request_id: &str) -> Result<Lapse, Error> {
        self.db.transaction(|tx| clock::approve_by_silence(tx, task, request_id))
    }

    pub(crate) fn heed_verification(&self, contractor: PartyId, request_id: &str) -> Result<(), Error> {
        self.db.transaction(|tx| verification::heed(tx, contractor, request_id))
    }

    pub(crate) fn remind_of_inspection(
        &self,
        task: &InspectionReminder,
        request_id: &str,
    ) -> Result<(), Error> {
        self.db.transaction(|tx| clock::remind(tx, &self.settings.reminders(), task, request_id))
    }

    pub(crate) fn heed_suspension(
        &self,
        party: PartyId,
        since: Instant,
        request_id: &str,
    ) -> Result<(), Error> {
        self.db.transaction(|tx| suspension::began(tx, party, since, request_id))
    }

    pub(crate) fn heed_reinstatement(
        &self,
        party: PartyId,
        at: Instant,
        request_id: &str,
    ) -> Result<(), Error> {
        self.db.transaction(|tx| suspension::ended(tx, &self.settings.reminders(), party, at, request_id))
    }
}

impl ContractsQueries for ContractsService {
    fn list_contracts(
        &self,
        actor: &Actor,
        filter: ContractFilter,
        limit: Limit,
        after: Option<Position>,
    ) -> Result<Page<ContractCard>, Error> {
        self.db.read(|conn| {
            let rows = store::list_contracts(conn, Scope::of(actor), filter, limit, after)?;
            let page = Page::cut(rows, limit, |row| Position { key: row.created_at, id: row.id.uuid() });
            views::cards(conn, page)
        })
    }

    fn get_contract(&self, actor: &Actor, id: ContractId) -> Result<ContractView, Error> {
        self.db.read(|conn| {
            let contract = visible(conn, actor, id)?;
            views::contract(conn, contract, actor.party)
        })
    }

    fn get_document(&self, actor: &Actor, id: ContractId) -> Result<Document, Error> {
        self.db.read(|conn| {
            let contract = visible(conn, actor, id)?;
            text::read(conn, &self.vault, &contract)
        })
    }

    fn list_milestones(
        &self,
        actor: &Actor,
        contract: ContractId,
        limit: Limit,
        after: Option<Position<i32>>,
    ) -> Result<Page<MilestoneView, i32>, Error> {
        self.db.read(|conn| {
            let contract = visible(conn, actor, contract)?;
            let rows = store::page_of_milestones(conn, contract.id, limit, after)?;
            let page = Page::cut(rows, limit, |row| Position { key: row.ordinal, id: row.id.uuid() });
            let next = page.next;
            Ok(Page { items: views::milestones(conn, &contract, page.items, actor.party)?, next })
        })
    }

    fn contract_figures(&self, _: AdminActor<'_>) -> Result<Vec<(ContractStatus, i64)>, Error> {
        let counted = self.db.read(store::count_by_status)?;
        let of = |status: ContractStatus| counted.get(status.as_str()).copied().unwrap_or_default();
        Ok(ContractStatus::ALL.iter().map(|status| (*status, of(*status))).collect())
    }
}

impl ContractsCommands for ContractsService {
    fn accept_bid(&self, homeowner: HomeownerActor<'_>, command: &AcceptBid) -> Result<ContractView, Error> {
        self.db.transaction(|tx| award::accept(tx, self, &homeowner, command))
    }

    fn sign(&self, actor: &Actor, command: &SignContract) -> Result<ContractView, Error> {
        self.db.transaction(|tx| signing::sign(tx, self, actor, command))
    }

    fn add_milestone(&self, actor: &Actor, command: &AddMilestone) -> Result<MilestoneView, Error> {
        self.db.transaction(|tx| milestones::add(tx, self, actor, command))
    }

    fn edit_milestone(&self, actor: &Actor, command: &EditMilestone) -> Result<MilestoneView, Error> {
        self.db.transaction(|tx| milestones::edit(tx, self, actor, command))
    }

    fn start_milestone(
        &self,
        contractor: ContractorActor<'_>,
        at: &MilestoneRef,
    ) -> Result<MilestoneView, Error> {
        self.db.transaction(|tx| clock::start(tx, &contractor, at))
    }

    fn submit_milestone(
        &self,
        contractor: ContractorActor<'_>,
        at: &MilestoneRef,
    ) -> Result<MilestoneView, Error> {
        self.db.transaction(|tx| clock::submit(tx, &self.settings.reminders(), &contractor, at))
    }

    fn approve_milestone(
        &self,
        homeowner: HomeownerActor<'_>,
        at: &MilestoneRef,
    ) -> Result<MilestoneView, Error> {
        self.db.transaction(|tx| clock::approve(tx, &homeowner, at))
    }

    fn request_changes(
        &self,
        homeowner: HomeownerActor<'_>,
        command: &RequestChanges,
    ) -> Result<MilestoneView, Error> {
        self.db.transaction(|tx| clock::request_changes(tx, &homeowner, command))
    }
}

/// The contract, if this actor may see it.
fn visible(conn: &mut PgConnection, actor: &Actor, id: ContractId) -> Result<Contract, Error> {
    store::find_contract(conn, Scope::of(actor), id)?.ok_or(Error::ContractNotFound)
}

/// The contract, locked, if this actor is one of its parties.
fn locked(tx: &mut Tx<'_>, actor: &Actor, id: ContractId) -> Result<Contract, Error> {
    match store::lock_contract(tx.conn(), actor.party, id)? {
        Some(contract) => Ok(contract),
        // An administrator sees it, and is still not a party to it.
        None if actor.role == Role::Admin && store::find_contract_by_id(tx.conn(), id)?.is_some() => {
            Err(Error::WrongParty("a party to the contract"))
        }
        None => Err(Error::ContractNotFound),
    }
}

/// Publishes an event about a contract. It names the parties and the job; `more` adds to that.
pub(crate) fn tell(tx: &mut Tx<'_>, contract: &Contract, name: &'static str, request_id: &str, more: Value) {
    let mut data = Map::new();
    data.insert("contractId".to_owned(), json!(contract.id));
    data.insert("jobId".to_owned(), json!(contract.job_id));
    data.insert("homeownerId".to_owned(), json!(contract.homeowner));
    data.insert("contractorId".to_owned(), json!(contract.contractor));
    if let Value::Object(more) = more {
        data.extend(more);
    }
    outbox::publish(
        tx,
        NewEvent {
            name,
            version: 1,
            aggregate: Aggregate::of("contract", contract.id),
            request_id: request_id.to_owned(),
            data: Value::Object(data),
        },
    );
}
