//! Claims on files between the folder and the record, so that no file is inspected twice at the same time.

use std::{
    fmt, mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{
    claim::{Claim, ClaimState, WatchCounts},
    fingerprint::Fingerprint,
    ledger::{Ledger, LedgerError},
};
use crate::{
    data::FileHash,
    engine::intake::{inspected::InspectedFile, retry::without_advice},
};

/// The files that are claimed for inspection, and the ledger. Shared by the watch and the inspecting thread.
pub struct ClaimTable {
    ledger: Mutex<Box<dyn Ledger>>,
    state: Arc<Mutex<ClaimState>>,
    stalled: Mutex<Stalled>,
}

/// Why the record cannot be used at the moment: a record that is locked or full can often be read all the same.
#[derive(Debug, Default)]
struct Stalled {
    reading: Option<String>,
    writing: Option<String>,
}

/// Describes why the parts wait, by an error of the record.
pub(crate) fn stall_sentence(error: &str) -> String {
    format!("Parts wait: {}. This goes on by itself.", without_advice(error))
}

/// Returns why an access failed, if it may succeed later.
fn stall<T>(result: &Result<T, LedgerError>) -> Option<String> {
    result.as_ref().err().filter(|error| error.is_passing()).map(|error| stall_sentence(&error.to_string()))
}

impl fmt::Debug for ClaimTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimTable").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Result of claiming a file.
pub(crate) enum ClaimOutcome {
    /// The file is to be inspected under this claim.
    Granted(Claim),
    /// It is being inspected.
    Claimed,
    /// It is on record.
    Recorded,
}

impl ClaimTable {
    pub(crate) fn new(ledger: impl Ledger + 'static) -> Self {
        Self { ledger: Mutex::new(Box::new(ledger)), state: Arc::default(), stalled: Mutex::default() }
    }

    /// Counts of the watch so far.
    pub fn counts(&self) -> WatchCounts {
        let state = self.state.lock();
        WatchCounts { waiting: state.counts.waiting + state.claimed.len() + state.returned.len(), ..state.counts }
    }

    /// Why the record cannot be used at the moment; `None` when the last access succeeded.
    pub fn stalled(&self) -> Option<String> {
        let stalled = self.stalled.lock();
        stalled.writing.clone().or_else(|| stalled.reading.clone())
    }

    /// Writes to the ledger, and remembers whether it can be written.
    fn write(&self, write: impl FnOnce(&mut dyn Ledger) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        let written = write(&mut **self.ledger.lock());
        self.stalled.lock().writing = stall(&written);
        written
    }

    /// Records an inspected file. It counts as inspected from then on; if it is dropped instead, it is inspected again.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written.
    pub fn record(&self, inspected: &InspectedFile) -> Result<(), LedgerError> {
        self.write(|ledger| ledger.record(inspected))?;
        // Released only after it is on record, so that it is claimed or recorded at any time.
        let mut state = self.state.lock();
        state.claimed.remove(&(inspected.path.clone(), inspected.hash));
        state.counts.recorded += 1;
        Ok(())
    }

    /// Records a file that cannot be inspected.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written.
    pub fn quarantine(&self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.write(|ledger| ledger.quarantine(path, hash, reason))?;
        let mut state = self.state.lock();
        if let Some(hash) = hash {
            state.claimed.remove(&(path.to_owned(), hash));
        }
        state.counts.quarantined += 1;
        Ok(())
    }

    pub(crate) fn claim(
        &self,
        path: &Path,
        hash: FileHash,
        fingerprint: &Fingerprint,
    ) -> Result<ClaimOutcome, LedgerError> {
        // Claimed before the ledger is asked: a file recorded meanwhile is released only after it is on record.
        if !self.state.lock().claimed.insert((path.to_owned(), hash)) {
            return Ok(ClaimOutcome::Claimed);
        }
        let claim =
            Claim { state: Arc::clone(&self.state), path: path.to_owned(), hash, fingerprint: fingerprint.clone() };
        let recorded = self.ledger.lock().is_recorded(path, hash);
        self.stalled.lock().reading = stall(&recorded);
        match recorded {
            Ok(false) => Ok(ClaimOutcome::Granted(claim)),
            Ok(true) => {
                claim.release();
                Ok(ClaimOutcome::Recorded)
            }
            Err(error) => {
                claim.release();
                Err(error)
            }
        }
    }

    /// Claims a file that nobody has claimed.
    #[cfg(test)]
    pub(crate) fn claim_for_test(&self, path: &Path, hash: FileHash, fingerprint: &Fingerprint) -> Claim {
        match self.claim(path, hash, fingerprint) {
            Ok(ClaimOutcome::Granted(claim)) => claim,
            _ => panic!("the file is claimed or on record"),
        }
    }

    /// Updates the counts.
    pub(crate) fn count(&self, change: impl FnOnce(&mut WatchCounts)) {
        change(&mut self.state.lock().counts);
    }

    /// Takes the files whose claims were dropped, with their fingerprints at the time of the claim.
    pub(crate) fn take_returned(&self) -> Vec<(PathBuf, Fingerprint)> {
        mem::take(&mut self.state.lock().returned)
    }

    /// Whether no file is claimed or returned.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.claimed.is_empty() && state.returned.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::intake::watch::MemoryLedger;

    #[test]
    fn a_file_is_in_one_pair_of_hands_at_a_time_and_comes_back_when_it_is_dropped() {
        let claims = Arc::new(ClaimTable::new(MemoryLedger::default()));
        let (path, hash) = (Path::new("/parts/a.png"), FileHash::of(b"a"));
        let fingerprint = Fingerprint { len: 7, ..Fingerprint::default() };
        let claim = |hash| claims.claim(path, hash, &fingerprint).unwrap();
        let ClaimOutcome::Granted(first) = claim(hash) else { panic!("it is nobody's") };
        assert!(matches!(claim(hash), ClaimOutcome::Claimed) && !claims.is_idle());
        // Other content under the same name is another part.
        let ClaimOutcome::Granted(other) = claim(FileHash::of(b"b")) else { panic!("it is nobody's") };
        assert_eq!(claims.counts().waiting, 2);
        other.release();
        drop(first);
        assert_eq!(claims.take_returned(), [(path.to_owned(), fingerprint.clone())]);
        assert!(claims.is_idle() && claims.take_returned().is_empty());
        let ClaimOutcome::Granted(second) = claim(hash) else { panic!("it came back") };
        claims.quarantine(path, Some(hash), "it is no part").unwrap();
        drop(second);
        assert!(claims.is_idle());
        assert!(matches!(claim(hash), ClaimOutcome::Recorded) && claims.is_idle());
        assert_eq!(claims.counts().quarantined, 1);
    }
}
