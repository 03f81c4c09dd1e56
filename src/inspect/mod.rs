//! Is this part healthy? The generator is asked for the picture that comes closest to a query, by
//! back-propagation over z (Yeh et al. 2016, Schlegl et al. 2017); what it cannot draw stays in the
//! difference. Held-out healthy images say how large a difference is usual.
//!
//! [`Model`] is what a `.ganspect` file holds, loaded on a device. A [`Job`] inspects one query, a
//! bounded slice of work a call. [`Calibration`] turns its [`Scores`] into an [`Assessment`]. An
//! [`Evaluator`] tests a model on images whose truth is known; an [`Evaluation`] says how well it did.

pub mod calibrate;
pub mod calibrator;
pub mod critic;
pub mod evaluation;
pub mod export;
mod fusion;
pub mod invert;
pub mod job;
pub mod knobs;
mod lbfgs;
pub mod lineage;
pub mod maps;
pub mod metrics;
pub mod model;
pub mod neighbours;
pub mod patterns;
pub mod planes;
pub mod region;
mod statistics;
pub mod tally;
pub mod tiles;

pub use calibrate::{Assessment, Calibration, Verdict};
pub use calibrator::{CalibrateError, Calibrator};
pub use evaluation::{EvaluateError, Evaluation, Evaluator, Examined, TestSet};
pub use fusion::{Labelled, Part, WeighError};
pub use job::{Job, Kept, Outcome, Record};
pub use knobs::{InvertKnobs, InvertPreset};
pub use lineage::{Lesson, Lineage};
pub use maps::{ScoreKind, Scores};
pub use model::Model;
pub use planes::Planes;
pub use region::{Region, Regions};
