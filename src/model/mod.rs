//! The networks: shapes, layers and the latent distribution. No threads, no training, no files
//! but the model's own ([`bundle`]).

pub mod architecture;
pub mod bundle;
pub mod critic;
pub mod discriminator;
pub mod encoder;
pub mod fixed;
pub mod generator;
pub mod latent;
pub mod layers;
pub(crate) mod tensor_file;
pub mod weights;

pub use architecture::ModelKnobs;
pub use bundle::{Bundle, BundleError};
pub use critic::{Critic, FixedCritic};
pub use discriminator::{Discriminator, FixedDiscriminator};
pub use encoder::Encoder;
pub use generator::{FixedGenerator, Generator};
pub use latent::Latent;
