//! The amount of work of a case, counted from the shapes of its networks: floating-point operations of convolutions and matrix
//! products (a multiplication and an addition count as two), and the bytes of every tensor that a pass must read or write
//! once.

use std::ops::{Add, Mul};

use ganspect::{
    model::{
        ModelKnobs,
        critic::{CriticWidths, STRIDE},
    },
    train::CriticKnobs,
};

/// Operations and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes.
    pub bytes: f64,
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { flops: self.flops + other.flops, bytes: self.bytes + other.bytes }
    }
}

impl Mul<f64> for Work {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self { flops: self.flops * times, bytes: self.bytes * times }
    }
}

impl std::iter::Sum for Work {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// The passes through a network.
#[derive(Clone, Copy, Debug)]
struct Passes {
    forward: bool,
    to_input: bool,
    to_weights: bool,
}

const FORWARD: Passes = Passes { forward: true, to_input: false, to_weights: false };
/// With frozen weights.
const TO_INPUT: Passes = Passes { forward: true, to_input: true, to_weights: false };
const ALL: Passes = Passes { forward: true, to_input: true, to_weights: true };

/// A layer: numbers of inputs, outputs and weights, multiplications of one pass, and whether batch norm follows.
#[derive(Clone, Copy, Debug)]
struct Layer {
    inputs: usize,
    outputs: usize,
    weights: usize,
    products: usize,
    norm: bool,
    /// Number of 5x5 weights that are folded, if any.
    folded: usize,
}

impl Layer {
    /// A convolution of one crop.
    fn conv(inputs: usize, outputs: usize, kernel: usize, side: [usize; 2], out: [usize; 2], norm: bool) -> Self {
        let [large, small] = [side, out].map(|[h, w]| h * w);
        Self {
            inputs: inputs * large,
            outputs: outputs * small,
            weights: inputs * outputs * kernel * kernel,
            products: inputs * outputs * kernel * kernel * small,
            norm,
            folded: 0,
        }
    }

    fn dense(inputs: usize, outputs: usize, norm: bool) -> Self {
        Self { inputs, outputs, weights: inputs * outputs, products: inputs * outputs, norm, folded: 0 }
    }

    fn work(&self, crops: usize, passes: Passes) -> Work {
        let numbers = (self.inputs + self.outputs) * crops + self.weights;
        let count = [passes.forward, passes.to_input, passes.to_weights].into_iter().filter(|pass| *pass).count();
        let norm = if self.norm { usize::from(passes.forward) * 2 + usize::from(passes.to_input) * 3 } else { 0 };
        // From 25 taps to 36, and back if the weights need a gradient.
        let folds = if self.folded > 0 { 1 + usize::from(passes.to_weights) } else { 0 };
        Work {
            flops: 2.0 * (self.products * crops * count + folds * self.folded * 36) as f64,
            bytes: 4.0 * (numbers * count + norm * self.outputs * crops + folds * (self.folded + self.weights)) as f64,
        }
    }
}

fn generator(m: &ModelKnobs) -> Vec<Layer> {
    let mut filters = m.filters();
    let mut layers = vec![Layer::dense(m.latent_size, filters[0] * 16, true)];
    filters.push(m.channels.count());
    for (i, pair) in filters.windows(2).enumerate() {
        let side = 4 << i;
        let conv = Layer::conv(pair[0], 4 * pair[1], 3, [side; 2], [side; 2], i + 2 < filters.len());
        layers.push(Layer { folded: pair[0] * pair[1] * 25, ..conv });
    }
    layers
}

fn discriminator(m: &ModelKnobs) -> Vec<Layer> {
    let mut filters = m.filters();
    filters.push(m.channels.count());
    filters.reverse();
    let halving = |(i, pair): (usize, &[usize])| {
        let side = m.size >> i;
        Layer::conv(pair[0], pair[1], 5, [side; 2], [side / 2; 2], i > 0 && m.discriminator_norm)
    };
    let mut layers: Vec<Layer> = filters.windows(2).enumerate().map(halving).collect();
    layers.push(Layer::dense(filters[filters.len() - 1] * 16, 1, false));
    layers
}

/// Returns the layers of a critic of `width` features on a frame of `height` by `across` pixels.
fn critic(channels: usize, width: usize, [height, across]: [usize; 2], norm: bool) -> Vec<Layer> {
    let at = |by: usize| [height / by, across / by];
    let CriticWidths { stem, fine: width, coarse: wide } = CriticWidths::for_features(width);
    let (fine, coarse) = (at(STRIDE), at(2 * STRIDE));
    vec![
        Layer::conv(channels, stem, 5, at(1), at(2), norm),
        Layer::conv(stem, width, 5, at(2), fine, norm),
        Layer::conv(width, width, 3, fine, fine, norm),
        Layer::conv(width, width, 3, fine, fine, norm),
        Layer::conv(width, wide, 3, fine, coarse, norm),
        Layer::conv(wide, wide, 3, coarse, coarse, norm),
        Layer::conv(wide, wide, 3, coarse, coarse, norm),
        Layer::conv(width, width, 1, fine, fine, norm),
        Layer::conv(wide, 4 * width, 1, coarse, coarse, false),
        Layer::conv(width, 1, 1, fine, fine, false),
    ]
}

fn all(layers: &[Layer], crops: usize, passes: Passes) -> Work {
    layers.iter().map(|layer| layer.work(crops, passes)).sum()
}

/// All passes, without a gradient for the input of the first layer.
fn trained(layers: &[Layer], crops: usize) -> Work {
    let first = layers[0].work(crops, Passes { to_input: false, ..ALL });
    first + all(&layers[1..], crops, ALL)
}

/// Adam reads the weight, its gradient and two moments and writes three of them; a moving average reads two and writes one.
fn update(layers: &[Layer], averaged: bool) -> Work {
    let weights: usize = layers.iter().map(|l| if l.folded > 0 { l.folded } else { l.weights }).sum();
    Work { flops: 0.0, bytes: 4.0 * (weights * if averaged { 10 } else { 7 }) as f64 }
}

/// A training step of D and G: D on real and generated crops, then on the generated ones again with frozen weights.
pub fn train(m: &ModelKnobs, batch: usize) -> Work {
    let (g, d) = (generator(m), discriminator(m));
    let for_d = trained(&d, batch) * 2.0 + update(&d, false);
    trained(&g, batch) + all(&d, batch, TO_INPUT) + update(&g, true) + for_d
}

/// An inversion step for a number of crops, with weights folded beforehand.
pub fn invert(m: &ModelKnobs, crops: usize) -> Work {
    let layers: Vec<Layer> = generator(m).into_iter().map(|l| Layer { folded: 0, norm: false, ..l }).collect();
    all(&layers, crops, TO_INPUT)
}

/// The critic on a frame, with its norms folded beforehand.
pub fn frame(channels: usize, knobs: &CriticKnobs, size: [usize; 2]) -> Work {
    all(&critic(channels, knobs.width, size, false), 1, FORWARD)
}

/// A training step of the critic.
pub fn critic_train(channels: usize, knobs: &CriticKnobs) -> Work {
    let layers = critic(channels, knobs.width, [knobs.crop; 2], true);
    trained(&layers, knobs.batch) + update(&layers, true)
}
