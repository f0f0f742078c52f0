//! Review windows, reviews, and what they come to; reports and decisions are in [`reports`].

pub(crate) mod reports;

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, PartyId, Role};
use uuid::Uuid;

use super::word;
use crate::PageRequest;
use crate::model::{OpenReview, Removal, Reply, Review, ReviewAction, ReviewId, ReviewStatus};
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
    version: i32,
    edited_at: Option<Instant>,
    reply: Option<String>,
    replied_at: Option<Instant>,
    removed_at: Option<Instant>,
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
            version: review.version,
            edited_at: review.edited_at,
            reply: review.reply.as_ref().and_then(|reply| reply.text.clone()),
            replied_at: review.reply.as_ref().map(|reply| reply.at),
            removed_at: review.removal.as_ref().map(|removal| removal.at),
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
            version: self.version,
            created_at: self.created_at,
            edited_at: self.edited_at,
            published_at: self.published_at,
            reply: self.replied_at.map(|at| Reply { text: self.reply, author_name: String::new(), at }),
            // Why stands with the decision: `reports` knows.
            removal: self.removed_at.map(|at| Removal { reason: String::new(), at }),
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

/// A review, whoever asks.
pub(crate) fn find(conn: &mut PgConnection, id: ReviewId) -> Result<Option<Review>, Error> {
    let found: Option<ReviewRow> = reviews::table
        .filter(reviews::id.eq(id))
        .select(ReviewRow::as_select())
        .get_result(conn)
        .optional()?;
    Ok(explained(conn, found.into_iter().collect())?.pop())
}

/// Writes what an edited review says now, if it still is in the version that it was read in.
pub(crate) fn edit(conn: &mut PgConnection, before: &Review, after: &Review) -> Result<bool, Error> {
    let edited = diesel::update(reviews::table.filter(unchanged(before)))
        .set((
            reviews::rating.eq(after.rating),
            reviews::quality.eq(after.quality),
            reviews::timeliness.eq(after.timeliness),
            reviews::communication.eq(after.communication),
            reviews::body.eq(&after.text),
            reviews::version.eq(after.version),
            reviews::edited_at.eq(after.edited_at),
        ))
        .execute(conn)?;
    Ok(edited == 1)
}

/// Puts the reply beside a review, if it still is in the version that it was read in.
pub(crate) fn reply(
    conn: &mut PgConnection,
    before: &Review,
    text: &str,
    now: Instant,
) -> Result<bool, Error> {
    let replied =
        diesel::update(reviews::table.filter(unchanged(before)).filter(reviews::replied_at.is_null()))
            .set((
                reviews::reply.eq(text),
                reviews::replied_at.eq(now),
                reviews::version.eq(before.version + 1),
            ))
            .execute(conn)?;
    Ok(replied == 1)
}

/// Takes a published review away, and out of what its subject's come to; or puts it back, if it still is in the version that it was read in.
pub(crate) fn judge(
    conn: &mut PgConnection,
    before: &Review,
    action: ReviewAction,
    now: Instant,
) -> Result<bool, Error> {
    let Some(status) = before.status.after(action) else { return Ok(false) };
    let removed_at = (status == ReviewStatus::Removed).then_some(now);
    let judged = diesel::update(reviews::table.filter(unchanged(before)))
        .set((
            reviews::status.eq(status.as_str()),
            reviews::removed_at.eq(removed_at),
            reviews::version.eq(before.version + 1),
        ))
        .execute(conn)?;
    if judged == 0 {
        return Ok(false);
    }
    match status {
        ReviewStatus::Published => count_in(conn, before)?,
        ReviewStatus::Removed => count_out(conn, before)?,
        ReviewStatus::Hidden => {}
    }
    Ok(true)
}

#[diesel::dsl::auto_type]
fn unchanged<'a>(before: &'a Review) -> _ {
    let (id, status): (Uuid, &'a str) = (before.id.uuid(), before.status.as_str());
    let version: i32 = before.version;
    reviews::id.eq(id).and(reviews::status.eq(status)).and(reviews::version.eq(version))
}

/// Publishes what is hidden of a contract's reviews, adds it to what their subjects' come to, and returns it.
pub(crate) fn publish(conn: &mut PgConnection, contract: Uuid, now: Instant) -> Result<Vec<Review>, Error> {
    let hidden = reviews::contract_id.eq(contract).and(reviews::status.eq(ReviewStatus::Hidden.as_str()));
    let mut rows: Vec<ReviewRow> = diesel::update(reviews::table.filter(hidden))
        .set((
            reviews::status.eq(ReviewStatus::Published.as_str()),
            reviews::published_at.eq(now),
            reviews::version.eq(reviews::version + 1),
        ))
        .returning(ReviewRow::as_returning())
        .get_results(conn)?;
    // In one order everywhere: two contracts between the same two parties may be published at the same time.
    rows.sort_by_key(|row| row.subject_id);
    let published: Vec<Review> = rows.into_iter().map(ReviewRow::read).collect::<Result<_, _>>()?;
    for review in &published {
        count_in(conn, review)?;
    }
    Ok(published)
}

/// Adds a review to what its subject's come to.
fn count_in(conn: &mut PgConnection, review: &Review) -> Result<(), Error> {
    diesel::insert_into(ratings::table)
        .values((
            ratings::subject_id.eq(review.subject.uuid()),
            ratings::reviews.eq(1),
            ratings::rating_sum.eq(i64::from(review.rating)),
            ratings::quality_sum.eq(i64::from(review.quality)),
            ratings::timeliness_sum.eq(i64::from(review.timeliness)),
            ratings::communication_sum.eq(i64::from(review.communication)),
        ))
        .on_conflict(ratings::subject_id)
        .do_update()
        .set((
            ratings::reviews.eq(ratings::reviews + 1),
            ratings::rating_sum.eq(ratings::rating_sum + i64::from(review.rating)),
            ratings::quality_sum.eq(ratings::quality_sum + i64::from(review.quality)),
            ratings::timeliness_sum.eq(ratings::timeliness_sum + i64::from(review.timeliness)),
            ratings::communication_sum.eq(ratings::communication_sum + i64::from(review.communication)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a review out of what its subject's come to.
fn count_out(conn: &mut PgConnection, review: &Review) -> Result<(), Error> {
    diesel::update(ratings::table.find(review.subject.uuid()))
        .set((
            ratings::reviews.eq(ratings::reviews - 1),
            ratings::rating_sum.eq(ratings::rating_sum - i64::from(review.rating)),
            ratings::quality_sum.eq(ratings::quality_sum - i64::from(review.quality)),
            ratings::timeliness_sum.eq(ratings::timeliness_sum - i64::from(review.timeliness)),
            ratings::communication_sum.eq(ratings::communication_sum - i64::from(review.communication)),
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
    // The state stands in the text: what is bound, a plan for all values cannot know to be in the index.
    let published = reviews::subject_id.eq(subject).and(sql::<Bool>("reviews.status = 'PUBLISHED'"));
    let mut query = reviews::table.filter(published).select(ReviewRow::as_select()).into_boxed();
    if let Some(after) = page.after {
        query = query.filter(
            sql::<Bool>("(reviews.published_at, reviews.id) < (")
                .bind::<Timestamptz, _>(after.key)
                .sql(", ")
                .bind::<SqlUuid, _>(after.id)
                .sql(")"),
        );
    }
    let rows = query
        .order((reviews::published_at.desc(), reviews::id.desc()))
        .limit(page.limit.plus_one())
        .load(conn)?;
    rows.into_iter().map(ReviewRow::read).collect()
}

/// Everything that a party wrote, in any state, oldest first.
pub(crate) fn list_by(conn: &mut PgConnection, author: PartyId) -> Result<Vec<Review>, Error> {
    let rows = reviews::table
        .filter(reviews::author_id.eq(author))
        .order((reviews::created_at, reviews::id))
        .select(ReviewRow::as_select())
        .load(conn)?;
    explained(conn, rows)
}

/// Everything about a party that is or was published, oldest first.
pub(crate) fn list_all_about(conn: &mut PgConnection, subject: PartyId) -> Result<Vec<Review>, Error> {
    let rows = reviews::table
        .filter(reviews::subject_id.eq(subject).and(sql::<Bool>("reviews.status <> 'HIDDEN'")))
        .order((reviews::published_at, reviews::id))
        .select(ReviewRow::as_select())
        .load(conn)?;
    explained(conn, rows)
}

/// With why those were removed that were.
fn explained(conn: &mut PgConnection, rows: Vec<ReviewRow>) -> Result<Vec<Review>, Error> {
    let mut found: Vec<Review> = rows.into_iter().map(ReviewRow::read).collect::<Result<_, _>>()?;
    reports::explain_removals(conn, &mut found)?;
    Ok(found)
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
