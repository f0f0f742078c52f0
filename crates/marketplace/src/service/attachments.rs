//! Photographs and documents of jobs and bids: adding, showing, taking away.

use audit::Object;
use database::Tx;
use files::{Delivery, Drawing, FileName, Limits, NewFile};
use kernel::{Actor, ContractorActor, HomeownerActor, Page, PartyId, Position, Role};
use serde_json::{Value, json};

use super::MarketplaceService;
use crate::error::Error;
use crate::model::{
    ATTACHED_TYPES, AttachedFile, AttachedTo, Attachment, AttachmentId, AttachmentKind, AttachmentPlan,
    BidId, BidStatus, JobId, JobStatus, PhotoSize, PublicJob,
};
use crate::rules;
use crate::store;
use crate::store::attachments::Part;
use crate::{AttachmentCommands, AttachmentQueries, PageRequest};

/// What files are for that are attached to jobs.
const OF_JOBS: &str = "job_attachment";
/// The same of bids.
const OF_BIDS: &str = "bid_attachment";

/// A file to keep: of a photograph in which size, and how wide and high it is.
type Kept = (files::Received, PhotoSize, Option<(u32, u32)>);

impl AttachmentQueries for MarketplaceService {
    fn plan_job_attachment(
        &self,
        homeowner: HomeownerActor<'_>,
        job: JobId,
        name: FileName,
    ) -> Result<AttachmentPlan, Error> {
        self.db.read(|conn| {
            let found = store::jobs::find(conn, job)?.filter(|found| found.homeowner == homeowner.party);
            rules::may_attach(found.ok_or(Error::JobNotFound)?.status)?;
            let attached = store::attachments::count(conn, AttachedTo::Job(job))?;
            rules::has_room(attached, self.settings.job_attachments_max)?;
            Ok(self.plan(homeowner.party, OF_JOBS, name.clone()))
        })
    }

    fn plan_bid_attachment(
        &self,
        contractor: ContractorActor<'_>,
        bid: BidId,
        name: FileName,
    ) -> Result<AttachmentPlan, Error> {
        self.db.read(|conn| {
            let found = store::bids::find_own(conn, bid, contractor.party)?.ok_or(Error::BidNotFound)?;
            waits(found.status)?;
            let job = store::jobs::find(conn, found.job_id)?.ok_or(Error::BidNotFound)?;
            rules::may_bid(&(&job).into(), contractor.party, store::personal::now(conn)?)?;
            let attached = store::attachments::count(conn, AttachedTo::Bid(bid))?;
            rules::has_room(attached, self.settings.bid_attachments_max)?;
            Ok(self.plan(contractor.party, OF_BIDS, name.clone()))
        })
    }

    fn list_job_attachments(
        &self,
        viewer: Option<&Actor>,
        job: JobId,
        page: PageRequest,
    ) -> Result<Page<Attachment>, Error> {
        let job = self.find_job(viewer, job)?.job;
        let sees = |kind, verified| {
            rules::sees_attachment(rules::access(viewer.map(|actor| actor.party), &job), kind, verified)
        };
        let kind = if !sees(AttachmentKind::Photo, false) {
            return Ok(Page { items: Vec::new(), next: None });
        } else if sees(AttachmentKind::Document, false)
            || (sees(AttachmentKind::Document, true) && self.is_verified(viewer)?)
        {
            None
        } else {
            Some(AttachmentKind::Photo)
        };
        let rows =
            self.db.read(|conn| store::attachments::list(conn, AttachedTo::Job(job.id), kind, page))?;
        Ok(Page::cut(rows, page.limit, position))
    }

    fn job_attachment(
        &self,
        viewer: Option<&Actor>,
        job: JobId,
        attachment: AttachmentId,
        size: PhotoSize,
    ) -> Result<AttachedFile, Error> {
        let job = self.find_job(viewer, job).map_err(unseen)?.job;
        let to = AttachedTo::Job(job.id);
        let kind = self.db.read(|conn| store::attachments::find_kind(conn, to, attachment))?;
        let kind = kind.ok_or(Error::AttachmentNotFound)?;
        let access = rules::access(viewer.map(|actor| actor.party), &job);
        let sees = rules::sees_attachment(access, kind, false)
            || (rules::sees_attachment(access, kind, true) && self.is_verified(viewer)?);
        if !sees {
            return Err(Error::AttachmentNotFound);
        }
        let public = job.status == JobStatus::Open && kind == AttachmentKind::Photo;
        self.attached_file(attachment, kind, size, public)
    }

    fn list_bid_attachments(
        &self,
        viewer: &Actor,
        bid: BidId,
        page: PageRequest,
    ) -> Result<Page<Attachment>, Error> {
        self.bid_shown_to(viewer, bid)?;
        let rows = self.db.read(|conn| store::attachments::list(conn, AttachedTo::Bid(bid), None, page))?;
        Ok(Page::cut(rows, page.limit, position))
    }

    fn bid_attachment(
        &self,
        viewer: &Actor,
        bid: BidId,
        attachment: AttachmentId,
        size: PhotoSize,
    ) -> Result<AttachedFile, Error> {
        self.bid_shown_to(viewer, bid).map_err(unseen)?;
        let to = AttachedTo::Bid(bid);
        let kind = self.db.read(|conn| store::attachments::find_kind(conn, to, attachment))?;
        self.attached_file(attachment, kind.ok_or(Error::AttachmentNotFound)?, size, false)
    }
}

impl AttachmentCommands for MarketplaceService {
    fn attach_to_job(
        &self,
        homeowner: HomeownerActor<'_>,
        job: JobId,
        delivery: &Delivery,
    ) -> Result<Attachment, Error> {
        self.db.transaction(|tx| {
            // Another attachment waits for this one: there are never more than may be.
            let found = store::jobs::lock_owned(tx.conn(), job, homeowner.party)?;
            let found = found.ok_or(Error::JobNotFound)?;
            rules::may_attach(found.status)?;
            self.attach(tx, &found, AttachedTo::Job(job), delivery, self.settings.job_attachments_max)
        })
    }

    fn attach_to_bid(
        &self,
        contractor: ContractorActor<'_>,
        bid: BidId,
        delivery: &Delivery,
    ) -> Result<Attachment, Error> {
        self.db.transaction(|tx| {
            let job = self.lock_changeable(tx, contractor.party, bid)?;
            self.attach(tx, &job, AttachedTo::Bid(bid), delivery, self.settings.bid_attachments_max)
        })
    }

    fn detach_from_job(
        &self,
        homeowner: HomeownerActor<'_>,
        job: JobId,
        attachment: AttachmentId,
    ) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let found = store::jobs::lock_owned(tx.conn(), job, homeowner.party)?;
            let found = found.ok_or(Error::AttachmentNotFound)?;
            detach(tx, &found, AttachedTo::Job(job), attachment, || rules::may_detach(found.status))
        })
    }

    fn detach_from_bid(
        &self,
        contractor: ContractorActor<'_>,
        bid: BidId,
        attachment: AttachmentId,
    ) -> Result<(), Error> {
        self.db.transaction(|tx| {
            let job = self.lock_changeable(tx, contractor.party, bid).map_err(unseen)?;
            detach(tx, &job, AttachedTo::Bid(bid), attachment, || Ok(()))
        })
    }
}

impl MarketplaceService {
    fn plan(&self, owner: PartyId, purpose: &'static str, name: FileName) -> AttachmentPlan {
        let limits = Limits { bytes_max: self.settings.attachment_bytes_max, types: ATTACHED_TYPES };
        let drawing = Drawing {
            purpose,
            name: name.clone(),
            pixels_max: u64::from(self.settings.photo_megapixels_max) * 1_000_000,
            sides: self.sizes().map(|(_, side)| side).collect(),
        };
        AttachmentPlan { file: NewFile { owner, purpose, name, limits }, drawing }
    }

    /// In which sizes photographs are kept, the largest first, each with its longest side.
    fn sizes(&self) -> impl Iterator<Item = (PhotoSize, u32)> {
        let full = self.settings.photo_side_max;
        let sizes = PhotoSize::ALL.iter().rev().map(move |size| (*size, size.side(full)));
        sizes.filter(move |(size, side)| *size == PhotoSize::Full || *side < full)
    }

    fn is_verified(&self, viewer: Option<&Actor>) -> Result<bool, Error> {
        let Some(actor) = viewer.filter(|actor| actor.role == Role::Contractor) else { return Ok(false) };
        let cards = self.db.read(|conn| identity::cards(conn, &[actor.party]))?;
        Ok(cards.get(&actor.party).is_some_and(|card| card.verified_contractor))
    }

    /// Refuses whoever does not see what is attached to a bid, as if there were none.
    fn bid_shown_to(&self, viewer: &Actor, bid: BidId) -> Result<(), Error> {
        // The reveal is a decision, so it goes by the database's clock.
        let now = self.db.now()?;
        self.db.read(|conn| {
            let found = store::bids::find(conn, bid)?.ok_or(Error::BidNotFound)?;
            let job = store::jobs::find(conn, found.job_id)?.ok_or(Error::BidNotFound)?;
            if rules::sees_bid_attachments(viewer.party, found.contractor, found.status, &job, now) {
                Ok(())
            } else {
                Err(Error::BidNotFound)
            }
        })
    }

    fn attached_file(
        &self,
        attachment: AttachmentId,
        kind: AttachmentKind,
        size: PhotoSize,
        public: bool,
    ) -> Result<AttachedFile, Error> {
        let file = self.db.read(|conn| store::attachments::find_file(conn, attachment, size))?;
        Ok(AttachedFile { file: file.ok_or(Error::AttachmentNotFound)?, kind, public })
    }

    /// The job of a contractor's own bid, if what is attached to the bid can be changed now: as long as the bid itself can. Both are
    /// locked, so that two attachments of one bid wait for each other.
    fn lock_changeable(&self, tx: &mut Tx<'_>, contractor: PartyId, bid: BidId) -> Result<PublicJob, Error> {
        let found = store::bids::find_own(tx.conn(), bid, contractor)?.ok_or(Error::BidNotFound)?;
        waits(found.status)?;
        let (job, _) = self.open_for(tx, contractor, found.job_id)?;
        waits(store::bids::lock_status(tx.conn(), bid)?.ok_or(Error::BidNotFound)?)?;
        Ok(job)
    }

    fn attach(
        &self,
        tx: &mut Tx<'_>,
        job: &PublicJob,
        to: AttachedTo,
        delivery: &Delivery,
        most: u16,
    ) -> Result<Attachment, Error> {
        rules::has_room(store::attachments::count(tx.conn(), to)?, most)?;
        let kind = AttachmentKind::of(delivery.received.content_type).ok_or(files::Error::Gone)?;
        let (id, now) = (AttachmentId::new(), tx.now()?);
        let mut parts = Vec::new();
        let mut largest = None;
        for (received, size, pixels) in self.kept_of(kind, delivery) {
            let file = files::keep(tx, &received)?;
            parts.push(Part { file: file.id, size, pixels });
            largest = largest.or(Some((file, pixels)));
        }
        let (file, pixels) = largest.ok_or(files::Error::Gone)?;
        store::attachments::insert(tx.conn(), id, to, kind, &parts, now)?;
        tell(tx, job, to, id, Value::Null, json!({ "kind": kind.as_str(), "size": file.size }));
        Ok(Attachment { id, to, kind, file, pixels, added_at: now })
    }

    /// What is kept of what came, the largest first: of a picture what was drawn of it, and never itself.
    fn kept_of(&self, kind: AttachmentKind, delivery: &Delivery) -> Vec<Kept> {
        match kind {
            AttachmentKind::Document => vec![(delivery.received, PhotoSize::Full, None)],
            AttachmentKind::Photo => {
                let sized = |side: u32| self.sizes().find(|(_, known)| *known == side).map(|(size, _)| size);
                let drawn = delivery.drawn.iter();
                drawn
                    .filter_map(|one| Some((one.file, sized(one.side)?, Some((one.width, one.height)))))
                    .collect()
            }
        }
    }
}

/// Takes away what is attached there, if `may` lets it.
fn detach(
    tx: &mut Tx<'_>,
    job: &PublicJob,
    to: AttachedTo,
    id: AttachmentId,
    may: impl Fn() -> Result<(), Error>,
) -> Result<(), Error> {
    let kind = store::attachments::find_kind(tx.conn(), to, id)?.ok_or(Error::AttachmentNotFound)?;
    may()?;
    for file in store::attachments::delete(tx.conn(), to, id)?.unwrap_or_default() {
        files::remove(tx, file)?;
    }
    tell(tx, job, to, id, json!({ "kind": kind.as_str() }), Value::Null);
    Ok(())
}

/// Takes away everything that is attached to a job that goes itself.
pub(super) fn detach_all_of(tx: &mut Tx<'_>, job: JobId) -> Result<(), Error> {
    for file in store::attachments::delete_all_of(tx.conn(), AttachedTo::Job(job))? {
        files::remove(tx, file)?;
    }
    Ok(())
}

/// Takes away everything that is attached to the jobs and bids of somebody who is forgotten.
pub(super) fn forget_attachments(tx: &mut Tx<'_>, party: PartyId) -> Result<(), Error> {
    for file in store::attachments::delete_all_of_party(tx.conn(), party)? {
        files::remove(tx, file)?;
    }
    Ok(())
}

/// Tells the audit trail. As of the bid itself, what is done with a bid's attachments is sealed while its job is open.
fn tell(tx: &mut Tx<'_>, job: &PublicJob, to: AttachedTo, id: AttachmentId, before: Value, after: Value) {
    let (kind, of) = match to {
        AttachedTo::Job(job) => ("jobId", job.to_string()),
        AttachedTo::Bid(bid) => {
            if let Some(until) = job.accept_until.filter(|_| job.status == JobStatus::Open) {
                audit::seal_until(tx, until);
            }
            ("bidId", bid.to_string())
        }
    };
    let placed = |mut told: Value| {
        if let Value::Object(told) = &mut told {
            told.insert(kind.to_owned(), json!(of));
        }
        told
    };
    audit::changed(tx, Object::new("attachment", id), placed(before), placed(after));
}

/// Of what hangs on something that is not there for somebody no more is said than that itself is not there.
fn unseen(error: Error) -> Error {
    match error {
        Error::JobNotFound | Error::BidNotFound => Error::AttachmentNotFound,
        other => other,
    }
}

fn waits(status: BidStatus) -> Result<(), Error> {
    if status == BidStatus::Submitted { Ok(()) } else { Err(Error::BidState { state: status }) }
}

fn position(attachment: &Attachment) -> Position {
    Position { key: attachment.added_at, id: attachment.id.uuid() }
}
