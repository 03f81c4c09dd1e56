//! Reviewers' verdicts, their retraction, and the list of defect types.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Record, RecordError, database::TransactionError};
use crate::{
    inspect::{Region, RegionShape, Regions},
    review::{InspectionId, Judgement, OpinionId, Timestamp},
};

/// A verdict to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOpinion {
    /// The inspection that was reviewed.
    pub inspection: InspectionId,
    /// Name of the reviewer.
    pub reviewer: String,
    /// The verdict.
    pub judgement: Judgement,
    /// Defect type, if given.
    pub defect: Option<String>,
    /// A note; may be empty.
    pub note: String,
    /// Outline of the defect in pixels of the image, if drawn.
    pub region: Option<RegionShape>,
    /// Outlines of further defects.
    pub more_regions: Vec<RegionShape>,
    /// Given without seeing the other reviewer's verdict.
    pub blind: bool,
    /// Time of the verdict.
    pub time: Timestamp,
}

impl NewOpinion {
    /// Creates a verdict given now, without defect type, note or region.
    pub fn new(inspection: InspectionId, reviewer: impl Into<String>, judgement: Judgement) -> Self {
        let reviewer = reviewer.into();
        let (defect, note, region, blind) = (None, String::new(), None, false);
        let (more_regions, time) = (Vec::new(), Timestamp::now());
        Self { inspection, reviewer, judgement, defect, note, region, more_regions, blind, time }
    }
}

impl Record {
    /// Records a verdict; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`RecordError`] for a verdict without a name, an invalid region, an unknown inspection, or a file that cannot
    /// be written.
    pub fn add_opinion(&mut self, opinion: &NewOpinion) -> Result<OpinionId, RecordError> {
        let ids = self.add_opinions(std::slice::from_ref(opinion))?;
        ids.first().copied().ok_or(RecordError::NoInspection(opinion.inspection.0))
    }

    /// Records several verdicts in one transaction.
    ///
    /// # Errors
    /// As [`Record::add_opinion`].
    pub fn add_opinions(&mut self, opinions: &[NewOpinion]) -> Result<Vec<OpinionId>, RecordError> {
        for opinion in opinions {
            if opinion.reviewer.trim().is_empty() {
                return Err(RecordError::NoReviewer);
            }
            for shape in opinion.region.iter().chain(&opinion.more_regions) {
                Regions(vec![Region { ignore: false, shape: shape.clone() }]).validate()?;
            }
        }
        self.write(|transaction| opinions.iter().map(|opinion| insert(transaction, opinion)).collect())
    }

    /// Retracts a verdict by a new row, whose number it returns; the reviewer's previous verdict counts again.
    /// Retracting that row restores the verdict.
    ///
    /// # Errors
    /// [`RecordError`] for a verdict that does not exist or is already retracted, or a file that cannot be written.
    pub fn retract(&mut self, id: OpinionId, time: Timestamp) -> Result<OpinionId, RecordError> {
        self.write(|transaction| {
            let mut find = transaction.prepare_cached("SELECT inspection, reviewer FROM verdict WHERE id = ?1")?;
            let found = find.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((inspection, reviewer)): Option<(InspectionId, String)> = found else {
                return Err(RecordError::NoVerdict(id).into());
            };
            if transaction.prepare_cached("SELECT 1 FROM verdict WHERE retracts = ?1")?.exists([id])? {
                return Err(RecordError::Retracted(id).into());
            }
            let mut insert = transaction
                .prepare_cached("INSERT INTO verdict (inspection, reviewer, time, retracts) VALUES (?1, ?2, ?3, ?4)")?;
            Ok(OpinionId(insert.insert(params![inspection, reviewer, time.0, id])?))
        })
    }

    /// Adds a defect type to the list, or restores it. Does nothing if it is listed.
    ///
    /// # Errors
    /// [`RecordError`] for an empty name, or a file that cannot be written.
    pub fn add_defect_type(&mut self, name: &str, time: Timestamp) -> Result<(), RecordError> {
        self.set_defect_type(name, false, time)
    }

    /// Removes a defect type from the list; verdicts that name it are unaffected.
    ///
    /// # Errors
    /// As [`Record::add_defect_type`].
    pub fn retire_defect_type(&mut self, name: &str, time: Timestamp) -> Result<(), RecordError> {
        self.set_defect_type(name, true, time)
    }

    fn set_defect_type(&mut self, name: &str, retired: bool, time: Timestamp) -> Result<(), RecordError> {
        let name = name.trim();
        if name.is_empty() {
            return Err(RecordError::NoName);
        }
        self.write(|transaction| {
            let mut find = transaction
                .prepare_cached("SELECT retired FROM defect_kind WHERE name = ?1 ORDER BY id DESC LIMIT 1")?;
            // A type that was never listed counts as retired.
            let before = find.query_row([name], |row| row.get(0)).optional()?.unwrap_or(true);
            if before != retired {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO defect_kind (name, retired, time) VALUES (?1, ?2, ?3)")?;
                insert.execute(params![name, retired, time.0])?;
            }
            Ok(())
        })
    }

    /// Returns the listed defect types, in the order in which they were first added.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn defect_types(&self) -> Result<Vec<String>, RecordError> {
        self.read(|| {
            // The latest row of a name decides whether it is listed, the first row its position.
            let mut statement = self.connection.prepare_cached(
                "SELECT name FROM (SELECT name, retired, min(id) AS first FROM
                    (SELECT name, id, last_value(retired) OVER (
                        PARTITION BY name ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                    ) AS retired FROM defect_kind) GROUP BY name)
                 WHERE NOT retired ORDER BY first",
            )?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }
}

fn insert(transaction: &Transaction<'_>, opinion: &NewOpinion) -> Result<OpinionId, TransactionError> {
    if !transaction.prepare_cached("SELECT 1 FROM inspection WHERE id = ?1")?.exists([opinion.inspection])? {
        return Err(RecordError::NoInspection(opinion.inspection.0).into());
    }
    let broken = |cause: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(cause.into());
    let region = opinion.region.as_ref().map(serde_json::to_string).transpose().map_err(broken)?;
    let more = (!opinion.more_regions.is_empty()).then(|| serde_json::to_string(&opinion.more_regions));
    let more = more.transpose().map_err(broken)?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO verdict (inspection, reviewer, kind, defect_kind, note, region, blind, time, more_regions)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let id = insert.insert(params![
        opinion.inspection,
        opinion.reviewer.trim(),
        opinion.judgement.title(),
        opinion.defect.as_deref().map(str::trim).filter(|name| !name.is_empty()),
        opinion.note,
        region,
        opinion.blind,
        opinion.time.0,
        more,
    ])?;
    Ok(OpinionId(id))
}
