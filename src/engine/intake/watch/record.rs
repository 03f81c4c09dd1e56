//! The review record as the ledger of a watched folder.

use std::{fs, path::Path};

use super::{
    fingerprint::Fingerprint,
    ledger::{Ledger, LedgerError},
};
use crate::{
    data::FileHash,
    engine::intake::inspected::InspectedFile,
    inspect::Judged,
    review::{
        Findings, KeptPictures, PartId, Record, Timestamp, kept_picture,
        record::{NewInspection, NewPart, Writing},
    },
    text::PrintablePath,
};

/// Records each part in a [`Record`], under the model that inspected it, which must be calibrated.
#[derive(Debug)]
pub struct RecordLedger {
    record: Record,
    /// The model whose inspections count; `None` for any.
    model: Option<FileHash>,
    /// The parts whose images are copied to the record.
    keep: KeptPictures,
}

impl RecordLedger {
    /// Chooses the parts whose images are copied to the record; flagged ones by default.
    #[must_use]
    pub fn keeping(mut self, keep: KeptPictures) -> Self {
        self.keep = keep;
        self
    }

    /// Records a part once, whichever model inspected it.
    pub fn once(record: Record) -> Self {
        Self { record, model: None, keep: KeptPictures::default() }
    }

    /// Records a part once for each model; `model` is the hash of the one that inspects now.
    ///
    /// # Errors
    /// [`LedgerError`] for an invalid hash.
    pub fn once_a_model(record: Record, model: &str) -> Result<Self, LedgerError> {
        Ok(Self { record, model: Some(hash_of(model)?), keep: KeptPictures::default() })
    }
}

fn hash_of(model: &str) -> Result<FileHash, LedgerError> {
    model.parse().map_err(|_| LedgerError::new("the model has no valid hash"))
}

impl RecordLedger {
    /// Returns the parts on record that are an unfinished state of this file. A file that has changed again since it was
    /// inspected, or is gone, is compared with none; its last state is compared with all.
    fn superseded(&self, inspected: &InspectedFile) -> Result<Vec<PartId>, LedgerError> {
        let earlier = self.record.earlier_parts(&inspected.path, inspected.hash)?;
        if earlier.is_empty() || Fingerprint::of(&inspected.path).as_ref() != Some(&inspected.fingerprint) {
            return Ok(Vec::new());
        }
        let content = fs::read(&inspected.path).ok().filter(|content| FileHash::of(content) == inspected.hash);
        let Some(content) = content else { return Ok(Vec::new()) };
        Ok(earlier.iter().filter(|part| part.is_finished_by(&content)).map(|part| part.id).collect())
    }
}

impl Ledger for RecordLedger {
    fn is_recorded(&self, path: &Path, hash: FileHash) -> Result<bool, LedgerError> {
        let filed = match self.model {
            Some(model) => self.record.is_filed(path, hash, model),
            None => self.record.is_known(path, hash),
        };
        Ok(filed? || self.record.is_quarantined(path, hash)?)
    }

    fn record(&mut self, inspected: &InspectedFile) -> Result<(), LedgerError> {
        let outcome = &inspected.outcome;
        let (scores, assessment, threshold) = match &outcome.judged {
            Judged::Verdict { scores, assessment, threshold, .. } => (scores, assessment, *threshold),
            Judged::NoVerdict { reason, .. } => {
                let why = format!("there is no verdict to record. {}", reason.describe());
                return Err(LedgerError::new(why));
            }
        };
        // The image may have been inspected at a lower resolution than it is stored.
        let by = inspected.width as f32 / outcome.query.width().max(1) as f32;
        let found = inspected.regions.clone().ok().map(|list| if by == 1.0 { list } else { list.scaled(by) });
        let part = NewPart {
            path: inspected.path.clone(),
            hash: inspected.hash,
            bytes: inspected.fingerprint.len,
            width: inspected.width,
            height: inspected.height,
        };
        let inspection = NewInspection {
            model: hash_of(&inspected.model.hash)?,
            model_name: inspected.model.name.clone(),
            assessment: assessment.clone(),
            threshold: Some(threshold),
            findings: Findings::of(scores.clone(), found),
            seconds: outcome.seconds,
            time: Timestamp::now(),
        };
        let verdict = inspection.assessment.verdict;
        let writing = Writing { unwritten: inspected.unwritten.clone(), supersedes: self.superseded(inspected)? };
        if !writing.supersedes.is_empty() {
            let name = inspected.path.printable();
            tracing::info!(
                "{name} was recorded before it was finished; this inspection takes the place of the earlier one."
            );
        }
        let filed = self.record.insert_written(&part, &inspection, &writing)?;
        if self.keep.includes(verdict)
            && let Some(jpeg) = kept_picture::encode(&outcome.query)
        {
            self.record.keep_picture(filed.part, &jpeg, Timestamp::now())?;
        }
        Ok(())
    }

    fn quarantine(&mut self, path: &Path, hash: Option<FileHash>, reason: &str) -> Result<(), LedgerError> {
        self.record.quarantine(path, hash, reason, Timestamp::now())?;
        Ok(())
    }
}
