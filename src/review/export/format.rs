//! Export formats, and the summary of an export.

use std::path::PathBuf;

use crate::format::counted;

/// Name of a defect type that nobody specified.
pub(crate) const UNNAMED: &str = "defect";

/// Returns "6 of 8 parts".
pub(super) fn count_of(parts: usize, whole: usize) -> String {
    format!("{parts} of {}", counted(whole, "part"))
}

/// Format of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum ExportFormat {
    /// `review.csv`: one row per part and verdict
    #[default]
    Csv,
    /// `review.jsonl`: one JSON object per part, with everything on record
    Jsonl,
    /// `coco.json`: the judged parts with the outlines of their defects
    Coco,
    /// `ground_truth/TYPE/NAME_mask.png`: one mask per defective part
    Masks,
    /// `shift.pdf` and `parts.pdf`: a shift report, and one page per part
    Pdf,
    /// `regions.csv`: one row per anomaly region, in pixels and, where the size of a pixel is known, in micrometres
    Regions,
}

impl ExportFormat {
    /// Returns the noun for the units that this format consists of.
    fn unit(self) -> &'static str {
        match self {
            Self::Csv | Self::Regions => "row",
            Self::Jsonl => "line",
            Self::Coco => "outline",
            Self::Masks => "mask",
            Self::Pdf => "page",
        }
    }
}

/// Summary of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Number of rows, lines, outlines, masks or pages.
    pub rows: usize,
    /// The files written.
    pub files: Vec<PathBuf>,
    /// Number of exported parts whose image was moved, deleted or replaced.
    pub missing: usize,
    /// Number of parts left out: defective ones without an outline, and those beyond the page limit.
    pub left_out: usize,
}

impl ExportSummary {
    /// Describes the export of `parts` parts, as a clause: "6 rows from 5 parts; 1 image missing".
    pub fn describe(&self, format: ExportFormat, parts: usize) -> String {
        let mut text = format!("{} from {}", counted(self.rows, format.unit()), counted(parts, "part"));
        if self.missing > 0 {
            text.push_str(&format!("; {} missing", counted(self.missing, "image")));
        }
        if self.left_out > 0 {
            let reason = match format {
                ExportFormat::Pdf => "page limit reached",
                _ => "no outline",
            };
            text.push_str(&format!("; {} left out ({reason})", counted(self.left_out, "part")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_summarised() {
        let summary = ExportSummary { rows: 1, missing: 2, left_out: 1, ..ExportSummary::default() };
        assert_eq!(
            summary.describe(ExportFormat::Coco, 5),
            "1 outline from 5 parts; 2 images missing; 1 part left out (no outline)"
        );
        let summary = ExportSummary { rows: 6, ..ExportSummary::default() };
        assert_eq!(summary.describe(ExportFormat::Csv, 5), "6 rows from 5 parts");
    }
}
