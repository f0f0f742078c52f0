use kernel::{PartyId, TypedId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::{Area, JobId, JobStatus, Reveal};

const AUSTIN: (f64, f64) = (30.265, -97.740_506);

fn point((lat, lng): (f64, f64)) -> GeoPoint {
    GeoPoint::new(lat, lng).unwrap()
}

fn today() -> Instant {
    Instant::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn job() -> JobCard {
    JobCard {
        id: JobId::from_uuid(Uuid::nil()),
        homeowner: PartyId::from_uuid(Uuid::nil()),
        status: JobStatus::Open,
        title: "Tile the bathroom".to_owned(),
        category: "tiling".to_owned(),
        skills: vec!["bathroom tiling".to_owned(), "something else".to_owned()],
        area: Area {
            city: "Austin".to_owned(),
            region: None,
            country: "US".to_owned(),
            point: Some(point(AUSTIN)),
        },
        budget: Budget::new(Some(100_000), Some(250_000)).unwrap(),
        currency: Currency::USD,
        urgency: Urgency::Normal,
        wanted_start: None,
        bidding_deadline: Some(today() + TimeDelta::days(10)),
        bidding_closed: false,
        reveal: Reveal::OnArrival,
        published_at: Some(today() - TimeDelta::days(30)),
        created_at: today() - TimeDelta::days(30),
    }
}

/// A contractor of whom nothing is known but that bids are allowed.
fn nobody() -> ContractorSide {
    ContractorSide { service_km: 50, verified: true, busy_from: 5, ..ContractorSide::default() }
}

/// Points and reasons of one change to what is known.
fn told(change: impl FnOnce(&mut ContractorSide, &mut JobCard)) -> (i32, Vec<String>) {
    let (mut side, mut job) = (nobody(), job());
    change(&mut side, &mut job);
    let score = recommendation(&side, &job, today()).unwrap();
    (
        score.points,
        score.reasons.into_iter().map(|reason| format!("{}: {}", reason.code, reason.text)).collect(),
    )
}

fn one(points: i32, reason: &str) -> (i32, Vec<String>) {
    (points, vec![reason.to_owned()])
}

#[test]
fn nothing_in_common_is_worth_nothing() {
    assert_eq!(told(|_, _| {}), (0, vec![]));
}

#[test]
fn trade_licence_and_experience_count() {
    assert_eq!(
        told(|side, _| side.trades.extend(["tiling".to_owned()])),
        one(25, "trade: In your trade: Tiling")
    );
    assert_eq!(told(|side, _| side.trades.extend(["roofing".to_owned()])), (0, vec![]));
    let licensed = one(10, "licensed: Licensed for this trade");
    assert_eq!(told(|side, _| side.licences = vec![None]), licensed);
    assert_eq!(told(|side, _| side.licences = vec![Some("tiling".to_owned())]), licensed);
    assert_eq!(told(|side, _| side.licences = vec![Some("roofing".to_owned())]), (0, vec![]));
    for (finished, points, text) in
        [(1, 1, "experience: 1 job like it finished"), (12, 10, "experience: 12 jobs like it finished")]
    {
        assert_eq!(
            told(|side, _| side.finished.extend([("tiling".to_owned(), finished)])),
            one(points, text)
        );
    }
}

#[test]
fn a_licence_without_the_right_to_bid_is_none() {
    let told = told(|side, _| {
        side.licences = vec![None];
        side.verified = false;
    });
    assert_eq!(
        told,
        one(0, "not_verified: You cannot bid until your licence and insurance have been checked")
    );
}

#[test]
fn skills_count_by_their_share_however_they_are_written() {
    let key = skill_key("Bathroom_Tiling");
    assert_eq!(key, skill_key("bathroom tiling"));
    assert_eq!(skill_key("Something-ELSE"), "something-else");
    assert_eq!(
        told(|side, _| side.skills.extend([key.clone()])),
        one(8, "skills: You have 1 of the 2 skills asked for")
    );
    let all = told(|side, _| side.skills.extend([key.clone(), "something-else".to_owned()]));
    assert_eq!(all, one(15, "skills: You have all 2 skills asked for"));
    let single = told(|side, job| {
        side.skills.insert(key.clone());
        job.skills.truncate(1);
    });
    assert_eq!(single, one(15, "skills: You have the skill asked for"));
}

#[test]
fn nearness_counts_within_the_area_that_is_served() {
    let north = |km: f64| point((AUSTIN.0 + km / 111.195, AUSTIN.1));
    for (km, points, text) in [
        (0.0, 20, "distance: Less than 1 km away"),
        (4.0, 20, "distance: 4 km away"),
        (27.4, 10, "distance: 27 km away"),
        (49.9, 0, "distance: 50 km away"),
    ] {
        assert_eq!(told(|side, _| side.point = Some(north(km))), one(points, text), "{km}");
    }
    let beyond = ContractorSide { point: Some(north(50.1)), ..nobody() };
    assert_eq!(recommendation(&beyond, &job(), today()), None);
    assert_eq!(told(|side, job| (side.point, job.area.point) = (Some(north(0.0)), None)), (0, vec![]));
}

#[test]
fn the_budget_is_held_against_what_the_contractor_won_at() {
    let won = |amounts: &[i64]| amounts.iter().map(|amount| (Currency::USD, *amount)).collect::<Vec<_>>();
    let usual = one(10, "budget: The budget is what you usually win at");
    assert_eq!(told(|side, _| side.wins = won(&[90_000, 120_000, 900_000])), usual);
    let nearly = one(5, "budget: The budget is near what you usually win at");
    assert_eq!(told(|side, _| side.wins = won(&[400_000, 450_000, 460_000, 900_000])), nearly);
    assert_eq!(told(|side, _| side.wins = won(&[600_000, 600_000, 600_000])), (0, vec![]));
    assert_eq!(told(|side, _| side.wins = won(&[120_000, 120_000])), (0, vec![]), "two are no habit");
    assert_eq!(told(|side, _| side.wins = vec![("EUR".parse().unwrap(), 120_000); 5]), (0, vec![]));
    let unnamed = told(|side, job| {
        side.wins = won(&[120_000; 3]);
        job.budget = Budget::new(None, None).unwrap();
    });
    assert_eq!(unnamed, (0, vec![]));
}

#[test]
fn what_is_new_or_about_to_close_comes_first_and_what_begins_too_soon_later() {
    for (hours, points, text) in [
        (1, 5, "fresh: Posted within a day"),
        (24, 5, "fresh: Posted a day ago"),
        (72, 4, "fresh: Posted 3 days ago"),
        (14 * 24, 1, "fresh: Posted 14 days ago"),
    ] {
        assert_eq!(
            told(|_, job| job.published_at = Some(today() - TimeDelta::hours(hours))),
            one(points, text)
        );
    }
    assert_eq!(told(|_, job| job.published_at = Some(today() - TimeDelta::days(15))), (0, vec![]));
    let closing = told(|_, job| job.bidding_deadline = Some(today() + TimeDelta::hours(48)));
    assert_eq!(closing, one(5, "closing: Bidding ends within two days"));

    let busy = one(-20, "busy: You have 5 jobs under way, and this one is to begin soon");
    assert_eq!(told(|side, job| (side.under_way, job.urgency) = (5, Urgency::Urgent)), busy);
    let start = today().date_naive() + TimeDelta::days(14);
    assert_eq!(told(|side, job| (side.under_way, job.wanted_start) = (5, Some(start))), busy);
    assert_eq!(told(|side, job| (side.under_way, job.urgency) = (4, Urgency::Urgent)), (0, vec![]));
    assert_eq!(told(|side, _| side.under_way = 5), (0, vec![]));
}

proptest! {
    /// No combination earns more than the table says, and nearer is never worth less.
    #[test]
    fn points_stay_within_the_table(
        km in 0.0_f64..60.0, finished in 0_i64..40, wins in prop::collection::vec(1_i64..1_000_000, 0..10),
        days in 0_i64..60, left in 0_i64..96, under_way in 0_i64..10, verified: bool,
    ) {
        let mut side = ContractorSide { verified, under_way, licences: vec![None], ..nobody() };
        side.trades.insert("tiling".to_owned());
        side.finished.insert("tiling".to_owned(), finished);
        side.wins = wins.into_iter().map(|amount| (Currency::USD, amount)).collect();
        side.point = Some(point((AUSTIN.0 + km / 111.195, AUSTIN.1)));
        let job = JobCard {
            published_at: Some(today() - TimeDelta::days(days)),
            bidding_deadline: Some(today() + TimeDelta::hours(left)),
            urgency: Urgency::Emergency,
            ..job()
        };
        if let Some(score) = recommendation(&side, &job, today()) {
            prop_assert!((-20..=100).contains(&score.points));
            let nearer = ContractorSide { point: job.area.point, ..side };
            prop_assert!(recommendation(&nearer, &job, today()).unwrap().points >= score.points);
        }
    }
}
