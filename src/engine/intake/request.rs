//! Requests to inspect and record the parts of a folder.

use std::path::PathBuf;

use super::watch::WatchOptions;

/// A folder whose parts are inspected and recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeSpec {
    /// The folder.
    pub folder: PathBuf,
    /// Watched or inspected once, with or without subfolders.
    ///
    /// The parts of a watched folder are inspected once, by whichever model was active then. A folder that is inspected
    /// once is inspected by the active model, including parts that another model has inspected.
    pub options: WatchOptions,
    /// The record; it is created if there is none.
    pub record: PathBuf,
}

/// A request to the intake task.
#[derive(Clone, Debug)]
pub enum IntakeRequest {
    /// Starts intake with the active model and the current knobs. A running intake is stopped first.
    Begin(IntakeSpec),
    /// Stops intake. Inspected parts are recorded; the current part is inspected again next time.
    Stop,
}
