//! What the two traits promise: who may, in one transaction what has to hold together, and what is told afterwards.
//! No SQL is written here and no amount is computed.

mod deposits;
mod events;
mod opening;
mod payouts;
mod personal;
mod reading;
mod releases;
mod trail;
mod webhooks;

use std::sync::Arc;

use contracts::{ContractFacts, ContractId, MilestoneStatus, Side};
use database::{Db, PgConnection};
use kernel::{Actor, AdminActor, HomeownerActor, Limit, Page, Position};

use crate::model::{
    AccountId, AccountStatement, Confirm, ContractSummary, Deposit, DepositOutcome, Escrow, EscrowId,
    HistoryLine, MoneyFigures, NewEscrow, Payment, PayoutFigures, Release, ReleaseOutcome, TrialBalance,
};
use crate::provider::PaymentProvider;
use crate::rules::Refusal;
use crate::settings::Settings;
use crate::store::escrows::EscrowRow;
use crate::{Error, EscrowCommands, EscrowQueries};

/// The escrow service over a database and a payment provider.
#[derive(Clone)]
pub struct EscrowService {
    db: Db,
    provider: Arc<dyn PaymentProvider>,
    settings: Settings,
}

impl std::fmt::Debug for EscrowService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EscrowService").field("provider", &self.provider.name()).finish_non_exhaustive()
    }
}

impl EscrowService {
    /// A service over a database of ours and a provider of somebody else's.
    #[must_use]
    pub fn new(db: Db, provider: Arc<dyn PaymentProvider>, settings: Settings) -> Self {
        Self { db, provider, settings }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn provider(&self) -> &dyn PaymentProvider {
        self.provider.as_ref()
    }

    /// Paying needs an address that bills can be sent to.
    fn may_pay(&self, actor: &Actor) -> Result<(), Error> {
        if actor.email_verified || !self.settings.paying_needs_verified_email {
            Ok(())
        } else {
            Err(Error::EmailNotVerified)
        }
    }

    /// A provider's call in a transaction would hold its locks for as long as somebody else likes.
    fn outside_transactions(&self) -> Result<(), Error> {
        if self.db.joins() { Err(Error::InTransaction) } else { Ok(()) }
    }
}

/// What a rule's refusal means to whoever asked, who stands on this side of the contract.
fn refusal(refusal: Refusal, contract: &ContractFacts, side: Side) -> Error {
    match refusal {
        Refusal::UnknownMilestone(place) => {
            Error::UnknownMilestone { pointer: format!("/milestoneIds/{place}") }
        }
        Refusal::WrongState(status) => wrong_state(status, contract, side),
        Refusal::NothingToFund => Error::NothingToFund,
        Refusal::AmountMismatch(right) => Error::AmountMismatch { right },
        Refusal::OutOfRange => Error::Refused("a sum is out of range".to_owned()),
    }
}

fn wrong_state(status: MilestoneStatus, contract: &ContractFacts, side: Side) -> Error {
    let allowed = contracts::rules::milestone_actions(contract.status, status, side);
    Error::WrongState { thing: "milestone", state: status.as_str(), allowed }
}

/// On which side of its contract somebody stands who may see an escrow account.
fn side(actor: &Actor, escrow: &EscrowRow) -> Side {
    let party = actor.party.uuid();
    if party == escrow.homeowner_id {
        Side::Homeowner
    } else if party == escrow.contractor_id {
        Side::Contractor
    } else {
        Side::Observer
    }
}

/// The facts of the contract that an escrow account is of.
fn contract_of(conn: &mut PgConnection, escrow: &EscrowRow) -> Result<ContractFacts, Error> {
    contracts::facts(conn, escrow.contract())?.ok_or(Error::NotFound("contract"))
}

impl EscrowQueries for EscrowService {
    fn escrow(&self, actor: &Actor, escrow: EscrowId) -> Result<Escrow, Error> {
        self.read_escrow(actor, escrow)
    }

    fn history(
        &self,
        actor: &Actor,
        escrow: EscrowId,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<Page<HistoryLine, i64>, Error> {
        self.read_history(actor, escrow, after, limit)
    }

    fn contract_summary(&self, actor: &Actor, contract: ContractId) -> Result<ContractSummary, Error> {
        self.read_summary(actor, contract)
    }

    fn trial_balance(&self, _actor: AdminActor<'_>) -> Result<TrialBalance, Error> {
        self.read_trial_balance()
    }

    fn money_figures(
        &self,
        _actor: AdminActor<'_>,
    ) -> Result<(Vec<MoneyFigures>, Vec<PayoutFigures>), Error> {
        self.read_figures()
    }

    fn ledger_account(
        &self,
        _actor: AdminActor<'_>,
        account: AccountId,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<AccountStatement, Error> {
        self.read_account(account, after, limit)
    }
}

impl EscrowCommands for EscrowService {
    fn create_escrow(&self, actor: HomeownerActor<'_>, command: NewEscrow) -> Result<Escrow, Error> {
        self.open_escrow(&actor, command)
    }

    fn open_deposit(&self, actor: HomeownerActor<'_>, command: Deposit) -> Result<Payment, Error> {
        self.intend(&actor, &command)
    }

    fn complete_deposit(&self, actor: HomeownerActor<'_>, command: Confirm) -> Result<DepositOutcome, Error> {
        self.outside_transactions()?;
        let payment = self.own_payment(&actor, command.payment_id)?;
        self.advance(&payment, command.payment_method.as_ref(), &actor.request_id)
    }

    fn confirm_payment(&self, actor: HomeownerActor<'_>, command: Confirm) -> Result<DepositOutcome, Error> {
        self.confirm(&actor, &command)
    }

    fn release_milestone(&self, actor: &Actor, command: Release) -> Result<ReleaseOutcome, Error> {
        self.release(actor, command)
    }

    fn receive_webhook(&self, signature: &str, body: &[u8]) -> Result<(), Error> {
        self.take_webhook(signature, body)
    }
}
