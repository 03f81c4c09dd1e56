//! Writes inspected files to the record on its own thread, so that the compute thread never waits for the disk.
//!
//! A [`Recorder`] takes jobs. [`Recorder::end`] turns it into a [`FilingEnd`], which takes none and is over once its thread is:
//! an end that was asked for is never waited for twice.

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
    retry::RetryTiming,
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

impl RecordJob {
    /// Writes the file to the record. A part that the record rejects is quarantined.
    fn write(&self, claims: &ClaimTable) -> Result<(), LedgerError> {
        match self {
            Self::Inspected(inspected) => match claims.record(inspected) {
                Err(error) if error.is_of_entry() => {
                    claims.quarantine(&inspected.path, Some(inspected.hash), &error.to_string())
                }
                written => written,
            },
            Self::Refused(refused) => claims.quarantine(&refused.path, Some(refused.hash), &refused.reason),
        }
    }
}

/// Writes a job. While the record is locked or its disk is full, tries again after each `pause`, which returns whether to go
/// on; after the last one it tries once more. Returns whether the job was written: otherwise its file is inspected again.
///
/// # Errors
/// [`LedgerError`] that does not pass by itself.
pub(crate) fn file(
    claims: &ClaimTable,
    job: &RecordJob,
    timing: RetryTiming,
    mut pause: impl FnMut(Duration) -> bool,
) -> Result<bool, LedgerError> {
    let (mut pauses, mut goes_on) = (timing.pauses(), true);
    loop {
        match job.write(claims) {
            Ok(()) => return Ok(true),
            Err(error) if !error.is_passing() => return Err(error),
            Err(_) if !goes_on => return Ok(false),
            Err(_) => goes_on = pause(pauses.next()),
        }
    }
}

/// Result of the thread.
#[derive(Debug, Default)]
pub(crate) struct Filed {
    /// Jobs that could not be written before the end; their files are inspected again.
    pub left: usize,
    /// Why the record cannot be used any more.
    pub error: Option<LedgerError>,
}

/// Handle to the running thread. Dropping it waits until all jobs are written or, where the record cannot be written, left.
pub(crate) struct Recorder {
    jobs: Sender<RecordJob>,
    thread: FilingThread,
}

impl Recorder {
    /// Starts the thread. It records through `claims` and reads the quarantined files of `folder` from `record`.
    pub(crate) fn start(
        claims: Arc<ClaimTable>,
        record: Record,
        folder: PathBuf,
        timing: RetryTiming,
    ) -> io::Result<Self> {
        let (jobs, inbox) = bounded(CAPACITY);
        let (stop, stopped) = bounded(0);
        let quarantined = Arc::new(Mutex::new(Arc::default()));
        let shown = Arc::clone(&quarantined);
        let worker = FilingWorker { inbox, stopped, claims, record, folder, timing, shown };
        let handle = thread::Builder::new().name("ganspect-file".into()).spawn(move || worker.run())?;
        Ok(Self { jobs, thread: FilingThread { stop: Some(stop), handle: Some(handle), quarantined } })
    }

    /// Queues a job; returns it when the queue is full or the thread has ended.
    pub(crate) fn send(&self, job: RecordJob) -> Option<RecordJob> {
        match self.jobs.try_send(job) {
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Some(job),
            Ok(()) => None,
        }
    }

    /// Whether the thread has ended, which it does by itself only if the record cannot be used any more.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// The folder's quarantined files, the latest first.
    pub(crate) fn quarantined(&self) -> Arc<Vec<Quarantined>> {
        Arc::clone(&self.thread.quarantined.lock())
    }

    /// Ends the thread after one attempt to write each queued job and the `held` one.
    pub(crate) fn end(self, held: Option<RecordJob>) -> FilingEnd {
        let Self { jobs, mut thread } = self;
        thread.stop = None;
        FilingEnd { jobs: held.map(|job| (jobs, job)), thread }
    }
}

/// A thread that writes its last jobs.
pub(crate) struct FilingEnd {
    /// The queue and the job for which it had no room; `None` once the queue is closed.
    jobs: Option<(Sender<RecordJob>, RecordJob)>,
    thread: FilingThread,
}

impl FilingEnd {
    /// Returns the result once the thread has ended, and the end itself before.
    pub(crate) fn poll(mut self) -> Result<Filed, Self> {
        let mut left = 0;
        if let Some((jobs, job)) = self.jobs.take() {
            match jobs.try_send(job) {
                Err(TrySendError::Full(job)) => self.jobs = Some((jobs, job)),
                Err(TrySendError::Disconnected(_)) => left = 1,
                Ok(()) => {}
            }
        }
        if !self.thread.handle.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(self);
        }
        let mut filed = self.thread.join();
        // A job that the thread had no time to take is dropped with its claim.
        filed.left += left + usize::from(self.jobs.is_some());
        Ok(filed)
    }

    /// The folder's quarantined files, the latest first.
    pub(crate) fn quarantined(&self) -> Arc<Vec<Quarantined>> {
        Arc::clone(&self.thread.quarantined.lock())
    }
}

/// The thread, which ends soon after `stop` is dropped and the queue closed.
struct FilingThread {
    stop: Option<Sender<()>>,
    handle: Option<JoinHandle<Filed>>,
    quarantined: Arc<Mutex<Arc<Vec<Quarantined>>>>,
}

impl FilingThread {
    fn join(&mut self) -> Filed {
        self.stop = None;
        let interrupted = || LedgerError::new("the thread that writes the record stopped");
        let joined = self.handle.take().map(JoinHandle::join);
        match joined {
            Some(Ok(filed)) => filed,
            Some(Err(_)) => Filed { left: 0, error: Some(interrupted()) },
            None => Filed::default(),
        }
    }
}

impl Drop for FilingThread {
    fn drop(&mut self) {
        self.join();
    }
}

struct FilingWorker {
    inbox: Receiver<RecordJob>,
    /// Disconnected when the end is asked for.
    stopped: Receiver<()>,
    claims: Arc<ClaimTable>,
    record: Record,
    folder: PathBuf,
    timing: RetryTiming,
    shown: Arc<Mutex<Arc<Vec<Quarantined>>>>,
}

impl FilingWorker {
    fn run(self) -> Filed {
        let (mut left, mut seen) = (0, None);
        loop {
            self.read_quarantine(&mut seen);
            let job = match self.inbox.recv_timeout(POLL) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Filed { left, error: None },
            };
            let pause = |pause| self.stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout);
            match file(&self.claims, &job, self.timing, pause) {
                Ok(true) => {}
                Ok(false) => left += 1,
                Err(error) => return Filed { left: left + 1 + self.inbox.len(), error: Some(error) },
            }
        }
    }

    /// Reads the quarantined files where their number has changed.
    fn read_quarantine(&self, seen: &mut Option<usize>) {
        let count = self.claims.counts().quarantined;
        if *seen == Some(count) {
            return;
        }
        // A record that cannot be read now is read at the next turn; one that cannot be used is noticed by the next job.
        if let Ok(mut all) = self.record.quarantined() {
            all.retain(|file| file.path.starts_with(Path::new(&self.folder)));
            *self.shown.lock() = Arc::new(all);
            *seen = Some(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::{
        data::FileHash,
        engine::intake::watch::{Fingerprint, Ledger, RecordLedger},
        review::RecordError,
    };

    /// A ledger that cannot be written for some seconds of an injected clock.
    struct Locked {
        clock: Arc<AtomicU64>,
        free_at: u64,
        error: fn() -> LedgerError,
        written: Arc<Mutex<Vec<PathBuf>>>,
    }

    impl Ledger for Locked {
        fn is_recorded(&self, _: &Path, _: FileHash) -> Result<bool, LedgerError> {
            Ok(false)
        }

        fn record(&mut self, _: &InspectedFile) -> Result<(), LedgerError> {
            Ok(())
        }

        fn quarantine(&mut self, path: &Path, _: Option<FileHash>, _: &str) -> Result<(), LedgerError> {
            if self.clock.load(Ordering::Relaxed) < self.free_at {
                return Err((self.error)());
            }
            self.written.lock().push(path.to_owned());
            Ok(())
        }
    }

    fn busy() -> LedgerError {
        RecordError::Busy("/parts/review.sqlite".into()).into()
    }

    fn full() -> LedgerError {
        RecordError::DiskFull("/parts/review.sqlite".into()).into()
    }

    fn job(claims: &ClaimTable, name: &str) -> RecordJob {
        let (path, hash) = (PathBuf::from(name), FileHash::of(name.as_bytes()));
        let claim = claims.claim_for_test(&path, hash, &Fingerprint::default());
        RecordJob::Refused(Box::new(RefusedFile { path, hash, reason: "it is damaged".into(), _claim: claim }))
    }

    const SECOND: u64 = 1_000;

    #[test]
    fn a_job_is_written_as_soon_as_the_record_can_be_written_again() {
        for error in [busy as fn() -> LedgerError, full] {
            for seconds in [1, 15, 60, 3_600] {
                let (clock, written) = (Arc::new(AtomicU64::new(0)), Arc::default());
                let ledger = Locked {
                    clock: Arc::clone(&clock),
                    free_at: seconds * SECOND,
                    error,
                    written: Arc::clone(&written),
                };
                let claims = ClaimTable::new(ledger);
                let job = job(&claims, "a");
                let mut said = Vec::new();
                let filed = file(&claims, &job, RetryTiming::default(), |pause| {
                    said.push(claims.stalled());
                    clock.fetch_add(pause.as_millis() as u64, Ordering::Relaxed);
                    true
                });
                assert!(filed.unwrap());
                assert_eq!(*written.lock(), [PathBuf::from("a")]);
                let late = clock.load(Ordering::Relaxed) - seconds * SECOND;
                assert!(late <= 5 * SECOND, "{late} ms after the record was free");
                // One sentence for the whole wait, and none after it.
                said.dedup();
                let [Some(text)] = said.as_slice() else { panic!("{said:?}") };
                assert!(text.starts_with("Parts wait: cannot write the record /parts/review.sqlite: "), "{text}");
                assert_eq!(claims.stalled(), None);
            }
        }
    }

    #[test]
    fn an_end_during_a_wait_writes_what_can_be_written_and_leaves_the_rest() {
        for freed in [false, true] {
            let (clock, written) = (Arc::new(AtomicU64::new(0)), Arc::default());
            let ledger = Locked { clock: Arc::clone(&clock), free_at: 1, error: busy, written: Arc::clone(&written) };
            let claims = Arc::new(ClaimTable::new(ledger));
            let timing = RetryTiming { first: Duration::from_secs(3_600), ..RetryTiming::default() };
            let recorder =
                Recorder::start(Arc::clone(&claims), Record::in_memory().unwrap(), "/".into(), timing).unwrap();
            let mut names: Vec<String> = (0..CAPACITY + 1).map(|i| i.to_string()).collect();
            for name in &names {
                assert!(recorder.send(job(&claims, name)).is_none());
                // The first is taken, and waits; the others fill the queue.
                while claims.stalled().is_none() {
                    thread::yield_now();
                }
            }
            let held = recorder.send(job(&claims, "held"));
            assert!(held.is_some() && !recorder.is_over());
            names.push("held".into());
            clock.store(u64::from(freed), Ordering::Relaxed);
            let mut end = recorder.end(held);
            let filed = loop {
                match end.poll() {
                    Ok(filed) => break filed,
                    Err(again) => end = again,
                }
                thread::yield_now();
            };
            assert!(filed.error.is_none());
            let done = written.lock().len();
            assert_eq!((done, filed.left), if freed { (names.len(), 0) } else { (0, names.len()) });
            // Each part that was left is back at the watch, and no claim is lost.
            assert_eq!(claims.take_returned().len(), filed.left);
            assert!(claims.is_idle());
        }
    }

    #[test]
    fn a_record_that_cannot_be_used_ends_the_thread_once() {
        let ledger = Locked {
            clock: Arc::default(),
            free_at: u64::MAX,
            error: || RecordError::Foreign("/parts/review.sqlite".into()).into(),
            written: Arc::default(),
        };
        let claims = Arc::new(ClaimTable::new(ledger));
        let record = Record::in_memory().unwrap();
        let recorder = Recorder::start(Arc::clone(&claims), record, "/".into(), RetryTiming::default()).unwrap();
        assert!(recorder.send(job(&claims, "a")).is_none());
        while !recorder.is_over() {
            thread::yield_now();
        }
        // Jobs come back, and the end is over at the first look.
        let held = recorder.send(job(&claims, "b"));
        assert!(held.is_some());
        let Ok(filed) = recorder.end(held).poll() else { panic!("the thread has ended") };
        assert_eq!(filed.left, 2);
        assert!(filed.error.is_some_and(|error| error.to_string().contains("another program")));
    }

    #[test]
    fn a_part_that_the_record_rejects_stops_nothing() {
        let error = LedgerError::from(RecordError::NoPixels("/parts/a.png".into()));
        assert!(error.is_of_entry() && !error.is_passing());
        let error = LedgerError::from(RecordError::ReadOnly("/parts/review.sqlite".into()));
        assert!(error.is_passing());
    }

    #[test]
    fn a_real_lock_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("review.sqlite");
        let timing = RetryTiming {
            busy: Duration::from_millis(1),
            first: Duration::from_millis(1),
            longest: Duration::from_millis(2),
        };
        let open = || Record::open_within(&path, timing.busy).unwrap();
        let claims = Arc::new(ClaimTable::new(RecordLedger::once(open())));
        let recorder = Recorder::start(Arc::clone(&claims), open(), "/".into(), timing).unwrap();
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(recorder.send(job(&claims, "/a")).is_none());
        while claims.stalled().is_none() {
            thread::yield_now();
        }
        // Another program can read the record meanwhile, and this one takes further parts.
        assert!(recorder.send(job(&claims, "/b")).is_none());
        assert_eq!(open().quarantined().unwrap().len(), 0);
        other.execute_batch("COMMIT").unwrap();
        while open().quarantined().unwrap().len() < 2 {
            thread::yield_now();
        }
        while claims.stalled().is_some() {
            thread::yield_now();
        }
    }
}
