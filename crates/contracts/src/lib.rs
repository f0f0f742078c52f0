#![doc = include_str!("../README.md")]

mod document;
mod error;
mod facts;
mod model;
pub mod rules;
#[rustfmt::skip]
mod schema;
mod service;
mod settings;
mod store;
mod tasks;
mod traits;

use kernel::{Actor, AdminActor, ContractorActor, HomeownerActor, Limit, Page, Position};

pub use error::Error;
pub use facts::{
    facts, facts_of_all, facts_of_job, lock_milestones, milestones_of_all, record_funded, record_released,
};
pub use model::*;
pub use service::ContractsService;
pub use settings::Settings;
pub use tasks::{CONSUMER, InspectionLapse, InspectionReminder, SigningLapse, register};
pub use traits::CompletionCommands;

/// What can be read of contracts. A contract is seen by its two parties and by administrators; for anybody else it does not exist.
pub trait ContractsQueries: Send + Sync {
    /// The contracts that this actor may see, the newest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn list_contracts(
        &self,
        actor: &Actor,
        filter: ContractFilter,
        limit: Limit,
        after: Option<Position>,
    ) -> Result<Page<ContractCard>, Error>;

    /// One contract.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`].
    fn get_contract(&self, actor: &Actor, id: ContractId) -> Result<ContractView, Error>;

    /// The text that is to be signed, or was.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`].
    fn get_document(&self, actor: &Actor, id: ContractId) -> Result<Document, Error>;

    /// The milestones of a contract, in their order.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`].
    fn list_milestones(
        &self,
        actor: &Actor,
        contract: ContractId,
        limit: Limit,
        after: Option<Position<i32>>,
    ) -> Result<Page<MilestoneView, i32>, Error>;

    /// Each state of contracts with how many there are, none left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn contract_figures(&self, admin: AdminActor<'_>) -> Result<Vec<(ContractStatus, i64)>, Error>;
}

/// What can be done with contracts.
pub trait ContractsCommands: ContractsQueries + CompletionCommands {
    /// Accepts a bid: awards the job, declines the other bids and makes the contract with its milestones, in one transaction.
    ///
    /// # Errors
    /// [`Error::Marketplace`] when the bid is not there, not for this homeowner to accept, was revised since it was read, or the
    /// job or the bid is in the wrong state: of two acceptances at the same time one gets that. [`Error::ContractorUnavailable`] when
    /// the bidder is suspended.
    fn accept_bid(&self, homeowner: HomeownerActor<'_>, command: &AcceptBid) -> Result<ContractView, Error>;

    /// Signs a contract; the second signature makes it active.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`], [`Error::WrongParty`], [`Error::EmailNotVerified`], [`Error::ContractState`],
    /// [`Error::SigningPeriodOver`], and [`Error::DocumentChanged`] when the text is not the one that was read.
    fn sign(&self, actor: &Actor, command: &SignContract) -> Result<ContractView, Error>;

    /// Carves a milestone out of another one while nobody is bound yet. Signatures that were given are voided.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`], [`Error::WrongParty`], [`Error::ContractState`], [`Error::SigningPeriodOver`],
    /// [`Error::TooManyMilestones`], [`Error::Invalid`] when the other one would keep nothing or is not there.
    fn add_milestone(&self, actor: &Actor, command: &AddMilestone) -> Result<MilestoneView, Error>;

    /// Changes what a milestone says while nobody is bound yet. Signatures that were given are voided.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`], [`Error::MilestoneNotFound`], [`Error::WrongParty`], [`Error::ContractState`],
    /// [`Error::SigningPeriodOver`], [`Error::Stale`], [`Error::Invalid`] when the days are not in order.
    fn edit_milestone(&self, actor: &Actor, command: &EditMilestone) -> Result<MilestoneView, Error>;

    /// Starts work on a funded milestone.
    ///
    /// # Errors
    /// [`Error::ContractNotFound`], [`Error::MilestoneNotFound`], [`Error::MilestoneState`], [`Error::Stale`].
    fn start_milestone(
        &self,
        contractor: ContractorActor<'_>,
        at: &MilestoneRef,
    ) -> Result<MilestoneView, Error>;

    /// Hands a milestone over for inspection and starts its clock.
    ///
    /// # Errors
    /// As [`ContractsCommands::start_milestone`].
    fn submit_milestone(
        &self,
        contractor: ContractorActor<'_>,
        at: &MilestoneRef,
    ) -> Result<MilestoneView, Error>;

    /// Approves a submitted milestone. No money moves by it.
    ///
    /// # Errors
    /// As [`ContractsCommands::start_milestone`].
    fn approve_milestone(
        &self,
        homeowner: HomeownerActor<'_>,
        at: &MilestoneRef,
    ) -> Result<MilestoneView, Error>;

    /// Sends a submitted milestone back and stops its clock.
    ///
    /// # Errors
    /// As [`ContractsCommands::start_milestone`], and [`Error::InspectionOver`] once silence has approved.
    fn request_changes(
        &self,
        homeowner: HomeownerActor<'_>,
        command: &RequestChanges,
    ) -> Result<MilestoneView, Error>;
}
