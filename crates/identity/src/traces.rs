//! [`Traces`]: what a person is called and reached by, and how that is taken out of what others wrote about the person. Pure; whose texts
//! are looked through is for each crate to know.

use serde_json::Value;

use crate::FORMER_MEMBER;

/// What stands where an address or a number was.
const REMOVED: &str = "[removed]";
/// The fewest digits that pass for a telephone number; with fewer any price would.
const PHONE_DIGITS_MIN: usize = 7;
/// The fewest characters of a phrase that is looked for, and of a word of a name.
const PHRASE_CHARS_MIN: usize = 4;
const WORD_CHARS_MIN: usize = 2;

/// What a person is called and reached by.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// Looked for in any case, with what stands in their place; the longest first.
    phrases: Vec<(Vec<char>, &'static str)>,
    /// The words of the name.
    words: Vec<String>,
    /// The digits of the telephone number.
    digits: String,
}

impl Traces {
    /// The traces of somebody of this name, with these e-mail addresses (as written, and as they are compared) and this telephone number.
    #[must_use]
    pub fn new(name: Option<&str>, emails: &[&str], phone: Option<&str>) -> Self {
        let mut traces = Self::default();
        for email in emails {
            traces.look_for(email, REMOVED);
        }
        if let Some(phone) = phone {
            traces.look_for(phone, REMOVED);
            traces.digits = phone.chars().filter(char::is_ascii_digit).collect();
        }
        if let Some(name) = name.map(str::trim).filter(|name| *name != FORMER_MEMBER) {
            let words: Vec<&str> =
                name.split(|c: char| !is_of_word(c)).filter(|word| !word.is_empty()).collect();
            if words.len() > 1 {
                traces.look_for(name, FORMER_MEMBER);
            }
            traces.words = words.into_iter().filter(|word| is_name(word)).map(str::to_owned).collect();
        }
        traces
    }

    /// The same with another thing that leads to the person, such as the line of an address.
    #[must_use]
    pub fn and(mut self, thing: &str) -> Self {
        self.look_for(thing, REMOVED);
        self
    }

    fn look_for(&mut self, phrase: &str, instead: &'static str) {
        let folded: Vec<char> = phrase.trim().chars().map(fold).collect();
        if folded.len() >= PHRASE_CHARS_MIN {
            self.phrases.push((folded, instead));
            self.phrases.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
        }
    }

    /// The text without these traces; none when there are none in it. The whole name, addresses and numbers are found in any case and
    /// wherever they stand; a single word of the name only as a whole word that is written as a name, for `will` is no Will.
    #[must_use]
    pub fn efface(&self, text: &str) -> Option<String> {
        let without = self.without_words(&self.without_numbers(&self.without_phrases(text)));
        (without != text).then_some(without)
    }

    /// As [`Traces::efface`], giving the text itself back when there is nothing in it.
    #[must_use]
    pub fn effaced(&self, text: String) -> String {
        self.efface(&text).unwrap_or(text)
    }

    /// As [`Traces::efface`], in every text of a JSON value; names of members stay.
    #[must_use]
    pub fn efface_json(&self, value: &Value) -> Option<Value> {
        let mut without = value.clone();
        self.clean(&mut without).then_some(without)
    }

    /// Whether there was anything to clean.
    fn clean(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.efface(text) {
                Some(without) => {
                    *text = without;
                    true
                }
                None => false,
            },
            Value::Array(values) => self.clean_all(values.iter_mut()),
            Value::Object(values) => self.clean_all(values.values_mut()),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Each of them, also when one has been found.
    fn clean_all<'a>(&self, values: impl Iterator<Item = &'a mut Value>) -> bool {
        values.map(|value| self.clean(value)).filter(|found| *found).count() > 0
    }

    fn without_phrases(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut kept = String::with_capacity(text.len());
        let mut rest = chars.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let found = self.phrases.iter().find(|(phrase, _)| begins_with(rest, phrase));
            match found.and_then(|(phrase, instead)| Some((rest.get(phrase.len()..)?, instead))) {
                Some((after, instead)) => {
                    kept.push_str(instead);
                    rest = after;
                }
                None => {
                    kept.push(*first);
                    rest = after;
                }
            }
        }
        kept
    }

    fn without_words(&self, text: &str) -> String {
        in_runs(text, is_of_word)
            .map(|(run, of_word)| {
                if of_word && self.words.iter().any(|word| is_called(run, word)) {
                    FORMER_MEMBER
                } else {
                    run
                }
            })
            .collect()
    }

    /// However it is written: with or without the country's code, blanks, brackets.
    fn without_numbers(&self, text: &str) -> String {
        if self.digits.len() < PHONE_DIGITS_MIN {
            return text.to_owned();
        }
        let mut kept = String::with_capacity(text.len());
        for (run, of_number) in in_runs(text, is_of_number) {
            let digits: String = run.chars().filter(char::is_ascii_digit).collect();
            let digits = digits.trim_start_matches('0');
            if of_number && digits.len() >= PHONE_DIGITS_MIN && self.digits.ends_with(digits) {
                // What stood around it, such as the blank before the next word, is not a part of the number.
                let core = run.trim_matches(|c: char| !c.is_ascii_digit());
                let (before, after) = run.split_once(core).unwrap_or((run, ""));
                kept.push_str(before.trim_end_matches(['+', '(']));
                kept.push_str(REMOVED);
                kept.push_str(after);
            } else {
                kept.push_str(run);
            }
        }
        kept
    }
}

/// The text cut where what holds of its characters changes; whether it holds beside each piece.
fn in_runs(text: &str, holds: fn(char) -> bool) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = holds(rest.chars().next()?);
        let end = rest.find(|c: char| holds(c) != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end)?;
        rest = after;
        Some((run, first))
    })
}

fn begins_with(text: &[char], phrase: &[char]) -> bool {
    text.len() >= phrase.len() && text.iter().zip(phrase).all(|(c, wanted)| fold(*c) == *wanted)
}

/// One character for one, so that places stay places.
fn fold(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
}

fn is_of_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ' ' | '\u{a0}' | '+' | '-' | '.' | '/' | '(' | ')')
}

/// Not the `van` and `de` between names, nor an initial.
fn is_name(word: &str) -> bool {
    word.chars().count() >= WORD_CHARS_MIN && !is_particle(word)
}

fn is_particle(word: &str) -> bool {
    const PARTICLES: [&str; 16] =
        ["al", "da", "de", "del", "den", "der", "di", "du", "el", "la", "le", "of", "van", "von", "y", "zu"];
    PARTICLES.contains(&word.to_lowercase().as_str())
}

/// Whether a word of a text is this word of a name: as the person writes it, or otherwise written with a capital.
fn is_called(word: &str, name: &str) -> bool {
    let capital = word.chars().next().is_some_and(|first| !first.is_lowercase());
    let named = name.chars().next().is_some_and(char::is_uppercase) && word == name;
    named || (capital && word.chars().map(fold).eq(name.chars().map(fold)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hanna() -> Traces {
        let emails = ["Hanna.Quillfeather@Example.org", "hanna.quillfeather@example.org"];
        Traces::new(Some("Hanna van Quillfeather"), &emails, Some("+491512345678")).and("17 Nightjar Lane")
    }

    #[test]
    fn a_name_goes_whole_and_word_by_word() {
        for (text, without) in [
            ("Dear Hanna van Quillfeather,", "Dear Former member,"),
            ("HANNA VAN QUILLFEATHER paid", "Former member paid"),
            ("hanna van quillfeather paid", "Former member paid"),
            ("Hanna's fence", "Former member's fence"),
            ("Mrs QUILLFEATHER was kind", "Mrs Former member was kind"),
            ("Hanna-Quillfeather", "Former member-Former member"),
            ("Hannah's fence in a van", "Hannah's fence in a van"),
            ("", ""),
        ] {
            assert_eq!(hanna().effaced(text.to_owned()), without);
        }
    }

    #[test]
    fn a_word_that_is_a_name_too_stays_a_word() {
        let will = Traces::new(Some("will Rose"), &[], None);
        assert_eq!(
            will.effaced("Rose will paint it in rose".to_owned()),
            "Former member will paint it in rose"
        );
        assert_eq!(will.effaced("Will Rose will".to_owned()), "Former member will");
    }

    #[test]
    fn addresses_and_numbers_go_however_they_are_written() {
        for (text, without) in [
            ("write to hanna.quillfeather@example.ORG!", "write to [removed]!"),
            ("call +49 151 2345678 at noon", "call [removed] at noon"),
            ("call 0151/234 56 78.", "call [removed]."),
            ("call (0151) 2345-678 or 0800 1234567", "call [removed] or 0800 1234567"),
            ("at 17 nightjar lane, back door", "at [removed], back door"),
            ("345 678 USD", "345 678 USD"),
        ] {
            let found = hanna().effaced(text.to_owned());
            assert_eq!(found.replace(' ', ""), without.replace(' ', ""), "{text}");
        }
    }

    #[test]
    fn every_text_of_a_document_is_looked_at() {
        let lines = serde_json::json!([{ "kind": "labour", "description": "For Hanna", "amount": 5 }, ["Quillfeather", 1]]);
        let without = serde_json::json!([{ "kind": "labour", "description": "For Former member", "amount": 5 }, ["Former member", 1]]);
        assert_eq!(hanna().efface_json(&lines), Some(without.clone()));
        assert_eq!(hanna().efface_json(&without), None);
    }

    #[test]
    fn nothing_is_taken_out_twice_and_nobody_is_no_trace() {
        let once = hanna().efface("Hanna van Quillfeather and Hanna").unwrap();
        assert_eq!(hanna().efface(&once), None);
        assert_eq!(
            Traces::new(Some(FORMER_MEMBER), &[""], None).efface("A Former member, a 1 234 567"),
            None
        );
        assert_eq!(Traces::default().efface("Hanna"), None);
    }

    proptest! {
        #[test]
        fn what_is_effaced_has_no_trace(before in ".{0,30}", after in ".{0,30}", which in 0_usize..4) {
            let trace = ["Hanna van Quillfeather", "17 Nightjar Lane", "hanna.quillfeather@example.org", "Quillfeather"];
            let text = format!("{before} {} {after}", trace[which]);
            let without = hanna().efface(&text).unwrap();
            prop_assert!(!without.contains(trace[which]), "{}", without);
            prop_assert_eq!(hanna().efface(&without), None);
        }
    }
}
