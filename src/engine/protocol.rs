//! Commands to the engine's threads: one type per thread, so that no thread receives a command meant for another.

use std::sync::Arc;

use super::{
    evaluation::EvaluationRequest,
    finetune::FinetuneRequest,
    inspection::InspectionRequest,
    intake::IntakeRequest,
    review::{PrefetchRequest, ReviewRequest},
    training::{TrainingRequest, critic_preview::PreviewRequest},
};
use crate::device::DeviceChoice;

/// A command to one of the engine's threads.
#[derive(Clone, Debug)]
pub enum EngineCommand {
    /// For the compute thread.
    Compute(ComputeCommand),
    /// For the thread that draws the preview of the critic's training crops.
    CriticPreview(PreviewRequest),
    /// For the thread that reads and writes the record.
    Review(ReviewRequest),
    /// For the thread that reads images ahead: the parts on show in Review, the most urgent first.
    Prefetch(Arc<[PrefetchRequest]>),
}

/// A command to the compute thread.
#[derive(Clone, Debug)]
pub enum ComputeCommand {
    /// Training of a run, and its model.
    Training(TrainingRequest),
    /// Inspection, and the active model.
    Inspection(InspectionRequest),
    /// Evaluation of the active model.
    Evaluation(EvaluationRequest),
    /// Intake of parts from a folder.
    Intake(IntakeRequest),
    /// Fine-tuning of the active model.
    Finetune(FinetuneRequest),
    /// The images that Review needs have changed; the compute thread draws their maps.
    Prefetch,
    /// Moves to another device; an open run is closed first.
    Device(DeviceChoice),
    /// Writes a checkpoint of an open run and ends the thread.
    Shutdown,
}

impl From<ComputeCommand> for EngineCommand {
    fn from(command: ComputeCommand) -> Self {
        Self::Compute(command)
    }
}

impl From<TrainingRequest> for EngineCommand {
    fn from(request: TrainingRequest) -> Self {
        Self::Compute(ComputeCommand::Training(request))
    }
}

impl From<InspectionRequest> for EngineCommand {
    fn from(request: InspectionRequest) -> Self {
        Self::Compute(ComputeCommand::Inspection(request))
    }
}

impl From<EvaluationRequest> for EngineCommand {
    fn from(request: EvaluationRequest) -> Self {
        Self::Compute(ComputeCommand::Evaluation(request))
    }
}

impl From<IntakeRequest> for EngineCommand {
    fn from(request: IntakeRequest) -> Self {
        Self::Compute(ComputeCommand::Intake(request))
    }
}

impl From<FinetuneRequest> for EngineCommand {
    fn from(request: FinetuneRequest) -> Self {
        Self::Compute(ComputeCommand::Finetune(request))
    }
}

impl From<PreviewRequest> for EngineCommand {
    fn from(request: PreviewRequest) -> Self {
        Self::CriticPreview(request)
    }
}

impl From<ReviewRequest> for EngineCommand {
    fn from(request: ReviewRequest) -> Self {
        Self::Review(request)
    }
}
