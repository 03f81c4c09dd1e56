//! The state of an evaluation that the window shows.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::{
    data::DataSource,
    inspect::{Evaluation, TestSet},
};

/// How a test stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TestPhase {
    /// There was none yet.
    #[default]
    Idle,
    /// The images are being read: done and in all, both 0 before that is known.
    Opening(usize, usize),
    /// Images are being inspected.
    Running,
    /// All images are done.
    Done,
    /// Ended early by the user.
    Stopped,
    /// Could not go on; the sentence says why and the way out.
    Failed(String),
}

impl TestPhase {
    /// Whether the compute thread or a reading thread is at work.
    pub fn is_going(&self) -> bool {
        matches!(self, Self::Opening(..) | Self::Running)
    }
}

/// The state of a test, cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct TestStatus {
    /// How it stands.
    pub phase: TestPhase,
    /// What it tests with, as it was asked for; `None` for the model's own data.
    pub source: Option<DataSource>,
    /// Images done.
    pub done: usize,
    /// Images in all.
    pub total: usize,
    /// Images that were known from before.
    pub known: usize,
    /// Seconds to the last image, once known.
    pub seconds_left: Option<f64>,
    /// The images.
    pub tests: Option<Arc<TestSet>>,
    /// What came of it so far; replaced whole whenever something is new.
    pub evaluation: Option<Arc<Evaluation>>,
    /// Pictures of a report drawn, and in all, while one is being written.
    pub reporting: Option<(usize, usize)>,
}

/// What the compute thread shows of tests; part of [`Live`](super::EngineState).
#[derive(Debug, Default)]
pub struct EvaluationState {
    /// The test.
    pub status: RwLock<TestStatus>,
}
