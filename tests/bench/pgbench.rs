//! The yardstick: pgbench, issuing the statements that the service issues, on the same server in the same minute.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use uuid::Uuid;

use crate::capture::Executed;
use crate::world::World;

/// What pgbench saw.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Yardstick {
    /// Transactions a second.
    pub(crate) rate: f64,
}

/// A transaction as pgbench takes it, and its variables for each client.
pub(crate) struct Script {
    /// Meta commands and statements.
    pub(crate) text: String,
    /// What each client has of its own.
    pub(crate) variables: Variables,
}

/// Where the request's id stands among the values of the audit trail's row.
const REQUEST_ID_PLACE: usize = 13;

/// Names and values, for the client of that number in the run of that number; none where all clients do the same.
pub(crate) type Variables = Option<Box<dyn Fn(usize, usize) -> Vec<(&'static str, String)>>>;

/// The script of what one request made the service issue, below those meta commands. `again` is what the same request issued the next
/// time: what was another then is another in every transaction. `names` are values that each client has its own of, as variables.
pub(crate) fn script(meta: &str, seen: &[Executed], again: &[Executed], names: &[(String, &str)]) -> String {
    // A request's id is written as text, although it looks like a UUID.
    let row = seen.iter().find(|statement| statement.text.contains("audit.append("));
    let request_id = row.and_then(|row| row.values.get(REQUEST_ID_PLACE).cloned().flatten());
    let mut writer = Writer { names, changed: Vec::new(), request_id };
    let mut text = format!("\\set r random(1, 9000000000000000000)\n{meta}\n");
    for statement in seen {
        let later = again.iter().find(|other| other.text == statement.text);
        let mut rest = statement.text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            text.push_str(before);
            match after[..digits].parse::<usize>() {
                Ok(number) => {
                    let value = statement.values.get(number - 1).cloned().flatten();
                    let then = later.and_then(|later| later.values.get(number - 1).cloned().flatten());
                    text.push_str(
                        &value.map_or_else(|| "NULL".to_owned(), |value| writer.sql(&value, then.as_deref())),
                    );
                }
                Err(_) => text.push('$'),
            }
            rest = &after[digits..];
        }
        let _ = writeln!(text, "{rest};");
    }
    text
}

struct Writer<'a> {
    names: &'a [(String, &'a str)],
    /// Words that were others the next time; the same word is the same in every statement of a transaction.
    changed: Vec<String>,
    request_id: Option<String>,
}

impl Writer<'_> {
    /// SQL for a value, of the type that its shape tells.
    fn sql(&mut self, value: &str, then: Option<&str>) -> String {
        let whole: Result<i64, _> = value.parse();
        if let (Ok(number), Some(Ok(next))) = (whole, then.map(str::parse::<i64>)) {
            return match next.wrapping_sub(number) {
                0 => number.to_string(),
                1 => "(:part)::integer".to_owned(),
                // A hash; a small number that changed, such as what is left, says nothing that is checked.
                _ if number.unsigned_abs() > 1 << 40 => ":r".to_owned(),
                _ => number.to_string(),
            };
        }
        // The business key of a release ends with the number of its part.
        let keyed = value.strip_prefix("release:").and_then(|_| value.rsplit_once(':'));
        if let Some((stem, _)) = keyed.filter(|(_, part)| part.parse::<i64>().is_ok()) {
            return format!("({} || ':' || (:part)::text)", self.sql(stem, None));
        }
        let replaced = self.replacements(value, then);
        let mut sql = literal(value);
        for (word, by) in &replaced {
            sql = if *word == value { by.clone() } else { format!("replace({sql}, '{word}', ({by})::text)") };
        }
        let shape = value
            .strip_prefix('{')
            .map_or("", |list| list.split(',').next().unwrap_or_default().trim_end_matches('}'));
        let timestamp =
            |text: &str| text.len() > 18 && text.get(10..11) == Some(" ") && text.starts_with("20");
        let uuid = |text: &str| Uuid::parse_str(text).is_ok_and(|_| text.len() == 36);
        let cast = match value {
            _ if self.request_id.as_deref() == Some(value) => "::text",
            _ if uuid(value) => "::uuid",
            _ if uuid(shape) => "::uuid[]",
            _ if timestamp(shape.trim_matches('"')) => "::timestamptz[]",
            _ if shape.parse::<i64>().is_ok() => "::bigint[]",
            _ if value.starts_with("\\x") => "::bytea",
            _ if value.starts_with("{\"") || value.starts_with('[') => "::jsonb",
            _ if value.starts_with('{') => "::text[]",
            _ if timestamp(value) => "::timestamptz",
            _ => "",
        };
        if cast.is_empty() { sql } else { format!("({sql}){cast}") }
    }

    /// The words of a value that are not to stay, and SQL for what stands there instead.
    fn replacements<'v>(&mut self, value: &'v str, then: Option<&str>) -> Vec<(&'v str, String)> {
        let then: Vec<&str> = then.map(words).unwrap_or_default();
        let mut found: Vec<(&str, String)> = Vec::new();
        for (place, word) in words(value).into_iter().enumerate() {
            if found.iter().any(|(known, _)| *known == word) {
                continue;
            }
            let other = then.get(place).is_some_and(|then| *then != word);
            if let Some((_, name)) = self.names.iter().find(|(known, _)| known == word) {
                found.push((word, (*name).to_owned()));
            } else if other {
                found.extend(self.fresh(word).map(|by| (word, by)));
            }
        }
        found
    }

    /// What an identifier or a hash of this shape is in another transaction; none for anything else, which stays.
    fn fresh(&mut self, word: &str) -> Option<String> {
        let place = self.changed.iter().position(|known| known == word).unwrap_or_else(|| {
            self.changed.push(word.to_owned());
            self.changed.len() - 1
        });
        let digest = format!("md5((:r)::text || '-{place}')");
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (word.len(), word.split_once('_')) {
            (36, _) if Uuid::parse_str(word).is_ok() => Some(format!("{digest}::uuid")),
            (64, _) if hex(word) => Some(format!("{digest} || {digest}")),
            (65, _) if word.starts_with('x') && hex(&word[1..]) => {
                Some(format!("'x' || {digest} || {digest}"))
            }
            (30, Some((prefix, id))) if id.len() == 26 => Some(format!("'{prefix}_' || left({digest}, 26)")),
            _ => None,
        }
    }
}

/// Runs of letters, digits, `-` and `_`.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .filter(|word| !word.is_empty())
        .collect()
}

/// Quoted, and without anything that pgbench takes for one of its variables.
fn literal(value: &str) -> String {
    let mut text = String::from("E'");
    for character in value.chars() {
        match character {
            '\'' => text.push_str("\'\'"),
            '\\' => text.push_str("\\\\"),
            ':' => text.push_str("\\x3a"),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('\'');
    text
}

/// Runs it with prepared statements: a process for each client, so that each has variables of its own.
///
/// # Errors
/// When pgbench is missing, or refuses the script; with what it said.
pub(crate) fn run(
    world: &World,
    script: &Script,
    (run, clients): (usize, usize),
    seconds: u64,
) -> Result<Yardstick, String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(file.path(), &script.text).map_err(|error| error.to_string())?;
    // Where no client has variables of its own one process does for all, and takes less of the machine.
    let processes = if script.variables.is_none() { 1 } else { clients };
    let children: Vec<_> = (0..processes)
        .map(|client| {
            let mut command = Command::new(&world.pgbench);
            command.args(["-n", "-M", "prepared", "--random-seed=rand", "-T", &seconds.to_string()]);
            command.args(["-c", &(clients / processes).to_string(), "-f"]).arg(file.path());
            for (name, value) in script.variables.iter().flat_map(|of| of(client, run)) {
                command.arg("-D").arg(format!("{name}={value}"));
            }
            command.arg(&world.runtime_url).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
        })
        .collect();
    let mut rate = 0.0;
    for child in children {
        let output =
            child.and_then(std::process::Child::wait_with_output).map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout);
        let tps = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("tps = "))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        match tps {
            Some(tps) if output.status.success() => rate += tps,
            _ => {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(said.lines().take(4).collect::<Vec<_>>().join("\n"));
            }
        }
    }
    Ok(Yardstick { rate })
}
