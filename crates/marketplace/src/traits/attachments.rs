//! What can be asked and told of photographs and documents.

use files::{Delivery, FileName};
use kernel::{Actor, ContractorActor, HomeownerActor, Page};

use crate::{
    AttachedFile, Attachment, AttachmentId, AttachmentPlan, BidId, Error, JobId, PageRequest, PhotoSize,
};

/// What can be read of attachments.
pub trait AttachmentQueries: Send + Sync {
    /// How a file is to be received that an owner attaches to a job.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], [`Error::JobState`], [`Error::TooManyAttachments`].
    fn plan_job_attachment(
        &self,
        homeowner: HomeownerActor<'_>,
        job: JobId,
        name: FileName,
    ) -> Result<AttachmentPlan, Error>;

    /// How a file is to be received that a contractor attaches to its bid.
    ///
    /// # Errors
    /// [`Error::BidNotFound`], [`Error::BidState`], [`Error::BiddingClosed`], [`Error::TooManyAttachments`].
    fn plan_bid_attachment(
        &self,
        contractor: ContractorActor<'_>,
        bid: BidId,
        name: FileName,
    ) -> Result<AttachmentPlan, Error>;

    /// What is attached to a job, in the order it came, as far as this viewer, or a stranger, sees it.
    ///
    /// # Errors
    /// [`Error::JobNotFound`].
    fn list_job_attachments(
        &self,
        viewer: Option<&Actor>,
        job: JobId,
        page: PageRequest,
    ) -> Result<Page<Attachment>, Error>;

    /// A file that is attached to a job; of a photograph in this size, or the next larger that there is.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`], whatever of it is not there for this viewer.
    fn job_attachment(
        &self,
        viewer: Option<&Actor>,
        job: JobId,
        attachment: AttachmentId,
        size: PhotoSize,
    ) -> Result<AttachedFile, Error>;

    /// What is attached to a bid, in the order it came: for its bidder, and from the reveal on for the owner.
    ///
    /// # Errors
    /// [`Error::BidNotFound`], whether there is none or it is not for this viewer.
    fn list_bid_attachments(
        &self,
        viewer: &Actor,
        bid: BidId,
        page: PageRequest,
    ) -> Result<Page<Attachment>, Error>;

    /// A file that is attached to a bid, as of a job.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`], whatever of it is not there for this viewer.
    fn bid_attachment(
        &self,
        viewer: &Actor,
        bid: BidId,
        attachment: AttachmentId,
        size: PhotoSize,
    ) -> Result<AttachedFile, Error>;
}

/// What can be done with attachments.
pub trait AttachmentCommands: AttachmentQueries {
    /// Attaches to a job what was received; of a picture only what was drawn of it.
    ///
    /// # Errors
    /// As [`AttachmentQueries::plan_job_attachment`], and [`Error::File`].
    fn attach_to_job(
        &self,
        homeowner: HomeownerActor<'_>,
        job: JobId,
        delivery: &Delivery,
    ) -> Result<Attachment, Error>;

    /// Attaches to a bid what was received. The bid's revision and receipt stay what they are.
    ///
    /// # Errors
    /// As [`AttachmentQueries::plan_bid_attachment`], [`Error::NotVerified`], and [`Error::File`].
    fn attach_to_bid(
        &self,
        contractor: ContractorActor<'_>,
        bid: BidId,
        delivery: &Delivery,
    ) -> Result<Attachment, Error>;

    /// Takes an attachment away from a job.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`], [`Error::JobState`].
    fn detach_from_job(
        &self,
        homeowner: HomeownerActor<'_>,
        job: JobId,
        attachment: AttachmentId,
    ) -> Result<(), Error>;

    /// Takes an attachment away from a bid.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`], [`Error::BidState`], [`Error::BiddingClosed`].
    fn detach_from_bid(
        &self,
        contractor: ContractorActor<'_>,
        bid: BidId,
        attachment: AttachmentId,
    ) -> Result<(), Error>;
}
