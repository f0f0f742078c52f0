//! What jobs are of: the skills that a job asks for, and those of its trade that its words speak of, whatever they call them.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use taxonomy::{Skill, Taxonomy, Trade};

use super::vocabulary::is_stop_word;
use super::words::{bare, joined, plain_words, quoted, stems_of};

/// One of the names of a skill.
#[derive(Debug)]
pub(super) struct Name {
    /// What a text has to have of it, each as a stem; a plural that its stem does not tell as it is.
    pub(super) stems: BTreeSet<String>,
    /// How it is put to Postgres.
    pub(super) query: String,
}

/// What each skill is called; made once for all who ask.
static NAMES: LazyLock<HashMap<&'static str, Vec<Name>>> = LazyLock::new(|| {
    let skills = Taxonomy::shipped().trades().iter().flat_map(Trade::skills);
    skills.map(|skill| (skill.slug(), names(skill))).collect()
});

/// The skills by what is compared of their slugs.
static SLUGS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let skills = Taxonomy::shipped().trades().iter().flat_map(Trade::skills);
    skills.map(|skill| (bare(skill.slug()), skill.slug())).collect()
});

/// Of all names of all skills, so that it changes with what is decided by them.
static FINGERPRINT: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for trade in Taxonomy::shipped().trades() {
        for skill in trade.skills() {
            hash.update(format!("\n{}/{}", trade.slug(), skill.slug()));
            for name in names_of(skill) {
                hash.update(format!(":{:?}", name.stems));
            }
        }
    }
    hex::encode(hash.finalize())
});

/// Tells one state of the taxonomy from another, as far as meanings are decided by it.
pub(crate) fn fingerprint() -> &'static str {
    &FINGERPRINT
}

/// What a skill is called: of names that are within each other the shorter.
pub(super) fn names_of(skill: &Skill) -> &'static [Name] {
    NAMES.get(skill.slug()).map(Vec::as_slice).unwrap_or_default()
}

/// The slugs of the skills that a job of this trade is of, in order.
pub(crate) fn meanings(trade: &str, skills: &[String], title: &str, description: &str) -> Vec<String> {
    let mut slugs: BTreeSet<&str> =
        skills.iter().filter_map(|skill| SLUGS.get(&bare(skill)).copied()).collect();
    if let Some(trade) = Taxonomy::shipped().trade(trade) {
        let mut said: BTreeSet<String> = BTreeSet::new();
        let asked_for: Vec<String> = skills.iter().map(|skill| skill.replace(['-', '_'], " ")).collect();
        for text in [title, description].into_iter().chain(asked_for.iter().map(String::as_str)) {
            for (word, stem) in taxonomy::words(text).into_iter().map(|word| (word.bytes, word.stem)) {
                let word = taxonomy::fold(text.get(word).unwrap_or_default());
                if taxonomy::is_irregular(&word) {
                    said.insert(word);
                }
                said.insert(stem);
            }
        }
        let speaks = |skill: &&Skill| names_of(skill).iter().any(|name| name.stems.is_subset(&said));
        slugs.extend(trade.skills().iter().filter(speaks).map(Skill::slug));
    }
    slugs.into_iter().map(str::to_owned).collect()
}

/// What a skill is called: of names that are within each other the shorter, for a job that has all of "water leak" has the leak.
fn names(skill: &Skill) -> Vec<Name> {
    let phrases = std::iter::once(skill.name()).chain(skill.synonyms().iter().map(String::as_str));
    let mut names: Vec<Name> = phrases.filter_map(synonym).collect();
    names.sort_by_key(|name| name.stems.len());
    let mut kept: Vec<Name> = Vec::new();
    for name in names {
        if !kept.iter().any(|shorter| shorter.stems.is_subset(&name.stems)) {
            kept.push(name);
        }
    }
    kept
}

/// All words of what something is called; none where what is left without stop words says too little.
fn synonym(phrase: &str) -> Option<Name> {
    let words = plain_words(phrase);
    let telling: Vec<&String> = words.iter().filter(|word| !is_stop_word(word)).collect();
    let enough = telling.len() > 1 || (telling.len() == 1 && words.len() == 1);
    enough.then(|| {
        // For Postgres “mice” and “mouse” are two words.
        let stem = |word: &&String| {
            if taxonomy::is_irregular(word) { vec![word.to_string()] } else { stems_of(word) }
        };
        let stems = telling.iter().flat_map(stem).collect();
        let query = format!("({})", joined(telling.into_iter().map(|word| quoted(word)), " & "));
        Name { stems, query }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(trade: &str, skills: &[&str], title: &str, description: &str) -> Vec<String> {
        let skills: Vec<String> = skills.iter().map(|skill| (*skill).to_owned()).collect();
        meanings(trade, &skills, title, description)
    }

    #[test]
    fn a_job_is_of_the_skills_that_its_words_speak_of() {
        let leaks = |title: &str, description: &str| {
            of("plumbing", &[], title, description).contains(&"leak-repair".to_owned())
        };
        assert!(
            leaks("Dripping faucets", "All over the house.")
                && leaks("Something is wrong", "Water leaks under the sink")
        );
        assert!(!leaks("A new sink", "It has to be connected"));
        assert!(of("painting", &[], "Dripping faucets", "").is_empty(), "another trade has its own words");
        assert!(of("no-such-trade", &[], "Dripping faucets", "").is_empty());
        let rodents = |title: &str| of("pest-control", &[], title, "").contains(&"rodent-control".to_owned());
        assert!(
            rodents("Mice in the attic") && rodents("A mouse in the attic") && !rodents("Ants in the attic")
        );
    }

    #[test]
    fn a_job_is_of_the_skills_that_it_asks_for() {
        assert_eq!(of("painting", &["leak-repair", "Made up"], "Walls", ""), ["leak-repair"]);
        assert_eq!(of("painting", &["Leak Repair"], "Walls", ""), ["leak-repair"]);
    }

    #[test]
    fn the_fingerprint_is_one_for_one_taxonomy() {
        assert_eq!(fingerprint().len(), 64);
        assert_eq!(fingerprint(), fingerprint());
    }
}
