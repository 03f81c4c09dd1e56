//! The networks: shapes, layers and the latent distribution. No files, no threads, no training.

pub mod architecture;
pub mod discriminator;
pub mod encoder;
pub mod generator;
pub mod latent;
pub mod layers;
pub mod weights;

pub use architecture::ModelKnobs;
pub use discriminator::Discriminator;
pub use encoder::Encoder;
pub use generator::{FixedGenerator, Generator};
pub use latent::Latent;
