//! Comma-separated tables that a spreadsheet shows as they are: no text becomes a formula.

use std::{borrow::Cow, io, io::Write};

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A text from outside, such as a name or a note. One that a spreadsheet would calculate gets an apostrophe in front.
    Text(String),
    /// A number, time, hash or word of this program, written as it is; empty where it is not known.
    Value(String),
}

impl Cell {
    /// Wraps a text from outside.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Formats a value of this program.
    pub(crate) fn value(value: impl ToString) -> Self {
        Self::Value(value.to_string())
    }

    /// Formats a value that may be unknown.
    pub(crate) fn known(value: Option<impl ToString>) -> Self {
        Self::Value(value.map(|value| value.to_string()).unwrap_or_default())
    }

    /// Returns the content of the cell, before quoting.
    fn content(&self) -> Cow<'_, str> {
        match self {
            Self::Value(value) => value.into(),
            Self::Text(text) if is_formula(text.trim_start_matches('\'')) => format!("'{text}").into(),
            Self::Text(text) => text.into(),
        }
    }
}

/// Whether a spreadsheet may calculate a text, also one in full-width characters or after blanks.
fn is_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\u{2212}'])
}

#[cfg(test)]
/// Returns a text cell without the apostrophe that was put in front of a formula.
pub(crate) fn unmarked(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

/// Writes the rows of a comma-separated table.
pub(crate) struct TableWriter<W> {
    out: W,
}

impl<W: Write> TableWriter<W> {
    /// Writes the names of the columns.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn new(out: W, header: &[&str]) -> io::Result<Self> {
        let mut table = Self { out };
        let cells: Vec<Cell> = header.iter().map(|name| Cell::value(*name)).collect();
        table.row(&cells)?;
        Ok(table)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a Cell>) -> io::Result<()> {
        let mut line = table_line(cells);
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }
}

/// Formats a row without the line break at its end.
pub(crate) fn table_line<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> String {
    let mut line = String::new();
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            line.push(',');
        }
        let content = cell.content();
        // A semicolon or a tab separates cells in other locales.
        if content.contains([',', ';', '\t', '"', '\r', '\n']) {
            line.push_str(&format!("\"{}\"", content.replace('"', "\"\"")));
        } else {
            line.push_str(&content);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_numbers_stay_numbers() {
        let formulas = [
            "=1+1",
            "+1",
            "-1.5",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "＝1",
            "－1",
            "'=1",
            "''@x",
            "=cmd|' /C calc'!A0",
        ];
        for text in formulas {
            let cell = Cell::text(text).content().into_owned();
            assert_eq!(cell, format!("'{text}"));
            assert_eq!(unmarked(&cell), text);
        }
        for text in ["part -1.png", "/parts/=1.png", "a=b", "'quoted'", "", "'"] {
            assert_eq!(Cell::text(text).content(), text);
            assert_eq!(unmarked(text), text);
        }
        assert_eq!(Cell::value(-1.5).content(), "-1.5");
        assert_eq!(Cell::known(None::<f64>).content(), "");
    }

    #[test]
    fn rows_come_back_as_they_were_and_no_locale_splits_them() {
        let texts = ["plain", "a,b", "a;=1+1", "a\t=1+1", "say \"x\"", "two\nlines", "\r\n", "-x", "ü"];
        let mut out = Vec::new();
        let header: Vec<&str> = (0..texts.len()).map(|_| "column").collect();
        let mut table = TableWriter::new(&mut out, &header).unwrap();
        let cells: Vec<Cell> = texts.iter().map(|text| Cell::text(*text)).collect();
        table.row(&cells).unwrap();
        let mut reader = csv::Reader::from_reader(&out[..]);
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.iter().map(unmarked).collect::<Vec<_>>(), texts);
        let written = String::from_utf8(out).unwrap();
        assert!(written.contains("\"a;=1+1\",\"a\t=1+1\""), "{written}");
    }
}
