//! The discriminator: maps a crop to one logit, above zero for "real" (DCGAN, Radford et al. 2015).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use rand::Rng;

use super::{
    architecture::{ModelKnobs, NormOrder},
    folding::Affine,
    layers::{BatchNorm, BatchStats, Dense, DownConv, Pass, absorb, block},
};
use crate::kernels::{FrozenConv, flatten};

/// A layer that halves the resolution.
#[derive(Module, Debug)]
pub(crate) struct DownBlock {
    conv: DownConv,
    norm: Option<BatchNorm>,
}

/// Number of hidden layers up to the feature maps.
const FEATURE_LAYERS: usize = 3;

/// Maps crops `[batch, channels, size, size]` to logits `[batch, 1]`: strided convolutions, no pooling.
#[derive(Module, Debug)]
pub struct Discriminator {
    down: Vec<DownBlock>,
    dense: Dense,
    #[module(skip)]
    knobs: ModelKnobs,
}

impl Discriminator {
    /// Creates a discriminator with random initial weights.
    pub fn new(knobs: &ModelKnobs, rng: &mut impl Rng, device: &Device) -> Self {
        let mut filters = knobs.filters();
        filters.push(knobs.channels.count());
        filters.reverse();
        let down: Vec<DownBlock> = filters
            .windows(2)
            .enumerate()
            .map(|(i, pair)| DownBlock {
                conv: DownConv::new(pair[0], pair[1], rng, device),
                // Never on the first layer: it would hide the crop's brightness and contrast.
                norm: (knobs.discriminator_norm && i > 0).then(|| BatchNorm::new(pair[1], knobs.norm_momentum, device)),
            })
            .collect();
        let side = knobs.size >> down.len();
        let last = filters[filters.len() - 1];
        Self { down, dense: Dense::new(last * side * side, 1, rng, device), knobs: knobs.clone() }
    }

    /// Returns one logit per crop, `[batch, 1]`. `drop` is applied to the maps after each hidden layer, so that the caller
    /// can draw dropout masks.
    pub fn forward(
        &self,
        crops: Tensor<4>,
        pass: &mut Pass<'_>,
        mut drop: impl FnMut(Tensor<4>) -> Tensor<4>,
    ) -> Tensor<2> {
        let mut x = crops;
        for block in &self.down {
            x = drop(self.halve(block, x, pass));
        }
        self.dense.forward(flatten(x))
    }

    /// Returns the features used by inspection and the encoder (`f` in AnoGAN): the maps after the third hidden layer,
    /// `[batch, filters, size / 8, size / 8]`. The layers above it are not evaluated.
    pub fn features(&self, crops: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let middle = self.down.iter().take(FEATURE_LAYERS);
        middle.fold(crops, |x, block| self.halve(block, x, pass))
    }

    fn halve(&self, down: &DownBlock, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let (order, slope) = (self.knobs.norm_order, self.knobs.leaky_slope);
        block(|leaky| down.conv.forward(x, leaky), down.norm.as_ref(), order, slope, pass)
    }

    /// Updates the running statistics with those gathered in a training pass.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        absorb(self.down.iter_mut().filter_map(|b| b.norm.as_mut()), stats);
    }
}

/// A discriminator with constant weights, packed once and with batch norm folded into adjacent layers.
#[derive(Clone, Debug)]
pub struct FrozenDiscriminator {
    down: Vec<FrozenConv>,
    /// The part of batch norm that remains to be applied to the feature maps.
    last: Option<Affine>,
    dense: Dense,
}

impl FrozenDiscriminator {
    /// Freezes the present weights of `discriminator`.
    pub fn new(discriminator: &Discriminator) -> Self {
        let d = discriminator.valid();
        let (slope, size) = (Some(d.knobs.leaky_slope), d.knobs.size);
        let (mut down, mut dense, mut last, mut before) = (Vec::new(), d.dense, None, None);
        for (i, block) in d.down.iter().enumerate() {
            let (mut conv, norm) = (block.conv.folded(slope), block.norm.as_ref().map(BatchNorm::affine));
            match d.knobs.norm_order {
                NormOrder::ActivationFirst => {
                    if let Some(affine) = &before {
                        conv = conv.fold_input_affine(affine, [size >> i; 2]);
                    }
                    if i + 1 == FEATURE_LAYERS {
                        last = norm.clone();
                    }
                    before = norm;
                }
                NormOrder::NormFirst => {
                    if let Some(affine) = &norm {
                        conv = conv.fold_output_affine(affine);
                    }
                }
            }
            down.push(conv.freeze());
        }
        if let Some(affine) = &before {
            dense = dense.fold_input_affine(affine);
        }
        Self { down, last, dense }
    }

    /// Returns one logit per crop, as [`Discriminator::forward`] does with [`Pass::Evaluate`].
    pub fn forward(&self, crops: Tensor<4>) -> Tensor<2> {
        self.dense.forward(flatten(self.down.iter().fold(crops, |x, conv| conv.forward(x))))
    }

    /// Returns the features, as [`Discriminator::features`] does with [`Pass::Evaluate`].
    pub fn features(&self, crops: Tensor<4>) -> Tensor<4> {
        let maps = self.down.iter().take(FEATURE_LAYERS).fold(crops, |x, conv| conv.forward(x));
        match &self.last {
            Some((factor, offset)) => maps * factor.clone() + offset.clone(),
            None => maps,
        }
    }
}
