//! Looking for jobs: what was asked is understood, put, ranked and counted.

use std::sync::{Arc, RwLock};

use chrono::TimeDelta;
use kernel::{Actor, Instant, Limit, Page, Position, Role, WrongRole};

use super::MarketplaceService;
use super::jobs::own_shelf;
use crate::error::Error;
use crate::model::search::Window;
use crate::model::{
    Budget, Category, JobFacets, JobId, JobOrder, JobScope, JobSearch, JobStatus, JobsFound, SearchKey,
    Understood,
};
use crate::rules::facets::{budget_band, count, facets};
use crate::rules::highlights::highlights;
use crate::rules::search::{Guess, Ticked};
use crate::rules::vocabulary::Vocabulary;
use crate::rules::words::Words;
use crate::store::search::{Asked, COUNTED, Counted, Hit, Question};
use crate::tasks::DecideMeanings;
use crate::traits::SearchQueries;
use crate::{rules, store};

/// How long counts of words are used before they are read again: they are made once a day.
const READ_EVERY: TimeDelta = TimeDelta::minutes(10);

/// What is known of words, kept for all who look.
#[derive(Debug, Default)]
pub(super) struct Learned(RwLock<Option<(Instant, Arc<Vocabulary>)>>);

/// Whether texts are shown with what was looked for marked in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    Made,
    None,
}

/// A question that was understood.
struct Understanding<'a> {
    search: &'a JobSearch,
    words: Option<Words>,
    vocabulary: Arc<Vocabulary>,
    now: Instant,
}

impl SearchQueries for MarketplaceService {
    fn search_jobs(
        &self,
        viewer: Option<&Actor>,
        search: &JobSearch,
        after: Option<Position<SearchKey>>,
        limit: Limit,
    ) -> Result<JobsFound, Error> {
        let mut understanding = self.understand(search)?;
        self.find(viewer, &mut understanding, after, limit, Marks::None)
    }

    fn search_texts(
        &self,
        viewer: Option<&Actor>,
        search: &JobSearch,
        after: Option<Position<SearchKey>>,
        limit: Limit,
    ) -> Result<JobsFound, Error> {
        let mut understanding = self.understand(search)?;
        self.find(viewer, &mut understanding, after, limit, Marks::Made)
    }

    fn job_facets(&self, viewer: Option<&Actor>, search: &JobSearch) -> Result<JobFacets, Error> {
        let understanding = self.understand(search)?;
        let all = self.counted(viewer, &understanding, search)?;
        let without = |is_filtered: bool, search: JobSearch| {
            if is_filtered { self.counted(viewer, &understanding, &search).map(Some) } else { Ok(None) }
        };
        let no_budget = Budget::default();
        let trades = without(search.category.is_some(), JobSearch { category: None, ..search.clone() })?;
        let urgencies =
            without(!search.urgency.is_empty(), JobSearch { urgency: Vec::new(), ..search.clone() })?;
        let budgets = without(search.budget != no_budget, JobSearch { budget: no_budget, ..search.clone() })?;
        // Without its own filter, where that was asked anew.
        let newest =
            |counted: Option<Vec<Counted>>| counted.unwrap_or_else(|| all.clone()).into_iter().take(COUNTED);
        Ok(JobFacets {
            count: count(all.len(), COUNTED),
            trades: facets(newest(trades).map(|job| job.trade)),
            urgencies: facets(newest(urgencies).map(|job| job.urgency)),
            budgets: facets(
                newest(budgets)
                    .filter(|job| job.currency == search.budget_currency().code())
                    .map(|job| budget_band(job.budget)),
            ),
            budget_currency: search.budget_currency(),
            regions: facets(newest(None).map(|job| job.region)),
        })
    }
}

impl MarketplaceService {
    /// Counts anew how common words are.
    pub(crate) fn count_words(&self) -> Result<(), Error> {
        self.db.transaction(|tx| {
            // Nobody's deed.
            audit::withhold(tx);
            Ok::<_, Error>(store::search::count_words(tx.conn())?)
        })?;
        self.learned.forget();
        Ok(())
    }

    /// Decides of the next jobs which skills they are of, and has the rest follow; nothing to do when all are decided by the taxonomy of today.
    pub(crate) fn decide_meanings(&self, task: &DecideMeanings) -> Result<(), Error> {
        let today = rules::meaning::fingerprint();
        self.db.transaction(|tx| {
            // Nobody's deed.
            audit::withhold(tx);
            let goes_on = task.fingerprint.as_deref() == Some(today);
            if !goes_on && store::meanings::fingerprint(tx.conn())?.as_deref() == Some(today) {
                return Ok(());
            }
            // Those before were decided by another taxonomy: from the beginning.
            let after = task.after.filter(|_| goes_on).map(JobId::uuid);
            match store::meanings::decide(tx.conn(), after)? {
                Some(last) => {
                    let fingerprint = Some(today.to_owned());
                    outbox::enqueue(tx, &DecideMeanings { after: Some(last.into()), fingerprint });
                }
                None => store::meanings::keep_fingerprint(tx.conn(), today)?,
            }
            Ok::<_, Error>(())
        })?;
        self.learned.forget();
        Ok(())
    }

    /// The words of a question as they are understood in the directory.
    pub(super) fn words_in_directory(&self, question: &str) -> Result<Option<String>, Error> {
        let words = Words::understand(question, self.vocabulary()?.as_ref());
        Ok((!words.is_empty()).then(|| words.in_directory()))
    }

    pub(super) fn vocabulary(&self) -> Result<Arc<Vocabulary>, Error> {
        let now = self.clock.now();
        if let Some(known) = self.learned.fresh(now) {
            return Ok(known);
        }
        let read = Arc::new(self.db.read(store::search::load_words)?);
        self.learned.keep(now, Arc::clone(&read));
        Ok(read)
    }

    fn understand<'a>(&self, search: &'a JobSearch) -> Result<Understanding<'a>, Error> {
        let vocabulary = self.vocabulary()?;
        let words = search.words.as_deref().map(|words| Words::understand(words, &vocabulary));
        Ok(Understanding { search, words, vocabulary, now: self.clock.now() })
    }

    fn find(
        &self,
        viewer: Option<&Actor>,
        understanding: &mut Understanding<'_>,
        after: Option<Position<SearchKey>>,
        limit: Limit,
        marks: Marks,
    ) -> Result<JobsFound, Error> {
        let search = understanding.search;
        if search.order == JobOrder::Bids {
            viewer.ok_or(WrongRole { needed: Role::Homeowner })?.homeowner()?;
        }
        let mut is_loose = after.and_then(|after| after.key.window).is_some_and(|window| window.is_loose);
        let mut rows = self.rows(viewer, understanding, after, limit, is_loose)?;
        let can_loosen = understanding.words.as_ref().is_some_and(Words::can_loosen);
        if rows.is_empty() && after.is_none() && can_loosen && search.order == JobOrder::Relevance {
            is_loose = true;
            rows = self.rows(viewer, understanding, after, limit, is_loose)?;
        }
        let now = understanding.now;
        let stems = understanding.words.as_ref().filter(|_| marks == Marks::Made).map(Words::stems);
        let page = Page::cut(rows, limit, |(hit, key)| Position { key: *key, id: hit.job.card.id.uuid() });
        let page = page.map(|(Hit { mut job, description, .. }, _)| {
            job.highlights = stems.map(|stems| highlights(&job.card.title, &description, stems));
            job.card = rules::card_as_of(job.card, now);
            job
        });
        Ok(JobsFound { page, understood: understanding.understood(is_loose) })
    }

    /// At least the jobs of the page, and one more when there is one, each with its place.
    fn rows(
        &self,
        viewer: Option<&Actor>,
        understanding: &Understanding<'_>,
        after: Option<Position<SearchKey>>,
        limit: Limit,
        is_loose: bool,
    ) -> Result<Vec<(Hit, SearchKey)>, Error> {
        let search = understanding.search;
        let Some(question) = understanding.question(viewer, search, is_loose) else { return Ok(Vec::new()) };
        if search.order != JobOrder::Relevance {
            let after = store::search::place(after);
            let vocabulary = &understanding.vocabulary;
            let rows = self.db.read(|conn| store::search::page(conn, &question, after, limit, vocabulary))?;
            return Ok(rows.into_iter().map(|hit| hit.keyed(None)).collect());
        }
        let fresh = Window { as_of: understanding.now.timestamp_micros(), is_loose, ..Window::default() };
        let mut window = after.and_then(|after| after.key.window).unwrap_or(fresh);
        let mut place = store::search::place(after);
        let mut rows: Vec<(Hit, SearchKey)> = Vec::new();
        loop {
            let vocabulary = &understanding.vocabulary;
            let (found, made) = self.db.read(|conn| {
                let (found, made) = store::search::window(conn, &question, window, vocabulary)?;
                Ok::<_, Error>((store::search::best(conn, &question, found, place, limit)?, made))
            })?;
            rows.extend(found.into_iter().map(|hit| hit.keyed(Some(made))));
            match made.floor {
                Some(floor) if rows.len() <= limit.get() => {
                    window = Window { top: Some(floor), floor: None, is_made: false, ..made };
                    place = None;
                }
                _ => return Ok(rows),
            }
        }
    }

    fn counted(
        &self,
        viewer: Option<&Actor>,
        understanding: &Understanding<'_>,
        search: &JobSearch,
    ) -> Result<Vec<Counted>, Error> {
        let put = |is_loose| match understanding.question(viewer, search, is_loose) {
            Some(question) => {
                let vocabulary = &understanding.vocabulary;
                Ok::<_, Error>(self.db.read(|conn| store::search::counted(conn, &question, vocabulary))?)
            }
            None => Ok(Vec::new()),
        };
        let counted = put(false)?;
        let can_loosen = understanding.words.as_ref().is_some_and(Words::can_loosen);
        if counted.is_empty() && can_loosen && search.order == JobOrder::Relevance {
            return put(true);
        }
        Ok(counted)
    }
}

impl Understanding<'_> {
    /// The question as it is put; none when nothing can match it: by its words, or because it asks for what is posted from some later time on.
    fn question<'s>(
        &self,
        viewer: Option<&Actor>,
        search: &'s JobSearch,
        is_loose: bool,
    ) -> Option<Question<'s>> {
        if search.posted_since.is_some_and(|since| since > self.now) {
            return None;
        }
        let public =
            search.scope == JobScope::Public && search.status.is_none_or(|status| status == JobStatus::Open);
        let shelf = if public { None } else { Some(viewer.and_then(own_shelf)?) };
        let asked = match &self.words {
            // What only rules things out finds nothing.
            Some(words) if words.is_empty() => return None,
            Some(words) => {
                let matching = if is_loose { words.loosely_in_jobs() } else { words.in_jobs() };
                let (trades, skills) = words.meant_tags();
                let (literal, any) = (words.literal(), words.any_word());
                Some(Asked { matching, literal, any, trades, skills })
            }
            None => None,
        };
        let words = self.words.as_ref();
        let share = words.map(|words| if is_loose { words.loose_share() } else { words.share() });
        let ticked = Ticked {
            trade: search.category.map(Category::as_str),
            skills: search.skills.as_slice(),
            urgency: &search.urgency,
            currency: search.currency,
            budget: search.budget,
            circle: search.circle,
            posted_since: search.posted_since,
            now: self.now,
        };
        let guess = Guess::new(&self.vocabulary, share, ticked);
        Some(Question { search, shelf, asked, guess, now: self.now })
    }

    fn understood(&self, is_loose: bool) -> Understood {
        let Some(words) = &self.words else { return Understood::default() };
        let did_you_mean = (!words.corrections().is_empty()).then(|| {
            let question = self.search.words.as_deref().unwrap_or_default();
            corrected(question, words)
        });
        Understood { did_you_mean, meanings: words.meanings(), is_loose }
    }
}

/// The question with the mistyped words put right.
fn corrected(question: &str, words: &Words) -> String {
    let mut text = String::new();
    let mut at = 0;
    for word in taxonomy::words(question) {
        let typed = taxonomy::fold(question.get(word.bytes.clone()).unwrap_or_default());
        let correction = words.corrections().iter().find(|correction| correction.typed == typed);
        if let Some(correction) = correction.filter(|_| word.bytes.start >= at) {
            text.push_str(question.get(at..word.bytes.start).unwrap_or_default());
            text.push_str(&correction.meant);
            at = word.bytes.end;
        }
    }
    text.push_str(question.get(at..).unwrap_or_default());
    text
}

impl Learned {
    fn fresh(&self, now: Instant) -> Option<Arc<Vocabulary>> {
        let held = self.0.read().ok()?;
        let (at, vocabulary) = held.as_ref()?;
        (now.signed_duration_since(*at).abs() < READ_EVERY).then(|| Arc::clone(vocabulary))
    }

    fn keep(&self, now: Instant, vocabulary: Arc<Vocabulary>) {
        if let Ok(mut held) = self.0.write() {
            *held = Some((now, vocabulary));
        }
    }

    fn forget(&self) {
        if let Ok(mut held) = self.0.write() {
            *held = None;
        }
    }
}
