//! Writes inspected files to the record on its own thread, so that the compute thread never waits for the disk.

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
    inspected::{InspectedFile, RefusedFile},
    watch::{ClaimTable, LedgerError},
};
use crate::review::{Record, record::Quarantined};

/// Capacity of the queue of jobs; each holds a part's maps.
const CAPACITY: usize = 4;

/// Interval for reading the quarantine while there is nothing to write.
const POLL: Duration = Duration::from_millis(250);

/// A file to be recorded.
pub(crate) enum RecordJob {
    Inspected(Box<InspectedFile>),
    Refused(Box<RefusedFile>),
}

/// Handle to the thread. Dropping it waits until all jobs are written.
pub(crate) struct Recorder {
    jobs: Option<Sender<RecordJob>>,
    quarantined: Arc<Mutex<Arc<Vec<Quarantined>>>>,
    thread: Option<JoinHandle<Result<(), LedgerError>>>,
}

impl Recorder {
    /// Starts the thread. It records through `claims` and reads the quarantined files of `folder` from `record`.
    pub(crate) fn start(claims: Arc<ClaimTable>, record: Record, folder: PathBuf) -> io::Result<Self> {
        let (jobs, inbox) = bounded(CAPACITY);
        let quarantined = Arc::new(Mutex::new(Arc::default()));
        let shown = Arc::clone(&quarantined);
        let thread = thread::Builder::new()
            .name("ganspect-file".into())
            .spawn(move || work(&inbox, &claims, &record, &folder, &shown))?;
        Ok(Self { jobs: Some(jobs), quarantined, thread: Some(thread) })
    }

    /// Queues a job; returns it when the queue is full. Once the thread has ended, the job and its claim are dropped.
    pub(crate) fn send(&self, job: RecordJob) -> Option<RecordJob> {
        match self.jobs.as_ref()?.try_send(job) {
            Err(TrySendError::Full(job)) => Some(job),
            Ok(()) | Err(TrySendError::Disconnected(_)) => None,
        }
    }

    /// Ends the thread once all jobs are written.
    pub(crate) fn end(&mut self) {
        self.jobs = None;
    }

    /// The thread's result, once it has ended.
    pub(crate) fn result(&mut self) -> Option<Result<(), LedgerError>> {
        let thread = self.thread.take_if(|thread| thread.is_finished())?;
        Some(thread.join().unwrap_or_else(|_| Err(LedgerError::new("the thread that writes the record stopped"))))
    }

    /// The folder's quarantined files, the latest first.
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
    inbox: &Receiver<RecordJob>,
    claims: &ClaimTable,
    record: &Record,
    folder: &Path,
    shown: &Mutex<Arc<Vec<Quarantined>>>,
) -> Result<(), LedgerError> {
    let mut seen = None;
    loop {
        let count = claims.counts().quarantined;
        if seen != Some(count) {
            let mut all = record.quarantined().map_err(LedgerError::new)?;
            all.retain(|file| file.path.starts_with(folder));
            *shown.lock() = Arc::new(all);
            seen = Some(count);
        }
        match inbox.recv_timeout(POLL) {
            Ok(RecordJob::Inspected(inspected)) => claims.record(&inspected)?,
            Ok(RecordJob::Refused(refused)) => claims.quarantine(&refused.path, Some(refused.hash), &refused.reason)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}
