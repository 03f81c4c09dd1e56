//! [`ModelInfo`]: what a model file says about its model beside the tensors, and [`Promise`].

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    anomaly_region::RegionSettings,
    calibration::{Calibration, in_thousand},
    lineage::Lineage,
    outliers::{OutlierReport, ever_left_out},
    regions::Regions,
    scores::ScoreKind,
};
use crate::{
    data::{FileHash, Split},
    train::Recipe,
};

/// A model's metadata: everything but its tensors.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// Name on screen.
    pub name: String,
    /// Its training recipe.
    pub recipe: Recipe,
    /// Training steps.
    pub step: u64,
    /// Source of its training images, as [`crate::data::DataSource`] parses it.
    pub data: String,
    /// Hashes of the training and held-out images.
    pub split: Split,
    /// Calibrations, one per setting of the knobs.
    pub calibrations: Vec<Calibration>,
    /// Inspected regions.
    pub regions: Regions,
    /// Size of a pixel, and the smallest area of anomaly regions.
    pub region_settings: RegionSettings,
    /// The promised false-alarm rate, if the user has set one.
    pub rate: Option<f64>,
    /// Who set it, when, and from which calibration.
    pub promise: Option<Promise>,
    /// Ancestor models and the verdicts it was fine-tuned on; `None` for a model trained on its data alone.
    pub lineage: Option<Lineage>,
    /// Healthy images that look defective, and were left out; `None` where they were not checked.
    pub outliers: Option<OutlierReport>,
}

impl ModelInfo {
    /// Describes a model of this recipe after `step` steps on the images of `data`, which is not calibrated and promises
    /// nothing yet.
    pub(crate) fn new(name: String, recipe: Recipe, step: u64, data: String, split: Split) -> Self {
        Self {
            name,
            recipe,
            step,
            data,
            split,
            calibrations: Vec::new(),
            regions: Regions::default(),
            region_settings: RegionSettings::default(),
            rate: None,
            promise: None,
            lineage: None,
            outliers: None,
        }
    }

    /// The split without the images that were left out: those that the critic and the calibration use.
    pub(crate) fn used_split(&self) -> Split {
        let left_out: HashSet<FileHash> =
            self.outliers.iter().flat_map(OutlierReport::left_out).map(|image| image.hash).collect();
        let kept = |side: &[FileHash]| side.iter().filter(|hash| !left_out.contains(hash)).copied().collect();
        let Split { seed, train, held_out, pixels } = &self.split;
        Split { seed: *seed, train: kept(train), held_out: kept(held_out), pixels: pixels.clone() }
    }

    /// Images that this model or an ancestor of it left out, whether or not they have been used again since.
    pub(crate) fn ever_left_out(&self) -> HashSet<FileHash> {
        ever_left_out(self.outliers.as_ref(), self.lineage.as_ref())
    }
}

/// A promised false-alarm rate with its provenance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// The rate.
    pub rate: f64,
    /// The deciding score; absent in older files.
    #[serde(default)]
    pub score: Option<ScoreKind>,
    /// The threshold above which a part is flagged.
    pub threshold: f64,
    /// User name of the person who set it.
    pub by: String,
    /// Time, seconds since the Unix epoch.
    pub at: u64,
    /// Source of the held-out images.
    pub data: String,
    /// Number of held-out images.
    pub images: usize,
}

impl Promise {
    /// A promise made now by the current user.
    pub fn now(rate: f64, calibration: &Calibration, data: &str) -> Self {
        Self {
            rate,
            score: Some(calibration.score),
            threshold: calibration.threshold(rate),
            by: crate::format::user_name().unwrap_or_else(|| "unknown".into()),
            at: crate::time::since_epoch().as_secs(),
            data: data.to_owned(),
            images: calibration.held_out.len(),
        }
    }

    /// One line: "50 in 1,000, combined score above 1.200; set by kim on 2026-03-01 from 20 held-out images of DIR".
    pub fn describe(&self) -> String {
        let [year, month, day] = crate::time::date(self.at);
        let score = self.score.map_or_else(|| "score".into(), |kind| kind.title().to_lowercase());
        format!(
            "{} in 1,000, {score} above {:.3}; set by {} on {year}-{month:02}-{day:02} from {} held-out images of {}",
            in_thousand(self.rate),
            self.threshold,
            self.by,
            self.images,
            self.data
        )
    }
}
