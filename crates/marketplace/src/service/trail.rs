//! What the audit trail is told of jobs, bids and reviews: states and versions, and nothing of a bid that others compete with.

use audit::Object;
use database::Tx;
use serde_json::{Value, json};

use crate::model::{BidDetail, BidId, BidStatus, Decided, JobStatus, PublicJob, Report, Review};

/// How a job was, and how it is now; none for one that is new, or gone.
pub(super) fn job(tx: &mut Tx<'_>, before: Option<&PublicJob>, after: Option<&PublicJob>) {
    let state = |job: Option<&PublicJob>| {
        job.map_or(Value::Null, |job| {
            json!({
                "status": job.status.as_str(),
                "version": job.version,
                "biddingDeadline": job.bidding_deadline,
                "contractorId": job.contractor,
            })
        })
    };
    let Some(job) = before.or(after) else { return };
    audit::changed(tx, Object::new("job", job.id), state(before), state(after));
}

/// Something was done with a bid. While its job is open the row is sealed, for nothing that anyone but owner and bidder can see changes
/// because of a bid, and administrators read the trail.
pub(super) fn bid(tx: &mut Tx<'_>, job: &PublicJob, before: Option<(BidStatus, i32)>, after: &BidDetail) {
    if let Some(until) = job.accept_until.filter(|_| job.status == JobStatus::Open) {
        audit::seal_until(tx, until);
    }
    let was = before
        .map_or(Value::Null, |(status, revision)| json!({ "status": status.as_str(), "revision": revision }));
    let is = json!({ "status": after.status.as_str(), "revision": after.revision, "jobId": after.job_id });
    audit::changed(tx, Object::new("bid", after.id), was, is);
}

/// A bid was decided together with its job.
pub(super) fn bid_decided(tx: &mut Tx<'_>, id: BidId, status: BidStatus) {
    let was = json!({ "status": BidStatus::Submitted.as_str() });
    audit::changed(tx, Object::new("bid", id), was, json!({ "status": status.as_str() }));
}

/// Something was done with a review. What it says stays out: it is not to be read before its time.
pub(super) fn review(tx: &mut Tx<'_>, before: Option<&Review>, after: &Review) {
    let state = |review: &Review| {
        json!({
            "status": review.status.as_str(),
            "version": review.version,
            "jobId": review.job_id,
            "replied": review.reply.is_some(),
        })
    };
    audit::changed(tx, Object::new("review", after.id), before.map_or(Value::Null, state), state(after));
}

/// Somebody reported a review.
pub(super) fn report(tx: &mut Tx<'_>, report: &Report) {
    let is = json!({ "reviewId": report.review_id, "reason": report.reason.as_str() });
    audit::changed(tx, Object::new("review_report", report.id), Value::Null, is);
}

/// An administrator decided about a review. The reason stands with the decision.
pub(super) fn decided(tx: &mut Tx<'_>, decided: &Decided) {
    let is = json!({
        "reviewId": decided.review_id,
        "outcome": decided.outcome.as_str(),
        "reports": decided.reports,
    });
    audit::changed(tx, Object::new("review_decision", decided.id), Value::Null, is);
}
