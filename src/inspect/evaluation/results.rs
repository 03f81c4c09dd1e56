//! [`Evaluation`]: the scores of all test images, and the curves and counts derived from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    image::{EvaluatedImage, EvaluatedModel, ExcludedImage},
    metrics::{Confusion, CurvePoint, Metrics, RankedImage, Ranking},
    pixels::{EvaluatedMap, PixelMetrics},
};
use crate::inspect::{
    InvertKnobs, Regions, ScoreKind, Scores,
    calibration::{Assessment, Calibration},
};

/// Metrics of one defect type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefectTypeMetrics {
    /// The defect type.
    #[serde(rename = "kind")]
    pub defect_type: String,
    /// Number of images.
    pub count: usize,
    /// Area under the ROC curve against all healthy images.
    pub auroc: Option<f64>,
    /// Images flagged at the threshold, if there is one.
    pub caught: Option<usize>,
}

/// Model, data and settings of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationHeader {
    /// Program version.
    pub program: String,
    /// The model.
    pub model: EvaluatedModel,
    /// Source of the test images.
    pub data: String,
    /// Description of the test images.
    pub about: Vec<String>,
    /// Hash over the hashes of all inspected files, in order, hexadecimal.
    pub data_hash: String,
    /// Knobs of the inspection.
    pub knobs: InvertKnobs,
    /// Inspected regions of each image.
    pub regions: Regions,
}

/// Result of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Model, data and settings.
    #[serde(flatten)]
    pub header: EvaluationHeader,
    /// Calibration that sets the thresholds; `None` for a model that is not calibrated for these knobs, which gives no
    /// verdicts.
    pub calibration: Option<Calibration>,
    /// The score that decides verdicts.
    pub score: ScoreKind,
    /// The active false-alarm rate, unless another is requested; `None` without a calibration.
    pub rate: Option<f64>,
    /// The inspected images.
    #[serde(rename = "examined")]
    pub images: Vec<EvaluatedImage>,
    /// Pixel-level metrics of each map; empty when no image has a mask.
    pub pixels: Vec<PixelMetrics>,
    /// Images that could not be inspected.
    #[serde(rename = "left_out")]
    pub excluded: Vec<ExcludedImage>,
}

impl Evaluation {
    /// Numbers of healthy and defective images.
    pub fn counts(&self) -> (usize, usize) {
        let defective = self.images.iter().filter(|e| e.is_defective()).count();
        (self.images.len() - defective, defective)
    }

    /// Scores of the defective images.
    pub fn defective(&self) -> Vec<Scores> {
        self.images.iter().filter(|e| e.is_defective()).map(|e| e.scores.clone()).collect()
    }

    /// Values of a score: healthy images, defective images.
    pub(crate) fn columns(&self, kind: ScoreKind) -> (Vec<f64>, Vec<f64>) {
        let of = |defective: bool| {
            let own = self.images.iter().filter(|e| e.is_defective() == defective);
            own.map(|e| e.scores.get(kind)).collect()
        };
        (of(false), of(true))
    }

    /// Ranks the images by a score; `None` if a score is NaN.
    pub fn ranking(&self, kind: ScoreKind) -> Option<Ranking> {
        Ranking::of(self.images.iter().map(|e| self.ranked(e, kind)).collect())
    }

    /// Whether an image shows the kind of part that the model knows; `true` without a calibration. One that does not is
    /// flagged whatever its score.
    pub fn shows_part(&self, image: &EvaluatedImage) -> bool {
        self.calibration.as_ref().is_none_or(|calibration| calibration.shows_part(&image.scores))
    }

    /// Number of images that do not show the part; see [`Self::shows_part`].
    pub fn not_this_part(&self) -> usize {
        self.images.iter().filter(|e| !self.shows_part(e)).count()
    }

    /// An image as a score ranks it.
    pub(crate) fn ranked(&self, image: &EvaluatedImage, kind: ScoreKind) -> RankedImage {
        RankedImage {
            score: image.scores.get(kind),
            defective: image.is_defective(),
            always_flagged: !self.shows_part(image),
        }
    }

    /// All metrics of a score with bootstrap intervals. Expensive (a thousand passes over all images): compute once and
    /// keep.
    pub fn metrics(&self, kind: ScoreKind) -> Option<Metrics> {
        Some(self.ranking(kind)?.metrics([0.01, 0.05].map(|rate| self.threshold(kind, rate))))
    }

    /// The threshold for this false-alarm rate, from the held-out healthy images alone; `None` if they cannot promise
    /// the rate.
    pub fn threshold(&self, kind: ScoreKind, rate: f64) -> Option<f64> {
        let calibration = self.calibration.as_ref()?;
        calibration.check_rate(rate).ok()?;
        Some(calibration.threshold_of(kind, rate))
    }

    /// The false-alarm rate promised when everything above `threshold` is flagged, from the held-out images. `None`
    /// without a calibration.
    pub fn promise(&self, kind: ScoreKind, threshold: f64) -> Option<f64> {
        Some(self.calibration.as_ref()?.p_value(kind, threshold.next_up()))
    }

    /// The same evaluation under a changed calibration; nothing is inspected again.
    pub fn rejudged(&self, calibration: &Calibration, rate: Option<f64>) -> Self {
        let mut changed = Self { rate, score: calibration.score, ..self.clone() };
        changed.images.iter_mut().for_each(|e| calibration.fuse(&mut e.scores));
        changed.calibration = Some(calibration.clone());
        changed
    }

    /// Counts the healthy and defective images that a threshold flags; see [`Self::shows_part`].
    pub fn confusion(&self, kind: ScoreKind, threshold: f64) -> Confusion {
        let mut confusion = Confusion::default();
        for e in &self.images {
            confusion.add(e.is_defective(), self.ranked(e, kind).is_flagged(threshold));
        }
        confusion
    }

    /// The ROC curve of a score; empty unless there are both healthy and defective images.
    pub fn roc(&self, kind: ScoreKind) -> Vec<CurvePoint> {
        self.ranking(kind).map(|r| r.roc()).unwrap_or_default()
    }

    /// The precision-recall curve of a score; empty unless there are both healthy and defective images.
    pub fn pr(&self, kind: ScoreKind) -> Vec<CurvePoint> {
        self.ranking(kind).map(|r| r.pr()).unwrap_or_default()
    }

    /// Metrics of a score per defect type, in order of name, with the number of images that `threshold` flags if given.
    pub fn by_defect_type(&self, kind: ScoreKind, threshold: Option<f64>) -> Vec<DefectTypeMetrics> {
        let healthy: Vec<RankedImage> =
            self.images.iter().filter(|e| !e.is_defective()).map(|e| self.ranked(e, kind)).collect();
        let mut by_type: BTreeMap<&str, Vec<RankedImage>> = BTreeMap::new();
        for e in &self.images {
            if let Some(name) = e.defect_type() {
                by_type.entry(name).or_default().push(self.ranked(e, kind));
            }
        }
        let metrics = |(name, images): (&str, Vec<RankedImage>)| DefectTypeMetrics {
            defect_type: name.into(),
            count: images.len(),
            caught: threshold.map(|t| images.iter().filter(|image| image.is_flagged(t)).count()),
            auroc: Ranking::of([healthy.clone(), images].concat()).and_then(|r| r.auroc()),
        };
        by_type.into_iter().map(metrics).collect()
    }

    /// The verdict on an image at this rate; `None` if the rate cannot be promised.
    pub fn assess(&self, image: &EvaluatedImage, rate: f64) -> Option<Assessment> {
        self.calibration.as_ref()?.assess(&image.scores, rate).ok()
    }

    /// Pixel-level metrics of a map; `None` when no image has a mask.
    pub fn pixel_metrics(&self, map: EvaluatedMap) -> Option<&PixelMetrics> {
        self.pixels.iter().find(|p| p.map == map)
    }
}
