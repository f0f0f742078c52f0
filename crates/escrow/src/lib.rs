#![doc = include_str!("../README.md")]

mod error;
mod model;
pub mod provider;
mod rules;
#[rustfmt::skip]
mod schema;
mod service;
mod settings;
mod store;
mod tasks;
mod verify;

use kernel::{Actor, AdminActor, HomeownerActor, Limit, Page, Position};

use contracts::ContractId;

pub use error::Error;
pub use model::{
    AccountId, AccountKind, AccountLine, AccountStatement, Confirm, ContractSummary, Deposit, DepositOutcome,
    Escrow, EscrowFigures, EscrowId, EscrowStatus, HistoryLine, MoneyFigures, NewEscrow, Payment, PaymentId,
    PaymentStatus, PaymentStep, Payout, PayoutFigures, PayoutId, PayoutStatus, RefundId, Release,
    ReleaseOutcome, ScheduleEntry, ScheduleEntryId, ScheduleStatus, TransactionId, TransactionKind,
    TrialBalance, TrialBalanceLine,
};
pub use provider::{PaymentProvider, ProviderError};
pub use service::EscrowService;
pub use settings::Settings;
pub use tasks::{
    AutoRelease, HandleProviderEvent, LapsePayment, ProveBooks, ReadBackPayment, RefundSurplus,
    RetryWaitingPayouts, SendPayout, TakeSnapshots, register,
};
pub use verify::{Disagreement, LedgerReport, verify_ledger};

/// What can be read. A party sees its own, an administrator everything; to anybody else it does not exist.
pub trait EscrowQueries: Send + Sync {
    /// One escrow account, its figures derived from the ledger.
    ///
    /// # Errors
    /// [`Error::NotFound`] to anyone but its parties and administrators.
    fn escrow(&self, actor: &Actor, escrow: EscrowId) -> Result<Escrow, Error>;

    /// The movements of what this escrow account holds, oldest first, with the balance after each.
    ///
    /// # Errors
    /// As [`EscrowQueries::escrow`].
    fn history(
        &self,
        actor: &Actor,
        escrow: EscrowId,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<Page<HistoryLine, i64>, Error>;

    /// The money of one contract: its escrow account, payments, releases and payouts.
    ///
    /// # Errors
    /// [`Error::NotFound`] to anyone but its parties and administrators.
    fn contract_summary(&self, actor: &Actor, contract: ContractId) -> Result<ContractSummary, Error>;

    /// Every kind of account with what it sums to: debits and credits are equal.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn trial_balance(&self, actor: AdminActor<'_>) -> Result<TrialBalance, Error>;

    /// The money of each currency at a glance, from the ledger, and the payouts that are not paid, by state and currency.
    ///
    /// # Errors
    /// [`Error::Database`].
    fn money_figures(&self, actor: AdminActor<'_>) -> Result<(Vec<MoneyFigures>, Vec<PayoutFigures>), Error>;

    /// One ledger account and its latest entries, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn ledger_account(
        &self,
        actor: AdminActor<'_>,
        account: AccountId,
        after: Option<Position<i64>>,
        limit: Limit,
    ) -> Result<AccountStatement, Error>;
}

/// What can be done.
pub trait EscrowCommands: EscrowQueries {
    /// Opens the escrow account of an active contract, with its release schedule.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`] to the contractor, [`Error::EscrowExists`], [`Error::WrongState`].
    fn create_escrow(&self, actor: HomeownerActor<'_>, command: NewEscrow) -> Result<Escrow, Error>;

    /// First step of a deposit, in a transaction: the payment stands, and the provider knows nothing of it yet.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AmountMismatch`], [`Error::DepositOpen`], [`Error::WrongState`] …
    fn open_deposit(&self, actor: HomeownerActor<'_>, command: Deposit) -> Result<Payment, Error>;

    /// Second and third step: asks the provider for an intent, confirms it when there is a payment method, reads it back
    /// and records what came of it. Doing it again goes on where it stopped. Must not be called in a transaction.
    ///
    /// # Errors
    /// [`Error::Provider`] when the provider cannot be asked, [`Error::InTransaction`].
    fn complete_deposit(&self, actor: HomeownerActor<'_>, command: Confirm) -> Result<DepositOutcome, Error>;

    /// All of a deposit, for callers without idempotency keys.
    ///
    /// # Errors
    /// Those of [`EscrowCommands::open_deposit`] and [`EscrowCommands::complete_deposit`].
    fn deposit(&self, actor: HomeownerActor<'_>, command: Deposit) -> Result<DepositOutcome, Error> {
        let method = command.payment_method.clone();
        let payment = self.open_deposit(actor, command)?;
        self.complete_deposit(actor, Confirm { payment_id: payment.id, payment_method: method })
    }

    /// Reads a payment back from the provider, after confirming it there when a payment method is given, and records
    /// what came of it: the caller's word is not asked for. Must not be called in a transaction.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], [`Error::Provider`], [`Error::InTransaction`].
    fn confirm_payment(&self, actor: HomeownerActor<'_>, command: Confirm) -> Result<DepositOutcome, Error>;

    /// Releases an approved milestone, whole or a part of it, once.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], [`Error::AmountMismatch`], or busy while somebody else moves it.
    fn release_milestone(&self, actor: &Actor, command: Release) -> Result<ReleaseOutcome, Error>;

    /// Takes in what a provider sent: its signature is over the raw body and its age counts. Recorded once; what it is
    /// about is read back later, by a task.
    ///
    /// # Errors
    /// [`Error::Webhook`] when it is not from the provider.
    fn receive_webhook(&self, signature: &str, body: &[u8]) -> Result<(), Error>;
}
