//! What operations on bids answer with.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{PartyId, TypedId};
use marketplace::{
    BidDetail, BidId, BidMilestone, BidOfJob, BidStatus, BidderCard, FormerRevision, JobId, Line, Outcome,
    Proof,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::job_views::JobSummaryView;
use super::reviews::ReviewRating;
use super::words::{BidRef, BidStatusWord, JobFieldWord, JobRef, LineKindWord, OutcomeWord, PartyRef, Word};

/// A line of a bid.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidLine {
    /// What it pays for.
    pub kind: LineKindWord,
    /// In words.
    #[schema(min_length = 1, max_length = 200)]
    pub description: String,
    /// Minor units of the job's currency.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub amount: i64,
}

impl From<Line> for BidLine {
    fn from(line: Line) -> Self {
        Self { kind: Word(line.kind), description: line.description, amount: line.amount }
    }
}

/// A stage that a bid proposes to be paid by.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidStage {
    /// What it is called.
    #[schema(min_length = 3, max_length = 120)]
    pub title: String,
    /// What will be done.
    #[schema(min_length = 1, max_length = 10_000)]
    pub description: Option<String>,
    /// Minor units of the job's currency.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub amount: i64,
    /// The day by which it will be done.
    pub due_date: Option<NaiveDate>,
}

impl From<BidMilestone> for BidStage {
    fn from(stage: BidMilestone) -> Self {
        Self {
            title: stage.title,
            description: stage.description,
            amount: stage.amount,
            due_date: stage.due_date,
        }
    }
}

/// Who made a bid, for the job's owner.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidContractor {
    /// The contractor.
    pub id: PartyRef,
    /// The name.
    pub name: String,
    /// Whether an administrator has verified licence and insurance, and neither has run out.
    pub verified: bool,
    /// What its published reviews come to.
    pub rating: ReviewRating,
}

impl From<BidderCard> for BidContractor {
    fn from(bidder: BidderCard) -> Self {
        Self {
            id: bidder.id.into(),
            name: bidder.name,
            verified: bidder.verified,
            rating: bidder.rating.into(),
        }
    }
}

/// What a bidder learns once the job has left OPEN.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidOutcome {
    /// Won, lost, or nobody was chosen.
    pub result: OutcomeWord,
    /// How many bids stood.
    pub bids: i64,
    /// In which third of the prices this one was, 1 being the lowest; only from five bids up.
    pub third: Option<i64>,
}

impl From<Outcome> for BidOutcome {
    fn from(outcome: Outcome) -> Self {
        Self { result: Word(outcome.result), bids: outcome.bids, third: outcome.third }
    }
}

/// What proves that a bid was not changed after it was handed in: `sha256(canonical ‖ salt)` is the receipt.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidProof {
    /// The bid as canonical JSON (RFC 8785).
    pub canonical: String,
    /// 64 hexadecimal characters, new for every revision.
    pub salt: String,
}

impl From<Proof> for BidProof {
    fn from(proof: Proof) -> Self {
        Self { canonical: proof.canonical, salt: proof.salt }
    }
}

/// What a bid said before it was revised.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidFormerRevision {
    /// Which: 1 is the first.
    pub revision: i32,
    /// The price, in minor units of the job's currency.
    pub amount: i64,
    /// What the price was made up of.
    pub lines: Vec<BidLine>,
    /// By what stages it was to be paid.
    pub milestones: Vec<BidStage>,
    /// What the bid promised and asked for.
    pub terms: Option<String>,
    /// The day on which work would have started.
    pub start_date: Option<NaiveDate>,
    /// How many days it would have taken.
    pub duration_days: Option<i32>,
    /// Until when it would have stood.
    pub valid_until: Option<DateTime<Utc>>,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
    /// Hexadecimal SHA-256 that fixes what it said.
    pub receipt: String,
    /// What the receipt stands for; from the reveal on.
    pub proof: Option<BidProof>,
}

impl From<FormerRevision> for BidFormerRevision {
    fn from(former: FormerRevision) -> Self {
        Self {
            revision: former.revision,
            amount: former.parts.amount,
            lines: former.parts.lines.into_iter().map(BidLine::from).collect(),
            milestones: former.parts.milestones.into_iter().map(BidStage::from).collect(),
            terms: former.parts.terms,
            start_date: former.parts.start_date,
            duration_days: former.parts.duration_days,
            valid_until: former.parts.valid_until,
            submitted_at: former.submitted_at,
            receipt: former.receipt,
            proof: former.proof.map(BidProof::from),
        }
    }
}

/// A bid, as its bidder or, from the reveal on, the job's owner sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidView {
    /// The bid.
    pub id: BidRef,
    /// Its job.
    pub job_id: JobRef,
    /// Whose it is.
    pub contractor_id: PartyRef,
    /// Where it stands.
    pub status: BidStatusWord,
    /// How often it was handed in: 1 the first time.
    pub revision: i32,
    /// Counts revisions and changes of state.
    pub version: i32,
    /// The price, in minor units.
    pub amount: i64,
    /// The job's currency.
    pub currency: String,
    /// What the price is made up of.
    pub lines: Vec<BidLine>,
    /// By what stages it is to be paid.
    pub milestones: Vec<BidStage>,
    /// What the bid promises and asks for.
    pub terms: Option<String>,
    /// The day on which work would start.
    pub start_date: Option<NaiveDate>,
    /// How many days it would take.
    pub duration_days: Option<i32>,
    /// Until when the offer stands; null as long as it waits for a decision.
    pub valid_until: Option<DateTime<Utc>>,
    /// Why it was turned down.
    pub reason: Option<String>,
    /// When this revision was handed in.
    pub submitted_at: DateTime<Utc>,
    /// When the first one was.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether its bidder is asked to confirm it, because the job was edited since; until then it cannot be accepted.
    pub needs_confirmation: bool,
    /// What changed of the job since its bidder last said something, that matters for a bid.
    pub changed_since: Vec<JobFieldWord>,
    /// When its bidder last confirmed it as it was.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Hexadecimal SHA-256 that fixes what the bid says without telling it.
    pub receipt: String,
    /// What the receipt stands for; from the reveal on.
    pub proof: Option<BidProof>,
    /// For the bidder, once the job has left OPEN.
    pub outcome: Option<BidOutcome>,
    /// Who made it; in lists for the job's owner.
    pub contractor: Option<BidContractor>,
    /// What it is for; in lists for the bidder.
    pub job: Option<JobSummaryView>,
    /// Its former revisions, the newest first, at most ten; in lists.
    pub former_revisions: Vec<BidFormerRevision>,
}

impl From<BidDetail> for BidView {
    fn from(bid: BidDetail) -> Self {
        Self {
            id: bid.id.into(),
            job_id: bid.job_id.into(),
            contractor_id: bid.contractor.into(),
            status: Word(bid.status),
            revision: bid.revision,
            version: bid.version,
            amount: bid.parts.amount,
            currency: bid.currency.code().to_owned(),
            lines: bid.parts.lines.into_iter().map(BidLine::from).collect(),
            milestones: bid.parts.milestones.into_iter().map(BidStage::from).collect(),
            terms: bid.parts.terms,
            start_date: bid.parts.start_date,
            duration_days: bid.parts.duration_days,
            valid_until: bid.parts.valid_until,
            reason: bid.reason,
            submitted_at: bid.submitted_at,
            created_at: bid.created_at,
            updated_at: bid.updated_at,
            needs_confirmation: bid.confirmation.is_some(),
            changed_since: bid.confirmation.into_iter().flat_map(|asked| asked.changed).map(Word).collect(),
            confirmed_at: bid.confirmed_at,
            receipt: bid.receipt,
            proof: bid.proof.map(BidProof::from),
            outcome: bid.outcome.map(BidOutcome::from),
            contractor: None,
            job: None,
            former_revisions: Vec::new(),
        }
    }
}

impl From<BidOfJob> for BidView {
    fn from(BidOfJob { bid, bidder, job, former }: BidOfJob) -> Self {
        Self {
            contractor: bidder.map(BidContractor::from),
            job: job.map(JobSummaryView::from),
            former_revisions: former.into_iter().map(BidFormerRevision::from).collect(),
            ..Self::from(bid)
        }
    }
}

impl BidView {
    pub(super) fn example() -> Self {
        Self {
            id: BidId::from_uuid(Uuid::nil()).into(),
            job_id: JobId::from_uuid(Uuid::nil()).into(),
            contractor_id: PartyId::from_uuid(Uuid::nil()).into(),
            status: Word(BidStatus::Submitted),
            revision: 1,
            version: 1,
            amount: 180_000,
            currency: "USD".to_owned(),
            lines: vec![],
            milestones: super::bid_forms::BidNew::example().milestones,
            terms: Some("Tiles are not included.".to_owned()),
            start_date: NaiveDate::from_ymd_opt(2027, 3, 1),
            duration_days: Some(5),
            valid_until: None,
            reason: None,
            submitted_at: DateTime::UNIX_EPOCH,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            needs_confirmation: false,
            changed_since: vec![],
            confirmed_at: None,
            receipt: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            proof: None,
            outcome: None,
            contractor: None,
            job: None,
            former_revisions: Vec::new(),
        }
    }
}
