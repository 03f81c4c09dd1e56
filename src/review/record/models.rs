//! Models that were put in force, and files that could not be inspected.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Record, RecordError, read, text_of};
use crate::{
    data::FileHash,
    review::{OpinionId, Timestamp},
};

/// A model to be recorded as put in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewAdoption {
    /// Hash of the model's tensors.
    pub model: FileHash,
    /// Hash of the model that it was made from, if any.
    pub parent: Option<FileHash>,
    /// The model's file.
    pub path: PathBuf,
    /// Who put it in force.
    pub who: String,
    /// The verdicts that it learned from.
    pub learned_from: Vec<OpinionId>,
    /// Figures of the model before, as JSON.
    pub before: Value,
    /// The same figures of this model.
    pub after: Value,
    /// When.
    pub time: Timestamp,
}

impl NewAdoption {
    /// What goes on record when the model before is put in force again; `None` where its file is not on record.
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

/// A model that was put in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelAdoption {
    /// Its number; a later one is larger.
    pub id: i64,
    /// The model, what it came from and why it was taken.
    #[serde(flatten)]
    pub adopted: NewAdoption,
}

/// A file that could not be inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The file, absolute.
    pub path: PathBuf,
    /// Hash of the file, where it could be read.
    pub hash: Option<FileHash>,
    /// Why, and what to do.
    pub reason: String,
    /// When this was first found.
    pub time: Timestamp,
}

impl Record {
    /// Records that a model is put in force; its number comes back.
    ///
    /// # Errors
    /// [`RecordError`] for a path that is no text, nobody's name, or a file that cannot be written.
    pub fn adopt(&mut self, adoption: &NewAdoption) -> Result<i64, RecordError> {
        let path = text_of(&adoption.path)?;
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

    /// The models that were put in force, the latest first.
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

    /// Records that a file cannot be inspected. The same file with the same reason is recorded once; whether it was
    /// now comes back.
    ///
    /// # Errors
    /// [`RecordError`] for a path that is no text, or a file that cannot be written.
    pub fn quarantine(
        &mut self,
        path: &Path,
        hash: Option<FileHash>,
        reason: &str,
        time: Timestamp,
    ) -> Result<bool, RecordError> {
        let (path, hash) = (text_of(path)?, hash.map(|hash| hash.to_string()));
        self.write(|transaction| {
            let mut latest = transaction
                .prepare_cached("SELECT hash, reason FROM quarantine WHERE path = ?1 ORDER BY id DESC LIMIT 1")?;
            let known: Option<(Option<String>, String)> =
                latest.query_row([&path], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            if known.is_some_and(|(known, why)| known == hash && why == reason) {
                return Ok(false);
            }
            let mut insert = transaction
                .prepare_cached("INSERT INTO quarantine (path, hash, reason, time) VALUES (?1, ?2, ?3, ?4)")?;
            insert.execute(params![path, hash, reason, time.0])?;
            Ok(true)
        })
    }

    /// Whether this content under this path could not be inspected.
    ///
    /// # Errors
    /// [`RecordError`] for a path that is no text, or a file that cannot be read.
    pub fn is_quarantined(&self, path: &Path, hash: FileHash) -> Result<bool, RecordError> {
        let wanted = params![text_of(path)?, hash.to_string()];
        let sql = "SELECT 1 FROM quarantine WHERE path = ?1 AND hash = ?2";
        self.read(|| self.connection.prepare_cached(sql)?.exists(wanted))
    }

    /// The files that could not be inspected, the latest first.
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
