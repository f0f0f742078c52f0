//! Links in mails, and who asked for them: for counting, and for answering afterwards.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PersonId};

use super::unknown;
use crate::keys::{LinkPurpose, LinkTokenId};
use crate::model::MailRequestId;
use crate::schema::{link_tokens, mail_requests};

/// How many stale rows each new one sweeps away.
const SWEEP_ROWS: i64 = 20;

/// A link to be mailed.
#[derive(Insertable)]
#[diesel(table_name = link_tokens)]
pub(crate) struct NewLinkToken<'a> {
    pub(crate) id: LinkTokenId,
    pub(crate) person_id: PersonId,
    pub(crate) purpose: &'a str,
    pub(crate) token_hash: &'a [u8],
    pub(crate) email_canonical: &'a str,
    pub(crate) created_at: Instant,
    pub(crate) expires_at: Instant,
}

pub(crate) fn insert_link_token(conn: &mut PgConnection, new: &NewLinkToken<'_>) -> Result<(), Error> {
    diesel::insert_into(link_tokens::table).values(new).execute(conn)?;
    Ok(())
}

/// Uses a link up, if it is good now; whose it was and the address it proves.
pub(crate) fn use_link_token(
    conn: &mut PgConnection,
    purpose: &str,
    hash: &[u8],
    now: Instant,
) -> Result<Option<(PersonId, String)>, Error> {
    let good = link_tokens::table
        .filter(link_tokens::token_hash.eq(hash))
        .filter(link_tokens::purpose.eq(purpose))
        .filter(link_tokens::used_at.is_null())
        .filter(link_tokens::expires_at.gt(now));
    Ok(diesel::update(good)
        .set(link_tokens::used_at.eq(now))
        .returning((link_tokens::person_id, link_tokens::email_canonical))
        .get_result(conn)
        .optional()?)
}

/// Whose link this is, if it is good now.
pub(crate) fn find_link_holder(
    conn: &mut PgConnection,
    purpose: &str,
    hash: &[u8],
    now: Instant,
) -> Result<Option<PersonId>, Error> {
    Ok(link_tokens::table
        .filter(link_tokens::token_hash.eq(hash))
        .filter(link_tokens::purpose.eq(purpose))
        .filter(link_tokens::used_at.is_null())
        .filter(link_tokens::expires_at.gt(now))
        .select(link_tokens::person_id)
        .first(conn)
        .optional()?)
}

/// When links of one purpose were sent to a person since an instant, newest first.
pub(crate) fn newest_links(
    conn: &mut PgConnection,
    person: PersonId,
    purpose: &str,
    since: Instant,
    most: i64,
) -> Result<Vec<Instant>, Error> {
    Ok(link_tokens::table
        .filter(link_tokens::person_id.eq(person).and(link_tokens::purpose.eq(purpose)))
        .filter(link_tokens::created_at.gt(since))
        .order(link_tokens::created_at.desc())
        .limit(most)
        .select(link_tokens::created_at)
        .load(conn)?)
}

/// Uses up all of a person's links of one purpose.
pub(crate) fn use_up_links(
    conn: &mut PgConnection,
    person: PersonId,
    purpose: &str,
    now: Instant,
) -> Result<(), Error> {
    diesel::update(link_tokens::table)
        .filter(link_tokens::person_id.eq(person).and(link_tokens::purpose.eq(purpose)))
        .filter(link_tokens::used_at.is_null())
        .set(link_tokens::used_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// A mail that was asked for.
#[derive(Insertable)]
// An unknown address is said to be NULL and not left out: one statement for all.
#[diesel(table_name = mail_requests, treat_none_as_default_value = false)]
pub(crate) struct NewMailRequest<'a> {
    pub(crate) id: MailRequestId,
    pub(crate) purpose: &'a str,
    pub(crate) person_id: Option<PersonId>,
    pub(crate) account_key: &'a [u8],
    pub(crate) address_key: &'a [u8],
    pub(crate) requested_at: Instant,
}

pub(crate) fn insert_mail_request(conn: &mut PgConnection, new: &NewMailRequest<'_>) -> Result<(), Error> {
    diesel::insert_into(mail_requests::table).values(new).execute(conn)?;
    Ok(())
}

/// When mails for one account were asked for since an instant, newest first.
pub(crate) fn newest_requests_for(
    conn: &mut PgConnection,
    account: &[u8],
    purpose: LinkPurpose,
    since: Instant,
    most: i64,
) -> Result<Vec<Instant>, Error> {
    Ok(mail_requests::table
        .filter(mail_requests::account_key.eq(account).and(mail_requests::purpose.eq(purpose.as_str())))
        .filter(mail_requests::requested_at.gt(since))
        .order(mail_requests::requested_at.desc())
        .limit(most)
        .select(mail_requests::requested_at)
        .load(conn)?)
}

/// When mails were asked for from one network address since an instant, newest first.
pub(crate) fn newest_requests_from(
    conn: &mut PgConnection,
    address: &[u8],
    since: Instant,
    most: i64,
) -> Result<Vec<Instant>, Error> {
    Ok(mail_requests::table
        .filter(mail_requests::address_key.eq(address).and(mail_requests::requested_at.gt(since)))
        .order(mail_requests::requested_at.desc())
        .limit(most)
        .select(mail_requests::requested_at)
        .load(conn)?)
}

/// Takes a request for answering, unless it was answered: what it is for, and whose the address was.
pub(crate) fn take_mail_request(
    conn: &mut PgConnection,
    id: MailRequestId,
    now: Instant,
) -> Result<Option<(LinkPurpose, Option<PersonId>)>, Error> {
    let waiting = mail_requests::table.find(id).filter(mail_requests::answered_at.is_null());
    let taken: Option<(String, Option<PersonId>)> = diesel::update(waiting)
        .set(mail_requests::answered_at.eq(now))
        .returning((mail_requests::purpose, mail_requests::person_id))
        .get_result(conn)
        .optional()?;
    taken
        .map(|(word, person)| {
            let purpose = LinkPurpose::parse(&word).ok_or_else(|| unknown("link purpose", &word))?;
            Ok((purpose, person))
        })
        .transpose()
}

/// Forgets some requests from before `before`.
pub(crate) fn sweep_mail_requests(conn: &mut PgConnection, before: Instant) -> Result<(), Error> {
    let stale: Vec<MailRequestId> = mail_requests::table
        .filter(mail_requests::requested_at.lt(before))
        .filter(mail_requests::answered_at.is_not_null())
        .order(mail_requests::requested_at)
        .limit(SWEEP_ROWS)
        .for_update()
        .skip_locked()
        .select(mail_requests::id)
        .load(conn)?;
    if !stale.is_empty() {
        diesel::delete(mail_requests::table.filter(mail_requests::id.eq_any(stale))).execute(conn)?;
    }
    Ok(())
}
