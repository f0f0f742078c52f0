//! Reports of reviews, and what administrators decided.

use std::collections::HashMap;

use database::hot::{Binds, Hot, Statement};
use database::{Error, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, Limit, PartyId, Position};
use uuid::Uuid;

use super::ReviewRow;
use crate::model::{
    Decided, DecisionOutcome, Removal, Report, ReportReason, Review, ReviewCase, ReviewId, ReviewReportId,
};
use crate::schema::{review_decisions, review_reports, reviews};
use crate::store::word;

/// When this person reported something since then, the earliest first. Whoever counts holds the person's row, so that of two reports of one
/// person at the same time the later one has waited for the earlier, the very first ones too.
pub(crate) fn times_of(
    conn: &mut PgConnection,
    reporter: PartyId,
    since: Instant,
) -> Result<Vec<Instant>, Error> {
    Ok(review_reports::table
        .filter(review_reports::reporter_id.eq(reporter.uuid()).and(review_reports::created_at.gt(since)))
        .order(review_reports::created_at)
        .select(review_reports::created_at)
        .load(conn)?)
}

/// Keeps a report, and that its review waits for a decision; the caller holds the window's lock. Fails on `one_report_each` when this person
/// has reported this review.
pub(crate) fn insert(conn: &mut PgConnection, report: &Report) -> Result<(), Error> {
    diesel::insert_into(review_reports::table)
        .values((
            review_reports::id.eq(report.id.uuid()),
            review_reports::review_id.eq(report.review_id.uuid()),
            review_reports::reporter_id.eq(report.reporter.uuid()),
            review_reports::reason.eq(report.reason.as_str()),
            review_reports::note.eq(&report.note),
            review_reports::created_at.eq(report.created_at),
        ))
        .execute(conn)?;
    let (open, since) = find_waiting(conn, report.review_id)?;
    diesel::update(reviews::table.find(report.review_id.uuid()))
        .set((
            reviews::open_reports.eq(open + 1),
            reviews::reported_at.eq(since.unwrap_or(report.created_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps a decision, and that no report of its review waits any more; says whose did.
pub(crate) fn decide(
    conn: &mut PgConnection,
    decided: &Decided,
) -> Result<Vec<(ReviewReportId, PartyId)>, Error> {
    diesel::insert_into(review_decisions::table)
        .values((
            review_decisions::id.eq(decided.id.uuid()),
            review_decisions::review_id.eq(decided.review_id.uuid()),
            review_decisions::decided_by.eq(decided.by.uuid()),
            review_decisions::outcome.eq(decided.outcome.as_str()),
            review_decisions::reason.eq(&decided.reason),
            review_decisions::reports.eq(decided.reports),
            review_decisions::decided_at.eq(decided.at),
        ))
        .execute(conn)?;
    let review = decided.review_id.uuid();
    diesel::update(reviews::table.find(review))
        .set((reviews::open_reports.eq(0), reviews::reported_at.eq(None::<Instant>)))
        .execute(conn)?;
    let waiting = review_reports::review_id.eq(review).and(review_reports::decided_at.is_null());
    let answered: Vec<(Uuid, Uuid)> = diesel::update(review_reports::table.filter(waiting))
        .set(review_reports::decided_at.eq(decided.at))
        .returning((review_reports::id, review_reports::reporter_id))
        .get_results(conn)?;
    Ok(answered.into_iter().map(|(id, reporter)| (id.into(), reporter.into())).collect())
}

/// How many reports of a review wait for a decision, and since when.
pub(crate) fn find_waiting(
    conn: &mut PgConnection,
    review: ReviewId,
) -> Result<(i32, Option<Instant>), Error> {
    let columns = (reviews::open_reports, reviews::reported_at);
    Ok(reviews::table.find(review.uuid()).select(columns).get_result(conn)?)
}

/// One review as administrators see it.
pub(crate) fn find_case(conn: &mut PgConnection, review: ReviewId) -> Result<Option<ReviewCase>, Error> {
    let row: Option<CaseRow> = reviews::table
        .find(review.uuid())
        .select((ReviewRow::as_select(), reviews::open_reports, reviews::reported_at))
        .get_result(conn)
        .optional()?;
    Ok(cases(conn, row.into_iter().collect())?.pop())
}

/// Reviews with reports that wait, the longest waiting first.
pub(crate) fn list_reported(
    conn: &mut PgConnection,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<ReviewCase>, Error> {
    let mut query = reviews::table
        .filter(reviews::reported_at.is_not_null())
        .select((ReviewRow::as_select(), reviews::open_reports, reviews::reported_at))
        .into_boxed();
    if let Some(Position { key, id }) = after {
        let same = reviews::reported_at.eq(key).and(reviews::id.gt(id));
        query = query.filter(reviews::reported_at.gt(key).or(same));
    }
    let rows = query.order((reviews::reported_at, reviews::id)).limit(limit.plus_one()).load(conn)?;
    cases(conn, rows)
}

/// Removed reviews, the latest first.
pub(crate) fn list_removed(
    conn: &mut PgConnection,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<ReviewCase>, Error> {
    let mut query = reviews::table
        .filter(reviews::removed_at.is_not_null())
        .select((ReviewRow::as_select(), reviews::open_reports, reviews::reported_at))
        .into_boxed();
    if let Some(Position { key, id }) = after {
        let same = reviews::removed_at.eq(key).and(reviews::id.lt(id));
        query = query.filter(reviews::removed_at.lt(key).or(same));
    }
    let newest = (reviews::removed_at.desc(), reviews::id.desc());
    let rows = query.order(newest).limit(limit.plus_one()).load(conn)?;
    cases(conn, rows)
}

type CaseRow = (ReviewRow, i32, Option<Instant>);

fn cases(conn: &mut PgConnection, rows: Vec<CaseRow>) -> Result<Vec<ReviewCase>, Error> {
    let ids: Vec<Uuid> = rows.iter().map(|(row, ..)| row.id).collect();
    let mut reports: HashMap<ReviewId, Vec<Report>> = HashMap::new();
    for report in first_open_reports(conn, &ids)? {
        reports.entry(report.review_id).or_default().push(report);
    }
    let mut decisions: HashMap<ReviewId, Vec<Decided>> = HashMap::new();
    for decided in last_decisions(conn, &ids)? {
        decisions.entry(decided.review_id).or_default().push(decided);
    }
    rows.into_iter()
        .map(|(row, open_reports, reported_at)| {
            let mut review = row.read()?;
            let (reports, decisions) = (reports.remove(&review.id), decisions.remove(&review.id));
            let decisions = decisions.unwrap_or_default();
            explain_removal(&mut review, &decisions);
            Ok(ReviewCase {
                review,
                open_reports,
                reported_at,
                reports: reports.unwrap_or_default(),
                decisions,
            })
        })
        .collect()
}

/// Says of removed reviews why they were.
pub(super) fn explain_removals(conn: &mut PgConnection, shown: &mut [Review]) -> Result<(), Error> {
    let removed: Vec<Uuid> =
        shown.iter().filter(|review| review.removal.is_some()).map(|review| review.id.uuid()).collect();
    if removed.is_empty() {
        return Ok(());
    }
    let decisions = last_decisions(conn, &removed)?;
    for review in shown {
        explain_removal(review, &decisions);
    }
    Ok(())
}

/// The last decision about a removed review is the one that removed it.
fn explain_removal(review: &mut Review, newest_first: &[Decided]) {
    let id = review.id;
    let last = newest_first
        .iter()
        .find(|decided| decided.review_id == id && decided.outcome == DecisionOutcome::Removed);
    if let (Some(Removal { reason, .. }), Some(last)) = (&mut review.removal, last) {
        reason.clone_from(&last.reason);
    }
}

/// The first reports of each of these reviews that wait: enough to decide by.
struct FirstOpenReports {
    reviews: Vec<Uuid>,
}

impl Statement for FirstOpenReports {
    const SQL: &'static str = "SELECT r.id, r.review_id, r.reporter_id, r.reason, r.note, r.created_at, r.decided_at \
         FROM unnest($1) wanted (id) CROSS JOIN LATERAL (\
         SELECT * FROM marketplace.review_reports WHERE review_id = wanted.id AND decided_at IS NULL ORDER BY created_at, id LIMIT 20) r \
         ORDER BY r.created_at, r.id";
    type Columns = (SqlUuid, SqlUuid, SqlUuid, Text, Nullable<Text>, Timestamptz, Nullable<Timestamptz>);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.reviews)
    }
}

type ReportRow = (Uuid, Uuid, Uuid, String, Option<String>, Instant, Option<Instant>);

fn report((id, review, reporter, reason, note, created_at, decided_at): ReportRow) -> Result<Report, Error> {
    Ok(Report {
        id: id.into(),
        review_id: review.into(),
        reporter: reporter.into(),
        reason: word(ReportReason::parse(&reason), "review_reports.reason")?,
        note,
        created_at,
        decided_at,
    })
}

fn first_open_reports(conn: &mut PgConnection, reviews: &[Uuid]) -> Result<Vec<Report>, Error> {
    let rows: Vec<ReportRow> = Hot(FirstOpenReports { reviews: reviews.to_vec() }).load(conn)?;
    rows.into_iter().map(report).collect()
}

/// The last decisions about each of these reviews.
struct LastDecisions {
    reviews: Vec<Uuid>,
}

impl Statement for LastDecisions {
    const SQL: &'static str = "SELECT d.id, d.review_id, d.decided_by, d.outcome, d.reason, d.reports, d.decided_at \
         FROM unnest($1) wanted (id) CROSS JOIN LATERAL (\
         SELECT * FROM marketplace.review_decisions WHERE review_id = wanted.id ORDER BY decided_at DESC, id DESC LIMIT 20) d \
         ORDER BY d.decided_at DESC, d.id DESC";
    type Columns = (SqlUuid, SqlUuid, SqlUuid, Text, Text, diesel::sql_types::Integer, Timestamptz);

    fn bind<'b>(&'b self, binds: &mut Binds<'_, 'b>) -> QueryResult<()> {
        binds.push::<Array<SqlUuid>, _>(&self.reviews)
    }
}

fn last_decisions(conn: &mut PgConnection, reviews: &[Uuid]) -> Result<Vec<Decided>, Error> {
    type Row = (Uuid, Uuid, Uuid, String, String, i32, Instant);
    let rows: Vec<Row> = Hot(LastDecisions { reviews: reviews.to_vec() }).load(conn)?;
    rows.into_iter()
        .map(|(id, review, by, outcome, reason, reports, at)| {
            let outcome = word(DecisionOutcome::parse(&outcome), "review_decisions.outcome")?;
            Ok(Decided {
                id: id.into(),
                review_id: review.into(),
                by: by.into(),
                outcome,
                reason,
                reports,
                at,
            })
        })
        .collect()
}

/// Everything that a person reported, oldest first.
pub(crate) fn list_by(conn: &mut PgConnection, reporter: PartyId) -> Result<Vec<Report>, Error> {
    type Table = review_reports::table;
    let rows: Vec<ReportRow> = review_reports::table
        .filter(review_reports::reporter_id.eq(reporter.uuid()))
        .order((review_reports::created_at, review_reports::id))
        .select(<Table as diesel::Table>::all_columns())
        .load(conn)?;
    rows.into_iter().map(report).collect()
}
