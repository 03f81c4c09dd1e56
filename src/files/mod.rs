//! Reading and writing whole files, with errors that name the file and a remedy.
//!
//! Files are written atomically: to a temporary file, which is then renamed. A reader finds either the old or the new contents,
//! both complete, whenever the writer stops.

mod error;
#[cfg(test)]
pub(crate) mod interruption;
mod new_folder;
mod part;

use std::{
    fs,
    fs::File,
    io,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

pub use error::{Access, FileError};
pub(crate) use new_folder::{create_folder, sweep};
pub(crate) use part::{PART_SUFFIX, is_part_name};
use part::{operation, parent, part_prefix, sync_folder};

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// Those of the operating system, [`FileError::TooLarge`] before anything is read, and [`FileError::NotAFile`] for a device
/// or a pipe, which might never end.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let (file, _) = open(path, limit)?;
    let mut bytes = Vec::new();
    // The file may have grown since its length was checked.
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|cause| FileError::new(Access::Read, path, cause))?;
    let size = bytes.len() as u64;
    if size > limit { Err(FileError::TooLarge { path: path.into(), size, limit }) } else { Ok(bytes) }
}

/// Opens a file of at most `limit` bytes for reading. Returns its length too.
///
/// # Errors
/// As [`read`].
pub(crate) fn open(path: &Path, limit: u64) -> Result<(File, u64), FileError> {
    let fault = |cause| FileError::new(Access::Read, path, cause);
    // Checked before opening, because opening a pipe waits for its writer.
    let kind = fs::metadata(path).map_err(fault)?;
    if kind.is_dir() {
        return Err(FileError::IsFolder { access: Access::Read, path: path.into() });
    }
    if !kind.is_file() {
        return Err(FileError::NotAFile { path: path.into() });
    }
    let file = File::open(path).map_err(fault)?;
    let size = file.metadata().map_err(fault)?.len();
    if size > limit { Err(FileError::TooLarge { path: path.into(), size, limit }) } else { Ok((file, size)) }
}

/// Reads a whole UTF-8 text file of at most `limit` bytes.
///
/// # Errors
/// Those of [`read`], and [`FileError::Damaged`] if the bytes are not UTF-8.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|_| FileError::damaged(path, "it is not UTF-8 text"))
}

/// Atomically replaces the file at `path` with `bytes`; see `write_atomic_with`.
///
/// # Errors
/// Those of the operating system; the file at `path` is then unchanged.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_atomic_with(path, |out| out.write_all(bytes))
}

/// Atomically replaces the file at `path` with the output of `fill`.
///
/// Writes a hidden file in the same folder, syncs it and renames it to `path`, then syncs the folder, so that the new file
/// survives a power cut.
///
/// # Errors
/// Those of `fill` and the operating system; the file at `path` is then unchanged.
pub(crate) fn write_atomic_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let fault = |cause| FileError::new(Access::Write, path, cause);
    if path.is_dir() {
        return Err(FileError::IsFolder { access: Access::Write, path: path.into() });
    }
    let folder = parent(path);
    let prefix = part_prefix(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(PART_SUFFIX);
    #[cfg(unix)]
    {
        // Temporary files are private by default; this one gets the permissions of an ordinary file (less the umask).
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let part = operation(|| builder.tempfile_in(folder)).map_err(fault)?;
    // Keeps other processes from removing it as left over; where files cannot be locked, it is hardly ever missed.
    let _ = part.as_file().try_lock();
    let mut out = BufWriter::with_capacity(1 << 18, PartFile(part));
    let filled = fill(&mut out).and_then(|()| out.flush());
    // The rest of the buffer is in the file, or of no use.
    let PartFile(part) = out.into_parts().0;
    let placed = filled.and_then(|()| operation(|| part.as_file().sync_all())).and_then(|()| operation(|| Ok(())));
    if let Err(cause) = placed {
        #[cfg(test)]
        if interruption::has_stopped() {
            let _ = part.keep();
        }
        return Err(fault(cause));
    }
    part.persist(path).map_err(|failed| fault(failed.error))?;
    operation(|| sync_folder(folder)).map_err(fault)
}

/// A temporary file, each write to which is an operation.
struct PartFile(NamedTempFile);

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        operation(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns the path itself if nothing is there, otherwise the first free one of `name-2.ext`, `name-3.ext` and so on.
pub(crate) fn unused(path: &Path) -> PathBuf {
    let [own] = unused_group([path]);
    own
}

/// Whether something is at a path; a broken link is something, too.
pub(crate) fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// As [`unused`], with one number for all of them.
pub(crate) fn unused_group<const N: usize>(paths: [&Path; N]) -> [PathBuf; N] {
    let numbered = |path: &Path, number: usize| {
        let (stem, extension) = (path.file_stem().unwrap_or_default(), path.extension());
        let mut name = stem.to_os_string();
        name.push(format!("-{number}"));
        if let Some(extension) = extension {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    let mut candidates = paths.map(Path::to_owned);
    let mut number = 2;
    while candidates.iter().any(|path| is_taken(path)) {
        candidates = paths.map(|path| numbered(path, number));
        number += 1;
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_path_that_is_taken_gets_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(unused(&at("a.csv")), at("a.csv"));
        for name in ["a.csv", "a-2.csv", "b", "c.json"] {
            fs::write(at(name), "x").unwrap();
        }
        assert_eq!((unused(&at("a.csv")), unused(&at("b"))), (at("a-3.csv"), at("b-2")));
        let both = unused_group([&at("b"), &at("d.csv")].map(PathBuf::as_path));
        assert_eq!(both, [at("b-2"), at("d-2.csv")], "one number for files that belong together");
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"first").unwrap();
        write_atomic(&path, b"second, longer").unwrap();
        assert_eq!(read(&path, 100).unwrap(), b"second, longer");
        assert_eq!(names_in(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_writer_that_fails_halfway_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        let error = write_atomic_with(&path, |out| {
            out.write_all(b"half of the new")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert!(matches!(&error, FileError::DiskFull { path: named } if *named == path));
        let message = error.to_string();
        assert!(message.contains("a.txt") && message.contains("the disk is full; free some space"), "{message}");
        assert_eq!(read(&path, 100).unwrap(), b"old");
        assert_eq!(names_in(folder.path()), ["a.txt"]);
    }

    #[test]
    fn every_way_of_failing_to_write_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write_atomic(&file, b"x").unwrap();
        let missing = folder.path().join("missing").join("x");
        assert!(matches!(write_atomic(&missing, b"x"), Err(FileError::NotFound { .. })));
        assert!(matches!(write_atomic(&file.join("x"), b"x"), Err(FileError::NotAFolder { .. })));
        assert!(matches!(write_atomic(folder.path(), b"x"), Err(FileError::IsFolder { .. })));
        let kinds = [
            (io::ErrorKind::PermissionDenied, "permission denied"),
            (io::ErrorKind::ReadOnlyFilesystem, "read-only"),
            (io::ErrorKind::QuotaExceeded, "disk is full"),
            (io::ErrorKind::TimedOut, "try again"),
        ];
        for (kind, words) in kinds {
            let message = FileError::new(Access::Write, "/x/y", kind.into()).to_string();
            assert!(message.starts_with("cannot write /x/y: "), "{message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn reading_is_bounded_and_only_of_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, &[0xff; 11]).unwrap();
        assert!(matches!(read(&path, 10), Err(FileError::TooLarge { size: 11, limit: 10, .. })));
        assert_eq!(read(&path, 11).unwrap().len(), 11);
        assert!(matches!(read_text(&path, 11), Err(FileError::Damaged { .. })));
        assert!(matches!(read(folder.path(), 10), Err(FileError::IsFolder { .. })));
        assert!(matches!(read(&folder.path().join("b"), 10), Err(FileError::NotFound { .. })));
        #[cfg(unix)]
        assert!(matches!(read(Path::new("/dev/null"), 10), Err(FileError::NotAFile { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn written_files_have_ordinary_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let ours = folder.path().join("ours");
        let plain = folder.path().join("plain");
        write_atomic(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
