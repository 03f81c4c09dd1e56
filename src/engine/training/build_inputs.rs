//! The inputs of a model build, and its errors.

use crate::{
    data::DataError,
    inspect::{CalibrateError, InvertKnobs, ModelError},
    model::{Critic, Discriminator, Encoder, Generator, weights::WeightError},
    train::TrainError,
};

/// Why a model could not be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("the encoder was not trained: {0}")]
    Encoder(TrainError),
    #[error("the critic was not trained: {0}")]
    Critic(TrainError),
    #[error("the normal statistics were not computed: {0}")]
    Statistics(#[from] WeightError),
    #[error("the model was not calibrated: {0}")]
    Calibrate(#[from] CalibrateError),
    #[error("the model was not built: {0}")]
    Data(#[from] DataError),
    #[error("the model was not built: {0}")]
    Model(#[from] ModelError),
}

/// The networks of a run at the start of the build.
pub(crate) struct RunNetworks {
    pub(crate) live: Generator,
    pub(crate) ema: Generator,
    pub(crate) d: Discriminator,
    pub(crate) device: burn::tensor::Device,
}

/// Parts taken over from an earlier model. The default is a build from scratch.
#[derive(Default)]
pub(crate) struct BaseParts {
    /// An encoder that is used unchanged.
    pub(crate) encoder: Option<Encoder>,
    /// A critic to start from.
    pub(crate) critic: Option<Critic>,
    /// Training steps of the critic, if not the recipe's.
    pub(crate) critic_steps: Option<u64>,
    /// The knobs to calibrate for.
    pub(crate) knobs: InvertKnobs,
}
