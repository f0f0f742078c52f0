//! Looking for jobs: what can be asked, and what is found.

use kernel::{Currency, Faults, Instant, Page};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::category::Category;
use super::directory::{Circle, circle, words_of};
use super::job::{Budget, JobCard, JobFilter, JobScope, JobStatus, Urgency};
use super::market::currency;
use super::text::Skills;

/// The most skills that are asked for at a time.
const SKILLS_MAX: usize = 10;

super::words! {
    /// In which order jobs are found.
    JobOrder {
        /// What has all the words before what means the same, the newer before the older of what is alike.
        Relevance = "relevance",
        /// The newest first.
        Newest = "newest",
        /// The highest budget first, by its upper end; without a budget last.
        Budget = "budget",
        /// What closes soonest first; in the public list without what takes no more bids.
        Deadline = "deadline",
        /// The nearest first.
        Distance = "distance",
        /// Over one's own jobs only: the most bids first, sealed ones last.
        Bids = "bids",
    }
}

/// What is asked, before it is checked.
#[derive(Debug, Clone, Default)]
pub struct JobSearchForm {
    /// Words.
    pub q: Option<String>,
    /// The slug of a trade.
    pub category: Option<String>,
    /// Skills, all of which are asked for.
    pub skills: Vec<String>,
    /// The budget reaches at least this, in minor units.
    pub budget_min: Option<i64>,
    /// The budget starts at this or below, in minor units.
    pub budget_max: Option<i64>,
    /// The ISO 4217 code of the currency that the budget is in: then only jobs in it. By a budget without it, as a job that names none.
    pub currency: Option<String>,
    /// How soon, any of these.
    pub urgency: Vec<Urgency>,
    /// Where the job stands.
    pub status: Option<JobStatus>,
    /// Whose jobs.
    pub scope: JobScope,
    /// Where: degrees north.
    pub lat: Option<f64>,
    /// Degrees east.
    pub lng: Option<f64>,
    /// How far around, in kilometres.
    pub radius: Option<i64>,
    /// Public since then.
    pub posted_since: Option<Instant>,
    /// In which order.
    pub sort: Option<JobOrder>,
}

/// Which jobs are wanted, and in which order: the one language in which jobs are asked for.
#[derive(Debug, Clone)]
pub struct JobSearch {
    pub(crate) words: Option<String>,
    pub(crate) category: Option<Category>,
    pub(crate) skills: Skills,
    pub(crate) budget: Budget,
    /// Always there when something is asked of the budget: amounts in two currencies cannot be compared.
    pub(crate) currency: Option<Currency>,
    pub(crate) urgency: Vec<Urgency>,
    pub(crate) status: Option<JobStatus>,
    pub(crate) scope: JobScope,
    pub(crate) circle: Option<Circle>,
    pub(crate) posted_since: Option<Instant>,
    pub(crate) order: JobOrder,
}

impl JobSearch {
    /// # Errors
    /// Every fault of the form, at `/q`, `/category`, `/skills/0` and so on.
    pub fn new(form: &JobSearchForm) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let words = form.q.as_deref().and_then(|words| faults.take("/q", words_of(words)));
        let category =
            form.category.as_deref().and_then(|slug| faults.take("/category", Category::new(slug)));
        faults.check(
            form.skills.len() <= SKILLS_MAX,
            "/skills",
            "too_many",
            format!("must be at most {SKILLS_MAX}"),
        );
        let asked = form.skills.get(..SKILLS_MAX.min(form.skills.len())).unwrap_or_default();
        let skills = faults.take("/skills", Skills::new(asked)).unwrap_or_default();
        let budget = faults.take("", Budget::new(form.budget_min, form.budget_max)).unwrap_or_default();
        let circle = circle((form.lat, form.lng, form.radius), &mut faults);
        let order = order(form, &mut faults);
        let named = form.currency.as_deref().and_then(|code| faults.take("/currency", currency(code)));
        let by_budget = budget != Budget::default() || order == JobOrder::Budget;
        let currency = named.or(by_budget.then_some(Self::CURRENCY));
        // The count of bids is for who posted the jobs.
        let scope = if order == JobOrder::Bids { JobScope::Mine } else { form.scope };
        let (status, posted_since) = (form.status, form.posted_since);
        let urgency = form.urgency.clone();
        faults.or(|| Self {
            words,
            category,
            skills,
            budget,
            currency,
            urgency,
            status,
            scope,
            circle,
            posted_since,
            order,
        })
    }

    /// The newest open jobs of a trade around a place.
    pub(crate) fn newest_around(category: Option<Category>, circle: Circle) -> Self {
        Self {
            words: None,
            category,
            skills: Skills::default(),
            budget: Budget::default(),
            currency: None,
            urgency: Vec::new(),
            status: None,
            scope: JobScope::Public,
            circle: Some(circle),
            posted_since: None,
            order: JobOrder::Newest,
        }
    }

    /// The plain list of jobs, when no more than a state and a trade are asked for, newest first.
    #[must_use]
    pub fn as_plain_list(&self) -> Option<JobFilter> {
        let is_plain = self.words.is_none()
            && self.skills.as_slice().is_empty()
            && self.budget == Budget::default()
            && self.currency.is_none()
            && self.urgency.is_empty()
            && self.circle.is_none()
            && self.posted_since.is_none()
            && self.order == JobOrder::Newest;
        is_plain.then_some(JobFilter { status: self.status, category: self.category, scope: self.scope })
    }

    /// The currency that budgets are asked for in when none is named: that of a job that names none.
    pub const CURRENCY: Currency = Currency::USD;

    /// The currency of the budgets that are counted.
    pub(crate) fn budget_currency(&self) -> Currency {
        self.currency.unwrap_or(Self::CURRENCY)
    }

    /// The order.
    #[must_use]
    pub fn order(&self) -> JobOrder {
        self.order
    }
}

fn order(form: &JobSearchForm, faults: &mut Faults) -> JobOrder {
    let has_words = form.q.is_some();
    let order = form.sort.unwrap_or(if has_words { JobOrder::Relevance } else { JobOrder::Newest });
    match order {
        JobOrder::Relevance => {
            faults.check(has_words, "/sort", "without_words", "is by words: give q too");
        }
        JobOrder::Distance => {
            let has_place = form.lat.is_some() || form.lng.is_some();
            faults.check(has_place, "/sort", "without_place", "is from a place: give lat and lng too");
        }
        JobOrder::Newest | JobOrder::Budget | JobOrder::Deadline | JobOrder::Bids => {}
    }
    order
}

/// Where a page of found jobs goes on. By relevance the newest hundred that match are ranked, then the next ones: the window says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchKey {
    /// The last job's place in the order.
    pub(crate) key: i64,
    /// What was ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
}

/// The jobs that were ranked among each other. Jobs that are posted later do not change what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Window {
    /// From when the age of jobs is counted, in microseconds.
    pub(crate) as_of: i64,
    /// Later ones are in the window before.
    pub(crate) top: Option<(Instant, Uuid)>,
    /// Earlier ones are in the window after; none when there are none.
    pub(crate) floor: Option<(Instant, Uuid)>,
    /// Whether it has been said where it begins and ends.
    pub(crate) is_made: bool,
    /// Whether one of the words was enough, for want of anything that has all.
    pub(crate) is_loose: bool,
}

/// A text with what was looked for marked in it: HTML in which `<mark>` is the only tag and all else is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlights {
    /// The title, whole.
    pub title: String,
    /// The part of the description that has the most of what was looked for.
    pub description: String,
}

/// A job that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundJob {
    /// The job.
    pub card: JobCard,
    /// How far its public point is from the place that was asked for.
    pub metres: Option<i32>,
    /// How well it fits the words, for comparing with others of the same answer; only by relevance.
    pub score: Option<f64>,
    /// Only where they were asked for.
    pub highlights: Option<Highlights>,
}

/// How the words were understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Understood {
    /// The question with the mistyped words put right; none when none was.
    pub did_you_mean: Option<String>,
    /// The slugs of trades and skills that the words were taken for.
    pub meanings: Vec<&'static str>,
    /// Whether one of the words was enough, because nothing has all of them.
    pub is_loose: bool,
}

/// A page of found jobs.
#[derive(Debug, Clone)]
pub struct JobsFound {
    /// The jobs.
    pub page: Page<FoundJob, SearchKey>,
    /// How the words were understood.
    pub understood: Understood,
}

/// How many jobs there are: exactly, or at least so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub count: i64,
    /// Whether there may be more.
    pub at_least: bool,
}

/// So many of the matches fall under this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet<T> {
    /// Under what.
    pub value: T,
    /// How many.
    pub count: i64,
}

/// How the matches are spread over one thing, as if it were not filtered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets<T> {
    /// Over how many of the newest matches it was counted.
    pub counted_over: i64,
    /// The most first.
    pub values: Vec<Facet<T>>,
}

/// A band of budgets, in minor units: from its lower end up to below its upper one. Both none: no budget was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetBand {
    /// At least.
    pub min: Option<i64>,
    /// Less than.
    pub below: Option<i64>,
}

/// State or province of a country.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// ISO 3166 code.
    pub country: String,
    /// Its region, where one was named.
    pub region: Option<String>,
}

/// What a search comes to as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacets {
    /// How many match.
    pub count: Count,
    /// By trade.
    pub trades: Facets<String>,
    /// By urgency.
    pub urgencies: Facets<Urgency>,
    /// By the upper end of the budget, of those in one currency.
    pub budgets: Facets<BudgetBand>,
    /// That currency.
    pub budget_currency: Currency,
    /// By state or province.
    pub regions: Facets<Region>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(form: &JobSearchForm) -> Vec<String> {
        match JobSearch::new(form) {
            Ok(_) => Vec::new(),
            Err(faults) => {
                let faults = faults.into_vec().into_iter();
                faults.map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
            }
        }
    }

    #[test]
    fn every_fault_of_a_question_is_named() {
        let form = JobSearchForm {
            q: Some("\u{7}".to_owned()),
            category: Some("alchemy".to_owned()),
            skills: vec!["ok".to_owned(), String::new()],
            budget_min: Some(-1),
            currency: Some("Taler".to_owned()),
            lat: Some(1.0),
            radius: Some(0),
            sort: Some(JobOrder::Distance),
            ..JobSearchForm::default()
        };
        let expected = [
            "/q control_character",
            "/category unknown_category",
            "/skills/1 too_short",
            "/budgetMin out_of_range",
            "/radius out_of_range",
            "/lng missing",
            "/currency unknown_currency",
        ];
        assert_eq!(faults(&form), expected);
    }

    #[test]
    fn a_budget_is_in_one_currency() {
        let euro = JobSearchForm { currency: Some("EUR".to_owned()), ..JobSearchForm::default() };
        let of = |form: &JobSearchForm| JobSearch::new(form).map(|search| search.currency).unwrap();
        let code = |form: &JobSearchForm| of(form).map(Currency::code);
        let plain = JobSearchForm::default();
        for (form, expected) in [
            (plain.clone(), None),
            (euro.clone(), Some("EUR")),
            (JobSearchForm { budget_max: Some(1), ..plain.clone() }, Some("USD")),
            (JobSearchForm { budget_min: Some(1), ..plain.clone() }, Some("USD")),
            (JobSearchForm { sort: Some(JobOrder::Budget), ..plain }, Some("USD")),
            (JobSearchForm { budget_max: Some(1), ..euro.clone() }, Some("EUR")),
        ] {
            assert_eq!(code(&form), expected, "{form:?}");
        }
        assert!(JobSearch::new(&euro).is_ok_and(|search| search.as_plain_list().is_none()));
    }

    #[test]
    fn orders_need_what_they_are_by() {
        let sorted = |sort| JobSearchForm { sort: Some(sort), ..JobSearchForm::default() };
        assert_eq!(faults(&sorted(JobOrder::Relevance)), ["/sort without_words"]);
        assert_eq!(faults(&sorted(JobOrder::Distance)), ["/sort without_place"]);
        assert!(faults(&sorted(JobOrder::Budget)).is_empty());
        assert!(JobSearch::new(&sorted(JobOrder::Bids)).is_ok_and(|search| search.scope == JobScope::Mine));
        assert!(
            JobSearch::new(&JobSearchForm::default()).is_ok_and(|search| search.as_plain_list().is_some())
        );
        let words = JobSearchForm { q: Some("tiles".to_owned()), ..JobSearchForm::default() };
        assert!(JobSearch::new(&words).is_ok_and(|search| search.order() == JobOrder::Relevance));
    }
}
