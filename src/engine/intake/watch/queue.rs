//! Decides when a file is complete, from its fingerprints over time. Uses neither a clock nor the file system itself.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::fingerprint::Fingerprint;
use crate::format::natural_key;

/// Times to wait for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A file unchanged for this long is taken to be complete, if it decodes.
    pub settle: Duration,
    /// A file unchanged for this long that does not decode is given up.
    pub patience: Duration,
}

impl Default for Timing {
    /// Half a second, and half a minute.
    fn default() -> Self {
        Self { settle: Duration::from_millis(500), patience: Duration::from_secs(30) }
    }
}

/// How many times the longest pause of a writer a file must have been left alone.
const PAUSES: u32 = 3;

/// Status of a file after it was examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileStatus {
    /// It may still be written to: examine it again later.
    Waiting,
    /// It can be read.
    Ready,
    /// It was there before and is not any more; it is dropped.
    Deleted,
    /// It was not there at the first look; it is dropped.
    Absent,
}

/// A file that is not ready yet.
#[derive(Debug)]
struct PendingFile {
    /// Its fingerprint at the last look.
    fingerprint: Option<Fingerprint>,
    /// Since when it has been unchanged.
    since: Instant,
    /// When to examine it again.
    next_look: Instant,
    ready: bool,
    /// It was read as it is and did not decode.
    failed: bool,
}

/// The files that are not ready yet, up to a maximum.
#[derive(Debug)]
pub(crate) struct PendingFiles {
    timing: Timing,
    capacity: usize,
    files: HashMap<PathBuf, PendingFile>,
    /// The longest pause between two writes to the same file so far.
    longest_pause: Duration,
}

impl PendingFiles {
    pub(crate) fn new(timing: Timing, capacity: usize) -> Self {
        Self { timing, capacity, files: HashMap::new(), longest_pause: Duration::ZERO }
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.files.len() >= self.capacity
    }

    pub(crate) fn clear(&mut self) {
        self.files.clear();
    }

    /// Adds a file; `false` when there is no room for it.
    pub(crate) fn add(&mut self, path: PathBuf, now: Instant) -> bool {
        if self.files.contains_key(&path) {
            return true;
        }
        if self.is_full() {
            return false;
        }
        self.files
            .insert(path, PendingFile { fingerprint: None, since: now, next_look: now, ready: false, failed: false });
        true
    }

    /// Files to be examined by now.
    pub(crate) fn due(&self, now: Instant) -> Vec<PathBuf> {
        let due = self.files.iter().filter(|(_, w)| !w.ready && w.next_look <= now);
        due.map(|(path, _)| path.clone()).collect()
    }

    /// When the next file is to be examined.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.files.values().filter(|w| !w.ready).map(|w| w.next_look).min()
    }

    /// Updates a file with its current fingerprint; `None` where it does not exist.
    pub(crate) fn update(&mut self, path: &Path, fingerprint: Option<&Fingerprint>, now: Instant) -> FileStatus {
        let (patience, mut settle) = (self.patience(), self.settle());
        let Some(waiting) = self.files.get_mut(path) else { return FileStatus::Waiting };
        let Some(fingerprint) = fingerprint else {
            let seen = if waiting.fingerprint.is_some() { FileStatus::Deleted } else { FileStatus::Absent };
            self.files.remove(path);
            return seen;
        };
        if waiting.fingerprint.as_ref() != Some(fingerprint) {
            if let Some(before) = &waiting.fingerprint {
                // By the clock of the file system, as this looks only now and then; a copied time says nothing.
                let pause = Duration::from_nanos(fingerprint.modified.saturating_sub(before.modified).max(0) as u64);
                let observed = now.saturating_duration_since(waiting.since) + settle;
                self.longest_pause = self.longest_pause.max(pause.min(observed).min(patience));
                settle = self.timing.settle.max(self.longest_pause.saturating_mul(PAUSES)).min(patience);
            }
            let (fingerprint, next_look) = (Some(fingerprint.clone()), now + settle);
            *waiting = PendingFile { fingerprint, since: now, next_look, ready: false, failed: false };
            return FileStatus::Waiting;
        }
        let delay = if waiting.failed { patience } else { settle };
        let due = waiting.since + delay;
        waiting.ready = now >= due;
        waiting.next_look = due.min(now + self.timing.settle);
        if waiting.ready { FileStatus::Ready } else { FileStatus::Waiting }
    }

    /// The file to read next: of those that are ready, the one written first.
    pub(crate) fn next_ready(&self) -> Option<PathBuf> {
        let ready = self.files.iter().filter(|(_, w)| w.ready);
        let first = ready.min_by(|(a, v), (b, w)| {
            let written = |w: &PendingFile| w.fingerprint.as_ref().map(|s| s.modified);
            let name = |path: &Path| natural_key(&path.to_string_lossy());
            written(v).cmp(&written(w)).then_with(|| name(a).cmp(&name(b)))
        });
        first.map(|(path, _)| path.clone())
    }

    /// Removes a file that has been read or is on record.
    pub(crate) fn remove(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// Notes that a file was read and did not decode. `true` when it has been unchanged for so long that it is given up;
    /// otherwise it is read once more at the end of the patience, or as soon as it has changed.
    pub(crate) fn fail(&mut self, path: &Path, now: Instant) -> bool {
        let patience = self.patience();
        let Some(waiting) = self.files.get_mut(path) else { return false };
        let end = waiting.since + patience;
        if now >= end {
            self.files.remove(path);
            return true;
        }
        (waiting.failed, waiting.ready) = (true, false);
        waiting.next_look = end.min(now + self.timing.settle);
        false
    }

    /// Time without changes after which a file is taken to be complete: several times the longest pause that a writer has
    /// made so far, at most the patience.
    fn settle(&self) -> Duration {
        self.timing.settle.max(self.longest_pause.saturating_mul(PAUSES)).min(self.patience())
    }

    /// A patience shorter than the settling time would give up files that were never read.
    fn patience(&self) -> Duration {
        self.timing.patience.max(self.timing.settle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue and a clock in milliseconds.
    struct Fixture {
        queue: PendingFiles,
        start: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            let timing = Timing { settle: Duration::from_millis(500), patience: Duration::from_secs(30) };
            Self { queue: PendingFiles::new(timing, 3), start: Instant::now() }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn add(&mut self, name: &str, ms: u64) -> bool {
            self.queue.add(name.into(), self.at(ms))
        }

        fn see(&mut self, name: &str, len: u64, modified: i64, ms: u64) -> FileStatus {
            let fingerprint = Fingerprint { len, modified, ..Fingerprint::default() };
            self.queue.update(Path::new(name), Some(&fingerprint), self.at(ms))
        }

        fn fail(&mut self, name: &str, ms: u64) -> bool {
            self.queue.fail(Path::new(name), self.at(ms))
        }
    }

    #[test]
    fn a_file_is_ripe_once_it_was_left_alone() {
        let mut b = Fixture::new();
        assert!(b.add("a", 0));
        assert_eq!(b.queue.due(b.at(0)), [PathBuf::from("a")]);
        assert_eq!(b.see("a", 10, 1, 0), FileStatus::Waiting);
        assert!(b.queue.due(b.at(499)).is_empty());
        assert_eq!(b.queue.next_look(), Some(b.at(500)));
        // It grew, and then was touched without growing.
        assert_eq!(b.see("a", 20, 2, 500), FileStatus::Waiting);
        assert_eq!(b.see("a", 20, 3, 1_000), FileStatus::Waiting);
        assert_eq!(b.see("a", 20, 3, 1_400), FileStatus::Waiting);
        assert_eq!(b.queue.next_ready(), None);
        assert_eq!(b.see("a", 20, 3, 1_500), FileStatus::Ready);
        assert_eq!((b.queue.next_ready(), b.queue.next_look()), (Some("a".into()), None));
        // Between being ready and being read it was written to once more.
        assert_eq!(b.see("a", 25, 4, 1_600), FileStatus::Waiting);
        assert_eq!(b.queue.next_ready(), None);
        assert_eq!(b.see("a", 25, 4, 2_100), FileStatus::Ready);
        b.queue.remove(Path::new("a"));
        assert!(b.queue.is_empty());
    }

    #[test]
    fn what_does_not_decode_is_waited_for_while_it_grows_and_then_given_up() {
        let mut b = Fixture::new();
        b.add("a", 0);
        b.see("a", 10, 1, 0);
        assert_eq!(b.see("a", 10, 1, 500), FileStatus::Ready);
        assert!(!b.fail("a", 500));
        // It is examined, but not read again while unchanged.
        assert_eq!(b.see("a", 10, 1, 1_000), FileStatus::Waiting);
        assert_eq!(b.see("a", 10, 1, 29_000), FileStatus::Waiting);
        assert_eq!(b.queue.next_look(), Some(b.at(29_500)));
        // It grows after all: read again soon, and the deadline starts again.
        assert_eq!(b.see("a", 15, 2, 29_500), FileStatus::Waiting);
        assert_eq!(b.see("a", 15, 2, 30_000), FileStatus::Ready);
        assert!(!b.fail("a", 30_000));
        assert_eq!(b.see("a", 15, 2, 59_400), FileStatus::Waiting);
        assert_eq!(b.queue.next_look(), Some(b.at(59_500)));
        // A last reading, for what was only locked or out of reach.
        assert_eq!(b.see("a", 15, 2, 59_500), FileStatus::Ready);
        assert!(b.fail("a", 59_500));
        assert!(b.queue.is_empty() && !b.fail("a", 60_000));
    }

    #[test]
    fn the_wait_adapts_to_the_longest_pause_of_the_writer() {
        let mut b = Fixture::new();
        let second = 1_000_000_000;
        b.add("a", 0);
        b.see("a", 10, second, 0);
        assert_eq!(b.see("a", 10, second, 500), FileStatus::Ready);
        // Read, and not complete: after two seconds it is written to again.
        assert!(!b.fail("a", 500));
        assert_eq!(b.see("a", 20, 3 * second, 2_000), FileStatus::Waiting);
        // From now on, every file is left alone for six seconds first.
        assert_eq!(b.see("a", 20, 3 * second, 7_900), FileStatus::Waiting);
        assert_eq!(b.see("a", 20, 3 * second, 8_000), FileStatus::Ready);
        b.add("b", 9_000);
        b.see("b", 10, 12 * second, 9_000);
        assert_eq!(b.see("b", 10, 12 * second, 14_900), FileStatus::Waiting);
        assert_eq!(b.see("b", 10, 12 * second, 15_000), FileStatus::Ready);
        // A time that was copied with the file is no pause, and no wait is longer than the patience.
        b.see("b", 20, 9_000_000 * second, 15_100);
        assert!(b.queue.settle() <= Duration::from_secs(30));
    }

    #[test]
    fn a_patience_shorter_than_the_settling_still_reads_first() {
        let mut b = Fixture::new();
        b.queue.timing.patience = Duration::ZERO;
        b.add("a", 0);
        b.see("a", 10, 1, 0);
        assert_eq!(b.see("a", 10, 1, 100), FileStatus::Waiting);
        assert_eq!(b.see("a", 10, 1, 500), FileStatus::Ready);
        assert!(b.fail("a", 500));
    }

    #[test]
    fn what_was_written_first_is_read_first_and_names_decide_among_equals() {
        let mut b = Fixture::new();
        for (name, modified) in [("part 10", 7), ("part 9", 7), ("late", 8)] {
            b.add(name, 0);
            b.see(name, 1, modified, 0);
            b.see(name, 1, modified, 500);
        }
        for name in ["part 9", "part 10", "late"] {
            assert_eq!(b.queue.next_ready(), Some(name.into()));
            b.queue.remove(Path::new(name));
        }
    }

    #[test]
    fn room_is_bounded_and_what_is_gone_is_forgotten() {
        let mut b = Fixture::new();
        assert!(b.add("a", 0) && b.add("b", 0) && b.add("c", 0));
        assert!(!b.add("d", 1) && b.add("a", 1) && b.queue.is_full());
        b.see("b", 1, 1, 2);
        let at = b.at(3);
        assert_eq!(b.queue.update(Path::new("b"), None, at), FileStatus::Deleted);
        assert_eq!(b.queue.update(Path::new("c"), None, at), FileStatus::Absent);
        assert!(b.add("c", 3) && b.add("d", 3));
        assert_eq!(b.queue.len(), 3);
        assert_eq!(b.queue.update(Path::new("never heard of"), None, at), FileStatus::Waiting);
        b.queue.clear();
        assert!(b.queue.is_empty());
    }
}
