//! Recording of inspections: each image once per model.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};

use super::{
    Record, RecordError, Writing,
    database::{TransactionError, stored_path},
};
use crate::{
    data::FileHash,
    inspect::Assessment,
    review::{Findings, InspectionId, PartId, Timestamp},
};

/// The image of a part, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPart {
    /// Path of the file.
    pub path: PathBuf,
    /// Hash of the file.
    pub hash: FileHash,
    /// Length of the file, bytes.
    pub bytes: u64,
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
}

/// The inspection of a part by a model, to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewInspection {
    /// Hash of the model's tensors.
    pub model: FileHash,
    /// Name of the model.
    pub model_name: String,
    /// Score, p-value, promised rate and verdict.
    pub assessment: Assessment,
    /// Score above which a part is flagged; infinite or `None` if there is none.
    pub threshold: Option<f64>,
    /// All scores and the anomaly regions.
    pub findings: Findings,
    /// Compute time, seconds.
    pub seconds: f64,
    /// Time of the inspection.
    pub time: Timestamp,
}

/// Result of recording an inspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiledInspection {
    /// The part.
    pub part: PartId,
    /// The inspection of the part by this model.
    pub inspection: InspectionId,
    /// Whether it was recorded now; `false` if the record already had one, which is kept.
    pub is_new: bool,
}

const FIND: &str = "SELECT i.id FROM inspection i JOIN part p ON p.id = i.part
    WHERE p.path = ?1 AND p.hash = ?2 AND i.model = ?3";

impl Record {
    /// Records an inspection, and its part if that is new. An image (path and content) is recorded once per model.
    ///
    /// # Errors
    /// [`RecordError`] for numbers out of range, or a file that cannot be written.
    pub fn insert_inspection(
        &mut self,
        part: &NewPart,
        inspection: &NewInspection,
    ) -> Result<FiledInspection, RecordError> {
        self.insert_written(part, inspection, &Writing::default())
    }

    /// Records an inspection like [`Record::insert_inspection`], of a part that may take the place of others.
    ///
    /// # Errors
    /// As [`Record::insert_inspection`].
    pub fn insert_written(
        &mut self,
        part: &NewPart,
        inspection: &NewInspection,
        writing: &Writing,
    ) -> Result<FiledInspection, RecordError> {
        let path = stored_path(&part.path)?;
        if part.width == 0 || part.height == 0 {
            return Err(RecordError::NoPixels(part.path.clone()));
        }
        let a = &inspection.assessment;
        let numbers = [("p-value", a.p), ("score", a.score), ("rate", a.rate), ("duration", inspection.seconds)];
        let outside =
            |what: &str, value: f64| !value.is_finite() || (what == "p-value" && !(value > 0.0 && value <= 1.0));
        if let Some((what, value)) = numbers.into_iter().find(|(what, value)| outside(what, *value)) {
            return Err(RecordError::NoNumber { path: part.path.clone(), what, value });
        }
        let broken = |cause: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(cause.into());
        let json = |text: serde_json::Result<String>| text.map_err(broken);
        self.write(|transaction| {
            let (hash, model) = (part.hash.to_string(), inspection.model.to_string());
            let mut insert = transaction.prepare_cached(
                "INSERT INTO part (path, hash, bytes, width, height, first_seen, unwritten)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (path, hash) DO NOTHING",
            )?;
            insert.execute(params![
                path,
                hash,
                part.bytes as i64,
                part.width as i64,
                part.height as i64,
                inspection.time.0,
                writing.unwritten.as_ref().map(serde_json::to_string).transpose().map_err(broken)?
            ])?;
            let mut find = transaction.prepare_cached("SELECT id FROM part WHERE path = ?1 AND hash = ?2")?;
            let id: PartId = find.query_row(params![path, hash], |row| row.get(0))?;
            let mut find = transaction.prepare_cached(FIND)?;
            if let Some(known) = find.query_row(params![path, hash, model], |row| row.get(0)).optional()? {
                return Ok(FiledInspection { part: id, inspection: known, is_new: false });
            }
            let mut insert = transaction.prepare_cached(
                "INSERT INTO inspection (part, model, model_name, score_kind, score, p_value, held_out, rate, threshold,
                    verdict, scores, suspects, seconds, time, reason, region_rule, regions_left_out)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            )?;
            let inserted = insert.insert(params![
                id,
                model,
                inspection.model_name,
                a.kind.name(),
                a.score,
                a.p,
                a.n as i64,
                a.rate,
                inspection.threshold.filter(|t| t.is_finite()),
                a.verdict.title(),
                json(serde_json::to_string(&inspection.findings.scores))?,
                json(serde_json::to_string(&inspection.findings.regions))?,
                inspection.seconds,
                inspection.time.0,
                a.reason,
                inspection.findings.region_rule.as_ref().map(serde_json::to_string).transpose().map_err(broken)?,
                inspection.findings.regions_left_out as i64,
            ])?;
            for earlier in writing.supersedes.iter().filter(|earlier| **earlier < id) {
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO superseded (part, successor, time)
                     SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM superseded WHERE part = ?1)",
                )?;
                insert.execute(params![earlier, id, inspection.time.0])?;
            }
            Ok::<_, TransactionError>(FiledInspection { part: id, inspection: InspectionId(inserted), is_new: true })
        })
    }

    /// Whether this model has inspected this image.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn is_filed(&self, path: &Path, hash: FileHash, model: FileHash) -> Result<bool, RecordError> {
        let path = stored_path(path)?;
        let wanted = params![path, hash.to_string(), model.to_string()];
        self.read(|| self.connection.prepare_cached(FIND)?.exists(wanted))
    }

    /// Whether any model has inspected this image.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn is_known(&self, path: &Path, hash: FileHash) -> Result<bool, RecordError> {
        let wanted = params![stored_path(path)?, hash.to_string()];
        let sql = "SELECT 1 FROM inspection i JOIN part p ON p.id = i.part WHERE p.path = ?1 AND p.hash = ?2";
        self.read(|| self.connection.prepare_cached(sql)?.exists(wanted))
    }
}
