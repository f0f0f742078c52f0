//! Payments, what they are for, the refunds of what came in too much, and what providers told us of.

use std::collections::HashMap;

use contracts::{ContractId, MilestoneId};
use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use kernel::{Instant, Money};
use uuid::Uuid;

use super::{currency, word};
use crate::model::{EscrowId, Payment, PaymentId, PaymentStatus, RefundId};
use crate::provider::WebhookEvent;
use crate::schema::{escrows, payment_milestones, payments, provider_events, refunds};

/// The latest payments that a summary shows.
const LATEST: i64 = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = payments)]
struct PaymentRow {
    id: Uuid,
    escrow_id: Uuid,
    amount: i64,
    currency: String,
    status: String,
    provider: String,
    provider_intent_id: Option<String>,
    failure_code: Option<String>,
    funded_amount: i64,
    created_at: Instant,
    lapses_at: Instant,
    settled_at: Option<Instant>,
}

impl PaymentRow {
    fn read(self, contract: Uuid, milestones: Vec<MilestoneId>) -> Result<Payment, Error> {
        let amount = Money::new(self.amount, currency(&self.currency)?)
            .map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok(Payment {
            id: PaymentId::from(self.id),
            escrow_id: EscrowId::from(self.escrow_id),
            contract_id: ContractId::from(contract),
            milestone_ids: milestones,
            amount,
            status: word(&self.status, PaymentStatus::parse)?,
            provider: self.provider,
            provider_intent_id: self.provider_intent_id,
            failure_code: self.failure_code,
            funded_amount: self.funded_amount,
            created_at: self.created_at,
            lapses_at: self.lapses_at,
            settled_at: self.settled_at,
        })
    }
}

/// A payment by its id.
pub(crate) fn find(conn: &mut PgConnection, id: PaymentId) -> Result<Option<Payment>, Error> {
    let found: Option<(PaymentRow, Uuid)> = payments::table
        .inner_join(escrows::table)
        .filter(payments::id.eq(id.uuid()))
        .select((PaymentRow::as_select(), escrows::contract_id))
        .first(conn)
        .optional()?;
    let Some((row, contract)) = found else { return Ok(None) };
    let milestones = paid_for(conn, id)?.into_iter().map(|(milestone, _)| milestone).collect();
    row.read(contract, milestones).map(Some)
}

/// The latest payments into an escrow account, newest first.
pub(crate) fn latest(
    conn: &mut PgConnection,
    escrow: EscrowId,
    contract: ContractId,
) -> Result<Vec<Payment>, Error> {
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::escrow_id.eq(escrow.uuid()))
        .order((payments::created_at.desc(), payments::id.desc()))
        .limit(LATEST)
        .select(PaymentRow::as_select())
        .load(conn)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let pairs: Vec<(Uuid, Uuid)> = payment_milestones::table
        .filter(payment_milestones::payment_id.eq_any(ids))
        .order((payment_milestones::payment_id, payment_milestones::milestone_id))
        .select((payment_milestones::payment_id, payment_milestones::milestone_id))
        .load(conn)?;
    let mut milestones: HashMap<Uuid, Vec<MilestoneId>> = HashMap::new();
    for (payment, milestone) in pairs {
        milestones.entry(payment).or_default().push(MilestoneId::from(milestone));
    }
    rows.into_iter()
        .map(|row| {
            let of_it = milestones.remove(&row.id).unwrap_or_default();
            row.read(contract.uuid(), of_it)
        })
        .collect()
}

/// What a payment is for, in a fixed order.
pub(crate) fn paid_for(conn: &mut PgConnection, id: PaymentId) -> Result<Vec<(MilestoneId, i64)>, Error> {
    let rows: Vec<(Uuid, i64)> = payment_milestones::table
        .filter(payment_milestones::payment_id.eq(id.uuid()))
        .order(payment_milestones::milestone_id)
        .select((payment_milestones::milestone_id, payment_milestones::amount))
        .load(conn)?;
    Ok(rows.into_iter().map(|(milestone, amount)| (MilestoneId::from(milestone), amount)).collect())
}

/// Writes a new payment, and takes the one open place of each of its milestones.
pub(crate) fn insert(
    conn: &mut PgConnection,
    payment: &Payment,
    paid_for: &[(MilestoneId, i64)],
) -> Result<(), Error> {
    diesel::insert_into(payments::table)
        .values((
            payments::id.eq(payment.id.uuid()),
            payments::escrow_id.eq(payment.escrow_id.uuid()),
            payments::amount.eq(payment.amount.minor()),
            payments::currency.eq(payment.amount.currency().code()),
            payments::status.eq(payment.status.as_str()),
            payments::provider.eq(&payment.provider),
            payments::created_at.eq(payment.created_at),
            payments::lapses_at.eq(payment.lapses_at),
        ))
        .execute(conn)?;
    let rows: Vec<_> = paid_for
        .iter()
        .map(|(milestone, amount)| {
            (
                payment_milestones::payment_id.eq(payment.id.uuid()),
                payment_milestones::milestone_id.eq(milestone.uuid()),
                payment_milestones::amount.eq(*amount),
                payment_milestones::open.eq(true),
            )
        })
        .collect();
    diesel::insert_into(payment_milestones::table).values(rows).execute(conn)?;
    Ok(())
}

/// Notes what the provider calls a payment.
pub(crate) fn note_intent(conn: &mut PgConnection, id: PaymentId, intent: &str) -> Result<(), Error> {
    diesel::update(payments::table.find(id.uuid()))
        .set(payments::provider_intent_id.eq(intent))
        .execute(conn)?;
    Ok(())
}

/// Takes a payment's lock or fails at once, and tells how it stands.
pub(crate) fn lock(conn: &mut PgConnection, id: PaymentId) -> Result<PaymentStatus, Error> {
    let status: String = payments::table
        .find(id.uuid())
        .select(payments::status)
        .for_no_key_update()
        .no_wait()
        .first(conn)
        .optional()?
        .ok_or_else(|| Error::Corrupt(format!("payment {id} is gone")))?;
    word(&status, PaymentStatus::parse)
}

/// The provider works on it.
pub(crate) fn note_processing(conn: &mut PgConnection, id: PaymentId) -> Result<(), Error> {
    diesel::update(payments::table.find(id.uuid()))
        .set(payments::status.eq(PaymentStatus::Processing.as_str()))
        .execute(conn)?;
    Ok(())
}

/// It ended without money; its milestones can be paid by another.
pub(crate) fn note_ended(
    conn: &mut PgConnection,
    id: PaymentId,
    status: PaymentStatus,
    failure: Option<&str>,
    at: Instant,
) -> Result<(), Error> {
    diesel::update(payments::table.find(id.uuid()))
        .set((
            payments::status.eq(status.as_str()),
            payments::failure_code.eq(failure),
            payments::settled_at.eq(at),
        ))
        .execute(conn)?;
    close_places(conn, id, &[])
}

/// The money is there: so much of it funded these milestones.
pub(crate) fn note_succeeded(
    conn: &mut PgConnection,
    id: PaymentId,
    processor_fee: i64,
    funded: &[MilestoneId],
    funded_amount: i64,
    at: Instant,
) -> Result<(), Error> {
    diesel::update(payments::table.find(id.uuid()))
        .set((
            payments::status.eq(PaymentStatus::Succeeded.as_str()),
            payments::failure_code.eq(None::<String>),
            payments::processor_fee.eq(processor_fee),
            payments::funded_amount.eq(funded_amount),
            payments::settled_at.eq(at),
        ))
        .execute(conn)?;
    close_places(conn, id, funded)
}

fn close_places(conn: &mut PgConnection, id: PaymentId, funded: &[MilestoneId]) -> Result<(), Error> {
    let funded: Vec<Uuid> = funded.iter().map(|milestone| milestone.uuid()).collect();
    diesel::update(payment_milestones::table.filter(payment_milestones::payment_id.eq(id.uuid())))
        .set((
            payment_milestones::open.eq(false),
            payment_milestones::funded.eq(payment_milestones::milestone_id.eq_any(funded)),
        ))
        .execute(conn)?;
    Ok(())
}

/// A refund of what came in too much.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) payment: PaymentId,
    pub(crate) amount: i64,
    pub(crate) pending: bool,
}

/// Writes a refund that is to be made.
pub(crate) fn insert_refund(
    conn: &mut PgConnection,
    id: RefundId,
    payment: PaymentId,
    amount: i64,
    at: Instant,
) -> Result<(), Error> {
    diesel::insert_into(refunds::table)
        .values((
            refunds::id.eq(id.uuid()),
            refunds::payment_id.eq(payment.uuid()),
            refunds::amount.eq(amount),
            refunds::status.eq("PENDING"),
            refunds::created_at.eq(at),
        ))
        .execute(conn)?;
    Ok(())
}

/// A refund by its id.
pub(crate) fn find_refund(conn: &mut PgConnection, id: RefundId) -> Result<Option<Refund>, Error> {
    let found: Option<(Uuid, i64, String)> = refunds::table
        .find(id.uuid())
        .select((refunds::payment_id, refunds::amount, refunds::status))
        .first(conn)
        .optional()?;
    Ok(found.map(|(payment, amount, status)| Refund {
        payment: PaymentId::from(payment),
        amount,
        pending: status == "PENDING",
    }))
}

/// Ends a pending refund; false when it has ended before.
pub(crate) fn end_refund(
    conn: &mut PgConnection,
    id: RefundId,
    outcome: Result<&str, &str>,
    at: Instant,
) -> Result<bool, Error> {
    let (status, made, failure) = match outcome {
        Ok(made) => ("DONE", Some(made), None),
        Err(code) => ("FAILED", None, Some(code)),
    };
    let ended = diesel::update(refunds::table.find(id.uuid()).filter(refunds::status.eq("PENDING")))
        .set((
            refunds::status.eq(status),
            refunds::provider_refund_id.eq(made),
            refunds::failure_code.eq(failure),
            refunds::settled_at.eq(at),
        ))
        .execute(conn)?;
    Ok(ended == 1)
}

/// Records a provider's event; false when it was recorded before.
pub(crate) fn record_event(
    conn: &mut PgConnection,
    provider: &str,
    event: &WebhookEvent,
    at: Instant,
) -> Result<bool, Error> {
    let recorded = diesel::insert_into(provider_events::table)
        .values((
            provider_events::provider.eq(provider),
            provider_events::event_id.eq(&event.id),
            provider_events::kind.eq(&event.kind),
            provider_events::object_id.eq(&event.object),
            provider_events::received_at.eq(at),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(recorded == 1)
}

/// The kind and the object of a recorded event that was not handled yet.
pub(crate) fn find_event(
    conn: &mut PgConnection,
    provider: &str,
    event: &str,
) -> Result<Option<(String, String)>, Error> {
    Ok(provider_events::table
        .find((provider, event))
        .filter(provider_events::handled_at.is_null())
        .select((provider_events::kind, provider_events::object_id))
        .first(conn)
        .optional()?)
}

/// Notes that an event was handled.
pub(crate) fn note_handled(
    conn: &mut PgConnection,
    provider: &str,
    event: &str,
    at: Instant,
) -> Result<(), Error> {
    diesel::update(provider_events::table.find((provider, event)))
        .set(provider_events::handled_at.eq(at))
        .execute(conn)?;
    Ok(())
}
