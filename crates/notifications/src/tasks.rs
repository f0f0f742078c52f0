//! The consumer of everybody's events, and the task that sends one mail.

use std::sync::Arc;

use outbox::{Registry, Task, TaskError, TaskRun};
use serde::{Deserialize, Serialize};

use crate::audience;
use crate::model::DeliveryId;
use crate::service::{Attempt, NotificationsService, later};

/// The name under which this crate hears of events.
pub const CONSUMER: &str = "notifications";

/// Sends the mail of one delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SendMail {
    pub(crate) delivery: DeliveryId,
}

impl Task for SendMail {
    const KIND: &'static str = "notifications.send_mail";
    // The delivery counts its own tries and ends by itself; this bounds what goes wrong besides the mail.
    const MAX_ATTEMPTS: u16 = 40;

    fn key(&self) -> Option<String> {
        Some(self.delivery.to_string())
    }
}

/// Registers what this crate does in the background.
pub fn register(registry: &mut Registry, service: Arc<NotificationsService>) {
    for event in audience::events() {
        let service = Arc::clone(&service);
        registry.on(event, CONSUMER, move |_, event| service.tell(event));
    }
    let forgetting = Arc::clone(&service);
    registry.on("person.erased", CONSUMER, move |_, event| forgetting.forget_again(event.id("personId")?));
    registry.task::<SendMail>(move |run, task| send_mail(&service, run, &task));
}

fn send_mail(service: &NotificationsService, run: &TaskRun, task: &SendMail) -> Result<(), TaskError> {
    match service.deliver(run, task.delivery)? {
        Attempt::Ended => Ok(()),
        Attempt::Again(pause, reason) => Err(TaskError::RetryAt(later(run.db().now()?, pause), reason)),
    }
}
