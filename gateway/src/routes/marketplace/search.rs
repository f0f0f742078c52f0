//! `/api/jobs/search/…` and `/api/jobs/sorted`: looking for jobs, in one language.

use actix_web::http::StatusCode;
use kernel::Fault;
use marketplace::{JobOrder, JobSearch};

use super::job_forms::JobSearchQuery;
use super::job_views::JobCardView;
use super::search_views::{JobHitList, JobSearchList};
use crate::operation::ErrorDoc;
use crate::{Context, MaybeSignedIn, Operation, Paging, Problem, Query, Reply, error};

/// What an order by bids asks for.
pub(super) const OWN_ORDER: [ErrorDoc; 2] = [
    error(401, "unauthenticated", "The order is by bids, and nobody is signed in."),
    error(403, "wrong_role", "The order is by bids, and the caller is no homeowner."),
];

/// The searches.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/jobs/search/advanced")
            .summary("Search jobs by everything at once")
            .description(
                "Words, trade, skills, budget, urgency, place and time together, in any order. With the first page comes how many jobs match, exactly up to \
                 1,000, and how the newest thousand of them are spread over trades, urgencies, budgets and regions, each as if it were not filtered by. By \
                 relevance the newest hundred that match are ranked among each other, then the next hundred.",
            )
            .query::<JobSearchQuery>()
            .paged()
            .answers::<JobSearchList>(200, "A page of jobs, and what all that match come to.", JobSearchList::example())
            .errors(&OWN_ORDER)
            .to(search_jobs),
        Operation::get("/api/jobs/search/fulltext")
            .summary("Search jobs by words")
            .description(
                "`q` has to be there. Jobs that have all the words stand before those that mean the same in other words; when no job has all of them, those with \
                 some are found, and the answer says so. What was found is marked: the texts in `highlights` are safe to be put on a page.",
            )
            .query::<JobSearchQuery>()
            .paged()
            .answers::<JobHitList>(200, "A page of jobs, the best first.", JobHitList::example())
            .errors(&OWN_ORDER)
            .to(search_job_texts),
        Operation::get("/api/jobs/sorted")
            .summary("List jobs in an order")
            .description(
                "By `newest`, `budget`, `deadline` or `distance` over everybody's open jobs, and by `bids` over one's own: the number of bids on an open job is for \
                 its owner, and before the reveal for nobody.",
            )
            .query::<JobSearchQuery>()
            .lists::<JobCardView>("A page of jobs, in the order asked for.", JobCardView::example())
            .errors(&OWN_ORDER)
            .to(list_sorted_jobs),
    ]
}

async fn search_jobs(
    context: Context,
    viewer: MaybeSignedIn,
    query: Query<JobSearchQuery>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let search = query.0.search()?;
    check_order(&viewer, &search)?;
    let (after, limit) = (paging.position()?, paging.limit());
    let (found, facets) = context
        .read(move |queries| {
            let viewer = viewer.actor();
            let found = queries.marketplace.search_jobs(viewer, &search, after, limit)?;
            let facets = match after {
                None => Some(queries.marketplace.job_facets(viewer, &search)?),
                Some(_) => None,
            };
            Ok::<_, marketplace::Error>((found, facets))
        })
        .await?;
    Ok(Reply::ok(&JobSearchList::of(found, facets, |next| paging.next_cursor(next))))
}

async fn search_job_texts(
    context: Context,
    viewer: MaybeSignedIn,
    query: Query<JobSearchQuery>,
    paging: Paging,
) -> Result<Reply, Problem> {
    if query.q.is_none() {
        let missing = Fault::new("?q", "missing", "is what is looked for");
        return Err(Problem::invalid(StatusCode::BAD_REQUEST, vec![missing]));
    }
    let search = query.0.search()?;
    check_order(&viewer, &search)?;
    let (after, limit) = (paging.position()?, paging.limit());
    let found = context
        .read(move |queries| queries.marketplace.search_texts(viewer.actor(), &search, after, limit))
        .await?;
    Ok(Reply::ok(&JobHitList::of(found, |next| paging.next_cursor(next))))
}

async fn list_sorted_jobs(
    context: Context,
    viewer: MaybeSignedIn,
    query: Query<JobSearchQuery>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let search = query.0.search()?;
    page(context, viewer, search, paging).await
}

/// A page of what a search finds.
pub(super) async fn page(
    context: Context,
    viewer: MaybeSignedIn,
    search: JobSearch,
    paging: Paging,
) -> Result<Reply, Problem> {
    check_order(&viewer, &search)?;
    let (after, limit) = (paging.position()?, paging.limit());
    let found = context
        .read(move |queries| queries.marketplace.search_jobs(viewer.actor(), &search, after, limit))
        .await?;
    Ok(paging.reply(found.page, JobCardView::from))
}

/// Who is signed out is told to sign in, before being told that it is for homeowners.
fn check_order(viewer: &MaybeSignedIn, search: &JobSearch) -> Result<(), Problem> {
    match viewer.actor() {
        None if search.order() == JobOrder::Bids => Err(Problem::unauthenticated()),
        _ => Ok(()),
    }
}
