//! Adoptions of models.

use std::path::PathBuf;

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Record, RecordError, database::stored_path, read};
use crate::{
    data::FileHash,
    review::{OpinionId, Timestamp},
    text::path_text,
};

/// The adoption of a model, to be recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewAdoption {
    /// Hash of the model's tensors.
    pub model: FileHash,
    /// Hash of the model it was fine-tuned from, if any.
    pub parent: Option<FileHash>,
    /// File of the model.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Name of the person who adopted it.
    #[serde(rename = "who")]
    pub adopted_by: String,
    /// Verdicts that it was fine-tuned on.
    #[serde(rename = "learned_from")]
    pub verdicts: Vec<OpinionId>,
    /// Name, path and metrics of the previous model, as JSON.
    pub before: Value,
    /// The same for this model.
    pub after: Value,
    /// Time of the adoption.
    pub time: Timestamp,
}

impl NewAdoption {
    /// Returns the adoption that restores the previous model, or `None` if its file is not on record.
    pub fn back(&self, adopted_by: &str, time: Timestamp) -> Option<Self> {
        Some(Self {
            model: self.parent?,
            parent: Some(self.model),
            path: path_text::from_text(self.before.get("path")?.as_str()?),
            adopted_by: adopted_by.to_owned(),
            verdicts: Vec::new(),
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

impl Record {
    /// Records the adoption of a model and returns its row number.
    ///
    /// # Errors
    /// [`RecordError`] for a missing name, or a file that cannot be written.
    pub fn adopt(&mut self, adoption: &NewAdoption) -> Result<i64, RecordError> {
        let path = stored_path(&adoption.path)?;
        if adoption.adopted_by.trim().is_empty() {
            return Err(RecordError::NoReviewer);
        }
        self.write(|transaction| {
            let verdicts = serde_json::to_string(&adoption.verdicts)
                .map_err(|cause| rusqlite::Error::ToSqlConversionFailure(cause.into()))?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO adoption (model, parent, path, who, learned_from, before, after, time)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            Ok(insert.insert(params![
                adoption.model.to_string(),
                adoption.parent.map(|hash| hash.to_string()),
                path,
                adoption.adopted_by.trim(),
                verdicts,
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
                    path: read::path(row, 3)?,
                    adopted_by: row.get(4)?,
                    verdicts: read::json(row, 5)?,
                    before: read::json(row, 6)?,
                    after: read::json(row, 7)?,
                    time: Timestamp(row.get(8)?),
                };
                Ok(ModelAdoption { id: row.get(0)?, adopted })
            };
            statement.query_map([], adoption)?.collect()
        })
    }
}
