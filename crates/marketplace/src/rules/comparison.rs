//! What differs between bids, and what stands out in each row.

use crate::model::{BidDetail, BidId, BidOffer, ComparedBid, ComparedBy, ComparedRow, LineKind, Mark};

/// The bids as columns, in the order given, and the rows that compare them.
#[must_use]
pub fn compare(offers: Vec<BidOffer>) -> (Vec<ComparedBid>, Vec<ComparedRow>) {
    let bids: Vec<ComparedBid> = offers.into_iter().map(column).collect();
    let rows = ComparedBy::ALL.iter().map(|by| row(*by, &bids)).collect();
    (bids, rows)
}

fn column(offer: BidOffer) -> ComparedBid {
    let bid = &offer.bid;
    let sum = |kind: LineKind| {
        let of_kind = bid.parts.lines.iter().filter(|line| line.kind == kind).map(|line| line.amount);
        (!bid.parts.lines.is_empty()).then(|| of_kind.sum())
    };
    ComparedBid {
        labour: sum(LineKind::Labour),
        material: sum(LineKind::Material),
        other: sum(LineKind::Other),
        // Acceptance makes one stage of the whole price where the bid has none.
        stages: i64::try_from(bid.parts.milestones.len().max(1)).unwrap_or(i64::MAX),
        first_payment_percent: first_payment_percent(bid),
        offer,
    }
}

/// A half is rounded up.
fn first_payment_percent(bid: &BidDetail) -> i64 {
    let first = bid.parts.milestones.first().map_or(bid.parts.amount, |stage| stage.amount);
    (200 * first + bid.parts.amount).checked_div(2 * bid.parts.amount).unwrap_or(100)
}

/// What the cells of a row are.
enum Cells<'a> {
    /// Figures: the lowest and the highest are marked.
    Figures(Vec<Option<i64>>),
    /// Days or instants: the earliest and the latest are marked.
    Times(Vec<Option<i64>>),
    /// Neither: nothing stands out, they only differ or not.
    Texts(Vec<Option<&'a str>>),
}

fn row(by: ComparedBy, bids: &[ComparedBid]) -> ComparedRow {
    let (differs, marks) = match cells(by, bids) {
        Cells::Figures(cells) => (differ(&cells), marked(bids, &cells, Mark::Lowest, Mark::Highest)),
        Cells::Times(cells) => (differ(&cells), marked(bids, &cells, Mark::Earliest, Mark::Latest)),
        Cells::Texts(cells) => (differ(&cells), Vec::new()),
    };
    ComparedRow { by, differs, marks }
}

fn cells(by: ComparedBy, bids: &[ComparedBid]) -> Cells<'_> {
    fn each<'a, T>(bids: &'a [ComparedBid], of: impl Fn(&'a ComparedBid) -> Option<T>) -> Vec<Option<T>> {
        bids.iter().map(of).collect()
    }
    let word = |holds: bool| if holds { "yes" } else { "no" };
    match by {
        ComparedBy::Price => Cells::Figures(each(bids, |bid| Some(bid.offer.bid.parts.amount))),
        ComparedBy::Labour => Cells::Figures(each(bids, |bid| bid.labour)),
        ComparedBy::Material => Cells::Figures(each(bids, |bid| bid.material)),
        ComparedBy::Other => Cells::Figures(each(bids, |bid| bid.other)),
        ComparedBy::StartDate => Cells::Times(each(bids, |bid| {
            let days = |date: chrono::NaiveDate| chrono::Datelike::num_days_from_ce(&date).into();
            bid.offer.bid.parts.start_date.map(days)
        })),
        ComparedBy::DurationDays => {
            Cells::Figures(each(bids, |bid| bid.offer.bid.parts.duration_days.map(i64::from)))
        }
        ComparedBy::Stages => Cells::Figures(each(bids, |bid| Some(bid.stages))),
        ComparedBy::FirstPayment => Cells::Figures(each(bids, |bid| Some(bid.first_payment_percent))),
        ComparedBy::ValidUntil => {
            Cells::Times(each(bids, |bid| bid.offer.bid.parts.valid_until.map(|end| end.timestamp_micros())))
        }
        ComparedBy::Rating => Cells::Figures(each(bids, |bid| Some(bid.offer.bidder.rank.bayesian.into()))),
        ComparedBy::Verified => Cells::Texts(each(bids, |bid| Some(word(bid.offer.bidder.verified)))),
        ComparedBy::Licensed => Cells::Texts(each(bids, |bid| Some(word(bid.offer.bidder.licensed)))),
        ComparedBy::FinishedJobs => Cells::Figures(each(bids, |bid| Some(bid.offer.bidder.finished_jobs))),
        ComparedBy::Distance => Cells::Figures(each(bids, |bid| bid.offer.bidder.metres.map(i64::from))),
        ComparedBy::Terms => Cells::Texts(each(bids, |bid| bid.offer.bid.parts.terms.as_deref())),
    }
}

fn differ<T: PartialEq>(cells: &[Option<T>]) -> bool {
    cells.windows(2).any(|pair| matches!(pair, [one, other] if one != other))
}

/// Whoever shares the least or the most is marked too; where all that say something say the same, nobody is. What cannot be chosen until its bidder
/// says a word stands out from nothing, and nothing from it.
fn marked(bids: &[ComparedBid], cells: &[Option<i64>], least: Mark, most: Mark) -> Vec<(BidId, Mark)> {
    let chosen_from = || bids.iter().zip(cells).filter(|(bid, _)| bid.offer.bid.confirmation.is_none());
    let said = || chosen_from().filter_map(|(_, cell)| *cell);
    let Some((low, high)) = said().min().zip(said().max()).filter(|(low, high)| low < high) else {
        return Vec::new();
    };
    let mark = |cell: &Option<i64>| match cell {
        Some(cell) if *cell == low => Some(least),
        Some(cell) if *cell == high => Some(most),
        _ => None,
    };
    chosen_from().filter_map(|(bid, cell)| Some((bid.offer.bid.id, mark(cell)?))).collect()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use kernel::{Currency, Instant, PartyId, TypedId};
    use uuid::Uuid;

    use super::*;
    use crate::model::{
        BidMilestone, BidParts, BidStatus, BidderFacts, Confirmation, JobField, JobId, Line, Rank,
    };

    fn offer(n: u128, parts: BidParts) -> BidOffer {
        let id = Uuid::from_u128(n);
        let bid = BidDetail {
            id: BidId::from_uuid(id),
            job_id: JobId::from_uuid(Uuid::nil()),
            contractor: PartyId::from_uuid(id),
            status: BidStatus::Submitted,
            revision: 1,
            version: 1,
            currency: Currency::USD,
            parts,
            reason: None,
            submitted_at: Instant::UNIX_EPOCH,
            created_at: Instant::UNIX_EPOCH,
            updated_at: Instant::UNIX_EPOCH,
            confirmed_at: None,
            confirmation: None,
            receipt: String::new(),
            proof: None,
            outcome: None,
        };
        let bidder = BidderFacts {
            id: PartyId::from_uuid(id),
            name: String::new(),
            rank: Rank { reviews: 0, mean: None, bayesian: 400 },
            verified: true,
            licensed: false,
            finished_jobs: 0,
            metres: None,
        };
        BidOffer { bid, bidder }
    }

    fn marks(rows: &[ComparedRow], by: ComparedBy) -> (bool, Vec<(u128, Mark)>) {
        let row = rows.iter().find(|row| row.by == by).unwrap();
        (row.differs, row.marks.iter().map(|(id, mark)| (id.uuid().as_u128(), *mark)).collect())
    }

    #[test]
    fn every_row_is_there_once_and_alike_bids_differ_in_none() {
        let parts = BidParts::in_stages(&[("All", 500)]);
        let (bids, rows) = compare(vec![offer(1, parts.clone()), offer(2, parts)]);
        assert_eq!((bids.len(), rows.len()), (2, ComparedBy::ALL.len()));
        assert!(rows.iter().all(|row| !row.differs && row.marks.is_empty()), "{rows:?}");
        assert!(compare(Vec::new()).1.iter().all(|row| !row.differs));
    }

    #[test]
    fn the_least_and_the_most_are_marked_wherever_they_are_shared() {
        let of = |amount| BidParts { amount, ..BidParts::in_stages(&[]) };
        let (_, rows) =
            compare(vec![offer(1, of(100)), offer(2, of(100)), offer(3, of(200)), offer(4, of(300))]);
        let expected = vec![(1, Mark::Lowest), (2, Mark::Lowest), (4, Mark::Highest)];
        assert_eq!(marks(&rows, ComparedBy::Price), (true, expected));
    }

    #[test]
    fn what_waits_for_a_word_stands_out_from_nothing() {
        let of = |n, amount| offer(n, BidParts { amount, ..BidParts::in_stages(&[]) });
        let mut waits = of(1, 90);
        waits.bid.confirmation =
            Some(Confirmation { asked_at: Instant::UNIX_EPOCH, changed: vec![JobField::Skills] });
        let (_, rows) = compare(vec![of(2, 100), of(3, 200), waits.clone()]);
        assert_eq!(marks(&rows, ComparedBy::Price), (true, vec![(2, Mark::Lowest), (3, Mark::Highest)]));
        let (_, rows) = compare(vec![of(2, 100), waits]);
        assert_eq!(marks(&rows, ComparedBy::Price), (true, vec![]));
    }

    #[test]
    fn what_one_says_and_another_does_not_differs_with_nothing_to_mark() {
        let plain = BidParts::in_stages(&[("All", 500)]);
        let dated = BidParts { start_date: NaiveDate::from_ymd_opt(2030, 1, 2), ..plain.clone() };
        let later = BidParts { start_date: NaiveDate::from_ymd_opt(2030, 1, 3), ..plain.clone() };
        let (_, rows) = compare(vec![offer(1, plain.clone()), offer(2, dated.clone())]);
        assert_eq!(marks(&rows, ComparedBy::StartDate), (true, vec![]));
        let (_, rows) = compare(vec![offer(1, plain), offer(2, dated), offer(3, later)]);
        assert_eq!(marks(&rows, ComparedBy::StartDate), (true, vec![(2, Mark::Earliest), (3, Mark::Latest)]));
    }

    #[test]
    fn lines_are_summed_by_kind_and_the_first_payment_is_a_share() {
        let line = |kind, amount| Line::new(kind, "It", amount).unwrap();
        let stage = |amount| BidMilestone::new("Stage", None, amount, None).unwrap();
        let parts = BidParts {
            lines: vec![
                line(LineKind::Labour, 100),
                line(LineKind::Labour, 50),
                line(LineKind::Material, 50),
            ],
            milestones: vec![stage(67), stage(133)],
            ..BidParts::in_stages(&[("All", 200)])
        };
        let (bids, _) =
            compare(vec![offer(1, parts), offer(2, BidParts { amount: 9, ..BidParts::in_stages(&[]) })]);
        let found: Vec<_> = bids
            .iter()
            .map(|bid| (bid.labour, bid.material, bid.other, bid.stages, bid.first_payment_percent))
            .collect();
        assert_eq!(found, [(Some(150), Some(50), Some(0), 2, 34), (None, None, None, 1, 100)]);
    }
}
