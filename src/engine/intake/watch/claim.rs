//! The claim on a file, and the counts of a watch.

use std::{collections::HashSet, mem, path::PathBuf, sync::Arc};

use parking_lot::Mutex;

use super::fingerprint::Fingerprint;
use crate::data::{FileHash, Picture, Unwritten, memory_budget::Reservation};

/// Counts of a watch since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchCounts {
    /// Parts recorded.
    pub recorded: usize,
    /// Number of times that a file was on record already.
    pub known: usize,
    /// Files quarantined.
    pub quarantined: usize,
    /// Files deleted or renamed before they were inspected.
    pub deleted: usize,
    /// Files found and not inspected yet; there may be more while `listed` is false.
    pub waiting: usize,
    /// Whether the whole folder has been scanned.
    pub listed: bool,
}

impl WatchCounts {
    /// Lists the files that were not recorded, to be appended to a count: ", 2 in quarantine, 1 already on record". Empty if
    /// there are none.
    pub fn remarks(&self) -> String {
        let counts = [
            (self.quarantined, "in quarantine"),
            (self.known, "already on record"),
            (self.deleted, "deleted before inspection"),
        ];
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}")).collect()
    }
}

#[derive(Debug, Default)]
pub(super) struct ClaimState {
    /// Files under a claim.
    pub(super) claimed: HashSet<(PathBuf, FileHash)>,
    /// Files whose claim was dropped before they were recorded: to be examined again.
    pub(super) returned: Vec<(PathBuf, Fingerprint)>,
    pub(super) counts: WatchCounts,
}

/// The right to inspect one file. Dropping it before the file is on record returns the file.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(super) state: Arc<Mutex<ClaimState>>,
    pub(super) path: PathBuf,
    pub(super) hash: FileHash,
    pub(super) fingerprint: Fingerprint,
}

impl Claim {
    /// Releases a file that need not be examined again.
    pub(crate) fn release(self) {
        self.state.lock().claimed.remove(&(self.path.clone(), self.hash));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        let key = (mem::take(&mut self.path), self.hash);
        if state.claimed.remove(&key) {
            state.returned.push((key.0, mem::take(&mut self.fingerprint)));
        }
    }
}

/// A complete file that is not on record, decoded. If it is dropped instead of inspected, it is examined again.
#[derive(Debug)]
pub struct ReadyFile {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content.
    pub hash: FileHash,
    /// Fingerprint when it was read.
    pub fingerprint: Fingerprint,
    /// Its content.
    pub picture: Picture,
    /// Where it holds only zeros, which may be reserved space.
    pub(crate) unwritten: Option<Unwritten>,
    pub(crate) claim: Claim,
    /// The memory that it takes while it waits.
    pub(crate) room: Option<Reservation>,
}

impl ReadyFile {
    /// Whether the file is still there as it was read.
    pub fn is_current(&self) -> bool {
        Fingerprint::of(&self.path).as_ref() == Some(&self.fingerprint)
    }
}
