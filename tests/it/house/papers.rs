//! The papers say what is there: the settings with their defaults, the figures, files that are linked.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::sources::{all, root};

const OPERATIONS: &str = "docs/OPERATIONS.md";
/// Between these lines the table of settings is made from config/default.toml.
const SETTINGS_BEGIN: &str = "<!-- settings: begin (made from config/default.toml) -->\n";
const SETTINGS_END: &str = "<!-- settings: end -->\n";

#[test]
fn operations_lists_every_setting_with_its_default() {
    let path = root().join(OPERATIONS);
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(SETTINGS_BEGIN).unwrap();
    let (_, after) = rest.split_once(SETTINGS_END).unwrap();
    let table = settings_table(&fs::read_to_string(root().join("config/default.toml")).unwrap());
    let current = format!("{before}{SETTINGS_BEGIN}{table}{SETTINGS_END}{after}");
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, &current).unwrap();
    } else {
        assert!(
            page == current,
            "{OPERATIONS} is not current: BLESS=1 cargo test -p tests --test it operations_lists"
        );
    }
}

#[test]
fn operations_tells_of_every_figure() {
    let page = fs::read_to_string(root().join(OPERATIONS)).unwrap();
    let mut found = 0;
    let mut untold = BTreeSet::new();
    for source in all().iter().filter(|source| source.path.contains("/src/")) {
        for kind in ["counter!(\"", "gauge!(\"", "histogram!(\""] {
            for rest in source.code().split(&format!("metrics::{kind}")).skip(1) {
                let name = rest.split('"').next().unwrap_or_default();
                found += 1;
                if !page.contains(&format!("`{name}`")) && !page.contains(&format!("`{name}{{")) {
                    untold.insert(name.to_owned());
                }
            }
        }
    }
    assert!(found > 10, "the figures are not where they are looked for");
    assert!(untold.is_empty(), "{OPERATIONS} does not tell of {untold:?}");
}

#[test]
fn links_between_the_papers_lead_somewhere() {
    let mut dead = Vec::new();
    for page in papers() {
        let text = fs::read_to_string(&page).unwrap();
        for target in links(&text) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !page.parent().unwrap().join(path).exists() {
                dead.push(format!("{}: {target}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(dead.is_empty(), "these lead nowhere: {dead:#?}");
}

#[test]
fn security_names_tests_that_are_there() {
    let page = fs::read_to_string(root().join("docs/SECURITY.md")).unwrap();
    let sources = all();
    let named: BTreeSet<&str> =
        page.split('`').skip(1).step_by(2).filter(|code| code.contains(".rs::")).collect();
    let is_there = |name: &str| {
        let (path, test) = name.split_once("::").unwrap();
        let declared = format!("fn {test}(");
        sources.iter().any(|source| source.path == path && source.text.contains(&declared))
    };
    let missing: Vec<&str> = named.iter().copied().filter(|name| !is_there(name)).collect();
    assert!(named.len() > 50, "the tests are not where they are looked for");
    assert!(missing.is_empty(), "docs/SECURITY.md names tests that are not there: {missing:#?}");
}

/// One table for each section, in the file's order.
fn settings_table(defaults: &str) -> String {
    let mut table = String::new();
    let mut said: Vec<&str> = Vec::new();
    for line in defaults.lines() {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let heading = said.join(" ");
            let _ = write!(
                table,
                "\n**`[{section}]`** {heading}\n\n| setting | default | |\n| --- | --- | --- |\n"
            );
            said.clear();
        } else if let Some((key, value)) = setting(line) {
            let _ = writeln!(table, "| `{key}` | {value} | {} |", said.join(" ").replace('|', "\\|"));
            said.clear();
        } else if let Some(comment) = line.strip_prefix("# ") {
            said.push(comment);
        } else {
            said.clear();
        }
    }
    table.push('\n');
    table
}

/// A line that states a default, or in a comment that there is none.
fn setting(line: &str) -> Option<(&str, String)> {
    let (stated, text) = match line.strip_prefix("# ") {
        Some(rest) => (false, rest),
        None => (true, line),
    };
    let (key, value) = text.split_once(" = ")?;
    let is_key = !key.is_empty() && key.chars().all(|each| each.is_ascii_lowercase() || each == '_');
    is_key.then(|| (key, if stated { format!("`{value}`") } else { "none".to_owned() }))
}

/// The pages for people; what lies under `target` is not ours.
fn papers() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir()
                && name != "target"
                && name != "data"
                && name != "node_modules"
                && !name.starts_with('.')
            {
                folders.push(path);
            } else if is_markdown(&path) {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 20, "the papers are not where they are looked for");
    found
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// The targets of links that are no addresses. In crates' READMEs `[Thing](Type::method)` means code.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains(':') && !target.contains(' ')).map(str::to_owned).collect()
}

#[test]
fn a_setting_is_told_with_its_comment_and_its_default() {
    let text = "# Where.\n[server]\n# The port.\n# Variable PORT.\nport = 80\n# A token.\n# token = \"…\"\n";
    let table = settings_table(text);
    assert!(table.contains("**`[server]`** Where."));
    assert!(table.contains("| `port` | `80` | The port. Variable PORT. |"));
    assert!(table.contains("| `token` | none | A token. |"));
}
