//! One thing that the doctor looked at.

use serde::Serialize;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// As it should be.
    Good,
    /// It works, and somebody should know.
    Note,
    /// Something has to be done.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What.
    pub name: &'static str,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Check {
    /// As it should be.
    pub(super) fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, health: Health::Good, found: found.into(), advice: None }
    }

    /// It works, and somebody should know.
    pub(super) fn note(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, health: Health::Note, found: found.into(), advice: Some(advice.into()) }
    }

    /// Something has to be done.
    pub(super) fn bad(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, health: Health::Bad, found: found.into(), advice: Some(advice.into()) }
    }
}

/// The report for a person.
#[must_use]
pub(super) fn report(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    for check in checks {
        let mark = match check.health {
            Health::Good => "ok  ",
            Health::Note => "note",
            Health::Bad => "BAD ",
        };
        let under = |text: &str, column: usize| text.replace('\n', &format!("\n{:column$}", ""));
        lines.push(format!("{mark}  {:<14} {}", check.name, under(&check.found, 21)));
        lines.extend(check.advice.iter().map(|advice| format!("{:21}→ {}", "", under(advice, 23))));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_line_stands_under_the_first() {
        let told = report(&[Check::bad("database", "cannot be had", "first\nsecond")]);
        assert!(told.ends_with("\n                     → first\n                       second"), "{told}");
    }

    #[test]
    fn what_has_to_be_done_stands_under_what_was_found() {
        let told = report(&[
            Check::good("clock", "agrees"),
            Check::bad("port", "8080 is taken", "set PORT to another"),
        ]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "ok    clock          agrees");
        assert_eq!(lines[1], "BAD   port           8080 is taken");
        assert!(lines[2].trim() == "→ set PORT to another");
    }
}
