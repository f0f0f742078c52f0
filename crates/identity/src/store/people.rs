//! People and contractors' profiles.

use database::{Error, PgConnection};
use diesel::prelude::*;
use kernel::{Instant, PersonId, Role};
use uuid::Uuid;

use super::unknown;
use crate::geo::GeoPoint;
use crate::model::{ContractorProfile, Person};
use crate::schema::{contractor_profiles, people};

#[derive(Queryable, Selectable)]
#[diesel(table_name = people, check_for_backend(diesel::pg::Pg))]
pub(crate) struct PersonRow {
    id: PersonId,
    role: String,
    email: String,
    email_verified_at: Option<Instant>,
    full_name: Option<String>,
    phone: Option<String>,
    time_zone: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    suspended_at: Option<Instant>,
    second_factor_at: Option<Instant>,
    erased_at: Option<Instant>,
    version: i32,
    created_at: Instant,
    updated_at: Instant,
}

impl TryFrom<PersonRow> for Person {
    type Error = Error;
    fn try_from(row: PersonRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            role: role(&row.role)?,
            email: row.email,
            email_verified_at: row.email_verified_at,
            name: row.full_name,
            phone: row.phone,
            time_zone: row.time_zone,
            location: point(row.latitude, row.longitude)?,
            suspended_at: row.suspended_at,
            second_factor_at: row.second_factor_at,
            erased_at: row.erased_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(crate) fn role(text: &str) -> Result<Role, Error> {
    Role::parse(text).ok_or_else(|| unknown("role", text))
}

fn point(lat: Option<f64>, lng: Option<f64>) -> Result<Option<GeoPoint>, Error> {
    match (lat, lng) {
        (Some(lat), Some(lng)) => {
            GeoPoint::new(lat, lng).map(Some).map_err(|error| Error::Corrupt(error.to_string()))
        }
        _ => Ok(None),
    }
}

/// What a password is compared with.
#[derive(Queryable, Selectable)]
#[diesel(table_name = people, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Credentials {
    #[diesel(column_name = id)]
    pub(crate) person: PersonId,
    #[diesel(select_expression = people::password_hash.assume_not_null())]
    pub(crate) password_hash: String,
    #[diesel(select_expression = people::pepper_id.assume_not_null())]
    pub(crate) pepper_id: String,
    pub(crate) password_set_at: Instant,
}

/// None too for somebody who has no password, because they sign in at a provider.
pub(crate) fn find_credentials(
    conn: &mut PgConnection,
    email_canonical: &str,
) -> Result<Option<Credentials>, Error> {
    Ok(people::table
        .filter(people::email_canonical.eq(email_canonical))
        .filter(people::password_hash.is_not_null())
        .select(Credentials::as_select())
        .first(conn)
        .optional()?)
}

/// None too for somebody who has no password.
pub(crate) fn find_credentials_of(
    conn: &mut PgConnection,
    person: PersonId,
) -> Result<Option<Credentials>, Error> {
    Ok(people::table
        .find(person)
        .filter(people::password_hash.is_not_null())
        .select(Credentials::as_select())
        .first(conn)
        .optional()?)
}

/// Whether the password is still the one that was set then. Ask under the person's lock: a hash that was only renewed is the same password.
pub(crate) fn password_stands(
    conn: &mut PgConnection,
    person: PersonId,
    set_at: Instant,
) -> Result<bool, Error> {
    let same = people::table.find(person).filter(people::password_set_at.eq(set_at));
    Ok(diesel::select(diesel::dsl::exists(same)).get_result(conn)?)
}

/// Sets a new password.
pub(crate) fn set_password(
    conn: &mut PgConnection,
    person: PersonId,
    hash: &str,
    pepper_id: &str,
    now: Instant,
) -> Result<(), Error> {
    diesel::update(people::table.find(person))
        .set((
            people::password_hash.eq(hash),
            people::pepper_id.eq(pepper_id),
            people::password_set_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn find_person_id(
    conn: &mut PgConnection,
    email_canonical: &str,
) -> Result<Option<PersonId>, Error> {
    Ok(people::table
        .filter(people::email_canonical.eq(email_canonical))
        .select(people::id)
        .first(conn)
        .optional()?)
}

/// None too for somebody who was erased.
pub(crate) fn find_person(conn: &mut PgConnection, id: PersonId) -> Result<Option<Person>, Error> {
    people::table
        .find(id)
        .filter(people::erased_at.is_null())
        .select(PersonRow::as_select())
        .first(conn)
        .optional()?
        .map(Person::try_from)
        .transpose()
}

/// The same, kept from changing until the transaction ends; none too for somebody who was erased while this waited for the lock.
pub(crate) fn lock_person(conn: &mut PgConnection, id: PersonId) -> Result<Option<Person>, Error> {
    people::table
        .find(id)
        .filter(people::erased_at.is_null())
        .select(PersonRow::as_select())
        .for_no_key_update()
        .first(conn)
        .optional()?
        .map(Person::try_from)
        .transpose()
}

/// Keeps these people there until the transaction ends, side by side with others who do; in one order everywhere. Says who of them has not been erased.
pub(crate) fn hold_people(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<PersonId>, Error> {
    let held: Vec<(PersonId, Option<Instant>)> = people::table
        .filter(people::id.eq_any(ids))
        .order(people::id)
        .select((people::id, people::erased_at))
        .for_key_share()
        .load(conn)?;
    Ok(held.into_iter().filter(|(_, erased_at)| erased_at.is_none()).map(|(id, _)| id).collect())
}

/// Whoever has this address, kept from changing until the transaction ends.
pub(crate) fn lock_person_by_email(
    conn: &mut PgConnection,
    email_canonical: &str,
) -> Result<Option<Person>, Error> {
    people::table
        .filter(people::email_canonical.eq(email_canonical))
        .select(PersonRow::as_select())
        .for_no_key_update()
        .first(conn)
        .optional()?
        .map(Person::try_from)
        .transpose()
}

/// A person to be.
#[derive(Insertable)]
#[diesel(table_name = people)]
pub(crate) struct NewPerson<'a> {
    pub(crate) id: PersonId,
    pub(crate) role: &'a str,
    pub(crate) email: &'a str,
    pub(crate) email_canonical: &'a str,
    pub(crate) email_verified_at: Option<Instant>,
    /// None for somebody who signs in at a provider.
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) pepper_id: Option<&'a str>,
    pub(crate) full_name: Option<&'a str>,
    pub(crate) phone: Option<&'a str>,
    pub(crate) time_zone: &'a str,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
}

pub(crate) fn insert_person(conn: &mut PgConnection, new: &NewPerson<'_>) -> Result<Person, Error> {
    diesel::insert_into(people::table)
        .values(new)
        .returning(PersonRow::as_returning())
        .get_result(conn)?
        .try_into()
}

pub(crate) fn email_exists(conn: &mut PgConnection, email_canonical: &str) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(people::table.filter(people::email_canonical.eq(email_canonical))))
        .get_result(conn)?)
}

/// Replaces a password's hash, unless the password was changed since it was read.
pub(crate) fn upgrade_hash(
    conn: &mut PgConnection,
    id: PersonId,
    old: &str,
    hash: &str,
    pepper_id: &str,
) -> Result<(), Error> {
    diesel::update(people::table.find(id).filter(people::password_hash.eq(old)))
        .set((people::password_hash.eq(hash), people::pepper_id.eq(pepper_id)))
        .execute(conn)?;
    Ok(())
}

/// Marks the address as the person's, if it is still that address.
pub(crate) fn mark_email_verified(
    conn: &mut PgConnection,
    id: PersonId,
    email_canonical: &str,
    now: Instant,
) -> Result<Option<Person>, Error> {
    diesel::update(people::table.find(id).filter(people::email_canonical.eq(email_canonical)))
        .set((
            people::email_verified_at.eq(diesel::dsl::case_when(
                people::email_verified_at.is_null(),
                Some(now),
            )
            .otherwise(people::email_verified_at)),
            people::version.eq(people::version + 1),
            people::updated_at.eq(now),
        ))
        .returning(PersonRow::as_returning())
        .get_result(conn)
        .optional()?
        .map(Person::try_from)
        .transpose()
}

/// Stores what a person changed; the version says what was read.
pub(crate) fn update_person(
    conn: &mut PgConnection,
    changed: &Person,
    now: Instant,
) -> Result<Person, Error> {
    diesel::update(people::table.find(changed.id))
        .set((
            // Another way to write the same mailbox; see `replace_email` for another one.
            people::email.eq(&changed.email),
            people::full_name.eq(&changed.name),
            people::phone.eq(&changed.phone),
            people::time_zone.eq(&changed.time_zone),
            people::latitude.eq(changed.location.map(GeoPoint::lat)),
            people::longitude.eq(changed.location.map(GeoPoint::lng)),
            people::version.eq(people::version + 1),
            people::updated_at.eq(now),
        ))
        .returning(PersonRow::as_returning())
        .get_result(conn)?
        .try_into()
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = contractor_profiles, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
struct ContractorProfileRow {
    headline: Option<String>,
    bio: Option<String>,
    trades: Vec<String>,
    skills: Vec<String>,
    service_radius_km: Option<i32>,
    public_latitude: Option<f64>,
    public_longitude: Option<f64>,
}

impl TryFrom<ContractorProfileRow> for ContractorProfile {
    type Error = Error;
    fn try_from(row: ContractorProfileRow) -> Result<Self, Error> {
        Ok(Self {
            headline: row.headline,
            bio: row.bio,
            trades: row.trades,
            skills: row.skills,
            service_radius_km: row.service_radius_km,
            public_point: point(row.public_latitude, row.public_longitude)?,
        })
    }
}

impl From<&ContractorProfile> for ContractorProfileRow {
    fn from(profile: &ContractorProfile) -> Self {
        Self {
            headline: profile.headline.clone(),
            bio: profile.bio.clone(),
            trades: profile.trades.clone(),
            skills: profile.skills.clone(),
            service_radius_km: profile.service_radius_km,
            public_latitude: profile.public_point.map(GeoPoint::lat),
            public_longitude: profile.public_point.map(GeoPoint::lng),
        }
    }
}

pub(crate) fn insert_contractor_profile(conn: &mut PgConnection, id: PersonId) -> Result<(), Error> {
    let empty = ContractorProfileRow::from(&ContractorProfile::default());
    diesel::insert_into(contractor_profiles::table)
        .values((contractor_profiles::person_id.eq(id), empty))
        .execute(conn)?;
    Ok(())
}

pub(crate) fn find_contractor_profile(
    conn: &mut PgConnection,
    id: PersonId,
) -> Result<Option<ContractorProfile>, Error> {
    contractor_profiles::table
        .find(id)
        .select(ContractorProfileRow::as_select())
        .first(conn)
        .optional()?
        .map(ContractorProfile::try_from)
        .transpose()
}

pub(crate) fn update_contractor_profile(
    conn: &mut PgConnection,
    id: PersonId,
    changed: &ContractorProfile,
) -> Result<(), Error> {
    diesel::update(contractor_profiles::table.find(id))
        .set(ContractorProfileRow::from(changed))
        .execute(conn)?;
    Ok(())
}

/// These contractors with their profiles; who is none, or was erased, is not there.
pub(crate) fn contractors(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<(Person, ContractorProfile)>, Error> {
    let rows: Vec<(PersonRow, ContractorProfileRow)> = people::table
        .inner_join(contractor_profiles::table.on(contractor_profiles::person_id.eq(people::id)))
        .filter(people::id.eq_any(ids).and(people::role.eq(Role::Contractor.as_str())))
        .filter(people::erased_at.is_null())
        .select((PersonRow::as_select(), ContractorProfileRow::as_select()))
        .load(conn)?;
    rows.into_iter().map(|(person, profile)| Ok((person.try_into()?, profile.try_into()?))).collect()
}

/// The next contractors in the order of their ids.
pub(crate) fn contractor_ids(
    conn: &mut PgConnection,
    after: Option<PersonId>,
    most: i64,
) -> Result<Vec<PersonId>, Error> {
    let after = after.unwrap_or_else(|| PersonId::from(Uuid::nil()));
    Ok(contractor_profiles::table
        .filter(contractor_profiles::person_id.gt(after))
        .order(contractor_profiles::person_id)
        .limit(most)
        .select(contractor_profiles::person_id)
        .load(conn)?)
}

/// What a card is made of.
pub(crate) struct CardRow {
    pub(crate) id: PersonId,
    pub(crate) role: Role,
    pub(crate) full_name: Option<String>,
    pub(crate) erased: bool,
    pub(crate) public_point: Option<GeoPoint>,
}

pub(crate) fn card_rows(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<CardRow>, Error> {
    type Columns = (PersonId, String, Option<String>, Option<Instant>, Option<f64>, Option<f64>);
    let rows: Vec<Columns> = people::table
        .left_join(contractor_profiles::table.on(contractor_profiles::person_id.eq(people::id)))
        .filter(people::id.eq_any(ids))
        .select((
            people::id,
            people::role,
            people::full_name,
            people::erased_at,
            contractor_profiles::public_latitude.nullable(),
            contractor_profiles::public_longitude.nullable(),
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, text, full_name, erased_at, lat, lng)| {
            let (role, public_point) = (role(&text)?, point(lat, lng)?);
            Ok(CardRow { id, role, full_name, erased: erased_at.is_some(), public_point })
        })
        .collect()
}

pub(crate) fn administrators(conn: &mut PgConnection) -> Result<Vec<PersonId>, Error> {
    Ok(people::table
        .filter(people::role.eq(Role::Admin.as_str()).and(people::suspended_at.is_null()))
        .filter(people::erased_at.is_null())
        .order(people::id)
        .select(people::id)
        .load(conn)?)
}
