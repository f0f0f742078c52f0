//! `/api/payments/contract/{contractId}/summary`: the money of one contract at a glance.

use contracts::ContractId;
use escrow::ContractSummary;
use serde::Serialize;
use utoipa::ToSchema;

use super::views::{ContractRef, EXAMPLE_CURRENCY, EscrowView, PaymentView, PayoutView, example_id};
use crate::{Context, Operation, Path, Problem, Reply, SignedIn, Who};

/// The money of one contract.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentSummary {
    /// Which contract.
    pub contract_id: ContractRef,
    /// The currency of every amount here.
    pub currency: String,
    /// What the milestones sum to.
    pub price_amount: i64,
    /// What was paid out to the contractor's account so far.
    pub paid_out_amount: i64,
    /// Its escrow account, once there is one.
    pub escrow: Option<EscrowView>,
    /// Its payments, newest first; the latest hundred.
    pub payments: Vec<PaymentView>,
    /// Its payouts, newest first; the latest hundred.
    pub payouts: Vec<PayoutView>,
}

/// Summaries.
#[must_use]
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/payments/contract/{contractId}/summary")
            .summary("Get the money of a contract")
            .description("For its parties and administrators: the escrow account, the payments into it, the payouts from it.")
            .by(Who::SignedIn)
            .answers::<PaymentSummary>(200, "The money of the contract.", PaymentSummary::example())
            .to(get_contract_summary),
    ]
}

async fn get_contract_summary(
    context: Context,
    actor: SignedIn,
    id: Path<ContractId>,
) -> Result<Reply, Problem> {
    let summary = context.read(move |queries| queries.escrow.contract_summary(&actor, *id)).await?;
    Ok(Reply::ok(&PaymentSummary::from(summary)).tagged())
}

impl From<ContractSummary> for PaymentSummary {
    fn from(summary: ContractSummary) -> Self {
        let currency = summary.currency;
        Self {
            contract_id: summary.contract_id.into(),
            currency: currency.to_string(),
            price_amount: summary.price,
            paid_out_amount: summary.paid_out,
            escrow: summary.escrow.map(Into::into),
            payments: summary.payments.into_iter().map(Into::into).collect(),
            payouts: summary.payouts.into_iter().map(|payout| PayoutView::of(payout, currency)).collect(),
        }
    }
}

impl PaymentSummary {
    fn example() -> Self {
        Self {
            contract_id: example_id::<ContractId>().into(),
            currency: EXAMPLE_CURRENCY.to_owned(),
            price_amount: 180_000,
            paid_out_amount: 174_780,
            escrow: Some(EscrowView::example()),
            payments: vec![PaymentView::example()],
            payouts: vec![PayoutView::example()],
        }
    }
}
