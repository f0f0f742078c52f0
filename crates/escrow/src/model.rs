//! The things of this crate: ledger accounts and transactions, escrow accounts, payments, releases, payouts, and the
//! commands that change them. Nothing about how they are stored or told in JSON belongs here.

mod escrow;
mod ledger;
mod payment;

pub use escrow::{
    ContractSummary, Escrow, EscrowFigures, EscrowId, EscrowStatus, HistoryLine, NewEscrow, Payout, PayoutId,
    PayoutStatus, Release, ReleaseOutcome, ScheduleEntry, ScheduleEntryId, ScheduleStatus,
};
pub use ledger::{
    AccountId, AccountKind, AccountLine, AccountStatement, MoneyFigures, PayoutFigures, TransactionId,
    TransactionKind, TrialBalance, TrialBalanceLine,
};
pub(crate) use ledger::{AccountRef, Posting};
pub use payment::{
    Confirm, Deposit, DepositOutcome, Payment, PaymentId, PaymentStatus, PaymentStep, RefundId,
};

/// Writes the names of a state machine's states as the database and JSON have them, once.
macro_rules! names {
    ($name:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $name {
            /// Every one, in the order of the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As the database and JSON have it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads what [`Self::as_str`] wrote.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }
    };
}
use names;
