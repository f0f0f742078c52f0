//! The verification of contractors: what they hand in, and what becomes of it.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use kernel::{Faults, Instant, Page, PartyId, PersonId};

use super::{Multiline, Slug, TimeZone, text};
use crate::Settings;

kernel::id!(
    /// One contractor's licence and insurance, handed in to be checked.
    VerificationId,
    "ver"
);

const NUMBER_CHARS_MAX: usize = 80;
const HOLDER_CHARS_MAX: usize = 200;
const PLACE_CHARS_MAX: usize = 120;
const NOTE_CHARS_MAX: usize = 2_000;
/// The last year that a date may be in: Postgres and JavaScript go no further together.
const YEAR_MAX: i32 = 9_999;

/// Where a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationState {
    /// Waits for an administrator.
    Pending,
    /// Checked and found good.
    Approved,
    /// Checked and refused, with a reason.
    Rejected,
    /// A later one took its place.
    Superseded,
}

impl VerificationState {
    /// Every state; the database's CHECK is the same list.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Rejected, Self::Superseded];

    /// As the database and JSON have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Superseded => "SUPERSEDED",
        }
    }

    /// Reads what [`VerificationState::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Where a step leads from here; none when it cannot be taken.
    #[must_use]
    pub const fn after(self, step: VerificationStep) -> Option<Self> {
        match (self, step) {
            (Self::Pending, VerificationStep::Approve) => Some(Self::Approved),
            (Self::Pending, VerificationStep::Reject) => Some(Self::Rejected),
            // A correction replaces what waits; a renewal, once approved, replaces what held.
            (Self::Pending | Self::Approved, VerificationStep::Supersede) => Some(Self::Superseded),
            (
                Self::Approved | Self::Rejected | Self::Superseded,
                VerificationStep::Approve | VerificationStep::Reject,
            )
            | (Self::Rejected | Self::Superseded, VerificationStep::Supersede) => None,
        }
    }
}

/// What can happen to a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationStep {
    /// An administrator finds it good.
    Approve,
    /// An administrator refuses it.
    Reject,
    /// Another one takes its place.
    Supersede,
}

/// What a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A licence to work in a trade.
    Licence,
    /// Liability insurance.
    Insurance,
}

impl CredentialKind {
    /// Every kind; the database's CHECK is the same list.
    pub const ALL: [Self; 2] = [Self::Licence, Self::Insurance];

    /// As the database and JSON have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Licence => "LICENCE",
            Self::Insurance => "INSURANCE",
        }
    }

    /// Reads what [`CredentialKind::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A licence or an insurance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Which of the two.
    pub kind: CredentialKind,
    /// The trade that it is for, as a slug; none when it is for any.
    pub trade: Option<String>,
    /// Its number.
    pub number: String,
    /// In whose name it is.
    pub holder: String,
    /// Where it is good: a state, a city.
    pub place: String,
    /// The time zone of that place, in which its last day ends.
    pub time_zone: String,
    /// Its last day, inclusive.
    pub expires_on: NaiveDate,
}

/// A credential as it was handed in, before it is checked.
#[derive(Debug, Clone)]
pub struct CredentialForm {
    /// The trade that it is for, as a slug; none when it is for any.
    pub trade: Option<String>,
    /// Its number.
    pub number: String,
    /// In whose name it is.
    pub holder: String,
    /// Where it is good.
    pub place: String,
    /// The time zone of that place.
    pub time_zone: String,
    /// Its last day, inclusive.
    pub expires_on: NaiveDate,
}

impl CredentialForm {
    fn check(&self, kind: CredentialKind) -> Result<Credential, Faults> {
        let mut faults = Faults::none();
        let trade = super::person::optional(&mut faults, "/trade", self.trade.as_deref(), Slug::new);
        let number = faults.take("/number", text(&self.number, NUMBER_CHARS_MAX, Multiline::No));
        let holder = faults.take("/holder", text(&self.holder, HOLDER_CHARS_MAX, Multiline::No));
        let place = faults.take("/place", text(&self.place, PLACE_CHARS_MAX, Multiline::No));
        let time_zone = faults.take("/timeZone", TimeZone::new(&self.time_zone));
        let year = chrono::Datelike::year(&self.expires_on);
        faults.check(
            (1..=YEAR_MAX).contains(&year),
            "/expiresOn",
            "out_of_range",
            "must be in the years 1 to 9999",
        );
        match (number, holder, place, time_zone) {
            (Some(number), Some(holder), Some(place), Some(time_zone)) => faults.or(|| Credential {
                kind,
                trade: trade.map(|trade| trade.as_str().to_owned()),
                number,
                holder,
                place,
                time_zone: time_zone.as_str().to_owned(),
                expires_on: self.expires_on,
            }),
            _ => Err(faults),
        }
    }
}

/// What a contractor hands in, before it is checked.
#[derive(Debug, Clone)]
pub struct VerificationForm {
    /// At least one licence.
    pub licences: Vec<CredentialForm>,
    /// The insurance.
    pub insurance: CredentialForm,
}

/// Hands in a contractor's licences and insurance.
#[derive(Debug, Clone)]
pub struct VerificationSubmission {
    pub(crate) credentials: Vec<Credential>,
}

impl VerificationSubmission {
    /// # Errors
    /// Every fault in the form. Whether a credential has expired is judged when it is handed in, by the database's clock.
    pub fn new(form: &VerificationForm, settings: &Settings) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let most = usize::from(settings.licences_max);
        faults.check(
            (1..=most).contains(&form.licences.len()),
            "/licences",
            "out_of_range",
            format!("must name 1 to {most} licences"),
        );
        let mut credentials = Vec::new();
        for (index, licence) in form.licences.iter().enumerate().take(most) {
            credentials
                .extend(faults.take(&format!("/licences/{index}"), licence.check(CredentialKind::Licence)));
        }
        credentials.extend(faults.take("/insurance", form.insurance.check(CredentialKind::Insurance)));
        faults.or(|| Self { credentials })
    }

    /// # Errors
    /// A fault for each credential whose last day is over.
    pub(crate) fn check_expiry(&self, now: Instant) -> Result<(), Faults> {
        let mut faults = Faults::none();
        let licences = self
            .credentials
            .iter()
            .filter(|credential| credential.kind == CredentialKind::Licence)
            .enumerate();
        for (index, licence) in licences {
            faults.check(
                licence.end() > now,
                &format!("/licences/{index}/expiresOn"),
                "expired",
                "has expired",
            );
        }
        for insurance in
            self.credentials.iter().filter(|credential| credential.kind == CredentialKind::Insurance)
        {
            faults.check(insurance.end() > now, "/insurance/expiresOn", "expired", "has expired");
        }
        faults.or(|| ())
    }
}

impl Credential {
    /// The instant from which it no longer holds.
    #[must_use]
    pub fn end(&self) -> Instant {
        // An unknown zone (one that a later time zone database dropped) falls back to UTC instead of stopping everything.
        end_of_day(self.expires_on, self.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC))
    }
}

/// The first instant after a day, in a place: its next midnight, or when the clocks skip that, what they skip to.
#[must_use]
pub fn end_of_day(day: NaiveDate, zone: chrono_tz::Tz) -> Instant {
    let Some(next) = day.checked_add_days(Days::new(1)) else { return Instant::MAX_UTC };
    let midnight = next.and_time(NaiveTime::MIN);
    // The gaps of the time zone database are whole minutes of at most a day.
    (0..=24 * 60)
        .find_map(|minutes| {
            let local = midnight.checked_add_signed(TimeDelta::minutes(minutes))?;
            // Of an hour that comes twice the later one: a credential holds to the end of its day.
            local.and_local_timezone(zone).latest()
        })
        .map_or_else(|| midnight.and_utc(), |instant| instant.with_timezone(&Utc))
}

/// The instant from which bidding stops: when the last licence, or the last insurance, has ended.
#[must_use]
pub fn bids_end(credentials: &[Credential]) -> Option<Instant> {
    let last =
        |kind| credentials.iter().filter(|credential| credential.kind == kind).map(Credential::end).max();
    Some(last(CredentialKind::Licence)?.min(last(CredentialKind::Insurance)?))
}

/// A verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Which.
    pub id: VerificationId,
    /// Whose.
    pub contractor: PartyId,
    /// `Ada Lovelace`, for the administrator who checks.
    pub contractor_name: String,
    /// Where it stands.
    pub state: VerificationState,
    /// The licences, then the insurance.
    pub credentials: Vec<Credential>,
    /// When it was handed in.
    pub submitted_at: Instant,
    /// When it was decided.
    pub decided_at: Option<Instant>,
    /// By whom; none for the system.
    pub decided_by: Option<PersonId>,
    /// What the administrator noted; administrators only.
    pub note: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When approved: from when on the contractor may not bid any more.
    pub valid_until: Option<Instant>,
    /// What was handed in beside the numbers, in the order it came.
    pub documents: Vec<files::File>,
    /// Grows with every change.
    pub version: i32,
}

/// How a contractor stands with the verification.
#[derive(Debug, Clone)]
pub struct VerificationStanding {
    /// The state of the newest; none when nothing was ever handed in.
    pub newest: Option<VerificationState>,
    /// Whether the contractor may bid now.
    pub may_bid: bool,
    /// The one that was approved. It holds until its `valid_until`, also while a renewal waits.
    pub approved: Option<Verification>,
    /// The one that waits for an administrator.
    pub pending: Option<Verification>,
    /// A page of all of them, newest first.
    pub history: Page<Verification>,
}

/// What an administrator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Good.
    Approve {
        /// For administrators.
        note: Option<String>,
    },
    /// Not good.
    Reject {
        /// For the contractor.
        reason: String,
        /// For administrators.
        note: Option<String>,
    },
}

impl Decision {
    /// # Errors
    /// A fault at `/note`.
    pub fn approve(note: Option<&str>) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let note = checked_note(&mut faults, note);
        faults.or(|| Self::Approve { note })
    }

    /// # Errors
    /// Faults at `/reason` and `/note`.
    pub fn reject(reason: &str, note: Option<&str>) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let note = checked_note(&mut faults, note);
        match faults.take("/reason", text(reason, NOTE_CHARS_MAX, Multiline::Yes)) {
            Some(reason) => faults.or(|| Self::Reject { reason, note }),
            None => Err(faults),
        }
    }

    pub(crate) const fn step(&self) -> VerificationStep {
        match self {
            Self::Approve { .. } => VerificationStep::Approve,
            Self::Reject { .. } => VerificationStep::Reject,
        }
    }
}

fn checked_note(faults: &mut Faults, note: Option<&str>) -> Option<String> {
    super::person::optional(faults, "/note", note, |raw| text(raw, NOTE_CHARS_MAX, Multiline::Yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn instant(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_credential_holds_to_the_end_of_its_day_in_its_place() {
        for (last_day, zone, end) in [
            ("2026-06-30", "America/Chicago", "2026-07-01T05:00:00Z"),
            ("2026-12-31", "America/Chicago", "2027-01-01T06:00:00Z"),
            ("2026-06-30", "Asia/Kolkata", "2026-06-30T18:30:00Z"),
            ("2026-06-30", "UTC", "2026-07-01T00:00:00Z"),
            // Midnight of the 27th does not exist in Beirut: the day ends where the clocks jump.
            ("2022-03-26", "Asia/Beirut", "2022-03-26T22:00:00Z"),
            // Midnight comes twice in Havana: the day ends the second time.
            ("2022-11-05", "America/Havana", "2022-11-06T05:00:00Z"),
            // Samoa had no 30th of December.
            ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ] {
            assert_eq!(end_of_day(day(last_day), zone.parse().unwrap()), instant(end), "{last_day} {zone}");
        }
        assert_eq!(end_of_day(NaiveDate::MAX, chrono_tz::UTC), Instant::MAX_UTC);
    }

    fn credential(kind: CredentialKind, expires_on: &str) -> Credential {
        Credential {
            kind,
            trade: None,
            number: "1".to_owned(),
            holder: "Ada".to_owned(),
            place: "Texas".to_owned(),
            time_zone: "UTC".to_owned(),
            expires_on: day(expires_on),
        }
    }

    #[test]
    fn bidding_ends_when_no_licence_or_no_insurance_is_left() {
        use CredentialKind::{Insurance, Licence};
        let ends = |list: &[(CredentialKind, &str)]| {
            bids_end(&list.iter().map(|(kind, last)| credential(*kind, last)).collect::<Vec<_>>())
        };
        let first_of_june = Some(instant("2027-06-01T00:00:00Z"));
        assert_eq!(ends(&[(Licence, "2027-05-31"), (Insurance, "2028-01-01")]), first_of_june);
        assert_eq!(ends(&[(Licence, "2028-01-01"), (Insurance, "2027-05-31")]), first_of_june);
        assert_eq!(
            ends(&[(Licence, "2026-01-01"), (Licence, "2027-05-31"), (Insurance, "2028-01-01")]),
            first_of_june
        );
        assert_eq!(ends(&[(Licence, "2027-05-31")]), None);
        assert_eq!(ends(&[]), None);
    }

    #[test]
    fn only_what_waits_can_be_decided() {
        use VerificationState::{Approved, Pending, Rejected, Superseded};
        use VerificationStep::{Approve, Reject, Supersede};
        let steps = [Approve, Reject, Supersede];
        for (state, expected) in [
            (Pending, [Some(Approved), Some(Rejected), Some(Superseded)]),
            (Approved, [None, None, Some(Superseded)]),
            (Rejected, [None, None, None]),
            (Superseded, [None, None, None]),
        ] {
            assert_eq!(steps.map(|step| state.after(step)), expected, "{state:?}");
        }
    }

    #[test]
    fn every_fault_of_a_submission_is_named_with_its_place() {
        let good = CredentialForm {
            trade: Some("roofing".to_owned()),
            number: "TX-1".to_owned(),
            holder: "Ada".to_owned(),
            place: "Texas".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            expires_on: day("2030-01-01"),
        };
        let bad = CredentialForm {
            trade: Some("Roof Work".to_owned()),
            number: " ".to_owned(),
            time_zone: "Texas".to_owned(),
            holder: "a\nb".to_owned(),
            ..good.clone()
        };
        let form = VerificationForm { licences: vec![good.clone(), bad.clone()], insurance: bad };
        let faults = VerificationSubmission::new(&form, &Settings::default()).unwrap_err().into_vec();
        let places: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            places,
            [
                "/licences/1/trade",
                "/licences/1/number",
                "/licences/1/holder",
                "/licences/1/timeZone",
                "/insurance/trade",
                "/insurance/number",
                "/insurance/holder",
                "/insurance/timeZone"
            ]
        );
        let none = VerificationForm { licences: Vec::new(), insurance: good };
        let faults = VerificationSubmission::new(&none, &Settings::default()).unwrap_err().into_vec();
        assert_eq!(faults.first().map(|fault| fault.pointer.as_str()), Some("/licences"));
    }
}
