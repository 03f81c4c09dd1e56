//! Evaluation of a model on labelled images.

mod cache;
mod request;
mod state;
pub(super) mod task;

pub(crate) use cache::cache_file;
pub use request::EvaluationRequest;
pub use state::{EvaluationPhase, EvaluationState, EvaluationStatus};
