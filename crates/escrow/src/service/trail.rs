//! What the audit trail is told of held money: states and amounts. What moved where stands in the ledger.

use audit::Object;
use database::Tx;
use serde_json::{Value, json};

use crate::model::{EscrowId, Payment, PaymentStatus, PayoutId, PayoutStatus, RefundId, ReleaseOutcome};
use crate::store::escrows::EscrowRow;

/// An escrow account was opened.
pub(super) fn opened(tx: &mut Tx<'_>, escrow: &EscrowRow) {
    let is = json!({ "status": escrow.status, "contractId": escrow.contract(), "currency": escrow.currency });
    audit::changed(tx, Object::new("escrow", EscrowId::from(escrow.id)), Value::Null, is);
}

/// A payment was begun, or came to something.
pub(super) fn payment(
    tx: &mut Tx<'_>,
    payment: &Payment,
    before: Option<PaymentStatus>,
    after: PaymentStatus,
) {
    let was = before.map_or(Value::Null, |status| json!({ "status": status.as_str() }));
    let is = json!({
        "status": after.as_str(),
        "escrowId": payment.escrow_id,
        "amount": payment.amount.minor(),
        "currency": payment.amount.currency().code(),
    });
    audit::changed(tx, Object::new("payment", payment.id), was, is);
}

/// A part of a milestone's money was released.
pub(super) fn released(tx: &mut Tx<'_>, outcome: &ReleaseOutcome) {
    let was = json!({ "held": outcome.remaining.saturating_add(outcome.amount) });
    let is = json!({
        "held": outcome.remaining,
        "milestoneId": outcome.milestone_id,
        "part": outcome.part,
        "amount": outcome.amount,
        "fee": outcome.fee,
        "share": outcome.share,
        "currency": outcome.currency.code(),
        "transactionId": outcome.transaction_id,
        "payoutId": outcome.payout_id,
    });
    audit::changed(tx, Object::new("escrow", outcome.escrow_id), was, is);
}

/// A payout came to something.
pub(super) fn payout(tx: &mut Tx<'_>, id: PayoutId, before: PayoutStatus, after: PayoutStatus) {
    let state = |status: PayoutStatus| json!({ "status": status.as_str() });
    audit::changed(tx, Object::new("payout", id), state(before), state(after));
}

/// What was too much was given back, or could not be.
pub(super) fn refund(tx: &mut Tx<'_>, id: RefundId, amount: i64, after: &'static str) {
    let is = json!({ "status": after, "amount": amount });
    audit::changed(tx, Object::new("refund", id), json!({ "status": "PENDING" }), is);
}
