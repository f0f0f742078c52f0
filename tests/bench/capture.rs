//! What the service asks Postgres for one request, read from the server's own log.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;

/// A statement as it was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Executed {
    /// Its text, with `$1` and so on.
    pub(crate) text: String,
    /// What stood for them; none is NULL.
    pub(crate) values: Vec<Option<String>>,
}

/// Every statement of the runtime role while `work` ran.
pub(crate) fn during<T>(superuser_url: &str, log: &Path, work: impl FnOnce() -> T) -> (T, Vec<Executed>) {
    let mut superuser = database::establish(superuser_url).unwrap();
    let mut log_statements = |what: &str| {
        superuser.batch_execute(&format!("ALTER SYSTEM SET log_statement = '{what}'")).unwrap();
        superuser.batch_execute("SELECT pg_reload_conf()").unwrap();
        // Sessions read it before their next statement, once the signal has arrived.
        std::thread::sleep(Duration::from_millis(300));
    };
    log_statements("all");
    let mut file = File::open(log).unwrap();
    let start = file.seek(SeekFrom::End(0)).unwrap();
    let result = work();
    std::thread::sleep(Duration::from_millis(100));
    file.seek(SeekFrom::Start(start)).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    log_statements("none");
    (result, parse(&String::from_utf8_lossy(&bytes)))
}

/// Lines look as `… fairtrade_app@fairtrade LOG:  execute s1: SELECT …`, then `… DETAIL:  parameters: $1 = '…', $2 = NULL`;
/// further lines of either begin with a tab.
fn parse(log: &str) -> Vec<Executed> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match (line.strip_prefix('\t'), entries.last_mut()) {
            (Some(more), Some(last)) => {
                last.push('\n');
                last.push_str(more);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    let session = |entry: &str| {
        entry.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(pid, _)| pid.to_owned())
    };
    // The simulated provider is an outside system with sessions of its own; what it does is not the service's.
    let outside: HashSet<String> = entries
        .iter()
        .filter(|entry| entry.contains("simulated_provider"))
        .filter_map(|entry| session(entry))
        .collect();
    let ours = |entry: &&String| {
        entry.contains("fairtrade_app@") && session(entry).is_some_and(|session| !outside.contains(&session))
    };
    let mut executed: Vec<Executed> = Vec::new();
    for entry in entries.iter().filter(ours) {
        if let Some((_, parameters)) = entry.split_once(" DETAIL:  parameters: ") {
            if let Some(last) = executed.last_mut() {
                last.values = values(parameters);
            }
        } else if let Some((_, message)) = entry.split_once(" LOG:  ") {
            let text = message
                .strip_prefix("statement: ")
                .or_else(|| message.strip_prefix("execute ")?.split_once(": ").map(|(_, text)| text));
            executed.extend(text.map(|text| Executed { text: text.trim().to_owned(), values: Vec::new() }));
        }
    }
    executed
}

/// `$1 = 'it''s', $2 = NULL`, taken apart.
fn values(text: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(" = ") {
        let Some(quoted) = after.strip_prefix('\'') else {
            found.push(None);
            rest = after.split_once(", ").map_or("", |(_, rest)| rest);
            continue;
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                value.push(character);
            } else if characters.peek().is_some_and(|(_, next)| *next == '\'') {
                characters.next();
                value.push('\'');
            } else {
                end = at + 1;
                break;
            }
        }
        found.push(Some(once(value)));
        rest = quoted.get(end..).unwrap_or_default();
    }
    found
}

/// The service fills a short list of keys up to ten by naming one again, to keep its plan; the yardstick names it once.
fn once(value: String) -> String {
    let list = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let keys: Vec<&str> = list.split(',').collect();
    match keys.as_slice() {
        [first, rest @ ..]
            if rest.len() == 9
                && rest.iter().all(|other| other == first)
                && uuid::Uuid::parse_str(first).is_ok() =>
        {
            format!("{{{first}}}")
        }
        _ => value,
    }
}
