//! Files what was found, on a thread of its own: a write waits for the disk, and the compute thread does not.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use parking_lot::Mutex;

use super::{
    stream::{InspectedFile, RefusedFile},
    watch::{ClaimTable, LedgerError},
};
use crate::review::{Record, record::Quarantined};

/// Findings that may wait to be filed; each holds a part's maps.
const SHEETS: usize = 4;

/// How often the quarantine is looked at while nothing is to be filed.
const LOOK: Duration = Duration::from_millis(250);

/// What came of a part.
pub(crate) enum RecordJob {
    Found(Box<InspectedFile>),
    Refused(Box<RefusedFile>),
}

/// The thread and the way to it. Dropped, it files what it was given and is waited for.
pub(crate) struct Recorder {
    give: Option<Sender<RecordJob>>,
    quarantined: Arc<Mutex<Arc<Vec<Quarantined>>>>,
    thread: Option<JoinHandle<Result<(), LedgerError>>>,
}

impl Recorder {
    /// Begins to file at `desk`; `record` is where it reads what is in quarantine of `folder`.
    pub(crate) fn start(desk: Arc<ClaimTable>, record: Record, folder: PathBuf) -> io::Result<Self> {
        let (give, take) = bounded(SHEETS);
        let quarantined = Arc::new(Mutex::new(Arc::default()));
        let shown = Arc::clone(&quarantined);
        let thread = thread::Builder::new()
            .name("ganspect-file".into())
            .spawn(move || work(&take, &desk, &record, &folder, &shown))?;
        Ok(Self { give: Some(give), quarantined, thread: Some(thread) })
    }

    /// Hands over what came of a part; it comes back when there is no room for it. Once the thread has ended it is let go,
    /// and with it the right to the part.
    pub(crate) fn give(&self, sheet: RecordJob) -> Option<RecordJob> {
        match self.give.as_ref()?.try_send(sheet) {
            Err(TrySendError::Full(sheet)) => Some(sheet),
            Ok(()) | Err(TrySendError::Disconnected(_)) => None,
        }
    }

    /// No more is to come.
    pub(crate) fn end(&mut self) {
        self.give = None;
    }

    /// What came of it, once the thread has ended.
    pub(crate) fn ended(&mut self) -> Option<Result<(), LedgerError>> {
        let thread = self.thread.take_if(|thread| thread.is_finished())?;
        Some(thread.join().unwrap_or_else(|_| Err(LedgerError::new("filing broke off"))))
    }

    /// What is in quarantine of the folder, the latest first.
    pub(crate) fn quarantined(&self) -> Arc<Vec<Quarantined>> {
        Arc::clone(&self.quarantined.lock())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(
    take: &Receiver<RecordJob>,
    desk: &ClaimTable,
    record: &Record,
    folder: &Path,
    shown: &Mutex<Arc<Vec<Quarantined>>>,
) -> Result<(), LedgerError> {
    let mut seen = None;
    loop {
        let count = desk.counts().quarantined;
        if seen != Some(count) {
            let mut all = record.quarantined().map_err(LedgerError::new)?;
            all.retain(|file| file.path.starts_with(folder));
            *shown.lock() = Arc::new(all);
            seen = Some(count);
        }
        match take.recv_timeout(LOOK) {
            Ok(RecordJob::Found(finding)) => desk.file(&finding)?,
            Ok(RecordJob::Refused(refused)) => desk.quarantine(&refused.path, Some(refused.hash), &refused.reason)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}
