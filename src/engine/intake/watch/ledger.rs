//! What is on record of a watched folder's files, and who keeps it.

use std::{
    collections::HashMap,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    data::FileHash,
    engine::intake::stream::InspectedFile,
    inspect::{Assessment, Scores},
};

/// A record that cannot be read or written: the sentence of whoever keeps it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LedgerError(#[from] Box<dyn Error + Send + Sync>);

impl LedgerError {
    /// From the keeper's own error.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Who keeps on record what came of each file. A file is a path and the hash of its content: written over with other
/// content it is another part, and so it is for another model where a record tells models apart.
///
/// What [`file`](Self::file) or [`quarantine`](Self::quarantine) has accepted must outlive the process, however it ends:
/// a watch that begins anew goes by this alone.
pub trait Ledger: Send {
    /// Whether this content under this path has been filed, or put in quarantine.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be read.
    fn is_filed(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError>;

    /// Files what came of a part.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written; the part is then not filed.
    fn file(&mut self, finding: &InspectedFile) -> Result<(), LedgerError>;

    /// Notes a file that cannot be inspected, and why. `hash` is `None` where not even its bytes could be read.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written; the file is then not noted.
    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError>;
}

/// What a [`MemoryLedger`] holds of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content; `None` where it could not be read.
    pub hash: Option<FileHash>,
    /// Every score and its place among good parts, or why it is in quarantine.
    pub outcome: Result<(Scores, Option<Assessment>), String>,
}

/// A record that lasts as long as the process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    all: Vec<LedgerEntry>,
    places: HashMap<PathBuf, Vec<FileHash>>,
}

impl MemoryLedger {
    /// Everything on record, in the order that it came.
    pub fn entries(&self) -> Vec<LedgerEntry> {
        self.0.lock().all.clone()
    }

    fn add(&self, filed: LedgerEntry) {
        let mut entries = self.0.lock();
        entries.places.entry(filed.path.clone()).or_default().extend(filed.hash);
        entries.all.push(filed);
    }
}

impl Ledger for MemoryLedger {
    fn is_filed(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError> {
        Ok(self.0.lock().places.get(path).is_some_and(|hashes| hashes.contains(&hash)))
    }

    fn file(&mut self, finding: &InspectedFile) -> Result<(), LedgerError> {
        let outcome = (finding.outcome.scores.clone(), finding.outcome.assessment.clone());
        self.add(LedgerEntry { path: finding.path.clone(), hash: Some(finding.hash), outcome: Ok(outcome) });
        Ok(())
    }

    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.add(LedgerEntry { path: path.to_owned(), hash, outcome: Err(reason.to_owned()) });
        Ok(())
    }
}
