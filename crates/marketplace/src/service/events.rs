//! What the marketplace tells of: ids, states and amounts, never a text.

use database::Tx;
use kernel::{PartyId, Role};
use outbox::{Aggregate, NewEvent};
use serde_json::json;

use crate::model::{BidDetail, BidId, JobField, JobId, PublicJob, Reveal, Review, ReviewId, ReviewReportId};

const VERSION: i16 = 1;

fn tell(
    tx: &mut Tx<'_>,
    name: &'static str,
    aggregate: Aggregate,
    request_id: &str,
    data: serde_json::Value,
) {
    outbox::publish(
        tx,
        NewEvent { name, version: VERSION, aggregate, request_id: request_id.to_owned(), data },
    );
}

/// Something happened to a job. Nothing in it depends on the job's bids.
pub(super) fn job(tx: &mut Tx<'_>, name: &'static str, request_id: &str, job: &PublicJob) {
    let data = json!({ "jobId": job.id, "homeownerId": job.homeowner, "status": job.status });
    tell(tx, name, Aggregate::of("job", job.id), request_id, data);
}

/// A published job was edited. Fields are named and not quoted; whether there are bids is not in it.
pub(super) fn job_edited(tx: &mut Tx<'_>, request_id: &str, job: &PublicJob, changed: &[JobField]) {
    let data = json!({
        "jobId": job.id,
        "homeownerId": job.homeowner,
        "status": job.status,
        "changed": changed,
        "material": changed.iter().any(|field| field.is_material()),
    });
    tell(tx, "job.edited", Aggregate::of("job", job.id), request_id, data);
}

/// A bidder did something with its bid. `revealed` says whether the owner may know: until then the event does not even name
/// the owner, so that no consumer can tell him by mistake.
pub(super) fn bid(
    tx: &mut Tx<'_>,
    name: &'static str,
    request_id: &str,
    bid: &BidDetail,
    job: &PublicJob,
    revealed: bool,
) {
    let homeowner = revealed.then_some(job.homeowner);
    let data = json!({
        "bidId": bid.id,
        "jobId": bid.job_id,
        "homeownerId": homeowner,
        "contractorId": bid.contractor,
        "revision": bid.revision,
        "amount": bid.parts.amount,
        "currency": bid.currency,
        "sealed": job.reveal == Reveal::AtClose && !revealed,
    });
    tell(tx, name, Aggregate::of("bid", bid.id), request_id, data);
}

/// A bid was decided without its bidder: turned down, or lapsed with its job. For the bidder.
pub(super) fn bid_decided(
    tx: &mut Tx<'_>,
    name: &'static str,
    request_id: &str,
    job: JobId,
    (bid, contractor): (BidId, PartyId),
) {
    let data = json!({ "bidId": bid, "jobId": job, "contractorId": contractor });
    tell(tx, name, Aggregate::of("bid", bid), request_id, data);
}

/// Something happened to a review.
pub(super) fn review(tx: &mut Tx<'_>, name: &'static str, request_id: &str, review: &Review) {
    let (homeowner, contractor) = match review.author_role {
        Role::Contractor => (review.subject, review.author),
        Role::Homeowner | Role::Admin => (review.author, review.subject),
    };
    let data = json!({
        "reviewId": review.id,
        "jobId": review.job_id,
        "authorId": review.author,
        "subjectId": review.subject,
        "homeownerId": homeowner,
        "contractorId": contractor,
    });
    tell(tx, name, Aggregate::of("review", review.id), request_id, data);
}

/// A report of a review was answered. For whoever made it, who may have nothing to do with the job.
pub(super) fn report_answered(
    tx: &mut Tx<'_>,
    name: &'static str,
    request_id: &str,
    review: ReviewId,
    (report, reporter): (ReviewReportId, PartyId),
) {
    let data = json!({ "reviewId": review, "reportId": report, "reporterId": reporter });
    tell(tx, name, Aggregate::of("review_report", report), request_id, data);
}
