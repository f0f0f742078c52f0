//! The clocks of a contract: time to sign, and time to inspect. Each task names what it was set for, and does nothing when that has
//! been settled meanwhile.

use std::sync::Arc;

use kernel::Instant;
use outbox::{Event, Registry, Task, TaskError, TaskRun};
use serde::{Deserialize, Serialize};

use crate::model::{ContractId, MilestoneId};
use crate::service::{ContractsService, Lapse};

/// The name under which this crate hears of events.
pub const CONSUMER: &str = "contracts";

/// The time to sign a contract is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningLapse {
    /// Which contract.
    pub contract_id: ContractId,
}

impl Task for SigningLapse {
    const KIND: &'static str = "contracts.lapse_signing";

    fn key(&self) -> Option<String> {
        Some(self.contract_id.to_string())
    }
}

/// The time to inspect a submission is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectionLapse {
    /// Of which contract.
    pub contract_id: ContractId,
    /// Which milestone.
    pub milestone_id: MilestoneId,
    /// Which submission of it: for a newer one this task is none of its business.
    pub submission: i32,
}

impl Task for InspectionLapse {
    const KIND: &'static str = "contracts.lapse_inspection";

    fn key(&self) -> Option<String> {
        Some(format!("{}/{}", self.milestone_id, self.submission))
    }
}

/// The homeowner is to be reminded of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectionReminder {
    /// Of which contract.
    pub contract_id: ContractId,
    /// Which milestone.
    pub milestone_id: MilestoneId,
    /// Which submission of it.
    pub submission: i32,
    /// When; tells the reminders of one submission apart.
    pub remind_at: Instant,
}

impl Task for InspectionReminder {
    const KIND: &'static str = "contracts.remind_of_inspection";

    fn key(&self) -> Option<String> {
        Some(format!("{}/{}/{}", self.milestone_id, self.submission, self.remind_at.timestamp()))
    }
}

/// Tells the workers how the tasks of this crate are done.
pub fn register(registry: &mut Registry, service: Arc<ContractsService>) {
    for event in ["verification.expired", "verification.approved"] {
        let heeding = Arc::clone(&service);
        registry.on(event, CONSUMER, move |_, event| {
            Ok(heeding.heed_verification(event.id("contractorId")?, &event.request_id)?)
        });
    }
    let heeding = Arc::clone(&service);
    registry.on("person.suspended", CONSUMER, move |_, event| {
        let since = instant_in(event, "suspendedAt")?;
        Ok(heeding.heed_suspension(event.id("partyId")?, since, &event.request_id)?)
    });
    let heeding = Arc::clone(&service);
    registry.on("person.reinstated", CONSUMER, move |_, event| {
        let at = instant_in(event, "reinstatedAt")?;
        Ok(heeding.heed_reinstatement(event.id("partyId")?, at, &event.request_id)?)
    });
    let signing = Arc::clone(&service);
    registry.task(move |run: &TaskRun, task: SigningLapse| {
        settled(signing.lapse_signing(&task, run.request_id())?)
    });
    let inspection = Arc::clone(&service);
    registry.task(move |run: &TaskRun, task: InspectionLapse| {
        settled(inspection.lapse_inspection(&task, run.request_id())?)
    });
    registry.task(move |run: &TaskRun, task: InspectionReminder| {
        Ok(service.remind_of_inspection(&task, run.request_id())?)
    });
}

fn instant_in(event: &Event, key: &str) -> Result<Instant, TaskError> {
    let word = event.word(key)?;
    word.parse().map_err(|_| TaskError::Park(format!("event {} has no usable `{key}`", event.name)))
}

fn settled(lapse: Lapse) -> Result<(), TaskError> {
    match lapse {
        Lapse::Settled => Ok(()),
        Lapse::NotBefore(instant) => Err(TaskError::RetryAt(instant, "not_yet".to_owned())),
    }
}
