//! The latent vector of an image: back-propagation over z, and its optimisers.

pub(crate) mod inversion;
mod lbfgs;

pub use inversion::{FrozenNetworks, InversionBatch, Losses, StepStats, Target};
