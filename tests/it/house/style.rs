//! The rules of style that a machine can hold. Each list of exceptions names its reason, and a test fails when an exception is no
//! longer needed, so that the lists only shrink.

use std::fs;

use super::sources::{Source, all, crates, root};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const HANDLER_LINES_MAX: usize = 25;

/// What only a statement of SQL needs.
const WORDS_OF_SQL: [&str; 8] = [
    "diesel::prelude",
    "RunQueryDsl",
    "QueryDsl",
    "sql_query(",
    "insert_into(",
    "diesel::update(",
    "diesel::delete(",
    "batch_execute(",
];

/// Files with SQL that are no stores, each with its reason.
const SQL_ELSEWHERE: [(&str, &str); 0] = [];

/// Statements that ask the machine's clock and not `app.clock()`, how often in that file, and why.
const OTHER_CLOCKS: [(&str, usize, &str); 7] = [
    ("crates/database/src/facts.rs", 1, "the doctor compares the clock of Postgres with its own machine's"),
    ("crates/database/src/keyed.rs", 3, "a lease is real time: it bounds how long a process may be silent"),
    ("crates/database/src/quota.rs", 1, "quotas are real time, whatever a test does to the clock"),
    ("crates/outbox/src/store.rs", 3, "a lease is real time"),
    (
        "migrations/2026-11-21-000100_app/up.sql",
        3,
        "the definition of the clock itself, and two looks at a lease",
    ),
    ("migrations/2026-11-21-000200_outbox/up.sql", 1, "ids are made in real time, as those made in Rust are"),
    ("migrations/2026-11-21-001600_quotas/up.sql", 1, "quotas are real time"),
];

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    let long: Vec<_> = all()
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > FILE_LINES_MAX)
        .collect();
    assert!(long.is_empty(), "make a folder of the same name of each: {long:#?}");
}

#[test]
fn no_function_is_longer_than_seventy_lines() {
    let long = functions_over(FUNCTION_LINES_MAX, |source, _| !source.path.starts_with("tests/"));
    assert!(long.is_empty(), "take each apart: {long:#?}");
}

#[test]
fn no_handler_is_longer_than_twenty_five_lines() {
    let long = functions_over(HANDLER_LINES_MAX, |source, function| {
        source.path.starts_with("gateway/src/routes/")
            && (function.is_async || is_handler(source, function.name))
    });
    assert!(long.is_empty(), "a handler extracts, calls one service method, answers: {long:#?}");
}

/// Whether an operation of this file ends in that function.
fn is_handler(source: &Source, name: &str) -> bool {
    source.text.contains(&format!(".to({name})"))
}

fn functions_over(
    most: usize,
    counts: impl Fn(&Source, &super::sources::Function<'_>) -> bool,
) -> Vec<String> {
    let mut long = Vec::new();
    for source in all() {
        for function in
            source.functions().iter().filter(|function| function.lines > most && counts(&source, function))
        {
            let place = format!("{}:{}", source.path, function.first_line);
            long.push(format!("{place} {} has {} lines", function.name, function.lines));
        }
    }
    long
}

#[test]
fn sql_stands_in_stores_only() {
    let mut found: Vec<String> = all()
        .into_iter()
        .filter(|source| {
            !is_store(&source.path) && WORDS_OF_SQL.iter().any(|word| source.code().contains(word))
        })
        .map(|source| source.path)
        .collect();
    found.sort();
    let allowed: Vec<&str> = SQL_ELSEWHERE.iter().map(|(path, _)| *path).collect();
    assert_eq!(found, allowed);
}

/// `store.rs`, what is under `store/`, a schema; the crates that are about the database itself, and tests.
fn is_store(path: &str) -> bool {
    let about_the_database = ["crates/database/", "crates/testing/", "crates/kernel/", "tests/"];
    path.ends_with("/store.rs")
        || path.contains("/store/")
        || path.ends_with("/schema.rs")
        || path.contains("/tests/")
        || about_the_database.iter().any(|folder| path.starts_with(folder))
}

#[test]
fn every_crate_takes_the_workspaces_lints_and_has_a_readme_as_its_documentation() {
    for folder in crates() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not take the lints",
            folder.display()
        );
        let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        assert!(readme.lines().count() >= 5, "{} has no README worth the name", folder.display());
        let library = fs::read_to_string(folder.join("src/lib.rs")).unwrap_or_default();
        assert!(
            library.contains("#![doc = include_str!(\"../README.md\")]"),
            "{}: the README is not its documentation",
            folder.display()
        );
    }
}

#[test]
fn no_crate_is_a_place_for_everything() {
    let everything = ["utils", "util", "helpers", "helper", "common", "misc"];
    let found: Vec<String> = all()
        .into_iter()
        .map(|source| source.path)
        .filter(|path| path.trim_end_matches(".rs").split('/').any(|part| everything.contains(&part)))
        .collect();
    assert!(found.is_empty(), "name each by what it is about: {found:#?}");
}

#[test]
fn only_the_clock_tells_the_time_in_sql() {
    let mut found: Vec<(String, usize)> = all()
        .into_iter()
        .filter(|source| source.path.contains("/src/"))
        .map(|source| {
            let lines = source.code().lines().filter(|line| !line.trim_start().starts_with("//"));
            (source.path.clone(), lines.filter(|line| asks_the_machine(line)).count())
        })
        .chain(migrations().into_iter().map(|(path, sql)| {
            let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
            (path, lines.filter(|line| asks_the_machine(line)).count())
        }))
        .filter(|(_, count)| *count > 0)
        .collect();
    found.sort();
    let found: Vec<(&str, usize)> = found.iter().map(|(path, count)| (path.as_str(), *count)).collect();
    let allowed: Vec<(&str, usize)> = OTHER_CLOCKS.iter().map(|(path, count, _)| (*path, *count)).collect();
    assert_eq!(found, allowed, "ask app.clock()");
}

/// The migrations on the way up, each with its path.
fn migrations() -> Vec<(String, String)> {
    let folders = fs::read_dir(root().join("migrations")).unwrap().map(|entry| entry.unwrap().path());
    let read = |folder: std::path::PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (format!("migrations/{name}/up.sql"), fs::read_to_string(folder.join("up.sql")).unwrap())
    };
    folders.filter(|path| path.is_dir()).map(read).collect()
}

/// Whether SQL in this line asks for the time. A `now()` after a point or a colon is Rust's.
fn asks_the_machine(line: &str) -> bool {
    let line = line.to_lowercase();
    let is_rust = |before: &str| before.ends_with(['.', ':', '_']) || before.ends_with("fn ");
    ["current_timestamp", "clock_timestamp()", "localtimestamp", "statement_timestamp()", "'now'"]
        .iter()
        .any(|word| line.contains(word))
        || line.match_indices("now()").any(|(place, _)| !is_rust(&line[..place]))
}

#[test]
fn the_machines_clock_is_recognised() {
    for line in
        ["DEFAULT now()", "SET a = NOW() - interval '1 day'", "current_timestamp", "x < clock_timestamp()"]
    {
        assert!(asks_the_machine(line), "{line}");
    }
    for line in ["let now = self.clock.now();", "Utc::now()", "fn now() -> Instant {", "app.clock()"] {
        assert!(!asks_the_machine(line), "{line}");
    }
}
