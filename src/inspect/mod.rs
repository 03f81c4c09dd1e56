//! Inspection: reconstruct an image with the generator by back-propagation over z (Yeh et al. 2016, Schlegl et al.
//! 2017), score the difference and the critic's map, and give a verdict with a promised
//! false-alarm rate.
//!
//! [`Model`] is the content of a `.ganspect` file, loaded on a device. An [`InspectionJob`] inspects one query, one
//! bounded time slice per call. A [`Calibration`] on held-out healthy images turns its [`Scores`] into an
//! [`Assessment`]. An [`Evaluator`] measures a model on labelled images and produces an [`Evaluation`].

pub mod anomaly_region;
pub mod calibration;
#[cfg(test)]
mod colour_tests;
pub mod critic;
#[cfg(test)]
mod damage_tests;
mod deciding_map;
#[cfg(test)]
mod depth_tests;
pub mod evaluation;
pub mod export;
pub mod frame_check;
mod frame_limit;
mod job;
pub(crate) mod knobs;
pub mod latent;
pub mod lineage;
mod model;
mod model_info;
pub(crate) mod outliers;
mod planes;
pub(crate) mod regions;
mod scores;
mod tiles;
#[cfg(test)]
mod untrained;

pub use anomaly_region::{AnomalyRegion, NoRegions, RegionList, RegionRule, RegionSettings};
pub use calibration::{Assessment, CalibrateError, Calibration, Calibrator, Judged, NoVerdict, Verdict};
pub use deciding_map::deciding_map;
pub use evaluation::{EvaluateError, EvaluatedImage, Evaluation, Evaluator, TestSet};
pub use frame_limit::FrameLimit;
pub use job::{InspectError, InspectionJob, KeptFrame, Outcome, StepRecord};
pub use knobs::{
    Constraint, InvertKnobs, InvertPreset, KnobError, LatentOptimiserKind, LatentOptimiserKnobs, LatentStart,
};
pub use latent::{FrozenNetworks, InversionBatch};
pub use lineage::{LabelledPart, Lineage};
pub use model::{DecisionError, Model, ModelError, ModelNetworks};
pub use model_info::{ModelInfo, Promise};
pub use outliers::{HealthyUse, OutlierReport, ScoredImage};
pub(crate) use planes::difference_of_pixel;
pub use planes::{NoColour, Planes};
pub use regions::{Region, RegionError, RegionShape, Regions};
pub use scores::{FusionTerm, LabelledScores, ReweightError, ScoreKind, Scores};
pub use tiles::Tiling;
