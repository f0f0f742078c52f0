//! Keyed commands: with an `Idempotency-Key` the effect and the stored answer are one unit.

use std::sync::Arc;

use database::TransactionError;
use platform::Commands;

use crate::http::{Problem, Reply};
use crate::request::call::Call;

/// Runs a command, keyed when the call has a key.
pub(crate) async fn run<T, E>(
    call: Arc<Call>,
    mut work: impl FnMut(&Commands) -> Result<T, E> + Send + 'static,
    answer: impl Fn(T) -> Reply + Send + 'static,
) -> Result<Reply, Problem>
where
    T: 'static,
    E: TransactionError + Into<Problem> + Send + 'static,
{
    let app = call.app.clone();
    app.lanes().write(move |db, commands| db.unit(|| work(commands).map(&answer)).map_err(Into::into)).await
}
