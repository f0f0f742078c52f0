//! What bids beside each other look like.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::{PartyId, TypedId};
use marketplace::rules::market::MarketFigure;
use marketplace::{
    BidAnalytics, BidId, BidOffer, BidRecommendations, BidStatus, BidderFacts, ComparedBid, ComparedBy,
    ComparedRow, Comparison, JobId, JobWithBestBids, Mark, rules,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::directory::{ContractorRating, kilometres};
use super::job_views::JobSummaryView;
use super::words::{
    BidRef, BidStatusWord, ComparedByWord, JobFieldWord, JobRef, MarkWord, PartyRef, RankedPartWord,
    SideWord, Word,
};

/// Who made a bid, with what is known of the bidder.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidBidder {
    /// The contractor.
    pub id: PartyRef,
    /// The name.
    pub name: String,
    /// What its published reviews come to.
    pub rating: ContractorRating,
    /// Whether an administrator has checked licence and insurance, and both hold now.
    pub verified: bool,
    /// Whether a licence for the job's trade is among them.
    pub licensed: bool,
    /// Jobs of this trade finished here; not counted beyond 1,000.
    pub finished_jobs: i64,
    /// From the contractor's public point to the job's, in kilometres; null when one of them has none.
    pub distance_km: Option<f64>,
}

impl From<BidderFacts> for BidBidder {
    fn from(bidder: BidderFacts) -> Self {
        Self {
            id: bidder.id.into(),
            name: bidder.name,
            rating: bidder.rank.into(),
            verified: bidder.verified,
            licensed: bidder.licensed,
            finished_jobs: bidder.finished_jobs,
            distance_km: bidder.metres.map(kilometres),
        }
    }
}

/// A bid beside others.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidCompared {
    /// The bid.
    pub id: BidRef,
    /// Who made it.
    pub contractor: BidBidder,
    /// Where it stands.
    pub status: BidStatusWord,
    /// Which revision this is; what accepting it can name.
    pub revision: i32,
    /// The price, in minor units.
    pub price: i64,
    /// What of it is for work; null when the bid has no lines.
    pub labour: Option<i64>,
    /// What of it is for material.
    pub material: Option<i64>,
    /// What of it is for anything else.
    pub other: Option<i64>,
    /// The day on which work would start.
    pub start_date: Option<NaiveDate>,
    /// How many days it would take.
    pub duration_days: Option<i32>,
    /// By how many stages it is to be paid.
    pub stages: i64,
    /// The first stage, in percent of the price.
    pub first_payment_percent: i64,
    /// Until when the offer stands; null as long as it waits for a decision.
    pub valid_until: Option<DateTime<Utc>>,
    /// What the bid promises and asks for.
    pub terms: Option<String>,
    /// When this revision was handed in.
    pub submitted_at: DateTime<Utc>,
    /// Whether its bidder is asked to confirm it, because the job was edited since; until then it cannot be accepted.
    pub needs_confirmation: bool,
    /// What changed of the job since its bidder last said something, that matters for a bid.
    pub changed_since: Vec<JobFieldWord>,
}

impl From<ComparedBid> for BidCompared {
    fn from(compared: ComparedBid) -> Self {
        let ComparedBid { offer: BidOffer { bid, bidder }, labour, material, other, .. } = compared;
        Self {
            id: bid.id.into(),
            contractor: bidder.into(),
            status: Word(bid.status),
            revision: bid.revision,
            price: bid.parts.amount,
            labour,
            material,
            other,
            start_date: bid.parts.start_date,
            duration_days: bid.parts.duration_days,
            stages: compared.stages,
            first_payment_percent: compared.first_payment_percent,
            valid_until: bid.parts.valid_until,
            terms: bid.parts.terms,
            submitted_at: bid.submitted_at,
            needs_confirmation: bid.confirmation.is_some(),
            changed_since: bid.confirmation.into_iter().flat_map(|asked| asked.changed).map(Word).collect(),
        }
    }
}

/// What stands out in a row.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidMarked {
    /// The bid.
    pub bid_id: BidRef,
    /// How.
    pub mark: MarkWord,
}

/// One thing that bids are compared by: the field of a bid, or of its contractor, that has this name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidComparedRow {
    /// What it compares.
    pub row: ComparedByWord,
    /// Whether the bids differ in it.
    pub differs: bool,
    /// The lowest and the highest, of days the earliest and the latest; of equals each. Empty where all that say something say the same. Bids that need to be confirmed stand out from nothing.
    pub marks: Vec<BidMarked>,
}

impl From<ComparedRow> for BidComparedRow {
    fn from(row: ComparedRow) -> Self {
        let marked = |(id, mark): (BidId, Mark)| BidMarked { bid_id: id.into(), mark: Word(mark) };
        Self { row: Word(row.by), differs: row.differs, marks: row.marks.into_iter().map(marked).collect() }
    }
}

/// Bids side by side.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidComparisonView {
    /// Their job.
    pub job_id: JobRef,
    /// The currency of all amounts.
    pub currency: String,
    /// The bids: first those that can be accepted, the lowest price first, of equal prices the earlier; after them those that need to be confirmed.
    pub bids: Vec<BidCompared>,
    /// What they are compared by.
    pub rows: Vec<BidComparedRow>,
    /// Whether there are more bids than the hundred that are compared.
    pub more: bool,
}

impl From<Comparison> for BidComparisonView {
    fn from(comparison: Comparison) -> Self {
        Self {
            job_id: comparison.job.into(),
            currency: comparison.currency.code().to_owned(),
            bids: comparison.bids.into_iter().map(BidCompared::from).collect(),
            rows: comparison.rows.into_iter().map(BidComparedRow::from).collect(),
            more: comparison.more,
        }
    }
}

/// A price far from the others.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidOutlier {
    /// The bid.
    pub bid_id: BidRef,
    /// Its price, in minor units.
    pub price: i64,
    /// On which side of the others it lies.
    pub side: SideWord,
}

/// Tukey's inner fences.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidFences {
    /// What is below is far below all others.
    pub lower: i64,
    /// What is above is far above all others.
    pub upper: i64,
}

/// How prices lie, in minor units.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidSpread {
    /// The lowest.
    pub lowest: i64,
    /// The highest.
    pub highest: i64,
    /// Their mean.
    pub mean: i64,
    /// A tenth lies below this.
    pub p10: i64,
    /// The lower quartile.
    pub p25: i64,
    /// The median.
    pub median: i64,
    /// The upper quartile.
    pub p75: i64,
    /// A tenth lies above this.
    pub p90: i64,
    /// Null of fewer than five bids.
    pub fences: Option<BidFences>,
    /// What lies outside the fences.
    pub outliers: Vec<BidOutlier>,
}

impl From<rules::Spread> for BidSpread {
    fn from(spread: rules::Spread) -> Self {
        let outlier = |(id, price, side): (BidId, i64, rules::Side)| BidOutlier {
            bid_id: id.into(),
            price,
            side: Word(side),
        };
        Self {
            lowest: spread.lowest,
            highest: spread.highest,
            mean: spread.mean,
            p10: spread.p10,
            p25: spread.p25,
            median: spread.median,
            p75: spread.p75,
            p90: spread.p90,
            fences: spread.fences.map(|(lower, upper)| BidFences { lower, upper }),
            outliers: spread.outliers.into_iter().map(outlier).collect(),
        }
    }
}

/// What jobs of a trade went for in a place over the last twelve months that are published, in minor units, to two significant digits.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidMarket {
    /// Of how many awarded jobs.
    pub jobs: i32,
    /// A tenth went for no more than this.
    pub p10: i64,
    /// A quarter went for no more than this.
    pub p25: i64,
    /// Half went for no more than this.
    pub median: i64,
    /// Three quarters went for no more than this.
    pub p75: i64,
    /// Nine tenths went for no more than this.
    pub p90: i64,
    /// How far the median of the bids is above that of the market, in percent of it; below zero when it is below. Null without bids.
    pub bids_above_percent: Option<i64>,
}

impl BidMarket {
    fn of(market: MarketFigure, bids: Option<&rules::Spread>) -> Self {
        let MarketFigure { jobs, people: _, p10, p25, median, p75, p90 } = market;
        let bids_above_percent = bids.map(|bids| rules::percent_above(bids.median, median));
        Self { jobs, p10, p25, median, p75, p90, bids_above_percent }
    }
}

/// How the prices of a job's bids lie.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidAnalyticsView {
    /// Their job.
    pub job_id: JobRef,
    /// The currency of all amounts.
    pub currency: String,
    /// How many bids.
    pub count: usize,
    /// How many of them need to be confirmed before they can be accepted.
    pub unconfirmed: usize,
    /// How their prices lie; null without bids.
    pub prices: Option<BidSpread>,
    /// What such jobs went for in the job's trade and place; null where too few did.
    pub market: Option<BidMarket>,
}

impl From<BidAnalytics> for BidAnalyticsView {
    fn from(analytics: BidAnalytics) -> Self {
        Self {
            job_id: analytics.job.into(),
            currency: analytics.currency.code().to_owned(),
            count: analytics.spread.as_ref().map_or(0, |spread| spread.count),
            unconfirmed: analytics.unconfirmed,
            market: analytics.market.map(|market| BidMarket::of(market, analytics.spread.as_ref())),
            prices: analytics.spread.map(BidSpread::from),
        }
    }
}

/// How many points there are for what.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidPoints {
    /// What for.
    pub part: RankedPartWord,
    /// How many.
    pub points: i64,
}

impl BidPoints {
    fn of((part, points): (rules::Part, i64)) -> Self {
        Self { part: Word(part), points }
    }
}

/// Why a bid is where it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidReason {
    /// For programs; stable.
    pub code: &'static str,
    /// For people.
    pub text: String,
}

/// A bid with its points.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidRecommended {
    /// The bid.
    pub id: BidRef,
    /// Who made it.
    pub contractor: BidBidder,
    /// Which revision this is; what accepting it can name.
    pub revision: i32,
    /// The price, in minor units of the job's currency.
    pub price: i64,
    /// The job's currency.
    pub currency: String,
    /// The day on which work would start.
    pub start_date: Option<NaiveDate>,
    /// Until when the offer stands; null as long as it waits for a decision.
    pub valid_until: Option<DateTime<Utc>>,
    /// Whether its bidder is asked to confirm it, because the job was edited since; until then it cannot be accepted.
    pub needs_confirmation: bool,
    /// Of 100.
    pub points: i32,
    /// What they are for.
    pub parts: Vec<BidPoints>,
    /// What speaks for the bid, and against it.
    pub reasons: Vec<BidReason>,
}

impl From<(BidOffer, rules::Ranked)> for BidRecommended {
    fn from((BidOffer { bid, bidder }, ranked): (BidOffer, rules::Ranked)) -> Self {
        let reasons = ranked.score.reasons.into_iter();
        Self {
            id: bid.id.into(),
            contractor: bidder.into(),
            revision: bid.revision,
            price: bid.parts.amount,
            currency: bid.currency.code().to_owned(),
            start_date: bid.parts.start_date,
            valid_until: bid.parts.valid_until,
            needs_confirmation: bid.confirmation.is_some(),
            points: ranked.score.points,
            parts: ranked.parts.into_iter().map(BidPoints::of).collect(),
            reasons: reasons.map(|reason| BidReason { code: reason.code, text: reason.text }).collect(),
        }
    }
}

/// Bids in the order in which they are recommended.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BidRecommendationsView {
    /// Their job.
    pub job_id: JobRef,
    /// Those that can be accepted, the best first; of equal points the lower price, of equal prices the earlier.
    pub bids: Vec<BidRecommended>,
    /// Those that cannot be accepted until their bidders confirm them, in the same order.
    pub unconfirmed: Vec<BidRecommended>,
    /// The most points there are for what; 100 in all.
    pub weights: Vec<BidPoints>,
    /// Whether there are more bids than the hundred lowest, which are ranked.
    pub more: bool,
}

fn weights() -> Vec<BidPoints> {
    rules::Part::ALL.iter().map(|part| BidPoints::of((*part, part.weight()))).collect()
}

impl From<BidRecommendations> for BidRecommendationsView {
    fn from(recommended: BidRecommendations) -> Self {
        Self {
            job_id: recommended.job.into(),
            bids: recommended.bids.into_iter().map(BidRecommended::from).collect(),
            unconfirmed: recommended.unconfirmed.into_iter().map(BidRecommended::from).collect(),
            weights: weights(),
            more: recommended.more,
        }
    }
}

/// An open job with the best of its bids.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobBestBidsView {
    /// The job.
    pub job: JobSummaryView,
    /// The best that can be accepted, at most three.
    pub bids: Vec<BidRecommended>,
    /// How many more need to be confirmed before they can be accepted.
    pub unconfirmed: usize,
}

impl From<JobWithBestBids> for JobBestBidsView {
    fn from(best: JobWithBestBids) -> Self {
        Self {
            job: JobSummaryView::from(best.job),
            bids: best.bids.into_iter().map(BidRecommended::from).collect(),
            unconfirmed: best.unconfirmed,
        }
    }
}

impl BidBidder {
    fn example() -> Self {
        Self {
            id: PartyId::from_uuid(Uuid::nil()).into(),
            name: "Bob Mason".to_owned(),
            rating: ContractorRating { count: 8, mean: Some(4.63), bayesian_mean: 4.38 },
            verified: true,
            licensed: true,
            finished_jobs: 12,
            distance_km: Some(4.2),
        }
    }
}

impl BidComparisonView {
    pub(super) fn example() -> Self {
        let bid = BidCompared {
            id: BidId::from_uuid(Uuid::nil()).into(),
            contractor: BidBidder::example(),
            status: Word(BidStatus::Submitted),
            revision: 1,
            price: 180_000,
            labour: Some(120_000),
            material: Some(60_000),
            other: Some(0),
            start_date: NaiveDate::from_ymd_opt(2027, 3, 1),
            duration_days: Some(5),
            stages: 2,
            first_payment_percent: 44,
            valid_until: None,
            terms: Some("Tiles are included.".to_owned()),
            submitted_at: DateTime::UNIX_EPOCH,
            needs_confirmation: false,
            changed_since: vec![],
        };
        let row = BidComparedRow {
            row: Word(ComparedBy::Price),
            differs: true,
            marks: vec![BidMarked { bid_id: BidId::from_uuid(Uuid::nil()).into(), mark: Word(Mark::Lowest) }],
        };
        Self {
            job_id: JobId::from_uuid(Uuid::nil()).into(),
            currency: "USD".to_owned(),
            bids: vec![bid],
            rows: vec![row],
            more: false,
        }
    }
}

impl BidAnalyticsView {
    pub(super) fn example() -> Self {
        let outlier = BidOutlier {
            bid_id: BidId::from_uuid(Uuid::nil()).into(),
            price: 90_000,
            side: Word(rules::Side::Low),
        };
        Self {
            job_id: JobId::from_uuid(Uuid::nil()).into(),
            currency: "USD".to_owned(),
            count: 5,
            unconfirmed: 0,
            prices: Some(BidSpread {
                lowest: 90_000,
                highest: 195_000,
                mean: 164_000,
                p10: 122_000,
                p25: 170_000,
                median: 180_000,
                p75: 185_000,
                p90: 191_000,
                fences: Some(BidFences { lower: 147_500, upper: 207_500 }),
                outliers: vec![outlier],
            }),
            market: Some(BidMarket {
                jobs: 48,
                p10: 120_000,
                p25: 150_000,
                median: 190_000,
                p75: 240_000,
                p90: 310_000,
                bids_above_percent: Some(-5),
            }),
        }
    }
}

impl BidRecommended {
    fn example() -> Self {
        let parts = [25, 17, 15, 15, 10, 5];
        let parts = rules::Part::ALL.iter().copied().zip(parts);
        let reason = |code, text: &str| BidReason { code, text: text.to_owned() };
        Self {
            id: BidId::from_uuid(Uuid::nil()).into(),
            contractor: BidBidder::example(),
            revision: 1,
            price: 180_000,
            currency: "USD".to_owned(),
            start_date: NaiveDate::from_ymd_opt(2027, 3, 1),
            valid_until: None,
            needs_confirmation: false,
            points: 87,
            parts: parts.map(BidPoints::of).collect(),
            reasons: vec![
                reason("price_below", "17 % below the middle of the bids"),
                reason("licensed", "licensed for this trade"),
                reason("finished_jobs", "12 jobs like it finished"),
                reason("distance", "4 km away"),
            ],
        }
    }
}

impl BidRecommendationsView {
    pub(super) fn example() -> Self {
        Self {
            job_id: JobId::from_uuid(Uuid::nil()).into(),
            bids: vec![BidRecommended::example()],
            unconfirmed: vec![],
            weights: weights(),
            more: false,
        }
    }
}

impl JobBestBidsView {
    pub(super) fn example() -> Self {
        Self { job: JobSummaryView::example(), bids: vec![BidRecommended::example()], unconfirmed: 0 }
    }
}
