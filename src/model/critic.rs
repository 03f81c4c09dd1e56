//! The critic: a picture of any size to one logit for every 4x4 pixels, above zero for "damaged".
//!
//! Fully convolutional over two scales, 4 and 8 pixels a cell, joined at the finer one; its view is about 140
//! pixels wide. Batch norm stands between convolution and LeakyReLU, so that a critic that stands still is
//! nothing but convolutions.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use rand::Rng;

use super::{
    layers::{BatchNorm, BatchStats, MapConv, Pass, absorb},
    weights::replace,
};
use crate::kernels::{ConvShape, FrozenConv};

/// Pixels from one logit to the next.
pub const STRIDE: usize = 4;
/// Sides of pictures have to be multiples of this.
pub const MULTIPLE: usize = 8;
/// Pixels to every side of a cell that its logit depends on, at most.
pub const REACH: usize = 80;
const SLOPE: f64 = 0.2;
/// Share of a new batch in the running statistics.
const MOMENTUM: f64 = 0.1;
/// Logit before anything is learnt: damage is rare.
const PRIOR: f32 = -2.0;

/// A convolution and its batch norm.
#[derive(Module, Debug)]
struct Layer {
    conv: MapConv,
    norm: BatchNorm,
}

impl Layer {
    fn new(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        [stride, dilation]: [usize; 2],
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let shape = ConvShape { stride, dilation, padding: dilation * (kernel / 2), ..ConvShape::default() };
        Self {
            conv: MapConv::new(inputs, outputs, kernel, shape, rng, device),
            norm: BatchNorm::new(outputs, MOMENTUM, device),
        }
    }

    fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x), Some(SLOPE), pass)
    }

    fn fixed(&self) -> FrozenConv {
        self.conv.fixed(Some(SLOPE)).before(&self.norm.affine()).still()
    }
}

/// Pictures `[batch, channels, h, w]` with `h` and `w` multiples of [`MULTIPLE`] to logits
/// `[batch, 1, h / 4, w / 4]`.
#[derive(Module, Debug)]
pub struct Critic {
    fine: Vec<Layer>,
    coarse: Vec<Layer>,
    join_fine: Layer,
    join_coarse: MapConv,
    last: MapConv,
    /// Mean and standard deviation of the surface's pixels, which have no gradient.
    light: Param<Tensor<1>>,
}

/// Channels of the critic's maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Of the first, 2 pixels a cell.
    pub stem: usize,
    /// Of those of 4 pixels a cell, and of the features that the logit is made of.
    pub fine: usize,
    /// Of those of 8 pixels a cell.
    pub coarse: usize,
}

impl Widths {
    /// With so many features.
    pub fn of(features: usize) -> Self {
        Self { stem: features * 2 / 3, fine: features, coarse: features * 3 / 2 }
    }
}

impl Critic {
    /// A critic of `width` features with fresh weights, for pictures whose pixels have this mean and standard deviation.
    pub fn new(channels: usize, width: usize, light: [f32; 2], rng: &mut impl Rng, device: &Device) -> Self {
        let Widths { stem, fine: width, coarse: wide } = Widths::of(width);
        let fine = vec![
            Layer::new(channels, stem, 5, [2, 1], rng, device),
            Layer::new(stem, width, 5, [2, 1], rng, device),
            Layer::new(width, width, 3, [1, 1], rng, device),
            Layer::new(width, width, 3, [1, 2], rng, device),
        ];
        let coarse = vec![
            Layer::new(width, wide, 3, [2, 1], rng, device),
            Layer::new(wide, wide, 3, [1, 2], rng, device),
            Layer::new(wide, wide, 3, [1, 4], rng, device),
        ];
        let shuffled = ConvShape { shuffle: true, ..ConvShape::default() };
        Self {
            join_fine: Layer::new(width, width, 1, [1, 1], rng, device),
            join_coarse: MapConv::new(wide, 4 * width, 1, shuffled, rng, device),
            last: MapConv::new(width, 1, 1, ConvShape::default(), rng, device).with_bias(PRIOR),
            light: Param::from_tensor(Tensor::from_floats(light, device)).set_require_grad(false),
            fine,
            coarse,
        }
    }

    /// One logit for every 4x4 pixels.
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let through = |x, layers: &[Layer], pass: &mut Pass<'_>| layers.iter().fold(x, |x, l| l.forward(x, pass));
        let fine = through(levelled(x, &self.light.val()), &self.fine, pass);
        let coarse = through(fine.clone(), &self.coarse, pass);
        let joined = self.join_fine.conv.forward(fine) + self.join_coarse.forward(coarse);
        self.last.forward(self.join_fine.norm.forward(joined, Some(SLOPE), pass))
    }

    /// Moves the running statistics towards what a training pass gathered.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        let layers = self.fine.iter_mut().chain(&mut self.coarse).chain([&mut self.join_fine]);
        absorb(layers.map(|l| &mut l.norm), stats);
    }

    /// Its mean and standard deviation of the surface's pixels set anew.
    pub fn with_light(mut self, light: [f32; 2]) -> Self {
        self.light = replace(self.light, |old| Tensor::from_floats(light, &old.device()));
        self
    }
}

/// `(x - mean) / (3 deviations)`
fn levelled(x: Tensor<4>, light: &Tensor<1>) -> Tensor<4> {
    let part = |i: usize| light.clone().narrow(0, i, 1).reshape([1, 1, 1, 1]);
    (x - part(0)) / (part(1) * 3.0)
}

/// A critic that stands still: each batch norm is folded into the convolution before it.
#[derive(Clone, Debug)]
pub struct FixedCritic {
    fine: Vec<FrozenConv>,
    coarse: Vec<FrozenConv>,
    join_fine: FrozenConv,
    join_coarse: FrozenConv,
    last: FrozenConv,
    light: Tensor<1>,
}

impl FixedCritic {
    /// `critic` as it is now.
    pub fn new(critic: &Critic) -> Self {
        // The sum of both joining maps goes through one norm, whose factor both take and whose offset one does.
        let norm = critic.join_fine.norm.affine();
        Self {
            fine: critic.fine.iter().map(Layer::fixed).collect(),
            coarse: critic.coarse.iter().map(Layer::fixed).collect(),
            join_fine: critic.join_fine.conv.fixed(Some(SLOPE)).before(&norm).still(),
            join_coarse: critic.join_coarse.fixed(None).scaled(&norm.0).still(),
            last: critic.last.fixed(None).still(),
            light: critic.light.val().without_autodiff(),
        }
    }

    /// Channels of the features.
    pub fn width(&self) -> usize {
        self.last.inputs()
    }

    /// One logit for every 4x4 pixels, and the features that it is made of.
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let through = |x, layers: &[FrozenConv]| layers.iter().fold(x, |x, l| l.forward(x));
        let fine = through(levelled(x, &self.light), &self.fine);
        let coarse = through(fine.clone(), &self.coarse);
        let features = self.join_fine.forward_residual(fine, self.join_coarse.forward(coarse));
        (self.last.forward(features.clone()), features)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_critic_that_stands_still_sees_the_same() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut critic = Critic::new(1, 12, [0.1, 0.3], &mut rng, &device);
        let mut picture = |n: usize, h: usize, w: usize| {
            let values: Vec<f32> = (0..n * h * w).map(|_| rng.random_range(-0.6..0.8)).collect();
            Tensor::<4>::from_data(TensorData::new(values, [n, 1, h, w]), &device)
        };
        // Statistics that are not those of a fresh norm.
        for _ in 0..4 {
            let mut stats = Vec::new();
            let _ = critic.forward(picture(2, 32, 32), &mut Pass::Train(&mut stats));
            critic.absorb(stats);
        }
        let x = picture(1, 40, 56);
        let wanted = critic.forward(x.clone(), &mut Pass::Evaluate);
        let (got, features) = FixedCritic::new(&critic).forward(x);
        assert_eq!((got.dims(), features.dims()), ([1, 1, 10, 14], [1, 12, 10, 14]));
        let off = (got - wanted.clone()).abs().max().into_scalar::<f32>();
        let most = (wanted + f64::from(-PRIOR)).abs().max().into_scalar::<f32>();
        assert!(most > 1e-3 && off < 1e-4 * most.max(1.0), "{off} at up to {most}");
    }

    #[test]
    fn a_logit_depends_on_no_more_than_its_reach() {
        let device = Device::flex();
        let critic = FixedCritic::new(&Critic::new(1, 24, [0.0, 0.5], &mut ChaCha8Rng::seed_from_u64(5), &device));
        let side = 320;
        let at = |x: usize| {
            let mut values = vec![0.0f32; side * side];
            (0..side).for_each(|y| values[y * side + x] = 1.0);
            let picture = Tensor::<4>::from_data(TensorData::new(values, [1, 1, side, side]), &device);
            let logits = critic.forward(picture).0.into_data().try_into_vec::<f32>().unwrap();
            logits[40 * 80 + 40]
        };
        let still = at(0);
        assert_eq!(still, at(160 - REACH - 4));
        assert_ne!(still, at(160 - 40));
    }
}
