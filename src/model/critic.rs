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
    layers::{BatchStats, FixedConv, MapConv, Norm, Pass, absorb, leaky_relu},
    weights::{WeightError, host, replace},
};
use crate::{boxes::box_mean, kernels::ConvShape};

/// Pixels from one logit to the next.
pub const STRIDE: usize = 4;
/// Sides of pictures have to be multiples of this.
pub const MULTIPLE: usize = 8;
/// Pixels to every side of a cell that its logit depends on, at most.
pub const REACH: usize = 80;
/// Channels of the maps that the logit is made of.
pub const FEATURES: usize = 48;

const STEM: usize = 32;
const COARSE: usize = 72;
const SLOPE: f64 = 0.2;
/// Share of a new batch in the running statistics.
const MOMENTUM: f64 = 0.1;
/// Logit before anything is learnt: damage is rare.
const PRIOR: f32 = -2.0;

/// A convolution and its batch norm.
#[derive(Module, Debug)]
struct Layer {
    conv: MapConv,
    norm: Norm,
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
            norm: Norm::new(outputs, MOMENTUM, device),
        }
    }

    fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x), Some(SLOPE), pass)
    }

    fn folded(&self) -> FixedConv {
        self.conv.folded(Some(&self.norm), Some(SLOPE))
    }
}

/// Views `[batch, channels + 1, h, w]` of pictures (see [`view`]) with `h` and `w` multiples of [`MULTIPLE`] to logits
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

impl Critic {
    /// A critic with fresh weights for pictures whose pixels have this mean and standard deviation.
    pub fn new(channels: usize, light: [f32; 2], rng: &mut impl Rng, device: &Device) -> Self {
        let fine = vec![
            Layer::new(channels + 1, STEM, 5, [2, 1], rng, device),
            Layer::new(STEM, FEATURES, 5, [2, 1], rng, device),
            Layer::new(FEATURES, FEATURES, 3, [1, 1], rng, device),
            Layer::new(FEATURES, FEATURES, 3, [1, 2], rng, device),
        ];
        let coarse = vec![
            Layer::new(FEATURES, COARSE, 3, [2, 1], rng, device),
            Layer::new(COARSE, COARSE, 3, [1, 2], rng, device),
            Layer::new(COARSE, COARSE, 3, [1, 4], rng, device),
        ];
        let shuffled = ConvShape { shuffle: true, ..ConvShape::default() };
        Self {
            join_fine: Layer::new(FEATURES, FEATURES, 1, [1, 1], rng, device),
            join_coarse: MapConv::new(COARSE, 4 * FEATURES, 1, shuffled, rng, device),
            last: MapConv::new(FEATURES, 1, 1, ConvShape::default(), rng, device).with_bias(PRIOR),
            light: Param::from_tensor(Tensor::from_floats(light, device)).set_require_grad(false),
            fine,
            coarse,
        }
    }

    /// One logit for every 4x4 pixels.
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let through = |x, layers: &[Layer], pass: &mut Pass<'_>| layers.iter().fold(x, |x, l| l.forward(x, pass));
        let fine = through(x, &self.fine, pass);
        let coarse = through(fine.clone(), &self.coarse, pass);
        let joined = self.join_fine.conv.forward(fine) + self.join_coarse.forward(coarse);
        self.last.forward(self.join_fine.norm.forward(joined, Some(SLOPE), pass))
    }

    /// Moves the running statistics towards what a training pass gathered.
    pub fn absorb(&mut self, stats: Vec<BatchStats>) {
        let layers = self.fine.iter_mut().chain(&mut self.coarse).chain([&mut self.join_fine]);
        absorb(layers.map(|l| &mut l.norm), stats);
    }

    /// Mean and standard deviation of the surface's pixels.
    ///
    /// # Errors
    /// When the device does not hand the values over.
    pub fn light(&self) -> Result<[f32; 2], WeightError> {
        let (_, values) = host(self.light.val().without_autodiff())?;
        Ok([values.first().copied().unwrap_or(0.0), values.get(1).copied().unwrap_or(1.0).max(1e-3)])
    }

    /// Its mean and standard deviation of the surface's pixels set anew.
    pub fn with_light(mut self, light: [f32; 2]) -> Self {
        self.light = replace(self.light, |old| Tensor::from_floats(light, &old.device()));
        self
    }
}

/// Pixels to every side that local contrast is measured over.
const NEAR: usize = 16;
/// Share of the surface's deviation below which local contrast counts as none.
const FLAT: f32 = 0.15;
/// Most that local contrast comes to.
const MOST: f32 = 3.0;

/// What a critic is shown of a picture of planes of `width * height` values: each plane as
/// `(x - mean) / (3 deviations)` of the whole surface, and one more as the same of its neighbourhood, so that a
/// dark place is seen as well as a bright one.
pub fn view(values: &[f32], width: usize, height: usize, light: [f32; 2]) -> Vec<f32> {
    let [mean, deviation] = light;
    if std::env::var_os("GS_LOCAL").is_none() { let mut shown: Vec<f32> = values.iter().map(|v| (v - mean) / (3.0 * deviation)).collect(); shown.extend(vec![0.0; width*height]); return shown; }
    let area = width * height;
    let channels = values.len() / area.max(1);
    let mut shown: Vec<f32> = values.iter().map(|v| (v - mean) / (3.0 * deviation)).collect();
    let grey: Vec<f32> = (0..area)
        .map(|i| (0..channels).map(|c| shown[c * area + i]).sum::<f32>() / channels.max(1) as f32)
        .collect();
    let squares: Vec<f32> = grey.iter().map(|v| v * v).collect();
    let (means, squares) = (box_mean(&grey, width, height, NEAR, None), box_mean(&squares, width, height, NEAR, None));
    // Of 3 deviations, as the planes are.
    let least = (FLAT / 3.0) * (FLAT / 3.0);
    shown.extend(grey.iter().zip(means).zip(squares).map(|((v, mean), square)| {
        let variance = (square - mean * mean).max(0.0) + least;
        ((v - mean) / (3.0 * variance.sqrt())).clamp(-MOST, MOST)
    }));
    shown
}

/// A critic that stands still: each batch norm is folded into the convolution before it.
#[derive(Clone, Debug)]
pub struct FixedCritic {
    fine: Vec<FixedConv>,
    coarse: Vec<FixedConv>,
    join_fine: FixedConv,
    join_coarse: FixedConv,
    last: FixedConv,
}

impl FixedCritic {
    /// `critic` as it is now.
    pub fn new(critic: &Critic) -> Self {
        // The sum of both joining maps goes through one norm, whose factor both take and whose offset one does.
        let (factor, _) = critic.join_fine.norm.affine();
        Self {
            fine: critic.fine.iter().map(Layer::folded).collect(),
            coarse: critic.coarse.iter().map(Layer::folded).collect(),
            join_fine: critic.join_fine.conv.folded(Some(&critic.join_fine.norm), None),
            join_coarse: critic.join_coarse.folded(None, None).scaled(&factor),
            last: critic.last.folded(None, None),
        }
    }

    /// One logit for every 4x4 pixels, and the [`FEATURES`] that it is made of.
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let through = |x, layers: &[FixedConv]| layers.iter().fold(x, |x, l| l.forward(x));
        let fine = through(x, &self.fine);
        let coarse = through(fine.clone(), &self.coarse);
        let joined = self.join_fine.forward(fine) + self.join_coarse.forward(coarse);
        let features = leaky_relu(joined, SLOPE);
        (self.last.forward(features.clone()), features)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn a_critic_that_stands_still_sees_the_same() {
        let device = Device::flex();
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut critic = Critic::new(1, [0.1, 0.3], &mut rng, &device);
        let mut picture = |n: usize, h: usize, w: usize| {
            let values: Vec<f32> = (0..n * 2 * h * w).map(|_| rng.random_range(-0.6..0.8)).collect();
            Tensor::<4>::from_data(TensorData::new(values, [n, 2, h, w]), &device)
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
        assert_eq!((got.dims(), features.dims()), ([1, 1, 10, 14], [1, FEATURES, 10, 14]));
        let off = (got - wanted.clone()).abs().max().into_scalar::<f32>();
        let most = (wanted + f64::from(-PRIOR)).abs().max().into_scalar::<f32>();
        assert!(most > 1e-3 && off < 1e-4 * most.max(1.0), "{off} at up to {most}");
    }

    #[test]
    fn local_contrast_is_seen_in_the_dark_as_in_the_light() {
        let (side, light) = (96, [0.0, 0.2]);
        // A line a tenth as deep where the surface is a tenth as bright, and a tenth as rough.
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let rough: Vec<f32> = (0..side * side).map(|_| rng.random_range(-1.0..1.0)).collect();
        let picture = |gain: f32| -> Vec<f32> {
            let line = |i: usize| if i % side == 48 { -2.0 } else { 0.0 };
            rough.iter().enumerate().map(|(i, v)| gain * 0.3 * (v + line(i)) + gain - 0.5).collect()
        };
        let line = |gain: f32| view(&picture(gain), side, side, light)[side * side + 48 * side + 48];
        assert!((line(1.0) - line(0.4)).abs() < 0.2 * line(1.0).abs(), "{} {}", line(1.0), line(0.4));
        assert!(view(&vec![0.3; 64], 8, 8, light)[64..].iter().all(|v| v.abs() < 1e-3));
    }

    #[test]
    fn a_logit_depends_on_no_more_than_its_reach() {
        let device = Device::flex();
        let critic = FixedCritic::new(&Critic::new(1, [0.0, 0.5], &mut ChaCha8Rng::seed_from_u64(5), &device));
        let side = 320;
        let at = |x: usize| {
            let mut values = vec![0.0f32; 2 * side * side];
            (0..side).for_each(|y| values[y * side + x] = 1.0);
            let picture = Tensor::<4>::from_data(TensorData::new(values, [1, 2, side, side]), &device);
            let logits = critic.forward(picture).0.into_data().try_into_vec::<f32>().unwrap();
            logits[40 * 80 + 40]
        };
        let still = at(0);
        assert_eq!(still, at(160 - REACH - 4));
        assert_ne!(still, at(160 - 40));
    }
}
