#![doc = include_str!("../README.md")]

mod words;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

pub use words::{Word, fold, is_irregular, words, words_of};

/// The file that the program is built with.
const FILE: &str = include_str!("../taxonomy.toml");

/// “Mount the TV” and “mount my TV” mean the same.
const POINTERS: [&str; 8] = ["a", "an", "the", "my", "our", "your", "this", "these"];

/// The shipped file is read by this crate's tests, so that an unreadable one is never built into anything.
static SHIPPED: LazyLock<Taxonomy> = LazyLock::new(|| Taxonomy::parse(FILE).unwrap_or_default());

/// A trade: what a job is of, and what a contractor is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trade {
    slug: String,
    name: String,
    synonyms: Vec<String>,
    skills: Vec<Skill>,
}

impl Trade {
    /// The word for programs; it never changes.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What else people call it.
    #[must_use]
    pub fn synonyms(&self) -> &[String] {
        &self.synonyms
    }

    /// What it is asked for.
    #[must_use]
    pub fn skills(&self) -> &[Skill] {
        &self.skills
    }
}

/// Something that a trade is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    slug: String,
    name: String,
    synonyms: Vec<String>,
}

impl Skill {
    /// The word for programs, unique among the skills of all trades; it never changes.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What else people call it, or say when they need it.
    #[must_use]
    pub fn synonyms(&self) -> &[String] {
        &self.synonyms
    }
}

/// Words of a text that mean a trade or a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'t, 'text> {
    /// The words, as they were written.
    pub phrase: &'text str,
    /// Where they stand.
    pub bytes: Range<usize>,
    /// The trade, of the skill when it is one.
    pub trade: &'t Trade,
    /// The skill.
    pub skill: Option<&'t Skill>,
}

/// Why a file is no taxonomy; every fault at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Unreadable(Vec<String>);

/// Where in the list a trade or a skill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    trade: usize,
    skill: Option<usize>,
}

/// All trades and skills.
#[derive(Debug, Clone, Default)]
pub struct Taxonomy {
    trades: Vec<Trade>,
    skills: HashMap<String, (usize, usize)>,
    /// By the stems of its words, with a space between.
    phrases: HashMap<String, Place>,
    /// Words of the longest phrase.
    longest: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    trade: Vec<Trade>,
}

impl Taxonomy {
    /// The one that the program was built with.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads one from the text of a file like the shipped one.
    ///
    /// # Errors
    /// Everything that is wrong with it: what is not TOML of this shape, slugs that are none or are there twice, and phrases that mean two
    /// things.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let file: File = toml::from_str(text).map_err(|error| Unreadable(vec![error.to_string()]))?;
        let mut taxonomy = Self { trades: file.trade, ..Self::default() };
        let mut faults = Vec::new();
        taxonomy.check_slugs(&mut faults);
        taxonomy.gather_phrases(&mut faults);
        if faults.is_empty() { Ok(taxonomy) } else { Err(Unreadable(faults)) }
    }

    /// Every trade, by slug.
    #[must_use]
    pub fn trades(&self) -> &[Trade] {
        &self.trades
    }

    /// A trade by its slug.
    #[must_use]
    pub fn trade(&self, slug: &str) -> Option<&Trade> {
        let place = self.trades.binary_search_by(|trade| trade.slug.as_str().cmp(slug)).ok()?;
        self.trades.get(place)
    }

    /// A skill by its slug, with its trade.
    #[must_use]
    pub fn skill(&self, slug: &str) -> Option<(&Trade, &Skill)> {
        let (trade, skill) = self.skills.get(slug)?;
        let trade = self.trades.get(*trade)?;
        Some((trade, trade.skills.get(*skill)?))
    }

    /// What the words of a text mean, from the left, the longest phrase first; words that mean nothing here are passed over, and so is an article
    /// within a phrase.
    #[must_use]
    pub fn understand<'text>(&self, text: &'text str) -> Vec<Found<'_, 'text>> {
        let words = telling(text);
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
            match self.longest_phrase(text, rest) {
                Some((length, phrase)) => {
                    found.push(phrase);
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }

    fn longest_phrase<'text>(&self, text: &'text str, words: &[Word]) -> Option<(usize, Found<'_, 'text>)> {
        (1..=self.longest.min(words.len())).rev().find_map(|length| {
            let phrase = words.get(..length)?;
            let place = self.phrases.get(&key(phrase))?;
            let (first, last) = (phrase.first()?, phrase.last()?);
            let trade = self.trades.get(place.trade)?;
            let skill = place.skill.and_then(|skill| trade.skills.get(skill));
            let bytes = first.bytes.start..last.bytes.end;
            Some((length, Found { phrase: text.get(bytes.clone())?, bytes, trade, skill }))
        })
    }

    fn check_slugs(&mut self, faults: &mut Vec<String>) {
        let slugs = self.trades.iter().map(|trade| trade.slug.as_str());
        if !slugs.is_sorted_by(|a, b| a < b) {
            faults.push("the trades are not in the order of their slugs, or one is there twice".to_owned());
        }
        for (place, trade) in self.trades.iter().enumerate() {
            check_slug(&trade.slug, faults);
            for (skill_place, skill) in trade.skills.iter().enumerate() {
                check_slug(&skill.slug, faults);
                if self.skills.insert(skill.slug.clone(), (place, skill_place)).is_some() {
                    faults.push(format!("the skill {} is there twice", skill.slug));
                }
            }
        }
    }

    fn gather_phrases(&mut self, faults: &mut Vec<String>) {
        for (trade_place, trade) in self.trades.iter().enumerate() {
            let own = Place { trade: trade_place, skill: None };
            let skills = trade.skills.iter().enumerate().map(|(place, skill)| {
                (Place { trade: trade_place, skill: Some(place) }, &skill.slug, &skill.name, &skill.synonyms)
            });
            let all = std::iter::once((own, &trade.slug, &trade.name, &trade.synonyms)).chain(skills);
            for (place, slug, name, synonyms) in all {
                for phrase in [slug, name].into_iter().chain(synonyms) {
                    let words = telling(phrase);
                    self.longest = self.longest.max(words.len());
                    match self.phrases.insert(key(&words), place) {
                        _ if words.is_empty() => faults.push(format!("{slug} has a phrase without a word")),
                        Some(before) if before != place => {
                            faults.push(format!("“{phrase}” of {slug} means something else already"));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

fn check_slug(slug: &str, faults: &mut Vec<String>) {
    let parts = slug.split('-');
    let good =
        parts.clone().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()));
    if !good {
        faults.push(format!("{slug:?} is no slug: lower case letters and hyphens"));
    }
}

/// The words of a text without those that point at a thing and do not say which.
fn telling(text: &str) -> Vec<Word> {
    words(text).into_iter().filter(|word| !POINTERS.contains(&word.stem.as_str())).collect()
}

fn key(words: &[Word]) -> String {
    let stems: Vec<&str> = words.iter().map(|word| word.stem.as_str()).collect();
    stems.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Vec<String> {
        let found = Taxonomy::shipped().understand(text);
        let slug = |found: &Found<'_, '_>| {
            found.skill.map_or_else(|| found.trade.slug().to_owned(), |skill| skill.slug().to_owned())
        };
        found.iter().map(slug).collect()
    }

    #[test]
    fn the_shipped_file_is_whole() {
        let taxonomy = Taxonomy::parse(FILE).unwrap_or_else(|error| panic!("{error}"));
        let skills: usize = taxonomy.trades().iter().map(|trade| trade.skills().len()).sum();
        assert!(taxonomy.trades().len() >= 25 && skills >= 200, "{} {skills}", taxonomy.trades().len());
        for trade in taxonomy.trades() {
            assert!(trade.skills().len() >= 4, "{} is asked for more than that", trade.slug());
            assert!(trade.skills().iter().all(|skill| skill.synonyms().len() >= 2), "{}", trade.slug());
            assert_eq!(taxonomy.trade(trade.slug()), Some(trade));
        }
        assert_eq!(taxonomy.skill("leak-repair").map(|(trade, _)| trade.slug()), Some("plumbing"));
        assert!(taxonomy.trade("alchemy").is_none() && taxonomy.skill("alchemy").is_none());
    }

    #[test]
    fn people_are_understood_in_their_own_words() {
        for (said, slugs) in [
            ("leaky tap", &["leak-repair"][..]),
            ("My BREAKER keeps tripping!", &["breaker-repair"]),
            ("breaker trips", &["breaker-repair"]),
            ("leaking roofs", &["roof-leak"]),
            ("leaking pipes under the sink", &["leak-repair", "faucet-installation"]),
            ("the toilet won't flush", &["toilet-repair"]),
            ("no hot water since Monday", &["water-heater"]),
            ("paint the bedroom", &["interior-painting"]),
            ("Électricien? electrician", &["electrical"]),
            ("squeaky floors", &["floor-repair"]),
            ("mice in the attic", &["rodent-control", "attic-insulation"]),
            ("put up shelves", &["picture-hanging"]),
            ("Mount my TV on the wall", &["tv-mounting"]),
            ("change the locks", &["rekeying"]),
            ("water coming through the ceiling", &["roof-leak"]),
            ("", &[]),
            ("quantum chromodynamics", &[]),
        ] {
            assert_eq!(meant(said), slugs, "{said}");
        }
    }

    #[test]
    fn a_phrase_is_given_back_as_it_was_written() {
        let found = Taxonomy::shipped().understand("Bitte: Leaky—Taps, schnell");
        assert_eq!(found.iter().map(|found| found.phrase).collect::<Vec<_>>(), ["Leaky—Taps"]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_by_name() {
        let twice = r#"
            [[trade]]
            slug = "b"
            name = "B"
            synonyms = ["bee"]
            skills = [{ slug = "s", name = "S", synonyms = ["bees"] }, { slug = "S 1", name = "One", synonyms = ["?"] }]
            [[trade]]
            slug = "a"
            name = "A"
            synonyms = []
            skills = [{ slug = "s", name = "Other", synonyms = [] }]
        "#;
        let told = Taxonomy::parse(twice).unwrap_err().to_string();
        for fault in ["order of their slugs", "skill s is there twice", "“bees”", "\"S 1\"", "without a word"]
        {
            assert!(told.contains(fault), "{fault} is not in: {told}");
        }
        assert!(Taxonomy::parse("[[trade]]\nslug = 1").is_err());
        assert!(Taxonomy::parse("").is_err());
    }
}
