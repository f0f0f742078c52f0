//! Who sees what is attached, and until when it can be changed.

use kernel::{Instant, PartyId};

use super::bidding::revealed;
use super::visibility::Access;
use crate::error::Error;
use crate::model::{AttachmentKind, BidStatus, JobStatus, PublicJob};

/// Whether somebody who may look at a job so sees an attachment of this kind. `verified` says whether the viewer is a contractor whose
/// papers hold.
#[must_use]
pub fn sees_attachment(access: Access, kind: AttachmentKind, verified: bool) -> bool {
    match (access, kind) {
        (Access::Party, _) => true,
        (Access::Public, AttachmentKind::Photo) => true,
        (Access::Public, AttachmentKind::Document) => verified,
        // Whoever lost knows of the job, and has nothing more to look at there.
        (Access::IfBidder(_) | Access::Nothing, _) => false,
    }
}

/// Whether somebody sees what is attached to a bid: its bidder always, the owner from the reveal on unless it was taken back.
#[must_use]
pub fn sees_bid_attachments(
    viewer: PartyId,
    bidder: PartyId,
    status: BidStatus,
    job: &PublicJob,
    now: Instant,
) -> bool {
    let shown = status != BidStatus::Withdrawn && revealed(job.reveal, job.bidding_deadline, now);
    viewer == bidder || (viewer == job.homeowner && shown)
}

/// Whether something can be attached to a job in this state.
///
/// # Errors
/// [`Error::JobState`].
pub fn may_attach(state: JobStatus) -> Result<(), Error> {
    match state {
        JobStatus::Draft | JobStatus::Open => Ok(()),
        // What a bid was chosen on stays what it was.
        JobStatus::Awarded
        | JobStatus::InProgress
        | JobStatus::Completed
        | JobStatus::Cancelled
        | JobStatus::Expired => Err(Error::JobState { state }),
    }
}

/// Whether something can be taken away from a job in this state.
///
/// # Errors
/// [`Error::JobState`].
pub fn may_detach(state: JobStatus) -> Result<(), Error> {
    match state {
        JobStatus::Draft | JobStatus::Open | JobStatus::Cancelled | JobStatus::Expired => Ok(()),
        // The other side agreed to it as it is.
        JobStatus::Awarded | JobStatus::InProgress | JobStatus::Completed => Err(Error::JobState { state }),
    }
}

/// Whether one more can be attached where there are so many.
///
/// # Errors
/// [`Error::TooManyAttachments`].
pub fn has_room(attached: i64, most: u16) -> Result<(), Error> {
    if attached < i64::from(most) { Ok(()) } else { Err(Error::TooManyAttachments { most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_are_for_those_who_see_the_job_and_documents_for_those_who_may_bid_or_take_part() {
        let party = PartyId::new();
        for (access, verified, photos, documents) in [
            (Access::Party, false, true, true),
            (Access::Public, false, true, false),
            (Access::Public, true, true, true),
            (Access::IfBidder(party), true, false, false),
            (Access::Nothing, true, false, false),
        ] {
            assert_eq!(sees_attachment(access, AttachmentKind::Photo, verified), photos, "{access:?}");
            assert_eq!(sees_attachment(access, AttachmentKind::Document, verified), documents, "{access:?}");
        }
    }

    #[test]
    fn a_job_is_added_to_before_the_award_and_taken_from_unless_somebody_relies_on_it() {
        use JobStatus::{Awarded, Cancelled, Completed, Draft, Expired, InProgress, Open};
        for (state, add, take) in [
            (Draft, true, true),
            (Open, true, true),
            (Awarded, false, false),
            (InProgress, false, false),
            (Completed, false, false),
            (Cancelled, false, true),
            (Expired, false, true),
        ] {
            assert_eq!((may_attach(state).is_ok(), may_detach(state).is_ok()), (add, take), "{state}");
        }
    }

    #[test]
    fn the_last_place_is_given_and_no_other() {
        assert!(has_room(9, 10).is_ok());
        assert!(matches!(has_room(10, 10), Err(Error::TooManyAttachments { most: 10 })));
        assert!(has_room(0, 0).is_err());
    }
}
