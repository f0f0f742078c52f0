//! What this crate keeps about one person, as JSON in the names of the API: no hashes, no tokens, nothing sealed.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PersonId, SessionId};
use serde_json::{Value, json};

use crate::model::ExportId;
use crate::schema::{
    email_changes, exports, external_identities, known_addresses, link_tokens, mail_requests, sessions,
    suspensions,
};

/// The newest rows of each kind.
const ROWS_MAX: i64 = 1_000;

pub(crate) fn held_identities(conn: &mut PgConnection, id: PersonId) -> Result<Vec<Value>, Error> {
    let rows: Vec<(String, String, String, Instant)> = external_identities::table
        .filter(external_identities::person_id.eq(id))
        .order(external_identities::linked_at.desc())
        .limit(ROWS_MAX)
        .select((
            external_identities::provider,
            external_identities::issuer,
            external_identities::subject,
            external_identities::linked_at,
        ))
        .load(conn)?;
    let one = |(provider, issuer, subject, linked_at)| json!({ "provider": provider, "issuer": issuer, "subject": subject, "linkedAt": linked_at });
    Ok(rows.into_iter().map(one).collect())
}

/// Those that have ended too, as long as they are kept.
pub(crate) fn held_sessions(conn: &mut PgConnection, id: PersonId) -> Result<Vec<Value>, Error> {
    type Columns = (
        (SessionId, Option<String>, Option<String>),
        (Instant, Instant, Instant),
        (Option<Instant>, Option<String>),
    );
    let rows: Vec<Columns> = sessions::table
        .filter(sessions::person_id.eq(id))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(ROWS_MAX)
        .select((
            (sessions::id, sessions::device, sessions::network),
            (sessions::created_at, sessions::last_used_at, sessions::expires_at),
            (sessions::ended_at, sessions::end_reason),
        ))
        .load(conn)?;
    let one =
        |((id, device, network), (created_at, last_used_at, expires_at), (ended_at, end_reason)): Columns| {
            json!({
                "id": id, "device": device, "network": network, "createdAt": created_at, "lastUsedAt": last_used_at,
                "expiresAt": expires_at, "endedAt": ended_at, "endReason": end_reason,
            })
        };
    Ok(rows.into_iter().map(one).collect())
}

/// When the person signed in from networks that are known again; which they are is kept as keyed hashes only.
pub(crate) fn held_networks(conn: &mut PgConnection, id: PersonId) -> Result<Vec<Value>, Error> {
    let rows: Vec<Instant> = known_addresses::table
        .filter(known_addresses::person_id.eq(id))
        .order(known_addresses::signed_in_at.desc())
        .limit(ROWS_MAX)
        .select(known_addresses::signed_in_at)
        .load(conn)?;
    Ok(rows.into_iter().map(|at| json!({ "signedInAt": at })).collect())
}

/// Mails with links: those that were sent, and those that somebody asked for.
pub(crate) fn held_mails(conn: &mut PgConnection, id: PersonId) -> Result<Value, Error> {
    type Link = (String, String, Instant, Instant, Option<Instant>);
    let links: Vec<Link> = link_tokens::table
        .filter(link_tokens::person_id.eq(id))
        .order(link_tokens::created_at.desc())
        .limit(ROWS_MAX)
        .select((
            link_tokens::purpose,
            link_tokens::email_canonical,
            link_tokens::created_at,
            link_tokens::expires_at,
            link_tokens::used_at,
        ))
        .load(conn)?;
    let asked: Vec<(String, Instant, Option<Instant>)> = mail_requests::table
        .filter(mail_requests::person_id.eq(id))
        .order(mail_requests::requested_at.desc())
        .limit(ROWS_MAX)
        .select((mail_requests::purpose, mail_requests::requested_at, mail_requests::answered_at))
        .load(conn)?;
    let link = |(purpose, email, sent_at, expires_at, used_at): Link| json!({ "purpose": purpose, "email": email, "sentAt": sent_at, "expiresAt": expires_at, "usedAt": used_at });
    let ask = |(purpose, requested_at, answered_at)| json!({ "purpose": purpose, "requestedAt": requested_at, "answeredAt": answered_at });
    Ok(json!({
        "links": links.into_iter().map(link).collect::<Vec<_>>(),
        "requests": asked.into_iter().map(ask).collect::<Vec<_>>(),
    }))
}

/// Another address that the person wished for last, granted or not, and the one that it had then.
pub(crate) fn held_email_change(conn: &mut PgConnection, id: PersonId) -> Result<Option<Value>, Error> {
    let row: Option<(String, String, Instant, Option<Instant>)> = email_changes::table
        .find(id)
        .select((
            email_changes::email,
            email_changes::former_email,
            email_changes::requested_at,
            email_changes::completed_at,
        ))
        .first(conn)
        .optional()?;
    let one = |(email, former, requested_at, completed_at)| json!({ "email": email, "formerEmail": former, "requestedAt": requested_at, "completedAt": completed_at });
    Ok(row.map(one))
}

/// Since when and until when. The reasons are for administrators, and are told to nobody else over the API either.
pub(crate) fn held_suspensions(conn: &mut PgConnection, id: PersonId) -> Result<Vec<Value>, Error> {
    let rows: Vec<(Instant, Option<Instant>)> = suspensions::table
        .filter(suspensions::person_id.eq(id))
        .order(suspensions::suspended_at.desc())
        .limit(ROWS_MAX)
        .select((suspensions::suspended_at, suspensions::reinstated_at))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(since, until)| json!({ "suspendedAt": since, "reinstatedAt": until }))
        .collect())
}

pub(crate) fn held_exports(conn: &mut PgConnection, id: PersonId) -> Result<Vec<Value>, Error> {
    type Columns = (ExportId, String, Instant, Option<Instant>, Option<Instant>);
    let rows: Vec<Columns> = exports::table
        .filter(exports::person_id.eq(id))
        .order(exports::requested_at.desc())
        .limit(ROWS_MAX)
        .select((
            exports::id,
            exports::state,
            exports::requested_at,
            exports::finished_at,
            exports::expires_at,
        ))
        .load(conn)?;
    let one = |(id, status, requested_at, finished_at, expires_at): Columns| {
        json!({
            "id": id, "status": status, "requestedAt": requested_at, "finishedAt": finished_at, "expiresAt": expires_at,
        })
    };
    Ok(rows.into_iter().map(one).collect())
}
