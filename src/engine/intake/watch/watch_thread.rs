//! The thread of a watch: it listens, looks, reads and hands out.

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
    ClaimTable, Fingerprint, ReadyFile, WatchError, WatchNotice, WatchOptions,
    claims::ClaimOutcome,
    folder::{FolderEvent, FolderScan, Gaps, Identity, listen, remote_kind},
    queue::{FileStatus, PendingFiles},
};
use crate::{
    data::{FileFault, FileHash, decode::decode_unless},
    engine::Severity,
};

/// Files that are followed at a time; the others wait in the folder.
const FOLLOWED: usize = 4_096;

/// Events that may wait; when there are more, the folder is looked through instead.
const EVENTS: usize = 1_024;

/// Files listed before the thread looks up again.
const LISTED: usize = 256;

/// How long the thread sleeps at most: the time that it takes to notice its end.
const TICK: Duration = Duration::from_millis(50);

/// How often the folder itself is looked for.
const CHECK: Duration = Duration::from_millis(500);

/// How often the folder is looked through where the system tells of changes, and where it does not.
const AGAIN_HEARING: Duration = Duration::from_secs(30);
const AGAIN_DEAF: Duration = Duration::from_secs(2);

/// How soon a folder that has come is looked through: by then the system tells of changes in it.
const SOON: Duration = Duration::from_millis(250);

pub(crate) struct WatchThread {
    root: PathBuf,
    options: WatchOptions,
    desk: Arc<ClaimTable>,
    hand_out: Sender<ReadyFile>,
    say: Sender<WatchNotice>,
    stop: Arc<AtomicBool>,
    tell: Sender<FolderEvent>,
    heard: Receiver<FolderEvent>,
    gaps: Arc<Gaps>,
    /// Tells of changes as long as it lives; `None` where the system cannot.
    watcher: Option<RecommendedWatcher>,
    /// The folder as it was found; `None` while it is gone.
    folder: Option<Identity>,
    checked: Option<Instant>,
    walk: Option<FolderScan>,
    /// Whether a walk has come to its end.
    walked: bool,
    /// When the folder is looked through again.
    again: Instant,
    queue: PendingFiles,
    /// Files that are settled, by path and stamp, so that no look through the folder reads them again: 16 bytes each.
    settled: HashSet<[u8; 16]>,
    /// Those of them that the walk in hand has met: what is not met any more is forgotten.
    met: HashSet<[u8; 16]>,
    /// Ready, and not taken yet.
    held: Option<ReadyFile>,
}

impl WatchThread {
    pub(crate) fn new(
        root: PathBuf,
        options: WatchOptions,
        desk: Arc<ClaimTable>,
        hand_out: Sender<ReadyFile>,
        say: Sender<WatchNotice>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let (tell, heard) = bounded(EVENTS);
        Self {
            root,
            desk,
            hand_out,
            say,
            stop,
            tell,
            heard,
            gaps: Arc::default(),
            watcher: None,
            folder: None,
            checked: None,
            walk: None,
            walked: false,
            again: Instant::now(),
            queue: PendingFiles::new(options.timing, FOLLOWED),
            settled: HashSet::new(),
            met: HashSet::new(),
            held: None,
            options,
        }
    }

    pub(crate) fn run(mut self) -> Result<(), WatchError> {
        while !self.is_stopped() {
            self.check_folder();
            if self.gaps.deaf.swap(false, Ordering::Relaxed) {
                self.watcher = None;
                self.say_deaf("it holds more folders than the system can tell of");
            }
            while let Ok(heard) = self.heard.try_recv() {
                self.hear(heard);
            }
            self.take_back();
            if self.folder.is_some() {
                self.walk_on()?;
                self.look();
                self.read_one()?;
            }
            self.desk.count(|counts| {
                (counts.waiting, counts.listed) = (self.queue.len(), self.walked && self.walk.is_none());
            });
            if self.options.once && self.is_done() {
                break;
            }
            if !self.hand_out_or_wait() {
                break;
            }
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn say(&self, severity: Severity, text: String) {
        tracing::info!("{text}");
        // Nobody need fetch them.
        let _ = self.say.try_send(WatchNotice { severity, text });
    }

    /// Everything that lies there is on record, or the folder is gone with what lay there.
    fn is_done(&self) -> bool {
        let idle = self.queue.is_empty() && self.held.is_none() && self.desk.is_idle() && self.heard.is_empty();
        let all = self.walked && self.walk.is_none() && !self.gaps.missed.load(Ordering::Relaxed);
        idle && (all || self.folder.is_none())
    }

    /// Looks whether the folder is there, and whether it is the same one.
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
        let (before, name) = (mem::replace(&mut self.folder, found), self.root.display());
        self.watcher = None;
        self.walk = None;
        self.queue.clear();
        if found.is_none() {
            self.say(
                Severity::Warning,
                format!("The folder {name} is gone. Put it back: what lies in it is then taken up again."),
            );
            return;
        }
        if before.is_none() && !first {
            self.say(Severity::Info, format!("The folder {name} is back."));
        }
        // First this and then the walk, so that nothing falls in between.
        self.listen();
        self.walk = Some(FolderScan::new(&self.root, self.options.recursive));
    }

    /// Has the system tell of changes, where it can.
    fn listen(&mut self) {
        if let Some(kind) = remote_kind(&self.root) {
            return self.say_deaf(&format!("it lies on another machine or outside of this system ({kind})"));
        }
        match listen(&self.root, self.options.recursive, self.tell.clone(), Arc::clone(&self.gaps)) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.say_deaf(&format!("the system does not tell of changes in it ({error})")),
        }
    }

    fn say_deaf(&self, why: &str) {
        let (name, every) = (self.root.display(), AGAIN_DEAF.as_secs());
        let text = format!("The folder {name} is looked through every {every} seconds, because {why}.");
        self.say(Severity::Info, text);
    }

    fn hear(&mut self, heard: FolderEvent) {
        match heard {
            FolderEvent::File(path) => self.add(path),
            FolderEvent::Folder => self.again = self.again.min(Instant::now() + SOON),
        }
    }

    fn add(&mut self, path: PathBuf) {
        if self.folder.is_some() && !self.queue.add(path, Instant::now()) {
            self.gaps.missed.store(true, Ordering::Relaxed);
        }
    }

    /// Takes up again what was handed out and not filed.
    fn take_back(&mut self) {
        for (path, stamp) in self.desk.take_returned() {
            let key = stamp.key(&path);
            self.settled.remove(&key);
            self.met.remove(&key);
            if Fingerprint::of(&path).is_some() {
                self.add(path);
            } else {
                self.desk.count(|counts| counts.gone += 1);
            }
        }
    }

    /// Lists a few files, as far as there is room for them.
    fn walk_on(&mut self) -> Result<(), WatchError> {
        if self.walk.is_none() {
            let missed = self.gaps.missed.swap(false, Ordering::Relaxed);
            if !missed && Instant::now() < self.again || self.options.once && self.walked && !missed {
                return Ok(());
            }
            self.walk = Some(FolderScan::new(&self.root, self.options.recursive));
        }
        for _ in 0..LISTED {
            if self.queue.is_full() {
                return Ok(());
            }
            let Some(path) = self.walk.as_mut().and_then(Iterator::next) else {
                self.end_walk();
                return Ok(());
            };
            let Some(stamp) = Fingerprint::of(&path) else { continue };
            let key = stamp.key(&path);
            if self.settled.contains(&key) {
                self.met.insert(key);
            } else {
                self.queue.add(path, Instant::now());
            }
        }
        Ok(())
    }

    fn end_walk(&mut self) {
        (self.walk, self.walked) = (None, true);
        self.settled = mem::take(&mut self.met);
        self.again = Instant::now() + if self.watcher.is_some() { AGAIN_HEARING } else { AGAIN_DEAF };
    }

    /// The file needs no further look as long as it stays as it is.
    fn settle(&mut self, path: &Path, stamp: &Fingerprint) {
        if stamp.is_certain(SystemTime::now()) {
            let key = stamp.key(path);
            self.settled.insert(key);
            if self.walk.is_some() {
                self.met.insert(key);
            }
        }
    }

    /// Looks at the files that want it by now.
    fn look(&mut self) {
        for path in self.queue.due(Instant::now()) {
            if self.is_stopped() {
                return;
            }
            self.see(&path);
        }
    }

    /// One look at a file; its stamp where it is worth reading.
    fn see(&mut self, path: &Path) -> Option<Fingerprint> {
        let stamp = Fingerprint::of(path);
        match self.queue.see(path, stamp.as_ref(), Instant::now()) {
            FileStatus::Ripe => return stamp,
            FileStatus::Gone => self.desk.count(|counts| counts.gone += 1),
            FileStatus::Waits | FileStatus::Absent => {}
        }
        None
    }

    /// Reads the next file that is worth it, unless one waits to be taken already.
    fn read_one(&mut self) -> Result<(), WatchError> {
        if self.held.is_some() {
            return Ok(());
        }
        let Some(path) = self.queue.ripe() else { return Ok(()) };
        // It may have waited long since the last look.
        let Some(stamp) = self.see(&path) else { return Ok(()) };
        let mut claimed = None;
        let read = decode_unless(&path, |hash| {
            let claim = self.desk.claim(&path, hash, &stamp);
            let known = !matches!(claim, Ok(ClaimOutcome::Yours(_)));
            claimed = Some(claim);
            known
        });
        let claimed = claimed.transpose()?;
        if Fingerprint::of(&path).as_ref() != Some(&stamp) {
            // Written to while it was read: what was read may be a mixture.
            if let Some(ClaimOutcome::Yours(claim)) = claimed {
                claim.release();
            }
            self.see(&path);
            return Ok(());
        }
        match (read, claimed) {
            (Ok((hash, Ok(Some(picture)))), Some(ClaimOutcome::Yours(claim))) => {
                self.queue.remove(&path);
                self.settle(&path, &stamp);
                self.held = Some(ReadyFile { path, hash, stamp, picture, claim });
            }
            (Ok((hash, Err(fault))), Some(ClaimOutcome::Yours(claim))) => {
                claim.release();
                self.fail(&path, &stamp, Some(hash), &fault)?;
            }
            (Err(fault), _) => self.fail(&path, &stamp, None, &fault)?,
            (_, Some(ClaimOutcome::Filed)) => {
                self.queue.remove(&path);
                self.settle(&path, &stamp);
                self.desk.count(|counts| counts.known += 1);
            }
            // In hand, and looked at again should it be given back.
            _ => self.queue.remove(&path),
        }
        Ok(())
    }

    /// A file did not decode: it is waited for, or given up.
    fn fail(
        &mut self,
        path: &Path,
        stamp: &Fingerprint,
        hash: Option<FileHash>,
        fault: &FileFault,
    ) -> Result<(), WatchError> {
        if self.queue.fail(path, Instant::now()) {
            let reason = fault.to_string();
            self.desk.quarantine(path, hash, &reason)?;
            self.settle(path, stamp);
            let name = path.strip_prefix(&self.root).unwrap_or(path).display();
            self.say(Severity::Warning, format!("{name} is in quarantine: {}.", reason.trim_end_matches('.')));
        }
        Ok(())
    }

    /// Hands out what is ready, or sleeps until there may be something to do; `false` when nobody takes it any more.
    fn hand_out_or_wait(&mut self) -> bool {
        let now = Instant::now();
        if let Some(ready) = self.held.take() {
            match self.hand_out.send_timeout(ready, TICK) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(back)) => self.held = Some(back),
                Err(SendTimeoutError::Disconnected(_)) => return false,
            }
            return true;
        }
        if self.folder.is_some() && (self.walk.is_some() && !self.queue.is_full() || self.queue.ripe().is_some()) {
            return true;
        }
        let wake = self.queue.next_look().into_iter().fold(now + TICK, Instant::min);
        if let Ok(heard) = self.heard.recv_deadline(wake) {
            self.hear(heard);
        }
        true
    }
}
