//! The networks: architecture, layers, the latent distribution, and the model file ([`bundle`]).

pub mod architecture;
pub mod bundle;
pub mod critic;
pub mod discriminator;
pub mod encoder;
pub mod folding;
pub mod generator;
pub mod latent;
pub mod layers;
pub(crate) mod tensor_file;
pub mod weights;

pub use architecture::ModelKnobs;
pub use bundle::{Bundle, BundleError};
pub use critic::{Critic, FrozenCritic};
pub use discriminator::{Discriminator, FrozenDiscriminator};
pub use encoder::Encoder;
pub use generator::{FrozenGenerator, Generator};
pub use latent::Latent;
