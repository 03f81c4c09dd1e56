//! The discriminator: a crop to one logit, above zero for "real".

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use rand::Rng;

use super::{
    architecture::{ModelKnobs, NormOrder},
    fixed::Affine,
    layers::{BatchNorm, BatchStats, Dense, DownConv, Pass, absorb, block},
};
use crate::kernels::{FrozenConv, flatten};

/// One halving of the resolution.
#[derive(Module, Debug)]
pub struct DownBlock {
    conv: DownConv,
    norm: Option<BatchNorm>,
}

/// Hidden layers up to the one whose maps are called features.
const FEATURE_LAYERS: usize = 3;

/// Crops `[batch, channels, size, size]` to logits `[batch, 1]`: strided convolutions, no pooling.
#[derive(Module, Debug)]
pub struct Discriminator {
    down: Vec<DownBlock>,
    dense: Dense,
    #[module(skip)]
    knobs: ModelKnobs,
}

impl Discriminator {
    /// A discriminator with fresh weights.
    pub fn new(knobs: &ModelKnobs, rng: &mut impl Rng, device: &Device) -> Self {
        let mut filters = knobs.filters();
        filters.push(knobs.channels);
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

    /// One logit for each crop. `drop` is applied to the features after each hidden layer, so that
    /// dropout masks can be drawn by the caller.
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

    /// What inspection and the encoder call D's features (`f` in AnoGAN): the maps after the third hidden
    /// layer, `[batch, filters, size / 8, size / 8]`. The layers above it are not run.
    pub fn features(&self, crops: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let middle = self.down.iter().take(FEATURE_LAYERS);
        middle.fold(crops, |x, block| self.halve(block, x, pass))
    }

    fn halve(&self, down: &DownBlock, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let (order, slope) = (self.knobs.norm_order, self.knobs.leaky_slope);
        block(|leaky| down.conv.forward(x, leaky), down.norm.as_ref(), order, slope, pass)
    }

    /// Moves the running statistics towards what a training pass gathered.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        absorb(self.down.iter_mut().filter_map(|b| b.norm.as_mut()), stats);
    }
}

/// A discriminator whose weights no longer change: laid out once, and with batch norm in the layers beside it.
#[derive(Clone, Debug)]
pub struct FixedDiscriminator {
    down: Vec<FrozenConv>,
    /// What is left of batch norm after the maps that are called features.
    last: Option<Affine>,
    dense: Dense,
}

impl FixedDiscriminator {
    /// `discriminator` as it is now.
    pub fn new(discriminator: &Discriminator) -> Self {
        let d = discriminator.valid();
        let (slope, size) = (Some(d.knobs.leaky_slope), d.knobs.size);
        let (mut down, mut dense, mut last, mut before) = (Vec::new(), d.dense, None, None);
        for (i, block) in d.down.iter().enumerate() {
            let (mut conv, norm) = (block.conv.fixed(slope), block.norm.as_ref().map(BatchNorm::affine));
            match d.knobs.norm_order {
                NormOrder::ActivationFirst => {
                    if let Some(affine) = &before {
                        conv = conv.after(affine, [size >> i; 2]);
                    }
                    if i + 1 == FEATURE_LAYERS {
                        last = norm.clone();
                    }
                    before = norm;
                }
                NormOrder::NormFirst => {
                    if let Some(affine) = &norm {
                        conv = conv.before(affine);
                    }
                }
            }
            down.push(conv.still());
        }
        if let Some(affine) = &before {
            dense = dense.after(affine);
        }
        Self { down, last, dense }
    }

    /// One logit for each crop, as [`Discriminator::forward`] gives in [`Pass::Evaluate`].
    pub fn forward(&self, crops: Tensor<4>) -> Tensor<2> {
        self.dense.forward(flatten(self.down.iter().fold(crops, |x, conv| conv.forward(x))))
    }

    /// As [`Discriminator::features`] gives in [`Pass::Evaluate`].
    pub fn features(&self, crops: Tensor<4>) -> Tensor<4> {
        let maps = self.down.iter().take(FEATURE_LAYERS).fold(crops, |x, conv| conv.forward(x));
        match &self.last {
            Some((factor, offset)) => maps * factor.clone() + offset.clone(),
            None => maps,
        }
    }
}
