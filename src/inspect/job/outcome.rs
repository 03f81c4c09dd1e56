//! The result of an inspection: maps, scores, verdict and the optimisation's trajectory.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    data::{ExposureCorrection, box_mean},
    inspect::{
        InvertKnobs, Planes, Scores,
        calibration::{Assessment, Calibration, Judged},
        critic::CriticMaps,
    },
};

/// Pixels to every side over which a map is averaged before its most anomalous location is picked.
const SMOOTHING_REACH: usize = 4;

/// Losses of one optimisation step of z.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Step number; step 0 is the loss at the start.
    pub step: usize,
    /// Optimised loss per pixel, one value per restart; mean over tiles.
    pub loss: Vec<f32>,
    /// Index of the best restart.
    pub best: usize,
    /// Best restart: |x - G(z)| per pixel.
    pub residual: f32,
    /// Best restart: feature-matching loss per feature, or 0 without weight.
    pub feature: f32,
    /// Best restart: log(1 - D(G(z))), or 0 without weight.
    pub prior: f32,
    /// Best restart: norm of z relative to that of an average sample of the prior; mean over tiles.
    pub z_norm: f32,
    /// Compute time so far, seconds.
    pub seconds: f32,
}

/// The reconstruction at one step, kept for the scrubber.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptFrame {
    /// The step.
    pub step: usize,
    /// Values in the order of [`Planes`], -1 to 1 quantised to 0 to 65,535.
    pub pixels: Arc<[u16]>,
}

impl KeptFrame {
    /// Quantises values in the order of [`Planes`].
    pub(super) fn new(step: usize, values: &[f32]) -> Self {
        let packed = |v: &f32| ((v.clamp(-1.0, 1.0) + 1.0) * 32_767.5).round() as u16;
        Self { step, pixels: values.iter().map(packed).collect() }
    }

    /// Returns a value on the scale of [`Planes`].
    pub fn value(&self, i: usize) -> f32 {
        f32::from(self.pixels.get(i).copied().unwrap_or_default()) / 32_767.5 - 1.0
    }
}

/// The result of an inspection.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The inspected image.
    pub query: Arc<Planes>,
    /// The closest reconstruction found.
    pub reconstruction: Planes,
    /// How the exposure of the image was corrected to compare it with the reconstruction; `None` where it was not.
    pub exposure: Option<ExposureCorrection>,
    /// Image minus reconstruction at the exposure of healthy images, one value per pixel in `[-2, 2]`;
    /// 0 where not inspected.
    pub difference: Vec<f32>,
    /// Residual in D's features, one value per pixel; 0 where not inspected.
    pub feature: Vec<f32>,
    /// The critic's maps; `None` without a critic.
    pub critic: Option<CriticMaps>,
    /// Mask of the inspected pixels; `None` for all.
    pub inspected: Option<Vec<bool>>,
    /// The scores with the verdict on them, or with the reason why there is none.
    pub judged: Judged,
    /// The knobs of the inspection.
    pub knobs: InvertKnobs,
    /// Every step of z.
    pub records: Vec<StepRecord>,
    /// Steps done.
    pub steps: usize,
    /// Number of tiles.
    pub tiles: usize,
    /// Compute time, seconds.
    pub seconds: f64,
}

impl Outcome {
    /// All scores.
    pub fn scores(&self) -> &Scores {
        self.judged.scores()
    }

    /// The verdict, if there is one.
    pub fn assessment(&self) -> Option<&Assessment> {
        self.judged.assessment()
    }

    /// Sets the combined score and the verdict by a calibration at this rate.
    pub(crate) fn judge(&mut self, calibration: &Calibration, rate: f64) {
        self.judged = Judged::by(calibration, rate, self.scores().clone(), false);
    }

    /// The most anomalous location: the maximum of the critic's logit, or of the difference without a critic.
    pub fn most_anomalous(&self) -> Option<(usize, usize)> {
        let (width, height) = (self.query.width(), self.query.height());
        let inspected = self.inspected.as_deref();
        let map = match &self.critic {
            Some(maps) => maps.logit.clone(),
            None => self.difference.iter().map(|v| v.abs()).collect(),
        };
        let smooth = box_mean(&map, width, height, SMOOTHING_REACH, inspected);
        let counts = |i: &usize| inspected.is_none_or(|all| all.get(*i).copied().unwrap_or(false));
        let at = (0..smooth.len()).filter(counts).max_by(|a, b| smooth[*a].total_cmp(&smooth[*b]))?;
        Some((at % width, at / width))
    }
}
