//! Tables: CSV with a row a part and verdict, JSON with a line a part.

use std::{io, io::Write};

use serde::Serialize;

use crate::{
    inspect::ScoreKind,
    review::{Findings, Opinion, ReviewItem},
};

/// Columns of the CSV. Names are never given another meaning; new ones may be added.
pub fn csv_header() -> Vec<&'static str> {
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

/// Writes a row for each part and standing verdict on it, and one for each part without; how many comes back. `found`
/// belongs to `items` one by one. What is not known is empty; times are UTC; `region` is JSON.
///
/// # Errors
/// What `out` reports.
pub fn write_csv(out: &mut dyn Write, items: &[ReviewItem], found: &[Findings]) -> io::Result<usize> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(csv_header())?;
    let mut rows = 0;
    for (item, findings) in items.iter().zip(found) {
        let about = about(item, findings);
        let said: Vec<Option<&Opinion>> = match item.opinions.as_slice() {
            [] => vec![None],
            opinions => opinions.iter().map(Some).collect(),
        };
        for opinion in said {
            csv.write_record(about.iter().chain(&verdict(item, opinion)?))?;
            rows += 1;
        }
    }
    csv.flush()?;
    Ok(rows)
}

/// The columns that all rows of a part share.
fn about(item: &ReviewItem, findings: &Findings) -> Vec<String> {
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
    // In the single precision that they have.
    row.extend(ScoreKind::ALL.map(|kind| (findings.scores.get(kind) as f32).to_string()));
    row.extend([
        inspection.seconds.to_string(),
        inspection.model_name.clone(),
        inspection.model.to_string(),
        word(item.defective()).into(),
    ]);
    row
}

/// The columns of one verdict.
fn verdict(item: &ReviewItem, opinion: Option<&Opinion>) -> io::Result<Vec<String>> {
    let standing = item.standing(opinion.map(|o| o.reviewer.as_str())).title().to_owned();
    let Some(o) = opinion else {
        return Ok(std::iter::once(standing).chain(std::iter::repeat_n(String::new(), 8)).collect());
    };
    Ok(vec![
        standing,
        o.reviewer.clone(),
        o.judgement.title().into(),
        word(o.defective()).into(),
        o.defect.clone().unwrap_or_default(),
        o.note.clone(),
        o.region.as_ref().map(serde_json::to_string).transpose()?.unwrap_or_default(),
        o.blind.to_string(),
        o.time.to_string(),
    ])
}

fn word(defective: Option<bool>) -> &'static str {
    match defective {
        Some(true) => "defective",
        Some(false) => "healthy",
        None => "",
    }
}

/// A part in a line. Keys are never given another meaning; new ones may be added.
#[derive(Serialize)]
struct Line<'a> {
    missing: bool,
    ruling: Option<&'a str>,
    #[serde(flatten)]
    item: &'a ReviewItem,
    #[serde(flatten)]
    findings: &'a Findings,
}

/// Writes a part a line as JSON, with all verdicts and places; how many comes back. `found` belongs to `items` one by
/// one. Times are milliseconds since 1970, UTC.
///
/// # Errors
/// What `out` reports.
pub fn write_jsonl(out: &mut dyn Write, items: &[ReviewItem], found: &[Findings]) -> io::Result<usize> {
    for (item, findings) in items.iter().zip(found) {
        let ruling = Some(word(item.defective())).filter(|word| !word.is_empty());
        serde_json::to_writer(&mut *out, &Line { missing: item.part.is_missing(), ruling, item, findings })?;
        out.write_all(b"\n")?;
    }
    Ok(items.len().min(found.len()))
}
