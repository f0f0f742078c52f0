use kernel::PartyId;
use proptest::prelude::*;

use super::*;

const LEAST: Least = Least { jobs: 5, people: 5 };

fn sales(amounts: &[i64]) -> Vec<Sale> {
    let sale = |amount: &i64| Sale { homeowner: PartyId::new(), contractor: PartyId::new(), amount: *amount };
    amounts.iter().map(sale).collect()
}

#[test]
fn amounts_are_told_to_two_digits() {
    for (amount, expected) in [
        (0, 0),
        (7, 7),
        (99, 99),
        (104, 100),
        (105, 110),
        (99_499, 99_000),
        (99_500, 100_000),
        (187_350, 190_000),
        (i64::MAX, 9_200_000_000_000_000_000),
    ] {
        assert_eq!(two_digits(amount), expected, "{amount}");
    }
}

#[test]
fn few_jobs_or_few_people_on_either_side_are_not_enough() {
    let five = sales(&[1, 2, 3, 4, 5]);
    assert!(are_enough_sales(LEAST, &five));
    assert!(!are_enough_sales(LEAST, &five[..4]));
    let one_contractor: Vec<Sale> =
        five.iter().map(|sale| Sale { contractor: five[0].contractor, ..*sale }).collect();
    assert!(!are_enough_sales(LEAST, &one_contractor));
    let one_owner: Vec<Sale> =
        five.iter().map(|sale| Sale { homeowner: five[0].homeowner, ..*sale }).collect();
    assert!(!are_enough_sales(LEAST, &one_owner));
    let owners: Vec<PartyId> = five.iter().map(|sale| sale.homeowner).collect();
    assert!(is_enough_demand(LEAST, &owners) && !is_enough_demand(LEAST, &owners[..4]));
    assert!(!is_enough_demand(LEAST, &[owners[0]; 9]));
}

#[test]
fn what_is_too_small_to_stand_alone_is_told_of_together_or_not_at_all() {
    let facts = |groups: &[(Option<&str>, usize)]| -> Vec<(Option<String>, u8)> {
        let of = |(region, count): &(Option<&str>, usize)| vec![(region.map(str::to_owned), 0); *count];
        groups.iter().flat_map(of).collect()
    };
    let cells = |groups: &[(Option<&str>, usize)]| -> Vec<(Option<String>, usize)> {
        let cells = partition(facts(groups), |facts| facts.len() >= 5);
        cells.into_iter().map(|cell| (cell.region, cell.facts.len())).collect()
    };
    let named = |region: &str, count| (Some(region.to_owned()), count);
    assert_eq!(cells(&[(Some("TX"), 6), (Some("OK"), 4), (Some("NM"), 1)]), [named("TX", 6), (None, 5)]);
    assert_eq!(cells(&[(Some("TX"), 6), (Some("OK"), 4)]), [named("TX", 6)]);
    assert_eq!(cells(&[(None, 5), (Some("TX"), 5)]), [named("TX", 5), (None, 5)]);
    assert_eq!(cells(&[(None, 4)]), []);
}

#[test]
fn months_are_pooled_by_how_many_jobs_they_have() {
    let month = |jobs, median| MarketFigure { jobs, people: 5, p10: 10, p25: 20, median, p75: 80, p90: 90 };
    let pooled = pool(&[month(10, 50), month(30, 70)]).unwrap();
    assert_eq!((pooled.jobs, pooled.people, pooled.median, pooled.p90), (40, 5, 65, 90));
    assert_eq!(pool(&[]), None);
}

#[test]
fn a_month_is_closed_a_day_after_its_end() {
    let month = Month::new("2026-02").unwrap();
    let at = |text: &str| text.parse::<Instant>().unwrap();
    assert!(!has_closed(month, at("2026-03-01T23:59:59Z")));
    assert!(has_closed(month, at("2026-03-02T00:00:00Z")));
    assert_eq!(
        (month.plus(-2).to_string(), month.plus(11).to_string()),
        ("2025-12".into(), "2027-01".into())
    );
    assert_eq!(Month::of_key(month.key()), month);
    for bad in ["2026", "2026-13", "2026-2", "1999-12", "2026-02-01", "02-2026", ""] {
        assert!(Month::new(bad).is_err(), "{bad}");
    }
}

/// A group as somebody could ask for it: a region in a month.
type Group = (usize, usize);

/// Facts of several months and regions, of homeowners and contractors who come back.
fn facts() -> impl Strategy<Value = Vec<(Group, usize, usize)>> {
    let fact = ((0_usize..4, 0_usize..7), 0_usize..12, 0_usize..12);
    prop::collection::vec(fact, 0..220).prop_map(|facts| {
        // The later regions are rarer.
        facts.into_iter().map(|((month, region), a, b)| ((month, region * region / 6), a, b)).collect()
    })
}

/// Reduces published sums to a basis (Gauss, over the rationals, as exact fractions of integers by cross multiplication), and says whether a
/// vector is a combination of them.
struct Span(Vec<Vec<i128>>);

impl Span {
    fn of(published: &[Vec<i128>]) -> Self {
        let mut span = Self(Vec::new());
        for vector in published {
            let rest = span.reduced(vector.clone());
            if rest.iter().any(|value| *value != 0) {
                span.0.push(rest);
            }
        }
        span
    }

    fn reduced(&self, mut vector: Vec<i128>) -> Vec<i128> {
        for row in &self.0 {
            let lead = row.iter().position(|value| *value != 0).unwrap();
            let (factor, own) = (vector[lead], row[lead]);
            if factor != 0 {
                for (value, of_row) in vector.iter_mut().zip(row) {
                    *value = *value * own - of_row * factor;
                }
            }
        }
        vector
    }

    fn tells(&self, vector: Vec<i128>) -> bool {
        self.reduced(vector).iter().all(|value| *value == 0)
    }
}

proptest! {
    /// Whoever adds and subtracts published answers as often as they like never comes to a group that is withheld, nor to any other set of regions and
    /// months that is too small to be seen.
    #[test]
    fn no_sum_or_difference_of_answers_tells_of_a_withheld_group(facts in facts()) {
        let people: Vec<PartyId> = (0..24).map(|_| PartyId::new()).collect();
        let groups: Vec<Group> = (0..4).flat_map(|month| (0..7).map(move |region| (month, region))).collect();
        let sale = |a: usize, b: usize| Sale { homeowner: people[a], contractor: people[12 + b], amount: 1 };
        let mut published = Vec::new();
        let mut seen: Vec<Group> = Vec::new();
        for month in 0..4 {
            let of_month = facts.iter().filter(|((of, _), ..)| *of == month);
            let by_region = of_month.map(|((_, region), a, b)| (Some(region.to_string()), sale(*a, *b)));
            for cell in partition(by_region, |sales| are_enough_sales(LEAST, sales)) {
                prop_assert!(are_enough_sales(LEAST, &cell.facts));
                let inside: Vec<Group> =
                    cell.regions.iter().flatten().map(|region| (month, region.parse().unwrap())).collect();
                published.push(groups.iter().map(|group| i128::from(inside.contains(group))).collect::<Vec<_>>());
                seen.extend(inside);
            }
        }
        // Each group stands in one answer at most: there is nothing to subtract.
        let answers = seen.len();
        seen.sort_unstable();
        seen.dedup();
        prop_assert_eq!(answers, seen.len());
        let span = Span::of(&published);
        let sales_of = |wanted: &[Group]| -> Vec<Sale> {
            facts.iter().filter(|(group, ..)| wanted.contains(group)).map(|(_, a, b)| sale(*a, *b)).collect()
        };
        let there: Vec<Group> = groups.iter().copied().filter(|group| !sales_of(&[*group]).is_empty()).collect();
        // Single groups, pairs of them, and what is left of a month without one of its groups.
        let mut sets: Vec<Vec<Group>> = there.iter().map(|group| vec![*group]).collect();
        for (at, one) in there.iter().enumerate() {
            sets.extend(there[at + 1..].iter().map(|other| vec![*one, *other]));
            sets.push(there.iter().copied().filter(|group| group.0 == one.0 && group != one).collect());
        }
        for set in sets.into_iter().filter(|set| !set.is_empty()) {
            if !are_enough_sales(LEAST, &sales_of(&set)) {
                let vector = groups.iter().map(|group| i128::from(set.contains(group))).collect();
                prop_assert!(!span.tells(vector), "{set:?} can be told from the answers");
            }
        }
    }
}
