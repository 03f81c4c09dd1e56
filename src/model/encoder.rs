//! The encoder: maps a crop to the latent vector that reconstructs it (the izi_f encoder of f-AnoGAN, Schlegl et al. 2019).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use rand::Rng;

use super::{
    architecture::ModelKnobs,
    latent::Latent,
    layers::{BatchNorm, BatchStats, Dense, DownConv, Pass, absorb, block},
};

#[derive(Module, Debug)]
struct EncodeBlock {
    conv: DownConv,
    norm: Option<BatchNorm>,
}

/// Maps crops `[batch, channels, size, size]` to latent vectors `[batch, latent]` within the range of the distribution.
#[derive(Module, Debug)]
pub struct Encoder {
    down: Vec<EncodeBlock>,
    dense: Dense,
    #[module(skip)]
    knobs: ModelKnobs,
}

impl Encoder {
    /// Creates an encoder with random initial weights: the discriminator's trunk with batch norm, and a dense layer.
    pub fn new(knobs: &ModelKnobs, rng: &mut impl Rng, device: &Device) -> Self {
        let mut filters = knobs.filters();
        filters.push(knobs.channels.count());
        filters.reverse();
        let down: Vec<EncodeBlock> = filters
            .windows(2)
            .enumerate()
            .map(|(i, pair)| EncodeBlock {
                conv: DownConv::new(pair[0], pair[1], rng, device),
                norm: (i > 0).then(|| BatchNorm::new(pair[1], knobs.norm_momentum, device)),
            })
            .collect();
        let side = knobs.size >> down.len();
        let last = filters[filters.len() - 1];
        Self { down, dense: Dense::new(last * side * side, knobs.latent_size, rng, device), knobs: knobs.clone() }
    }

    /// Returns one latent vector per crop.
    pub fn forward(&self, crops: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<2> {
        let (order, slope) = (self.knobs.norm_order, self.knobs.leaky_slope);
        let mut x = crops;
        for down in &self.down {
            x = block(|leaky| down.conv.forward(x, leaky), down.norm.as_ref(), order, slope, pass);
        }
        let z = self.dense.forward(x.flatten(1, 3));
        match Latent::new(&self.knobs).range() {
            // Squashes z smoothly into the range that G was trained on.
            Some((low, high)) => z.tanh() * ((high - low) / 2.0) + (high + low) / 2.0,
            None => z,
        }
    }

    /// Updates the running statistics with those gathered in a training pass.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        absorb(self.down.iter_mut().filter_map(|b| b.norm.as_mut()), stats);
    }
}
