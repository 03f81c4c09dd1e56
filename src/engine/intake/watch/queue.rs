//! Which file is ready when, from what was seen of each and at what time. No clock and no file system of its own.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::fingerprint::Fingerprint;
use crate::format::natural_key;

/// How long files are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A file that was left alone for this long is taken to be written whole, if it decodes.
    pub settle: Duration,
    /// A file that was left alone for this long and does not decode is given up.
    pub patience: Duration,
}

impl Default for Timing {
    /// Half a second, and half a minute.
    fn default() -> Self {
        Self { settle: Duration::from_millis(500), patience: Duration::from_secs(30) }
    }
}

/// How a file stands after a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileStatus {
    /// It may still be written to: another look later.
    Waits,
    /// It is worth reading.
    Ripe,
    /// It was there before, is not any more, and is forgotten.
    Gone,
    /// It was not there at the first look, and is forgotten.
    Absent,
}

/// A file that has been heard of.
#[derive(Debug)]
struct Waiting {
    /// As it was at the last look.
    stamp: Option<Fingerprint>,
    /// Since when it has been like this.
    since: Instant,
    /// When to look again.
    look: Instant,
    ripe: bool,
    /// It was read as it is, and did not decode.
    failed: bool,
}

/// Files that are not ready yet, at most so many.
#[derive(Debug)]
pub(crate) struct PendingFiles {
    timing: Timing,
    most: usize,
    waiting: HashMap<PathBuf, Waiting>,
}

impl PendingFiles {
    pub(crate) fn new(timing: Timing, most: usize) -> Self {
        Self { timing, most, waiting: HashMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= self.most
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// A file was heard of; `false` when there is no room for it.
    pub(crate) fn add(&mut self, path: PathBuf, now: Instant) -> bool {
        if self.waiting.contains_key(&path) {
            return true;
        }
        if self.is_full() {
            return false;
        }
        self.waiting.insert(path, Waiting { stamp: None, since: now, look: now, ripe: false, failed: false });
        true
    }

    /// Files that want a look by now.
    pub(crate) fn due(&self, now: Instant) -> Vec<PathBuf> {
        let due = self.waiting.iter().filter(|(_, w)| !w.ripe && w.look <= now);
        due.map(|(path, _)| path.clone()).collect()
    }

    /// When the next file wants a look.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.waiting.values().filter(|w| !w.ripe).map(|w| w.look).min()
    }

    /// A look at a file: how it is now, `None` where it is gone.
    pub(crate) fn see(&mut self, path: &Path, stamp: Option<&Fingerprint>, now: Instant) -> FileStatus {
        let patience = self.patience();
        let Some(waiting) = self.waiting.get_mut(path) else { return FileStatus::Waits };
        let Some(stamp) = stamp else {
            let seen = if waiting.stamp.is_some() { FileStatus::Gone } else { FileStatus::Absent };
            self.waiting.remove(path);
            return seen;
        };
        if waiting.stamp.as_ref() != Some(stamp) {
            let (stamp, look) = (Some(stamp.clone()), now + self.timing.settle);
            *waiting = Waiting { stamp, since: now, look, ripe: false, failed: false };
            return FileStatus::Waits;
        }
        let wanted = if waiting.failed { patience } else { self.timing.settle };
        let ready = waiting.since + wanted;
        waiting.ripe = now >= ready;
        waiting.look = ready.min(now + self.timing.settle);
        if waiting.ripe { FileStatus::Ripe } else { FileStatus::Waits }
    }

    /// The file that is read next: of those worth reading, the one that was written first.
    pub(crate) fn ripe(&self) -> Option<PathBuf> {
        let ripe = self.waiting.iter().filter(|(_, w)| w.ripe);
        let first = ripe.min_by(|(a, v), (b, w)| {
            let written = |w: &Waiting| w.stamp.as_ref().map(|s| s.modified);
            let name = |path: &Path| natural_key(&path.to_string_lossy());
            written(v).cmp(&written(w)).then_with(|| name(a).cmp(&name(b)))
        });
        first.map(|(path, _)| path.clone())
    }

    /// A file is ready, or known from before.
    pub(crate) fn remove(&mut self, path: &Path) {
        self.waiting.remove(path);
    }

    /// A file was read as it is and did not decode. `true` when it has been left alone for so long that it is given
    /// up; otherwise it is read once more at the end of the patience, or as soon as it has changed.
    pub(crate) fn fail(&mut self, path: &Path, now: Instant) -> bool {
        let patience = self.patience();
        let Some(waiting) = self.waiting.get_mut(path) else { return false };
        let end = waiting.since + patience;
        if now >= end {
            self.waiting.remove(path);
            return true;
        }
        (waiting.failed, waiting.ripe) = (true, false);
        waiting.look = end.min(now + self.timing.settle);
        false
    }

    /// A patience shorter than the settling would give up files that were never read.
    fn patience(&self) -> Duration {
        self.timing.patience.max(self.timing.settle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue and a clock in milliseconds.
    struct Bench {
        queue: PendingFiles,
        start: Instant,
    }

    impl Bench {
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
            let stamp = Fingerprint { len, modified, ..Fingerprint::default() };
            self.queue.see(Path::new(name), Some(&stamp), self.at(ms))
        }

        fn fail(&mut self, name: &str, ms: u64) -> bool {
            self.queue.fail(Path::new(name), self.at(ms))
        }
    }

    #[test]
    fn a_file_is_ripe_once_it_was_left_alone() {
        let mut b = Bench::new();
        assert!(b.add("a", 0));
        assert_eq!(b.queue.due(b.at(0)), [PathBuf::from("a")]);
        assert_eq!(b.see("a", 10, 1, 0), FileStatus::Waits);
        assert!(b.queue.due(b.at(499)).is_empty());
        assert_eq!(b.queue.next_look(), Some(b.at(500)));
        // It grew, and then was touched without growing.
        assert_eq!(b.see("a", 20, 2, 500), FileStatus::Waits);
        assert_eq!(b.see("a", 20, 3, 1_000), FileStatus::Waits);
        assert_eq!(b.see("a", 20, 3, 1_400), FileStatus::Waits);
        assert_eq!(b.queue.ripe(), None);
        assert_eq!(b.see("a", 20, 3, 1_500), FileStatus::Ripe);
        assert_eq!((b.queue.ripe(), b.queue.next_look()), (Some("a".into()), None));
        // Between being ripe and being read it was written to once more.
        assert_eq!(b.see("a", 25, 4, 1_600), FileStatus::Waits);
        assert_eq!(b.queue.ripe(), None);
        assert_eq!(b.see("a", 25, 4, 2_100), FileStatus::Ripe);
        b.queue.remove(Path::new("a"));
        assert!(b.queue.is_empty());
    }

    #[test]
    fn what_does_not_decode_is_waited_for_while_it_grows_and_then_given_up() {
        let mut b = Bench::new();
        b.add("a", 0);
        b.see("a", 10, 1, 0);
        assert_eq!(b.see("a", 10, 1, 500), FileStatus::Ripe);
        assert!(!b.fail("a", 500));
        // It is looked at, but not read again as it is.
        assert_eq!(b.see("a", 10, 1, 1_000), FileStatus::Waits);
        assert_eq!(b.see("a", 10, 1, 29_000), FileStatus::Waits);
        assert_eq!(b.queue.next_look(), Some(b.at(29_500)));
        // It grows after all: read again soon, and the patience begins anew.
        assert_eq!(b.see("a", 15, 2, 29_500), FileStatus::Waits);
        assert_eq!(b.see("a", 15, 2, 30_000), FileStatus::Ripe);
        assert!(!b.fail("a", 30_000));
        assert_eq!(b.see("a", 15, 2, 59_400), FileStatus::Waits);
        assert_eq!(b.queue.next_look(), Some(b.at(59_500)));
        // A last reading, for what was only locked or out of reach.
        assert_eq!(b.see("a", 15, 2, 59_500), FileStatus::Ripe);
        assert!(b.fail("a", 59_500));
        assert!(b.queue.is_empty() && !b.fail("a", 60_000));
    }

    #[test]
    fn a_patience_shorter_than_the_settling_still_reads_first() {
        let mut b = Bench::new();
        b.queue.timing.patience = Duration::ZERO;
        b.add("a", 0);
        b.see("a", 10, 1, 0);
        assert_eq!(b.see("a", 10, 1, 100), FileStatus::Waits);
        assert_eq!(b.see("a", 10, 1, 500), FileStatus::Ripe);
        assert!(b.fail("a", 500));
    }

    #[test]
    fn what_was_written_first_is_read_first_and_names_decide_among_equals() {
        let mut b = Bench::new();
        for (name, modified) in [("part 10", 7), ("part 9", 7), ("late", 8)] {
            b.add(name, 0);
            b.see(name, 1, modified, 0);
            b.see(name, 1, modified, 500);
        }
        for name in ["part 9", "part 10", "late"] {
            assert_eq!(b.queue.ripe(), Some(name.into()));
            b.queue.remove(Path::new(name));
        }
    }

    #[test]
    fn room_is_bounded_and_what_is_gone_is_forgotten() {
        let mut b = Bench::new();
        assert!(b.add("a", 0) && b.add("b", 0) && b.add("c", 0));
        assert!(!b.add("d", 1) && b.add("a", 1) && b.queue.is_full());
        b.see("b", 1, 1, 2);
        let at = b.at(3);
        assert_eq!(b.queue.see(Path::new("b"), None, at), FileStatus::Gone);
        assert_eq!(b.queue.see(Path::new("c"), None, at), FileStatus::Absent);
        assert!(b.add("c", 3) && b.add("d", 3));
        assert_eq!(b.queue.len(), 3);
        assert_eq!(b.queue.see(Path::new("never heard of"), None, at), FileStatus::Waits);
        b.queue.clear();
        assert!(b.queue.is_empty());
    }
}
