//! What is asked, taken from the document: each list and each search with each of its filters, alone and together, in each of its orders.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::authorisation::cast::{Cast, Scene};
use crate::authorisation::document::Operation;

/// Filters that say something only together.
const PLACE: [&str; 3] = ["lat", "lng", "radius"];
/// By these a search decides which way it goes, so they are asked with each of the others.
const LEADING: [&str; 2] = ["q=", "lat="];
/// Where jobs are many, where they are few, and half a continent.
const PLACES: [&str; 3] =
    ["lat=40.7128&lng=-74.006&radius=25", "lat=44.95&lng=-110.5&radius=100", "lat=39.8&lng=-98.6&radius=500"];
/// What many jobs say, few, none; meant by a synonym, mistyped, in quotes and left out.
const WORDS: [&str; 7] = [
    "kitchen",
    "leaky%20tap",
    "electrcian",
    "%22kitchen%20sink%22",
    "kitchen%20-sink%20replace",
    "xylophone%20tuning",
    "install%20new%20bathroom%20light",
];

/// What an operation may be asked, as the queries of its path, the plain one first: each value of each filter, those by which a search goes with each
/// other filter, and all together; in each order the first of them. In part: each value alone, in the order that comes by itself.
pub(super) fn queries(operation: &Operation, cast: &Cast, is_whole: bool) -> Vec<String> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut orders: Vec<String> = vec![String::new()];
    let names: BTreeSet<&str> = operation.filters.iter().map(|(name, _)| name.as_str()).collect();
    for (name, schema) in &operation.filters {
        match name.as_str() {
            // Followed from page to page, and asked for beside all else.
            "cursor" | "limit" => {}
            "sort" => orders.extend(words(schema).map(|word| format!("sort={word}"))),
            "lat" if PLACE.iter().all(|name| names.contains(name)) => {
                groups.push(PLACES.map(str::to_owned).to_vec());
            }
            "lng" | "radius" => {}
            name => groups.push(
                values(operation, name, schema, cast)
                    .into_iter()
                    .map(|value| format!("{name}={value}"))
                    .collect(),
            ),
        }
    }
    let mut sets: Vec<Vec<String>> = vec![Vec::new()];
    let singles = groups.iter().flatten().map(|value| vec![value.clone()]);
    sets.extend(singles);
    let firsts: Vec<&String> = groups.iter().filter_map(|group| group.first()).collect();
    for (n, one) in firsts.iter().enumerate() {
        let pairs = firsts.iter().skip(n + 1).map(|other| vec![(*one).clone(), (*other).clone()]);
        sets.extend(
            pairs
                .filter(|pair| pair.iter().any(|filter| LEADING.iter().any(|name| filter.starts_with(name)))),
        );
    }
    let lasts = groups.iter().filter_map(|group| group.last());
    let ends: BTreeSet<String> = firsts.iter().copied().chain(lasts).cloned().collect();
    sets.push(firsts.into_iter().cloned().collect());
    let mut queries: Vec<String> = Vec::new();
    let needed = super::needed(operation);
    for order in &orders {
        let of_order = sets.iter().filter(|set| match (set.as_slice(), order.as_str()) {
            ([] | [_], "") => true,
            (_, "") => is_whole,
            // Pairs, and every value, are looked at in the order that comes by itself.
            ([_, _], _) => false,
            ([filter], _) => is_whole && ends.contains(filter),
            _ => is_whole,
        });
        queries.extend(of_order.map(|set| joined(order, set, needed)));
    }
    queries
}

/// An order that needs a place or words is asked with them.
fn joined(order: &str, set: &[String], needed: &'static str) -> String {
    let mut all: Vec<&str> = set.iter().map(String::as_str).collect();
    let lacks = |start: &str| !set.iter().any(|filter| filter.starts_with(start));
    match order {
        "sort=distance" if lacks("lat=") && needed.is_empty() => all.push(PLACES[0]),
        "sort=distance" if lacks("lat=") => all.extend([PLACES[0], if lacks("q=") { needed } else { "" }]),
        "sort=relevance" if lacks("q=") => all.push("q=fence"),
        "sort=bids" if lacks("mine=") => all.push("mine=true"),
        _ if lacks("q=") && !needed.is_empty() => all.push(needed),
        _ => {}
    }
    all.extend(Some(order).filter(|order| !order.is_empty()));
    all.retain(|filter| !filter.is_empty());
    all.join("&")
}

fn words(schema: &Value) -> impl Iterator<Item = &str> {
    schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn values(operation: &Operation, name: &str, schema: &Value, cast: &Cast) -> Vec<String> {
    let some = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let thing = |scene: Scene, prefix: &str| cast.scenes[&scene].get(prefix).unwrap().to_owned();
    match (operation.id.as_str(), name) {
        ("listUsers", "q") => some(&["ada", "homeowner1@example.com"]),
        ("listAuditEntries", "action") => some(&["createJob"]),
        ("listAuditEntries", "actor") => vec![thing(Scene::Beside, "usr")],
        ("listAuditEntries", "object") => vec![thing(Scene::Open, "job")],
        ("listAuditEntries", "from") => some(&["2026-01-01T00:00:00Z"]),
        ("listAuditEntries", "until") => some(&["2099-01-01T00:00:00Z"]),
        (_, "q") => some(&WORDS),
        (_, "category" | "trade") => some(&["plumbing", "solar"]),
        ("listContractors", "skills") => some(&["leak-repair"]),
        (_, "skills") => some(&["leak%20repair"]),
        (_, "urgency") => some(&["urgent", "emergency"]),
        (_, "minRating") => some(&["4"]),
        // What many jobs have comes first, what none has last.
        (_, "budgetMin") => some(&["200000", "100000000"]),
        (_, "budgetMax") => some(&["300000", "1"]),
        (_, "postedSince") => {
            let now = cast.app.now();
            let ago = |days| (now - chrono::TimeDelta::days(days)).format("%Y-%m-%dT00:00:00Z").to_string();
            vec![ago(3), ago(60), now.format("%Y-%m-%dT%H:00:00Z").to_string()]
        }
        (_, "country") => some(&["US"]),
        (_, "region") => some(&["NY"]),
        (_, "currency") => some(&["USD", "CHF"]),
        (_, "from" | "to") => some(&["2026-09"]),
        _ if schema["type"] == "boolean" => some(&["true", "false"]),
        _ if schema["enum"].is_array() => words(schema).map(str::to_owned).collect(),
        (id, name) => panic!("say here what the filter {name} of {id} may be"),
    }
}
