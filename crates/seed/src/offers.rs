//! Bids: what they ask for, how they are made up, and when they are handed in.

use kernel::Currency;
use marketplace::bulk::SealedBid;
use marketplace::{BidDetail, BidId, BidMilestone, BidParts, BidStatus, JobId, Line, LineKind, rules};

use crate::cast::{Contractor, instant};
use crate::data::WORLD;
use crate::dice::{Dice, Stream};
use crate::plan::DAY;

/// From this price on, in minor units, work is often paid in stages.
const STAGED_FROM: i64 = 200_000;

/// A bid whose time has not come yet.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) job: JobId,
    pub(crate) contractor: Contractor,
    pub(crate) currency: Currency,
    /// What it asks for first, and in the revision that stands.
    pub(crate) amounts: (i64, i64),
    /// When it was handed in first, and last.
    pub(crate) times: (i64, i64),
    pub(crate) status: BidStatus,
    /// When it was decided.
    pub(crate) decided: Option<i64>,
    pub(crate) reason: Option<String>,
    /// Its own throws.
    pub(crate) stream: u64,
}

impl Pending {
    pub(crate) fn revised(&self) -> bool {
        self.times.0 != self.times.1
    }

    /// The bid in each of its revisions, sealed.
    pub(crate) fn hand_in(&self, number: u64, out: &mut Vec<SealedBid>) -> Result<(), database::Error> {
        let mut dice = Dice::new(number, Stream::Bid(self.stream));
        let id = BidId::from(dice.id(self.times.0));
        let first = parts(self.amounts.0, &mut dice);
        if self.revised() {
            let last = BidParts { lines: Vec::new(), milestones: Vec::new(), ..first.clone() };
            let last = BidParts { amount: self.amounts.1, ..last };
            out.push(self.seal(id, (1, false), first, self.times.0, &mut dice)?);
            out.push(self.seal(id, (2, true), last, self.times.1, &mut dice)?);
        } else {
            out.push(self.seal(id, (1, true), first, self.times.0, &mut dice)?);
        }
        Ok(())
    }

    fn seal(
        &self,
        id: BidId,
        (revision, last): (i32, bool),
        parts: BidParts,
        submitted: i64,
        dice: &mut Dice,
    ) -> Result<SealedBid, database::Error> {
        let submitted_at = instant(submitted);
        let sealed = rules::seal((id, self.job, revision), self.currency, &parts, submitted_at, dice.salt())?;
        let bid = BidDetail {
            id,
            job_id: self.job,
            contractor: self.contractor.party,
            status: self.status,
            revision,
            version: revision + i32::from(self.decided.is_some()),
            currency: self.currency,
            parts,
            reason: self.reason.clone(),
            submitted_at,
            created_at: instant(self.times.0),
            updated_at: instant(self.decided.unwrap_or(submitted)),
            confirmed_at: None,
            confirmation: None,
            receipt: sealed.receipt.clone(),
            proof: None,
            outcome: None,
        };
        Ok(SealedBid { bid, sealed, last })
    }
}

/// What somebody asks for who usually asks for so much, in whole dollars.
pub(crate) fn amount(fair: i64, dear: u32, dice: &mut Dice) -> i64 {
    let asked = fair * i64::from(dear) / 100 * dice.between(88, 118) / 100;
    let step = if asked > 100_000 { 2_500 } else { 500 };
    (asked / step * step).clamp(2_000, 90_000_000)
}

/// Between two instants, more likely soon after the first.
pub(crate) fn moment(from: i64, until: i64, dice: &mut Dice) -> i64 {
    let width = (until - from).max(0);
    from + dice.between(0, width).min(dice.between(0, width))
}

fn parts(amount: i64, dice: &mut Dice) -> BidParts {
    let words = &WORLD.words;
    let days = (amount / 60_000 + dice.between(1, 3)).clamp(1, 90);
    BidParts {
        amount,
        lines: if dice.chance(55) { lines(amount, dice) } else { Vec::new() },
        milestones: if amount >= STAGED_FROM && dice.chance(60) { stages(amount, dice) } else { Vec::new() },
        terms: dice.chance(70).then(|| dice.line(&words.terms).to_owned()),
        start_date: None,
        duration_days: i32::try_from(days).ok(),
        valid_until: None,
    }
}

fn lines(amount: i64, dice: &mut Dice) -> Vec<Line> {
    let words = &WORLD.words;
    let material = amount * dice.between(20, 55) / 100;
    let other = if dice.chance(35) { amount * dice.between(3, 9) / 100 } else { 0 };
    let line = |kind, description: &str, amount| Line { kind, description: description.to_owned(), amount };
    let lines = [
        line(LineKind::Labour, dice.line(&words.labour), amount - material - other),
        line(LineKind::Material, dice.line(&words.material), material),
        line(LineKind::Other, dice.line(&words.other), other),
    ];
    lines.into_iter().filter(|line| line.amount > 0).collect()
}

fn stages(amount: i64, dice: &mut Dice) -> Vec<BidMilestone> {
    let titles = &WORLD.words.stage;
    let count = dice.between(2, 4);
    let part = amount / count;
    let stages = (0..count).zip(titles).map(|(n, title)| BidMilestone {
        title: title.clone(),
        description: None,
        amount: if n + 1 == count { amount - part * (count - 1) } else { part },
        due_date: None,
    });
    stages.collect()
}

/// A later and lower offer for a bid of that price, if there is time for one.
pub(crate) fn revision(first: i64, at: i64, until: i64, dice: &mut Dice) -> Option<(i64, i64)> {
    if !dice.chance(8) || until - at < DAY / 4 {
        return None;
    }
    let lower = (first * dice.between(90, 97) / 100).max(2_000);
    Some((lower, dice.between(at + DAY / 24, until)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bid_is_one_that_the_marketplace_takes() {
        for n in 0..2_000 {
            let mut dice = Dice::new(3, Stream::Bid(n));
            let amount = amount(dice.between(5_000, 8_000_000), 100, &mut dice);
            let parts = parts(amount, &mut dice);
            assert!(parts.clone().checked().is_ok(), "{parts:?}");
            assert!((2_000..=100_000_000).contains(&amount));
        }
    }

    #[test]
    fn a_moment_lies_between_its_ends() {
        let mut dice = Dice::new(3, Stream::Bid(1));
        assert!((0..500).all(|_| (10..=20).contains(&moment(10, 20, &mut dice))));
        assert_eq!(moment(10, 5, &mut dice), 10);
    }
}
