//! Between the folder and the record: who has which file in hand, so that none is inspected twice at a time.

use std::{
    collections::HashSet,
    fmt, mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Fingerprint, Ledger, LedgerError};
use crate::{
    data::{FileHash, Picture},
    engine::intake::stream::InspectedFile,
};

/// How a watch has fared since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchCounts {
    /// Parts filed.
    pub filed: usize,
    /// Times that a file was found to be on record already.
    pub known: usize,
    /// Files put in quarantine.
    pub quarantined: usize,
    /// Files that were deleted or renamed before they were inspected.
    pub gone: usize,
    /// Files that have been found and not been inspected yet; there may be more while `listed` is false.
    pub waiting: usize,
    /// Whether the whole folder has been looked through.
    pub listed: bool,
}

impl WatchCounts {
    /// Lists the files that were not filed, to be appended to a count: ", 2 in quarantine, 1 already on record". Empty if
    /// there are none.
    pub fn remarks(&self) -> String {
        let counts = [
            (self.quarantined, "in quarantine"),
            (self.known, "already on record"),
            (self.gone, "deleted before inspection"),
        ];
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}")).collect()
    }
}

#[derive(Debug, Default)]
struct State {
    /// Handed out, and neither filed nor given back.
    in_hand: HashSet<(PathBuf, FileHash)>,
    /// Given back without having been filed: to be looked at again.
    returned: Vec<(PathBuf, Fingerprint)>,
    counts: WatchCounts,
}

/// Where files are handed out, and what came of them is filed. Shared by the thread that watches and whoever inspects.
pub struct ClaimTable {
    ledger: Mutex<Box<dyn Ledger>>,
    state: Mutex<State>,
}

impl fmt::Debug for ClaimTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("state", &self.state).finish_non_exhaustive()
    }
}

/// What becomes of a file whose content is known by its hash.
pub(crate) enum ClaimOutcome {
    /// It is to be inspected, by whoever holds this.
    Yours(Claim),
    /// It is being inspected.
    InHand,
    /// It is on record.
    Filed,
}

impl ClaimTable {
    pub(crate) fn new(ledger: impl Ledger + 'static) -> Self {
        Self { ledger: Mutex::new(Box::new(ledger)), state: Mutex::default() }
    }

    /// How the watch has fared so far.
    pub fn counts(&self) -> WatchCounts {
        let state = self.state.lock();
        WatchCounts { waiting: state.counts.waiting + state.in_hand.len() + state.returned.len(), ..state.counts }
    }

    /// Files what came of a part. Only then does it count as inspected: a part that is dropped instead is inspected
    /// again.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written.
    pub fn file(&self, finding: &InspectedFile) -> Result<(), LedgerError> {
        self.ledger.lock().file(finding)?;
        // Given free only now that it is on record: whoever asks in between is told one or the other.
        let mut state = self.state.lock();
        state.in_hand.remove(&(finding.path.clone(), finding.hash));
        state.counts.filed += 1;
        Ok(())
    }

    /// Notes a file that cannot be inspected.
    ///
    /// # Errors
    /// [`LedgerError`] where the record cannot be written.
    pub fn quarantine(&self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.ledger.lock().quarantine(path, hash, reason)?;
        let mut state = self.state.lock();
        if let Some(hash) = hash {
            state.in_hand.remove(&(path.to_owned(), hash));
        }
        state.counts.quarantined += 1;
        Ok(())
    }

    pub(crate) fn claim(
        self: &Arc<Self>,
        path: &Path,
        hash: FileHash,
        stamp: &Fingerprint,
    ) -> Result<ClaimOutcome, LedgerError> {
        // First this and then the record: what is filed meanwhile leaves the hands only after it is on record.
        if !self.state.lock().in_hand.insert((path.to_owned(), hash)) {
            return Ok(ClaimOutcome::InHand);
        }
        let claim = Claim { desk: Arc::clone(self), path: path.to_owned(), hash, stamp: stamp.clone() };
        match self.ledger.lock().is_filed(path, hash) {
            Ok(false) => Ok(ClaimOutcome::Yours(claim)),
            Ok(true) => {
                claim.release();
                Ok(ClaimOutcome::Filed)
            }
            Err(error) => {
                claim.release();
                Err(error)
            }
        }
    }

    /// Changes the counts.
    pub(crate) fn count(&self, change: impl FnOnce(&mut WatchCounts)) {
        change(&mut self.state.lock().counts);
    }

    /// Files that were given back, and how they looked when they were handed out.
    pub(crate) fn take_returned(&self) -> Vec<(PathBuf, Fingerprint)> {
        mem::take(&mut self.state.lock().returned)
    }

    /// Whether nobody has a file in hand, or has given one back.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.in_hand.is_empty() && state.returned.is_empty()
    }
}

/// The right to inspect one file. Dropped before the file is on record, it gives the file back.
#[derive(Debug)]
pub(crate) struct Claim {
    desk: Arc<ClaimTable>,
    path: PathBuf,
    hash: FileHash,
    stamp: Fingerprint,
}

impl Claim {
    /// Lets go of a file that needs no second look.
    pub(crate) fn release(self) {
        self.desk.state.lock().in_hand.remove(&(self.path.clone(), self.hash));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.desk.state.lock();
        let key = (mem::take(&mut self.path), self.hash);
        if state.in_hand.remove(&key) {
            state.returned.push((key.0, mem::take(&mut self.stamp)));
        }
    }
}

/// A file that is written whole and not on record, decoded. Dropped instead of inspected, it is looked at again.
#[derive(Debug)]
pub struct ReadyFile {
    /// The file.
    pub path: PathBuf,
    /// Hash of its content.
    pub hash: FileHash,
    /// How it looked when it was read.
    pub stamp: Fingerprint,
    /// Its content.
    pub picture: Picture,
    pub(crate) claim: Claim,
}

impl ReadyFile {
    /// Whether the file is still there as it was read.
    pub fn is_current(&self) -> bool {
        Fingerprint::of(&self.path).as_ref() == Some(&self.stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::intake::watch::MemoryLedger;

    #[test]
    fn a_file_is_in_one_pair_of_hands_at_a_time_and_comes_back_when_it_is_dropped() {
        let desk = Arc::new(ClaimTable::new(MemoryLedger::default()));
        let (path, hash) = (Path::new("/parts/a.png"), FileHash::of(b"a"));
        let stamp = Fingerprint { len: 7, ..Fingerprint::default() };
        let claim = |hash| desk.claim(path, hash, &stamp).unwrap();
        let ClaimOutcome::Yours(first) = claim(hash) else { panic!("it is nobody's") };
        assert!(matches!(claim(hash), ClaimOutcome::InHand) && !desk.is_idle());
        // Other content under the same name is another part.
        let ClaimOutcome::Yours(other) = claim(FileHash::of(b"b")) else { panic!("it is nobody's") };
        assert_eq!(desk.counts().waiting, 2);
        other.release();
        drop(first);
        assert_eq!(desk.take_returned(), [(path.to_owned(), stamp.clone())]);
        assert!(desk.is_idle() && desk.take_returned().is_empty());
        let ClaimOutcome::Yours(second) = claim(hash) else { panic!("it came back") };
        desk.quarantine(path, Some(hash), "it is no part").unwrap();
        drop(second);
        assert!(desk.is_idle());
        assert!(matches!(claim(hash), ClaimOutcome::Filed) && desk.is_idle());
        assert_eq!(desk.counts().quarantined, 1);
    }
}
