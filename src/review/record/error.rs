//! Errors of the record.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::{files::FileError, inspect::RegionError, review::OpinionId, text::PrintablePath};

/// A record that cannot be opened, read or written, or an entry that it rejects.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Its folder cannot be read or created.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not an SQLite file.
    #[error("cannot use {} as a record: it is not an SQLite file; choose another file or move this one away", .0.printable())]
    NotARecord(PathBuf),
    /// SQLite file of another program.
    #[error("cannot use {} as a record: it is an SQLite file of another program; choose another file", .0.printable())]
    Foreign(PathBuf),
    /// Written by a newer version of the program.
    #[error(
        "cannot use the record {}: its version is {found} and this program supports versions up to {supported}; \
         update the program or choose another file",
        path.printable()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Latest version that this program supports.
        supported: i32,
    },
    /// Of a version that no program wrote, or without the tables of its version.
    #[error(
        "cannot use the record {}: it says that its version is {found}, but its tables are others; restore a backup or choose \
         another file",
        path.printable()
    )]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
    /// A file without content, which may become a record.
    #[error("there is no record in {}: the file is empty; choose another file", .0.printable())]
    Empty(PathBuf),
    /// The file or its folder is read-only.
    #[error(
        "cannot write the record {}: the file or its folder is read-only; change the permissions or choose \
         another location",
        .0.printable()
    )]
    ReadOnly(PathBuf),
    /// Locked by another program.
    #[error("cannot write the record {}: it is locked by another program; close that program, then try again", .0.printable())]
    Busy(PathBuf),
    /// Moved, deleted or replaced while it was open.
    #[error("cannot write the record {}: it was moved or deleted while it was in use; put it back, or start again", .0.printable())]
    Gone(PathBuf),
    /// The disk is full.
    #[error("cannot write the record {}: the disk is full; free some space, then try again", .0.printable())]
    DiskFull(PathBuf),
    /// The file is damaged.
    #[error("the record {} is damaged ({what}); restore a backup, or move it away to start a new record", path.printable())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Problem found.
        what: String,
    },
    /// Any other SQLite error.
    #[error("cannot use the record {}: {cause}; check the disk and the path, then try again", path.printable())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Error reported by SQLite.
        cause: rusqlite::Error,
    },
    /// An image without pixels.
    #[error("cannot record {}: the image has no pixels; check the file", .0.printable())]
    NoPixels(PathBuf),
    /// A score, p-value or duration out of range.
    #[error("cannot record an inspection of {}: its {what} is {value}; inspect it again", path.printable())]
    NoNumber {
        /// The image.
        path: PathBuf,
        /// Name of the number.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A verdict without a reviewer.
    #[error("a verdict needs the name of a reviewer; enter your name")]
    NoReviewer,
    /// A defect type without a name.
    #[error("a defect type needs a name; enter one")]
    NoName,
    /// An invalid drawn region.
    #[error("the drawn region is invalid: {0}")]
    Region(#[from] RegionError),
    /// No such verdict.
    #[error("there is no verdict number {0} in this record; reload the queue")]
    NoVerdict(OpinionId),
    /// No such inspection.
    #[error("there is no inspection number {0} in this record; reload the queue")]
    NoInspection(i64),
    /// Retracted twice.
    #[error("verdict number {0} is already retracted; reload the queue")]
    Retracted(OpinionId),
}

impl RecordError {
    /// Whether the same access may succeed later without anybody's help: the record is locked, its disk is full or its drive
    /// does not answer.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy(_)
            | Self::Gone(_)
            | Self::DiskFull(_)
            | Self::File(FileError::DiskFull { .. } | FileError::Other { .. }) => true,
            Self::Sqlite { cause, .. } => matches!(
                cause.sqlite_error_code(),
                Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::FileLockingProtocolFailed)
            ),
            _ => false,
        }
    }

    /// Whether the record rejects this entry and would take another.
    pub fn is_of_entry(&self) -> bool {
        matches!(self, Self::NoPixels(_) | Self::NoNumber { .. } | Self::Region(_))
    }

    /// Wraps an SQLite error for the record at `path`.
    pub(super) fn new(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotARecord(path),
            // The folder exists, so a file that cannot be opened is one without write permission.
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::ReadOnly(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            Some(ErrorCode::DiskFull) => Self::DiskFull(path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, what: cause.to_string() },
            _ => match cause {
                // The message of SQLite, without the statement, which may be the whole schema.
                rusqlite::Error::SqlInputError { msg: what, .. } => Self::Damaged { path, what },
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..) => Self::Damaged { path, what: cause.to_string() },
                // Every version has its tables and columns from the beginning.
                cause if ["no such table", "no such column"].iter().any(|what| cause.to_string().contains(what)) => {
                    Self::Damaged { path, what: cause.to_string() }
                }
                cause => Self::Sqlite { path, cause },
            },
        }
    }

    /// Returns the same error for the file at `path`, of which a copy was used.
    pub(super) fn of(self, file: &Path) -> Self {
        let file = file.to_owned();
        match self {
            Self::NotARecord(_) => Self::NotARecord(file),
            Self::Foreign(_) => Self::Foreign(file),
            Self::Newer { found, supported, .. } => Self::Newer { path: file, found, supported },
            Self::UnknownVersion { found, .. } => Self::UnknownVersion { path: file, found },
            Self::Damaged { what, .. } => Self::Damaged { path: file, what },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_becomes_a_sentence() {
        let message = |code| {
            let cause = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            RecordError::new(Path::new("/data/review.sqlite"), cause).to_string()
        };
        for (code, part) in [
            (ffi::SQLITE_READONLY_DIRECTORY, "the file or its folder is read-only"),
            (ffi::SQLITE_CANTOPEN, "the file or its folder is read-only"),
            (ffi::SQLITE_BUSY, "it is locked by another program"),
            (ffi::SQLITE_FULL, "the disk is full"),
            (ffi::SQLITE_NOTADB, "not an SQLite file"),
            (ffi::SQLITE_CORRUPT, "is damaged"),
            (ffi::SQLITE_IOERR, "check the disk"),
        ] {
            let message = message(code);
            assert!(message.contains("/data/review.sqlite") && message.contains(part), "{message}");
        }
    }
}
