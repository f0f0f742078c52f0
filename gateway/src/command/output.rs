//! What commands print: lines for people, or one JSON value for programs.

use std::io::Write;

use serde::Serialize;

use super::failure::Failure;

/// To whom a command speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Lines for a person.
    People,
    /// JSON for a program.
    Programs,
}

impl Voice {
    /// `--json` or not.
    #[must_use]
    pub const fn of(json: bool) -> Self {
        if json { Self::Programs } else { Self::People }
    }

    /// Prints a result either way.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be written.
    pub fn tell<T: Serialize>(self, value: &T, for_people: impl FnOnce() -> String) -> Result<(), Failure> {
        match self {
            Self::People => say(for_people()),
            Self::Programs => {
                let json = serde_json::to_string_pretty(value)
                    .map_err(|error| Failure::Internal(error.to_string()))?;
                say(json)
            }
        }
    }
}

impl Voice {
    /// As [`Voice::tell`], with the JSON on one line: for programs that stay, and are read line by line.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be written.
    pub fn tell_line<T: Serialize>(
        self,
        value: &T,
        for_people: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self {
            Self::People => say(for_people()),
            Self::Programs => {
                let json =
                    serde_json::to_string(value).map_err(|error| Failure::Internal(error.to_string()))?;
                say(json)
            }
        }
    }
}

/// Prints a line on standard output. Whoever reads it may have gone (`fairtrade openapi | head`): that is no failure.
///
/// # Errors
/// [`Failure`] when it cannot be written.
pub fn say(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Columns, each as wide as its widest cell; the columns named in `right` lean to the right, as figures do.
#[must_use]
pub fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width_of =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width_of(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_figures_lean_right() {
        let rows = [vec!["held".to_owned(), "1,000".to_owned()], vec!["fee".to_owned(), "29".to_owned()]];
        assert_eq!(table(&rows, &[1]), "held  1,000\nfee      29");
    }
}
