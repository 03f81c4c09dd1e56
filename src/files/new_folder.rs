//! Folders that appear with all their contents at once.

use std::{
    ffi::OsStr,
    fs,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use super::{
    error::{Access, FileError},
    part::{PART_SUFFIX, RANDOM, is_part_of, operation, parent, part_prefix, sync_folder},
};
use crate::text::PrintablePath;

/// Creates the folder `target`, with its missing parents, with what `fill` writes into the folder that it is given.
///
/// That folder is hidden and renamed at the end, so that a process that is killed leaves no half of it at `target`. If
/// `target` exists, the hidden folder lies in it and its entries are moved up, the one named `last` at the end.
/// Hidden folders that a killed process has left for the same target are removed.
///
/// # Errors
/// Those of `fill` and of the operating system; nothing is then left at `target` but what was there.
pub(crate) fn create_folder<E: From<FileError>>(
    target: &Path,
    last: impl AsRef<OsStr>,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let fault = |cause| FileError::new(Access::Write, target, cause);
    let exists = target.is_dir();
    if !exists && target.exists() {
        return Err(FileError::NotAFolder { access: Access::Write, path: target.into() }.into());
    }
    let base = if exists { target } else { parent(target) };
    operation(|| fs::create_dir_all(base)).map_err(|cause| match cause.kind() {
        // A file of that name exists.
        io::ErrorKind::AlreadyExists => FileError::NotAFolder { access: Access::Write, path: target.into() },
        _ => fault(cause),
    })?;
    let prefix = part_prefix(target);
    sweep(base, |name| is_part_of(name, &prefix));
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(PART_SUFFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        // Temporary folders are private by default; this one gets the permissions of an ordinary folder (less the umask).
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    let mut aside = operation(|| builder.tempdir_in(base)).map_err(fault)?;
    // Keeps other processes from removing it. Where folders cannot be locked, they cannot be removed as left over either.
    let _held = File::open(aside.path()).and_then(|folder| folder.try_lock().map(|()| folder).map_err(Into::into));
    let filled = fill(aside.path()).and_then(|()| {
        if exists { move_up(aside.path(), target, last.as_ref()) } else { rename(aside.path(), target) }
            .map_err(|cause| fault(cause).into())
    });
    #[cfg(test)]
    if super::interruption::has_stopped() {
        aside.disable_cleanup(true);
    }
    if filled.is_ok() && !exists {
        // It has another name now.
        aside.disable_cleanup(true);
    }
    filled?;
    drop(aside);
    Ok(operation(|| sync_folder(base)).map_err(fault)?)
}

/// Removes the files and folders in `folder` that a killed process has left, of those whose names are `ours`. Those that
/// a living process still holds are kept. A failure only costs disk space.
pub(crate) fn sweep(folder: &Path, ours: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(&ours) {
            continue;
        }
        let path = entry.path();
        let held = File::open(&path).and_then(|file| file.try_lock().map(|()| file).map_err(Into::into));
        let Ok(_held) = held else { continue };
        let removed = operation(|| if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) });
        if let Err(error) = removed {
            tracing::warn!("{} was left by a process that was killed, and was not removed: {error}", path.printable());
        }
    }
}

/// Moves the entries of `from` into `to`, the one named `last` at the end.
fn move_up(from: &Path, to: &Path, last: &OsStr) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(from)?.map(|e| Ok(e?.path())).collect::<io::Result<_>>()?;
    entries.sort_by_key(|path| (path.file_name().is_some_and(|name| name == last), path.clone()));
    for entry in entries {
        if let Some(name) = entry.file_name() {
            rename(&entry, &to.join(name))?;
        }
    }
    Ok(())
}

/// Renames a file or folder. An empty folder at `to` is replaced.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    if cfg!(not(unix)) && to.is_dir() {
        let _ = fs::remove_dir(to);
    }
    operation(|| fs::rename(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{interruption, write_atomic};

    fn fill(folder: &Path) -> Result<(), FileError> {
        write_atomic(&folder.join("a"), b"first")?;
        fs::create_dir(folder.join("sub")).map_err(|cause| FileError::new(Access::Write, folder, cause))?;
        write_atomic(&folder.join("z"), b"last")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_whole_or_absent_wherever_its_creation_stops() {
        let mut operations = 0;
        loop {
            let root = tempfile::tempdir().unwrap();
            let target = root.path().join("deep").join("set");
            let (result, stopped) = interruption::after(operations, || create_folder(&target, "z", fill));
            assert_eq!(result.is_err(), stopped);
            if target.exists() {
                assert_eq!(names(&target), ["a", "sub", "z"], "after {operations} operations");
            } else {
                create_folder(&target, "z", fill).unwrap();
            }
            assert_eq!(names(&root.path().join("deep")), ["set"], "nothing is left over after {operations} operations");
            if !stopped {
                break;
            }
            operations += 1;
        }
        assert!(operations > 8, "each write, sync and rename counts: {operations}");
    }

    #[test]
    fn in_a_folder_that_exists_the_last_entry_comes_last() {
        for operations in 0..40 {
            let root = tempfile::tempdir().unwrap();
            let (_, stopped) = interruption::after(operations, || create_folder(root.path(), "z", fill));
            if root.path().join("z").exists() {
                assert!(root.path().join("a").exists() && root.path().join("sub").is_dir());
            }
            create_folder(root.path(), "z", fill).unwrap();
            assert_eq!(names(root.path()), ["a", "sub", "z"], "after {operations} operations");
            assert!(stopped || operations > 8);
        }
    }

    #[test]
    fn a_failure_leaves_nothing_and_strangers_stay() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("set");
        let result = create_folder(&target, "", |folder| {
            fill(folder)?;
            Err(FileError::damaged(folder, "no more"))
        });
        assert!(result.is_err());
        assert!(names(root.path()).is_empty());
        for stranger in [".set.part", ".set.notes.part", ".other.ABC123.part"] {
            fs::create_dir(root.path().join(stranger)).unwrap();
        }
        let living = root.path().join(".set.abc123.part");
        fs::create_dir(&living).unwrap();
        let held = File::open(&living).unwrap();
        held.lock().unwrap();
        create_folder(&target, "", fill).unwrap();
        assert_eq!(names(root.path()).len(), 5);
        drop(held);
        fs::remove_dir_all(&target).unwrap();
        create_folder(&target, "", fill).unwrap();
        assert!(!living.exists(), "no process holds it any more");
    }
}
