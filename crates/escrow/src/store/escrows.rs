//! Escrow accounts, their schedules and their releases.

use chrono::NaiveDate;
use contracts::{ContractId, MilestoneId};
use database::Error;
use database::hot::{Binds, Hot, Statement};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Actor, Instant, PartyId, Role};
use marketplace::JobId;
use uuid::Uuid;

use super::{currency, word};
use crate::model::{
    Escrow, EscrowFigures, EscrowId, EscrowStatus, PayoutId, ScheduleEntry, ScheduleEntryId, ScheduleStatus,
    TransactionId,
};
use crate::rules::{ReleaseFacts, ReleasePlan};
use crate::schema::{escrows, release_schedule};

/// An escrow account's own row.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = escrows)]
pub(crate) struct EscrowRow {
    pub(crate) id: Uuid,
    pub(crate) contract_id: Uuid,
    pub(crate) job_id: Uuid,
    pub(crate) homeowner_id: Uuid,
    pub(crate) contractor_id: Uuid,
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) created_at: Instant,
    pub(crate) closed_at: Option<Instant>,
}

impl EscrowRow {
    pub(crate) fn contract(&self) -> ContractId {
        ContractId::from(self.contract_id)
    }

    pub(crate) fn contractor(&self) -> PartyId {
        PartyId::from(self.contractor_id)
    }

    pub(crate) fn status(&self) -> Result<EscrowStatus, Error> {
        word(&self.status, EscrowStatus::parse)
    }

    pub(crate) fn currency(&self) -> Result<kernel::Currency, Error> {
        currency(&self.currency)
    }
}

/// Whether this actor's view of escrow accounts has no owner: administrators and the service itself.
fn sees_all(actor: &Actor) -> bool {
    actor.role == Role::Admin
}

/// An escrow account by its id, if it is this actor's to see.
pub(crate) fn find(conn: &mut PgConnection, actor: &Actor, id: EscrowId) -> Result<Option<EscrowRow>, Error> {
    let by_id = escrows::table.find(id.uuid()).select(EscrowRow::as_select());
    if sees_all(actor) {
        return Ok(by_id.first(conn).optional()?);
    }
    let party = actor.party.uuid();
    let own = escrows::homeowner_id.eq(party).or(escrows::contractor_id.eq(party));
    Ok(by_id.filter(own).first(conn).optional()?)
}

/// An escrow account by its contract; whose it is has been asked of the contract.
pub(crate) fn find_of_contract(
    conn: &mut PgConnection,
    contract: ContractId,
) -> Result<Option<EscrowRow>, Error> {
    Ok(escrows::table
        .filter(escrows::contract_id.eq(contract.uuid()))
        .select(EscrowRow::as_select())
        .first(conn)
        .optional()?)
}

/// Takes the lock of an escrow account that is this actor's to see, which every movement of its money holds, or fails at
/// once.
pub(crate) fn lock(conn: &mut PgConnection, actor: &Actor, id: EscrowId) -> Result<Option<EscrowRow>, Error> {
    let party = if sees_all(actor) { None } else { Some(actor.party.uuid()) };
    Ok(Hot(LockEscrow { id: id.uuid(), party }).get_result(conn).optional()?)
}

struct LockEscrow {
    id: Uuid,
    party: Option<Uuid>,
}

impl Statement for LockEscrow {
    const SQL: &'static str = "
        SELECT id, contract_id, job_id, homeowner_id, contractor_id, currency, status, created_at, closed_at
        FROM escrow.escrows
        WHERE id = $1 AND coalesce($2 IN (homeowner_id, contractor_id), true)
        FOR NO KEY UPDATE NOWAIT";
    type Columns =
        (SqlUuid, SqlUuid, SqlUuid, SqlUuid, SqlUuid, Text, Text, Timestamptz, Nullable<Timestamptz>);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<SqlUuid, _>(&self.id)?;
        binds.push::<Nullable<SqlUuid>, _>(&self.party)
    }
}

/// Opens an escrow account with its schedule.
pub(crate) fn insert(
    conn: &mut PgConnection,
    row: &EscrowRow,
    schedule: &[(MilestoneId, i64, NaiveDate)],
) -> Result<(), Error> {
    diesel::insert_into(escrows::table)
        .values((
            escrows::id.eq(row.id),
            escrows::contract_id.eq(row.contract_id),
            escrows::job_id.eq(row.job_id),
            escrows::homeowner_id.eq(row.homeowner_id),
            escrows::contractor_id.eq(row.contractor_id),
            escrows::currency.eq(&row.currency),
            escrows::status.eq(&row.status),
            escrows::created_at.eq(row.created_at),
        ))
        .execute(conn)?;
    let entries: Vec<_> = schedule
        .iter()
        .zip(1_i16..)
        .map(|((milestone, amount, due), ordinal)| {
            (
                release_schedule::id.eq(ScheduleEntryId::new().uuid()),
                release_schedule::escrow_id.eq(row.id),
                release_schedule::milestone_id.eq(milestone.uuid()),
                release_schedule::ordinal.eq(ordinal),
                release_schedule::amount.eq(*amount),
                release_schedule::due_date.eq(*due),
                release_schedule::status.eq(ScheduleStatus::Pending.as_str()),
            )
        })
        .collect();
    diesel::insert_into(release_schedule::table).values(entries).execute(conn)?;
    Ok(())
}

/// An escrow account whole: its schedule and its figures beside its row.
pub(crate) fn complete(
    conn: &mut PgConnection,
    row: EscrowRow,
    figures: EscrowFigures,
) -> Result<Escrow, Error> {
    let entries: Vec<(Uuid, Uuid, i64, Option<NaiveDate>, String)> = release_schedule::table
        .filter(release_schedule::escrow_id.eq(row.id))
        .order(release_schedule::ordinal)
        .select((
            release_schedule::id,
            release_schedule::milestone_id,
            release_schedule::amount,
            release_schedule::due_date,
            release_schedule::status,
        ))
        .load(conn)?;
    let schedule = entries
        .into_iter()
        .map(|(id, milestone, amount, due_date, status)| {
            Ok(ScheduleEntry {
                id: ScheduleEntryId::from(id),
                milestone_id: MilestoneId::from(milestone),
                amount,
                due_date,
                status: word(&status, ScheduleStatus::parse)?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(Escrow {
        id: EscrowId::from(row.id),
        contract_id: row.contract(),
        job_id: JobId::from(row.job_id),
        homeowner: PartyId::from(row.homeowner_id),
        contractor: row.contractor(),
        currency: row.currency()?,
        total: schedule
            .iter()
            .filter(|entry| entry.status != ScheduleStatus::Cancelled)
            .map(|entry| entry.amount)
            .sum(),
        figures,
        status: row.status()?,
        schedule,
        created_at: row.created_at,
        closed_at: row.closed_at,
    })
}

/// What a release is decided on, in one round trip.
struct FindReleaseFacts {
    currency: String,
    milestone: Uuid,
    contractor: Uuid,
}

impl Statement for FindReleaseFacts {
    const SQL: &'static str = "
        WITH asked (currency, milestone, contractor) AS (VALUES ($1, $2, $3))
        SELECT coalesce((SELECT b.balance FROM escrow.accounts a JOIN escrow.balances b ON b.account_id = a.id
                         WHERE a.kind = 'HELD' AND a.currency = asked.currency
                             AND a.subject_id = asked.milestone), 0::bigint),
               done.amount, done.fees, done.parts,
               coalesce((SELECT b.balance FROM escrow.accounts a JOIN escrow.balances b ON b.account_id = a.id
                         WHERE a.kind = 'CONTRACTOR_DEBT' AND a.currency = asked.currency
                             AND a.subject_id = asked.contractor), 0::bigint)
        FROM asked CROSS JOIN LATERAL (
            SELECT coalesce(sum(r.amount), 0)::bigint AS amount, coalesce(sum(r.fee), 0)::bigint AS fees,
                   coalesce(max(r.part), 0::smallint) AS parts
            FROM escrow.releases r WHERE r.milestone_id = asked.milestone
        ) done";
    type Columns = (BigInt, BigInt, BigInt, SmallInt, BigInt);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Text, _>(&self.currency)?;
        binds.push::<SqlUuid, _>(&self.milestone)?;
        binds.push::<SqlUuid, _>(&self.contractor)
    }
}

/// What is known of a milestone's money.
pub(crate) fn release_facts(
    conn: &mut PgConnection,
    currency: &str,
    milestone: MilestoneId,
    contractor: PartyId,
) -> Result<ReleaseFacts, Error> {
    let find = FindReleaseFacts {
        currency: currency.to_owned(),
        milestone: milestone.uuid(),
        contractor: contractor.uuid(),
    };
    let (held, released, fees, parts, debt) = Hot(find).get_result(conn)?;
    Ok(ReleaseFacts { held, released, fees, parts, debt })
}

/// A release to be noted beside its posting.
pub(crate) struct NewRelease<'a> {
    pub(crate) escrow: &'a EscrowRow,
    pub(crate) milestone: MilestoneId,
    pub(crate) transaction: TransactionId,
    pub(crate) payout: Option<PayoutId>,
    pub(crate) plan: &'a ReleasePlan,
}

/// The release, the payout of its share and, when nothing is left, the end of the schedule's entry and perhaps of the whole
/// account: one round trip. Foreign keys are checked when it ends, so the order of its parts does not matter.
struct NoteRelease {
    payout: Option<Uuid>,
    escrow: Uuid,
    contractor: Uuid,
    currency: String,
    milestone: Uuid,
    transaction: Uuid,
    part: i16,
    amount: i64,
    fee: i64,
    netted: i64,
    share: i64,
    remaining: i64,
}

impl Statement for NoteRelease {
    const SQL: &'static str = "
        WITH done (payout, escrow, contractor, currency, milestone, transaction, part, amount, fee, netted, share,
                   remaining, at) AS (VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, app.clock())),
        payout AS (
            INSERT INTO escrow.payouts (id, escrow_id, contractor_id, amount, currency, status, created_at)
            SELECT payout, escrow, contractor, share, currency, 'PENDING', at FROM done WHERE payout IS NOT NULL
        ), finished AS (
            UPDATE escrow.release_schedule s SET status = 'RELEASED' FROM done
            WHERE s.milestone_id = done.milestone AND s.status = 'PENDING' AND done.remaining = 0
            RETURNING s.id
        ), closed AS (
            UPDATE escrow.escrows e SET status = 'CLOSED', closed_at = done.at FROM done
            WHERE e.id = done.escrow AND EXISTS (SELECT 1 FROM finished) AND NOT EXISTS (
                SELECT 1 FROM escrow.release_schedule s
                WHERE s.escrow_id = done.escrow AND s.status = 'PENDING' AND s.milestone_id <> done.milestone)
        )
        INSERT INTO escrow.releases
            (milestone_id, part, escrow_id, transaction_id, payout_id, amount, fee, netted, share, released_at)
        SELECT milestone, part, escrow, transaction, payout, amount, fee, netted, share, at FROM done
        RETURNING released_at";
    type Columns = (Timestamptz,);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Nullable<SqlUuid>, _>(&self.payout)?;
        binds.push::<SqlUuid, _>(&self.escrow)?;
        binds.push::<SqlUuid, _>(&self.contractor)?;
        binds.push::<Text, _>(&self.currency)?;
        binds.push::<SqlUuid, _>(&self.milestone)?;
        binds.push::<SqlUuid, _>(&self.transaction)?;
        binds.push::<SmallInt, _>(&self.part)?;
        binds.push::<BigInt, _>(&self.amount)?;
        binds.push::<BigInt, _>(&self.fee)?;
        binds.push::<BigInt, _>(&self.netted)?;
        binds.push::<BigInt, _>(&self.share)?;
        binds.push::<BigInt, _>(&self.remaining)
    }
}

/// Notes a release beside its posting, and tells when it was.
pub(crate) fn note_release(conn: &mut PgConnection, release: &NewRelease<'_>) -> Result<Instant, Error> {
    let plan = release.plan;
    let note = NoteRelease {
        payout: release.payout.map(PayoutId::uuid),
        escrow: release.escrow.id,
        contractor: release.escrow.contractor_id,
        currency: release.escrow.currency.clone(),
        milestone: release.milestone.uuid(),
        transaction: release.transaction.uuid(),
        part: plan.part,
        amount: plan.amount,
        fee: plan.fee,
        netted: plan.netted,
        share: plan.share,
        remaining: plan.remaining,
    };
    let (at,) = Hot(note).get_result(conn)?;
    Ok(at)
}
