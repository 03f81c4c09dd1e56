//! The networks: shapes, layers and the latent distribution. No files, no threads, no training.

pub mod architecture;
pub mod discriminator;
pub mod generator;
pub mod latent;
pub mod layers;
pub mod weights;

pub use architecture::ModelKnobs;
pub use discriminator::Discriminator;
pub use generator::Generator;
pub use latent::Latent;
