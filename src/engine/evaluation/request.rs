//! Requests to evaluate a model on labelled images.

use std::path::PathBuf;

use crate::data::DataSource;

/// A request to the evaluation task.
#[derive(Clone, Debug)]
pub enum EvaluationRequest {
    /// Evaluates the active model with the current knobs. A running evaluation is stopped first.
    Begin {
        /// The test images; `None` for the test split of the model's own data set.
        source: Option<DataSource>,
        /// The folder of runs, which holds the cache; `None` for no cache.
        runs: Option<PathBuf>,
    },
    /// Stops an evaluation or a report. Inspected images stay in the cache.
    Cancel,
    /// Reweights the combined score of the active model using the labelled defects of the evaluation (true), or removes
    /// such weights (false).
    Reweight(bool),
    /// Writes a report of the evaluation at this promised false-alarm rate.
    Report {
        /// The folder for the report.
        dir: PathBuf,
        /// The rate; `None` without a calibration.
        rate: Option<f64>,
    },
}
