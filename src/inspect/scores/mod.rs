//! Anomaly scores of an inspected image.

pub(super) mod fusion;
mod score;
#[cfg(test)]
mod score_tables;
pub(super) mod statistics;

pub use fusion::{FusionTerm, LabelledScores, ReweightError};
pub(crate) use score::{FEATURE_SPOT_REACH, SPOT_REACH};
pub use score::{ScoreKind, Scores};
