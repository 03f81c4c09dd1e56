//! The state of an evaluation that the window shows.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::{
    data::DataSource,
    inspect::{Evaluation, TestSet},
};

/// Phase of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum EvaluationPhase {
    /// No evaluation yet.
    #[default]
    Idle,
    /// The images are being read: number done and total, both 0 until known.
    Opening(usize, usize),
    /// Images are being inspected.
    Running,
    /// All images are done.
    Done,
    /// Stopped by the user.
    Stopped,
    /// Failed; the text says why and what to do.
    Failed(String),
}

impl EvaluationPhase {
    /// Whether the evaluation is running.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Opening(..) | Self::Running)
    }
}

/// The state of an evaluation, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct EvaluationStatus {
    /// Its phase.
    pub phase: EvaluationPhase,
    /// The test images as requested; `None` for the model's own data set.
    pub source: Option<DataSource>,
    /// Images done.
    pub done: usize,
    /// Total number of images.
    pub total: usize,
    /// Images taken from the cache.
    pub known: usize,
    /// Seconds to the last image, once known.
    pub seconds_left: Option<f64>,
    /// The test images.
    pub tests: Option<Arc<TestSet>>,
    /// The result so far; replaced as a whole when it changes.
    pub evaluation: Option<Arc<Evaluation>>,
    /// Images drawn for a report and their total, while a report is being written.
    pub reporting: Option<(usize, usize)>,
}

/// The part of [`EngineState`](crate::engine::EngineState) that shows the evaluation.
#[derive(Debug, Default)]
pub struct EvaluationState {
    /// The status.
    pub status: RwLock<EvaluationStatus>,
}
