//! A calibration in progress.

use crate::{
    data::{DataError, Opened},
    engine::BackgroundTask,
    inspect::Calibrator,
};

/// A calibration in progress.
pub(crate) enum Calibrating {
    /// The held-out images are being read.
    Opening(BackgroundTask<Result<Opened, DataError>>),
    /// The held-out images are being inspected.
    Running(Box<Calibrator>),
}
