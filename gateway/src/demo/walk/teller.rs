//! Tells the walk: each step a line with who did what, the state before and after, and the money that moved.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::WalkError;
use super::client::{number_at, text_at};
use crate::command::table;

/// Where the states begin on a line.
const STATE_COLUMN: usize = 84;

/// Money that came to an account, or went from it, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The account.
    pub account: &'static str,
    /// By how much its balance changed.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

/// One step of the walk.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Under which heading.
    pub chapter: &'static str,
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
    pub(super) fn new(who: &str, what: impl Into<String>) -> Self {
        Self { who: who.to_owned(), what: what.into(), ..Self::default() }
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

    /// Money moved: by how much each account changed.
    #[must_use]
    pub(super) fn moved(mut self, currency: &str, moved: &[(&'static str, i64)]) -> Self {
        let entry = |(account, amount): &(&'static str, i64)| Moved {
            account,
            amount: *amount,
            currency: currency.to_owned(),
        };
        self.moved = moved.iter().map(entry).collect();
        self
    }
}

/// Tells the walk as it goes, and keeps it.
pub(super) struct Teller<'a> {
    tell: &'a mut dyn FnMut(&str),
    chapter: &'static str,
    steps: Vec<Step>,
}

impl<'a> Teller<'a> {
    /// Nothing told yet; `tell` is given the lines.
    #[must_use]
    pub(super) fn new(tell: &'a mut dyn FnMut(&str)) -> Self {
        Self { tell, chapter: "", steps: Vec::new() }
    }

    /// A heading.
    pub(super) fn chapter(&mut self, title: &'static str) {
        self.chapter = title;
        (self.tell)(&format!("\n{title}"));
    }

    /// A step.
    pub(super) fn step(&mut self, step: Step) {
        (self.tell)(&line(self.steps.len() + 1, &step));
        self.steps.push(Step { chapter: self.chapter, ..step });
    }

    /// The books, as the administrator reads them.
    ///
    /// # Errors
    /// [`WalkError::Lacking`] when they are not as documented.
    pub(super) fn books(&mut self, books: &Value) -> Result<(), WalkError> {
        (self.tell)(&trial_balance(books)?);
        Ok(())
    }

    /// How many steps were told.
    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.steps.len()
    }

    /// Every step.
    #[must_use]
    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

fn line(number: usize, step: &Step) -> String {
    let mut text = format!("{number:>3}  {:<8} {}", step.who, step.what);
    let state = match (step.thing, &step.before, &step.after) {
        (Some(thing), Some(before), Some(after)) if before == after => format!("{thing} stays {after}"),
        (Some(thing), Some(before), Some(after)) => format!("{thing} {before} → {after}"),
        (Some(thing), None, Some(after)) => format!("{thing} {after}"),
        _ => String::new(),
    };
    if !state.is_empty() {
        let gap = STATE_COLUMN.saturating_sub(text.chars().count()).max(2);
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{state}", " ".repeat(gap));
    }
    for moved in &step.moved {
        let sign = if moved.amount < 0 { '−' } else { '+' };
        let amount = amount(moved.amount.saturating_abs(), &moved.currency);
        let _ = write!(text, "\n              {:<42} {sign}{amount:>16}", moved.account);
    }
    text
}

fn trial_balance(books: &Value) -> Result<String, WalkError> {
    let mut rows = vec![["ACCOUNT", "HOW MANY", "DEBIT", "CREDIT"].map(str::to_owned).to_vec()];
    let (mut debits, mut credits) = (0_i64, 0_i64);
    for line in books.pointer("/lines").and_then(Value::as_array).into_iter().flatten() {
        let currency = text_at(line, "/currency")?;
        let (debit, credit) = (number_at(line, "/debitAmount")?, number_at(line, "/creditAmount")?);
        debits = debits.saturating_add(debit);
        credits = credits.saturating_add(credit);
        let shown = |minor: i64| if minor == 0 { String::new() } else { amount(minor, &currency) };
        let kind = text_at(line, "/kind")?.to_lowercase().replace('_', " ");
        rows.push(vec![kind, number_at(line, "/accounts")?.to_string(), shown(debit), shown(credit)]);
    }
    let balanced = books.pointer("/balanced").and_then(Value::as_bool) == Some(true);
    let verdict =
        if balanced && debits == credits { "equal: the books balance" } else { "THE BOOKS DO NOT BALANCE" };
    let table = table(&rows, &[1, 2, 3]).replace('\n', "\n     ");
    Ok(format!("     {table}\n     Debits and credits are {verdict}."))
}

/// Minor units as a person writes them.
#[must_use]
pub(super) fn amount(minor: i64, currency: &str) -> String {
    let money = currency.parse().ok().and_then(|currency| kernel::Money::new(minor, currency).ok());
    money.map_or_else(|| format!("{minor} {currency}"), |money| money.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_one_line_and_one_more_for_each_account() {
        let step = Step::new("Hanna", "releases the first milestone")
            .turned("milestone", "APPROVED", "RELEASED")
            .moved("USD", &[("held", -180_000), ("platform fee", 5_220)]);
        let told = line(7, &step);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("  7  Hanna    releases the first milestone  "));
        assert!(lines[0].ends_with("milestone APPROVED → RELEASED"));
        assert!(
            lines[1].trim().starts_with("held") && lines[1].ends_with("−    1,800.00 USD"),
            "{}",
            lines[1]
        );
    }

    #[test]
    fn what_stays_as_it_was_is_said_so() {
        let told = line(
            1,
            &Step::new("Bruno", "signs").turned("contract", "PENDING_SIGNATURES", "PENDING_SIGNATURES"),
        );
        assert!(told.ends_with("contract stays PENDING_SIGNATURES"), "{told}");
    }

    #[test]
    fn books_that_do_not_balance_are_said_so() {
        let mut books = json!({ "balanced": true, "lines": [
            { "kind": "HELD", "currency": "USD", "accounts": 2, "debitAmount": 0, "creditAmount": 500 },
            { "kind": "CARD_CLEARING", "currency": "USD", "accounts": 1, "debitAmount": 500, "creditAmount": 0 },
        ]});
        assert!(trial_balance(&books).unwrap().ends_with("equal: the books balance."));
        books["lines"][0]["creditAmount"] = json!(501);
        assert!(trial_balance(&books).unwrap().ends_with("THE BOOKS DO NOT BALANCE."));
    }
}
