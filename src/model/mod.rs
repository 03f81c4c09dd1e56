//! The networks: architecture, layers, the latent distribution, and the model file ([`Bundle`]).

mod architecture;
mod bundle;
mod channels;
pub mod critic;
mod discriminator;
mod encoder;
mod folding;
mod generator;
mod latent;
pub mod layers;
pub(crate) mod tensor_file;
pub mod weights;

pub use architecture::{LatentKind, ModelKnobs, NormOrder, Upsampling};
pub use bundle::{Bundle, BundleError, Provenance};
pub use channels::Channels;
pub use critic::{Critic, FrozenCritic};
pub use discriminator::{Discriminator, FrozenDiscriminator};
pub use encoder::Encoder;
pub use generator::{FrozenGenerator, Generator};
pub use latent::Latent;
