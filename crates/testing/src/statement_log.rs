//! What Postgres was asked, from its own log: whether a hot path runs only statements that were prepared once and are
//! cached, and which statements a command takes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use database::Roles;

use crate::server::server;

/// One statement as the server logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedStatement {
    /// How it came.
    pub how: How,
    /// Its text, in one line.
    pub text: String,
    /// The role that sent it.
    pub role: String,
    /// What was bound, in order, each as an SQL literal.
    pub values: Vec<String>,
}

/// How a statement came to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Prepared under a name: parsed once a connection, and planned once it is worth it.
    Cached,
    /// Prepared without a name: parsed and planned every time.
    Unnamed,
    /// As plain text without binds: BEGIN, COMMIT, scripts.
    Plain,
}

/// Reads the statements of one database out of the server's log.
#[derive(Debug)]
pub(crate) struct StatementLog {
    database: String,
}

impl StatementLog {
    /// Has every statement of connections that are made from now on logged.
    pub(crate) fn start(database: &str) -> Self {
        server().log_statements(database);
        Self { database: database.to_owned() }
    }

    /// Listens from now on.
    pub(crate) fn listen(&self) -> Listening<'_> {
        let mut log = File::open(server().log()).expect("the server's log is there");
        let start = log.seek(SeekFrom::End(0)).expect("a file can be sought in");
        Listening { log, start, database: &self.database }
    }
}

/// What is asked of one database from a moment on.
#[derive(Debug)]
pub struct Listening<'a> {
    log: File,
    start: u64,
    database: &'a str,
}

impl Listening<'_> {
    /// What the runtime role has asked until now.
    ///
    /// # Panics
    /// When the server's log cannot be read.
    #[must_use]
    pub fn heard(mut self) -> Vec<LoggedStatement> {
        self.log.seek(SeekFrom::Start(self.start)).expect("a file can be sought in");
        let mut bytes = Vec::new();
        self.log.read_to_end(&mut bytes).expect("the server's log can be read");
        let mut statements = parse(&String::from_utf8_lossy(&bytes), self.database);
        statements.retain(|statement| statement.role == Roles::default().runtime);
        statements
    }
}

/// Fails when anything but cached statements and the transaction's own BEGIN and COMMIT is among them.
///
/// # Panics
/// Naming what is not cached, and why that matters.
pub fn assert_cached(statements: &[LoggedStatement]) {
    let uncached: Vec<&str> = statements
        .iter()
        .filter(|statement| statement.how != How::Cached && !is_transaction_control(&statement.text))
        .map(|statement| statement.text.as_str())
        .collect();
    assert!(
        uncached.is_empty(),
        "these are parsed and planned at every call; write them with database::hot:\n{}",
        uncached.join("\n")
    );
}

fn is_transaction_control(text: &str) -> bool {
    ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"].iter().any(|word| text.starts_with(word))
}

/// Lines look as `2026-11-21 12:00:00.000 UTC [123] role@database LOG:  execute s1: SELECT …`; further lines of a statement
/// begin with a tab.
fn parse(log: &str, database: &str) -> Vec<LoggedStatement> {
    let mut statements: Vec<LoggedStatement> = Vec::new();
    let mut continues = false;
    let mut bound: Option<String> = None;
    for line in log.lines().chain([""]) {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some(bound) = &mut bound {
                bound.push('\n');
                bound.push_str(more);
            } else if let Some(last) = statements.last_mut().filter(|_| continues) {
                last.text.push(' ');
                last.text.push_str(more.trim());
            }
            continue;
        }
        if let Some((bound, last)) = bound.take().zip(statements.last_mut()) {
            last.values = values(&bound);
        }
        if let (true, Some((_, values))) = (continues, line.split_once(" DETAIL:  parameters: ")) {
            bound = Some(values.to_owned());
            continues = false;
            continue;
        }
        let found = line
            .split_once("] ")
            .and_then(|(_, rest)| rest.split_once(" LOG:  "))
            .and_then(|(session, message)| Some((session.trim().split_once('@')?, message)))
            .filter(|((_, of), _)| *of == database)
            .and_then(|((role, _), message)| statement(role, message));
        continues = found.is_some();
        statements.extend(found);
    }
    statements
}

/// Of `$1 = 'a', $2 = NULL` what stands behind each `=`.
fn values(bound: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = bound.strip_prefix("$1 = ");
    while let Some(text) = rest {
        let next = format!(", ${} = ", values.len() + 2);
        let (value, more) = text.split_once(&next).map_or((text, None), |(value, more)| (value, Some(more)));
        values.push(value.to_owned());
        rest = more;
    }
    values
}

fn statement(role: &str, message: &str) -> Option<LoggedStatement> {
    let (how, text) = if let Some(text) = message.strip_prefix("statement: ") {
        (How::Plain, text)
    } else if let Some(text) = message.strip_prefix("execute <unnamed>: ") {
        (How::Unnamed, text)
    } else {
        (How::Cached, message.strip_prefix("execute ")?.split_once(": ")?.1)
    };
    Some(LoggedStatement { how, text: text.trim().to_owned(), role: role.to_owned(), values: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_bound_is_read_value_by_value() {
        assert_eq!(
            values("$1 = 'a, $3 = ''b', $2 = NULL, $3 = '{1,2}'"),
            ["'a, $3 = ''b'", "NULL", "'{1,2}'"]
        );
        assert!(values("").is_empty());
    }

    #[test]
    fn statements_are_told_apart_by_how_they_came() {
        let log = "2026-11-21 12:00:00.000 UTC [1] app@one LOG:  statement: BEGIN\n\
                   2026-11-21 12:00:00.000 UTC [1] app@one LOG:  execute __diesel_stmt_0: SELECT a\n\
                   \tFROM b\n\
                   2026-11-21 12:00:00.000 UTC [1] app@one DETAIL:  parameters: $1 = '1\n\
                   \t  and more', $2 = '2'\n\
                   2026-11-21 12:00:00.000 UTC [2] app@two LOG:  execute <unnamed>: SELECT c\n\
                   2026-11-21 12:00:00.000 UTC [1] app@one LOG:  execute <unnamed>: SELECT d\n";
        let found: Vec<(How, String)> =
            parse(log, "one").into_iter().map(|found| (found.how, found.text)).collect();
        assert_eq!(parse(log, "one")[1].values, ["'1\n  and more'", "'2'"]);
        let expected = [(How::Plain, "BEGIN"), (How::Cached, "SELECT a FROM b"), (How::Unnamed, "SELECT d")];
        assert_eq!(found, expected.map(|(how, text)| (how, text.to_owned())));
    }
}
