//! The states of the USA and the provinces of Canada, which people write in two ways: “TX” and “Texas” are one region. All other regions are
//! what is written of them.
//!
//! The codes are those of ISO 3166-2:US and ISO 3166-2:CA, which are the postal services' too (USPS Publication 28, appendix B; Canada Post's
//! Addressing Guidelines), and so are the English names.

/// A state or a province.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// The country that it is of.
    country: &'static str,
    /// Its two letters.
    pub(crate) code: &'static str,
    /// Its name, in capitals and without accents.
    pub(crate) name: &'static str,
}

/// What stands for a region in rows and figures: of a known state its code, else what was written.
#[must_use]
pub fn region_written(country: &str, region: &str) -> String {
    state(country, region).map_or_else(|| region.to_owned(), |state| state.code.to_owned())
}

/// All that one region may be called in figures: of a known state its code and its name; nothing of what has one name only.
#[must_use]
pub fn region_keys(country: &str, region: &str) -> Vec<String> {
    state(country, region).map(|state| vec![state.code.to_owned(), state.name.to_owned()]).unwrap_or_default()
}

/// The state of this country that has this code or name; capitals, accents, points and spaces do not matter.
fn state(country: &str, region: &str) -> Option<State> {
    let written = letters(region);
    let mut of_country = all().filter(|state| state.country == country);
    of_country.find(|state| is(state.code, &written) || is(state.name, &written))
}

/// The state that is named so, wherever it is.
pub(crate) fn state_named(name: &str) -> Option<State> {
    let written = letters(name);
    all().find(|state| is(state.name, &written))
}

/// The state that somebody means who writes these two letters among other words: what is a word, too, is a state in capitals only.
pub(crate) fn state_abbreviated(letters: &str) -> Option<State> {
    let written = letters.to_ascii_uppercase();
    let is_sure = written == letters || !WORDS.contains(&written.as_str());
    all().find(|state| is_sure && state.code == written)
}

/// Whether a code or a name has these [`letters`].
fn is(name: &str, letters: &str) -> bool {
    name.bytes().filter(|byte| *byte != b' ').map(|byte| byte.to_ascii_lowercase()).eq(letters.bytes())
}

/// Every state.
pub(crate) fn all() -> impl Iterator<Item = State> {
    let of = |country| move |(code, name): &(&'static str, &'static str)| State { country, code, name };
    USA.iter().map(of("US")).chain(CANADA.iter().map(of("CA")))
}

fn letters(text: &str) -> String {
    taxonomy::fold(text).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Codes that people write as a word or an abbreviation of one.
const WORDS: [&str; 21] = [
    "AL", "AS", "CO", "DE", "HI", "ID", "IN", "LA", "MA", "ME", "MI", "MO", "MS", "OH", "OK", "ON", "OR",
    "PA", "PE", "PR", "VI",
];

const USA: [(&str, &str); 56] = [
    ("AL", "ALABAMA"),
    ("AK", "ALASKA"),
    ("AZ", "ARIZONA"),
    ("AR", "ARKANSAS"),
    ("CA", "CALIFORNIA"),
    ("CO", "COLORADO"),
    ("CT", "CONNECTICUT"),
    ("DE", "DELAWARE"),
    ("DC", "DISTRICT OF COLUMBIA"),
    ("FL", "FLORIDA"),
    ("GA", "GEORGIA"),
    ("HI", "HAWAII"),
    ("ID", "IDAHO"),
    ("IL", "ILLINOIS"),
    ("IN", "INDIANA"),
    ("IA", "IOWA"),
    ("KS", "KANSAS"),
    ("KY", "KENTUCKY"),
    ("LA", "LOUISIANA"),
    ("ME", "MAINE"),
    ("MD", "MARYLAND"),
    ("MA", "MASSACHUSETTS"),
    ("MI", "MICHIGAN"),
    ("MN", "MINNESOTA"),
    ("MS", "MISSISSIPPI"),
    ("MO", "MISSOURI"),
    ("MT", "MONTANA"),
    ("NE", "NEBRASKA"),
    ("NV", "NEVADA"),
    ("NH", "NEW HAMPSHIRE"),
    ("NJ", "NEW JERSEY"),
    ("NM", "NEW MEXICO"),
    ("NY", "NEW YORK"),
    ("NC", "NORTH CAROLINA"),
    ("ND", "NORTH DAKOTA"),
    ("OH", "OHIO"),
    ("OK", "OKLAHOMA"),
    ("OR", "OREGON"),
    ("PA", "PENNSYLVANIA"),
    ("RI", "RHODE ISLAND"),
    ("SC", "SOUTH CAROLINA"),
    ("SD", "SOUTH DAKOTA"),
    ("TN", "TENNESSEE"),
    ("TX", "TEXAS"),
    ("UT", "UTAH"),
    ("VT", "VERMONT"),
    ("VA", "VIRGINIA"),
    ("WA", "WASHINGTON"),
    ("WV", "WEST VIRGINIA"),
    ("WI", "WISCONSIN"),
    ("WY", "WYOMING"),
    ("AS", "AMERICAN SAMOA"),
    ("GU", "GUAM"),
    ("MP", "NORTHERN MARIANA ISLANDS"),
    ("PR", "PUERTO RICO"),
    ("VI", "VIRGIN ISLANDS"),
];

const CANADA: [(&str, &str); 13] = [
    ("AB", "ALBERTA"),
    ("BC", "BRITISH COLUMBIA"),
    ("MB", "MANITOBA"),
    ("NB", "NEW BRUNSWICK"),
    ("NL", "NEWFOUNDLAND AND LABRADOR"),
    ("NS", "NOVA SCOTIA"),
    ("NT", "NORTHWEST TERRITORIES"),
    ("NU", "NUNAVUT"),
    ("ON", "ONTARIO"),
    ("PE", "PRINCE EDWARD ISLAND"),
    ("QC", "QUEBEC"),
    ("SK", "SASKATCHEWAN"),
    ("YT", "YUKON"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_state_is_one_however_it_is_written() {
        for (country, written, code) in [
            ("US", "TX", "TX"),
            ("US", "Texas", "TX"),
            ("US", " texas ", "TX"),
            ("US", "d.c.", "DC"),
            ("US", "new  york", "NY"),
            ("CA", "Québec", "QC"),
            ("CA", "Prince Edward Island", "PE"),
            // Elsewhere, and what is no state, is what is written.
            ("MX", "TX", "TX"),
            ("CA", "Texas", "Texas"),
            ("DE", "Bayern", "Bayern"),
            ("US", "Región 3", "Región 3"),
            ("US", "", ""),
        ] {
            assert_eq!(region_written(country, written), code, "{written} in {country}");
        }
        assert_eq!(region_keys("US", "tx"), ["TX", "TEXAS"]);
        assert!(region_keys("DE", "Bayern").is_empty());
    }

    #[test]
    fn no_code_and_no_name_stands_for_two() {
        let once = |of: fn(State) -> &'static str| all().map(of).collect::<HashSet<_>>().len();
        assert_eq!((all().count(), once(|state| state.code), once(|state| state.name)), (69, 69, 69));
        for word in WORDS {
            assert!(state_abbreviated(word).is_some(), "{word}");
        }
    }

    #[test]
    fn letters_that_are_a_word_are_a_state_in_capitals_only() {
        let code = |letters| state_abbreviated(letters).map(|state| state.code);
        assert_eq!((code("tx"), code("Tx"), code("TX")), (Some("TX"), Some("TX"), Some("TX")));
        assert_eq!((code("or"), code("In"), code("OR")), (None, None, Some("OR")));
        assert_eq!(code("xx"), None);
        assert_eq!(state_named("new york").map(|state| state.code), Some("NY"));
    }
}
