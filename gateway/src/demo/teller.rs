//! Tells the walk: each step a line with who did what, the state before and after, and the money that moved.

use std::fmt::Write;

use serde::Serialize;

use crate::command::{Failure, Voice, say};

/// Money that went from one account to another, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Moved {
    /// The account.
    pub account: String,
    /// By how much its balance changed.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

/// One step of the walk.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    /// Who.
    pub who: String,
    /// Did what.
    pub what: String,
    /// What the state was of: `job`, `bid` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<&'static str>,
    /// The state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What moved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
}

impl Step {
    /// Somebody did something.
    #[must_use]
    pub(super) fn new(who: impl Into<String>, what: impl Into<String>) -> Self {
        Self { who: who.into(), what: what.into(), ..Self::default() }
    }

    /// Something came into being in this state.
    #[must_use]
    pub(super) fn made(mut self, thing: &'static str, after: impl Into<String>) -> Self {
        self.thing = Some(thing);
        self.after = Some(after.into());
        self
    }

    /// Something went from one state to another.
    #[must_use]
    pub(super) fn turned(
        mut self,
        thing: &'static str,
        before: impl Into<String>,
        after: impl Into<String>,
    ) -> Self {
        self.before = Some(before.into());
        self.made(thing, after)
    }

    /// Money moved.
    #[must_use]
    pub(super) fn moved(mut self, moved: Vec<Moved>) -> Self {
        self.moved = moved;
        self
    }
}

/// Prints the walk as it goes, or keeps it to be printed as one JSON value.
#[derive(Debug)]
pub(super) struct Teller {
    voice: Voice,
    steps: Vec<Step>,
}

impl Teller {
    /// Nothing told yet.
    #[must_use]
    pub(super) const fn new(voice: Voice) -> Self {
        Self { voice, steps: Vec::new() }
    }

    /// A heading, for people only.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be printed.
    pub(super) fn chapter(&self, title: &str) -> Result<(), Failure> {
        match self.voice {
            Voice::People => say(format!("\n{title}")),
            Voice::Programs => Ok(()),
        }
    }

    /// A step.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be printed.
    pub(super) fn step(&mut self, step: Step) -> Result<(), Failure> {
        if self.voice == Voice::People {
            say(line(self.steps.len() + 1, &step))?;
        }
        self.steps.push(step);
        Ok(())
    }

    /// Every step so far.
    #[must_use]
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

fn line(number: usize, step: &Step) -> String {
    let mut text = format!("{number:>3}  {:<8} {}", step.who, step.what);
    let state = match (step.thing, &step.before, &step.after) {
        (Some(thing), Some(before), Some(after)) => format!("{thing} {before} → {after}"),
        (Some(thing), None, Some(after)) => format!("{thing} {after}"),
        _ => String::new(),
    };
    if !state.is_empty() {
        let _ = write!(text, "{}{state}", " ".repeat(76_usize.saturating_sub(text.chars().count()).max(2)));
    }
    for moved in &step.moved {
        let sign = if moved.amount < 0 { '−' } else { '+' };
        let amount = amount(moved.amount.unsigned_abs(), &moved.currency);
        let _ = write!(text, "\n              {:<42} {sign}{amount:>16}", moved.account);
    }
    text
}

/// Minor units as a person writes them.
#[must_use]
pub(super) fn amount(minor: u64, currency: &str) -> String {
    let money = currency.parse().ok().zip(i64::try_from(minor).ok());
    let money = money.and_then(|(currency, minor)| kernel::Money::new(minor, currency).ok());
    money.map_or_else(|| format!("{minor} {currency}"), |money| money.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_line_and_one_more_for_each_account() {
        let moved =
            |account: &str, amount| Moved { account: account.to_owned(), amount, currency: "USD".to_owned() };
        let step = Step::new("Hanna", "releases the first milestone")
            .turned("milestone", "APPROVED", "RELEASED")
            .moved(vec![moved("held", -180_000), moved("platform fee", 5_220)]);
        let told = line(7, &step);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("  7  Hanna    releases the first milestone  "));
        assert!(lines[0].ends_with("milestone APPROVED → RELEASED"));
        assert!(lines[1].trim().starts_with("held") && lines[1].ends_with("−    1,800.00 USD"));
    }
}
