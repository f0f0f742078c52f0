//! People as administrators find them, and their suspensions.

use std::collections::HashMap;

use database::{Error, PgConnection};
use diesel::dsl::{count, count_star, exists, max, min, not, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Instant, Limit, PartyId, PersonId, Position, Role};
use uuid::Uuid;

use super::people::PersonRow;
use crate::model::{
    Account, AccountFilter, AccountKey, AccountOrder, AccountState, Person, Standing, Suspension,
    SuspensionId, VerificationFilter, VerificationState,
};
use crate::schema::{known_addresses, people, sessions, suspensions, verifications};

type Rows<'a> = people::BoxedQuery<'a, Pg>;

/// One page of people, one more than fits.
pub(crate) fn list_accounts(
    conn: &mut PgConnection,
    filter: &AccountFilter,
    after: Option<Position<AccountKey>>,
    limit: Limit,
) -> Result<Vec<Account>, Error> {
    let wanted = those_standing(filter, those_like(filter, people::table.into_boxed()));
    let ordered = match filter.order {
        AccountOrder::Newest => wanted.order((people::created_at.desc(), people::id.desc())),
        AccountOrder::Name => wanted.order((people::name_key.asc(), people::id.asc())),
    };
    let rows: Vec<(PersonRow, String)> = from_on(after, ordered)
        .limit(limit.plus_one())
        .select((PersonRow::as_select(), people::name_key))
        .load(conn)?;
    complete(conn, rows)
}

/// One person as lists show it.
pub(crate) fn find_account(conn: &mut PgConnection, id: PersonId) -> Result<Option<Account>, Error> {
    let rows: Vec<(PersonRow, String)> =
        people::table.find(id).select((PersonRow::as_select(), people::name_key)).load(conn)?;
    Ok(complete(conn, rows)?.pop())
}

fn those_like<'a>(filter: &AccountFilter, mut wanted: Rows<'a>) -> Rows<'a> {
    if let Some(person) = filter.person() {
        wanted = wanted.filter(people::id.eq(person));
    } else if let Some(words) = &filter.words {
        // An array, so that the words are always looked up by their index: how rare they are, the planner cannot know.
        wanted = wanted.filter(
            sql::<Bool>(
                "people.id = ANY(ARRAY(SELECT w.id FROM identity.people w
                 WHERE array_to_tsvector(w.words) @@ identity.words_query(",
            )
            .bind::<Text, _>(words.clone())
            .sql(")))"),
        );
    }
    if let Some(role) = filter.role {
        wanted = wanted.filter(people::role.eq(role.as_str()));
    }
    match filter.state {
        Some(AccountState::Active) => {
            wanted = wanted.filter(people::suspended_at.is_null()).filter(people::erased_at.is_null());
        }
        Some(AccountState::Suspended) => wanted = wanted.filter(people::suspended_at.is_not_null()),
        Some(AccountState::Erased) => wanted = wanted.filter(people::erased_at.is_not_null()),
        None if filter.person().is_some() => {}
        None => wanted = wanted.filter(people::erased_at.is_null()),
    }
    match filter.email_verified {
        Some(true) => wanted.filter(people::email_verified_at.is_not_null()),
        Some(false) => wanted.filter(people::email_verified_at.is_null()),
        None => wanted,
    }
}

// In the text: what is bound, a plan for all values cannot know to be in a state's own index.
const PENDING: &str = "verifications.state = 'PENDING'";
const APPROVED: &str = "verifications.state = 'APPROVED'";
const REJECTED: &str = "verifications.state = 'REJECTED'";

fn those_standing<'a>(filter: &AccountFilter, wanted: Rows<'a>) -> Rows<'a> {
    let theirs = || verifications::table.filter(verifications::contractor_id.eq(people::id));
    let in_state = move |state: &'static str| theirs().filter(sql::<Bool>(state));
    let now = super::app_clock().nullable();
    match filter.verification {
        None => wanted,
        Some(VerificationFilter::None) => {
            wanted.filter(sql::<Bool>("people.role = 'CONTRACTOR'")).filter(not(exists(theirs())))
        }
        Some(VerificationFilter::Pending) => wanted.filter(exists(in_state(PENDING))),
        Some(VerificationFilter::Approved) => {
            wanted.filter(exists(in_state(APPROVED).filter(verifications::valid_until.gt(now))))
        }
        // An array, so that they are always looked up by their index: beside all people they are few.
        Some(VerificationFilter::Expired) => wanted.filter(sql::<Bool>(
            "people.id = ANY(ARRAY(SELECT v.contractor_id FROM identity.verifications v
             WHERE v.state = 'APPROVED' AND v.valid_until <= app.clock()))",
        )),
        Some(VerificationFilter::Rejected) => wanted
            .filter(exists(in_state(REJECTED)))
            .filter(not(exists(in_state(PENDING))))
            .filter(not(exists(in_state(APPROVED)))),
    }
}

fn from_on(after: Option<Position<AccountKey>>, wanted: Rows<'_>) -> Rows<'_> {
    match after.map(|after| (after.key, after.id)) {
        None => wanted,
        Some((AccountKey::Newest(created_at), id)) => wanted.filter(
            sql::<Bool>("(people.created_at, people.id) < (")
                .bind::<Timestamptz, _>(created_at)
                .sql(", ")
                .bind::<SqlUuid, _>(id)
                .sql(")"),
        ),
        Some((AccountKey::Name(name_key), id)) => wanted.filter(
            sql::<Bool>("(people.name_key, people.id) > (")
                .bind::<Text, _>(name_key)
                .sql(", ")
                .bind::<SqlUuid, _>(id)
                .sql(")"),
        ),
    }
}

/// Adds to each person what is kept elsewhere: a statement for each kind of thing, whatever the number of people.
fn complete(conn: &mut PgConnection, rows: Vec<(PersonRow, String)>) -> Result<Vec<Account>, Error> {
    let people = rows
        .into_iter()
        .map(|(row, name_key)| Ok((Person::try_from(row)?, name_key)))
        .collect::<Result<Vec<_>, Error>>()?;
    let ids: Vec<PersonId> = people.iter().map(|(person, _)| person.id).collect();
    let contractors: Vec<Uuid> = people
        .iter()
        .filter(|(person, _)| person.role == Role::Contractor)
        .map(|(person, _)| person.id.uuid())
        .collect();
    let mut standings = standings(conn, &contractors)?;
    let mut suspended = open_suspensions(conn, &ids)?;
    let suspensions = suspension_counts(conn, &ids)?;
    let live = live_session_counts(conn, &ids)?;
    let signed_in = newest_sign_ins(conn, &ids)?;
    Ok(people
        .into_iter()
        .map(|(person, name_key)| {
            let id = person.id;
            let standing = (person.role == Role::Contractor).then(|| standings.remove(&id.uuid()));
            let (standing, verifications) = match standing {
                Some(found) => {
                    let (standing, count) = found.unwrap_or_default();
                    let may_bid = standing.may_bid && person.suspended_at.is_none();
                    (Some(Standing { may_bid, ..standing }), count)
                }
                None => (None, 0),
            };
            Account {
                verification: standing,
                suspension: suspended.remove(&id),
                suspensions: suspensions.get(&id).copied().unwrap_or_default(),
                live_sessions: live.get(&id).copied().unwrap_or_default(),
                verifications,
                signed_in_at: signed_in.get(&id).copied().flatten(),
                name_key,
                person,
            }
        })
        .collect())
}

/// How these contractors stand, and how many verifications each has handed in. Whether the person is suspended is not looked at.
fn standings(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, (Standing, i64)>, Error> {
    let mut found: HashMap<Uuid, (Standing, i64)> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let counts: Vec<(PartyId, i64)> = verifications::table
        .filter(verifications::contractor_id.eq_any(ids))
        .group_by(verifications::contractor_id)
        .select((verifications::contractor_id, count_star()))
        .load(conn)?;
    for (id, count) in counts {
        found.entry(id.uuid()).or_default().1 = count;
    }
    let newest: Vec<(PartyId, String)> = verifications::table
        .filter(verifications::contractor_id.eq_any(ids))
        .distinct_on(verifications::contractor_id)
        .order((verifications::contractor_id, verifications::submitted_at.desc(), verifications::id.desc()))
        .select((verifications::contractor_id, verifications::state))
        .load(conn)?;
    for (id, text) in newest {
        found.entry(id.uuid()).or_default().0.newest = Some(verification_state(&text)?);
    }
    let current: Vec<(PartyId, String, Option<Instant>, Option<bool>)> = verifications::table
        .filter(verifications::contractor_id.eq_any(ids))
        .filter(
            verifications::state
                .eq_any([VerificationState::Pending.as_str(), VerificationState::Approved.as_str()]),
        )
        .select((
            verifications::contractor_id,
            verifications::state,
            verifications::valid_until,
            verifications::valid_until.gt(super::app_clock().nullable()),
        ))
        .load(conn)?;
    for (id, text, valid_until, holds) in current {
        let standing = &mut found.entry(id.uuid()).or_default().0;
        if verification_state(&text)? == VerificationState::Pending {
            standing.pending = true;
        } else {
            (standing.valid_until, standing.may_bid) = (valid_until, holds.unwrap_or_default());
        }
    }
    Ok(found)
}

fn verification_state(text: &str) -> Result<VerificationState, Error> {
    VerificationState::parse(text).ok_or_else(|| super::unknown("verification state", text))
}

fn suspension_counts(conn: &mut PgConnection, ids: &[PersonId]) -> Result<HashMap<PersonId, i64>, Error> {
    let rows: Vec<(PersonId, i64)> = suspensions::table
        .filter(suspensions::person_id.eq_any(ids))
        .group_by(suspensions::person_id)
        .select((suspensions::person_id, count_star()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

fn live_session_counts(conn: &mut PgConnection, ids: &[PersonId]) -> Result<HashMap<PersonId, i64>, Error> {
    let rows: Vec<(PersonId, i64)> = sessions::table
        .filter(sessions::person_id.eq_any(ids))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(super::app_clock()))
        .group_by(sessions::person_id)
        .select((sessions::person_id, count_star()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

fn newest_sign_ins(
    conn: &mut PgConnection,
    ids: &[PersonId],
) -> Result<HashMap<PersonId, Option<Instant>>, Error> {
    let rows: Vec<(PersonId, Option<Instant>)> = known_addresses::table
        .filter(known_addresses::person_id.eq_any(ids))
        .group_by(known_addresses::person_id)
        .select((known_addresses::person_id, max(known_addresses::signed_in_at)))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

fn open_suspensions(
    conn: &mut PgConnection,
    ids: &[PersonId],
) -> Result<HashMap<PersonId, Suspension>, Error> {
    type Columns = (SuspensionId, PersonId, Instant, Option<PersonId>, Option<String>);
    let rows: Vec<Columns> = suspensions::table
        .filter(suspensions::person_id.eq_any(ids))
        .filter(suspensions::reinstated_at.is_null())
        .select((
            suspensions::id,
            suspensions::person_id,
            suspensions::suspended_at,
            suspensions::suspended_by,
            suspensions::reason,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, person, suspended_at, suspended_by, reason)| {
            (person, Suspension { id, suspended_at, suspended_by, reason })
        })
        .collect())
}

/// How many people there are of each role and state; what is not there is none.
pub(crate) fn count_people(conn: &mut PgConnection) -> Result<HashMap<(Role, AccountState), i64>, Error> {
    let rows: Vec<(String, i64, i64, i64)> = people::table
        .group_by(people::role)
        .select((people::role, count_star(), count(people::suspended_at), count(people::erased_at)))
        .load(conn)?;
    let mut counted = HashMap::new();
    for (role, all, suspended, erased) in rows {
        let role = super::role(&role)?;
        counted.insert((role, AccountState::Suspended), suspended);
        counted.insert((role, AccountState::Erased), erased);
        counted.insert((role, AccountState::Active), all - suspended - erased);
    }
    Ok(counted)
}

/// How many verifications wait, and since when the first of them does.
pub(crate) fn count_waiting(conn: &mut PgConnection) -> Result<(i64, Option<Instant>), Error> {
    Ok(verifications::table
        .filter(sql::<Bool>(PENDING))
        .select((count_star(), min(verifications::submitted_at)))
        .get_result(conn)?)
}

/// How many sessions live, as [`super::live_sessions`] has it.
pub(crate) fn count_live_sessions(conn: &mut PgConnection) -> Result<i64, Error> {
    Ok(sessions::table
        .inner_join(people::table.on(people::id.eq(sessions::person_id)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(super::app_clock()))
        .filter(people::suspended_at.is_null())
        .count()
        .get_result(conn)?)
}

/// Every administrator and whether it is active, kept from changing until the transaction ends: always in the same order, so that two
/// who suspend each other do not wait for each other.
pub(crate) fn lock_administrators(conn: &mut PgConnection) -> Result<Vec<(PersonId, bool)>, Error> {
    let rows: Vec<(PersonId, Option<Instant>)> = people::table
        .filter(people::role.eq(Role::Admin.as_str()))
        .filter(people::erased_at.is_null())
        .order(people::id)
        .select((people::id, people::suspended_at))
        .for_no_key_update()
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, suspended_at)| (id, suspended_at.is_none())).collect())
}

/// Suspends a person that is not, and keeps when, by whom and why; false when it is already.
pub(crate) fn suspend(
    conn: &mut PgConnection,
    id: SuspensionId,
    person: PersonId,
    by: Option<PersonId>,
    reason: &str,
    now: Instant,
) -> Result<bool, Error> {
    let suspended = diesel::update(people::table.find(person).filter(people::suspended_at.is_null()))
        .set(people::suspended_at.eq(now))
        .execute(conn)?;
    if suspended == 0 {
        return Ok(false);
    }
    diesel::insert_into(suspensions::table)
        .values((
            suspensions::id.eq(id),
            suspensions::person_id.eq(person),
            suspensions::suspended_at.eq(now),
            suspensions::suspended_by.eq(by),
            suspensions::reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(true)
}

/// Takes a suspension back, and keeps when, by whom and why; false when there is none.
pub(crate) fn reinstate(
    conn: &mut PgConnection,
    person: PersonId,
    by: Option<PersonId>,
    reason: &str,
    now: Instant,
) -> Result<bool, Error> {
    let reinstated = diesel::update(people::table.find(person).filter(people::suspended_at.is_not_null()))
        .set(people::suspended_at.eq(None::<Instant>))
        .execute(conn)?;
    let open = suspensions::table
        .filter(suspensions::person_id.eq(person))
        .filter(suspensions::reinstated_at.is_null());
    diesel::update(open)
        .set((
            suspensions::reinstated_at.eq(now),
            suspensions::reinstated_by.eq(by),
            suspensions::reinstate_reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(reinstated > 0)
}
