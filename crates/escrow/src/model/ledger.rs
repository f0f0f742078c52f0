//! The ledger's words: accounts, transactions, entries.

use contracts::{ContractId, MilestoneId};
use kernel::{Currency, Instant, PartyId, Position};
use uuid::Uuid;

use super::PayoutStatus;

kernel::id!(
    /// An account of the ledger.
    AccountId,
    "acc"
);

kernel::id!(
    /// A transaction of the ledger.
    TransactionId,
    "txn"
);

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountKind {
    /// What lies at the payment provider.
    CardClearing,
    /// What is held for one milestone.
    Held,
    /// What a contractor is owed and has not been paid out.
    ContractorPayable,
    /// What a contractor owes, to be netted from later releases.
    ContractorDebt,
    /// What the platform earned.
    PlatformFee,
    /// What the provider charged: the platform's expense.
    ProcessorFee,
    /// What is on its way back to a payer.
    RefundClearing,
    /// What a dispute has frozen.
    DisputeClearing,
}

super::names!(AccountKind {
    CardClearing => "CARD_CLEARING",
    Held => "HELD",
    ContractorPayable => "CONTRACTOR_PAYABLE",
    ContractorDebt => "CONTRACTOR_DEBT",
    PlatformFee => "PLATFORM_FEE",
    ProcessorFee => "PROCESSOR_FEE",
    RefundClearing => "REFUND_CLEARING",
    DisputeClearing => "DISPUTE_CLEARING",
});

impl AccountKind {
    /// Whether its balance may never go below zero, for which it has a row that is locked.
    #[must_use]
    pub const fn has_floor(self) -> bool {
        matches!(self, Self::Held | Self::ContractorPayable | Self::ContractorDebt)
    }

    /// The side its balance is told on: 1 for what we owe or earned, -1 for what we own or spent.
    #[must_use]
    pub const fn natural_side(self) -> i64 {
        match self {
            Self::CardClearing | Self::ContractorDebt | Self::ProcessorFee => -1,
            Self::Held
            | Self::ContractorPayable
            | Self::PlatformFee
            | Self::RefundClearing
            | Self::DisputeClearing => 1,
        }
    }
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionKind {
    /// A payment came in.
    Deposit,
    /// A milestone's money, or a part of it, went to the contractor and the platform.
    Release,
    /// A contractor's share left for its account at the provider.
    Payout,
    /// Money went back to the payer.
    Refund,
    /// Mends an earlier transaction, which it names.
    Correction,
}

super::names!(TransactionKind {
    Deposit => "DEPOSIT",
    Release => "RELEASE",
    Payout => "PAYOUT",
    Refund => "REFUND",
    Correction => "CORRECTION",
});

/// An account by what it is for, known before it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AccountRef {
    CardClearing,
    Held(MilestoneId),
    ContractorPayable(PartyId),
    ContractorDebt(PartyId),
    PlatformFee,
    ProcessorFee,
    RefundClearing,
}

impl AccountRef {
    pub(crate) const fn kind(self) -> AccountKind {
        match self {
            Self::CardClearing => AccountKind::CardClearing,
            Self::Held(_) => AccountKind::Held,
            Self::ContractorPayable(_) => AccountKind::ContractorPayable,
            Self::ContractorDebt(_) => AccountKind::ContractorDebt,
            Self::PlatformFee => AccountKind::PlatformFee,
            Self::ProcessorFee => AccountKind::ProcessorFee,
            Self::RefundClearing => AccountKind::RefundClearing,
        }
    }

    /// Whose it is; the house's own accounts have the nil UUID.
    pub(crate) fn subject(self) -> Uuid {
        match self {
            Self::Held(milestone) => milestone.uuid(),
            Self::ContractorPayable(party) | Self::ContractorDebt(party) => party.uuid(),
            Self::CardClearing | Self::PlatformFee | Self::ProcessorFee | Self::RefundClearing => Uuid::nil(),
        }
    }
}

/// A decided transfer: what the posting function takes. Credits are positive, debits negative, and they sum to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) id: TransactionId,
    pub(crate) kind: TransactionKind,
    /// Names the business fact; can be posted once.
    pub(crate) business_key: String,
    pub(crate) contract_id: ContractId,
    pub(crate) currency: Currency,
    pub(crate) entries: Vec<(AccountRef, i64)>,
}

/// One kind of account in one currency, summed over all its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalanceLine {
    /// The kind.
    pub kind: AccountKind,
    /// The currency.
    pub currency: Currency,
    /// How many accounts there are of it.
    pub accounts: i64,
    /// The balance when it is on the debit side, else 0.
    pub debit: i64,
    /// The balance when it is on the credit side, else 0.
    pub credit: i64,
    /// The account itself when there is only one of the kind in this currency.
    pub account_id: Option<AccountId>,
}

/// The books at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    /// As of when.
    pub as_of: Instant,
    /// One line a kind and currency, in that order.
    pub lines: Vec<TrialBalanceLine>,
    /// Whether debits and credits are equal in every currency.
    pub balanced: bool,
}

/// The money of one currency at a glance, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyFigures {
    /// The currency.
    pub currency: Currency,
    /// What is held for milestones.
    pub held: i64,
    /// What contractors are owed and have not been paid out.
    pub payable: i64,
    /// What contractors owe.
    pub debt: i64,
    /// What the platform earned.
    pub platform_fees: i64,
    /// What the provider charged.
    pub processor_fees: i64,
}

/// The payouts of one state in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutFigures {
    /// How they stand.
    pub status: PayoutStatus,
    /// The currency.
    pub currency: Currency,
    /// How many there are.
    pub count: i64,
    /// What they sum to, in minor units.
    pub amount: i64,
}

/// One entry as its account shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    /// The entry's number.
    pub entry: i64,
    /// The transaction that it is part of.
    pub transaction_id: TransactionId,
    /// Why money moved.
    pub kind: TransactionKind,
    /// The business fact.
    pub business_key: String,
    /// A credit is positive, a debit negative.
    pub amount: i64,
    /// The account's balance after it, on its natural side.
    pub balance: i64,
    /// When it was posted.
    pub at: Instant,
}

/// An account with its entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatement {
    /// Its id.
    pub id: AccountId,
    /// What it is for.
    pub kind: AccountKind,
    /// Its currency.
    pub currency: Currency,
    /// The milestone of a held account.
    pub milestone_id: Option<MilestoneId>,
    /// The contractor of a payable or debt account.
    pub owner_id: Option<PartyId>,
    /// The balance, on its natural side.
    pub balance: i64,
    /// When it was opened.
    pub created_at: Instant,
    /// One page of its entries.
    pub lines: Vec<AccountLine>,
    /// Where the next page goes on.
    pub next: Option<Position<i64>>,
}
