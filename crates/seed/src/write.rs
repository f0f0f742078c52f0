//! What people write: titles, descriptions, terms, reviews, names.

use std::fmt::Write as _;

use marketplace::Urgency;
use taxonomy::Skill;

use crate::data::{Place, TradeFacts, WORLD};
use crate::dice::Dice;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A template with its places filled; one that nobody knows stays empty.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 24);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

/// A job in words.
pub(crate) struct Told {
    pub(crate) title: String,
    pub(crate) description: String,
    /// Slugs.
    pub(crate) skills: Vec<String>,
}

/// What is wanted, as somebody would post it in that month.
pub(crate) fn job(trade: &TradeFacts, month: usize, urgency: Urgency, dice: &mut Dice) -> Told {
    let words = &WORLD.words;
    let skill = trade.skill(month, dice);
    let what = skill.map_or_else(|| trade.trade.name().to_lowercase(), |skill| what(skill, dice));
    let skill_name = skill.map_or_else(|| trade.trade.name(), Skill::name);
    let (room, kind, year) =
        (dice.line(&trade.rooms), dice.line(&words.kind), dice.between(1890, 2021).to_string());
    let next = MONTHS.get((month + usize::from(dice.chance(50))) % MONTHS.len()).copied().unwrap_or_default();
    let (capital_what, capital_kind) = (capital(&what), capital(kind));
    let values = [
        ("what", what.as_str()),
        ("What", &capital_what),
        ("skill", skill_name),
        ("Skill", skill_name),
        ("room", room),
        ("house", kind),
        ("House", &capital_kind),
        ("trade", &trade.who),
        ("month", next),
        ("year", &year),
    ];
    let mut description = fill(dice.line(&words.opening), &values);
    let mut add = |sentence: &str| {
        if !description.contains(sentence) {
            let _ = write!(description, " {sentence}");
        }
    };
    add(&fill(dice.line(&words.house), &values));
    add(dice.line(&trade.details));
    add(dice.line(&trade.details));
    let when = match urgency {
        Urgency::Emergency | Urgency::Urgent => &words.urgent,
        Urgency::Flexible => &words.patient,
        Urgency::Normal => &words.ordinary,
    };
    add(&fill(dice.line(when), &values));
    add(dice.line(&words.access));
    add(dice.line(&words.wish));
    if dice.chance(30) {
        add(dice.line(&words.wish));
    }
    Told {
        title: fill(dice.line(&words.title), &values),
        description,
        skills: skill.filter(|_| dice.chance(75)).map(|skill| skill.slug().to_owned()).into_iter().collect(),
    }
}

/// The name of a skill, or what a home owner would say instead.
fn what(skill: &Skill, dice: &mut Dice) -> String {
    let said = if dice.chance(25) { None } else { dice.pick(skill.synonyms()) };
    said.cloned().unwrap_or_else(|| skill.name().to_lowercase())
}

/// A first and a last name.
pub(crate) fn name(dice: &mut Dice) -> (&'static str, &'static str) {
    (dice.line(&WORLD.words.first), dice.line(&WORLD.words.last))
}

/// What a contractor says of itself.
pub(crate) struct Presented {
    pub(crate) name: String,
    pub(crate) headline: Option<String>,
    pub(crate) bio: Option<String>,
    pub(crate) skills: Vec<String>,
}

/// A contractor of these trades.
pub(crate) fn contractor(
    (first, last): (&str, &str),
    trades: &[&TradeFacts],
    place: &Place,
    dice: &mut Dice,
) -> Presented {
    let words = &WORLD.words;
    let mut skills: Vec<&Skill> = Vec::new();
    for trade in trades {
        for _ in 0..3 {
            skills.extend(dice.pick(trade.trade.skills()));
        }
    }
    skills.sort_by_key(|skill| skill.slug());
    skills.dedup();
    let named = |place: usize| skills.get(place).map(|skill| skill.name().to_lowercase()).unwrap_or_default();
    let (skill, skill2, year) = (named(0), named(1), dice.between(1962, 2019).to_string());
    let trade_name = trades.first().map(|trade| trade.trade.name()).unwrap_or_default();
    let capital_skill = capital(&skill);
    let values = [
        ("first", first),
        ("last", last),
        ("city", place.city.as_str()),
        ("trade_name", trade_name),
        ("Trade_name", trade_name),
        ("skill", &skill),
        ("Skill", &capital_skill),
        ("skill2", &skill2),
        ("year", &year),
    ];
    let name =
        if dice.chance(45) { fill(dice.line(&words.firm), &values) } else { format!("{first} {last}") };
    let headline = dice.chance(85).then(|| fill(dice.line(&words.headline), &values));
    let bio = dice.chance(70).then(|| {
        let sentences = [dice.line(&words.bio), dice.line(&words.bio)];
        fill(&sentences.join(" "), &values)
    });
    let skills = skills.into_iter().map(|skill| skill.slug().to_owned()).collect();
    Presented { name, headline, bio, skills }
}

/// A street and a number, a postal code.
pub(crate) fn street(place: &Place, dice: &mut Dice) -> (String, String) {
    let words = &WORLD.words;
    let number = dice.between(1, 99) * if dice.chance(70) { 12 } else { 1 } + dice.between(0, 9);
    let street = format!("{number} {} {}", dice.line(&words.street), dice.line(&words.street_kind));
    let postal = if place.country == "CA" {
        format!("{} {}A{}", place.postal, dice.between(1, 9), dice.between(1, 9))
    } else {
        format!("{}{:02}", place.postal, dice.between(1, 99))
    };
    (street, postal)
}

/// A review of a contractor that gave so many stars.
pub(crate) fn of_contractor(stars: i16, trade: &TradeFacts, dice: &mut Dice) -> String {
    let words = &WORLD.words;
    let from = match stars {
        4.. => &words.praise,
        3 => &words.mixed,
        _ => &words.blame,
    };
    fill(dice.line(from), &[("trade", &trade.who)])
}

/// A review of a homeowner that gave so many stars.
pub(crate) fn of_homeowner(stars: i16, dice: &mut Dice) -> String {
    let words = &WORLD.words;
    dice.line(if stars >= 4 { &words.client_praise } else { &words.client_mixed }).to_owned()
}

#[cfg(test)]
mod tests {
    use marketplace::{Description, Title};

    use super::*;
    use crate::dice::Stream;

    #[test]
    fn a_template_is_filled_and_no_brace_is_left() {
        assert_eq!(fill("{What}, {room} {nobody}.", &[("What", "Leak"), ("room", "attic")]), "Leak, attic .");
        assert_eq!(fill("no place", &[]), "no place");
    }

    #[test]
    fn every_trade_is_written_of_in_titles_and_descriptions_that_the_marketplace_takes() {
        for trade in &WORLD.trades {
            for n in 0..40_u64 {
                let mut dice = Dice::new(n, Stream::Job(1));
                let urgency = *dice.pick(Urgency::ALL).unwrap();
                let told = job(trade, 3, urgency, &mut dice);
                assert!(Title::new(&told.title).is_ok(), "{}", told.title);
                assert!(Description::new(&told.description).is_ok(), "{}", told.description);
                let words = told.description.split_whitespace().count();
                assert!((25..=130).contains(&words), "{words}: {}", told.description);
                assert!(!told.title.contains(['{', '}']) && !told.description.contains(['{', '}']));
            }
        }
    }

    #[test]
    fn words_of_a_trade_are_in_what_is_written_of_it() {
        let plumbing = WORLD.trades.iter().find(|trade| trade.trade.slug() == "plumbing").unwrap();
        let told: Vec<Told> =
            (0..300).map(|n| job(plumbing, 0, Urgency::Normal, &mut Dice::new(n, Stream::Job(0)))).collect();
        for said in ["leak", "toilet", "drain", "hot water"] {
            assert!(told.iter().any(|told| told.title.to_lowercase().contains(said)), "{said}");
        }
    }
}
