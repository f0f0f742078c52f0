//! Payments: money on its way in.

use contracts::{ContractId, MilestoneId};
use kernel::{Faults, Instant, Money};
use secrecy::SecretString;

use super::EscrowId;
use crate::provider::PaymentMethod;

kernel::id!(
    /// A payment: an intent at the provider and the deposit that it becomes.
    PaymentId,
    "pay"
);

kernel::id!(
    /// A refund of what came in beyond what could be funded.
    RefundId,
    "rfd"
);

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// The payer has yet to confirm it with the provider.
    RequiresConfirmation,
    /// The provider works on it.
    Processing,
    /// The money is there, read back from the provider.
    Succeeded,
    /// The provider declined it; another deposit can be made.
    Failed,
    /// It was not confirmed in time.
    Lapsed,
}

super::names!(PaymentStatus {
    RequiresConfirmation => "REQUIRES_CONFIRMATION",
    Processing => "PROCESSING",
    Succeeded => "SUCCEEDED",
    Failed => "FAILED",
    Lapsed => "LAPSED",
});

/// What can happen to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStep {
    /// The provider took it up.
    Process,
    /// The provider has the money.
    Succeed,
    /// The provider declined it.
    Fail,
    /// The time to confirm it ran out, and it was cancelled at the provider.
    Lapse,
}

impl PaymentStatus {
    /// Where a step leads from here; none when it cannot happen. A success comes through even after an end: money that
    /// is there is never ignored.
    #[must_use]
    pub const fn after(self, step: PaymentStep) -> Option<Self> {
        match (self, step) {
            (Self::RequiresConfirmation | Self::Processing, PaymentStep::Process) => Some(Self::Processing),
            (
                Self::RequiresConfirmation | Self::Processing | Self::Failed | Self::Lapsed,
                PaymentStep::Succeed,
            ) => Some(Self::Succeeded),
            (Self::RequiresConfirmation | Self::Processing, PaymentStep::Fail) => Some(Self::Failed),
            (Self::RequiresConfirmation | Self::Processing, PaymentStep::Lapse) => Some(Self::Lapsed),
            (
                Self::Succeeded,
                PaymentStep::Process | PaymentStep::Succeed | PaymentStep::Fail | PaymentStep::Lapse,
            )
            | (Self::Failed | Self::Lapsed, PaymentStep::Process | PaymentStep::Fail | PaymentStep::Lapse) => {
                None
            }
        }
    }

    /// Whether it can still succeed in time.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::RequiresConfirmation | Self::Processing => true,
            Self::Succeeded | Self::Failed | Self::Lapsed => false,
        }
    }
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Into which escrow account.
    pub escrow_id: EscrowId,
    /// Of which contract.
    pub contract_id: ContractId,
    /// The milestones it is for.
    pub milestone_ids: Vec<MilestoneId>,
    /// Exactly their sum.
    pub amount: Money,
    /// How far it has come.
    pub status: PaymentStatus,
    /// Which provider has it.
    pub provider: String,
    /// What the provider calls it, once it knows it.
    pub provider_intent_id: Option<String>,
    /// Why it was declined.
    pub failure_code: Option<String>,
    /// How much of it became held money.
    pub funded_amount: i64,
    /// When it was made.
    pub created_at: Instant,
    /// Until when it can be confirmed.
    pub lapses_at: Instant,
    /// When it came to its end.
    pub settled_at: Option<Instant>,
}

/// Pay into an escrow account.
#[derive(Debug, Clone)]
pub struct Deposit {
    /// The payment's id, chosen by the caller: asking again with the same id goes on with the same payment.
    pub payment_id: PaymentId,
    /// Which one.
    pub escrow_id: EscrowId,
    /// For which milestones: all that are not funded when nobody says.
    pub milestone_ids: Option<Vec<MilestoneId>>,
    /// What the payer takes the sum to be; another is a fault.
    pub amount: Option<i64>,
    /// With it the server confirms the payment; without it the payer does, with a client secret.
    pub payment_method: Option<PaymentMethod>,
}

impl Deposit {
    /// More milestones than a contract can have.
    pub const MILESTONES_MAX: usize = 100;

    /// # Errors
    /// A fault for an empty or over-long list, for a milestone named twice, and for an amount below 1.
    pub fn new(
        payment_id: PaymentId,
        escrow_id: EscrowId,
        milestone_ids: Option<Vec<MilestoneId>>,
        amount: Option<i64>,
        payment_method: Option<PaymentMethod>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        if let Some(ids) = &milestone_ids {
            faults.check(
                !ids.is_empty() && ids.len() <= Self::MILESTONES_MAX,
                "/milestoneIds",
                "wrong_length",
                format!("name 1 to {} milestones", Self::MILESTONES_MAX),
            );
            let distinct: std::collections::HashSet<_> = ids.iter().collect();
            faults.check(
                distinct.len() == ids.len(),
                "/milestoneIds",
                "duplicate",
                "names a milestone twice",
            );
        }
        faults.check(amount.is_none_or(|amount| amount > 0), "/amount", "out_of_range", "must be at least 1");
        faults.or(|| Self { payment_id, escrow_id, milestone_ids, amount, payment_method })
    }
}

/// Go on with a payment.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// Which one.
    pub payment_id: PaymentId,
    /// With it the server confirms at the provider; without it only what the provider says is recorded.
    pub payment_method: Option<PaymentMethod>,
}

/// A payment after the provider was asked.
#[derive(Debug, Clone)]
pub struct DepositOutcome {
    /// The payment.
    pub payment: Payment,
    /// For the payer to confirm it with, while it needs confirming.
    pub client_secret: Option<SecretString>,
}
