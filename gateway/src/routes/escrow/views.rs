//! What several operations on money answer with. Amounts are whole minor units of the `currency` beside them.

use chrono::{DateTime, NaiveDate, Utc};
use contracts::{ContractId, MilestoneId};
use escrow::{
    AccountId, Escrow, EscrowId, EscrowStatus, Payment, PaymentId, PaymentStatus, Payout, PayoutId,
    PayoutStatus, ScheduleEntry, ScheduleEntryId, ScheduleStatus, TransactionId, TransactionKind,
};
use kernel::Currency;
use marketplace::JobId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Id;

// By these names the document's derive finds the ids: it cannot look into a generic type.
/// An escrow account's id.
pub(super) type EscrowRef = Id<EscrowId>;
/// A release schedule entry's id.
pub(super) type ScheduleEntryRef = Id<ScheduleEntryId>;
/// A payment's id.
pub(super) type PaymentRef = Id<PaymentId>;
/// A payout's id.
pub(super) type PayoutRef = Id<PayoutId>;
/// A ledger account's id.
pub(super) type AccountRef = Id<AccountId>;
/// A ledger transaction's id.
pub(super) type TransactionRef = Id<TransactionId>;
/// A contract's id.
pub(super) type ContractRef = Id<ContractId>;
/// A milestone's id.
pub(super) type MilestoneRef = Id<MilestoneId>;
/// A job's id.
pub(super) type JobRef = Id<JobId>;

/// The currency of the examples.
pub(super) const EXAMPLE_CURRENCY: &str = "USD";

/// An id for the examples.
pub(super) fn example_id<T: From<Uuid>>() -> T {
    T::from(Uuid::nil())
}

/// How an escrow account stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EscrowState {
    /// Money can come and go.
    Active,
    /// Everything has left it.
    Closed,
}

/// How an entry of a release schedule stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EscrowScheduleState {
    /// Nothing, or only parts of it, has left.
    Pending,
    /// All of it was released.
    Released,
    /// It will not be released.
    Cancelled,
}

/// How far a payment has come.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PaymentState {
    /// The payer has yet to confirm it with the provider.
    RequiresConfirmation,
    /// The provider works on it.
    Processing,
    /// The money is there, read back from the provider.
    Succeeded,
    /// The provider declined it; another deposit can be made.
    Failed,
    /// It was not confirmed in time; another deposit can be made.
    Lapsed,
}

/// How far a payout has come.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PayoutState {
    /// To be sent.
    Pending,
    /// The contractor has no account at the provider yet.
    WaitingAccount,
    /// The provider moved it.
    Paid,
    /// The provider refused for good; the operator looks after it.
    Failed,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum LedgerTransactionKind {
    /// A payment came in.
    Deposit,
    /// A milestone's money, or a part of it, went to the contractor and the platform.
    Release,
    /// A contractor's share left for its account at the provider.
    Payout,
    /// Money went back to the payer.
    Refund,
    /// Mends an earlier transaction.
    Correction,
}

impl From<EscrowStatus> for EscrowState {
    fn from(status: EscrowStatus) -> Self {
        match status {
            EscrowStatus::Active => Self::Active,
            EscrowStatus::Closed => Self::Closed,
        }
    }
}

impl From<ScheduleStatus> for EscrowScheduleState {
    fn from(status: ScheduleStatus) -> Self {
        match status {
            ScheduleStatus::Pending => Self::Pending,
            ScheduleStatus::Released => Self::Released,
            ScheduleStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl From<PaymentStatus> for PaymentState {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::RequiresConfirmation => Self::RequiresConfirmation,
            PaymentStatus::Processing => Self::Processing,
            PaymentStatus::Succeeded => Self::Succeeded,
            PaymentStatus::Failed => Self::Failed,
            PaymentStatus::Lapsed => Self::Lapsed,
        }
    }
}

impl From<PayoutStatus> for PayoutState {
    fn from(status: PayoutStatus) -> Self {
        match status {
            PayoutStatus::Pending => Self::Pending,
            PayoutStatus::WaitingAccount => Self::WaitingAccount,
            PayoutStatus::Paid => Self::Paid,
            PayoutStatus::Failed => Self::Failed,
        }
    }
}

impl From<TransactionKind> for LedgerTransactionKind {
    fn from(kind: TransactionKind) -> Self {
        match kind {
            TransactionKind::Deposit => Self::Deposit,
            TransactionKind::Release => Self::Release,
            TransactionKind::Payout => Self::Payout,
            TransactionKind::Refund => Self::Refund,
            TransactionKind::Correction => Self::Correction,
        }
    }
}

/// An escrow account: what is held for one contract, and what became of the rest. Each figure is summed from the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EscrowView {
    /// The escrow account.
    pub id: EscrowRef,
    /// Of which contract.
    pub contract_id: ContractRef,
    /// For which job.
    pub job_id: JobRef,
    /// The currency of every amount here.
    pub currency: String,
    /// What the release schedule sums to.
    pub total_amount: i64,
    /// Held now.
    pub held_amount: i64,
    /// Released: the contractor's share and the platform's fee.
    pub released_amount: i64,
    /// Given back to the homeowner.
    pub refunded_amount: i64,
    /// Frozen by a dispute.
    pub disputed_amount: i64,
    /// Of the released, the platform's fee.
    pub fee_amount: i64,
    /// How it stands.
    pub status: EscrowState,
    /// One entry a milestone, in their order.
    pub release_schedule: Vec<EscrowScheduleEntry>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When everything had left it.
    pub closed_at: Option<DateTime<Utc>>,
}

/// One milestone's place in a release schedule. Its date informs, it never releases.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EscrowScheduleEntry {
    /// The entry.
    pub id: ScheduleEntryRef,
    /// Of which escrow account.
    pub escrow_id: EscrowRef,
    /// The milestone.
    pub milestone_id: MilestoneRef,
    /// What is released for it.
    pub amount: i64,
    /// When it is planned.
    pub due_date: Option<NaiveDate>,
    /// How it stands.
    pub status: EscrowScheduleState,
}

/// A payment into an escrow account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentView {
    /// The payment.
    pub id: PaymentRef,
    /// Into which escrow account.
    pub escrow_id: EscrowRef,
    /// Of which contract.
    pub contract_id: ContractRef,
    /// The milestones it is for.
    pub milestone_ids: Vec<MilestoneRef>,
    /// Exactly their sum.
    pub amount: i64,
    /// The currency of every amount here.
    pub currency: String,
    /// How far it has come.
    pub status: PaymentState,
    /// Which provider has it.
    pub provider: String,
    /// Why it was declined, in the provider's word.
    pub failure_code: Option<String>,
    /// How much of it became held money; what came too late goes back to the payer.
    pub funded_amount: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it can be confirmed.
    pub lapses_at: DateTime<Utc>,
    /// When it came to its end.
    pub settled_at: Option<DateTime<Utc>>,
}

/// A contractor's share on its way to the contractor's account at the provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PayoutView {
    /// The payout.
    pub id: PayoutRef,
    /// From which escrow account's release.
    pub escrow_id: EscrowRef,
    /// For which milestone.
    pub milestone_id: MilestoneRef,
    /// For which part of it, from 1.
    pub part: i16,
    /// How much.
    pub amount: i64,
    /// Its currency.
    pub currency: String,
    /// How far it has come.
    pub status: PayoutState,
    /// Why the provider refused.
    pub failure_code: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it came to its end.
    pub settled_at: Option<DateTime<Utc>>,
}

impl From<Escrow> for EscrowView {
    fn from(escrow: Escrow) -> Self {
        let (id, figures) = (escrow.id, escrow.figures);
        Self {
            id: id.into(),
            contract_id: escrow.contract_id.into(),
            job_id: escrow.job_id.into(),
            currency: escrow.currency.to_string(),
            total_amount: escrow.total,
            held_amount: figures.held,
            released_amount: figures.released,
            refunded_amount: figures.refunded,
            disputed_amount: figures.disputed,
            fee_amount: figures.fees,
            status: escrow.status.into(),
            release_schedule: escrow
                .schedule
                .iter()
                .map(|entry| EscrowScheduleEntry::of(id, entry))
                .collect(),
            created_at: escrow.created_at,
            closed_at: escrow.closed_at,
        }
    }
}

impl EscrowScheduleEntry {
    fn of(escrow: EscrowId, entry: &ScheduleEntry) -> Self {
        Self {
            id: entry.id.into(),
            escrow_id: escrow.into(),
            milestone_id: entry.milestone_id.into(),
            amount: entry.amount,
            due_date: entry.due_date,
            status: entry.status.into(),
        }
    }
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> Self {
        Self {
            id: payment.id.into(),
            escrow_id: payment.escrow_id.into(),
            contract_id: payment.contract_id.into(),
            milestone_ids: payment.milestone_ids.into_iter().map(Id).collect(),
            amount: payment.amount.minor(),
            currency: payment.amount.currency().to_string(),
            status: payment.status.into(),
            provider: payment.provider,
            failure_code: payment.failure_code,
            funded_amount: payment.funded_amount,
            created_at: payment.created_at,
            lapses_at: payment.lapses_at,
            settled_at: payment.settled_at,
        }
    }
}

impl PayoutView {
    pub(super) fn of(payout: Payout, currency: Currency) -> Self {
        Self {
            id: payout.id.into(),
            escrow_id: payout.escrow_id.into(),
            milestone_id: payout.milestone_id.into(),
            part: payout.part,
            amount: payout.amount,
            currency: currency.to_string(),
            status: payout.status.into(),
            failure_code: payout.failure_code,
            created_at: payout.created_at,
            settled_at: payout.settled_at,
        }
    }

    pub(super) fn example() -> Self {
        Self {
            id: example_id::<PayoutId>().into(),
            escrow_id: example_id::<EscrowId>().into(),
            milestone_id: example_id::<MilestoneId>().into(),
            part: 1,
            amount: 174_780,
            currency: EXAMPLE_CURRENCY.to_owned(),
            status: PayoutState::Paid,
            failure_code: None,
            created_at: DateTime::UNIX_EPOCH,
            settled_at: Some(DateTime::UNIX_EPOCH),
        }
    }
}

impl EscrowView {
    pub(super) fn example() -> Self {
        let id: EscrowRef = example_id::<EscrowId>().into();
        Self {
            id,
            contract_id: example_id::<ContractId>().into(),
            job_id: example_id::<JobId>().into(),
            currency: EXAMPLE_CURRENCY.to_owned(),
            total_amount: 180_000,
            held_amount: 180_000,
            released_amount: 0,
            refunded_amount: 0,
            disputed_amount: 0,
            fee_amount: 0,
            status: EscrowState::Active,
            release_schedule: vec![EscrowScheduleEntry {
                id: example_id::<ScheduleEntryId>().into(),
                escrow_id: id,
                milestone_id: example_id::<MilestoneId>().into(),
                amount: 180_000,
                due_date: Some(NaiveDate::default()),
                status: EscrowScheduleState::Pending,
            }],
            created_at: DateTime::UNIX_EPOCH,
            closed_at: None,
        }
    }
}

impl PaymentView {
    pub(super) fn example() -> Self {
        Self {
            id: example_id::<PaymentId>().into(),
            escrow_id: example_id::<EscrowId>().into(),
            contract_id: example_id::<ContractId>().into(),
            milestone_ids: vec![example_id::<MilestoneId>().into()],
            amount: 180_000,
            currency: EXAMPLE_CURRENCY.to_owned(),
            status: PaymentState::Succeeded,
            provider: "simulated".to_owned(),
            failure_code: None,
            funded_amount: 180_000,
            created_at: DateTime::UNIX_EPOCH,
            lapses_at: DateTime::UNIX_EPOCH,
            settled_at: Some(DateTime::UNIX_EPOCH),
        }
    }
}
