//! What the marketplace does when its time has come. Each task judges afresh: what it was arranged for may have moved, or happened.

mod figures;

use std::sync::Arc;
use std::time::Duration;

use kernel::{Instant, PartyId, PersonId, Role};
use outbox::{Event, Registry, Task, TaskError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{BidId, JobId};
use crate::service::MarketplaceService;

pub use figures::{FIGURES_CONSUMER, FillFigures, PublishMarket, ReleasePerformance};

/// The name under which the marketplace hears of events.
pub const CONSUMER: &str = "marketplace";

/// What is told of contractors that changes what the directory says of them. Each is a reason to read the facts anew, no more.
const FACTS_CHANGED: [&str; 6] = [
    "person.registered",
    "person.suspended",
    "person.reinstated",
    "profile.changed",
    "verification.approved",
    "verification.expired",
];

/// How often the whole directory is gone through: what a lost event or a changed setting left behind is put right.
const FILL_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often it is counted how common words are.
const COUNT_WORDS_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

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

/// The end of the time until which a bid stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BidExpiry {
    /// The bid.
    pub bid_id: BidId,
    /// The end that this was arranged for; a revision with another has a task of its own.
    pub valid_until: Instant,
}

impl Task for BidExpiry {
    const KIND: &'static str = "marketplace.bid_expiry";
    fn key(&self) -> Option<String> {
        Some(format!("{}:{}", self.bid_id, self.valid_until.timestamp_micros()))
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

/// Makes the directory's rows of the next contractors after this one, and leaves those that are right as they are. Hands on to another of its kind until all have had
/// their turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FillDirectory {
    /// The contractor that the one before ended with; none at the beginning.
    pub after: Option<PartyId>,
}

impl Task for FillDirectory {
    const KIND: &'static str = "marketplace.fill_directory";
    fn key(&self) -> Option<String> {
        Some(self.after.map_or_else(|| "start".to_owned(), |after| after.to_string()))
    }
}

/// How often looks at jobs are gone through: a day's salt goes within the hour after the day.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

/// Forgets whose hashes the looks of past days are, and looks that count no more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetLooks {}

impl Task for ForgetLooks {
    const KIND: &'static str = "marketplace.forget_looks";
    fn key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Counts how common the words of open jobs are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CountWords {}

impl Task for CountWords {
    const KIND: &'static str = "marketplace.count_words";
    fn key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// How often it is looked whether the taxonomy is another than the one by which jobs are tagged: it changes with a new version of the program.
const DECIDE_MEANINGS_EVERY: Duration = Duration::from_secs(60 * 60);

/// Decides of the next jobs after this one which skills they are of. Hands on to another of its kind until all have had their turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DecideMeanings {
    /// The job that the one before ended with; none at the beginning.
    pub after: Option<JobId>,
    /// The taxonomy by which those before were decided; none at the beginning.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

impl Task for DecideMeanings {
    const KIND: &'static str = "marketplace.decide_meanings";
    fn key(&self) -> Option<String> {
        Some(self.after.map_or_else(|| "start".to_owned(), |after| after.to_string()))
    }
}

/// How often what is new in interest is reckoned in.
const REFRESH_EVERY: Duration = Duration::from_secs(5 * 60);
/// How often all of it is: what a crash or a changed setting left behind is put right.
const REFRESH_WHOLE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reckons how hot jobs are that somebody looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefreshTrending {
    /// Whether all are reckoned anew, not only those with new looks.
    pub whole: bool,
}

impl Task for RefreshTrending {
    const KIND: &'static str = "marketplace.refresh_trending";
    fn key(&self) -> Option<String> {
        Some(if self.whole { "whole" } else { "new" }.to_owned())
    }
    fn lane(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}

/// Says how the marketplace's tasks are done.
pub fn register(registry: &mut Registry, service: Arc<MarketplaceService>) {
    let closing = Arc::clone(&service);
    registry.task::<BiddingClose>(move |run, task| Ok(closing.close_bidding(task.job_id, run.request_id())?));
    let expiring = Arc::clone(&service);
    registry.task::<JobExpiry>(move |run, task| Ok(expiring.expire_job(task.job_id, run.request_id())?));
    let lapsing = Arc::clone(&service);
    registry.task::<BidExpiry>(move |run, task| Ok(lapsing.lapse_bid(task.bid_id, run.request_id())?));
    register_directory(registry, &service);
    register_interest(registry, &service);
    figures::register(registry, &service);
    let counting = Arc::clone(&service);
    registry.task::<CountWords>(move |_, _| Ok(counting.count_words()?));
    registry.every(COUNT_WORDS_EVERY, CountWords {});
    let deciding = Arc::clone(&service);
    registry.task::<DecideMeanings>(move |_, task| Ok(deciding.decide_meanings(&task)?));
    registry.every(DECIDE_MEANINGS_EVERY, DecideMeanings { after: None, fingerprint: None });
    registry.task::<ReviewPublication>(move |run, task| {
        match service.publish_reviews(task.contract_id, run.request_id())? {
            None => Ok(()),
            Some(closes_at) => Err(TaskError::RetryAt(closes_at, "window_open".to_owned())),
        }
    });
}

fn register_directory(registry: &mut Registry, service: &Arc<MarketplaceService>) {
    for event in FACTS_CHANGED {
        let listing = Arc::clone(service);
        registry.on(event, CONSUMER, move |_, event| match contractor_of(event) {
            Some(contractor) => Ok(listing.list_anew(contractor)?),
            None => Ok(()),
        });
    }
    let forgetting = Arc::clone(service);
    registry.on("person.erased", CONSUMER, move |_, event| {
        Ok(forgetting.unlist(PartyId::from(event.id::<PersonId>("personId")?))?)
    });
    let filling = Arc::clone(service);
    registry.task::<FillDirectory>(move |_, task| Ok(filling.fill_directory(task.after)?));
    registry.every(FILL_EVERY, FillDirectory { after: None });
}

/// The contractor that an event tells of; none when it is of somebody else.
fn contractor_of(event: &Event) -> Option<PartyId> {
    let role = event.data.get("role").and_then(serde_json::Value::as_str);
    if role.is_some_and(|role| role != Role::Contractor.as_str()) {
        return None;
    }
    event.find_id::<PartyId>("partyId").or_else(|| event.find_id("contractorId"))
}

fn register_interest(registry: &mut Registry, service: &Arc<MarketplaceService>) {
    let forgetting = Arc::clone(service);
    registry.task::<ForgetLooks>(move |_, ForgetLooks {}| Ok(forgetting.forget_looks()?));
    registry.every(FORGET_EVERY, ForgetLooks {});
    let refreshing = Arc::clone(service);
    registry.task::<RefreshTrending>(move |_, task| Ok(refreshing.refresh_trending(task.whole)?));
    registry.every(REFRESH_EVERY, RefreshTrending { whole: false });
    registry.every(REFRESH_WHOLE_EVERY, RefreshTrending { whole: true });
}
