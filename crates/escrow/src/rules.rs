//! What is decided about money, as pure functions: facts in, outcome out. Nothing here reads or writes anything.

use contracts::{MilestoneFacts, MilestoneId, MilestoneStatus, Terms};
use kernel::{BasisPoints, MoneyError, PartyId};

use crate::model::AccountRef;

/// Entries of a transfer: an account and an amount, a credit positive.
pub(crate) type Entries = Vec<(AccountRef, i64)>;

/// Why money may not move as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The contract has no such milestone; its place in the list.
    UnknownMilestone(usize),
    /// A milestone is not in the state for it.
    WrongState(MilestoneStatus),
    /// Nothing is left to pay in.
    NothingToFund,
    /// The amount is determined, and this is the right one.
    AmountMismatch(i64),
    /// A sum left the range of 64 bits.
    OutOfRange,
}

impl From<MoneyError> for Refusal {
    fn from(_: MoneyError) -> Self {
        Self::OutOfRange
    }
}

/// The platform's share of an amount, a half rounded up.
pub(crate) fn fee(rate: BasisPoints, amount: i64) -> Result<i64, MoneyError> {
    rate.of_half_up(amount)
}

/// Which milestones a deposit is for, with their amounts: those named, or all that are not funded. It is for exactly
/// their sum; another amount is refused with the right one.
pub(crate) fn deposit(
    milestones: &[MilestoneFacts],
    named: Option<&[MilestoneId]>,
    amount: Option<i64>,
) -> Result<Vec<(MilestoneId, i64)>, Refusal> {
    let chosen: Vec<&MilestoneFacts> = match named {
        None => milestones.iter().filter(|milestone| milestone.status == MilestoneStatus::Pending).collect(),
        Some(ids) => ids
            .iter()
            .enumerate()
            .map(|(place, id)| {
                milestones
                    .iter()
                    .find(|milestone| milestone.id == *id)
                    .ok_or(Refusal::UnknownMilestone(place))
            })
            .collect::<Result<_, _>>()?,
    };
    if let Some(other) = chosen.iter().find(|milestone| milestone.status != MilestoneStatus::Pending) {
        return Err(Refusal::WrongState(other.status));
    }
    if chosen.is_empty() {
        return Err(Refusal::NothingToFund);
    }
    let right = chosen
        .iter()
        .try_fold(0_i64, |sum, milestone| sum.checked_add(milestone.amount))
        .ok_or(Refusal::OutOfRange)?;
    if amount.is_some_and(|amount| amount != right) {
        return Err(Refusal::AmountMismatch(right));
    }
    Ok(chosen.into_iter().map(|milestone| (milestone.id, milestone.amount)).collect())
}

/// What becomes of money that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Funding {
    /// The milestones that are funded by it.
    pub(crate) funded: Vec<MilestoneId>,
    /// What they sum to.
    pub(crate) held: i64,
    /// What goes back to the payer.
    pub(crate) surplus: i64,
    pub(crate) entries: Entries,
}

/// Funds what the payment was for and is still unfunded; the rest goes back. In time that is all of it; after a lapse
/// another payment may have come first.
pub(crate) fn fund(
    paid_for: &[(MilestoneId, i64)],
    milestones: &[MilestoneFacts],
    charged: i64,
) -> Result<Funding, Refusal> {
    let still_unfunded = |id: MilestoneId| {
        milestones.iter().any(|milestone| milestone.id == id && milestone.status == MilestoneStatus::Pending)
    };
    let mut funding = Funding { funded: Vec::new(), held: 0, surplus: 0, entries: Vec::new() };
    let mut received = 0_i64;
    for (milestone, amount) in paid_for {
        received = received.checked_add(*amount).ok_or(Refusal::OutOfRange)?;
        if still_unfunded(*milestone) {
            funding.funded.push(*milestone);
            funding.held += amount;
            funding.entries.push((AccountRef::Held(*milestone), *amount));
        }
    }
    funding.surplus = received - funding.held;
    let settled = received.checked_sub(charged).filter(|settled| *settled >= 0).ok_or(Refusal::OutOfRange)?;
    funding.entries.push((AccountRef::CardClearing, -settled));
    funding.entries.push((AccountRef::ProcessorFee, -charged));
    funding.entries.push((AccountRef::RefundClearing, funding.surplus));
    funding.entries.retain(|(_, amount)| *amount != 0);
    Ok(funding)
}

/// What is known of a milestone when it is to be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReleaseFacts {
    /// What the ledger holds for it, undisputed.
    pub(crate) held: i64,
    /// What was released of it so far.
    pub(crate) released: i64,
    /// Of that, the fees taken.
    pub(crate) fees: i64,
    /// In how many parts.
    pub(crate) parts: i16,
    /// What the contractor owes.
    pub(crate) debt: i64,
}

/// A release as it will be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReleasePlan {
    pub(crate) part: i16,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) netted: i64,
    pub(crate) share: i64,
    /// What is left of the milestone afterwards.
    pub(crate) remaining: i64,
    pub(crate) entries: Entries,
}

/// Decides a release: all that is held, or a part of it. A part's fee is the fee of all that was paid on this milestone so
/// far less what was taken, so that the fees of the parts sum to the fee of the whole. The last of `parts_max` parts must
/// take what is left. What the contractor owes is kept back from the share.
pub(crate) fn release(
    milestone: MilestoneId,
    contractor: PartyId,
    facts: ReleaseFacts,
    asked: Option<i64>,
    terms: &Terms,
    parts_max: i16,
) -> Result<ReleasePlan, Refusal> {
    let part = facts.parts.checked_add(1).ok_or(Refusal::OutOfRange)?;
    let amount = asked.unwrap_or(facts.held);
    if amount < 1 || amount > facts.held || (part >= parts_max && amount != facts.held) {
        return Err(Refusal::AmountMismatch(facts.held));
    }
    let paid = facts.released.checked_add(amount).ok_or(Refusal::OutOfRange)?;
    let taken = fee(terms.fee, paid)? - facts.fees;
    if !(0..=amount).contains(&taken) {
        return Err(Refusal::OutOfRange);
    }
    let netted = facts.debt.min(amount - taken);
    let share = amount - taken - netted;
    let mut entries = vec![
        (AccountRef::Held(milestone), -amount),
        (AccountRef::PlatformFee, taken),
        (AccountRef::ContractorDebt(contractor), netted),
        (AccountRef::ContractorPayable(contractor), share),
    ];
    entries.retain(|(_, amount)| *amount != 0);
    Ok(ReleasePlan { part, amount, fee: taken, netted, share, remaining: facts.held - amount, entries })
}

/// A contractor's share leaves for its account at the provider.
pub(crate) fn payout(contractor: PartyId, amount: i64) -> Entries {
    vec![(AccountRef::ContractorPayable(contractor), -amount), (AccountRef::CardClearing, amount)]
}

/// What came in too much leaves for the payer's account.
pub(crate) fn refund_surplus(amount: i64) -> Entries {
    vec![(AccountRef::RefundClearing, -amount), (AccountRef::CardClearing, amount)]
}

/// What the ledger must hold for a milestone in this state: its amount less what was released, once it is funded.
pub(crate) fn must_hold(status: MilestoneStatus, amount: i64, released: i64) -> i64 {
    match status {
        MilestoneStatus::Pending | MilestoneStatus::Cancelled | MilestoneStatus::Released => 0,
        MilestoneStatus::Funded
        | MilestoneStatus::InProgress
        | MilestoneStatus::Submitted
        | MilestoneStatus::ChangesRequested
        | MilestoneStatus::Approved => amount - released,
    }
}

#[cfg(test)]
mod tests {
    use kernel::BasisPoints;
    use proptest::prelude::*;

    use super::*;

    const TERMS: Terms =
        Terms { rules_version: 1, fee: BasisPoints::new(290), inspection_days: 14, auto_release_hours: 24 };

    fn milestone(amount: i64, status: MilestoneStatus) -> MilestoneFacts {
        MilestoneFacts {
            id: MilestoneId::new(),
            amount,
            status,
            title: String::new(),
            ordinal: 1,
            due_date: chrono::NaiveDate::MIN,
        }
    }

    fn released(facts: ReleaseFacts, asked: Option<i64>) -> Result<ReleasePlan, Refusal> {
        release(MilestoneId::new(), PartyId::new(), facts, asked, &TERMS, 100)
    }

    fn sum(entries: &Entries) -> i64 {
        entries.iter().map(|(_, amount)| amount).sum()
    }

    #[test]
    fn a_deposit_is_for_exactly_what_is_unfunded_or_named() {
        let all = [
            milestone(100, MilestoneStatus::Pending),
            milestone(50, MilestoneStatus::Funded),
            milestone(30, MilestoneStatus::Pending),
        ];
        let both = vec![(all[0].id, 100), (all[2].id, 30)];
        assert_eq!(deposit(&all, None, None), Ok(both.clone()));
        assert_eq!(deposit(&all, None, Some(130)), Ok(both));
        assert_eq!(deposit(&all, None, Some(131)), Err(Refusal::AmountMismatch(130)));
        assert_eq!(deposit(&all, Some(&[all[2].id]), None), Ok(vec![(all[2].id, 30)]));
        assert_eq!(
            deposit(&all, Some(&[all[1].id]), None),
            Err(Refusal::WrongState(MilestoneStatus::Funded))
        );
        assert_eq!(
            deposit(&all, Some(&[all[2].id, MilestoneId::new()]), None),
            Err(Refusal::UnknownMilestone(1))
        );
        assert_eq!(deposit(&all[1..2], None, None), Err(Refusal::NothingToFund));
    }

    #[test]
    fn money_that_came_in_funds_what_is_unfunded_and_the_rest_goes_back() {
        let all = [milestone(100, MilestoneStatus::Pending), milestone(50, MilestoneStatus::Funded)];
        let paid = [(all[0].id, 100), (all[1].id, 50)];
        let funding = fund(&paid, &all, 3).unwrap();
        assert_eq!(
            (funding.funded.as_slice(), funding.held, funding.surplus),
            ([all[0].id].as_slice(), 100, 50)
        );
        assert_eq!(
            funding.entries,
            [
                (AccountRef::Held(all[0].id), 100),
                (AccountRef::CardClearing, -147),
                (AccountRef::ProcessorFee, -3),
                (AccountRef::RefundClearing, 50),
            ]
        );
        assert_eq!(sum(&funding.entries), 0);
    }

    #[test]
    fn a_release_takes_the_fee_and_keeps_back_what_is_owed() {
        let facts = ReleaseFacts { held: 180_000, ..ReleaseFacts::default() };
        let whole = released(facts, None).unwrap();
        assert_eq!((whole.amount, whole.fee, whole.share, whole.remaining), (180_000, 5_220, 174_780, 0));
        let owing = released(ReleaseFacts { debt: 4_780, ..facts }, None).unwrap();
        assert_eq!((owing.netted, owing.share), (4_780, 170_000));
        let owing_more = released(ReleaseFacts { debt: 900_000, ..facts }, Some(1_000)).unwrap();
        assert_eq!((owing_more.netted, owing_more.share, owing_more.remaining), (971, 0, 179_000));
        for plan in [whole, owing, owing_more] {
            assert_eq!(sum(&plan.entries), 0);
        }
    }

    #[test]
    fn no_more_than_is_held_and_no_more_parts_than_allowed() {
        let facts = ReleaseFacts { held: 10, released: 90, fees: 3, parts: 2, debt: 0 };
        assert_eq!(released(facts, Some(11)), Err(Refusal::AmountMismatch(10)));
        assert_eq!(released(facts, Some(0)), Err(Refusal::AmountMismatch(10)));
        assert_eq!(released(ReleaseFacts { held: 0, ..facts }, None), Err(Refusal::AmountMismatch(0)));
        let last = ReleaseFacts { parts: 99, ..facts };
        assert_eq!(released(last, Some(9)), Err(Refusal::AmountMismatch(10)));
        assert_eq!(released(last, None).map(|plan| plan.part), Ok(100));
    }

    #[test]
    fn what_must_be_held_follows_the_state() {
        for status in MilestoneStatus::ALL {
            let held = must_hold(*status, 100, 30);
            let empty = matches!(
                status,
                MilestoneStatus::Pending | MilestoneStatus::Cancelled | MilestoneStatus::Released
            );
            assert_eq!(held, if empty { 0 } else { 70 }, "{status:?}");
        }
    }

    proptest! {
        /// However a milestone is cut, its parts carry the fee of the whole, and never more than is held leaves.
        #[test]
        fn parts_carry_the_fee_of_the_whole(
            amount in 1_i64..=100_000_000, cuts in prop::collection::vec(1_i64..=100_000_000, 0..40),
            rate in 0_u32..=10_000, debt in 0_i64..=1_000_000,
        ) {
            let terms = Terms { fee: BasisPoints::new(rate), ..TERMS };
            let (milestone, contractor) = (MilestoneId::new(), PartyId::new());
            let mut facts = ReleaseFacts { held: amount, debt, ..ReleaseFacts::default() };
            for cut in cuts.into_iter().map(Some).chain([None]) {
                if facts.held == 0 { break; }
                match release(milestone, contractor, facts, cut, &terms, 100) {
                    Err(refusal) => {
                        prop_assert!(cut.is_some_and(|cut| cut > facts.held));
                        prop_assert_eq!(refusal, Refusal::AmountMismatch(facts.held));
                    }
                    Ok(plan) => {
                        prop_assert_eq!(sum(&plan.entries), 0);
                        prop_assert!(plan.fee >= 0 && plan.share >= 0 && plan.netted >= 0);
                        prop_assert_eq!(plan.fee + plan.share + plan.netted, plan.amount);
                        facts = ReleaseFacts {
                            held: plan.remaining,
                            released: facts.released + plan.amount,
                            fees: facts.fees + plan.fee,
                            parts: plan.part,
                            debt: facts.debt - plan.netted,
                        };
                    }
                }
            }
            prop_assert_eq!((facts.held, facts.released), (0, amount));
            prop_assert_eq!(facts.fees, fee(terms.fee, amount).unwrap());
        }
    }
}
