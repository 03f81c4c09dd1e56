//! The critic: a fully convolutional network that scores damage over a whole frame.
//!
//! [`FrameCritic`] produces a [`CriticMap`] with one cell per 4x4 pixels, standardised by [`NormalStats`].
//! [`StatsFitter`] fits those statistics on healthy *training* images, so the held-out images stay unseen for
//! calibration. [`TextureBank`] adds what needs no training. [`Patterns`] compares maps of whole frames; [`EmbeddingBank`] keeps healthy crops and finds the most
//! similar.

pub(crate) mod embedding;
mod fit;
mod frame_critic;
mod interpolation;
mod map;
pub(crate) mod neighbours;
pub(crate) mod patterns;
mod stats;
mod texture;
mod tta;

pub use fit::StatsFitter;
pub(crate) use frame_critic::CriticPass;
pub use frame_critic::{CriticScores, FrameCritic};
pub use map::{CriticMap, CriticMaps};
pub use neighbours::{BankBuilder, CropOrigin, EmbeddingBank, Neighbour};
pub use patterns::{Pattern, Patterns};
pub use stats::NormalStats;
pub use texture::TextureBank;
pub use tta::TestTimeAugmentation;
