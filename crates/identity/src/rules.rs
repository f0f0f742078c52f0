//! Decisions about people as pure functions: facts in, outcome out. No clock, no database.

use std::net::IpAddr;

use chrono::TimeDelta;
use kernel::{Faults, Instant, Role};
use secrecy::{ExposeSecret, SecretString};

use crate::Settings;
use crate::model::Password;

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

/// How long to wait when too many sign-ins have failed: none when another may be tried. `failures` are the times of the newest ones,
/// newest first.
#[must_use]
pub fn sign_in_wait(
    failures: &[Instant],
    failures_max: usize,
    window: TimeDelta,
    now: Instant,
) -> Option<TimeDelta> {
    let blocking = failures.get(failures_max.checked_sub(1)?)?;
    let free_at = blocking.checked_add_signed(window)?;
    (free_at > now).then(|| free_at - now)
}

/// Whole seconds for a `Retry-After`, rounded up, so that a try after them succeeds.
#[must_use]
pub fn retry_after(wait: TimeDelta) -> u32 {
    u32::try_from(wait.num_milliseconds().saturating_add(999) / 1_000).unwrap_or(u32::MAX).max(1)
}

/// What of a network address counts as one caller: an IPv4 address, or an IPv6 network of 64 bits, which is what one household has.
#[must_use]
pub fn caller_network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().iter().copied().take(8).collect(),
    }
}

/// What becomes of a refresh token that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// The first time: it is spent and a successor made.
    Rotate,
    /// Again, and so soon that the answer may have been lost: the same successor.
    Repeat,
    /// Again, later: two hold it, and one of them stole it.
    Revoke,
}

/// Judges a refresh token by when it was spent.
#[must_use]
pub fn refresh_outcome(spent_at: Option<Instant>, retry: TimeDelta, now: Instant) -> RefreshOutcome {
    match spent_at {
        None => RefreshOutcome::Rotate,
        Some(spent_at) if now.signed_duration_since(spent_at) <= retry => RefreshOutcome::Repeat,
        Some(_) => RefreshOutcome::Revoke,
    }
}

/// The names of a person: first, for strangers, whole. Who has given none goes by the role.
#[must_use]
pub fn names(full_name: Option<&str>, role: Role) -> (String, String, String) {
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
