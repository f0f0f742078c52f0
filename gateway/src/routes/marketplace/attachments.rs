//! `/api/jobs/{jobId}/attachments` and `/api/bids/{bidId}/attachments`: photographs and documents, added, listed, given and taken away.

use actix_web::HttpResponse;
use files::{Delivery, FileName};
use marketplace::{AttachedFile, AttachmentId, AttachmentKind, AttachmentPlan, BidId, JobId, PageRequest};

use super::attachment_views::{AttachmentNew, AttachmentQuery, AttachmentView};
use crate::{
    Context, Contractor, ErrorDoc, Homeowner, Incoming, MaybeSignedIn, Operation, Paging, Path, PathPair,
    Problem, Query, Reply, SignedIn, Who, error,
};

/// What attachments come as.
const CONTENT_TYPES: &[&str] =
    &["application/pdf", "image/jpeg", "image/png", "image/webp", "application/octet-stream"];
const JOB_STATE: ErrorDoc =
    error(409, "job_state", "The job is not a draft or open any more.").in_state("AWARDED", &[]);
const BID_STATE: ErrorDoc = error(409, "bid_state", "The bid was decided already.").in_state("ACCEPTED", &[]);
const JOB_TAKES_NO_BIDS: ErrorDoc =
    error(409, "job_state", "The job takes no bids any more.").in_state("AWARDED", &[]);
const BIDDING_CLOSED: ErrorDoc =
    error(409, "bidding_closed", "The bidding deadline has passed.").in_state("OPEN", &[]);
const NOT_VERIFIED: ErrorDoc = error(
    403,
    "contractor_not_verified",
    "The contractor's licence and insurance have not been verified, or have run out.",
);
const NO_ATTACHMENT: ErrorDoc =
    error(404, "attachment_not_found", "There is no such attachment, or it is not for the caller.");
const TOO_MANY: ErrorDoc =
    error(409, "too_many_attachments", "There are as many attachments as there may be.");
const TOO_MANY_PIXELS: ErrorDoc = error(422, "too_many_pixels", "The picture would take too much memory.");
const BROKEN: ErrorDoc = error(422, "picture_broken", "The picture cannot be read to its end, or moves.");
const NOT_WITHIN: ErrorDoc =
    error(416, "range_not_satisfiable", "The `Range` begins behind the end of the file.");

/// The operations on attachments.
#[must_use]
pub fn operations() -> Vec<Operation> {
    of_jobs().into_iter().chain(of_bids()).collect()
}

fn of_jobs() -> Vec<Operation> {
    vec![
        Operation::post("/api/jobs/{jobId}/attachments")
            .summary("Attach a photograph or document to a job")
            .description(
                "The body is the file itself: `curl --data-binary @sink.jpg …/attachments?name=sink.jpg`. JPEG, PNG and WebP are photographs, PDF \
                 is a document, judged by the first bytes whatever `Content-Type` says; 25 MiB each and 30 together unless the operator set it \
                 otherwise. A photograph is drawn anew, upright, at most 2,560 pixels long, as a JPEG: nothing in it tells where or with what it \
                 was taken, and what came in is forgotten. While the job is a draft or open.",
            )
            .by(Who::Homeowner)
            .query::<AttachmentNew>()
            .stream_body("The file.", CONTENT_TYPES)
            .answers::<AttachmentView>(201, "Attached.", AttachmentView::example())
            .errors(&[JOB_STATE, TOO_MANY, TOO_MANY_PIXELS, BROKEN])
            .to(attach_to_job),
        Operation::get("/api/jobs/{jobId}/attachments")
            .summary("List what is attached to a job")
            .description(
                "Photographs of an open job are for everybody, its documents for its owner and for contractors whose papers hold; a draft's are \
                 for its owner. From the award on all of it is for owner and chosen contractor, and for everybody else the list is empty.",
            )
            .lists::<AttachmentView>("A page of attachments, in the order they came.", AttachmentView::example())
            .to(list_job_attachments),
        Operation::get("/api/jobs/{jobId}/attachments/{attachmentId}")
            .summary("Get a photograph or document of a job")
            .description(
                "The file itself: a photograph to be shown, in the `size` asked for or the next larger one, a document to be saved. Takes a \
                 `Range` of bytes, and answers 206 then. Photographs of an open job may be cached by anybody for five minutes.",
            )
            .query::<AttachmentQuery>()
            .answers_other(200, "The file.", "application/octet-stream")
            .errors(&[NO_ATTACHMENT, NOT_WITHIN])
            .to(get_job_attachment),
        Operation::delete("/api/jobs/{jobId}/attachments/{attachmentId}")
            .summary("Take an attachment away from a job")
            .description("While the job is a draft or open, or when it ended without an award: what a bid was chosen on stays.")
            .by(Who::Homeowner)
            .answers_empty(204, "It is gone.")
            .errors(&[NO_ATTACHMENT, JOB_STATE])
            .to(detach_from_job),
    ]
}

fn of_bids() -> Vec<Operation> {
    vec![
        Operation::post("/api/bids/{bidId}/attachments")
            .summary("Attach a photograph or document to a bid")
            .description(
                "As to a job; 10 for each bid unless the operator set it otherwise. As long as the bid itself could be revised: it is \
                 `SUBMITTED`, and bidding is open. The bid's revision and receipt stay as they are; the `sha256` of each attachment is in their \
                 list.",
            )
            .by(Who::Contractor)
            .query::<AttachmentNew>()
            .stream_body("The file.", CONTENT_TYPES)
            .answers::<AttachmentView>(201, "Attached.", AttachmentView::bid_example())
            .errors(&[
                NOT_VERIFIED,
                BID_STATE,
                JOB_TAKES_NO_BIDS,
                BIDDING_CLOSED,
                TOO_MANY,
                TOO_MANY_PIXELS,
                BROKEN,
            ])
            .to(attach_to_bid),
        Operation::get("/api/bids/{bidId}/attachments")
            .summary("List what is attached to a bid")
            .description(
                "For its bidder, and for the job's owner as soon as the owner sees bids, unless the bid was taken back. For everybody else there \
                 is no such bid.",
            )
            .by(Who::SignedIn)
            .lists::<AttachmentView>("A page of attachments, in the order they came.", AttachmentView::bid_example())
            .to(list_bid_attachments),
        Operation::get("/api/bids/{bidId}/attachments/{attachmentId}")
            .summary("Get a photograph or document of a bid")
            .description("As of a job, for those who see what is attached to the bid.")
            .by(Who::SignedIn)
            .query::<AttachmentQuery>()
            .answers_other(200, "The file.", "application/octet-stream")
            .errors(&[NO_ATTACHMENT, NOT_WITHIN])
            .to(get_bid_attachment),
        Operation::delete("/api/bids/{bidId}/attachments/{attachmentId}")
            .summary("Take an attachment away from a bid")
            .description("As long as the bid itself could be revised.")
            .by(Who::Contractor)
            .answers_empty(204, "It is gone.")
            .errors(&[NO_ATTACHMENT, NOT_VERIFIED, BID_STATE, JOB_TAKES_NO_BIDS, BIDDING_CLOSED])
            .to(detach_from_bid),
    ]
}

async fn attach_to_job(
    context: Context,
    homeowner: Homeowner,
    job: Path<JobId>,
    query: Query<AttachmentNew>,
    incoming: Incoming,
) -> Result<Reply, Problem> {
    let (job, name) = (*job, named(&query)?);
    let owner = homeowner.clone();
    let plan =
        move |queries: &platform::Queries| queries.marketplace.plan_job_attachment(owner.view(), job, name);
    let planned = context.read(plan).await.map(expected);
    let attach = move |commands: &platform::Commands, delivery: &Delivery| {
        commands.marketplace.attach_to_job(homeowner.view(), job, delivery)
    };
    context.receive_and_draw(incoming, planned, attach, |made| AttachmentView::from(made).created()).await
}

async fn list_job_attachments(
    context: Context,
    viewer: MaybeSignedIn,
    job: Path<JobId>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let page = PageRequest { after: paging.position()?, limit: paging.limit() };
    let found = context
        .read(move |queries| queries.marketplace.list_job_attachments(viewer.actor(), *job, page))
        .await?;
    Ok(paging.reply(found, AttachmentView::from))
}

async fn get_job_attachment(
    context: Context,
    viewer: MaybeSignedIn,
    ids: PathPair<JobId, AttachmentId>,
    query: Query<AttachmentQuery>,
) -> Result<HttpResponse, Problem> {
    let (PathPair(job, attachment), size) = (ids, query.size());
    let find = move |queries: &platform::Queries| {
        queries.marketplace.job_attachment(viewer.actor(), job, attachment, size)
    };
    give(&context, context.read(find).await?).await
}

async fn detach_from_job(
    context: Context,
    homeowner: Homeowner,
    ids: PathPair<JobId, AttachmentId>,
) -> Result<Reply, Problem> {
    let PathPair(job, attachment) = ids;
    context
        .command(
            move |commands| commands.marketplace.detach_from_job(homeowner.view(), job, attachment),
            |()| Reply::no_content(),
        )
        .await
}

async fn attach_to_bid(
    context: Context,
    contractor: Contractor,
    bid: Path<BidId>,
    query: Query<AttachmentNew>,
    incoming: Incoming,
) -> Result<Reply, Problem> {
    let (bid, name) = (*bid, named(&query)?);
    let bidder = contractor.clone();
    let plan =
        move |queries: &platform::Queries| queries.marketplace.plan_bid_attachment(bidder.view(), bid, name);
    let planned = context.read(plan).await.map(expected);
    let attach = move |commands: &platform::Commands, delivery: &Delivery| {
        commands.marketplace.attach_to_bid(contractor.view(), bid, delivery)
    };
    context.receive_and_draw(incoming, planned, attach, |made| AttachmentView::from(made).created()).await
}

async fn list_bid_attachments(
    context: Context,
    viewer: SignedIn,
    bid: Path<BidId>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let page = PageRequest { after: paging.position()?, limit: paging.limit() };
    let found =
        context.read(move |queries| queries.marketplace.list_bid_attachments(&viewer, *bid, page)).await?;
    Ok(paging.reply(found, AttachmentView::from))
}

async fn get_bid_attachment(
    context: Context,
    viewer: SignedIn,
    ids: PathPair<BidId, AttachmentId>,
    query: Query<AttachmentQuery>,
) -> Result<HttpResponse, Problem> {
    let (PathPair(bid, attachment), size) = (ids, query.size());
    let find =
        move |queries: &platform::Queries| queries.marketplace.bid_attachment(&viewer, bid, attachment, size);
    give(&context, context.read(find).await?).await
}

async fn detach_from_bid(
    context: Context,
    contractor: Contractor,
    ids: PathPair<BidId, AttachmentId>,
) -> Result<Reply, Problem> {
    let PathPair(bid, attachment) = ids;
    context
        .command(
            move |commands| commands.marketplace.detach_from_bid(contractor.view(), bid, attachment),
            |()| Reply::no_content(),
        )
        .await
}

fn named(query: &AttachmentNew) -> Result<FileName, Problem> {
    let name = query.name.as_deref().map_or_else(|| Ok(FileName::default()), FileName::new);
    name.map_err(|faults| Problem::query(faults, "?name"))
}

fn expected(plan: AttachmentPlan) -> (files::NewFile, files::Drawing) {
    (plan.file, plan.drawing)
}

async fn give(context: &Context, found: AttachedFile) -> Result<HttpResponse, Problem> {
    match found.kind {
        AttachmentKind::Photo => context.show(found.file, found.public).await,
        AttachmentKind::Document => context.send(found.file).await,
    }
}
