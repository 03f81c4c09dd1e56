//! Opening a record to read it: nothing is created or changed, wherever the file lies.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::{Record, RecordError, schema};
use crate::files::{Access, FileError};

impl Record {
    /// Opens a record that exists, to read it. The file may be read-only, on a read-only drive, or of an earlier version, which
    /// is then read from a temporary copy.
    ///
    /// # Errors
    /// [`RecordError`] for a file that is missing, empty, not a record, of a newer version, or that cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, RecordError> {
        Self::open_to_read_within(path, schema::PATIENCE)
    }

    pub(super) fn open_to_read_within(path: &Path, patience: Duration) -> Result<Self, RecordError> {
        let about = fs::metadata(path).map_err(|cause| FileError::new(Access::Read, path, cause))?;
        if about.is_dir() {
            return Err(FileError::IsFolder { access: Access::Read, path: path.into() }.into());
        }
        if about.len() == 0 {
            return Err(RecordError::Empty(path.into()));
        }
        match connect(path, patience) {
            Ok((connection, schema::VERSION)) => Ok(Self::with(connection, path, None)),
            // The columns of this version are added to a copy.
            Ok((connection, _)) => migrated(&connection, path, patience),
            // Beside the file there is no room for the shared memory of its log.
            Err(RecordError::ReadOnly(_)) => {
                if fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
                    copied(path, patience)
                } else {
                    unchanging(path, patience)
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns the path of a file that SQLite keeps beside the record.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Connects to the file and returns its version. A file that can be written is opened for writing, because only then does
/// SQLite remove its log again; nothing is written.
fn connect(path: &Path, patience: Duration) -> Result<(Connection, i32), RecordError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|cause| RecordError::new(path, cause))?;
    let version = schema::prepare_to_read(&connection, path, patience)?;
    Ok((connection, version))
}

/// Connects to a file that no program changes meanwhile, because its drive is read-only.
pub(super) fn unchanging(path: &Path, patience: Duration) -> Result<Record, RecordError> {
    let fault = |cause| RecordError::new(path, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let absolute = std::path::absolute(path).map_err(|cause| FileError::new(Access::Read, path, cause))?;
    let connection = Connection::open_with_flags(uri(&absolute), flags).map_err(fault)?;
    match schema::prepare_to_read(&connection, path, patience)? {
        schema::VERSION => Ok(Record::with(connection, path, None)),
        _ => migrated(&connection, path, patience),
    }
}

/// Returns the URI of a file that does not change.
fn uri(path: &Path) -> String {
    let mut uri = String::from(if cfg!(windows) { "file:///" } else { "file:" });
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b'.' | b'-' | b'_' | b':' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    uri
}

/// Copies the record with its log to a temporary folder and opens the copy.
pub(super) fn copied(path: &Path, patience: Duration) -> Result<Record, RecordError> {
    let (folder, copy) = temporary()?;
    for suffix in ["", "-wal"] {
        let from = beside(path, suffix);
        fs::copy(&from, beside(&copy, suffix)).map_err(|cause| FileError::new(Access::Read, &from, cause))?;
    }
    // Permissions are copied too, and the copy is migrated.
    make_writable(&copy).map_err(|cause| FileError::new(Access::Write, &copy, cause))?;
    open_copy(&copy, path, patience, folder)
}

/// Opens a copy of the record at `path`, to be read only: what was written to it would be lost.
fn open_copy(copy: &Path, path: &Path, patience: Duration, folder: TempDir) -> Result<Record, RecordError> {
    let connection = schema::open(copy, patience).map_err(|error| error.of(path))?;
    connection.pragma_update(None, "query_only", true).map_err(|cause| RecordError::new(path, cause))?;
    Ok(Record::with(connection, path, Some(folder)))
}

#[cfg(unix)]
fn make_writable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for suffix in ["", "-wal"] {
        fs::set_permissions(beside(path, suffix), fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_writable(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal"] {
        let file = beside(path, suffix);
        let mut permissions = fs::metadata(&file)?.permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "a temporary file; not on Unix")]
        permissions.set_readonly(false);
        fs::set_permissions(&file, permissions)?;
    }
    Ok(())
}

/// Copies what `connection` sees to a temporary file of this version.
fn migrated(connection: &Connection, path: &Path, patience: Duration) -> Result<Record, RecordError> {
    let (folder, copy) = temporary()?;
    // The name of a temporary file is text, except on a system with an odd folder for them.
    let copied = connection
        .pragma_update(None, "query_only", false)
        .and_then(|()| connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]));
    copied.map_err(|cause| RecordError::new(path, cause))?;
    open_copy(&copy, path, patience, folder)
}

fn temporary() -> Result<(TempDir, PathBuf), RecordError> {
    let folder = tempfile::Builder::new().prefix("ganspect-record-").tempdir();
    let folder = folder.map_err(|cause| FileError::new(Access::Write, std::env::temp_dir(), cause))?;
    let copy = folder.path().join("record.sqlite");
    Ok((folder, copy))
}
