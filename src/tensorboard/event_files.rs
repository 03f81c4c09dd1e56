//! Names of event files, and listing a folder's.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::files::{Access, FileError};

/// The text by which TensorBoard recognises an event file's name.
pub(super) const NAME_MARK: &str = "tfevents";

/// Whether a file name is that of an event file, by TensorBoard's rule.
fn is_event_file(name: &OsStr) -> bool {
    name.to_string_lossy().contains(NAME_MARK)
}

/// Lists the event files directly in `dir`, sorted by name. This is the order in which TensorBoard reads them and, by the
/// naming of [`EventWriter::create`](super::EventWriter::create), the order of their creation.
///
/// # Errors
/// [`FileError`] if the folder cannot be listed.
pub(crate) fn event_files(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let fault = |cause| FileError::new(Access::Read, dir, cause);
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        // The metadata of the path, not of the entry, so that links to files count.
        let is_file = || fs::metadata(entry.path()).is_ok_and(|kind| kind.is_file());
        if is_event_file(&entry.file_name()) && is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
