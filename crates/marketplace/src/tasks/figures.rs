//! How figures are kept: facts as events tell of them, what everybody sees once a day.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use kernel::{Instant, PartyId, PersonId};
use outbox::{Event, Registry, Task, TaskError};
use serde::{Deserialize, Serialize};

use crate::model::{JobId, Measure, Month};
use crate::rules;
use crate::service::MarketplaceService;
use crate::store::performance::Fact;

/// The name under which the figures hear of events.
pub const FIGURES_CONSUMER: &str = "marketplace.figures";

/// What is told of jobs that changes what they add to the market's figures.
const JOB_CHANGED: [&str; 3] = ["job.published", "job.edited", "contract.created"];
/// How often figures come out.
const PUBLISH_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Publishes the figures of a month, once it has closed and unless they are out; without a month, arranges that for every one that has closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishMarket {
    /// The month's first day.
    pub month: Option<NaiveDate>,
}

impl Task for PublishMarket {
    const KIND: &'static str = "marketplace.publish_market";
    fn key(&self) -> Option<String> {
        Some(self.month.map_or_else(|| "start".to_owned(), |month| month.to_string()))
    }
}

/// Counts the facts of the next contractors after this one, and lets everybody see what is enough of them. Hands on to another of its kind until all
/// have had their turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleasePerformance {
    /// The contractor that the one before ended with; none at the beginning.
    pub after: Option<PartyId>,
}

impl Task for ReleasePerformance {
    const KIND: &'static str = "marketplace.release_performance";
    fn key(&self) -> Option<String> {
        Some(self.after.map_or_else(|| "start".to_owned(), |after| after.to_string()))
    }
}

/// Makes the facts of the next jobs after this one from the jobs and bids themselves: for jobs of which no event told. Hands on to another of its kind,
/// and at the end to those that publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FillFigures {
    /// The job that the one before ended with; none at the beginning.
    pub after: Option<JobId>,
}

impl Task for FillFigures {
    const KIND: &'static str = "marketplace.fill_figures";
    fn key(&self) -> Option<String> {
        Some(self.after.map_or_else(|| "start".to_owned(), |after| after.to_string()))
    }
}

pub(super) fn register(registry: &mut Registry, service: &Arc<MarketplaceService>) {
    register_facts(registry, service);
    let publishing = Arc::clone(service);
    registry.task::<PublishMarket>(move |_, task| {
        match task.month {
            None => publishing.arrange_market()?,
            Some(month) => publishing.publish_market(Month::of_day(month))?,
        }
        Ok(())
    });
    let releasing = Arc::clone(service);
    registry.task::<ReleasePerformance>(move |_, task| Ok(releasing.release_performance(task.after)?));
    let filling = Arc::clone(service);
    registry.task::<FillFigures>(move |_, task| Ok(filling.fill_figures(task.after)?));
    registry.every(PUBLISH_EVERY, PublishMarket { month: None });
    registry.every(PUBLISH_EVERY, ReleasePerformance { after: None });
}

fn register_facts(registry: &mut Registry, service: &Arc<MarketplaceService>) {
    for event in JOB_CHANGED {
        let recording = Arc::clone(service);
        registry.on(event, FIGURES_CONSUMER, move |_, event| Ok(recording.record_job(event.id("jobId")?)?));
    }
    for event in ["contract.completed", "contract.unsigned", "contract.signed", "milestone.submitted"] {
        let counting = Arc::clone(service);
        registry.on(event, FIGURES_CONSUMER, move |_, event| match fact(event)? {
            Some(fact) => Ok(counting.count_fact(&fact)?),
            None => Ok(()),
        });
    }
    let forgetting = Arc::clone(service);
    registry.on("person.erased", FIGURES_CONSUMER, move |_, event| {
        Ok(forgetting.forget_performance(PartyId::from(event.id::<PersonId>("personId")?))?)
    });
}

/// What an event of a contract says of its contractor.
fn fact(event: &Event) -> Result<Option<Fact>, TaskError> {
    let contractor: PartyId = event.id("contractorId")?;
    let told = match event.name.as_str() {
        "contract.completed" => Some((Measure::Completion, Some(true), None)),
        // Without the contractor's signature it is the contractor who let it lapse; else it says nothing of it.
        "contract.unsigned" if event.data.get("contractorSigned").is_some() => {
            (!event.flag("contractorSigned")).then_some((Measure::Completion, Some(false), None))
        }
        "contract.signed" => response(event, contractor)?,
        "milestone.submitted" => punctuality(event)?,
        _ => None,
    };
    let Some((measure, good, seconds)) = told else { return Ok(None) };
    let thing_id = match measure {
        Measure::Punctuality => {
            kernel::id::parse_any(event.word("milestoneId")?).map_err(|_| unusable(event, "milestoneId"))?
        }
        _ => event.aggregate_id,
    };
    Ok(Some(Fact {
        contractor_id: contractor.uuid(),
        measure: measure.as_str(),
        thing_id,
        job_id: event.id::<JobId>("jobId")?.uuid(),
        homeowner_id: event.id::<PartyId>("homeownerId")?.uuid(),
        good,
        seconds,
    }))
}

type Told = (Measure, Option<bool>, Option<i64>);

/// The contractor's first signature answers the award.
fn response(event: &Event, contractor: PartyId) -> Result<Option<Told>, TaskError> {
    if event.find_id::<PartyId>("signedBy") != Some(contractor) || event.data.get("awardedAt").is_none() {
        return Ok(None);
    }
    let awarded_at: Instant = parsed(event, "awardedAt")?;
    let seconds = (event.occurred_at - awarded_at).num_seconds().max(0);
    Ok(Some((Measure::Response, None, Some(seconds))))
}

/// The first time that a milestone is handed in.
fn punctuality(event: &Event) -> Result<Option<Told>, TaskError> {
    if event.number("submission")? != 1 || event.data.get("dueDate").is_none() {
        return Ok(None);
    }
    let due: NaiveDate = parsed(event, "dueDate")?;
    Ok(Some((Measure::Punctuality, Some(rules::performance::is_on_time(due, event.occurred_at)), None)))
}

fn parsed<T: std::str::FromStr>(event: &Event, key: &str) -> Result<T, TaskError> {
    event.word(key)?.parse().map_err(|_| unusable(event, key))
}

fn unusable(event: &Event, key: &str) -> TaskError {
    TaskError::Park(format!("event {} has no usable `{key}`", event.name))
}
