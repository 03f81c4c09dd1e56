//! Inspected files, and files that cannot be inspected.

use std::{path::PathBuf, sync::Arc};

use super::watch::{Claim, Fingerprint};
use crate::{
    data::{FileHash, Unwritten},
    inspect::{NoRegions, Outcome, RegionList},
};

/// The model that a part was inspected with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIdentity {
    /// Its name on screen.
    pub name: String,
    /// Hash of its tensors, as hexadecimal digits.
    pub hash: String,
}

/// An inspected file. It counts as inspected once it is recorded; if it is dropped before, it is inspected again.
#[derive(Debug)]
pub struct InspectedFile {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content.
    pub hash: FileHash,
    /// Fingerprint of the file when it was read.
    pub fingerprint: Fingerprint,
    /// Pixels across, as stored in the file.
    pub width: usize,
    /// Pixels down, as stored in the file.
    pub height: usize,
    /// Where the file held only zeros, which may have been reserved space.
    pub unwritten: Option<Unwritten>,
    /// What a reader of the result should know about how the file was read.
    pub remark: Option<String>,
    /// The model.
    pub model: Arc<ModelIdentity>,
    /// Scores, verdict, maps and duration.
    pub outcome: Outcome,
    /// The anomaly regions in the map that decides, in pixels of `outcome.query`, or why there are none.
    pub regions: Result<RegionList, NoRegions>,
    pub(super) _claim: Claim,
}

/// A file that cannot be inspected and belongs in quarantine.
#[derive(Debug)]
pub struct RefusedFile {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content.
    pub hash: FileHash,
    /// The error, and what to do.
    pub reason: String,
    pub(super) _claim: Claim,
}
