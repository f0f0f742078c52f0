//! What this crate tells the others: ids, states and amounts, nothing personal.

use contracts::{ContractId, MilestoneId};
use kernel::PartyId;
use marketplace::JobId;
use outbox::{Aggregate, NewEvent};
use serde_json::{Value, json};

use crate::model::{EscrowId, Payment, PaymentId, PayoutStatus, ReleaseOutcome};
use crate::store::escrows::EscrowRow;
use crate::store::payouts::PayoutJob;

/// The version of every event's data.
const VERSION: i16 = 1;

fn event(name: &'static str, escrow: EscrowId, request_id: &str, data: Value) -> NewEvent {
    NewEvent {
        name,
        version: VERSION,
        // One aggregate for all that happens to an escrow account's money, so that it is heard in its order.
        aggregate: Aggregate::of("escrow", escrow),
        request_id: request_id.to_owned(),
        data,
    }
}

/// Who and what an escrow account belongs to, with more beside it.
fn of_escrow(escrow: &EscrowRow, more: Value) -> Value {
    let mut data = json!({
        "escrowId": EscrowId::from(escrow.id),
        "contractId": escrow.contract(),
        "jobId": JobId::from(escrow.job_id),
        "homeownerId": PartyId::from(escrow.homeowner_id),
        "contractorId": escrow.contractor(),
        "currency": escrow.currency,
    });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}

pub(super) fn created(escrow: &EscrowRow, request_id: &str) -> NewEvent {
    event("escrow.created", EscrowId::from(escrow.id), request_id, of_escrow(escrow, json!({})))
}

/// What became of a payment: `payment.succeeded`, `payment.failed` or `payment.lapsed`.
pub(super) fn payment_ended(
    name: &'static str,
    escrow: &EscrowRow,
    payment: &Payment,
    more: Value,
    request_id: &str,
) -> NewEvent {
    let mut data = json!({ "paymentId": payment.id, "amount": payment.amount.minor() });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    event(name, payment.escrow_id, request_id, of_escrow(escrow, data))
}

pub(super) fn funded(
    escrow: &EscrowRow,
    payment: PaymentId,
    milestone: MilestoneId,
    amount: i64,
    request_id: &str,
) -> NewEvent {
    let data = json!({ "paymentId": payment, "milestoneId": milestone, "amount": amount });
    event("milestone.funded", EscrowId::from(escrow.id), request_id, of_escrow(escrow, data))
}

pub(super) fn released(
    escrow: &EscrowRow,
    outcome: &ReleaseOutcome,
    how: &'static str,
    request_id: &str,
) -> NewEvent {
    let data = json!({
        "milestoneId": outcome.milestone_id,
        "part": outcome.part,
        "amount": outcome.amount,
        "fee": outcome.fee,
        "netted": outcome.netted,
        "share": outcome.share,
        "remaining": outcome.remaining,
        "transactionId": outcome.transaction_id,
        "releasedBy": how,
    });
    event("milestone.released", outcome.escrow_id, request_id, of_escrow(escrow, data))
}

/// How a payout stands now: `payout.paid`, `payout.waiting_account` or `payout.failed`.
pub(super) fn payout(job: &PayoutJob, status: PayoutStatus, request_id: &str) -> Option<NewEvent> {
    let name = match status {
        PayoutStatus::Paid => "payout.paid",
        PayoutStatus::WaitingAccount => "payout.waiting_account",
        PayoutStatus::Failed => "payout.failed",
        PayoutStatus::Pending => return None,
    };
    let contract: ContractId = job.contract;
    let data = json!({
        "payoutId": job.payout.id,
        "escrowId": job.payout.escrow_id,
        "contractId": contract,
        "jobId": JobId::from(job.job),
        "milestoneId": job.payout.milestone_id,
        "homeownerId": job.homeowner,
        "contractorId": job.payout.contractor,
        "amount": job.payout.amount,
        "currency": job.currency,
    });
    Some(event(name, job.payout.escrow_id, request_id, data))
}
