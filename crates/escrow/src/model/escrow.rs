//! Escrow accounts, releases and payouts.

use chrono::NaiveDate;
use contracts::{ContractId, MilestoneId};
use kernel::{Currency, Fault, Faults, Instant, PartyId};
use marketplace::JobId;

use super::{Payment, TransactionId, TransactionKind};

kernel::id!(
    /// An escrow account: what is held for one contract.
    EscrowId,
    "esc"
);

kernel::id!(
    /// An entry of a release schedule.
    ScheduleEntryId,
    "rsc"
);

kernel::id!(
    /// A payout: a contractor's share on its way to the contractor's account at the provider.
    PayoutId,
    "pot"
);

/// How an escrow account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EscrowStatus {
    /// Money can come and go.
    Active,
    /// Everything has left it.
    Closed,
}

super::names!(EscrowStatus { Active => "ACTIVE", Closed => "CLOSED" });

/// How an entry of a release schedule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScheduleStatus {
    /// Nothing or only parts of it left so far.
    Pending,
    /// All of it was released.
    Released,
    /// It will not be released.
    Cancelled,
}

super::names!(ScheduleStatus { Pending => "PENDING", Released => "RELEASED", Cancelled => "CANCELLED" });

/// How far a payout has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayoutStatus {
    /// To be sent.
    Pending,
    /// The contractor has no account at the provider yet.
    WaitingAccount,
    /// The provider moved it.
    Paid,
    /// The provider refused for good; a person has to look.
    Failed,
}

super::names!(PayoutStatus {
    Pending => "PENDING",
    WaitingAccount => "WAITING_ACCOUNT",
    Paid => "PAID",
    Failed => "FAILED",
});

/// One milestone's place in the release schedule. Its date informs, it never releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleEntry {
    /// Its id.
    pub id: ScheduleEntryId,
    /// The milestone.
    pub milestone_id: MilestoneId,
    /// What is released for it, in minor units.
    pub amount: i64,
    /// When it is planned.
    pub due_date: Option<NaiveDate>,
    /// How it stands.
    pub status: ScheduleStatus,
}

/// What an escrow account holds and what became of the rest, each summed from the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EscrowFigures {
    /// Held now.
    pub held: i64,
    /// Released: the contractor's share and the platform's fee.
    pub released: i64,
    /// Given back to the homeowner.
    pub refunded: i64,
    /// Frozen by a dispute.
    pub disputed: i64,
    /// Of the released, the platform's fee.
    pub fees: i64,
}

/// An escrow account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// Its id.
    pub id: EscrowId,
    /// Of which contract.
    pub contract_id: ContractId,
    /// For which job.
    pub job_id: JobId,
    /// Who pays in.
    pub homeowner: PartyId,
    /// Who is paid.
    pub contractor: PartyId,
    /// The currency of every amount in it.
    pub currency: Currency,
    /// What the schedule sums to.
    pub total: i64,
    /// What it holds and what became of the rest.
    pub figures: EscrowFigures,
    /// How it stands.
    pub status: EscrowStatus,
    /// One entry a milestone.
    pub schedule: Vec<ScheduleEntry>,
    /// When it was opened.
    pub created_at: Instant,
    /// When everything had left it.
    pub closed_at: Option<Instant>,
}

/// Open the escrow account of a contract.
#[derive(Debug, Clone, Copy)]
pub struct NewEscrow {
    /// Of which contract.
    pub contract_id: ContractId,
}

/// Release a milestone's money.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// From which escrow account.
    pub escrow_id: EscrowId,
    /// For which milestone.
    pub milestone_id: MilestoneId,
    /// How much of it: all that is left when nobody says.
    pub amount: Option<i64>,
}

impl Release {
    /// # Errors
    /// A fault for an amount below 1.
    pub fn new(escrow_id: EscrowId, milestone_id: MilestoneId, amount: Option<i64>) -> Result<Self, Faults> {
        if amount.is_some_and(|amount| amount < 1) {
            return Err(Fault::new("/amount", "out_of_range", "must be at least 1").into());
        }
        Ok(Self { escrow_id, milestone_id, amount })
    }
}

/// What a release did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseOutcome {
    /// From which escrow account.
    pub escrow_id: EscrowId,
    /// For which milestone.
    pub milestone_id: MilestoneId,
    /// Which part of the milestone this was, from 1.
    pub part: i16,
    /// What left the escrow account.
    pub amount: i64,
    /// Of it, the platform's fee.
    pub fee: i64,
    /// Of it, what was kept against the contractor's debt.
    pub netted: i64,
    /// Of it, what the contractor is owed.
    pub share: i64,
    /// The currency of all of these.
    pub currency: Currency,
    /// What is left to release of the milestone.
    pub remaining: i64,
    /// The ledger's transaction.
    pub transaction_id: TransactionId,
    /// The payout of the share, unless there is nothing to pay out.
    pub payout_id: Option<PayoutId>,
    /// When.
    pub released_at: Instant,
}

/// A payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its id.
    pub id: PayoutId,
    /// From which escrow account's release.
    pub escrow_id: EscrowId,
    /// For which milestone.
    pub milestone_id: MilestoneId,
    /// Which part of it.
    pub part: i16,
    /// To whom.
    pub contractor: PartyId,
    /// How much, in minor units.
    pub amount: i64,
    /// How far it has come.
    pub status: PayoutStatus,
    /// Why the provider refused.
    pub failure_code: Option<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When it came to its end.
    pub settled_at: Option<Instant>,
}

/// One movement of what an escrow account holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// The entry's number: the order of the list.
    pub entry: i64,
    /// The ledger's transaction.
    pub transaction_id: TransactionId,
    /// Why money moved.
    pub kind: TransactionKind,
    /// For which milestone.
    pub milestone_id: MilestoneId,
    /// In is positive, out negative.
    pub amount: i64,
    /// Of a release, the platform's fee.
    pub fee: i64,
    /// What the escrow account held afterwards.
    pub balance: i64,
    /// When.
    pub at: Instant,
}

/// The money of one contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractSummary {
    /// Which contract.
    pub contract_id: ContractId,
    /// The currency of every amount.
    pub currency: Currency,
    /// What the milestones sum to.
    pub price: i64,
    /// Its escrow account, once there is one.
    pub escrow: Option<Escrow>,
    /// Its payments, newest first; the latest hundred.
    pub payments: Vec<Payment>,
    /// Its payouts, newest first; the latest hundred.
    pub payouts: Vec<Payout>,
    /// What was paid out to the contractor's account so far.
    pub paid_out: i64,
}
