//! Review windows, reviews, and what they come to.

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::pg::Pg;
use diesel::prelude::*;
use kernel::{Instant, PartyId, Role};
use uuid::Uuid;

use super::word;
use crate::PageRequest;
use crate::model::{OpenReview, Review, ReviewStatus};
use crate::rules::RatingSums;
use crate::schema::{ratings, review_windows, reviews};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = review_windows, check_for_backend(Pg), treat_none_as_default_value = false)]
pub(super) struct WindowRow {
    contract_id: Uuid,
    job_id: Uuid,
    homeowner_id: Uuid,
    contractor_id: Uuid,
    ended_at: Instant,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = reviews, check_for_backend(Pg), treat_none_as_default_value = false)]
pub(super) struct ReviewRow {
    id: Uuid,
    contract_id: Uuid,
    job_id: Uuid,
    author_id: Uuid,
    author_role: String,
    subject_id: Uuid,
    rating: i16,
    quality: i16,
    timeliness: i16,
    communication: i16,
    body: Option<String>,
    status: String,
    created_at: Instant,
    published_at: Option<Instant>,
}

impl WindowRow {
    pub(super) fn of(window: &OpenReview) -> Self {
        Self {
            contract_id: window.contract_id,
            job_id: window.job_id.uuid(),
            homeowner_id: window.homeowner.uuid(),
            contractor_id: window.contractor.uuid(),
            ended_at: window.ended_at,
        }
    }
}

impl ReviewRow {
    pub(super) fn of(review: &Review) -> Self {
        Self {
            id: review.id.uuid(),
            contract_id: review.contract_id,
            job_id: review.job_id.uuid(),
            author_id: review.author.uuid(),
            author_role: review.author_role.as_str().to_owned(),
            subject_id: review.subject.uuid(),
            rating: review.rating,
            quality: review.quality,
            timeliness: review.timeliness,
            communication: review.communication,
            body: review.text.clone(),
            status: review.status.as_str().to_owned(),
            created_at: review.created_at,
            published_at: review.published_at,
        }
    }

    fn read(self) -> Result<Review, Error> {
        Ok(Review {
            id: self.id.into(),
            contract_id: self.contract_id,
            job_id: self.job_id.into(),
            author: self.author_id.into(),
            author_role: word(Role::parse(&self.author_role), "reviews.author_role")?,
            // Identity knows names: the service sets it.
            author_name: String::new(),
            subject: self.subject_id.into(),
            rating: self.rating,
            quality: self.quality,
            timeliness: self.timeliness,
            communication: self.communication,
            text: self.body,
            status: word(ReviewStatus::parse(&self.status), "reviews.status")?,
            created_at: self.created_at,
            published_at: self.published_at,
        })
    }
}

/// Opens a window; false when it is open already.
pub(crate) fn open(conn: &mut PgConnection, window: &OpenReview) -> Result<bool, Error> {
    let opened = diesel::insert_into(review_windows::table)
        .values(WindowRow::of(window))
        .on_conflict(review_windows::contract_id)
        .do_nothing()
        .execute(conn)?;
    Ok(opened == 1)
}

/// A window under a lock, which puts the two reviews of a contract and their publication in an order.
pub(crate) fn lock_window(conn: &mut PgConnection, contract: Uuid) -> Result<Option<OpenReview>, Error> {
    let found: Option<WindowRow> = review_windows::table
        .filter(review_windows::contract_id.eq(contract))
        .select(WindowRow::as_select())
        .for_no_key_update()
        .get_result(conn)
        .optional()?;
    Ok(found.map(|row| OpenReview {
        contract_id: row.contract_id,
        job_id: row.job_id.into(),
        homeowner: row.homeowner_id.into(),
        contractor: row.contractor_id.into(),
        ended_at: row.ended_at,
    }))
}

/// Fails on `one_review_each` when this author has reviewed this contract.
pub(crate) fn insert(conn: &mut PgConnection, review: &Review) -> Result<(), Error> {
    diesel::insert_into(reviews::table).values(ReviewRow::of(review)).execute(conn)?;
    Ok(())
}

/// The reviews of a contract, published or not.
pub(crate) fn list_of_contract(conn: &mut PgConnection, contract: Uuid) -> Result<Vec<Review>, Error> {
    let rows =
        reviews::table.filter(reviews::contract_id.eq(contract)).select(ReviewRow::as_select()).load(conn)?;
    rows.into_iter().map(ReviewRow::read).collect()
}

/// Publishes what is hidden of a contract's reviews, adds it to what their subjects' come to, and returns it.
pub(crate) fn publish(conn: &mut PgConnection, contract: Uuid, now: Instant) -> Result<Vec<Review>, Error> {
    let hidden = reviews::contract_id.eq(contract).and(reviews::status.eq(ReviewStatus::Hidden.as_str()));
    let mut rows: Vec<ReviewRow> = diesel::update(reviews::table.filter(hidden))
        .set((reviews::status.eq(ReviewStatus::Published.as_str()), reviews::published_at.eq(now)))
        .returning(ReviewRow::as_returning())
        .get_results(conn)?;
    // In one order everywhere: two contracts between the same two parties may be published at the same time.
    rows.sort_by_key(|row| row.subject_id);
    for row in &rows {
        add_to_rating(conn, row)?;
    }
    rows.into_iter().map(ReviewRow::read).collect()
}

fn add_to_rating(conn: &mut PgConnection, row: &ReviewRow) -> Result<(), Error> {
    diesel::insert_into(ratings::table)
        .values((
            ratings::subject_id.eq(row.subject_id),
            ratings::reviews.eq(1),
            ratings::rating_sum.eq(i64::from(row.rating)),
            ratings::quality_sum.eq(i64::from(row.quality)),
            ratings::timeliness_sum.eq(i64::from(row.timeliness)),
            ratings::communication_sum.eq(i64::from(row.communication)),
        ))
        .on_conflict(ratings::subject_id)
        .do_update()
        .set((
            ratings::reviews.eq(ratings::reviews + 1),
            ratings::rating_sum.eq(ratings::rating_sum + i64::from(row.rating)),
            ratings::quality_sum.eq(ratings::quality_sum + i64::from(row.quality)),
            ratings::timeliness_sum.eq(ratings::timeliness_sum + i64::from(row.timeliness)),
            ratings::communication_sum.eq(ratings::communication_sum + i64::from(row.communication)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Somebody's published reviews, newest first.
pub(crate) fn list_published(
    conn: &mut PgConnection,
    subject: PartyId,
    page: PageRequest,
) -> Result<Vec<Review>, Error> {
    let published = reviews::subject_id.eq(subject).and(reviews::status.eq(ReviewStatus::Published.as_str()));
    let mut query = reviews::table.filter(published).select(ReviewRow::as_select()).into_boxed();
    if let Some(after) = page.after {
        let earlier = reviews::published_at.eq(after.key).and(reviews::id.lt(after.id));
        query = query.filter(reviews::published_at.lt(after.key).or(earlier));
    }
    let rows = query
        .order((reviews::published_at.desc(), reviews::id.desc()))
        .limit(page.limit.plus_one())
        .load(conn)?;
    rows.into_iter().map(ReviewRow::read).collect()
}

/// Everything that a party wrote, hidden or published, oldest first.
pub(crate) fn list_by(conn: &mut PgConnection, author: PartyId) -> Result<Vec<Review>, Error> {
    let rows = reviews::table
        .filter(reviews::author_id.eq(author))
        .order((reviews::created_at, reviews::id))
        .select(ReviewRow::as_select())
        .load(conn)?;
    rows.into_iter().map(ReviewRow::read).collect()
}

/// Everything that is published about a party, oldest first.
pub(crate) fn list_all_about(conn: &mut PgConnection, subject: PartyId) -> Result<Vec<Review>, Error> {
    let rows = reviews::table
        .filter(reviews::subject_id.eq(subject).and(reviews::status.eq(ReviewStatus::Published.as_str())))
        .order((reviews::published_at, reviews::id))
        .select(ReviewRow::as_select())
        .load(conn)?;
    rows.into_iter().map(ReviewRow::read).collect()
}

/// What the published reviews of these parties come to; nobody's reviews come to nothing.
pub(crate) fn ratings_of(
    conn: &mut PgConnection,
    subjects: &[PartyId],
) -> Result<HashMap<PartyId, RatingSums>, Error> {
    type Row = (PartyId, i32, i64, i64, i64, i64);
    let columns = (
        ratings::subject_id,
        ratings::reviews,
        ratings::rating_sum,
        ratings::quality_sum,
        ratings::timeliness_sum,
        ratings::communication_sum,
    );
    let rows: Vec<Row> =
        ratings::table.filter(ratings::subject_id.eq_any(subjects)).select(columns).load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(subject, reviews, rating, quality, timeliness, communication)| {
            (subject, RatingSums { reviews, rating, quality, timeliness, communication })
        })
        .collect())
}
