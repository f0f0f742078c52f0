//! Identities at providers, sign-ins under way to them, and the tickets that come of these.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PersonId};
use uuid::Uuid;

use crate::schema::{external_identities, oauth_attempts, oauth_tickets};

/// How many stale rows each new one sweeps away.
const SWEEP_ROWS: i64 = 20;

/// An identity that belongs to somebody.
#[derive(Queryable)]
pub(crate) struct ExternalIdentityRow {
    pub(crate) person: PersonId,
    pub(crate) provider: String,
    pub(crate) linked_at: Instant,
}

pub(crate) fn find_external_identity(
    conn: &mut PgConnection,
    issuer: &str,
    subject: &str,
) -> Result<Option<ExternalIdentityRow>, Error> {
    Ok(external_identities::table
        .filter(external_identities::issuer.eq(issuer).and(external_identities::subject.eq(subject)))
        .select((
            external_identities::person_id,
            external_identities::provider,
            external_identities::linked_at,
        ))
        .first(conn)
        .optional()?)
}

/// The providers at which somebody signs in, with since when, the first one first.
pub(crate) fn list_external_identities(
    conn: &mut PgConnection,
    person: PersonId,
    most: i64,
) -> Result<Vec<(String, Instant)>, Error> {
    Ok(external_identities::table
        .filter(external_identities::person_id.eq(person))
        .order((external_identities::linked_at, external_identities::id))
        .limit(most)
        .select((external_identities::provider, external_identities::linked_at))
        .load(conn)?)
}

pub(crate) fn count_external_identities(conn: &mut PgConnection, person: PersonId) -> Result<i64, Error> {
    Ok(external_identities::table
        .filter(external_identities::person_id.eq(person))
        .count()
        .get_result(conn)?)
}

/// An identity to be somebody's.
#[derive(Insertable)]
#[diesel(table_name = external_identities)]
pub(crate) struct NewExternalIdentity<'a> {
    pub(crate) id: Uuid,
    pub(crate) person_id: PersonId,
    pub(crate) provider: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) linked_at: Instant,
}

pub(crate) fn insert_external_identity(
    conn: &mut PgConnection,
    new: &NewExternalIdentity<'_>,
) -> Result<(), Error> {
    diesel::insert_into(external_identities::table).values(new).execute(conn)?;
    Ok(())
}

/// Takes every identity of somebody's away; how many that were.
pub(crate) fn delete_external_identities(conn: &mut PgConnection, person: PersonId) -> Result<usize, Error> {
    let theirs = external_identities::table.filter(external_identities::person_id.eq(person));
    Ok(diesel::delete(theirs).execute(conn)?)
}

/// A sign-in that is being sent to a provider.
#[derive(Insertable)]
#[diesel(table_name = oauth_attempts)]
pub(crate) struct NewOauthAttempt<'a> {
    pub(crate) id: Uuid,
    pub(crate) state_hash: &'a [u8],
    pub(crate) browser_hash: &'a [u8],
    pub(crate) provider: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) role: Option<&'a str>,
    pub(crate) code_challenge: Option<&'a [u8]>,
    pub(crate) created_at: Instant,
    pub(crate) expires_at: Instant,
}

/// Stores it, and sweeps some away that expired before `stale`.
pub(crate) fn insert_oauth_attempt(
    conn: &mut PgConnection,
    new: &NewOauthAttempt<'_>,
    stale: Instant,
) -> Result<(), Error> {
    let swept: Vec<Uuid> = oauth_attempts::table
        .filter(oauth_attempts::expires_at.lt(stale))
        .order(oauth_attempts::expires_at)
        .limit(SWEEP_ROWS)
        .for_update()
        .skip_locked()
        .select(oauth_attempts::id)
        .load(conn)?;
    if !swept.is_empty() {
        diesel::delete(oauth_attempts::table.filter(oauth_attempts::id.eq_any(swept))).execute(conn)?;
    }
    diesel::insert_into(oauth_attempts::table).values(new).execute(conn)?;
    Ok(())
}

/// A sign-in that was sent to a provider.
#[derive(Queryable)]
pub(crate) struct OauthAttemptRow {
    pub(crate) id: Uuid,
    pub(crate) redirect_uri: String,
    pub(crate) role: Option<String>,
    pub(crate) code_challenge: Option<Vec<u8>>,
    pub(crate) expires_at: Instant,
}

/// Uses a sign-in up, if it is the one of this state and browser and was not used; expired or not.
pub(crate) fn use_oauth_attempt(
    conn: &mut PgConnection,
    provider: &str,
    state_hash: &[u8],
    browser_hash: &[u8],
    now: Instant,
) -> Result<Option<OauthAttemptRow>, Error> {
    let unused = oauth_attempts::table
        .filter(oauth_attempts::state_hash.eq(state_hash))
        .filter(oauth_attempts::browser_hash.eq(browser_hash))
        .filter(oauth_attempts::provider.eq(provider))
        .filter(oauth_attempts::used_at.is_null());
    Ok(diesel::update(unused)
        .set(oauth_attempts::used_at.eq(now))
        .returning((
            oauth_attempts::id,
            oauth_attempts::redirect_uri,
            oauth_attempts::role,
            oauth_attempts::code_challenge,
            oauth_attempts::expires_at,
        ))
        .get_result(conn)
        .optional()?)
}

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TicketKind {
    /// Signs in, or joins.
    Code,
    /// Joins only.
    Link,
}

impl TicketKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "CODE",
            Self::Link => "LINK",
        }
    }
}

/// A ticket to be handed out.
pub(crate) struct NewOauthTicket<'a> {
    pub(crate) id: Uuid,
    pub(crate) kind: TicketKind,
    pub(crate) token_hash: &'a [u8],
    pub(crate) sealed_identity: &'a [u8],
    pub(crate) code_challenge: Option<&'a [u8]>,
    pub(crate) created_at: Instant,
    pub(crate) expires_at: Instant,
}

/// Stores it, and sweeps some away that expired before now.
pub(crate) fn insert_oauth_ticket(conn: &mut PgConnection, new: &NewOauthTicket<'_>) -> Result<(), Error> {
    let swept: Vec<Uuid> = oauth_tickets::table
        .filter(oauth_tickets::expires_at.lt(new.created_at))
        .order(oauth_tickets::expires_at)
        .limit(SWEEP_ROWS)
        .for_update()
        .skip_locked()
        .select(oauth_tickets::id)
        .load(conn)?;
    if !swept.is_empty() {
        diesel::delete(oauth_tickets::table.filter(oauth_tickets::id.eq_any(swept))).execute(conn)?;
    }
    diesel::insert_into(oauth_tickets::table)
        .values((
            oauth_tickets::id.eq(new.id),
            oauth_tickets::kind.eq(new.kind.as_str()),
            oauth_tickets::token_hash.eq(new.token_hash),
            oauth_tickets::sealed_identity.eq(new.sealed_identity),
            oauth_tickets::code_challenge.eq(new.code_challenge),
            oauth_tickets::created_at.eq(new.created_at),
            oauth_tickets::expires_at.eq(new.expires_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// What a ticket stood for.
#[derive(Queryable)]
pub(crate) struct OauthTicketRow {
    pub(crate) id: Uuid,
    pub(crate) sealed_identity: Vec<u8>,
    pub(crate) code_challenge: Option<Vec<u8>>,
}

/// Uses a ticket up, if it is good now and of one of these kinds; what it says can be read from nowhere afterwards.
pub(crate) fn use_oauth_ticket(
    conn: &mut PgConnection,
    kinds: &[TicketKind],
    token_hash: &[u8],
    now: Instant,
) -> Result<Option<OauthTicketRow>, Error> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let good = oauth_tickets::table
        .filter(oauth_tickets::token_hash.eq(token_hash))
        .filter(oauth_tickets::kind.eq_any(kinds))
        .filter(oauth_tickets::used_at.is_null())
        .filter(oauth_tickets::expires_at.gt(now));
    Ok(diesel::update(good)
        .set(oauth_tickets::used_at.eq(now))
        .returning((oauth_tickets::id, oauth_tickets::sealed_identity, oauth_tickets::code_challenge))
        .get_result(conn)
        .optional()?)
}
