use chrono::{TimeZone, Utc};
use kernel::{BasisPoints, Currency};
use proptest::prelude::*;

use super::*;

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 3, day).unwrap()
}

fn instant() -> Instant {
    Utc.with_ymd_and_hms(2027, 3, 1, 12, 0, 0).unwrap()
}

fn dollars(minor: i64) -> Money {
    Money::new(minor, Currency::USD).unwrap()
}

fn proposal(title: &str, amount: i64, due: Option<NaiveDate>) -> Proposal {
    Proposal { title: title.to_owned(), description: None, amount, due }
}

fn facts(ordinal: i32, amount: i64) -> MilestoneFacts {
    MilestoneFacts {
        id: MilestoneId::new(),
        amount,
        status: MilestoneStatus::Pending,
        title: format!("Part {ordinal}"),
        ordinal,
        due_date: day(1),
    }
}

#[test]
fn a_bid_without_milestones_becomes_one_of_the_whole_price() {
    let planned =
        plan_milestones("New roof", dollars(180_000), &[], Span { start: day(1), days: 10 }).unwrap();
    assert_eq!(planned.len(), 1);
    assert_eq!(
        (planned[0].title.as_str(), planned[0].amount, planned[0].due),
        ("New roof", 180_000, day(11))
    );
}

#[test]
fn milestones_without_a_day_are_spread_evenly() {
    let bid = [
        proposal("a", 1, None),
        proposal("b", 2, Some(day(30))),
        proposal("c", 3, None),
        proposal("d", 4, None),
    ];
    let planned = plan_milestones("x", dollars(10), &bid, Span { start: day(1), days: 10 }).unwrap();
    assert_eq!(planned.iter().map(|one| one.due).collect::<Vec<_>>(), [day(3), day(30), day(8), day(11)]);
    assert_eq!(planned.iter().map(|one| one.ordinal).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn milestones_that_do_not_sum_to_the_price_are_refused() {
    let span = Span { start: day(1), days: 10 };
    assert!(plan_milestones("x", dollars(10), &[proposal("a", 9, None)], span).is_err());
    assert!(
        plan_milestones("x", dollars(10), &[proposal("a", 11, None), proposal("b", -1, None)], span).is_err()
    );
}

#[test]
fn carving_takes_from_the_last_unless_told_otherwise() {
    let (first, second) = (facts(1, 60), facts(2, 40));
    let both = [second.clone(), first.clone()];
    assert_eq!(carve(&both, None, 39), Ok(Carved { from: second.id, keeps: 1, ordinal: 3 }));
    assert_eq!(carve(&both, Some(first.id), 59), Ok(Carved { from: first.id, keeps: 1, ordinal: 3 }));
    assert_eq!(carve(&both, None, 40), Err(CarveRefused::NothingLeft { most: 39 }));
    assert_eq!(carve(&both, Some(MilestoneId::new()), 1), Err(CarveRefused::NoSuchMilestone));
    assert_eq!(carve(&[], None, 1), Err(CarveRefused::NoSuchMilestone));
}

#[test]
fn reminders_come_on_days_five_and_twelve_and_a_day_before_the_end() {
    let plan = ReminderPlan { days: vec![5, 12], last_hours: 24 };
    for (inspection_days, expected) in [
        (14, vec![5, 12, 13]),
        (30, vec![5, 12, 29]),
        // Day 12 and the day before the end are one instant, and one reminder.
        (13, vec![5, 12]),
        (12, vec![5, 11]),
        (6, vec![5]),
        (5, vec![4]),
        (2, vec![1]),
        // The last one would fall on the beginning itself.
        (1, vec![]),
    ] {
        let terms =
            Terms { rules_version: 1, fee: BasisPoints::new(290), inspection_days, auto_release_hours: 24 };
        let ends_at = inspection_ends_at(instant(), &terms);
        assert_eq!(ends_at - instant(), Duration::days(i64::from(inspection_days)));
        let days: Vec<i64> =
            reminders(instant(), ends_at, &plan).iter().map(|at| (*at - instant()).num_days()).collect();
        assert_eq!(days, expected, "{inspection_days} days");
    }
}

#[test]
fn each_side_is_told_what_it_can_do_and_no_more() {
    use MilestoneStatus as M;
    let active = ContractStatus::Active;
    for (status, homeowner, contractor) in [
        (M::Pending, vec!["fund"], vec![]),
        (M::Funded, vec![], vec!["start"]),
        (M::InProgress, vec![], vec!["submit"]),
        (M::Submitted, vec!["approve", "request_changes"], vec![]),
        (M::ChangesRequested, vec![], vec!["submit"]),
        (M::Approved, vec!["release"], vec!["release"]),
        (M::Released, vec![], vec![]),
        (M::Cancelled, vec![], vec![]),
    ] {
        assert_eq!(milestone_actions(active, status, Side::Homeowner), homeowner, "{status:?}");
        assert_eq!(milestone_actions(active, status, Side::Contractor), contractor, "{status:?}");
        assert!(milestone_actions(active, status, Side::Observer).is_empty());
    }
    assert_eq!(milestone_actions(ContractStatus::PendingSignatures, M::Pending, Side::Contractor), ["edit"]);
    assert_eq!(
        contract_actions(ContractStatus::PendingSignatures, Side::Homeowner, false),
        ["sign", "add_milestone", "edit_milestone"]
    );
    assert_eq!(
        contract_actions(ContractStatus::PendingSignatures, Side::Homeowner, true),
        ["add_milestone", "edit_milestone"]
    );
    assert!(contract_actions(ContractStatus::PendingSignatures, Side::Observer, false).is_empty());
}

proptest! {
    /// However often a price is carved up, and from whichever part, the parts sum to it and none is empty.
    #[test]
    fn carving_keeps_the_sum(price in 1_i64..1_000_000, cuts in prop::collection::vec((any::<prop::sample::Index>(), -5_i64..500_000), 0..40)) {
        let mut parts = vec![facts(1, price)];
        for (which, amount) in cuts {
            let source = parts[which.index(parts.len())].clone();
            match carve(&parts, Some(source.id), amount) {
                Ok(carved) => {
                    prop_assert!(amount > 0 && amount < source.amount);
                    prop_assert_eq!(carved.from, source.id);
                    parts.iter_mut().find(|part| part.id == carved.from).unwrap().amount = carved.keeps;
                    parts.push(facts(carved.ordinal, amount));
                }
                Err(CarveRefused::NothingLeft { most }) => {
                    prop_assert!(amount <= 0 || amount >= source.amount);
                    prop_assert_eq!(most, source.amount - 1);
                }
                Err(CarveRefused::NoSuchMilestone) => prop_assert!(false, "it was there"),
            }
            prop_assert_eq!(parts.iter().map(|part| part.amount).sum::<i64>(), price);
            prop_assert!(parts.iter().all(|part| part.amount > 0));
        }
        let mut places: Vec<i32> = parts.iter().map(|part| part.ordinal).collect();
        places.dedup();
        prop_assert_eq!(places.len(), parts.len());
    }

    #[test]
    fn planned_milestones_sum_to_the_price_and_stay_within_the_time(amounts in prop::collection::vec(1_i64..1_000_000, 1..50), days in 0_u32..1_000) {
        let proposals: Vec<Proposal> = amounts.iter().map(|amount| proposal("part", *amount, None)).collect();
        let span = Span { start: day(1), days };
        let planned = plan_milestones("x", dollars(amounts.iter().sum()), &proposals, span).unwrap();
        prop_assert_eq!(planned.iter().map(|one| one.amount).sum::<i64>(), amounts.iter().sum::<i64>());
        prop_assert!(planned.is_sorted_by_key(|one| one.due));
        prop_assert_eq!(planned.last().unwrap().due, day(1) + Days::new(u64::from(days)));
    }
}
