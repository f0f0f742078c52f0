use identity::geo::GeoPoint;

use super::*;
use crate::rules::vocabulary::Published;

fn million(counted: &[(&str, f64)]) -> Vocabulary {
    let counted: Vec<(String, f64)> =
        counted.iter().map(|(word, share)| ((*word).to_owned(), *share)).collect();
    Vocabulary::new(1_000_000.0, &counted)
}

fn nothing() -> Ticked<'static> {
    Ticked {
        trade: None,
        skills: &[],
        urgency: &[],
        currency: None,
        budget: Budget::default(),
        circle: None,
        posted_since: None,
        now: noon(),
    }
}

fn noon() -> Instant {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

#[test]
fn common_words_are_met_by_walking_and_rare_ones_looked_up() {
    let days: Vec<(String, f64)> = (20_700..=20_779).map(|day| (format!("day1{day}"), 0.0125)).collect();
    let days: Vec<(&str, f64)> = days.iter().map(|(tag, share)| (tag.as_str(), *share)).collect();
    let vocabulary = million(&days);
    let guess = |share: f64| Guess::new(&vocabulary, Some(Share::of_one(share)), nothing());
    assert_eq!(guess(0.274).newest(500), Way::Walk);
    assert_eq!(guess(0.02).newest(500), Way::INDEX);
    assert_eq!(guess(0.000_6).newest(500), Way::INDEX);
    let latest = |share: f64| Latest::holding(guess(share).part_with(500), noon(), &vocabulary).tags;
    assert_eq!(
        latest(0.2),
        ["hours1166236", "hours1166235", "hours1166234", "hours1166233"],
        "650 of 200,000: 312 in three hours, and one stretch that has just begun"
    );
    assert_eq!(latest(0.02).last().unwrap(), "day120776", "650 of the 20,000 are looked for, 250 a day");
    assert!(latest(0.000_6).is_empty(), "there are no more than 600");
    let published = |newest: &str, counts: &[(i64, i64)], has_older| {
        let counts = counts.iter().copied().collect();
        let latest = Published { newest: newest.parse().unwrap(), counts, has_older };
        let vocabulary = million(&days).with_latest(Some(latest));
        Latest::holding(guess(0.2).part_with(500), noon(), &vocabulary)
    };
    let (busy, quiet) =
        ([(166_231, 9_000), (166_230, 9_000)], [(166_236, 3), (166_231, 2_000), (166_230, 9_000)]);
    assert_eq!(published("2026-11-21T23:59:59Z", &busy, true).tags.len(), 6, "back to where the newest are");
    let after_a_quiet_night = published("2026-11-22T12:00:00Z", &quiet, false);
    assert_eq!(
        after_a_quiet_night.tags.len(),
        7,
        "two thousand and three are too few: {after_a_quiet_night:?}"
    );
    assert!((after_a_quiet_night.part - 0.011).abs() < 1e-5, "{after_a_quiet_night:?}");
    assert_eq!(further(150, 0, 0.01, 0.5), 1.0, "hardly any, as expected");
    assert!(
        further(150, 0, 0.01, 50.0) < 0.1,
        "fifty were expected: the part was emptier than it was taken to be"
    );
    let walked = further(500, 50, 0.006, 60.0);
    assert!((0.053..0.055).contains(&walked), "ten times as far: {walked}");
}

#[test]
fn in_a_dense_city_the_squares_are_walked_and_rare_words_looked_up() {
    let circle = Circle { centre: GeoPoint::new(40.75, -73.95).unwrap(), metres: 25_000 };
    let cells = squares_around(circle, CELLS_A_DEGREE, CELLS_MAX).unwrap();
    assert!((25..=56).contains(&cells.len()), "{}", cells.len());
    let blocks = squares_around(circle, BLOCKS_A_DEGREE, CELLS_MAX).unwrap();
    let tags: Vec<String> = blocks.iter().map(|block| block_tag(None, *block)).collect();
    let share = 0.1 / f64::from(u32::try_from(blocks.len()).unwrap());
    let dense = million(&tags.iter().map(|tag| (tag.as_str(), share)).collect::<Vec<_>>());
    let around = Ticked { circle: Some(circle), ..nothing() };
    assert_eq!(Guess::new(&dense, None, around).newest(21), Way::Walk);
    let sparse = million(&[]);
    assert_eq!(Guess::new(&sparse, None, around).newest(21), Way::Cells);
    assert!(matches!(Guess::new(&dense, Some(Share::of_one(0.000_6)), around).newest(500), Way::Index(_)));
    let far = Circle { metres: 500_000, ..circle };
    assert_eq!(squares_around(far, CELLS_A_DEGREE, CELLS_MAX), None);
}

#[test]
fn what_hardly_any_job_has_is_looked_up_in_every_order() {
    let vocabulary = million(&[("currency1USD", 0.9), ("currency1CAD", 0.1), ("upto1USD11", 0.3)]);
    let in_currency = |code: &str| Ticked { currency: Some(code.parse().unwrap()), ..nothing() };
    let guess = |ticked| Guess::new(&vocabulary, None, ticked);
    let budget = |least| Budget::new(Some(least), None).unwrap();
    for common in
        [in_currency("USD"), in_currency("CAD"), Ticked { budget: budget(2_000_000), ..in_currency("USD") }]
    {
        assert_eq!(
            (guess(common).sorted(21), guess(common).newest(21)),
            (Way::Walk, Way::Walk),
            "{common:?}"
        );
    }
    let walked = |found| Walked { is_newest: false, visited: 6_000, found };
    let usd = guess(in_currency("USD"));
    assert_eq!(usd.after_walk(1, walked(20)), Way::Walk, "one more");
    assert_eq!(usd.after_walk(21, walked(0)), Way::Walk, "by the index, nearly all would be fetched");
    let cad = guess(in_currency("CAD"));
    assert_eq!(cad.after_walk(21, walked(0)), Way::Walk);
    assert_eq!(guess(in_currency("CHF")).after_walk(21, walked(0)), Way::INDEX);
    for rare in [in_currency("CHF"), Ticked { budget: budget(50_000_000), ..in_currency("USD") }] {
        assert_eq!((guess(rare).sorted(21), guess(rare).newest(21)), (Way::INDEX, Way::INDEX), "{rare:?}");
    }
    let just_now = Ticked { posted_since: Some("2026-11-22T11:00:00Z".parse().unwrap()), ..nothing() };
    let Way::Index(latest) = guess(just_now).sorted(21) else { panic!("few were posted within the hour") };
    assert_eq!(
        (latest.tags, latest.since),
        (vec!["hours1166236".to_owned(), "hours1166235".to_owned()], None)
    );
    let uncounted = Guess::new(&million(&[]), None, in_currency("USD"));
    assert_eq!(uncounted.sorted(21), Way::Walk, "everybody pays in it as far as anybody knows");
}

#[test]
fn the_nearest_are_looked_for_one_by_one_only_where_they_are_few() {
    let centre = GeoPoint::new(40.75, -73.95).unwrap();
    let circle = Circle { centre, metres: 500_000 };
    let blocks = squares_around(circle, BLOCKS_A_DEGREE, BLOCKS_MAX).unwrap();
    assert!(blocks.len() > BLOCK_TAGS_MAX, "the index is not asked for so many: {}", blocks.len());
    let around = |holds: f64| {
        let share = holds / f64::from(u32::try_from(blocks.len()).unwrap());
        let counted = blocks.iter().map(|block| (block_tag(None, *block), share));
        let mut counted: Vec<(String, f64)> = counted.collect();
        counted.extend([("currency1USD".to_owned(), 0.9), ("currency1CAD".to_owned(), 0.1)]);
        Vocabulary::new(1_000_000.0, &counted)
    };
    let guess = |holds: f64, currency: Option<&str>| {
        let currency = currency.map(|code| code.parse().unwrap());
        Guess::new(&around(holds), None, Ticked { currency, circle: Some(circle), ..nothing() })
    };
    assert_eq!(guess(0.2, Some("CAD")).nearest_within(64_000, circle), Way::Walk, "some three thousand");
    assert_eq!(guess(0.2, Some("CAD")).nearest_within(250_000, circle), Way::INDEX);
    for (holds, currency) in [(0.2, Some("USD")), (0.0, Some("USD")), (0.0, Some("CAD")), (0.2, None)] {
        let way = guess(holds, currency).nearest_within(500_000, circle);
        assert_eq!(way, Way::Walk, "all about the place are fewer: {holds} {currency:?}");
    }
    assert_eq!(guess(0.2, Some("CHF")).nearest(21), Way::INDEX);
    let nowhere = guess(0.0, Some("USD"));
    assert_eq!((nowhere.newest(21), nowhere.sorted(21)), (Way::Box, Way::Box), "nothing lies there");
    let walked = |found| Walked { is_newest: true, visited: 6_000, found };
    let wide = guess(0.2, None);
    assert_eq!(wide.after_walk(21, walked(0)), Way::Box, "hardly anything lies there");
    assert_eq!(wide.after_walk(1_001, walked(600)), Way::Walk, "a tenth of all does");
}
