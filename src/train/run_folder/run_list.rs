//! Lists the runs in a folder, and moves runs to the trash and back.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    checkpoint::newest_first,
    error::RunError,
    info::{RunInfo, read_info},
    layout::{CHECKPOINTS, INFO_FILE, MODEL_FILE, RECIPE_FILE, THUMBNAIL_FILE},
    lock::RunLock,
};
use crate::{
    files::{Access, FileError, is_taken},
    tensorboard::event_files,
};

/// Name of the folder for deleted runs.
const TRASH: &str = ".trash";

/// A row of the run list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run's folder.
    pub path: PathBuf,
    /// Description of the run, or the reason why it cannot be opened.
    pub info: Result<RunInfo, String>,
    /// Steps done at the latest checkpoint.
    pub steps: u64,
    /// Time of the last change of a file of the run.
    pub last_change: SystemTime,
    /// Thumbnail of its samples, if any.
    pub thumbnail: Option<PathBuf>,
    /// Model built by the run, if any.
    pub model: Option<PathBuf>,
}

/// Lists the runs directly in `root`, most recently changed first. Hidden folders and folders without any file of a run
/// are left out; a missing `root` has no runs. Logs and checkpoints are not opened.
pub fn list_runs(root: &Path) -> Vec<RunSummary> {
    let mut runs: Vec<RunSummary> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .filter_map(|entry| summary(entry.path()))
        .collect();
    runs.sort_by(|a, b| (b.last_change, &a.path).cmp(&(a.last_change, &b.path)));
    runs
}

/// Summarises a run; `None` for a folder that is not a run, not even a broken one.
fn summary(path: PathBuf) -> Option<RunSummary> {
    let logs = event_files(&path).ok()?;
    let checkpoints = newest_first(&path.join(CHECKPOINTS)).unwrap_or_default();
    let known = [INFO_FILE, RECIPE_FILE].map(|name| path.join(name));
    if logs.is_empty() && checkpoints.is_empty() && !known.iter().any(|file| file.exists()) {
        return None;
    }
    let last_change = known
        .iter()
        .chain(logs.last())
        .chain(checkpoints.first().map(|(_, file)| file))
        .filter_map(|file| fs::metadata(file).ok()?.modified().ok())
        .max();
    let file = |name: &str| Some(path.join(name)).filter(|file| file.is_file());
    Some(RunSummary {
        info: read_info(&path).map_err(|error| error.to_string()),
        steps: checkpoints.first().map_or(0, |&(step, _)| step),
        last_change: last_change.unwrap_or(UNIX_EPOCH),
        thumbnail: file(THUMBNAIL_FILE),
        model: file(MODEL_FILE),
        path,
    })
}

/// Moves a run from `root` to the trash folder within it and returns its new path. Nothing is deleted.
///
/// # Errors
/// [`RunError::Busy`] for a run that is being trained, [`RunError::Elsewhere`] for a folder that is not directly
/// in `root`, otherwise a [`FileError`].
pub fn trash_run(root: &Path, run: &Path) -> Result<PathBuf, RunError> {
    let name = name_within(root, run)?;
    // Released immediately, since some systems cannot rename a folder with an open file in it. A folder that cannot be
    // locked for another reason is not being trained.
    if let Err(error @ RunError::Busy { .. }) = RunLock::take(run) {
        return Err(error);
    }
    let trash = root.join(TRASH);
    fs::create_dir_all(&trash).map_err(|cause| FileError::new(Access::Write, &trash, cause))?;
    let free = (1u32..).map(|n| trash.join(format!("{name}-{n}")));
    move_to_free(run, free)
}

/// Restores a run from the trash of `root` and returns its new path: its old name, with a number if that name is taken.
///
/// # Errors
/// [`RunError::Elsewhere`] for a folder that is not directly in the trash, otherwise a [`FileError`].
pub fn restore_run(root: &Path, trashed: &Path) -> Result<PathBuf, RunError> {
    let numbered = name_within(&root.join(TRASH), trashed)?;
    let name = match numbered.rsplit_once('-') {
        Some((name, number)) if !name.is_empty() && number.parse::<u32>().is_ok() => name,
        _ => &numbered,
    };
    let others = (2u32..).map(|n| root.join(format!("{name}-{n}")));
    move_to_free(trashed, std::iter::once(root.join(name)).chain(others))
}

/// Returns the name of `path`, which must be a folder directly in `root`.
fn name_within(root: &Path, path: &Path) -> Result<String, RunError> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|cause| FileError::new(Access::Read, path, cause));
    let (real_root, real_path) = (real(root)?, real(path)?);
    let name = real_path.file_name().map(|name| name.to_string_lossy());
    match name {
        Some(name) if real_path.parent() == Some(&real_root) && real_path.is_dir() && name != TRASH => {
            Ok(name.into_owned())
        }
        _ => Err(RunError::Elsewhere { path: path.into(), root: root.into() }),
    }
}

/// Renames `from` to the first of `targets` that does not exist.
fn move_to_free(from: &Path, targets: impl Iterator<Item = PathBuf>) -> Result<PathBuf, RunError> {
    for to in targets {
        if is_taken(&to) {
            continue;
        }
        return match fs::rename(from, &to) {
            Ok(()) => Ok(to),
            Err(cause) => Err(FileError::new(Access::Write, from, cause).into()),
        };
    }
    Err(FileError::Exists { access: Access::Write, path: from.into() }.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::train::run_folder::{Checkpoint, RunFolder};

    fn run(root: &Path, name: &str) -> RunFolder {
        RunFolder::create(&root.join(name), &RunInfo::new(name, "b", "c"), "recipe").unwrap()
    }

    fn set_age(path: &Path, seconds: u64) {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn runs_are_listed_newest_first_and_broken_ones_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        for (name, age) in [("old", 1000), ("new", 3000), ("broken", 2000)] {
            let run = run(root.path(), name);
            set_age(&run.path().join(RECIPE_FILE), age);
            set_age(&run.path().join(INFO_FILE), age);
        }
        let new = RunFolder::open(&root.path().join("new")).unwrap();
        let checkpoint = Checkpoint { step: 70, ..Checkpoint::default() };
        set_age(&new.save_checkpoint(&checkpoint).unwrap(), 4000);
        new.write_thumbnail(b"png").unwrap();
        fs::write(new.path().join(MODEL_FILE), b"weights").unwrap();
        fs::remove_file(root.path().join("broken").join(INFO_FILE)).unwrap();
        fs::create_dir(root.path().join("photographs")).unwrap();
        fs::create_dir_all(root.path().join(".trash/old-1/checkpoints")).unwrap();
        fs::write(root.path().join("a file"), b"x").unwrap();

        let runs = list_runs(root.path());
        let names: Vec<_> = runs.iter().map(|run| run.path.file_name().unwrap()).collect();
        assert_eq!(names, ["new", "broken", "old"]);
        assert_eq!(runs[0].steps, 70);
        assert_eq!(runs[0].last_change, UNIX_EPOCH + Duration::from_secs(4000));
        assert!(runs[0].thumbnail.is_some() && runs[2].thumbnail.is_none());
        assert_eq!(runs[0].model, Some(new.path().join(MODEL_FILE)));
        assert!(runs[1].model.is_none() && runs[2].model.is_none());
        assert_eq!(runs[0].info.as_ref().unwrap().name, "new");
        let reason = runs[1].info.as_ref().unwrap_err();
        assert!(reason.contains("no run.toml"), "{reason}");
        assert!(list_runs(&root.path().join("nowhere")).is_empty());
    }

    #[test]
    fn a_run_goes_to_the_trash_and_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let dir = run(root.path(), "my-run").path().to_owned();
        let trashed = trash_run(root.path(), &dir).unwrap();
        assert!(trashed.ends_with(".trash/my-run-1"));
        assert!(list_runs(root.path()).is_empty());

        // A second one of the same name does not disturb the first.
        run(root.path(), "my-run");
        let second = trash_run(root.path(), &dir).unwrap();
        assert!(second.ends_with(".trash/my-run-2"));

        assert_eq!(restore_run(root.path(), &trashed).unwrap(), dir);
        let other = restore_run(root.path(), &second).unwrap();
        assert_eq!(other, root.path().join("my-run-2"));
        assert_eq!(RunFolder::open(&dir).unwrap().read_recipe().unwrap(), "recipe");
        assert_eq!(list_runs(root.path()).len(), 2);
    }

    #[test]
    fn only_idle_runs_of_this_folder_are_moved() {
        let root = tempfile::tempdir().unwrap();
        let busy = run(root.path(), "busy");
        let lock = busy.lock().unwrap();
        assert!(matches!(trash_run(root.path(), busy.path()), Err(RunError::Busy { .. })));
        drop(lock);
        let within = busy.path().join(CHECKPOINTS);
        for path in [within.as_path(), root.path(), Path::new("/")] {
            assert!(matches!(trash_run(root.path(), path), Err(RunError::Elsewhere { .. })));
        }
        let dots = busy.path().join("..");
        assert!(matches!(trash_run(root.path(), &dots), Err(RunError::Elsewhere { .. })));
        trash_run(root.path(), busy.path()).unwrap();
        assert!(matches!(trash_run(root.path(), &root.path().join(TRASH)), Err(RunError::Elsewhere { .. })));
        assert!(matches!(restore_run(root.path(), root.path()), Err(RunError::Elsewhere { .. })));
    }
}
