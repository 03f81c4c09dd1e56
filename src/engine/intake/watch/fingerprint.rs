//! A file's fingerprint, which shows a change without reading the file.

use std::{
    fs,
    fs::Metadata,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Some file systems store times to two seconds, so that two writes in a row may look like one.
const COARSE: Duration = Duration::from_secs(3);

/// A file's metadata. If two fingerprints are equal, nothing was written in between as far as the file system shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Size, bytes.
    pub len: u64,
    /// Time of the last write, nanoseconds since the Unix epoch; 0 where unknown.
    pub modified: i64,
    /// Time of the last change of content or metadata, likewise; 0 outside of Unix.
    pub changed: i64,
    /// Inode, which differs after another file was renamed over it; 0 outside of Unix.
    pub file: u64,
}

impl Fingerprint {
    /// Reads the fingerprint of the file at `path`; `None` where there is no regular file.
    pub fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok().filter(Metadata::is_file)?;
        let modified = about.modified().map_or(0, nanoseconds);
        #[cfg(unix)]
        let (changed, file) = {
            use std::os::unix::fs::MetadataExt;
            (about.ctime().saturating_mul(1_000_000_000).saturating_add(about.ctime_nsec()), about.ino())
        };
        #[cfg(not(unix))]
        let (changed, file) = (0, 0);
        Some(Self { len: about.len(), modified, changed, file })
    }

    /// Whether another write would have changed it; not if the clock is coarse and the last write recent.
    pub(crate) fn is_certain(&self, now: SystemTime) -> bool {
        let coarse = self.modified % 1_000_000_000 == 0;
        !coarse || nanoseconds(now).saturating_sub(self.modified) > COARSE.as_nanos() as i64
    }

    /// Whether content and metadata were last changed longer ago than `age`.
    pub(crate) fn is_older(&self, age: Duration, now: SystemTime) -> bool {
        let last = self.modified.max(self.changed);
        let age = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        last != 0 && nanoseconds(now).saturating_sub(last) > age
    }

    /// A hash of path and fingerprint.
    pub(crate) fn key(&self, path: &Path) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(path.as_os_str().as_encoded_bytes());
        for number in [self.len, self.modified as u64, self.changed as u64, self.file] {
            hasher.update(&number.to_le_bytes());
        }
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        key
    }
}

fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_replaced_looks_different() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "one").unwrap();
        fs::write(&b, "two").unwrap();
        let (first, same) = (Fingerprint::of(&a).unwrap(), Fingerprint::of(&a).unwrap());
        assert_eq!(first, same);
        assert_ne!(first.key(&a), first.key(&b));
        assert_eq!(first.key(&a), same.key(&a));
        #[cfg(unix)]
        {
            fs::rename(&b, &a).unwrap();
            assert_ne!(Fingerprint::of(&a).unwrap().key(&a), first.key(&a));
        }
        assert_eq!((Fingerprint::of(folder.path()), Fingerprint::of(&folder.path().join("c"))), (None, None));
    }

    #[test]
    fn a_fresh_write_by_a_coarse_clock_is_not_certain() {
        let at = |modified| Fingerprint { modified, ..Fingerprint::default() };
        let second = 1_000_000_000;
        let now = UNIX_EPOCH + Duration::from_secs(100);
        assert!(!at(98 * second).is_certain(now));
        assert!(at(98 * second + 1).is_certain(now));
        assert!(at(90 * second).is_certain(now));
    }
}
