//! What operations on jobs take.

use chrono::{DateTime, NaiveDate, Utc};
use identity::geo::GeoPoint;
use kernel::{Currency, Fault, Faults};
use marketplace::{
    Address, Budget, Category, Country, Day, Description, JobPatch, JobScope, JobSearch, JobSearchForm,
    JobStatus, NewJob, Place, PublishAs, Reveal, Skills, Title, Urgency,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job_views::{JobAddress, JobPoint};
use super::refused_parameters;
use super::words::{JobOrderWord, RevealWord, UrgencyWord, Word, given};
use crate::Problem;

/// A skill asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 50)]
pub struct JobSkill(pub String);

impl AsRef<str> for JobSkill {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Whether a new job is shown at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobNewStatus {
    /// For its owner only, to be published later.
    Draft,
    /// Public and open for bids.
    #[default]
    Open,
}

/// A job to post.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobNew {
    /// What it is called.
    #[schema(min_length = 3, max_length = 120)]
    pub title: String,
    /// What is to be done.
    #[schema(min_length = 1, max_length = 10_000)]
    pub description: String,
    /// The trade: a slug of the catalogue, as `plumbing`.
    #[schema(min_length = 1, max_length = 50)]
    pub category: String,
    /// Skills asked for.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub skills: Vec<JobSkill>,
    /// Where. Strangers see the area only.
    pub address: JobAddress,
    /// The lower end of the budget, in minor units.
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub budget_min: Option<i64>,
    /// The upper end of the budget, in minor units.
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub budget_max: Option<i64>,
    /// The currency of the budget and of every bid, ISO 4217; `USD` when it is not said.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// How soon; `normal` when it is not said.
    pub urgency: Option<UrgencyWord>,
    /// The day on which work should start.
    pub wanted_start: Option<NaiveDate>,
    /// When bidding ends: from 1 hour to 90 days ahead, 14 days when it is not said.
    pub bidding_deadline: Option<DateTime<Utc>>,
    /// When the owner sees bids; `on_arrival` when it is not said.
    pub reveal: Option<RevealWord>,
    /// Draft, or open at once, which it is when it is not said.
    #[serde(default)]
    pub status: JobNewStatus,
}

impl JobNew {
    pub(super) fn example() -> Self {
        Self {
            title: "Tile the bathroom".to_owned(),
            description: "Floor and walls, 12 square metres".to_owned(),
            category: "tiling".to_owned(),
            skills: vec![JobSkill("tiling".to_owned())],
            address: JobAddress::example(),
            budget_min: Some(100_000),
            budget_max: Some(250_000),
            currency: Some("USD".to_owned()),
            urgency: Some(Word(Urgency::Normal)),
            wanted_start: NaiveDate::from_ymd_opt(2027, 3, 1),
            bidding_deadline: None,
            reveal: Some(Word(Reveal::AtClose)),
            status: JobNewStatus::Open,
        }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<NewJob, Faults> {
        let mut faults = Faults::none();
        let title = faults.take("/title", Title::new(&self.title));
        let description = faults.take("/description", Description::new(&self.description));
        let category = faults.take("/category", Category::new(&self.category));
        let skills = faults.take("/skills", Skills::new(&self.skills));
        let address = faults.take("/address", address(&self.address));
        let budget = faults.take("", Budget::new(self.budget_min, self.budget_max));
        let currency = faults.take("/currency", self.currency.as_deref().map_or(Ok(Currency::USD), currency));
        let wanted_start = self.wanted_start.and_then(|date| faults.take("/wantedStart", Day::new(date)));
        match (title, description, category, skills, address, budget, currency) {
            (
                Some(title),
                Some(description),
                Some(category),
                Some(skills),
                Some(address),
                Some(budget),
                Some(currency),
            ) if faults.is_empty() => Ok(NewJob {
                title,
                description,
                category,
                skills,
                address,
                budget,
                currency,
                urgency: self.urgency.map_or(Urgency::Normal, |word| word.0),
                wanted_start,
                bidding_deadline: self.bidding_deadline,
                reveal: self.reveal.map_or(Reveal::OnArrival, |word| word.0),
                publish_as: match self.status {
                    JobNewStatus::Draft => PublishAs::Draft,
                    JobNewStatus::Open => PublishAs::Open,
                },
            }),
            _ => Err(faults),
        }
    }
}

/// What to change in a job; what is not in the body stays, and `null` takes away what can be absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(min_properties = 1)]
pub struct JobChange {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 3, max_length = 120, nullable = false)]
    pub title: Option<String>,
    /// What is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 10_000, nullable = false)]
    pub description: Option<String>,
    /// The trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 50, nullable = false)]
    pub category: Option<String>,
    /// Skills asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20, nullable = false)]
    pub skills: Option<Vec<JobSkill>>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<JobAddress>,
    /// The lower end of the budget, in minor units.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 100_000_000)]
    pub budget_min: Option<Option<i64>>,
    /// The upper end of the budget, in minor units.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 100_000_000)]
    pub budget_max: Option<Option<i64>>,
    /// The currency; fixed once the job is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z]{3}$", nullable = false)]
    pub currency: Option<String>,
    /// How soon.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub urgency: Option<UrgencyWord>,
    /// The day on which work should start.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NaiveDate>)]
    pub wanted_start: Option<Option<NaiveDate>>,
    /// When bidding ends; once the job is published only later, and never when bids are revealed at close.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bidding_deadline: Option<DateTime<Utc>>,
    /// When the owner sees bids; fixed once the job is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reveal: Option<RevealWord>,
}

impl JobChange {
    pub(super) fn example() -> Self {
        Self {
            title: Some("Tile both bathrooms".to_owned()),
            budget_max: Some(Some(400_000)),
            ..Self::default()
        }
    }

    /// # Errors
    /// Every fault, with its place in the body.
    pub(super) fn command(&self) -> Result<JobPatch, Faults> {
        let mut faults = Faults::none();
        let wanted_start = match self.wanted_start {
            Some(Some(date)) => faults.take("/wantedStart", Day::new(date)).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let patch = JobPatch {
            title: self.title.as_deref().and_then(|title| faults.take("/title", Title::new(title))),
            description: self
                .description
                .as_deref()
                .and_then(|text| faults.take("/description", Description::new(text))),
            category: self.category.as_deref().and_then(|slug| faults.take("/category", Category::new(slug))),
            skills: self.skills.as_deref().and_then(|skills| faults.take("/skills", Skills::new(skills))),
            address: self.address.as_ref().and_then(|place| faults.take("/address", address(place))),
            budget_min: self.budget_min,
            budget_max: self.budget_max,
            currency: self.currency.as_deref().and_then(|code| faults.take("/currency", currency(code))),
            urgency: self.urgency.map(|word| word.0),
            wanted_start,
            bidding_deadline: self.bidding_deadline,
            reveal: self.reveal.map(|word| word.0),
        };
        faults.or(|| patch)
    }
}

fn address(address: &JobAddress) -> Result<Address, Faults> {
    let mut faults = Faults::none();
    let mut place =
        |pointer: &str, text: Option<&str>| text.and_then(|text| faults.take(pointer, Place::new(text)));
    let street = place("/street", Some(&address.street));
    let unit = place("/unit", address.unit.as_deref());
    let city = place("/city", Some(&address.city));
    let region = place("/region", address.region.as_deref());
    let postal_code = place("/postalCode", address.postal_code.as_deref());
    let country = faults.take("/country", Country::new(&address.country));
    let point = address.point.and_then(|at| faults.take("/point", point(at)));
    match (street, city, country, faults.is_empty()) {
        (Some(street), Some(city), Some(country), true) => {
            Ok(Address { street, unit, city, region, postal_code, country, point })
        }
        _ => Err(faults),
    }
}

fn point(at: JobPoint) -> Result<GeoPoint, Faults> {
    GeoPoint::new(at.lat, at.lng).map_err(|error| Fault::new("", "out_of_range", error.to_string()).into())
}

pub(super) fn currency(code: &str) -> Result<Currency, Faults> {
    code.parse()
        .map_err(|error: kernel::MoneyError| Fault::new("", "unknown_currency", error.to_string()).into())
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobListStatus {
    /// As clients of old call `OPEN`.
    #[serde(rename = "posted")]
    Posted,
    /// Only their owner's.
    Draft,
    /// Everybody's.
    Open,
    /// Only those that the caller is a party of, as all that follow.
    Awarded,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
    /// Called off.
    Cancelled,
    /// Nobody was chosen, or the contract was not signed in time.
    Expired,
}

impl From<JobListStatus> for JobStatus {
    fn from(status: JobListStatus) -> Self {
        match status {
            JobListStatus::Posted | JobListStatus::Open => Self::Open,
            JobListStatus::Draft => Self::Draft,
            JobListStatus::Awarded => Self::Awarded,
            JobListStatus::InProgress => Self::InProgress,
            JobListStatus::Completed => Self::Completed,
            JobListStatus::Cancelled => Self::Cancelled,
            JobListStatus::Expired => Self::Expired,
        }
    }
}

/// Which jobs are wanted. Every list of jobs reads the same parameters; all of them together have to hold.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSearchQuery {
    /// Words, all of which the job has in one of their forms, or in another word for the same trade or skill; what is mistyped is looked for as it was
    /// meant too. Accents do not matter, `"…"` is a phrase and `-word` leaves out.
    #[schema(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Only jobs of this trade.
    #[schema(min_length = 1, max_length = 50)]
    pub category: Option<String>,
    /// Only jobs that ask for all of these skills.
    #[schema(max_items = 10)]
    #[serde(default)]
    pub skills: Vec<JobSkill>,
    /// Only jobs whose budget reaches this at its upper end, in minor units of `currency`. A budget with one end counts as that.
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub budget_min: Option<i64>,
    /// Only jobs whose budget begins at this or below.
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub budget_max: Option<i64>,
    /// Only jobs in this currency, ISO 4217. What is asked of the budget is in one currency, and so is the order by `budget`: in `USD` when it is not said.
    #[schema(min_length = 3, max_length = 3)]
    pub currency: Option<String>,
    /// Only jobs that are this urgent, or of these.
    #[schema(max_items = 4)]
    #[serde(default)]
    pub urgency: Vec<UrgencyWord>,
    /// Only jobs that stand here; open ones when it is not said, and all of one's own with `mine`.
    pub status: Option<JobListStatus>,
    /// One's own: a homeowner's jobs, or those awarded to a contractor.
    pub mine: Option<bool>,
    /// Where, degrees north; goes with `lng`. What has no point on the map is not found by place.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: Option<f64>,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    pub lng: Option<f64>,
    /// How far around that place, in kilometres; 50 without it. Distances are to the job's point on the grid of about 1 km.
    #[schema(minimum = 1, maximum = 500)]
    pub radius: Option<i64>,
    /// Only jobs that became public at this instant or later.
    pub posted_since: Option<DateTime<Utc>>,
    /// In which order; by `relevance` with words, else the newest first when it is not said. `bids` is over one's own jobs, for homeowners: sealed
    /// bids do not count.
    pub sort: Option<JobOrderWord>,
}

impl JobSearchQuery {
    /// # Errors
    /// Every fault, each named by its parameter.
    pub(super) fn search(self) -> Result<JobSearch, Problem> {
        let form = JobSearchForm {
            q: self.q,
            category: self.category,
            skills: self.skills.into_iter().map(|JobSkill(skill)| skill).collect(),
            budget_min: self.budget_min,
            budget_max: self.budget_max,
            currency: self.currency,
            urgency: self.urgency.into_iter().map(|Word(urgency)| urgency).collect(),
            status: self.status.map(JobStatus::from),
            scope: if self.mine.unwrap_or_default() { JobScope::Mine } else { JobScope::Public },
            lat: self.lat,
            lng: self.lng,
            radius: self.radius,
            posted_since: self.posted_since,
            sort: self.sort.map(|Word(order)| order),
        };
        JobSearch::new(&form).map_err(refused_parameters)
    }
}
