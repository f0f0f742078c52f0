//! The project's own sources, read as text. All code is formatted, so a function ends at the first line that is nothing but a
//! brace at the function's own indentation.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of Rust.
pub(crate) struct Source {
    /// From the workspace's root, with forward slashes.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

/// A function and how long it is.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) first_line: usize,
    /// From its signature's first line to its closing brace.
    pub(crate) lines: usize,
    pub(crate) is_async: bool,
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the workspace.
pub(crate) fn all() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for top in ["crates", "gateway", "tests"] {
        collect(&root, &root.join(top), &mut found);
    }
    assert!(found.len() > 50, "the sources are not where they are looked for");
    found
}

/// The folders of the workspace's crates.
pub(crate) fn crates() -> Vec<PathBuf> {
    let root = root();
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.extend([root.join("gateway"), root.join("tests")]);
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    folders.sort();
    folders
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(root, &path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            found.push(Source { path, text });
        }
    }
}

impl Source {
    /// The text before the tests at its end.
    pub(crate) fn code(&self) -> &str {
        self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    /// The functions that stand before the tests.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        let lines: Vec<&str> = self.code().lines().collect();
        let mut found = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let Some((name, is_async)) = signature(line) else { continue };
            let indentation = line.len() - line.trim_start().len();
            let end = format!("{}}}", " ".repeat(indentation));
            let one_line = line.ends_with('}') || line.ends_with(';');
            let length = if one_line { 1 } else { length_until(&lines[index..], &end, indentation) };
            found.push(Function { name, first_line: index + 1, lines: length, is_async });
        }
        found
    }
}

/// A method without a body ends with a semicolon, at the same indentation.
fn length_until(lines: &[&str], end: &str, indentation: usize) -> usize {
    let closed = lines.iter().position(|line| {
        *line == end || (line.len() - line.trim_start().len() == indentation && line.ends_with(';'))
    });
    closed.map_or(lines.len(), |position| position + 1)
}

/// The name of the function whose signature begins on this line.
fn signature(line: &str) -> Option<(&str, bool)> {
    let mut words = line.trim_start();
    let mut is_async = false;
    loop {
        if let Some(rest) = words.strip_prefix("fn ") {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
            return Some((name, is_async));
        }
        let (word, rest) = words.split_once(' ')?;
        match word {
            "async" => is_async = true,
            "pub" | "pub(crate)" | "pub(super)" | "const" | "unsafe" => {}
            _ => return None,
        }
        words = rest;
    }
}

#[test]
fn functions_are_found_with_their_lengths() {
    let text = "pub async fn one(\n    a: u8,\n) {\n    work();\n}\n\nimpl X {\n    const fn two() -> u8 { 2 }\n    fn three(&self);\n}\n\n#[cfg(test)]\nmod tests {\n    fn four() {}\n}\n";
    let source = Source { path: String::new(), text: text.to_owned() };
    let found: Vec<_> =
        source.functions().iter().map(|f| (f.name, f.first_line, f.lines, f.is_async)).collect();
    assert_eq!(found, [("one", 1, 5, true), ("two", 8, 1, false), ("three", 9, 1, false)]);
}
