//! The record of a review station as what a watched folder goes by.

use std::path::Path;

use super::{Ledger, LedgerError};
use crate::{
    data::FileHash,
    engine::batch::Finding,
    inspect::{calibrate::MapScale, evaluation::MapKind},
    review::{
        Findings, Moment, Record,
        record::{NewInspection, NewPart},
        suspect::{Cut, suspects},
    },
};

/// Suspect places of fewer pixels than this are noise.
const MIN_AREA: usize = 12;
/// Most suspect places of a part.
const MOST: usize = 20;

/// Files each part in a [`Record`], as one model sees it. Only a model with a verdict has something to file.
#[derive(Debug)]
pub struct RecordLedger {
    record: Record,
    model: FileHash,
    /// Above half of a scale lies next to nothing of a healthy part.
    scale: MapScale,
}

impl RecordLedger {
    /// For the model of this hash, whose maps have these scales.
    ///
    /// # Errors
    /// [`LedgerError`] for a hash that is none.
    pub fn new(record: Record, model: &str, scale: MapScale) -> Result<Self, LedgerError> {
        let model = model.parse().map_err(|_| LedgerError::new("the model has no hash that a record could keep"))?;
        Ok(Self { record, model, scale })
    }
}

impl Ledger for RecordLedger {
    fn is_filed(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError> {
        let filed = self.record.is_filed(path, hash, self.model).map_err(LedgerError::new)?;
        Ok(filed || self.record.is_quarantined(path, hash).map_err(LedgerError::new)?)
    }

    fn file(&mut self, finding: &Finding) -> Result<(), LedgerError> {
        let outcome = &finding.outcome;
        let Some(assessment) = outcome.assessment.clone() else {
            return Err(LedgerError::new("a model without a calibration has no verdict that a record could keep"));
        };
        let (kind, map) = finding.map();
        let level = match kind {
            MapKind::Critic => self.scale.critic,
            MapKind::Feature => self.scale.feature,
            MapKind::Difference => self.scale.difference,
        } / 2.0;
        let cut = Cut { level, min_area: MIN_AREA, most: MOST };
        let suspects = suspects(&map, outcome.query.width(), outcome.query.height(), &cut);
        // A model may see a picture smaller than it is stored.
        let by = finding.width as f32 / outcome.query.width().max(1) as f32;
        let suspects = suspects.into_iter().map(|suspect| suspect.scaled(by)).collect();
        let part = NewPart {
            path: finding.path.clone(),
            hash: finding.hash,
            bytes: finding.stamp.len,
            width: finding.width,
            height: finding.height,
        };
        let inspection = NewInspection {
            model: self.model,
            model_name: finding.model.name.clone(),
            assessment,
            threshold: finding.threshold,
            findings: Findings { scores: outcome.scores.clone(), suspects },
            seconds: outcome.seconds,
            time: Moment::now(),
        };
        self.record.insert_inspection(&part, &inspection).map_err(LedgerError::new)?;
        Ok(())
    }

    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.record.quarantine(path, hash, reason, Moment::now()).map_err(LedgerError::new)?;
        Ok(())
    }
}
