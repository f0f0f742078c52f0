//! The only SQL of this crate: what workers and the command need of events and tasks.

pub(crate) mod bulk;

use std::time::Duration;

use database::Error;
use database::hot::{Binds, Hot, Statement};
use diesel::dsl::sql;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use kernel::{Instant, Limit, Position};
use serde_json::Value;
use uuid::Uuid;

use crate::inspect::TaskFilter;
use crate::model::{Event, EventId, TaskId, TaskState};
use crate::schema::{consumed, events, subscriptions, tasks};

diesel::define_sql_function! {
    /// Writes a transaction's events and tasks.
    #[sql_name = "outbox.close"]
    fn close_transaction(events: Jsonb, tasks: Jsonb, trace: Text) -> Integer;
}

diesel::define_sql_function! {
    /// Numbers committed events.
    #[sql_name = "outbox.sequence"]
    fn sequence_events(batch: Integer) -> Integer;
}

diesel::define_sql_function! {
    /// The database's clock.
    #[sql_name = "app.clock"]
    fn app_clock() -> Timestamptz;
}

/// Writes what a transaction tells and asks for.
pub(crate) fn close(
    conn: &mut PgConnection,
    events: &Value,
    tasks: &Value,
    trace: &str,
) -> Result<(), Error> {
    diesel::select(close_transaction(events, tasks, trace)).execute(conn)?;
    Ok(())
}

/// Numbers up to `batch` committed events; none when another process is at it.
pub(crate) fn sequence(conn: &mut PgConnection, batch: u16) -> Result<Option<usize>, Error> {
    let numbered: i32 = diesel::select(sequence_events(i32::from(batch))).get_result(conn)?;
    Ok(usize::try_from(numbered).ok())
}

/// Makes the stored subscriptions of these consumers the ones that this program has.
pub(crate) fn subscribe(
    conn: &mut PgConnection,
    wanted: &[(&'static str, &'static str)],
) -> Result<(), Error> {
    let consumers: Vec<&str> = wanted.iter().map(|(_, consumer)| *consumer).collect();
    let stored: Vec<(String, String)> = subscriptions::table
        .filter(subscriptions::consumer.eq_any(&consumers))
        .select((subscriptions::event, subscriptions::consumer))
        .load(conn)?;
    for (event, consumer) in &stored {
        if !wanted.contains(&(event.as_str(), consumer.as_str())) {
            diesel::delete(subscriptions::table.find((event, consumer))).execute(conn)?;
        }
    }
    let rows: Vec<_> = wanted
        .iter()
        .filter(|(event, consumer)| !stored.iter().any(|(e, c)| e == event && c == consumer))
        .map(|(event, consumer)| (subscriptions::event.eq(*event), subscriptions::consumer.eq(*consumer)))
        .collect();
    diesel::insert_into(subscriptions::table).values(rows).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

/// A task that a worker has under a lease.
#[derive(Debug, Queryable)]
pub(crate) struct Claimed {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) payload: Value,
    pub(crate) attempts: i16,
    pub(crate) max_attempts: i16,
    pub(crate) lease_token: i64,
    pub(crate) trace_id: String,
}

/// Takes the next task that is due, of a kind that this process knows, under a new lease.
///
/// Of a lane only the oldest open task can be taken. That needs no lock on the lane: an earlier task leaves the lane only by a
/// commit, and until this statement sees that commit, the later one stays where it is.
struct Claim {
    kinds: Vec<String>,
    lease_seconds: f64,
}

impl Statement for Claim {
    const SQL: &'static str = "UPDATE outbox.tasks SET state = 'RUNNING', attempts = attempts + 1,
            lease_token = nextval('outbox.lease_tokens'), leased_until = clock_timestamp() + make_interval(secs => $1)
        WHERE id = (
            SELECT t.id FROM outbox.tasks t
            WHERE t.state = 'QUEUED' AND t.due_at <= (SELECT app.clock()) AND t.kind = ANY($2)
                AND (t.lane IS NULL OR NOT EXISTS (
                    SELECT 1 FROM outbox.tasks earlier
                    WHERE earlier.lane = t.lane AND earlier.ticket < t.ticket AND earlier.state IN ('QUEUED', 'RUNNING')))
            ORDER BY t.due_at, t.ticket LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, kind, payload, attempts, max_attempts, lease_token, trace_id";
    type Columns = (SqlUuid, Text, Jsonb, SmallInt, SmallInt, BigInt, Text);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Double, _>(&self.lease_seconds)?;
        binds.push::<Array<Text>, _>(&self.kinds)
    }
}

/// Claims one task; none when nothing is due.
pub(crate) fn claim(
    conn: &mut PgConnection,
    kinds: &[String],
    lease_seconds: u32,
) -> Result<Option<Claimed>, Error> {
    Ok(Hot(Claim { kinds: kinds.to_vec(), lease_seconds: f64::from(lease_seconds) })
        .get_result(conn)
        .optional()?)
}

/// Whether this lease is still the task's; if so, the row stays locked until the transaction ends.
pub(crate) fn still_leased(conn: &mut PgConnection, id: TaskId, token: i64) -> Result<bool, Error> {
    let found: Option<Uuid> = tasks::table
        .filter(tasks::id.eq(id).and(tasks::lease_token.eq(token)))
        .select(tasks::id)
        .for_update()
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Starts a lease anew, if it is still ours.
pub(crate) fn renew(
    conn: &mut PgConnection,
    id: TaskId,
    token: i64,
    lease_seconds: u32,
) -> Result<bool, Error> {
    let renewed = diesel::sql_query(
        "UPDATE outbox.tasks SET leased_until = clock_timestamp() + make_interval(secs => $3)
         WHERE id = $1 AND lease_token = $2",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(token)
    .bind::<Double, _>(f64::from(lease_seconds))
    .execute(conn)?;
    Ok(renewed == 1)
}

/// Notes that a task is done, if the lease is still ours.
pub(crate) fn finish(conn: &mut PgConnection, id: TaskId, token: i64) -> Result<bool, Error> {
    let finished = diesel::update(tasks::table.filter(tasks::id.eq(id).and(tasks::lease_token.eq(token))))
        .set((
            tasks::state.eq(TaskState::Done.as_str()),
            tasks::lease_token.eq(None::<i64>),
            tasks::leased_until.eq(None::<Instant>),
            tasks::reason.eq(None::<String>),
            tasks::finished_at.eq(app_clock().nullable()),
        ))
        .execute(conn)?;
    Ok(finished == 1)
}

// States stand in the text: what is bound, a plan for all values cannot know to be in a state's own index.

/// How many tasks are due and wait.
pub(crate) fn waiting(conn: &mut PgConnection) -> Result<i64, Error> {
    let due =
        tasks::table.filter(sql::<Bool>("tasks.state = 'QUEUED'")).filter(tasks::due_at.le(app_clock()));
    Ok(due.count().get_result(conn)?)
}

/// How many tasks were given up.
pub(crate) fn parked(conn: &mut PgConnection) -> Result<i64, Error> {
    Ok(tasks::table.filter(sql::<Bool>("tasks.state = 'PARKED'")).count().get_result(conn)?)
}

/// When a task that failed is to be tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Again {
    After(Duration),
    At(Instant),
}

/// Puts a task back, if the lease is still ours. Where the same work waits already under its key, that one stands for both
/// and this one is done with.
pub(crate) fn put_back(
    conn: &mut PgConnection,
    id: TaskId,
    token: i64,
    again: Again,
    reason: &str,
) -> Result<bool, Error> {
    let (pause, due) = match again {
        Again::After(pause) => (pause.as_secs_f64(), None),
        Again::At(due) => (0.0, Some(due)),
    };
    let changed = diesel::sql_query(
        "UPDATE outbox.tasks t SET lease_token = NULL, leased_until = NULL, reason = $3,
            due_at = coalesce($4, app.clock() + make_interval(secs => $5)),
            state = CASE WHEN twin.waits THEN 'DONE' ELSE 'QUEUED' END,
            finished_at = CASE WHEN twin.waits THEN app.clock() END
         FROM (SELECT EXISTS (
            SELECT 1 FROM outbox.tasks mine JOIN outbox.tasks other USING (kind, key)
            WHERE mine.id = $1 AND other.state = 'QUEUED') AS waits) AS twin
         WHERE t.id = $1 AND t.lease_token = $2",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(token)
    .bind::<Text, _>(reason)
    .bind::<Nullable<Timestamptz>, _>(due)
    .bind::<Double, _>(pause)
    .execute(conn)?;
    Ok(changed == 1)
}

/// Parks a task, if the lease is still ours.
pub(crate) fn give_up(conn: &mut PgConnection, id: TaskId, token: i64, reason: &str) -> Result<bool, Error> {
    let parked = diesel::update(tasks::table.filter(tasks::id.eq(id).and(tasks::lease_token.eq(token))))
        .set((
            tasks::state.eq(TaskState::Parked.as_str()),
            tasks::lease_token.eq(None::<i64>),
            tasks::leased_until.eq(None::<Instant>),
            tasks::reason.eq(Some(reason)),
            tasks::finished_at.eq(app_clock().nullable()),
        ))
        .execute(conn)?;
    Ok(parked == 1)
}

/// Takes one task away from a worker whose lease has run out: back into the queue, or, after its last try, parked.
pub(crate) fn reclaim_one(conn: &mut PgConnection) -> Result<bool, Error> {
    let reclaimed = diesel::sql_query(
        "UPDATE outbox.tasks t SET lease_token = NULL, leased_until = NULL, reason = 'lease_expired',
            state = next.state, finished_at = CASE WHEN next.state <> 'QUEUED' THEN app.clock() END
         FROM (
            SELECT late.id, CASE
                WHEN late.attempts >= late.max_attempts THEN 'PARKED'
                WHEN EXISTS (SELECT 1 FROM outbox.tasks other
                    WHERE other.kind = late.kind AND other.key = late.key AND other.state = 'QUEUED') THEN 'DONE'
                ELSE 'QUEUED' END AS state
            FROM outbox.tasks late
            WHERE late.state = 'RUNNING' AND late.leased_until < clock_timestamp()
            ORDER BY late.leased_until LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
         WHERE t.id = next.id",
    )
    .execute(conn)?;
    Ok(reclaimed == 1)
}

/// Wakes whoever listens in other processes.
pub(crate) fn notify(conn: &mut PgConnection) -> Result<(), Error> {
    diesel::sql_query("NOTIFY fairtrade_outbox").execute(conn)?;
    Ok(())
}

/// Listens for [`notify`] of other processes on this connection.
pub(crate) fn listen(conn: &mut PgConnection) -> Result<(), Error> {
    diesel::sql_query("LISTEN fairtrade_outbox").execute(conn)?;
    Ok(())
}

/// An event that has its number.
pub(crate) fn find_event(conn: &mut PgConnection, id: EventId) -> Result<Option<Event>, Error> {
    type Row = (i64, i64, (String, Uuid), (String, i16), (String, String), Value, Instant);
    let row: Option<Row> = events::table
        .find(id.uuid())
        .select((
            events::position.assume_not_null(),
            events::aggregate_sequence.assume_not_null(),
            (events::aggregate_kind, events::aggregate_id),
            (events::name, events::version),
            (events::request_id, events::trace_id),
            events::data,
            events::occurred_at,
        ))
        .filter(events::position.is_not_null())
        .first(conn)
        .optional()?;
    Ok(row.map(
        |(position, sequence, aggregate, (name, version), (request_id, trace_id), data, occurred_at)| Event {
            id,
            position,
            name,
            version,
            aggregate_kind: aggregate.0,
            aggregate_id: aggregate.1,
            aggregate_sequence: sequence,
            request_id,
            trace_id,
            data,
            occurred_at,
        },
    ))
}

/// Notes that a consumer deals with an event in this transaction; false when it has before.
pub(crate) fn consume(conn: &mut PgConnection, event: EventId, consumer: &str) -> Result<bool, Error> {
    let noted = diesel::insert_into(consumed::table)
        .values((
            consumed::event_id.eq(event),
            consumed::consumer.eq(consumer),
            consumed::consumed_at.eq(app_clock()),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(noted == 1)
}

/// Removes up to `batch` tasks that were done more than so many days ago.
pub(crate) fn purge(conn: &mut PgConnection, kept_days: u16, batch: i64) -> Result<usize, Error> {
    let purged = diesel::sql_query(
        "DELETE FROM outbox.tasks WHERE id = ANY(ARRAY(
            SELECT id FROM outbox.tasks
            WHERE state = 'DONE' AND finished_at < (SELECT app.clock()) - make_interval(days => $1)
            ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Integer, _>(i32::from(kept_days))
    .bind::<BigInt, _>(batch)
    .execute(conn)?;
    Ok(purged)
}

/// How the queue stands, for the metrics.
#[derive(Debug, QueryableByName)]
pub(crate) struct Figures {
    #[diesel(sql_type = BigInt)]
    pub(crate) due: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) scheduled: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) running: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) parked: i64,
    #[diesel(sql_type = Double)]
    pub(crate) oldest_seconds: f64,
    #[diesel(sql_type = BigInt)]
    pub(crate) unnumbered: i64,
    #[diesel(sql_type = Double)]
    pub(crate) unnumbered_seconds: f64,
}

/// Counted up to ten thousand, for a million open jobs have a million tasks ahead of them; of what is scheduled beyond that, Postgres's own estimate.
pub(crate) fn figures(conn: &mut PgConnection) -> Result<Figures, Error> {
    Ok(diesel::sql_query(
        "SELECT t.*, e.* FROM (
            SELECT (SELECT count(*) FROM (
                    SELECT FROM outbox.tasks WHERE state = 'QUEUED' AND due_at <= (SELECT app.clock()) LIMIT 10000) AS d) AS due,
                (SELECT CASE WHEN count(*) < 10000 THEN count(*)
                        ELSE greatest(count(*), (SELECT reltuples::bigint FROM pg_class WHERE oid = 'outbox.tasks_due'::regclass)) END
                    FROM (SELECT FROM outbox.tasks WHERE state = 'QUEUED' AND due_at > (SELECT app.clock()) LIMIT 10000) AS s) AS scheduled,
                (SELECT count(*) FROM outbox.tasks WHERE state = 'RUNNING') AS running,
                (SELECT count(*) FROM (SELECT FROM outbox.tasks WHERE state = 'PARKED' LIMIT 10000) AS p) AS parked,
                greatest(0, coalesce(extract(epoch FROM
                    (SELECT app.clock()) - (SELECT min(due_at) FROM outbox.tasks WHERE state = 'QUEUED')), 0))::float8 AS oldest_seconds
            ) AS t, (
            SELECT count(*) AS unnumbered,
                greatest(0, coalesce(extract(epoch FROM (SELECT app.clock()) - min(occurred_at)), 0))::float8 AS unnumbered_seconds
            FROM outbox.events WHERE position IS NULL) AS e",
    )
    .get_result(conn)?)
}

/// A task as the command shows it.
#[derive(Debug, Queryable)]
pub(crate) struct TaskRow {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) names: (Option<String>, Option<String>),
    pub(crate) attempts: (i16, i16),
    pub(crate) reason: Option<String>,
    pub(crate) trace_id: String,
    pub(crate) times: (Instant, Instant, Option<Instant>),
}

macro_rules! task_columns {
    () => {
        (
            tasks::id,
            tasks::kind,
            tasks::state,
            (tasks::key, tasks::lane),
            (tasks::attempts, tasks::max_attempts),
            tasks::reason,
            tasks::trace_id,
            (tasks::created_at, tasks::due_at, tasks::finished_at),
        )
    };
}

/// Tasks, newest first.
pub(crate) fn list(
    conn: &mut PgConnection,
    filter: &TaskFilter,
    limit: Limit,
    after: Option<Position>,
) -> Result<Vec<TaskRow>, Error> {
    let mut query = tasks::table.select(task_columns!()).into_boxed();
    if let Some(state) = filter.state {
        query = match state {
            TaskState::Parked => query.filter(sql::<Bool>("tasks.state = 'PARKED'")),
            state => query.filter(tasks::state.eq(state.as_str())),
        };
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(tasks::kind.eq(kind));
    }
    if let Some(after) = after {
        query = query.filter(
            tasks::created_at.lt(after.key).or(tasks::created_at.eq(after.key).and(tasks::id.lt(after.id))),
        );
    }
    Ok(query.order((tasks::created_at.desc(), tasks::id.desc())).limit(limit.plus_one()).load(conn)?)
}

/// One task.
pub(crate) fn find(conn: &mut PgConnection, id: TaskId) -> Result<Option<TaskRow>, Error> {
    Ok(tasks::table.find(id.uuid()).select(task_columns!()).first(conn).optional()?)
}

/// Queues a parked or waiting task for now, with all its tries before it; false when it is in another state.
pub(crate) fn requeue(conn: &mut PgConnection, id: TaskId) -> Result<bool, Error> {
    let open = [TaskState::Parked.as_str(), TaskState::Queued.as_str()];
    let queued = diesel::update(tasks::table.filter(tasks::id.eq(id).and(tasks::state.eq_any(open))))
        .set((
            tasks::state.eq(TaskState::Queued.as_str()),
            tasks::attempts.eq(0),
            tasks::due_at.eq(app_clock()),
            tasks::finished_at.eq(None::<Instant>),
        ))
        .execute(conn)?;
    Ok(queued == 1)
}

/// Parks a waiting task; false when it is in another state.
pub(crate) fn park(conn: &mut PgConnection, id: TaskId, reason: &str) -> Result<bool, Error> {
    let waiting = tasks::table.filter(tasks::id.eq(id).and(tasks::state.eq(TaskState::Queued.as_str())));
    let parked = diesel::update(waiting)
        .set((
            tasks::state.eq(TaskState::Parked.as_str()),
            tasks::reason.eq(Some(reason)),
            tasks::finished_at.eq(app_clock().nullable()),
        ))
        .execute(conn)?;
    Ok(parked == 1)
}
