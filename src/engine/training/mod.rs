//! Training: the run, the model made from it, and the preview of the critic's training crops.

pub mod build_progress;
pub mod critic_preview;
pub(super) mod critic_probe;
pub(super) mod model_builder;
pub(super) mod run;
pub(super) mod time_estimate;
