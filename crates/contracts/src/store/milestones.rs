//! The table `contracts.milestones`; how one is released is in `release`, for that is a hot statement.

use chrono::NaiveDate;
use database::Error;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use kernel::{Instant, Limit, Position};
use serde_json::Value;
use uuid::Uuid;

use crate::error::corrupt;
use crate::model::{ContractId, Milestone, MilestoneFacts, MilestoneId, MilestoneStatus, MilestoneStep};
use crate::schema::{milestones, submissions};

#[derive(Queryable, Selectable)]
#[diesel(table_name = milestones, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    contract_id: Uuid,
    ordinal: i32,
    title: String,
    description: Option<String>,
    deliverables: Value,
    amount: i64,
    status: String,
    start_date: Option<NaiveDate>,
    due_date: NaiveDate,
    submission: i32,
    inspection_ends_at: Option<Instant>,
    inspection_paused_at: Option<Instant>,
    version: i32,
    started_at: Option<Instant>,
    approved_at: Option<Instant>,
    released_at: Option<Instant>,
    created_at: Instant,
    updated_at: Instant,
}

impl TryFrom<Row> for Milestone {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.into(),
            contract_id: row.contract_id.into(),
            ordinal: row.ordinal,
            title: row.title,
            description: row.description,
            deliverables: serde_json::from_value(row.deliverables).map_err(corrupt)?,
            amount: row.amount,
            status: status(&row.status)?,
            start_date: row.start_date,
            due_date: row.due_date,
            submission: row.submission,
            inspection_ends_at: row.inspection_ends_at,
            inspection_paused_at: row.inspection_paused_at,
            version: row.version,
            started_at: row.started_at,
            approved_at: row.approved_at,
            released_at: row.released_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn status(text: &str) -> Result<MilestoneStatus, Error> {
    MilestoneStatus::parse(text).ok_or_else(|| corrupt(text))
}

fn read(rows: Vec<Row>) -> Result<Vec<Milestone>, Error> {
    rows.into_iter().map(Milestone::try_from).collect()
}

/// A milestone to insert; it is PENDING.
pub(crate) struct NewMilestone {
    pub(crate) id: MilestoneId,
    pub(crate) contract: ContractId,
    pub(crate) ordinal: i32,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) deliverables: Vec<String>,
    pub(crate) amount: i64,
    pub(crate) start_date: Option<NaiveDate>,
    pub(crate) due_date: NaiveDate,
    pub(crate) created_at: Instant,
}

pub(crate) fn insert_milestones(
    conn: &mut PgConnection,
    new: &[NewMilestone],
) -> Result<Vec<Milestone>, Error> {
    let rows: Vec<_> = new
        .iter()
        .map(|one| {
            (
                milestones::id.eq(one.id.uuid()),
                milestones::contract_id.eq(one.contract.uuid()),
                milestones::ordinal.eq(one.ordinal),
                milestones::title.eq(&one.title),
                milestones::description.eq(&one.description),
                milestones::deliverables.eq(Value::from(one.deliverables.clone())),
                milestones::amount.eq(one.amount),
                milestones::status.eq(MilestoneStatus::Pending.as_str()),
                milestones::start_date.eq(one.start_date),
                milestones::due_date.eq(one.due_date),
                milestones::created_at.eq(one.created_at),
                milestones::updated_at.eq(one.created_at),
            )
        })
        .collect();
    let mut inserted = read(
        diesel::insert_into(milestones::table)
            .values(rows)
            .returning(Row::as_returning())
            .get_results(conn)?,
    )?;
    inserted.sort_by_key(|one| one.ordinal);
    Ok(inserted)
}

/// A contract's milestones in their order.
pub(crate) fn list_milestones(
    conn: &mut PgConnection,
    contract: ContractId,
) -> Result<Vec<Milestone>, Error> {
    let rows = milestones::table
        .filter(milestones::contract_id.eq(contract.uuid()))
        .order(milestones::ordinal)
        .select(Row::as_select())
        .load(conn)?;
    read(rows)
}

/// The milestones of several contracts, those of each in their order.
pub(crate) fn list_milestones_of(
    conn: &mut PgConnection,
    contracts: &[ContractId],
) -> Result<Vec<Milestone>, Error> {
    let ids: Vec<Uuid> = contracts.iter().map(|contract| contract.uuid()).collect();
    read(
        milestones::table
            .filter(milestones::contract_id.eq_any(ids))
            .order((milestones::contract_id, milestones::ordinal))
            .select(Row::as_select())
            .load(conn)?,
    )
}

/// A contract's milestones in their order, from a position on, one more than the page holds.
pub(crate) fn page_of_milestones(
    conn: &mut PgConnection,
    contract: ContractId,
    limit: Limit,
    after: Option<Position<i32>>,
) -> Result<Vec<Milestone>, Error> {
    let rows = milestones::table
        .filter(milestones::contract_id.eq(contract.uuid()))
        .filter(milestones::ordinal.gt(after.map_or(0, |position| position.key)))
        .order(milestones::ordinal)
        .limit(limit.plus_one())
        .select(Row::as_select())
        .load(conn)?;
    read(rows)
}

/// A milestone of this contract.
pub(crate) fn find_milestone(
    conn: &mut PgConnection,
    contract: ContractId,
    id: MilestoneId,
) -> Result<Option<Milestone>, Error> {
    let row: Option<Row> = milestones::table
        .filter(milestones::id.eq(id.uuid()))
        .filter(milestones::contract_id.eq(contract.uuid()))
        .select(Row::as_select())
        .get_result(conn)
        .optional()?;
    row.map(Milestone::try_from).transpose()
}

/// A milestone of this contract, locked until the transaction ends.
pub(crate) fn lock_milestone(
    conn: &mut PgConnection,
    contract: ContractId,
    id: MilestoneId,
) -> Result<Option<Milestone>, Error> {
    let row: Option<Row> = milestones::table
        .filter(milestones::id.eq(id.uuid()))
        .filter(milestones::contract_id.eq(contract.uuid()))
        .select(Row::as_select())
        .for_update()
        .get_result(conn)
        .optional()?;
    row.map(Milestone::try_from).transpose()
}

/// Those of a contract's milestones that are in this state, locked until the transaction ends.
pub(crate) fn lock_in_state(
    conn: &mut PgConnection,
    contract: ContractId,
    state: MilestoneStatus,
) -> Result<Vec<Milestone>, Error> {
    let rows = milestones::table
        .filter(milestones::contract_id.eq(contract.uuid()))
        .filter(milestones::status.eq(state.as_str()))
        .order(milestones::id)
        .select(Row::as_select())
        .for_update()
        .load(conn)?;
    read(rows)
}

/// Stops the clock of the inspection that runs.
pub(crate) fn pause_inspection(
    conn: &mut PgConnection,
    id: MilestoneId,
    paused_at: Instant,
    now: Instant,
) -> Result<(), Error> {
    let running = milestones::table
        .filter(milestones::id.eq(id.uuid()))
        .filter(milestones::status.eq(MilestoneStatus::Submitted.as_str()))
        .filter(milestones::inspection_paused_at.is_null());
    diesel::update(running)
        .set((
            milestones::inspection_paused_at.eq(paused_at),
            milestones::version.eq(milestones::version + 1),
            milestones::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Lets the clock of an inspection go on, to this end.
pub(crate) fn resume_inspection(
    conn: &mut PgConnection,
    milestone: &Milestone,
    ends_at: Instant,
    now: Instant,
) -> Result<(), Error> {
    let paused = milestones::table
        .filter(milestones::id.eq(milestone.id.uuid()))
        .filter(milestones::inspection_paused_at.is_not_null());
    diesel::update(paused)
        .set((
            milestones::inspection_ends_at.eq(ends_at),
            milestones::inspection_paused_at.eq(None::<Instant>),
            milestones::version.eq(milestones::version + 1),
            milestones::updated_at.eq(now),
        ))
        .execute(conn)?;
    diesel::update(submissions::table.find((milestone.id.uuid(), milestone.submission)))
        .set(submissions::inspection_ends_at.eq(ends_at))
        .execute(conn)?;
    Ok(())
}

/// All milestones of a contract, locked in the order of their ids; none of them waits for somebody else's lock.
pub(crate) fn lock_all(conn: &mut PgConnection, contract: ContractId) -> Result<Vec<MilestoneFacts>, Error> {
    let rows: Vec<(Uuid, i64, String, String, i32, NaiveDate)> = milestones::table
        .filter(milestones::contract_id.eq(contract.uuid()))
        .order(milestones::id)
        .select((
            milestones::id,
            milestones::amount,
            milestones::status,
            milestones::title,
            milestones::ordinal,
            milestones::due_date,
        ))
        .for_update()
        .no_wait()
        .load(conn)?;
    rows.into_iter()
        .map(|(id, amount, state, title, ordinal, due_date)| {
            Ok(MilestoneFacts { id: id.into(), amount, status: status(&state)?, title, ordinal, due_date })
        })
        .collect()
}

/// What an edit sets; the outer `None` leaves a column alone.
#[derive(AsChangeset, Default)]
#[diesel(table_name = milestones)]
pub(crate) struct Changes {
    pub(crate) title: Option<String>,
    pub(crate) description: Option<Option<String>>,
    pub(crate) deliverables: Option<Value>,
    pub(crate) start_date: Option<Option<NaiveDate>>,
    pub(crate) due_date: Option<NaiveDate>,
}

pub(crate) fn edit_milestone(
    conn: &mut PgConnection,
    id: MilestoneId,
    changes: &Changes,
    now: Instant,
) -> Result<Milestone, Error> {
    let row: Row = diesel::update(milestones::table.filter(milestones::id.eq(id.uuid())))
        .set((changes, milestones::version.eq(milestones::version + 1), milestones::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(conn)?;
    row.try_into()
}

pub(crate) fn set_amount(
    conn: &mut PgConnection,
    id: MilestoneId,
    amount: i64,
    now: Instant,
) -> Result<(), Error> {
    diesel::update(milestones::table.filter(milestones::id.eq(id.uuid())))
        .set((
            milestones::amount.eq(amount),
            milestones::version.eq(milestones::version + 1),
            milestones::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// What changes with a step beside the state; the outer `None` leaves a column alone.
#[derive(AsChangeset, Default)]
#[diesel(table_name = milestones)]
pub(crate) struct Mark {
    pub(crate) submission: Option<i32>,
    pub(crate) inspection_ends_at: Option<Option<Instant>>,
    pub(crate) inspection_paused_at: Option<Option<Instant>>,
    pub(crate) started_at: Option<Instant>,
    pub(crate) approved_at: Option<Instant>,
}

/// A step with what it notes.
pub(crate) enum Advance {
    Start,
    Submit { number: i32, inspection_ends_at: Instant, paused: bool },
    RequestChanges,
    Approve,
}

impl Advance {
    fn step(&self) -> MilestoneStep {
        match self {
            Self::Start => MilestoneStep::Start,
            Self::Submit { .. } => MilestoneStep::Submit,
            Self::RequestChanges => MilestoneStep::RequestChanges,
            Self::Approve => MilestoneStep::Approve,
        }
    }

    fn mark(&self, now: Instant) -> Mark {
        match self {
            Self::Start => Mark { started_at: Some(now), ..Mark::default() },
            Self::Submit { number, inspection_ends_at, paused } => Mark {
                submission: Some(*number),
                inspection_ends_at: Some(Some(*inspection_ends_at)),
                inspection_paused_at: Some(paused.then_some(now)),
                ..Mark::default()
            },
            Self::RequestChanges => {
                Mark { inspection_ends_at: Some(None), inspection_paused_at: Some(None), ..Mark::default() }
            }
            Self::Approve => Mark {
                inspection_ends_at: Some(None),
                inspection_paused_at: Some(None),
                approved_at: Some(now),
                ..Mark::default()
            },
        }
    }
}

/// Takes a step; none when the milestone is in no state that it can be taken from.
pub(crate) fn advance(
    conn: &mut PgConnection,
    contract: ContractId,
    id: MilestoneId,
    advance: &Advance,
    now: Instant,
) -> Result<Option<Milestone>, Error> {
    let sources = advance.step().sources();
    let Some(target) = sources.first().and_then(|from| from.after(advance.step())) else {
        return Ok(None);
    };
    let guarded = milestones::table
        .filter(milestones::id.eq(id.uuid()))
        .filter(milestones::contract_id.eq(contract.uuid()))
        .filter(milestones::status.eq_any(names(&sources)));
    let row: Option<Row> = diesel::update(guarded)
        .set((
            milestones::status.eq(target.as_str()),
            advance.mark(now),
            milestones::version.eq(milestones::version + 1),
            milestones::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(conn)
        .optional()?;
    row.map(Milestone::try_from).transpose()
}

pub(super) fn names(states: &[MilestoneStatus]) -> Vec<&'static str> {
    states.iter().map(|status| status.as_str()).collect()
}

/// PENDING → FUNDED for each of them; those that were.
pub(crate) fn fund(
    conn: &mut PgConnection,
    contract: ContractId,
    ids: &[MilestoneId],
    now: Instant,
) -> Result<Vec<MilestoneId>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let guarded = milestones::table
        .filter(milestones::contract_id.eq(contract.uuid()))
        .filter(milestones::id.eq_any(ids))
        .filter(milestones::status.eq_any(names(&MilestoneStep::Fund.sources())));
    let funded: Vec<Uuid> = diesel::update(guarded)
        .set((
            milestones::status.eq(MilestoneStatus::Funded.as_str()),
            milestones::funded_at.eq(now),
            milestones::version.eq(milestones::version + 1),
            milestones::updated_at.eq(now),
        ))
        .returning(milestones::id)
        .get_results(conn)?;
    Ok(funded.into_iter().map(MilestoneId::from).collect())
}

/// PENDING → CANCELLED for all of a contract's.
pub(crate) fn cancel_pending(
    conn: &mut PgConnection,
    contract: ContractId,
    now: Instant,
) -> Result<usize, Error> {
    let guarded = milestones::table
        .filter(milestones::contract_id.eq(contract.uuid()))
        .filter(milestones::status.eq_any(names(&MilestoneStep::Cancel.sources())));
    Ok(diesel::update(guarded)
        .set((
            milestones::status.eq(MilestoneStatus::Cancelled.as_str()),
            milestones::version.eq(milestones::version + 1),
            milestones::updated_at.eq(now),
        ))
        .execute(conn)?)
}
