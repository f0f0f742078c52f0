//! Checked texts: each is trimmed, of bounded length in characters, and free of what Postgres and people cannot read.

use kernel::{Fault, Faults};

/// A text between two lengths, counted in characters after trimming; one line unless `lines` says otherwise.
fn checked(text: &str, min: usize, max: usize, lines: bool) -> Result<String, Faults> {
    let text = text.trim();
    let length = text.chars().count();
    let mut faults = Faults::none();
    faults.check(length >= min, "", "too_short", format!("has to have at least {min} characters"));
    faults.check(length <= max, "", "too_long", format!("has to have at most {max} characters"));
    let readable = |c: char| !c.is_control() || (lines && matches!(c, '\n' | '\r' | '\t'));
    faults.check(text.chars().all(readable), "", "control_character", "has a character that cannot be shown");
    faults.or(|| text.to_owned())
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal, $lines:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The fewest characters.
            pub const MIN: usize = $min;
            /// The most characters.
            pub const MAX: usize = $max;

            /// # Errors
            /// Every fault of the text.
            pub fn new(text: &str) -> Result<Self, Faults> {
                checked(text, Self::MIN, Self::MAX, $lines).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }
    };
}

text!(
    /// What a job, or a milestone of a bid, is called.
    Title, 3..=120, false
);
text!(
    /// What is to be done.
    Description, 1..=10_000, true
);
text!(
    /// What a bid promises and asks for; it becomes part of the contract.
    BidTerms, 1..=10_000, true
);
text!(
    /// A line of an address, a town, a region, a postal code.
    Place, 1..=120, false
);
text!(
    /// What a line of a bid is for.
    LineText, 1..=200, false
);
text!(
    /// Why a bid was turned down.
    Reason, 1..=500, true
);
text!(
    /// What somebody has to say about the other.
    ReviewText, 1..=4_000, true
);
text!(
    /// What whom a review is about answers to it.
    ReplyText, 1..=4_000, true
);
text!(
    /// What somebody adds to a report, for administrators to read.
    ReportNote, 1..=1_000, true
);
text!(
    /// Why an administrator decided so, for whoever it concerns to read.
    DecisionReason, 1..=1_000, true
);

/// A country as ISO 3166-1 has it: two capital letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country(String);

impl Country {
    /// # Errors
    /// A fault for anything but two ASCII letters.
    pub fn new(code: &str) -> Result<Self, Faults> {
        if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Self(code.to_owned()))
        } else {
            Err(Fault::new("", "bad_country", "has to be an ISO 3166 country code, as `US`").into())
        }
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Skills that a job asks for: short words, each once, in the order given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skills(Vec<String>);

impl Skills {
    /// The most skills of one job.
    pub const MAX: usize = 20;
    /// The most characters of one skill.
    pub const LENGTH_MAX: usize = 50;

    /// # Errors
    /// Every fault, with its place in the list.
    pub fn new<S: AsRef<str>>(skills: &[S]) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        faults.check(
            skills.len() <= Self::MAX,
            "",
            "too_many",
            format!("has to have at most {} skills", Self::MAX),
        );
        let mut kept: Vec<String> = Vec::new();
        for (index, skill) in skills.iter().take(Self::MAX).enumerate() {
            let skill = checked(skill.as_ref(), 1, Self::LENGTH_MAX, false).map(|skill| skill.to_lowercase());
            if let Some(skill) = faults.take(&format!("/{index}"), skill)
                && !kept.contains(&skill)
            {
                kept.push(skill);
            }
        }
        faults.or(|| Self(kept))
    }

    /// The words.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The words themselves.
    #[must_use]
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters_after_trimming() {
        assert_eq!(Title::new("  Tür  ").unwrap().as_str(), "Tür");
        assert!(Title::new("ab").is_err());
        assert!(Title::new(&"é".repeat(120)).is_ok());
        assert!(Title::new(&"é".repeat(121)).is_err());
    }

    #[test]
    fn control_characters_are_refused_but_long_texts_have_lines() {
        assert!(Title::new("one\ntwo").is_err());
        assert!(Description::new("one\ntwo\tthree").is_ok());
        assert!(Description::new("nul\0").is_err());
    }

    #[test]
    fn skills_are_kept_once_in_lower_case_and_faults_name_their_place() {
        assert_eq!(Skills::new(&["Tiling", "tiling", "Grout"]).unwrap().as_slice(), ["tiling", "grout"]);
        let faults = Skills::new(&["ok", "", "a\0"]).unwrap_err().into_vec();
        let places: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/1", "/2"]);
        assert!(Skills::new(&vec!["a"; 21]).is_err());
    }

    #[test]
    fn countries_are_two_capital_letters() {
        assert!(Country::new("DE").is_ok());
        for bad in ["", "d", "de", "DEU", "D\u{c4}"] {
            assert!(Country::new(bad).is_err(), "{bad}");
        }
    }
}
