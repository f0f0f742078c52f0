//! What operations on reviews take.

use contracts::ContractId;
use kernel::{Faults, TypedId};
use marketplace::{
    Decision, DecisionReason, NewReply, NewReport, NewReview, ReplyText, ReportNote, ReportReason,
    ReviewPatch, ReviewQueue, ReviewText, ReviewVerdict, Stars,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::words::{ContractRef, ReviewDecisionWord, ReviewQueueWord, ReviewReportReasonWord, Word, given};

/// A review to hand in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewNew {
    /// The finished contract.
    pub contract_id: ContractRef,
    /// Overall, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// The work itself, or for a homeowner how well it was asked for.
    #[schema(minimum = 1, maximum = 5)]
    pub quality: i64,
    /// Keeping to what was agreed.
    #[schema(minimum = 1, maximum = 5)]
    pub timeliness: i64,
    /// Being there to talk to.
    #[schema(minimum = 1, maximum = 5)]
    pub communication: i64,
    /// In words.
    #[schema(min_length = 1, max_length = 4_000)]
    pub text: Option<String>,
}

impl ReviewNew {
    pub(super) fn example() -> Self {
        Self {
            contract_id: ContractId::from_uuid(Uuid::nil()).into(),
            rating: 5,
            quality: 5,
            timeliness: 4,
            communication: 5,
            text: Some("Clean work, and on time.".to_owned()),
        }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<NewReview, Faults> {
        let mut faults = Faults::none();
        let rating = faults.take("/rating", Stars::new(self.rating));
        let quality = faults.take("/quality", Stars::new(self.quality));
        let timeliness = faults.take("/timeliness", Stars::new(self.timeliness));
        let communication = faults.take("/communication", Stars::new(self.communication));
        let text = self.text.as_deref().and_then(|text| faults.take("/text", ReviewText::new(text)));
        match (rating, quality, timeliness, communication, faults.is_empty()) {
            (Some(rating), Some(quality), Some(timeliness), Some(communication), true) => {
                let contract_id = self.contract_id.uuid();
                Ok(NewReview { contract_id, rating, quality, timeliness, communication, text })
            }
            _ => Err(faults),
        }
    }
}

/// What to change in a review; what is not in the body stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(min_properties = 1)]
pub struct ReviewEdit {
    /// Overall, 1 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 5, nullable = false)]
    pub rating: Option<i64>,
    /// The work itself, or for a homeowner how well it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 5, nullable = false)]
    pub quality: Option<i64>,
    /// Keeping to what was agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 5, nullable = false)]
    pub timeliness: Option<i64>,
    /// Being there to talk to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 5, nullable = false)]
    pub communication: Option<i64>,
    /// In words; `null` takes them away.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4_000)]
    pub text: Option<Option<String>>,
}

impl ReviewEdit {
    pub(super) fn example() -> Self {
        Self { rating: Some(4), text: Some(Some("Clean work, a day late.".to_owned())), ..Self::default() }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<ReviewPatch, Faults> {
        let mut faults = Faults::none();
        let mut stars = |pointer: &str, stars: Option<i64>| {
            stars.and_then(|stars| faults.take(pointer, Stars::new(stars)))
        };
        let rating = stars("/rating", self.rating);
        let quality = stars("/quality", self.quality);
        let timeliness = stars("/timeliness", self.timeliness);
        let communication = stars("/communication", self.communication);
        let text = match &self.text {
            Some(Some(text)) => faults.take("/text", ReviewText::new(text)).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        faults.or(|| ReviewPatch { rating, quality, timeliness, communication, text })
    }
}

/// A reply to a review.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewReplyNew {
    /// In words.
    #[schema(min_length = 1, max_length = 4_000)]
    pub text: String,
}

impl ReviewReplyNew {
    pub(super) fn example() -> Self {
        Self { text: "Thank you. The tiles came a day late.".to_owned() }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<NewReply, Faults> {
        let mut faults = Faults::none();
        let text = faults.take("/text", ReplyText::new(&self.text));
        text.map(|text| NewReply { text }).ok_or(faults)
    }
}

/// A report of a review.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewReportNew {
    /// Of what kind it is.
    pub reason: ReviewReportReasonWord,
    /// In words, for administrators.
    #[schema(min_length = 1, max_length = 1_000)]
    pub note: Option<String>,
}

impl ReviewReportNew {
    pub(super) fn example() -> Self {
        Self { reason: Word(ReportReason::Private), note: Some("It names our street.".to_owned()) }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<NewReport, Faults> {
        let mut faults = Faults::none();
        let note = self.note.as_deref().and_then(|note| faults.take("/note", ReportNote::new(note)));
        faults.or(|| NewReport { reason: self.reason.0, note })
    }
}

/// An administrator's decision about a review.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewDecisionNew {
    /// Whether it stays, or comes back; or goes.
    pub decision: ReviewDecisionWord,
    /// Why. Of a removed review its author reads it.
    #[schema(min_length = 1, max_length = 1_000)]
    pub reason: String,
}

impl ReviewDecisionNew {
    pub(super) fn example() -> Self {
        Self { decision: Word(Decision::Keep), reason: "It is hard, and about the work.".to_owned() }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<ReviewVerdict, Faults> {
        let mut faults = Faults::none();
        let reason = faults.take("/reason", DecisionReason::new(&self.reason));
        reason.map(|reason| ReviewVerdict { decision: self.decision.0, reason }).ok_or(faults)
    }
}

/// The query parameters of the list of reviews for administrators.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewCaseQuery {
    /// Those with reports that wait, the longest waiting first, which is what is listed when it is not said; or those that were removed, the
    /// latest first.
    pub queue: Option<ReviewQueueWord>,
}

impl ReviewCaseQuery {
    pub(super) fn queue(&self) -> ReviewQueue {
        self.queue.map_or(ReviewQueue::Reported, |word| word.0)
    }
}
