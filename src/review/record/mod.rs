//! The record: one SQLite file in which nothing is changed or deleted.
//!
//! A write is on the disk before its function returns: every write is a transaction of its own, the log is written
//! ahead (WAL) and synced at each commit. What is wrong is taken back by a new row, and that row by another one.
//! Triggers in the file refuse every `UPDATE` and `DELETE`, whoever asks.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::files::{Access, FileError};

mod error;
mod models;
mod opinions;
mod parts;
mod read;
mod schema;

pub use error::RecordError;
pub use models::{ModelAdoption, NewAdoption, Quarantined};
pub use opinions::NewOpinion;
pub use parts::{FiledInspection, NewInspection, NewPart};
pub use read::{RecordChanges, RecordPosition};
pub use schema::VERSION;

/// An open record. Several programs may have one open at a time; one of them writes at a time.
#[derive(Debug)]
pub struct Record {
    connection: Connection,
    path: PathBuf,
}

impl Record {
    /// Opens the record at `path`, and makes one where nothing is; its folder is made too.
    ///
    /// # Errors
    /// [`RecordError`] for a file that is no record, is of a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|cause| FileError::new(Access::Write, folder, cause))?;
        }
        if path.is_dir() {
            return Err(FileError::IsFolder { access: Access::Write, path: path.into() }.into());
        }
        Ok(Self { connection: schema::open(path)?, path: path.into() })
    }

    /// A record that is gone with the program, for tests.
    ///
    /// # Errors
    /// [`RecordError`] where SQLite has no memory.
    pub fn in_memory() -> Result<Self, RecordError> {
        Ok(Self { connection: schema::in_memory()?, path: ":memory:".into() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole file and checks it, which takes seconds where it is large.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), RecordError> {
        let first = |sql: &str, column: usize| {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            rows.next()?.map(|row| row.get::<_, String>(column)).transpose()
        };
        let damaged = |what: String| Err(RecordError::Damaged { path: self.path.clone(), what });
        match first("PRAGMA integrity_check", 0).map_err(self.fault())? {
            Some(said) if said != "ok" => return damaged(said),
            _ => {}
        }
        match first("PRAGMA foreign_key_check", 0).map_err(self.fault())? {
            Some(table) => damaged(format!("a row of `{table}` points nowhere")),
            None => Ok(()),
        }
    }

    /// SQLite's errors in words for this file.
    fn fault(&self) -> impl Fn(rusqlite::Error) -> RecordError + use<> {
        let path = self.path.clone();
        move |cause| RecordError::new(&path, cause)
    }

    fn read<T>(&self, work: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, RecordError> {
        work().map_err(self.fault())
    }

    /// All of `work` or nothing, on the disk when this returns.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Refusal>) -> Result<T, RecordError> {
        let fault = self.fault();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fault)?;
        let done = work(&transaction).map_err(|refusal| match refusal {
            Refusal::Sqlite(cause) => fault(cause),
            Refusal::Entry(error) => *error,
        })?;
        transaction.commit().map_err(fault)?;
        Ok(done)
    }
}

/// Why a transaction is rolled back.
#[derive(Debug)]
enum Refusal {
    Sqlite(rusqlite::Error),
    Entry(Box<RecordError>),
}

impl From<rusqlite::Error> for Refusal {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        Self::Entry(Box::new(error))
    }
}

/// An absolute path as text.
fn text_of(path: &Path) -> Result<String, RecordError> {
    let absolute = std::path::absolute(path).map_err(|cause| FileError::new(Access::Read, path, cause))?;
    absolute.into_os_string().into_string().map_err(|_| RecordError::NotText(path.into()))
}
