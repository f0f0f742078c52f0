//! The marketplace's words in requests and answers: each vocabulary is the domain's own list, in the document as an enum.

use std::borrow::Cow;

use contracts::ContractId;
use kernel::PartyId;
use marketplace::rules::{Part, Side};
use marketplace::{
    AttachmentId, AttachmentKind, BidId, BidStatus, ComparedBy, Decision, DecisionOutcome, DirectoryOrder,
    JobField, JobId, JobOrder, JobStatus, LineKind, Mark, OutcomeResult, PhotoSize, ReportReason, Reveal,
    ReviewDecisionId, ReviewId, ReviewQueue, ReviewReportId, ReviewStatus, Urgency,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::Id;

/// A fixed list of words of the domain.
pub trait Vocabulary: Copy + 'static {
    /// Its name in the document.
    const NAME: &'static str;
    /// What the words say together.
    const DESCRIPTION: &'static str;
    /// All of them.
    fn all() -> &'static [Self];
    /// The word.
    fn word(self) -> &'static str;
    /// Reads the word.
    fn read(word: &str) -> Option<Self>;
}

macro_rules! vocabulary {
    ($($type:ident as $name:literal: $description:literal,)+) => {
        $(impl Vocabulary for $type {
            const NAME: &'static str = $name;
            const DESCRIPTION: &'static str = $description;
            fn all() -> &'static [Self] { Self::ALL }
            fn word(self) -> &'static str { self.as_str() }
            fn read(word: &str) -> Option<Self> { Self::parse(word) }
        })+
    };
}

vocabulary! {
    JobStatus as "JobStatus": "Where a job stands.",
    Reveal as "JobReveal": "When the owner sees bids: each as it comes, or all at once at the deadline.",
    Urgency as "JobUrgency": "How soon the work is needed.",
    BidStatus as "BidStatus": "Where a bid stands.",
    LineKind as "BidLineKind": "What a line of a bid pays for.",
    ComparedBy as "BidComparedBy": "What bids are compared by.",
    Mark as "BidMark": "What stands out.",
    Part as "BidRankedPart": "What bids are given points for.",
    Side as "BidOutlierSide": "On which side of the others a price lies.",
    OutcomeResult as "BidOutcomeResult": "How a bid's job went out for its bidder.",
    AttachmentKind as "AttachmentKind": "What an attachment is: a picture, drawn anew, or a file kept byte by byte.",
    PhotoSize as "AttachmentSize": "In which size a photograph is wanted: the longest side is 320 or 1,280 pixels, or as large as it was kept.",
    JobField as "JobField": "What of a published job an edit can change.",
    ReviewStatus as "ReviewStatus": "Whether others can read a review.",
    ReportReason as "ReviewReportReason": "What is wrong with a review.",
    Decision as "ReviewDecision": "Whether a review stays or goes.",
    DecisionOutcome as "ReviewDecisionOutcome": "What a decision made of a review.",
    ReviewQueue as "ReviewQueue": "Which reviews administrators look through.",
    JobOrder as "JobSort": "In which order jobs are found.",
    DirectoryOrder as "ContractorSort": "In which order contractors are listed.",
}

/// One word of a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<T: Vocabulary> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<'de, T: Vocabulary> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        T::read(&word).map(Self).ok_or_else(|| serde::de::Error::custom("is none of the words"))
    }
}

impl<T: Vocabulary> PartialSchema for Word<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .description(Some(T::DESCRIPTION))
            .enum_values(Some(T::all().iter().map(|word| word.word())))
            .into()
    }
}

impl<T: Vocabulary> ToSchema for Word<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }
}

/// A field of a change that can be taken away: absent is `None`, `null` is `Some(None)`.
///
/// # Errors
/// The inner type's.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A job's id. Named, because the derive of schemas cannot look into `Id<…>`; so are the others, and the words.
pub type JobRef = Id<JobId>;
/// A bid's id.
pub type BidRef = Id<BidId>;
/// An attachment's id.
pub type AttachmentRef = Id<AttachmentId>;
/// What an attachment is.
pub type AttachmentKindWord = Word<AttachmentKind>;
/// In which size a photograph is wanted.
pub type PhotoSizeWord = Word<PhotoSize>;
/// A review's id.
pub type ReviewRef = Id<ReviewId>;
/// A contract's id.
pub type ContractRef = Id<ContractId>;
/// A party's id.
pub type PartyRef = Id<PartyId>;
/// Where a job stands.
pub type JobStatusWord = Word<JobStatus>;
/// When the owner sees bids.
pub type RevealWord = Word<Reveal>;
/// How soon the work is needed.
pub type UrgencyWord = Word<Urgency>;
/// Where a bid stands.
pub type BidStatusWord = Word<BidStatus>;
/// What of a published job an edit can change.
pub type JobFieldWord = Word<JobField>;
/// What a line of a bid pays for.
pub type LineKindWord = Word<LineKind>;
/// What bids are compared by.
pub type ComparedByWord = Word<ComparedBy>;
/// What stands out.
pub type MarkWord = Word<Mark>;
/// What bids are given points for.
pub type RankedPartWord = Word<Part>;
/// On which side of the others a price lies.
pub type SideWord = Word<Side>;
/// How a bid's job went out.
pub type OutcomeWord = Word<OutcomeResult>;
/// Whether others can read a review.
pub type ReviewStatusWord = Word<ReviewStatus>;
/// A report's id.
pub type ReviewReportRef = Id<ReviewReportId>;
/// The id of a decision about a review.
pub type ReviewDecisionRef = Id<ReviewDecisionId>;
/// What is wrong with a review.
pub type ReviewReportReasonWord = Word<ReportReason>;
/// Whether a review stays or goes.
pub type ReviewDecisionWord = Word<Decision>;
/// What a decision made of a review.
pub type ReviewOutcomeWord = Word<DecisionOutcome>;
/// Which reviews administrators look through.
pub type ReviewQueueWord = Word<ReviewQueue>;
/// In which order contractors are listed.
pub type DirectoryOrderWord = Word<DirectoryOrder>;
/// In which order jobs are found.
pub type JobOrderWord = Word<JobOrder>;
