//! An inspection in numbers: JSON for one image, CSV for lists and for the way of z.

use std::{io, io::Write};

use serde::{Deserialize, Serialize};

use super::Inspected;
use crate::inspect::{InvertKnobs, ScoreKind, Scores, StepRecord, Verdict};

/// One image as JSON. Keys are never renamed or given another meaning; new ones may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InspectionNumbers {
    /// The name of the image's file.
    pub file: String,
    /// The name of the model.
    pub model: String,
    /// Hash of the model's tensors, as hexadecimal digits.
    pub hash: String,
    /// Pixels across, as inspected.
    pub width: usize,
    /// Pixels down, as inspected.
    pub height: usize,
    /// Tiles that the image was cut into.
    pub tiles: usize,
    /// The knobs it was inspected with.
    pub knobs: InvertKnobs,
    /// Every score: `l1_sum` over the image; `l1`, `worst_tile` and `worst_spot` per pixel, on the -1 to 1 grey
    /// scale; `feature` per feature.
    pub scores: Scores,
    /// `healthy`, `suspect` or `defective`; null for a model that is not calibrated for these knobs.
    pub verdict: Option<Verdict>,
    /// Key of the score that the verdict goes by, or null.
    pub score: Option<String>,
    /// Share of good parts that would look at least this odd, or null.
    pub p: Option<f64>,
    /// Healthy images that `p` rests on, or null.
    pub n: Option<usize>,
    /// The promised false-alarm rate, or null.
    pub rate: Option<f64>,
    /// `p` in plain words, or null.
    pub words: Option<String>,
    /// Where the colour scale of the difference ends, per pixel; null when it was the image's own.
    pub scale: Option<f32>,
    /// Steps done.
    pub steps: usize,
    /// Seconds of work.
    pub seconds: f64,
    /// Every step, in order.
    pub records: Vec<StepRecord>,
}

impl InspectionNumbers {
    /// What is said of a query.
    pub fn of(query: &Inspected<'_>) -> Self {
        let outcome = query.outcome;
        let assessment = outcome.assessment.as_ref();
        Self {
            file: query.file.into(),
            model: query.model.into(),
            hash: query.hash.into(),
            width: outcome.query.width(),
            height: outcome.query.height(),
            tiles: outcome.tiles,
            knobs: outcome.knobs.clone(),
            scores: outcome.scores.clone(),
            verdict: assessment.map(|a| a.verdict),
            score: assessment.map(|a| a.kind.name().into()),
            p: assessment.map(|a| a.p),
            n: assessment.map(|a| a.n),
            rate: assessment.map(|a| a.rate),
            words: assessment.map(|a| a.words()),
            scale: query.scale.map(|s| s.difference),
            steps: outcome.steps,
            seconds: outcome.seconds,
            records: outcome.records.clone(),
        }
    }
}

/// Columns of a list of images as CSV: the keys of [`InspectionNumbers`], scores by name.
pub fn list_header() -> Vec<&'static str> {
    let mut header = vec!["file", "verdict", "p", "n", "rate", "score"];
    header.extend(ScoreKind::ALL.map(ScoreKind::name));
    header.extend(["width", "height", "tiles", "steps", "seconds", "model", "hash"]);
    header
}

/// One image's row under [`list_header`]; what is not known is empty.
pub fn list_row(query: &Inspected<'_>) -> Vec<String> {
    let outcome = query.outcome;
    let assessment = outcome.assessment.as_ref();
    let known = |text: Option<String>| text.unwrap_or_default();
    let mut row = vec![
        query.file.to_owned(),
        known(assessment.map(|a| a.verdict.title().into())),
        known(assessment.map(|a| a.p.to_string())),
        known(assessment.map(|a| a.n.to_string())),
        known(assessment.map(|a| a.rate.to_string())),
        known(assessment.map(|a| a.kind.name().into())),
    ];
    // In the single precision that they have.
    row.extend(ScoreKind::ALL.map(|kind| (outcome.scores.get(kind) as f32).to_string()));
    row.extend([outcome.query.width(), outcome.query.height(), outcome.tiles, outcome.steps].map(|n| n.to_string()));
    row.extend([outcome.seconds.to_string(), query.model.to_owned(), query.hash.to_owned()]);
    row
}

/// Writes a list of images as CSV, one row each, with its header.
///
/// # Errors
/// What `out` reports.
pub fn write_list(out: &mut dyn Write, rows: impl IntoIterator<Item = Vec<String>>) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(list_header())?;
    for row in rows {
        csv.write_record(row)?;
    }
    csv.flush()
}

/// Writes the way of z as CSV, one row a step, with its header. `loss` is the best restart's; the columns
/// `loss_1` and on are all restarts', where there are more than one.
///
/// # Errors
/// What `out` reports.
pub fn write_steps(out: &mut dyn Write, records: &[StepRecord]) -> io::Result<()> {
    let restarts = records.iter().map(|r| r.loss.len()).max().unwrap_or_default();
    let restarts = if restarts > 1 { restarts } else { 0 };
    let mut csv = csv::Writer::from_writer(out);
    let mut header: Vec<String> =
        ["step", "loss", "best", "residual", "feature", "prior", "z_norm", "seconds"].map(String::from).into();
    header.extend((1..=restarts).map(|i| format!("loss_{i}")));
    csv.write_record(header)?;
    for r in records {
        let loss = |i: usize| r.loss.get(i).map(f32::to_string).unwrap_or_default();
        let mut row = vec![r.step.to_string(), loss(r.best), (r.best + 1).to_string()];
        row.extend([r.residual, r.feature, r.prior, r.z_norm, r.seconds].map(|v| v.to_string()));
        row.extend((0..restarts).map(loss));
        csv.write_record(row)?;
    }
    csv.flush()
}
