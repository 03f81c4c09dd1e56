//! A test on paper: every image as CSV, the figures as JSON, and one page to read that needs nothing else.

mod page;
mod svg;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{EvaluatedMap, Evaluation, EvaluationSummary, TestSet, evaluator::inspect_again};
use crate::{
    files,
    files::{Access, FileError},
    format::sentence,
    inspect::{
        Model, Outcome, ScoreKind,
        export::{map_png, query_png},
    },
};

/// Images of one sort that are shown.
const SHOWN: usize = 6;

/// Largest side of their pictures, pixels.
const SIDE: usize = 320;

/// Why an image is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseReason {
    /// Defective and not flagged.
    Missed,
    /// Healthy and flagged.
    FalseAlarm,
    /// On the right side, and nearer to the threshold than others.
    Near,
}

impl CaseReason {
    /// All of them, worst first.
    pub const ALL: [Self; 3] = [Self::Missed, Self::FalseAlarm, Self::Near];

    /// Title in the report; without a threshold nothing is flagged, and the images that look least like what
    /// they are stand there.
    pub fn title(self, threshold: bool) -> &'static str {
        match (self, threshold) {
            (Self::Missed, true) => "Missed",
            (Self::Missed, false) => "Defective, and least odd",
            (Self::FalseAlarm, true) => "False alarms",
            (Self::FalseAlarm, false) => "Healthy, and oddest",
            (Self::Near, _) => "Nearest to the line",
        }
    }
}

/// The images that a test says most about, worst first within each sort: their places in
/// [`Evaluation::examined`]. Without a threshold, those that lie deepest among the other kind.
pub fn worst(evaluation: &Evaluation, summary: &EvaluationSummary) -> Vec<(CaseReason, usize)> {
    let score = |i: usize| evaluation.examined.get(i).map_or(0.0, |e| e.scores.get(evaluation.score));
    let places = |defective: bool| {
        let all = evaluation.examined.iter().enumerate();
        all.filter(move |(_, e)| e.is_defective() == defective).map(|(i, _)| i)
    };
    let threshold = summary.verdict().and_then(|s| s.threshold);
    let mut missed: Vec<usize> = places(true).filter(|&i| threshold.is_none_or(|t| score(i) <= t)).collect();
    let mut alarms: Vec<usize> = places(false).filter(|&i| threshold.is_none_or(|t| score(i) > t)).collect();
    missed.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
    alarms.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    let mut near: Vec<usize> = (0..evaluation.examined.len()).collect();
    near.retain(|i| threshold.is_some() && !missed.contains(i) && !alarms.contains(i));
    let off = |i: usize| threshold.map_or(0.0, |t| (score(i) - t).abs());
    near.sort_by(|&a, &b| off(a).total_cmp(&off(b)));
    let sorts = [(CaseReason::Missed, missed), (CaseReason::FalseAlarm, alarms), (CaseReason::Near, near)];
    sorts.into_iter().flat_map(|(why, all)| all.into_iter().take(SHOWN).map(move |i| (why, i))).collect()
}

/// One image with its pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Portrait {
    /// Why it is shown.
    pub why: CaseReason,
    /// Its place in [`Evaluation::examined`].
    pub place: usize,
    /// Title and PNG of the query and of every map.
    pub pictures: Vec<(&'static str, Vec<u8>)>,
}

/// Draws one of [`worst`]: the image is inspected again, since maps are not kept.
///
/// # Errors
/// A sentence, when the image cannot be read or inspected any more.
pub fn portray(
    model: &Model,
    tests: &TestSet,
    evaluation: &Evaluation,
    (why, place): (CaseReason, usize),
) -> Result<Portrait, String> {
    let Some(examined) = evaluation.examined.get(place) else { return Err("there is no such image".into()) };
    let outcome = inspect_again(model, tests, examined.index, &evaluation.knobs)?;
    portrait(&outcome, evaluation, (why, place))
}

/// The same of an image that was inspected again already.
///
/// # Errors
/// A sentence, when a picture cannot be made.
pub fn portrait(
    outcome: &Outcome,
    evaluation: &Evaluation,
    (why, place): (CaseReason, usize),
) -> Result<Portrait, String> {
    let scale = evaluation.calibration.as_ref().map(|c| c.scale);
    let fault = |error: io::Error| error.to_string();
    let mut pictures = vec![("Image", query_png(outcome, SIDE).map_err(fault)?)];
    for kind in EvaluatedMap::ALL {
        if let Some(map) = kind.of(outcome) {
            let upper = scale.as_ref().map(|s| kind.upper(s));
            pictures.push((kind.title(), map_png(outcome, &map, upper, SIDE).map_err(fault)?));
        }
    }
    Ok(Portrait { why, place, pictures })
}

/// One model's part of a report.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The images.
    pub evaluation: Evaluation,
    /// The figures.
    pub summary: EvaluationSummary,
    /// Images that are shown.
    pub portraits: Vec<Portrait>,
}

/// What to call each of several models: by name, and by number where names are the same.
pub fn labels<'a>(models: impl Iterator<Item = &'a EvaluationSummary>) -> Vec<String> {
    let names: Vec<&str> = models.map(|m| m.model.name.as_str()).collect();
    let alike = |name: &str| names.iter().filter(|n| **n == name).count() > 1;
    let label = |(i, name): (usize, &&str)| if alike(name) { format!("{name} ({})", i + 1) } else { (*name).into() };
    names.iter().enumerate().map(label).collect()
}

/// Writes `images.csv`, `metrics.json` and `report.html` into `dir`, which is made if need be, and says which
/// files they are. The first model is the one that is reported on, others stand beside it.
///
/// # Errors
/// [`FileError`] for the first file that cannot be written; those before it stay.
pub fn write(dir: &Path, models: &[Reported]) -> Result<Vec<PathBuf>, FileError> {
    fs::create_dir_all(dir).map_err(|cause| FileError::new(Access::Write, dir, cause))?;
    let paths = ["images.csv", "metrics.json", "report.html"].map(|name| dir.join(name));
    let [images, metrics, page] = &paths;
    files::write_atomic_with(images, |out| write_images(out, models))?;
    files::write_atomic_with(metrics, |out| {
        write_metrics(out, models.iter().map(|m| &m.summary))?;
        out.write_all(b"\n")
    })?;
    files::write_atomic(page, page::html(models).as_bytes())?;
    Ok(paths.into())
}

/// Writes the figures of one model as a JSON object, those of more as a list.
///
/// # Errors
/// What `out` reports.
pub fn write_metrics<'a>(
    out: &mut dyn io::Write,
    models: impl Iterator<Item = &'a EvaluationSummary>,
) -> io::Result<()> {
    let all: Vec<&EvaluationSummary> = models.collect();
    match all.as_slice() {
        [one] => serde_json::to_writer_pretty(out, one)?,
        more => serde_json::to_writer_pretty(out, more)?,
    }
    Ok(())
}

/// Every image and every score, one row an image and a model; then what was left out, with its reason.
fn write_images(out: &mut dyn io::Write, models: &[Reported]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let mut header = vec!["image", "truth", "kind", "verdict", "p", "rate"];
    header.extend(ScoreKind::ALL.map(ScoreKind::name));
    header.extend(["width", "height", "steps", "seconds", "file", "hash", "model", "left_out"]);
    csv.write_record(&header)?;
    for Reported { evaluation, summary, .. } in models {
        let model = &evaluation.model.hash;
        for e in &evaluation.examined {
            let assessment = summary.rate.and_then(|rate| evaluation.assess(e, rate));
            let known = |text: Option<String>| text.unwrap_or_default();
            let mut row = vec![
                e.name.clone(),
                if e.is_defective() { "defective" } else { "healthy" }.into(),
                known(e.kind().map(Into::into)),
                known(assessment.as_ref().map(|a| a.verdict.title().into())),
                known(assessment.as_ref().map(|a| a.p.to_string())),
                known(summary.rate.map(|r| r.to_string())),
            ];
            // In the single precision that they have.
            row.extend(ScoreKind::ALL.map(|kind| (e.scores.get(kind) as f32).to_string()));
            row.extend([e.size.0, e.size.1, e.steps].map(|n| n.to_string()));
            row.push(e.seconds.to_string());
            row.push(known(e.path.as_ref().map(|p| p.display().to_string())));
            row.extend([e.hash.to_string(), model.clone(), String::new()]);
            csv.write_record(&row)?;
        }
        for left in &evaluation.left_out {
            let mut row = vec![String::new(); header.len()];
            row[0].clone_from(&left.name);
            let end = row.len();
            row[end - 2].clone_from(model);
            row[end - 1] = sentence(&left.reason);
            csv.write_record(&row)?;
        }
    }
    csv.flush()
}
