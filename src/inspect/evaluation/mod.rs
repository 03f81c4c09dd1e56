//! How well a model tells defective from healthy, on images that it never saw and whose truth is known.

mod cache;
pub mod evaluator;
pub mod metrics;
pub mod pixels;
pub mod report;
pub mod summary;
pub mod test_set;

use std::{collections::BTreeMap, path::PathBuf};

pub use evaluator::{EvaluateError, Evaluator};
use metrics::{Confusion, CurvePoint, Metrics, Ranking};
pub use pixels::{EvaluatedMap, PixelFigures};
pub use report::{Portrait, Reported};
use serde::{Deserialize, Serialize};
pub use summary::{EvaluationSummary, ScoreFigures};
pub use test_set::{TestItem, TestSet};

use super::{
    calibration::{Assessment, Calibration},
    knobs::InvertKnobs,
    regions::Regions,
    scores::{ScoreKind, Scores},
};
use crate::data::{FileHash, Label};

/// One test image, inspected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// Its place in the test set.
    pub index: usize,
    /// Its name: the path within the data, or what a drawn one is called.
    pub name: String,
    /// Its file; `None` for one that is drawn by the program.
    pub path: Option<PathBuf>,
    /// Hash of its file.
    pub hash: FileHash,
    /// The truth about it.
    pub label: Label,
    /// Width and height as inspected, pixels.
    pub size: (usize, usize),
    /// Its scores.
    pub scores: Scores,
    /// Steps of z.
    pub steps: usize,
    /// Seconds of work.
    pub seconds: f32,
}

impl Examined {
    /// Whether it is defective in truth.
    pub fn is_defective(&self) -> bool {
        self.label != Label::Healthy
    }

    /// The kind of its defect; `None` for a healthy image.
    pub fn kind(&self) -> Option<&str> {
        match &self.label {
            Label::Healthy => None,
            Label::Defective(kind) => Some(kind),
        }
    }
}

/// A test image that was not inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why, and what to do about it.
    pub reason: String,
}

/// The model that was tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Name on screen.
    pub name: String,
    /// Hash of its tensors, as hexadecimal digits.
    pub hash: String,
    /// Steps it was trained for.
    pub step: u64,
    /// Where its training images came from.
    pub data: String,
    /// Its recipe, as TOML.
    pub recipe: String,
}

/// Images of one kind of defect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindFigures {
    /// The kind.
    pub kind: String,
    /// Its images.
    pub count: usize,
    /// Area under the ROC curve against all healthy images.
    pub auroc: Option<f64>,
    /// Those flagged at the threshold that was asked for, if one was.
    pub caught: Option<usize>,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Version of the program.
    pub program: String,
    /// The model.
    pub model: Tested,
    /// Where the test images came from.
    pub data: String,
    /// The same in plain words.
    pub about: Vec<String>,
    /// Hash over the hashes of all examined files, in order, as hexadecimal digits.
    pub data_hash: String,
    /// The knobs it was inspected with.
    pub knobs: InvertKnobs,
    /// The part of each image that was inspected.
    pub regions: Regions,
    /// Held-out healthy images that thresholds are set on; `None` for a model that is not calibrated for these
    /// knobs, and then there are no verdicts.
    pub calibration: Option<Calibration>,
    /// The score that verdicts go by.
    pub score: ScoreKind,
    /// The false-alarm rate in force unless another is asked for; `None` without a calibration.
    pub rate: Option<f64>,
    /// The images.
    pub examined: Vec<Examined>,
    /// How well each map shows where the defects are; empty where no image has a mask.
    pub pixels: Vec<PixelFigures>,
    /// What could not be inspected.
    pub left_out: Vec<LeftOut>,
}

impl Evaluation {
    /// Images that are healthy, and images that are defective.
    pub fn counts(&self) -> (usize, usize) {
        let defective = self.examined.iter().filter(|e| e.is_defective()).count();
        (self.examined.len() - defective, defective)
    }

    /// The scores of the defective images.
    pub fn defective(&self) -> Vec<Scores> {
        self.examined.iter().filter(|e| e.is_defective()).map(|e| e.scores.clone()).collect()
    }

    /// The values of a score: of healthy images, and of defective ones.
    pub fn columns(&self, kind: ScoreKind) -> (Vec<f64>, Vec<f64>) {
        let of = |defective: bool| {
            let own = self.examined.iter().filter(|e| e.is_defective() == defective);
            own.map(|e| e.scores.get(kind)).collect()
        };
        (of(false), of(true))
    }

    /// The images in the order of a score, for curves and counts; `None` when a score is not a number.
    pub fn ranking(&self, kind: ScoreKind) -> Option<Ranking> {
        let (healthy, defective) = self.columns(kind);
        Ranking::new(&healthy, &defective)
    }

    /// Every figure of a score with its interval. A thousand passes over all images: to be kept, not to be
    /// asked for in every frame.
    pub fn metrics(&self, kind: ScoreKind) -> Option<Metrics> {
        Some(self.ranking(kind)?.metrics([0.01, 0.05].map(|rate| self.threshold(kind, rate))))
    }

    /// The score above which an image is flagged at this rate, set on held-out healthy images alone; `None`
    /// for a rate that they cannot promise.
    pub fn threshold(&self, kind: ScoreKind, rate: f64) -> Option<f64> {
        let calibration = self.calibration.as_ref()?;
        calibration.check_rate(rate).ok()?;
        Some(calibration.threshold_of(kind, rate))
    }

    /// The share of good parts that would score at least as much as `threshold`, by the held-out images:
    /// what is promised when everything above it is flagged. `None` without a calibration.
    pub fn promise(&self, kind: ScoreKind, threshold: f64) -> Option<f64> {
        Some(self.calibration.as_ref()?.p_value(kind, threshold.next_up()))
    }

    /// The same test as a calibration judges that was changed since: nothing is inspected again.
    pub fn judged_by(&self, calibration: &Calibration, rate: Option<f64>) -> Self {
        let mut changed = Self { rate, score: calibration.score, ..self.clone() };
        changed.examined.iter_mut().for_each(|e| calibration.fuse(&mut e.scores));
        changed.calibration = Some(calibration.clone());
        changed
    }

    /// How many images of either kind lie above a threshold. One pass over the images.
    pub fn confusion(&self, kind: ScoreKind, threshold: f64) -> Confusion {
        let mut confusion = Confusion::default();
        for e in &self.examined {
            confusion.add(e.is_defective(), e.scores.get(kind) > threshold);
        }
        confusion
    }

    /// The ROC curve of a score; empty unless there are images of both kinds.
    pub fn roc(&self, kind: ScoreKind) -> Vec<CurvePoint> {
        self.ranking(kind).map(|r| r.roc()).unwrap_or_default()
    }

    /// Precision over recall of a score; empty unless there are images of both kinds.
    pub fn pr(&self, kind: ScoreKind) -> Vec<CurvePoint> {
        self.ranking(kind).map(|r| r.pr()).unwrap_or_default()
    }

    /// Each kind of defect by name: its images, how a score tells them from all healthy ones, and how many
    /// lie above `threshold` if one is given.
    pub fn by_kind(&self, kind: ScoreKind, threshold: Option<f64>) -> Vec<KindFigures> {
        let (healthy, _) = self.columns(kind);
        let mut kinds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for e in &self.examined {
            if let Some(name) = e.kind() {
                kinds.entry(name).or_default().push(e.scores.get(kind));
            }
        }
        let figures = |(name, scores): (&str, Vec<f64>)| KindFigures {
            kind: name.into(),
            count: scores.len(),
            auroc: Ranking::new(&healthy, &scores).and_then(|r| r.auroc()),
            caught: threshold.map(|t| scores.iter().filter(|s| **s > t).count()),
        };
        kinds.into_iter().map(figures).collect()
    }

    /// The verdict on an image at this rate; `None` where the rate cannot be promised.
    pub fn assess(&self, examined: &Examined, rate: f64) -> Option<Assessment> {
        self.calibration.as_ref()?.assess(&examined.scores, rate).ok()
    }

    /// How well one map shows the defects; `None` where no image has a mask.
    pub fn pixel_figures(&self, map: EvaluatedMap) -> Option<&PixelFigures> {
        self.pixels.iter().find(|p| p.map == map)
    }
}
