//! The engine's state, which any number of threads may read.
//!
//! The engine's threads write it. Each lock is held only to copy a few bytes or an `Arc`, so a slow reader never delays
//! training.

use parking_lot::RwLock;

use super::{
    evaluation::EvaluationState, finetune::FinetuneState, inspection::InspectionState, intake::IntakeState,
    review::ReviewState, training::TrainingState,
};
use crate::device::ComputeDevice;

/// The engine's state, one part per feature.
#[derive(Debug, Default)]
pub struct EngineState {
    /// Training.
    pub training: TrainingState,
    /// Inspection.
    pub inspection: InspectionState,
    /// Evaluation.
    pub evaluation: EvaluationState,
    /// Intake of parts from a folder.
    pub intake: IntakeState,
    /// Fine-tuning on verdicts.
    pub finetune: FinetuneState,
    /// Review of recorded parts.
    pub review: ReviewState,
    /// The device in use, once it has been chosen.
    pub device: RwLock<Option<ComputeDevice>>,
}
