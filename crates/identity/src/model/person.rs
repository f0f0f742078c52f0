//! People: what they register with, and what others see of them.

use chrono_tz::Tz;
use kernel::{Fault, Faults, Instant, PartyId, PersonId, Role, SessionId};
use secrecy::SecretString;
use unicode_normalization::UnicodeNormalization;

use super::{Email, Multiline, Phone, PhoneRegion, text};
use crate::geo::GeoPoint;
use crate::rules::PasswordPolicy;

/// The longest name.
const NAME_CHARS_MAX: usize = 120;

/// Marks that nobody sees and that make one name look like another: those of direction, the invisible spaces, the line separators. The
/// joiners stay, which several scripts need.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// A person's full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName(String);

impl PersonName {
    /// # Errors
    /// A fault when it is empty, too long or has control characters.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        if raw.chars().any(is_deceptive) {
            let message = "must not contain characters that cannot be seen or turn the text around";
            return Err(Fault::new("", "control_character", message).into());
        }
        text(raw, NAME_CHARS_MAX, Multiline::No)
            .map(|text| Self(text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(Tz);

impl TimeZone {
    /// # Errors
    /// A fault when there is no such zone.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        raw.trim().parse().map(Self).map_err(|_| {
            Fault::new("", "time_zone", "must be an IANA time zone, such as America/Chicago").into()
        })
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0.name()
    }
}

/// A password as somebody typed it, in the one form that every keyboard gives it (NFKC). Cannot be printed.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Any text: a wrong one is told by comparing.
    #[must_use]
    pub fn typed(raw: &str) -> Self {
        Self(SecretString::from(raw.nfkc().collect::<String>()))
    }

    pub(crate) fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What somebody registers with, before it is checked.
#[derive(Clone)]
pub struct RegistrationForm {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// `customer`, `homeowner` or `contractor`, in any case.
    pub user_type: String,
    /// The full name.
    pub name: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// The IANA time zone.
    pub time_zone: Option<String>,
}

/// Somebody new: registers an account.
#[derive(Debug, Clone)]
pub struct Registration {
    pub(crate) email: Email,
    pub(crate) password: Password,
    pub(crate) role: Role,
    pub(crate) name: Option<PersonName>,
    pub(crate) phone: Option<Phone>,
    pub(crate) time_zone: Option<TimeZone>,
}

impl Registration {
    /// A phone number needs its country code.
    ///
    /// # Errors
    /// Every fault in the form.
    pub fn new(form: &RegistrationForm, policy: &PasswordPolicy) -> Result<Self, Faults> {
        Self::new_in(PhoneRegion::default(), form, policy)
    }

    /// The same, where a phone number may be written as it is dialled in a region.
    ///
    /// # Errors
    /// Every fault in the form.
    pub fn new_in(
        region: PhoneRegion,
        form: &RegistrationForm,
        policy: &PasswordPolicy,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let email = faults.take("/email", Email::new(&form.email));
        let role = faults.take("/userType", role_of(&form.user_type));
        let name = optional(&mut faults, "/name", form.name.as_deref(), PersonName::new);
        let phone = optional(&mut faults, "/phone", form.phone.as_deref(), |raw| Phone::new(raw, region));
        let time_zone = optional(&mut faults, "/timeZone", form.time_zone.as_deref(), TimeZone::new);
        let about = [form.email.as_str(), form.name.as_deref().unwrap_or_default()];
        let password = faults.take("/password", policy.new_password(&form.password, &about));
        match (email, password, role) {
            (Some(email), Some(password), Some(role)) => {
                faults.or(|| Self { email, password, role, name, phone, time_zone })
            }
            _ => Err(faults),
        }
    }
}

/// A role that may be registered for; an administrator is never made so.
pub(crate) fn role_of(user_type: &str) -> Result<Role, Faults> {
    match user_type.trim().to_lowercase().as_str() {
        "customer" | "homeowner" => Ok(Role::Homeowner),
        "contractor" => Ok(Role::Contractor),
        _ => Err(Fault::new("", "user_type", "must be customer, homeowner or contractor").into()),
    }
}

/// A value that need not be there; a fault in it is noted.
pub(crate) fn optional<T>(
    faults: &mut Faults,
    pointer: &str,
    raw: Option<&str>,
    parse: impl Fn(&str) -> Result<T, Faults>,
) -> Option<T> {
    raw.and_then(|raw| faults.take(pointer, parse(raw)))
}

/// An administrator to be made by the operator.
#[derive(Debug, Clone)]
pub struct NewAdmin {
    pub(crate) email: Email,
    pub(crate) password: Password,
    pub(crate) name: Option<PersonName>,
}

impl NewAdmin {
    /// # Errors
    /// Every fault in the values.
    pub fn new(
        email: &str,
        password: &SecretString,
        name: Option<&str>,
        policy: &PasswordPolicy,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let address = faults.take("/email", Email::new(email));
        let full_name = optional(&mut faults, "/name", name, PersonName::new);
        let password =
            faults.take("/password", policy.new_password(password, &[email, name.unwrap_or_default()]));
        match (address, password) {
            (Some(email), Some(password)) => faults.or(|| Self { email, password, name: full_name }),
            _ => Err(faults),
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The person.
    pub id: PersonId,
    /// What the person is here.
    pub role: Role,
    /// The e-mail address, as written.
    pub email: String,
    /// Since when the address is known to be the person's.
    pub email_verified_at: Option<Instant>,
    /// The full name.
    pub name: Option<String>,
    /// The phone number.
    pub phone: Option<String>,
    /// The IANA time zone.
    pub time_zone: String,
    /// The exact place; nobody else's business.
    pub location: Option<GeoPoint>,
    /// Since when the account is suspended.
    pub suspended_at: Option<Instant>,
    /// Since when signing in asks for a second factor.
    pub second_factor_at: Option<Instant>,
    /// Since when nothing is left by which the person could be told.
    pub erased_at: Option<Instant>,
    /// Grows with every change.
    pub version: i32,
    /// When the account was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// Who is signed in, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Me {
    /// The account.
    pub person: Person,
    /// The session that asks.
    pub session: SessionId,
    /// When that session ends unless it is refreshed.
    pub session_expires_at: Instant,
    /// Until when the session may do what asks for a fresh proof; none when it has to prove first.
    pub stepped_up_until: Option<Instant>,
    /// How the second factor stands.
    pub second_factor: super::SecondFactor,
    /// The identities at providers that are ways to sign in, the first one first.
    pub identities: Vec<super::LinkedIdentity>,
    /// For a contractor: how the verification stands.
    pub verification: Option<super::VerificationState>,
    /// For a contractor: whether bidding is allowed now.
    pub may_bid: bool,
}

/// What the other side of a job, and a list, may know of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonCard {
    /// The person, as a party.
    pub id: PartyId,
    /// What the person is here.
    pub role: Role,
    /// The first word of the name; the role's name when there is none.
    pub first_name: String,
    /// `Ada L.`: what strangers see.
    pub display_name: String,
    /// `Ada Lovelace`: what the parties of a contract see.
    pub full_name: String,
    /// A contractor whose licence and insurance an administrator has checked, and neither has expired.
    pub verified_contractor: bool,
    /// A contractor's place, snapped to the grid.
    pub public_point: Option<GeoPoint>,
}

/// Which of two addresses, while one takes the place of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedAddress {
    /// The one that is to be proved.
    New,
    /// The one that is left.
    Former,
}

/// How to write to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The e-mail address, as written.
    pub email: String,
    /// Whether it is known to be the person's.
    pub email_verified: bool,
    /// The whole name.
    pub full_name: String,
    /// Its first word.
    pub first_name: String,
    /// The IANA time zone.
    pub time_zone: String,
    /// What the person is here.
    pub role: Role,
}
