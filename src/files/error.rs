//! Errors of files and folders.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::text::PrintablePath;

/// The operation that failed with a [`FileError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Opening, listing or reading.
    Read,
    /// Creating, writing, renaming or deleting.
    Write,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Read => "read",
            Access::Write => "write",
        })
    }
}

/// Why a file or folder could not be read or written. Each message names it and a remedy.
#[expect(missing_docs, reason = "each message says what its variant and fields are")]
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot {access} {}: there is no such file or folder; check the path", path.printable())]
    NotFound { access: Access, path: PathBuf },

    #[error("cannot {access} {}: permission denied; {}", path.printable(), permission_advice(*access))]
    Permission { access: Access, path: PathBuf },

    #[error("cannot write {}: the file system is read-only; choose another folder with --out", path.printable())]
    ReadOnly { path: PathBuf },

    #[error("cannot write {}: the disk is full; free some space or choose another folder with --out", path.printable())]
    DiskFull { path: PathBuf },

    #[error("cannot {access} {}: it is a folder, not a file; choose a file", path.printable())]
    IsFolder { access: Access, path: PathBuf },

    #[error("cannot {access} {}: part of the path is a file, not a folder; choose another path", path.printable())]
    NotAFolder { access: Access, path: PathBuf },

    #[error("cannot {access} {}: it already exists; remove it or choose another path", path.printable())]
    Exists { access: Access, path: PathBuf },

    #[error("cannot read {}: it is a device or a pipe, not a file; choose a file", path.printable())]
    NotAFile { path: PathBuf },

    #[error("cannot read {}: its size of {size} bytes exceeds the limit of {limit}; choose another file", path.printable())]
    TooLarge { path: PathBuf, size: u64, limit: u64 },

    #[error("cannot add a record of {size} bytes to {}: the limit is {limit}; log a smaller image or text", path.printable())]
    RecordTooLarge { path: PathBuf, size: u64, limit: u64 },

    #[error("cannot read {}: {what}; remove the file or replace it with an intact copy", path.printable())]
    Damaged { path: PathBuf, what: String },

    #[error("cannot {access} {}: {cause}; check the disk and the path, then try again", path.printable())]
    Other { access: Access, path: PathBuf, cause: io::Error },
}

fn permission_advice(access: Access) -> &'static str {
    match access {
        Access::Read => "allow this user to read it or choose another path",
        Access::Write => "allow this user to write there or choose another folder with --out",
    }
}

impl FileError {
    /// Converts an error of the operating system.
    pub fn new(access: Access, path: impl Into<PathBuf>, cause: io::Error) -> Self {
        let path = path.into();
        match cause.kind() {
            io::ErrorKind::NotFound => Self::NotFound { access, path },
            io::ErrorKind::PermissionDenied => Self::Permission { access, path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path }
            }
            io::ErrorKind::IsADirectory => Self::IsFolder { access, path },
            io::ErrorKind::NotADirectory => Self::NotAFolder { access, path },
            io::ErrorKind::AlreadyExists => Self::Exists { access, path },
            _ => Self::Other { access, path, cause },
        }
    }

    /// The file's contents are invalid; `what` completes "cannot read it: …".
    pub fn damaged(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), what: what.into() }
    }

    /// The file's name and its fault, without advice: for a list of files in one folder.
    pub(crate) fn fault_of_file(&self) -> String {
        let name = Path::new(self.path().file_name().unwrap_or_default()).printable().to_string();
        match self {
            Self::Damaged { what, .. } => format!("{name}: {what}"),
            Self::NotFound { .. } => format!("{name}: there is no such file"),
            Self::Permission { .. } => format!("{name}: permission denied"),
            Self::Other { cause, .. } => format!("{name}: {cause}"),
            _ => format!("{name}: it is not a file"),
        }
    }

    /// Path of the file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path, .. }
            | Self::Permission { path, .. }
            | Self::ReadOnly { path }
            | Self::DiskFull { path }
            | Self::IsFolder { path, .. }
            | Self::NotAFolder { path, .. }
            | Self::Exists { path, .. }
            | Self::NotAFile { path }
            | Self::TooLarge { path, .. }
            | Self::RecordTooLarge { path, .. }
            | Self::Damaged { path, .. }
            | Self::Other { path, .. } => path,
        }
    }
}
