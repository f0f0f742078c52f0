//! Addresses that people want to have and have not proved yet.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PersonId};

use super::people::PersonRow;
use crate::keys::LinkTokenId;
use crate::model::{Email, Person};
use crate::schema::{email_changes, people};

/// A wish for another address, with the address it is to replace.
pub(crate) struct NewEmailChange<'a> {
    pub(crate) person: &'a Person,
    pub(crate) email: &'a Email,
    pub(crate) link: LinkTokenId,
    pub(crate) now: Instant,
}

/// Notes the wish in the place of an earlier one.
pub(crate) fn replace_email_change(conn: &mut PgConnection, new: &NewEmailChange<'_>) -> Result<(), Error> {
    let values = (
        email_changes::link_token_id.eq(new.link),
        email_changes::email.eq(new.email.as_str()),
        email_changes::email_canonical.eq(new.email.canonical()),
        email_changes::former_email.eq(&new.person.email),
        email_changes::former_verified.eq(new.person.email_verified_at.is_some()),
        email_changes::requested_at.eq(new.now),
        email_changes::completed_at.eq(None::<Instant>),
    );
    diesel::insert_into(email_changes::table)
        .values((email_changes::person_id.eq(new.person.id), values))
        .on_conflict(email_changes::person_id)
        .do_update()
        .set(values)
        .execute(conn)?;
    Ok(())
}

/// Forgets the wish; whether there was one.
pub(crate) fn cancel_email_change(conn: &mut PgConnection, person: PersonId) -> Result<bool, Error> {
    let waiting = email_changes::table.find(person).filter(email_changes::completed_at.is_null());
    Ok(diesel::delete(waiting).execute(conn)? > 0)
}

/// The address that the person wants and has not proved.
pub(crate) fn find_pending_email(conn: &mut PgConnection, person: PersonId) -> Result<Option<String>, Error> {
    Ok(email_changes::table
        .find(person)
        .filter(email_changes::completed_at.is_null())
        .select(email_changes::email)
        .first(conn)
        .optional()?)
}

/// The wish that a link stands for, granted or not.
#[derive(Queryable)]
pub(crate) struct EmailChange {
    pub(crate) email: String,
    pub(crate) former_email: String,
    pub(crate) former_verified: bool,
    pub(crate) completed_at: Option<Instant>,
}

pub(crate) fn find_email_change(
    conn: &mut PgConnection,
    person: PersonId,
    link: LinkTokenId,
) -> Result<Option<EmailChange>, Error> {
    Ok(email_changes::table
        .find(person)
        .filter(email_changes::link_token_id.eq(link))
        .select((
            email_changes::email,
            email_changes::former_email,
            email_changes::former_verified,
            email_changes::completed_at,
        ))
        .first(conn)
        .optional()?)
}

/// Marks the wish for this address as granted: the address as it was written, and the link that stood for it. None when the person wants
/// another one by now, or none.
pub(crate) fn complete_email_change(
    conn: &mut PgConnection,
    person: PersonId,
    email_canonical: &str,
    now: Instant,
) -> Result<Option<(String, LinkTokenId)>, Error> {
    let wanted = email_changes::table
        .find(person)
        .filter(email_changes::email_canonical.eq(email_canonical))
        .filter(email_changes::completed_at.is_null());
    Ok(diesel::update(wanted)
        .set(email_changes::completed_at.eq(now))
        .returning((email_changes::email, email_changes::link_token_id))
        .get_result(conn)
        .optional()?)
}

/// Gives a person another address, proved.
pub(crate) fn replace_email(
    conn: &mut PgConnection,
    person: PersonId,
    email: &str,
    email_canonical: &str,
    now: Instant,
) -> Result<Person, Error> {
    diesel::update(people::table.find(person))
        .set((
            people::email.eq(email),
            people::email_canonical.eq(email_canonical),
            people::email_verified_at.eq(now),
            people::version.eq(people::version + 1),
            people::updated_at.eq(now),
        ))
        .returning(PersonRow::as_returning())
        .get_result(conn)?
        .try_into()
}
