//! What the data files say, read once: places, trades with their prices and seasons, words.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use taxonomy::{Skill, Taxonomy, Trade};

use crate::dice::sums;

/// The files are read by this crate's tests, so that unreadable ones are never built into anything.
pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| World::read().unwrap_or_default());

const MONTHS: usize = 12;
/// The digit of a month in which nobody thinks of it more or less than usual.
const USUAL: u64 = 5;

#[derive(Default)]
pub(crate) struct World {
    pub(crate) places: Vec<Place>,
    pub(crate) trades: Vec<TradeFacts>,
    pub(crate) words: Words,
    /// For each month the sums by which a trade is chosen.
    by_month: Vec<Vec<u64>>,
}

/// A city and its surroundings.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "PlaceRow")]
pub(crate) struct Place {
    pub(crate) city: String,
    pub(crate) region: String,
    pub(crate) country: String,
    pub(crate) lat: f64,
    pub(crate) lng: f64,
    /// Thousands of people.
    pub(crate) people: u64,
    pub(crate) spread_km: f64,
    pub(crate) time_zone: String,
    pub(crate) postal: String,
    /// What work costs, in hundredths of what is usual.
    pub(crate) cost: u32,
}

type PlaceRow = (String, String, String, f64, f64, u64, f64, String, String, u32);

impl From<PlaceRow> for Place {
    fn from(row: PlaceRow) -> Self {
        let (city, region, country, lat, lng, people, spread_km, time_zone, postal, cost) = row;
        Self { city, region, country, lat, lng, people, spread_km, time_zone, postal, cost }
    }
}

/// A trade with what is known of its jobs.
pub(crate) struct TradeFacts {
    pub(crate) trade: &'static Trade,
    pub(crate) share: u64,
    /// Dollars, from and to.
    pub(crate) price: (u32, u32),
    pub(crate) rooms: Vec<String>,
    pub(crate) details: Vec<String>,
    /// What its people are called.
    pub(crate) who: String,
    months: Vec<u64>,
    /// For each month the sums by which a skill is chosen.
    skills_by_month: Vec<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TradeRow {
    share: u64,
    price: (u32, u32),
    months: String,
    rooms: Vec<String>,
    details: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trades {
    trade: HashMap<String, TradeRow>,
    skill: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Places {
    place: Vec<Place>,
}

/// Names and sentences.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) first: Vec<String>,
    pub(crate) last: Vec<String>,
    pub(crate) firm: Vec<String>,
    pub(crate) street: Vec<String>,
    pub(crate) street_kind: Vec<String>,
    pub(crate) title: Vec<String>,
    pub(crate) opening: Vec<String>,
    pub(crate) house: Vec<String>,
    pub(crate) kind: Vec<String>,
    pub(crate) access: Vec<String>,
    pub(crate) wish: Vec<String>,
    pub(crate) urgent: Vec<String>,
    pub(crate) patient: Vec<String>,
    pub(crate) ordinary: Vec<String>,
    pub(crate) terms: Vec<String>,
    pub(crate) labour: Vec<String>,
    pub(crate) material: Vec<String>,
    pub(crate) other: Vec<String>,
    pub(crate) stage: Vec<String>,
    pub(crate) reason: Vec<String>,
    pub(crate) headline: Vec<String>,
    pub(crate) bio: Vec<String>,
    pub(crate) praise: Vec<String>,
    pub(crate) mixed: Vec<String>,
    pub(crate) blame: Vec<String>,
    pub(crate) client_praise: Vec<String>,
    pub(crate) client_mixed: Vec<String>,
}

impl World {
    fn read() -> Result<Self, String> {
        fn toml<'text, T: Deserialize<'text>>(name: &str, text: &'text str) -> Result<T, String> {
            toml::from_str(text).map_err(|error| format!("{name}: {error}"))
        }
        let Places { place } = toml("places.toml", include_str!("../data/places.toml"))?;
        let mut trades: Trades = toml("trades.toml", include_str!("../data/trades.toml"))?;
        let words = toml("words.toml", include_str!("../data/words.toml"))?;
        let known = Taxonomy::shipped().trades();
        let facts = known.iter().map(|trade| {
            let row = trades.trade.remove(trade.slug());
            let row = row.ok_or_else(|| format!("trades.toml has no trade {}", trade.slug()))?;
            TradeFacts::of(trade, row, &mut trades.skill)
        });
        let facts = facts.collect::<Result<Vec<_>, String>>()?;
        if let Some(unknown) = trades.trade.keys().chain(trades.skill.keys()).next() {
            return Err(format!("trades.toml tells of {unknown}, which the taxonomy does not have"));
        }
        let by_month = (0..MONTHS).map(|month| sums(facts.iter().map(|trade| trade.asked_for(month))));
        Ok(Self { by_month: by_month.collect(), places: place, trades: facts, words })
    }

    /// The sums by which a trade is chosen in a month, January being 0.
    pub(crate) fn trades_in(&self, month: usize) -> &[u64] {
        self.by_month.get(month % MONTHS).map(Vec::as_slice).unwrap_or_default()
    }
}

impl TradeFacts {
    fn of(
        trade: &'static Trade,
        row: TradeRow,
        overrides: &mut HashMap<String, String>,
    ) -> Result<Self, String> {
        let months = digits(trade.slug(), &row.months)?;
        let mut skills = Vec::new();
        for skill in trade.skills() {
            let own = overrides.remove(skill.slug()).map(|months| digits(skill.slug(), &months));
            skills.push(own.transpose()?.unwrap_or_else(|| vec![USUAL; MONTHS]));
        }
        let of_month = |month: usize| {
            sums(skills.iter().map(|months| months.get(month).copied().unwrap_or_default().pow(2)))
        };
        Ok(Self {
            trade,
            share: row.share,
            price: row.price,
            rooms: row.rooms,
            details: row.details,
            who: called(trade),
            months,
            skills_by_month: (0..MONTHS).map(of_month).collect(),
        })
    }

    fn asked_for(&self, month: usize) -> u64 {
        self.share * (1 + self.months.get(month).copied().unwrap_or_default())
    }

    /// What is asked for in a month, by chance.
    pub(crate) fn skill(&self, month: usize, dice: &mut crate::dice::Dice) -> Option<&'static Skill> {
        let sums = self.skills_by_month.get(month % MONTHS)?;
        self.trade.skills().get(dice.by_weight(sums))
    }
}

fn digits(slug: &str, months: &str) -> Result<Vec<u64>, String> {
    let digits: Option<Vec<u64>> = months.chars().map(|month| month.to_digit(10).map(u64::from)).collect();
    digits.filter(|digits| digits.len() == MONTHS).ok_or_else(|| format!("{slug} has no year of 12 digits"))
}

/// What the people of a trade are called: the first of its names that sounds like one.
fn called(trade: &Trade) -> String {
    const SOUNDS_LIKE: [&str; 7] = ["er", "or", "ian", "man", "son", "ist", "company"];
    let sounds = |name: &&String| SOUNDS_LIKE.iter().any(|end| name.ends_with(end)) && name.len() > 5;
    trade.synonyms().iter().find(sounds).cloned().unwrap_or_else(|| "professional".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::{Dice, Stream};

    #[test]
    fn the_files_are_whole_and_know_every_trade() {
        let world = World::read().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(world.trades.len(), Taxonomy::shipped().trades().len());
        assert!(world.places.len() >= 100);
        for place in &world.places {
            assert!(identity::geo::GeoPoint::new(place.lat, place.lng).is_ok(), "{}", place.city);
            assert!(place.time_zone.contains('/') && place.people > 0 && place.cost > 0, "{}", place.city);
        }
        for trade in &world.trades {
            assert!(trade.price.0 < trade.price.1 && trade.share > 0, "{}", trade.trade.slug());
            assert!(trade.rooms.len() >= 3 && trade.details.len() >= 4, "{}", trade.trade.slug());
        }
    }

    #[test]
    fn one_place_is_denser_than_all_others() {
        let density =
            |place: &Place| f64::from(u32::try_from(place.people).unwrap()) / place.spread_km.powi(2);
        let places = &WORLD.places;
        let densest = places.iter().max_by(|a, b| density(a).total_cmp(&density(b))).unwrap();
        assert_eq!(densest.city, "New York");
        let all: u64 = places.iter().map(|place| place.people).sum();
        assert!(densest.people * 100 / all >= 7, "{}", densest.people * 100 / all);
    }

    #[test]
    fn gutters_are_cleaned_in_autumn_and_air_is_cooled_in_summer() {
        let hvac = WORLD.trades.iter().find(|trade| trade.trade.slug() == "hvac").unwrap();
        let asked = |month| {
            let mut dice = Dice::new(1, Stream::Calendar);
            let skills = (0..1_000).filter_map(|_| hvac.skill(month, &mut dice));
            skills.filter(|skill| skill.slug() == "ac-repair").count()
        };
        assert!(asked(6) > 10 * asked(0).max(1), "{} {}", asked(6), asked(0));
        let gutters = WORLD.trades.iter().find(|trade| trade.trade.slug() == "gutters").unwrap();
        assert!(gutters.asked_for(9) > 2 * gutters.asked_for(1));
    }

    #[test]
    fn a_trades_people_have_a_name() {
        let called: HashMap<&str, &str> =
            WORLD.trades.iter().map(|trade| (trade.trade.slug(), trade.who.as_str())).collect();
        assert_eq!((called["plumbing"], called["electrical"]), ("plumber", "electrician"));
        assert!(called.values().filter(|who| **who == "professional").count() <= 8, "{called:?}");
    }
}
