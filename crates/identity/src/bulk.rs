//! People by the thousand, for data that is made in bulk: every row as the product would have written it, by COPY. Nothing is told, asked or
//! checked here; what a person writes never comes this way.

use database::{Error, PgConnection};
use kernel::{Instant, PersonId, Role};
use uuid::Uuid;

use crate::geo::GeoPoint;
use crate::model::{ContractorProfile, Credential, VerificationId};
use crate::store;

/// Somebody who has an account and no password: until one is set by way of a mail to the address, nobody signs in.
#[derive(Debug, Clone, PartialEq)]
pub struct Resident {
    /// Who.
    pub id: PersonId,
    /// What they are.
    pub role: Role,
    /// Where mail would reach them; not proved.
    pub email: String,
    /// As they call themselves.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// Where exactly.
    pub location: Option<GeoPoint>,
    /// Since when.
    pub created_at: Instant,
    /// A contractor's own part.
    pub profile: Option<ContractorProfile>,
    /// The papers of a contractor who was found good.
    pub approved: Option<Approved>,
}

/// A verification that was handed in and approved by the system.
#[derive(Debug, Clone, PartialEq)]
pub struct Approved {
    /// Which.
    pub id: VerificationId,
    /// The licences, then the insurance, each with its id.
    pub credentials: Vec<(Uuid, Credential)>,
    /// When it was handed in.
    pub submitted_at: Instant,
    /// When it was approved.
    pub decided_at: Instant,
}

/// Writes all of them.
///
/// # Errors
/// [`Error`] when one is there already, or the database fails.
pub fn insert(conn: &mut PgConnection, residents: &[Resident]) -> Result<(), Error> {
    store::copy_residents(conn, residents)
}

/// How many people there are, erased ones too.
///
/// # Errors
/// [`Error`].
pub fn count(conn: &mut PgConnection) -> Result<i64, Error> {
    Ok(store::count_people(conn)?.into_values().sum())
}
