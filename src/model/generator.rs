//! The generator: maps a latent vector to a crop (DCGAN, Radford et al. 2015, with the talk's changes).

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use rand::Rng;

use super::{
    architecture::{ModelKnobs, NormOrder},
    folding::FoldedConv,
    layers::{BatchNorm, BatchStats, Dense, Pass, UpConv, absorb, block, leaky_if},
};
use crate::kernels::{FrozenConv, FrozenDense, tanh};

/// Side of the first map, which the dense layer fills.
const SEED_SIDE: usize = 4;

/// A layer that doubles the resolution.
#[derive(Module, Debug)]
pub(crate) struct UpBlock {
    conv: UpConv,
    norm: BatchNorm,
}

/// Maps latent vectors `[batch, latent]` to crops `[batch, channels, size, size]` in (-1, 1).
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
    /// Creates a generator with random initial weights.
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
            out: UpConv::new(last, knobs.channels.count(), knobs.upsampling, rng, device),
            knobs: knobs.clone(),
        }
    }

    /// Generates one crop per row of `z`.
    pub fn forward(&self, z: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.run(z, pass, UpConv::forward)
    }

    /// [`Generator::forward`] with unfolded upsampling, as a reference for tests and benchmarks.
    pub fn forward_reference(&self, z: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.run(z, pass, UpConv::forward_reference)
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
        let mut x = block(|leaky| leaky_if(seed, leaky), Some(&self.norm), order, slope, pass);
        for layer in &self.up {
            x = block(|leaky| up(&layer.conv, x, leaky), Some(&layer.norm), order, slope, pass);
        }
        tanh(up(&self.out, x, None))
    }

    /// Updates the running statistics with those gathered in a training pass.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        absorb(std::iter::once(&mut self.norm).chain(self.up.iter_mut().map(|b| &mut b.norm)), stats);
    }

    /// The architecture.
    pub fn knobs(&self) -> &ModelKnobs {
        &self.knobs
    }
}

/// A generator with constant weights, packed once and with batch norm folded into adjacent layers.
#[derive(Clone, Debug)]
pub struct FrozenGenerator {
    dense: FrozenDense,
    up: Vec<FrozenConv>,
    knobs: ModelKnobs,
}

impl FrozenGenerator {
    /// Freezes the present weights of `generator`.
    pub fn new(generator: &Generator) -> Self {
        let g = generator.valid();
        let slope = Some(g.knobs.leaky_slope);
        let norms = std::iter::once(&g.norm).chain(g.up.iter().map(|b| &b.norm)).map(BatchNorm::affine);
        let convs = g.up.iter().map(|b| b.conv.folded(slope)).chain([g.out.folded(None)]);
        let (dense, up): (Dense, Vec<FoldedConv>) = match g.knobs.norm_order {
            NormOrder::ActivationFirst => {
                let folded = convs
                    .zip(norms)
                    .enumerate()
                    .map(|(i, (conv, norm))| conv.fold_input_affine(&norm, [SEED_SIDE << i; 2]));
                (g.dense, folded.collect())
            }
            NormOrder::NormFirst => {
                let mut norms = norms;
                let dense = norms.next().map_or(g.dense.clone(), |norm| g.dense.fold_output_affine(&norm));
                // The last convolution has no norm.
                let folded = convs.map(|conv| match norms.next() {
                    Some(norm) => conv.fold_output_affine(&norm),
                    None => conv,
                });
                (dense, folded.collect())
            }
        };
        Self { dense: dense.frozen(slope), up: up.into_iter().map(FoldedConv::freeze).collect(), knobs: g.knobs }
    }

    /// Generates one crop per row of `z`, as [`Generator::forward`] does with [`Pass::Evaluate`].
    pub fn forward(&self, z: Tensor<2>) -> Tensor<4> {
        let [batch, _] = z.dims();
        let seed = self.dense.forward(z);
        let channels = seed.dims()[1] / (SEED_SIDE * SEED_SIDE);
        let seed = seed.reshape([batch, channels, SEED_SIDE, SEED_SIDE]);
        tanh(self.up.iter().fold(seed, |x, conv| conv.forward(x)))
    }

    /// The architecture.
    pub fn knobs(&self) -> &ModelKnobs {
        &self.knobs
    }
}
