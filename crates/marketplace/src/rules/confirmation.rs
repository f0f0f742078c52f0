//! What an edit changed, and which bids it asks to be confirmed.

use kernel::Instant;

use crate::model::{BidStatus, Confirmation, JobField, PublicJob};

/// The fields that differ between two versions of a job, as far as bidders see them: of the address that is the area.
#[must_use]
pub fn changed_fields(before: &PublicJob, after: &PublicJob) -> Vec<JobField> {
    let differs = |field: &JobField| match field {
        JobField::Title => before.title != after.title,
        JobField::Description => before.description != after.description,
        JobField::Category => before.category != after.category,
        JobField::Skills => before.skills != after.skills,
        JobField::Address => before.area != after.area,
        JobField::BudgetMin => before.budget.min() != after.budget.min(),
        JobField::BudgetMax => before.budget.max() != after.budget.max(),
        JobField::Urgency => before.urgency != after.urgency,
        JobField::WantedStart => before.wanted_start != after.wanted_start,
        JobField::BiddingDeadline => before.bidding_deadline != after.bidding_deadline,
    };
    JobField::ALL.iter().copied().filter(differs).collect()
}

/// What a bid has to be confirmed for: what changed of its job, that matters, after its bidder last said something. Nothing once it is decided.
#[must_use]
pub fn confirmation(
    status: BidStatus,
    said_at: Instant,
    changes: &[(JobField, Instant)],
) -> Option<Confirmation> {
    if status != BidStatus::Submitted {
        return None;
    }
    let since = |field: &JobField| {
        changes.iter().find(|(changed, at)| changed == field && *at > said_at).map(|(_, at)| *at)
    };
    let changed: Vec<JobField> =
        JobField::ALL.iter().copied().filter(|field| field.is_material() && since(field).is_some()).collect();
    let asked_at = changed.iter().filter_map(since).max()?;
    Some(Confirmation { asked_at, changed })
}

/// Since when the bidders of a job are asked for their word: the last change of it that matters.
#[must_use]
pub fn asked_at(changes: &[(JobField, Instant)]) -> Option<Instant> {
    changes.iter().filter(|(field, _)| field.is_material()).map(|(_, at)| *at).max()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_bid_is_asked_about_what_changed_since_its_bidder_spoke() {
        let changes = [
            (JobField::BudgetMax, at(30)),
            (JobField::Title, at(40)),
            (JobField::Description, at(10)),
            (JobField::BiddingDeadline, at(50)),
        ];
        let asked = |said| {
            confirmation(BidStatus::Submitted, at(said), &changes)
                .map(|asked| (asked.asked_at, asked.changed))
        };
        assert_eq!(asked_at(&changes), Some(at(30)));
        assert_eq!(asked_at(&changes[1..2]), None);
        let both = vec![JobField::Description, JobField::BudgetMax];
        assert_eq!(asked(5), Some((at(30), both)));
        assert_eq!(asked(10), Some((at(30), vec![JobField::BudgetMax])));
        assert_eq!(asked(29), Some((at(30), vec![JobField::BudgetMax])));
        // Who spoke in the very moment had read it: both wait for the job's lock.
        for said in [30, 45, 60] {
            assert_eq!(asked(said), None, "{said}");
        }
    }

    #[test]
    fn what_is_decided_needs_no_word() {
        let changes = [(JobField::Skills, at(30))];
        for status in BidStatus::ALL {
            let asked = confirmation(*status, at(0), &changes).is_some();
            assert_eq!(asked, *status == BidStatus::Submitted, "{status}");
        }
    }
}
