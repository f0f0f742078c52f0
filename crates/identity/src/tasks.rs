//! Background work about people.

use std::sync::Arc;

use outbox::{Registry, Task, TaskRun};
use serde::{Deserialize, Serialize};

use crate::model::MailRequestId;
use crate::service::IdentityService;

/// Somebody asked for a mail to an address: it is sent when somebody has that address and needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerMailRequest {
    /// Which request.
    pub(crate) request_id: MailRequestId,
}

impl Task for AnswerMailRequest {
    const KIND: &'static str = "identity.answer_mail_request";

    fn key(&self) -> Option<String> {
        Some(self.request_id.to_string())
    }
}

/// Tells the workers how the tasks of this crate are done.
pub fn register(registry: &mut Registry, service: Arc<IdentityService>) {
    registry.task(move |run: &TaskRun, task: AnswerMailRequest| {
        Ok(service.answer_mail_request(task.request_id, run.request_id())?)
    });
}
