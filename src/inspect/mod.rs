//! Is this part healthy? The generator is asked for the picture that comes closest to a query, by
//! back-propagation over z (Yeh et al. 2016, Schlegl et al. 2017); what it cannot draw stays in the
//! difference. Held-out healthy images say how large a difference is usual.
//!
//! [`Model`] is what a `.ganspect` file holds, loaded on a device. A [`InspectionJob`] inspects one query, a
//! bounded slice of work a call. [`Calibration`] turns its [`Scores`] into an [`Assessment`]. An
//! [`Evaluator`] tests a model on images whose truth is known; an [`Evaluation`] says how well it did.

pub mod calibration;
pub mod critic;
pub mod evaluation;
pub mod export;
pub mod job;
pub mod knobs;
pub mod latent;
pub mod lineage;
pub mod model;
pub mod planes;
pub mod regions;
pub mod scores;
pub mod tiles;

pub use calibration::{
    Assessment, Calibration, Verdict,
    calibrator::{CalibrateError, Calibrator},
};
pub use evaluation::{EvaluateError, Evaluation, Evaluator, Examined, TestSet};
pub use job::{InspectionJob, KeptFrame, Outcome, StepRecord};
pub use knobs::{InvertKnobs, InvertPreset};
pub use lineage::{LabelledPart, Lineage};
pub use model::Model;
pub use planes::Planes;
pub use regions::{Region, Regions};
pub use scores::{
    ScoreKind, Scores,
    fusion::{FusionTerm, LabelledScores, WeighError},
};
