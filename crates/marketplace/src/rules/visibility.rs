//! Who sees what of a job, and what a bidder learns at the end.

use kernel::{Instant, PartyId};

use super::bidding::bidding_closed;
use crate::model::{BidId, BidStatus, JobDetail, JobStatus, Outcome, OutcomeResult, PublicJob};

/// How somebody may look at a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// All of it, with the exact address: the owner, and from the award on the chosen contractor.
    Party,
    /// What everybody sees.
    Public,
    /// What everybody saw, but only for those who bid on it: ask whether this party did.
    IfBidder(PartyId),
    /// It does not exist for them.
    Nothing,
}

/// How a viewer, or a stranger, may look at a job.
#[must_use]
pub fn access(viewer: Option<PartyId>, job: &PublicJob) -> Access {
    if viewer == Some(job.homeowner) || (viewer.is_some() && viewer == job.contractor) {
        return Access::Party;
    }
    match (job.status, viewer) {
        (JobStatus::Draft, _) => Access::Nothing,
        (JobStatus::Open, _) => Access::Public,
        (_, Some(party)) => Access::IfBidder(party),
        (_, None) => Access::Nothing,
    }
}

/// The job as this viewer sees it, when that is what everybody sees; otherwise more has to be asked.
#[must_use]
pub fn shown_to_all(viewer: Option<PartyId>, job: &PublicJob, now: Instant) -> Option<JobDetail> {
    match access(viewer, job) {
        Access::Public => {
            let bidding_closed = bidding_closed(job.status, job.bidding_deadline, now);
            Some(JobDetail { job: job.clone(), bidding_closed, address: None })
        }
        Access::Party | Access::IfBidder(_) | Access::Nothing => None,
    }
}

/// A bid as far as it counts in the ranking of its job's bids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The bid.
    pub id: BidId,
    /// Where it stands.
    pub status: BidStatus,
    /// Whether the time until which it stood was over before it was decided on.
    pub lapsed: bool,
    /// Its price.
    pub amount: i64,
    /// When its last revision was handed in: of two equal prices the earlier ranks first.
    pub submitted_at: Instant,
}

/// From how many bids on a bidder learns its third: with fewer, a third would all but name the others' prices.
const THIRDS_FROM: usize = 5;

/// What the bidder of `own` learns of how its job went out; nothing while the job is open, and nothing for a bid that did not stand to the end: that
/// was taken back, or had run out by then.
#[must_use]
pub fn outcome(job: JobStatus, own: BidId, all: &[Standing]) -> Option<Outcome> {
    let awarded = match job {
        JobStatus::Draft | JobStatus::Open => return None,
        JobStatus::Awarded | JobStatus::InProgress | JobStatus::Completed => true,
        JobStatus::Cancelled => false,
        // An award whose contract was not signed in time leaves its bid accepted.
        JobStatus::Expired => all.iter().any(|bid| bid.status == BidStatus::Accepted),
    };
    let mut stood: Vec<&Standing> = all.iter().filter(|bid| bid.status.stood() && !bid.lapsed).collect();
    stood.sort_by_key(|bid| (bid.amount, bid.submitted_at, bid.id));
    let rank = stood.iter().position(|bid| bid.id == own)?;
    let result = match (awarded, stood.get(rank).map(|bid| bid.status)) {
        (true, Some(BidStatus::Accepted)) => OutcomeResult::Won,
        (true, _) => OutcomeResult::Lost,
        (false, _) => OutcomeResult::NoAward,
    };
    let third = (stood.len() >= THIRDS_FROM).then(|| i64::try_from(rank * 3 / stood.len() + 1).unwrap_or(3));
    Some(Outcome { result, bids: i64::try_from(stood.len()).unwrap_or(i64::MAX), third })
}

#[cfg(test)]
mod tests {
    use kernel::TypedId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn bid(n: u128, status: BidStatus, amount: i64) -> Standing {
        Standing {
            id: BidId::from_uuid(Uuid::from_u128(n)),
            status,
            lapsed: false,
            amount,
            submitted_at: Instant::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_had_run_out_did_not_stand() {
        let lapsed = |n, status| Standing { lapsed: true, ..bid(n, status, 50) };
        let all = [
            bid(1, BidStatus::Accepted, 100),
            bid(2, BidStatus::Rejected, 200),
            lapsed(3, BidStatus::Expired),
            lapsed(4, BidStatus::Rejected),
        ];
        let told = |n| outcome(JobStatus::Awarded, own(n), &all).map(|outcome| outcome.bids);
        assert_eq!([told(1), told(2), told(3), told(4)], [Some(2), Some(2), None, None]);
    }

    fn own(n: u128) -> BidId {
        BidId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn nothing_is_learned_while_the_job_is_open() {
        let bids = [bid(1, BidStatus::Submitted, 5), bid(2, BidStatus::Rejected, 6)];
        for job in [JobStatus::Draft, JobStatus::Open] {
            assert_eq!(outcome(job, own(1), &bids), None);
            assert_eq!(outcome(job, own(2), &bids), None);
        }
    }

    #[test]
    fn afterwards_a_bidder_learns_won_or_lost_and_the_count_of_those_that_stood() {
        let bids =
            [bid(1, BidStatus::Accepted, 5), bid(2, BidStatus::Rejected, 6), bid(3, BidStatus::Withdrawn, 1)];
        let told = |n| outcome(JobStatus::Awarded, own(n), &bids);
        assert_eq!(told(1), Some(Outcome { result: OutcomeResult::Won, bids: 2, third: None }));
        assert_eq!(told(2), Some(Outcome { result: OutcomeResult::Lost, bids: 2, third: None }));
        assert_eq!(told(3), None);
    }

    #[test]
    fn without_an_award_nobody_won() {
        let bids = [bid(1, BidStatus::Expired, 5), bid(2, BidStatus::Rejected, 6)];
        for job in [JobStatus::Cancelled, JobStatus::Expired] {
            assert_eq!(outcome(job, own(1), &bids).unwrap().result, OutcomeResult::NoAward);
        }
        let unsigned = [bid(1, BidStatus::Accepted, 5), bid(2, BidStatus::Rejected, 6)];
        assert_eq!(outcome(JobStatus::Expired, own(2), &unsigned).unwrap().result, OutcomeResult::Lost);
    }

    #[test]
    fn from_five_bids_up_a_bidder_learns_its_third_and_ties_rank_the_earlier_first() {
        let mut bids: Vec<_> = (1..=6).map(|n| bid(n, BidStatus::Rejected, 10)).collect();
        for (n, bid) in bids.iter_mut().rev().enumerate() {
            bid.submitted_at += chrono::TimeDelta::seconds(i64::try_from(n).unwrap());
        }
        // Equal prices: number 6 came first, number 1 last.
        let thirds: Vec<_> =
            (1..=6).map(|n| outcome(JobStatus::Awarded, own(n), &bids).unwrap().third).collect();
        assert_eq!(thirds, [Some(3), Some(3), Some(2), Some(2), Some(1), Some(1)]);
        assert_eq!(outcome(JobStatus::Awarded, own(1), &bids[..4]).unwrap().third, None);
    }

    proptest! {
        #[test]
        fn thirds_follow_the_prices(amounts in prop::collection::vec(1_i64..100, 5..40)) {
            let bids: Vec<_> = (1_u128..).zip(&amounts).map(|(n, amount)| bid(n, BidStatus::Rejected, *amount)).collect();
            for a in &bids {
                let third = outcome(JobStatus::Awarded, a.id, &bids).unwrap().third.unwrap();
                prop_assert!((1..=3).contains(&third));
                for b in &bids {
                    let other = outcome(JobStatus::Awarded, b.id, &bids).unwrap().third.unwrap();
                    prop_assert!(a.amount >= b.amount || third <= other);
                }
            }
        }
    }
}
