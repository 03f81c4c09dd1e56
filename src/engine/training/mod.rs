//! Training: the run, the building of its model, and the preview of the critic's training crops.

pub(super) mod build_inputs;
mod build_progress;
pub mod critic_preview;
pub(super) mod critic_probe;
pub(super) mod model_builder;
mod outlier_check;
mod request;
pub(super) mod run;
mod run_fault;
mod run_log;
mod run_start;
mod state;
pub(super) mod task;
pub(super) mod time_estimate;

pub use build_progress::{BuildPart, BuildProgress, PartProgress};
pub use request::TrainingRequest;
pub use state::{
    GridHistory, HistogramHistory, Histograms, LatentWalk, SampleGrid, TrainingPhase, TrainingState, TrainingStatus,
};
pub(super) use task::TrainingTask;
