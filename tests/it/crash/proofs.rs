//! What has to hold after a crash: nothing that was acknowledged is lost, nothing happened twice.

use contracts::{ContractId, MilestoneId, SignatureId};
use escrow::{EscrowId, PaymentId, PayoutId, TransactionId};
use kernel::TypedId;
use marketplace::{BidId, JobId};
use serde_json::{Value, json};
use tests::TestApp;
use uuid::Uuid;

use super::journal::{Deed, Entry, Pages};

/// What must never be there, however a crash fell.
const NEVER: [(&str, &str); 10] = [
    (
        "a payment or a payout that the provider moved twice",
        "(SELECT kind, reference FROM simulated_provider.balance_movements GROUP BY kind, reference HAVING count(*) > 1) AS twice",
    ),
    (
        "a charge without its payment",
        "simulated_provider.balance_movements m WHERE m.kind = 'charge' AND NOT EXISTS (
            SELECT FROM escrow.payments p WHERE p.provider_intent_id = m.object_id)",
    ),
    (
        "a payment that succeeded without its charge",
        "escrow.payments p WHERE p.status = 'SUCCEEDED' AND NOT EXISTS (
            SELECT FROM simulated_provider.balance_movements m WHERE m.kind = 'charge' AND m.object_id = p.provider_intent_id
                AND m.amount = p.amount - p.processor_fee)",
    ),
    (
        "a payment that failed and was charged",
        "escrow.payments p JOIN simulated_provider.balance_movements m ON m.object_id = p.provider_intent_id AND m.kind = 'charge'
            WHERE p.status IN ('FAILED', 'LAPSED')",
    ),
    (
        "a payout that is paid without its transfer",
        "escrow.payouts p WHERE p.status = 'PAID' AND NOT EXISTS (
            SELECT FROM simulated_provider.balance_movements m WHERE m.kind = 'transfer' AND m.id = p.provider_transfer_id
                AND m.amount = -p.amount)",
    ),
    (
        "transfers that no payout waits for",
        "(SELECT 1 WHERE (SELECT count(*) FROM simulated_provider.balance_movements m WHERE m.kind = 'transfer' AND NOT EXISTS (
            SELECT FROM escrow.payouts p WHERE p.provider_transfer_id = m.id))
            > (SELECT count(*) FROM escrow.payouts WHERE status <> 'PAID')) AS more",
    ),
    (
        "a milestone that more was released of than it is worth",
        "(SELECT r.milestone_id FROM escrow.releases r JOIN contracts.milestones m ON m.id = r.milestone_id
            GROUP BY r.milestone_id, m.amount HAVING sum(r.amount) > m.amount) AS more",
    ),
    (
        "a milestone whose fees are not those of the whole",
        "(SELECT r.milestone_id FROM escrow.releases r JOIN contracts.milestones m ON m.id = r.milestone_id
            WHERE m.status = 'RELEASED' GROUP BY r.milestone_id, m.amount
            HAVING sum(r.amount) <> m.amount OR sum(r.fee) <> (290 * m.amount + 5000) / 10000) AS other",
    ),
    (
        "a job with two contracts",
        "(SELECT job_id FROM contracts.contracts GROUP BY job_id HAVING count(*) > 1) AS two",
    ),
    (
        "a release without its transaction, or the other way round",
        "escrow.releases r FULL JOIN (SELECT id FROM escrow.transactions WHERE kind = 'RELEASE') t ON t.id = r.transaction_id
            WHERE r.transaction_id IS NULL OR t.id IS NULL",
    ),
];

/// After each crash, with nobody there.
#[track_caller]
pub(super) fn nothing_lost_nothing_twice(app: &TestApp, told: &Pages) {
    for (what, rows) in NEVER {
        assert_eq!(app.database.count(rows), 0, "{what}");
    }
    for deed in Deed::ALL {
        let claims: Vec<Value> = told.of(deed).flat_map(claims).collect();
        let (columns, found) = kept(deed);
        assert_eq!(lost(app, &claims, columns, found), 0, "{deed:?} that had been acknowledged");
    }
    let approved: Vec<Value> =
        told.approvals.iter().map(|milestone| json!({ "id": uuid_of::<MilestoneId>(milestone) })).collect();
    let found = "contracts.milestones m WHERE m.id = told.id AND m.status IN ('APPROVED', 'RELEASED')";
    assert_eq!(lost(app, &approved, "(id uuid)", found), 0, "approvals that had been acknowledged");
}

/// When everybody is done: what happened is exactly what was acknowledged, nothing waits, and the provider has what our books
/// say that it has.
#[track_caller]
pub(super) fn what_happened_is_what_was_told(app: &TestApp, told: &Pages) {
    nothing_lost_nothing_twice(app, told);
    let count = |deed| i64::try_from(told.of(deed).count()).unwrap_or(i64::MAX);
    let paid_out = app.database.count("escrow.releases WHERE share > 0");
    let succeeded = "escrow.payments WHERE status = 'SUCCEEDED'";
    for (rows, expected) in [
        ("marketplace.jobs WHERE status = 'COMPLETED'", count(Deed::Job)),
        ("marketplace.jobs", count(Deed::Job)),
        ("marketplace.bids", count(Deed::Bid)),
        ("contracts.contracts WHERE status = 'COMPLETED'", count(Deed::Acceptance)),
        ("contracts.contracts", count(Deed::Acceptance)),
        ("contracts.signatures", count(Deed::Signature)),
        ("contracts.milestones WHERE status <> 'RELEASED'", 0),
        ("escrow.escrows", count(Deed::Account)),
        ("escrow.payments", count(Deed::Deposit)),
        ("escrow.payments WHERE status NOT IN ('SUCCEEDED', 'FAILED')", 0),
        ("escrow.transactions WHERE kind = 'DEPOSIT'", app.database.count(succeeded)),
        ("simulated_provider.balance_movements WHERE kind = 'charge'", app.database.count(succeeded)),
        ("outbox.events WHERE name = 'payment.succeeded'", app.database.count(succeeded)),
        ("escrow.releases", count(Deed::Release)),
        ("outbox.events WHERE name = 'milestone.released'", count(Deed::Release)),
        ("escrow.payouts WHERE status = 'PAID'", paid_out),
        ("escrow.transactions WHERE kind = 'PAYOUT'", paid_out),
        ("outbox.events WHERE name = 'payout.paid'", paid_out),
        ("simulated_provider.balance_movements WHERE kind = 'transfer'", paid_out),
        ("escrow.balances WHERE balance <> 0", 0),
        ("app.idempotency_keys WHERE state = 'DONE'", i64::try_from(told.entries.len()).unwrap_or(i64::MAX)),
        ("app.idempotency_keys WHERE state = 'CLAIMED'", 0),
        ("outbox.tasks WHERE state = 'PARKED'", 0),
        ("notifications.deliveries WHERE state = 'FAILED'", 0),
    ] {
        assert_eq!(app.database.count(rows), expected, "{rows}");
    }
    what_is_not_there_would_be_missed(app, told);
    assert_eq!(app.database.count(OTHER_BALANCE), 0, "the provider has another balance than our books say");
}

/// A proof that proves nothing would pass as well.
#[track_caller]
fn what_is_not_there_would_be_missed(app: &TestApp, told: &Pages) {
    for deed in Deed::ALL {
        let Some(mut claim) = told.of(deed).flat_map(claims).next() else { continue };
        let (columns, found) = kept(deed);
        claim["id"] = json!(Uuid::nil());
        assert_eq!(lost(app, &[claim], columns, found), 1, "an invented {deed:?}");
    }
}

/// The provider's balance is what our books call card clearing.
const OTHER_BALANCE: &str = "simulated_provider.balances b WHERE b.amount <> (
    SELECT -coalesce(sum(e.amount), 0) FROM escrow.entries e JOIN escrow.accounts a ON a.id = e.account_id
    WHERE a.kind = 'CARD_CLEARING' AND a.currency = b.currency)";

/// What an answer claims: the rows that have to be there for it to be true.
fn claims(entry: &Entry) -> Vec<Value> {
    match entry.deed {
        Deed::Job => vec![json!({ "id": entry.id::<JobId>("/id") })],
        Deed::Bid => vec![json!({ "id": entry.id::<BidId>("/id") })],
        Deed::Acceptance => vec![json!({ "id": entry.id::<ContractId>("/id") })],
        Deed::Account => vec![json!({ "id": entry.id::<EscrowId>("/id") })],
        Deed::Signature => {
            let signatures = entry.answer.json["signatures"].as_array().into_iter().flatten();
            let ids = signatures.filter_map(|signature| signature["id"].as_str());
            ids.map(|id| json!({ "id": uuid_of::<SignatureId>(id) })).collect()
        }
        Deed::Deposit | Deed::Confirmation => vec![json!({
            "id": entry.id::<PaymentId>("/payment/id"),
            "status": entry.text("/payment/status"),
            "amount": entry.number("/payment/amount"),
        })],
        Deed::Release => vec![json!({
            "id": entry.id::<TransactionId>("/transactionId"),
            // A part so small that all of it is the fee is not paid out.
            "payout": entry.answer.json["payoutId"].as_str().map(uuid_of::<PayoutId>),
            "milestone": entry.id::<MilestoneId>("/milestoneId"),
            "part": entry.number("/part"),
            "amount": entry.number("/amount"),
            "fee": entry.number("/feeAmount"),
            "share": entry.number("/shareAmount"),
        })],
    }
}

/// The columns of a claim, and the row that it is about.
const fn kept(deed: Deed) -> (&'static str, &'static str) {
    match deed {
        Deed::Job => ("(id uuid)", "marketplace.jobs j WHERE j.id = told.id"),
        Deed::Bid => ("(id uuid)", "marketplace.bids b WHERE b.id = told.id"),
        Deed::Acceptance => ("(id uuid)", "contracts.contracts c WHERE c.id = told.id"),
        Deed::Signature => ("(id uuid)", "contracts.signatures s WHERE s.id = told.id AND s.voided_at IS NULL"),
        Deed::Account => ("(id uuid)", "escrow.escrows e WHERE e.id = told.id"),
        Deed::Deposit | Deed::Confirmation => (
            "(id uuid, status text, amount bigint)",
            "escrow.payments p WHERE p.id = told.id AND p.amount = told.amount
                AND (told.status NOT IN ('SUCCEEDED', 'FAILED') OR p.status = told.status)
                AND (told.status <> 'SUCCEEDED' OR EXISTS (
                    SELECT FROM escrow.transactions t WHERE t.business_key = 'deposit:' || p.id))",
        ),
        Deed::Release => (
            "(id uuid, payout uuid, milestone uuid, part int, amount bigint, fee bigint, share bigint)",
            "escrow.releases r JOIN escrow.transactions t ON t.id = r.transaction_id
                WHERE r.transaction_id = told.id AND r.payout_id IS NOT DISTINCT FROM told.payout AND r.milestone_id = told.milestone
                AND (r.part, r.amount, r.fee, r.share) = (told.part, told.amount, told.fee, told.share)",
        ),
    }
}

/// How many claims are about something that the database does not have.
#[track_caller]
fn lost(app: &TestApp, claims: &[Value], columns: &str, found: &str) -> i64 {
    let rows = json!(claims);
    app.database.count(&format!(
        "jsonb_to_recordset('{rows}') AS told {columns} WHERE NOT EXISTS (SELECT FROM {found})"
    ))
}

#[track_caller]
fn uuid_of<T: TypedId>(id: &str) -> Uuid {
    match id.parse::<T>() {
        Ok(id) => id.uuid(),
        Err(error) => panic!("{id}: {error}"),
    }
}
