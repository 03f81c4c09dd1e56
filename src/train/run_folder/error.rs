//! Errors of run folders.

use std::path::{Path, PathBuf};

use super::layout::{INFO_FILE, RUN_FORMAT};
use crate::{files::FileError, text::PrintablePath};

/// Errors of a run folder. Each message names the folder or file and the remedy.
#[expect(missing_docs, reason = "the messages document the variants and fields")]
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    File(#[from] FileError),

    #[error("{} already contains a run; resume it with --resume, or choose another folder with --out", path.printable())]
    HoldsARun { path: PathBuf },

    #[error("{} is not empty and not a run; choose another folder with --out", path.printable())]
    NotEmpty { path: PathBuf },

    #[error("{} is not a run folder: it has no {INFO_FILE}; choose a folder that contains one", path.printable())]
    NotARun { path: PathBuf },

    #[error("{} was written by a newer version of this program (run format {found}; this one reads up to {RUN_FORMAT}); update the program to open it", path.printable())]
    Newer { path: PathBuf, found: u32 },

    #[error("cannot read {}: {what}; correct the file or restore it from a backup", path.printable())]
    Unreadable { path: PathBuf, what: String },

    #[error("cannot encode {}: {what}; please report this as a bug", path.printable())]
    Unwritable { path: PathBuf, what: String },

    #[error("the run {} is being trained by {}; stop it first, or open another run", path.printable(), owner(*process))]
    Busy { path: PathBuf, process: Option<u32> },

    #[error("{} is not directly in {}; only runs listed there can be moved", path.printable(), root.printable())]
    Elsewhere { path: PathBuf, root: PathBuf },

    #[error("the folder of the run, {}, was removed, moved or replaced by another; put it back to go on, or start a new run", path.printable())]
    Gone { path: PathBuf },

    #[error("{} cannot be resumed, because all its checkpoints are damaged ({faults}); restore one of them from a backup, or start a new run with --data and another folder with --out", path.printable())]
    AllDamaged { path: PathBuf, faults: String },
}

impl RunError {
    /// The error of a run with nothing but damaged checkpoints, each with its reason.
    pub(super) fn all_damaged(path: &Path, faults: &[FileError]) -> Self {
        let faults: Vec<String> = faults.iter().map(FileError::fault_of_file).collect();
        Self::AllDamaged { path: path.into(), faults: faults.join("; ") }
    }
}

fn owner(process: Option<u32>) -> String {
    match process {
        Some(process) => format!("process {process}"),
        None => "another process".to_owned(),
    }
}
