//! What several operations on people answer with.

use chrono::{DateTime, NaiveDate, Utc};
use identity::geo::{GeoPoint, NotOnEarth};
use identity::{Credential, CredentialKind, Person, VerificationId, VerificationState};
use kernel::{PartyId, PersonId, Role, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Id;

// By these names the document's derive finds the ids: it cannot look into a generic type.
/// A person's id.
pub type PersonRef = Id<PersonId>;
/// A party's id.
pub type PartyRef = Id<PartyId>;
/// A session's id.
pub type SessionRef = Id<SessionId>;
/// A verification's id.
pub type VerificationRef = Id<VerificationId>;

/// What somebody is on the marketplace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum PersonRole {
    /// Posts jobs and pays.
    Homeowner,
    /// Bids and works.
    Contractor,
    /// Runs the marketplace.
    Admin,
}

impl From<Role> for PersonRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Homeowner => Self::Homeowner,
            Role::Contractor => Self::Contractor,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<PersonRole> for Role {
    fn from(role: PersonRole) -> Self {
        match role {
            PersonRole::Homeowner => Self::Homeowner,
            PersonRole::Contractor => Self::Contractor,
            PersonRole::Admin => Self::Admin,
        }
    }
}

/// An account, as its own person sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonView {
    /// The person.
    pub id: PersonRef,
    /// As whom the person owns jobs, bids and contracts.
    pub party_id: PartyRef,
    /// What the person is here.
    pub role: PersonRole,
    /// The e-mail address, as written.
    pub email: String,
    /// Whether the address has been verified; without it nobody signs a contract or pays.
    pub email_verified: bool,
    /// The full name.
    pub name: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// The IANA time zone.
    pub time_zone: String,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.into(),
            party_id: PartyId::from(person.id).into(),
            role: person.role.into(),
            email: person.email,
            email_verified: person.email_verified_at.is_some(),
            name: person.name,
            phone: person.phone,
            time_zone: person.time_zone,
            created_at: person.created_at,
        }
    }
}

impl PersonView {
    /// An example for the document.
    #[must_use]
    pub fn example() -> Self {
        Self {
            id: PersonId::from(Uuid::nil()).into(),
            party_id: PartyId::from(Uuid::nil()).into(),
            role: PersonRole::Contractor,
            email: "bob@example.com".to_owned(),
            email_verified: true,
            name: Some("Bob Mason".to_owned()),
            phone: Some("+15125550100".to_owned()),
            time_zone: "America/Chicago".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        }
    }
}

/// A point on the earth (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GeoPointView {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    pub lng: f64,
}

impl From<GeoPoint> for GeoPointView {
    fn from(point: GeoPoint) -> Self {
        Self { lat: point.lat(), lng: point.lng() }
    }
}

impl TryFrom<GeoPointView> for GeoPoint {
    type Error = NotOnEarth;
    fn try_from(point: GeoPointView) -> Result<Self, NotOnEarth> {
        Self::new(point.lat, point.lng)
    }
}

/// Where a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationStatus {
    /// Waits for an administrator.
    Pending,
    /// Checked and found good.
    Approved,
    /// Checked and refused, with a reason.
    Rejected,
    /// A later one took its place.
    Superseded,
}

impl From<VerificationState> for VerificationStatus {
    fn from(state: VerificationState) -> Self {
        match state {
            VerificationState::Pending => Self::Pending,
            VerificationState::Approved => Self::Approved,
            VerificationState::Rejected => Self::Rejected,
            VerificationState::Superseded => Self::Superseded,
        }
    }
}

impl From<VerificationStatus> for VerificationState {
    fn from(status: VerificationStatus) -> Self {
        match status {
            VerificationStatus::Pending => Self::Pending,
            VerificationStatus::Approved => Self::Approved,
            VerificationStatus::Rejected => Self::Rejected,
            VerificationStatus::Superseded => Self::Superseded,
        }
    }
}

/// A licence or an insurance, in both directions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationCredential {
    /// The trade that it is for, as a slug; left out when it is for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 40)]
    pub trade: Option<String>,
    /// Its number.
    #[schema(min_length = 1, max_length = 80)]
    pub number: String,
    /// In whose name it is.
    #[schema(min_length = 1, max_length = 200)]
    pub holder: String,
    /// Where it is good: a state, a city.
    #[schema(min_length = 1, max_length = 120)]
    pub place: String,
    /// The IANA time zone of that place: the last day ends when it ends there.
    #[schema(min_length = 1, max_length = 64)]
    pub time_zone: String,
    /// Its last day, inclusive.
    pub expires_on: NaiveDate,
}

impl VerificationCredential {
    /// An example for the document.
    #[must_use]
    pub fn example() -> Self {
        Self {
            trade: Some("roofing".to_owned()),
            number: "TX-48813".to_owned(),
            holder: "Mason Tiles LLC".to_owned(),
            place: "Texas".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            expires_on: example_day(),
        }
    }

    /// Those of a kind, in their order.
    pub(super) fn of_kind(credentials: &[Credential], kind: CredentialKind) -> Vec<Self> {
        credentials.iter().filter(|credential| credential.kind == kind).cloned().map(Self::from).collect()
    }
}

impl From<Credential> for VerificationCredential {
    fn from(credential: Credential) -> Self {
        Self {
            trade: credential.trade,
            number: credential.number,
            holder: credential.holder,
            place: credential.place,
            time_zone: credential.time_zone,
            expires_on: credential.expires_on,
        }
    }
}

impl From<VerificationCredential> for identity::CredentialForm {
    fn from(credential: VerificationCredential) -> Self {
        Self {
            trade: credential.trade,
            number: credential.number,
            holder: credential.holder,
            place: credential.place,
            time_zone: credential.time_zone,
            expires_on: credential.expires_on,
        }
    }
}

/// The id of the examples.
#[must_use]
pub fn example_verification() -> VerificationRef {
    VerificationId::from(Uuid::nil()).into()
}

/// The day of the examples.
#[must_use]
pub fn example_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2030, 6, 30).unwrap_or_default()
}
