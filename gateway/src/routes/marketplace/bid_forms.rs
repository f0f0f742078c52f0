//! What operations on bids take.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::Faults;
use marketplace::{BidMilestone, BidParts, BidPatch, BidTerms, JobId, Line, NewBid, Reason, Rejection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bid_views::{BidLine, BidStage};
use super::job_forms::currency;
use super::words::{BidStatusWord, JobRef, given};

/// A bid to hand in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidNew {
    /// The job.
    pub job_id: JobRef,
    /// The price, in minor units of the job's currency.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub amount: i64,
    /// The job's currency; may be left out, and no other is taken.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// What the price is made up of; if there are any they sum to it.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub lines: Vec<BidLine>,
    /// By what stages it is to be paid; if there are any they sum to the price, otherwise it is one of the whole.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub milestones: Vec<BidStage>,
    /// What the bid promises and asks for; it becomes part of the contract.
    #[schema(min_length = 1, max_length = 10_000)]
    pub terms: Option<String>,
    /// The day on which work would start.
    pub start_date: Option<NaiveDate>,
    /// How many days it would take.
    #[schema(minimum = 1, maximum = 3_650)]
    pub duration_days: Option<i32>,
    /// Until when the offer stands; without it as long as it waits for a decision. From that instant on it cannot be accepted. Later than now, of
    /// a sealed job later than the bidding deadline.
    pub valid_until: Option<DateTime<Utc>>,
}

impl BidNew {
    pub(super) fn example() -> Self {
        let stage = |title: &str, amount| BidStage {
            title: title.to_owned(),
            description: None,
            amount,
            due_date: None,
        };
        Self {
            job_id: JobId::from(uuid::Uuid::nil()).into(),
            amount: 180_000,
            currency: Some("USD".to_owned()),
            lines: vec![],
            milestones: vec![stage("Floor", 80_000), stage("Walls", 100_000)],
            terms: Some("Tiles are not included.".to_owned()),
            start_date: NaiveDate::from_ymd_opt(2027, 3, 1),
            duration_days: Some(5),
            valid_until: None,
        }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<NewBid, Faults> {
        let mut faults = Faults::none();
        let currency = self.currency.as_deref().and_then(|code| faults.take("/currency", currency(code)));
        let lines = lines(&self.lines, &mut faults);
        let milestones = stages(&self.milestones, &mut faults);
        let parts = BidParts {
            amount: self.amount,
            lines,
            milestones,
            terms: self.terms.clone(),
            start_date: self.start_date,
            duration_days: self.duration_days,
            valid_until: self.valid_until,
        };
        match faults.take("", parts.checked()) {
            Some(parts) if faults.is_empty() => Ok(NewBid { job_id: *self.job_id, currency, parts }),
            _ => Err(faults),
        }
    }
}

fn lines(lines: &[BidLine], faults: &mut Faults) -> Vec<Line> {
    let line = |line: &BidLine| Line::new(line.kind.0, &line.description, line.amount);
    each(lines, "/lines", line, faults)
}

fn stages(stages: &[BidStage], faults: &mut Faults) -> Vec<BidMilestone> {
    let stage = |stage: &BidStage| {
        BidMilestone::new(&stage.title, stage.description.as_deref(), stage.amount, stage.due_date)
    };
    each(stages, "/milestones", stage, faults)
}

/// All of a list, or nothing of it: a sum over what is left when one of them has a fault would only be noise.
fn each<T, U>(
    list: &[T],
    pointer: &str,
    check: impl Fn(&T) -> Result<U, Faults>,
    faults: &mut Faults,
) -> Vec<U> {
    let checked = list.iter().enumerate();
    let made: Vec<U> =
        checked.filter_map(|(index, one)| faults.take(&format!("{pointer}/{index}"), check(one))).collect();
    if made.len() == list.len() { made } else { Vec::new() }
}

/// What to change in a bid; what is not in the body stays, and `null` takes away what can be absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(min_properties = 1)]
pub struct BidRevision {
    /// The price; lines and milestones must sum to it afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100_000_000, nullable = false)]
    pub amount: Option<i64>,
    /// What the price is made up of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100, nullable = false)]
    pub lines: Option<Vec<BidLine>>,
    /// By what stages it is to be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 30, nullable = false)]
    pub milestones: Option<Vec<BidStage>>,
    /// What the bid promises and asks for.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 10_000)]
    pub terms: Option<Option<String>>,
    /// The day on which work would start.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NaiveDate>)]
    pub start_date: Option<Option<NaiveDate>>,
    /// How many days it would take.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 3_650)]
    pub duration_days: Option<Option<i32>>,
    /// Until when the offer stands.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub valid_until: Option<Option<DateTime<Utc>>>,
}

impl BidRevision {
    pub(super) fn example() -> Self {
        Self { amount: Some(170_000), milestones: Some(vec![]), ..Self::default() }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<BidPatch, Faults> {
        let mut faults = Faults::none();
        let terms = match &self.terms {
            Some(Some(text)) => faults.take("/terms", BidTerms::new(text)).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let patch = BidPatch {
            amount: self.amount,
            lines: self.lines.as_deref().map(|new| lines(new, &mut faults)),
            milestones: self.milestones.as_deref().map(|new| stages(new, &mut faults)),
            terms,
            start_date: self.start_date,
            duration_days: self.duration_days,
            valid_until: self.valid_until,
        };
        faults.or(|| patch)
    }
}

/// Why a bid is turned down.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BidRejection {
    /// For the bidder to read.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

impl BidRejection {
    /// # Errors
    /// A fault at `/reason`.
    pub(super) fn command(&self) -> Result<Rejection, Faults> {
        let mut faults = Faults::none();
        let reason = self.reason.as_deref().and_then(|text| faults.take("/reason", Reason::new(text)));
        faults.or(|| Rejection { reason })
    }
}

/// The query parameters of the list of own bids.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidListQuery {
    /// Only bids that stand here.
    pub status: Option<BidStatusWord>,
}
