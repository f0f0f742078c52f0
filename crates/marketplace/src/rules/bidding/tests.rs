use chrono::TimeDelta;
use kernel::{Currency, Faults, Instant, PartyId, TypedId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::{Area, Budget, JobId, Title, Urgency};

const DEADLINE: TimeDelta = TimeDelta::days(14);

fn at(ahead: TimeDelta) -> Instant {
    Instant::UNIX_EPOCH + TimeDelta::days(10_000) + ahead
}

fn party(n: u128) -> PartyId {
    PartyId::from_uuid(Uuid::from_u128(n))
}

fn job(status: JobStatus, reveal: Reveal) -> PublicJob {
    PublicJob {
        id: JobId::from_uuid(Uuid::from_u128(1)),
        homeowner: party(1),
        contractor: None,
        status,
        title: "Tile the bathroom".to_owned(),
        description: "All of it".to_owned(),
        category: "tiling".to_owned(),
        skills: vec![],
        area: Area { city: "Austin".to_owned(), region: None, country: "US".to_owned(), point: None },
        budget: Budget::default(),
        currency: Currency::USD,
        urgency: Urgency::Normal,
        wanted_start: None,
        bidding_deadline: Some(at(DEADLINE)),
        accept_until: (status != JobStatus::Draft).then(|| at(DEADLINE + TimeDelta::days(14))),
        reveal,
        published_at: None,
        version: 1,
        created_at: at(TimeDelta::zero()),
        updated_at: at(TimeDelta::zero()),
    }
}

fn places(faults: Faults) -> Vec<String> {
    faults.into_vec().into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
}

#[test]
fn a_deadline_is_an_hour_to_ninety_days_ahead_and_fourteen_days_by_default() {
    let settings = Settings::default();
    let now = at(TimeDelta::zero());
    assert_eq!(bidding_deadline(&settings, None, now), Ok(at(TimeDelta::days(14))));
    for (ahead, good) in [
        (TimeDelta::hours(1) - TimeDelta::microseconds(1), false),
        (TimeDelta::hours(1), true),
        (TimeDelta::days(90), true),
        (TimeDelta::days(90) + TimeDelta::microseconds(1), false),
        (TimeDelta::days(-1), false),
    ] {
        assert_eq!(bidding_deadline(&settings, Some(at(ahead)), now).is_ok(), good, "{ahead}");
    }
}

#[test]
fn the_deadline_itself_is_too_late() {
    let instant = TimeDelta::microseconds(1);
    for (now, closed) in [(DEADLINE - instant, false), (DEADLINE, true), (DEADLINE + instant, true)] {
        let facts = (&job(JobStatus::Open, Reveal::AtClose)).into();
        assert_eq!(bidding_closed(JobStatus::Open, Some(at(DEADLINE)), at(now)), closed, "{now}");
        assert_eq!(revealed(Reveal::AtClose, Some(at(DEADLINE)), at(now)), closed, "{now}");
        assert_eq!(may_bid(&facts, party(2), at(now)).is_err(), closed, "{now}");
    }
    assert!(revealed(Reveal::OnArrival, Some(at(DEADLINE)), at(TimeDelta::zero())));
    assert!(!bidding_closed(JobStatus::Awarded, Some(at(DEADLINE)), at(DEADLINE)));
}

#[test]
fn nobody_bids_on_their_own_job_nor_on_one_that_is_not_open() {
    let facts = |status| (&job(status, Reveal::OnArrival)).into();
    assert!(matches!(may_bid(&facts(JobStatus::Open), party(1), at(TimeDelta::zero())), Err(Error::OwnJob)));
    for status in JobStatus::ALL {
        let may = may_bid(&facts(*status), party(2), at(TimeDelta::zero()));
        assert_eq!(may.is_ok(), *status == JobStatus::Open, "{status}");
    }
}

#[test]
fn a_bid_is_chosen_by_the_owner_after_the_reveal_and_in_time() {
    let code = |job: &PublicJob, owner, bid, now: TimeDelta| {
        may_award(&job.into(), party(owner), bid, at(now)).map_err(|error| kernel::Classify::code(&error))
    };
    let (open, sealed) = (job(JobStatus::Open, Reveal::OnArrival), job(JobStatus::Open, Reveal::AtClose));
    let (early, end) = (TimeDelta::zero(), DEADLINE + TimeDelta::days(14));
    let waiting = BidStatus::Submitted;
    assert_eq!(code(&open, 1, waiting, early), Ok(()));
    assert_eq!(code(&open, 2, waiting, early), Err("bid_not_found"));
    assert_eq!(code(&sealed, 1, waiting, early), Err("bid_not_found"));
    assert_eq!(code(&sealed, 1, waiting, DEADLINE), Ok(()));
    assert_eq!(code(&open, 1, waiting, end - TimeDelta::microseconds(1)), Ok(()));
    assert_eq!(code(&open, 1, waiting, end), Err("acceptance_closed"));
    assert_eq!(code(&open, 1, BidStatus::Withdrawn, early), Err("bid_state"));
    assert_eq!(code(&job(JobStatus::Awarded, Reveal::OnArrival), 1, waiting, early), Err("job_state"));
}

#[test]
fn a_draft_can_be_changed_in_everything() {
    let patch = JobPatch {
        title: Some(Title::new("Another title").unwrap()),
        currency: Some("EUR".parse().unwrap()),
        reveal: Some(Reveal::AtClose),
        bidding_deadline: Some(at(TimeDelta::days(2))),
        budget_max: Some(Some(900)),
        ..JobPatch::default()
    };
    let after =
        edited(&Settings::default(), job(JobStatus::Draft, Reveal::OnArrival), &patch, at(TimeDelta::zero()))
            .unwrap();
    assert_eq!(
        (after.title.as_str(), after.currency.code(), after.reveal),
        ("Another title", "EUR", Reveal::AtClose)
    );
    assert_eq!((after.bidding_deadline, after.accept_until), (Some(at(TimeDelta::days(2))), None));
    assert_eq!(after.budget.max(), Some(900));
}

#[test]
fn once_published_what_bidders_rely_on_is_fixed() {
    let faults = |reveal, patch: &JobPatch| {
        let result = edited(&Settings::default(), job(JobStatus::Open, reveal), patch, at(TimeDelta::zero()));
        match result {
            Ok(_) => vec![],
            Err(Error::Invalid(faults)) => places(faults),
            Err(other) => panic!("{other}"),
        }
    };
    let all = JobPatch {
        currency: Some("EUR".parse().unwrap()),
        reveal: Some(Reveal::AtClose),
        bidding_deadline: Some(at(TimeDelta::days(13))),
        budget_min: Some(Some(-1)),
        ..JobPatch::default()
    };
    assert_eq!(
        faults(Reveal::OnArrival, &all),
        ["/currency fixed", "/reveal fixed", "/biddingDeadline only_later", "/budgetMin out_of_range"]
    );
    let deadline =
        |days| JobPatch { bidding_deadline: Some(at(TimeDelta::days(days))), ..JobPatch::default() };
    assert!(faults(Reveal::OnArrival, &deadline(15)).is_empty());
    assert_eq!(faults(Reveal::OnArrival, &deadline(91)), ["/biddingDeadline out_of_range"]);
    assert_eq!(faults(Reveal::AtClose, &deadline(15)), ["/biddingDeadline fixed"]);
    // Saying what is so already changes nothing.
    let same = JobPatch { reveal: Some(Reveal::AtClose), currency: Some(Currency::USD), ..deadline(14) };
    assert!(faults(Reveal::AtClose, &same).is_empty());
}

#[test]
fn a_later_deadline_moves_the_end_of_acceptance_with_it() {
    let patch = JobPatch { bidding_deadline: Some(at(TimeDelta::days(20))), ..JobPatch::default() };
    let after =
        edited(&Settings::default(), job(JobStatus::Open, Reveal::OnArrival), &patch, at(TimeDelta::zero()))
            .unwrap();
    assert_eq!(after.accept_until, Some(at(TimeDelta::days(34))));
}

#[test]
fn nothing_is_edited_after_the_award() {
    for status in JobStatus::ALL {
        let editable = matches!(status, JobStatus::Draft | JobStatus::Open);
        let result = edited(
            &Settings::default(),
            job(*status, Reveal::OnArrival),
            &JobPatch::default(),
            at(TimeDelta::zero()),
        );
        assert_eq!(result.is_ok(), editable, "{status}");
    }
}

#[test]
fn an_amount_is_within_limits_and_in_the_jobs_currency() {
    let settings = Settings::default();
    let euro: Currency = "EUR".parse().unwrap();
    for (amount, currency, expected) in [
        (99, None, vec!["/amount out_of_range"]),
        (100, None, vec![]),
        (100_000_000, Some(Currency::USD), vec![]),
        (100_000_001, Some(euro), vec!["/amount out_of_range", "/currency currency_mismatch"]),
    ] {
        let found =
            check_amount(&settings, amount, currency, Currency::USD).err().map(places).unwrap_or_default();
        assert_eq!(found, expected, "{amount}");
    }
}

proptest! {
    #[test]
    fn whoever_publishes_now_has_time_to_bid_and_to_choose(ahead in proptest::option::of(-10_i64..200 * 24)) {
        let settings = Settings::default();
        let now = at(TimeDelta::zero());
        let wanted = ahead.map(|hours| now + TimeDelta::hours(hours));
        match bidding_deadline(&settings, wanted, now) {
            Ok(deadline) => {
                prop_assert!(deadline >= now + TimeDelta::hours(1) && deadline <= now + TimeDelta::days(90));
                prop_assert!(acceptance_ends(&settings, deadline) > deadline);
            }
            Err(_) => prop_assert!(ahead.is_some_and(|hours| !(1..=90 * 24).contains(&hours))),
        }
    }
}
