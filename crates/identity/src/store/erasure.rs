//! What is left of somebody who was erased: an id, a role, and when what happened.

use database::{Error, PgConnection};
use diesel::prelude::*;
use files::FileId;
use kernel::{Instant, PartyId, PersonId};

use super::people::PersonRow;
use crate::model::{Person, VerificationId};
use crate::schema::{
    contractor_profiles, credentials, email_changes, external_identities, known_addresses, link_tokens,
    mail_requests, people, second_factors, sessions, sign_in_challenges, suspensions, verification_documents,
    verifications,
};

/// What stands where the reason of a rejection stood.
const ERASED: &str = "erased";

/// Whoever is to be erased, alone: everything that a person does holds its row in share ([`remain`]), so that nothing of theirs is under
/// way any more when this has it.
pub(crate) fn lock_leaving(conn: &mut PgConnection, id: PersonId) -> Result<Option<Person>, Error> {
    people::table
        .find(id)
        .filter(people::erased_at.is_null())
        .select(PersonRow::as_select())
        .for_update()
        .first(conn)
        .optional()?
        .map(Person::try_from)
        .transpose()
}

/// Whether the person is there; until the transaction ends it is not erased.
pub(crate) fn remain(conn: &mut PgConnection, id: PersonId) -> Result<bool, Error> {
    let there: Option<PersonId> = people::table
        .find(id)
        .filter(people::erased_at.is_null())
        .select(people::id)
        .for_key_share()
        .first(conn)
        .optional()?;
    Ok(there.is_some())
}

/// Takes everything off an account by which its person could be told or sign in. Postgres refuses one that has anything left.
pub(crate) fn empty_account(conn: &mut PgConnection, id: PersonId, now: Instant) -> Result<(), Error> {
    let nobody = format!("erased:{}", id.uuid());
    diesel::update(people::table.find(id))
        .set((
            (people::email.eq(&nobody), people::email_canonical.eq(&nobody)),
            people::email_verified_at.eq(None::<Instant>),
            (people::password_hash.eq(None::<String>), people::pepper_id.eq(None::<String>)),
            people::password_set_at.eq(now),
            people::second_factor_at.eq(None::<Instant>),
            (people::full_name.eq(None::<String>), people::phone.eq(None::<String>)),
            people::time_zone.eq("UTC"),
            (people::latitude.eq(None::<f64>), people::longitude.eq(None::<f64>)),
            people::erased_at.eq(now),
            (people::version.eq(people::version + 1), people::updated_at.eq(now)),
        ))
        .execute(conn)?;
    diesel::delete(contractor_profiles::table.find(id)).execute(conn)?;
    Ok(())
}

/// Removes every way in: sessions with their tokens, links in mails, another address that was wished for, second factors, identities at providers.
pub(crate) fn remove_ways_in(conn: &mut PgConnection, id: PersonId) -> Result<(), Error> {
    diesel::delete(sessions::table.filter(sessions::person_id.eq(id))).execute(conn)?;
    diesel::delete(sign_in_challenges::table.filter(sign_in_challenges::person_id.eq(id))).execute(conn)?;
    diesel::delete(second_factors::table.find(id)).execute(conn)?;
    diesel::delete(external_identities::table.filter(external_identities::person_id.eq(id))).execute(conn)?;
    diesel::delete(known_addresses::table.filter(known_addresses::person_id.eq(id))).execute(conn)?;
    diesel::delete(link_tokens::table.filter(link_tokens::person_id.eq(id))).execute(conn)?;
    diesel::delete(email_changes::table.find(id)).execute(conn)?;
    diesel::delete(mail_requests::table.filter(mail_requests::person_id.eq(id))).execute(conn)?;
    Ok(())
}

/// Blanks what administrators wrote about the person; that and when they decided stays.
pub(crate) fn blank_judgements(conn: &mut PgConnection, id: PersonId) -> Result<(), Error> {
    diesel::update(suspensions::table.filter(suspensions::person_id.eq(id)))
        .set((suspensions::reason.eq(None::<String>), suspensions::reinstate_reason.eq(None::<String>)))
        .execute(conn)?;
    let theirs = verifications::table.filter(verifications::contractor_id.eq(PartyId::from(id)));
    diesel::update(theirs.filter(verifications::note.is_not_null()))
        .set(verifications::note.eq(None::<String>))
        .execute(conn)?;
    diesel::update(theirs.filter(verifications::reason.is_not_null()))
        .set(verifications::reason.eq(ERASED))
        .execute(conn)?;
    Ok(())
}

/// Blanks the person's licences and insurances, and lets go of the documents beside them, whose files are to be removed.
pub(crate) fn blank_credentials(conn: &mut PgConnection, id: PersonId) -> Result<Vec<FileId>, Error> {
    let theirs: Vec<VerificationId> = verifications::table
        .filter(verifications::contractor_id.eq(PartyId::from(id)))
        .select(verifications::id)
        .load(conn)?;
    diesel::update(credentials::table.filter(credentials::verification_id.eq_any(&theirs)))
        .set((
            credentials::number.eq(""),
            credentials::holder.eq(""),
            credentials::place.eq(""),
            credentials::trade.eq(None::<String>),
        ))
        .execute(conn)?;
    let documents =
        verification_documents::table.filter(verification_documents::verification_id.eq_any(&theirs));
    Ok(diesel::delete(documents).returning(verification_documents::file_id).get_results(conn)?)
}
