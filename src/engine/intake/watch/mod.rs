//! A watched folder: every image in it, and every one that arrives, is passed on once, when its file is complete.
//!
//! A thread scans the folder, then listens to the system's notifications. A file is ready when it has been unchanged for a
//! while *and* decodes; one that stays broken is quarantined with its reason. Waiting files stay on disk: only a few images
//! are read ahead. "Exactly once" rests on the record behind [`Ledger`]: after any interruption, a new watch finds the
//! files that are not on record.
//!
//! The folder is scanned again now and then, because the system may lose notifications. Where there are none (network
//! drives, too many subfolders) it is scanned every two seconds, instead of `notify`'s own polling, which holds the whole
//! tree in memory, compares times by the second and cannot be interrupted.

mod claim;
mod claims;
mod error;
mod fingerprint;
mod folder;
mod ledger;
mod options;
mod queue;
mod record;
mod watch_thread;

use std::{
    path,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

pub(crate) use claim::Claim;
pub use claim::{ReadyFile, WatchCounts};
pub use claims::ClaimTable;
pub(crate) use claims::stall_sentence;
use crossbeam_channel::{Receiver, bounded};
pub use error::WatchError;
pub use fingerprint::Fingerprint;
pub use ledger::{Ledger, LedgerEntry, LedgerError, MemoryLedger};
pub use options::{WatchNotice, WatchOptions};
pub use queue::Timing;
pub use record::RecordLedger;

use crate::{data::DataError, text::PrintablePath};

/// Images read ahead of the one being inspected.
const AHEAD: usize = 2;

/// Capacity of the queue of notices; further ones go to the log only.
const NOTICES: usize = 64;

/// A watched folder. Dropping it ends the watch; parts not yet recorded are inspected next time.
#[derive(Debug)]
pub struct Watch {
    folder: String,
    ready: Receiver<ReadyFile>,
    notices: Receiver<WatchNotice>,
    claims: Arc<ClaimTable>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Result<(), WatchError>>>,
}

impl Watch {
    /// Starts to watch the folder at `root`, except for the files on record in `ledger`.
    ///
    /// # Errors
    /// [`WatchError`] when there is no such folder or the thread cannot be started. A folder that is removed later is waited
    /// for.
    pub fn start(root: &Path, options: WatchOptions, ledger: impl Ledger + 'static) -> Result<Self, WatchError> {
        if !root.exists() {
            return Err(DataError::Missing(root.to_owned()).into());
        }
        if !root.is_dir() {
            return Err(DataError::NotAFolder(root.to_owned()).into());
        }
        // Paths in the record are absolute, wherever the program was started.
        let root = path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let folder = root.printable().to_string();
        let claims = Arc::new(ClaimTable::new(ledger));
        let stop = Arc::new(AtomicBool::new(false));
        let (ready_sender, ready) = bounded(AHEAD);
        let (notice_sender, notices) = bounded(NOTICES);
        let worker = watch_thread::WatchThread::new(
            root,
            options,
            Arc::clone(&claims),
            ready_sender,
            notice_sender,
            Arc::clone(&stop),
        );
        let thread = thread::Builder::new()
            .name("ganspect-watch".into())
            .spawn(move || worker.run())
            .map_err(|cause| WatchError::Thread { folder: folder.clone(), cause })?;
        Ok(Self { folder, ready, notices, claims, stop, thread: Some(thread) })
    }

    /// Files that are ready, roughly in the order in which they were written. The channel closes when the watch has ended.
    pub fn ready(&self) -> &Receiver<ReadyFile> {
        &self.ready
    }

    /// The next notice, if there is one.
    pub fn next_notice(&self) -> Option<WatchNotice> {
        self.notices.try_recv().ok()
    }

    /// The table of claims, where inspected files are recorded.
    pub fn claims(&self) -> &Arc<ClaimTable> {
        &self.claims
    }

    /// Ends the watch and waits for its thread: at most as long as it takes to decode an image.
    ///
    /// # Errors
    /// [`WatchError`] when the watch had failed before.
    pub fn stop(mut self) -> Result<WatchCounts, WatchError> {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Waits until a watch that ends by itself has ended.
    ///
    /// # Errors
    /// [`WatchError`] when it failed.
    pub fn join(&mut self) -> Result<WatchCounts, WatchError> {
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| WatchError::Interrupted(self.folder.clone()))??;
        }
        Ok(self.claims.counts())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Not waited for: the thread ends after the current image and holds only shared state.
        self.stop.store(true, Ordering::Relaxed);
    }
}
