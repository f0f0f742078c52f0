//! Payouts of contractors' shares.

use contracts::{ContractId, MilestoneId};
use database::Error;
use diesel::dsl::sql;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use kernel::{Currency, Instant, PartyId};
use uuid::Uuid;

use super::{currency, word};
use crate::model::{EscrowId, Payout, PayoutFigures, PayoutId, PayoutStatus};
use crate::schema::{escrows, payouts, releases};

/// The latest payouts that a summary shows.
const LATEST: i64 = 100;
/// How many waiting payouts are looked at in one run.
const WAITING_BATCH: i64 = 500;

#[derive(Queryable, Selectable)]
#[diesel(table_name = payouts)]
struct PayoutRow {
    id: Uuid,
    escrow_id: Uuid,
    contractor_id: Uuid,
    amount: i64,
    status: String,
    failure_code: Option<String>,
    created_at: Instant,
    settled_at: Option<Instant>,
}

/// A payout with what its job needs beside it.
#[derive(Debug, Clone)]
pub(crate) struct PayoutJob {
    pub(crate) payout: Payout,
    pub(crate) currency: Currency,
    pub(crate) contract: ContractId,
    pub(crate) job: Uuid,
    pub(crate) homeowner: PartyId,
}

impl PayoutRow {
    fn read(self, milestone: Uuid, part: i16) -> Result<Payout, Error> {
        Ok(Payout {
            id: PayoutId::from(self.id),
            escrow_id: EscrowId::from(self.escrow_id),
            milestone_id: MilestoneId::from(milestone),
            part,
            contractor: PartyId::from(self.contractor_id),
            amount: self.amount,
            status: word(&self.status, PayoutStatus::parse)?,
            failure_code: self.failure_code,
            created_at: self.created_at,
            settled_at: self.settled_at,
        })
    }
}

/// A payout by its id, with what it belongs to.
pub(crate) fn find(conn: &mut PgConnection, id: PayoutId) -> Result<Option<PayoutJob>, Error> {
    type Found = (PayoutRow, String, (Uuid, i16), (Uuid, Uuid, Uuid));
    let found: Option<Found> = payouts::table
        .inner_join(escrows::table)
        .inner_join(releases::table.on(releases::payout_id.eq(payouts::id.nullable())))
        .filter(payouts::id.eq(id.uuid()))
        .select((
            PayoutRow::as_select(),
            payouts::currency,
            (releases::milestone_id, releases::part),
            (escrows::contract_id, escrows::job_id, escrows::homeowner_id),
        ))
        .first(conn)
        .optional()?;
    let Some((row, code, (milestone, part), (contract, job, homeowner))) = found else { return Ok(None) };
    Ok(Some(PayoutJob {
        payout: row.read(milestone, part)?,
        currency: currency(&code)?,
        contract: ContractId::from(contract),
        job,
        homeowner: PartyId::from(homeowner),
    }))
}

/// How many payouts are not paid, and what they sum to, by state and currency.
pub(crate) fn count_unpaid(conn: &mut PgConnection) -> Result<Vec<PayoutFigures>, Error> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        status: String,
        #[diesel(sql_type = Text)]
        currency: String,
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = BigInt)]
        amount: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT status, currency, count(*) AS count, sum(amount)::bigint AS amount
         FROM escrow.payouts WHERE status <> 'PAID' GROUP BY status, currency ORDER BY status, currency",
    )
    .load(conn)?;
    rows.into_iter()
        .map(|row| {
            Ok(PayoutFigures {
                status: word(&row.status, PayoutStatus::parse)?,
                currency: currency(&row.currency)?,
                count: row.count,
                amount: row.amount,
            })
        })
        .collect()
}

/// The latest payouts from an escrow account, newest first.
pub(crate) fn latest(conn: &mut PgConnection, escrow: EscrowId) -> Result<Vec<Payout>, Error> {
    let rows: Vec<(PayoutRow, Uuid, i16)> = payouts::table
        .inner_join(releases::table.on(releases::payout_id.eq(payouts::id.nullable())))
        .filter(payouts::escrow_id.eq(escrow.uuid()))
        .order((payouts::created_at.desc(), payouts::id.desc()))
        .limit(LATEST)
        .select((PayoutRow::as_select(), releases::milestone_id, releases::part))
        .load(conn)?;
    rows.into_iter().map(|(row, milestone, part)| row.read(milestone, part)).collect()
}

/// What was paid out from an escrow account so far.
pub(crate) fn paid_out(conn: &mut PgConnection, escrow: EscrowId) -> Result<i64, Error> {
    let amounts: Vec<i64> = payouts::table
        .filter(payouts::escrow_id.eq(escrow.uuid()).and(payouts::status.eq(PayoutStatus::Paid.as_str())))
        .select(payouts::amount)
        .load(conn)?;
    Ok(amounts.into_iter().sum())
}

/// Notes that the provider moved it; false when that was noted before.
pub(crate) fn note_paid(
    conn: &mut PgConnection,
    id: PayoutId,
    transfer: &str,
    at: Instant,
) -> Result<bool, Error> {
    let paid = PayoutStatus::Paid.as_str();
    let noted = diesel::update(payouts::table.find(id.uuid()).filter(payouts::status.ne(paid)))
        .set((
            payouts::status.eq(paid),
            payouts::provider_transfer_id.eq(transfer),
            payouts::failure_code.eq(None::<String>),
            payouts::settled_at.eq(at),
        ))
        .execute(conn)?;
    Ok(noted == 1)
}

/// Notes that it waits for an account, or that the provider refused; false when it has left `from` meanwhile.
pub(crate) fn note_unpaid(
    conn: &mut PgConnection,
    id: PayoutId,
    from: PayoutStatus,
    to: PayoutStatus,
    failure: Option<&str>,
    at: Option<Instant>,
) -> Result<bool, Error> {
    let noted = diesel::update(payouts::table.find(id.uuid()).filter(payouts::status.eq(from.as_str())))
        .set((payouts::status.eq(to.as_str()), payouts::failure_code.eq(failure), payouts::settled_at.eq(at)))
        .execute(conn)?;
    Ok(noted == 1)
}

/// Payouts that wait for their contractor's account.
pub(crate) fn waiting(conn: &mut PgConnection) -> Result<Vec<PayoutId>, Error> {
    let ids: Vec<Uuid> = payouts::table
        // In the text: what is bound, a plan for all values cannot know to be in the index of unpaid ones.
        .filter(sql::<Bool>("payouts.status = 'WAITING_ACCOUNT'"))
        .order(payouts::id)
        .limit(WAITING_BATCH)
        .select(payouts::id)
        .load(conn)?;
    Ok(ids.into_iter().map(PayoutId::from).collect())
}
