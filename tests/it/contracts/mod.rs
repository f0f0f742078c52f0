//! What becomes of an accepted bid: `gateway/src/routes/contracts`, file by file, and the clocks that run behind it.

mod award;
mod clocks;
mod completion;
mod contention;
mod contract;
mod document;
mod job_completion;
mod milestones;
mod progress;
mod suspension;
mod verification;

use kernel::TypedId;
use tests::TestApp;
use uuid::Uuid;

/// An id that nothing has.
fn nothing<T: TypedId + From<Uuid>>() -> String {
    T::from(Uuid::now_v7()).to_string()
}

/// An id as rows hold it.
fn uuid<T: TypedId>(id: &str) -> Uuid {
    id.parse::<T>().unwrap_or_else(|error| panic!("{id}: {error}")).uuid()
}

/// How many events of this name were published about something: `told(&app, "contract.signed", &deal.contract)`.
fn told(app: &TestApp, name: &str, about: &str) -> i64 {
    app.database.count(&format!("outbox.events WHERE name = '{name}' AND data::text LIKE '%\"{about}\"%'"))
}
