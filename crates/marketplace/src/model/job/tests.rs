//! What a job may and may not be.

use super::*;

/// The state machine as a table: everything not listed is impossible.
#[test]
fn a_job_moves_only_along_its_states() {
    let possible = [
        ("DRAFT", JobAction::Edit, "DRAFT"),
        ("DRAFT", JobAction::Publish, "OPEN"),
        ("OPEN", JobAction::Edit, "OPEN"),
        ("OPEN", JobAction::Bid, "OPEN"),
        ("OPEN", JobAction::Cancel, "CANCELLED"),
        ("OPEN", JobAction::Award, "AWARDED"),
        ("OPEN", JobAction::Expire, "EXPIRED"),
        ("AWARDED", JobAction::StartWork, "IN_PROGRESS"),
        ("AWARDED", JobAction::Complete, "COMPLETED"),
        ("AWARDED", JobAction::Expire, "EXPIRED"),
        ("IN_PROGRESS", JobAction::StartWork, "IN_PROGRESS"),
        ("IN_PROGRESS", JobAction::Complete, "COMPLETED"),
    ];
    for status in JobStatus::ALL {
        for action in JobAction::ALL {
            let expected = possible.iter().find(|(from, by, _)| *from == status.as_str() && *by == action);
            assert_eq!(
                status.after(action).map(JobStatus::as_str),
                expected.map(|(_, _, to)| *to),
                "{status} {action:?}"
            );
        }
    }
}

#[test]
fn an_owner_is_told_what_could_be_done() {
    assert_eq!(JobStatus::Draft.allowed(), ["publish", "edit"]);
    assert_eq!(JobStatus::Open.allowed(), ["edit", "cancel", "accept_bid"]);
    assert!(JobStatus::Completed.allowed().is_empty());
}

#[test]
fn a_budget_is_a_range_with_open_ends() {
    for (min, max, faults) in [
        (None, None, 0),
        (Some(5), None, 0),
        (Some(5), Some(5), 0),
        (Some(6), Some(5), 1),
        (Some(-1), Some(100_000_001), 2),
    ] {
        let found = Budget::new(min, max).err().map_or(0, |faults| faults.into_vec().len());
        assert_eq!(found, faults, "{min:?} {max:?}");
    }
}

#[test]
fn an_address_reads_as_one_line() {
    let place = |text| Place::new(text).unwrap();
    let mut address = Address {
        street: place("12 Oak St"),
        unit: None,
        city: place("Austin"),
        region: Some(place("TX")),
        postal_code: Some(place("78701")),
        country: Country::new("US").unwrap(),
        point: None,
    };
    assert_eq!(address.one_line(), "12 Oak St, 78701, Austin, TX, US");
    address.unit = Some(place("Flat 3"));
    assert_eq!(address.one_line(), "12 Oak St, Flat 3, 78701, Austin, TX, US");
}
