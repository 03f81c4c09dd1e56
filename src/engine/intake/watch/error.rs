//! The errors of a watch.

use std::io;

use super::ledger::LedgerError;
use crate::data::DataError;

/// Why a folder is not watched, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no such folder.
    #[error(transparent)]
    Folder(#[from] DataError),
    /// The thread could not be started.
    #[error("cannot start a thread to watch {folder}: {cause}; close other programs and try again")]
    Thread {
        /// The folder.
        folder: String,
        /// The system's error.
        cause: io::Error,
    },
    /// The record failed; without it, files could be inspected twice.
    #[error("the folder is no longer watched, because the record failed: {0}")]
    Ledger(#[from] LedgerError),
    /// The thread ended unexpectedly.
    #[error("watching {0} was interrupted; start again: parts on record are not inspected twice")]
    Interrupted(String),
}
