//! Test images and the evaluated model, as an evaluation records them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    data::{FileHash, Label},
    inspect::Scores,
    text::path_text,
};

/// An inspected test image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedImage {
    /// Index in the test set.
    pub index: usize,
    /// Path within the data, or the name of a generated image.
    pub name: String,
    /// Its file; `None` for a generated image.
    #[serde(default, with = "path_text::optional")]
    pub path: Option<PathBuf>,
    /// Hash of the file.
    pub hash: FileHash,
    /// Ground truth.
    pub label: Label,
    /// Width and height as inspected, pixels.
    pub size: (usize, usize),
    /// All scores.
    pub scores: Scores,
    /// Optimisation steps of z.
    pub steps: usize,
    /// Compute time, seconds.
    pub seconds: f32,
}

impl EvaluatedImage {
    /// Whether the image is defective by its label.
    pub fn is_defective(&self) -> bool {
        self.label != Label::Healthy
    }

    /// The defect type; `None` for a healthy image.
    pub fn defect_type(&self) -> Option<&str> {
        match &self.label {
            Label::Healthy => None,
            Label::Defective(kind) => Some(kind),
        }
    }
}

/// A test image that was not inspected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedImage {
    /// Its name.
    pub name: String,
    /// The reason, and what to do about it.
    pub reason: String,
}

/// The model under evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedModel {
    /// Name on screen.
    pub name: String,
    /// Hash of its tensors, hexadecimal.
    pub hash: String,
    /// Training steps.
    pub step: u64,
    /// Source of its training images.
    pub data: String,
    /// Its recipe, as TOML.
    pub recipe: String,
}
