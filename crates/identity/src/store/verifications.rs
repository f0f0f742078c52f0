//! Verifications and the credentials in them.

use std::collections::HashMap;

use chrono::NaiveDate;
use database::{Error, PgConnection};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{Instant, Limit, PartyId, PersonId, Position};
use uuid::Uuid;

use super::unknown;
use crate::model::{Credential, CredentialKind, Verification, VerificationId, VerificationState};
use crate::schema::{credentials, people, verifications};

diesel::define_sql_function! {
    /// The database's clock, which tests can turn.
    #[sql_name = "app.clock"]
    fn app_clock() -> diesel::sql_types::Timestamptz;
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = verifications, check_for_backend(diesel::pg::Pg))]
struct VerificationRow {
    id: VerificationId,
    contractor_id: PartyId,
    state: String,
    submitted_at: Instant,
    decided_at: Option<Instant>,
    decided_by: Option<PersonId>,
    note: Option<String>,
    reason: Option<String>,
    valid_until: Option<Instant>,
    version: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = credentials, check_for_backend(diesel::pg::Pg))]
struct CredentialRow {
    verification_id: VerificationId,
    kind: String,
    trade: Option<String>,
    number: String,
    holder: String,
    place: String,
    time_zone: String,
    expires_on: NaiveDate,
}

/// Which of these contractors are verified, and until when; by the database's clock.
pub(crate) fn verified_among(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<PartyId, Instant>, Error> {
    let rows: Vec<(PartyId, Option<Instant>)> = verifications::table
        .filter(verifications::contractor_id.eq_any(ids))
        .filter(verifications::state.eq(VerificationState::Approved.as_str()))
        .filter(verifications::valid_until.gt(app_clock().nullable()))
        .select((verifications::contractor_id, verifications::valid_until))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(id, until)| Some((id, until?))).collect())
}

/// Whether this contractor is verified and not suspended now, by the database's clock.
pub(crate) fn may_bid(conn: &mut PgConnection, contractor: PartyId) -> Result<bool, Error> {
    let verified = verifications::table
        .inner_join(people::table.on(people::id.eq(verifications::contractor_id)))
        .filter(verifications::contractor_id.eq(contractor))
        .filter(verifications::state.eq(VerificationState::Approved.as_str()))
        .filter(verifications::valid_until.gt(app_clock().nullable()))
        .filter(people::suspended_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(verified)).get_result(conn)?)
}

pub(crate) fn insert_verification(
    conn: &mut PgConnection,
    id: VerificationId,
    contractor: PartyId,
    handed_in: &[Credential],
    now: Instant,
) -> Result<(), Error> {
    diesel::insert_into(verifications::table)
        .values((
            verifications::id.eq(id),
            verifications::contractor_id.eq(contractor),
            verifications::state.eq(VerificationState::Pending.as_str()),
            verifications::submitted_at.eq(now),
        ))
        .execute(conn)?;
    let rows: Vec<_> = (0_i32..)
        .zip(handed_in)
        .map(|(ordinal, credential)| {
            (
                credentials::id.eq(Uuid::now_v7()),
                credentials::verification_id.eq(id),
                credentials::ordinal.eq(ordinal),
                credentials::kind.eq(credential.kind.as_str()),
                credentials::trade.eq(credential.trade.as_deref()),
                credentials::number.eq(&credential.number),
                credentials::holder.eq(&credential.holder),
                credentials::place.eq(&credential.place),
                credentials::time_zone.eq(&credential.time_zone),
                credentials::expires_on.eq(credential.expires_on),
            )
        })
        .collect();
    diesel::insert_into(credentials::table).values(rows).execute(conn)?;
    Ok(())
}

/// Whose verification that is.
pub(crate) fn find_verification_owner(
    conn: &mut PgConnection,
    id: VerificationId,
) -> Result<Option<PersonId>, Error> {
    Ok(verifications::table.find(id).select(verifications::contractor_id).first(conn).optional()?)
}

pub(crate) fn find_verification(
    conn: &mut PgConnection,
    id: VerificationId,
) -> Result<Option<Verification>, Error> {
    let row = verifications::table.find(id).select(VerificationRow::as_select()).first(conn).optional()?;
    Ok(assemble(conn, row.into_iter().collect())?.pop())
}

/// The contractor's verification in this state; there is at most one PENDING and one APPROVED.
pub(crate) fn find_verification_in(
    conn: &mut PgConnection,
    contractor: PartyId,
    state: VerificationState,
) -> Result<Option<Verification>, Error> {
    let row = verifications::table
        .filter(verifications::contractor_id.eq(contractor).and(verifications::state.eq(state.as_str())))
        .select(VerificationRow::as_select())
        .first(conn)
        .optional()?;
    Ok(assemble(conn, row.into_iter().collect())?.pop())
}

/// What was approved of these contractors, whether or not it still holds.
pub(crate) fn approved_of_all(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Verification>, Error> {
    let rows = verifications::table
        .filter(verifications::contractor_id.eq_any(ids))
        .filter(verifications::state.eq(VerificationState::Approved.as_str()))
        .select(VerificationRow::as_select())
        .load(conn)?;
    assemble(conn, rows)
}

/// The state of the contractor's newest verification.
pub(crate) fn newest_verification_state(
    conn: &mut PgConnection,
    contractor: PartyId,
) -> Result<Option<VerificationState>, Error> {
    let text: Option<String> = verifications::table
        .filter(verifications::contractor_id.eq(contractor))
        .order((verifications::submitted_at.desc(), verifications::id.desc()))
        .select(verifications::state)
        .first(conn)
        .optional()?;
    text.map(|text| state(&text)).transpose()
}

/// The queue, oldest first.
pub(crate) fn list_verifications(
    conn: &mut PgConnection,
    wanted: Option<VerificationState>,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<Verification>, Error> {
    let mut query = verifications::table
        .select(VerificationRow::as_select())
        .order((verifications::submitted_at.asc(), verifications::id.asc()))
        .limit(limit.plus_one())
        .into_boxed();
    if let Some(wanted) = wanted {
        query = query.filter(verifications::state.eq(wanted.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(
            verifications::submitted_at
                .gt(after.key)
                .or(verifications::submitted_at.eq(after.key).and(verifications::id.gt(after.id))),
        );
    }
    let rows = query.load(conn)?;
    assemble(conn, rows)
}

/// All of one contractor's, newest first.
pub(crate) fn list_verifications_of(
    conn: &mut PgConnection,
    contractor: PartyId,
    after: Option<Position>,
    limit: Limit,
) -> Result<Vec<Verification>, Error> {
    let mut query = verifications::table
        .filter(verifications::contractor_id.eq(contractor))
        .select(VerificationRow::as_select())
        .order((verifications::submitted_at.desc(), verifications::id.desc()))
        .limit(limit.plus_one())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(
            verifications::submitted_at
                .lt(after.key)
                .or(verifications::submitted_at.eq(after.key).and(verifications::id.lt(after.id))),
        );
    }
    let rows = query.load(conn)?;
    assemble(conn, rows)
}

/// Some of the approved verifications of which nothing is arranged yet, kept from changing; those that somebody else is at are left out.
pub(crate) fn lock_unwatched(conn: &mut PgConnection, most: i64) -> Result<Vec<Verification>, Error> {
    let rows = verifications::table
        // In the text: what is bound, a plan for all values cannot know to be in the index of those unwatched.
        .filter(sql::<Bool>("verifications.state = 'APPROVED'"))
        .filter(verifications::watched_at.is_null())
        .order(verifications::id)
        .limit(most)
        .select(VerificationRow::as_select())
        .for_update()
        .skip_locked()
        .load(conn)?;
    assemble(conn, rows)
}

/// Notes that what has to happen with a verification is arranged.
pub(crate) fn note_watched(conn: &mut PgConnection, id: VerificationId, now: Instant) -> Result<(), Error> {
    diesel::update(verifications::table.find(id)).set(verifications::watched_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Notes a warning of a credential's end; false when it, or one nearer to the end, was given before.
pub(crate) fn note_reminder(
    conn: &mut PgConnection,
    verification: VerificationId,
    ordinal: i32,
    days: i32,
) -> Result<bool, Error> {
    let unheard = credentials::reminded_days.is_null().or(credentials::reminded_days.gt(days));
    let changed = diesel::update(
        credentials::table
            .filter(credentials::verification_id.eq(verification).and(credentials::ordinal.eq(ordinal)))
            .filter(unheard),
    )
    .set(credentials::reminded_days.eq(days))
    .execute(conn)?;
    Ok(changed == 1)
}

/// Notes that the end of an approved verification was told; false when it is not approved any more, or was told before.
pub(crate) fn note_expiry(conn: &mut PgConnection, id: VerificationId, now: Instant) -> Result<bool, Error> {
    let changed = diesel::update(
        verifications::table
            .find(id)
            .filter(verifications::state.eq(VerificationState::Approved.as_str()))
            .filter(verifications::expired_at.is_null()),
    )
    .set((verifications::expired_at.eq(now), verifications::version.eq(verifications::version + 1)))
    .execute(conn)?;
    Ok(changed == 1)
}

/// A step that was decided upon; zero rows when the verification is not in the state it was decided in.
pub(crate) struct Step<'a> {
    pub(crate) id: VerificationId,
    pub(crate) from: VerificationState,
    pub(crate) to: VerificationState,
    pub(crate) decided: Option<(Instant, Option<PersonId>)>,
    pub(crate) note: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) valid_until: Option<Instant>,
}

pub(crate) fn step_verification(conn: &mut PgConnection, step: &Step<'_>) -> Result<usize, Error> {
    let target = verifications::table.find(step.id).filter(verifications::state.eq(step.from.as_str()));
    let moved =
        (verifications::state.eq(step.to.as_str()), verifications::version.eq(verifications::version + 1));
    Ok(match step.decided {
        // What was decided before stays on the row: it says who had approved what was superseded.
        None => diesel::update(target).set(moved).execute(conn)?,
        Some((at, by)) => diesel::update(target)
            .set((
                moved,
                verifications::decided_at.eq(at),
                verifications::decided_by.eq(by),
                verifications::note.eq(step.note),
                verifications::reason.eq(step.reason),
                verifications::valid_until.eq(step.valid_until),
            ))
            .execute(conn)?,
    })
}

fn state(text: &str) -> Result<VerificationState, Error> {
    VerificationState::parse(text).ok_or_else(|| unknown("verification state", text))
}

/// The rows with their credentials, documents and their contractors' names, a few more statements for any number of them.
fn assemble(conn: &mut PgConnection, rows: Vec<VerificationRow>) -> Result<Vec<Verification>, Error> {
    let ids: Vec<VerificationId> = rows.iter().map(|row| row.id).collect();
    let mut by_verification: HashMap<VerificationId, Vec<Credential>> = HashMap::new();
    let loaded: Vec<CredentialRow> = credentials::table
        .filter(credentials::verification_id.eq_any(&ids))
        .order((credentials::verification_id, credentials::ordinal))
        .select(CredentialRow::as_select())
        .load(conn)?;
    for row in loaded {
        let kind = CredentialKind::parse(&row.kind).ok_or_else(|| unknown("credential kind", &row.kind))?;
        by_verification.entry(row.verification_id).or_default().push(Credential {
            kind,
            trade: row.trade,
            number: row.number,
            holder: row.holder,
            place: row.place,
            time_zone: row.time_zone,
            expires_on: row.expires_on,
        });
    }
    let mut documents = super::documents_of_all(conn, &ids)?;
    let contractors: Vec<Uuid> = rows.iter().map(|row| row.contractor_id.uuid()).collect();
    let names: HashMap<Uuid, String> = super::card_rows(conn, &contractors)?
        .into_iter()
        .map(|card| (card.id.uuid(), crate::rules::card_names(&card).2))
        .collect();
    rows.into_iter()
        .map(|row| {
            Ok(Verification {
                id: row.id,
                contractor: row.contractor_id,
                contractor_name: names.get(&row.contractor_id.uuid()).cloned().unwrap_or_default(),
                state: state(&row.state)?,
                credentials: by_verification.remove(&row.id).unwrap_or_default(),
                submitted_at: row.submitted_at,
                decided_at: row.decided_at,
                decided_by: row.decided_by,
                note: row.note,
                reason: row.reason,
                valid_until: row.valid_until,
                documents: documents.remove(&row.id).unwrap_or_default(),
                version: row.version,
            })
        })
        .collect()
}
