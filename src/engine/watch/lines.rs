//! A record in one file, a line of JSON an entry.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError, Stamp};
use crate::{
    data::FileHash,
    engine::batch::Finding,
    files::{Access, FileError},
    inspect::{Scores, Verdict},
};

/// Most bytes of such a file.
const MOST_BYTES: u64 = 4 << 30;

/// Why a file of lines cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process keeps it.
    #[error("{} is kept by another ganspect; end that one or choose another file", .0.display())]
    Busy(PathBuf),
}

/// One line. Keys are never renamed or given another meaning; new ones may be added.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    path: String,
    hash: Option<FileHash>,
    /// Hash of the model's tensors.
    model: String,
    /// Seconds since the Unix epoch.
    at: u64,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum What {
    Filed {
        stamp: Stamp,
        width: usize,
        height: usize,
        model_name: String,
        verdict: Option<Verdict>,
        p: Option<f64>,
        rate: Option<f64>,
        threshold: Option<f64>,
        scores: Scores,
        seconds: f64,
    },
    Quarantined {
        quarantined: String,
    },
}

/// What is known of the files under one path.
#[derive(Debug, Default)]
struct Known {
    hashes: Vec<FileHash>,
    stamp: Option<Stamp>,
}

/// The file, open and claimed for this process. Each entry is on the disk before it counts.
#[derive(Debug)]
pub struct LinesLedger {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    len: u64,
    model: String,
    /// What was filed with this model.
    known: HashMap<String, Known>,
}

impl LinesLedger {
    /// Opens or begins the file at `path` for a model of this hash. A last line that a killed process left half
    /// written is cut off: its part was not filed.
    ///
    /// # Errors
    /// [`LinesError`] for a file that another process keeps, that cannot be read and written, or that holds anything
    /// but such lines.
    pub fn open(path: &Path, model: &str) -> Result<Self, LinesError> {
        let fault = |cause| FileError::new(Access::Write, path, cause);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LinesError::Busy(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(fault(cause).into()),
        }
        let size = file.metadata().map_err(fault)?.len();
        if size > MOST_BYTES {
            return Err(FileError::TooLarge { path: path.to_owned(), size, limit: MOST_BYTES }.into());
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|cause| FileError::new(Access::Read, path, cause))?;
        let len = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |last| last + 1);
        let mut ledger =
            Self { path: path.to_owned(), file, len: len as u64, model: model.to_owned(), known: HashMap::new() };
        for (i, line) in bytes[..len].split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            let damaged = |error| FileError::damaged(path, format!("line {} is no entry ({error})", i + 1));
            ledger.note(&serde_json::from_slice(line).map_err(damaged)?);
        }
        ledger.mend().map_err(fault)?;
        Ok(ledger)
    }

    /// Leaves whole lines only, and goes to their end.
    fn mend(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len)).map(|_| ())
    }

    fn note(&mut self, line: &Line) {
        if line.model != self.model {
            return;
        }
        let known = self.known.entry(line.path.clone()).or_default();
        known.hashes.extend(line.hash);
        if let What::Filed { stamp, .. } = &line.what {
            known.stamp = Some(stamp.clone());
        }
    }

    fn add(&mut self, path: &Path, hash: Option<FileHash>, what: What) -> Result<(), LedgerError> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let line = Line { path: name(path), hash, model: self.model.clone(), at, what };
        let mut text = serde_json::to_vec(&line).map_err(LedgerError::new)?;
        text.push(b'\n');
        if let Err(cause) = self.file.write_all(&text).and_then(|()| self.file.sync_data()) {
            // What there is of the line must not stand before the next one.
            let _ = self.mend();
            return Err(LedgerError::new(FileError::new(Access::Write, &self.path, cause)));
        }
        self.len += text.len() as u64;
        self.note(&line);
        Ok(())
    }
}

/// JSON is UTF-8; a path need not be.
fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Ledger for LinesLedger {
    fn is_filed(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError> {
        Ok(self.known.get(&name(path)).is_some_and(|known| known.hashes.contains(&hash)))
    }

    fn is_known(&self, path: &Path, stamp: &Stamp) -> Result<bool, LedgerError> {
        Ok(self.known.get(&name(path)).is_some_and(|known| known.stamp.as_ref() == Some(stamp)))
    }

    fn file(&mut self, finding: &Finding) -> Result<(), LedgerError> {
        let (outcome, assessment) = (&finding.outcome, finding.outcome.assessment.as_ref());
        let what = What::Filed {
            stamp: finding.stamp.clone(),
            width: finding.width,
            height: finding.height,
            model_name: finding.model.name.clone(),
            verdict: assessment.map(|a| a.verdict),
            p: assessment.map(|a| a.p),
            rate: assessment.map(|a| a.rate),
            threshold: finding.threshold,
            scores: outcome.scores.clone(),
            seconds: outcome.seconds,
        };
        self.add(&finding.path, Some(finding.hash), what)
    }

    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.add(path, hash, What::Quarantined { quarantined: reason.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn filed(scores: Scores, stamp: &Stamp) -> What {
        What::Filed {
            stamp: stamp.clone(),
            width: 3,
            height: 4,
            model_name: "turned".into(),
            verdict: Some(Verdict::Suspect),
            p: Some(0.1),
            rate: Some(0.05),
            threshold: None,
            scores,
            seconds: 0.5,
        }
    }

    #[test]
    fn entries_outlive_the_process_and_half_a_line_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let (a, b) = (Path::new("/parts/a.png"), Path::new("/parts/b.png"));
        let [one, two] = [b"one", b"two"].map(|bytes| FileHash::of(bytes));
        let stamp = Stamp { len: 7, modified: 8, changed: 9, file: 10 };
        let mut ledger = LinesLedger::open(&path, "m1").unwrap();
        assert!(LinesLedger::open(&path, "m1").unwrap_err().to_string().contains("kept by another"));
        ledger.add(a, Some(one), filed(Scores::default(), &stamp)).unwrap();
        ledger.quarantine(b, Some(two), "it is not an image").unwrap();
        ledger.quarantine(b, None, "it cannot be read").unwrap();
        drop(ledger);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [whole.as_slice(), br#"{"path":"/parts/c.p"#].concat()).unwrap();
        let mut ledger = LinesLedger::open(&path, "m1").unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
        let is_filed = |ledger: &LinesLedger, path, hash| ledger.is_filed(path, hash).unwrap();
        assert!(is_filed(&ledger, a, one) && is_filed(&ledger, b, two));
        assert!(!is_filed(&ledger, a, two) && !is_filed(&ledger, b, one));
        let other = Stamp { len: 8, ..stamp.clone() };
        assert!(ledger.is_known(a, &stamp).unwrap() && !ledger.is_known(a, &other).unwrap());
        assert!(!ledger.is_known(b, &stamp).unwrap());
        // The next line begins where the whole ones end.
        ledger.quarantine(a, Some(two), "cut").unwrap();
        drop(ledger);
        assert!(is_filed(&LinesLedger::open(&path, "m1").unwrap(), a, two));
        // Another model has seen nothing yet.
        assert!(!is_filed(&LinesLedger::open(&path, "m2").unwrap(), a, one));
    }

    #[test]
    fn a_file_of_anything_else_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "\nDear colleague\n").unwrap();
        let said = LinesLedger::open(&path, "m").unwrap_err().to_string();
        assert!(said.contains("notes.txt") && said.contains("line 2 is no entry"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), b"\nDear colleague\n");
    }
}
