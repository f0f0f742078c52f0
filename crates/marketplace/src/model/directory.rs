//! The directory: contractors as everybody finds them, and what can be asked of it.

use identity::geo::GeoPoint;
use identity::{PublicCredential, Slug};
use kernel::{Fault, Faults, Instant, PartyId};

/// The furthest that a place is looked around, in kilometres.
const RADIUS_KM_MAX: i64 = 500;
/// How far around a place when nobody says, in kilometres.
const RADIUS_KM_DEFAULT: i64 = 50;
/// The most skills that are asked for at a time.
const SKILLS_MAX: usize = 10;
/// The most characters of the words that are looked for.
const WORDS_CHARS_MAX: usize = 200;
const METRES: i32 = 1_000;

super::words! {
    /// In which order contractors are listed.
    DirectoryOrder {
        /// Those first who have all the words in name, headline, trades or skills; among each the best rated first.
        Relevance = "relevance",
        /// The highest Bayesian mean first.
        Rating = "rating",
        /// The nearest first.
        Distance = "distance",
        /// The newest account first.
        Newest = "newest",
    }
}

/// A place, and how far around it somebody is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    /// The place.
    pub centre: GeoPoint,
    /// How far around it.
    pub metres: i32,
}

/// What is asked of the directory, before it is checked.
#[derive(Debug, Clone, Default)]
pub struct DirectoryForm {
    /// A trade that is worked in.
    pub trade: Option<String>,
    /// Skills, all of which are asked for.
    pub skills: Vec<String>,
    /// Where somebody is needed: degrees north.
    pub lat: Option<f64>,
    /// Degrees east.
    pub lng: Option<f64>,
    /// How far around, in kilometres.
    pub radius: Option<i64>,
    /// Words.
    pub q: Option<String>,
    /// The least mean of the reviews, in stars.
    pub min_rating: Option<f64>,
    /// Verified, or not.
    pub verified: Option<bool>,
    /// The order.
    pub sort: Option<DirectoryOrder>,
}

/// Which contractors are wanted, and in which order.
#[derive(Debug, Clone)]
pub struct DirectoryFilter {
    pub(crate) trade: Option<Slug>,
    pub(crate) skills: Vec<Slug>,
    /// Those who come there: within this far, and within their own radius.
    pub(crate) circle: Option<Circle>,
    pub(crate) words: Option<String>,
    /// The least mean of the reviews, in hundredths of a star; leaves out who has none.
    pub(crate) rating_min: Option<i32>,
    /// Whether licence and insurance were checked and hold; with a trade, a licence for that one, or for any.
    pub(crate) verified: Option<bool>,
    pub(crate) order: DirectoryOrder,
}

impl DirectoryFilter {
    /// # Errors
    /// Every fault of the form, at `/trade`, `/skills/0` and so on.
    pub fn new(form: &DirectoryForm) -> Result<Self, Faults> {
        let mut faults = Faults::none();
        let trade = form.trade.as_deref().and_then(|trade| faults.take("/trade", Slug::new(trade)));
        faults.check(
            form.skills.len() <= SKILLS_MAX,
            "/skills",
            "too_many",
            format!("must be at most {SKILLS_MAX}"),
        );
        let skills = form.skills.iter().take(SKILLS_MAX).enumerate();
        let skills = skills.filter_map(|(at, skill)| faults.take(&format!("/skills/{at}"), Slug::new(skill)));
        let skills = skills.collect();
        let circle = circle((form.lat, form.lng, form.radius), &mut faults);
        let words = form.q.as_deref().and_then(|words| faults.take("/q", words_of(words)));
        let rating_min = form.min_rating.and_then(|stars| faults.take("/minRating", hundredths_of(stars)));
        let order = order(form, &mut faults);
        faults.or(|| Self { trade, skills, circle, words, rating_min, verified: form.verified, order })
    }
}

/// Where, and how far around it, of what a list is asked with.
pub(super) fn circle(
    (lat, lng, radius): (Option<f64>, Option<f64>, Option<i64>),
    faults: &mut Faults,
) -> Option<Circle> {
    let km = radius.unwrap_or(RADIUS_KM_DEFAULT);
    let metres = i32::try_from(km).ok().filter(|_| (1..=RADIUS_KM_MAX).contains(&km)).map(|km| km * METRES);
    faults.check(
        metres.is_some(),
        "/radius",
        "out_of_range",
        format!("must be from 1 to {RADIUS_KM_MAX} kilometres"),
    );
    let (lat, lng) = match (lat, lng) {
        (Some(lat), Some(lng)) => (lat, lng),
        (None, None) => {
            faults.check(
                radius.is_none(),
                "/radius",
                "without_place",
                "is around a place: give lat and lng too",
            );
            return None;
        }
        (Some(_), None) => {
            faults.push("/lng", "missing", "goes with lat");
            return None;
        }
        (None, Some(_)) => {
            faults.push("/lat", "missing", "goes with lng");
            return None;
        }
    };
    let centre =
        GeoPoint::new(lat, lng).map_err(|error| Fault::new("", "not_on_earth", error.to_string()).into());
    faults.take("/lat", centre).zip(metres).map(|(centre, metres)| Circle { centre, metres })
}

/// Words that are looked for.
pub(super) fn words_of(raw: &str) -> Result<String, Faults> {
    let words = raw.trim();
    let mut faults = Faults::none();
    faults.check(!words.is_empty(), "", "too_short", "must not be empty");
    faults.check(
        words.chars().count() <= WORDS_CHARS_MAX,
        "",
        "too_long",
        format!("must have at most {WORDS_CHARS_MAX} characters"),
    );
    faults.check(
        !words.chars().any(char::is_control),
        "",
        "control_character",
        "has a character that cannot be shown",
    );
    faults.or(|| words.to_owned())
}

/// The whole number of hundredths that is nearest: means have no more places.
fn hundredths_of(stars: f64) -> Result<i32, Faults> {
    let found = (100..=500).find(|hundredths| (f64::from(*hundredths) / 100.0 - stars).abs() <= 0.005);
    found.ok_or_else(|| Fault::new("", "out_of_range", "must be from 1 to 5").into())
}

fn order(form: &DirectoryForm, faults: &mut Faults) -> DirectoryOrder {
    let has_words = form.q.is_some();
    let order = match form.sort {
        Some(order) => order,
        None if has_words => DirectoryOrder::Relevance,
        None => DirectoryOrder::Rating,
    };
    match order {
        DirectoryOrder::Relevance => {
            faults.check(has_words, "/sort", "without_words", "is by words: give q too");
        }
        DirectoryOrder::Distance => {
            let has_place = form.lat.is_some() || form.lng.is_some();
            faults.check(has_place, "/sort", "without_place", "is from a place: give lat and lng too");
        }
        DirectoryOrder::Rating | DirectoryOrder::Newest => {}
    }
    order
}

/// What published reviews come to, as the directory keeps it: in hundredths of a star.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// How many reviews.
    pub reviews: i32,
    /// Their mean; none without reviews.
    pub mean: Option<i32>,
    /// The mean pulled towards what is usual: what is ranked by.
    pub bayesian: i32,
}

/// Papers that an administrator checked and that hold now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPapers {
    /// When they were checked.
    pub checked_at: Instant,
    /// From when on the contractor counts as verified no more.
    pub valid_until: Instant,
    /// Those that hold, without numbers and holders.
    pub credentials: Vec<PublicCredential>,
}

/// A contractor in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractorCard {
    /// The contractor.
    pub id: PartyId,
    /// `Ada L.`.
    pub display_name: String,
    /// The line below the name.
    pub headline: Option<String>,
    /// The trades worked in, by the contractor's own word.
    pub trades: Vec<String>,
    /// What the contractor says to be good at.
    pub skills: Vec<String>,
    /// The place, of the grid of about 1 km.
    pub point: Option<GeoPoint>,
    /// How far from there the contractor goes, in kilometres.
    pub service_radius_km: Option<i32>,
    /// How far that point is from the place that was asked for.
    pub metres: Option<i32>,
    /// What the published reviews come to.
    pub rating: Rank,
    /// What was checked and holds now; none for who is not verified.
    pub checked: Option<CheckedPapers>,
    /// Since when the contractor has an account.
    pub member_since: Instant,
    /// Where the card stands in the order that was asked for.
    pub(crate) key: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(form: DirectoryForm) -> Vec<String> {
        match DirectoryFilter::new(&form) {
            Ok(_) => Vec::new(),
            Err(faults) => faults
                .into_vec()
                .into_iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.code))
                .collect(),
        }
    }

    #[test]
    fn every_fault_of_a_question_is_named() {
        let form = DirectoryForm {
            trade: Some("'; DROP TABLE".to_owned()),
            skills: vec!["ok".to_owned(), "Not OK".to_owned()],
            lat: Some(91.0),
            lng: Some(0.0),
            radius: Some(501),
            q: Some(" \u{7} ".to_owned()),
            min_rating: Some(5.1),
            ..DirectoryForm::default()
        };
        let expected = [
            "/trade slug",
            "/skills/1 slug",
            "/radius out_of_range",
            "/lat not_on_earth",
            "/q control_character",
            "/minRating out_of_range",
        ];
        assert_eq!(faults(form), expected);
    }

    #[test]
    fn a_place_is_a_pair_and_orders_need_what_they_are_by() {
        let form = DirectoryForm::default();
        let (lat, lng, q) = (Some(1.0), Some(2.0), Some("tiles".to_owned()));
        for (form, expected) in [
            (DirectoryForm { lat, ..form.clone() }, vec!["/lng missing"]),
            (DirectoryForm { lng, ..form.clone() }, vec!["/lat missing"]),
            (DirectoryForm { radius: Some(5), ..form.clone() }, vec!["/radius without_place"]),
            (
                DirectoryForm { sort: Some(DirectoryOrder::Distance), ..form.clone() },
                vec!["/sort without_place"],
            ),
            (
                DirectoryForm { sort: Some(DirectoryOrder::Relevance), ..form.clone() },
                vec!["/sort without_words"],
            ),
            (DirectoryForm { sort: Some(DirectoryOrder::Distance), lat, lng, ..form.clone() }, vec![]),
            (DirectoryForm { sort: Some(DirectoryOrder::Relevance), q, ..form }, vec![]),
        ] {
            assert_eq!(faults(form.clone()), expected, "{form:?}");
        }
    }

    #[test]
    fn the_order_is_by_rating_and_with_words_by_relevance() {
        let order = |form: DirectoryForm| DirectoryFilter::new(&form).unwrap().order;
        assert_eq!(order(DirectoryForm::default()), DirectoryOrder::Rating);
        let words = DirectoryForm { q: Some("tiles".to_owned()), ..DirectoryForm::default() };
        assert_eq!(order(words), DirectoryOrder::Relevance);
    }

    #[test]
    fn stars_are_read_to_two_places() {
        for (stars, hundredths) in [(1.0, Some(100)), (4.5, Some(450)), (4.67, Some(467)), (5.0, Some(500))] {
            assert_eq!(hundredths_of(stars).ok(), hundredths, "{stars}");
        }
        for stars in [0.9, 5.1, f64::NAN, f64::INFINITY, -4.0] {
            assert!(hundredths_of(stars).is_err(), "{stars}");
        }
    }
}
