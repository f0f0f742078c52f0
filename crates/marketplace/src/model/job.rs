//! Jobs: what a homeowner wants done, from draft to completion.

use chrono::NaiveDate;
use identity::geo::GeoPoint;
use kernel::{Currency, Fault, Faults, Instant, PartyId};

use super::category::Category;
use super::day::Day;
use super::text::{Country, Description, Place, Skills, Title};

kernel::id!(
    /// A piece of work that a homeowner wants done.
    JobId,
    "job"
);

super::words! {
    /// Where a job stands.
    JobStatus {
        /// Only its owner sees it.
        Draft = "DRAFT",
        /// Public; takes bids until its deadline, and a decision for a while after that.
        Open = "OPEN",
        /// One bid was accepted.
        Awarded = "AWARDED",
        /// Its first milestone has been started.
        InProgress = "IN_PROGRESS",
        /// Everything is done and settled.
        Completed = "COMPLETED",
        /// Called off by its owner while it was open.
        Cancelled = "CANCELLED",
        /// Nobody was chosen in time, or what was agreed was not signed in time.
        Expired = "EXPIRED",
    }
}

super::words! {
    /// When the owner gets to see bids.
    Reveal {
        /// Each as it comes.
        OnArrival = "on_arrival",
        /// All at once at the deadline; until then sealed to the owner too.
        AtClose = "at_close",
    }
}

super::words! {
    /// How soon it is needed.
    Urgency {
        /// Whenever it suits.
        Flexible = "flexible",
        /// As such work usually goes.
        Normal = "normal",
        /// Within days.
        Urgent = "urgent",
        /// Now.
        Emergency = "emergency",
    }
}

super::words! {
    /// Whether a new job is shown at once.
    PublishAs {
        /// For its owner only, to be published later.
        Draft = "DRAFT",
        /// Public and open for bids.
        Open = "OPEN",
    }
}

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobAction {
    /// Its owner shows it.
    Publish,
    /// Its owner changes what it says.
    Edit,
    /// Its owner calls it off.
    Cancel,
    /// A contractor bids.
    Bid,
    /// A bid is accepted.
    Award,
    /// The first milestone is started.
    StartWork,
    /// The contract is completed.
    Complete,
    /// The time to choose a bid, or to sign, is over.
    Expire,
}

impl JobAction {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Publish,
        Self::Edit,
        Self::Cancel,
        Self::Bid,
        Self::Award,
        Self::StartWork,
        Self::Complete,
        Self::Expire,
    ];

    /// The word by which an owner or a bidder is told what could be done; none for what only the product does.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Publish => Some("publish"),
            Self::Edit => Some("edit"),
            Self::Cancel => Some("cancel"),
            Self::Award => Some("accept_bid"),
            Self::Bid | Self::StartWork | Self::Complete | Self::Expire => None,
        }
    }
}

impl JobStatus {
    /// The state after an action; none when the action is not possible in this state.
    #[must_use]
    pub const fn after(self, action: JobAction) -> Option<Self> {
        match (self, action) {
            (Self::Draft, JobAction::Edit) => Some(Self::Draft),
            (Self::Draft, JobAction::Publish) | (Self::Open, JobAction::Edit | JobAction::Bid) => {
                Some(Self::Open)
            }
            (Self::Open, JobAction::Cancel) => Some(Self::Cancelled),
            (Self::Open, JobAction::Award) => Some(Self::Awarded),
            // Later milestones start in a job that is under way already.
            (Self::Awarded | Self::InProgress, JobAction::StartWork) => Some(Self::InProgress),
            // A contract can end with every milestone cancelled, and none ever started.
            (Self::Awarded | Self::InProgress, JobAction::Complete) => Some(Self::Completed),
            // Open: nobody was chosen. Awarded: the contract was not signed in time.
            (Self::Open | Self::Awarded, JobAction::Expire) => Some(Self::Expired),
            (
                Self::Draft,
                JobAction::Cancel
                | JobAction::Bid
                | JobAction::Award
                | JobAction::StartWork
                | JobAction::Complete
                | JobAction::Expire,
            )
            | (Self::Open, JobAction::Publish | JobAction::StartWork | JobAction::Complete)
            | (
                Self::Awarded,
                JobAction::Publish | JobAction::Edit | JobAction::Cancel | JobAction::Bid | JobAction::Award,
            )
            | (
                Self::InProgress,
                JobAction::Publish
                | JobAction::Edit
                | JobAction::Cancel
                | JobAction::Bid
                | JobAction::Award
                | JobAction::Expire,
            )
            | (Self::Completed | Self::Cancelled | Self::Expired, _) => None,
        }
    }

    /// What the owner could do in this state.
    #[must_use]
    pub fn allowed(self) -> Vec<&'static str> {
        JobAction::ALL
            .into_iter()
            .filter(|action| self.after(*action).is_some())
            .filter_map(JobAction::word)
            .collect()
    }
}

/// The range that the owner has in mind, in minor units; either end may be left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    min: Option<i64>,
    max: Option<i64>,
}

impl Budget {
    /// The most minor units of either end.
    pub const MAX: i64 = 100_000_000;

    /// # Errors
    /// Faults at `/budgetMin` and `/budgetMax`.
    pub fn new(min: Option<i64>, max: Option<i64>) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        for (pointer, end) in [("/budgetMin", min), ("/budgetMax", max)] {
            let fits = end.is_none_or(|end| (0..=Self::MAX).contains(&end));
            faults.check(fits, pointer, "out_of_range", format!("has to be from 0 to {}", Self::MAX));
        }
        let ordered = min.zip(max).is_none_or(|(min, max)| min <= max);
        faults.check(ordered, "/budgetMax", "out_of_range", "has to be at least budgetMin");
        faults.or(|| Self { min, max })
    }

    /// The lower end.
    #[must_use]
    pub fn min(self) -> Option<i64> {
        self.min
    }

    /// The upper end.
    #[must_use]
    pub fn max(self) -> Option<i64> {
        self.max
    }
}

/// Where the work is to be done, exactly. For the owner, and from the award on for the chosen contractor.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// Street and number.
    pub street: Place,
    /// Flat, floor, building.
    pub unit: Option<Place>,
    /// Town.
    pub city: Place,
    /// State or province.
    pub region: Option<Place>,
    /// Postal code; in some countries it is a single street, so it is as protected as the street.
    pub postal_code: Option<Place>,
    /// Country.
    pub country: Country,
    /// The exact point.
    pub point: Option<GeoPoint>,
}

impl Address {
    /// A street address in a town, given by street, town and two-letter country; the rest is for struct update.
    ///
    /// # Errors
    /// What is empty, too long or no country.
    pub fn new(street: &str, city: &str, country: &str) -> Result<Self, Faults> {
        Ok(Self {
            street: Place::new(street)?,
            unit: None,
            city: Place::new(city)?,
            region: None,
            postal_code: None,
            country: Country::new(country)?,
            point: None,
        })
    }

    /// In one line, for a document.
    #[must_use]
    pub fn one_line(&self) -> String {
        let parts = [
            Some(self.street.as_str()),
            self.unit.as_ref().map(Place::as_str),
            self.postal_code.as_ref().map(Place::as_str),
            Some(self.city.as_str()),
            self.region.as_ref().map(Place::as_str),
            Some(self.country.as_str()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Where the work is, as strangers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// Town.
    pub city: String,
    /// State or province.
    pub region: Option<String>,
    /// Country.
    pub country: String,
    /// The public point, on a grid of about 1 km.
    pub point: Option<GeoPoint>,
}

/// A job to post.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What it is called.
    pub title: Title,
    /// What is to be done.
    pub description: Description,
    /// The trade.
    pub category: Category,
    /// Skills asked for.
    pub skills: Skills,
    /// Where.
    pub address: Address,
    /// The budget range.
    pub budget: Budget,
    /// The currency of the budget and of every bid.
    pub currency: Currency,
    /// How soon.
    pub urgency: Urgency,
    /// The day on which work should start.
    pub wanted_start: Option<Day>,
    /// When bidding ends; by default some days after publishing.
    pub bidding_deadline: Option<Instant>,
    /// When the owner sees bids.
    pub reveal: Reveal,
    /// Draft or open.
    pub publish_as: PublishAs,
}

impl NewJob {
    /// An open job in US dollars whose owner sees bids as they come, with no skills asked for; what is to be otherwise is for struct update.
    #[must_use]
    pub fn new(
        title: Title,
        description: Description,
        category: Category,
        address: Address,
        budget: Budget,
    ) -> Self {
        Self {
            title,
            description,
            category,
            skills: Skills::default(),
            address,
            budget,
            currency: Currency::USD,
            urgency: Urgency::Normal,
            wanted_start: None,
            bidding_deadline: None,
            reveal: Reveal::OnArrival,
            publish_as: PublishAs::Open,
        }
    }
}

/// What to change in a job; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct JobPatch {
    /// What it is called.
    pub title: Option<Title>,
    /// What is to be done.
    pub description: Option<Description>,
    /// The trade.
    pub category: Option<Category>,
    /// Skills asked for.
    pub skills: Option<Skills>,
    /// Where.
    pub address: Option<Address>,
    /// The lower end of the budget; the inner none takes it away.
    pub budget_min: Option<Option<i64>>,
    /// The upper end of the budget; the inner none takes it away.
    pub budget_max: Option<Option<i64>>,
    /// The currency; fixed once published.
    pub currency: Option<Currency>,
    /// How soon.
    pub urgency: Option<Urgency>,
    /// The day on which work should start; the inner none takes it away.
    pub wanted_start: Option<Option<Day>>,
    /// When bidding ends; once published only ever later, and never under `at_close`.
    pub bidding_deadline: Option<Instant>,
    /// When the owner sees bids; fixed once published.
    pub reveal: Option<Reveal>,
}

impl JobPatch {
    /// Whether it changes anything at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.title.is_none()
            && self.description.is_none()
            && self.category.is_none()
            && self.skills.is_none()
            && self.address.is_none()
            && self.budget_min.is_none()
            && self.budget_max.is_none()
            && self.currency.is_none()
            && self.urgency.is_none()
            && self.wanted_start.is_none()
            && self.bidding_deadline.is_none()
            && self.reveal.is_none()
    }
}

/// All of a job that does not depend on who looks; whether somebody may look at all does.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicJob {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub homeowner: PartyId,
    /// Who was chosen, from the award on.
    pub contractor: Option<PartyId>,
    /// Where it stands.
    pub status: JobStatus,
    /// What it is called.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// The trade's slug.
    pub category: String,
    /// Skills asked for.
    pub skills: Vec<String>,
    /// About where.
    pub area: Area,
    /// The budget range.
    pub budget: Budget,
    /// The currency of the budget and of every bid.
    pub currency: Currency,
    /// How soon.
    pub urgency: Urgency,
    /// The day on which work should start.
    pub wanted_start: Option<NaiveDate>,
    /// When bidding ends; a draft may have none yet.
    pub bidding_deadline: Option<Instant>,
    /// Until when the owner can choose a bid; a draft has none yet.
    pub accept_until: Option<Instant>,
    /// When the owner sees bids.
    pub reveal: Reveal,
    /// When it became public.
    pub published_at: Option<Instant>,
    /// Counts the owner's edits and the changes of state, never a bid.
    pub version: i32,
    /// When it was made.
    pub created_at: Instant,
    /// When the owner last edited it or its state last changed.
    pub updated_at: Instant,
}

/// A job as one viewer sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobDetail {
    /// What everybody who may look sees.
    pub job: PublicJob,
    /// Whether bidding is over while the job still waits for a decision.
    pub bidding_closed: bool,
    /// The exact address, for the owner and from the award on for the chosen contractor.
    pub address: Option<Address>,
}

/// A job in a list: all but the long description.
#[derive(Debug, Clone, PartialEq)]
pub struct JobCard {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub homeowner: PartyId,
    /// Where it stands.
    pub status: JobStatus,
    /// What it is called.
    pub title: String,
    /// The trade's slug.
    pub category: String,
    /// Skills asked for.
    pub skills: Vec<String>,
    /// About where.
    pub area: Area,
    /// The budget range.
    pub budget: Budget,
    /// The currency of the budget and of every bid.
    pub currency: Currency,
    /// How soon.
    pub urgency: Urgency,
    /// The day on which work should start.
    pub wanted_start: Option<NaiveDate>,
    /// When bidding ends.
    pub bidding_deadline: Option<Instant>,
    /// Whether bidding is over while the job still waits for a decision.
    pub bidding_closed: bool,
    /// When the owner sees bids.
    pub reveal: Reveal,
    /// When it became public.
    pub published_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

/// As much of a job as a bid in a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSummary {
    /// Its id.
    pub id: JobId,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub status: JobStatus,
    /// When bidding ends.
    pub bidding_deadline: Option<Instant>,
    /// Whether bidding is over while the job still waits for a decision.
    pub bidding_closed: bool,
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only those that stand here. Without it the public list has open jobs, and one's own list has all.
    pub status: Option<JobStatus>,
    /// Only those of this trade.
    pub category: Option<Category>,
    /// Whose list it is.
    pub scope: JobScope,
}

impl JobFilter {
    /// Whether it is the list of open jobs, which is the same whoever looks.
    #[must_use]
    pub fn is_everybodys(&self) -> bool {
        self.scope == JobScope::Public && self.status.is_none_or(|status| status == JobStatus::Open)
    }
}

/// Whose jobs a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobScope {
    /// Everybody's open ones.
    #[default]
    Public,
    /// A homeowner's own; a contractor's are those awarded to it.
    Mine,
}

/// What became of a job that its owner deleted.
#[derive(Debug, Clone, PartialEq)]
pub enum Deleted {
    /// A draft is gone.
    Gone,
    /// An open job stays, called off.
    Cancelled(Box<JobDetail>),
}

/// A change of one job by its id.
#[derive(Debug, Clone)]
pub struct JobChange<T> {
    /// Which.
    pub job_id: JobId,
    /// The version that the caller read, when it said so.
    pub if_version: Option<i32>,
    /// What to do.
    pub change: T,
}

/// The budget as a patch leaves it.
///
/// # Errors
/// A fault when the ends of what the patch leaves are not a range.
pub(crate) fn patched_budget(
    current: Budget,
    min: Option<Option<i64>>,
    max: Option<Option<i64>>,
) -> Result<Budget, Faults> {
    Budget::new(min.unwrap_or(current.min), max.unwrap_or(current.max))
}

/// The fault of a field that is fixed once the job is published.
pub(crate) fn fixed(pointer: &'static str) -> Fault {
    Fault::new(pointer, "fixed", "cannot be changed once the job is published")
}

#[cfg(test)]
mod tests;
