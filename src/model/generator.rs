//! The generator: a latent vector to a crop (DCGAN, Radford et al. 2015, with the talk's changes).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use rand::Rng;

use super::{
    architecture::{ModelKnobs, NormOrder},
    fixed::FixedConv,
    layers::{BatchNorm, BatchStats, Dense, Pass, UpConv, absorb, activated, block},
};
use crate::kernels::{FrozenConv, FrozenDense, tanh};

/// Side of the map that the latent vector is spread over first.
const SEED_SIDE: usize = 4;

/// One doubling of the resolution.
#[derive(Module, Debug)]
pub struct UpBlock {
    conv: UpConv,
    norm: BatchNorm,
}

/// `z` of shape `[batch, latent]` to crops `[batch, channels, size, size]` in (-1, 1).
#[derive(Module, Debug)]
pub struct Generator {
    dense: Dense,
    norm: BatchNorm,
    up: Vec<UpBlock>,
    out: UpConv,
    #[module(skip)]
    knobs: ModelKnobs,
}

impl Generator {
    /// A generator with fresh weights.
    pub fn new(knobs: &ModelKnobs, rng: &mut impl Rng, device: &Device) -> Self {
        let filters = knobs.filters();
        let (first, last) = (filters[0], filters[filters.len() - 1]);
        Self {
            dense: Dense::new(knobs.latent_size, first * SEED_SIDE * SEED_SIDE, rng, device),
            norm: BatchNorm::new(first, knobs.norm_momentum, device),
            up: filters
                .windows(2)
                .map(|pair| UpBlock {
                    conv: UpConv::new(pair[0], pair[1], knobs.upsampling, rng, device),
                    norm: BatchNorm::new(pair[1], knobs.norm_momentum, device),
                })
                .collect(),
            out: UpConv::new(last, knobs.channels, knobs.upsampling, rng, device),
            knobs: knobs.clone(),
        }
    }

    /// Draws one crop for each row of `z`.
    pub fn forward(&self, z: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.run(z, pass, UpConv::forward)
    }

    /// [`Generator::forward`] with plain convolutions in place of folded ones: for tests and
    /// benchmarks.
    pub fn forward_plain(&self, z: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.run(z, pass, UpConv::forward_plain)
    }

    fn run(
        &self,
        z: Tensor<2>,
        pass: &mut Pass<'_>,
        up: fn(&UpConv, Tensor<4>, Option<f64>) -> Tensor<4>,
    ) -> Tensor<4> {
        let (order, slope) = (self.knobs.norm_order, self.knobs.leaky_slope);
        let [batch, _] = z.dims();
        let seed = self.dense.forward(z);
        let channels = seed.dims()[1] / (SEED_SIDE * SEED_SIDE);
        let seed = seed.reshape([batch, channels, SEED_SIDE, SEED_SIDE]);
        let mut x = block(|leaky| activated(seed, leaky), Some(&self.norm), order, slope, pass);
        for doubling in &self.up {
            x = block(|leaky| up(&doubling.conv, x, leaky), Some(&doubling.norm), order, slope, pass);
        }
        tanh(up(&self.out, x, None))
    }

    /// Moves the running statistics towards what a training pass gathered.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        absorb(std::iter::once(&mut self.norm).chain(self.up.iter_mut().map(|b| &mut b.norm)), stats);
    }

    /// The architecture it was made for.
    pub fn knobs(&self) -> &ModelKnobs {
        &self.knobs
    }
}

/// A generator whose weights no longer change: without gradients of their own, laid out once, and with batch norm in
/// the convolutions beside it.
#[derive(Clone, Debug)]
pub struct FixedGenerator {
    dense: FrozenDense,
    up: Vec<FrozenConv>,
    knobs: ModelKnobs,
}

impl FixedGenerator {
    /// `generator` as it is now.
    pub fn new(generator: &Generator) -> Self {
        let g = generator.valid();
        let slope = Some(g.knobs.leaky_slope);
        let norms = std::iter::once(&g.norm).chain(g.up.iter().map(|b| &b.norm)).map(BatchNorm::affine);
        let convs = g.up.iter().map(|b| b.conv.fixed(slope)).chain([g.out.fixed(None)]);
        let (dense, up): (Dense, Vec<FixedConv>) = match g.knobs.norm_order {
            NormOrder::ActivationFirst => {
                let joined =
                    convs.zip(norms).enumerate().map(|(i, (conv, norm))| conv.after(&norm, [SEED_SIDE << i; 2]));
                (g.dense, joined.collect())
            }
            NormOrder::NormFirst => {
                let mut norms = norms;
                let dense = norms.next().map_or(g.dense.clone(), |norm| g.dense.before(&norm));
                // The last convolution has no norm.
                let joined = convs.map(|conv| match norms.next() {
                    Some(norm) => conv.before(&norm),
                    None => conv,
                });
                (dense, joined.collect())
            }
        };
        Self { dense: dense.still(slope), up: up.into_iter().map(FixedConv::still).collect(), knobs: g.knobs }
    }

    /// Draws one crop for each row of `z`, as [`Generator::forward`] does in [`Pass::Evaluate`].
    pub fn forward(&self, z: Tensor<2>) -> Tensor<4> {
        let [batch, _] = z.dims();
        let seed = self.dense.forward(z);
        let channels = seed.dims()[1] / (SEED_SIDE * SEED_SIDE);
        let seed = seed.reshape([batch, channels, SEED_SIDE, SEED_SIDE]);
        tanh(self.up.iter().fold(seed, |x, conv| conv.forward(x)))
    }

    /// The architecture it was made for.
    pub fn knobs(&self) -> &ModelKnobs {
        &self.knobs
    }
}
