//! Reading the configuration: files under environment variables, every fault found at once.
//!
//! What the settings are does not belong here: this works for any struct with defaults.

use std::collections::BTreeMap;

use config::{File, FileFormat, Map, Value, ValueKind};
use serde::de::DeserializeOwned;

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The setting, as `section.key`; or the file that cannot be read.
    pub key: String,
    /// Where its value came from.
    pub origin: String,
    /// What is wrong with it, for a person.
    pub message: String,
}

/// Every fault of a configuration, so that they are mended in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<ConfigFault>);

impl ConfigFaults {
    /// Notes one.
    pub fn push(&mut self, key: impl Into<String>, origin: impl Into<String>, message: impl Into<String>) {
        self.0.push(ConfigFault { key: key.into(), origin: origin.into(), message: message.into() });
    }

    /// The value when nothing was found.
    ///
    /// # Errors
    /// The faults, when there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl std::fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} fault{}:", if count == 1 { "" } else { "s" })?;
        for fault in &self.0 {
            write!(f, "\n  {} ({}): {}", fault.key, fault.origin, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}

/// A file of settings: its name, for messages, and its text.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    /// As a person would find it.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// Where settings come from, the weakest first.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files, each overriding those before it.
    pub files: Vec<SettingsFile>,
    /// Environment variables, which override all files.
    pub variables: Vec<(String, String)>,
}

/// The prefix of variables that name a setting by its path: `FAIRTRADE__SERVER__PORT`.
pub const VARIABLE_PREFIX: &str = "FAIRTRADE__";

/// Reads a struct of settings. What is nowhere stated keeps its default; `plain_names` are variables that stand for one
/// setting under a name of their own, and win over everything.
///
/// # Errors
/// [`ConfigFaults`]: every unknown key and every value that does not fit.
pub fn load<T: DeserializeOwned + Default>(
    sources: &Sources,
    plain_names: &[(&str, &str)],
) -> Result<T, ConfigFaults> {
    let mut faults = ConfigFaults::default();
    let mut tree = Map::new();
    for file in &sources.files {
        match read_file(file) {
            Ok(table) => merge(&mut tree, table),
            Err(message) => faults.push(&file.name, "file", message),
        }
    }
    let by_path = sources.variables.iter().filter_map(|(name, value)| {
        let path = name.strip_prefix(VARIABLE_PREFIX)?.to_lowercase().replace("__", ".");
        Some((name, path, value))
    });
    let by_name = plain_names.iter().flat_map(|(plain, path)| {
        let stated = sources.variables.iter().filter(move |(name, value)| name == plain && !value.is_empty());
        stated.map(|(name, value)| (name, (*path).to_owned(), value))
    });
    for (name, path, text) in by_path.chain(by_name) {
        let origin = format!("the variable {name}");
        let path: Vec<&str> = path.split('.').collect();
        merge(&mut tree, nest(&path, fit::<T>(&path, &origin, text)));
    }
    for (path, value) in leaves(&tree) {
        let origin = value.origin().unwrap_or("the defaults").to_owned();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Err(message) = read::<T>(nest(&path, value)) {
            faults.push(path.join("."), origin, message);
        }
    }
    let faults = match read::<T>(tree) {
        Ok(settings) => return faults.or(settings),
        Err(message) if faults.0.is_empty() => {
            faults.push("all", "the settings together", message);
            faults
        }
        Err(_) => faults,
    };
    Err(faults)
}

fn read_file(file: &SettingsFile) -> Result<Map<String, Value>, String> {
    let parsed = config::Config::builder().add_source(File::from_str(&file.text, FileFormat::Toml)).build();
    let table =
        parsed.and_then(|parsed| config::Source::collect(&parsed)).map_err(|error| error.to_string())?;
    Ok(table.into_iter().map(|(key, value)| (key, with_origin(value, &file.name))).collect())
}

fn with_origin(value: Value, origin: &str) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => ValueKind::Table(
            table.into_iter().map(|(key, inner)| (key, with_origin(inner, origin))).collect(),
        ),
        other => other,
    };
    Value::new(Some(&origin.to_owned()), kind)
}

/// Lays one table over another: tables meet, anything else is replaced.
fn merge(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key).map(|held| &mut held.kind), value.kind.clone()) {
            (Some(ValueKind::Table(held)), ValueKind::Table(table)) => merge(held, table),
            _ => {
                under.insert(key, value);
            }
        }
    }
}

fn nest(path: &[&str], value: Value) -> Map<String, Value> {
    let Some((last, above)) = path.split_last() else { return Map::new() };
    let innermost = Map::from([((*last).to_owned(), value)]);
    above.iter().rev().fold(innermost, |inner, key| Map::from([((*key).to_owned(), Value::new(None, inner))]))
}

fn read<T: DeserializeOwned>(tree: Map<String, Value>) -> Result<T, String> {
    Value::new(None, tree).try_deserialize().map_err(|error| error.to_string())
}

/// A variable is text; where its setting is a list, the text is one with commas.
fn fit<T: DeserializeOwned>(path: &[&str], origin: &str, text: &str) -> Value {
    let origin = origin.to_owned();
    let plain = Value::new(Some(&origin), text);
    if read::<T>(nest(path, plain.clone())).is_ok() {
        return plain;
    }
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let list = Value::new(Some(&origin), parts.map(Value::from).collect::<Vec<Value>>());
    if read::<T>(nest(path, list.clone())).is_ok() { list } else { plain }
}

/// Every value with its path; an empty table counts as one, so that its name is checked too.
fn leaves(tree: &Map<String, Value>) -> Vec<(Vec<String>, Value)> {
    let sorted: BTreeMap<_, _> = tree.iter().collect();
    let mut found = Vec::new();
    for (key, value) in sorted {
        match &value.kind {
            ValueKind::Table(table) if !table.is_empty() => {
                found.extend(leaves(table).into_iter().map(|(mut path, leaf)| {
                    path.insert(0, key.clone());
                    (path, leaf)
                }));
            }
            _ => found.push((vec![key.clone()], value.clone())),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct House {
        door: Door,
        windows: Vec<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Door {
        width: u16,
        open: bool,
        colour: Option<String>,
    }

    impl Default for Door {
        fn default() -> Self {
            Self { width: 90, open: false, colour: None }
        }
    }

    fn sources(files: &[&str], variables: &[(&str, &str)]) -> Sources {
        Sources {
            files: files
                .iter()
                .enumerate()
                .map(|(index, text)| SettingsFile { name: format!("{index}.toml"), text: (*text).to_owned() })
                .collect(),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_later_file_wins_over_an_earlier_and_a_variable_over_both() {
        let stated = sources(
            &["[door]\nwidth = 1\nopen = true\ncolour = \"red\"", "[door]\nwidth = 2\ncolour = \"blue\""],
            &[("FAIRTRADE__DOOR__WIDTH", "3"), ("WINDOWS", "north, south")],
        );
        let house: House = load(&stated, &[("WINDOWS", "windows")]).unwrap();
        assert_eq!(house.door, Door { width: 3, open: true, colour: Some("blue".to_owned()) });
        assert_eq!(house.windows, ["north", "south"]);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let stated = sources(
            &["[door]\nwidht = 1\nopen = \"perhaps\"\n[roof]", "this is not toml"],
            &[("FAIRTRADE__DOOR__WIDTH", "wide"), ("FAIRTRADE__CELLAR", "deep")],
        );
        let faults = load::<House>(&stated, &[]).unwrap_err();
        let named: Vec<_> =
            faults.0.iter().map(|fault| (fault.key.as_str(), fault.origin.as_str())).collect();
        assert_eq!(
            named,
            [
                ("1.toml", "file"),
                ("cellar", "the variable FAIRTRADE__CELLAR"),
                ("door.open", "0.toml"),
                ("door.widht", "0.toml"),
                ("door.width", "the variable FAIRTRADE__DOOR__WIDTH"),
                ("roof", "0.toml"),
            ]
        );
        assert!(faults.to_string().starts_with("the configuration has 6 faults:"));
    }

    #[test]
    fn an_empty_plain_variable_states_nothing() {
        let house: House = load(&sources(&[], &[("WIDTH", "")]), &[("WIDTH", "door.width")]).unwrap();
        assert_eq!(house.door.width, 90);
    }
}
