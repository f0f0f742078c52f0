//! Profiles: what a person keeps about itself, and what of a contractor anyone may see.

use chrono::NaiveDate;
use kernel::{Fault, Faults, Instant, PartyId, Role};
use taxonomy::Taxonomy;

use super::person::optional;
use super::{CredentialKind, Email, Multiline, Person, PersonName, Phone, TimeZone, text};
use crate::Settings;
use crate::geo::GeoPoint;

const HEADLINE_CHARS_MAX: usize = 120;
const BIO_CHARS_MAX: usize = 4_000;
const SLUG_CHARS_MAX: usize = 40;
/// The most trades, and the most skills, of one contractor.
pub(crate) const SLUGS_MAX: usize = 30;

/// A trade or a skill: one or more lower-case words of letters and digits, joined by `_` or `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slug(String);

impl Slug {
    /// # Errors
    /// A fault when it is not of that form.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        let good = raw.chars().count() <= SLUG_CHARS_MAX
            && raw.split(['_', '-']).all(|word| {
                !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            });
        if good {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Fault::new("", "slug", "must be lower-case words joined by _ or -, such as wet-rooms").into())
        }
    }

    /// `wet-rooms`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a contractor says of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContractorProfile {
    /// A line below the name.
    pub headline: Option<String>,
    /// A longer text.
    pub bio: Option<String>,
    /// The trades worked in.
    pub trades: Vec<String>,
    /// What the contractor is good at.
    pub skills: Vec<String>,
    /// How far from the place the contractor goes, in kilometres.
    pub service_radius_km: Option<i32>,
    /// The place snapped to the grid.
    pub public_point: Option<GeoPoint>,
}

/// A person's own profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The account.
    pub person: Person,
    /// A contractor's part of it.
    pub contractor: Option<ContractorProfile>,
    /// The e-mail address that the person wants to have and has not proved yet, as written.
    pub pending_email: Option<String>,
}

/// A credential that an administrator checked, as anyone may see it: without its number and holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicCredential {
    /// Licence or insurance.
    pub kind: CredentialKind,
    /// The trade that it is for; none when it is for any.
    pub trade: Option<String>,
    /// Where it is good.
    pub place: String,
    /// Its last day.
    pub expires_on: NaiveDate,
    /// When an administrator checked it.
    pub checked_at: Instant,
}

/// A contractor as anyone may see it: no address, no number, no exact place.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicContractor {
    /// The contractor.
    pub id: PartyId,
    /// `Ada L.`.
    pub display_name: String,
    /// What the contractor says of itself.
    pub profile: ContractorProfile,
    /// Whether licence and insurance have been checked and have not expired.
    pub verified: bool,
    /// When they were checked; none unless they still hold.
    pub verified_at: Option<Instant>,
    /// Until when they hold; none unless they do.
    pub valid_until: Option<Instant>,
    /// What was checked and has not expired; empty unless verified.
    pub credentials: Vec<PublicCredential>,
    /// Since when the contractor has an account.
    pub member_since: Instant,
    /// Grows with every change of the profile.
    pub version: i32,
}

/// A contractor as a directory keeps it: what anyone may see, with the instants by which to judge later what of it still holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractorFacts {
    /// The contractor.
    pub id: PartyId,
    /// `Ada L.`.
    pub display_name: String,
    /// What the contractor says of itself.
    pub profile: ContractorProfile,
    /// Whether the account is suspended: nobody is to find it then.
    pub suspended: bool,
    /// What an administrator approved last; it may have ended since.
    pub approved: Option<ApprovedPapers>,
    /// Since when the contractor has an account.
    pub member_since: Instant,
}

/// Licences and insurance that an administrator checked and found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedPapers {
    /// When.
    pub checked_at: Instant,
    /// From when on the contractor counts as verified no more.
    pub valid_until: Instant,
    /// Each of them, with the instant from which it holds no more.
    pub credentials: Vec<(PublicCredential, Instant)>,
}

/// A change of one value: left alone, removed, or set.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Patch<T> {
    /// As it is.
    #[default]
    Keep,
    /// Gone.
    Clear,
    /// This from now on.
    Set(T),
}

impl<T> Patch<T> {
    /// The value after the change.
    pub(crate) fn apply(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(new) => Some(new),
        }
    }

    /// The same change to another form of the value.
    pub(crate) fn map<U>(&self, to: impl Fn(&T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(new) => Patch::Set(to(new)),
        }
    }

    fn parse<U>(
        &self,
        faults: &mut Faults,
        pointer: &str,
        parse: impl Fn(&T) -> Result<U, Faults>,
    ) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(raw) => faults.take(pointer, parse(raw)).map_or(Patch::Keep, Patch::Set),
        }
    }

    fn touches(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

/// A change of a profile, before it is checked. What is `None` or [`Patch::Keep`] stays.
#[derive(Debug, Clone, Default)]
pub struct ProfileForm {
    /// Another e-mail address; it counts once it is proved.
    pub email: Option<String>,
    /// The full name.
    pub name: Patch<String>,
    /// The phone number.
    pub phone: Patch<String>,
    /// The IANA time zone; cannot be removed.
    pub time_zone: Option<String>,
    /// Latitude and longitude of the exact place.
    pub location: Patch<(f64, f64)>,
    /// Contractors only: the line below the name.
    pub headline: Patch<String>,
    /// Contractors only: the longer text.
    pub bio: Patch<String>,
    /// Contractors only: all trades.
    pub trades: Option<Vec<String>>,
    /// Contractors only: all skills.
    pub skills: Option<Vec<String>>,
    /// Contractors only: how far the contractor goes.
    pub service_radius_km: Patch<i32>,
}

/// Changes one's own profile.
#[derive(Debug, Clone, Default)]
pub struct ProfilePatch {
    pub(crate) email: Option<Email>,
    pub(crate) name: Patch<PersonName>,
    pub(crate) phone: Patch<Phone>,
    pub(crate) time_zone: Option<TimeZone>,
    pub(crate) location: Patch<GeoPoint>,
    pub(crate) headline: Patch<String>,
    pub(crate) bio: Patch<String>,
    pub(crate) trades: Option<Vec<String>>,
    pub(crate) skills: Option<Vec<String>>,
    pub(crate) service_radius_km: Patch<i32>,
    /// Refused when the profile is of another version by now.
    pub(crate) if_version: Option<i64>,
}

impl ProfilePatch {
    /// # Errors
    /// Every fault in the form, such as a contractor's value for somebody else.
    pub fn new(form: &ProfileForm, role: Role, settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let line = |raw: &String| text(raw, HEADLINE_CHARS_MAX, Multiline::No);
        let radius_max = i32::from(settings.service_radius_km_max);
        let patch = Self {
            email: optional(&mut faults, "/email", form.email.as_deref(), Email::new),
            name: form.name.parse(&mut faults, "/name", |raw| PersonName::new(raw)),
            phone: form.phone.parse(&mut faults, "/phone", |raw| Phone::new(raw, settings.region())),
            time_zone: optional(&mut faults, "/timeZone", form.time_zone.as_deref(), TimeZone::new),
            location: form.location.parse(&mut faults, "/location", |(lat, lng)| {
                GeoPoint::new(*lat, *lng)
                    .map_err(|error| Fault::new("", "not_on_earth", error.to_string()).into())
            }),
            headline: form.headline.parse(&mut faults, "/headline", line),
            bio: form.bio.parse(&mut faults, "/bio", |raw| text(raw, BIO_CHARS_MAX, Multiline::Yes)),
            trades: slugs(&mut faults, "/trades", form.trades.as_deref(), trade),
            skills: slugs(&mut faults, "/skills", form.skills.as_deref(), Slug::new),
            service_radius_km: form.service_radius_km.parse(&mut faults, "/serviceRadiusKm", |km| {
                if (1..=radius_max).contains(km) {
                    Ok(*km)
                } else {
                    Err(Fault::new("", "out_of_range", format!("must be from 1 to {radius_max}")).into())
                }
            }),
            if_version: None,
        };
        if role != Role::Contractor {
            form.refuse_contractor_fields(&mut faults);
        }
        faults.or(|| patch)
    }

    /// Only if the profile is still of this version.
    #[must_use]
    pub fn if_version(self, version: i64) -> Self {
        Self { if_version: Some(version), ..self }
    }
}

impl ProfileForm {
    fn refuse_contractor_fields(&self, faults: &mut Faults) {
        for (pointer, touched) in [
            ("/headline", self.headline.touches()),
            ("/bio", self.bio.touches()),
            ("/trades", self.trades.is_some()),
            ("/skills", self.skills.is_some()),
            ("/serviceRadiusKm", self.service_radius_km.touches()),
        ] {
            faults.check(!touched, pointer, "contractors_only", "is for contractors only");
        }
    }
}

/// A trade of the taxonomy: nobody looks for a contractor by another word.
fn trade(raw: &str) -> Result<Slug, Faults> {
    let slug = Slug::new(raw)?;
    match Taxonomy::shipped().trade(raw) {
        Some(_) => Ok(slug),
        None => Err(Fault::new("", "unknown_trade", "is not a trade of the catalogue").into()),
    }
}

/// A list of slugs without repeats, in the order given.
fn slugs(
    faults: &mut Faults,
    pointer: &str,
    raw: Option<&[String]>,
    check: fn(&str) -> Result<Slug, Faults>,
) -> Option<Vec<String>> {
    let raw = raw?;
    faults.check(
        raw.len() <= SLUGS_MAX,
        pointer,
        "too_many",
        format!("must have at most {SLUGS_MAX} entries"),
    );
    let mut kept = Vec::new();
    for (index, text) in raw.iter().enumerate().take(SLUGS_MAX) {
        if let Some(Slug(slug)) = faults.take(&format!("{pointer}/{index}"), check(text)) {
            if kept.contains(&slug) {
                faults.push(format!("{pointer}/{index}"), "repeated", "is there twice");
            } else {
                kept.push(slug);
            }
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(form: &ProfileForm, role: Role) -> Vec<String> {
        match ProfilePatch::new(form, role, &Settings::default()) {
            Ok(_) => Vec::new(),
            Err(faults) => faults
                .into_vec()
                .into_iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.code))
                .collect(),
        }
    }

    #[test]
    fn every_fault_of_a_change_is_named() {
        let form = ProfileForm {
            email: Some("ada@localhost".to_owned()),
            name: Patch::Set("  ".to_owned()),
            phone: Patch::Set("5550100".to_owned()),
            time_zone: Some("Mars/Olympus".to_owned()),
            location: Patch::Set((91.0, 0.0)),
            headline: Patch::Set("x".repeat(121)),
            bio: Patch::Set("a\u{0}b".to_owned()),
            trades: Some(["tiling", "Roof Work", "tiling", "alchemy"].map(str::to_owned).to_vec()),
            skills: Some(vec!["a".to_owned(); 31]),
            service_radius_km: Patch::Set(501),
        };
        let found = places(&form, Role::Contractor);
        for expected in [
            "/name empty",
            "/email email",
            "/phone phone_unassigned",
            "/timeZone time_zone",
            "/location not_on_earth",
            "/headline too_long",
            "/bio control_character",
            "/trades/1 slug",
            "/trades/2 repeated",
            "/trades/3 unknown_trade",
            "/skills too_many",
            "/serviceRadiusKm out_of_range",
        ] {
            assert!(found.iter().any(|fault| fault == expected), "{expected} in {found:?}");
        }
    }

    #[test]
    fn a_homeowner_has_no_trade() {
        let form = ProfileForm { headline: Patch::Clear, trades: Some(Vec::new()), ..ProfileForm::default() };
        assert_eq!(
            places(&form, Role::Homeowner),
            ["/headline contractors_only", "/trades contractors_only"]
        );
        assert!(places(&form, Role::Contractor).is_empty());
    }

    #[test]
    fn a_patch_keeps_clears_or_sets() {
        assert_eq!(Patch::Keep.apply(Some(1)), Some(1));
        assert_eq!(Patch::Clear.apply(Some(1)), None);
        assert_eq!(Patch::Set(2).apply(Some(1)), Some(2));
    }
}
