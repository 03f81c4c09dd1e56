//! Inspected files, and files that cannot be inspected.

use std::{borrow::Cow, path::PathBuf, sync::Arc};

use super::watch::{Claim, Fingerprint};
use crate::{
    data::{FileHash, Unwritten},
    inspect::{Outcome, evaluation::EvaluatedMap},
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
    pub(super) _claim: Claim,
}

impl InspectedFile {
    /// The map for finding anomaly regions, one value per pixel of `outcome.query`: the critic's, or the difference if the
    /// model has no critic.
    pub fn map(&self) -> (EvaluatedMap, Cow<'_, [f32]>) {
        match EvaluatedMap::Critic.of(&self.outcome) {
            Some(map) => (EvaluatedMap::Critic, map),
            None => (EvaluatedMap::Difference, EvaluatedMap::Difference.of(&self.outcome).unwrap_or_default()),
        }
    }
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
