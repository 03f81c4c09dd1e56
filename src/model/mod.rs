//! The networks: architecture, layers, the latent distribution, and the model file ([`bundle`]).

pub(crate) mod architecture;
pub(crate) mod bundle;
pub mod critic;
pub(crate) mod discriminator;
pub(crate) mod encoder;
pub(crate) mod folding;
pub(crate) mod generator;
pub(crate) mod latent;
pub mod layers;
pub(crate) mod tensor_file;
pub mod weights;

pub use architecture::{LatentKind, ModelKnobs, NormOrder, Upsampling};
pub use bundle::{Bundle, BundleError, Provenance};
pub use critic::{Critic, FrozenCritic};
pub use discriminator::{Discriminator, FrozenDiscriminator};
pub use encoder::Encoder;
pub use generator::{FrozenGenerator, Generator};
pub use latent::Latent;
