//! The architecture of the networks and the latent distribution, as a recipe states them.

use serde::{Deserialize, Serialize};

use super::Channels;

/// How the generator doubles its resolution (tip 1 of the talk).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Upsampling {
    /// Nearest-neighbour 2x, then a 5x5 convolution: no checkerboard artefacts (Odena et al. 2016).
    ResizeConv,
    /// Transposed 5x5 convolution of stride 2, as in the first DCGAN (Radford et al. 2015).
    TransposedConv,
}

/// The distribution that latent vectors are drawn from (tip 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatentKind {
    /// Normal with the recipe's mean and standard deviation.
    Normal,
    /// Uniform between mean - limit and mean + limit.
    Uniform,
    /// Normal, redrawn where it falls outside mean ± limit.
    TruncatedNormal,
}

/// The order of LeakyReLU and batch norm after a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormOrder {
    /// LeakyReLU, then batch norm: the talk's order.
    ActivationFirst,
    /// Batch norm, then LeakyReLU: DCGAN's order.
    NormFirst,
}

/// The architecture of the networks and the latent distribution; locked once a run has begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelKnobs {
    /// Side of a crop in pixels: 32, 64 or 128.
    pub size: usize,
    /// Channels of a crop.
    pub channels: Channels,
    /// Divisor of the talk's filter counts: 1, 2, 4 or 8.
    pub width_divisor: usize,
    /// How the generator doubles its resolution.
    pub upsampling: Upsampling,
    /// Distribution of the latent vector.
    pub latent: LatentKind,
    /// Dimension of a latent vector.
    pub latent_size: usize,
    /// Mean of the latent distribution.
    pub latent_mean: f64,
    /// Standard deviation of the (untruncated) normal.
    pub latent_std: f64,
    /// Half-width of the range of the uniform and truncated normal distributions.
    pub latent_limit: f64,
    /// Slope of LeakyReLU below zero.
    pub leaky_slope: f64,
    /// Order of LeakyReLU and batch norm.
    pub norm_order: NormOrder,
    /// Weight of a new batch in batch norm's running statistics: 1 - m for Keras' momentum m.
    pub norm_momentum: f64,
    /// Whether the discriminator uses batch norm as well (never on its first layer).
    pub discriminator_norm: bool,
}

impl Default for ModelKnobs {
    fn default() -> Self {
        Self {
            size: 64,
            channels: Channels::Auto,
            width_divisor: 8,
            upsampling: Upsampling::ResizeConv,
            latent: LatentKind::TruncatedNormal,
            latent_size: 100,
            latent_mean: 0.0,
            latent_std: 0.6,
            latent_limit: 1.0,
            leaky_slope: 0.2,
            norm_order: NormOrder::ActivationFirst,
            norm_momentum: 0.2,
            discriminator_norm: false,
        }
    }
}

impl ModelKnobs {
    /// Returns the filter counts of the generator from the 4x4 map upwards, which are those of the discriminator in reverse:
    /// the talk's 1024, 512, 256, 128 for 64 pixels, divided by the width divisor. Smaller crops omit the first, larger
    /// ones repeat it.
    pub fn filters(&self) -> Vec<usize> {
        let stages = (self.size / 4).ilog2();
        (0..stages).rev().map(|i| (128 << i.min(3)) / self.width_divisor).collect()
    }
}
