//! People's verdicts, their undoing, and the kinds of defect that they name.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Record, RecordError, Refusal};
use crate::{
    inspect::{Region, Regions, regions::RegionShape},
    review::{InspectionId, Judgement, OpinionId, Timestamp},
};

/// A verdict to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOpinion {
    /// The inspection that the person had before their eyes.
    pub inspection: InspectionId,
    /// Who.
    pub reviewer: String,
    /// What they say.
    pub judgement: Judgement,
    /// The kind of defect, where one is named.
    pub defect: Option<String>,
    /// A note; may be empty.
    pub note: String,
    /// Where the defect is, in pixels of the picture, where it is drawn.
    pub region: Option<RegionShape>,
    /// Given without sight of what the other person said.
    pub blind: bool,
    /// When.
    pub time: Timestamp,
}

impl NewOpinion {
    /// A verdict and nothing else, now.
    pub fn new(inspection: InspectionId, reviewer: impl Into<String>, judgement: Judgement) -> Self {
        let reviewer = reviewer.into();
        let (defect, note, region, blind) = (None, String::new(), None, false);
        Self { inspection, reviewer, judgement, defect, note, region, blind, time: Timestamp::now() }
    }
}

impl Record {
    /// Records a verdict; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`RecordError`] for a verdict without a name, a region of no sense, an inspection that is not there, or a file
    /// that cannot be written.
    pub fn add_opinion(&mut self, opinion: &NewOpinion) -> Result<OpinionId, RecordError> {
        let ids = self.add_opinions(std::slice::from_ref(opinion))?;
        ids.first().copied().ok_or(RecordError::NoInspection(opinion.inspection.0))
    }

    /// Records several verdicts, all of them or none.
    ///
    /// # Errors
    /// As [`Record::add_opinion`].
    pub fn add_opinions(&mut self, opinions: &[NewOpinion]) -> Result<Vec<OpinionId>, RecordError> {
        for opinion in opinions {
            if opinion.reviewer.trim().is_empty() {
                return Err(RecordError::NoReviewer);
            }
            if let Some(shape) = &opinion.region {
                Regions(vec![Region { ignore: false, shape: shape.clone() }]).validate()?;
            }
        }
        self.write(|transaction| opinions.iter().map(|opinion| insert(transaction, opinion)).collect())
    }

    /// Takes a verdict back by a new row; given the number of that row, takes this back in turn and so restores the
    /// verdict. What the same person said before counts again.
    ///
    /// # Errors
    /// [`RecordError`] for a verdict that is not there or taken back already, or a file that cannot be written.
    pub fn retract(&mut self, id: OpinionId, time: Timestamp) -> Result<OpinionId, RecordError> {
        self.write(|transaction| {
            let mut find = transaction.prepare_cached("SELECT inspection, reviewer FROM verdict WHERE id = ?1")?;
            let found = find.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((inspection, reviewer)): Option<(InspectionId, String)> = found else {
                return Err(RecordError::NoVerdict(id).into());
            };
            if transaction.prepare_cached("SELECT 1 FROM verdict WHERE retracts = ?1")?.exists([id])? {
                return Err(RecordError::TakenBack(id).into());
            }
            let mut insert = transaction
                .prepare_cached("INSERT INTO verdict (inspection, reviewer, time, retracts) VALUES (?1, ?2, ?3, ?4)")?;
            Ok(OpinionId(insert.insert(params![inspection, reviewer, time.0, id])?))
        })
    }

    /// Adds a kind of defect to the list that is offered, or brings it back. One that is there stays as it is.
    ///
    /// # Errors
    /// [`RecordError`] for no name, or a file that cannot be written.
    pub fn add_defect_kind(&mut self, name: &str, time: Timestamp) -> Result<(), RecordError> {
        self.list_defect_kind(name, false, time)
    }

    /// Takes a kind of defect off the list that is offered; verdicts that name it stay as they are.
    ///
    /// # Errors
    /// As [`Record::add_defect_kind`].
    pub fn retire_defect_kind(&mut self, name: &str, time: Timestamp) -> Result<(), RecordError> {
        self.list_defect_kind(name, true, time)
    }

    fn list_defect_kind(&mut self, name: &str, retired: bool, time: Timestamp) -> Result<(), RecordError> {
        let name = name.trim();
        if name.is_empty() {
            return Err(RecordError::NoName);
        }
        self.write(|transaction| {
            let mut find = transaction
                .prepare_cached("SELECT retired FROM defect_kind WHERE name = ?1 ORDER BY id DESC LIMIT 1")?;
            // One that was never there counts as retired.
            let before = find.query_row([name], |row| row.get(0)).optional()?.unwrap_or(true);
            if before != retired {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO defect_kind (name, retired, time) VALUES (?1, ?2, ?3)")?;
                insert.execute(params![name, retired, time.0])?;
            }
            Ok(())
        })
    }

    /// The kinds of defect that are offered, in the order in which they were first added.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn defect_kinds(&self) -> Result<Vec<String>, RecordError> {
        self.read(|| {
            // The latest row of a name says whether it is offered, the first one where.
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

fn insert(transaction: &Transaction<'_>, opinion: &NewOpinion) -> Result<OpinionId, Refusal> {
    if !transaction.prepare_cached("SELECT 1 FROM inspection WHERE id = ?1")?.exists([opinion.inspection])? {
        return Err(RecordError::NoInspection(opinion.inspection.0).into());
    }
    let region = opinion.region.as_ref().map(serde_json::to_string).transpose();
    let region = region.map_err(|cause| rusqlite::Error::ToSqlConversionFailure(cause.into()))?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO verdict (inspection, reviewer, kind, defect_kind, note, region, blind, time)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
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
    ])?;
    Ok(OpinionId(id))
}
