//! What can go wrong with a record, in sentences.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::VERSION;
use crate::{files::FileError, inspect::regions::RegionError, review::OpinionId};

/// A record that cannot be opened, read or written, or an entry that it does not take.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The folder that it should lie in.
    #[error(transparent)]
    File(#[from] FileError),
    /// No SQLite file.
    #[error("cannot use {} as a record: it is not an SQLite file; choose another file or move this one away", .0.display())]
    NotARecord(PathBuf),
    /// An SQLite file of something else.
    #[error("cannot use {} as a record: it is another program's SQLite file; choose another file", .0.display())]
    Foreign(PathBuf),
    /// Written by a later program.
    #[error(
        "cannot use the record {}: it is of version {found} and this program knows versions up to {VERSION}; \
         use a newer program or another file",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
    /// It or its folder cannot be written.
    #[error(
        "cannot write the record {}: the file or its folder is read-only; allow this user to write there, or choose \
         another place",
        .0.display()
    )]
    ReadOnly(PathBuf),
    /// Another program keeps it to itself.
    #[error("cannot write the record {}: another program keeps it busy; close that one, then try again", .0.display())]
    Busy(PathBuf),
    /// No room.
    #[error("cannot write the record {}: the disk is full; free some space, then try again", .0.display())]
    DiskFull(PathBuf),
    /// The file is broken.
    #[error("the record {} is damaged ({what}); put a backup in its place, or move it away to begin a new one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Anything else that SQLite says.
    #[error("cannot use the record {}: {cause}; check the disk and the path, then try again", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it says.
        cause: rusqlite::Error,
    },
    /// A path that is no text.
    #[error("cannot record {}: its name is not UTF-8; rename the file or its folder", .0.display())]
    NotText(PathBuf),
    /// A picture without pixels.
    #[error("cannot record {}: a picture has at least one pixel; check the file", .0.display())]
    NoPixels(PathBuf),
    /// A score, a p-value or a time of no sense.
    #[error("cannot record an inspection of {}: its {what} is {value}; inspect it again", path.display())]
    NoNumber {
        /// The picture.
        path: PathBuf,
        /// Which number.
        what: &'static str,
        /// The number.
        value: f64,
    },
    /// Nobody's verdict.
    #[error("a verdict needs the name of who gives it; enter your name")]
    NoReviewer,
    /// A kind of defect without a name.
    #[error("a kind of defect needs a name; enter one")]
    NoName,
    /// A drawn region of no sense.
    #[error("the drawn region is not recorded: {0}")]
    Region(#[from] RegionError),
    /// A verdict that is not there.
    #[error("there is no verdict number {0} in this record; look at the queue again")]
    NoVerdict(OpinionId),
    /// An inspection that is not there.
    #[error("there is no inspection number {0} in this record; look at the queue again")]
    NoInspection(i64),
    /// Undone twice.
    #[error("verdict number {0} is taken back already; look at the queue again")]
    TakenBack(OpinionId),
}

impl RecordError {
    /// Puts SQLite's error into words for the record at `path`.
    pub(super) fn new(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotARecord(path),
            // A file that cannot be opened where its folder is there is one that may not be written.
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::ReadOnly(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            Some(ErrorCode::DiskFull) => Self::DiskFull(path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, what: cause.to_string() },
            _ => Self::Sqlite { path, cause },
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_becomes_a_sentence() {
        let said = |code| {
            let cause = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            RecordError::new(Path::new("/data/review.sqlite"), cause).to_string()
        };
        for (code, part) in [
            (ffi::SQLITE_READONLY_DIRECTORY, "the file or its folder is read-only"),
            (ffi::SQLITE_CANTOPEN, "the file or its folder is read-only"),
            (ffi::SQLITE_BUSY, "another program keeps it busy"),
            (ffi::SQLITE_FULL, "the disk is full"),
            (ffi::SQLITE_NOTADB, "not an SQLite file"),
            (ffi::SQLITE_CORRUPT, "is damaged"),
            (ffi::SQLITE_IOERR, "check the disk"),
        ] {
            let said = said(code);
            assert!(said.contains("/data/review.sqlite") && said.contains(part), "{said}");
        }
    }
}
