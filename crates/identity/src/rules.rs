//! Decisions about people as pure functions: facts in, outcome out. No clock, no database.

use std::net::{IpAddr, Ipv6Addr};

use chrono::TimeDelta;
use kernel::{Faults, Instant, PersonId, Role};
use secrecy::{ExposeSecret, SecretString};

use crate::model::{OauthRefusal, Password, Person};
use crate::{Error, Settings};

/// What a new password must be.
#[derive(Debug, Clone)]
pub struct PasswordPolicy {
    chars_min: usize,
    chars_max: usize,
    score_min: u8,
}

impl PasswordPolicy {
    /// The policy of these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            chars_min: usize::from(settings.password_chars_min),
            chars_max: usize::from(settings.password_chars_max),
            score_min: settings.password_score_min,
        }
    }

    /// Judges a new password; `about` is what an attacker who knows the person would try first.
    ///
    /// # Errors
    /// A fault with advice when it is too short, too long, or too easily guessed.
    pub fn new_password(&self, raw: &SecretString, about: &[&str]) -> Result<Password, Faults> {
        let password = Password::typed(raw.expose_secret());
        let text = password.secret().expose_secret();
        let chars = text.chars().count();
        let mut faults = Faults::none();
        faults.check(
            chars >= self.chars_min,
            "",
            "too_short",
            format!("must have at least {} characters", self.chars_min),
        );
        faults.check(
            chars <= self.chars_max,
            "",
            "too_long",
            format!("must have at most {} characters", self.chars_max),
        );
        if faults.is_empty() {
            self.judge_strength(text, about, &mut faults);
        }
        faults.or(|| password)
    }

    fn judge_strength(&self, text: &str, about: &[&str], faults: &mut Faults) {
        // The parts too: nobody should be called Ada Lovelace and have `lovelace1815`.
        let words = about
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.chars().count() > 2);
        let inputs: Vec<&str> = about.iter().copied().filter(|text| !text.is_empty()).chain(words).collect();
        let judged = zxcvbn::zxcvbn(text, &inputs);
        if u8::from(judged.score()) < self.score_min {
            let advice = judged.feedback().map(advice).unwrap_or_default();
            faults.push(
                "",
                "too_weak",
                format!("is too easily guessed; add another word or two, uncommon words are better.{advice}"),
            );
        }
    }
}

/// What becomes of somebody whom a provider vouches for and whom we do not know by that identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// They are whoever has the address here.
    Join,
    /// They may be whoever has the address here, and have to show it.
    AskPassword,
    /// They become somebody new.
    Become(Role),
    /// They have no account, and did not ask for one.
    Nobody,
}

/// An address says who somebody is only when both sides have seen that mail to it reaches them: an account made with another's address
/// must not catch its owner, nor an unproved address at a provider open the account of its owner here. An administrator's account is not
/// opened by an address at all.
pub(crate) fn arrival(namesake: Option<&Person>, verified_there: bool, wanted: Option<Role>) -> Arrival {
    match (namesake, wanted) {
        (Some(person), _) => {
            let verified_here = person.email_verified_at.is_some();
            if verified_there && verified_here && person.role != Role::Admin {
                Arrival::Join
            } else {
                Arrival::AskPassword
            }
        }
        (None, Some(role)) if role != Role::Admin => Arrival::Become(role),
        (None, _) => Arrival::Nobody,
    }
}

/// What a provider's word for an error means to the client (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6).
pub(crate) fn refusal_of(word: &str) -> OauthRefusal {
    match word {
        "access_denied" | "consent_required" | "interaction_required" | "login_required" => {
            OauthRefusal::AccessDenied
        }
        "server_error" | "temporarily_unavailable" => OauthRefusal::ProviderUnavailable,
        _ => OauthRefusal::ProviderRefused,
    }
}

fn advice(feedback: &zxcvbn::feedback::Feedback) -> String {
    let suggestions = feedback.suggestions().iter().map(ToString::to_string);
    feedback
        .warning()
        .map(|warning| warning.to_string())
        .into_iter()
        .chain(suggestions)
        .map(|line| format!(" {line}"))
        .collect()
}

/// How long to wait where so many are allowed within a window, such as failed sign-ins: none when another may be tried. `newest` are the
/// times of the newest ones, newest first.
pub(crate) fn wait_for_window(
    newest: &[Instant],
    most: usize,
    window: TimeDelta,
    now: Instant,
) -> Option<TimeDelta> {
    let blocking = newest.get(most.checked_sub(1)?)?;
    let free_at = blocking.checked_add_signed(window)?;
    (free_at > now).then(|| free_at - now)
}

/// Whole seconds for a `Retry-After`, rounded up, so that a try after them succeeds.
pub(crate) fn retry_after(wait: TimeDelta) -> u32 {
    u32::try_from(wait.num_milliseconds().saturating_add(999) / 1_000).unwrap_or(u32::MAX).max(1)
}

/// What of a network address counts as one caller: an IPv4 address, or an IPv6 network of 64 bits, which is what one household has.
pub(crate) fn caller_network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().iter().copied().take(8).collect(),
    }
}

/// A network address as its person is shown it: enough to tell home from abroad, and too little to name a household.
pub(crate) fn shown_network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

/// Whether somebody has to set up a second factor before anything else.
pub(crate) fn owes_second_factor(role: Role, has_one: bool, settings: &Settings) -> bool {
    role == Role::Admin && settings.administrators_need_second_factor && !has_one
}

/// What becomes of a refresh token that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshOutcome {
    /// The first time: it is spent and a successor made.
    Rotate,
    /// Again, and so soon that the answer may have been lost: the same successor.
    Repeat,
    /// Again, later: two hold it, and one of them stole it.
    Revoke,
}

/// Judges a refresh token by when it was spent.
pub(crate) fn refresh_outcome(spent_at: Option<Instant>, retry: TimeDelta, now: Instant) -> RefreshOutcome {
    match spent_at {
        None => RefreshOutcome::Rotate,
        Some(spent_at) if now.signed_duration_since(spent_at) <= retry => RefreshOutcome::Repeat,
        Some(_) => RefreshOutcome::Revoke,
    }
}

/// When to warn of a credential's end: so many times 24 hours before it, the earliest first. What falls before the approval, or nearer
/// to the end than 24 hours, is left out.
pub(crate) fn credential_reminders(approved_at: Instant, end: Instant, days: &[u16]) -> Vec<(u16, Instant)> {
    let mut plan: Vec<(u16, Instant)> = days
        .iter()
        .filter_map(|days| Some((*days, before(end, *days)?)))
        .filter(|(days, at)| *days >= 1 && *at > approved_at)
        .collect();
    plan.sort_unstable_by_key(|(_, at)| *at);
    plan.dedup();
    plan
}

/// Whether a warning is to be given now: not when the end is past, nor when one nearer to the end is due as well, because nothing ran
/// for a while.
pub(crate) fn reminder_is_due(days: u16, planned: &[u16], end: Instant, now: Instant) -> bool {
    let nearer = planned.iter().filter(|other| **other < days && **other >= 1);
    now < end && nearer.filter_map(|other| before(end, *other)).all(|at| now < at)
}

fn before(end: Instant, days: u16) -> Option<Instant> {
    end.checked_sub_signed(TimeDelta::hours(24 * i64::from(days)))
}

/// The names of a person: first, for strangers, whole. Who has given none goes by the role.
pub(crate) fn names(full_name: Option<&str>, role: Role) -> (String, String, String) {
    let Some(full) = full_name else {
        let stand_in = match role {
            Role::Homeowner => "Homeowner",
            Role::Contractor => "Contractor",
            Role::Admin => "Administrator",
        };
        return (stand_in.to_owned(), stand_in.to_owned(), stand_in.to_owned());
    };
    let mut words = full.split_whitespace();
    let first = words.next().unwrap_or_default().to_owned();
    let display = match words.last().and_then(|last| last.chars().next()) {
        Some(initial) => format!("{first} {}.", initial.to_uppercase()),
        None => first.clone(),
    };
    (first, display, full.to_owned())
}

/// The same of a card; whoever was erased has one name in place of all three.
pub(crate) fn card_names(card: &crate::store::CardRow) -> (String, String, String) {
    if card.erased {
        let name = || crate::FORMER_MEMBER.to_owned();
        return (name(), name(), name());
    }
    names(card.full_name.as_deref(), card.role)
}

/// Whether `by` may suspend the administrator `target`; `administrators` are all of them, each with whether it is active. `by` is none
/// for the operator.
///
/// # Errors
/// [`Error::OwnAccount`], [`Error::SignedOut`] when `by` was suspended itself meanwhile, [`Error::LastAdministrator`].
pub(crate) fn may_suspend_administrator(
    administrators: &[(PersonId, bool)],
    by: Option<PersonId>,
    target: PersonId,
) -> Result<(), Error> {
    let is_active = |id: PersonId| administrators.contains(&(id, true));
    match by {
        Some(by) if by == target => return Err(Error::OwnAccount),
        Some(by) if !is_active(by) => return Err(Error::SignedOut),
        Some(_) | None => {}
    }
    may_leave(administrators, target)
}

/// Whether somebody may go: not an active administrator when no other is one.
///
/// # Errors
/// [`Error::LastAdministrator`].
pub(crate) fn may_leave(administrators: &[(PersonId, bool)], target: PersonId) -> Result<(), Error> {
    let is_active = administrators.contains(&(target, true));
    if is_active && !administrators.iter().any(|(id, active)| *active && *id != target) {
        return Err(Error::LastAdministrator);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn codes(password: &str, about: &[&str]) -> Vec<&'static str> {
        let policy = PasswordPolicy::new(&Settings::default());
        match policy.new_password(&SecretString::from(password), about) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_vec().into_iter().map(|fault| fault.code).collect(),
        }
    }

    #[test]
    fn passwords_are_judged_by_length_and_by_how_easily_they_are_guessed() {
        let long: String = (0..64).filter_map(|n| char::from_u32(0x4e00 + n * n * 37 % 20_000)).collect();
        let too_long = "correct horse ".repeat(20);
        for (password, about, expected) in [
            ("violet-mural-97-kestrel", vec![], vec![]),
            (
                "\u{443}\u{434}\u{438}\u{432}\u{438}\u{442}\u{435}\u{43b}\u{44c}\u{43d}\u{44b}\u{439} \u{43b}\u{435}\u{441}",
                vec![],
                vec![],
            ),
            (long.as_str(), vec![], vec![]),
            ("Zq9!fp", vec![], vec!["too_short"]),
            (too_long.as_str(), vec![], vec!["too_long"]),
            ("password123", vec![], vec!["too_weak"]),
            ("aaaaaaaaaaaaaaaa", vec![], vec!["too_weak"]),
            ("ada@lovelace.example", vec!["ada@lovelace.example"], vec!["too_weak"]),
            ("Bartholomew9", vec!["Bartholomew Quigley"], vec!["too_weak"]),
        ] {
            assert_eq!(codes(password, &about), expected, "{password}");
        }
    }

    #[test]
    fn the_eleventh_wait_for_windows_until_the_tenth_newest_failure_is_old() {
        let window = TimeDelta::minutes(15);
        let newest_first = |count: i64| (0..count).map(|n| at(100 - n)).collect::<Vec<_>>();
        assert_eq!(wait_for_window(&newest_first(9), 10, window, at(100)), None);
        assert_eq!(wait_for_window(&newest_first(10), 10, window, at(100)), Some(TimeDelta::seconds(891)));
        assert_eq!(wait_for_window(&newest_first(10), 10, window, at(100 + 891)), None);
        assert_eq!(wait_for_window(&[], 0, window, at(0)), None);
    }

    #[test]
    fn seconds_to_wait_are_rounded_up() {
        for (millis, expected) in [(1, 1), (999, 1), (1_000, 1), (1_001, 2), (900_000, 900)] {
            assert_eq!(retry_after(TimeDelta::milliseconds(millis)), expected);
        }
    }

    #[test]
    fn warnings_come_30_14_and_1_day_before_the_end_unless_that_is_before_the_approval() {
        let day = 86_400;
        let plan = [30, 14, 1];
        for (left, expected) in [
            (40 * day, vec![30, 14, 1]),
            (30 * day + 1, vec![30, 14, 1]),
            (30 * day, vec![14, 1]),
            (2 * day, vec![1]),
            (day, vec![]),
            (day / 2, vec![]),
        ] {
            let found = credential_reminders(at(0), at(left), &plan);
            assert_eq!(found.iter().map(|(days, _)| *days).collect::<Vec<_>>(), expected, "{left}");
            assert!(found.iter().all(|(days, when)| *when == at(left - day * i64::from(*days))), "{left}");
        }
        assert_eq!(credential_reminders(at(0), Instant::MAX_UTC, &plan).len(), 3);
    }

    #[test]
    fn after_a_standstill_only_the_last_warning_is_given() {
        let (day, plan) = (86_400, [30, 14, 1]);
        let end = at(40 * day);
        for (days, now, expected) in [
            (30, 10 * day, true),
            (30, 26 * day - 1, true),
            (30, 26 * day, false),
            (14, 26 * day, true),
            (14, 39 * day, false),
            (1, 39 * day, true),
            (1, 40 * day - 1, true),
            (1, 40 * day, false),
        ] {
            assert_eq!(reminder_is_due(days, &plan, end, at(now)), expected, "{days} {now}");
        }
    }

    #[test]
    fn an_ipv6_household_is_one_caller_and_a_mapped_ipv4_address_is_ipv4() {
        let network = |text: &str| caller_network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }

    #[test]
    fn a_person_is_shown_a_network_and_no_household() {
        for (address, shown) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(shown_network(address.parse().unwrap()), shown);
        }
    }

    #[test]
    fn a_spent_token_is_honoured_for_ten_seconds() {
        let retry = TimeDelta::seconds(10);
        for (spent, now, expected) in [
            (None, 50, RefreshOutcome::Rotate),
            (Some(50), 50, RefreshOutcome::Repeat),
            (Some(50), 60, RefreshOutcome::Repeat),
            (Some(50), 61, RefreshOutcome::Revoke),
        ] {
            assert_eq!(refresh_outcome(spent.map(at), retry, at(now)), expected, "{spent:?} {now}");
        }
    }

    #[test]
    fn an_administrator_is_suspended_by_another_active_one_only() {
        let (ada, bob, eve) = (PersonId::new(), PersonId::new(), PersonId::new());
        let code = |all: &[(PersonId, bool)], by, target| {
            use kernel::Classify;
            may_suspend_administrator(all, by, target).err().map(|error| error.code())
        };
        assert_eq!(code(&[(ada, true), (bob, true)], Some(ada), bob), None);
        assert_eq!(code(&[(ada, true), (bob, true)], Some(ada), ada), Some("own_account"));
        assert_eq!(code(&[(ada, false), (bob, true)], Some(ada), bob), Some("signed_out"));
        assert_eq!(code(&[(ada, true), (bob, false)], None, ada), Some("last_administrator"));
        assert_eq!(code(&[(ada, true), (bob, true), (eve, false)], None, ada), None);
        // Already suspended: that is said, not that it is the last.
        assert_eq!(code(&[(ada, false)], None, ada), None);
    }

    #[test]
    fn an_address_joins_two_accounts_only_when_both_sides_have_proved_it() {
        let person = |verified: bool, role| Person {
            id: PersonId::new(),
            role,
            email: "ada@example.com".to_owned(),
            email_verified_at: verified.then(|| at(0)),
            name: None,
            phone: None,
            time_zone: "UTC".to_owned(),
            location: None,
            suspended_at: None,
            second_factor_at: None,
            erased_at: None,
            version: 1,
            created_at: at(0),
            updated_at: at(0),
        };
        use Arrival::{AskPassword, Become, Join, Nobody};
        for (namesake, verified_there, wanted, expected) in [
            (Some((true, Role::Homeowner)), true, None, Join),
            (Some((true, Role::Homeowner)), true, Some(Role::Contractor), Join),
            (Some((true, Role::Homeowner)), false, None, AskPassword),
            (Some((false, Role::Homeowner)), true, None, AskPassword),
            (Some((false, Role::Contractor)), false, None, AskPassword),
            (Some((true, Role::Admin)), true, None, AskPassword),
            (None, true, Some(Role::Contractor), Become(Role::Contractor)),
            (None, false, Some(Role::Homeowner), Become(Role::Homeowner)),
            (None, true, Some(Role::Admin), Nobody),
            (None, true, None, Nobody),
        ] {
            let namesake = namesake.map(|(verified, role)| person(verified, role));
            assert_eq!(arrival(namesake.as_ref(), verified_there, wanted), expected, "{namesake:?}");
        }
    }

    #[test]
    fn administrators_owe_a_second_factor_where_it_is_asked_of_them() {
        let asked = |administrators_need_second_factor| Settings {
            administrators_need_second_factor,
            ..Settings::default()
        };
        for (role, has_one, needed, expected) in [
            (Role::Admin, false, true, true),
            (Role::Admin, true, true, false),
            (Role::Admin, false, false, false),
            (Role::Homeowner, false, true, false),
            (Role::Contractor, false, true, false),
        ] {
            assert_eq!(
                owes_second_factor(role, has_one, &asked(needed)),
                expected,
                "{role:?} {has_one} {needed}"
            );
        }
    }

    #[test]
    fn strangers_see_a_first_name_and_an_initial() {
        for (name, role, expected) in [
            (Some("Ada Lovelace"), Role::Homeowner, ("Ada", "Ada L.", "Ada Lovelace")),
            (Some("Ada"), Role::Homeowner, ("Ada", "Ada", "Ada")),
            (
                Some("Gabriel Garc\u{ed}a \u{f1}u\u{f1}ez"),
                Role::Contractor,
                ("Gabriel", "Gabriel \u{d1}.", "Gabriel Garc\u{ed}a \u{f1}u\u{f1}ez"),
            ),
            (None, Role::Contractor, ("Contractor", "Contractor", "Contractor")),
        ] {
            let (first, display, full) = names(name, role);
            assert_eq!((first.as_str(), display.as_str(), full.as_str()), expected);
        }
    }

    proptest! {
        #[test]
        fn whoever_waits_as_long_as_told_is_let_in(ages in prop::collection::vec(0_i64..2_000, 0..30), most in 1_usize..12) {
            let window = TimeDelta::minutes(15);
            let mut failures: Vec<Instant> = ages.iter().map(|age| at(-age)).collect();
            failures.sort_unstable_by(|a, b| b.cmp(a));
            let wait = wait_for_window(&failures, most, window, at(0));
            let recent = failures.iter().filter(|failure| **failure + window > at(0)).count();
            prop_assert_eq!(wait.is_some(), recent >= most);
            if let Some(wait) = wait {
                let later = at(i64::from(retry_after(wait)));
                prop_assert_eq!(wait_for_window(&failures, most, window, later), None);
            }
        }
    }
}
