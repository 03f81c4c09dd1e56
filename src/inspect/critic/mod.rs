//! The critic: a fully convolutional network that scores damage over a whole frame.
//!
//! [`FrameCritic`] produces a [`CriticMap`] with one cell per 4x4 pixels, standardised by [`NormalStats`].
//! [`StatsFitter`] fits those statistics on healthy *training* images, so the held-out images stay unseen for
//! calibration. [`patterns`] compares maps of whole frames; [`neighbours`] keeps healthy crops and finds the most
//! similar.

pub mod embedding;
mod fit;
mod frame_critic;
mod map;
pub mod neighbours;
pub mod patterns;
mod stats;
mod tta;

pub use fit::StatsFitter;
pub use frame_critic::{CriticPass, CriticScores, FrameCritic};
pub use map::{CriticMap, CriticMaps};
pub use stats::NormalStats;
pub use tta::TestTimeAugmentation;
