//! The words that jobs have: how common each is, and which one somebody meant who mistyped it.

use std::collections::{BTreeMap, HashMap};

use kernel::Instant;
use taxonomy::Taxonomy;

use super::regions;

/// What a word of the taxonomy is taken to be common like until jobs were counted: one in a thousand.
const TAUGHT_SHARE: f64 = 0.001;
/// What a word is taken to be common like that no count knows.
const UNKNOWN_SHARE: f64 = 0.000_3;
/// The shortest word that is corrected: of shorter ones, too many others are one letter away.
const CORRECTED_LETTERS_MIN: usize = 4;
/// From so many letters on, two mistakes are looked past.
const TWO_MISTAKES_LETTERS: usize = 8;
/// The longest word that is compared.
const LETTERS_MAX: usize = 30;

/// How long the stretches of time are by which jobs are counted, as in `marketplace.three_hours`.
pub(crate) const STRETCH_SECONDS: i64 = 3 * 60 * 60;
/// How long the longer ones are, as in `marketplace.day`.
pub(crate) const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Words that say nothing of a job; Postgres's `english` configuration passes over the same ones.
const STOP_WORDS: &str = " i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it \
    its itself they them their theirs themselves what which who whom this that these those am is are was were be been being have has had \
    having do does did doing a an the and but if or because as until while of at by for with about against between into through during \
    before after above below to from up down in out on off over under again further then once here there when where why how all any both \
    each few more most other some such no nor not only own same so than too very s t can will just don should now ";

/// Whether Postgres passes over this word, which is in lower case.
pub(crate) fn is_stop_word(word: &str) -> bool {
    !word.contains(' ') && STOP_WORDS.contains(&format!(" {word} "))
}

/// A word that what was typed is compared with.
#[derive(Debug, Clone)]
struct Spelled {
    letters: Vec<char>,
    /// A bit for each letter in it: words whose sets differ much need not be compared.
    set: u32,
    share: f64,
}

/// How many of the newest open jobs were published in which three hours, some minutes ago.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// When the newest was.
    pub(crate) newest: Instant,
    /// The counts, by stretches of three hours from 1970.
    pub(crate) counts: BTreeMap<i64, i64>,
    /// Whether older ones were left uncounted: of the first stretch's there may be more.
    pub(crate) has_older: bool,
}

/// What is known of the words of open jobs.
#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    jobs: f64,
    /// The newest of them, by when they were published.
    latest: Option<Published>,
    /// The taxonomy by which the meanings of all jobs are decided.
    meanings: Option<String>,
    /// Shares of stems.
    stems: HashMap<String, f64>,
    /// Shares of tags.
    tags: HashMap<String, f64>,
    /// Whether those of currencies are among them.
    money_is_counted: bool,
    /// Shares of the days, counted from 1970, on which jobs were published.
    days: BTreeMap<i64, f64>,
    spelled: Vec<Spelled>,
}

impl Published {
    /// How many were published from one instant to another, the first of which begins a stretch; none when that was not counted.
    fn between(&self, from: Instant, until: Instant) -> Option<f64> {
        let first = from.timestamp().div_euclid(STRETCH_SECONDS);
        let oldest = self.counts.first_key_value().map(|(stretch, _)| *stretch);
        if self.has_older && oldest.is_none_or(|oldest| first <= oldest) {
            return None;
        }
        let within = self.counts.range(first..).map(|(stretch, jobs)| {
            let begins = stretch * STRETCH_SECONDS;
            let (end, newest) = (begins + STRETCH_SECONDS, self.newest.timestamp());
            // Those of the newest's stretch were all published before it.
            let long = (end.min(newest) - begins).max(1);
            let asked = (until.timestamp() - begins).clamp(0, long);
            float(*jobs) * float(asked) / float(long)
        });
        Some(within.sum())
    }
}

fn float(count: i64) -> f64 {
    f64::from(i32::try_from(count).unwrap_or(i32::MAX))
}

impl Vocabulary {
    /// Of about so many open jobs, and the share of them that has each word or tag. The words of the taxonomy and the names of states are always known.
    pub(crate) fn new(jobs: f64, counted: &[(String, f64)]) -> Self {
        let mut vocabulary = Self {
            jobs,
            latest: None,
            meanings: None,
            stems: HashMap::new(),
            tags: HashMap::new(),
            money_is_counted: counted.iter().any(|(word, _)| word.starts_with("currency1")),
            days: BTreeMap::new(),
            spelled: Vec::new(),
        };
        let mut spelled: HashMap<String, f64> = HashMap::new();
        for phrase in phrases(Taxonomy::shipped()) {
            for word in phrase.split(|letter: char| !letter.is_alphanumeric()) {
                spelled.insert(taxonomy::fold(word), TAUGHT_SHARE);
            }
        }
        for word in regions::all().flat_map(|state| state.name.split(' ')) {
            spelled.entry(word.to_lowercase()).or_insert(TAUGHT_SHARE);
        }
        for (word, share) in counted {
            if let Some(day) = word.strip_prefix("day1").and_then(|day| day.parse().ok()) {
                vocabulary.days.insert(day, *share);
            } else if word.contains('1') {
                vocabulary.tags.insert(word.clone(), *share);
            } else {
                spelled.insert(word.clone(), *share);
            }
        }
        for (word, share) in spelled {
            vocabulary.learn(&word, share);
        }
        vocabulary
    }

    fn learn(&mut self, word: &str, share: f64) {
        for found in taxonomy::words(word) {
            let known = self.stems.entry(found.stem).or_default();
            *known = (*known + share).min(1.0);
        }
        let letters: Vec<char> = word.chars().collect();
        if (CORRECTED_LETTERS_MIN..=LETTERS_MAX).contains(&letters.len()) {
            let set = set_of(&letters);
            self.spelled.push(Spelled { letters, set, share });
        }
    }

    /// About how many open jobs there are.
    pub(crate) fn jobs(&self) -> f64 {
        self.jobs
    }

    /// The same, of jobs the newest of which were published like that.
    pub(crate) fn with_latest(self, latest: Option<Published>) -> Self {
        Self { latest, ..self }
    }

    /// The same, of jobs whose meanings are decided by the taxonomy with this fingerprint.
    pub(crate) fn with_meanings(self, fingerprint: Option<String>) -> Self {
        Self { meanings: fingerprint, ..self }
    }

    /// Whether each job has a tag for what it means by the taxonomy that is asked with.
    pub(crate) fn meanings_are_tagged(&self) -> bool {
        self.meanings.as_deref() == Some(super::meaning::fingerprint())
    }

    /// When the newest open job was published, some minutes ago; none when there was none.
    pub(crate) fn newest(&self) -> Option<Instant> {
        self.latest.as_ref().map(|latest| latest.newest)
    }

    /// The share of jobs that was published from one instant to another, the first of which begins a stretch of three hours.
    pub(crate) fn published_share(&self, from: Instant, until: Instant) -> f64 {
        let counted = self.latest.as_ref().and_then(|latest| latest.between(from, until));
        counted.map_or_else(|| self.days_share(from, until), |jobs| jobs / self.jobs.max(1.0))
    }

    /// The same, as far as days tell it.
    fn days_share(&self, from: Instant, until: Instant) -> f64 {
        let (from, until) = (from.timestamp(), until.timestamp());
        (from.div_euclid(DAY_SECONDS)..=until.div_euclid(DAY_SECONDS))
            .map(|day| {
                let begins = day * DAY_SECONDS;
                let seconds = (until.min(begins + DAY_SECONDS) - from.max(begins)).max(0);
                self.day_share(day) * float(seconds) / float(DAY_SECONDS)
            })
            .sum()
    }

    /// The share of jobs that has a word of this stem.
    pub(crate) fn share(&self, stem: &str) -> f64 {
        self.stems.get(stem).copied().unwrap_or(UNKNOWN_SHARE)
    }

    /// The share of jobs that has this tag; what was not met is rare.
    pub(crate) fn tag_share(&self, tag: &str) -> f64 {
        self.tags.get(tag).copied().unwrap_or(UNKNOWN_SHARE)
    }

    /// The same, where not having been met in the sample means to be hardly there at all: for the many squares of a map.
    pub(crate) fn met_share(&self, tag: &str) -> f64 {
        self.tags.get(tag).copied().unwrap_or_default()
    }

    /// The share of jobs that has one of these tags, no two of which a job has; together not having been met in the sample, they are rare.
    pub(crate) fn any_tag_share(&self, tags: &[String]) -> f64 {
        tags.iter().map(|tag| self.met_share(tag)).sum::<f64>().max(UNKNOWN_SHARE)
    }

    /// Whether it is known what jobs pay in.
    pub(crate) fn money_is_counted(&self) -> bool {
        self.money_is_counted
    }

    /// The share of jobs that was published on a day, counted from 1970. The last day that was counted was not over, and later ones were not counted:
    /// they are taken to be like the week before.
    fn day_share(&self, day: i64) -> f64 {
        let Some((last, _)) = self.days.last_key_value() else { return 0.0 };
        if day < *last {
            return self.days.get(&day).copied().unwrap_or_default();
        }
        self.days.range(last - 7..*last).map(|(_, share)| share).sum::<f64>() / 7.0
    }

    /// The word that somebody meant who wrote this one, without accents and in lower case: none for what is known, short, or like no other.
    pub(crate) fn correct(&self, word: &str) -> Option<String> {
        let letters: Vec<char> = word.chars().collect();
        let is_short = !(CORRECTED_LETTERS_MIN..=LETTERS_MAX).contains(&letters.len());
        if is_short || is_stop_word(word) || letters.iter().any(|letter| !letter.is_alphabetic()) {
            return None;
        }
        let stem = taxonomy::words(word).into_iter().next()?.stem;
        if self.stems.contains_key(&stem) {
            return None;
        }
        let most = if letters.len() >= TWO_MISTAKES_LETTERS { 2 } else { 1 };
        let set = set_of(&letters);
        let near = self.spelled.iter().filter_map(|spelled| {
            let apart = spelled.letters.len().abs_diff(letters.len());
            // A mistake changes at most two letters of the set: one goes, one comes.
            if apart > most || (spelled.set ^ set).count_ones() > most_differing(most) {
                return None;
            }
            let mistakes = mistakes(&letters, &spelled.letters, most)?;
            // People seldom mistake the letter that a word begins with.
            let other_start = usize::from(spelled.letters.first() != letters.first());
            Some((mistakes * 2 + other_start, spelled))
        });
        let best = near.min_by(|(a, one), (b, other)| {
            a.cmp(b)
                .then_with(|| other.share.total_cmp(&one.share))
                .then_with(|| one.letters.cmp(&other.letters))
        });
        best.map(|(_, spelled)| spelled.letters.iter().collect())
    }
}

fn most_differing(mistakes: usize) -> u32 {
    u32::try_from(mistakes * 2).unwrap_or(u32::MAX)
}

/// All that the taxonomy calls anything.
fn phrases(taxonomy: &Taxonomy) -> impl Iterator<Item = &str> {
    taxonomy.trades().iter().flat_map(|trade| {
        let skills = trade.skills().iter().flat_map(|skill| {
            std::iter::once(skill.name()).chain(skill.synonyms().iter().map(String::as_str))
        });
        std::iter::once(trade.name()).chain(trade.synonyms().iter().map(String::as_str)).chain(skills)
    })
}

fn set_of(letters: &[char]) -> u32 {
    letters.iter().fold(0, |set, letter| set | 1 << (u32::from(*letter) % 32))
}

/// How many letters were left out, added, mistaken or swapped with the next, if no more than `most`.
fn mistakes(typed: &[char], meant: &[char], most: usize) -> Option<usize> {
    let first: Vec<usize> = (0..=meant.len()).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last = first;
    let mut typed_before: Option<char> = None;
    for (row, letter) in typed.iter().enumerate() {
        let mut next = Vec::with_capacity(last.len());
        next.push(row + 1);
        let mut meant_before: Option<char> = None;
        for (column, other) in meant.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, column) + usize::from(letter != other);
            let mut least = replaced.min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            if Some(*letter) == meant_before && typed_before == Some(*other) && column > 0 {
                least = least.min(at(&before_last, column - 1) + 1);
            }
            next.push(least);
            meant_before = Some(*other);
        }
        if next.iter().min().is_none_or(|least| *least > most) {
            return None;
        }
        typed_before = Some(*letter);
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().filter(|mistakes| *mistakes <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn empty() -> Vocabulary {
        Vocabulary::new(0.0, &[])
    }

    #[test]
    fn an_empty_installation_understands_what_is_mistyped() {
        let vocabulary = empty();
        for (typed, meant) in [
            ("plummer", Some("plumber")),
            ("electrcian", Some("electrician")),
            ("bathrom", Some("bathroom")),
            ("pianting", Some("painting")),
            ("refridgerator", Some("refrigerator")),
            ("carpentar", Some("carpenter")),
            ("dishwaser", Some("dishwasher")),
            // Known, short, a stop word, like nothing.
            ("plumber", None),
            ("plumbers", None),
            ("tpa", None),
            ("because", None),
            ("xylophone", None),
            ("2x4s", None),
        ] {
            assert_eq!(vocabulary.correct(typed).as_deref(), meant, "{typed}");
        }
    }

    #[test]
    fn of_words_as_near_the_more_common_is_meant() {
        let counted =
            |rare: f64, common: f64| vec![("qualms".to_owned(), rare), ("qualma".to_owned(), common)];
        assert_eq!(Vocabulary::new(9.0, &counted(0.1, 0.2)).correct("qualmx").as_deref(), Some("qualma"));
        assert_eq!(Vocabulary::new(9.0, &counted(0.2, 0.1)).correct("qualmx").as_deref(), Some("qualms"));
        assert_eq!(Vocabulary::new(9.0, &counted(0.2, 0.1)).correct("qualms"), None);
    }

    #[test]
    fn shares_are_of_stems_and_tags() {
        let counted =
            [("leaking", 0.01), ("leaks", 0.02), ("trade1plumbing", 0.1)].map(|(w, s)| (w.to_owned(), s));
        let vocabulary = Vocabulary::new(1_000.0, &counted);
        assert!(vocabulary.share("leak") >= 0.03 && vocabulary.share("leak") < 0.04);
        assert!((vocabulary.tag_share("trade1plumbing") - 0.1).abs() < 1e-9);
        assert!(vocabulary.tag_share("trade1tiling") < 0.001 && vocabulary.met_share("cell17") < 1e-9);
    }

    proptest! {
        #[test]
        fn mistakes_are_counted_both_ways_and_never_beyond_the_most(a in "[a-d]{0,7}", b in "[a-d]{0,7}") {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            let there = mistakes(&a, &b, 3);
            prop_assert_eq!(there, mistakes(&b, &a, 3));
            prop_assert!(there.is_none_or(|mistakes| mistakes <= 3));
            prop_assert_eq!(there == Some(0), a == b);
        }

        #[test]
        fn anything_can_be_asked_about(word in "\\PC{0,40}") {
            let _ = empty().correct(&taxonomy::fold(&word));
        }
    }
}
