//! What the money of one person is, whole; and what of it still moves.

use contracts::{ContractId, MilestoneId};
use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use kernel::{Instant, PartyId};
use uuid::Uuid;

use crate::model::{
    AccountId, AccountKind, EscrowId, PaymentId, PaymentStatus, PayoutId, PayoutStatus, RefundId,
    TransactionId,
};
use crate::schema::{
    accounts, entries, escrows, payment_milestones, payments, payouts, refunds, releases, transactions,
};
use crate::store::escrows::EscrowRow;

/// A party's escrow accounts, oldest first.
pub(crate) fn escrows_of(conn: &mut PgConnection, party: PartyId) -> Result<Vec<EscrowRow>, Error> {
    let own = escrows::homeowner_id.eq(party.uuid()).or(escrows::contractor_id.eq(party.uuid()));
    Ok(escrows::table
        .filter(own)
        .order((escrows::created_at, escrows::id))
        .select(EscrowRow::as_select())
        .load(conn)?)
}

/// The same, kept from moving money until the transaction ends; in one order everywhere.
pub(crate) fn share_escrows_of(conn: &mut PgConnection, party: PartyId) -> Result<Vec<EscrowRow>, Error> {
    let own = escrows::homeowner_id.eq(party.uuid()).or(escrows::contractor_id.eq(party.uuid()));
    Ok(escrows::table.filter(own).order(escrows::id).select(EscrowRow::as_select()).for_share().load(conn)?)
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = SqlUuid)]
    contract_id: Uuid,
    #[diesel(sql_type = BigInt)]
    held: i64,
}

/// Those of these contracts for which money is held, and how much.
pub(crate) fn held_for(
    conn: &mut PgConnection,
    contracts: &[ContractId],
) -> Result<Vec<(ContractId, i64)>, Error> {
    let contracts: Vec<Uuid> = contracts.iter().map(|contract| contract.uuid()).collect();
    let rows: Vec<HeldRow> = diesel::sql_query(
        "SELECT a.contract_id, sum(b.balance)::bigint AS held
         FROM escrow.accounts a JOIN escrow.balances b ON b.account_id = a.id
         WHERE a.contract_id = ANY ($1) AND a.kind = 'HELD'
         GROUP BY a.contract_id HAVING sum(b.balance) <> 0 ORDER BY a.contract_id",
    )
    .bind::<diesel::sql_types::Array<SqlUuid>, _>(contracts)
    .load(conn)?;
    Ok(rows.into_iter().map(|row| (ContractId::from(row.contract_id), row.held)).collect())
}

/// Payments into these escrow accounts that can still succeed in time.
pub(crate) fn open_payments(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<PaymentId>, Error> {
    let open: Vec<&str> =
        PaymentStatus::ALL.iter().filter(|status| status.is_open()).map(|status| status.as_str()).collect();
    Ok(payments::table
        .filter(payments::escrow_id.eq_any(uuids(escrows)).and(payments::status.eq_any(open)))
        .order(payments::id)
        .select(payments::id)
        .load(conn)?)
}

/// Refunds of payments into these escrow accounts that the provider has not made, or would not.
pub(crate) fn unmade_refunds(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<RefundId>, Error> {
    Ok(refunds::table
        .inner_join(payments::table)
        .filter(payments::escrow_id.eq_any(uuids(escrows)).and(refunds::status.ne("DONE")))
        .order(refunds::id)
        .select(refunds::id)
        .load(conn)?)
}

/// A contractor's payouts that the provider has not moved.
pub(crate) fn unpaid_payouts(conn: &mut PgConnection, contractor: PartyId) -> Result<Vec<PayoutId>, Error> {
    Ok(payouts::table
        .filter(payouts::contractor_id.eq(contractor.uuid()))
        .filter(payouts::status.ne(PayoutStatus::Paid.as_str()))
        .order(payouts::id)
        .select(payouts::id)
        .load(conn)?)
}

/// A payment as it is kept.
#[derive(Queryable)]
pub(crate) struct KeptPayment {
    pub(crate) id: PaymentId,
    pub(crate) escrow: EscrowId,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) provider: String,
    pub(crate) failure_code: Option<String>,
    pub(crate) funded_amount: i64,
    pub(crate) created_at: Instant,
    pub(crate) lapses_at: Instant,
    pub(crate) settled_at: Option<Instant>,
}

/// All payments into these escrow accounts, oldest first.
pub(crate) fn payments_into(
    conn: &mut PgConnection,
    escrows: &[EscrowId],
) -> Result<Vec<KeptPayment>, Error> {
    Ok(payments::table
        .filter(payments::escrow_id.eq_any(uuids(escrows)))
        .order((payments::created_at, payments::id))
        .select((
            payments::id,
            payments::escrow_id,
            payments::amount,
            payments::currency,
            payments::status,
            payments::provider,
            payments::failure_code,
            payments::funded_amount,
            payments::created_at,
            payments::lapses_at,
            payments::settled_at,
        ))
        .load(conn)?)
}

/// Which milestones these payments are for.
pub(crate) fn paid_for(
    conn: &mut PgConnection,
    payments: &[PaymentId],
) -> Result<Vec<(PaymentId, MilestoneId)>, Error> {
    let payments: Vec<Uuid> = payments.iter().map(|payment| payment.uuid()).collect();
    Ok(payment_milestones::table
        .filter(payment_milestones::payment_id.eq_any(payments))
        .order((payment_milestones::payment_id, payment_milestones::milestone_id))
        .select((payment_milestones::payment_id, payment_milestones::milestone_id))
        .load(conn)?)
}

/// A refund as it is kept.
#[derive(Queryable)]
pub(crate) struct KeptRefund {
    pub(crate) id: RefundId,
    pub(crate) payment: PaymentId,
    pub(crate) amount: i64,
    pub(crate) status: String,
    pub(crate) failure_code: Option<String>,
    pub(crate) created_at: Instant,
    pub(crate) settled_at: Option<Instant>,
}

/// All refunds of payments into these escrow accounts, oldest first.
pub(crate) fn refunds_from(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<KeptRefund>, Error> {
    Ok(refunds::table
        .inner_join(payments::table)
        .filter(payments::escrow_id.eq_any(uuids(escrows)))
        .order((refunds::created_at, refunds::id))
        .select((
            refunds::id,
            refunds::payment_id,
            refunds::amount,
            refunds::status,
            refunds::failure_code,
            refunds::created_at,
            refunds::settled_at,
        ))
        .load(conn)?)
}

/// A release as it is kept.
#[derive(Queryable)]
pub(crate) struct KeptRelease {
    pub(crate) escrow: EscrowId,
    pub(crate) milestone: MilestoneId,
    pub(crate) part: i16,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) netted: i64,
    pub(crate) share: i64,
    pub(crate) transaction: TransactionId,
    pub(crate) payout: Option<Uuid>,
    pub(crate) released_at: Instant,
}

/// All releases from these escrow accounts, oldest first.
pub(crate) fn releases_from(
    conn: &mut PgConnection,
    escrows: &[EscrowId],
) -> Result<Vec<KeptRelease>, Error> {
    Ok(releases::table
        .filter(releases::escrow_id.eq_any(uuids(escrows)))
        .order((releases::released_at, releases::milestone_id, releases::part))
        .select((
            releases::escrow_id,
            releases::milestone_id,
            releases::part,
            releases::amount,
            releases::fee,
            releases::netted,
            releases::share,
            releases::transaction_id,
            releases::payout_id,
            releases::released_at,
        ))
        .load(conn)?)
}

/// A payout as it is kept.
#[derive(Queryable)]
pub(crate) struct KeptPayout {
    pub(crate) id: PayoutId,
    pub(crate) escrow: EscrowId,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) failure_code: Option<String>,
    pub(crate) created_at: Instant,
    pub(crate) settled_at: Option<Instant>,
}

/// All payouts from these escrow accounts, oldest first: the other party reads of them with its contract.
pub(crate) fn payouts_from(conn: &mut PgConnection, escrows: &[EscrowId]) -> Result<Vec<KeptPayout>, Error> {
    Ok(payouts::table
        .filter(payouts::escrow_id.eq_any(uuids(escrows)))
        .order((payouts::created_at, payouts::id))
        .select((
            payouts::id,
            payouts::escrow_id,
            payouts::amount,
            payouts::currency,
            payouts::status,
            payouts::failure_code,
            payouts::created_at,
            payouts::settled_at,
        ))
        .load(conn)?)
}

/// An entry of an account that is the party's own.
#[derive(Queryable)]
pub(crate) struct KeptEntry {
    pub(crate) account: AccountId,
    pub(crate) kind: String,
    pub(crate) currency: String,
    pub(crate) transaction: TransactionId,
    pub(crate) transaction_kind: String,
    pub(crate) amount: i64,
    pub(crate) at: Instant,
}

/// The entries of the accounts that a party has of its own, in their order.
pub(crate) fn entries_of(conn: &mut PgConnection, party: PartyId) -> Result<Vec<KeptEntry>, Error> {
    let own = [AccountKind::ContractorPayable.as_str(), AccountKind::ContractorDebt.as_str()];
    Ok(entries::table
        .inner_join(accounts::table.on(accounts::id.eq(entries::account_id)))
        .inner_join(transactions::table.on(transactions::id.eq(entries::transaction_id)))
        .filter(accounts::kind.eq_any(own).and(accounts::subject_id.eq(party.uuid())))
        .order(entries::id)
        .select((
            accounts::id,
            accounts::kind,
            entries::currency,
            transactions::id,
            transactions::kind,
            entries::amount,
            transactions::created_at,
        ))
        .load(conn)?)
}

fn uuids(escrows: &[EscrowId]) -> Vec<Uuid> {
    escrows.iter().map(|escrow| escrow.uuid()).collect()
}
