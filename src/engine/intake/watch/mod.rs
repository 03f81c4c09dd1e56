//! A watched folder: every image in it, and every one that comes, is handed out once, when it is written whole.
//!
//! A named thread looks through the folder and then hears from the system what changes. A file is ready when it was
//! left alone for a while *and* decodes; one that stays broken is put in quarantine with its reason. What is found waits
//! in the folder and not in memory: only a few pictures are read ahead, and the thread waits until they are taken.
//! Exactly once is a matter of the record behind [`Ledger`]: after an end of any kind, a new watch finds what is not on
//! record and goes on.
//!
//! The folder is looked through again now and then, because the system may lose events; where it hears nothing at all
//! (network drives, too many watched folders) that is done every two seconds and stands in for `notify`'s own polling,
//! which holds the whole tree in memory, tells times by the second and cannot be interrupted.

mod claims;
mod fingerprint;
mod folder;
mod ledger;
mod queue;
mod record;
mod watch_thread;

use std::{
    io, path,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

pub(crate) use claims::Claim;
pub use claims::{ClaimTable, ReadyFile, WatchCounts};
use crossbeam_channel::{Receiver, bounded};
pub use fingerprint::Fingerprint;
pub use ledger::{Ledger, LedgerEntry, LedgerError, MemoryLedger};
pub use queue::Timing;
pub use record::RecordLedger;

use crate::{data::DataError, engine::Severity};

/// Pictures that are read ahead of the one that is inspected.
const AHEAD: usize = 2;

/// Sentences that may wait to be fetched; further ones go to the log alone.
const NEWS: usize = 64;

/// How a folder is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// Folders within it too, those that come later included.
    pub recursive: bool,
    /// How long files are waited for.
    pub timing: Timing,
    /// End when everything that lies there is on record.
    pub once: bool,
}

/// A sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchNotice {
    /// How serious.
    pub severity: Severity,
    /// What happened, to which file or folder, and what to do.
    pub text: String,
}

/// Why a folder is not watched, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no such folder.
    #[error(transparent)]
    Folder(#[from] DataError),
    /// No thread.
    #[error("the system has no thread to watch {folder} with: {cause}; close other programs and try again")]
    Thread {
        /// The folder.
        folder: String,
        /// What the system says.
        cause: io::Error,
    },
    /// Without a record nothing can be handed out only once.
    #[error("the folder is not watched any more, because the record failed: {0}")]
    Ledger(#[from] LedgerError),
    /// The thread broke down.
    #[error("watching {0} broke off; begin again: nothing that is on record is inspected twice")]
    BrokeOff(String),
}

/// A watched folder. Dropping it ends the watch; what is in hand is not filed and comes up again the next time.
#[derive(Debug)]
pub struct Watch {
    folder: String,
    ready: Receiver<ReadyFile>,
    news: Receiver<WatchNotice>,
    desk: Arc<ClaimTable>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<Result<(), WatchError>>>,
}

impl Watch {
    /// Begins to watch the folder at `root`, with what is on record in `ledger`.
    ///
    /// # Errors
    /// [`WatchError`] when there is no such folder, or no thread. A folder that vanishes later is waited for.
    pub fn start(root: &Path, options: WatchOptions, ledger: impl Ledger + 'static) -> Result<Self, WatchError> {
        if !root.exists() {
            return Err(DataError::Missing(root.to_owned()).into());
        }
        if !root.is_dir() {
            return Err(DataError::NotAFolder(root.to_owned()).into());
        }
        // On record a file has one name, wherever the program was started.
        let root = path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let folder = root.display().to_string();
        let desk = Arc::new(ClaimTable::new(ledger));
        let stop = Arc::new(AtomicBool::new(false));
        let (hand_out, ready) = bounded(AHEAD);
        let (say, news) = bounded(NEWS);
        let keeper = watch_thread::WatchThread::new(root, options, Arc::clone(&desk), hand_out, say, Arc::clone(&stop));
        let thread = thread::Builder::new()
            .name("ganspect-watch".into())
            .spawn(move || keeper.run())
            .map_err(|cause| WatchError::Thread { folder: folder.clone(), cause })?;
        Ok(Self { folder, ready, news, desk, stop, thread: Some(thread) })
    }

    /// Files that are ready, in the order that they were written as far as that is known. The channel closes when the
    /// watch has ended.
    pub fn ready(&self) -> &Receiver<ReadyFile> {
        &self.ready
    }

    /// The next sentence, if there is one.
    pub fn next_news(&self) -> Option<WatchNotice> {
        self.news.try_recv().ok()
    }

    /// Where findings are filed, and how the watch has fared.
    pub fn desk(&self) -> &Arc<ClaimTable> {
        &self.desk
    }

    /// Ends the watch and waits until its thread is gone: as long as it takes to decode a picture at most.
    ///
    /// # Errors
    /// [`WatchError`] when the watch had ended before because something failed.
    pub fn stop(mut self) -> Result<WatchCounts, WatchError> {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Waits until a watch that ends by itself has ended.
    ///
    /// # Errors
    /// [`WatchError`] when it ended because something failed.
    pub fn join(&mut self) -> Result<WatchCounts, WatchError> {
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| WatchError::BrokeOff(self.folder.clone()))??;
        }
        Ok(self.desk.counts())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Not waited for: the thread ends after the picture in hand, and holds nothing but what is shared.
        self.stop.store(true, Ordering::Relaxed);
    }
}
