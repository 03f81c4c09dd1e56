//! Errors of an export.

use crate::{files::FileError, review::RecordError};

/// A failed export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file that cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A record that cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
}
