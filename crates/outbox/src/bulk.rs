//! Many tasks at once, for data that is made in bulk: one COPY instead of a buffer that the end of the transaction writes.

use database::{Error, Tx};
use kernel::Instant;

use crate::model::{EventId, TaskId, TaskState};
use crate::registry::Task;
use crate::store::bulk::{self, BulkTask};
use crate::trace;

/// Has each of these done at its instant of the database's clock, as [`enqueue_at`](crate::enqueue_at) would, but for one thing: where one with
/// the same key waits already, the transaction fails. Says how many there were.
///
/// # Errors
/// [`Error`] when one cannot be written as JSON, waits already, or the database fails.
pub fn enqueue_all_at<T: Task>(
    tx: &mut Tx<'_>,
    tasks: impl IntoIterator<Item = (T, Instant)>,
) -> Result<usize, Error> {
    let created_at = tx.now()?;
    let trace_id = trace::current().unwrap_or_else(|| EventId::new().to_string());
    let rows: Result<Vec<BulkTask>, Error> = tasks
        .into_iter()
        .map(|(task, due_at)| {
            let payload = serde_json::to_value(&task)
                .map_err(|error| Error::Corrupt(format!("task {} is not JSON: {error}", T::KIND)))?;
            Ok(BulkTask {
                id: TaskId::new().uuid(),
                kind: T::KIND,
                key: task.key(),
                lane: task.lane(),
                payload,
                state: TaskState::Queued.as_str(),
                due_at,
                attempts: 0,
                max_attempts: i16::try_from(T::MAX_ATTEMPTS).unwrap_or(i16::MAX),
                trace_id: trace_id.clone(),
                created_at,
            })
        })
        .collect();
    bulk::copy(tx.conn(), rows?)
}
