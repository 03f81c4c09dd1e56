//! Creating, opening, reading and writing a run folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    error::RunError,
    info::{RunInfo, read_info, write_info},
    layout::{
        CHECKPOINTS, INFO_FILE, INFO_LIMIT, LOCK_FILE, MODEL_FILE, RECIPE_FILE, SPLIT_FILE, TEXT_LIMIT, THUMBNAIL_FILE,
    },
    lock::RunLock,
};
use crate::{
    data::{DataSource, FolderRoles},
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
        Self::create_with(dir, info, recipe_toml, None::<&()>)
    }

    /// Creates `dir` with its missing parents and starts a run there, with its split. The run appears with all its files at
    /// once. A folder with nothing but what a killed process has left of a run's creation is taken up.
    ///
    /// # Errors
    /// [`RunError::HoldsARun`] or [`RunError::NotEmpty`] if the folder is not empty, otherwise a [`FileError`].
    pub(crate) fn create_with<S: Serialize>(
        dir: &Path,
        info: &RunInfo,
        recipe_toml: &str,
        split: Option<&S>,
    ) -> Result<Self, RunError> {
        if dir.exists() && !dir.is_dir() {
            return Err(FileError::NotAFolder { access: Access::Write, path: dir.into() }.into());
        }
        if dir.is_dir() && !is_unfinished(dir)? {
            let path = dir.to_owned();
            let is_run = dir.join(INFO_FILE).exists();
            return Err(if is_run { RunError::HoldsARun { path } } else { RunError::NotEmpty { path } });
        }
        // The manifest is last, because its presence makes the folder a run.
        files::create_folder(dir, INFO_FILE, |aside| {
            let run = Self { path: aside.to_owned(), info: info.clone() };
            let checkpoints = aside.join(CHECKPOINTS);
            fs::create_dir(&checkpoints).map_err(|cause| FileError::new(Access::Write, checkpoints, cause))?;
            run.update_recipe(recipe_toml)?;
            if let Some(split) = split {
                run.write_json(SPLIT_FILE, split)?;
            }
            write_info(&run.path, &run.info)
        })?;
        Ok(Self { path: dir.to_owned(), info: info.clone() })
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

    /// Checks that the folder still exists and is a run.
    ///
    /// # Errors
    /// [`RunError::Gone`].
    pub(super) fn require_present(&self) -> Result<(), RunError> {
        if self.path.join(INFO_FILE).exists() { Ok(()) } else { Err(RunError::Gone { path: self.path.clone() }) }
    }

    /// Checks that the folder is still the one that `lock` was taken in.
    ///
    /// # Errors
    /// [`RunError::Gone`] if it was removed, moved or replaced.
    pub(crate) fn require_owned(&self, lock: &RunLock) -> Result<(), RunError> {
        self.require_present()?;
        if lock.is_of(&self.path) { Ok(()) } else { Err(RunError::Gone { path: self.path.clone() }) }
    }

    /// Whether the run in `dir` can be resumed now: it can be locked, and has an intact checkpoint or none at all.
    pub(crate) fn is_resumable(dir: &Path) -> bool {
        let latest = Self::open(dir).and_then(|run| {
            let _lock = run.lock()?;
            run.read_recipe()?;
            run.stored_split::<serde::de::IgnoredAny>()?;
            run.latest_intact()
        });
        latest.is_ok()
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

    /// Reads the split of training and held-out images. `None` if the run was killed before it was written and has not
    /// been trained: it can then be drawn again.
    ///
    /// # Errors
    /// As [`read_json`](Self::read_json).
    pub(crate) fn stored_split<T: DeserializeOwned>(&self) -> Result<Option<T>, RunError> {
        match self.read_json(SPLIT_FILE) {
            Err(RunError::File(FileError::NotFound { .. })) if self.checkpoints()?.is_empty() => Ok(None),
            result => result.map(Some),
        }
    }

    /// Replaces the thumbnail for the run list, a PNG file.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn write_thumbnail(&self, png: &[u8]) -> Result<(), RunError> {
        Ok(files::write_atomic(&self.path.join(THUMBNAIL_FILE), png)?)
    }

    /// Locks the run for this process until the lock is dropped or the process ends, and removes the partially written files
    /// of a killed process. Files of other names, and those that another process is writing, are kept.
    ///
    /// # Errors
    /// [`RunError::Busy`] if the run is already locked, otherwise a [`FileError`].
    pub fn lock(&self) -> Result<RunLock, RunError> {
        let lock = RunLock::take(&self.path)?;
        files::sweep(&self.path, is_part_of_run);
        // Only the owner of the lock writes checkpoints.
        files::sweep(&self.path.join(CHECKPOINTS), |name| name.starts_with(".step-") && name.ends_with(PART_SUFFIX));
        Ok(lock)
    }
}

/// Whether `name` is that of a partially written file of a run.
fn is_part_of_run(name: &str) -> bool {
    let files = [INFO_FILE, RECIPE_FILE, SPLIT_FILE, THUMBNAIL_FILE, MODEL_FILE];
    files.iter().any(|file| files::is_part_name(name, file))
}

/// Whether a folder is empty but for what a killed process may have left of a run's creation.
fn is_unfinished(dir: &Path) -> Result<bool, FileError> {
    let fault = |cause| FileError::new(Access::Read, dir, cause);
    let own = dir.file_name().unwrap_or_default().to_string_lossy();
    for entry in fs::read_dir(dir).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name();
        let left_over = match name.to_str() {
            Some(RECIPE_FILE | SPLIT_FILE | LOCK_FILE) => true,
            Some(CHECKPOINTS) => fs::read_dir(entry.path()).map_err(fault)?.next().is_none(),
            Some(name) => is_part_of_run(name) || files::is_part_name(name, &own),
            None => false,
        };
        if !left_over {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns an unused folder in `runs` for a run on `source`: the name of the data, with a number from the second run on.
pub fn free_folder(runs: &Path, source: &DataSource) -> PathBuf {
    let stem = match source {
        DataSource::Surface { kind, .. } => kind.name().to_owned(),
        DataSource::Folder(path) | DataSource::Assigned(FolderRoles { root: path, .. }) => {
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
    use crate::files::interruption;

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
    fn a_run_starts_or_resumes_wherever_its_creation_was_killed() {
        for exists in [false, true] {
            for operations in 0.. {
                let root = tempfile::tempdir().unwrap();
                let dir = root.path().join("runs").join("a");
                if exists {
                    fs::create_dir_all(&dir).unwrap();
                }
                let create = || RunFolder::create_with(&dir, &info(), "[train]\nk_g = 2\n", Some(&["abc"]));
                let (_, stopped) = interruption::after(operations, || create().and_then(|run| run.lock()));
                let at = format!("after {operations} operations in a folder that exists: {exists}");
                let run = match RunFolder::open(&dir) {
                    Ok(run) => run,
                    Err(RunError::NotARun { .. } | RunError::File(FileError::NotFound { .. })) => {
                        create().unwrap_or_else(|error| panic!("{at}: {error}"))
                    }
                    Err(error) => panic!("{at}: {error}"),
                };
                drop(run.lock().unwrap());
                assert_eq!(run.read_recipe().unwrap(), "[train]\nk_g = 2\n", "{at}");
                assert_eq!(run.read_json::<Vec<String>>(SPLIT_FILE).unwrap(), ["abc"], "{at}");
                run.save_checkpoint(&crate::train::run_folder::Checkpoint::default()).unwrap();
                let beside: Vec<_> = fs::read_dir(root.path().join("runs")).unwrap().collect();
                assert_eq!(beside.len(), 1, "{at}: nothing is left beside the run");
                let within = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
                assert!(within.into_iter().all(|name| !name.ends_with(PART_SUFFIX)), "{at}");
                if !stopped {
                    assert!(operations > 12, "each write, sync and rename counts: {operations}");
                    break;
                }
            }
        }
    }

    #[test]
    fn a_folder_with_anything_of_the_users_is_not_taken_up() {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in [("recipe.toml", "x"), ("split.json", "[]"), (".recipe.toml.abc123.part", "x")] {
            fs::write(root.path().join(name), content).unwrap();
        }
        fs::create_dir(root.path().join(CHECKPOINTS)).unwrap();
        let notes = root.path().join("notes.txt");
        fs::write(&notes, "mine").unwrap();
        assert!(matches!(RunFolder::create(root.path(), &info(), ""), Err(RunError::NotEmpty { .. })));
        fs::remove_file(&notes).unwrap();
        let checkpoint = root.path().join(CHECKPOINTS).join("step-00000001.safetensors");
        fs::write(&checkpoint, "work").unwrap();
        assert!(matches!(RunFolder::create(root.path(), &info(), ""), Err(RunError::NotEmpty { .. })));
        fs::remove_file(&checkpoint).unwrap();
        let run = RunFolder::create(root.path(), &info(), "new").unwrap();
        assert_eq!(run.read_recipe().unwrap(), "new");
    }

    #[test]
    fn only_own_parts_that_nobody_writes_are_swept() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&root.path().join("a"), &info(), "").unwrap();
        let file = |name: &str| {
            let path = run.path().join(name);
            fs::write(&path, b"half").unwrap();
            path
        };
        let own = [".model.ganspect.Ab12z9.part", ".recipe.toml.aaaaaa.part", ".thumbnail.png.000000.part"].map(file);
        let strangers =
            [".notes.part", "model.ganspect.part", ".model.ganspect.part", ".photo.png.aaaaaa.part"].map(file);
        let written = file(".model.ganspect.zzzzzz.part");
        let held = fs::File::open(&written).unwrap();
        held.lock().unwrap();
        drop(run.lock().unwrap());
        assert!(own.iter().all(|path| !path.exists()), "left by a killed process");
        assert!(strangers.iter().all(|path| path.exists()));
        assert!(written.exists(), "another process is writing it");
        drop(held);
        drop(run.lock().unwrap());
        assert!(!written.exists());
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
