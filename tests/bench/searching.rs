//! Looking for jobs, and what is made of them: what only shows among jobs such as people post (`--bids`).

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;
use serde_json::json;

use crate::client::{Request, request};
use crate::pgbench::{Script, script};
use crate::rows::{Maker, Row, ask, job_requests, page_requests, statements, token};
use crate::world::{DENSEST, World};

/// Of so many different requests pgbench issues the statements, in turns by chance.
const YARDSTICKS: usize = 12;
/// The name of the mixed load.
pub(crate) const CROWD: &str = "read, search and bid with time to think";

/// The rows, by name, each with the operation that it measures.
const ROWS: [(&str, &str, Maker); 8] = [
    ("search", "/api/jobs/search/fulltext", search),
    ("words, trade, 25 km", "/api/jobs/search/fulltext", words_near),
    ("newest within 25 km", "/api/jobs/sorted", newest_near),
    ("nearest within 25 km", "/api/jobs/sorted", nearest),
    ("recommendations", "/api/jobs/recommendations/contractor", recommendations),
    ("compare 50 bids", "/api/jobs/{jobId}/bids/compare", compare),
    ("market analysis", "/api/market/analysis", market),
    ("trending", "/api/jobs/trending", trending),
];

/// Those of the rows that the program under load can do: with `--program` it may be an older one.
pub(crate) fn rows(world: &World) -> Vec<(&'static str, Maker)> {
    let mut offered = Vec::new();
    for (name, operation, maker) in ROWS {
        if offers(world, operation) {
            offered.push((name, maker));
        } else {
            eprintln!("no row `{name}`: the program has no {operation}");
        }
    }
    offered
}

/// Whether the mixed load can be put on it.
pub(crate) fn has_crowd(world: &World) -> bool {
    world.seeded && offers(world, "/api/jobs/search/fulltext")
}

fn offers(world: &World, operation: &str) -> bool {
    let document = ask(world, &request("GET", "/api-docs/openapi.json", None, None, None));
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    document["paths"].get(operation).is_some()
}

/// What is asked of the search's quality is what its speed is measured with.
#[derive(Deserialize)]
struct Queries {
    query: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    ask: Option<String>,
    trade: Option<String>,
}

fn search(world: &World) -> Row {
    of_many(world, "search", searches())
}

fn words_near(world: &World) -> Row {
    let words = ["leak", "kitchen", "water heater", "toilet", "drain", "faucet", "pipe"];
    let paths = words
        .map(|words| near(&format!("/api/jobs/search/fulltext?category=plumbing&q={}&", encoded(words))));
    of_many(world, "words, trade, 25 km", anonymous(paths))
}

fn newest_near(world: &World) -> Row {
    of_many(world, "newest within 25 km", anonymous([near("/api/jobs/sorted?sort=newest&")]))
}

fn nearest(world: &World) -> Row {
    of_many(world, "nearest within 25 km", anonymous([near("/api/jobs/sorted?sort=distance&")]))
}

fn recommendations(world: &World) -> Row {
    let path = "/api/jobs/recommendations/contractor?limit=20";
    let requests = world.contractors.iter().map(|who| request("GET", path, Some(&token(who)), None, None));
    of_many(world, "recommendations", requests.collect())
}

fn compare(world: &World) -> Row {
    let job = world.compared.expect("a seeded world has a job with fifty bids");
    let path = format!("/api/jobs/{job}/bids/compare");
    let request = request("GET", &path, Some(&token(&world.homeowner)), None, None);
    of_many(world, "compare 50 bids", vec![request])
}

fn market(world: &World) -> Row {
    let trades = ["plumbing", "electrical", "painting", "roofing"];
    let paths = trades.map(|trade| format!("/api/market/analysis?trade={trade}&country=US&limit=20"));
    of_many(world, "market analysis", anonymous(paths))
}

fn trending(world: &World) -> Row {
    let paths = ["", "&category=plumbing", "&category=painting"];
    of_many(world, "trending", anonymous(paths.map(|of| format!("/api/jobs/trending?limit=20{of}"))))
}

/// Readers, searchers and bidders: of twenty requests twelve are for a job, four for a page, three are searches, and one is a bid.
pub(crate) fn crowd(world: &World) -> Row {
    let (jobs, pages, searches) = (job_requests(world), page_requests(world), searches());
    let tokens: Vec<String> = world.contractors.iter().map(token).collect();
    // The last eighth: nobody else bids on these.
    let (first, many) = (world.jobs / 8 * 7, world.jobs / 8);
    let ids: Vec<String> = (first..first + many).map(|n| world.job(n).to_string()).collect();
    let next = AtomicU32::new(0);
    Row {
        name: CROWD,
        source: Arc::new(move |connection, turn| {
            let from = match (connection + turn) % 20 {
                0..12 => &jobs,
                12..16 => &pages,
                16..19 => &searches,
                _ => {
                    let n = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let (job, who) = (&ids[n % ids.len()], &tokens[(n / ids.len()) % tokens.len()]);
                    let body = json!({ "jobId": job, "amount": 110_000, "durationDays": 4 });
                    return request("POST", "/api/bids", Some(who), None, Some(&body));
                }
            };
            from[rand::random_range(0..from.len())].clone()
        }),
        good: &[200, 201],
        script: Script { text: String::new(), variables: None },
    }
}

fn searches() -> Vec<Request> {
    let queries: Queries = toml::from_str(include_str!("../search-quality/queries.toml")).unwrap();
    let paths = queries.query.into_iter().filter_map(|query| {
        let trade = query.trade.map(|trade| format!("&category={trade}")).unwrap_or_default();
        Some(format!("/api/jobs/search/fulltext?limit=20&q={}{trade}", encoded(&query.ask?)))
    });
    anonymous(paths)
}

fn anonymous(paths: impl IntoIterator<Item = String>) -> Vec<Request> {
    paths.into_iter().map(|path| request("GET", &path, None, None, None)).collect()
}

/// A page of what is within 25 km of the middle of the densest city.
fn near(path: &str) -> String {
    let (lat, lng) = DENSEST;
    format!("{path}lat={lat}&lng={lng}&radius=25&limit=20")
}

fn encoded(words: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://any", [("q", words)]).unwrap();
    url.query().unwrap().trim_start_matches("q=").to_owned()
}

/// Any of these requests, beside pgbench with the statements of some of them.
fn of_many(world: &World, name: &'static str, requests: Vec<Request>) -> Row {
    // What nobody has asked for since the database was copied lies on the disk.
    for request in &requests {
        ask(world, request);
    }
    let step = requests.len().div_ceil(YARDSTICKS).max(1);
    let sample: Vec<&Request> = requests.iter().step_by(step).collect();
    let mut text = format!("\\set which random(0, {})\n", sample.len() - 1);
    for (n, request) in sample.iter().enumerate() {
        let (seen, _) = statements(world, request, request, request);
        let branch = if n == 0 { "if" } else { "elif" };
        let _ = write!(text, "\\{branch} :which = {n}\n{}", script("", &seen, &[], &[]));
    }
    text.push_str("\\endif\n");
    Row {
        name,
        source: Arc::new(move |_, _| requests[rand::random_range(0..requests.len())].clone()),
        good: &[200],
        script: Script { text, variables: None },
    }
}
