//! Temporary files and folders, which are renamed when they are complete.

use std::{fs::File, io, path::Path};

#[cfg(test)]
use super::interruption;
use crate::text::file_name;

/// Extension of the temporary file that [`write_atomic`](super::write_atomic) renames. A leftover one belongs to a process that was killed while
/// writing.
pub(crate) const PART_SUFFIX: &str = ".part";

/// Number of random characters in the name of a temporary file or folder.
pub(super) const RANDOM: usize = 6;

/// Whether `name` is that of a temporary file or folder for the file called `file`.
pub(crate) fn is_part_name(name: &str, file: &str) -> bool {
    is_part_of(name, &prefix_of(file))
}

/// Start of the names of temporary files and folders for `path`.
pub(super) fn part_prefix(path: &Path) -> String {
    prefix_of(&path.file_name().unwrap_or_default().to_string_lossy())
}

/// Room for the dots, the random letters and the suffix beside the name.
const AROUND: usize = 2 + RANDOM + PART_SUFFIX.len();

/// Start of the temporary names for a file name; one that leaves no room for the rest is shortened.
fn prefix_of(name: &str) -> String {
    let fits = name.len() + AROUND <= 255;
    if fits { format!(".{name}.") } else { format!(".{}.", file_name(name, AROUND)) }
}

pub(super) fn is_part_of(name: &str, prefix: &str) -> bool {
    let random = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(PART_SUFFIX));
    random.is_some_and(|random| random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The folder that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Carries out one operation on files; tests can stop at each.
pub(super) fn operation<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(test)]
    interruption::count()?;
    work()
}

/// Makes renames within `folder` durable. On Windows the file system's journal does.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Some file systems do not support this for folders; the rename itself has succeeded.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}
