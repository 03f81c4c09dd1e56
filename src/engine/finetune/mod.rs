//! Fine-tuning of the active model on verdicts.

mod request;
mod state;
pub(super) mod task;

pub use request::{FinetuneRequest, FinetuneSpec};
pub use state::{FinetunePhase, FinetuneResult, FinetuneState, FinetuneStatus, SavedModel};
