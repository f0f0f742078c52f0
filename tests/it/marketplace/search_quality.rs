//! Whether people find what they mean: `tests/search-quality` has jobs as home owners write them, and questions with the jobs that a person would expect.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};
use tests::{Person, TestApp};

/// How many of a question's jobs stand among the first twenty, on average.
const RECALL: f64 = 0.9;
/// Of how many questions the first job is right.
const FIRST: f64 = 0.8;
const PAGE: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jobs {
    /// Where cities lie: degrees, region, country.
    place: HashMap<String, (f64, f64, String, String)>,
    /// By trade: name, city, title, description.
    jobs: BTreeMap<String, Vec<(String, String, String, String)>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queries {
    query: Vec<Query>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    ask: Option<String>,
    trade: Option<String>,
    place: Option<String>,
    km: Option<u32>,
    expect: Vec<String>,
    first: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    /// Whether nobody had seen it when the words of the trades were written.
    #[serde(default)]
    held_out: bool,
}

/// How well questions are answered.
#[derive(Default)]
struct Figures {
    asked: u32,
    recall: f64,
    first: u32,
}

impl Figures {
    fn add(&mut self, recall: f64, is_first_right: bool) {
        self.asked += 1;
        self.recall += recall;
        self.first += u32::from(is_first_right);
    }

    /// The mean recall, and of what share the first is right.
    fn means(&self) -> (f64, f64) {
        let asked = f64::from(self.asked);
        (self.recall / asked, f64::from(self.first) / asked)
    }

    fn shown(&self) -> String {
        let (recall, first) = self.means();
        format!(
            "recall among the first {PAGE}: {recall:.3}, first right: {first:.3}, of {} questions",
            self.asked
        )
    }
}

impl Query {
    fn shown(&self) -> String {
        let near = self.place.as_ref().zip(self.km).map(|(place, km)| format!("within {km} km of {place}"));
        let trade = self.trade.as_ref().map(|trade| format!("({trade})"));
        [self.ask.clone(), trade, near].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn path(&self, jobs: &Jobs) -> String {
        let mut parameters = vec![("limit", PAGE.to_string())];
        parameters.extend(self.ask.as_ref().map(|ask| ("q", ask.clone())));
        parameters.extend(self.trade.as_ref().map(|trade| ("category", trade.clone())));
        if let Some((place, km)) = self.place.as_ref().zip(self.km) {
            let (lat, lng, ..) = jobs.place[place];
            parameters.extend([
                ("lat", lat.to_string()),
                ("lng", lng.to_string()),
                ("radius", km.to_string()),
            ]);
        }
        // Words are asked for where words are looked for; without any, the list with its filters is the place.
        let path = if self.ask.is_some() { "/api/jobs/search/fulltext" } else { "/api/jobs" };
        let url = reqwest::Url::parse_with_params("http://any", parameters).unwrap();
        format!("{path}?{}", url.query().unwrap())
    }
}

fn read() -> (Jobs, Vec<Query>) {
    let jobs: Jobs = toml::from_str(include_str!("../../search-quality/jobs.toml")).unwrap();
    let queries: Queries = toml::from_str(include_str!("../../search-quality/queries.toml")).unwrap();
    (jobs, queries.query)
}

/// Posts all of them; the names by their ids.
async fn post(owner: &Person, jobs: &Jobs) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for (trade, of_trade) in &jobs.jobs {
        for (n, (name, city, title, description)) in (0_i32..).zip(of_trade) {
            let (lat, lng, region, country) = &jobs.place[city];
            let aside = f64::from(n % 7) * 0.01;
            let form = json!({
                "title": title,
                "description": description,
                "category": trade,
                "address": {
                    "street": format!("{} Elm Street", 100 + n), "city": city, "region": region, "country": country,
                    "point": { "lat": lat + aside, "lng": lng - aside },
                },
                "budgetMax": 50_000 + i64::from(n) * 10_000,
            });
            let posted = owner.post("/api/jobs", form).await.expect(201);
            names.insert(super::id(&posted).to_owned(), name.clone());
        }
    }
    names
}

fn share(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}

/// The jobs of a page, of those with their highlights and of those without.
fn found(page: &Value) -> Vec<&str> {
    let items = page["data"].as_array().into_iter().flatten();
    items.map(|item| super::id(item.get("job").unwrap_or(item))).collect()
}

#[test]
fn the_questions_are_many_and_ask_for_jobs_that_there_are() {
    let (jobs, queries) = read();
    let names: Vec<&String> = jobs.jobs.values().flatten().map(|(name, ..)| name).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert!(once.len() == names.len() && names.len() >= 150, "{} of {}", once.len(), names.len());
    assert!(queries.len() >= 60, "{}", queries.len());
    for query in &queries {
        assert!(!query.expect.is_empty() && !query.first.is_empty(), "{}", query.shown());
        for name in query.expect.iter().chain(&query.first).chain(&query.absent) {
            assert!(names.contains(&name), "{name} of {}", query.shown());
        }
    }
}

#[tokio::test]
async fn people_find_what_they_mean() {
    let app = TestApp::start().await;
    let owner = app.homeowner().await;
    let (jobs, queries) = read();
    let names = post(&owner, &jobs).await;
    app.settle().await;
    let (mut all, mut known, mut held_out) = (Figures::default(), Figures::default(), Figures::default());
    let mut report = String::new();
    for query in &queries {
        let page = app.anyone().get(&query.path(&jobs)).await.expect(200);
        let found: Vec<&str> = found(&page).into_iter().map(|id| names[id].as_str()).collect();
        let hits = query.expect.iter().filter(|name| found.contains(&name.as_str())).count();
        let right = found.first().is_some_and(|top| query.first.iter().any(|name| name == top));
        for figures in [&mut all, if query.held_out { &mut held_out } else { &mut known }] {
            figures.add(share(hits, query.expect.len()), right);
        }
        let missed: Vec<&String> =
            query.expect.iter().filter(|name| !found.contains(&name.as_str())).collect();
        let mark = if right { ' ' } else { '!' };
        let line = format!("{hits:>2}/{:<2} {mark} {}", query.expect.len(), query.shown());
        report.push_str(&line);
        if !right || !missed.is_empty() {
            report.push_str(&format!("   found {:?}, missed {missed:?}", &found[..found.len().min(4)]));
        }
        report.push('\n');
        for absent in &query.absent {
            assert!(!found.contains(&absent.as_str()), "{absent} is found by {}", query.shown());
        }
    }
    println!("{report}known: {}\nheld out: {}\nall: {}", known.shown(), held_out.shown(), all.shown());
    let (recall, first) = all.means();
    assert!(recall >= RECALL && first >= FIRST, "{}\n{report}", all.shown());
}
