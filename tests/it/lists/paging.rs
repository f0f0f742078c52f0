//! Every list of the document read from start to end, by pages of any length, while rows are added to every table over another connection, between the
//! pages and during them: what was there comes exactly once.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tests::TestApp;

use super::crowd::{self, Growth, grow};
use super::{Asked, askable, is_paged, needed};
use crate::authorisation::document::operations;

/// Times that each list is read.
const CASES: usize = 2;
/// Rows that every table gets at a time.
const MORE: Growth = Growth { rows: 20.0, own: 2, until: f64::MAX };
const LONGEST: u32 = 100;
/// By relevance jobs are ranked among those of one time, which is over: nothing is published in it any more, while the rows that are added here are of
/// any time.
const ORDERED: [(&str, &str); 1] = [("searchJobTexts", "&sort=newest")];

/// A page, and whether tables grow before it or while it is read.
#[derive(Debug, Clone, Copy)]
struct Step {
    limit: u32,
    grows: Option<Moment>,
}

#[derive(Debug, Clone, Copy)]
enum Moment {
    Before,
    Meanwhile,
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    let moment =
        prop_oneof![4 => Just(None), 1 => Just(Some(Moment::Before)), 1 => Just(Some(Moment::Meanwhile))];
    let step = (prop_oneof![1 => 1..=10_u32, 2 => 11..=LONGEST], moment);
    // In the first of them something always happens.
    let first = (1..=20_u32, prop_oneof![Just(Moment::Before), Just(Moment::Meanwhile)]);
    (first, prop::collection::vec(step, 2..6)).prop_map(|((limit, moment), rest)| {
        let first = Step { limit, grows: Some(moment) };
        std::iter::once(first).chain(rest.into_iter().map(|(limit, grows)| Step { limit, grows })).collect()
    })
}

/// What tells a thing of a list from the others: its id, or else all of it.
fn name(item: &Value) -> String {
    let id = ["/id", "/job/id", "/bid/id", "/review/id", "/contract/id", "/user/id", "/verification/id"]
        .iter()
        .find_map(|at| item.pointer(at));
    id.unwrap_or(item).to_string()
}

/// One page: its things, and where the next begins.
async fn page(asked: &Asked<'_>, limit: u32, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let order = ORDERED.iter().find(|(id, _)| *id == asked.operation.id).map_or("", |(_, order)| order);
    let query = format!("{}{order}&limit={limit}{cursor}", needed(asked.operation));
    let answer = asked.person.get(&format!("{}?{query}", asked.path)).await.expect(200);
    let things = ["data", "entries"]
        .iter()
        .find_map(|list| answer[list].as_array())
        .unwrap()
        .iter()
        .map(name)
        .collect();
    (things, answer["nextCursor"].as_str().map(str::to_owned))
}

/// All of it, after the script, whose last page is asked for again and again.
async fn read(app: &TestApp, asked: &Asked<'_>, script: &[Step]) -> Vec<String> {
    let (mut found, mut cursor): (Vec<String>, Option<String>) = (Vec::new(), None);
    let quiet = Step { limit: LONGEST, grows: None };
    let mut steps = script.iter().copied().chain(std::iter::repeat(quiet));
    loop {
        let step = steps.next().unwrap_or(quiet);
        let (things, next) = std::thread::scope(|scope| {
            let growing = step.grows.map(|_| scope.spawn(|| grow(app, MORE)));
            let reading = page(asked, step.limit, cursor.as_deref());
            let joined = || growing.map(|growing| growing.join().unwrap());
            match step.grows {
                Some(Moment::Before) => {
                    joined();
                    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(reading))
                }
                _ => {
                    let read =
                        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(reading));
                    joined();
                    read
                }
            }
        });
        found.extend(things);
        cursor = next;
        if cursor.is_none() {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_skipped_or_repeated_while_rows_are_added() {
    let cast = crowd::long().await;
    let operations = operations(&cast.app).await;
    let mut runner = TestRunner::deterministic();
    let mut lists = BTreeSet::new();
    for asked in askable(&cast, &operations, |_| {}).await.iter().filter(|asked| is_paged(asked.operation)) {
        // Each list once, by somebody for whom it has many things.
        let (_, next) = page(asked, 5, None).await;
        if next.is_none() || !lists.insert(asked.operation.id.as_str()) {
            continue;
        }
        for _ in 0..CASES {
            let there: BTreeSet<String> = read(&cast.app, asked, &[]).await.into_iter().collect();
            let script = script().new_tree(&mut runner).unwrap().current();
            let found = read(&cast.app, asked, &script).await;
            let once: BTreeSet<&String> = found.iter().collect();
            assert_eq!(once.len(), found.len(), "{} repeats something: {script:?}", asked.path);
            let missed: Vec<&String> = there.iter().filter(|thing| !once.contains(thing)).collect();
            assert!(missed.is_empty(), "{} skips {missed:?}: {script:?}", asked.path);
        }
    }
    let all: BTreeSet<&str> =
        operations.iter().filter(|list| is_paged(list)).map(|list| list.id.as_str()).collect();
    let short: Vec<&&str> = all.difference(&lists).collect();
    assert!(short.is_empty(), "these have no second page: {short:?}");
}
