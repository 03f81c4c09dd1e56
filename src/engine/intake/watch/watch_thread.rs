//! The thread of a watch: scans the folder, listens for changes, reads complete files and passes them on.

use std::{
    collections::HashSet,
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use notify::RecommendedWatcher;

use super::{
    claim::ReadyFile,
    claims::{ClaimOutcome, ClaimTable},
    error::WatchError,
    fingerprint::Fingerprint,
    folder::{FolderEvent, FolderScan, Gaps, Identity, listen, remote_kind},
    options::{WatchNotice, WatchOptions},
    queue::{FileStatus, PendingFiles},
};
use crate::{
    data::{
        FileFault, FileHash, Unwritten,
        decode::{Header, decode_unless},
        memory_budget::MemoryBudget,
    },
    engine::{
        event::Severity,
        intake::retry::{Pauses, RetryTiming},
    },
    text::PrintablePath,
};

/// Most pending files; further ones are found by a later scan.
const PENDING: usize = 4_096;

/// Capacity of the queue of events; when it overflows, the folder is scanned instead.
const EVENTS: usize = 1_024;

/// Files that stay with zero bytes at their end until others like them are not waited for.
const USUAL: usize = 3;

/// Files listed per step of a scan.
const LISTED: usize = 256;

/// Longest sleep of the thread, within which it notices a stop.
const TICK: Duration = Duration::from_millis(50);

/// Interval for checking that the folder exists.
const CHECK: Duration = Duration::from_millis(500);

/// Intervals of scans with and without notifications of changes.
const RESCAN_WATCHED: Duration = Duration::from_secs(30);
const RESCAN_UNWATCHED: Duration = Duration::from_secs(2);

/// Delay of the scan for a new subfolder: by then, its changes are notified.
const SOON: Duration = Duration::from_millis(250);

pub(crate) struct WatchThread {
    root: PathBuf,
    options: WatchOptions,
    claims: Arc<ClaimTable>,
    ready_sender: Sender<ReadyFile>,
    notices: Sender<WatchNotice>,
    stop: Arc<AtomicBool>,
    event_sender: Sender<FolderEvent>,
    events: Receiver<FolderEvent>,
    gaps: Arc<Gaps>,
    /// Notifies of changes; `None` where the system cannot.
    watcher: Option<RecommendedWatcher>,
    /// The folder's identity; `None` while it does not exist.
    folder: Option<Identity>,
    checked: Option<Instant>,
    scan: Option<FolderScan>,
    /// Whether a scan has been completed.
    scanned: bool,
    /// When the folder is scanned again.
    next_scan: Instant,
    pending: PendingFiles,
    /// Keys of files that need not be read again: 16 bytes each.
    known_keys: HashSet<[u8; 16]>,
    /// Those of them found by the current scan; the others are forgotten at its end.
    seen: HashSet<[u8; 16]>,
    /// Ready, and not taken over yet.
    held: Option<ReadyFile>,
    /// Until when no file is read, because the record cannot be used.
    paused: Option<Instant>,
    pauses: Pauses,
    /// Memory of the images that wait for their inspection.
    budget: MemoryBudget,
    /// A file for which there was no room, and the bytes that it takes.
    deferred: Option<(PathBuf, u64)>,
    /// Number of files that stayed with zero bytes at their end, and the largest share of them.
    empty_ends: (usize, u8),
}

impl WatchThread {
    pub(crate) fn new(
        root: PathBuf,
        options: WatchOptions,
        claims: Arc<ClaimTable>,
        ready_sender: Sender<ReadyFile>,
        notices: Sender<WatchNotice>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let (event_sender, events) = bounded(EVENTS);
        Self {
            root,
            claims,
            ready_sender,
            notices,
            stop,
            event_sender,
            events,
            gaps: Arc::default(),
            watcher: None,
            folder: None,
            checked: None,
            scan: None,
            scanned: false,
            next_scan: Instant::now(),
            pending: PendingFiles::new(options.timing, PENDING),
            known_keys: HashSet::new(),
            seen: HashSet::new(),
            held: None,
            paused: None,
            pauses: RetryTiming::default().pauses(),
            budget: MemoryBudget::new(MemoryBudget::READ_AHEAD),
            deferred: None,
            empty_ends: (0, 0),
            options,
        }
    }

    pub(crate) fn run(mut self) -> Result<(), WatchError> {
        while !self.is_stopped() {
            self.check_folder();
            if self.gaps.unwatched.swap(false, Ordering::Relaxed) {
                self.watcher = None;
                self.notify_unwatched("it has more subfolders than the system can watch");
            }
            while let Ok(event) = self.events.try_recv() {
                self.on_event(event);
            }
            self.requeue_returned();
            if self.folder.is_some() {
                self.continue_scan()?;
                self.examine_due();
                self.read_one()?;
            }
            self.claims.count(|counts| {
                (counts.waiting, counts.listed) = (self.pending.len(), self.scanned && self.scan.is_none());
            });
            if self.options.once && self.is_done() {
                break;
            }
            if !self.offer_or_wait() {
                break;
            }
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn notify(&self, severity: Severity, text: String) {
        tracing::info!("{text}");
        // Notices may be dropped.
        let _ = self.notices.try_send(WatchNotice { severity, text });
    }

    /// Whether all files are on record, or the folder does not exist any more.
    fn is_done(&self) -> bool {
        let idle = self.pending.is_empty() && self.held.is_none() && self.claims.is_idle() && self.events.is_empty();
        let all = self.scanned && self.scan.is_none() && !self.gaps.missed.load(Ordering::Relaxed);
        idle && (all || self.folder.is_none())
    }

    /// Checks that the folder exists and is still the same one.
    fn check_folder(&mut self) {
        if self.checked.is_some_and(|at| at.elapsed() < CHECK) {
            return;
        }
        let first = self.checked.is_none();
        self.checked = Some(Instant::now());
        let found = Identity::of(&self.root);
        if found == self.folder {
            return;
        }
        let (before, name) = (mem::replace(&mut self.folder, found), self.root.printable());
        self.watcher = None;
        self.scan = None;
        self.pending.clear();
        if found.is_none() {
            self.notify(Severity::Warning, format!("The folder {name} was removed. Restore it to continue."));
            return;
        }
        if before.is_none() && !first {
            self.notify(Severity::Info, format!("The folder {name} is back."));
        }
        // Before the scan, so that no change is missed in between.
        self.subscribe();
        self.scan = Some(FolderScan::new(&self.root, self.options.recursive));
    }

    /// Subscribes to notifications of changes, where the system has them.
    fn subscribe(&mut self) {
        if let Some(kind) = remote_kind(&self.root) {
            return self.notify_unwatched(&format!("it is on a remote file system ({kind})"));
        }
        match listen(&self.root, self.options.recursive, self.event_sender.clone(), Arc::clone(&self.gaps)) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.notify_unwatched(&format!("its changes cannot be watched ({error})")),
        }
    }

    fn notify_unwatched(&self, why: &str) {
        let (name, every) = (self.root.printable(), RESCAN_UNWATCHED.as_secs());
        let text = format!("The folder {name} is scanned every {every} seconds, because {why}.");
        self.notify(Severity::Info, text);
    }

    fn on_event(&mut self, event: FolderEvent) {
        match event {
            FolderEvent::File(path) => self.add(path),
            FolderEvent::Folder => self.next_scan = self.next_scan.min(Instant::now() + SOON),
        }
    }

    fn add(&mut self, path: PathBuf) {
        if self.folder.is_some() && !self.pending.add(path, Instant::now()) {
            self.gaps.missed.store(true, Ordering::Relaxed);
        }
    }

    /// Queues the files again whose claims were dropped.
    fn requeue_returned(&mut self) {
        for (path, fingerprint) in self.claims.take_returned() {
            let key = fingerprint.key(&path);
            self.known_keys.remove(&key);
            self.seen.remove(&key);
            if Fingerprint::of(&path).is_some() {
                self.add(path);
            } else {
                self.claims.count(|counts| counts.deleted += 1);
            }
        }
    }

    /// Continues the scan, as long as there is room for pending files.
    fn continue_scan(&mut self) -> Result<(), WatchError> {
        if self.scan.is_none() {
            let missed = self.gaps.missed.swap(false, Ordering::Relaxed);
            if !missed && Instant::now() < self.next_scan || self.options.once && self.scanned && !missed {
                return Ok(());
            }
            self.scan = Some(FolderScan::new(&self.root, self.options.recursive));
        }
        for _ in 0..LISTED {
            if self.pending.is_full() {
                return Ok(());
            }
            let Some(path) = self.scan.as_mut().and_then(Iterator::next) else {
                self.end_scan();
                return Ok(());
            };
            let Some(fingerprint) = Fingerprint::of(&path) else { continue };
            let key = fingerprint.key(&path);
            if self.known_keys.contains(&key) {
                self.seen.insert(key);
            } else {
                self.pending.add(path, Instant::now());
            }
        }
        Ok(())
    }

    fn end_scan(&mut self) {
        (self.scan, self.scanned) = (None, true);
        self.known_keys = mem::take(&mut self.seen);
        self.next_scan = Instant::now() + if self.watcher.is_some() { RESCAN_WATCHED } else { RESCAN_UNWATCHED };
    }

    /// Remembers a file that need not be read again while it is unchanged.
    fn remember(&mut self, path: &Path, fingerprint: &Fingerprint) {
        if fingerprint.is_certain(SystemTime::now()) {
            let key = fingerprint.key(path);
            self.known_keys.insert(key);
            if self.scan.is_some() {
                self.seen.insert(key);
            }
        }
    }

    /// Examines the files that are due.
    fn examine_due(&mut self) {
        for path in self.pending.due(Instant::now()) {
            if self.is_stopped() {
                return;
            }
            self.examine(&path);
        }
    }

    /// Examines a file; returns its fingerprint if it can be read.
    fn examine(&mut self, path: &Path) -> Option<Fingerprint> {
        let fingerprint = Fingerprint::of(path);
        match self.pending.update(path, fingerprint.as_ref(), Instant::now()) {
            FileStatus::Ready => return fingerprint,
            FileStatus::Deleted => self.claims.count(|counts| counts.deleted += 1),
            FileStatus::Waiting | FileStatus::Absent => {}
        }
        None
    }

    /// Reads the next file, unless one is still waiting to be taken over.
    fn read_one(&mut self) -> Result<(), WatchError> {
        if self.held.is_some() || self.is_paused() {
            return Ok(());
        }
        let Some(path) = self.pending.next_ready() else { return Ok(()) };
        // It may have changed since it was examined.
        let Some(fingerprint) = self.examine(&path) else { return Ok(()) };
        if let Some((deferred, bytes)) = &self.deferred
            && *deferred == path
            && self.budget.reserve(*bytes).is_none()
        {
            return Ok(());
        }
        self.deferred = None;
        let (mut claimed, mut room, mut needed) = (None, None, None);
        let mut unwritten = None;
        let known = |hash, bytes: &[u8]| {
            let claim = self.claims.claim(&path, hash, &fingerprint);
            let known = !matches!(claim, Ok(ClaimOutcome::Granted(_)));
            claimed = Some(claim);
            unwritten = if known { None } else { Unwritten::of(bytes) };
            known
        };
        let admit = |header: &Header| {
            if let Some(limit) = self.options.limit {
                let checked = limit.check(header.width.into(), header.height.into());
                checked.map_err(|error| FileFault::NotInspected(error.to_string()))?;
            }
            room = self.budget.reserve(header.bytes);
            needed = Some(header.bytes);
            Ok(room.is_some())
        };
        let read = decode_unless(&path, known, admit);
        let claimed = match claimed.transpose() {
            // The file stays ready.
            Err(error) if error.is_passing() => {
                self.pause();
                return Ok(());
            }
            claimed => claimed?,
        };
        self.pauses = RetryTiming::default().pauses();
        if Fingerprint::of(&path).as_ref() != Some(&fingerprint) {
            // Written to while it was read: the content may be mixed.
            if let Some(ClaimOutcome::Granted(claim)) = claimed {
                claim.release();
            }
            self.examine(&path);
            return Ok(());
        }
        match (read, claimed) {
            (Ok((_, Ok(Some(picture)))), Some(ClaimOutcome::Granted(claim)))
                if self.may_grow(&path, &fingerprint, picture.empty_end()) =>
            {
                claim.release();
            }
            (Ok((hash, Ok(Some(picture)))), Some(ClaimOutcome::Granted(claim))) => {
                self.pending.remove(&path);
                self.remember(&path, &fingerprint);
                self.held = Some(ReadyFile { path, hash, fingerprint, picture, unwritten, claim, room });
            }
            // No room for it yet: read again when the images before it have been inspected.
            (Ok((_, Ok(None))), Some(ClaimOutcome::Granted(claim))) => {
                claim.release();
                self.deferred = needed.map(|bytes| (path, bytes));
            }
            (Ok((hash, Err(fault))), Some(ClaimOutcome::Granted(claim))) => {
                claim.release();
                self.fail(&path, &fingerprint, Some(hash), &fault)?;
            }
            (Err(fault), _) => self.fail(&path, &fingerprint, None, &fault)?,
            (_, Some(ClaimOutcome::Recorded)) => {
                self.pending.remove(&path);
                self.remember(&path, &fingerprint);
                self.claims.count(|counts| counts.known += 1);
            }
            // Being inspected; queued again if its claim is dropped.
            _ => self.pending.remove(&path),
        }
        Ok(())
    }

    /// Whether a file ends in zero bytes that may be reserved space, and was changed too recently to tell: it is read again
    /// at the end of the patience, or as soon as it has changed. Where several files stayed so, their pictures are black at
    /// that end, and others like them are not waited for.
    fn may_grow(&mut self, path: &Path, fingerprint: &Fingerprint, empty_end: u8) -> bool {
        let (count, usual) = self.empty_ends;
        if empty_end == 0 || count >= USUAL && empty_end <= usual {
            return false;
        }
        if !fingerprint.is_older(self.options.timing.patience, SystemTime::now())
            && !self.pending.fail(path, Instant::now())
        {
            return true;
        }
        self.empty_ends = (count + 1, usual.max(empty_end));
        false
    }

    /// Handles a file that did not decode: waits for it, or quarantines it.
    fn fail(
        &mut self,
        path: &Path,
        fingerprint: &Fingerprint,
        hash: Option<FileHash>,
        fault: &FileFault,
    ) -> Result<(), WatchError> {
        if self.pending.fail(path, Instant::now()) {
            let reason = fault.to_string();
            match self.claims.quarantine(path, hash, &reason) {
                Err(error) if error.is_passing() => {
                    // Read again later, with all its patience.
                    self.pause();
                    self.add(path.to_owned());
                    return Ok(());
                }
                written => written?,
            }
            self.remember(path, fingerprint);
            let name = path.strip_prefix(&self.root).unwrap_or(path).printable();
            self.notify(Severity::Warning, format!("{name} is in quarantine: {}.", reason.trim_end_matches('.')));
        }
        Ok(())
    }

    /// Reads no further file for a while.
    fn pause(&mut self) {
        self.paused = Some(Instant::now() + self.pauses.next());
    }

    fn is_paused(&self) -> bool {
        self.paused.is_some_and(|until| Instant::now() < until)
    }

    /// Passes on a ready file, or sleeps until there may be something to do; `false` when the receiver has been dropped.
    fn offer_or_wait(&mut self) -> bool {
        let now = Instant::now();
        if let Some(ready) = self.held.take() {
            match self.ready_sender.send_timeout(ready, TICK) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(back)) => self.held = Some(back),
                Err(SendTimeoutError::Disconnected(_)) => return false,
            }
            return true;
        }
        let has_next = self.pending.next_ready().is_some_and(|next| {
            self.deferred.as_ref().is_none_or(|(path, bytes)| *path != next || self.budget.reserve(*bytes).is_some())
        });
        if self.folder.is_some() && (self.scan.is_some() && !self.pending.is_full() || has_next && !self.is_paused()) {
            return true;
        }
        let wake = self.pending.next_look().into_iter().fold(now + TICK, Instant::min);
        if let Ok(event) = self.events.recv_deadline(wake) {
            self.on_event(event);
        }
        true
    }
}
