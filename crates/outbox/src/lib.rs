#![doc = include_str!("../README.md")]

mod bell;
mod bulk;
mod inspect;
mod model;
mod publish;
mod registry;
mod rules;
mod run;
#[rustfmt::skip]
mod schema;
mod settings;
mod store;
pub mod trace;
mod wake;
mod workers;

pub use bulk::enqueue_all_at;
pub use inspect::{
    InspectError, TaskFilter, TaskView, find_event, find_task, list_tasks, park_task, parked, retry_task,
    waiting,
};
pub use model::{Aggregate, Event, EventId, NewEvent, TaskId, TaskState};
pub use publish::{enqueue, enqueue_at, publish};
pub use registry::{EventRun, Registry, Task, TaskError, TaskRun};
pub use run::run_due;
pub use settings::WorkerSettings;
pub use wake::{Listener, Waker};
pub use workers::Workers;
