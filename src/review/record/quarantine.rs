//! Quarantined files: those that could not be inspected.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Record, RecordError, database::stored_path, read};
use crate::{data::FileHash, review::Timestamp, text::path_text};

/// A file that could not be inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file, absolute.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Hash of the file, if it could be read.
    pub hash: Option<FileHash>,
    /// Reason, and what to do.
    pub reason: String,
    /// Time at which this was first found.
    pub time: Timestamp,
}

impl Record {
    /// Records that a file cannot be inspected. The same file with the same reason is recorded once; returns whether it
    /// was recorded now.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be written.
    pub fn quarantine(
        &mut self,
        path: &Path,
        hash: Option<FileHash>,
        reason: &str,
        time: Timestamp,
    ) -> Result<bool, RecordError> {
        let (path, hash) = (stored_path(path)?, hash.map(|hash| hash.to_string()));
        self.write(|transaction| {
            let mut latest = transaction
                .prepare_cached("SELECT hash, reason FROM quarantine WHERE path = ?1 ORDER BY id DESC LIMIT 1")?;
            let known: Option<(Option<String>, String)> =
                latest.query_row([&path], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            if known.is_some_and(|(known_hash, known_reason)| known_hash == hash && known_reason == reason) {
                return Ok(false);
            }
            let mut insert = transaction
                .prepare_cached("INSERT INTO quarantine (path, hash, reason, time) VALUES (?1, ?2, ?3, ?4)")?;
            insert.execute(params![path, hash, reason, time.0])?;
            Ok(true)
        })
    }

    /// Whether this content under this path is quarantined.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn is_quarantined(&self, path: &Path, hash: FileHash) -> Result<bool, RecordError> {
        let wanted = params![stored_path(path)?, hash.to_string()];
        let sql = "SELECT 1 FROM quarantine WHERE path = ?1 AND hash = ?2";
        self.read(|| self.connection.prepare_cached(sql)?.exists(wanted))
    }

    /// Returns the quarantined files, latest first.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn quarantined(&self) -> Result<Vec<Quarantined>, RecordError> {
        self.read(|| {
            let mut statement =
                self.connection.prepare_cached("SELECT path, hash, reason, time FROM quarantine ORDER BY id DESC")?;
            let quarantined = |row: &rusqlite::Row<'_>| {
                Ok(Quarantined {
                    path: read::path(row, 0)?,
                    hash: row.get::<_, Option<String>>(1)?.map(|text| read::parse(1, &text)).transpose()?,
                    reason: row.get(2)?,
                    time: Timestamp(row.get(3)?),
                })
            };
            statement.query_map([], quarantined)?.collect()
        })
    }
}
