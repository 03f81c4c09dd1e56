//! Requests to the record thread and to the prefetch thread.

use std::path::PathBuf;

use crate::{
    data::FileHash,
    review::{InspectionId, PartId, record::NewOpinion},
};

/// What is asked of the record.
#[derive(Clone, Debug)]
pub enum ReviewRequest {
    /// Shows the record at this path, as soon as there is one.
    Open(PathBuf),
    /// Keeps a verdict.
    AddOpinion {
        /// Its number; each ask's is larger than the one before.
        number: u64,
        /// The part that it is about.
        part: PartId,
        /// The verdict.
        opinion: Box<NewOpinion>,
    },
    /// Takes back the last verdict that was kept since the program began.
    Undo {
        /// Its number.
        number: u64,
    },
    /// Offers a kind of defect.
    AddDefectType(String),
    /// Offers it no longer.
    RetireDefectType(String),
    /// [`ReviewState::wanted`] has changed.
    LoadFindings,
}

/// A part that is on show or soon will be.
#[derive(Clone, Debug, PartialEq)]
pub struct PrefetchRequest {
    /// The part.
    pub part: PartId,
    /// Its inspection.
    pub inspection: InspectionId,
    /// Its picture.
    pub path: PathBuf,
    /// Hash of the file that was inspected.
    pub hash: FileHash,
    /// Hash of the model that inspected it.
    pub model: FileHash,
    /// Reconstruction and map are wanted too.
    pub map: bool,
}
