//! Adoptions of models, and quarantined files.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Record, RecordError, database::path_text, read};
use crate::{
    data::FileHash,
    review::{OpinionId, Timestamp},
};

/// The adoption of a model, to be recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewAdoption {
    /// Hash of the model's tensors.
    pub model: FileHash,
    /// Hash of the model it was fine-tuned from, if any.
    pub parent: Option<FileHash>,
    /// File of the model.
    pub path: PathBuf,
    /// Name of the person who adopted it.
    pub who: String,
    /// Verdicts that it was fine-tuned on.
    pub learned_from: Vec<OpinionId>,
    /// Name, path and metrics of the previous model, as JSON.
    pub before: Value,
    /// The same for this model.
    pub after: Value,
    /// Time of the adoption.
    pub time: Timestamp,
}

impl NewAdoption {
    /// Returns the adoption that restores the previous model, or `None` if its file is not on record.
    pub fn back(&self, who: &str, time: Timestamp) -> Option<Self> {
        Some(Self {
            model: self.parent?,
            parent: Some(self.model),
            path: self.before.get("path")?.as_str()?.into(),
            who: who.to_owned(),
            learned_from: Vec::new(),
            before: self.after.clone(),
            after: self.before.clone(),
            time,
        })
    }
}

/// A recorded adoption of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelAdoption {
    /// Row number; increases with time.
    pub id: i64,
    /// The adoption.
    #[serde(flatten)]
    pub adopted: NewAdoption,
}

/// A file that could not be inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file, absolute.
    pub path: PathBuf,
    /// Hash of the file, if it could be read.
    pub hash: Option<FileHash>,
    /// Reason, and what to do.
    pub reason: String,
    /// Time at which this was first found.
    pub time: Timestamp,
}

impl Record {
    /// Records the adoption of a model and returns its row number.
    ///
    /// # Errors
    /// [`RecordError`] for a path that is not UTF-8, a missing name, or a file that cannot be written.
    pub fn adopt(&mut self, adoption: &NewAdoption) -> Result<i64, RecordError> {
        let path = path_text(&adoption.path)?;
        if adoption.who.trim().is_empty() {
            return Err(RecordError::NoReviewer);
        }
        self.write(|transaction| {
            let learned_from = serde_json::to_string(&adoption.learned_from)
                .map_err(|cause| rusqlite::Error::ToSqlConversionFailure(cause.into()))?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO adoption (model, parent, path, who, learned_from, before, after, time)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            Ok(insert.insert(params![
                adoption.model.to_string(),
                adoption.parent.map(|hash| hash.to_string()),
                path,
                adoption.who.trim(),
                learned_from,
                adoption.before.to_string(),
                adoption.after.to_string(),
                adoption.time.0,
            ])?)
        })
    }

    /// Returns the adoptions of models, latest first.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn adoptions(&self) -> Result<Vec<ModelAdoption>, RecordError> {
        self.read(|| {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, model, parent, path, who, learned_from, before, after, time FROM adoption ORDER BY id DESC",
            )?;
            let adoption = |row: &rusqlite::Row<'_>| {
                let adopted = NewAdoption {
                    model: read::parsed(row, 1)?,
                    parent: row.get::<_, Option<String>>(2)?.map(|text| read::parse(2, &text)).transpose()?,
                    path: row.get::<_, String>(3)?.into(),
                    who: row.get(4)?,
                    learned_from: read::json(row, 5)?,
                    before: read::json(row, 6)?,
                    after: read::json(row, 7)?,
                    time: Timestamp(row.get(8)?),
                };
                Ok(ModelAdoption { id: row.get(0)?, adopted })
            };
            statement.query_map([], adoption)?.collect()
        })
    }

    /// Records that a file cannot be inspected. The same file with the same reason is recorded once; returns whether it
    /// was recorded now.
    ///
    /// # Errors
    /// [`RecordError`] for a path that is not UTF-8, or a file that cannot be written.
    pub fn quarantine(
        &mut self,
        path: &Path,
        hash: Option<FileHash>,
        reason: &str,
        time: Timestamp,
    ) -> Result<bool, RecordError> {
        let (path, hash) = (path_text(path)?, hash.map(|hash| hash.to_string()));
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
    /// [`RecordError`] for a path that is not UTF-8, or a file that cannot be read.
    pub fn is_quarantined(&self, path: &Path, hash: FileHash) -> Result<bool, RecordError> {
        let wanted = params![path_text(path)?, hash.to_string()];
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
                    path: row.get::<_, String>(0)?.into(),
                    hash: row.get::<_, Option<String>>(1)?.map(|text| read::parse(1, &text)).transpose()?,
                    reason: row.get(2)?,
                    time: Timestamp(row.get(3)?),
                })
            };
            statement.query_map([], quarantined)?.collect()
        })
    }
}
