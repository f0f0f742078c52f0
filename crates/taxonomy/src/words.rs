//! The words of a text, and what of a word is compared.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The Snowball stemmer for English, which Postgres's `english` configuration has too.
static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it stands.
    pub bytes: Range<usize>,
    /// What of it is compared.
    pub stem: String,
}

/// Without case and accents.
#[must_use]
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect()
}

/// Without its ending.
fn stem(folded: &str) -> String {
    STEMMER.stem(singular(folded)).into_owned()
}

/// The plurals that a house has and a stemmer does not know.
fn singular(folded: &str) -> &str {
    match folded {
        "shelves" => "shelf",
        "leaves" => "leaf",
        "mice" => "mouse",
        "feet" => "foot",
        other => other,
    }
}

/// Whether a word, without case and accents, is a plural that its stem does not tell: Postgres takes it and its singular for two words.
#[must_use]
pub fn is_irregular(folded: &str) -> bool {
    singular(folded) != folded
}

/// Runs of letters and digits, "won't" and its like as the words they are short for.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_of_word(letter)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                start = None;
                push(&mut words, text, from..at);
            }
            _ => {}
        }
    }
    words
}

/// Where words of these stems stand in a text: what [`words`] would tell, without taking the stem of every word.
#[must_use]
pub fn words_of(text: &str, stems: &BTreeSet<String>) -> Vec<Range<usize>> {
    // No ending is taken away so far that a word begins with another letter.
    let letters: BTreeSet<char> = stems.iter().filter_map(|stem| stem.chars().next()).collect();
    let mut found = Vec::new();
    let mut words = Vec::new();
    let mut at = 0;
    for part in text.split_inclusive(|letter| !is_of_word(letter)) {
        let raw = part.trim_end_matches(|letter| !is_of_word(letter));
        let bytes = at..at + raw.len();
        at += part.len();
        let first = raw.trim_start_matches(['\'', '’']).chars().next();
        let is_short_for_two = raw.contains(['\'', '’']);
        if first.is_some_and(|first| {
            is_short_for_two || fold_letter(first).is_none_or(|letter| letters.contains(&letter))
        }) {
            push(&mut words, text, bytes.clone());
            if words.drain(..).any(|word| stems.contains(&word.stem)) {
                found.push(bytes);
            }
        }
    }
    found
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric()
        || matches!(letter, '\'' | '’')
        || (!letter.is_ascii() && is_combining_mark(letter))
}

/// A letter without case; none for one that may have an accent.
fn fold_letter(letter: char) -> Option<char> {
    letter.is_ascii().then(|| letter.to_ascii_lowercase())
}

fn push(words: &mut Vec<Word>, text: &str, bytes: Range<usize>) {
    let Some(raw) = text.get(bytes.clone()) else { return };
    let folded = fold(raw).replace('’', "'");
    let (first, second) = match folded.trim_matches('\'') {
        "" => return,
        "won't" => ("will".to_owned(), Some("not")),
        "can't" => ("can".to_owned(), Some("not")),
        other => match other.strip_suffix("n't") {
            Some(verb) => (verb.to_owned(), Some("not")),
            None => (other.strip_suffix("'s").unwrap_or(other).replace('\'', ""), None),
        },
    };
    for word in [Some(first.as_str()), second].into_iter().flatten() {
        words.push(Word { bytes: bytes.clone(), stem: stem(word) });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stems(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.stem).collect()
    }

    #[test]
    fn words_are_compared_by_their_stems() {
        assert_eq!(stems("Leaking PIPES, café's"), ["leak", "pipe", "cafe"]);
        assert_eq!(stems("won't can’t doesn't"), ["will", "not", "can", "not", "doe", "not"]);
        assert_eq!(stems("e\u{301}lectric"), stems("électric"));
        assert_eq!(stems("shelves"), stems("Shelf"));
        assert_eq!(stems(" '' ’ – "), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn words_of_stems_stand_where_all_words_tell(
            text in "([a-zA-ZéÉ’' ,.-]|won't |don’t |Mice |e\u{301}lan ){0,40}", stems in "[a-zé]{1,4}( [a-z]{1,3}){0,3}",
        ) {
            let all = words(&text);
            let mut stems: BTreeSet<String> = stems.split(' ').map(str::to_owned).collect();
            stems.extend(all.iter().step_by(3).map(|word| word.stem.clone()));
            let mut expected: Vec<_> =
                all.into_iter().filter(|word| stems.contains(&word.stem)).map(|word| word.bytes).collect();
            expected.dedup();
            prop_assert_eq!(words_of(&text, &stems), expected);
        }
    }

    #[test]
    fn a_word_knows_where_it_stands() {
        let text = "a tap—drips";
        let places: Vec<_> = words(text).into_iter().map(|word| text[word.bytes].to_owned()).collect();
        assert_eq!(places, ["a", "tap", "drips"]);
    }
}
