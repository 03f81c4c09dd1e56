//! Testing a model as the window sees it: what can be asked, and what is shown.

pub(super) mod task;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;

use crate::{
    data::DataSource,
    inspect::{Evaluation, TestSet},
};

/// Folder of what was inspected for tests, in the folder of runs.
const KEPT: &str = ".evaluated";

/// The file that keeps what a model with this hash has inspected for tests.
pub fn kept_file(runs: &Path, hash: &str) -> PathBuf {
    runs.join(KEPT).join(format!("{}.json", hash.get(..16).unwrap_or(hash)))
}

/// What can be asked about tests.
#[derive(Clone, Debug)]
pub enum EvaluationRequest {
    /// Tests the model in force with the knobs in force. A test that goes on is ended first.
    Begin {
        /// Images to test with; `None` for those beside the ones that the model was trained on.
        source: Option<DataSource>,
        /// The folder of runs, where inspected images are kept; `None` keeps none.
        runs: Option<PathBuf>,
    },
    /// Ends a test or a report. Inspected images are kept.
    Cancel,
    /// Weighs the fused score of the model in force by the defective images of the test (true), or as it was before any
    /// label (false).
    Weigh(bool),
    /// Writes the test as a report at this promised rate.
    Report {
        /// The folder to write to.
        dir: PathBuf,
        /// The rate; `None` without a calibration.
        rate: Option<f64>,
    },
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inspected_is_kept_for_each_model() {
        let of = |hash| kept_file(Path::new("/runs"), hash);
        assert_eq!(of("0123456789abcdef0123"), Path::new("/runs/.evaluated/0123456789abcdef.json"));
        assert_eq!(of("0"), Path::new("/runs/.evaluated/0.json"));
    }
}
