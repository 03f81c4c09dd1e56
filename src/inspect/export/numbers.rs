//! Results as JSON for one image, and as CSV for lists of images and for optimisation steps.

use std::{io, io::Write};

use serde::{Deserialize, Serialize};

use super::input::ExportInput;
use crate::{
    format::sentence,
    inspect::{
        AnomalyRegion, InvertKnobs, Judged, RegionRule, ScoreKind, Scores, StepRecord, Verdict, anomaly_region::table,
    },
    text::{Cell, TableWriter},
};

/// One image as JSON. Keys are stable: never renamed or redefined, only added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InspectionNumbers {
    /// File name of the image.
    pub file: String,
    /// Name of the model.
    pub model: String,
    /// Hash of the model's tensors, hexadecimal.
    pub hash: String,
    /// Width as inspected, pixels.
    pub width: usize,
    /// Height as inspected, pixels.
    pub height: usize,
    /// Number of tiles.
    pub tiles: usize,
    /// Knobs of the inspection.
    pub knobs: InvertKnobs,
    /// All scores: `l1_sum` over the image; `l1`, `worst_tile` and `worst_spot` per pixel, on the -1 to 1 grey scale;
    /// `feature` per feature.
    pub scores: Scores,
    /// `healthy`, `suspect`, `defective` or `not-this-part`; null for a model that is not calibrated for these knobs.
    pub verdict: Option<Verdict>,
    /// Key of the score that decides the verdict, or null.
    pub score: Option<String>,
    /// p-value: share of healthy parts that score at least this high, or null.
    pub p: Option<f64>,
    /// Number of healthy images behind `p`, or null.
    pub n: Option<usize>,
    /// The promised false-alarm rate, or null.
    pub rate: Option<f64>,
    /// `p` as a sentence, or null.
    pub words: Option<String>,
    /// Upper end of the difference's colour scale, per pixel; null without a calibration.
    pub scale: Option<f32>,
    /// Label of a part of a test set: `healthy` or the defect type; absent for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `missed`, `false alarm`, `caught` or `passed` for such a part; absent for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why there is no verdict; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_verdict: Option<String>,
    /// Anomaly regions in the map that decides, highest peak first, in pixels of the image as inspected. They are
    /// information: the verdict is that of the score.
    #[serde(default)]
    pub regions: Vec<AnomalyRegion>,
    /// The rule that the regions were found by; absent where there is no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_rule: Option<RegionRule>,
    /// Number of regions left out beyond the largest number; absent for 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions_left_out: Option<usize>,
    /// Why there is no list of regions; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_regions: Option<String>,
    /// Steps done.
    pub steps: usize,
    /// Compute time, seconds.
    pub seconds: f64,
    /// All steps, in order.
    pub records: Vec<StepRecord>,
}

impl InspectionNumbers {
    /// Collects the numbers of an inspected image.
    pub(crate) fn of(input: &ExportInput<'_>) -> Self {
        let outcome = input.outcome;
        let assessment = outcome.assessment();
        let found = input.regions.and_then(|found| found.as_ref().ok());
        Self {
            file: input.file.into(),
            model: input.model.into(),
            hash: input.hash.into(),
            width: outcome.query.width(),
            height: outcome.query.height(),
            tiles: outcome.tiles,
            knobs: outcome.knobs.clone(),
            scores: outcome.scores().clone(),
            verdict: assessment.map(|a| a.verdict),
            score: assessment.map(|a| a.kind.name().into()),
            p: assessment.map(|a| a.p),
            n: assessment.map(|a| a.n),
            rate: assessment.map(|a| a.rate),
            words: assessment.map(|a| a.describe()),
            scale: input.scale.map(|s| s.difference),
            label: input.truth.map(|truth| truth.label().into()),
            outcome: input.truth.and_then(|t| t.outcome(assessment)).map(|outcome| outcome.title().to_lowercase()),
            no_verdict: match &outcome.judged {
                Judged::NoVerdict { reason, .. } => Some(reason.describe()),
                Judged::Verdict { .. } => None,
            },
            regions: found.map(|list| list.regions.clone()).unwrap_or_default(),
            region_rule: found.map(|list| list.rule.clone()),
            regions_left_out: found.map(|list| list.left_out).filter(|left_out| *left_out > 0),
            no_regions: input.regions.and_then(|found| found.as_ref().err()).map(|why| sentence(&why.to_string())),
            steps: outcome.steps,
            seconds: outcome.seconds,
            records: outcome.records.clone(),
        }
    }
}

/// CSV columns of a list of images: the keys of [`InspectionNumbers`], one column per score.
pub(crate) fn list_header() -> Vec<&'static str> {
    let mut header = vec!["file", "verdict", "p", "n", "rate", "score"];
    header.extend(ScoreKind::ALL.map(ScoreKind::name));
    header.extend(["width", "height", "tiles", "steps", "seconds", "model", "hash", "regions"]);
    header
}

/// One image's row under [`list_header`]; unknown values are empty.
pub(crate) fn list_row(input: &ExportInput<'_>) -> Vec<Cell> {
    let outcome = input.outcome;
    let assessment = outcome.assessment();
    let mut row = vec![
        Cell::text(input.file),
        Cell::known(assessment.map(|a| a.verdict.title())),
        Cell::known(assessment.map(|a| a.p)),
        Cell::known(assessment.map(|a| a.n)),
        Cell::known(assessment.map(|a| a.rate)),
        Cell::known(assessment.map(|a| a.kind.name())),
    ];
    row.extend(ScoreKind::ALL.map(|kind| Cell::value(outcome.scores().cell(kind))));
    row.extend([outcome.query.width(), outcome.query.height(), outcome.tiles, outcome.steps].map(Cell::value));
    row.extend([Cell::value(outcome.seconds), Cell::text(input.model), Cell::value(input.hash)]);
    let regions = input.regions.and_then(|found| found.as_ref().ok());
    row.push(Cell::known(regions.map(|list| list.regions.len() + list.left_out)));
    row
}

/// Writes the anomaly regions as CSV with a header, one row per region.
///
/// # Errors
/// Errors of `out`.
pub(crate) fn write_regions(out: &mut dyn Write, input: &ExportInput<'_>) -> io::Result<()> {
    let header: Vec<&str> = ["file"].into_iter().chain(table::COLUMNS).collect();
    let mut writer = TableWriter::new(out, &header)?;
    let file = Cell::text(input.file);
    if let Some(Ok(list)) = input.regions {
        for (i, region) in list.regions.iter().enumerate() {
            let row = table::cells(i + 1, region, Some(&list.rule), list.left_out);
            writer.row(std::iter::once(&file).chain(&row))?;
        }
    }
    Ok(())
}

/// Writes the optimisation steps of z as CSV with a header. `loss` is that of the best restart; with several restarts,
/// the columns `loss_1` and up hold the loss of each.
///
/// # Errors
/// Errors of `out`.
pub(crate) fn write_steps(out: &mut dyn Write, records: &[StepRecord]) -> io::Result<()> {
    let restarts = records.iter().map(|r| r.loss.len()).max().unwrap_or_default();
    let restarts = if restarts > 1 { restarts } else { 0 };
    let each: Vec<String> = (1..=restarts).map(|i| format!("loss_{i}")).collect();
    let mut header = vec!["step", "loss", "best", "residual", "feature", "prior", "z_norm", "seconds"];
    header.extend(each.iter().map(String::as_str));
    let mut table = TableWriter::new(out, &header)?;
    for r in records {
        let loss = |i: usize| Cell::known(r.loss.get(i));
        let mut row = vec![Cell::value(r.step), loss(r.best), Cell::value(r.best + 1)];
        row.extend([r.residual, r.feature, r.prior, r.z_norm, r.seconds].map(Cell::value));
        row.extend((0..restarts).map(loss));
        table.row(&row)?;
    }
    Ok(())
}
