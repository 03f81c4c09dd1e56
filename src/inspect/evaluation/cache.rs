//! A file cache of inspection results, so that no test image is inspected twice.

use std::{
    collections::HashMap,
    fs::OpenOptions,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::pixels::PixelCounts;
use crate::{data::FileHash, files, files::FileError, inspect::Scores};

/// Most images kept in the file; the oldest are dropped first.
const MAX_ENTRIES: usize = 20_000;

/// Size limit of the file, bytes.
const MAX_BYTES: u64 = 1 << 30;

/// A cached inspection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CachedImage {
    /// Hash of image, model, knobs, regions and program version.
    pub key: FileHash,
    pub scores: Scores,
    pub size: (usize, usize),
    pub steps: usize,
    pub seconds: f32,
    /// Hash of the mask behind `pixels`; `None` for an image without a mask.
    pub mask: Option<FileHash>,
    /// Histograms of its maps, if computed.
    pub pixels: Option<Vec<PixelCounts>>,
}

/// The cache.
#[derive(Debug, Default)]
pub(super) struct EvaluationCache {
    path: Option<PathBuf>,
    entries: Vec<CachedImage>,
    index: HashMap<FileHash, usize>,
    changed: bool,
}

#[derive(Deserialize)]
struct File {
    entries: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct FileOf<'a> {
    about: &'a str,
    entries: &'a [CachedImage],
}

impl EvaluationCache {
    /// Reads a cache. A missing or damaged file, or one of another program version, gives an empty cache: everything in
    /// it can be recomputed.
    pub(crate) fn open(path: Option<&Path>) -> Self {
        let mut cache = Self { path: path.map(Path::to_owned), ..Self::default() };
        let text = path.and_then(|path| files::read(path, MAX_BYTES).ok()).unwrap_or_default();
        let file: File = serde_json::from_slice(&text).unwrap_or(File { entries: Vec::new() });
        for entry in file.entries {
            if let Ok(entry) = serde_json::from_value(entry) {
                cache.add(entry);
            }
        }
        cache.changed = false;
        cache
    }

    pub(crate) fn get(&self, key: &FileHash) -> Option<&CachedImage> {
        self.index.get(key).and_then(|&i| self.entries.get(i))
    }

    pub(crate) fn add(&mut self, entry: CachedImage) {
        self.changed = true;
        match self.index.get(&entry.key) {
            Some(&i) => self.entries[i] = entry,
            None => {
                self.index.insert(entry.key, self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    /// Writes the file if anything is new. Entries added by other processes in the meantime are kept.
    pub(crate) fn write(&mut self) -> Result<(), FileError> {
        let Some(path) = self.path.clone().filter(|_| self.changed) else { return Ok(()) };
        if let Some(folder) = path.parent() {
            let fault = |cause| FileError::new(files::Access::Write, folder, cause);
            std::fs::create_dir_all(folder).map_err(fault)?;
        }
        // Held until the file is written. Where no lock can be taken, the last of two concurrent writers wins.
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.with_extension("lock"));
        let _held = lock.and_then(|file| file.lock().map(|()| file));
        let own = std::mem::take(&mut self.entries);
        *self = Self::open(Some(&path));
        own.into_iter().for_each(|entry| self.add(entry));
        let newest = self.entries.len().saturating_sub(MAX_ENTRIES);
        let about = "Inspection results cached by ganspect evaluate; safe to delete.";
        files::write_atomic_with(&path, |out| {
            Ok(serde_json::to_writer(out, &FileOf { about, entries: &self.entries[newest..] })?)
        })?;
        self.changed = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::ScoreKind;

    fn entry(name: &str, score: f64) -> CachedImage {
        let mut scores = Scores::default();
        ScoreKind::ALL.iter().for_each(|kind| scores.set(*kind, score));
        let key = FileHash::of(name.as_bytes());
        CachedImage { key, scores, size: (3, 4), steps: 5, seconds: 0.5, mask: None, pixels: None }
    }

    #[test]
    fn entries_round_trip_and_unreadable_ones_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/kept.json");
        let mut kept = EvaluationCache::open(Some(&path));
        kept.write().unwrap();
        assert!(!path.exists());
        for (name, score) in [("a", 1.0), ("b", 2.0), ("a", 3.0)] {
            kept.add(entry(name, score));
        }
        kept.write().unwrap();
        let back = EvaluationCache::open(Some(&path));
        assert_eq!((back.entries.len(), back.get(&FileHash::of(b"a"))), (2, Some(&entry("a", 3.0))));
        assert!(back.get(&FileHash::of(b"c")).is_none() && !back.changed);
        // Two concurrent evaluations lose none of each other's entries.
        let [mut one, mut two] = [(), ()].map(|()| EvaluationCache::open(Some(&path)));
        one.add(entry("d", 4.0));
        two.add(entry("e", 5.0));
        one.write().unwrap();
        two.write().unwrap();
        let both = EvaluationCache::open(Some(&path));
        assert_eq!(both.entries.len(), 4);
        assert!([b"d", b"e"].iter().all(|name| both.get(&FileHash::of(*name)).is_some()));
        // One entry of another version.
        let text = std::fs::read_to_string(&path).unwrap().replacen("\"steps\":5", "\"stages\":5", 1);
        std::fs::write(&path, text).unwrap();
        assert_eq!(EvaluationCache::open(Some(&path)).entries.len(), 3);
        std::fs::write(&path, "half of it").unwrap();
        assert_eq!(EvaluationCache::open(Some(&path)).entries.len(), 0);
        EvaluationCache::open(None).write().unwrap();
    }
}
