//! The state of fine-tuning that the window shows.

use std::{path::PathBuf, sync::Arc};

use parking_lot::RwLock;

use crate::{
    data::FileHash,
    engine::training::BuildProgress,
    review::{Comparison, LabelSummary, ModelMetrics, OpinionId, Timestamp, record::NewAdoption},
    text::path_text,
};

/// Phase of a fine-tuning.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FinetunePhase {
    /// No fine-tuning yet.
    #[default]
    Idle,
    /// The images are being read: number done and total, both 0 until known.
    Opening(usize, usize),
    /// Generator and discriminator are trained: steps done and total.
    Generator(u64, u64),
    /// Critic, statistics and calibration are built.
    Building(BuildProgress),
    /// Both models inspect the held-out verdicts: number done and total.
    Comparing(usize, usize),
    /// The new model is ready.
    Done,
    /// Cancelled by the user.
    Stopped,
    /// Failed; the text says why and what to do.
    Failed(String),
}

impl FinetunePhase {
    /// Whether it is running.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Opening(..) | Self::Generator(..) | Self::Building(_) | Self::Comparing(..))
    }

    /// Short description of the current work.
    pub fn description(&self) -> String {
        match self {
            Self::Opening(..) => "Reading the images".into(),
            Self::Generator(..) => "Training generator and discriminator".into(),
            Self::Building(progress) => crate::format::capitalise(&progress.description()),
            Self::Comparing(..) => "Comparing both models".into(),
            Self::Idle | Self::Done | Self::Stopped | Self::Failed(_) => String::new(),
        }
    }

    /// Says that fine-tuning was cancelled in this phase, and what is left of it.
    pub(crate) fn cancelled(&self) -> String {
        let done = match self {
            Self::Opening(done, total) if *total > 0 => format!(", after {done} of {total} images"),
            Self::Generator(done, total) => format!(", after {done} of {total} steps"),
            Self::Comparing(done, total) if *total > 0 => format!(", after {done} of {total} parts"),
            Self::Building(progress) => format!(", at {:.0} %", 100.0 * progress.share),
            _ => String::new(),
        };
        let phase = self.description();
        let phase = phase.chars().next().map(|c| c.to_lowercase().chain(phase.chars().skip(1)).collect::<String>());
        let phase = phase.map(|phase| format!(" while {phase}")).unwrap_or_default();
        format!("Cancelled{phase}{done}. No model was saved, and the active model is unchanged.")
    }

    /// Share of this phase that is done, 0 to 1, once known.
    pub fn share(&self) -> Option<f32> {
        match self {
            Self::Opening(done, total) | Self::Comparing(done, total) => {
                (*total > 0).then(|| *done as f32 / *total as f32)
            }
            Self::Generator(done, total) => Some(*done as f32 / (*total).max(1) as f32),
            Self::Building(progress) => Some(progress.share),
            Self::Idle | Self::Done | Self::Stopped | Self::Failed(_) => None,
        }
    }
}

/// A model in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedModel {
    /// Name on screen.
    pub name: String,
    /// Hash of its tensors.
    pub hash: FileHash,
    /// The file.
    pub path: PathBuf,
}

/// Result of a fine-tuning.
#[derive(Clone, Debug, PartialEq)]
pub struct FinetuneResult {
    /// The new model.
    pub model: SavedModel,
    /// The model it was fine-tuned from.
    pub parent: SavedModel,
    /// The verdicts used as training labels.
    pub opinions: Vec<OpinionId>,
    /// Both models compared on held-out verdicts; `None` where there are none.
    pub comparison: Option<Comparison>,
    /// Parts whose image was moved, deleted or changed.
    pub missing: usize,
    /// Says which healthy images look defective and were left out; `None` if none does.
    pub outliers: Option<String>,
}

impl FinetuneResult {
    /// The entry for the record when the new model is adopted.
    pub fn adoption(&self, adopted_by: &str, time: Timestamp) -> NewAdoption {
        let side = |model: &SavedModel, figures: Option<&ModelMetrics>| serde_json::json!({ "name": model.name, "path": path_text::to_text(&model.path), "figures": figures });
        NewAdoption {
            model: self.model.hash,
            parent: Some(self.parent.hash),
            path: self.model.path.clone(),
            adopted_by: adopted_by.to_owned(),
            verdicts: self.opinions.clone(),
            before: side(&self.parent, self.comparison.as_ref().map(|c| &c.before)),
            after: side(&self.model, self.comparison.as_ref().map(|c| &c.after)),
            time,
        }
    }
}

/// The state of a fine-tuning, cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinetuneStatus {
    /// Its phase.
    pub phase: FinetunePhase,
    /// Seconds to the end of this phase, once known.
    pub seconds_left: Option<f64>,
    /// The training labels, once they are read.
    pub labels: Option<LabelSummary>,
    /// The last result.
    pub result: Option<Arc<FinetuneResult>>,
    /// Where the last fine-tuning was cancelled, in a sentence; `None` if it was not.
    pub cancelled: Option<String>,
}

/// The part of [`EngineState`](crate::engine::EngineState) that shows fine-tuning.
#[derive(Debug, Default)]
pub struct FinetuneState {
    /// The status.
    pub status: RwLock<FinetuneStatus>,
}
