//! Creating, opening, reading and writing a run folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    error::RunError,
    info::{RunInfo, read_info, write_info},
    layout::{CHECKPOINTS, INFO_FILE, INFO_LIMIT, RECIPE_FILE, TEXT_LIMIT, THUMBNAIL_FILE},
    lock::RunLock,
};
use crate::{
    data::DataSource,
    files,
    files::{Access, FileError, PART_SUFFIX},
};

/// An open run folder.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    info: RunInfo,
}

impl RunFolder {
    /// Creates `dir` with its missing parents and starts a run there.
    ///
    /// # Errors
    /// [`RunError::HoldsARun`] or [`RunError::NotEmpty`] if the folder is not empty, otherwise a [`FileError`].
    pub fn create(dir: &Path, info: &RunInfo, recipe_toml: &str) -> Result<Self, RunError> {
        let write_fault = |cause| FileError::new(Access::Write, dir, cause);
        fs::create_dir_all(dir).map_err(|cause| match cause.kind() {
            // A file of that name exists.
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
        // Last, because its presence makes the folder a run.
        write_info(&run.path, &run.info)?;
        Ok(run)
    }

    /// Opens an existing run.
    ///
    /// # Errors
    /// [`RunError::NotARun`], [`RunError::Newer`], [`RunError::Unreadable`] or a [`FileError`].
    pub fn open(dir: &Path) -> Result<Self, RunError> {
        Ok(Self { path: dir.to_owned(), info: read_info(dir)? })
    }

    /// The folder, which directly contains the event files.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Description of the run.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// Renames the run. The folder keeps its name.
    ///
    /// # Errors
    /// [`FileError`] if `run.toml` cannot be written; the name is then unchanged.
    pub fn set_name(&mut self, name: &str) -> Result<(), RunError> {
        let old = std::mem::replace(&mut self.info.name, name.to_owned());
        let result = write_info(&self.path, &self.info);
        if result.is_err() {
            self.info.name = old;
        }
        result
    }

    /// Reads the text of the recipe.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read_recipe(&self) -> Result<String, RunError> {
        Ok(files::read_text(&self.path.join(RECIPE_FILE), INFO_LIMIT)?)
    }

    /// Replaces the text of the recipe.
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
    /// [`FileError`], or [`RunError::Unwritable`] for values that JSON cannot represent.
    pub(crate) fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunError> {
        let path = self.path.join(name);
        match serde_json::to_vec_pretty(value) {
            Ok(bytes) => Ok(files::write_atomic(&path, &bytes)?),
            Err(error) => Err(RunError::Unwritable { path, what: error.to_string() }),
        }
    }

    /// Reads the JSON file `name`.
    ///
    /// # Errors
    /// [`FileError`], or [`RunError::Unreadable`] if it is not valid JSON of a `T`.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, RunError> {
        let path = self.path.join(name);
        let bytes = files::read(&path, TEXT_LIMIT)?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::Unreadable { path, what: error.to_string() })
    }

    /// Replaces the thumbnail for the run list, a PNG file.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn write_thumbnail(&self, png: &[u8]) -> Result<(), RunError> {
        Ok(files::write_atomic(&self.path.join(THUMBNAIL_FILE), png)?)
    }

    /// Locks the run for this process until the lock is dropped or the process ends, and removes partially written
    /// checkpoints of a killed process.
    ///
    /// # Errors
    /// [`RunError::Busy`] if the run is already locked, otherwise a [`FileError`].
    pub fn lock(&self) -> Result<RunLock, RunError> {
        let lock = RunLock::take(&self.path)?;
        let leftovers = fs::read_dir(self.path.join(CHECKPOINTS)).into_iter().flatten().flatten();
        for entry in leftovers {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') && name.ends_with(PART_SUFFIX) {
                // A failure only costs disk space.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(lock)
    }
}

/// Returns an unused folder in `runs` for a run on `source`: the name of the data, with a number from the second run on.
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
    use crate::train::run_folder::SPLIT_FILE;

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
    fn a_folder_that_is_not_empty_is_rejected() {
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
    fn folders_that_are_not_runs_are_distinguished() {
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
    fn a_run_is_locked_by_one_process_at_a_time() {
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
    fn runs_get_separate_folders() {
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
