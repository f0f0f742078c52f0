//! How like one job is to another.

use std::collections::BTreeSet;

use super::reasons::Score;
use super::recommending::{away, km_between, near, share, skill_key};
use super::vocabulary::{Vocabulary, is_stop_word};
use super::weights::{NEAR, SAME_BUDGET, SAME_SKILLS, SAME_TRADE, WORDS};
use crate::model::{JobCard, PublicJob};

/// From here on nearness is worth nothing, in kilometres.
pub const FAR_KM: f64 = 50.0;
/// Shorter words say too little.
const WORD_CHARACTERS_MIN: usize = 4;
/// Words that a reason names at most.
const NAMED: usize = 3;

/// A word that more jobs have is none to look jobs up by: the newest of the trade have it anyway.
const RARE_JOBS: f64 = 1_000.0;
/// Words that jobs are looked up by at most.
const LOOKED_UP: usize = 4;

/// The words of a title that few jobs have, the rarest first: by them a job like it is found that is not of the newest.
pub(crate) fn rare_words(title: &str, vocabulary: &Vocabulary) -> Vec<String> {
    let mut rare: Vec<(f64, String)> = words(title)
        .map(|(stem, word)| (vocabulary.share(&stem) * vocabulary.jobs(), word))
        .filter(|(jobs, _)| *jobs <= RARE_JOBS)
        .flat_map(|(jobs, word)| super::words::plain_words(word).into_iter().map(move |plain| (jobs, plain)))
        .filter(|(_, plain)| !is_stop_word(plain))
        .collect();
    rare.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    rare.into_iter().take(LOOKED_UP).map(|(_, word)| word).collect()
}

/// What a job is compared by, made once for all that are compared with it.
#[derive(Debug, Clone)]
pub struct Model {
    words: BTreeSet<String>,
    skills: BTreeSet<String>,
    job: PublicJob,
}

impl Model {
    /// Of this job.
    #[must_use]
    pub fn of(job: PublicJob) -> Self {
        let words = words(&job.title).chain(words(&job.description)).map(|(stem, _)| stem).collect();
        let skills = job.skills.iter().map(|skill| skill_key(skill)).collect();
        Self { words, skills, job }
    }

    /// How like it another job is.
    #[must_use]
    pub fn likeness(&self, other: &JobCard) -> Score {
        let mut score = Score::default();
        if other.category == self.job.category {
            score.add(SAME_TRADE.points, SAME_TRADE.code, "The same trade");
        }
        self.by_words(&mut score, other);
        let skills: BTreeSet<String> = other.skills.iter().map(|skill| skill_key(skill)).collect();
        let shared = skills.intersection(&self.skills).count();
        if shared > 0 {
            let text = format!("{shared} {} in common", if shared == 1 { "skill" } else { "skills" });
            score.add(share(SAME_SKILLS.points, shared, self.skills.len()), SAME_SKILLS.code, text);
        }
        if let Some((a, b)) = self.job.area.point.zip(other.area.point) {
            let km = km_between(a, b);
            score.add(near(NEAR.points, km, FAR_KM), NEAR.code, away(km));
        }
        if self.has_like_budget(other) {
            score.add(SAME_BUDGET.points, SAME_BUDGET.code, "A budget like it");
        }
        score
    }

    fn by_words(&self, score: &mut Score, other: &JobCard) {
        let of_title: Vec<(String, &str)> = words(&other.title).collect();
        let shared: Vec<&str> =
            of_title.iter().filter(|(stem, _)| self.words.contains(stem)).map(|(_, word)| *word).collect();
        if !shared.is_empty() {
            let named =
                shared.iter().take(NAMED).map(|word| word.to_lowercase()).collect::<Vec<_>>().join(", ");
            score.add(
                share(WORDS.points, shared.len(), of_title.len()),
                WORDS.code,
                format!("Both say: {named}"),
            );
        }
    }

    fn has_like_budget(&self, other: &JobCard) -> bool {
        let (one, two) = (self.job.budget, other.budget);
        let named = |budget: crate::model::Budget| budget.min().is_some() || budget.max().is_some();
        self.job.currency == other.currency
            && named(one)
            && super::recommending::meets(two, one.min().unwrap_or_default(), one.max().unwrap_or(i64::MAX))
    }
}

/// The words of a text that say something, each once, with the stem by which its forms are one.
fn words(text: &str) -> impl Iterator<Item = (String, &str)> {
    let mut seen = BTreeSet::new();
    taxonomy::words(text).into_iter().filter_map(move |word| {
        let written = text.get(word.bytes)?;
        // "won't" and its like are as long as what stands before the apostrophe.
        let long = written.chars().take_while(|c| c.is_alphanumeric()).count() >= WORD_CHARACTERS_MIN;
        (long && seen.insert(word.stem.clone())).then_some((word.stem, written))
    })
}

#[cfg(test)]
mod tests {
    use identity::geo::GeoPoint;
    use kernel::{Currency, Instant, PartyId, TypedId};
    use uuid::Uuid;

    use super::*;
    use crate::model::{Area, Budget, JobId, JobStatus, Reveal, Urgency};

    fn area(km_north: Option<f64>) -> Area {
        let point = km_north.map(|km| GeoPoint::new(30.0 + km / 111.195, -97.0).unwrap());
        Area { city: "Austin".to_owned(), region: None, country: "US".to_owned(), point }
    }

    fn job(title: &str, description: &str, skills: &[&str]) -> PublicJob {
        PublicJob {
            id: JobId::from_uuid(Uuid::nil()),
            homeowner: PartyId::from_uuid(Uuid::nil()),
            contractor: None,
            status: JobStatus::Open,
            title: title.to_owned(),
            description: description.to_owned(),
            category: "tiling".to_owned(),
            skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            area: area(Some(0.0)),
            budget: Budget::new(None, Some(200_000)).unwrap(),
            currency: Currency::USD,
            urgency: Urgency::Normal,
            wanted_start: None,
            bidding_deadline: None,
            accept_until: None,
            reveal: Reveal::OnArrival,
            published_at: None,
            version: 1,
            created_at: Instant::UNIX_EPOCH,
            updated_at: Instant::UNIX_EPOCH,
        }
    }

    fn card(
        title: &str,
        category: &str,
        skills: &[&str],
        km: Option<f64>,
        budget: (Option<i64>, Option<i64>),
    ) -> JobCard {
        let of = job(title, "", skills);
        JobCard {
            id: of.id,
            homeowner: of.homeowner,
            status: of.status,
            title: of.title,
            category: category.to_owned(),
            skills: of.skills,
            area: area(km),
            budget: Budget::new(budget.0, budget.1).unwrap(),
            currency: of.currency,
            urgency: of.urgency,
            wanted_start: None,
            bidding_deadline: None,
            bidding_closed: false,
            reveal: of.reveal,
            published_at: None,
            created_at: of.created_at,
        }
    }

    #[test]
    fn each_part_is_told_and_all_of_them_are_a_hundred() {
        let model = Model::of(job("Tile the bathroom", "Floor and walls", &["grout", "tiling"]));
        let none = (None, None);
        for (other, points, reasons) in [
            (card("Fix a fence", "fencing", &[], None, none), 0, vec![]),
            (card("Fix a fence", "tiling", &[], None, none), 30, vec!["The same trade"]),
            (card("Tiling bathrooms", "fencing", &[], None, none), 25, vec!["Both say: tiling, bathrooms"]),
            (card("Tiles for a kitchen wall", "fencing", &[], None, none), 17, vec!["Both say: tiles, wall"]),
            (card("Fix a fence", "fencing", &["Grout"], None, none), 8, vec!["1 skill in common"]),
            (card("Fix a fence", "fencing", &[], Some(3.0), none), 20, vec!["3 km away"]),
            (card("Fix a fence", "fencing", &[], Some(60.0), none), 0, vec!["60 km away"]),
            (card("Fix a fence", "fencing", &[], None, (Some(100_000), None)), 10, vec!["A budget like it"]),
            (card("Fix a fence", "fencing", &[], None, (Some(200_001), None)), 0, vec![]),
            (
                card("Tile bathroom", "tiling", &["tiling", "grout"], Some(0.0), (None, Some(1))),
                100,
                vec![
                    "The same trade",
                    "Both say: tile, bathroom",
                    "2 skills in common",
                    "Less than 1 km away",
                    "A budget like it",
                ],
            ),
        ] {
            let score = model.likeness(&other);
            let told: Vec<_> = score.reasons.iter().map(|reason| reason.text.as_str()).collect();
            assert_eq!((score.points, told), (points, reasons), "{} {}", other.title, other.category);
        }
    }

    #[test]
    fn jobs_are_looked_up_by_the_rarest_words_of_a_title() {
        let counted = [("tile", 0.05), ("zellige", 0.0001), ("hexagon", 0.0005)]
            .map(|(word, share)| (word.to_owned(), share));
        let vocabulary = Vocabulary::new(1_000_000.0, &counted);
        assert_eq!(
            rare_words("Tile a hall with Hexagon and zellige", &vocabulary),
            ["zellige", "hall", "hexagon"]
        );
        let small = Vocabulary::new(100.0, &counted);
        assert_eq!(rare_words("Tile a hall", &small).len(), 2, "where there are few jobs every word is rare");
        assert!(rare_words("a to the", &small).is_empty());
    }

    #[test]
    fn forms_of_a_word_are_one_and_short_words_say_nothing() {
        let stems = |text| words(text).map(|(stem, _)| stem).collect::<Vec<_>>();
        assert_eq!(stems("Tile tiles tiling tiled"), ["tile"]);
        assert_eq!(stems("a to the of, can't won’t"), Vec::<String>::new());
        assert_eq!(stems("leaking leaks"), ["leak"]);
        // No ending is cut off that belongs to the word, and accents are none of its business.
        assert_eq!(
            stems("Ceiling with glass pipes, shed for the façade FACADE"),
            ["ceil", "with", "glass", "pipe", "shed", "facad"]
        );
    }
}
