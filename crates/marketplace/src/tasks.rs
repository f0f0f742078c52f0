//! What the marketplace does when its time has come. Each task judges afresh: what it was arranged for may have moved, or happened.

use std::sync::Arc;

use kernel::Instant;
use outbox::{Registry, Task, TaskError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::JobId;
use crate::service::MarketplaceService;

/// The bidding deadline of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BiddingClose {
    /// The job.
    pub job_id: JobId,
    /// The deadline that this was arranged for; a later one has a task of its own.
    pub deadline: Instant,
}

impl Task for BiddingClose {
    const KIND: &'static str = "marketplace.bidding_close";
    fn key(&self) -> Option<String> {
        Some(format!("{}:{}", self.job_id, self.deadline.timestamp_micros()))
    }
}

/// The end of the time in which a bid can be chosen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobExpiry {
    /// The job.
    pub job_id: JobId,
    /// The end that this was arranged for.
    pub accept_until: Instant,
}

impl Task for JobExpiry {
    const KIND: &'static str = "marketplace.job_expiry";
    fn key(&self) -> Option<String> {
        Some(format!("{}:{}", self.job_id, self.accept_until.timestamp_micros()))
    }
}

/// The end of the time in which a contract can be reviewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReviewPublication {
    /// The contract.
    pub contract_id: Uuid,
}

impl Task for ReviewPublication {
    const KIND: &'static str = "marketplace.review_publication";
    fn key(&self) -> Option<String> {
        Some(self.contract_id.to_string())
    }
}

/// Says how the marketplace's tasks are done.
pub fn register(registry: &mut Registry, service: Arc<MarketplaceService>) {
    let closing = Arc::clone(&service);
    registry.task::<BiddingClose>(move |run, task| Ok(closing.close_bidding(task.job_id, run.request_id())?));
    let expiring = Arc::clone(&service);
    registry.task::<JobExpiry>(move |run, task| Ok(expiring.expire_job(task.job_id, run.request_id())?));
    registry.task::<ReviewPublication>(move |run, task| {
        match service.publish_reviews(task.contract_id, run.request_id())? {
            None => Ok(()),
            Some(closes_at) => Err(TaskError::RetryAt(closes_at, "window_open".to_owned())),
        }
    });
}
