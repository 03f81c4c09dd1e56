//! An open record, its transactions and its integrity check.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tempfile::TempDir;

use super::{RecordError, schema};
use crate::{
    files::{Access, FileError},
    text::path_text,
};

/// An open record. Several programs may have it open; one of them writes at a time.
#[derive(Debug)]
pub struct Record {
    pub(super) connection: Connection,
    path: PathBuf,
    /// Device and inode of the file when it was opened; `None` where there is none.
    identity: Option<[u64; 2]>,
    /// The folder of a temporary copy that is read instead of the file.
    _copy: Option<TempDir>,
}

impl Record {
    /// Opens the record at `path`, or creates it along with its folder.
    ///
    /// # Errors
    /// [`RecordError`] for a file that is not a record, has a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        Self::open_within(path, schema::PATIENCE)
    }

    /// Opens the record like [`Record::open`]; every access waits at most for `patience` while another program writes.
    ///
    /// # Errors
    /// As [`Record::open`].
    pub fn open_within(path: &Path, patience: Duration) -> Result<Self, RecordError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|cause| FileError::new(Access::Write, folder, cause))?;
        }
        if path.is_dir() {
            return Err(FileError::IsFolder { access: Access::Write, path: path.into() }.into());
        }
        Ok(Self::with(schema::open(path, patience)?, path, None))
    }

    /// Creates a record in memory, for tests.
    ///
    /// # Errors
    /// [`RecordError`] if SQLite runs out of memory.
    pub fn in_memory() -> Result<Self, RecordError> {
        Ok(Self::with(schema::in_memory()?, Path::new(":memory:"), None))
    }

    pub(super) fn with(connection: Connection, path: &Path, copy: Option<TempDir>) -> Self {
        let identity = if copy.is_none() { identity(path) } else { None };
        Self { connection, path: path.into(), identity, _copy: copy }
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks the integrity of the whole file; takes seconds for a large one.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] with the first problem found.
    pub fn check(&self) -> Result<(), RecordError> {
        self.check_by("PRAGMA integrity_check")
    }

    /// Checks the structure of the file without its indices, which is several times as fast.
    ///
    /// # Errors
    /// As [`Record::check`].
    pub fn quick_check(&self) -> Result<(), RecordError> {
        self.check_by("PRAGMA quick_check(1)")
    }

    fn check_by(&self, pragma: &str) -> Result<(), RecordError> {
        let first = |sql: &str, column: usize| {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            rows.next()?.map(|row| row.get::<_, String>(column)).transpose()
        };
        let damaged = |what: String| Err(RecordError::Damaged { path: self.path.clone(), what });
        match first(pragma, 0).map_err(self.fault())? {
            Some(problem) if problem != "ok" => return damaged(problem),
            _ => {}
        }
        match first("PRAGMA foreign_key_check", 0).map_err(self.fault())? {
            Some(table) => damaged(format!("a row of `{table}` refers to a row that does not exist")),
            None => Ok(()),
        }
    }

    /// Returns a function that turns SQLite errors into errors of this file.
    fn fault(&self) -> impl Fn(rusqlite::Error) -> RecordError + use<> {
        let path = self.path.clone();
        move |cause| RecordError::new(&path, cause)
    }

    /// Runs a query.
    pub(super) fn read<T>(&self, work: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, RecordError> {
        work().map_err(self.fault())
    }

    /// Runs `work` in a transaction, which is on the disk when this returns.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, TransactionError>,
    ) -> Result<T, RecordError> {
        // What is written to a file that has no name any more is lost.
        if self.identity.is_some() && identity(&self.path) != self.identity {
            return Err(RecordError::Gone(self.path.clone()));
        }
        let fault = self.fault();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fault)?;
        let done = work(&transaction).map_err(|error| match error {
            TransactionError::Sqlite(cause) => fault(cause),
            TransactionError::Entry(error) => *error,
        })?;
        transaction.commit().map_err(fault)?;
        Ok(done)
    }
}

/// Returns device and inode of a file; `None` outside of Unix.
fn identity(path: &Path) -> Option<[u64; 2]> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|about| [about.dev(), about.ino()])
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Reason why a transaction is rolled back.
#[derive(Debug)]
pub(super) enum TransactionError {
    Sqlite(rusqlite::Error),
    Entry(Box<RecordError>),
}

impl From<rusqlite::Error> for TransactionError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

impl From<RecordError> for TransactionError {
    fn from(error: RecordError) -> Self {
        Self::Entry(Box::new(error))
    }
}

/// Returns the absolute path as the record stores it.
pub(super) fn stored_path(path: &Path) -> Result<String, RecordError> {
    let absolute = std::path::absolute(path).map_err(|cause| FileError::new(Access::Read, path, cause))?;
    Ok(path_text::to_text(&absolute).into_owned())
}
