//! Requests to the record thread and to the prefetch thread.

use std::path::PathBuf;

use crate::{
    data::FileHash,
    review::{InspectionId, PartId, record::NewOpinion},
};

/// A request to the record thread.
#[derive(Clone, Debug)]
pub enum ReviewRequest {
    /// Opens the record at this path, as soon as it exists.
    Open(PathBuf),
    /// Stores a verdict.
    AddOpinion {
        /// Number of the request, larger than that of the request before.
        number: u64,
        /// The part.
        part: PartId,
        /// The verdict.
        opinion: Box<NewOpinion>,
    },
    /// Retracts the last verdict stored since the program started.
    Undo {
        /// Number of the request.
        number: u64,
    },
    /// Adds a defect type.
    AddDefectType(String),
    /// Retires a defect type.
    RetireDefectType(String),
    /// Loads the findings of the parts in [`ReviewState::requested`](super::ReviewState::requested).
    LoadFindings,
}

/// A part that is on show or will be soon.
#[derive(Clone, Debug, PartialEq)]
pub struct PrefetchRequest {
    /// The part.
    pub part: PartId,
    /// Its inspection.
    pub inspection: InspectionId,
    /// Its image file.
    pub path: PathBuf,
    /// Hash of the file that was inspected.
    pub hash: FileHash,
    /// Hash of the model that inspected it.
    pub model: FileHash,
    /// Also draw reconstruction and map.
    pub map: bool,
}
