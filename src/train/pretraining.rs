//! Training of the weights that a critic starts from, on drawn images.

use std::{path::Path, sync::Arc};

use burn::tensor::Device;

use super::{CriticTrainer, Recipe, TrainError};
use crate::{
    data::ImageStore,
    files,
    files::FileError,
    model::{
        Critic,
        tensor_file::TensorWriter,
        weights::{self, WeightError},
    },
};

/// Width and height of a texture in pixels.
const SIDE: usize = 256;
/// One in so many textures is held out for the loss that is shown.
const HELD_OUT_EVERY: usize = 20;
/// Changes the seed, so that no built-in surface is the one that anybody trains or tests on.
const OWN_SEED: u64 = 0x7072_6574_7261_696e;
/// Bytes of textures kept in memory.
const CACHE: usize = 1 << 28;

/// A critic in training on `textures` drawn textures, from random weights.
///
/// # Errors
/// Those of [`CriticTrainer::new`].
pub fn pretraining(recipe: &Recipe, textures: usize, device: &Device) -> Result<CriticTrainer, TrainError> {
    let mut recipe = recipe.clone();
    recipe.critic.pretrained = false;
    let store = Arc::new(ImageStore::textures(recipe.seed ^ OWN_SEED, SIDE, textures, CACHE));
    let (held_out, training) = (0..textures).partition(|i| i % HELD_OUT_EVERY == 0);
    CriticTrainer::new(&recipe, None, &store, training, held_out, device)
}

/// Why pretrained weights cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum PretrainError {
    /// They cannot be read from the device.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// They cannot be stored as tensors.
    #[error("the weights cannot be stored: {0}")]
    Unwritable(String),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Writes the weights of a critic to a safetensors file at `path`, for the next build of this program.
///
/// # Errors
/// [`PretrainError`] if they cannot be read or written.
pub fn save_pretrained(critic: &Critic, path: &Path) -> Result<usize, PretrainError> {
    let all = weights::read(critic)?;
    let writer = TensorWriter::new(&all).map_err(PretrainError::Unwritable)?;
    let header = writer.header(env!("CARGO_PKG_VERSION").to_owned()).map_err(PretrainError::Unwritable)?;
    files::write_atomic_with(path, |out| writer.write(&header, out))?;
    Ok(all.iter().map(|weight| weight.values.len()).sum())
}
