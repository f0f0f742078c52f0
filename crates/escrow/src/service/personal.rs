//! What escrow owes a person: an account of their money, and a word while any of it is held or under way. There is nothing to forget: the
//! books hold ids, amounts and instants, and have to go on agreeing with the provider's.

use std::collections::HashMap;

use contracts::{ContractId, MilestoneId};
use database::{PgConnection, Tx};
use identity::{Blocker, Held, PersonalData};
use kernel::{PartyId, PersonId};
use serde_json::{Value, json};

use super::EscrowService;
use crate::model::{EscrowId, PaymentId};
use crate::store::escrows::{self, EscrowRow};
use crate::store::{ledger, personal};

impl PersonalData for EscrowService {
    fn section(&self) -> &'static str {
        "escrow"
    }

    fn held_about(&self, conn: &mut PgConnection, person: PersonId) -> Result<Held, identity::Error> {
        Ok(Held { data: account_of(conn, person.into())?, files: Vec::new() })
    }

    /// The escrow accounts are kept from moving money meanwhile: whoever moves it finds them busy.
    fn blockers(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<Vec<Blocker>, identity::Error> {
        let party = PartyId::from(person);
        let rows = personal::share_escrows_of(tx.conn(), party)?;
        let paid_by: Vec<EscrowId> = rows
            .iter()
            .filter(|row| row.homeowner_id == party.uuid())
            .map(|row| EscrowId::from(row.id))
            .collect();
        let mut blockers = held(tx.conn(), &rows)?;
        let payments = personal::open_payments(tx.conn(), &paid_by)?;
        blockers.extend(payments.into_iter().map(|id| {
            let message = "A payment is under way: it has to be confirmed, or lapses by itself.";
            blocker("payment_pending", message, "payment", &id)
        }));
        let refunds = personal::unmade_refunds(tx.conn(), &paid_by)?;
        blockers.extend(
            refunds
                .into_iter()
                .map(|id| blocker("refund_pending", "A refund has not reached the payer.", "refund", &id)),
        );
        let payouts = personal::unpaid_payouts(tx.conn(), party)?;
        blockers.extend(payouts.into_iter().map(|id| {
            blocker("payout_pending", "A payout has not reached the contractor's account.", "payout", &id)
        }));
        Ok(blockers)
    }

    fn erase(&self, _: &mut Tx<'_>, _: PersonId) -> Result<(), identity::Error> {
        Ok(())
    }
}

fn held(conn: &mut PgConnection, rows: &[EscrowRow]) -> Result<Vec<Blocker>, database::Error> {
    let contracts: Vec<ContractId> = rows.iter().map(EscrowRow::contract).collect();
    let held: HashMap<ContractId, i64> = personal::held_for(conn, &contracts)?.into_iter().collect();
    let message = "Money is held: it has to be released or refunded first.";
    Ok(rows
        .iter()
        .filter(|row| held.contains_key(&row.contract()))
        .map(|row| blocker("money_held", message, "escrow", &EscrowId::from(row.id)))
        .collect())
}

fn blocker(code: &'static str, message: &str, kind: &'static str, id: &impl std::fmt::Display) -> Blocker {
    Blocker { code, message: message.to_owned(), kind, id: id.to_string() }
}

fn account_of(conn: &mut PgConnection, party: PartyId) -> Result<Value, database::Error> {
    let rows = personal::escrows_of(conn, party)?;
    let ids: Vec<EscrowId> = rows.iter().map(|row| EscrowId::from(row.id)).collect();
    let mut accounts = Vec::new();
    for row in rows {
        accounts.push(escrow_json(conn, row)?);
    }
    Ok(json!({
        "escrows": accounts,
        "payments": payments_json(conn, &ids)?,
        "refunds": refunds_json(conn, &ids)?,
        "releases": releases_json(conn, &ids)?,
        "payouts": payouts_json(conn, &ids)?,
        "entries": entries_json(conn, party)?,
    }))
}

fn escrow_json(conn: &mut PgConnection, row: EscrowRow) -> Result<Value, database::Error> {
    let figures = ledger::figures(conn, row.contract())?;
    let escrow = escrows::complete(conn, row, figures)?;
    let schedule: Vec<Value> = escrow
        .schedule
        .iter()
        .map(|entry| {
            json!({
                "id": entry.id,
                "milestoneId": entry.milestone_id,
                "amount": entry.amount,
                "dueDate": entry.due_date,
                "status": entry.status.as_str(),
            })
        })
        .collect();
    Ok(json!({
        "id": escrow.id,
        "contractId": escrow.contract_id,
        "jobId": escrow.job_id,
        "currency": escrow.currency,
        "totalAmount": escrow.total,
        "heldAmount": escrow.figures.held,
        "releasedAmount": escrow.figures.released,
        "refundedAmount": escrow.figures.refunded,
        "disputedAmount": escrow.figures.disputed,
        "feeAmount": escrow.figures.fees,
        "status": escrow.status.as_str(),
        "releaseSchedule": schedule,
        "createdAt": escrow.created_at,
        "closedAt": escrow.closed_at,
    }))
}

fn payments_json(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<Value>, database::Error> {
    let payments = personal::payments_into(conn, escrows)?;
    let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
    let mut milestones: HashMap<PaymentId, Vec<MilestoneId>> = HashMap::new();
    for (payment, milestone) in personal::paid_for(conn, &ids)? {
        milestones.entry(payment).or_default().push(milestone);
    }
    let rows = payments.into_iter().map(|payment| {
        json!({
            "id": payment.id,
            "escrowId": payment.escrow,
            "milestoneIds": milestones.remove(&payment.id).unwrap_or_default(),
            "amount": payment.amount,
            "currency": payment.currency,
            "status": payment.status,
            "provider": payment.provider,
            "failureCode": payment.failure_code,
            "fundedAmount": payment.funded_amount,
            "createdAt": payment.created_at,
            "lapsesAt": payment.lapses_at,
            "settledAt": payment.settled_at,
        })
    });
    Ok(rows.collect())
}

fn refunds_json(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<Value>, database::Error> {
    let rows = personal::refunds_from(conn, escrows)?.into_iter().map(|refund| {
        json!({
            "id": refund.id,
            "paymentId": refund.payment,
            "amount": refund.amount,
            "status": refund.status,
            "failureCode": refund.failure_code,
            "createdAt": refund.created_at,
            "settledAt": refund.settled_at,
        })
    });
    Ok(rows.collect())
}

fn releases_json(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<Value>, database::Error> {
    let rows = personal::releases_from(conn, escrows)?.into_iter().map(|release| {
        json!({
            "escrowId": release.escrow,
            "milestoneId": release.milestone,
            "part": release.part,
            "amount": release.amount,
            "feeAmount": release.fee,
            "nettedAmount": release.netted,
            "shareAmount": release.share,
            "transactionId": release.transaction,
            "payoutId": release.payout.map(crate::PayoutId::from),
            "releasedAt": release.released_at,
        })
    });
    Ok(rows.collect())
}

fn payouts_json(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<Value>, database::Error> {
    let rows = personal::payouts_from(conn, escrows)?.into_iter().map(|payout| {
        json!({
            "id": payout.id,
            "escrowId": payout.escrow,
            "amount": payout.amount,
            "currency": payout.currency,
            "status": payout.status,
            "failureCode": payout.failure_code,
            "createdAt": payout.created_at,
            "settledAt": payout.settled_at,
        })
    });
    Ok(rows.collect())
}

/// What a contractor was owed and paid, and what it owed: a credit is positive.
fn entries_json(conn: &mut PgConnection, party: PartyId) -> Result<Vec<Value>, database::Error> {
    let rows = personal::entries_of(conn, party)?.into_iter().map(|entry| {
        json!({
            "accountId": entry.account,
            "accountKind": entry.kind,
            "currency": entry.currency,
            "transactionId": entry.transaction,
            "kind": entry.transaction_kind,
            "amount": entry.amount,
            "createdAt": entry.at,
        })
    });
    Ok(rows.collect())
}
