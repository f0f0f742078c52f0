//! What other crates ask about people, over their own connection or transaction. Callers have authorised; this only answers.

use std::collections::HashMap;

use chrono::TimeDelta;
use database::{Error, PgConnection, Tx};
use kernel::{Actor, Instant, PartyId, PersonId, SessionId, Via};
use uuid::Uuid;

use crate::keys::LinkTokenId;
use crate::model::{
    ApprovedPapers, ChangedAddress, Contact, ContractorFacts, Credential, Email, LiveSession, PersonCard,
    PublicCredential, Verification, VerificationId,
};
use crate::traces::Traces;
use crate::{rules, store};

/// How exactly the last use of a session is known, in seconds: noting each request would be a write for every read.
pub const LAST_USE_SECONDS: i64 = 60;

/// The cards of these people; who does not exist has none. Two statements for any number.
///
/// # Errors
/// [`Error`].
pub fn cards(conn: &mut PgConnection, ids: &[PartyId]) -> Result<HashMap<PartyId, PersonCard>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let verified = store::verified_among(conn, &ids)?;
    let rows = store::card_rows(conn, &ids)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let id = PartyId::from(row.id);
            let (first_name, display_name, full_name) = rules::card_names(&row);
            let verified_contractor = verified.contains_key(&id);
            let card = PersonCard {
                id,
                role: row.role,
                first_name,
                display_name,
                full_name,
                verified_contractor,
                public_point: row.public_point,
            };
            (id, card)
        })
        .collect())
}

/// What a directory keeps of these contractors; who is none, or no longer there, has nothing. A few statements for any number.
///
/// # Errors
/// [`Error`].
pub fn contractors(
    conn: &mut PgConnection,
    ids: &[PartyId],
) -> Result<HashMap<PartyId, ContractorFacts>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let approved = store::approved_of_all(conn, &ids)?;
    let mut approved: HashMap<PartyId, ApprovedPapers> =
        approved.into_iter().filter_map(|found| Some((found.contractor, papers(found)?))).collect();
    let found = store::contractors(conn, &ids)?;
    Ok(found
        .into_iter()
        .map(|(person, profile)| {
            let id = PartyId::from(person.id);
            let (_, display_name, _) = rules::names(person.name.as_deref(), person.role);
            let facts = ContractorFacts {
                id,
                display_name,
                profile,
                suspended: person.suspended_at.is_some(),
                approved: approved.remove(&id),
                member_since: person.created_at,
            };
            (id, facts)
        })
        .collect())
}

fn papers(approved: Verification) -> Option<ApprovedPapers> {
    let (checked_at, valid_until) = approved.decided_at.zip(approved.valid_until)?;
    let public = |credential: Credential| {
        let until = credential.end();
        let Credential { kind, trade, place, expires_on, .. } = credential;
        (PublicCredential { kind, trade, place, expires_on, checked_at }, until)
    };
    Some(ApprovedPapers {
        checked_at,
        valid_until,
        credentials: approved.credentials.into_iter().map(public).collect(),
    })
}

/// The contractors whose ids come next after this one, at most so many: for going through all of them piece by piece.
///
/// # Errors
/// [`Error`].
pub fn contractor_ids(
    conn: &mut PgConnection,
    after: Option<PartyId>,
    most: u16,
) -> Result<Vec<PartyId>, Error> {
    let after = after.map(|party| PersonId::from(party.uuid()));
    Ok(store::contractor_ids(conn, after, most.into())?.into_iter().map(PartyId::from).collect())
}

/// How to write to a person; none when there is no such person, or no longer.
///
/// # Errors
/// [`Error`].
pub fn contact(conn: &mut PgConnection, person: PersonId) -> Result<Option<Contact>, Error> {
    Ok(store::find_person(conn, person)?.map(|person| {
        let (first_name, _, full_name) = rules::names(person.name.as_deref(), person.role);
        Contact {
            email: person.email,
            email_verified: person.email_verified_at.is_some(),
            full_name,
            first_name,
            time_zone: person.time_zone,
            role: person.role,
        }
    }))
}

/// How to write to a person about a change of the e-mail address: at the one that is to be proved, or at the one that is left. None when
/// that is not what the person wants any more, and for nobody.
///
/// # Errors
/// [`Error`].
pub fn contact_about_change(
    conn: &mut PgConnection,
    person: PersonId,
    link: LinkTokenId,
    at: ChangedAddress,
) -> Result<Option<Contact>, Error> {
    let Some(contact) = contact(conn, person)? else { return Ok(None) };
    let Some(change) = store::find_email_change(conn, person, link)? else { return Ok(None) };
    Ok(match at {
        ChangedAddress::New if change.completed_at.is_some() => None,
        ChangedAddress::New => Some(Contact { email: change.email, email_verified: false, ..contact }),
        ChangedAddress::Former => {
            Some(Contact { email: change.former_email, email_verified: change.former_verified, ..contact })
        }
    })
}

/// Whether a contractor may bid now: verified, neither credential expired, not suspended; by the database's clock.
///
/// # Errors
/// [`Error`].
pub fn contractor_may_bid(tx: &mut Tx<'_>, contractor: PartyId) -> Result<bool, Error> {
    store::may_bid(tx.conn(), contractor)
}

/// Whether a contractor's licence and insurance hold now, by the database's clock; no decision changes that until the transaction ends.
///
/// # Errors
/// [`Error`].
pub fn lock_verified(tx: &mut Tx<'_>, contractor: PartyId) -> Result<bool, Error> {
    store::lock_person(tx.conn(), PersonId::from(contractor.uuid()))?;
    Ok(store::verified_among(tx.conn(), &[contractor.uuid()])?.contains_key(&contractor))
}

/// Keeps this person's row from changing until the transaction ends: for what one person does one thing after another, though asked for at the same
/// time. Judge by what is read afterwards.
///
/// # Errors
/// [`Error`].
pub fn lock_person(tx: &mut Tx<'_>, person: PartyId) -> Result<(), Error> {
    store::lock_person(tx.conn(), PersonId::from(person.uuid()))?;
    Ok(())
}

/// Keeps these people from being erased until the transaction ends, or waits for the end of an erasure that is under way: for what must not
/// begin with somebody who is just being forgotten. Take it before any other lock, and judge by what is read afterwards. Those come back who are
/// there, in the order of their ids.
///
/// # Errors
/// [`Error`].
pub fn hold_people(tx: &mut Tx<'_>, ids: &[PartyId]) -> Result<Vec<PartyId>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    Ok(store::hold_people(tx.conn(), &ids)?.into_iter().map(PartyId::from).collect())
}

/// What a person is called and reached by, to be taken out of what others wrote; nothing for nobody.
///
/// # Errors
/// [`Error`].
pub fn traces(conn: &mut PgConnection, person: PersonId) -> Result<Traces, Error> {
    Ok(store::find_person(conn, person)?.map_or_else(Traces::default, |person| {
        let emails = [person.email.as_str(), &Email::lookup(&person.email)];
        Traces::new(person.name.as_deref(), &emails, person.phone.as_deref())
    }))
}

/// One credential of a verification, by its place in it: for words about it.
///
/// # Errors
/// [`Error`].
pub fn credential(
    conn: &mut PgConnection,
    verification: VerificationId,
    ordinal: usize,
) -> Result<Option<Credential>, Error> {
    let found = store::find_verification(conn, verification)?;
    Ok(found.and_then(|found| found.credentials.into_iter().nth(ordinal)))
}

/// Everybody who may decide as an administrator.
///
/// # Errors
/// [`Error`].
pub fn administrators(conn: &mut PgConnection) -> Result<Vec<PersonId>, Error> {
    store::administrators(conn)
}

/// Since when a person is suspended; none for one who is not, and for nobody.
///
/// # Errors
/// [`Error`].
pub fn suspended_since(conn: &mut PgConnection, person: PersonId) -> Result<Option<Instant>, Error> {
    Ok(store::find_person(conn, person)?.and_then(|person| person.suspended_at))
}

/// Notes that these sessions were used now; of those of which it was noted less than [`LAST_USE_SECONDS`] ago nothing is written. One statement
/// for any number.
///
/// # Errors
/// [`Error`].
pub fn touch_sessions(tx: &mut Tx<'_>, ids: &[SessionId]) -> Result<(), Error> {
    let now = tx.now()?;
    store::touch_sessions(tx.conn(), ids, now - TimeDelta::seconds(LAST_USE_SECONDS), now)
}

/// Keeps the person from being erased until the transaction ends; false when it was erased, or never there. What writes something of a
/// person's begins with it: an erasure waits for what is under way, and what comes later finds nobody.
///
/// # Errors
/// [`Error`].
pub fn remain(tx: &mut Tx<'_>, person: PersonId) -> Result<bool, Error> {
    store::remain(tx.conn(), person)
}

/// Lets through whoever proved again, in this session and a short while ago, who they are: for what hurts when somebody else does it.
///
/// # Errors
/// [`crate::Error::StepUpRequired`].
pub fn require_step_up(tx: &mut Tx<'_>, actor: &Actor) -> Result<(), crate::Error> {
    let (Some(person), Via::Session(session)) = (actor.person, &actor.via) else {
        return Err(crate::Error::StepUpRequired);
    };
    let until = store::find_step_up(tx.conn(), *session, person)?;
    let now = tx.now()?;
    match until {
        Some(until) if now < until => Ok(()),
        _ => Err(crate::Error::StepUpRequired),
    }
}

/// Those of these sessions that live: not ended, not expired, and their person not suspended. One statement for any number, for asking
/// about many requests at once.
///
/// # Errors
/// [`Error`].
pub fn live_sessions(
    conn: &mut PgConnection,
    ids: &[SessionId],
) -> Result<HashMap<SessionId, LiveSession>, Error> {
    Ok(store::live_sessions(conn, ids)?.into_iter().map(|session| (session.session, session)).collect())
}
