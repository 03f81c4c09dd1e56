//! What an inspection leaves behind.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::inspect::{calibration::Assessment, critic::CriticMaps, knobs::InvertKnobs, planes::Planes, scores::Scores};

/// What one step of z left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step, from 0: the loss of the start.
    pub step: usize,
    /// Loss that z follows, per pixel, one value a restart; the mean over tiles.
    pub loss: Vec<f32>,
    /// Which of the restarts is best.
    pub best: usize,
    /// Of the best restart: |query - G(z)| per pixel.
    pub residual: f32,
    /// Of the best restart: feature matching per feature, or 0 when it has no weight.
    pub feature: f32,
    /// Of the best restart: log(1 - D(G(z))), or 0 when it has no weight.
    pub prior: f32,
    /// Of the best restart: length of z over the length of an average draw; the mean over tiles.
    pub z_norm: f32,
    /// Seconds of work so far.
    pub seconds: f32,
}

/// The reconstruction after one step, kept for the scrubber.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptFrame {
    /// The step it was drawn at.
    pub step: usize,
    /// Plane by plane as in [`Planes`], -1 to 1 spread over 0 to 65,535.
    pub pixels: Arc<[u16]>,
}

impl KeptFrame {
    /// These values, as [`Planes`] has them.
    pub(super) fn new(step: usize, values: &[f32]) -> Self {
        let packed = |v: &f32| ((v.clamp(-1.0, 1.0) + 1.0) * 32_767.5).round() as u16;
        Self { step, pixels: values.iter().map(packed).collect() }
    }

    /// A value as [`Planes`] has it.
    pub fn value(&self, i: usize) -> f32 {
        f32::from(self.pixels.get(i).copied().unwrap_or_default()) / 32_767.5 - 1.0
    }
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The query.
    pub query: Arc<Planes>,
    /// The closest that the generator came.
    pub reconstruction: Planes,
    /// Query minus reconstruction, the mean over channels, one value a pixel in `[-2, 2]`; 0 where not
    /// inspected.
    pub difference: Vec<f32>,
    /// Residual in D's features, one value a pixel; 0 where not inspected.
    pub feature: Vec<f32>,
    /// The critic's maps; `None` without a critic.
    pub critic: Option<CriticMaps>,
    /// The pixels that were inspected, or `None` for all.
    pub inspected: Option<Vec<bool>>,
    /// Every score.
    pub scores: Scores,
    /// Its place among good parts; `None` for a model that is not calibrated for these knobs.
    pub assessment: Option<Assessment>,
    /// The knobs it was inspected with.
    pub knobs: InvertKnobs,
    /// The whole way of z.
    pub records: Vec<StepRecord>,
    /// Steps done.
    pub steps: usize,
    /// Tiles that the query was cut into.
    pub tiles: usize,
    /// Seconds of work.
    pub seconds: f64,
}
