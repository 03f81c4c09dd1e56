//! The record of a review station as what a watched folder goes by.

use std::path::Path;

use super::{Ledger, LedgerError};
use crate::{
    data::FileHash,
    engine::intake::stream::InspectedFile,
    review::{
        Findings, Record, Timestamp,
        anomaly_region::{RegionThreshold, find_regions},
        record::{NewInspection, NewPart},
    },
};

/// Smallest area of an anomaly region, pixels; smaller ones are noise.
const MIN_AREA: usize = 12;
/// Largest number of anomaly regions per part.
const MAX_REGIONS: usize = 20;

/// Files each part in a [`Record`], under the model that inspected it. Only a model with a verdict has something to file.
#[derive(Debug)]
pub struct RecordLedger {
    record: Record,
    /// The model whose inspections count; any for `None`.
    model: Option<FileHash>,
}

impl RecordLedger {
    /// A part is filed once by any model: another one in force leaves alone what is on record.
    pub fn once(record: Record) -> Self {
        Self { record, model: None }
    }

    /// A part is filed once by each model, and is wanted until the one of this hash has inspected it.
    ///
    /// # Errors
    /// [`LedgerError`] for a hash that is none.
    pub fn once_a_model(record: Record, model: &str) -> Result<Self, LedgerError> {
        Ok(Self { record, model: Some(hash_of(model)?) })
    }
}

fn hash_of(model: &str) -> Result<FileHash, LedgerError> {
    model.parse().map_err(|_| LedgerError::new("the model has no hash that a record could keep"))
}

impl Ledger for RecordLedger {
    fn is_filed(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError> {
        let filed = match self.model {
            Some(model) => self.record.is_filed(path, hash, model),
            None => self.record.is_known(path, hash),
        };
        Ok(filed.map_err(LedgerError::new)? || self.record.is_quarantined(path, hash).map_err(LedgerError::new)?)
    }

    fn file(&mut self, finding: &InspectedFile) -> Result<(), LedgerError> {
        let outcome = &finding.outcome;
        let (Some(assessment), Some(scale)) = (outcome.assessment.clone(), finding.scale) else {
            return Err(LedgerError::new("a model without a calibration has no verdict that a record could keep"));
        };
        let (kind, map) = finding.map();
        // Above half of a scale lies next to nothing of a healthy part.
        let level = kind.upper(&scale) / 2.0;
        let threshold = RegionThreshold { level, min_area: MIN_AREA, max_regions: MAX_REGIONS };
        let regions = find_regions(&map, outcome.query.width(), outcome.query.height(), &threshold);
        // A model may see a picture smaller than it is stored.
        let by = finding.width as f32 / outcome.query.width().max(1) as f32;
        let regions = regions.into_iter().map(|region| region.scaled(by)).collect();
        let part = NewPart {
            path: finding.path.clone(),
            hash: finding.hash,
            bytes: finding.stamp.len,
            width: finding.width,
            height: finding.height,
        };
        let inspection = NewInspection {
            model: hash_of(&finding.model.hash)?,
            model_name: finding.model.name.clone(),
            assessment,
            threshold: finding.threshold,
            findings: Findings { scores: outcome.scores.clone(), regions },
            seconds: outcome.seconds,
            time: Timestamp::now(),
        };
        self.record.insert_inspection(&part, &inspection).map_err(LedgerError::new)?;
        Ok(())
    }

    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.record.quarantine(path, hash, reason, Timestamp::now()).map_err(LedgerError::new)?;
        Ok(())
    }
}
