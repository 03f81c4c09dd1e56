//! Requests to evaluate a model on labelled images.

use std::path::PathBuf;

use crate::data::DataSource;

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
    Reweight(bool),
    /// Writes the test as a report at this promised rate.
    Report {
        /// The folder to write to.
        dir: PathBuf,
        /// The rate; `None` without a calibration.
        rate: Option<f64>,
    },
}
