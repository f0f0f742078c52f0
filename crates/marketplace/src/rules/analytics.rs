//! What somebody's own jobs and bids come to.

use crate::model::{BidTally, JobStatus, OwnBids};

/// A part of a whole, to four places; none of nothing.
#[must_use]
pub fn share(part: i64, whole: i64) -> Option<f64> {
    if whole <= 0 {
        return None;
    }
    let rounded = (part.saturating_mul(20_000) + whole).div_euclid(whole.saturating_mul(2));
    i32::try_from(rounded).ok().map(|parts| f64::from(parts) / 10_000.0)
}

/// What a contractor's bids come to. While a job is open nothing is won or lost of it, whatever became of the bid.
#[must_use]
pub fn own_bids(tallies: &[BidTally]) -> OwnBids {
    let mut figures = OwnBids::default();
    for tally in tallies {
        figures.sent += tally.bids;
        figures.jobs += tally.jobs;
        let place = match (tally.job, tally.own, tally.withdrawn, tally.awarded) {
            (JobStatus::Draft | JobStatus::Open, ..) => &mut figures.open,
            (_, true, ..) => &mut figures.won,
            (_, false, true, _) => &mut figures.withdrawn,
            (_, false, false, true) => &mut figures.lost,
            (_, false, false, false) => &mut figures.no_award,
        };
        *place += tally.jobs;
    }
    figures.win_rate = share(figures.won, figures.won + figures.lost);
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_four_places_and_are_none_of_nothing() {
        for (part, whole, expected) in
            [(0, 0, None), (0, 3, Some(0.0)), (1, 3, Some(0.3333)), (2, 3, Some(0.6667)), (7, 7, Some(1.0))]
        {
            assert_eq!(share(part, whole), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn a_bid_is_won_or_lost_once_its_job_has_left_open() {
        let tally =
            |job, own, awarded, withdrawn| BidTally { job, own, awarded, withdrawn, jobs: 1, bids: 2 };
        let figures = own_bids(&[
            tally(JobStatus::Open, false, false, false),
            tally(JobStatus::Open, false, false, true),
            tally(JobStatus::Completed, true, true, false),
            tally(JobStatus::InProgress, false, true, false),
            tally(JobStatus::Awarded, false, true, true),
            tally(JobStatus::Cancelled, false, false, false),
            // Awarded, and not signed in time.
            tally(JobStatus::Expired, true, true, false),
        ]);
        let expected = OwnBids {
            sent: 14,
            jobs: 7,
            open: 2,
            won: 2,
            lost: 1,
            no_award: 1,
            withdrawn: 1,
            win_rate: Some(0.6667),
        };
        assert_eq!(figures, expected);
    }
}
