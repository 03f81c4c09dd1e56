//! TensorBoard event files: the run's own log, written and read here and readable by TensorBoard itself.
//!
//! An event file is a sequence of framed records ([`record`]), each a protocol buffer message ([`proto`]):
//! a wall time, a step, and scalars, images, histograms or texts under tags such as `loss/d_real`. A run that
//! is resumed starts a further file, whose first event says from which step on the older ones are superseded.

mod histogram;
mod proto;
mod reader;
mod record;
mod writer;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

pub use histogram::BucketHistogram;
pub use reader::{HistogramPoint, ImageRef, LogTail, RunLog, ScalarPoint, TailProgress, TextPoint, load_image};
pub use record::MAX_RECORD;
pub use writer::{EventWriter, PngImage};

use crate::files::{Access, FileError};

/// What TensorBoard looks for in a file's name.
const NAME_MARK: &str = "tfevents";

/// True for the name of an event file, by TensorBoard's own rule.
pub fn is_event_file(name: &OsStr) -> bool {
    name.to_string_lossy().contains(NAME_MARK)
}

/// The event files directly in `dir`, sorted by name, which is the order in which TensorBoard reads them and,
/// by the naming of [`EventWriter::create`], the order in which they were begun.
///
/// # Errors
/// [`FileError`] where the folder cannot be listed.
pub fn event_files(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let fault = |cause| FileError::new(Access::Read, dir, cause);
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        // `metadata` of the path, not of the entry, so that links to files count.
        let is_file = || fs::metadata(entry.path()).is_ok_and(|kind| kind.is_file());
        if is_event_file(&entry.file_name()) && is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
