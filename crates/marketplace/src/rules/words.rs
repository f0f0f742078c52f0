//! What somebody looks for in words: which are asked for, which are ruled out, what they mean, and how they are put to Postgres.
//!
//! `"in quotes"` is a phrase, `-word` and `-"a phrase"` are ruled out; everything else is words, each of which is asked for in any of its forms. A
//! word or a run of them that the taxonomy knows also stands for the trade or the skill that it means; a word that nobody uses also stands for
//! the one that it is like. What is put to Postgres is made of letters and digits in quotes and of our own operators only.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use taxonomy::{Found, Skill, Taxonomy, Trade};

use super::meaning::names_of;
use super::regions::{State, state_abbreviated, state_named};
use super::search::Share;
use super::vocabulary::{Vocabulary, is_stop_word};

/// The most words of a question that are looked for; what stands after them is passed over.
const WORDS_MAX: usize = 24;

/// A word that was taken for another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Correction {
    /// As it was typed.
    pub(crate) typed: String,
    /// What was looked for too.
    pub(crate) meant: String,
}

/// Something that is asked for.
#[derive(Debug, Clone)]
struct Term {
    /// What has to be in the text, for Postgres.
    literal: String,
    /// The words of it, each for Postgres.
    words: Vec<String>,
    /// The same as stems: of a corrected word those of both.
    stems: Vec<Vec<String>>,
    /// What it means.
    meaning: Option<Meaning>,
    /// A phrase in quotes is never passed over.
    is_phrase: bool,
    /// The share of jobs that have it, about.
    share: Share,
    /// The share of jobs that are of the trade that it means, or whose skill it means.
    trade_share: f64,
}

/// What the taxonomy knows of words.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    trade: &'static Trade,
    skill: Option<&'static Skill>,
    /// Whether each job has a tag for what it means.
    is_tagged: bool,
}

/// What is looked for, as it was understood.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    terms: Vec<Term>,
    excluded: Vec<String>,
    corrections: Vec<Correction>,
    stems: BTreeSet<String>,
}

/// A piece of what was typed.
enum Piece<'q> {
    Loose(&'q str),
    Phrase(&'q str),
    Excluded(&'q str),
}

/// A word among those that stand loosely.
struct Token {
    /// As it is put to Postgres: the word, or the word or the one that was meant.
    asked: String,
    /// Where it stands in the corrected text.
    bytes: Range<usize>,
    stems: Vec<String>,
    is_stop_word: bool,
}

impl Words {
    /// Reads a question.
    pub(crate) fn understand(question: &str, vocabulary: &Vocabulary) -> Self {
        let mut words = Self::default();
        let mut corrected = String::new();
        let mut tokens = Vec::new();
        for piece in pieces(question) {
            match piece {
                Piece::Excluded(text) => words.excluded.extend(phrase(text)),
                Piece::Phrase(text) => words.require(text, vocabulary),
                Piece::Loose(text) => words.read(text, vocabulary, &mut corrected, &mut tokens),
            }
        }
        tokens.truncate(WORDS_MAX);
        words.group(&corrected, &tokens, vocabulary);
        words
    }

    /// Whether there is anything to look for. What only rules things out finds nothing by itself.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What was mistyped, and what was looked for too.
    pub(crate) fn corrections(&self) -> &[Correction] {
        &self.corrections
    }

    /// The slugs of the trades and skills that the words mean.
    pub(crate) fn meanings(&self) -> Vec<&'static str> {
        let mut slugs: Vec<&'static str> = Vec::new();
        for meaning in self.meant() {
            let slug = meaning.skill.map_or(meaning.trade.slug(), Skill::slug);
            if !slugs.contains(&slug) {
                slugs.push(slug);
            }
        }
        slugs
    }

    /// The stems by which a word of a text is known to be one of those that were looked for.
    pub(crate) fn stems(&self) -> &BTreeSet<String> {
        &self.stems
    }

    /// Whether it can be asked more loosely: there are several things to be found, or the one is of a trade that has others.
    pub(crate) fn can_loosen(&self) -> bool {
        self.only_skill().is_some() || self.terms.iter().filter(|term| !term.is_phrase).count() > 1
    }

    /// The term that is all that is asked for, beside phrases, when it means a skill; with the trade's tag.
    fn only_skill(&self) -> Option<(&Term, String)> {
        let mut loose = self.terms.iter().filter(|term| !term.is_phrase);
        let only = loose.next()?;
        let meaning = only.meaning.filter(|meaning| meaning.skill.is_some())?;
        loose.next().is_none().then(|| (only, trade_tag(meaning.trade.slug())))
    }

    /// About the share of jobs that match.
    pub(crate) fn share(&self) -> Share {
        all_of(self.terms.iter().map(|term| term.share))
    }

    /// About the share of jobs that match when it is asked loosely.
    pub(crate) fn loose_share(&self) -> Share {
        let trade = self.only_skill().map(|(term, _)| Share::of_one(term.trade_share));
        let shares: Vec<Share> = self.terms.iter().map(|term| term.share).chain(trade).collect();
        let any = |of: fn(&Share) -> f64| 1.0 - shares.iter().map(|share| 1.0 - of(share)).product::<f64>();
        Share { expected: any(|share| share.expected), at_most: any(|share| share.at_most) }
    }

    /// All the words themselves.
    pub(crate) fn literal(&self) -> String {
        self.with_exclusions(joined(self.terms.iter().map(|term| term.literal.clone()), " & "))
    }

    /// All the words, or what they mean: each thing by itself, the rarest first.
    pub(crate) fn in_jobs(&self) -> Vec<String> {
        let mut terms: Vec<&Term> = self.terms.iter().collect();
        terms.sort_by(|one, other| one.share.expected.total_cmp(&other.share.expected));
        self.each_with_exclusions(terms.into_iter().map(Term::in_jobs).collect())
    }

    /// Any of the words, or what they mean; of a skill alone, whatever is of its trade; every phrase all the same.
    pub(crate) fn loosely_in_jobs(&self) -> Vec<String> {
        let any = self.terms.iter().filter(|term| !term.is_phrase).map(Term::in_jobs);
        let any = joined(any.chain(self.only_skill().map(|(_, trade)| trade)), " | ");
        let phrases = self.terms.iter().filter(|term| term.is_phrase).map(Term::in_jobs);
        self.each_with_exclusions(phrases.chain(Some(format!("({any})"))).collect())
    }

    /// What is ruled out goes with the first: by itself it would be asked of everything there is.
    fn each_with_exclusions(&self, mut things: Vec<String>) -> Vec<String> {
        if let Some(first) = things.first_mut() {
            *first = self.with_exclusions(std::mem::take(first));
        }
        things
    }

    /// All the words, or the trade or skill that they mean, as contractors write theirs.
    pub(crate) fn in_directory(&self) -> String {
        self.with_exclusions(joined(self.terms.iter().map(|term| term.in_directory(&self.stems)), " & "))
    }

    /// Any of the words that were asked: by how much of them a text has, it is ranked. What else they are called finds a text, and ranks none: it
    /// would put one that has many other names before one that has the word.
    pub(crate) fn any_word(&self) -> String {
        joined(self.terms.iter().flat_map(|term| term.words.iter().cloned()), " | ")
    }

    /// The tags of what the words mean: trades, and skills. Empty when they mean nothing.
    pub(crate) fn meant_tags(&self) -> (String, String) {
        let trades: BTreeSet<String> = self.meant().map(|meaning| trade_tag(meaning.trade.slug())).collect();
        let skills = self.meant().filter_map(|meaning| meaning.skill).map(|skill| skill_tag(skill.slug()));
        let skills: BTreeSet<String> = skills.collect();
        (joined(trades.into_iter(), " | "), joined(skills.into_iter(), " | "))
    }

    fn meant(&self) -> impl Iterator<Item = Meaning> {
        self.terms.iter().filter_map(|term| term.meaning)
    }

    fn with_exclusions(&self, mut query: String) -> String {
        for excluded in &self.excluded {
            let _ = write!(query, " & !({excluded})");
        }
        query
    }

    fn require(&mut self, text: &str, vocabulary: &Vocabulary) {
        let Some(literal) = phrase(text) else { return };
        let found = taxonomy::words(text);
        self.stems.extend(found.iter().map(|word| word.stem.clone()));
        let shares = || found.iter().map(|word| vocabulary.share(&word.stem));
        let expected = all_of(shares().map(Share::of_one)).expected;
        // The words of a phrase are seldom met without each other; whether they follow one another is known only when a job was fetched.
        let share = Share { expected, at_most: shares().fold(1.0, f64::min) };
        self.terms.push(Term {
            words: vec![literal.clone()],
            stems: Vec::new(),
            literal,
            meaning: None,
            is_phrase: true,
            share,
            trade_share: 0.0,
        });
    }

    /// Loose words, with those that are mistyped put right.
    fn read(&mut self, text: &str, vocabulary: &Vocabulary, corrected: &mut String, tokens: &mut Vec<Token>) {
        for (raw, typed) in split(text) {
            let meant = vocabulary.correct(&typed);
            let start = corrected.len();
            corrected.push_str(meant.as_deref().unwrap_or(raw));
            let bytes = start..corrected.len();
            corrected.push(' ');
            let mut stems: Vec<String> =
                [Some(typed.as_str()), meant.as_deref()].into_iter().flatten().flat_map(stems_of).collect();
            stems.dedup();
            let asked = match &meant {
                Some(meant) => format!("({} | {})", quoted(&typed), quoted(meant)),
                None => quoted(&typed),
            };
            // Of `won't`, Postgres makes `won` and `t`.
            let is_stop_word = typed.ends_with(" t") || typed.split(' ').all(is_stop_word);
            tokens.push(Token { asked, bytes, stems, is_stop_word });
            if let Some(meant) = meant {
                self.corrections.push(Correction { typed, meant });
            }
        }
    }

    /// Words that mean something together are one thing to be found, each other word is one by itself.
    fn group(&mut self, corrected: &str, tokens: &[Token], vocabulary: &Vocabulary) {
        let understood = Taxonomy::shipped().understand(corrected);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some((state, length)) = state_at(corrected, tokens.get(at..).unwrap_or_default()) {
                self.add_state(state, tokens.get(at..at + length).unwrap_or_default(), vocabulary);
                at += length;
                continue;
            }
            let found = understood.iter().find(|found| found.bytes.start == token.bytes.start);
            let length = found.map_or(1, |found| {
                tokens.iter().skip(at).take_while(|token| token.bytes.end <= found.bytes.end).count().max(1)
            });
            let group = tokens.get(at..at + length).unwrap_or_default();
            self.add(group, found, vocabulary);
            at += length;
        }
    }

    /// “TX” and “Texas” are one.
    fn add_state(&mut self, state: State, group: &[Token], vocabulary: &Vocabulary) {
        let name: Vec<String> =
            plain_words(&state.name.to_lowercase()).into_iter().filter(|word| !is_stop_word(word)).collect();
        let share = all_of(name.iter().map(|word| Share::of_one(vocabulary.share(word))));
        let name = joined(name.iter().map(|word| quoted(word)), " & ");
        let code = state.code.to_lowercase();
        let literal = if is_stop_word(&code) { name } else { format!("({name}) | {}", quoted(&code)) };
        let words =
            group.iter().filter(|token| !token.is_stop_word).map(|token| token.asked.clone()).collect();
        self.stems
            .extend(group.iter().filter(|token| !token.is_stop_word).flat_map(|token| token.stems.clone()));
        let literal = format!("({literal})");
        let stems = Vec::new();
        self.terms.push(Term {
            literal,
            words,
            stems,
            meaning: None,
            is_phrase: false,
            share,
            trade_share: 0.0,
        });
    }

    fn add(&mut self, group: &[Token], found: Option<&Found<'static, '_>>, vocabulary: &Vocabulary) {
        let words: Vec<String> =
            group.iter().filter(|token| !token.is_stop_word).map(|token| token.asked.clone()).collect();
        if words.is_empty() && found.is_none() {
            return;
        }
        let is_tagged = vocabulary.meanings_are_tagged();
        let meaning = found.map(|found| Meaning { trade: found.trade, skill: found.skill, is_tagged });
        let telling = || group.iter().filter(|token| !token.is_stop_word);
        self.stems.extend(telling().flat_map(|token| &token.stems).cloned());
        // A mistyped word stands for either, and two words that are short for one for both.
        let of_token = |token: &Token| token.stems.iter().map(|stem| vocabulary.share(stem)).sum::<f64>();
        let literally = all_of(telling().map(|token| Share::of_one(of_token(token).min(1.0))));
        let meant = meaning.map_or(0.0, |meaning| meaning.share(vocabulary));
        let share = Share {
            expected: (literally.expected + meant).min(1.0),
            at_most: (literally.at_most + meant).min(1.0),
        };
        let literal = if words.is_empty() {
            // Nothing but stop words that mean something together.
            joined(group.iter().map(|token| token.asked.clone()), " <-> ")
        } else {
            joined(words.iter().cloned(), " & ")
        };
        let stems = telling().map(|token| token.stems.clone()).collect();
        let trade_share =
            meaning.map_or(0.0, |meaning| vocabulary.tag_share(&trade_tag(meaning.trade.slug())));
        self.terms.push(Term { literal, words, stems, meaning, is_phrase: false, share, trade_share });
    }
}

impl Term {
    fn in_jobs(&self) -> String {
        match self.meaning {
            None => format!("({})", self.literal),
            Some(meaning) => {
                format!("(({}) | {})", self.literal, meaning.in_jobs(|stems| self.is_said_in(stems)))
            }
        }
    }

    /// Whether a text with these stems has its words anyway.
    fn is_said_in(&self, stems: &BTreeSet<String>) -> bool {
        !self.stems.is_empty() && self.stems.iter().all(|any| any.iter().any(|stem| stems.contains(stem)))
    }

    fn in_directory(&self, asked: &BTreeSet<String>) -> String {
        let Some(Meaning { trade, skill, .. }) = self.meaning else { return format!("({})", self.literal) };
        let mut query = format!("(({})", self.literal);
        // Of “bathroom tiling” the trade would only let in everybody who speaks of tiles.
        let is_said = stems_of(trade.slug()).iter().all(|stem| asked.contains(stem));
        let trade = Some(trade.slug()).filter(|_| !is_said);
        for slug in trade.into_iter().chain(skill.map(Skill::slug)) {
            let _ = write!(query, " | {}", quoted(slug));
        }
        query.push(')');
        query
    }
}

impl Meaning {
    /// The jobs that it is of: those of the trade; of a skill those that ask for it, and those of its trade that speak of it in other words.
    /// Of the other words, those are left out in which what is asked for is `said` anyway.
    fn in_jobs(self, said: impl Fn(&BTreeSet<String>) -> bool) -> String {
        let trade = trade_tag(self.trade.slug());
        let Some(skill) = self.skill else { return trade };
        if self.is_tagged {
            return meaning_tag(skill.slug());
        }
        let names = names_of(skill).iter().filter(|name| !said(&name.stems));
        let names = joined(names.map(|name| name.query.clone()), " | ");
        if names.is_empty() {
            skill_tag(skill.slug())
        } else {
            format!("({} | ({trade} & ({names})))", skill_tag(skill.slug()))
        }
    }

    fn share(self, vocabulary: &Vocabulary) -> f64 {
        let trade = vocabulary.tag_share(&trade_tag(self.trade.slug()));
        match self.skill {
            None => trade,
            Some(skill) if self.is_tagged => vocabulary.tag_share(&meaning_tag(skill.slug())),
            // The jobs of a trade are of several skills.
            Some(_) => trade / 4.0,
        }
    }
}

/// The most words that a state's name has.
const STATE_WORDS_MAX: usize = 3;

/// The state that these words begin with, and how many of them name it.
fn state_at(text: &str, tokens: &[Token]) -> Option<(State, usize)> {
    let first = tokens.first()?;
    let named = |length: usize| {
        let last = tokens.get(length.checked_sub(1)?)?;
        let state = state_named(text.get(first.bytes.start..last.bytes.end)?)?;
        Some((state, length))
    };
    let abbreviated = || state_abbreviated(text.get(first.bytes.clone())?).map(|state| (state, 1));
    (1..=STATE_WORDS_MAX).rev().find_map(named).or_else(abbreviated)
}

/// What all of these have. Words of one question are seldom strangers: of the jobs that have the rarest, half may have the others too.
fn all_of(shares: impl Iterator<Item = Share>) -> Share {
    let mut all = Share::of_one(1.0);
    let mut rarest: f64 = 1.0;
    let mut count = 0_usize;
    for share in shares {
        all.expected *= share.expected;
        rarest = rarest.min(share.at_most);
        count += 1;
    }
    all.at_most = if count > 1 { (rarest / 2.0).max(all.expected) } else { rarest };
    all
}

/// What jobs of these trades have that have one of these words, for Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saying {
    /// One of the words, and one of the trades.
    pub(crate) matching: String,
    /// One of the words: by how many of them a job has, and where, it is ranked.
    pub(crate) any: String,
}

impl Saying {
    /// None without trades or words.
    pub(crate) fn new(trades: &[String], words: &[String]) -> Option<Self> {
        let trades = joined(trades.iter().map(|trade| trade_tag(trade)), " | ");
        let any = joined(words.iter().map(|word| quoted(word)), " | ");
        (!trades.is_empty() && !any.is_empty())
            .then(|| Self { matching: format!("({trades}) & ({any})"), any })
    }
}

/// The tag of a trade, as `marketplace.job_tags` has it.
pub(crate) fn trade_tag(slug: &str) -> String {
    format!("trade1{}", bare(slug))
}

/// The tag of the jobs that are of a skill, as `marketplace.meaning_tags` has it.
fn meaning_tag(skill: &str) -> String {
    format!("means1{}", bare(skill))
}

/// The tag of a skill that is asked for.
pub(crate) fn skill_tag(skill: &str) -> String {
    format!("skill1{}", bare(skill))
}

/// What of a slug is compared.
pub(super) fn bare(word: &str) -> String {
    taxonomy::fold(word).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The stems of words.
pub(super) fn stems_of(word: &str) -> Vec<String> {
    taxonomy::words(word).into_iter().map(|word| word.stem).collect()
}

/// The words of a text as they stand there, and without accents and case, an apostrophe within a word as a space.
fn split(text: &str) -> Vec<(&str, String)> {
    let mut words: Vec<(&str, String)> = Vec::new();
    let mut before: Option<Range<usize>> = None;
    for word in taxonomy::words(text) {
        // What is short for two words stands there once.
        if before.replace(word.bytes.clone()).as_ref() == Some(&word.bytes) {
            continue;
        }
        let raw = text.get(word.bytes).unwrap_or_default();
        let folded = taxonomy::fold(raw);
        let plain = folded.chars().map(|letter| if letter.is_alphanumeric() { letter } else { ' ' });
        let plain = plain.collect::<String>().trim().to_owned();
        if !plain.is_empty() {
            words.push((raw, plain));
        }
    }
    words
}

/// The words of a text without accents and case.
pub(super) fn plain_words(text: &str) -> Vec<String> {
    split(text).into_iter().map(|(_, plain)| plain).collect()
}

/// Words that have to follow one another, for Postgres, which knows what to do with the stop words among them.
fn phrase(text: &str) -> Option<String> {
    let words = plain_words(text);
    (!words.iter().all(|word| is_stop_word(word))).then(|| quoted(&words.join(" ")))
}

/// What has only letters, digits, hyphens and spaces in it.
pub(super) fn quoted(words: &str) -> String {
    format!("'{words}'")
}

pub(super) fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

fn pieces(question: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = question;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return pieces };
        let (excludes, after) = match rest.strip_prefix('-') {
            Some(after) if !after.is_empty() && !after.starts_with(char::is_whitespace) => (true, after),
            _ => (false, rest),
        };
        let (text, is_phrase, left) = match after.strip_prefix(QUOTES) {
            Some(inside) => {
                let (text, left) = inside.split_once(QUOTES).unwrap_or((inside, ""));
                (text, true, left)
            }
            None => {
                let end = after
                    .char_indices()
                    .find(|(_, letter)| letter.is_whitespace() || QUOTES.contains(letter))
                    .map_or(after.len(), |(at, _)| at);
                let (text, left) = after.split_at(end);
                (text, false, left)
            }
        };
        pieces.push(match (excludes, is_phrase) {
            (true, _) => Piece::Excluded(text),
            (false, true) => Piece::Phrase(text),
            (false, false) => Piece::Loose(text),
        });
        // Every turn takes at least one letter away.
        rest = if left.len() < rest.len() { left } else { rest.get(first.len_utf8()..).unwrap_or_default() };
    }
}

/// What a phrase begins and ends with, also as word processors write it.
const QUOTES: [char; 4] = ['"', '“', '”', '„'];

#[cfg(test)]
mod tests;
