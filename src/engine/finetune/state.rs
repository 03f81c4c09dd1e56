//! The state of fine-tuning that the window shows.

use std::{path::PathBuf, sync::Arc};

use parking_lot::RwLock;

use crate::{
    data::FileHash,
    engine::training::build_progress::BuildProgress,
    review::{Comparison, LabelSummary, OpinionId, Timestamp, comparison::ModelMetrics, record::NewAdoption},
};

/// How the learning stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FinetunePhase {
    /// There was none yet.
    #[default]
    Idle,
    /// The images are being read: done and in all, both 0 before that is known.
    Opening(usize, usize),
    /// Generator and D are trained on: steps done and in all.
    Generator(u64, u64),
    /// Critic and calibration are made.
    Making(BuildProgress),
    /// Both models inspect the parts that neither has seen: done and in all.
    Comparing(usize, usize),
    /// The new model is there.
    Done,
    /// Ended early by the user.
    Stopped,
    /// Could not go on; the sentence says why and the way out.
    Failed(String),
}

impl FinetunePhase {
    /// Whether it goes on.
    pub fn is_going(&self) -> bool {
        matches!(self, Self::Opening(..) | Self::Generator(..) | Self::Making(_) | Self::Comparing(..))
    }

    /// What is being done, in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Opening(..) => "Reading the images".into(),
            Self::Generator(..) => "Training generator and D on".into(),
            Self::Making(making) => crate::format::capitalise(&making.words()),
            Self::Comparing(..) => "Comparing both models".into(),
            Self::Idle | Self::Done | Self::Stopped | Self::Failed(_) => String::new(),
        }
    }

    /// Share of this phase that is done, 0 to 1; `None` before that is known.
    pub fn share(&self) -> Option<f32> {
        match self {
            Self::Opening(done, total) | Self::Comparing(done, total) => {
                (*total > 0).then(|| *done as f32 / *total as f32)
            }
            Self::Generator(done, total) => Some(*done as f32 / (*total).max(1) as f32),
            Self::Making(making) => Some(making.share),
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

/// A model that has learned from verdicts.
#[derive(Clone, Debug, PartialEq)]
pub struct FinetuneResult {
    /// The model.
    pub model: SavedModel,
    /// The model before it.
    pub parent: SavedModel,
    /// The verdicts that it learned from.
    pub opinions: Vec<OpinionId>,
    /// Both on the parts that neither has seen; `None` where there was none.
    pub comparison: Option<Comparison>,
    /// Parts whose picture is not where it was, or has changed.
    pub missing: usize,
}

impl FinetuneResult {
    /// What goes on record when the new model is put in force.
    pub fn adoption(&self, adopted_by: &str, time: Timestamp) -> NewAdoption {
        let side = |model: &SavedModel, figures: Option<&ModelMetrics>| serde_json::json!({ "name": model.name, "path": model.path, "figures": figures });
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

/// The state of learning, cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinetuneStatus {
    /// How it stands.
    pub phase: FinetunePhase,
    /// Seconds to the end of this phase, once known.
    pub seconds_left: Option<f64>,
    /// The training labels, once they are read.
    pub labels: Option<LabelSummary>,
    /// What came of it last.
    pub learned: Option<Arc<FinetuneResult>>,
}

/// What the compute thread shows of learning; part of [`Live`](super::EngineState).
#[derive(Debug, Default)]
pub struct FinetuneState {
    /// The state.
    pub status: RwLock<FinetuneStatus>,
}
