//! A run's folder: everything that is known about one training run, and enough to go on with it.
//!
//! ```text
//! run.toml                            what the run is: format version, name, data source, device
//! recipe.toml                         every knob, as last set
//! split.json                          which images are trained on and which are held out
//! events.out.tfevents.*               the log, for TensorBoard and for this program
//! checkpoints/step-00001234.safetensors   the newest few states to resume from
//! thumbnail.png                       a small sample grid for the run list (optional)
//! model.ganspect                      what the run has made, once it has
//! run.lock                            held by the process that trains
//! ```
//!
//! Each file is replaced whole or not at all, so a process that is killed at any moment leaves a folder that
//! can be resumed.

mod checkpoint;
mod run_list;

use std::{
    fs,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

pub use checkpoint::{Checkpoint, CheckpointFile};
pub use run_list::{RunSummary, list_runs, restore_run, trash_run};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    data::DataSource,
    files,
    files::{Access, FileError, PART_SUFFIX},
};

/// The newest format of a run's folder that this program writes and reads.
pub const RUN_FORMAT: u32 = 1;
/// How many checkpoints are kept.
pub const KEPT_CHECKPOINTS: usize = 3;
/// Name of the file with the data split, for [`RunFolder::write_json`] and [`RunFolder::read_json`].
pub const SPLIT_FILE: &str = "split.json";
/// Name of the model file.
pub const MODEL_FILE: &str = "model.ganspect";

const INFO_FILE: &str = "run.toml";
const RECIPE_FILE: &str = "recipe.toml";
const CHECKPOINTS: &str = "checkpoints";
const LOCK_FILE: &str = "run.lock";
const THUMBNAIL_FILE: &str = "thumbnail.png";

/// Most bytes of a text file in the folder; a split of a million images fits.
const TEXT_LIMIT: u64 = 256 << 20;
const INFO_LIMIT: u64 = 1 << 20;

/// Why a run's folder cannot be used. Each message names the folder or file and the way out.
#[expect(missing_docs, reason = "each message says what its variant and fields are")]
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    File(#[from] FileError),

    #[error("{} already holds a run; go on with it by --resume, or choose another folder with --out", path.display())]
    HoldsARun { path: PathBuf },

    #[error("{} is not empty and holds no run; choose another folder with --out", path.display())]
    NotEmpty { path: PathBuf },

    #[error("{} is not the folder of a run: it has no {INFO_FILE}; choose a folder that has one", path.display())]
    NotARun { path: PathBuf },

    #[error("{} was written by a newer version of this program (run format {found}; this one reads up to {RUN_FORMAT}); update the program to open it", path.display())]
    Newer { path: PathBuf, found: u32 },

    #[error("cannot understand {}: {what}; put the file right or restore it from a backup", path.display())]
    Unreadable { path: PathBuf, what: String },

    #[error("cannot put {} into words: {what}; report this as a fault of the program", path.display())]
    Unwritable { path: PathBuf, what: String },

    #[error("the run {} is being trained by {}; stop that first, or open another run", path.display(), owner(*process))]
    Busy { path: PathBuf, process: Option<u32> },

    #[error("{} is not directly within {}; only runs that are listed there can be moved", path.display(), root.display())]
    Elsewhere { path: PathBuf, root: PathBuf },
}

fn owner(process: Option<u32>) -> String {
    match process {
        Some(process) => format!("process {process}"),
        None => "another process".to_owned(),
    }
}

/// What a run is, as `run.toml` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The name people see; the folder's name need not follow it.
    pub name: String,
    /// Version of the program that began the run.
    pub program: String,
    /// When the run began, in seconds since 1970.
    pub created: u64,
    /// Where the images come from: a folder, or `surface:turned` and the like.
    pub source: String,
    /// What it began on, such as `CPU (Flex)`.
    pub device: String,
    /// Whatever the user wants to remember about it.
    #[serde(default)]
    pub notes: String,
}

impl RunInfo {
    /// A run that begins now, in this version of the program.
    pub fn new(name: impl Into<String>, source: impl Into<String>, device: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            created: crate::time::since_epoch().as_secs(),
            source: source.into(),
            device: device.into(),
            notes: String::new(),
        }
    }
}

/// `run.toml` as written: the version first, so that any later program can read that much.
#[derive(Serialize, Deserialize)]
struct Manifest<T> {
    format: u32,
    #[serde(flatten)]
    info: T,
}

/// Only the version of `run.toml`, whatever else a newer program may have put there.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// A run's folder, open.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    info: RunInfo,
}

impl RunFolder {
    /// Makes `dir`, and folders above it where they are missing, and begins a run there.
    ///
    /// # Errors
    /// [`RunError::HoldsARun`] or [`RunError::NotEmpty`] where the folder has anything in it already, else a
    /// [`FileError`].
    pub fn create(dir: &Path, info: &RunInfo, recipe_toml: &str) -> Result<Self, RunError> {
        let write_fault = |cause| FileError::new(Access::Write, dir, cause);
        fs::create_dir_all(dir).map_err(|cause| match cause.kind() {
            // What stands in the way is a file.
            std::io::ErrorKind::AlreadyExists => FileError::NotAFolder { access: Access::Write, path: dir.into() },
            _ => write_fault(cause),
        })?;
        let mut entries = fs::read_dir(dir).map_err(|cause| FileError::new(Access::Read, dir, cause))?;
        if entries.next().is_some() {
            let path = dir.to_owned();
            return Err(if dir.join(INFO_FILE).exists() {
                RunError::HoldsARun { path }
            } else {
                RunError::NotEmpty { path }
            });
        }
        let checkpoints = dir.join(CHECKPOINTS);
        fs::create_dir(&checkpoints).map_err(|cause| FileError::new(Access::Write, checkpoints, cause))?;
        let run = Self { path: dir.to_owned(), info: info.clone() };
        run.update_recipe(recipe_toml)?;
        // Last, because it is what makes the folder a run.
        run.write_info()?;
        Ok(run)
    }

    /// Opens a run that is there.
    ///
    /// # Errors
    /// [`RunError::NotARun`], [`RunError::Newer`], [`RunError::Unreadable`] or a [`FileError`].
    pub fn open(dir: &Path) -> Result<Self, RunError> {
        Ok(Self { path: dir.to_owned(), info: read_info(dir)? })
    }

    /// The folder; the event files go directly into it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// Gives the run another name. The folder keeps its own.
    ///
    /// # Errors
    /// [`FileError`] where `run.toml` cannot be written; the name is then as it was.
    pub fn set_name(&mut self, name: &str) -> Result<(), RunError> {
        let old = std::mem::replace(&mut self.info.name, name.to_owned());
        let result = self.write_info();
        if result.is_err() {
            self.info.name = old;
        }
        result
    }

    /// The recipe's text.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read_recipe(&self) -> Result<String, RunError> {
        Ok(files::read_text(&self.path.join(RECIPE_FILE), INFO_LIMIT)?)
    }

    /// Replaces the recipe's text.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn update_recipe(&self, recipe_toml: &str) -> Result<(), RunError> {
        let path = self.path.join(RECIPE_FILE);
        Ok(files::write_atomic(&path, recipe_toml.as_bytes())?)
    }

    /// Writes `value` as the JSON file `name`, such as [`SPLIT_FILE`].
    ///
    /// # Errors
    /// [`FileError`], or [`RunError::Unwritable`] for what JSON cannot hold.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunError> {
        let path = self.path.join(name);
        match serde_json::to_vec_pretty(value) {
            Ok(bytes) => Ok(files::write_atomic(&path, &bytes)?),
            Err(error) => Err(RunError::Unwritable { path, what: error.to_string() }),
        }
    }

    /// Reads the JSON file `name`.
    ///
    /// # Errors
    /// [`FileError`], or [`RunError::Unreadable`] where it is not the JSON of a `T`.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, RunError> {
        let path = self.path.join(name);
        let bytes = files::read(&path, TEXT_LIMIT)?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::Unreadable { path, what: error.to_string() })
    }

    /// Replaces the picture that the run list shows, a whole PNG file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write_thumbnail(&self, png: &[u8]) -> Result<(), RunError> {
        Ok(files::write_atomic(&self.path.join(THUMBNAIL_FILE), png)?)
    }

    /// Claims the run for this process until the lock is dropped or the process ends in any way, and sweeps up
    /// half-written checkpoints of a process that was killed.
    ///
    /// # Errors
    /// [`RunError::Busy`] where the run is claimed already, else a [`FileError`].
    pub fn lock(&self) -> Result<RunLock, RunError> {
        let lock = RunLock::take(&self.path)?;
        let leftovers = fs::read_dir(self.path.join(CHECKPOINTS)).into_iter().flatten().flatten();
        for entry in leftovers {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') && name.ends_with(PART_SUFFIX) {
                // Only room is lost where this fails.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(lock)
    }

    fn write_info(&self) -> Result<(), RunError> {
        let path = self.path.join(INFO_FILE);
        let manifest = Manifest { format: RUN_FORMAT, info: &self.info };
        match toml::to_string(&manifest) {
            Ok(text) => Ok(files::write_atomic(&path, text.as_bytes())?),
            Err(error) => Err(RunError::Unwritable { path, what: error.to_string() }),
        }
    }
}

fn read_info(dir: &Path) -> Result<RunInfo, RunError> {
    let path = dir.join(INFO_FILE);
    let text = match files::read_text(&path, INFO_LIMIT) {
        Err(FileError::NotFound { .. } | FileError::NotAFolder { .. }) if dir.exists() => {
            return Err(RunError::NotARun { path: dir.into() });
        }
        result => result?,
    };
    let unreadable = |error: toml::de::Error| RunError::Unreadable {
        path: path.clone(),
        // The parser's own rendering quotes the file over several lines.
        what: error.message().trim().replace('\n', ", "),
    };
    let version: Version = toml::from_str(&text).map_err(unreadable)?;
    if version.format > RUN_FORMAT {
        return Err(RunError::Newer { path: dir.into(), found: version.format });
    }
    let manifest: Manifest<RunInfo> = toml::from_str(&text).map_err(unreadable)?;
    Ok(manifest.info)
}

/// A run claimed for this process; dropping it gives the run free.
#[derive(Debug)]
pub struct RunLock {
    /// The operating system ends the claim when the file is closed, also for a killed process. The file itself
    /// stays, since removing it could pull it from under a process that has just opened it.
    _file: File,
}

impl RunLock {
    fn take(run: &Path) -> Result<Self, RunError> {
        let path = run.join(LOCK_FILE);
        let fault = |cause| FileError::new(Access::Write, &path, cause);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Who it is is a courtesy; some systems do not let a locked file be read.
                let _ = (&file).take(32).read_to_string(&mut text);
                return Err(RunError::Busy { path: run.into(), process: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(cause)) => return Err(fault(cause).into()),
        }
        file.set_len(0).map_err(fault)?;
        file.seek(SeekFrom::Start(0)).map_err(fault)?;
        writeln!(file, "{}", std::process::id()).map_err(fault)?;
        Ok(Self { _file: file })
    }
}

/// A folder for a run on `source` under `runs` that is not there yet: the data's name, with a number
/// after it from the second run on.
pub fn free_folder(runs: &Path, source: &DataSource) -> PathBuf {
    let stem = match source {
        DataSource::Surface { kind, .. } => kind.name().to_owned(),
        DataSource::Folder(path) => {
            let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let plain: String =
                name.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect();
            if plain.trim_matches('-').is_empty() { "run".to_owned() } else { plain }
        }
    };
    let numbered = (2_u32..).map(|n| runs.join(format!("{stem}-{n}")));
    std::iter::once(runs.join(&stem)).chain(numbered).find(|p| !p.exists()).unwrap_or_else(|| runs.join(&stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> RunInfo {
        RunInfo::new("Turned, first try", "surface:turned", "CPU (Flex)")
    }

    #[test]
    fn a_run_is_created_and_opened_again() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("runs").join("a");
        let mut run = RunFolder::create(&dir, &info(), "[train]\nk_g = 2\n").unwrap();
        run.write_json(SPLIT_FILE, &vec!["abc", "def"]).unwrap();
        run.set_name("Better \"name\"\nin two lines").unwrap();
        let run = RunFolder::open(&dir).unwrap();
        assert_eq!(run.info().name, "Better \"name\"\nin two lines");
        assert_eq!(run.info().source, "surface:turned");
        assert_eq!(run.read_recipe().unwrap(), "[train]\nk_g = 2\n");
        let split: Vec<String> = run.read_json(SPLIT_FILE).unwrap();
        assert_eq!(split, ["abc", "def"]);
    }

    #[test]
    fn a_folder_with_anything_in_it_is_not_taken() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a");
        RunFolder::create(&dir, &info(), "").unwrap();
        let error = RunFolder::create(&dir, &info(), "").unwrap_err();
        assert!(matches!(error, RunError::HoldsARun { .. }));
        let message = error.to_string();
        assert!(message.contains("--resume") && message.contains("--out"), "{message}");
        assert!(message.contains(&dir.display().to_string()), "{message}");
        assert!(matches!(RunFolder::create(root.path(), &info(), ""), Err(RunError::NotEmpty { .. })));
        assert!(matches!(
            RunFolder::create(&dir.join(RECIPE_FILE), &info(), ""),
            Err(RunError::File(FileError::NotAFolder { .. }))
        ));
    }

    #[test]
    fn folders_that_are_no_runs_of_ours_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(RunFolder::open(root.path()), Err(RunError::NotARun { .. })));
        assert!(matches!(
            RunFolder::open(&root.path().join("nowhere")),
            Err(RunError::File(FileError::NotFound { .. }))
        ));
        let file = root.path().join(INFO_FILE);

        fs::write(&file, "format = 2\nsomething = \"unheard of\"\n").unwrap();
        let error = RunFolder::open(root.path()).unwrap_err();
        assert!(matches!(error, RunError::Newer { found: 2, .. }));
        assert!(error.to_string().contains("update the program"), "{error}");

        for text in ["format = 1\nname = \"x\"\n", "{ not toml", "name = 3", ""] {
            fs::write(&file, text).unwrap();
            let error = RunFolder::open(root.path()).unwrap_err();
            assert!(matches!(error, RunError::Unreadable { .. }), "{text}: {error}");
            let message = error.to_string();
            assert!(message.contains(INFO_FILE) && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn a_run_is_claimed_by_one_process_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&root.path().join("a"), &info(), "").unwrap();
        let part = run.path().join(CHECKPOINTS).join(".step-1.xyz.part");
        fs::write(&part, b"half").unwrap();
        let lock = run.lock().unwrap();
        assert!(!part.exists(), "left by a killed process");
        let error = run.lock().unwrap_err();
        assert!(matches!(
            error,
            RunError::Busy { process: Some(process), .. } if process == std::process::id()
        ));
        assert!(error.to_string().contains(&run.path().display().to_string()), "{error}");
        drop(lock);
        run.lock().unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a");
        let mut run = RunFolder::create(&dir, &info(), "").unwrap();
        fs::rename(&dir, root.path().join("b")).unwrap();
        let error = run.set_name("other").unwrap_err();
        assert!(error.to_string().contains(INFO_FILE), "{error}");
        assert_eq!(run.info().name, "Turned, first try");
    }

    #[test]
    fn runs_get_folders_of_their_own() {
        let runs = tempfile::tempdir().unwrap();
        let source = DataSource::Surface { kind: crate::data::surface::SurfaceKind::Turned, seed: 1 };
        assert_eq!(free_folder(runs.path(), &source), runs.path().join("turned"));
        fs::create_dir(runs.path().join("turned")).unwrap();
        assert_eq!(free_folder(runs.path(), &source), runs.path().join("turned-2"));
        let folder = DataSource::Folder("/parts/Class 1?".into());
        assert_eq!(free_folder(runs.path(), &folder), runs.path().join("Class-1-"));
        assert_eq!(free_folder(runs.path(), &DataSource::Folder("/".into())), runs.path().join("run"));
    }
}
