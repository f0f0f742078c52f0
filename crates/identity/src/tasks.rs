//! Background work about people. Each task judges afresh: what it was arranged for may have been superseded.

use std::sync::Arc;
use std::time::Duration;

use files::FilesCommands;
use outbox::{Registry, Task, TaskError, TaskRun};
use serde::{Deserialize, Serialize};

use crate::model::{ExportId, MailRequestId, VerificationId};
use crate::service::IdentityService;

/// How often it is looked for approved verifications of which nothing is arranged.
const WATCH_EVERY: Duration = Duration::from_secs(60 * 60);

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

/// A warning before a credential of an approved verification ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CredentialReminder {
    /// The verification.
    pub verification: VerificationId,
    /// The credential's place in it.
    pub ordinal: i32,
    /// How many days before its end.
    pub days: u16,
}

impl Task for CredentialReminder {
    const KIND: &'static str = "identity.remind_of_expiry";
    fn key(&self) -> Option<String> {
        Some(format!("{}/{}/{}", self.verification, self.ordinal, self.days))
    }
}

/// The end of an approved verification: its contractor may not bid any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerificationExpiry {
    /// The verification.
    pub verification: VerificationId,
}

impl Task for VerificationExpiry {
    const KIND: &'static str = "identity.expire_verification";
    fn key(&self) -> Option<String> {
        Some(self.verification.to_string())
    }
}

/// Arranges warnings and ends of verifications that were approved before either was arranged with the approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WatchVerifications {}

impl Task for WatchVerifications {
    const KIND: &'static str = "identity.watch_verifications";
    fn key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Somebody wants an archive of everything that is held about them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MakeExport {
    /// The export.
    pub export: ExportId,
}

impl Task for MakeExport {
    const KIND: &'static str = "identity.make_export";
    const MAX_ATTEMPTS: u16 = 6;
    fn key(&self) -> Option<String> {
        Some(self.export.to_string())
    }
}

/// The end of an export's time: its archive goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportEnd {
    /// The export.
    pub export: ExportId,
}

impl Task for ExportEnd {
    const KIND: &'static str = "identity.end_export";
    fn key(&self) -> Option<String> {
        Some(self.export.to_string())
    }
}

/// Tells the workers how the tasks of this crate are done. Archives are kept among these files.
pub fn register(registry: &mut Registry, service: Arc<IdentityService>, files: Arc<dyn FilesCommands>) {
    let exporting = Arc::clone(&service);
    registry.task(move |run, task: MakeExport| exporting.make_export(files.as_ref(), run, task.export));
    let ending = Arc::clone(&service);
    registry.task(move |_, task: ExportEnd| match ending.end_export(task.export)? {
        None => Ok(()),
        Some(end) => Err(TaskError::RetryAt(end, "not_yet".to_owned())),
    });
    let reminding = Arc::clone(&service);
    registry
        .task(move |run, task: CredentialReminder| Ok(reminding.remind_of_expiry(&task, run.request_id())?));
    let expiring = Arc::clone(&service);
    registry.task(move |run, task: VerificationExpiry| {
        match expiring.expire_verification(&task, run.request_id())? {
            None => Ok(()),
            Some(end) => Err(TaskError::RetryAt(end, "not_yet".to_owned())),
        }
    });
    let watching = Arc::clone(&service);
    registry.task(move |_, _: WatchVerifications| Ok(watching.watch_what_is_unwatched()?));
    registry.every(WATCH_EVERY, WatchVerifications {});
    registry.task(move |run: &TaskRun, task: AnswerMailRequest| {
        Ok(service.answer_mail_request(task.request_id, run.request_id())?)
    });
}
