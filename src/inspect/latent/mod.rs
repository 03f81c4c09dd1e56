//! The latent vector of an image: back-propagation over z, and its optimisers.

pub mod inversion;
pub(super) mod lbfgs;
