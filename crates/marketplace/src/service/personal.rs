//! What the marketplace owes a person: an account of jobs, bids and reviews, and to forget. What somebody wrote goes whole; what others
//! wrote about them stays, without their name. Amounts, days, states and stars stay: others were told of them.

use database::{PgConnection, Tx};
use identity::{Blocker, Held, PersonalData, Traces};
use kernel::{PartyId, PersonId};
use serde_json::{Value, json};

use super::attachments::forget_attachments;
use super::{MarketplaceService, bids, jobs};
use crate::error::Error;
use crate::model::{
    Address, AttachedTo, Attachment, BidChange, BidDetail, BidId, JobChange, JobId, Performance, Place,
    PublicJob, Report, Review, Share,
};
use crate::rules;
use crate::store;

/// How often a bid is withdrawn that its bidder goes on revising meanwhile.
const WITHDRAWALS_MAX: usize = 10;

impl PersonalData for MarketplaceService {
    fn section(&self) -> &'static str {
        "marketplace"
    }

    fn held_about(&self, conn: &mut PgConnection, person: PersonId) -> Result<Held, identity::Error> {
        let attached = store::attachments::list_all_of(conn, person.into())?;
        let data = self.account_of(conn, person.into(), &attached).map_err(identity_error)?;
        Ok(Held { data, files: attached.into_iter().map(|one| one.file).collect() })
    }

    fn blockers(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<Vec<Blocker>, identity::Error> {
        let party = PartyId::from(person);
        let running = store::personal::jobs_under_way(tx.conn(), party)?;
        Ok(running
            .into_iter()
            .map(|job| Blocker {
                code: "job_under_way",
                message: "A job that a contractor was chosen for has to be completed first.".to_owned(),
                kind: "job",
                id: job.to_string(),
            })
            .collect())
    }

    fn erase(&self, tx: &mut Tx<'_>, person: PersonId) -> Result<(), identity::Error> {
        forget(tx, person).map_err(identity_error)
    }
}

/// Nothing here is refused once nothing is under way: what is refused all the same is a fault of ours.
fn identity_error(error: Error) -> identity::Error {
    match error {
        Error::Database(error) => error.into(),
        other => database::Error::Corrupt(other.to_string()).into(),
    }
}

fn forget(tx: &mut Tx<'_>, person: PersonId) -> Result<(), Error> {
    let party = PartyId::from(person);
    let request_id = audit::request_id();
    let traces = traces(tx.conn(), person)?;
    for job_id in store::personal::jobs_to_end(tx.conn(), party)? {
        jobs::end(tx, party, &JobChange { job_id, if_version: None, change: () }, &request_id)?;
    }
    for bid_id in store::personal::bids_to_withdraw(tx.conn(), party)? {
        take_back(tx, party, bid_id, &request_id)?;
    }
    forget_attachments(tx, party)?;
    let now = tx.now()?;
    store::personal::blank_jobs(tx.conn(), party, now)?;
    store::personal::blank_bids(tx.conn(), party)?;
    store::personal::reviews::blank(tx.conn(), party)?;
    store::personal::efface_jobs(tx.conn(), party, &traces, now)?;
    store::personal::efface_bids(tx.conn(), party, &traces)?;
    store::personal::reviews::efface(tx.conn(), party, &traces)?;
    store::recommendations::forget_dismissed(tx.conn(), party)?;
    store::directory::remove(tx.conn(), party)?;
    store::market::blank(tx.conn(), party)?;
    store::performance::remove(tx.conn(), party)?;
    Ok(())
}

/// Withdraws a bid as its bidder would, unless its job's owner was faster. A revision that came in between is withdrawn in its place.
fn take_back(tx: &mut Tx<'_>, contractor: PartyId, bid_id: BidId, request_id: &str) -> Result<(), Error> {
    let back = BidChange { bid_id, if_version: None, change: () };
    for _ in 0..WITHDRAWALS_MAX {
        match bids::withdraw(tx, contractor, &back, request_id) {
            Err(Error::Stale) => {}
            Ok(_) | Err(Error::BidState { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(Error::Stale)
}

/// What leads to a person, the addresses of its jobs among it: to be taken out of what others wrote.
///
/// # Errors
/// [`database::Error`] only.
pub fn traces(conn: &mut PgConnection, person: PersonId) -> Result<Traces, database::Error> {
    let mut traces = identity::traces(conn, person)?;
    for street in store::personal::streets_of(conn, person.into())? {
        traces = traces.and(&street);
    }
    Ok(traces)
}

impl MarketplaceService {
    fn account_of(
        &self,
        conn: &mut PgConnection,
        party: PartyId,
        attached: &[Attachment],
    ) -> Result<Value, Error> {
        let now = store::personal::now(conn)?;
        let own = store::jobs::list_all_of(conn, party)?;
        let ids: Vec<JobId> = own.iter().map(|(job, _)| job.id).collect();
        let views = store::views::counts(conn, &ids)?;
        let jobs: Vec<Value> = own
            .iter()
            .map(|(job, address)| {
                job_json(job, address.as_ref(), views.get(&job.id).copied().unwrap_or_default())
            })
            .collect();
        let bids: Vec<Value> = store::bids::list_revisions_of(conn, party)?
            .into_iter()
            .map(|(bid, reveal, deadline)| bid_json(&bid, rules::revealed(reveal, deadline, now)))
            .collect();
        let written: Vec<Value> = store::reviews::list_by(conn, party)?.iter().map(review_json).collect();
        let received: Vec<Value> =
            store::reviews::list_all_about(conn, party)?.iter().map(review_json).collect();
        let reported: Vec<Value> =
            store::reviews::reports::list_by(conn, party)?.iter().map(report_json).collect();
        let dismissed: Vec<Value> = store::recommendations::dismissed_by(conn, party)?
            .into_iter()
            .map(|(job, at)| json!({ "jobId": job, "dismissedAt": at }))
            .collect();
        let sums = store::reviews::ratings_of(conn, &[party])?.remove(&party).unwrap_or_default();
        let rating = rules::summarise(&self.settings, sums);
        let tallies = store::performance::tallies(conn, party, true)?;
        let performance = rules::performance::performance(party, true, &tallies, rating);
        Ok(json!({
            "performance": performance_json(&performance),
            "jobs": jobs,
            "bids": bids,
            "attachments": attached.iter().map(attachment_json).collect::<Vec<_>>(),
            "reviewsWritten": written,
            "reviewsReceived": received,
            "reviewsReported": reported,
            "dismissedJobs": dismissed,
            "rating": {
                "count": rating.count,
                "mean": rating.mean,
                "bayesianMean": rating.bayesian_mean,
                "quality": rating.quality,
                "timeliness": rating.timeliness,
                "communication": rating.communication,
            },
        }))
    }
}

/// Everything by now, as over the API for the contractor itself.
fn performance_json(performance: &Performance) -> Value {
    let share = |share: Option<Share>| share.map(|share| json!({ "good": share.good, "of": share.of }));
    json!({
        "completion": share(performance.completion),
        "punctuality": share(performance.punctuality),
        "responseTime": performance
            .response
            .map(|pace| json!({ "medianSeconds": pace.median_seconds, "of": pace.of })),
        "winRate": share(performance.wins),
    })
}

fn job_json(job: &PublicJob, address: Option<&Address>, views: i64) -> Value {
    let point = |point: Option<identity::geo::GeoPoint>| {
        point.map(|point| json!({ "lat": point.lat(), "lng": point.lng() }))
    };
    let address = address.map(|address| {
        json!({
            "street": address.street.as_str(),
            "unit": address.unit.as_ref().map(Place::as_str),
            "city": address.city.as_str(),
            "region": address.region.as_ref().map(Place::as_str),
            "postalCode": address.postal_code.as_ref().map(Place::as_str),
            "country": address.country.as_str(),
            "point": point(address.point),
        })
    });
    json!({
        "id": job.id,
        "contractorId": job.contractor,
        "status": job.status,
        "title": job.title,
        "description": job.description,
        "category": job.category,
        "skills": job.skills,
        "area": {
            "city": job.area.city,
            "region": job.area.region,
            "country": job.area.country,
            "point": point(job.area.point),
        },
        "address": address,
        "budgetMin": job.budget.min(),
        "budgetMax": job.budget.max(),
        "currency": job.currency,
        "urgency": job.urgency,
        "wantedStart": job.wanted_start,
        "biddingDeadline": job.bidding_deadline,
        "acceptUntil": job.accept_until,
        "reveal": job.reveal,
        "views": views,
        "publishedAt": job.published_at,
        "version": job.version,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
    })
}

/// One revision of a bid. As over the API its proof comes with the reveal.
fn bid_json(bid: &BidDetail, revealed: bool) -> Value {
    let proof = bid.proof.as_ref().filter(|_| revealed);
    json!({
        "id": bid.id,
        "jobId": bid.job_id,
        "status": bid.status,
        "revision": bid.revision,
        "amount": bid.parts.amount,
        "currency": bid.currency,
        "lines": bid.parts.lines,
        "milestones": bid.parts.milestones,
        "terms": bid.parts.terms,
        "startDate": bid.parts.start_date,
        "durationDays": bid.parts.duration_days,
        "validUntil": bid.parts.valid_until,
        "reason": bid.reason,
        "submittedAt": bid.submitted_at,
        "createdAt": bid.created_at,
        "updatedAt": bid.updated_at,
        "confirmedAt": bid.confirmed_at,
        "receipt": bid.receipt,
        "proof": proof.map(|proof| json!({ "canonical": proof.canonical, "salt": proof.salt })),
    })
}

/// One attachment; the file itself is beside the record.
fn attachment_json(attachment: &Attachment) -> Value {
    let (job, bid) = match attachment.to {
        AttachedTo::Job(id) => (Some(id), None),
        AttachedTo::Bid(id) => (None, Some(id)),
    };
    json!({
        "id": attachment.id,
        "jobId": job,
        "bidId": bid,
        "kind": attachment.kind,
        "fileId": attachment.file.id,
        "addedAt": attachment.added_at,
    })
}

fn review_json(review: &Review) -> Value {
    json!({
        "id": review.id,
        "contractId": review.contract_id,
        "jobId": review.job_id,
        "authorId": review.author,
        "authorRole": review.author_role.as_str(),
        "subjectId": review.subject,
        "rating": review.rating,
        "quality": review.quality,
        "timeliness": review.timeliness,
        "communication": review.communication,
        "text": review.text,
        "status": review.status,
        "createdAt": review.created_at,
        "editedAt": review.edited_at,
        "publishedAt": review.published_at,
        "reply": review.reply.as_ref().map(|reply| json!({ "text": reply.text, "createdAt": reply.at })),
        "removal": review.removal.as_ref().map(|removal| {
            json!({ "reason": removal.reason, "removedAt": removal.at })
        }),
    })
}

fn report_json(report: &Report) -> Value {
    json!({
        "id": report.id,
        "reviewId": report.review_id,
        "reason": report.reason,
        "note": report.note,
        "createdAt": report.created_at,
        "decidedAt": report.decided_at,
    })
}
