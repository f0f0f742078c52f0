//! What operations on jobs answer with.

use chrono::{DateTime, NaiveDate, Utc};
use identity::geo::GeoPoint;
use kernel::{PartyId, TypedId};
use marketplace::{
    Address, Area, FoundJob, JobCard, JobDetail, JobId, JobStatus, JobSummary, Place, Reveal, Urgency,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::directory::kilometres;
use super::words::{JobRef, JobStatusWord, PartyRef, RevealWord, UrgencyWord, Word};
use crate::Id;

/// A point on the earth (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobPoint {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    pub lng: f64,
}

impl From<GeoPoint> for JobPoint {
    fn from(point: GeoPoint) -> Self {
        Self { lat: point.lat(), lng: point.lng() }
    }
}

/// Where the work is, exactly: for the owner, and from the award on for the chosen contractor.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobAddress {
    /// Street and number.
    #[schema(min_length = 1, max_length = 120)]
    pub street: String,
    /// Flat, floor, building.
    #[schema(min_length = 1, max_length = 120)]
    pub unit: Option<String>,
    /// Town.
    #[schema(min_length = 1, max_length = 120)]
    pub city: String,
    /// State or province.
    #[schema(min_length = 1, max_length = 120)]
    pub region: Option<String>,
    /// Postal code.
    #[schema(min_length = 1, max_length = 120)]
    pub postal_code: Option<String>,
    /// ISO 3166 country code.
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// The exact point.
    pub point: Option<JobPoint>,
}

impl From<Address> for JobAddress {
    fn from(address: Address) -> Self {
        Self {
            street: address.street.into_string(),
            unit: address.unit.map(Place::into_string),
            city: address.city.into_string(),
            region: address.region.map(Place::into_string),
            postal_code: address.postal_code.map(Place::into_string),
            country: address.country.as_str().to_owned(),
            point: address.point.map(JobPoint::from),
        }
    }
}

impl JobAddress {
    pub(super) fn example() -> Self {
        Self {
            street: "12 Oak Street".to_owned(),
            unit: None,
            city: "Austin".to_owned(),
            region: Some("TX".to_owned()),
            postal_code: Some("78701".to_owned()),
            country: "US".to_owned(),
            point: Some(JobPoint { lat: 30.267_153, lng: -97.743_057 }),
        }
    }
}

/// Where the work is, as everybody sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobArea {
    /// Town.
    pub city: String,
    /// State or province; in the USA and Canada by its code.
    pub region: Option<String>,
    /// ISO 3166 country code.
    pub country: String,
    /// A point on a grid of about 1 km; the house is somewhere around.
    pub point: Option<JobPoint>,
}

impl From<Area> for JobArea {
    fn from(area: Area) -> Self {
        Self {
            city: area.city,
            region: area.region,
            country: area.country,
            point: area.point.map(JobPoint::from),
        }
    }
}

impl JobArea {
    fn example() -> Self {
        Self {
            city: "Austin".to_owned(),
            region: Some("TX".to_owned()),
            country: "US".to_owned(),
            point: Some(JobPoint { lat: 30.265, lng: -97.740_506 }),
        }
    }
}

/// A job, as the caller may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// The job.
    pub id: JobRef,
    /// Its owner.
    pub homeowner_id: PartyRef,
    /// Who was chosen; for the owner and the chosen contractor.
    pub contractor_id: Option<PartyRef>,
    /// Where it stands.
    pub status: JobStatusWord,
    /// What it is called.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// The trade.
    pub category: String,
    /// Skills asked for.
    pub skills: Vec<String>,
    /// About where.
    pub area: JobArea,
    /// Where exactly; for the owner, and from the award on for the chosen contractor.
    pub address: Option<JobAddress>,
    /// The lower end of the budget, in minor units.
    pub budget_min: Option<i64>,
    /// The upper end of the budget, in minor units.
    pub budget_max: Option<i64>,
    /// The currency of the budget and of every bid.
    pub currency: String,
    /// How soon.
    pub urgency: UrgencyWord,
    /// The day on which work should start.
    pub wanted_start: Option<NaiveDate>,
    /// When bidding ends; a draft may have none yet.
    pub bidding_deadline: Option<DateTime<Utc>>,
    /// Whether bidding is over while the job still waits for a decision.
    pub bidding_closed: bool,
    /// Until when the owner can accept a bid; a draft has none yet.
    pub accept_until: Option<DateTime<Utc>>,
    /// When the owner sees bids.
    pub reveal: RevealWord,
    /// When it became public.
    pub published_at: Option<DateTime<Utc>>,
    /// Counts the owner's edits and the changes of state.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<JobDetail> for JobView {
    fn from(JobDetail { job, bidding_closed, address }: JobDetail) -> Self {
        Self {
            id: job.id.into(),
            homeowner_id: job.homeowner.into(),
            contractor_id: job.contractor.map(Id),
            status: Word(job.status),
            title: job.title,
            description: job.description,
            category: job.category,
            skills: job.skills,
            area: job.area.into(),
            address: address.map(JobAddress::from),
            budget_min: job.budget.min(),
            budget_max: job.budget.max(),
            currency: job.currency.code().to_owned(),
            urgency: Word(job.urgency),
            wanted_start: job.wanted_start,
            bidding_deadline: job.bidding_deadline,
            bidding_closed,
            accept_until: job.accept_until,
            reveal: Word(job.reveal),
            published_at: job.published_at,
            version: job.version,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

impl JobView {
    pub(crate) fn example() -> Self {
        Self {
            id: JobId::from_uuid(Uuid::nil()).into(),
            homeowner_id: PartyId::from_uuid(Uuid::nil()).into(),
            contractor_id: None,
            status: Word(JobStatus::Open),
            title: "Tile the bathroom".to_owned(),
            description: "Floor and walls, 12 square metres".to_owned(),
            category: "tiling".to_owned(),
            skills: vec!["tiling".to_owned()],
            area: JobArea::example(),
            address: Some(JobAddress::example()),
            budget_min: Some(100_000),
            budget_max: Some(250_000),
            currency: "USD".to_owned(),
            urgency: Word(Urgency::Normal),
            wanted_start: NaiveDate::from_ymd_opt(2027, 3, 1),
            bidding_deadline: Some(DateTime::UNIX_EPOCH),
            bidding_closed: false,
            accept_until: Some(DateTime::UNIX_EPOCH),
            reveal: Word(Reveal::AtClose),
            published_at: Some(DateTime::UNIX_EPOCH),
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }
}

/// A job in a list: all but the long description.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobCardView {
    /// The job.
    pub id: JobRef,
    /// Its owner.
    pub homeowner_id: PartyRef,
    /// Where it stands.
    pub status: JobStatusWord,
    /// What it is called.
    pub title: String,
    /// The trade.
    pub category: String,
    /// Skills asked for.
    pub skills: Vec<String>,
    /// About where.
    pub area: JobArea,
    /// The lower end of the budget, in minor units.
    pub budget_min: Option<i64>,
    /// The upper end of the budget, in minor units.
    pub budget_max: Option<i64>,
    /// The currency of the budget and of every bid.
    pub currency: String,
    /// How soon.
    pub urgency: UrgencyWord,
    /// The day on which work should start.
    pub wanted_start: Option<NaiveDate>,
    /// When bidding ends.
    pub bidding_deadline: Option<DateTime<Utc>>,
    /// Whether bidding is over while the job still waits for a decision.
    pub bidding_closed: bool,
    /// When the owner sees bids.
    pub reveal: RevealWord,
    /// When it became public.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How far its point is from the place that was asked for, in kilometres; null when none was.
    pub distance_km: Option<f64>,
}

impl From<FoundJob> for JobCardView {
    fn from(job: FoundJob) -> Self {
        Self { distance_km: job.metres.map(kilometres), ..Self::from(job.card) }
    }
}

impl From<JobCard> for JobCardView {
    fn from(card: JobCard) -> Self {
        Self {
            distance_km: None,
            id: card.id.into(),
            homeowner_id: card.homeowner.into(),
            status: Word(card.status),
            title: card.title,
            category: card.category,
            skills: card.skills,
            area: card.area.into(),
            budget_min: card.budget.min(),
            budget_max: card.budget.max(),
            currency: card.currency.code().to_owned(),
            urgency: Word(card.urgency),
            wanted_start: card.wanted_start,
            bidding_deadline: card.bidding_deadline,
            bidding_closed: card.bidding_closed,
            reveal: Word(card.reveal),
            published_at: card.published_at,
            created_at: card.created_at,
        }
    }
}

impl JobCardView {
    pub(super) fn example() -> Self {
        let job = JobView::example();
        Self {
            id: job.id,
            homeowner_id: job.homeowner_id,
            status: job.status,
            title: job.title,
            category: job.category,
            skills: job.skills,
            area: job.area,
            budget_min: job.budget_min,
            budget_max: job.budget_max,
            currency: job.currency,
            urgency: job.urgency,
            wanted_start: job.wanted_start,
            bidding_deadline: job.bidding_deadline,
            bidding_closed: job.bidding_closed,
            reveal: job.reveal,
            published_at: job.published_at,
            created_at: job.created_at,
            distance_km: None,
        }
    }
}

/// As much of a job as its bidder's list shows.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSummaryView {
    /// The job.
    pub id: JobRef,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub status: JobStatusWord,
    /// When bidding ends.
    pub bidding_deadline: Option<DateTime<Utc>>,
    /// Whether bidding is over while the job still waits for a decision.
    pub bidding_closed: bool,
}

impl JobSummaryView {
    pub(super) fn example() -> Self {
        Self {
            id: JobId::from_uuid(Uuid::nil()).into(),
            title: "Tile the bathroom".to_owned(),
            status: Word(JobStatus::Open),
            bidding_deadline: Some(DateTime::UNIX_EPOCH),
            bidding_closed: false,
        }
    }
}

impl From<JobSummary> for JobSummaryView {
    fn from(job: JobSummary) -> Self {
        Self {
            id: job.id.into(),
            title: job.title,
            status: Word(job.status),
            bidding_deadline: job.bidding_deadline,
            bidding_closed: job.bidding_closed,
        }
    }
}
