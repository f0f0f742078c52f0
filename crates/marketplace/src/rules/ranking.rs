//! Which bid is recommended first, and why.
//!
//! Each bid is given points for six things, of 100 in all. The weights are this table and nothing else:
//!
//! | part | of | all of it | none of it |
//! |---|---|---|---|
//! | `price` | 30 | a quarter or more below the middle | a quarter or more above it |
//! | `rating` | 25 | a Bayesian mean of 5.00 | 3.00 or less |
//! | `papers` | 15 | a licence for this trade, checked and in force | nothing checked; 10 for papers of no stated or another trade |
//! | `experience` | 15 | ten or more jobs of this trade finished here | none |
//! | `distance` | 10 | within 5 km | 50 km or more, or not known |
//! | `start` | 5 | starts by the day that the owner wants | later, or not said; all of it when the owner named no day |
//!
//! The middle is the market's median for the trade and place, where there is one, and otherwise the median of the bids themselves. What lies
//! between two ends of a row earns in proportion. A price so far below the others that it lies outside Tukey's fences, or below what nine in ten
//! are paid in the market, earns no more for it than the middle does: it is a question before it is an advantage.

use super::market::MarketFigure;
use super::reasons::{Reason, Score};
use super::spread::Spread;
use crate::model::Rank;

crate::model::words! {
    /// What bids are given points for.
    Part {
        /// The price beside the middle.
        Price = "price",
        /// What the bidder's reviews come to.
        Rating = "rating",
        /// Checked papers.
        Papers = "papers",
        /// Jobs of this trade finished here.
        Experience = "experience",
        /// How near the bidder is.
        Distance = "distance",
        /// Whether work starts in time.
        Start = "start",
    }
}

impl Part {
    /// The most points for it; all of them are 100.
    #[must_use]
    pub const fn weight(self) -> i64 {
        match self {
            Self::Price => 30,
            Self::Rating => 25,
            Self::Papers => 15,
            Self::Experience => 15,
            Self::Distance => 10,
            Self::Start => 5,
        }
    }
}

/// What of the papers' points is for papers that are not for this trade.
const PAPERS_OF_ANY_TRADE: i64 = 10;
/// The mean from which on reviews earn points, and that of all points, in hundredths of a star.
const STARS: (i64, i64) = (300, 500);
/// As many finished jobs earn all points.
const JOBS_ENOUGH: i64 = 10;
/// How near earns all points and how far none, in metres.
const METRES: (i64, i64) = (5_000, 50_000);
/// How far from the middle, in percent of it, a price earns all points or none.
const PRICE_PERCENT: i64 = 25;
/// From how many reviews on the mean is told as a reason.
const REVIEWS_TOLD: i32 = 1;

/// What a bid is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The price, in minor units.
    pub price: i64,
    /// What the bidder's reviews come to.
    pub rank: Rank,
    /// Whether papers were checked and hold.
    pub verified: bool,
    /// Whether a licence for the trade is among them.
    pub licensed: bool,
    /// Jobs of this trade finished here.
    pub finished_jobs: i64,
    /// How far the bidder is; none when it is not known.
    pub metres: Option<i32>,
    /// Whether work would start by the day that the owner wants; none when the owner named none.
    pub in_time: Option<bool>,
}

/// What a price is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Against {
    /// The middle.
    pub middle: i64,
    /// Whose middle it is.
    pub whose: Middle,
    /// A price below this is a question.
    pub suspect_below: Option<i64>,
}

/// Whose median prices are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Middle {
    /// The market's, for the trade and place.
    Market,
    /// That of the bids themselves.
    Bids,
}

/// A bid with its points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Points of 100, and what speaks for and against the bid.
    pub score: Score,
    /// The points for each part.
    pub parts: Vec<(Part, i64)>,
}

/// What these bids' prices are held against: the market where there is a figure of it, the bids themselves otherwise. What is far below either is a question.
#[must_use]
pub fn against(bids: &Spread, market: Option<&MarketFigure>) -> Against {
    let fence = bids.fences.map(|(lower, _)| lower);
    match market {
        Some(market) => Against {
            middle: market.median,
            whose: Middle::Market,
            suspect_below: fence.max(Some(market.p10)),
        },
        None => Against { middle: bids.median, whose: Middle::Bids, suspect_below: fence },
    }
}

/// The points of one bid, with what they are for.
#[must_use]
pub fn score(offer: &Offer, against: &Against) -> Ranked {
    let mut reasons = Vec::new();
    let mut points = |part: Part| {
        let (earned, reason) = match part {
            Part::Price => price(offer.price, against),
            Part::Rating => rating(offer.rank),
            Part::Papers => papers(offer),
            Part::Experience => experience(offer.finished_jobs),
            Part::Distance => distance(offer.metres),
            Part::Start => start(offer.in_time),
        };
        reasons.extend(reason);
        (part, earned)
    };
    let parts: Vec<(Part, i64)> = Part::ALL.iter().map(|part| points(*part)).collect();
    let total = parts.iter().map(|(_, points)| points).sum::<i64>();
    Ranked { score: Score { points: i32::try_from(total).unwrap_or(i32::MAX), reasons }, parts }
}

/// The bids with the most points first; of equal points the lower price, of equal prices the one that came first, which is their order here.
#[must_use]
pub fn rank_offers<T>(offers: Vec<(T, Offer)>, against: &Against) -> Vec<(T, Ranked)> {
    let mut ranked: Vec<(T, i64, Ranked)> =
        offers.into_iter().map(|(bid, offer)| (bid, offer.price, score(&offer, against))).collect();
    ranked.sort_by_key(|(_, price, ranked)| (std::cmp::Reverse(ranked.score.points), *price));
    ranked.into_iter().map(|(bid, _, ranked)| (bid, ranked)).collect()
}

fn price(price: i64, against: &Against) -> (i64, Option<Reason>) {
    let Against { middle, whose, suspect_below } = *against;
    let of = match whose {
        Middle::Market => "the middle of the market here",
        Middle::Bids => "the middle of the bids",
    };
    // How far above the middle, in percent of it.
    let percent = percent_above(price, middle);
    let suspect = suspect_below.is_some_and(|low| price < low);
    let counted = if suspect { 0 } else { percent };
    let earned = between(-counted, (-PRICE_PERCENT, PRICE_PERCENT), Part::Price);
    let reason = match percent {
        ..0 if suspect => Reason {
            code: "price_far_below",
            text: format!("{} % below {of}: ask what it leaves out", -percent),
        },
        ..0 => Reason { code: "price_below", text: format!("{} % below {of}", -percent) },
        0 => Reason { code: "price_usual", text: format!("at {of}") },
        _ => Reason { code: "price_above", text: format!("{percent} % above {of}") },
    };
    (earned, Some(reason))
}

/// How far a price is above a middle, in percent of it; below zero when it is below.
#[must_use]
pub fn percent_above(price: i64, middle: i64) -> i64 {
    divided((price - middle) * 100, middle.max(1))
}

fn rating(rank: Rank) -> (i64, Option<Reason>) {
    let earned = between(rank.bayesian.into(), STARS, Part::Rating);
    let reason = match rank.mean.filter(|_| rank.reviews >= REVIEWS_TOLD) {
        Some(mean) => {
            let (whole, rest, noun) = (mean / 100, mean % 100, plural(rank.reviews.into(), "review"));
            Reason { code: "rating", text: format!("{whole}.{rest:02} stars from {noun}") }
        }
        None => Reason { code: "no_reviews", text: "no reviews yet".to_owned() },
    };
    (earned, Some(reason))
}

fn papers(offer: &Offer) -> (i64, Option<Reason>) {
    let (earned, code, text) = match (offer.verified, offer.licensed) {
        (true, true) => (Part::Papers.weight(), "licensed", "licensed for this trade"),
        (true, false) => (PAPERS_OF_ANY_TRADE, "verified", "licence and insurance checked"),
        (false, _) => (0, "not_verified", "licence and insurance have run out or were not checked"),
    };
    (earned, Some(Reason { code, text: text.to_owned() }))
}

fn experience(finished: i64) -> (i64, Option<Reason>) {
    let earned = between(finished, (0, JOBS_ENOUGH), Part::Experience);
    let noun = if finished == 1 { "job" } else { "jobs" };
    let told = (finished > 0)
        .then(|| Reason { code: "finished_jobs", text: format!("{finished} {noun} like it finished") });
    (earned, told)
}

fn distance(metres: Option<i32>) -> (i64, Option<Reason>) {
    let Some(metres) = metres.map(i64::from) else { return (0, None) };
    let earned = between(-metres, (-METRES.1, -METRES.0), Part::Distance);
    let text = match divided(metres, 1_000) {
        0 => "less than 1 km away".to_owned(),
        km => format!("{km} km away"),
    };
    (earned, Some(Reason { code: "distance", text }))
}

fn start(in_time: Option<bool>) -> (i64, Option<Reason>) {
    let told = |code, text: &str| Some(Reason { code, text: text.to_owned() });
    match in_time {
        None => (Part::Start.weight(), None),
        Some(true) => (Part::Start.weight(), told("starts_in_time", "starts by the day you want")),
        Some(false) => (0, told("starts_late", "does not promise to start by the day you want")),
    }
}

/// A part's points for a figure between the one that earns none and the one that earns all.
fn between(figure: i64, (none, all): (i64, i64), part: Part) -> i64 {
    divided(part.weight() * (figure.clamp(none, all) - none), all - none)
}

/// A half is rounded up.
fn divided(amount: i64, by: i64) -> i64 {
    (2 * amount + by).div_euclid(2 * by)
}

fn plural(count: i64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usual() -> Offer {
        Offer {
            price: 1_000,
            rank: Rank { reviews: 0, mean: None, bayesian: 400 },
            verified: true,
            licensed: false,
            finished_jobs: 0,
            metres: None,
            in_time: None,
        }
    }

    const BIDS: Against = Against { middle: 1_000, whose: Middle::Bids, suspect_below: None };

    fn points(offer: Offer, against: Against, part: Part) -> i64 {
        score(&offer, &against).parts.into_iter().find(|(of, _)| *of == part).unwrap().1
    }

    #[test]
    fn the_weights_are_a_hundred_in_all() {
        assert_eq!(Part::ALL.iter().map(|part| part.weight()).sum::<i64>(), 100);
    }

    #[test]
    fn a_price_earns_by_its_distance_from_the_middle() {
        let low = Against { suspect_below: Some(800), ..BIDS };
        for (price, against, expected, code) in [
            (1_000, BIDS, 15, "price_usual"),
            (750, BIDS, 30, "price_below"),
            (500, BIDS, 30, "price_below"),
            (900, BIDS, 21, "price_below"),
            (1_100, BIDS, 9, "price_above"),
            (1_250, BIDS, 0, "price_above"),
            (9_000, BIDS, 0, "price_above"),
            // A question before it is an advantage.
            (799, low, 15, "price_far_below"),
            (800, low, 27, "price_below"),
        ] {
            let offer = Offer { price, ..usual() };
            let ranked = score(&offer, &against);
            assert_eq!(
                (points(offer, against, Part::Price), ranked.score.reasons[0].code),
                (expected, code),
                "{price}"
            );
        }
    }

    #[test]
    fn reviews_papers_and_experience_earn_by_what_was_seen() {
        let rated = |bayesian| Offer { rank: Rank { reviews: 9, mean: Some(470), bayesian }, ..usual() };
        for (bayesian, expected) in [(100, 0), (300, 0), (400, 13), (450, 19), (500, 25)] {
            assert_eq!(points(rated(bayesian), BIDS, Part::Rating), expected, "{bayesian}");
        }
        for (verified, licensed, expected) in
            [(false, false, 0), (false, true, 0), (true, false, 10), (true, true, 15)]
        {
            let offer = Offer { verified, licensed, ..usual() };
            assert_eq!(points(offer, BIDS, Part::Papers), expected, "{verified} {licensed}");
        }
        for (finished_jobs, expected) in [(0, 0), (1, 2), (5, 8), (10, 15), (500, 15)] {
            assert_eq!(points(Offer { finished_jobs, ..usual() }, BIDS, Part::Experience), expected);
        }
    }

    #[test]
    fn whoever_is_near_and_in_time_earns_for_it() {
        for (metres, expected) in
            [(None, 0), (Some(0), 10), (Some(5_000), 10), (Some(27_500), 5), (Some(50_000), 0)]
        {
            assert_eq!(points(Offer { metres, ..usual() }, BIDS, Part::Distance), expected, "{metres:?}");
        }
        for (in_time, expected) in [(None, 5), (Some(true), 5), (Some(false), 0)] {
            assert_eq!(points(Offer { in_time, ..usual() }, BIDS, Part::Start), expected, "{in_time:?}");
        }
    }

    #[test]
    fn prices_are_held_against_the_market_where_there_is_one() {
        let bids = Spread {
            count: 5,
            lowest: 80,
            highest: 120,
            mean: 100,
            p10: 84,
            p25: 90,
            median: 100,
            p75: 110,
            p90: 116,
            fences: Some((60, 140)),
            outliers: Vec::new(),
        };
        let figure = |median, p10| MarketFigure { jobs: 9, people: 6, p10, p25: 0, median, p75: 0, p90: 0 };
        for (market, expected) in [
            (None, (100, Middle::Bids, Some(60))),
            (Some(figure(200, 150)), (200, Middle::Market, Some(150))),
            (Some(figure(70, 50)), (70, Middle::Market, Some(60))),
        ] {
            let Against { middle, whose, suspect_below } = against(&bids, market.as_ref());
            assert_eq!((middle, whose, suspect_below), expected, "{market:?}");
        }
        let few = Spread { fences: None, ..bids };
        assert_eq!(against(&few, None).suspect_below, None);
    }

    #[test]
    fn reasons_say_what_there_is_to_say() {
        let offer = Offer {
            price: 880,
            rank: Rank { reviews: 1, mean: Some(405), bayesian: 401 },
            licensed: true,
            finished_jobs: 12,
            metres: Some(4_200),
            in_time: Some(true),
            ..usual()
        };
        let against = Against { whose: Middle::Market, ..BIDS };
        let texts: Vec<String> =
            score(&offer, &against).score.reasons.into_iter().map(|reason| reason.text).collect();
        assert_eq!(
            texts,
            [
                "12 % below the middle of the market here",
                "4.05 stars from 1 review",
                "licensed for this trade",
                "12 jobs like it finished",
                "4 km away",
                "starts by the day you want",
            ]
        );
    }

    #[test]
    fn the_most_points_come_first_and_of_equals_the_lower_price() {
        let cheap = Offer { price: 500, ..usual() };
        let cheaper = Offer { price: 400, ..usual() };
        let known = Offer { finished_jobs: 10, ..usual() };
        let offers = vec![
            ("usual", usual()),
            ("cheap", cheap),
            ("cheaper", cheaper),
            ("known", known),
            ("again", usual()),
        ];
        let order: Vec<_> = rank_offers(offers, &BIDS).into_iter().map(|(name, _)| name).collect();
        assert_eq!(order, ["cheaper", "cheap", "known", "usual", "again"]);
    }

    proptest! {
        #[test]
        fn points_are_from_0_to_100_and_no_part_has_more_than_its_weight(
            (price, middle) in (100_i64..=100_000_000, 100_i64..=100_000_000),
            suspect_below in prop::option::of(0_i64..100_000_000),
            bayesian in 100..=500_i32,
            (verified, licensed) in (any::<bool>(), any::<bool>()),
            finished_jobs in 0_i64..2_000,
            metres in prop::option::of(0..20_100_000_i32),
            in_time in prop::option::of(any::<bool>()),
        ) {
            let rank = Rank { reviews: 3, mean: Some(bayesian), bayesian };
            let offer = Offer { price, rank, verified, licensed, finished_jobs, metres, in_time };
            let ranked = score(&offer, &Against { middle, whose: Middle::Bids, suspect_below });
            prop_assert!((0..=100).contains(&ranked.score.points));
            for (part, points) in ranked.parts {
                prop_assert!((0..=part.weight()).contains(&points), "{part} {points}");
            }
        }
    }
}
