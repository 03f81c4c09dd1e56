//! Requests to inspect and record the parts of a folder.

use std::path::PathBuf;

use super::watch::WatchOptions;

/// A folder whose parts are inspected and filed in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeSpec {
    /// The folder.
    pub folder: PathBuf,
    /// Watched or taken in once, with the folders within it or without.
    ///
    /// A watched folder's parts are inspected once, whatever model was in force then. A folder that is taken in once is
    /// inspected by the model in force, parts that another model has seen included.
    pub options: WatchOptions,
    /// The record, which is made where there is none.
    pub record: PathBuf,
}

/// What can be asked about taking in parts.
#[derive(Clone, Debug)]
pub enum IntakeRequest {
    /// Begins to take in parts, with the model and the knobs in force. One that goes on is ended first.
    Begin(IntakeSpec),
    /// Ends it. What has been inspected is filed; the part in hand comes up again the next time.
    Stop,
}
