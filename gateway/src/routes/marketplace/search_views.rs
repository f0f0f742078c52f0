//! What searches for jobs answer with.

use kernel::Position;
use marketplace::{
    BudgetBand, Count, Facets, FoundJob, Highlights, JobFacets, JobsFound, Region, SearchKey, Understood,
    Urgency,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::job_views::JobCardView;
use super::words::{UrgencyWord, Word};

/// How the words of a search were understood.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSearchUnderstood {
    /// The words with what was mistyped put right, which was looked for too; null when nothing was.
    pub did_you_mean: Option<String>,
    /// The trades and skills that the words were taken for: jobs of them are found though they do not say the words.
    pub meanings: Vec<String>,
    /// Whether one of the words was enough for a job to be found, because none has all of them.
    pub any_word: bool,
}

impl From<Understood> for JobSearchUnderstood {
    fn from(understood: Understood) -> Self {
        Self {
            did_you_mean: understood.did_you_mean,
            meanings: understood.meanings.into_iter().map(str::to_owned).collect(),
            any_word: understood.is_loose,
        }
    }
}

/// Texts of a job with what was looked for marked: HTML in which `<mark>` is the only tag and everything else is escaped.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobHighlights {
    /// The title.
    pub title: String,
    /// The part of the description that fits best, with `…` where it goes on.
    pub description: String,
}

impl From<Highlights> for JobHighlights {
    fn from(highlights: Highlights) -> Self {
        Self { title: highlights.title, description: highlights.description }
    }
}

/// A job that was found by its words.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobHit {
    /// The job.
    pub job: JobCardView,
    /// How well it fits, for comparing with the others of this answer; null in another order.
    pub score: Option<f64>,
    /// What was looked for, marked.
    pub highlights: JobHighlights,
}

impl From<FoundJob> for JobHit {
    fn from(mut job: FoundJob) -> Self {
        let nothing = Highlights { title: String::new(), description: String::new() };
        let highlights = job.highlights.take().unwrap_or(nothing).into();
        Self { score: job.score, highlights, job: job.into() }
    }
}

/// A page of jobs that were found by their words.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobHitList {
    /// How the words were understood.
    pub understood: JobSearchUnderstood,
    /// Those on this page: of the newest hundred that match the best first, then of the next hundred.
    pub data: Vec<JobHit>,
    /// Where the next page goes on; none at the end.
    pub next_cursor: Option<String>,
}

impl JobHitList {
    pub(super) fn of(
        found: JobsFound,
        cursor: impl FnOnce(Option<&Position<SearchKey>>) -> Option<String>,
    ) -> Self {
        Self {
            understood: found.understood.into(),
            next_cursor: cursor(found.page.next.as_ref()),
            data: found.page.items.into_iter().map(JobHit::from).collect(),
        }
    }

    pub(super) fn example() -> Self {
        let highlights = JobHighlights {
            title: "<mark>Tile</mark> the bathroom".to_owned(),
            description: "Floor and walls, 12 square metres".to_owned(),
        };
        let hit = JobHit { job: JobCardView::example(), score: Some(5.9), highlights };
        Self { understood: JobSearchUnderstood::example(), data: vec![hit], next_cursor: None }
    }
}

impl JobSearchUnderstood {
    fn example() -> Self {
        Self { did_you_mean: None, meanings: vec!["tiling".to_owned()], any_word: false }
    }
}

/// How many jobs match: exactly up to 1,000, and then at least so many.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobCount {
    /// How many.
    pub count: i64,
    /// Whether there are more: to be shown as “1,000+”.
    pub at_least: bool,
}

impl From<Count> for JobCount {
    fn from(count: Count) -> Self {
        Self { count: count.count, at_least: count.at_least }
    }
}

/// So many jobs are of this trade.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobTradeCount {
    /// The trade.
    pub category: String,
    /// How many.
    pub count: i64,
}

/// So many jobs are as urgent as this.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobUrgencyCount {
    /// How soon.
    pub urgency: UrgencyWord,
    /// How many.
    pub count: i64,
}

/// So many jobs have a budget whose upper end is in this band, in minor units.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobBudgetCount {
    /// At least; null when no budget was named.
    pub min: Option<i64>,
    /// Less than; null in the highest band, and when no budget was named.
    pub below: Option<i64>,
    /// How many.
    pub count: i64,
}

/// So many jobs are there.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobRegionCount {
    /// ISO 3166 country code.
    pub country: String,
    /// State or province; null where none was named.
    pub region: Option<String>,
    /// How many.
    pub count: i64,
}

/// How the matches are spread, each thing as if it were not filtered by. Counted over the newest matches, at most 1,000; the most first.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobFacetsView {
    /// Over how many of the newest matches trades were counted, without the filter `category`.
    pub trade_counted_over: i64,
    /// By trade.
    pub trade: Vec<JobTradeCount>,
    /// Over how many urgencies were counted, without the filter `urgency`.
    pub urgency_counted_over: i64,
    /// By urgency.
    pub urgency: Vec<JobUrgencyCount>,
    /// The currency of the budgets that were counted: the one asked for, else `USD`.
    pub budget_currency: String,
    /// Over how many budgets in it were counted, without the filters `budgetMin` and `budgetMax`.
    pub budget_counted_over: i64,
    /// By budget.
    pub budget: Vec<JobBudgetCount>,
    /// Over how many regions were counted.
    pub region_counted_over: i64,
    /// By region.
    pub region: Vec<JobRegionCount>,
}

impl From<JobFacets> for JobFacetsView {
    fn from(facets: JobFacets) -> Self {
        Self {
            trade_counted_over: facets.trades.counted_over,
            trade: each(facets.trades, |category, count| JobTradeCount { category, count }),
            urgency_counted_over: facets.urgencies.counted_over,
            urgency: each(facets.urgencies, |urgency: Urgency, count| JobUrgencyCount {
                urgency: Word(urgency),
                count,
            }),
            budget_currency: facets.budget_currency.code().to_owned(),
            budget_counted_over: facets.budgets.counted_over,
            budget: each(facets.budgets, |BudgetBand { min, below }, count| JobBudgetCount {
                min,
                below,
                count,
            }),
            region_counted_over: facets.regions.counted_over,
            region: each(facets.regions, |Region { country, region }, count| JobRegionCount {
                country,
                region,
                count,
            }),
        }
    }
}

fn each<T, V>(facets: Facets<T>, view: impl Fn(T, i64) -> V) -> Vec<V> {
    facets.values.into_iter().map(|facet| view(facet.value, facet.count)).collect()
}

/// A page of jobs, with what all that match come to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobSearchList {
    /// How the words were understood.
    pub understood: JobSearchUnderstood,
    /// How many match; null on later pages.
    pub total: Option<JobCount>,
    /// How they are spread; null on later pages.
    pub facets: Option<JobFacetsView>,
    /// Those on this page.
    pub data: Vec<JobCardView>,
    /// Where the next page goes on; none at the end.
    pub next_cursor: Option<String>,
}

impl JobSearchList {
    pub(super) fn of(
        found: JobsFound,
        facets: Option<JobFacets>,
        cursor: impl FnOnce(Option<&Position<SearchKey>>) -> Option<String>,
    ) -> Self {
        Self {
            understood: found.understood.into(),
            total: facets.as_ref().map(|facets| facets.count.into()),
            facets: facets.map(JobFacetsView::from),
            next_cursor: cursor(found.page.next.as_ref()),
            data: found.page.items.into_iter().map(JobCardView::from).collect(),
        }
    }

    pub(super) fn example() -> Self {
        let facets = JobFacetsView {
            trade_counted_over: 1,
            trade: vec![JobTradeCount { category: "tiling".to_owned(), count: 1 }],
            urgency_counted_over: 1,
            urgency: vec![JobUrgencyCount { urgency: Word(Urgency::Normal), count: 1 }],
            budget_currency: "USD".to_owned(),
            budget_counted_over: 1,
            budget: vec![JobBudgetCount { min: Some(100_000), below: Some(500_000), count: 1 }],
            region_counted_over: 1,
            region: vec![JobRegionCount {
                country: "US".to_owned(),
                region: Some("TX".to_owned()),
                count: 1,
            }],
        };
        Self {
            understood: JobSearchUnderstood::example(),
            total: Some(JobCount { count: 1, at_least: false }),
            facets: Some(facets),
            data: vec![JobCardView::example()],
            next_cursor: None,
        }
    }
}
