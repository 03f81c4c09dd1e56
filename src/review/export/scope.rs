//! The parts that an export covers: the whole record, or the selection of a filter, which is named wherever it matters.

use std::collections::HashSet;

use super::format::count_of;
use crate::review::PartId;

/// Largest number of characters of a filter in a file name.
const MAX_NAME: usize = 60;

/// The parts that an export covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportScope {
    /// The filter in words, such as "flagged, on 12 March 2026"; `None` for the whole record.
    pub filter: Option<String>,
    /// Whether the filter selects parts by what the model or a reviewer said, so that shares of them mean nothing.
    pub selects: bool,
    /// Whether file names carry the filter.
    pub named: bool,
    /// Number of parts of the whole record.
    pub whole: usize,
}

/// What an export notes about its parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExportNotes<'a> {
    /// The filter that selected them.
    pub filter: Option<&'a str>,
    /// Those whose file holds the image that was inspected.
    pub originals: &'a HashSet<PartId>,
}

impl ExportScope {
    /// Returns the name of a file: "review.csv", or "review-flagged.csv" for a filter.
    pub(crate) fn file(&self, stem: &str, extension: &str) -> String {
        match self.suffix() {
            Some(suffix) => format!("{stem}-{suffix}.{extension}"),
            None => format!("{stem}.{extension}"),
        }
    }

    /// Returns the filter as part of a file name; `None` without one.
    pub(crate) fn suffix(&self) -> Option<String> {
        let filter = self.filter.as_deref().filter(|_| self.named)?;
        let mut name = String::new();
        for c in filter.to_lowercase().chars() {
            match c {
                c if c.is_alphanumeric() => name.push(c),
                _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
                _ => {}
            }
        }
        let name: String = name.chars().take(MAX_NAME).collect();
        let name = name.trim_end_matches('-');
        Some(if name.is_empty() { "filtered".to_owned() } else { name.to_owned() })
    }

    /// Describes the parts covered: "the whole record, 8 parts", or "only the queue (flagged), 6 of 8 parts".
    pub fn describe(&self, parts: usize) -> String {
        match &self.filter {
            Some(filter) => format!("only the queue ({filter}), {}", count_of(parts, self.whole)),
            None => format!("the whole record, {}", crate::format::counted(parts, "part")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_part_of_the_name() {
        let scope =
            |filter: &str| ExportScope { filter: Some(filter.into()), named: true, whole: 8, ..ExportScope::default() };
        assert_eq!(ExportScope::default().file("review", "csv"), "review.csv");
        assert_eq!(scope("flagged, in /line/3").file("review", "csv"), "review-flagged-in-line-3.csv");
        assert_eq!(scope("/\\").file("shift", "pdf"), "shift-filtered.pdf");
        assert!(scope(&"x".repeat(400)).file("shift", "pdf").len() < 100);
        let unnamed = ExportScope { named: false, ..scope("since 1 May 2026") };
        assert_eq!(unnamed.file("review", "csv"), "review.csv");
        assert_eq!(scope("flagged").describe(6), "only the queue (flagged), 6 of 8 parts");
        assert_eq!(ExportScope::default().describe(1), "the whole record, 1 part");
    }
}
