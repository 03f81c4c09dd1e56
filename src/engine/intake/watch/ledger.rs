//! The record of a watched folder's files.

use std::{
    collections::HashMap,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{
    data::FileHash,
    engine::intake::inspected::InspectedFile,
    inspect::{Assessment, Scores},
    review::RecordError,
};

/// What an error of the record means for the parts that are to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LedgerFault {
    /// The record can be used again later: the parts wait.
    Passing,
    /// The record rejects this part: it belongs in quarantine.
    Entry,
    /// The record cannot be used: the watch ends.
    Lasting,
}

/// A record that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct LedgerError {
    fault: LedgerFault,
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}

impl LedgerError {
    /// Wraps an error that lasts.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: LedgerFault::Lasting, cause: cause.into() }
    }

    /// Wraps an error that passes by itself, such as a full disk: the parts wait.
    pub fn passing(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault: LedgerFault::Passing, cause: cause.into() }
    }

    /// Whether the same access may succeed later.
    pub fn is_passing(&self) -> bool {
        self.fault == LedgerFault::Passing
    }

    /// Whether the record rejects the part, and not the access.
    pub(crate) fn is_of_entry(&self) -> bool {
        self.fault == LedgerFault::Entry
    }
}

impl From<RecordError> for LedgerError {
    fn from(error: RecordError) -> Self {
        let fault = match &error {
            // A drive that was mounted read-only after an error is expected back.
            RecordError::ReadOnly(_) => LedgerFault::Passing,
            error if error.is_passing() => LedgerFault::Passing,
            error if error.is_of_entry() => LedgerFault::Entry,
            _ => LedgerFault::Lasting,
        };
        Self { fault, cause: error.into() }
    }
}

/// The record of each file's result. A file is a path and the hash of its content: overwritten with other content it is
/// another part, and likewise for another model where a record distinguishes models. A record may keep one part for a file
/// that was recorded before it was finished, and again when it was.
///
/// Entries accepted by [`record`](Self::record) and [`quarantine`](Self::quarantine) must survive the process, however it
/// ends: a new watch relies on it alone.
pub trait Ledger: Send {
    /// Whether this content at this path has been recorded or quarantined.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be read.
    fn is_recorded(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError>;

    /// Records an inspected file.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written; the file is then not recorded.
    fn record(&mut self, inspected: &InspectedFile) -> Result<(), LedgerError>;

    /// Records a file that cannot be inspected, and why. `hash` is `None` where its bytes could not be read.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written; the file is then not recorded.
    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError>;
}

/// An entry of a [`MemoryLedger`].
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content; `None` where it could not be read.
    pub hash: Option<FileHash>,
    /// The scores and the assessment, or why the file is in quarantine.
    pub outcome: Result<(Scores, Option<Assessment>), String>,
}

/// A record in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    all: Vec<LedgerEntry>,
    hashes: HashMap<PathBuf, Vec<FileHash>>,
}

impl MemoryLedger {
    /// All entries, in order of arrival.
    pub fn entries(&self) -> Vec<LedgerEntry> {
        self.0.lock().all.clone()
    }

    fn add(&self, entry: LedgerEntry) {
        let mut entries = self.0.lock();
        entries.hashes.entry(entry.path.clone()).or_default().extend(entry.hash);
        entries.all.push(entry);
    }
}

impl Ledger for MemoryLedger {
    fn is_recorded(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError> {
        Ok(self.0.lock().hashes.get(path).is_some_and(|hashes| hashes.contains(&hash)))
    }

    fn record(&mut self, inspected: &InspectedFile) -> Result<(), LedgerError> {
        let outcome = (inspected.outcome.scores().clone(), inspected.outcome.assessment().cloned());
        self.add(LedgerEntry { path: inspected.path.clone(), hash: Some(inspected.hash), outcome: Ok(outcome) });
        Ok(())
    }

    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.add(LedgerEntry { path: path.to_owned(), hash, outcome: Err(reason.to_owned()) });
        Ok(())
    }
}
