//! The most instructive test images: missed defects, false alarms and borderline cases, with their maps.

use std::io;

use crate::inspect::{
    InspectionJob, InvertKnobs, Model, NoRegions, Outcome, RegionList, deciding_map,
    evaluation::{EvaluatedMap, Evaluation, EvaluationSummary, MaskOutline, TestSet},
    export::{map_png, query_png},
};

/// Images shown of each kind of case.
const SHOWN: usize = 6;

/// Largest side of their images, pixels.
const SIDE: usize = 320;

/// Why an image is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseKind {
    /// Defective and not flagged.
    Missed,
    /// Healthy and flagged.
    FalseAlarm,
    /// Correct, but close to the threshold.
    Borderline,
}

impl CaseKind {
    /// All of them, worst first.
    pub const ALL: [Self; 3] = [Self::Missed, Self::FalseAlarm, Self::Borderline];

    /// Title in the report. Without a threshold nothing is flagged, and the images whose score fits their label least
    /// are shown instead.
    pub fn title(self, threshold: bool) -> &'static str {
        match (self, threshold) {
            (Self::Missed, true) => "Missed",
            (Self::Missed, false) => "Defective, lowest scores",
            (Self::FalseAlarm, true) => "False alarms",
            (Self::FalseAlarm, false) => "Healthy, highest scores",
            (Self::Borderline, _) => "Borderline",
        }
    }
}

/// Picks the images to show, worst first within each kind, by index in [`Evaluation::images`]. Without a threshold, the
/// defective images with the lowest and the healthy ones with the highest scores.
pub(crate) fn worst_cases(evaluation: &Evaluation, summary: &EvaluationSummary) -> Vec<(CaseKind, usize)> {
    let score = |i: usize| evaluation.images.get(i).map_or(0.0, |e| e.scores.get(evaluation.score));
    let indices = |defective: bool| {
        let all = evaluation.images.iter().enumerate();
        all.filter(move |(_, e)| e.is_defective() == defective).map(|(i, _)| i)
    };
    let threshold = summary.verdict().and_then(|s| s.threshold);
    let is_flagged = |i: usize, threshold: f64| {
        evaluation.images.get(i).is_some_and(|e| evaluation.ranked(e, evaluation.score).is_flagged(threshold))
    };
    let mut missed: Vec<usize> = indices(true).filter(|&i| threshold.is_none_or(|t| !is_flagged(i, t))).collect();
    let mut alarms: Vec<usize> = indices(false).filter(|&i| threshold.is_none_or(|t| is_flagged(i, t))).collect();
    missed.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
    alarms.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    let mut borderline: Vec<usize> = (0..evaluation.images.len()).collect();
    borderline.retain(|i| threshold.is_some() && !missed.contains(i) && !alarms.contains(i));
    let distance = |i: usize| threshold.map_or(0.0, |t| (score(i) - t).abs());
    borderline.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    let cases = [(CaseKind::Missed, missed), (CaseKind::FalseAlarm, alarms), (CaseKind::Borderline, borderline)];
    cases.into_iter().flat_map(|(kind, all)| all.into_iter().take(SHOWN).map(move |i| (kind, i))).collect()
}

/// A test image with its maps, for the report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportCase {
    /// Why it is shown.
    pub kind: CaseKind,
    /// Index in [`Evaluation::images`].
    pub index: usize,
    /// Whether the mask of a defect is outlined in the pictures.
    pub outlined: bool,
    /// Title and PNG of the image and of every map.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// Its anomaly regions, or why there are none.
    pub regions: Result<RegionList, NoRegions>,
}

/// Renders one of [`worst_cases`]. The image is inspected again, since maps are not kept.
///
/// # Errors
/// A sentence, when the image can no longer be read or inspected.
pub(crate) fn render_case(
    model: &Model,
    tests: &TestSet,
    evaluation: &Evaluation,
    case: (CaseKind, usize),
) -> Result<ReportCase, String> {
    let Some(image) = evaluation.images.get(case.1) else { return Err("there is no such image".into()) };
    let mut job = start_case_inspection(model, tests, image.index, &evaluation.header.knobs)?;
    while !job.slice(model.networks()).map_err(|e| e.to_string())? {}
    case_from_outcome(model, &case_outcome(model, &job)?, tests, evaluation, case)
}

/// Prepares the inspection of one test image as in an evaluation of this model.
///
/// # Errors
/// A sentence, when the image cannot be read or inspected.
pub(crate) fn start_case_inspection(
    model: &Model,
    tests: &TestSet,
    index: usize,
    knobs: &InvertKnobs,
) -> Result<InspectionJob, String> {
    let picture = tests.picture(index).map_err(|e| e.to_string())?;
    model.begin(&picture, knobs.clone()).map_err(|e| e.to_string())
}

/// The outcome of [`start_case_inspection`] once done.
///
/// # Errors
/// A sentence, when the job is not done.
pub(crate) fn case_outcome(model: &Model, job: &InspectionJob) -> Result<Outcome, String> {
    model.judge(job).ok_or_else(|| "the inspection ended without a result".into())
}

/// Renders the maps of an image that was already inspected again, with the outline of its mask.
///
/// # Errors
/// A sentence, when a PNG cannot be encoded.
pub(crate) fn case_from_outcome(
    model: &Model,
    outcome: &Outcome,
    tests: &TestSet,
    evaluation: &Evaluation,
    (kind, index): (CaseKind, usize),
) -> Result<ReportCase, String> {
    let scale = evaluation.calibration.as_ref().map(|c| c.scale);
    let fault = |error: io::Error| error.to_string();
    let mask = evaluation.images.get(index).and_then(|image| MaskOutline::of_image(tests, image.index));
    let mask = mask.as_ref();
    let mut pictures = vec![("Image".to_owned(), query_png(outcome, mask, SIDE).map_err(fault)?)];
    let deciding = deciding_map(evaluation.calibration.as_ref(), outcome.critic.is_some());
    // The deciding map comes first.
    let others = EvaluatedMap::ALL.into_iter().filter(|map| *map != deciding);
    for map in std::iter::once(deciding).chain(others) {
        if let Some(values) = map.of(outcome) {
            let upper = scale.as_ref().map(|s| map.upper(s));
            let title = if map == deciding { format!("{} (decides)", map.title()) } else { map.title().to_owned() };
            pictures.push((title, map_png(outcome, &values, upper, mask, SIDE).map_err(fault)?));
        }
    }
    Ok(ReportCase { kind, index, outlined: mask.is_some(), pictures, regions: model.anomaly_regions(outcome) })
}
