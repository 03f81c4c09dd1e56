//! Reading of parts with their verdicts.

use std::{error::Error, path::PathBuf, str::FromStr};

use rusqlite::{OptionalExtension, Row, params, types::Type};
use serde::de::DeserializeOwned;

use super::{Record, RecordError, history};
use crate::{
    format::counted,
    inspect::{Assessment, RegionShape, ScoreKind, Verdict},
    review::{Findings, Inspection, InspectionId, Judgement, Opinion, OpinionId, Part, PartId, ReviewItem, Timestamp},
    text::path_text,
};

/// Position up to which a record has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordPosition {
    /// Latest inspection seen.
    pub inspection: InspectionId,
    /// Latest row of the verdict table seen.
    pub opinion: OpinionId,
}

/// Changes since a position.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordChanges {
    /// The changed parts, complete, by number.
    pub items: Vec<ReviewItem>,
    /// Position after these changes.
    pub position: RecordPosition,
}

/// One row per part and verdict, ordered by part. `?1` and `?2` are a [`RecordPosition`]: parts with a later
/// inspection or verdict are selected.
macro_rules! rows {
    ($wanted:literal) => {
        concat!(
            "SELECT p.id, p.path, p.hash, p.bytes, p.width, p.height, p.first_seen,
                i.id, i.model, i.model_name, i.score_kind, i.score, i.p_value, i.held_out, i.rate, i.threshold,
                i.verdict, i.seconds, i.time,
                v.id, v.inspection, j.verdict, v.reviewer, v.kind, v.defect_kind, v.note, v.region, v.blind, v.time,
                v.retracts, i.reason, v.more_regions
             FROM part p
             JOIN inspection i ON i.id = (SELECT max(id) FROM inspection WHERE part = p.id)
             LEFT JOIN (inspection j JOIN verdict v ON v.inspection = j.id) ON j.part = p.id ",
            $wanted,
            " ORDER BY p.id"
        )
    };
}

const QUEUE: &str = rows!("");

/// With the parts that each has superseded, and those that have superseded it.
const CHANGED: &str = rows!(
    "WHERE p.id IN (
        WITH RECURSIVE family (id) AS (
            SELECT part FROM inspection WHERE id > ?1
            UNION SELECT part FROM inspection WHERE id IN (SELECT inspection FROM verdict WHERE id > ?2)
            UNION SELECT s.successor FROM superseded s JOIN family ON s.part = family.id
            UNION SELECT s.part FROM superseded s JOIN family ON s.successor = family.id
        )
        SELECT id FROM family
     )"
);

/// With the parts that it has superseded.
const ONE: &str = rows!(
    "WHERE p.id IN (
        WITH RECURSIVE family (id) AS (
            SELECT ?1 UNION SELECT s.part FROM superseded s JOIN family ON s.successor = family.id
        )
        SELECT id FROM family
     )"
);

const ALONE: &str = rows!("WHERE p.id = ?1");

impl Record {
    /// Returns every part, by number, with its latest inspection and each reviewer's current verdict. A part whose file was
    /// recorded before it was finished is in the history of the one that took its place.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn queue(&self) -> Result<Vec<ReviewItem>, RecordError> {
        self.read(|| self.items(QUEUE, params![]))
    }

    /// Returns every part like [`Record::queue`] of a record that may be damaged: as many as can be read, and the damage. The
    /// whole file is checked, so that no altered name is taken for a part.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read at all.
    pub fn queue_checked(&self) -> Result<(Vec<ReviewItem>, Option<RecordError>), RecordError> {
        let (items, found) = match self.queue() {
            Ok(items) => (items, None),
            Err(error @ RecordError::Damaged { .. }) => (self.salvaged(), Some(error)),
            Err(error) => return Err(error),
        };
        match self.check().and_then(|()| self.check_inspections()) {
            Ok(()) => Ok((items, found)),
            Err(error @ RecordError::Damaged { .. }) => Ok((items, Some(error))),
            Err(error) => Err(error),
        }
    }

    /// Checks the file like [`Record::quick_check`], and that each part has an inspection, as it had when it was recorded.
    ///
    /// # Errors
    /// As [`Record::check`].
    pub fn check_parts(&self) -> Result<(), RecordError> {
        self.quick_check()?;
        self.check_inspections()
    }

    fn check_inspections(&self) -> Result<(), RecordError> {
        let page: i64 = self.read(|| self.connection.pragma_query_value(None, "page_size", |row| row.get(0)))?;
        let length = std::fs::metadata(self.path()).map_or(0, |about| about.len());
        if !length.is_multiple_of(u64::try_from(page).unwrap_or(1).max(1)) {
            let what = "it ends in the middle of a page".to_owned();
            return Err(RecordError::Damaged { path: self.path().into(), what });
        }
        let sql = "SELECT count(*) FROM part WHERE NOT EXISTS (SELECT 1 FROM inspection i WHERE i.part = part.id)";
        let missing: i64 = self.read(|| self.connection.query_row(sql, [], |row| row.get(0)))?;
        match usize::try_from(missing).unwrap_or_default() {
            0 => Ok(()),
            missing => {
                let what = format!("{} without an inspection", counted(missing, "part"));
                Err(RecordError::Damaged { path: self.path().into(), what })
            }
        }
    }

    /// Returns the parts that can be read one by one.
    fn salvaged(&self) -> Vec<ReviewItem> {
        let last = |sql| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or_default();
        let last = last("SELECT seq FROM sqlite_sequence WHERE name = 'part'").max(last("SELECT max(id) FROM part"));
        let items = (1..=last).filter_map(|id| self.rows(ALONE, params![id]).ok()?.pop()).collect();
        history::fold(items, &self.successors().unwrap_or_default())
    }

    /// Returns the parts that changed after `position`; all parts for [`RecordPosition::default`]. Reads a consistent
    /// snapshot: concurrent writes are neither missed nor seen twice.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn since(&self, position: RecordPosition) -> Result<RecordChanges, RecordError> {
        self.read(|| {
            // Both queries see the same snapshot.
            let transaction = self.connection.unchecked_transaction()?;
            let mut last = transaction.prepare_cached(
                "SELECT ifnull((SELECT max(id) FROM inspection), 0), ifnull((SELECT max(id) FROM verdict), 0)",
            )?;
            let now = last.query_row([], |row| Ok(RecordPosition { inspection: row.get(0)?, opinion: row.get(1)? }))?;
            let items = match now == position {
                true => Vec::new(),
                false => self.items(CHANGED, params![position.inspection, position.opinion])?,
            };
            Ok(RecordChanges { items, position: now })
        })
    }

    /// Returns a part, or `None` if there is no such part or another has taken its place.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn item(&self, part: PartId) -> Result<Option<ReviewItem>, RecordError> {
        self.read(|| Ok(self.items(ONE, params![part])?.pop().filter(|item| item.part.id == part)))
    }

    /// Returns scores and anomaly regions of an inspection, or `None` if there is no such inspection.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn findings(&self, inspection: InspectionId) -> Result<Option<Findings>, RecordError> {
        self.read(|| {
            let mut find = self.connection.prepare_cached(
                "SELECT scores, suspects, region_rule, regions_left_out FROM inspection WHERE id = ?1",
            )?;
            let findings = |row: &Row<'_>| {
                let ruled = row.get_ref(2)?.data_type() != Type::Null;
                Ok(Findings {
                    scores: json(row, 0)?,
                    regions: json(row, 1)?,
                    region_rule: ruled.then(|| json(row, 2)).transpose()?,
                    regions_left_out: usize::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
                })
            };
            find.query_row([inspection], findings).optional()
        })
    }

    fn items(&self, sql: &str, wanted: impl rusqlite::Params) -> rusqlite::Result<Vec<ReviewItem>> {
        Ok(history::fold(self.rows(sql, wanted)?, &self.successors()?))
    }

    fn rows(&self, sql: &str, wanted: impl rusqlite::Params) -> rusqlite::Result<Vec<ReviewItem>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(wanted)?;
        let mut items: Vec<ReviewItem> = Vec::new();
        let mut verdicts: Vec<VerdictRow> = Vec::new();
        while let Some(row) = rows.next()? {
            let part: PartId = row.get(0)?;
            if items.last().is_none_or(|item| item.part.id != part) {
                fold(&mut items, &mut verdicts);
                items.push(item(row)?);
            }
            if let Some(id) = row.get(19)? {
                verdicts.push(VerdictRow { id, retracts: row.get(29)?, opinion: opinion(row, id)? });
            }
        }
        fold(&mut items, &mut verdicts);
        Ok(items)
    }
}

/// A row of the verdict table.
struct VerdictRow {
    id: OpinionId,
    retracts: Option<OpinionId>,
    /// `None` for a retraction.
    opinion: Option<Opinion>,
}

/// Moves the verdicts that are not retracted into the last item.
fn fold(items: &mut [ReviewItem], rows: &mut Vec<VerdictRow>) {
    let Some(item) = items.last_mut() else { return };
    // A retraction comes after the row it retracts: going backwards, a row not retracted by then counts.
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    let mut retracted: Vec<OpinionId> = Vec::new();
    for VerdictRow { id, retracts, opinion } in rows.drain(..) {
        if retracted.contains(&id) {
            continue;
        }
        retracted.extend(retracts);
        let Some(opinion) = opinion else { continue };
        if opinion.blind {
            // Going back in time, the last one kept is the first one given.
            item.blind.retain(|o| o.reviewer != opinion.reviewer);
            item.blind.push(opinion.clone());
        }
        if item.opinions.iter().all(|o| o.reviewer != opinion.reviewer) {
            item.opinions.push(opinion);
        }
    }
    item.opinions.reverse();
    item.blind.reverse();
}

fn item(row: &Row<'_>) -> rusqlite::Result<ReviewItem> {
    Ok(ReviewItem {
        part: Part {
            id: row.get(0)?,
            path: path(row, 1)?,
            hash: parsed(row, 2)?,
            bytes: row.get::<_, i64>(3)? as u64,
            width: row.get::<_, i64>(4)? as usize,
            height: row.get::<_, i64>(5)? as usize,
            first_seen: Timestamp(row.get(6)?),
        },
        inspection: Inspection {
            id: row.get(7)?,
            model: parsed(row, 8)?,
            model_name: row.get(9)?,
            assessment: Assessment {
                kind: named(row, 10, &ScoreKind::ALL, ScoreKind::name)?,
                score: row.get(11)?,
                p: row.get(12)?,
                n: row.get::<_, i64>(13)? as usize,
                rate: row.get(14)?,
                verdict: verdict(row, 16)?,
                reason: row.get(30)?,
            },
            threshold: row.get(15)?,
            seconds: row.get(17)?,
            time: Timestamp(row.get(18)?),
        },
        opinions: Vec::new(),
        blind: Vec::new(),
        earlier: Vec::new(),
    })
}

/// Returns the verdict in this row, or `None` for a retraction.
fn opinion(row: &Row<'_>, id: OpinionId) -> rusqlite::Result<Option<Opinion>> {
    if row.get_ref(23)?.data_type() == Type::Null {
        return Ok(None);
    }
    let region = row.get_ref(26)?.data_type() != Type::Null;
    let more = row.get_ref(31)?.data_type() != Type::Null;
    Ok(Some(Opinion {
        id,
        inspection: row.get(20)?,
        model_verdict: verdict(row, 21)?,
        reviewer: row.get(22)?,
        judgement: named(row, 23, &Judgement::ALL, Judgement::title)?,
        defect: row.get(24)?,
        note: row.get(25)?,
        region: region.then(|| json::<RegionShape>(row, 26)).transpose()?,
        more_regions: if more { json(row, 31)? } else { Vec::new() },
        blind: row.get(27)?,
        time: Timestamp(row.get(28)?),
    }))
}

fn verdict(row: &Row<'_>, column: usize) -> rusqlite::Result<Verdict> {
    named(row, column, &Verdict::ALL, Verdict::title)
}

/// Returns the value whose name is in this column.
fn named<T: Copy>(row: &Row<'_>, column: usize, all: &[T], name: fn(T) -> &'static str) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|cause| broken(column, cause))?;
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or_else(|| broken(column, Unknown(text.into())))
}

/// Parses a text column.
pub(super) fn parsed<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    parse(column, row.get_ref(column)?.as_str().map_err(|cause| broken(column, cause))?)
}

/// Parses the text of a column.
pub(super) fn parse<T: FromStr<Err: Error + Send + Sync + 'static>>(column: usize, text: &str) -> rusqlite::Result<T> {
    text.parse().map_err(|cause| broken(column, cause))
}

/// Returns the path in this column.
pub(super) fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    Ok(path_text::from_text(row.get_ref(column)?.as_str().map_err(|cause| broken(column, cause))?))
}

/// Parses a JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|cause| broken(column, cause))?;
    serde_json::from_str(text).map_err(|cause| broken(column, cause))
}

fn broken(column: usize, cause: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(cause))
}

/// An unknown name.
#[derive(Debug, thiserror::Error)]
#[error("unknown name `{0}`")]
struct Unknown(String);
