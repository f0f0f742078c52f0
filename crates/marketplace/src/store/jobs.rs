//! Jobs and their addresses.

mod open;

use std::collections::HashMap;

use chrono::NaiveDate;
use database::{Error, PgConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use identity::geo::GeoPoint;
use kernel::{Instant, PartyId};
use uuid::Uuid;

use super::word;
use crate::PageRequest;
use crate::model::{
    Address, Area, Budget, Category, Country, JobCard, JobFacts, JobId, JobStatus, JobSummary, Place,
    PublicJob, Reveal, Urgency,
};
use crate::rules::meaning::meanings;
use crate::schema::{job_addresses, jobs};

pub(super) use open::Columns;
pub(crate) use open::open_cards;
pub use open::open_pages;

/// All columns of a job but those that only searching reads.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = jobs, check_for_backend(Pg), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct JobRow {
    id: Uuid,
    homeowner_id: Uuid,
    contractor_id: Option<Uuid>,
    status: String,
    title: String,
    description: String,
    category: String,
    skills: Vec<String>,
    city: String,
    region: Option<String>,
    country: String,
    public_latitude: Option<f64>,
    public_longitude: Option<f64>,
    budget_min: Option<i64>,
    budget_max: Option<i64>,
    currency: String,
    urgency: String,
    wanted_start: Option<NaiveDate>,
    bidding_deadline: Option<Instant>,
    accept_until: Option<Instant>,
    reveal: String,
    published_at: Option<Instant>,
    version: i32,
    created_at: Instant,
    updated_at: Instant,
}

/// How many jobs there are in each state; what is not there is none.
pub(crate) fn count_by_status(conn: &mut PgConnection) -> Result<HashMap<String, i64>, Error> {
    let rows: Vec<(String, i64)> =
        jobs::table.group_by(jobs::status).select((jobs::status, diesel::dsl::count_star())).load(conn)?;
    Ok(rows.into_iter().collect())
}

impl JobRow {
    pub(super) fn of(job: &PublicJob) -> Self {
        Self {
            id: job.id.uuid(),
            homeowner_id: job.homeowner.uuid(),
            contractor_id: job.contractor.map(PartyId::uuid),
            status: job.status.as_str().to_owned(),
            title: job.title.clone(),
            description: job.description.clone(),
            category: job.category.clone(),
            skills: job.skills.clone(),
            city: job.area.city.clone(),
            region: job.area.region.clone(),
            country: job.area.country.clone(),
            public_latitude: job.area.point.map(GeoPoint::lat),
            public_longitude: job.area.point.map(GeoPoint::lng),
            budget_min: job.budget.min(),
            budget_max: job.budget.max(),
            currency: job.currency.code().to_owned(),
            urgency: job.urgency.as_str().to_owned(),
            wanted_start: job.wanted_start,
            bidding_deadline: job.bidding_deadline,
            accept_until: job.accept_until,
            reveal: job.reveal.as_str().to_owned(),
            published_at: job.published_at,
            version: job.version,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }

    fn read(self) -> Result<PublicJob, Error> {
        Ok(PublicJob {
            id: self.id.into(),
            homeowner: self.homeowner_id.into(),
            contractor: self.contractor_id.map(Into::into),
            status: word(JobStatus::parse(&self.status), "jobs.status")?,
            title: self.title,
            description: self.description,
            category: self.category,
            skills: self.skills,
            area: Area {
                city: self.city,
                region: self.region,
                country: self.country,
                point: point(self.public_latitude, self.public_longitude)?,
            },
            budget: budget(self.budget_min, self.budget_max)?,
            currency: word(self.currency.parse().ok(), "jobs.currency")?,
            urgency: word(Urgency::parse(&self.urgency), "jobs.urgency")?,
            wanted_start: self.wanted_start,
            bidding_deadline: self.bidding_deadline,
            accept_until: self.accept_until,
            reveal: word(Reveal::parse(&self.reveal), "jobs.reveal")?,
            published_at: self.published_at,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) fn point(latitude: Option<f64>, longitude: Option<f64>) -> Result<Option<GeoPoint>, Error> {
    latitude
        .zip(longitude)
        .map(|(latitude, longitude)| word(GeoPoint::new(latitude, longitude).ok(), "a point"))
        .transpose()
}

fn budget(min: Option<i64>, max: Option<i64>) -> Result<Budget, Error> {
    word(Budget::new(min, max).ok(), "jobs.budget")
}

/// The exact address of a job.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = job_addresses, check_for_backend(Pg), primary_key(job_id), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct AddressRow {
    job_id: Uuid,
    street: String,
    unit: Option<String>,
    city: String,
    region: Option<String>,
    postal_code: Option<String>,
    country: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl AddressRow {
    pub(super) fn of(job: JobId, address: &Address) -> Self {
        let text = |place: &Option<Place>| place.as_ref().map(|place| place.as_str().to_owned());
        Self {
            job_id: job.uuid(),
            street: address.street.as_str().to_owned(),
            unit: text(&address.unit),
            city: address.city.as_str().to_owned(),
            region: text(&address.region),
            postal_code: text(&address.postal_code),
            country: address.country.as_str().to_owned(),
            latitude: address.point.map(GeoPoint::lat),
            longitude: address.point.map(GeoPoint::lng),
        }
    }

    fn read(self) -> Result<Address, Error> {
        let place = |text: &str| word(Place::new(text).ok(), "job_addresses");
        let perhaps = |text: Option<String>| text.as_deref().map(place).transpose();
        Ok(Address {
            street: place(&self.street)?,
            unit: perhaps(self.unit)?,
            city: place(&self.city)?,
            region: perhaps(self.region)?,
            postal_code: perhaps(self.postal_code)?,
            country: word(Country::new(&self.country).ok(), "job_addresses.country")?,
            point: point(self.latitude, self.longitude)?,
        })
    }
}

/// The tags of the skills that a job is of: written with it, read by searches alone.
fn meant(job: &PublicJob) -> diesel::dsl::Eq<jobs::meanings, Vec<String>> {
    jobs::meanings.eq(meanings(&job.category, &job.skills, &job.title, &job.description))
}

pub(crate) fn insert(conn: &mut PgConnection, job: &PublicJob, address: &Address) -> Result<(), Error> {
    diesel::insert_into(jobs::table).values((JobRow::of(job), meant(job))).execute(conn)?;
    diesel::insert_into(job_addresses::table).values(AddressRow::of(job.id, address)).execute(conn)?;
    Ok(())
}

/// A job by its id, whoever asks: the statement of the hottest read, without a LIMIT that would keep its plan from being kept.
pub(crate) fn find(conn: &mut PgConnection, id: JobId) -> Result<Option<PublicJob>, Error> {
    let found =
        jobs::table.filter(jobs::id.eq(id)).select(JobRow::as_select()).get_result(conn).optional()?;
    found.map(JobRow::read).transpose()
}

/// Jobs by their ids, as they are before anybody in particular looks: for reading many requests' jobs in one statement.
/// [`job_for`](crate::MarketplaceQueries::job_for) then says what a viewer sees.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn public_jobs(conn: &mut PgConnection, ids: &[JobId]) -> Result<HashMap<JobId, PublicJob>, Error> {
    let ids = database::hot::for_any(ids);
    let rows: Vec<JobRow> =
        jobs::table.filter(jobs::id.eq_any(ids)).select(JobRow::as_select()).load(conn)?;
    rows.into_iter().map(|row| row.read().map(|job| (job.id, job))).collect()
}

/// What these jobs are called.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn job_titles(conn: &mut PgConnection, ids: &[JobId]) -> Result<HashMap<JobId, String>, Error> {
    let rows: Vec<(JobId, String)> =
        jobs::table.filter(jobs::id.eq_any(ids)).select((jobs::id, jobs::title)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The exact address, only for a party: the owner, or the chosen contractor.
pub(crate) fn find_address_for(
    conn: &mut PgConnection,
    id: JobId,
    party: PartyId,
) -> Result<Option<Address>, Error> {
    let found = job_addresses::table
        .inner_join(jobs::table.on(jobs::id.eq(job_addresses::job_id)))
        .filter(jobs::id.eq(id).and(jobs::homeowner_id.eq(party).or(jobs::contractor_id.eq(party.uuid()))))
        .select(AddressRow::as_select())
        .get_result(conn)
        .optional()?;
    found.map(AddressRow::read).transpose()
}

/// How strongly a job is locked while something is decided about it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock {
    /// Side by side with other bids; keeps the job from being changed meanwhile.
    Share,
    /// Alone.
    Alone,
}

/// A job under a lock. Read the clock after this: the wait may have been long.
pub(crate) fn lock(conn: &mut PgConnection, id: JobId, lock: Lock) -> Result<Option<PublicJob>, Error> {
    let job = jobs::table.filter(jobs::id.eq(id)).select(JobRow::as_select());
    let found = match lock {
        Lock::Share => job.for_share().get_result(conn).optional()?,
        // Leaves foreign keys to the job free: only one other change of it has to wait.
        Lock::Alone => job.for_no_key_update().get_result(conn).optional()?,
    };
    found.map(JobRow::read).transpose()
}

/// A job of this owner under a lock.
pub(crate) fn lock_owned(
    conn: &mut PgConnection,
    id: JobId,
    owner: PartyId,
) -> Result<Option<PublicJob>, Error> {
    let found = jobs::table
        .filter(jobs::id.eq(id).and(jobs::homeowner_id.eq(owner)))
        .select(JobRow::as_select())
        .for_no_key_update()
        .get_result(conn)
        .optional()?;
    found.map(JobRow::read).transpose()
}

/// Writes a locked job back, if it still is in the state and version it was read in.
pub(crate) fn update(conn: &mut PgConnection, before: &PublicJob, after: &PublicJob) -> Result<bool, Error> {
    let unchanged = jobs::id
        .eq(before.id)
        .and(jobs::status.eq(before.status.as_str()))
        .and(jobs::version.eq(before.version));
    let updated =
        diesel::update(jobs::table.filter(unchanged)).set((JobRow::of(after), meant(after))).execute(conn)?;
    Ok(updated == 1)
}

pub(crate) fn update_address(conn: &mut PgConnection, id: JobId, address: &Address) -> Result<(), Error> {
    diesel::update(job_addresses::table.find(id.uuid())).set(AddressRow::of(id, address)).execute(conn)?;
    Ok(())
}

/// Removes a draft; the address goes with it.
pub(crate) fn delete_draft(conn: &mut PgConnection, id: JobId, owner: PartyId) -> Result<bool, Error> {
    let draft =
        jobs::id.eq(id).and(jobs::homeowner_id.eq(owner)).and(jobs::status.eq(JobStatus::Draft.as_str()));
    Ok(diesel::delete(jobs::table.filter(draft)).execute(conn)? == 1)
}

/// What a list shows of a job. The columns of [`open`] are in this order.
#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
pub(crate) struct CardRow {
    id: Uuid,
    homeowner_id: Uuid,
    status: String,
    title: String,
    category: String,
    skills: Vec<String>,
    city: String,
    region: Option<String>,
    country: String,
    public_latitude: Option<f64>,
    public_longitude: Option<f64>,
    budget_min: Option<i64>,
    budget_max: Option<i64>,
    currency: String,
    urgency: String,
    wanted_start: Option<NaiveDate>,
    bidding_deadline: Option<Instant>,
    reveal: String,
    published_at: Option<Instant>,
    created_at: Instant,
}

impl CardRow {
    /// Whose card it is.
    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn read(self) -> Result<JobCard, Error> {
        Ok(JobCard {
            id: self.id.into(),
            homeowner: self.homeowner_id.into(),
            status: word(JobStatus::parse(&self.status), "jobs.status")?,
            title: self.title,
            category: self.category,
            skills: self.skills,
            area: Area {
                city: self.city,
                region: self.region,
                country: self.country,
                point: point(self.public_latitude, self.public_longitude)?,
            },
            budget: budget(self.budget_min, self.budget_max)?,
            currency: word(self.currency.parse().ok(), "jobs.currency")?,
            urgency: word(Urgency::parse(&self.urgency), "jobs.urgency")?,
            wanted_start: self.wanted_start,
            bidding_deadline: self.bidding_deadline,
            // Depends on the time: the service sets it.
            bidding_closed: false,
            reveal: word(Reveal::parse(&self.reveal), "jobs.reveal")?,
            published_at: self.published_at,
            created_at: self.created_at,
        })
    }
}

/// The cards of these jobs, for crates above; whether somebody may see them is for the caller to know.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn job_cards(conn: &mut PgConnection, ids: &[JobId]) -> Result<HashMap<JobId, JobCard>, Error> {
    let rows: Vec<CardRow> =
        jobs::table.filter(jobs::id.eq_any(ids)).select(CardRow::as_select()).load(conn)?;
    rows.into_iter().map(|row| row.read().map(|card| (card.id, card))).collect()
}

/// Whose jobs a page is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shelf {
    /// A homeowner's own.
    OfHomeowner(PartyId),
    /// Those awarded to a contractor.
    OfContractor(PartyId),
}

/// A page of one's own cards, newest first; of everybody's open ones see [`open_pages`].
pub(crate) fn list_own(
    conn: &mut PgConnection,
    shelf: Shelf,
    status: Option<JobStatus>,
    category: Option<Category>,
    page: PageRequest,
) -> Result<Vec<JobCard>, Error> {
    let mut query = jobs::table.select(CardRow::as_select()).into_boxed();
    query = match shelf {
        Shelf::OfHomeowner(party) => query.filter(jobs::homeowner_id.eq(party)),
        Shelf::OfContractor(party) => query.filter(jobs::contractor_id.eq(party.uuid())),
    };
    if let Some(category) = category {
        query = query.filter(jobs::category.eq(category.as_str()));
    }
    if let Some(status) = status {
        query = query.filter(jobs::status.eq(status.as_str()));
    }
    if let Some(after) = page.after {
        let earlier = jobs::created_at.eq(after.key).and(jobs::id.lt(after.id));
        query = query.filter(jobs::created_at.lt(after.key).or(earlier));
    }
    let newest = (jobs::created_at.desc(), jobs::id.desc());
    let rows: Vec<CardRow> = query.order(newest).limit(page.limit.plus_one()).load(conn)?;
    rows.into_iter().map(CardRow::read).collect()
}

/// The jobs of which this party is the owner, or for which it was chosen.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn jobs_of_party(conn: &mut PgConnection, party: PartyId) -> Result<Vec<JobId>, Error> {
    Ok(jobs::table
        .filter(jobs::homeowner_id.eq(party).or(jobs::contractor_id.eq(party.uuid())))
        .order(jobs::id)
        .select(jobs::id)
        .load(conn)?)
}

/// All of an owner's jobs with their addresses, oldest first.
pub(crate) fn list_all_of(
    conn: &mut PgConnection,
    owner: PartyId,
) -> Result<Vec<(PublicJob, Option<Address>)>, Error> {
    let rows: Vec<(JobRow, Option<AddressRow>)> = jobs::table
        .left_join(job_addresses::table)
        .filter(jobs::homeowner_id.eq(owner))
        .order((jobs::created_at, jobs::id))
        .select((JobRow::as_select(), Option::<AddressRow>::as_select()))
        .load(conn)?;
    rows.into_iter()
        .map(|(job, address)| Ok((job.read()?, address.map(AddressRow::read).transpose()?)))
        .collect()
}

/// As much of these jobs as a bid in a list shows.
pub(crate) fn summaries(
    conn: &mut PgConnection,
    ids: &[JobId],
) -> Result<HashMap<JobId, (JobSummary, Reveal)>, Error> {
    type Row = (JobId, String, String, Option<Instant>, String);
    let columns = (jobs::id, jobs::title, jobs::status, jobs::bidding_deadline, jobs::reveal);
    let rows: Vec<Row> = jobs::table.filter(jobs::id.eq_any(ids)).select(columns).load(conn)?;
    rows.into_iter()
        .map(|(id, title, status, bidding_deadline, reveal)| {
            let status = word(JobStatus::parse(&status), "jobs.status")?;
            let reveal = word(Reveal::parse(&reveal), "jobs.reveal")?;
            Ok((id, (JobSummary { id, title, status, bidding_deadline, bidding_closed: false }, reveal)))
        })
        .collect()
}

impl From<&PublicJob> for JobFacts {
    fn from(job: &PublicJob) -> Self {
        Self {
            id: job.id,
            homeowner: job.homeowner,
            status: job.status,
            reveal: job.reveal,
            bidding_deadline: job.bidding_deadline,
            accept_until: job.accept_until,
            currency: job.currency,
        }
    }
}

/// The jobs that were ever published and come next after this one, at most so many: for going through all of them piece by piece.
pub(crate) fn list_published_ids(
    conn: &mut PgConnection,
    after: Option<JobId>,
    most: u16,
) -> Result<Vec<JobId>, Error> {
    Ok(jobs::table
        .filter(jobs::id.gt(after.map_or(Uuid::nil(), JobId::uuid)))
        .filter(jobs::status.ne(JobStatus::Draft.as_str()))
        .order(jobs::id)
        .limit(most.into())
        .select(jobs::id)
        .load(conn)?)
}
