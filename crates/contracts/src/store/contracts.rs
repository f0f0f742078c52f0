//! The table `contracts.contracts`.

use std::collections::HashMap;

use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use kernel::{BasisPoints, Currency, Instant, Limit, Money, PartyId, Position};
use marketplace::JobId;
use uuid::Uuid;

use super::Scope;
use crate::error::corrupt;
use crate::model::{
    Contract, ContractFilter, ContractId, ContractStatus, ContractStep, TerminationReason, Terms,
};
use crate::schema::contracts;

#[derive(Queryable, Selectable)]
#[diesel(table_name = contracts, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    job_id: Uuid,
    bid_id: Uuid,
    homeowner_id: Uuid,
    contractor_id: Uuid,
    title: String,
    price: i64,
    currency: String,
    status: String,
    rules_version: i16,
    fee_basis_points: i32,
    inspection_days: i16,
    auto_release_hours: i16,
    document_version: i32,
    version: i32,
    sign_by: Instant,
    activated_at: Option<Instant>,
    work_started_at: Option<Instant>,
    completed_at: Option<Instant>,
    terminated_at: Option<Instant>,
    termination_reason: Option<String>,
    verification_lapsed_at: Option<Instant>,
    created_at: Instant,
    updated_at: Instant,
}

impl TryFrom<Row> for Contract {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let currency: Currency = row.currency.parse().map_err(corrupt)?;
        let terminated = match (row.terminated_at, &row.termination_reason) {
            (Some(at), Some(reason)) => {
                Some((at, TerminationReason::parse(reason).ok_or_else(|| corrupt(reason))?))
            }
            _ => None,
        };
        Ok(Self {
            id: row.id.into(),
            job_id: row.job_id.into(),
            bid_id: row.bid_id.into(),
            homeowner: row.homeowner_id.into(),
            contractor: row.contractor_id.into(),
            title: row.title,
            price: Money::new(row.price, currency).map_err(corrupt)?,
            status: ContractStatus::parse(&row.status).ok_or_else(|| corrupt(&row.status))?,
            terms: Terms {
                rules_version: row.rules_version,
                fee: BasisPoints::new(u32::try_from(row.fee_basis_points).map_err(corrupt)?),
                inspection_days: u16::try_from(row.inspection_days).map_err(corrupt)?,
                auto_release_hours: u16::try_from(row.auto_release_hours).map_err(corrupt)?,
            },
            document_version: row.document_version,
            version: row.version,
            sign_by: row.sign_by,
            activated_at: row.activated_at,
            work_started_at: row.work_started_at,
            completed_at: row.completed_at,
            terminated,
            verification_lapsed_at: row.verification_lapsed_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn read(row: Option<Row>) -> Result<Option<Contract>, Error> {
    row.map(Contract::try_from).transpose()
}

/// A contract to insert, with its sealed particulars.
pub(crate) struct NewContract<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) particulars: &'a [u8],
}

pub(crate) fn insert_contract(conn: &mut PgConnection, new: &NewContract<'_>) -> Result<(), Error> {
    let contract = new.contract;
    let terms = contract.terms;
    diesel::insert_into(contracts::table)
        .values((
            (
                contracts::id.eq(contract.id.uuid()),
                contracts::job_id.eq(contract.job_id.uuid()),
                contracts::bid_id.eq(contract.bid_id.uuid()),
                contracts::homeowner_id.eq(contract.homeowner.uuid()),
                contracts::contractor_id.eq(contract.contractor.uuid()),
                contracts::title.eq(&contract.title),
                contracts::price.eq(contract.price.minor()),
                contracts::currency.eq(contract.price.currency().code()),
                contracts::status.eq(contract.status.as_str()),
            ),
            (
                contracts::rules_version.eq(terms.rules_version),
                contracts::fee_basis_points.eq(i32::try_from(terms.fee.points()).map_err(corrupt)?),
                contracts::inspection_days.eq(i16::try_from(terms.inspection_days).map_err(corrupt)?),
                contracts::auto_release_hours.eq(i16::try_from(terms.auto_release_hours).map_err(corrupt)?),
                contracts::particulars.eq(new.particulars),
                contracts::document_version.eq(contract.document_version),
                contracts::sign_by.eq(contract.sign_by),
                contracts::created_at.eq(contract.created_at),
                contracts::updated_at.eq(contract.updated_at),
            ),
        ))
        .execute(conn)?;
    Ok(())
}

/// A contract that this scope may see.
pub(crate) fn find_contract(
    conn: &mut PgConnection,
    scope: Scope,
    id: ContractId,
) -> Result<Option<Contract>, Error> {
    match scope {
        Scope::All => find_contract_by_id(conn, id),
        Scope::Party(party) => {
            let row = contracts::table
                .filter(contracts::id.eq(id.uuid()))
                .filter(
                    contracts::homeowner_id.eq(party.uuid()).or(contracts::contractor_id.eq(party.uuid())),
                )
                .select(Row::as_select())
                .get_result(conn)
                .optional()?;
            read(row)
        }
    }
}

/// Any contract: for the service itself, which has authorised.
pub(crate) fn find_contract_by_id(
    conn: &mut PgConnection,
    id: ContractId,
) -> Result<Option<Contract>, Error> {
    read(
        contracts::table
            .filter(contracts::id.eq(id.uuid()))
            .select(Row::as_select())
            .get_result(conn)
            .optional()?,
    )
}

/// Several contracts at once, for the service itself; those that are not there are left out.
pub(crate) fn find_contracts_by_id(
    conn: &mut PgConnection,
    ids: &[ContractId],
) -> Result<Vec<Contract>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows: Vec<Row> =
        contracts::table.filter(contracts::id.eq_any(ids)).select(Row::as_select()).load(conn)?;
    rows.into_iter().map(Contract::try_from).collect()
}

pub(crate) fn find_contract_of_job(conn: &mut PgConnection, job: JobId) -> Result<Option<Contract>, Error> {
    read(
        contracts::table
            .filter(contracts::job_id.eq(job.uuid()))
            .select(Row::as_select())
            .get_result(conn)
            .optional()?,
    )
}

/// A party's contract, locked until the transaction ends.
pub(crate) fn lock_contract(
    conn: &mut PgConnection,
    party: PartyId,
    id: ContractId,
) -> Result<Option<Contract>, Error> {
    let row = contracts::table
        .filter(contracts::id.eq(id.uuid()))
        .filter(contracts::homeowner_id.eq(party.uuid()).or(contracts::contractor_id.eq(party.uuid())))
        .select(Row::as_select())
        .for_update()
        .get_result(conn)
        .optional()?;
    read(row)
}

/// Any contract, locked: for the service itself.
pub(crate) fn lock_contract_by_id(
    conn: &mut PgConnection,
    id: ContractId,
) -> Result<Option<Contract>, Error> {
    let row = contracts::table
        .filter(contracts::id.eq(id.uuid()))
        .select(Row::as_select())
        .for_update()
        .get_result(conn)
        .optional()?;
    read(row)
}

/// How many contracts there are in each state; what is not there is none.
pub(crate) fn count_by_status(conn: &mut PgConnection) -> Result<HashMap<String, i64>, Error> {
    let rows: Vec<(String, i64)> = contracts::table
        .group_by(contracts::status)
        .select((contracts::status, diesel::dsl::count_star()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// This party's contracts that have not ended.
pub(crate) fn open_contracts_of(conn: &mut PgConnection, party: PartyId) -> Result<Vec<Contract>, Error> {
    let open = [ContractStatus::PendingSignatures.as_str(), ContractStatus::Active.as_str()];
    let rows: Vec<Row> = contracts::table
        .filter(contracts::homeowner_id.eq(party.uuid()).or(contracts::contractor_id.eq(party.uuid())))
        .filter(contracts::status.eq_any(open))
        .order(contracts::id)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(Contract::try_from).collect()
}

/// All of a party's contracts, oldest first.
pub(crate) fn list_all_of(conn: &mut PgConnection, party: PartyId) -> Result<Vec<Contract>, Error> {
    let rows: Vec<Row> = contracts::table
        .filter(contracts::homeowner_id.eq(party.uuid()).or(contracts::contractor_id.eq(party.uuid())))
        .order((contracts::created_at, contracts::id))
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(Contract::try_from).collect()
}

/// The sealed particulars of a contract; empty once one of its parties was forgotten.
pub(crate) fn find_particulars(conn: &mut PgConnection, id: ContractId) -> Result<Option<Vec<u8>>, Error> {
    Ok(contracts::table.find(id.uuid()).select(contracts::particulars).get_result(conn).optional()?)
}

/// The newest first, from a position on, one more than the page holds.
pub(crate) fn list_contracts(
    conn: &mut PgConnection,
    scope: Scope,
    filter: ContractFilter,
    limit: Limit,
    after: Option<Position>,
) -> Result<Vec<Contract>, Error> {
    let mut query = contracts::table.select(Row::as_select()).into_boxed();
    if let Scope::Party(party) = scope {
        query = query
            .filter(contracts::homeowner_id.eq(party.uuid()).or(contracts::contractor_id.eq(party.uuid())));
    }
    if let Some(status) = filter.status {
        query = query.filter(contracts::status.eq(status.as_str()));
    }
    if let Some(Position { key, id }) = after {
        query = query.filter(
            contracts::created_at.lt(key).or(contracts::created_at.eq(key).and(contracts::id.lt(id))),
        );
    }
    let rows: Vec<Row> = query
        .order((contracts::created_at.desc(), contracts::id.desc()))
        .limit(limit.plus_one())
        .load(conn)?;
    rows.into_iter().map(Contract::try_from).collect()
}

/// PENDING_SIGNATURES → ACTIVE.
pub(crate) fn activate(conn: &mut PgConnection, id: ContractId, now: Instant) -> Result<bool, Error> {
    let Some((from, to)) = arrow(ContractStep::BothSigned) else { return Ok(false) };
    let changed = diesel::update(
        contracts::table.filter(contracts::id.eq(id.uuid())).filter(contracts::status.eq_any(from)),
    )
    .set((
        contracts::status.eq(to),
        contracts::activated_at.eq(now),
        contracts::version.eq(contracts::version + 1),
        contracts::updated_at.eq(now),
    ))
    .execute(conn)?;
    Ok(changed == 1)
}

/// ACTIVE → COMPLETED.
pub(crate) fn complete(conn: &mut PgConnection, id: ContractId, now: Instant) -> Result<bool, Error> {
    let Some((from, to)) = arrow(ContractStep::LastMilestoneFinished) else { return Ok(false) };
    let changed = diesel::update(
        contracts::table.filter(contracts::id.eq(id.uuid())).filter(contracts::status.eq_any(from)),
    )
    .set((
        contracts::status.eq(to),
        contracts::completed_at.eq(now),
        contracts::version.eq(contracts::version + 1),
        contracts::updated_at.eq(now),
    ))
    .execute(conn)?;
    Ok(changed == 1)
}

/// PENDING_SIGNATURES → TERMINATED.
pub(crate) fn terminate(
    conn: &mut PgConnection,
    id: ContractId,
    why: TerminationReason,
    now: Instant,
) -> Result<bool, Error> {
    let Some((from, to)) = arrow(ContractStep::SigningLapsed) else { return Ok(false) };
    let changed = diesel::update(
        contracts::table.filter(contracts::id.eq(id.uuid())).filter(contracts::status.eq_any(from)),
    )
    .set((
        contracts::status.eq(to),
        contracts::terminated_at.eq(now),
        contracts::termination_reason.eq(why.as_str()),
        contracts::version.eq(contracts::version + 1),
        contracts::updated_at.eq(now),
    ))
    .execute(conn)?;
    Ok(changed == 1)
}

/// Makes the running contracts of a contractor say since when its verification does not hold, or that it does; gives those that said otherwise.
pub(crate) fn flag_running(
    conn: &mut PgConnection,
    contractor: PartyId,
    lapsed_at: Option<Instant>,
    now: Instant,
) -> Result<Vec<Contract>, Error> {
    let running = contracts::table
        .filter(contracts::contractor_id.eq(contractor.uuid()))
        .filter(contracts::status.eq(ContractStatus::Active.as_str()))
        .filter(contracts::verification_lapsed_at.is_null().eq(lapsed_at.is_some()));
    let rows: Vec<Row> = diesel::update(running)
        .set((
            contracts::verification_lapsed_at.eq(lapsed_at),
            contracts::version.eq(contracts::version + 1),
            contracts::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_results(conn)?;
    rows.into_iter().map(Contract::try_from).collect()
}

/// The states that a step may start from, and the one that it leads to.
fn arrow(step: ContractStep) -> Option<(Vec<&'static str>, &'static str)> {
    let from: Vec<ContractStatus> =
        ContractStatus::ALL.iter().copied().filter(|status| status.after(step).is_some()).collect();
    let to = from.first()?.after(step)?.as_str();
    Some((from.into_iter().map(ContractStatus::as_str).collect(), to))
}

/// Notes the instant of the first start; false when work had been started before.
pub(crate) fn mark_work_started(
    conn: &mut PgConnection,
    id: ContractId,
    now: Instant,
) -> Result<bool, Error> {
    let first =
        contracts::table.filter(contracts::id.eq(id.uuid())).filter(contracts::work_started_at.is_null());
    let changed = diesel::update(first)
        .set((
            contracts::work_started_at.eq(now),
            contracts::version.eq(contracts::version + 1),
            contracts::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Makes another version the text that is to be signed.
pub(crate) fn replace_text(
    conn: &mut PgConnection,
    id: ContractId,
    version: i32,
    now: Instant,
) -> Result<(), Error> {
    diesel::update(contracts::table.filter(contracts::id.eq(id.uuid())))
        .set((
            contracts::document_version.eq(version),
            contracts::version.eq(contracts::version + 1),
            contracts::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes that something of the contract changed that is kept beside it.
pub(crate) fn touch_contract(conn: &mut PgConnection, id: ContractId, now: Instant) -> Result<(), Error> {
    diesel::update(contracts::table.filter(contracts::id.eq(id.uuid())))
        .set((contracts::version.eq(contracts::version + 1), contracts::updated_at.eq(now)))
        .execute(conn)?;
    Ok(())
}
