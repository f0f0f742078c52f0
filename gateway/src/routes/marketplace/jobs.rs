//! `/api/jobs`: posting, reading, editing, publishing and calling off jobs.

use marketplace::{Deleted, JobId, JobList, OpenPage, PageRequest, rules};

use super::expected_version;
use super::job_forms::{JobChange, JobNew, JobSearchQuery};
use super::job_views::{JobCardView, JobView};
use super::views;
use crate::{
    Body, Context, Homeowner, MaybeSignedIn, Operation, Paging, Path, Problem, Query, Reply, Who, error,
};

/// The operations on jobs.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let wrong_state = error(409, "job_state", "The job's state does not allow it.").in_state("AWARDED", &[]);
    vec![
        Operation::post("/api/jobs")
            .summary("Post a job")
            .description("As a draft, or open for bids at once. Strangers see the area of it, never the address.")
            .by(Who::Homeowner)
            .body::<JobNew>(JobNew::example())
            .answers::<JobView>(201, "The job.", JobView::example())
            .to(create_job),
        Operation::get("/api/jobs")
            .summary("List jobs")
            .description(
                "Open jobs, newest first unless another order is asked for; with `mine` one's own, in any state. `status=posted` reads as `OPEN`. What is \
                 posted since the first page neither moves nor repeats what the next pages hold.",
            )
            .query::<JobSearchQuery>()
            .lists::<JobCardView>("A page of jobs.", JobCardView::example())
            .errors(&super::search::OWN_ORDER)
            .to(list_jobs),
        Operation::get("/api/jobs/{jobId}")
            .summary("Get a job")
            .description("Public while it is open; afterwards for its owner, the chosen contractor and its bidders.")
            .answers::<JobView>(200, "The job, as the caller may see it.", JobView::example())
            .to(get_job),
        Operation::patch("/api/jobs/{jobId}")
            .summary("Edit a job")
            .description(
                "While no bid is accepted. Once it is published `currency` and `reveal` are fixed, and `biddingDeadline` moves only later, under \
                 `at_close` never. Bidders of a published job are told what changed; what bids depend on has to be confirmed by each of them before its bid \
                 can be accepted.",
            )
            .by(Who::Homeowner)
            .if_match()
            .body::<JobChange>(JobChange::example())
            .answers::<JobView>(200, "The job as it is now.", JobView::example())
            .errors(std::slice::from_ref(&wrong_state))
            .to(update_job),
        Operation::delete("/api/jobs/{jobId}")
            .summary("Remove a draft, or call an open job off")
            .description("A job that is called off becomes `CANCELLED` and its bids `EXPIRED`. After the award neither is possible.")
            .by(Who::Homeowner)
            .if_match()
            .answers::<JobView>(200, "The open job was called off.", JobView::example())
            .answers_empty(204, "The draft is gone.")
            .errors(std::slice::from_ref(&wrong_state))
            .to(delete_job),
        Operation::post("/api/jobs/{jobId}/publish")
            .summary("Publish a draft")
            .description("From now on everybody sees it and contractors can bid. The deadline counts from now when the draft names none.")
            .by(Who::Homeowner)
            .if_match()
            .answers::<JobView>(200, "The job, open for bids.", JobView::example())
            .errors(&[
                wrong_state,
                error(422, "invalid_request", "The draft's `biddingDeadline` is too near by now; the fault names it."),
            ])
            .to(publish_job),
    ]
}

async fn create_job(context: Context, homeowner: Homeowner, body: Body<JobNew>) -> Result<Reply, Problem> {
    let command = body.command()?;
    context
        .command(
            move |commands| commands.marketplace.post_job(homeowner.view(), command.clone()),
            |job| {
                let version = job.job.version;
                Reply::created(format!("/api/jobs/{}", job.job.id), &JobView::from(job)).version(version)
            },
        )
        .await
}

async fn list_jobs(
    context: Context,
    viewer: MaybeSignedIn,
    query: Query<JobSearchQuery>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let search = query.0.search()?;
    let Some(filter) = search.as_plain_list() else {
        return super::search::page(context, viewer, search, paging).await;
    };
    let page = PageRequest { after: paging.position()?, limit: paging.limit() };
    if filter.is_everybodys() {
        let page = context.app().open_jobs(OpenPage { category: filter.category, page }).await?;
        return Ok(paging.reply_written(&page));
    }
    let list = JobList { filter, page };
    let page = context.read(move |queries| queries.marketplace.list_jobs(viewer.actor(), &list)).await?;
    Ok(paging.reply(page, JobCardView::from))
}

async fn get_job(context: Context, viewer: MaybeSignedIn, id: Path<JobId>) -> Result<Reply, Problem> {
    let job = context.app().find_job(*id).await?.ok_or(marketplace::Error::JobNotFound)?;
    views::note(&context, viewer.actor(), &job);
    let party = viewer.actor().map(|actor| actor.party);
    // What everybody sees needs nothing more from the database.
    let seen = match rules::shown_to_all(party, &job, context.app().now()) {
        Some(seen) => seen,
        None => context.read(move |queries| queries.marketplace.job_for(viewer.actor(), job)).await?,
    };
    let version = seen.job.version;
    Ok(Reply::ok(&JobView::from(seen)).version(version))
}

async fn update_job(
    context: Context,
    homeowner: Homeowner,
    id: Path<JobId>,
    body: Body<JobChange>,
) -> Result<Reply, Problem> {
    let change = marketplace::JobChange {
        job_id: *id,
        if_version: expected_version(&context)?,
        change: body.command()?,
    };
    context
        .command(move |commands| commands.marketplace.edit_job(homeowner.view(), change.clone()), tagged)
        .await
}

async fn delete_job(context: Context, homeowner: Homeowner, id: Path<JobId>) -> Result<Reply, Problem> {
    let change = marketplace::JobChange { job_id: *id, if_version: expected_version(&context)?, change: () };
    context
        .command(
            move |commands| commands.marketplace.delete_job(homeowner.view(), change.clone()),
            |deleted| match deleted {
                Deleted::Gone => Reply::no_content(),
                Deleted::Cancelled(job) => tagged(*job),
            },
        )
        .await
}

async fn publish_job(context: Context, homeowner: Homeowner, id: Path<JobId>) -> Result<Reply, Problem> {
    let change = marketplace::JobChange { job_id: *id, if_version: expected_version(&context)?, change: () };
    context
        .command(move |commands| commands.marketplace.publish_job(homeowner.view(), change.clone()), tagged)
        .await
}

fn tagged(job: marketplace::JobDetail) -> Reply {
    let version = job.job.version;
    Reply::ok(&JobView::from(job)).version(version)
}
