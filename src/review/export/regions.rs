//! Table of anomaly regions: CSV with one row per region.

use std::{io, io::Write};

use super::scope::ExportNotes;
use crate::{
    inspect::anomaly_region::table,
    review::{Findings, ReviewItem},
    text::{Cell, TableWriter, path_text},
};

/// Columns of the part, before those of the region.
const PART: [&str; 6] = ["path", "hash", "inspected", "verdict", "ruling", "model"];

/// Writes one row per region of the parts, highest peak of each part first, and returns the number of rows. `found`
/// corresponds to `items`. A part without a region has no row. Unknown values are empty; times are UTC; the `filter` that
/// selected the items is the last column, where there is one.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_regions(
    out: &mut dyn Write,
    items: &[ReviewItem],
    found: &[Findings],
    notes: &ExportNotes<'_>,
) -> io::Result<usize> {
    let filter = notes.filter.map(|_| "filter");
    let header: Vec<&str> = PART.into_iter().chain(table::COLUMNS).chain(filter).collect();
    let mut writer = TableWriter::new(out, &header)?;
    let mut rows = 0;
    for (item, findings) in items.iter().zip(found) {
        let ruling = item.defective().map(|defective| if defective { "defective" } else { "healthy" });
        let part = [
            Cell::text(path_text::to_text(&item.part.path)),
            Cell::value(item.part.hash),
            Cell::value(item.inspection.time),
            Cell::value(item.inspection.assessment.verdict.title()),
            Cell::known(ruling),
            Cell::text(item.inspection.model_name.as_str()),
        ];
        for (i, region) in findings.regions.iter().enumerate() {
            let own = table::cells(i + 1, region, findings.region_rule.as_ref(), findings.regions_left_out);
            let last = notes.filter.map(Cell::text);
            writer.row(part.iter().chain(&own).chain(&last))?;
            rows += 1;
        }
    }
    Ok(rows)
}
