//! Tables: CSV with one row per part and verdict, JSON Lines with one object per part.

use std::{io, io::Write};

use serde::Serialize;

use super::scope::ExportNotes;
use crate::{
    inspect::ScoreKind,
    review::{Findings, Opinion, ReviewItem},
    text::{Cell, TableWriter, path_text},
};

/// Returns the columns of the CSV. Columns keep their meaning between versions; new ones may be added.
pub(crate) fn csv_header() -> Vec<&'static str> {
    let mut header = vec![
        "path",
        "missing",
        "hash",
        "bytes",
        "width",
        "height",
        "inspected",
        "verdict",
        "p",
        "words",
        "n",
        "rate",
        "score",
        "score_kind",
        "threshold",
    ];
    header.extend(ScoreKind::ALL.map(ScoreKind::name));
    header.extend(["seconds", "model", "model_hash", "ruling", "standing"]);
    header.extend(["reviewer", "judgement", "says", "defect", "note", "region", "blind", "judged"]);
    header
}

/// Writes one row per part and current verdict, and one for each part without verdicts. Returns the number of rows.
/// `found` corresponds to `items`. Unknown values are empty; times are UTC; `region` is JSON. Further
/// outlines (`more_regions`), the hashes of a file as it was recorded before it was finished (`earlier_hashes`) and the `filter`
/// that selected the items are the last columns, where there are any.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_csv(
    out: &mut dyn Write,
    items: &[ReviewItem],
    found: &[Findings],
    notes: &ExportNotes<'_>,
) -> io::Result<usize> {
    // Only where there is something in them, so that tables stay as they were.
    let several = items.iter().flat_map(|item| &item.opinions).any(|opinion| !opinion.more_regions.is_empty());
    let replaced = items.iter().any(|item| !item.earlier.is_empty());
    let header = csv_header().into_iter().chain(several.then_some("more_regions"));
    let header = header.chain(replaced.then_some("earlier_hashes"));
    let header: Vec<&str> = header.chain(notes.filter.map(|_| "filter")).collect();
    let mut table = TableWriter::new(out, &header)?;
    let last: Vec<Cell> = notes.filter.map(Cell::text).into_iter().collect();
    let mut rows = 0;
    for (item, findings) in items.iter().zip(found) {
        let columns = part_columns(item, findings, notes);
        let hashes: Vec<String> = item.earlier.iter().map(|earlier| earlier.part.hash.to_string()).collect();
        let earlier = Cell::text(hashes.join(" "));
        let opinions: Vec<Option<&Opinion>> = match item.opinions.as_slice() {
            [] => vec![None],
            opinions => opinions.iter().map(Some).collect(),
        };
        for opinion in opinions {
            let more = more_regions(opinion)?;
            let (more, earlier) = (several.then_some(&more), replaced.then_some(&earlier));
            let own = opinion_columns(item, opinion)?;
            table.row(columns.iter().chain(&own).chain(more).chain(earlier).chain(&last))?;
            rows += 1;
        }
    }
    Ok(rows)
}

/// Returns the columns that all rows of a part share.
fn part_columns(item: &ReviewItem, findings: &Findings, notes: &ExportNotes<'_>) -> Vec<Cell> {
    let ReviewItem { part, inspection, .. } = item;
    let assessment = &inspection.assessment;
    let mut row = vec![
        Cell::text(path_text::to_text(&part.path)),
        Cell::value(!notes.originals.contains(&part.id)),
        Cell::value(part.hash),
        Cell::value(part.bytes),
        Cell::value(part.width),
        Cell::value(part.height),
        Cell::value(inspection.time),
        Cell::value(assessment.verdict.title()),
        Cell::value(assessment.p),
        Cell::value(assessment.describe()),
        Cell::value(assessment.n),
        Cell::value(assessment.rate),
        Cell::value(assessment.score),
        Cell::value(assessment.kind.name()),
        Cell::known(inspection.threshold),
    ];
    row.extend(ScoreKind::ALL.map(|kind| Cell::value(findings.scores.cell(kind))));
    row.extend([
        Cell::value(inspection.seconds),
        Cell::text(inspection.model_name.as_str()),
        Cell::value(inspection.model),
        Cell::value(ruling_name(item.defective())),
    ]);
    row
}

/// Returns the columns of one verdict.
fn opinion_columns(item: &ReviewItem, opinion: Option<&Opinion>) -> io::Result<Vec<Cell>> {
    let status = Cell::value(item.status(opinion.map(|o| o.reviewer.as_str())).title());
    let Some(o) = opinion else {
        return Ok(std::iter::once(status).chain(std::iter::repeat_n(Cell::value(""), 8)).collect());
    };
    Ok(vec![
        status,
        Cell::text(o.reviewer.as_str()),
        Cell::value(o.judgement.title()),
        Cell::value(ruling_name(o.defective())),
        Cell::text(o.defect.as_deref().unwrap_or_default()),
        Cell::text(o.note.as_str()),
        Cell::known(o.region.as_ref().map(serde_json::to_string).transpose()?),
        Cell::value(o.blind),
        Cell::value(o.time),
    ])
}

/// Returns the column of the further outlines of one verdict.
fn more_regions(opinion: Option<&Opinion>) -> io::Result<Cell> {
    let regions = opinion.map(|o| &o.more_regions).filter(|regions| !regions.is_empty());
    Ok(Cell::known(regions.map(serde_json::to_string).transpose()?))
}

fn ruling_name(defective: Option<bool>) -> &'static str {
    match defective {
        Some(true) => "defective",
        Some(false) => "healthy",
        None => "",
    }
}

/// A line of the JSON export. Keys keep their meaning between versions; new ones may be added.
#[derive(Serialize)]
struct JsonLine<'a> {
    missing: bool,
    ruling: Option<&'a str>,
    /// The filter that selected the part; absent in the export of a whole record.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
    #[serde(flatten)]
    item: &'a ReviewItem,
    #[serde(flatten)]
    findings: &'a Findings,
}

/// Writes one JSON object per part and line, with all verdicts and regions. Returns the number of lines. `found`
/// corresponds to `items`. Times are milliseconds since 1970, UTC.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_jsonl(
    out: &mut dyn Write,
    items: &[ReviewItem],
    found: &[Findings],
    notes: &ExportNotes<'_>,
) -> io::Result<usize> {
    for (item, findings) in items.iter().zip(found) {
        let missing = !notes.originals.contains(&item.part.id);
        let ruling = Some(ruling_name(item.defective())).filter(|name| !name.is_empty());
        serde_json::to_writer(&mut *out, &JsonLine { missing, ruling, filter: notes.filter, item, findings })?;
        out.write_all(b"\n")?;
    }
    Ok(items.len().min(found.len()))
}
