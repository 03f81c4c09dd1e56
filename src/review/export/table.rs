//! Tables: CSV with one row per part and verdict, JSON Lines with one object per part.

use std::{io, io::Write};

use serde::Serialize;

use crate::{
    inspect::ScoreKind,
    review::{Findings, Opinion, ReviewItem},
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
/// `found` corresponds to `items`. Unknown values are empty; times are UTC; `region` is JSON.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_csv(out: &mut dyn Write, items: &[ReviewItem], found: &[Findings]) -> io::Result<usize> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(csv_header())?;
    let mut rows = 0;
    for (item, findings) in items.iter().zip(found) {
        let columns = part_columns(item, findings);
        let opinions: Vec<Option<&Opinion>> = match item.opinions.as_slice() {
            [] => vec![None],
            opinions => opinions.iter().map(Some).collect(),
        };
        for opinion in opinions {
            csv.write_record(columns.iter().chain(&opinion_columns(item, opinion)?))?;
            rows += 1;
        }
    }
    csv.flush()?;
    Ok(rows)
}

/// Returns the columns that all rows of a part share.
fn part_columns(item: &ReviewItem, findings: &Findings) -> Vec<String> {
    let ReviewItem { part, inspection, .. } = item;
    let assessment = &inspection.assessment;
    let mut row = vec![
        part.path.to_string_lossy().into_owned(),
        part.is_missing().to_string(),
        part.hash.to_string(),
        part.bytes.to_string(),
        part.width.to_string(),
        part.height.to_string(),
        inspection.time.to_string(),
        assessment.verdict.title().into(),
        assessment.p.to_string(),
        assessment.describe(),
        assessment.n.to_string(),
        assessment.rate.to_string(),
        assessment.score.to_string(),
        assessment.kind.name().into(),
        inspection.threshold.map(|t| t.to_string()).unwrap_or_default(),
    ];
    // Scores have single precision.
    row.extend(ScoreKind::ALL.map(|kind| (findings.scores.get(kind) as f32).to_string()));
    row.extend([
        inspection.seconds.to_string(),
        inspection.model_name.clone(),
        inspection.model.to_string(),
        ruling_name(item.defective()).into(),
    ]);
    row
}

/// Returns the columns of one verdict.
fn opinion_columns(item: &ReviewItem, opinion: Option<&Opinion>) -> io::Result<Vec<String>> {
    let status = item.status(opinion.map(|o| o.reviewer.as_str())).title().to_owned();
    let Some(o) = opinion else {
        return Ok(std::iter::once(status).chain(std::iter::repeat_n(String::new(), 8)).collect());
    };
    Ok(vec![
        status,
        o.reviewer.clone(),
        o.judgement.title().into(),
        ruling_name(o.defective()).into(),
        o.defect.clone().unwrap_or_default(),
        o.note.clone(),
        o.region.as_ref().map(serde_json::to_string).transpose()?.unwrap_or_default(),
        o.blind.to_string(),
        o.time.to_string(),
    ])
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
pub(crate) fn write_jsonl(out: &mut dyn Write, items: &[ReviewItem], found: &[Findings]) -> io::Result<usize> {
    for (item, findings) in items.iter().zip(found) {
        let ruling = Some(ruling_name(item.defective())).filter(|name| !name.is_empty());
        serde_json::to_writer(&mut *out, &JsonLine { missing: item.part.is_missing(), ruling, item, findings })?;
        out.write_all(b"\n")?;
    }
    Ok(items.len().min(found.len()))
}
