//! Rows by COPY, in the same columns as one by one.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PartyId, PersonId};
use uuid::Uuid;

use crate::bulk::{Approved, Resident};
use crate::geo::GeoPoint;
use crate::model::{Credential, Email, VerificationId, VerificationState, bids_end};
use crate::schema::{contractor_profiles, credentials, people, verifications};

#[derive(Insertable)]
#[diesel(table_name = people, treat_none_as_default_value = false)]
struct PersonRow<'a> {
    id: PersonId,
    role: &'static str,
    email: &'a str,
    email_canonical: String,
    full_name: &'a str,
    time_zone: &'a str,
    latitude: Option<f64>,
    longitude: Option<f64>,
    version: i32,
    created_at: Instant,
    updated_at: Instant,
    password_set_at: Instant,
}

#[derive(Insertable)]
#[diesel(table_name = contractor_profiles, treat_none_as_default_value = false)]
struct ProfileRow<'a> {
    person_id: PersonId,
    headline: Option<&'a str>,
    bio: Option<&'a str>,
    trades: &'a [String],
    skills: &'a [String],
    service_radius_km: Option<i32>,
    public_latitude: Option<f64>,
    public_longitude: Option<f64>,
}

#[derive(Insertable)]
#[diesel(table_name = verifications, treat_none_as_default_value = false)]
struct VerificationRow {
    id: VerificationId,
    contractor_id: PartyId,
    state: &'static str,
    submitted_at: Instant,
    decided_at: Instant,
    valid_until: Option<Instant>,
    version: i32,
}

#[derive(Insertable)]
#[diesel(table_name = credentials, treat_none_as_default_value = false)]
struct CredentialRow<'a> {
    id: Uuid,
    verification_id: VerificationId,
    ordinal: i32,
    kind: &'static str,
    trade: Option<&'a str>,
    number: &'a str,
    holder: &'a str,
    place: &'a str,
    time_zone: &'a str,
    expires_on: chrono::NaiveDate,
}

/// All tables of people, in the order of their references.
pub(crate) fn copy_residents(conn: &mut PgConnection, residents: &[Resident]) -> Result<(), Error> {
    let rows: Vec<PersonRow<'_>> = residents.iter().map(person_row).collect();
    diesel::copy_from(people::table).from_insertable(rows).execute(conn)?;
    let rows: Vec<ProfileRow<'_>> = residents.iter().filter_map(profile_row).collect();
    diesel::copy_from(contractor_profiles::table).from_insertable(rows).execute(conn)?;
    let papers: Vec<(PersonId, &Approved)> =
        residents.iter().filter_map(|resident| Some((resident.id, resident.approved.as_ref()?))).collect();
    let rows: Vec<VerificationRow> =
        papers.iter().map(|(person, approved)| verification_row(*person, approved)).collect();
    diesel::copy_from(verifications::table).from_insertable(rows).execute(conn)?;
    let rows: Vec<CredentialRow<'_>> = papers
        .iter()
        .flat_map(|(_, approved)| {
            (0_i32..).zip(&approved.credentials).map(|(ordinal, (id, credential))| CredentialRow {
                id: *id,
                verification_id: approved.id,
                ordinal,
                kind: credential.kind.as_str(),
                trade: credential.trade.as_deref(),
                number: &credential.number,
                holder: &credential.holder,
                place: &credential.place,
                time_zone: &credential.time_zone,
                expires_on: credential.expires_on,
            })
        })
        .collect();
    diesel::copy_from(credentials::table).from_insertable(rows).execute(conn)?;
    Ok(())
}

fn person_row(resident: &Resident) -> PersonRow<'_> {
    PersonRow {
        id: resident.id,
        role: resident.role.as_str(),
        email: &resident.email,
        email_canonical: Email::lookup(&resident.email),
        full_name: &resident.name,
        time_zone: &resident.time_zone,
        latitude: resident.location.map(GeoPoint::lat),
        longitude: resident.location.map(GeoPoint::lng),
        version: 1,
        created_at: resident.created_at,
        updated_at: resident.created_at,
        password_set_at: resident.created_at,
    }
}

fn profile_row(resident: &Resident) -> Option<ProfileRow<'_>> {
    let profile = resident.profile.as_ref()?;
    Some(ProfileRow {
        person_id: resident.id,
        headline: profile.headline.as_deref(),
        bio: profile.bio.as_deref(),
        trades: &profile.trades,
        skills: &profile.skills,
        service_radius_km: profile.service_radius_km,
        public_latitude: profile.public_point.map(GeoPoint::lat),
        public_longitude: profile.public_point.map(GeoPoint::lng),
    })
}

fn verification_row(person: PersonId, approved: &Approved) -> VerificationRow {
    let credentials: Vec<Credential> =
        approved.credentials.iter().map(|(_, credential)| credential.clone()).collect();
    VerificationRow {
        id: approved.id,
        contractor_id: person.into(),
        state: VerificationState::Approved.as_str(),
        submitted_at: approved.submitted_at,
        decided_at: approved.decided_at,
        valid_until: bids_end(&credentials),
        // Handed in, and decided.
        version: 2,
    }
}
